//! How near each belt that counts people is: what an operator wants to see before it holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::count::{DAY, HOUR, People, count_of, is_let_go, jump_of, limits_of_account, reached, roster_of};
use super::{Belt, Circumstances, Standing, hold};
use crate::model::{RuleId, Stratum};

/// One belt of one stratum, with what it counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    /// Which belt.
    pub belt: Belt,
    /// Of which rule; none: of all rules together.
    pub rule: Option<RuleId>,
    /// In which stratum.
    pub stratum: Stratum,
    /// How many people it counts: those of its window, with those of this cycle, whether a rule enforces or only reports.
    pub used: u64,
    /// How many it lets through.
    pub limit: u64,
    /// The limit is the rule's own.
    pub is_own: bool,
    /// The limit is beyond what is usual.
    pub is_dangerous: bool,
}

/// Every belt over all rules, and those of each rule that reached somebody within a day or has a limit of its own.
pub(super) fn gauges(claims: &[Standing<'_>], around: Circumstances<'_>) -> Vec<Gauge> {
    let counts = |standing: &&Standing<'_>| {
        let is_counted = standing.held.is_none_or(|held| held.belt.counts_people());
        !standing.is_aside && is_counted && !is_let_go(standing, around)
    };
    let mut now: BTreeMap<(usize, Stratum), People> = BTreeMap::new();
    for standing in claims.iter().filter(counts) {
        now.entry((standing.claim.rule, standing.stratum())).or_default().insert(standing.user());
    }
    let day = around.snapshot.history.ended.iter();
    let lately: BTreeSet<(&RuleId, Stratum)> =
        day.flat_map(|past| past.rules.iter().map(|rule| (rule, past.stratum))).collect();
    let mut gauges = Vec::new();
    for (place, rule) in around.policies.rules.iter().enumerate() {
        for stratum in Stratum::ALL.iter().copied() {
            let people = now.get(&(place, stratum));
            let has_own = around.belts.of_rule(&rule.id).iter().any(|limit| limit.is_own);
            if people.is_some() || has_own || lately.contains(&(&rule.id, stratum)) {
                gauges.extend(of_rule(&rule.id, stratum, people.unwrap_or(&People::new()), around));
            }
        }
    }
    gauges.extend(of_account(claims, around));
    gauges
}

fn of_rule(rule: &RuleId, stratum: Stratum, people: &People, around: Circumstances<'_>) -> Vec<Gauge> {
    let belts = [
        (Belt::PeoplePerRule, SignedDuration::ZERO),
        (Belt::PeoplePerRuleAndHour, HOUR),
        (Belt::PeoplePerRuleAndDay, DAY),
    ];
    let gauge = |belt, used, limit| Gauge {
        belt,
        rule: Some(rule.clone()),
        stratum,
        used,
        limit,
        is_own: false,
        is_dangerous: false,
    };
    let counted = belts.into_iter().zip(around.belts.of_rule(rule)).map(|((belt, window), limit)| {
        let before =
            if window.is_zero() { People::new() } else { reached(around.snapshot, window, stratum, Some(rule)) };
        let used = count_of(people.union(&before).count());
        let (is_own, is_dangerous) = (limit.is_own, limit.is_dangerous);
        Gauge { is_own, is_dangerous, ..gauge(belt, used, limit.people.into()) }
    });
    let jump = jump_of(rule, stratum, people, around).map(|(limit, new)| gauge(Belt::Jump, new, limit));
    counted.chain(jump).collect()
}

fn of_account(claims: &[Standing<'_>], around: Circumstances<'_>) -> Vec<Gauge> {
    let roster = roster_of(around.snapshot);
    let counts = |standing: &&Standing<'_>| {
        let is_counted = standing.held.is_none_or(|held| held.belt.is_of_account());
        !standing.is_aside && is_counted && !hold::is_released(standing, Belt::RosterPerHour, around)
    };
    let mut gauges = Vec::new();
    for stratum in Stratum::ALL.iter().copied() {
        let here = claims.iter().filter(counts).filter(|standing| standing.stratum() == stratum);
        let people: People = here.map(Standing::user).collect();
        let limits = limits_of_account(roster.as_ref(), stratum, around);
        for ((belt, window, limit), is_dangerous) in limits.into_iter().zip(around.belts.are_parts_dangerous()) {
            let used = count_of(people.union(&reached(around.snapshot, window, stratum, None)).count());
            gauges.push(Gauge { belt, rule: None, stratum, used, limit, is_own: false, is_dangerous });
        }
    }
    gauges
}
