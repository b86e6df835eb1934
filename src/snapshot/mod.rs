//! What gather saw: everything a cycle's decisions rest on, and its file form.
//!
//! A snapshot and the same policies and configuration always give the same plan, byte for byte: so it also holds the
//! history, the pause and the clock check that the guard was given.

mod back;
mod file;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{AccountName, Cause, Completeness, CycleId, Foreign, History, Pause, Person, Role, Session, UserId};

pub use file::{SNAPSHOT_BYTES_MAX, SnapshotFault, from_bytes, to_bytes};

/// One account as one cycle saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Which account.
    pub account: AccountName,
    /// The cycle that gathered it.
    pub cycle: CycleId,
    /// The cycle's one *now*: Zendesk's `Date` of the last answer of the session listing.
    pub now: Timestamp,
    /// Whether conditions on time can be answered.
    pub clocks: Clocks,
    /// Whether the session listing is whole.
    pub listing: Completeness,
    /// The listed sessions, by id, each once.
    pub sessions: Vec<Session>,
    /// The people of those sessions, and the protected ones.
    pub people: BTreeMap<UserId, Person>,
    /// People whose record was asked for and not had, and why.
    pub unread: BTreeMap<UserId, Cause>,
    /// Who may not be touched.
    pub protected: Protected,
    /// The user that evictd itself signs in as.
    pub own: UserId,
    /// What was done before.
    pub history: History,
    /// The pause in force, if any.
    pub pause: Option<Pause>,
}

impl Snapshot {
    /// Whether everything that was asked for was read: the whole listing, and every record Zendesk did not refuse to have.
    pub fn is_complete(&self) -> bool {
        self.listing.is_complete() && !self.unread.values().any(|cause| *cause == Cause::Down)
    }

    /// Whether an admin who can sign in is protected: somebody has to be left who can undo a mistake.
    pub fn protects_admin(&self) -> bool {
        let can_mend = |person: &Person| {
            person.role == Some(Role::Admin) && person.deleted != Some(true) && person.suspended != Some(true)
        };
        self.protected.people.iter().any(|user| self.people.get(user).is_some_and(can_mend))
    }
}

/// How the clocks of host and Zendesk agreed while gathering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Zendesk's `Date` minus the host's wall clock.
    pub host_offset: SignedDuration,
    /// How far wall and monotonic clock parted meanwhile.
    pub drift: SignedDuration,
    /// Whether both are small enough, or the account says to ignore them.
    pub trusted: bool,
}

/// The people that no rule may touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected {
    /// Those that resolved.
    pub people: BTreeSet<UserId>,
    /// Entries of the configuration that matched nobody, or several.
    pub unresolved: Vec<Foreign>,
}
