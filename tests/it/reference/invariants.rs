//! Invariants of judging, on the real evaluator and planner over random worlds; the seed is in every failure.

use std::collections::{BTreeMap, BTreeSet};

use evictd::diagnostic::{Findings, Source};
use evictd::evaluate::{Claim, claim_of, evaluate};
use evictd::evidence::Dossier;
use evictd::model::{Cause, Completeness, SessionId};
use evictd::plan::{Plan, plan};
use evictd::policy::{PolicySet, read};
use evictd::snapshot::Snapshot;
use fastrand::Rng;
use jiff::SignedDuration;

use super::real::policies;
use super::{Law, World, scene};

const SEEDS: u64 = 300;

fn slack(world: &World) -> SignedDuration {
    SignedDuration::from_millis(world.idle_slack)
}

/// The claims that fire and that nothing spares.
fn fired(world: &World, snapshot: &Snapshot, set: &PolicySet) -> BTreeSet<(String, SessionId)> {
    let dossier = Dossier::new(snapshot, slack(world));
    let mut fired = BTreeSet::new();
    for evidence in dossier.iter() {
        let rules = set.rules.iter().filter(|rule| matches!(claim_of(rule, set, &evidence), Some(Claim::Fired(_))));
        fired.extend(rules.map(|rule| (rule.id.to_string(), evidence.session.id)));
    }
    fired
}

fn planned(world: &World, snapshot: &Snapshot, set: &PolicySet) -> Plan {
    let dossier = Dossier::new(snapshot, slack(world));
    plan(&dossier, set, &evaluate(&dossier, set), world.mode)
}

/// INVARIANT 5: what was lost can neither make a claim fire nor lift a spare.
#[test]
fn a_source_that_is_lost_makes_no_claim_fire_and_lifts_no_spare() {
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let set = policies(&world, &law);
        let whole = world.snapshot();
        let before = fired(&world, &whole, &set);
        let mut rng = Rng::with_seed(seed);
        let mut partial = whole.clone();
        partial.listing = Completeness::Partial("cut short".to_owned());
        let mut skewed = whole.clone();
        skewed.clocks.trusted = false;
        let mut unread = whole.clone();
        let lost: Vec<_> = unread.people.keys().copied().filter(|_| rng.bool()).collect();
        unread.people.retain(|user, _| !lost.contains(user));
        unread.unread.extend(lost.into_iter().map(|user| (user, Cause::Down)));
        for (what, less) in [("partial", partial), ("skewed", skewed), ("unread", unread)] {
            let after = fired(&world, &less, &set);
            assert!(after.is_subset(&before), "seed {seed}, {what}: {:?}", after.difference(&before));
        }
    }
}

/// INVARIANT 6: an exception more can neither make a claim fire nor lift a spare.
#[test]
fn an_exception_more_makes_no_claim_fire_and_lifts_no_spare() {
    const MORE: &str = r#"
[[exception]]
id = "one-more"
rules = ["*"]
owner = "o"
reason = "r"
expires = 9999-12-30
"#;
    let conditions = ["when.user.role.is = \"agent\"", "when.user.suspended = true", "when.session.age.under = \"1h\""];
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let snapshot = world.snapshot();
        let before = fired(&world, &snapshot, &policies(&world, &law));
        for condition in conditions {
            let more = set_of(&[law.to_toml() + MORE + condition], &law);
            let after = fired(&world, &snapshot, &more);
            assert!(after.is_subset(&before), "seed {seed}, {condition}: {:?}", after.difference(&before));
        }
    }
}

fn set_of(texts: &[String], law: &Law) -> PolicySet {
    let numbered = (0..).zip(texts);
    let sources: Vec<_> = numbered.map(|(number, text)| Source::new(format!("{number}.toml"), text.as_str())).collect();
    let mut findings = Findings::default();
    read(&sources, None, &mut findings).unwrap_or_else(|| panic!("{}", law.to_toml()))
}

/// INVARIANT 7: the order of rows, people and files changes no byte of the plan.
#[test]
fn no_order_changes_a_byte_of_the_plan() {
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let set = policies(&world, &law);
        let snapshot = world.snapshot();
        let before = format!("{:?}", planned(&world, &snapshot, &set));
        let mut rng = Rng::with_seed(seed);
        let mut shuffled = snapshot.clone();
        rng.shuffle(&mut shuffled.sessions);
        let people: Vec<_> = shuffled.people.into_iter().rev().collect();
        shuffled.people = people.into_iter().collect::<BTreeMap<_, _>>();
        assert_eq!(format!("{:?}", planned(&world, &shuffled, &set)), before, "seed {seed}");
        let other = "schema = 1\n[list.unused]\ntype = \"text\"\nentries = [\"x\"]\n".to_owned();
        for texts in [[law.to_toml(), other.clone()], [other.clone(), law.to_toml()]] {
            let again = planned(&world, &shuffled, &set_of(&texts, &law));
            assert_eq!(format!("{again:?}"), before, "seed {seed}");
        }
    }
}
