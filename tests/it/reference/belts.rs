//! Belts by the letter of the documentation, and everything a cycle should then show: the whole expectation.
//!
//! Each belt is a filter over the claims that the ones before it left; a claim that is held leaves the counting.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use evictd::model::{Action, Mode, Outcome, Severity, Stratum};

use super::judge::{Claim, State, Verdict, judge, verdicts};
use super::law::Law;
use super::leavers::rests_on_lists;
use super::places::is_seen;
use super::world::{DAY, HOUR, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belt {
    OwnUser,
    Protected,
    Pause,
    Clock,
    JustRevoked,
    EvidenceAge,
    RuleCycle,
    RuleHour,
    RuleDay,
    AccountHour,
    AccountDay,
}

impl Belt {
    pub const ALL: &[Self] = &[
        Self::OwnUser,
        Self::Protected,
        Self::Pause,
        Self::Clock,
        Self::JustRevoked,
        Self::EvidenceAge,
        Self::RuleCycle,
        Self::RuleHour,
        Self::RuleDay,
        Self::AccountHour,
        Self::AccountDay,
    ];
}

/// A session with at least one clear claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revoke {
    pub session: u64,
    pub user: u64,
    /// The highest among its clear claims.
    pub mode: Mode,
    /// Of its clear claims.
    pub rules: Vec<String>,
}

/// A fired claim that a belt holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Withheld {
    pub session: u64,
    pub user: u64,
    pub rule: String,
    /// The first that held it.
    pub belt: Belt,
    /// Limit and count, where it counts people.
    pub count: Option<(u64, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undecided {
    pub rule: String,
    pub session: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spared {
    pub rule: String,
    pub session: u64,
    pub by_unknown: bool,
}

/// What an enforcing cycle would send, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Act {
    pub user: u64,
    /// Nothing: every session of the person.
    pub session: Option<u64>,
    /// Of its clear, enforcing claims; of a whole person, all of the person's.
    pub rules: Vec<String>,
}

/// Everything that the documentation says of this world under this law. Each list is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub claims: Vec<Claim>,
    pub verdicts: BTreeMap<u64, Verdict>,
    pub revoke: Vec<Revoke>,
    pub withheld: Vec<Withheld>,
    pub undecided: Vec<Undecided>,
    pub spared: Vec<Spared>,
    pub acts: Vec<Act>,
}

/// What a cycle should find and do.
pub fn expect(world: &World, law: &Law) -> Expected {
    let claims = judge(world, law);
    let fired: Vec<&Claim> = claims.iter().filter(|claim| claim.state == State::Fired).collect();
    let mut belts = Belts { world, clear: fired, withheld: Vec::new() };
    belts.one_by_one();
    belts.per_rule();
    belts.per_account();
    let Belts { clear, mut withheld, .. } = belts;
    withheld.sort();
    let of_state = |state: State| claims.iter().filter(move |claim| claim.state == state);
    let undecided =
        of_state(State::Undecided).map(|claim| Undecided { rule: claim.rule.clone(), session: claim.session });
    let spared = claims.iter().filter_map(|claim| match claim.state {
        State::Spared | State::SparedByUnknown => Some(Spared {
            rule: claim.rule.clone(),
            session: claim.session,
            by_unknown: claim.state == State::SparedByUnknown,
        }),
        State::Fired | State::Undecided => None,
    });
    Expected {
        verdicts: verdicts(world, &claims),
        revoke: revoke(&clear),
        acts: acts(&claims, &clear),
        withheld,
        undecided: undecided.collect(),
        spared: spared.collect(),
        claims,
    }
}

struct Belts<'a> {
    world: &'a World,
    clear: Vec<&'a Claim>,
    withheld: Vec<Withheld>,
}

