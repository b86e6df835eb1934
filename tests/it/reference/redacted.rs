//! A redacted world is judged as the world is, by every policy that ships and names neither people nor addresses.

use std::collections::BTreeSet;

use evictd::address::Lists;
use evictd::diagnostic::{Findings, Source};
use evictd::evaluate::evaluate;
use evictd::evidence::Dossier;
use evictd::guard::guard;
use evictd::model::{CycleKind, Mode};
use evictd::plan::plan;
use evictd::policy::{PolicySet, read};
use evictd::report::{Stages, report};
use evictd::snapshot::{Snapshot, redact};
use jiff::SignedDuration;

use super::real::belts;
use super::{World, scene};

const SEEDS: u64 = 300;

/// `vendors` and `exceptions` name addresses and e-mails.
fn shipped() -> PolicySet {
    let sources = [
        Source::new("age.toml", include_str!("../../../policies/age.toml")),
        Source::new("clients.toml", include_str!("../../../policies/clients.toml")),
        Source::new("concurrent.toml", include_str!("../../../policies/concurrent.toml")),
        Source::new("geography.toml", include_str!("../../../policies/geography.toml")),
        Source::new("idle.toml", include_str!("../../../policies/idle.toml")),
        Source::new("networks.toml", include_str!("../../../policies/networks.toml")),
        Source::new("offboarded.toml", include_str!("../../../policies/offboarded.toml")),
    ];
    read(&sources, None, &mut Findings::default()).unwrap()
}

/// Each rule with how often it fired, was withheld and could not tell; then what would go and what is withheld.
fn counts(world: &World, snapshot: &Snapshot, set: &PolicySet) -> (Vec<(String, [usize; 3])>, [usize; 2]) {
    let lists = Lists::of(&set.lists);
    let dossier = Dossier::new(snapshot, &lists, SignedDuration::from_millis(world.idle_slack));
    let judgement = evaluate(&dossier, set);
    let plan = plan(&dossier, set, &judgement, Mode::Enforce);
    let guarded = guard(&plan, set, &dossier, &belts(world), CycleKind::Dry);
    let (judgement, plan, guarded) = (&judgement, &plan, &guarded);
    let stages = Stages { dossier: &dossier, policies: set, judgement, plan, guarded, mode: Mode::Enforce };
    let told = report(stages, &[]);
    let rules = told.rules.iter().map(|row| (row.rule.to_string(), [row.fired, row.withheld, row.undecided]));
    (rules.collect(), [told.revoke.len(), told.withheld.len()])
}

#[test]
fn a_redacted_world_is_judged_the_same() {
    let set = shipped();
    let mut fired = BTreeSet::new();
    for seed in 0..SEEDS {
        let (world, _) = scene(seed);
        let whole = world.snapshot();
        let before = counts(&world, &whole, &set);
        let key = [u8::try_from(seed % 251).unwrap(); 32];
        assert_eq!(counts(&world, &redact(&whole, &key), &set), before, "seed {seed}");
        fired.extend(before.0.into_iter().filter(|(_, [fired, ..])| *fired > 0).map(|(rule, _)| rule));
    }
    assert!(fired.len() > 8, "{fired:?}");
}
