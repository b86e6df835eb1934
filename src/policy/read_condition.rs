//! Reading a `when`: a tree of tables, in which `fact.operator = value` lines are joined by *and*.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use regex::RegexBuilder;

use super::condition::folded;
use super::lists::PATTERNS_MAX;
use super::read_value::{at_hand, read_among, read_classes, read_version};
use super::{Bound, Condition, Line, Lists, Test, TextTest, Words};
use crate::address::{Contents, ListDecl, ListKind, ListSource, Texts};
use crate::diagnostic::{Code, Findings, quoted, quoted_list};
use crate::document::{Item, Table, did_you_mean};
use crate::facts::{FAMILIES, FactSpec, Kind, Operator, Reading, all, find};

/// A compiled pattern may take this many bytes: enough for any sensible one, too little to exhaust the host.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// The texts of a list with more than this many stand in the list alone, however many lines name it.
const WORDS_COPIED_MAX: usize = 100;

/// More values than this are not listed in one line.
const VALUES_LISTED_MAX: usize = 20;

/// Reads one table of conditions; a finding for everything in it that cannot be read.
pub(super) fn read_condition(table: &Table<'_>, lists: &mut Lists, findings: &mut Findings) -> Option<Condition> {
    let entries = table.entries();
    if entries.is_empty() {
        findings.push(
            table
                .fault(Code::EmptySet, "a condition without lines holds for everybody")
                .help("write at least one line, such as `user.role.is = \"agent\"`"),
        );
        return None;
    }
    let mut parts = Vec::new();
    let mut places = Vec::new();
    let mut whole = true;
    for entry in entries {
        let read = match entry.key() {
            "all" => read_branches(&entry, lists, findings).map(|branches| vec![Condition::All(branches)]),
            "any" => read_branches(&entry, lists, findings).map(|branches| vec![Condition::Any(branches)]),
            "not" => entry
                .table(findings)
                .and_then(|table| read_condition(&table, lists, findings))
                .map(|part| vec![Condition::Not(Box::new(part))]),
            family => read_family(family, &entry, lists, findings),
        };
        whole &= read.is_some();
        for part in read.unwrap_or_default() {
            match part {
                Condition::Line(line) if matches!(line.fact.reading, Reading::Place(_)) => places.push(line),
                other => parts.push(other),
            }
        }
    }
    // Lines of one table that ask about places ask about the same place.
    parts.extend((!places.is_empty()).then_some(Condition::Place(places)));
    whole.then_some(Condition::All(parts))
}

fn read_branches(item: &Item<'_>, lists: &mut Lists, findings: &mut Findings) -> Option<Vec<Condition>> {
    let tables = item.tables(findings)?;
    if tables.is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("{} has no branches", quoted(item.key()))));
        return None;
    }
    let branches: Vec<_> = tables.iter().map(|table| read_condition(table, lists, findings)).collect();
    branches.into_iter().collect()
}

fn read_family(family: &str, item: &Item<'_>, lists: &mut Lists, findings: &mut Findings) -> Option<Vec<Condition>> {
    let names = FAMILIES.iter().map(|family| family.name);
    if !names.clone().any(|name| name == family) {
        let fault = item.fault_at_key(Code::UnknownFact, format!("there are no facts {}", quoted(family)));
        let advice = did_you_mean(family, names.chain(["all", "any", "not"]));
        findings.push(fault.help(advice.unwrap_or_else(|| "`evictd policy facts` lists all facts".to_owned())));
        return None;
    }
    let table = item.table(findings)?;
    let mut lines = Vec::new();
    let mut whole = true;
    for entry in table.entries() {
        let read = find_fact(family, &entry, findings).and_then(|fact| read_fact(fact, &entry, lists, findings));
        whole &= read.is_some();
        lines.extend(read.unwrap_or_default());
    }
    whole.then_some(lines)
}

