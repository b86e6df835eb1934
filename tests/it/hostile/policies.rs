//! Policy files: whatever they say, reading ends in a set or in findings, and a set can be asked about anything.

use std::sync::OnceLock;

use evictd::address::Lists;
use evictd::config::{Account, ScopeChoice};
use evictd::cycle;
use evictd::diagnostic::{Findings, Source};
use evictd::evaluate::{fires_in_case, verdict_of_case};
use evictd::model::Answer;
use evictd::policy::{self, Condition, Given, PolicySet};
use evictd::report::{Look, to_json, to_text};
use evictd::snapshot::Snapshot;

use super::shown::{are_harmless, is_harmless};
use super::{CUT, config, snapshot};

/// The files of a set, with [`CUT`] between them.
pub fn survives(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let sources: Vec<Source> =
        (1..).zip(text.split(CUT)).map(|(number, text)| Source::new(format!("{number}.toml"), text)).collect();
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    let mut findings = Findings::default();
    let set = policy::read(&sources, Some(now), &mut findings);
    assert_eq!(set.is_some(), !findings.has_errors(), "{findings:?}");
    are_harmless(&findings, sources.len());
    let Some(set) = set else { return };
    let conditions = set.rules.iter().map(|rule| &rule.when).chain(set.exceptions.iter().map(|one| &one.when));
    conditions.for_each(knows_nothing_of_nobody);
    let lists = Lists::of(&set.lists);
    for (rule, case) in set.rules.iter().flat_map(|rule| rule.cases.iter().map(move |case| (rule, case))) {
        verdict_of_case(case, rule, &set, &lists);
        fires_in_case(case, &set, &lists);
        rule.when
            .grounds(&case.given.witness(&lists))
            .iter()
            .for_each(|ground| is_harmless("a reason", &ground.reason));
    }
    set.scope(ScopeChoice::Auto);
    judges(world(), &set);
}

/// Of somebody of whom nothing is known no condition holds, and none does not.
fn knows_nothing_of_nobody(condition: &Condition) {
    let (given, lists) = (Given::default(), Lists::default());
    let nobody = given.witness(&lists);
    assert!(matches!(condition.answer(&nobody), Answer::Unknown(_)), "{condition:?}");
    assert!(condition.grounds(&nobody).is_empty(), "{condition:?}");
    assert!(!condition.trace(&nobody).is_empty() && !condition.lines().is_empty(), "{condition:?}");
}

/// A dry cycle over this world under these policies: the same twice, and fit to be shown.
pub fn judges(world: &Snapshot, policies: &PolicySet) {
    let lists = Lists::of(&policies.lists);
    let report = cycle::judge(account(), policies, &lists, world);
    let text = to_text(&report, Look { width: 100, colour: false });
    is_harmless("a report", &text);
    let json = to_json(&report).unwrap();
    assert_eq!(to_json(&cycle::judge(account(), policies, &lists, world)).unwrap(), json);
}

/// An enforcing account, as the shipped example configures it otherwise.
pub fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        let text = include_str!("../../../config/evictd.toml").replace(r#"mode = "report""#, r#"mode = "enforce""#);
        let settings = config::read(&Source::new("evictd.toml", text), &mut Findings::default()).unwrap();
        settings.accounts.into_values().next().unwrap()
    })
}

/// A few people with sessions, in the snapshot that is also a seed.
fn world() -> &'static Snapshot {
    static WORLD: OnceLock<Snapshot> = OnceLock::new();
    WORLD.get_or_init(|| snapshot::read(include_bytes!("../../../fuzz/seeds/snapshot/small.json")).unwrap())
}
