//! Reading: the files of a policy set, compiled, or every fault of every file.
//!
//! Lists and rule ids come first, over all files; then rules, exceptions and cases are compiled against them. A set
//! with one error is no set: half of it in force could spare what should go, or end what should be spared.

use std::collections::BTreeMap;
use std::ops::Range;

use globset::GlobBuilder;
use jiff::Timestamp;

use super::read_case::{check_fires, read_case};
use super::read_condition::read_condition;
use super::{Exception, Lists, OnAmbiguous, PolicyFile, PolicySet, Rule, end_of_day, lint};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::document::{Document, Item, Table, did_you_mean};
use crate::model::{Action, ExceptionId, Mode, RuleId, Severity, Strength};
use crate::record::digest_of_files;

/// The only version of the language there is.
const SCHEMA: i64 = 1;

/// A set has no more rules, nor more exceptions: each is weighed against each, and a file must not hold up a reload.
const RULES_MAX: usize = 1_000;

/// An exception names no more rules and patterns of rules: each pattern takes some thousand bytes.
const PATTERNS_MAX: usize = 100;

/// Where a name was first given, for the finding about its second use.
pub(super) type Places = BTreeMap<String, (Source, Range<usize>)>;

/// Reads a policy set from its files. `now` tells which exceptions have expired; without it none is looked at.
///
/// Returns a set only if no finding is an error.
pub fn read(sources: &[Source], now: Option<Timestamp>, findings: &mut Findings) -> Option<PolicySet> {
    let documents: Vec<Document<'_>> = sources.iter().filter_map(|source| Document::read(source, findings)).collect();
    let mut files: Vec<PolicyTables<'_>> = documents.iter().map(|document| tables_of(document, findings)).collect();
    let mut lists = Lists::default();
    for file in &mut files {
        for item in std::mem::take(&mut file.lists) {
            lists.read(&item, findings);
        }
    }
    let digest = digest_of_files(sources.iter().map(|source| (&*source.name, &*source.text)));
    let mut set = PolicySet { digest, files: policy_files(sources), ..PolicySet::default() };
    let mut places = Places::new();
    let rules = files.iter_mut().flat_map(|file| std::mem::take(&mut file.rules)).collect();
    for table in not_too_many(rules, "rules", findings) {
        set.rules.extend(read_rule(table, &mut lists, &mut places, findings));
    }
    let mut exceptions = Places::new();
    let tables = files.into_iter().flat_map(|file| file.exceptions).collect();
    for mut table in not_too_many(tables, "exceptions", findings) {
        let (source, when) = (table.source(), table.optional("when").map(|item| item.key_span()));
        let one = read_exception(table, (&places, &mut exceptions), &mut lists, now, findings);
        if let (Some(one), Some(when)) = (&one, when)
            && now.is_none_or(|now| one.is_in_force(now))
        {
            lint::exception(one, &set.rules, (source, when), findings);
        }
        set.exceptions.extend(one);
    }
    set.rules.sort_by(|left, right| left.id.cmp(&right.id));
    set.exceptions.sort_by(|left, right| left.id.cmp(&right.id));
    check_fires(&set, sources, findings);
    lists.report_unused(findings);
    set.lists = lists.into_decls();
    set.seal();
    (!findings.has_errors()).then_some(set)
}

/// As many of these tables as a set may have; a finding at the first one beyond.
fn not_too_many<'d>(mut tables: Vec<Table<'d>>, what: &str, findings: &mut Findings) -> Vec<Table<'d>> {
    if let Some(beyond) = tables.get(RULES_MAX) {
        findings.push(beyond.fault(Code::OutOfRange, format!("a policy set has at most {RULES_MAX} {what}")));
    }
    tables.truncate(RULES_MAX);
    tables
}

/// The tables of one file by what they are.
struct PolicyTables<'d> {
    rules: Vec<Table<'d>>,
    exceptions: Vec<Table<'d>>,
    lists: Vec<Item<'d>>,
}

