//! What became of a revocation: the fate of each cleared session, the grade its person's listing gives it, and who came
//! back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::evidence::Dossier;
use crate::guard::Held;
use crate::model::{Completeness, Ended, Exposure, Grade, Outcome, RuleId, Session, SessionId, Strength, UserId};
use crate::plan::Plan;
use crate::policy::PolicySet;

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

/// Somebody who lost a session, opened another one soon after, and breaks the same rule with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Return {
    /// The session that was ended.
    pub session: SessionId,
    /// The person.
    pub user: UserId,
    /// The rule that fires on both.
    pub rule: RuleId,
    /// The new session: the first of them.
    pub new: SessionId,
    /// From the end of the one to the opening of the other.
    pub after: SignedDuration,
}

/// Who came back, as far as that was not told before. While clocks disagree nobody can say what was opened after what.
pub fn returns(plan: &Plan, policies: &PolicySet, dossier: &Dossier<'_>) -> Vec<Return> {
    let snapshot = dossier.snapshot();
    if !snapshot.clocks.trusted {
        return Vec::new();
    }
    let watched = snapshot.history.ended.iter().filter(|ended| ended.is_watched());
    let mut returns: Vec<Return> = watched.flat_map(|ended| returns_of(ended, plan, policies, dossier)).collect();
    returns.sort();
    returns.dedup();
    returns
}

fn returns_of(ended: &Ended, plan: &Plan, policies: &PolicySet, dossier: &Dossier<'_>) -> Vec<Return> {
    let mut firsts: BTreeMap<&RuleId, (SignedDuration, SessionId)> = BTreeMap::new();
    for intention in plan.intentions.iter().filter(|intention| intention.user == ended.user) {
        let session = dossier.get(intention.place).map(|evidence| evidence.session);
        let opened = session.and_then(|session| session.authenticated_at).map(crate::model::Moment::at);
        let Some(opened) = opened.filter(|opened| *opened > ended.at && *opened <= ended.watched_until()) else {
            continue;
        };
        let found = (ended.at.duration_until(opened), intention.session);
        for claim in intention.claims.iter().filter(|claim| claim.strength != Strength::Hearsay) {
            let Some(rule) = policies.rules.get(claim.rule).map(|rule| &rule.id) else { continue };
            if ended.rules.contains(rule) && !ended.came_back.contains(rule) {
                let first = firsts.entry(rule).or_insert(found);
                *first = found.min(*first);
            }
        }
    }
    let of_rule = |(rule, (after, new)): (&RuleId, (SignedDuration, SessionId))| Return {
        session: ended.session,
        user: ended.user,
        rule: rule.clone(),
        new,
        after,
    };
    firsts.into_iter().map(of_rule).collect()
}

/// So many people who come back make a rule whose evictions are undone, or half of those it reached.
const RETURNS_MANY: usize = 3;

/// Rules whose people keep coming back, in lines that name nobody.
pub fn undone(returns: &[Return], dossier: &Dossier<'_>) -> Vec<String> {
    let snapshot = dossier.snapshot();
    let mut people: BTreeMap<&RuleId, (BTreeSet<UserId>, BTreeSet<UserId>)> = BTreeMap::new();
    let day = SignedDuration::from_hours(24);
    let is_recent = |ended: &&Ended| ended.is_watched() && ended.at.duration_until(snapshot.now) <= day;
    for ended in snapshot.history.ended.iter().filter(is_recent) {
        for rule in &ended.rules {
            let (out, back) = people.entry(rule).or_default();
            out.insert(ended.user);
            let is_now = |one: &Return| one.session == ended.session && one.rule == *rule;
            if ended.came_back.contains(rule) || returns.iter().any(is_now) {
                back.insert(ended.user);
            }
        }
    }
    let keeps = |(_, (out, back)): &(&RuleId, (BTreeSet<UserId>, BTreeSet<UserId>))| {
        !back.is_empty() && (back.len() >= RETURNS_MANY || back.len().saturating_mul(2) >= out.len())
    };
    let line = |(rule, (out, back)): (&RuleId, (BTreeSet<UserId>, BTreeSet<UserId>))| {
        format!(
            "rule `{rule}`: {} of the {} people whose sessions it ended in 24 hours came back and broke it again: single \
             sign-on gives a new session silently: end the session at the identity provider too",
            back.len(),
            out.len()
        )
    };
    people.into_iter().filter(keeps).map(line).collect()
}
