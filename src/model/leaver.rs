//! What offboarding lists say: whom they name, and whether a list can be believed at all.

use jiff::Timestamp;

use super::Cause;

/// One person on one offboarding list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The list's name in the configuration.
    pub list: String,
    /// They have left from then on; none if the row does not say, which means at once.
    pub since: Option<Timestamp>,
    /// When the list said so: the file's last change.
    pub as_of: Timestamp,
}

/// How an offboarding list stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListStanding {
    /// Rows of the file.
    pub rows: usize,
    /// Of these, rows that wait for `offboard accept`.
    pub pending: usize,
    /// Of these, rows that match nobody in Zendesk.
    pub unmatched: usize,
    /// Of these, rows that match several people.
    pub ambiguous: usize,
    /// Of these, rows that Zendesk was not asked about yet.
    pub unasked: usize,
    /// Rows that could not be read.
    pub unreadable: usize,
    /// Why nobody can say who is on it, if so, and in words.
    pub unknown: Option<(Cause, String)>,
}
