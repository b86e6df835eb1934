//! The lever against the simulator in one process: what leaves, in which order, and what is written before it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use evictd::control::{Answer, Caller, Command, Ground, Refusal, Wanted, obey};
use evictd::model::Role;
use evictd::record::Entry;
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use crate::enforcement::{OLD, Stage};

const MANY: &str = "/api/v2/users/logout_many";

async fn pull(stage: &Stage, people: impl IntoIterator<Item = u64>, despite_pause: bool) -> Result<Answer, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<String> = people.into_iter().map(|id| id.to_string()).collect();
    let expect = Some(people.len());
    let wanted = Wanted { people, reason: "r".to_owned(), expect, despite_pause, ticket: None };
    let (mut trail, _) = stage.open();
    let zendesk = stage.zendesk();
    let ground = Ground {
        trail: &mut trail,
        account: &stage.account,
        zendesk: Some(&zendesk),
        state: folder.path(),
        records: folder.path(),
        clock: &*stage.clock,
        asked: stage.now(),
        brakes: &*stage.brake,
    };
    obey(&Command::Revoke(wanted), &Caller::with_all("olivia (uid 1000)"), ground).await
}

fn posts(stage: &Stage) -> usize {
    stage.requests(Method::Post).iter().filter(|path| *path == MANY).count()
}

#[tokio::test]
async fn no_lever_without_a_durable_intent() {
    let stage = Stage::new(OLD, "").with_old_sessions(3);
    let answer = pull(&stage, [1, 3], false).await.unwrap();
    assert_eq!((answer.exit, stage.sessions(), stage.deletes()), (0, vec![102, 199], 2));
    assert!(stage.losses().iter().all(|loss| loss.rules.is_empty()));
    let kinds: Vec<String> = stage.verified().into_iter().map(|line| line.kind).collect();
    let one = ["revocation.intended", "revocation.outcome", "revocation.graded"];
    assert_eq!(kinds, [&["lever.used"][..], &one, &one].concat());

    // On a medium that fails, nothing leaves.
    for call in 0..4 {
        let stage = Stage::new(OLD, "").with_old_sessions(1);
        stage.medium().fail_at(call);
        assert_eq!(pull(&stage, [1], false).await.unwrap_err().exit, 74, "{call}");
        assert_eq!(stage.deletes(), 0, "{call}");
    }
}

#[tokio::test]
async fn many_are_named_to_zendesk_a_hundred_at_a_time() {
    let stage = Stage::new(OLD, "").with_old_sessions(98);
    for number in 200..=250 {
        stage.person(number, Role::Agent).signs_in(1_000 + number, number, 1);
    }
    let answer = pull(&stage, (1..=98).chain(200..=250), false).await.unwrap();
    assert_eq!((answer.exit, posts(&stage), stage.deletes()), (0, 2, 0));
    assert_eq!(stage.sessions(), [199], "whoever is not named stays");
    let lines = stage.verified();
    let count = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
    assert_eq!((count("revocation.intended"), count("revocation.outcome")), (149, 149));
}

#[tokio::test]
async fn what_zendesk_took_and_did_not_do_is_unclear() {
    let stage = Stage::new(OLD, "").with_old_sessions(98);
    for number in 200..=202 {
        stage.person(number, Role::Agent).signs_in(1_000 + number, number, 1);
    }
    stage.script(Script::on_method(Method::Post, Effect::LoseRequest).after(1));
    let answer = pull(&stage, (1..=98).chain(200..=202), false).await.unwrap();
    assert_eq!((answer.exit, posts(&stage)), (69, 2), "never sent twice: {answer:?}");
    let outcomes = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::RevocationOutcome(body) => Some(body.outcome),
        _ => None,
    });
    let mut counts = std::collections::BTreeMap::new();
    outcomes.for_each(|outcome| *counts.entry(outcome).or_insert(0) += 1);
    assert!(counts.values().sum::<i32>() == 101 && counts["unclear"] >= 1, "{counts:?}");
}

#[tokio::test]
async fn a_pause_meanwhile_stops_before_the_next_request() {
    for despite in [false, true] {
        let stage = Stage::new(OLD, "").with_old_sessions(3);
        let brake = Arc::clone(&stage.brake);
        stage.script(Script::on_method(
            Method::Delete,
            crate::enforcement::alter(move |_| brake.paused.store(true, Ordering::Relaxed)),
        ));
        let answer = pull(&stage, [1, 2, 3], despite).await.unwrap();
        assert_eq!((answer.exit, stage.deletes()), if despite { (0, 3) } else { (69, 1) });
    }
}

#[tokio::test]
async fn what_a_lever_ended_is_in_no_window_of_the_rules() {
    // One person a day: the lever's three leave that one.
    let stage = Stage::new(OLD, "belts.people-per-rule-and-day-max = 1\nbelts.roster-floor = 1\n").with_old_sessions(4);
    pull(&stage, [1, 2, 3], false).await.unwrap();
    stage.apply().await;
    assert_eq!(stage.sessions(), [199]);
}
