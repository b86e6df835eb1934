//! What became of a revocation: the fate of each cleared session, and the grade its person's listing gives it.

use crate::guard::Held;
use crate::model::{Completeness, Exposure, Grade, Outcome, RuleId, Session, SessionId, UserId};

/// What became of one session that the guard had cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The session.
    pub session: SessionId,
    /// Its person.
    pub user: UserId,
    /// What became of the request; none if every claim was kept back.
    pub outcome: Option<Outcome>,
    /// What Zendesk or the network said, where it was not plain.
    pub detail: Option<String>,
    /// Claims that were kept back after all.
    pub kept: Vec<Kept>,
    /// What the person's listing said afterwards.
    pub grade: Option<Grade>,
    /// How long it could be used where a rule will not have it, if it ended and places tell.
    pub exposure: Option<Exposure>,
}

/// A claim that the guard had cleared and that was kept back after all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The rule.
    pub rule: RuleId,
    /// By what.
    pub held: Held,
    /// Why, in words.
    pub why: String,
}

impl Fate {
    /// Nothing has become of it yet.
    pub fn of(session: SessionId, user: UserId) -> Self {
        Self { session, user, outcome: None, detail: None, kept: Vec::new(), grade: None, exposure: None }
    }
}

/// A session that is listed is still present, however the listing ended; one that is not has ended only if the
/// listing is whole.
pub fn grade(session: SessionId, listed: &[Session], completeness: &Completeness) -> Grade {
    if listed.iter().any(|row| row.id == session) {
        Grade::StillPresent
    } else if completeness.is_complete() {
        Grade::Ended
    } else {
        Grade::Unknown
    }
}
