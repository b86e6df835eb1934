//! `Cleared`: the permission to end sessions. Made here, spent by `enforce`, and by nobody else.

use std::collections::BTreeSet;

use super::Held;
use crate::model::{Action, Mode, SessionId, Stratum, UserId};
use crate::plan::{Intention, Plan, Planned};

/// Permission to end one session, or every session of one person. It cannot be copied, and spending consumes it.
#[derive(Debug)]
#[must_use = "what is cleared must be spent or said to be withheld"]
pub struct Cleared {
    user: UserId,
    stratum: Stratum,
    sessions: Vec<ClearedSession>,
}

/// One session of a [`Cleared`], and the claims it was cleared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearedSession {
    /// The session.
    pub session: SessionId,
    /// Its place in the dossier.
    pub place: usize,
    /// The claims that are clear and enforcing.
    pub claims: Vec<Planned>,
    /// Of these, places of the rules whose claims go although there are too many.
    pub core: Vec<usize>,
}

impl Cleared {
    /// Whose sessions they are.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The person's stratum.
    pub fn stratum(&self) -> Stratum {
        self.stratum
    }

    /// Spends the permission: whoever takes the sessions out has to end them or say why not.
    pub fn spend(self) -> Vec<ClearedSession> {
        self.sessions
    }
}

impl ClearedSession {
    /// The widest action among these claims.
    pub fn action(&self) -> Option<Action> {
        self.claims.iter().map(|claim| claim.action).max()
    }
}

/// Clears the intentions with a claim that is clear and enforcing. A person who is to lose every session comes once,
/// at the place of the first of them, and swallows the others.
pub(super) fn clear(plan: &Plan, held: &[Vec<Option<Held>>], core: &BTreeSet<(usize, UserId)>) -> Vec<Cleared> {
    let sessions: Vec<(&Intention, ClearedSession)> = plan
        .intentions
        .iter()
        .zip(held)
        .filter_map(|(intention, held)| Some((intention, clear_claims(intention, held, core)?)))
        .collect();
    let mut cleared: Vec<Cleared> = Vec::new();
    for (intention, session) in &sessions {
        let wide = |one: &ClearedSession| one.action() == Some(Action::RevokeUser);
        let same_person = || sessions.iter().filter(|(other, _)| other.user == intention.user);
        let swallows = same_person().any(|(_, other)| wide(other));
        let together = if swallows {
            if cleared.iter().any(|earlier| earlier.user == intention.user) {
                continue;
            }
            same_person().map(|(_, other)| other.clone()).collect()
        } else {
            vec![session.clone()]
        };
        cleared.push(Cleared { user: intention.user, stratum: intention.stratum, sessions: together });
    }
    cleared
}

fn clear_claims(
    intention: &Intention,
    held: &[Option<Held>],
    core: &BTreeSet<(usize, UserId)>,
) -> Option<ClearedSession> {
    let claims: Vec<Planned> = intention
        .claims
        .iter()
        .zip(held)
        .filter(|(claim, held)| held.is_none() && claim.mode == Mode::Enforce)
        .map(|(claim, _)| claim.clone())
        .collect();
    let core = claims.iter().map(|claim| claim.rule).filter(|rule| core.contains(&(*rule, intention.user))).collect();
    let session = ClearedSession { session: intention.session, place: intention.place, claims, core };
    (!session.claims.is_empty()).then_some(session)
}
