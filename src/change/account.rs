//! Two configurations of an account: what became of each key. Values stay where they are: secrets are only named there,
//! and who is protected is nobody's business here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::{Change, Class};
use crate::config::{Account, Belts, OffboardingList, Revoker, ScopeChoice, SignatureSettings};
use crate::model::{RuleId, Scope};

/// Every key that differs.
pub fn of_account(before: &Account, after: &Account) -> Vec<Change> {
    let mut keys = vec![
        ("mode", Class::of_growth(&before.mode, &after.mode)),
        ("scope", scope(before.scope, after.scope)),
        ("protected", Class::of_sets(&protected(before), &protected(after)).turned()),
        ("dangerous-ignore-host-clock", Class::of_growth(&before.ignore_host_clock, &after.ignore_host_clock)),
        ("host", unclear(&before.host, &after.host)),
        ("auth", unclear(&before.auth, &after.auth)),
        ("auth.revoker", revoker(&before.revoker, &after.revoker)),
        ("sweep", unclear(&before.sweep.to_string(), &after.sweep.to_string())),
        ("time-zone", unclear(&before.time_zone, &after.time_zone)),
        ("budget", unclear(&before.budget, &after.budget)),
        ("sources", unclear(&before.sources, &after.sources)),
        ("feeds", unclear(&before.feeds, &after.feeds)),
        ("offboarding", offboarding(&before.offboarding, &after.offboarding)),
    ];
    keys.extend(belts(&before.belts, &after.belts));
    let named = keys.into_iter().map(|(key, class)| (key.to_owned(), class));
    let all = named.chain(own_belts(&before.belts, &after.belts));
    let differing = all.filter(|(_, class)| *class != Class::NEUTRAL);
    let mut changes: Vec<Change> =
        differing.map(|(name, class)| Change { item: "key", name, what: vec!["changed"], class }).collect();
    changes.extend(signatures(before.signatures.as_deref(), after.signatures.as_deref()));
    changes
}

/// Another value may do anything.
fn unclear<T: Debug>(before: &T, after: &T) -> Class {
    if format!("{before:?}") == format!("{after:?}") { Class::NEUTRAL } else { Class::UNCLEAR }
}

/// Without it nothing ends.
fn revoker(before: &Revoker, after: &Revoker) -> Class {
    match (before, after) {
        _ if before == after => Class::NEUTRAL,
        (_, Revoker::None) => Class::WEAKENS,
        (Revoker::None, _) => Class::WIDENS,
        _ => Class::UNCLEAR,
    }
}

fn scope(before: ScopeChoice, after: ScopeChoice) -> Class {
    match (before, after) {
        _ if before == after => Class::NEUTRAL,
        (ScopeChoice::Of(_), ScopeChoice::Of(Scope::Everyone)) => Class::WIDENS,
        (ScopeChoice::Of(_), ScopeChoice::Of(Scope::Staff)) => Class::WEAKENS,
        _ => Class::UNCLEAR,
    }
}

fn protected(account: &Account) -> BTreeSet<String> {
    account.protected.iter().map(|entry| format!("{entry:?}")).collect()
}

/// Whoever is on a list has left: more lists let more end.
fn offboarding(before: &BTreeMap<String, OffboardingList>, after: &BTreeMap<String, OffboardingList>) -> Class {
    let names = |lists: &BTreeMap<String, OffboardingList>| lists.keys().cloned().collect::<BTreeSet<_>>();
    let changed = before.iter().filter_map(|(name, list)| Some(unclear(list, after.get(name)?)));
    changed.fold(Class::of_sets(&names(before), &names(after)), Class::and)
}

/// Signatures end nothing by themselves: asking for more of them is neutral, and told all the same. Whoever asks for fewer,
/// or of others, lets more people bring policies into force.
fn signatures(before: Option<&SignatureSettings>, after: Option<&SignatureSettings>) -> Option<Change> {
    let (what, class) = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => ("added", Class::NEUTRAL),
        (Some(_), None) => ("removed", Class::WEAKENS),
        (Some(old), Some(new)) => {
            let where_it_lies = |one: &SignatureSettings| (one.allowed_signers.clone(), one.folder.clone());
            let numbers = |one: &SignatureSettings| {
                (
                    one.signers_min,
                    one.signers_to_widen_or_weaken_min,
                    usize::try_from(one.serial_min).unwrap_or(usize::MAX),
                )
            };
            let ((few, many, serial), (few_now, many_now, serial_now)) = (numbers(old), numbers(new));
            if where_it_lies(old) == where_it_lies(new) && numbers(old) == numbers(new) {
                return None;
            }
            let asks_less = few_now < few || many_now < many || serial_now < serial;
            let is_elsewhere = where_it_lies(old) != where_it_lies(new);
            ("changed", if asks_less || is_elsewhere { Class::WEAKENS } else { Class::NEUTRAL })
        }
    };
    Some(Change { item: "key", name: "signatures".to_owned(), what: vec![what], class })
}

fn belts(before: &Belts, after: &Belts) -> Vec<(&'static str, Class)> {
    let grows = |read: fn(&Belts) -> u64| Class::of_growth(&read(before), &read(after));
    vec![
        ("belts.people-per-rule-max", grows(|belts| belts.people_per_rule_max.into())),
        ("belts.people-per-rule-and-hour-max", grows(|belts| belts.people_per_rule_and_hour_max.into())),
        ("belts.people-per-rule-and-day-max", grows(|belts| belts.people_per_rule_and_day_max.into())),
        ("belts.roster-part-per-hour-max", grows(|belts| belts.roster_part_per_hour_max.into())),
        ("belts.roster-part-per-day-max", grows(|belts| belts.roster_part_per_day_max.into())),
        ("belts.roster-floor", grows(|belts| belts.roster_floor.into())),
        ("belts.just-revoked-for", Class::of_growth(&before.just_revoked_for, &after.just_revoked_for).turned()),
        ("belts.evidence-age-max", Class::of_growth(&before.evidence_age_max, &after.evidence_age_max)),
        (
            "belts.pause-expires-after",
            Class::of_growth(&before.pause_expires_after, &after.pause_expires_after).turned(),
        ),
    ]
}

/// Of rules that have belts of their own in either, what holds for them.
fn own_belts(before: &Belts, after: &Belts) -> Vec<(String, Class)> {
    let rules: BTreeSet<&RuleId> = before.rules.keys().chain(after.rules.keys()).collect();
    let class = |rule: &RuleId| {
        let (old, new) = (before.of_rule(rule), after.of_rule(rule));
        let limits = old.iter().zip(&new);
        limits.fold(Class::NEUTRAL, |sum, (old, new)| sum.and(Class::of_growth(&old.people, &new.people)))
    };
    rules.into_iter().map(|rule| (format!("belts.rule.{rule}"), class(rule))).collect()
}
