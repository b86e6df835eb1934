//! Judging: a policy set asks the evidence of every session, and claims and verdicts come out.
//!
//! Pure and order-free: neither the order of rules nor that of sessions changes an answer. What is to be done about a
//! claim is not decided here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::address::Lists;
use crate::evidence::{Dossier, Evidence};
use crate::facts::Witness;
use crate::model::{Answer, Cause, Causes, Mode, RuleId, SessionId, Strength, UserId};
use crate::policy::{Case, Expect, PolicySet, Rule};

/// How many sessions stand as examples of what a rule could not decide.
pub const EXAMPLES_MAX: usize = 5;

/// What one rule comes to on one session; a rule that answers no makes no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It holds, this surely.
    Fired(Strength),
    /// It holds, and the exception at this place of the set spares it.
    Spared(usize),
    /// It holds, and the exception at this place cannot tell: that spares too.
    SparedByUnknown(usize),
    /// It cannot be told.
    Undecided(Causes),
}

/// What a session comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A claim fired, not by hearsay, and nothing spares it.
    Revoke,
    /// Every claim that fired is spared.
    Spare,
    /// No claim fired but by hearsay, and some cannot be told.
    Undecided,
    /// No rule has anything against it.
    Keep,
}

/// What all rules come to on all sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judgement {
    /// Claims that fired, spared or not: place in the dossier, place of the rule, claim. In order of both.
    pub fired: Vec<(usize, usize, Claim)>,
    /// By place of the rule.
    pub tallies: Vec<Tally>,
    /// How many sessions came to each verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
}

/// What one rule came to on all sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Sessions it fires on.
    pub fired: usize,
    /// Of these, spared by an exception that says yes.
    pub spared: usize,
    /// Of these, spared by an exception that cannot tell.
    pub spared_by_unknown: usize,
    /// Sessions it cannot decide.
    pub undecided: usize,
    /// Why it cannot; a session may have several causes.
    pub causes: BTreeMap<Cause, Unsettled>,
}

/// What a rule could not decide for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unsettled {
    /// Sessions.
    pub sessions: usize,
    /// People; sessions without one are not counted.
    pub people: usize,
    /// The first few of them.
    pub examples: Vec<SessionId>,
    last: Option<UserId>,
}

/// Judges every session of the dossier by every rule that is not off.
pub fn evaluate(dossier: &Dossier<'_>, policies: &PolicySet) -> Judgement {
    let mut judgement = Judgement { tallies: vec![Tally::default(); policies.rules.len()], ..Judgement::default() };
    let Judgement { fired, tallies, verdicts } = &mut judgement;
    for (place, evidence) in dossier.iter().enumerate() {
        let mut verdict = if evidence.session.user.is_some() { Verdict::Keep } else { Verdict::Undecided };
        for ((number, rule), tally) in policies.rules.iter().enumerate().zip(tallies.iter_mut()) {
            let Some(claim) = claim_of(rule, policies, &evidence) else { continue };
            verdict = verdict.min(claim.verdict());
            tally.count(claim, &evidence);
            if !matches!(claim, Claim::Undecided(_)) {
                fired.push((place, number, claim));
            }
        }
        *verdicts.entry(verdict).or_insert(0) += 1;
    }
    judgement
}

/// What one rule comes to on one session; none if it is off or answers no.
pub fn claim_of(rule: &Rule, policies: &PolicySet, evidence: &Evidence<'_>) -> Option<Claim> {
    if rule.mode == Mode::Off {
        return None;
    }
    if evidence.session.user.is_none() {
        return Some(Claim::Undecided(Cause::NoUser.into()));
    }
    let at = if evidence.clocks_trusted { At::Instant(evidence.now) } else { At::Unknown };
    let claim = if evidence.is_in_question() {
        evidence.ways().filter_map(|way| judge(rule, policies, &way, at)).max_by_key(Claim::weight)
    } else {
        judge(rule, policies, evidence, at)
    };
    match claim {
        Some(Claim::Undecided(_)) if fires_by_hearsay(rule, policies, evidence, at) => {
            Some(Claim::Fired(Strength::Hearsay))
        }
        claim => claim,
    }
}

/// Whether a rule that cannot be decided would fire if hearsay were true. What spares is asked without it: hearsay neither
/// makes a spare nor lifts one, and where one would spare, or might, the claim stays undecided.
fn fires_by_hearsay(rule: &Rule, policies: &PolicySet, evidence: &Evidence<'_>, at: At) -> bool {
    evidence.ways().any(|way| {
        let answer = way.hearing().map(|hearing| rule.when.answer(&hearing));
        answer == Some(Answer::Yes(Strength::Hearsay)) && spare_of(rule, policies, &way, at).is_err()
    })
}

