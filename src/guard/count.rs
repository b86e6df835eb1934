//! Belts that count people: per rule and stratum, and over all rules per stratum.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Belt, Circumstances, Standing};
use crate::model::{Ended, Mode, Person, Roster, RuleId, Stratum, UserId, Walk, stratum_of};
use crate::snapshot::Snapshot;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

type People = BTreeSet<UserId>;

/// Over a limit, all claims of the rule in the stratum are withheld: never an arbitrary first part.
pub(super) fn per_rule(claims: &mut [Standing<'_>], around: Circumstances<'_>) {
    let mut groups: BTreeMap<(usize, Stratum), People> = BTreeMap::new();
    for standing in claims.iter().filter(|standing| standing.is_clear(None)) {
        groups.entry((standing.claim.rule, standing.stratum())).or_default().insert(standing.user());
    }
    let belts = around.belts;
    let limits = [
        (Belt::PeoplePerRule, SignedDuration::ZERO, belts.people_per_rule_max),
        (Belt::PeoplePerRuleAndHour, HOUR, belts.people_per_rule_and_hour_max),
        (Belt::PeoplePerRuleAndDay, DAY, belts.people_per_rule_and_day_max),
    ];
    for ((rule, stratum), people) in groups {
        let Some(id) = around.policies.rules.get(rule).map(|rule| &rule.id) else { continue };
        let held = limits.iter().find_map(|(belt, window, limit)| {
            let before =
                if window.is_zero() { People::new() } else { reached(around.snapshot, *window, stratum, Some(id)) };
            let count = count_of(people.union(&before).count());
            (count > u64::from(*limit)).then(|| belt.counted(u64::from(*limit), count))
        });
        for standing in claims.iter_mut().filter(|standing| standing.is_clear(None)) {
            if standing.claim.rule == rule && standing.stratum() == stratum {
                standing.held = held;
            }
        }
    }
}

/// Over a limit, everything of the stratum that is still clear is withheld. Enforcing claims are counted by
/// themselves; report-mode claims on top of them, even of those this belt just held: enforced, they would go with them.
pub(super) fn per_account(claims: &mut [Standing<'_>], around: Circumstances<'_>) {
    let roster = roster_of(around.snapshot);
    for stratum in Stratum::ALL.iter().copied() {
        let seen = roster.as_ref().map_or(0, |roster| roster.get(&stratum).copied().unwrap_or(0));
        let limits = [
            (Belt::RosterPerHour, HOUR, limit_of(around.belts.roster_part_per_hour_max, around, seen)),
            (Belt::RosterPerDay, DAY, limit_of(around.belts.roster_part_per_day_max, around, seen)),
        ];
        for mode in [Mode::Enforce, Mode::Report] {
            hold_over(claims, stratum, mode, &limits, around.snapshot);
        }
    }
}

fn hold_over(
    claims: &mut [Standing<'_>],
    stratum: Stratum,
    mode: Mode,
    limits: &[(Belt, SignedDuration, u64)],
    snapshot: &Snapshot,
) {
    let of_stratum = |standing: &&Standing<'_>| standing.stratum() == stratum;
    if !claims.iter().filter(of_stratum).any(|standing| standing.is_clear(Some(mode))) {
        return;
    }
    let counted = |standing: &&Standing<'_>| match mode {
        Mode::Enforce => standing.is_clear(Some(Mode::Enforce)),
        Mode::Report | Mode::Off => standing.held.is_none_or(|held| is_of_account(held.belt)),
    };
    let people: People = claims.iter().filter(of_stratum).filter(counted).map(Standing::user).collect();
    let held = limits.iter().find_map(|(belt, window, limit)| {
        let count = count_of(people.union(&reached(snapshot, *window, stratum, None)).count());
        (count > *limit).then(|| belt.counted(*limit, count))
    });
    for standing in claims.iter_mut().filter(|standing| standing.is_clear(Some(mode))) {
        if standing.stratum() == stratum {
            standing.held = held;
        }
    }
}

fn is_of_account(belt: Belt) -> bool {
    matches!(belt, Belt::RosterPerHour | Belt::RosterPerDay)
}

/// The people of the stratum whom rules reached within the window up to now, by this rule or by any.
fn reached(snapshot: &Snapshot, window: SignedDuration, stratum: Stratum, rule: Option<&RuleId>) -> People {
    let is_meant = |past: &&Ended| {
        past.stratum == stratum
            && past.outcome.counts_in_windows()
            && past.at.duration_until(snapshot.now) <= window
            && rule.is_none_or(|rule| past.rules.contains(rule))
    };
    snapshot.history.ended.iter().filter(is_meant).map(|past| past.user).collect()
}

/// How many people a stratum has: those seen in the last seven days, if anything is remembered; else those of this
/// listing if it is whole, else of the last one that was.
fn roster_of(snapshot: &Snapshot) -> Option<Roster> {
    snapshot.roster.clone().or_else(|| people_seen(snapshot)).or_else(|| snapshot.history.roster.clone())
}

/// People with sessions per stratum; nothing if not everybody in scope was listed.
pub fn people_seen(snapshot: &Snapshot) -> Option<Roster> {
    if snapshot.looked.is_some() || !snapshot.listing.is_complete() || !snapshot.cut.is_empty() {
        return None;
    }
    let mut people: Vec<UserId> = snapshot.sessions.iter().filter_map(|session| session.user).collect();
    people.sort_unstable();
    people.dedup();
    let (mut records, mut traces) = (Walk::along(&snapshot.people), Walk::along(&snapshot.traces));
    let mut roster: Roster = Stratum::ALL.iter().map(|stratum| (*stratum, 0)).collect();
    for user in people {
        let stratum = |person: &Arc<Person>| stratum_of(person, traces.find(user), snapshot.now);
        *roster.entry(records.find(user).map_or(Stratum::EndUsers, stratum)).or_insert(0) += 1;
    }
    Some(roster)
}

/// A part of nothing is nothing; any other part is at least the floor.
fn limit_of(percent: u8, around: Circumstances<'_>, seen: usize) -> u64 {
    let percent = u64::from(percent);
    if percent == 0 { 0 } else { (count_of(seen) * percent / 100).max(u64::from(around.belts.roster_floor)) }
}

fn count_of(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
