//! What was done before: what belts with a memory are judged against.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Basis, Habit, Hold, Input};
use crate::model::{CycleId, RuleId, SessionId, Stratum, UserId};

/// What became of a request to end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Zendesk ended it.
    Revoked,
    /// It was gone before the request.
    AlreadyGone,
    /// Zendesk refused: credentials, scope, plan.
    Refused,
    /// No answer, and looking it up gave none either.
    Unclear,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &[Self] = &[Self::Revoked, Self::AlreadyGone, Self::Refused, Self::Unclear];

    /// The word in reports and the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::AlreadyGone => "already-gone",
            Self::Refused => "refused",
            Self::Unclear => "unclear",
        }
    }

    /// The outcome with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }

    /// Whether Zendesk said that the session is gone: 204, 404, or a look-up that did not find it.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Revoked | Self::AlreadyGone)
    }

    /// Whether a person may have lost a session by it: this is what windows count.
    pub fn counts_in_windows(self) -> bool {
        matches!(self, Self::Revoked | Self::Unclear)
    }
}

/// What the person's listing says right after, or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// The session is no longer listed.
    Ended,
    /// It is still listed.
    StillPresent,
    /// The listing could not be read whole.
    Unknown,
    /// The person opened another session soon after, and the same rule fires on it.
    CameBack,
}

impl Grade {
    /// Every grade.
    pub const ALL: &[Self] = &[Self::Ended, Self::StillPresent, Self::Unknown, Self::CameBack];

    /// The grade with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }

    /// The word in reports and the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::StillPresent => "still-present",
            Self::Unknown => "unknown",
            Self::CameBack => "came-back",
        }
    }
}

/// One session that a rule's intention reached, as the trail tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub session: SessionId,
    /// Its person.
    pub user: UserId,
    /// The person's stratum then.
    pub stratum: Stratum,
    /// The rules whose claims were cleared.
    pub rules: Vec<RuleId>,
    /// When, on Zendesk's clock.
    pub at: Timestamp,
    /// What became of it; an intent without an outcome is unclear.
    pub outcome: Outcome,
    /// The cycle that did it; none of a record without one.
    pub cycle: Option<CycleId>,
    /// Of these rules, those whose claim went although there were too many.
    pub core: Vec<RuleId>,
    /// Of these rules, those that fired again on a session that the person opened soon after.
    pub came_back: Vec<RuleId>,
}

/// Whoever lost a session is watched for this long: who opens another one and breaks the same rule came back.
const WATCHED: SignedDuration = SignedDuration::from_mins(15);

impl Ended {
    /// Whether evictd ended it, so that its person is watched.
    pub fn is_watched(&self) -> bool {
        self.outcome == Outcome::Revoked
    }

    /// Until when its person is watched.
    pub fn watched_until(&self) -> Timestamp {
        self.at.checked_add(WATCHED).unwrap_or(Timestamp::MAX)
    }
}

/// What a rule rests on, as the last complete cycle told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Digests of what it rests on.
    pub basis: Basis,
    /// The *now* of the first complete cycle that the trail still tells of and from which on it was the same.
    pub since: Timestamp,
    /// What changed then; empty if it is not known to have been otherwise.
    pub changed: Vec<Input>,
}

/// How many people each stratum has.
pub type Roster = BTreeMap<Stratum, usize>;

/// What guard remembers; derived from the trail at start, never from state that can be lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Everything of the last 24 hours, oldest first.
    pub ended: Vec<Ended>,
    /// People with sessions in the last complete sweep.
    pub roster: Option<Roster>,
    /// What rules rest on.
    pub rests: BTreeMap<RuleId, Rest>,
    /// What rules usually do, each stratum apart: remembered, and not told by the trail.
    pub habits: BTreeMap<(RuleId, Stratum), Habit>,
    /// Holds that last.
    pub holds: Vec<Hold>,
}

/// A pause in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// It ends then; `None` for a pause file that cannot be read, which has no end.
    pub until: Option<Timestamp>,
}
