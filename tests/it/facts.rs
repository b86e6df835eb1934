//! The registry of facts is whole: each fact and operator has its cases in `tests/facts`, and its row in `docs/facts.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use evictd::diagnostic::{Findings, Source, Style, render};
use evictd::evaluate::verdict_of_case;
use evictd::facts::{Kind, Operator, all};
use evictd::model::Value;
use evictd::policy::{self, Expect, PolicySet};
use evictd::report::facts_markdown;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PolicySet {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join("tests/facts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let source = |path: &PathBuf| Source::new(path.to_str().unwrap(), std::fs::read_to_string(path).unwrap());
    let sources: Vec<Source> = files.iter().map(source).collect();
    let mut findings = Findings::default();
    let set = policy::read(&sources, None, &mut findings);
    set.unwrap_or_else(|| panic!("{}", render(&findings, Style::Plain, 100)))
}

#[test]
fn every_case_of_a_fact_comes_out_as_it_says() {
    let set = fixtures();
    for rule in &set.rules {
        for case in &rule.cases {
            assert_eq!(Some(verdict_of_case(case, rule, &set)), case.expect, "{}: {}", rule.id, case.title);
        }
    }
}

#[test]
fn every_fact_has_cases_for_yes_no_unknown_and_empty() {
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for rule in &fixtures().rules {
        let lines = rule.when.lines();
        let [line] = lines.as_slice() else { panic!("{}: one line is enough", rule.id) };
        let outcomes = shown.entry(line.fact.name).or_default();
        for case in &rule.cases {
            outcomes.extend(case.expect.map(Expect::word));
            let asked = ["user.email", line.fact.name].map(|name| case.given.values.get(name));
            let is_empty = |value: &Value<'_>| match value {
                Value::Text(text) => text.is_none(),
                Value::Set(members) => members.is_empty(),
                _ => false,
            };
            outcomes.extend(asked.into_iter().flatten().any(is_empty).then_some("empty"));
        }
    }
    for fact in all() {
        let may_be_empty =
            matches!(fact.kind, Kind::Text | Kind::Set) && !["user.id", "user.role"].contains(&fact.name);
        for outcome in ["revoke", "keep", "undecided"].into_iter().chain(may_be_empty.then_some("empty")) {
            assert!(shown.get(fact.name).is_some_and(|shown| shown.contains(outcome)), "{}: no {outcome}", fact.name);
        }
    }
}

#[test]
fn every_operator_of_every_kind_has_cases() {
    let set = fixtures();
    let lines = set.rules.iter().flat_map(|rule| rule.when.lines());
    let used: BTreeSet<(&str, Operator)> = lines.map(|line| (line.fact.kind.word(), line.operator)).collect();
    for kind in Kind::ALL {
        for operator in kind.operators() {
            assert!(used.contains(&(kind.word(), *operator)), "{} {}", kind.word(), operator.word());
        }
    }
}

#[test]
fn the_page_of_facts_is_the_registry() {
    let page = std::fs::read_to_string(root().join("docs/facts.md")).unwrap();
    assert_eq!(page, facts_markdown(), "run `evictd policy facts --format markdown > docs/facts.md`");
}
