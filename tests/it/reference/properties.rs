//! What must hold in every random world, and proof that the worlds reach every corner.
//!
//! These are properties of the documentation's rules; the comparison with the real evaluator rests on them. Seeds are
//! counted up from zero, so a failure names the one to look at.

use std::collections::{BTreeMap, BTreeSet};

use evictd::model::{Cause, Mode, Stratum};
use fastrand::Rng;

use super::law::{Law, exception};
use super::world::{DAY, HOUR, World};
use super::{Belt, Expected, State, Verdict, expect, scene};

const SEEDS: u64 = 500;

fn each(check: impl Fn(u64, World, Law)) {
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        check(seed, world, law);
    }
}

/// Rule and session of the claims in this state.
fn of_state(found: &Expected, states: &[State]) -> BTreeSet<(String, u64)> {
    let chosen = found.claims.iter().filter(|claim| states.contains(&claim.state));
    chosen.map(|claim| (claim.rule.clone(), claim.session)).collect()
}

#[test]
fn shuffling_changes_nothing() {
    each(|seed, world, law| {
        let (mut other, mut rewritten, mut rng) = (world.clone(), law.clone(), Rng::with_seed(seed));
        rng.shuffle(&mut other.rows);
        rng.shuffle(&mut other.people);
        rng.shuffle(&mut other.history);
        rng.shuffle(&mut other.traces);
        rng.shuffle(&mut other.lists);
        rng.shuffle(&mut rewritten.rules);
        rng.shuffle(&mut rewritten.exceptions);
        assert_eq!(expect(&other, &rewritten), expect(&world, &law), "seed {seed}");
        assert_eq!(other.snapshot().sessions, world.snapshot().sessions, "seed {seed}");
    });
}

#[test]
fn one_exception_more_never_makes_a_claim_fire_or_lifts_a_spare() {
    each(|seed, world, law| {
        let mut kinder = law.clone();
        let mut rng = Rng::with_seed(seed);
        kinder.exceptions.push(exception(&mut rng, "one-more".into(), &law.rules, (world.now, &law.lists)));
        let (before, after) = (expect(&world, &law), expect(&world, &kinder));
        let fired = of_state(&after, &[State::Fired]);
        let spared = of_state(&before, &[State::Spared, State::SparedByUnknown]);
        assert!(fired.is_subset(&of_state(&before, &[State::Fired])), "seed {seed}");
        assert!(spared.is_subset(&of_state(&after, &[State::Spared, State::SparedByUnknown])), "seed {seed}");
    });
}

/// Neither fires more nor loses a spare but to *undecided*.
fn weaker(seed: u64, before: &Expected, after: &Expected) {
    let fired = of_state(after, &[State::Fired]);
    assert!(fired.is_subset(&of_state(before, &[State::Fired])), "seed {seed}");
    let lifted = of_state(before, &[State::Spared, State::SparedByUnknown]);
    let lifted: Vec<_> = lifted.intersection(&fired).collect();
    assert!(lifted.is_empty(), "seed {seed}: {lifted:?}");
}

#[test]
fn a_source_lost_never_makes_a_claim_fire_or_lifts_a_spare() {
    each(|seed, world, law| {
        let before = expect(&world, &law);
        let everybody = || world.people.iter().map(|human| human.id);
        for lost in 0..15 {
            let mut poorer = world.clone();
            match lost {
                0 => poorer.complete = false,
                1 => poorer.trusted = false,
                2 => poorer.people.clear(),
                3 => poorer.traces.clear(),
                4 => poorer.lists.iter_mut().for_each(|list| list.trouble = Some(Cause::Down)),
                5 => poorer.lists.iter_mut().for_each(|list| {
                    list.unasked += list.rows.len();
                    list.rows.clear();
                }),
                6 => poorer.cut.extend(everybody()),
                7 => poorer.people_as_of = None,
                8 => poorer.scenery.lose_sources(&|_| true),
                9 => poorer.scenery.lose_sources(&|name| name == "access"),
                10 => poorer.scenery.said.clear(),
                11 => poorer.scenery.gone.extend(law.networks.iter().map(|list| list.name.to_owned())),
                12 => poorer.groups = None,
                13 => poorer.scenery.torn.extend(law.networks.iter().map(|list| list.name.to_owned())),
                _ => poorer.scenery.lose_databases(),
            }
            weaker(seed, &before, &expect(&poorer, &law));
        }
    });
}

#[test]
fn belts_let_through_no_more_people_than_they_say() {
    each(|seed, world, law| {
        let found = expect(&world, &law);
        for stratum in Stratum::ALL {
            let mut all = BTreeSet::new();
            for rule in &law.rules {
                let rows = found.revoke.iter().filter(|row| row.rules.contains(&rule.id));
                let people: BTreeSet<u64> =
                    rows.map(|row| row.user).filter(|user| world.stratum(*user) == *stratum).collect();
                let own = world.limits.own.get(&rule.id).and_then(|own| own[0]);
                let most = own.unwrap_or(world.limits.rule_cycle);
                assert!(people.len() as u64 <= most, "seed {seed}: {}", rule.id);
                all.extend(people);
            }
            let roster: BTreeSet<u64> = world.rows.iter().filter_map(|row| row.user).collect();
            let remembered = world.roster.is_some() || world.week.is_some();
            let roster = roster.len().max(if remembered { 120 } else { 0 }) as u64;
            let part = world.limits.part_hour.min(world.limits.part_day);
            let most = if part == 0 { 0 } else { world.limits.floor.max(roster * part / 100) };
            assert!(all.len() as u64 <= most, "seed {seed}: {all:?}");
        }
        let touched = |row: &super::Revoke| {
            row.user == world.own || Some(row.user) == world.revoker() || world.protected.contains(&row.user)
        };
        assert!(!found.revoke.iter().any(touched) && (world.pause.is_none() || found.revoke.is_empty()), "seed {seed}");
    });
}

