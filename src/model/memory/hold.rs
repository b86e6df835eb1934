//! Holds: people whom a rule would reach and a belt withheld, kept for a human to release or to discard.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Mode, RuleId, Stratum, UserId};

/// A hold is over after this long, whatever became of it (design §6).
pub const HOLD_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// One hold; there is one for an account, rule and belt at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The number of the record that opened it.
    pub id: u64,
    /// The rule whose claims it holds.
    pub rule: RuleId,
    /// The word of the belt that withheld them.
    pub belt: String,
    /// How many people the belt lets through, if it counts people.
    pub limit: Option<u64>,
    /// How many there were.
    pub count: Option<u64>,
    /// The rule's mode then: what only reports is held as it would be, and asks nobody.
    pub mode: Mode,
    /// When it was opened, on Zendesk's clock.
    pub opened_at: Timestamp,
    /// Whom it holds.
    pub people: BTreeMap<UserId, Stratum>,
    /// What became of it.
    pub state: HoldState,
}

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldState {
    /// It waits for a human.
    Open,
    /// A human let it go: its belt does not count these people in the next complete cycle.
    Released,
    /// A human said no: these people stay, while it lasts.
    Discarded,
}

impl HoldState {
    /// Every state.
    pub const ALL: &[Self] = &[Self::Open, Self::Released, Self::Discarded];

    /// The word in reports and snapshots.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Released => "released",
            Self::Discarded => "discarded",
        }
    }

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

impl Hold {
    /// When it is over.
    pub fn expires_at(&self) -> Timestamp {
        self.opened_at.checked_add(HOLD_LASTS).unwrap_or(Timestamp::MAX)
    }

    /// Whether its time is not over.
    pub fn lasts(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }
}
