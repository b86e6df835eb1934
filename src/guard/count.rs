//! Belts that count people: per rule and stratum, and over all rules per stratum.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Belt, Circumstances, Held, Standing, core, hold};
use crate::model::{Basis, Ended, HoldState, Input, Mode, Person, Roster, RuleId, Stratum, UserId, Walk, stratum_of};
use crate::snapshot::Snapshot;

pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(super) type People = BTreeSet<UserId>;

/// Over a limit, or where there are suddenly many, all claims of the rule in the stratum are withheld: never an arbitrary
/// first part. Only if nothing of the team's own changed do the surest few go all the same, of those under a hold for this
/// too. Tells what changed where that is why nobody went.
pub(super) fn per_rule(
    claims: &mut [Standing<'_>],
    bases: &[Basis],
    around: Circumstances<'_>,
) -> BTreeMap<(usize, Stratum), Vec<Input>> {
    let mut groups: BTreeMap<(usize, Stratum), (People, bool)> = BTreeMap::new();
    for standing in claims.iter() {
        let is_counted = standing.is_clear(None) && !is_let_go(standing, around);
        let waits = standing.is_aside && waits_for_core(standing, around);
        if is_counted || waits {
            let group = groups.entry((standing.claim.rule, standing.stratum())).or_default();
            group.1 |= waits;
            if is_counted {
                group.0.insert(standing.user());
            }
        }
    }
    let mut told = BTreeMap::new();
    for ((rule, stratum), (people, waits)) in groups {
        let held = over(rule, stratum, &people, around);
        if held.is_none() && !waits {
            continue;
        }
        let basis = bases.get(rule).copied().unwrap_or_default();
        let changed = core::changed(rule, basis, stratum, around);
        let is_meant = |standing: &Standing<'_>| {
            let is_of = standing.claim.rule == rule && standing.stratum() == stratum;
            let is_fresh = held.is_some() && standing.is_clear(None) && !is_let_go(standing, around);
            is_of && (is_fresh || standing.is_aside && waits_for_core(standing, around))
        };
        let core = if changed.is_none() && lets_anybody(rule, around) {
            let meant: Vec<&Standing<'_>> = claims.iter().filter(|standing| is_meant(standing)).collect();
            core::pick(rule, stratum, &meant, around)
        } else {
            People::new()
        };
        for standing in claims.iter_mut().filter(|standing| is_meant(standing)) {
            if core.contains(&standing.user()) {
                (standing.held, standing.is_aside, standing.is_core) = (None, false, true);
            } else if !standing.is_aside {
                standing.held = held;
            }
        }
        told.extend(changed.map(|changed| ((rule, stratum), changed)));
    }
    told
}

/// Whether none of the rule's belts is zero: that lets nobody through, and the surest neither.
fn lets_anybody(rule: usize, around: Circumstances<'_>) -> bool {
    let id = around.policies.rules.get(rule).map(|rule| &rule.id);
    id.is_some_and(|id| around.belts.of_rule(id).iter().all(|limit| limit.people > 0))
}

/// Whether a human let it go, so that belts that count a rule's people do not count it.
pub(super) fn is_let_go(standing: &Standing<'_>, around: Circumstances<'_>) -> bool {
    hold::is_released(standing, Belt::PeoplePerRule, around)
}

/// Whether it is under a hold of a belt that the surest pass.
fn waits_for_core(standing: &Standing<'_>, around: Circumstances<'_>) -> bool {
    hold::aside(standing, around).is_some_and(|(hold, held)| hold.state == HoldState::Open && held.belt.is_of_rule())
}

/// The belt of one rule that these people are too many for.
fn over(rule: usize, stratum: Stratum, people: &People, around: Circumstances<'_>) -> Option<Held> {
    let id = &around.policies.rules.get(rule)?.id;
    let [cycle, hour, day] = around.belts.of_rule(id).map(|limit| limit.people);
    let limits = [
        (Belt::PeoplePerRule, SignedDuration::ZERO, cycle),
        (Belt::PeoplePerRuleAndHour, HOUR, hour),
        (Belt::PeoplePerRuleAndDay, DAY, day),
    ];
    let counted = limits.iter().find_map(|(belt, window, limit)| {
        let before =
            if window.is_zero() { People::new() } else { reached(around.snapshot, *window, stratum, Some(id)) };
        let count = count_of(people.union(&before).count());
        (count > u64::from(*limit)).then(|| belt.counted(u64::from(*limit), count))
    });
    counted.filter(|_| !people.is_empty()).or_else(|| jump(id, stratum, people, around))
}

