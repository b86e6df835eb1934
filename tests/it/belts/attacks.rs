//! Attacks on the belts: what must go goes, what must be held is held, and the trail has both.

use std::collections::BTreeSet;

use evictd::config::Belts;
use evictd::guard::Belt;
use evictd::model::{Database, Input, Memory, Role};
use evictd::record::Entry;

use super::{Play, Somebody, agents, rules, set, wide};
use crate::enforcement::{OLD, Stage, WIDE};

/// Opening fifty sessions makes one person no crowd.
#[tokio::test]
async fn whoever_opens_fifty_sessions_loses_fifty() {
    let stage = Stage::new(OLD, "");
    stage.person(1, Role::Agent);
    for number in 0..50 {
        stage.signs_in(1_000 + number, 1, 11);
    }
    stage.person(99, Role::Agent).signs_in(199, 99, 1);
    stage.apply().await;
    assert_eq!(stage.sessions(), [199]);
    assert_eq!(stage.outcomes().len(), 50);
}

/// A thousand customers with bad programs are a hold of their own stratum, and the one agent among the claims goes.
#[tokio::test]
async fn a_thousand_customers_shield_no_agent_and_the_trail_has_their_hold() {
    let stage = Stage::new(OLD, "");
    for number in 1_000..2_000 {
        stage.person(number, Role::EndUser).signs_in(10_000 + number, number, 11);
    }
    stage.person(1, Role::Agent).signs_in(101, 1, 11);
    stage.apply().await;
    assert!(!stage.sessions().contains(&101) && stage.sessions().len() == 1_000);
    let opened: Vec<_> = stage
        .verified()
        .into_iter()
        .filter_map(|line| match line.entry {
            Entry::HoldOpened(body) => Some((body.belt, body.people.len(), body.sessions, body.mode)),
            _ => None,
        })
        .collect();
    assert_eq!(opened, [("people-per-rule".to_owned(), 1_000, 1_000, "enforce".to_owned())]);
    // It is told once, whoever sweeps, and stands in what the next process reads.
    stage.wait(5);
    stage.apply().await;
    assert_eq!(stage.verified().iter().filter(|line| line.kind.starts_with("hold.")).count(), 1);
    let holds = stage.open().1.history.holds;
    assert_eq!((holds.len(), holds[0].people.len()), (1, 1_000));
}

/// A hold is over after a day, as a record, and asked about anew.
#[tokio::test]
async fn a_hold_that_nobody_answers_expires_as_a_record_and_is_asked_about_anew() {
    let stage = Stage::new(OLD, "").with_old_sessions(12);
    stage.apply().await;
    stage.wait(24 * 60 + 1);
    stage.apply().await;
    let kinds: Vec<String> =
        stage.verified().into_iter().map(|line| line.kind).filter(|kind| kind.starts_with("hold.")).collect();
    assert_eq!(kinds, ["hold.opened", "hold.expired", "hold.opened"]);
    assert_eq!(stage.deletes(), 0);
}

/// Losing the state costs learning: holds and loops come from the trail.
#[tokio::test]
async fn holds_and_loops_are_there_when_the_state_is_lost() {
    let rule = OLD.replace("session.age.over = \"10h\"", "user.role.is = \"end-user\"");
    let stage = Stage::new(&rule, WIDE);
    for person in [1, 2] {
        stage.person(person, Role::EndUser);
    }
    for round in 0..4 {
        *stage.learned.lock().unwrap() = Some(Memory::default());
        for person in [1, 2] {
            stage.signs_in(100 * (round + 1) + person, person, 0);
        }
        stage.wait(20);
        stage.apply().await;
    }
    assert_eq!(stage.sessions(), [401, 402]);
    let holds = stage.open().1.history.holds;
    let held: BTreeSet<(String, usize)> = holds.iter().map(|hold| (hold.belt.clone(), hold.people.len())).collect();
    assert_eq!(held, BTreeSet::from([("loop".to_owned(), 2)]));
}

#[test]
fn dripping_ten_a_cycle_comes_up_against_the_windows_and_one_hold_grows() {
    let mut play = Play { quiet: 2_000, ..Play::new(rules(1), Belts::default()) };
    let mut gone = 0;
    for cycle in 0..12 {
        gone += play.cycle(&agents(1_000 + cycle * 10, 10)).gone.len();
    }
    assert_eq!(gone, 20);
    assert_eq!(play.history.holds.iter().map(|hold| hold.people.len()).sum::<usize>(), 100);
    // Where something is known of the rule, it is a jump from the first cycle on.
    let mut play = Play { quiet: 2_000, ..Play::new(rules(1), Belts::default()) };
    play.settle();
    assert_eq!(play.cycle(&agents(1_000, 10)).gone.len(), 0);
}

/// An old state file knows older habits, and nothing of holds: those are the trail's.
#[test]
fn restoring_an_old_state_sets_nobody_free_and_ends_nobody() {
    let mut play = Play { quiet: 40, ..Play::new(rules(1), Belts::default()) };
    play.settle();
    let old = play.history.habits.clone();
    let many = agents(100, 20);
    play.cycle(&many);
    for state in [old, std::collections::BTreeMap::new()] {
        play.history.habits = state;
        let outcome = play.cycle(&many);
        assert_eq!((outcome.gone.len(), outcome.held.len(), play.history.holds.len()), (0, 20, 1));
    }
}

/// Somebody replaces the place database so that half of the staff is abroad: that is a change of ours, and named.
#[test]
fn another_place_database_lets_nobody_go_and_is_named() {
    let rule = "[[rule]]\nid = \"r1\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n[rule.when]\n\
                user.tags.contains = \"r1\"\n\
                any = [{ user.suspended.is = true }, { network.country.in = [\"KP\"] }]\n";
    let many: Vec<Somebody> = agents(100, 20).into_iter().map(Somebody::sure).collect();
    for (digest, expected, named) in [("old", 3, vec![]), ("new", 0, vec![Input::Places])] {
        let mut play = Play { quiet: 400, ..Play::new(set(rule), Belts { people_per_rule_max: 1, ..wide() }) };
        let database = |digest: &str| Database {
            name: "places.mmdb".into(),
            kind: "City".into(),
            built: "2026-11-01T00:00:00Z".parse().unwrap(),
            digest: format!("{:0<64}", if digest == "old" { "01" } else { "23456789" }),
        };
        for _ in 0..300 {
            play.cycle_with(&[], |snapshot| snapshot.databases = vec![database("old")]);
        }
        let outcome = play.cycle_with(&many, |snapshot| snapshot.databases = vec![database(digest)]);
        assert_eq!(outcome.gone.len(), expected, "{digest}");
        assert_eq!(outcome.guarded.holdings[0].changed, named, "{digest}");
        assert!(outcome.held.iter().all(|(_, _, belt)| *belt == Belt::PeoplePerRule));
    }
}
