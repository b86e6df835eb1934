//! What a change is classed as, held against what it does: the second reading judges the same world under both laws.

use std::collections::BTreeSet;

use evictd::change::{class_of, of_policies};
use evictd::diagnostic::{Findings, Source};
use evictd::policy::{PolicySet, read};
use fastrand::Rng;

use super::judge::State;
use super::law::Law;
use super::real::policies;
use super::world::World;
use super::{chance, judge, scene};

/// How many pairs of laws are judged.
const SEEDS: u64 = 600;

/// The law after a change like those that people make.
fn changed(law: &Law, other: &Law, rng: &mut Rng) -> Law {
    let mut law = law.clone();
    if chance(rng, 25) && law.rules.len() > 1 {
        law.rules.remove(rng.usize(..law.rules.len()));
        // An exception must not speak of a rule that is not there.
        law.exceptions.retain(|one| one.rules.iter().all(|rules| rules == "*"));
    }
    if chance(rng, 30) && !law.exceptions.is_empty() {
        law.exceptions.remove(rng.usize(..law.exceptions.len()));
    }
    for rule in &mut law.rules {
        if chance(rng, 15) && rule.when.len() > 1 {
            rule.when.remove(rng.usize(..rule.when.len()));
        }
        if chance(rng, 15) {
            rule.mode = other.rules.first().and_then(|other| other.mode);
        }
    }
    for exception in &mut law.exceptions {
        if chance(rng, 20) && exception.when.len() > 1 {
            exception.when.remove(rng.usize(..exception.when.len()));
        }
        if chance(rng, 20) {
            exception.last_day += 1;
        }
    }
    if chance(rng, 30) {
        law.rules.reverse();
    }
    law
}

/// Which rules fire on which session.
fn fired(world: &World, law: &Law) -> BTreeSet<(String, u64)> {
    let claims = judge::judge(world, law).into_iter().filter(|claim| claim.state == State::Fired);
    claims.map(|claim| (claim.rule, claim.session)).collect()
}

/// The law as the real reader understands it; none if it does not take it, as an exception that lost all but a client's word.
fn taken(world: &World, law: &Law) -> Option<PolicySet> {
    let source = Source::new("law.toml", law.to_toml());
    read(&[source], Some(world.snapshot().now), &mut Findings::default())
}

#[test]
fn a_change_does_no_more_than_its_class_says() {
    let mut told = BTreeSet::new();
    let mut seen = [0_u32; 2];
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let mut rng = Rng::with_seed(seed ^ 0x00C0_FFEE);
        let (_, other) = scene(seed + SEEDS);
        let after = changed(&law, &other, &mut rng);
        let old = policies(&world, &law);
        let Some(new) = taken(&world, &after) else { continue };
        let changes = of_policies(&old, &new);
        let class = class_of(&changes);
        told.insert(class.word());
        let (before, now) = (fired(&world, &law), fired(&world, &after));
        if !class.widens {
            let more: Vec<_> = now.difference(&before).collect();
            assert!(more.is_empty(), "seed {seed}: {more:?} is more, {changes:?}");
        }
        if !class.weakens {
            let less: Vec<_> = before.difference(&now).collect();
            assert!(less.is_empty(), "seed {seed}: {less:?} is less, {changes:?}");
        }
        seen[0] += u32::from(!now.is_subset(&before));
        seen[1] += u32::from(!before.is_subset(&now));
        // A set is what it is.
        assert_eq!(of_policies(&old, &policies(&world, &law)), [], "seed {seed}");
    }
    assert_eq!(told, BTreeSet::from(["neutral", "unclear", "weakens", "widens"]));
    assert!(seen.iter().all(|number| *number > 20), "{seen:?}");
}
