//! What offboarding lists say of people, and how each list stands in one cycle.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Cause;

/// A person stands on an offboarding list that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The list's name in the configuration.
    pub list: Arc<str>,
    /// From when on they have left: as the list says, else the cycle that first saw the row. It may lie ahead.
    pub since: Timestamp,
    /// The cycle that read the file. The file's own age is its list's standing, not the row's.
    pub as_of: Timestamp,
}

impl Listed {
    /// Whether they have left at this instant.
    pub fn has_left(&self, now: Timestamp) -> bool {
        self.since <= now
    }
}

/// How an offboarding list stands. Rows are counted, never named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListStanding {
    /// SHA-256 of the file that is in force, hexadecimal; none if no file ever was.
    pub digest: Option<String>,
    /// Rows of that file, duplicates folded.
    pub rows: usize,
    /// Of these, rows that wait for `offboard accept` and are no sign until then.
    pub pending: usize,
    /// Of the rest, rows of which Zendesk said that they match nobody.
    pub unmatched: usize,
    /// Of the rest, rows that match several people.
    pub ambiguous: usize,
    /// Of the rest, rows that Zendesk has not been asked about yet.
    pub unasked: usize,
    /// Rows of the file as it is now that could not be read.
    pub unreadable: usize,
    /// The first of them: line and fault, nothing of their text.
    pub faults: Vec<String>,
    /// Why the sign is unknown for everybody; none while the list can be used.
    pub unknown: Option<ListTrouble>,
    /// Whose acceptance let rows of this file in, in this cycle.
    pub accepted_by: Option<String>,
    /// What is different from the trail's last record about the list, if anything.
    pub change: Option<ListChange>,
}

/// Why a list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTrouble {
    /// The cause of everybody's unknown sign.
    pub cause: Cause,
    /// In words that stay the same while the trouble does, and name nobody.
    pub why: String,
    /// What to do, if anything plain helps.
    pub help: Option<String>,
}

/// How a list changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListChange {
    /// Rows that it has and its predecessor had not.
    pub added: usize,
    /// Rows that its predecessor had and it has not.
    pub removed: usize,
}
