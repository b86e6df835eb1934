//! Two policy sets: what became of each rule, exception and list.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::compare;
use super::{Change, Class};
use crate::facts::Kind;
use crate::model::Mode;
use crate::policy::{Condition, Exception, Line, OnAmbiguous, PolicySet, Rule, Test};

/// Every item that differs, rules first, each by its id.
pub fn of_policies(before: &PolicySet, after: &PolicySet) -> Vec<Change> {
    let mut changes = rules(before, after);
    changes.extend(exceptions(before, after));
    changes.extend(lists(before, after));
    changes
}

/// One change, or none if nothing differs.
fn change(item: &'static str, name: &str, parts: Vec<(&'static str, Class)>) -> Option<Change> {
    let class = parts.iter().fold(Class::NEUTRAL, |sum, (_, class)| sum.and(*class));
    let what: Vec<&'static str> = parts.into_iter().map(|(what, _)| what).collect();
    (!what.is_empty()).then(|| Change { item, name: name.to_owned(), what, class })
}

/// Both sides of everything that has a key in either.
fn both<'s, T>(
    before: &'s [T],
    after: &'s [T],
    key: impl Fn(&'s T) -> String,
) -> BTreeMap<String, (Option<&'s T>, Option<&'s T>)> {
    let mut all: BTreeMap<String, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for one in before {
        all.entry(key(one)).or_default().0 = Some(one);
    }
    for one in after {
        all.entry(key(one)).or_default().1 = Some(one);
    }
    all
}

fn rules(before: &PolicySet, after: &PolicySet) -> Vec<Change> {
    let of = |rule: &Rule, class| if rule.mode == Mode::Off { Class::NEUTRAL } else { class };
    let pairs = both(&before.rules, &after.rules, |rule| rule.id.to_string());
    let one = |(id, pair): (String, (Option<&Rule>, Option<&Rule>))| match pair {
        (None, Some(new)) => change("rule", &id, vec![("added", of(new, Class::WIDENS))]),
        (Some(old), None) => change("rule", &id, vec![("removed", of(old, Class::WEAKENS))]),
        (Some(old), Some(new)) => change("rule", &id, rule((old, before), (new, after))),
        (None, None) => None,
    };
    pairs.into_iter().filter_map(one).collect()
}

fn rule((old, before): (&Rule, &PolicySet), (new, after): (&Rule, &PolicySet)) -> Vec<(&'static str, Class)> {
    let waits = |rule: &Rule| rule.on_ambiguous == OnAmbiguous::Withhold;
    let by_strength = if waits(old) && waits(new) {
        Class::of_growth(&old.match_min, &new.match_min).turned()
    } else {
        Class::UNCLEAR
    };
    let when = compare((&old.when, before), (&new.when, after));
    let neutral = |differs: bool| (differs, Class::NEUTRAL);
    let parts = [
        ("mode", (old.mode != new.mode, Class::of_growth(&old.mode, &new.mode))),
        ("action", (old.action != new.action, Class::of_growth(&old.action, &new.action))),
        ("severity", (old.severity != new.severity, Class::of_growth(&old.severity, &new.severity))),
        ("match-min", (old.match_min != new.match_min, by_strength)),
        ("on-ambiguous", (old.on_ambiguous != new.on_ambiguous, Class::UNCLEAR)),
        ("when", (when != Class::NEUTRAL, when)),
        ("title", neutral(old.title != new.title)),
        ("message", neutral(old.message != new.message)),
        ("owner", neutral(old.owner != new.owner)),
        ("references", neutral(old.references != new.references)),
        ("cases", neutral(format!("{:?}", cases(old)) != format!("{:?}", cases(new)))),
    ];
    let is_off = old.mode == Mode::Off && new.mode == Mode::Off;
    let differing = parts.into_iter().filter(|(_, (differs, _))| *differs);
    differing.map(|(what, (_, class))| (what, if is_off { Class::NEUTRAL } else { class })).collect()
}

/// Cases without the lines at which they stand.
fn cases(rule: &Rule) -> Vec<String> {
    rule.cases
        .iter()
        .map(|case| format!("{} {:?} {:?} {:?} {:?}", case.title, case.given, case.now, case.expect, case.fires))
        .collect()
}

fn exceptions(before: &PolicySet, after: &PolicySet) -> Vec<Change> {
    let pairs = both(&before.exceptions, &after.exceptions, |one| one.id.to_string());
    let one = |(id, pair): (String, (Option<&Exception>, Option<&Exception>))| match pair {
        (None, Some(_)) => change("exception", &id, vec![("added", Class::WEAKENS)]),
        (Some(_), None) => change("exception", &id, vec![("removed", Class::WIDENS)]),
        (Some(old), Some(new)) => change("exception", &id, exception((old, before), (new, after))),
        (None, None) => None,
    };
    pairs.into_iter().filter_map(one).collect()
}

fn exception(
    (old, before): (&Exception, &PolicySet),
    (new, after): (&Exception, &PolicySet),
) -> Vec<(&'static str, Class)> {
    let covered = |one: &Exception| {
        let rules = before.rules.iter().chain(&after.rules).filter(|rule| one.covers(&rule.id));
        rules.map(|rule| rule.id.clone()).collect::<BTreeSet<_>>()
    };
    let spares = compare((&old.when, before), (&new.when, after)).turned();
    let rules = Class::of_sets(&covered(old), &covered(new)).turned();
    let parts = [
        ("rules", rules != Class::NEUTRAL, rules),
        ("when", spares != Class::NEUTRAL, spares),
        ("expires", old.expires != new.expires, Class::of_growth(&old.expires, &new.expires).turned()),
        ("owner", old.owner != new.owner, Class::NEUTRAL),
        ("reason", old.reason != new.reason, Class::NEUTRAL),
    ];
    parts.into_iter().filter(|(_, differs, _)| *differs).map(|(what, _, class)| (what, class)).collect()
}

/// What is in a list decides in either direction, as whoever asks about it asks.
fn lists(before: &PolicySet, after: &PolicySet) -> Vec<Change> {
    let pairs = both(&before.lists, &after.lists, |list| list.name.to_string());
    let one = |(name, (old, new)): (String, (Option<_>, Option<_>))| {
        let class = if is_asked(before, &name) || is_asked(after, &name) { Class::UNCLEAR } else { Class::NEUTRAL };
        let what = match (old, new) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(old), Some(new)) if old == new => return None,
            _ => "contents",
        };
        change("list", &name, vec![(what, class)])
    };
    pairs.into_iter().filter_map(one).collect()
}

/// Whether a line of the set asks about this list, by its name or by the class that it gives to networks.
fn is_asked(set: &PolicySet, name: &str) -> bool {
    let Some(place) = set.lists.iter().position(|list| &*list.name == name) else { return false };
    let has_class = set.lists.get(place).is_some_and(|list| list.class.is_some());
    let rules = set.rules.iter().filter(|rule| rule.mode != Mode::Off).map(|rule| &rule.when);
    let conditions = rules.chain(set.exceptions.iter().map(|one| &one.when));
    let asks = |line: &&Line| {
        has_class && line.fact.kind == Kind::Classes
            || matches!(&line.test, Test::Among { lists, .. } if lists.contains(&place))
    };
    conditions.flat_map(Condition::lines).any(|line| asks(&line))
}
