//! Reading a `[[rule.case]]`: the facts it states and what must come of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::condition::folded;
use super::read::line_of;
use super::read_condition::find_fact;
use super::{Case, Expect, Given, PolicySet, shown};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::document::{Item, Table};
use crate::facts::{FactSpec, Kind, find};
use crate::model::{Fact, Known, RuleId, Value};

/// Zendesk's record of the last use lags by up to this much; `sources.idle-slack` has the same default.
const IDLE_SLACK: SignedDuration = SignedDuration::from_mins(10);

/// Reads one case; a finding for everything in it that cannot be read or cannot be true.
pub(super) fn read_case(mut table: Table<'_>, findings: &mut Findings) -> Option<Case> {
    let title = table.required("title", findings).and_then(|item| item.text(findings));
    let given = table.required("given", findings).and_then(|item| read_given(&item, findings));
    let now = table.optional("now").map(|item| item.instant(findings));
    let words: Vec<&'static str> = Expect::ALL.iter().map(|expect| expect.word()).collect();
    let expect = table.optional("expect").map(|item| item.word(&words, Expect::from_word, findings));
    let fires = table.optional("fires").map(|item| item.texts(findings));
    if expect.is_none() && fires.is_none() {
        let fault = table.fault(Code::MissingKey, "the case expects nothing");
        findings.push(
            fault.help("add `expect = \"revoke\"`, `\"spare\"`, `\"undecided\"` or `\"keep\"`, or `fires = [ids]`"),
        );
    }
    let line = line_of(table.source(), table.span().start);
    table.finish(findings);
    let ids = |texts: Vec<(Item<'_>, &str)>| texts.into_iter().map(|(_, id)| RuleId::new(id)).collect();
    Some(Case {
        title: title?.to_owned(),
        given: given?,
        now: optional(now)?,
        expect: optional(expect)?,
        fires: optional(fires)?.map(ids),
        line,
    })
}

/// What was not written is nothing; what was written and could not be read is a fault.
#[expect(clippy::option_option, reason = "the two mean different things")]
fn optional<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(value) => Some(value),
    }
}

fn read_given(item: &Item<'_>, findings: &mut Findings) -> Option<Given> {
    let mut values = BTreeMap::new();
    let mut whole = true;
    for family in item.table(findings)?.entries() {
        let Some(table) = family.table(findings) else {
            whole = false;
            continue;
        };
        for entry in table.entries() {
            let stated = find_fact(family.key(), &entry, findings)
                .and_then(|fact| Some((fact, read_value(fact, &entry, findings)?)));
            whole &= stated.is_some();
            values.extend(stated.map(|(fact, value)| (fact.name, value)));
        }
    }
    let given = Given { values, idle_slack: IDLE_SLACK };
    for fault in contradictions(&given) {
        findings.push(item.fault_at_key(Code::Contradiction, fault));
        whole = false;
    }
    whole.then_some(given)
}

/// An empty text states that Zendesk has a null there.
fn read_value(fact: &FactSpec, item: &Item<'_>, findings: &mut Findings) -> Option<Value<'static>> {
    Some(match fact.kind {
        Kind::Duration => {
            let length = item.duration(findings)?;
            Value::Duration { low: length, high: length }
        }
        Kind::Number => Value::Number(item.integer_in(0..=i64::MAX, findings)?.unsigned_abs()),
        Kind::Truth => Value::Truth(item.boolean(findings)?),
        Kind::Text => {
            let text = item.text(findings)?;
            let word = folded(text, fact.folds_case);
            if !fact.vocabulary.is_empty() && !text.is_empty() && !fact.vocabulary.contains(&word.as_ref()) {
                let fault = item.fault(Code::UnknownValue, format!("{} is never {}", quoted(fact.name), quoted(text)));
                let listed = crate::diagnostic::quoted_list(fact.vocabulary.iter().copied());
                findings.push(fault.help(format!("it is one of {listed}")));
                return None;
            }
            Value::Text((!text.is_empty()).then(|| Cow::Owned(text.to_owned())))
        }
        Kind::Set => {
            Value::Set(item.texts(findings)?.into_iter().map(|(_, text)| Cow::Owned(text.to_owned())).collect())
        }
    })
}

/// Stated facts that cannot all be true.
fn contradictions(given: &Given) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, stated) in &given.values {
        let derived = find(name).and_then(|fact| given.derived(fact));
        if let Some(Fact::Known(Known { value, .. })) = derived
            && value != *stated
        {
            faults.push(format!(
                "`{name}` is stated as {} and the other facts make it {}",
                shown(stated),
                shown(&value)
            ));
        }
    }
    let number = |name| match given.values.get(name) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    if let (Some(rank), Some(count)) = (number("session.rank"), number("session.count"))
        && (rank > count || rank == 0)
    {
        faults.push(format!("`session.rank` {rank} is none of `session.count` {count}"));
    }
    faults
}

/// `fires` may only name rules that are there.
pub(super) fn check_fires(set: &PolicySet, sources: &[Source], findings: &mut Findings) {
    for rule in &set.rules {
        for case in &rule.cases {
            let unknown = case.fires.iter().flatten().filter(|id| !set.rules.iter().any(|one| one.id == **id));
            for id in unknown {
                let fault = Diagnostic::new(Code::UnknownRule, format!("no rule has the id {}", quoted(id.as_str())));
                let source = sources.iter().find(|source| *source.name == *rule.place.0);
                findings.push(match source {
                    Some(source) => fault.at(source, byte_of_line(source, case.line), ""),
                    None => fault,
                });
            }
        }
    }
}

fn byte_of_line(source: &Source, line: usize) -> std::ops::Range<usize> {
    let before = source.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = source.text.split_inclusive('\n').nth(line.saturating_sub(1)).map_or(0, |line| line.trim_end().len());
    before..before + length
}
