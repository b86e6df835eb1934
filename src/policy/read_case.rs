//! Reading a `[[rule.case]]`: the facts it states and what must come of them.

use std::borrow::Cow;

use jiff::SignedDuration;

use super::condition::folded;
use super::given::Values;
use super::read_condition::{find_fact, values_of};
use super::read_value::{ASNS, read_address, read_class, read_version};
use super::{Case, Expect, Given, PolicySet, shown};
use crate::address::Lists;
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::document::{Item, Table};
use crate::facts::{FactSpec, Kind, Reading};
use crate::model::{ClassSet, Classes, Fact, Known, RuleId, Value};

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
    let line = table.source().line(table.span().start);
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
    let mut given = Given { idle_slack: IDLE_SLACK, ..Given::default() };
    let mut place = Values::new();
    let before = findings.errors();
    for family in item.table(findings)?.entries() {
        if family.key() == PLACES {
            given.places = read_places(&family, findings);
            continue;
        }
        for (fact, value) in read_values(&family, findings) {
            let values = if is_of_place(fact) { &mut place } else { &mut given.values };
            values.insert(fact.name, value);
        }
    }
    if !place.is_empty() && !given.places.is_empty() {
        let fault = item.fault_at_key(Code::Contradiction, "the case states one place and several");
        findings.push(fault.help("put everything about networks and clients into `places`"));
    }
    given.places.extend((!place.is_empty()).then_some(place));
    for fault in contradictions(&given) {
        findings.push(item.fault_at_key(Code::Contradiction, fault));
    }
    (findings.errors() == before).then_some(given)
}

/// The key for several places of one session.
const PLACES: &str = "places";

fn is_of_place(fact: &FactSpec) -> bool {
    matches!(fact.reading, Reading::Place(_))
}

/// Several places; what is said of one of them has to be about a place.
fn read_places(item: &Item<'_>, findings: &mut Findings) -> Vec<Values> {
    let Some(tables) = item.tables(findings) else { return Vec::new() };
    if tables.is_empty() {
        findings.push(item.fault(Code::EmptySet, "`places` has no elements"));
    }
    let mut places = Vec::new();
    for table in tables {
        let mut place = Values::new();
        for family in table.entries() {
            for (fact, value) in read_values(&family, findings) {
                if !is_of_place(fact) {
                    let message = format!("{} is not about a place", quoted(fact.name));
                    findings.push(family.fault_at_key(Code::Contradiction, message).help("state it beside `places`"));
                }
                place.insert(fact.name, value);
            }
        }
        places.push(place);
    }
    places
}

/// The stated facts of one family.
fn read_values(family: &Item<'_>, findings: &mut Findings) -> Vec<(&'static FactSpec, Value<'static>)> {
    let entries = family.table(findings).map(|table| table.entries()).unwrap_or_default();
    let value = |entry: &Item<'_>| {
        let fact = find_fact(family.key(), entry, findings)?;
        Some((fact, read_value(fact, entry, findings)?))
    };
    entries.iter().filter_map(value).collect()
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
        Kind::Address => {
            let text = item.text(findings)?;
            Value::Address(read_address(text, item, findings)?)
        }
        Kind::Asn => Value::Number(item.integer_in(ASNS, findings)?.unsigned_abs()),
        Kind::Version => Value::Version(read_version(item, findings)?),
        Kind::Classes => {
            let classes: Option<ClassSet> =
                item.texts(findings)?.iter().map(|(element, text)| read_class(fact, text, element, findings)).collect();
            Value::Classes(Classes::exactly(classes?))
        }
        Kind::Text => {
            let text = item.text(findings)?;
            if text.is_empty() && fact.never_empty {
                let fault = item.fault(Code::UnknownValue, format!("{} is never empty", quoted(fact.name)));
                findings.push(fault.help("leave it out where it is not known"));
                return None;
            }
            let word = folded(text, fact.folds_case);
            if !fact.vocabulary.is_empty() && !text.is_empty() && !fact.vocabulary.contains(&word.as_ref()) {
                let fault = item.fault(Code::UnknownValue, format!("{} is never {}", quoted(fact.name), quoted(text)));
                findings.push(fault.help(values_of(fact)));
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
    let lists = Lists::default();
    for (fact, stated, derived) in given.witness(&lists).derived() {
        if let Fact::Known(Known { value, .. }) = derived
            && contradicts(stated, &value)
        {
            let (stated, derived) = (shown(stated), shown(&value));
            faults.push(format!("`{}` is stated as {stated} and the other facts make it {derived}", fact.name));
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

/// Of classes only those count that follow from the address alone.
fn contradicts(stated: &Value<'_>, derived: &Value<'_>) -> bool {
    match (stated, derived) {
        (Value::Classes(stated), Value::Classes(derived)) => {
            stated.yes().meets(derived.no()) || derived.yes().meets(stated.no())
        }
        _ => stated != derived,
    }
}

/// `fires` may only name rules that are there.
pub(super) fn check_fires(set: &PolicySet, sources: &[Source], findings: &mut Findings) {
    for rule in &set.rules {
        for case in &rule.cases {
            let is_known = |id: &RuleId| set.rules.binary_search_by(|one| one.id.cmp(id)).is_ok();
            let unknown = case.fires.iter().flatten().filter(|id| !is_known(id));
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
    let (start, next) = (source.line_start(line), source.line_start(line + 1));
    start..start + source.text.get(start..next).map_or(0, |text| text.trim_end().len())
}
