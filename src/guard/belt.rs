//! Belts that look at one person or session: hearsay, own user, protected, pause, just revoked, evidence age.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Circumstances, Standing, hold};
use crate::model::{Severity, Strength, UserId};
use crate::plan::{Intention, Planned, is_weak};
use crate::policy::OnAmbiguous;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A limit that holds claims back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belt {
    /// Nothing but ticket audits tells what the claim rests on, and they can be forged.
    Hearsay,
    /// The session belongs to the user that evictd itself signs in as.
    OwnUser,
    /// The configuration names the person as protected.
    Protected,
    /// Somebody paused the account.
    Pause,
    /// Clocks disagree, so that no window can be told.
    Clock,
    /// Zendesk answered lately that this session is gone.
    JustRevoked,
    /// The person comes back again and again, and the rule is not severe.
    Loop,
    /// A fact it rests on is too old, or the person's record could not be read.
    EvidenceAge,
    /// It may be another session of the person that the rule means, and the rule says to wait then.
    Ambiguous,
    /// More people than one rule may reach in a cycle.
    PeoplePerRule,
    /// More people than one rule may reach in an hour.
    PeoplePerRuleAndHour,
    /// More people than one rule may reach in 24 hours.
    PeoplePerRuleAndDay,
    /// More new people at once than the rule usually has.
    Jump,
    /// More people than all rules together may reach in an hour.
    RosterPerHour,
    /// More people than all rules together may reach in 24 hours.
    RosterPerDay,
    /// Read again right before acting, the claim no longer stood.
    ReadBack,
    /// Zendesk did not answer when it was to be read again right before acting.
    Unreachable,
    /// The process was asked to stop before it came to it.
    Stopping,
}

/// The belt that holds a claim, and what it counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub belt: Belt,
    /// How many people it lets through, if it counts people.
    pub limit: Option<u64>,
    /// How many there are.
    pub count: Option<u64>,
}

impl Belt {
    /// Every belt, in the order in which they are judged.
    pub const ALL: &[Self] = &[
        Self::Hearsay,
        Self::OwnUser,
        Self::Protected,
        Self::Pause,
        Self::Clock,
        Self::JustRevoked,
        Self::Loop,
        Self::EvidenceAge,
        Self::Ambiguous,
        Self::PeoplePerRule,
        Self::PeoplePerRuleAndHour,
        Self::PeoplePerRuleAndDay,
        Self::Jump,
        Self::RosterPerHour,
        Self::RosterPerDay,
        Self::ReadBack,
        Self::Unreachable,
        Self::Stopping,
    ];

    /// The word in reports and the trail; where a configuration key sets its limit, that key.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hearsay => "hearsay",
            Self::OwnUser => "own-user",
            Self::Protected => "protected",
            Self::Pause => "pause",
            Self::Clock => "clock",
            Self::JustRevoked => "just-revoked",
            Self::Loop => "loop",
            Self::EvidenceAge => "evidence-age",
            Self::Ambiguous => "ambiguous",
            Self::PeoplePerRule => "people-per-rule",
            Self::PeoplePerRuleAndHour => "people-per-rule-and-hour",
            Self::PeoplePerRuleAndDay => "people-per-rule-and-day",
            Self::Jump => "jump",
            Self::RosterPerHour => "roster-part-per-hour",
            Self::RosterPerDay => "roster-part-per-day",
            Self::ReadBack => "read-back",
            Self::Unreachable => "unreachable",
            Self::Stopping => "stopping",
        }
    }

    /// The belt with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|belt| belt.word() == word)
    }

    /// Why it holds, in a few words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Hearsay => "told by ticket audits alone",
            Self::OwnUser => "evictd's own user is never touched",
            Self::Protected => "a protected person",
            Self::Pause => "the account is paused",
            Self::Clock => "clocks disagree, so that no limit over time can be told",
            Self::JustRevoked => "ended a moment ago, or again and again",
            Self::Loop => "the person comes back again and again",
            Self::EvidenceAge => "what it rests on is too old or could not be read",
            Self::Ambiguous => "it may be another session of the person that is meant",
            Self::PeoplePerRule => "one rule reaches too many people at once",
            Self::PeoplePerRuleAndHour => "one rule reaches too many people in an hour",
            Self::PeoplePerRuleAndDay => "one rule reaches too many people in 24 hours",
            Self::Jump => "one rule suddenly reaches many new people",
            Self::RosterPerHour => "all rules together reach too many people in an hour",
            Self::RosterPerDay => "all rules together reach too many people in 24 hours",
            Self::ReadBack => "read again right before acting, it no longer stood",
            Self::Unreachable => "it could not be read again right before acting",
            Self::Stopping => "the process was asked to stop first",
        }
    }

    /// Held by this belt, which counts nothing.
    pub fn holds(self) -> Held {
        Held { belt: self, limit: None, count: None }
    }

    /// Held by this belt, which counted.
    pub(super) fn counted(self, limit: u64, count: u64) -> Held {
        Held { belt: self, limit: Some(limit), count: Some(count) }
    }
}

