//! The registry of facts is whole: each fact and operator has its cases in `tests/facts`, and its row in `docs/facts.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use evictd::address::Lists;
use evictd::config::Belts;
use evictd::diagnostic::{Findings, Source, Style, render};
use evictd::evaluate::{evaluate, verdict_of_case};
use evictd::evidence::Dossier;
use evictd::facts::{Kind, Operator, all};
use evictd::guard::guard;
use evictd::model::{
    AccountName, CycleId, CycleKind, Foreign, ListStanding, Listed, Mode, Person, Role, Session, SessionId, Traces,
    UserId, Value,
};
use evictd::plan::plan;
use evictd::policy::{self, Expect, PolicySet};
use evictd::report::{Explanation, Stages, explain, facts_markdown};
use evictd::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

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
            assert_eq!(
                Some(verdict_of_case(case, rule, &set, &Lists::of(&set.lists))),
                case.expect,
                "{}: {}",
                rule.id,
                case.title
            );
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
            let of_case = |name: &str| {
                let values = std::iter::once(&case.given.values).chain(&case.given.places);
                values.into_iter().find_map(|values| values.get(name))
            };
            let asked = ["user.email", line.fact.name].map(of_case);
            let is_empty = |value: &Value<'_>| match value {
                Value::Text(text) => text.is_none(),
                Value::Set(members) => members.is_empty(),
                _ => false,
            };
            outcomes.extend(asked.into_iter().flatten().any(is_empty).then_some("empty"));
        }
    }
    for fact in all() {
        let may_be_empty = matches!(fact.kind, Kind::Text | Kind::Set) && !fact.never_empty;
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

/// Session 1 of user 1, who was an agent until 30 hours ago and stands on a list since 20 hours ago.
fn leaver() -> Snapshot {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let ago = |hours: i64| now - SignedDuration::from_hours(hours);
    let user = UserId::new(1).unwrap();
    let person = Person {
        name: Foreign::new("Ada"),
        role: Some(Role::EndUser),
        deleted: Some(false),
        suspended: Some(false),
        ..Person::blank(user, ago(2))
    };
    let session = Session {
        id: SessionId(1),
        user: Some(user),
        authenticated_at: Some(ago(5).into()),
        last_seen_at: None,
        seen: now.into(),
    };
    let traces = Traces { agent_at: Some(ago(31)), staff_lost_since: Some(ago(30)), ..Traces::default() };
    let listed = Listed { list: "hr".into(), since: ago(20), as_of: ago(0) };
    let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
    Snapshot {
        sessions: vec![session],
        people: [(user, person.into())].into(),
        people_as_of: Some(ago(1)),
        traces: [(user, traces)].into(),
        lists: [("hr".to_owned(), ListStanding::default())].into(),
        listed: [(user, vec![listed])].into(),
        ..Snapshot::empty(AccountName::new("acme"), cycle, now, UserId::new(900).unwrap())
    }
}

fn explained(snapshot: &Snapshot, when: &str) -> Explanation {
    let text = format!(
        "schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
         [rule.when]\n{when}\n"
    );
    let policies = policy::read(&[Source::new("a.toml", text)], None, &mut Findings::default()).unwrap();
    let lists = Lists::of(&policies.lists);
    let dossier = Dossier::new(snapshot, &lists, SignedDuration::ZERO);
    let judgement = evaluate(&dossier, &policies);
    let plan = plan(&dossier, &policies, &judgement, Mode::Enforce);
    let guarded = guard(&plan, &policies, &dossier, &Belts::default(), CycleKind::Dry);
    let (dossier, policies, judgement) = (&dossier, &policies, &judgement);
    let stages = Stages { dossier, policies, judgement, plan: &plan, guarded: &guarded, mode: Mode::Enforce };
    explain(stages, SessionId(1)).unwrap()
}

#[test]
fn what_memory_and_lists_say_is_explained_with_its_source_and_age() {
    let snapshot = leaver();
    let page = |when: &str| explained(&snapshot, when).text();
    assert!(page("user.id.is = \"1\"").contains("session 1 of Ada (agents)"), "{}", page("user.id.is = \"1\""));
    for (when, line) in [
        ("user.downgraded = true", "true (exact, memory as of 2026-11-23T11:00:00Z)"),
        ("user.listed = true", "true (exact, list as of 2026-11-23T12:00:00Z)"),
        ("user.offboarded = true", "true (exact, memory as of 2026-11-23T11:00:00Z)"),
        ("user.offboarded-for.over = \"1d\"", "1d 6h (assumed, memory as of 2026-11-23T11:00:00Z)"),
        ("user.suspended = false", "false (exact, user as of 2026-11-23T11:00:00Z)"),
    ] {
        assert!(page(when).contains(line), "{}", page(when));
        assert!(page(when).contains(": fires"), "{}", page(when));
    }
    let mut listed_only = snapshot.clone();
    listed_only.traces.clear();
    let page = explained(&listed_only, "user.offboarded-for.over = \"1d\"").text();
    assert!(page.contains("20h (assumed, list as of 2026-11-23T12:00:00Z)"), "{page}");
}

#[test]
fn what_memory_cannot_say_is_explained_as_assumed_and_decides_nothing() {
    let mut snapshot = leaver();
    snapshot.traces.clear();
    snapshot.listed.clear();
    let page = explained(&snapshot, "user.offboarded = false").text();
    assert!(page.contains(": undecided") && page.contains("false (assumed, user as of"), "{page}");
    let page = explained(&snapshot, "user.offboarded = true").text();
    assert!(page.contains(": no"), "{page}");
    assert!(page.contains("session 1 of Ada (end-users)"), "{page}");
}

#[test]
fn the_page_of_facts_is_the_registry() {
    let page = std::fs::read_to_string(root().join("docs/facts.md")).unwrap();
    assert_eq!(page, facts_markdown(), "run `evictd policy facts --format markdown > docs/facts.md`");
}