fn tables_of<'d>(document: &'d Document<'_>, findings: &mut Findings) -> PolicyTables<'d> {
    let mut root = document.root();
    if let Some(item) = root.required("schema", findings)
        && let Some(version) = item.integer(findings)
        && version != SCHEMA
    {
        let fault = item.fault(Code::UnsupportedSchema, format!("schema {version} is not known to this version"));
        findings.push(fault.help(format!("write `schema = {SCHEMA}`")));
    }
    let rules = root.optional("rule").and_then(|item| item.tables(findings)).unwrap_or_default();
    let exceptions = root.optional("exception").and_then(|item| item.tables(findings)).unwrap_or_default();
    let lists = root.optional("list").and_then(|item| item.table(findings)).map(|table| table.entries());
    root.finish(findings);
    PolicyTables { rules, exceptions, lists: lists.unwrap_or_default() }
}

fn read_rule(mut table: Table<'_>, lists: &mut Lists, places: &mut Places, findings: &mut Findings) -> Option<Rule> {
    let id = table.required("id", findings).and_then(|item| read_id(&item, "rule", places, findings));
    let title = required_text(&mut table, "title", findings);
    let action = table
        .required("action", findings)
        .and_then(|item| item.word(&words(Action::ALL, Action::word), Action::from_word, findings));
    let severity =
        optional_word(&mut table, "severity", &words(Severity::ALL, Severity::word), Severity::from_word, findings);
    let mode = optional_word(&mut table, "mode", &words(Mode::ALL, Mode::word), Mode::from_word, findings);
    let owner = optional_text(&mut table, "owner", findings);
    let message = optional_text(&mut table, "message", findings);
    let references = table.optional("references").and_then(|item| item.texts(findings)).unwrap_or_default();
    let match_min = optional_word(&mut table, "match-min", &["only", "exact"], match_min_of, findings);
    let ways = words(OnAmbiguous::ALL, OnAmbiguous::word);
    let on_ambiguous = optional_word(&mut table, "on-ambiguous", &ways, OnAmbiguous::from_word, findings);
    let when = table.required("when", findings).and_then(|item| item.table(findings));
    let asked = when.as_ref().map(Table::span);
    let when = when.and_then(|table| read_condition(&table, lists, findings));
    let cases = table.optional("case").and_then(|item| item.tables(findings)).unwrap_or_default();
    if cases.is_empty()
        && let Some(id) = &id
    {
        findings.push(table.fault(Code::NoCase, format!("rule {} has no case", quoted(id))));
    }
    let cases: Vec<_> = cases.into_iter().map(|case| read_case(case, findings)).collect();
    let place = (table.source().name.to_string(), table.source().line(table.span().start));
    let source = table.source();
    table.finish(findings);
    if let (Some(when), Some(span)) = (&when, asked) {
        lint::rule(when, source, span, findings);
    }
    Some(Rule {
        id: RuleId::new(id?),
        title: title?,
        action: action?,
        severity: severity.unwrap_or_default(),
        mode: mode.unwrap_or_default(),
        owner,
        references: references.into_iter().map(|(_, text)| text.to_owned()).collect(),
        message,
        match_min: match_min.unwrap_or(Strength::Only),
        on_ambiguous: on_ambiguous.unwrap_or_default(),
        when: when?,
        cases: cases.into_iter().collect::<Option<_>>()?,
        place,
        digest: String::new(),
    })
}

fn read_exception(
    mut table: Table<'_>,
    (rules, places): (&Places, &mut Places),
    lists: &mut Lists,
    now: Option<Timestamp>,
    findings: &mut Findings,
) -> Option<Exception> {
    let id = table.required("id", findings).and_then(|item| read_id(&item, "exception", places, findings));
    let globs = table.required("rules", findings).and_then(|item| read_globs(&item, rules, findings));
    let when_item = table.required("when", findings);
    let when_table = when_item.as_ref().and_then(|item| item.table(findings));
    let when = when_table.and_then(|table| read_condition(&table, lists, findings));
    let owner = required_text(&mut table, "owner", findings);
    let reason = required_text(&mut table, "reason", findings);
    let expires_item = table.required("expires", findings);
    let expires = expires_item.as_ref().and_then(|item| item.day(findings));
    if let (Some(item), Some(day), Some(now)) = (&expires_item, expires, now)
        && end_of_day(day).is_some_and(|end| end <= now)
    {
        let fault = item.fault(Code::Expired, format!("the exception expired at the end of {day}, UTC"));
        findings.push(fault.help("remove it, or renew it with its reason"));
    }
    if let (Some(item), Some(when)) = (&when_item, &when)
        && lint::rests_on_client(when, true)
    {
        let message = "the exception rests on nothing but what a client says of itself";
        let help = "add a line about the person or the network: any attacker can send any agent string";
        findings.push(item.fault_at_key(Code::RestsOnClient, message).help(help));
    }
    table.finish(findings);
    Some(Exception {
        id: ExceptionId::new(id?),
        rules: globs?,
        when: when?,
        owner: owner?,
        reason: reason?,
        expires: expires?,
    })
}