/// The first belt that holds this claim for what its person or session is; they stand in their order. Whoever comes back
/// again and again and is ended all the same is told.
pub(super) fn of_person(
    standing: &Standing<'_>,
    around: Circumstances<'_>,
    looping: &mut BTreeSet<(usize, UserId)>,
) -> Option<Held> {
    let (snapshot, intention, claim) = (around.snapshot, standing.intention, standing.claim);
    let is_protected = snapshot.protected.people.contains(&intention.user);
    // INVARIANT (tests/it/reference/hearsay.rs): hearsay ends no session, whatever a rule asks for.
    if claim.strength == Strength::Hearsay {
        return Some(Belt::Hearsay.holds());
    } else if snapshot.is_own(intention.user) {
        return Some(Belt::OwnUser.holds());
    } else if is_protected && !hold::is_released(standing, Belt::Protected, around) {
        return Some(Belt::Protected.holds());
    } else if snapshot.pause.is_some() {
        return Some(Belt::Pause.holds());
    } else if !snapshot.clocks.trusted {
        return Some(Belt::Clock.holds());
    } else if let Some(answers) = just_revoked(intention, around) {
        return Some(Held { belt: Belt::JustRevoked, limit: None, count: Some(answers) });
    }
    if let Some(episodes) = episodes(standing, around) {
        let is_severe = around.policies.rules.get(claim.rule).is_some_and(|rule| rule.severity >= Severity::High);
        if is_severe {
            looping.insert((claim.rule, intention.user));
        } else if !hold::is_released(standing, Belt::Loop, around) {
            return Some(Belt::Loop.counted(EPISODES_MAX, episodes));
        }
    }
    if is_too_old(intention, claim, around) {
        Some(Belt::EvidenceAge.holds())
    } else if is_to_wait(claim, around) {
        Some(Belt::Ambiguous.holds())
    } else {
        None
    }
}

/// Whoever was ended so often in a day and comes back once more makes a loop (design §6).
const EPISODES_MAX: u64 = 2;

/// In how many cycles of the last day the rule ended sessions of the person, if there are too many of them and this
/// session was opened after the last.
fn episodes(standing: &Standing<'_>, around: Circumstances<'_>) -> Option<u64> {
    let snapshot = around.snapshot;
    let rule = &around.policies.rules.get(standing.claim.rule)?.id;
    let ended: Vec<_> = snapshot
        .history
        .ended
        .iter()
        .filter(|past| past.user == standing.user() && past.rules.contains(rule) && past.outcome.counts_in_windows())
        .filter(|past| past.at.duration_until(snapshot.now) <= DAY)
        .collect();
    let last = ended.iter().map(|past| past.at).max()?;
    let session = around.dossier.get(standing.intention.place)?.session;
    // Zendesk tells the second in which a session was opened, and whoever has a program comes back in the same.
    let came_back = session.authenticated_at.is_some_and(|opened| last.duration_until(opened.at()) > -SECOND);
    let cycles: BTreeSet<_> = ended.iter().map(|past| &past.cycle).collect();
    let episodes = u64::try_from(cycles.len()).unwrap_or(u64::MAX);
    (came_back && episodes > EPISODES_MAX).then_some(episodes)
}

fn is_to_wait(claim: &Planned, around: Circumstances<'_>) -> bool {
    let rule = around.policies.rules.get(claim.rule);
    rule.is_some_and(|rule| is_weak(rule, claim.strength, OnAmbiguous::Withhold))
}

/// How often Zendesk said that the session is gone, if that holds it. Answered once: not again for a while, then once
/// more. Answered twice within a day: not for a day.
fn just_revoked(intention: &Intention, around: Circumstances<'_>) -> Option<u64> {
    let now = around.snapshot.now;
    let answers: Vec<SignedDuration> = around
        .snapshot
        .history
        .ended
        .iter()
        .filter(|past| past.session == intention.session && past.outcome.is_answered())
        .map(|past| past.at.duration_until(now))
        .filter(|ago| *ago <= DAY)
        .collect();
    match answers.as_slice() {
        [] => None,
        [ago] => (*ago < around.belts.just_revoked_for).then_some(1),
        [..] => u64::try_from(answers.len()).ok(),
    }
}

/// A person's record that could not be read can be judged by nothing; a listing grows old, while session and person
/// are read again right before acting.
fn is_too_old(intention: &Intention, claim: &Planned, around: Circumstances<'_>) -> bool {
    let now = around.snapshot.now;
    // A role that is not known belongs to no stratum whose limits would be the right ones.
    let record = around.snapshot.people.get(&intention.user);
    record.is_none_or(|person| person.role.is_none())
        || claim.listed.is_some_and(|listed| listed.duration_until(now) > around.belts.evidence_age_max)
}