/// The fact that this key of a family's table names.
pub(super) fn find_fact(family: &str, entry: &Item<'_>, findings: &mut Findings) -> Option<&'static FactSpec> {
    let name = format!("{family}.{}", entry.key());
    let fact = find(&name);
    if fact.is_none() {
        let fault = entry.fault_at_key(Code::UnknownFact, format!("there is no fact {}", quoted(&name)));
        let advice = did_you_mean(&name, all().map(|fact| fact.name));
        findings.push(fault.help(advice.unwrap_or_else(|| "`evictd policy facts` lists all facts".to_owned())));
    }
    fact
}

fn read_fact(
    fact: &'static FactSpec,
    item: &Item<'_>,
    lists: &mut Lists,
    findings: &mut Findings,
) -> Option<Vec<Condition>> {
    if item.kind() != crate::document::Kind::Table {
        if fact.kind == Kind::Truth {
            return read_line(fact, Operator::Is, item, lists, findings).map(|line| vec![Condition::Line(line)]);
        }
        let operators = fact.kind.operators().iter().map(|operator| operator.word());
        let fault = item.fault(Code::UnknownOperator, format!("{} needs an operator", quoted(fact.name)));
        findings.push(fault.help(format!("write `{}.OPERATOR = …` with one of {}", fact.name, quoted_list(operators))));
        return None;
    }
    let table = item.table(findings)?;
    if table.is_empty() {
        findings.push(item.fault_at_key(Code::EmptySet, format!("nothing is asked of {}", quoted(fact.name))));
        return None;
    }
    let mut lines = Vec::new();
    let mut whole = true;
    for entry in table.entries() {
        let operator = find_operator(fact, &entry, findings);
        let line = operator.and_then(|operator| read_line(fact, operator, &entry, lists, findings));
        whole &= line.is_some();
        lines.extend(line.map(Condition::Line));
    }
    whole.then_some(lines)
}

fn find_operator(fact: &FactSpec, entry: &Item<'_>, findings: &mut Findings) -> Option<Operator> {
    let known = fact.kind.operators();
    let operator = Operator::from_word(entry.key()).filter(|operator| known.contains(operator));
    if operator.is_none() {
        let message = format!("{} has no operator {}", quoted(fact.name), quoted(entry.key()));
        let words = known.iter().map(|operator| operator.word());
        let listed = format!("it has {}", quoted_list(words.clone()));
        let advice = did_you_mean(entry.key(), words).unwrap_or(listed);
        findings.push(entry.fault_at_key(Code::UnknownOperator, message).help(advice));
    }
    operator
}

fn read_line(
    fact: &'static FactSpec,
    operator: Operator,
    item: &Item<'_>,
    lists: &mut Lists,
    findings: &mut Findings,
) -> Option<Line> {
    let (test, written) = match (fact.kind, operator) {
        (Kind::Truth, _) => {
            let truth = item.boolean(findings)?;
            (Test::Truth(truth), truth.to_string())
        }
        (Kind::Duration, _) => {
            let length = item.duration(findings)?;
            (Test::Duration(bound_of(operator)?, length), item.text(findings)?.to_owned())
        }
        (Kind::Number, _) => {
            let number = item.integer_in(0..=i64::MAX, findings)?;
            (Test::Number(bound_of(operator), number.unsigned_abs()), number.to_string())
        }
        (Kind::Version, _) => {
            let version = read_version(item, findings)?;
            let ordering = if operator == Operator::OlderThan { Ordering::Less } else { Ordering::Greater };
            (Test::Version(ordering, version), quoted(item.text(findings)?))
        }
        (Kind::Classes, _) => {
            let (asked, written) = read_classes(fact, operator, item, findings)?;
            (Test::Classes { wanted: operator != Operator::NotIn, asked }, written)
        }
        (Kind::Address | Kind::Asn, _) => read_among(fact, operator, item, lists, findings)?,
        (_, Operator::In | Operator::NotIn) => {
            let asked = read_words(fact, item, lists, findings)?;
            (words_test(fact.kind, operator, asked.words, asked.lists), asked.written)
        }
        (Kind::Set, _) => {
            let word = read_word(fact, item, findings)?;
            let written = quoted(&word);
            (Test::SharesMember(single(word)), written)
        }
        (_, Operator::Is) => {
            let word = read_word(fact, item, findings)?;
            let written = quoted(&word);
            (Test::Text(TextTest::In(single(word))), written)
        }
        (_, _) => (Test::Text(read_part(fact, operator, item, lists, findings)?), quoted(item.text(findings)?)),
    };
    Some(Line { fact, operator, test, written })
}

fn bound_of(operator: Operator) -> Option<Bound> {
    match operator {
        Operator::Over => Some(Bound::Over),
        Operator::Under => Some(Bound::Under),
        Operator::AtLeast => Some(Bound::AtLeast),
        Operator::AtMost => Some(Bound::AtMost),
        _ => None,
    }
}

/// What may change is asked list by list; texts that are written down are asked at once.
fn words_test(kind: Kind, operator: Operator, words: Words, lists: Vec<usize>) -> Test {
    if !lists.is_empty() {
        let written = at_hand(ListKind::Text, Contents::Texts(words.iter().cloned().collect()));
        return Test::Among { wanted: operator == Operator::In, written, lists };
    }
    match (kind, operator) {
        (Kind::Set, Operator::In) => Test::SharesMember(words),
        (Kind::Set, _) => Test::SharesNone(words),
        (_, Operator::In) => Test::Text(TextTest::In(words)),
        (_, _) => Test::Text(TextTest::NotIn(words)),
    }
}

fn single(word: String) -> Words {
    Arc::new(BTreeSet::from([word]))
}

/// One whole text to compare with, as it compares.
fn read_word(fact: &FactSpec, item: &Item<'_>, findings: &mut Findings) -> Option<String> {
    let text = read_text(fact, item, findings)?;
    check_word(fact, text, item, findings).map(|()| folded(text, fact.folds_case).into_owned())
}

/// A text that is not empty. Ids are texts: a bare number gets its own advice.
fn read_text<'d>(fact: &FactSpec, item: &Item<'d>, findings: &mut Findings) -> Option<&'d str> {
    if item.kind() == crate::document::Kind::Integer {
        let fault =
            item.fault(Code::WrongKind, format!("{} is a text, also where it looks like a number", quoted(fact.name)));
        findings.push(fault.help("put the number in quotes"));
        return None;
    }
    let text = item.text(findings)?;
    if text.is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("an empty text tells nothing about {}", quoted(fact.name))));
        return None;
    }
    Some(text)
}

