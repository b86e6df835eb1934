//! Whether a condition can hold more often than another, by their form alone.

use std::collections::BTreeSet;

use super::Class;
use crate::policy::{Bound, Condition, Line, PolicySet, Test, TextTest, Words};

/// A condition of one set beside one of another: `widens` if it may hold where the other did not.
pub(super) fn compare(before: (&Condition, &PolicySet), after: (&Condition, &PolicySet)) -> Class {
    let pair = Pair { before: before.1, after: after.1 };
    pair.conditions(before.0, after.0)
}

#[derive(Clone, Copy)]
struct Pair<'a> {
    before: &'a PolicySet,
    after: &'a PolicySet,
}

impl Pair<'_> {
    fn conditions(self, before: &Condition, after: &Condition) -> Class {
        let (before, after) = (bare(before), bare(after));
        if key(before, self.before) == key(after, self.after) {
            return Class::NEUTRAL;
        }
        match (before, after) {
            (Condition::Not(before), Condition::Not(after)) => self.conditions(before, after).turned(),
            (Condition::Line(before), Condition::Line(after)) => self.lines(before, after),
            (Condition::Place(before), Condition::Place(after)) => {
                let (gone, new) =
                    apart(before, after, |line| line_key(line, self.before), |line| line_key(line, self.after));
                of_all(&gone, &new, |one, other| self.lines(one, other))
            }
            (Condition::All(_), _) | (_, Condition::All(_)) => {
                let (gone, new) = self.parts(all_of(before), all_of(after));
                of_all(&gone, &new, |one, other| self.conditions(one, other))
            }
            (Condition::Any(_), _) | (_, Condition::Any(_)) => {
                let (gone, new) = self.parts(any_of(before), any_of(after));
                match (gone.as_slice(), new.as_slice()) {
                    ([], _) => Class::WIDENS,
                    (_, []) => Class::WEAKENS,
                    ([one], [other]) => self.conditions(one, other),
                    _ => Class::UNCLEAR,
                }
            }
            _ => Class::UNCLEAR,
        }
    }

    fn parts<'c>(self, before: &'c [Condition], after: &'c [Condition]) -> (Vec<&'c Condition>, Vec<&'c Condition>) {
        apart(before, after, |part| key(part, self.before), |part| key(part, self.after))
    }

    fn lines(self, before: &Line, after: &Line) -> Class {
        if line_key(before, self.before) == line_key(after, self.after) {
            return Class::NEUTRAL;
        }
        if before.fact.name != after.fact.name || before.operator != after.operator {
            return Class::UNCLEAR;
        }
        match (&before.test, &after.test) {
            (Test::Duration(bound, before), Test::Duration(_, after)) => of_bound(*bound, before, after),
            (Test::Number(Some(bound), before), Test::Number(Some(_), after)) => of_bound(*bound, before, after),
            (Test::Text(TextTest::In(before)), Test::Text(TextTest::In(after)))
            | (Test::SharesMember(before), Test::SharesMember(after)) => of_words(before, after),
            (Test::Text(TextTest::NotIn(before)), Test::Text(TextTest::NotIn(after)))
            | (Test::SharesNone(before), Test::SharesNone(after)) => of_words(before, after).turned(),
            _ => Class::UNCLEAR,
        }
    }
}

/// Of parts that must all hold, those that are in one alone.
fn of_all<T>(gone: &[&T], new: &[&T], one_by_one: impl Fn(&T, &T) -> Class) -> Class {
    match (gone, new) {
        ([], _) => Class::WEAKENS,
        (_, []) => Class::WIDENS,
        ([one], [other]) => one_by_one(one, other),
        _ => Class::UNCLEAR,
    }
}

fn of_bound<T: Ord>(bound: Bound, before: &T, after: &T) -> Class {
    let growth = Class::of_growth(before, after);
    match bound {
        Bound::Over | Bound::AtLeast => growth.turned(),
        Bound::Under | Bound::AtMost => growth,
    }
}

fn of_words(before: &Words, after: &Words) -> Class {
    Class::of_sets(before, after)
}

/// A table of one entry is that entry.
fn bare(condition: &Condition) -> &Condition {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => match parts.as_slice() {
            [part] => bare(part),
            _ => condition,
        },
        _ => condition,
    }
}

fn all_of(condition: &Condition) -> &[Condition] {
    if let Condition::All(parts) = condition { parts } else { std::slice::from_ref(condition) }
}

fn any_of(condition: &Condition) -> &[Condition] {
    if let Condition::Any(parts) = condition { parts } else { std::slice::from_ref(condition) }
}

/// What is in one of them only. Said twice is said once.
fn apart<'c, T>(
    before: &'c [T],
    after: &'c [T],
    key_before: impl Fn(&T) -> String,
    key_after: impl Fn(&T) -> String,
) -> (Vec<&'c T>, Vec<&'c T>) {
    let had: BTreeSet<String> = before.iter().map(&key_before).collect();
    let has: BTreeSet<String> = after.iter().map(&key_after).collect();
    let gone = before.iter().filter(|part| !has.contains(&key_before(part))).collect();
    let new = after.iter().filter(|part| !had.contains(&key_after(part))).collect();
    (gone, new)
}

/// The condition in a form in which two are the same if they mean the same; parts may stand in any order.
pub(super) fn key(condition: &Condition, set: &PolicySet) -> String {
    let sorted = |parts: Vec<String>| parts.into_iter().collect::<BTreeSet<_>>();
    match bare(condition) {
        Condition::All(parts) => format!("all{:?}", sorted(parts.iter().map(|part| key(part, set)).collect())),
        Condition::Any(parts) => format!("any{:?}", sorted(parts.iter().map(|part| key(part, set)).collect())),
        Condition::Not(part) => format!("not[{}]", key(part, set)),
        Condition::Line(line) => line_key(line, set),
        Condition::Place(lines) => {
            format!("place{:?}", sorted(lines.iter().map(|line| line_key(line, set)).collect()))
        }
    }
}

/// Lists go by their names: their places in the set move when another is added.
fn line_key(line: &Line, set: &PolicySet) -> String {
    let test = match &line.test {
        Test::Among { wanted, written, lists } => {
            let names: BTreeSet<_> = lists.iter().map(|place| set.lists.get(*place).map(|list| &list.name)).collect();
            format!("{wanted} {written:?} {names:?}")
        }
        test => format!("{test:?}"),
    };
    format!("{} {:?} {test}", line.fact.name, line.operator)
}
