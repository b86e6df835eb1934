//! What cycles remember, kept from one run to the next: one trait, keyed by account, with a file behind it and a twin.
//!
//! State is a cache of what was seen. Losing it costs learning, never safety: whatever belts and levers need is derived
//! from the trail, so a broken file is set aside and a new one begun, loudly. Plain synchronous types: whoever is async
//! calls them in one blocking batch. What is worth remembering is decided elsewhere; here it is stored as given.
//!
//! Every implementation passes the suite in `conformance`; one more database needs no more than that.

#[cfg(test)]
mod conformance;
mod sqlite;
mod trouble;
mod twin;

use crate::model::{AccountName, Lesson, Memory};

pub use sqlite::{STATE_FILE, Sqlite, set_aside};
pub use trouble::StateTrouble;
pub use twin::StateTwin;

/// Where the memory of accounts is kept.
pub trait State: Send {
    /// Everything remembered of this account; nothing if it is not known.
    fn load(&self, account: &AccountName) -> Result<Memory, StateTrouble>;

    /// Takes in what a cycle adds, all of it or nothing: whoever loads afterwards has what [`Memory::learn`] would have
    /// made of the memory before.
    fn save(&mut self, account: &AccountName, lesson: &Lesson) -> Result<(), StateTrouble>;
}