/// So many new people are nothing unusual, whatever a rule did before (design §6).
const JUMP_FLOOR: u64 = 5;

/// Fewer cycles tell nothing of what is usual.
const JUMP_CYCLES_MIN: u32 = 20;

/// More new people than this rule usually has in a cycle.
fn jump(id: &RuleId, stratum: Stratum, people: &People, around: Circumstances<'_>) -> Option<Held> {
    let (limit, new) = jump_of(id, stratum, people, around)?;
    (new > limit).then(|| Belt::Jump.counted(limit, new))
}

/// How many new people a rule may have at once, and has; none while too little is known of what is usual.
pub(super) fn jump_of(id: &RuleId, stratum: Stratum, people: &People, around: Circumstances<'_>) -> Option<(u64, u64)> {
    let habit = around.snapshot.history.habits.get(&(id.clone(), stratum))?;
    let limit = u64::from(habit.p95()).saturating_mul(3).max(JUMP_FLOOR);
    let new = count_of(people.difference(&habit.claimed).count());
    (habit.cycles() >= JUMP_CYCLES_MIN).then_some((limit, new))
}

/// Over a limit, everything of the stratum that is still clear is withheld. Enforcing claims are counted by
/// themselves; report-mode claims on top of them, even of those this belt just held: enforced, they would go with them.
pub(super) fn per_account(claims: &mut [Standing<'_>], around: Circumstances<'_>) {
    let roster = roster_of(around.snapshot);
    for stratum in Stratum::ALL.iter().copied() {
        let limits = limits_of_account(roster.as_ref(), stratum, around);
        for mode in [Mode::Enforce, Mode::Report] {
            hold_over(claims, stratum, mode, &limits, around);
        }
    }
}

/// The belts over all rules in this stratum: which, over what window, how many people.
pub(super) fn limits_of_account(
    roster: Option<&Roster>,
    stratum: Stratum,
    around: Circumstances<'_>,
) -> [(Belt, SignedDuration, u64); 2] {
    let seen = roster.map_or(0, |roster| roster.get(&stratum).copied().unwrap_or(0));
    [
        (Belt::RosterPerHour, HOUR, limit_of(around.belts.roster_part_per_hour_max, around, seen)),
        (Belt::RosterPerDay, DAY, limit_of(around.belts.roster_part_per_day_max, around, seen)),
    ]
}

fn hold_over(
    claims: &mut [Standing<'_>],
    stratum: Stratum,
    mode: Mode,
    limits: &[(Belt, SignedDuration, u64)],
    around: Circumstances<'_>,
) {
    let of_stratum = |standing: &&Standing<'_>| standing.stratum() == stratum;
    let is_free = |standing: &Standing<'_>| hold::is_released(standing, Belt::RosterPerHour, around);
    if !claims.iter().filter(of_stratum).any(|standing| standing.is_clear(Some(mode)) && !is_free(standing)) {
        return;
    }
    let counted = |standing: &&Standing<'_>| match mode {
        _ if standing.is_aside || is_free(standing) => false,
        Mode::Enforce => standing.is_clear(Some(Mode::Enforce)),
        Mode::Report | Mode::Off => standing.held.is_none_or(|held| held.belt.is_of_account()),
    };
    let people: People = claims.iter().filter(of_stratum).filter(counted).map(Standing::user).collect();
    let held = limits.iter().find_map(|(belt, window, limit)| {
        let count = count_of(people.union(&reached(around.snapshot, *window, stratum, None)).count());
        (count > *limit).then(|| belt.counted(*limit, count))
    });
    for standing in claims.iter_mut().filter(|standing| standing.is_clear(Some(mode))) {
        if standing.stratum() == stratum && !is_free(standing) {
            standing.held = held;
        }
    }
}

/// The people of the stratum whom rules reached within the window up to now, by this rule or by any.
pub(super) fn reached(snapshot: &Snapshot, window: SignedDuration, stratum: Stratum, rule: Option<&RuleId>) -> People {
    let is_meant = |past: &&Ended| {
        past.stratum == stratum
            && past.outcome.counts_in_windows()
            && past.at.duration_until(snapshot.now) <= window
            // What a human ended by a lever has no rule, and is in no window.
            && rule.map_or(!past.rules.is_empty(), |rule| past.rules.contains(rule))
    };
    snapshot.history.ended.iter().filter(is_meant).map(|past| past.user).collect()
}

/// How many people a stratum has: those seen in the last seven days, if anything is remembered; else those of this
/// listing if it is whole, else of the last one that was.
pub(super) fn roster_of(snapshot: &Snapshot) -> Option<Roster> {
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

pub(super) fn count_of(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