/// The instant that exceptions are judged by.
#[derive(Debug, Clone, Copy)]
enum At {
    /// This one.
    Instant(Timestamp),
    /// Clocks disagree: no exception can be said to have expired.
    Unknown,
}

fn judge(rule: &Rule, policies: &PolicySet, witness: &dyn Witness, at: At) -> Option<Claim> {
    match rule.when.answer(witness) {
        Answer::No(_) => None,
        Answer::Unknown(causes) => Some(Claim::Undecided(causes)),
        // INVARIANT 5 (tests/it/reference/invariants.rs): what may have been forgotten makes no claim fire.
        Answer::Yes(Strength::Assumed) => Some(Claim::Undecided(Cause::Learning.into())),
        Answer::Yes(strength) => Some(match spare_of(rule, policies, witness, at) {
            Ok(spared) => spared,
            Err(unspared) => Claim::Fired(strength.min(unspared)),
        }),
    }
}

/// What spares it; else how surely nothing does.
fn spare_of(rule: &Rule, policies: &PolicySet, witness: &dyn Witness, at: At) -> Result<Claim, Strength> {
    let mut doubtful = None;
    let mut surely = Strength::Exact;
    for (place, exception) in policies.exceptions.iter().enumerate() {
        let is_over = match at {
            At::Instant(now) => !exception.is_in_force(now),
            At::Unknown => false,
        };
        if is_over || !exception.covers(&rule.id) {
            continue;
        }
        match exception.when.answer(witness) {
            // INVARIANT 5: nor does it lift a spare.
            Answer::Unknown(_) | Answer::Yes(Strength::Assumed) | Answer::No(Strength::Assumed) => {
                doubtful = doubtful.or(Some(Claim::SparedByUnknown(place)));
            }
            Answer::Yes(_) => return Ok(Claim::Spared(place)),
            Answer::No(strength) => surely = surely.min(strength),
        }
    }
    doubtful.ok_or(surely)
}

/// What a case's own rule comes to; a rule that is off is judged as if it were not.
pub fn claim_of_case(case: &Case, rule: &Rule, policies: &PolicySet, lists: &Lists) -> Option<Claim> {
    judge(rule, policies, &case.given.witness(lists), case.now.map_or(At::Unknown, At::Instant))
}

/// The same, in the words of cases.
pub fn verdict_of_case(case: &Case, rule: &Rule, policies: &PolicySet, lists: &Lists) -> Expect {
    claim_of_case(case, rule, policies, lists).map_or(Expect::Keep, |claim| match claim {
        Claim::Fired(_) => Expect::Revoke,
        Claim::Spared(_) | Claim::SparedByUnknown(_) => Expect::Spare,
        Claim::Undecided(_) => Expect::Undecided,
    })
}

/// The rules of the whole set that fire, unspared, on the facts a case states.
pub fn fires_in_case(case: &Case, policies: &PolicySet, lists: &Lists) -> Vec<RuleId> {
    let fires = |rule: &&Rule| verdict_of_case(case, rule, policies, lists) == Expect::Revoke;
    policies.rules.iter().filter(|rule| rule.mode != Mode::Off).filter(fires).map(|rule| rule.id.clone()).collect()
}

impl Claim {
    /// Of claims that differ by which sign-in is taken for the session's own, the heaviest counts.
    fn weight(&self) -> (u8, Option<Strength>) {
        match self {
            Self::Fired(strength) => (3, Some(*strength)),
            Self::Undecided(_) => (2, None),
            Self::SparedByUnknown(_) => (1, None),
            Self::Spared(_) => (0, None),
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Undecided(_) | Self::Fired(Strength::Hearsay) => Verdict::Undecided,
            Self::Fired(_) => Verdict::Revoke,
            Self::Spared(_) | Self::SparedByUnknown(_) => Verdict::Spare,
        }
    }
}

impl Tally {
    fn count(&mut self, claim: Claim, evidence: &Evidence<'_>) {
        match claim {
            Claim::Fired(_) => self.fired += 1,
            Claim::Spared(_) => {
                self.fired += 1;
                self.spared += 1;
            }
            Claim::SparedByUnknown(_) => {
                self.fired += 1;
                self.spared_by_unknown += 1;
            }
            Claim::Undecided(causes) => {
                self.undecided += 1;
                for cause in causes.iter() {
                    self.causes.entry(cause).or_default().count(evidence);
                }
            }
        }
    }
}

impl Unsettled {
    /// Sessions come in order of person, so a person is new if it is not the last one's.
    fn count(&mut self, evidence: &Evidence<'_>) {
        self.sessions += 1;
        if evidence.session.user.is_some() && self.last != evidence.session.user {
            self.people += 1;
            self.last = evidence.session.user;
        }
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(evidence.session.id);
        }
    }
}
