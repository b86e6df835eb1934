//! The plan: what would be done if nothing held it back. The same bytes in a dry run and in an enforcing cycle.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::evaluate::{Claim, Judgement};
use crate::evidence::{Dossier, Evidence};
use crate::facts::{FactSpec, Reading};
use crate::model::{Action, Mode, SessionId, Severity, Source, Stratum, Strength, UserId};
use crate::policy::{Ground, OnAmbiguous, PolicySet, Rule};

/// Everything that should go, by severity (highest first), person and session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The intentions, in the order of report and execution.
    pub intentions: Vec<Intention>,
    /// The account's mode.
    pub mode: Mode,
}

/// One session that should go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intention {
    /// The session.
    pub session: SessionId,
    /// Its person.
    pub user: UserId,
    /// The person's stratum.
    pub stratum: Stratum,
    /// Its place in the dossier.
    pub place: usize,
    /// The highest severity of its claims, without those by hearsay: whoever forges it puts nothing before anything else.
    pub severity: Severity,
    /// The claims that fired on it unspared, by place of the rule.
    pub claims: Vec<Planned>,
}

/// One claim of an intention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Place of the rule in its set.
    pub rule: usize,
    /// The lower of the account's and the rule's mode.
    pub mode: Mode,
    /// What the rule asks for.
    pub action: Action,
    /// How surely it holds.
    pub strength: Strength,
    /// When the oldest listing, offboarding list or log was read that it rests on; the read-back before acting does not
    /// renew that.
    pub listed: Option<Timestamp>,
}

/// Draws up the plan of an account in this mode.
pub fn plan(dossier: &Dossier<'_>, policies: &PolicySet, judgement: &Judgement, mode: Mode) -> Plan {
    let mut intentions = Vec::new();
    let several = of_several(dossier, policies, judgement);
    for claims in judgement.fired.chunk_by(|left, right| left.0 == right.0) {
        let unspared = claims.iter().filter_map(|(place, rule, claim)| match claim {
            Claim::Fired(strength) => Some((*place, *rule, policies.rules.get(*rule)?, *strength)),
            _ => None,
        });
        intentions.extend(intention(dossier, unspared, mode, &several));
    }
    intentions.sort_by_key(|one| (Reverse(one.severity), one.user, one.session));
    Plan { intentions, mode }
}

fn intention<'p>(
    dossier: &Dossier<'_>,
    claims: impl Iterator<Item = (usize, usize, &'p Rule, Strength)>,
    mode: Mode,
    several: &BTreeSet<(UserId, usize)>,
) -> Option<Intention> {
    let mut severity = Severity::Info;
    let mut place = None;
    let mut planned = Vec::new();
    for (at, rule, law, strength) in claims {
        if law.mode.min(mode) == Mode::Off {
            continue;
        }
        if strength != Strength::Hearsay {
            severity = severity.max(law.severity);
        }
        place = Some(at);
        let listed = may_rest_on_listing(law).then(|| oldest_listing(dossier, at, law)).flatten();
        let user = dossier.get(at)?.session.user?;
        let is_wide = is_weak(law, strength, OnAmbiguous::RevokeUser) && several.contains(&(user, rule));
        let action = if is_wide { Action::RevokeUser } else { law.action };
        planned.push(Planned { rule, mode: law.mode.min(mode), action, strength, listed });
    }
    let place = place?;
    let evidence = dossier.get(place)?;
    Some(Intention {
        session: evidence.session.id,
        user: evidence.session.user?,
        stratum: evidence.stratum(),
        place,
        severity,
        claims: planned,
    })
}

/// Whether a claim is weaker than its rule asks for, and the rule has this way with such. Hearsay is no matter of which
/// session is meant: it is always withheld, and widens nothing.
pub fn is_weak(rule: &Rule, strength: Strength, way: OnAmbiguous) -> bool {
    strength != Strength::Hearsay && strength < rule.match_min && rule.on_ambiguous == way
}

/// People of whom several sessions could be the one that a rule means, if it wants all of theirs then. That only one could
/// be is no reason to end others.
fn of_several(dossier: &Dossier<'_>, policies: &PolicySet, judgement: &Judgement) -> BTreeSet<(UserId, usize)> {
    let (mut once, mut several) = (BTreeSet::new(), BTreeSet::new());
    for (place, rule, claim) in &judgement.fired {
        let Claim::Fired(strength) = claim else { continue };
        let is_meant = policies.rules.get(*rule).is_some_and(|law| is_weak(law, *strength, OnAmbiguous::RevokeUser));
        if let Some(user) = dossier.get(*place).filter(|_| is_meant).and_then(|evidence| evidence.session.user)
            && !once.insert((user, *rule))
        {
            several.insert((user, *rule));
        }
    }
    several
}

fn may_rest_on_listing(rule: &Rule) -> bool {
    // What a derived fact rests on is only seen in its grounds, and what memory dates a list may date earlier.
    let may = |fact: &FactSpec| {
        is_listing(fact.source) || fact.source == Source::Memory || matches!(fact.reading, Reading::Derived(_))
    };
    rule.when.lines().iter().any(|line| may(line.fact))
}

fn is_listing(source: Source) -> bool {
    matches!(source, Source::Listing | Source::List | Source::SignIn | Source::Sighting)
}

fn oldest_listing(dossier: &Dossier<'_>, place: usize, rule: &Rule) -> Option<Timestamp> {
    let grounds = grounds_in(&dossier.get(place)?, rule);
    grounds.iter().filter(|ground| is_listing(ground.source)).map(|ground| ground.as_of).min()
}

/// The facts a claim rests on.
pub fn grounds_of(dossier: &Dossier<'_>, policies: &PolicySet, place: usize, rule: usize) -> Vec<Ground> {
    match (dossier.get(place), policies.rules.get(rule)) {
        (Some(evidence), Some(rule)) => grounds_in(&evidence, rule),
        _ => Vec::new(),
    }
}

/// The same of evidence at hand: of several ways in which it holds, the first; by hearsay, if in none without.
pub fn grounds_in(evidence: &Evidence<'_>, rule: &Rule) -> Vec<Ground> {
    let ways = evidence.ways().chain(evidence.ways().filter_map(|way| way.hearing()));
    // INVARIANT 5: no claim rests on what is assumed.
    let is_claim = |grounds: &Vec<Ground>| {
        !grounds.is_empty() && grounds.iter().all(|ground| ground.strength != Strength::Assumed)
    };
    ways.map(|way| rule.when.grounds(&way)).find(is_claim).unwrap_or_default()
}