#[test]
fn nothing_in_one_stratum_changes_what_goes_in_another() {
    each(|seed, mut world, law| {
        // A row that names somebody with another's session is about both of them, whatever their strata.
        let owners: BTreeMap<u64, Option<u64>> = world.rows.iter().map(|row| (row.id, row.user)).collect();
        let owner = |session| owners.get(&session).copied().flatten();
        world.scenery.seen.retain(|seen| seen.session.is_none_or(|session| owner(session) == Some(seen.user)));
        let mut without = world.clone();
        without.rows.retain(|row| row.user.is_none_or(|user| world.stratum(user) != Stratum::EndUsers));
        let staff = |found: Expected| {
            let mut rows = found.revoke;
            rows.retain(|row| world.stratum(row.user) != Stratum::EndUsers);
            rows
        };
        assert_eq!(staff(expect(&without, &law)), staff(expect(&world, &law)), "seed {seed}");
    });
}

#[test]
fn what_only_reports_never_changes_what_acts() {
    each(|seed, world, law| {
        let mut acting = law.clone();
        acting.rules.retain(|rule| rule.mode == Some(Mode::Enforce));
        // What a session is planned for orders it, so only the set is the same.
        let acts = |law: &Law| expect(&world, law).acts.into_iter().collect::<BTreeSet<_>>();
        assert_eq!(acts(&acting), acts(&law), "seed {seed}");
    });
}

#[test]
fn what_went_once_does_not_go_again() {
    each(|seed, mut world, law| {
        let acts = expect(&world, &law).acts;
        let gone: Vec<super::world::Past> = world
            .sessions()
            .into_iter()
            .filter_map(|row| {
                let user = row.user?;
                let act = acts.iter().find(|act| act.user == user && act.session.is_none_or(|id| id == row.id))?;
                let (stratum, rules, at) = (world.stratum(user), act.rules.clone(), world.now);
                let outcome = evictd::model::Outcome::Revoked;
                Some(super::world::Past { session: row.id, user, stratum, rules, at, outcome })
            })
            .collect();
        world.history.extend(gone.iter().cloned());
        world.limits.just_revoked_for = HOUR;
        world.limits.evidence_age_max = DAY;
        let again = expect(&world, &law).acts;
        let repeated = again.iter().find(|act| gone.iter().any(|past| act.session == Some(past.session)));
        assert_eq!(repeated, None, "seed {seed}");
    });
}

#[test]
fn printed_laws_are_toml() {
    each(|seed, _, law| {
        let text = law.to_toml();
        let parsed = toml::de::DeTable::parse(&text).unwrap_or_else(|fault| panic!("seed {seed}: {fault}\n{text}"));
        let rules = parsed.get_ref()["rule"].get_ref().as_array().unwrap();
        assert_eq!(rules.len(), law.rules.len(), "seed {seed}");
        assert!(
            rules.iter().all(|rule| rule.get_ref()["when"].get_ref().as_table().is_some_and(|when| !when.is_empty())),
            "seed {seed}"
        );
    });
}

#[test]
fn snapshots_are_whole() {
    each(|seed, world, _| {
        let snapshot = world.snapshot();
        assert!(snapshot.sessions.is_sorted_by(|one, two| one.id < two.id), "seed {seed}");
        assert!(snapshot.history.ended.is_sorted_by_key(|ended| ended.at), "seed {seed}");
        let users = snapshot.sessions.iter().filter_map(|session| session.user);
        let known = |user| snapshot.people.contains_key(&user) != snapshot.unread.contains_key(&user);
        assert!(users.into_iter().all(known), "seed {seed}: somebody is neither read nor unread, or both");
    });
}

#[test]
fn worlds_reach_every_corner() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let found = expect(&world, &law);
        seen.extend(found.claims.iter().map(|claim| format!("{:?}", claim.state)));
        seen.extend(found.verdicts.values().map(|verdict| format!("{verdict:?}")));
        seen.extend(found.withheld.iter().map(|row| format!("{:?}", row.belt)));
        seen.extend(found.revoke.iter().map(|row| format!("{:?}", row.mode)));
        seen.extend(found.acts.iter().map(|act| if act.session.is_some() { "one" } else { "whole" }.to_owned()));
        seen.extend(found.claims.iter().flat_map(|claim| claim.facts.iter().map(|fact| (*fact).to_owned())));
    }
    let mut wanted: Vec<String> = Belt::ALL.iter().map(|belt| format!("{belt:?}")).collect();
    wanted
        .extend([State::Fired, State::Spared, State::SparedByUnknown, State::Undecided].map(|one| format!("{one:?}")));
    wanted.extend([Verdict::Revoke, Verdict::Spare, Verdict::Undecided, Verdict::Keep].map(|one| format!("{one:?}")));
    wanted.extend(["Report", "Enforce", "one", "whole"].map(str::to_owned));
    wanted.extend(super::law::facts().map(str::to_owned));
    let missed: Vec<_> = wanted.iter().filter(|corner| !seen.contains(*corner)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