fn check_word(fact: &FactSpec, text: &str, item: &Item<'_>, findings: &mut Findings) -> Option<()> {
    let known = fact.vocabulary;
    if known.is_empty() || known.contains(&folded(text, fact.folds_case).as_ref()) {
        return Some(());
    }
    let fault = item.fault(Code::UnknownValue, format!("{} is never {}", quoted(fact.name), quoted(text)));
    findings.push(fault.help(did_you_mean(text, known.iter().copied()).unwrap_or_else(|| values_of(fact))));
    None
}

/// What a fact with few values can be.
pub(super) fn values_of(fact: &FactSpec) -> String {
    if fact.vocabulary.len() > VALUES_LISTED_MAX {
        return "`evictd policy facts --format json` lists all its values".to_owned();
    }
    format!("it is one of {}", quoted_list(fact.vocabulary.iter().copied()))
}

/// The texts of an array.
struct Asked {
    /// Those written, and those of lists whose entries are written.
    words: Words,
    /// Lists whose entries stand in files, by their places among the set's.
    lists: Vec<usize>,
    /// The array as it stands in the policy.
    written: String,
}

/// The texts of an array; an element that begins with @ names a list, one that begins with @@ is a text.
fn read_words(fact: &FactSpec, item: &Item<'_>, lists: &mut Lists, findings: &mut Findings) -> Option<Asked> {
    let elements = item.array(findings)?;
    if elements.is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("{} has no elements", item.subject())));
        return None;
    }
    let before = findings.errors();
    let mut words = BTreeSet::new();
    let (mut named, mut written) = (Vec::new(), Vec::new());
    for element in &elements {
        let Some(text) = read_text(fact, element, findings) else { continue };
        written.push(quoted(text));
        match text.strip_prefix('@') {
            Some(rest) if !rest.starts_with('@') => {
                let Some((place, list)) = lists.find_of(ListKind::Text, rest, element, findings) else { continue };
                match texts_of(&list) {
                    Some(texts) if texts.iter().nth(WORDS_COPIED_MAX).is_none() => {
                        check_entries(fact, rest, texts, element, findings);
                        words.extend(texts.iter().map(|entry| folded(entry, fact.folds_case).into_owned()));
                    }
                    _ => named.push(place),
                }
            }
            literal => {
                let text = literal.unwrap_or(text);
                if check_word(fact, text, element, findings).is_some() {
                    words.insert(folded(text, fact.folds_case).into_owned());
                }
            }
        }
    }
    (findings.errors() == before).then(|| Asked { words: Arc::new(words), lists: named, written: written.join(", ") })
}