impl Belts<'_> {
    /// Takes out what the belt holds.
    fn hold(&mut self, belt: Belt, count: Option<(u64, u64)>, holds: impl Fn(&Claim) -> bool) {
        let (held, clear): (Vec<&Claim>, Vec<&Claim>) = self.clear.iter().copied().partition(|claim| holds(claim));
        self.clear = clear;
        self.withheld.extend(held.into_iter().map(|claim| Withheld {
            session: claim.session,
            user: person(claim),
            rule: claim.rule.clone(),
            belt,
            count,
        }));
    }

    /// Those that look at one person or one claim alone.
    fn one_by_one(&mut self) {
        let world = self.world;
        self.hold(Belt::OwnUser, None, |claim| person(claim) == world.own || Some(person(claim)) == world.revoker());
        self.hold(Belt::Protected, None, |claim| world.protected.contains(&person(claim)));
        self.hold(Belt::Pause, None, |_| world.pause.is_some());
        self.hold(Belt::Clock, None, |_| !world.trusted);
        self.hold(Belt::JustRevoked, None, |claim| just_revoked(world, claim.session));
        self.hold(Belt::EvidenceAge, None, |claim| {
            let counts = claim.facts.contains("session.count") || claim.facts.contains("session.rank");
            let rows = world.sessions().into_iter().filter(|row| row.user == Some(person(claim)));
            let oldest = rows.map(|row| row.seen).min().unwrap();
            let is_old = |at: i64| world.now - at > world.limits.evidence_age_max;
            world.human(person(claim)).is_none_or(|human| human.role.is_none())
                || counts && is_old(oldest)
                || claim.facts.iter().any(|fact| is_seen(fact)) && is_old(world.scenery.read_at)
                || rests_on_lists(world, person(claim), &claim.facts) && is_old(world.lists_read)
        });
    }

    /// People of one rule in one stratum: in this cycle, and with those of the last hour and day.
    fn per_rule(&mut self) {
        let limits = &self.world.limits;
        let rules: BTreeSet<String> = self.clear.iter().map(|claim| claim.rule.clone()).collect();
        for (rule, stratum) in rules.iter().flat_map(|rule| Stratum::ALL.iter().map(move |stratum| (rule, *stratum))) {
            let [cycle, hour, day] = limits.own.get(rule).copied().unwrap_or_default();
            let belts = [
                (Belt::RuleCycle, cycle.unwrap_or(limits.rule_cycle), 0),
                (Belt::RuleHour, hour.unwrap_or(limits.rule_hour), HOUR),
                (Belt::RuleDay, day.unwrap_or(limits.rule_day), DAY),
            ];
            for (belt, limit, window) in belts {
                let world = self.world;
                let is_here = |claim: &Claim| claim.rule == *rule && world.stratum(person(claim)) == stratum;
                let mut people = if window > 0 { earlier(world, stratum, window, Some(rule)) } else { BTreeSet::new() };
                people.extend(self.clear.iter().filter(|claim| is_here(claim)).map(|claim| person(claim)));
                let count = people.len() as u64;
                if count > limit {
                    self.hold(belt, Some((limit, count)), is_here);
                }
            }
        }
    }

    /// People of one stratum over all rules. What only reports is counted on top and takes no room.
    fn per_account(&mut self) {
        let limits = &self.world.limits;
        let belts = [(Belt::AccountHour, limits.part_hour, HOUR), (Belt::AccountDay, limits.part_day, DAY)];
        for (stratum, (belt, part, window)) in Stratum::ALL.iter().flat_map(|one| belts.map(move |belt| (*one, belt))) {
            let world = self.world;
            let limit = part_of_roster(world, stratum, part);
            let mut people = earlier(world, stratum, window, None);
            let before = self.clear.clone();
            for mode in [Mode::Enforce, Mode::Report] {
                let is_here = |claim: &Claim| claim.mode == mode && world.stratum(person(claim)) == stratum;
                people.extend(before.iter().filter(|claim| is_here(claim)).map(|claim| person(claim)));
                let count = people.len() as u64;
                if count > limit {
                    self.hold(belt, Some((limit, count)), is_here);
                }
            }
        }
    }
}

fn person(claim: &Claim) -> u64 {
    claim.user.unwrap()
}