/// What may stand in a name or an id.
pub(super) fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

/// An id: what may stand in a report, a file name and a shell without quotes.
fn read_id(item: &Item<'_>, what: &str, places: &mut Places, findings: &mut Findings) -> Option<String> {
    let text = item.text(findings)?;
    if text.is_empty() || text.len() > 100 || !text.chars().all(is_plain) {
        let fault = item.fault(Code::BadName, format!("{} cannot be the id of {what}", quoted(text)));
        findings.push(fault.help("take letters, digits, `-` and `_`, at most 100"));
        return None;
    }
    if let Some((source, span)) = places.get(text) {
        let fault = item.fault(Code::DuplicateId, format!("another {what} has the id {}", quoted(text)));
        findings.push(fault.at(source, span.clone(), "first used here"));
        return None;
    }
    places.insert(text.to_owned(), (item.source().clone(), item.span()));
    Some(text.to_owned())
}

fn read_globs(item: &Item<'_>, rules: &Places, findings: &mut Findings) -> Option<Vec<globset::GlobMatcher>> {
    let texts = item.texts(findings)?;
    if texts.is_empty() {
        findings.push(item.fault(Code::EmptySet, "`rules` has no elements"));
        return None;
    }
    if texts.len() > PATTERNS_MAX {
        let fault = item.fault(Code::OutOfRange, format!("`rules` has more than {PATTERNS_MAX} elements"));
        findings.push(fault.help("name many rules by one pattern, as in `\"idle-*\"`"));
        return None;
    }
    let mut globs = Vec::new();
    for (element, text) in texts {
        match GlobBuilder::new(text).build() {
            Err(_) => findings.push(element.fault(Code::BadGlob, format!("{} is not a pattern of ids", quoted(text)))),
            Ok(glob) => {
                let glob = glob.compile_matcher();
                if !rules.keys().any(|rule| glob.is_match(rule)) {
                    findings.push(unmatched(&element, text, rules));
                }
                globs.push(glob);
            }
        }
    }
    Some(globs)
}

/// What is said of an id or pattern that names no rule.
fn unmatched(element: &Item<'_>, text: &str, rules: &Places) -> Diagnostic {
    if text.contains(['*', '?', '[', '{']) {
        let fault = element.fault(Code::UnmatchedGlob, format!("no rule's id matches {}", quoted(text)));
        return fault.help("an exception from no rule spares nobody: correct the pattern or remove it");
    }
    let fault = element.fault(Code::UnknownRule, format!("no rule has the id {}", quoted(text)));
    let nearest = did_you_mean(text, rules.keys().map(String::as_str));
    fault.help(nearest.unwrap_or_else(|| "name a rule of this policy set".to_owned()))
}

fn match_min_of(word: &str) -> Option<Strength> {
    [Strength::Only, Strength::Exact].into_iter().find(|strength| strength.word() == word)
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|one| word(*one)).collect()
}

fn optional_word<T>(
    table: &mut Table<'_>,
    key: &'static str,
    words: &[&'static str],
    read: impl Fn(&str) -> Option<T>,
    findings: &mut Findings,
) -> Option<T> {
    table.optional(key).and_then(|item| item.word(words, read, findings))
}

fn required_text(table: &mut Table<'_>, key: &'static str, findings: &mut Findings) -> Option<String> {
    let item = table.required(key, findings)?;
    let text = item.text(findings)?;
    if text.trim().is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("{} is empty", quoted(key))));
        return None;
    }
    Some(text.to_owned())
}

fn optional_text(table: &mut Table<'_>, key: &'static str, findings: &mut Findings) -> Option<String> {
    table.optional(key).and_then(|item| item.text(findings)).map(str::to_owned)
}

fn policy_files(sources: &[Source]) -> Vec<PolicyFile> {
    let file = |source: &Source| PolicyFile { name: source.name.to_string(), text: source.text.to_string() };
    sources.iter().map(file).collect()
}