/// The texts of a list that is written in a policy; none of one that stands in a file.
fn texts_of(list: &ListDecl) -> Option<&Texts> {
    match &list.from {
        ListSource::Inline(contents) => match &**contents {
            Contents::Texts(texts) => Some(texts),
            Contents::Addresses(_) | Contents::Asns(_) => None,
        },
        ListSource::File(_) => None,
    }
}

/// An entry that the fact can never be would make the list say less than its reader thinks.
fn check_entries(fact: &FactSpec, name: &str, texts: &Texts, element: &Item<'_>, findings: &mut Findings) {
    let known = fact.vocabulary;
    let is_never = |text: &&str| !known.is_empty() && !known.contains(&folded(text, fact.folds_case).as_ref());
    if let Some(text) = texts.iter().find(is_never) {
        let message = format!("list {} has {}, and {} is never that", quoted(name), quoted(text), quoted(fact.name));
        let fault = element.fault(Code::UnknownValue, message);
        findings.push(fault.help(did_you_mean(text, known.iter().copied()).unwrap_or_else(|| values_of(fact))));
    }
}

fn read_part(
    fact: &FactSpec,
    operator: Operator,
    item: &Item<'_>,
    lists: &mut Lists,
    findings: &mut Findings,
) -> Option<TextTest> {
    let text = read_text(fact, item, findings)?;
    let part = folded(text, fact.folds_case).into_owned();
    Some(match operator {
        Operator::Contains => TextTest::Contains(part),
        Operator::StartsWith => TextTest::StartsWith(part),
        Operator::EndsWith => TextTest::EndsWith(part),
        _ if !lists.has_room_for_a_pattern() => {
            let message = format!("a policy set has at most {PATTERNS_MAX} patterns of `matches`");
            findings.push(
                item.fault(Code::OutOfRange, message).help("join patterns with `|`, or ask with `in` and a list"),
            );
            return None;
        }
        _ => TextTest::Matches(read_pattern(text, fact.folds_case, item, findings)?),
    })
}

/// A pattern that has to match the whole text. It is tried alone first: `a)(b` must not become valid by the anchors.
fn read_pattern(text: &str, folds_case: bool, item: &Item<'_>, findings: &mut Findings) -> Option<regex::Regex> {
    let build =
        |pattern: &str| RegexBuilder::new(pattern).case_insensitive(folds_case).size_limit(PATTERN_BYTES_MAX).build();
    match build(text).and_then(|_| build(&format!(r"\A(?:{text})\z"))) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let told = error.to_string();
            let why = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let fault = item.fault(Code::BadRegex, format!("{} is not a pattern", quoted(text)));
            findings.push(fault.help(why));
            None
        }
    }
}