/// Answered once: not again for a while. Answered twice: not again for a day.
fn just_revoked(world: &World, session: u64) -> bool {
    let answered = |outcome: Outcome| matches!(outcome, Outcome::Revoked | Outcome::AlreadyGone);
    let ago: Vec<i64> = world
        .history
        .iter()
        .filter(|past| past.session == session && answered(past.outcome))
        .map(|past| world.now - past.at)
        .filter(|ago| *ago <= DAY)
        .collect();
    ago.len() >= 2 || ago.iter().any(|ago| *ago < world.limits.just_revoked_for)
}

/// The people whom rules, or this rule, ended within the window or may have.
fn earlier(world: &World, stratum: Stratum, window: i64, rule: Option<&String>) -> BTreeSet<u64> {
    let counts = |outcome: Outcome| matches!(outcome, Outcome::Revoked | Outcome::Unclear);
    // What has no rule was a human's command.
    let of_rule = |rules: &[String]| rule.map_or(!rules.is_empty(), |rule| rules.contains(rule));
    let ended = world.history.iter().filter(|past| {
        past.stratum == stratum && counts(past.outcome) && of_rule(&past.rules) && world.now - past.at <= window
    });
    ended.map(|past| past.user).collect()
}

fn part_of_roster(world: &World, stratum: Stratum, part: u64) -> u64 {
    let listed: BTreeSet<u64> =
        world.rows.iter().filter_map(|row| row.user).filter(|user| world.stratum(*user) == stratum).collect();
    let remembered = |roster: &Vec<(Stratum, usize)>| {
        roster.iter().find(|(one, _)| *one == stratum).map_or(0, |(_, people)| *people)
    };
    // Those of the last seven days, if remembered; else those of the last sweep that listed everybody, perhaps this one.
    let roster = match &world.week {
        Some(week) => remembered(week),
        None if world.complete && world.cut.is_empty() => listed.len(),
        None => world.roster.as_ref().map_or(0, remembered),
    };
    if part == 0 { 0 } else { world.limits.floor.max(roster as u64 * part / 100) }
}

fn revoke(clear: &[&Claim]) -> Vec<Revoke> {
    let sessions: BTreeSet<(u64, u64)> = clear.iter().map(|claim| (claim.session, person(claim))).collect();
    let row = |(session, user): (u64, u64)| {
        let here = || clear.iter().filter(move |claim| claim.session == session);
        let rules: BTreeSet<String> = here().map(|claim| claim.rule.clone()).collect();
        let mode = here().map(|claim| claim.mode).max().unwrap();
        Revoke { session, user, mode, rules: rules.into_iter().collect() }
    };
    sessions.into_iter().map(row).collect()
}

/// In the plan's order: severest first, then by person, then by session. What a session is planned for counts there
/// with every claim that fired on it, cleared or not; a person who goes whole comes at the first of the sessions.
fn acts(fired: &[Claim], clear: &[&Claim]) -> Vec<Act> {
    let enforced: Vec<&&Claim> = clear.iter().filter(|claim| claim.mode == Mode::Enforce).collect();
    let whole: BTreeSet<u64> =
        enforced.iter().filter(|claim| claim.action == Action::RevokeUser).map(|claim| person(claim)).collect();
    let severity = |session: u64| {
        let here = fired.iter().filter(|claim| claim.session == session && claim.state == State::Fired);
        here.map(|claim| claim.severity).max().unwrap()
    };
    let mut sessions: Vec<(Reverse<Severity>, u64, u64)> =
        enforced.iter().map(|claim| (Reverse(severity(claim.session)), person(claim), claim.session)).collect();
    sessions.sort();
    let mut acts: Vec<Act> = Vec::new();
    for (_, user, session) in sessions {
        let session = (!whole.contains(&user)).then_some(session);
        if acts.iter().all(|act| (act.user, act.session) != (user, session)) {
            let of = |claim: &&&&Claim| person(claim) == user && session.is_none_or(|session| claim.session == session);
            let rules: BTreeSet<String> = enforced.iter().filter(of).map(|claim| claim.rule.clone()).collect();
            acts.push(Act { user, session, rules: rules.into_iter().collect() });
        }
    }
    acts
}
