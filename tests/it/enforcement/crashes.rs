//! INVARIANT 13: a crash at any point leaves a trail that verifies; the next start settles what was open, and nobody
//! who was already signed out loses a session again.
//!
//! Points are every write and sync of the trail, and both sides of every request. What survives of unsynced bytes is
//! all of them, none, or a torn half.

use std::collections::BTreeSet;

use evictd::model::Role;
use evictd::simulator::{Effect, Script};
use evictd::trail::verify;
use evictd::zendesk::Method;

use super::acts::{LEFT, tag};
use super::stage::lines;
use super::{Cut, Stage, WIDE, user};

type Keep = fn(&str, usize) -> Option<usize>;

const KEEPS: [(Keep, &str); 4] = [
    (|_, _| None, "nothing unsynced survives"),
    (|_, unsynced| Some(unsynced), "everything survives"),
    (|_, unsynced| Some(unsynced / 2), "half of it survives"),
    (|name, unsynced| name.contains("personal").then_some(unsynced), "only personal parts survive"),
];

/// Three agents with an old session, one who left with three sessions, one answer lost on the way.
fn crew() -> Stage {
    let stage = Stage::new(LEFT, WIDE).with_old_sessions(3);
    stage.person(5, Role::Agent).signs_in(105, 5, 11).signs_in(106, 5, 5).signs_in(107, 5, 1);
    stage.simulator.world(|world| tag(world, 5, "left"));
    stage.script(Script::on_method(Method::Delete, Effect::LoseAnswer).after(2));
    stage
}

fn survives(stage: &Stage, what: &str) {
    let found = verify(&stage.memory, &stage.account.name);
    assert!(found.is_verified() || lines(&stage.memory).is_empty(), "{what}: {:?}", found.faults);
}

/// After the crash: whoever lost a session signs in anew, the machine starts again, and all is well in the end.
async fn check_recovery(stage: &Stage, keep: Keep, what: &str) {
    stage.lose_power(keep);
    survives(stage, what);
    stage.wait(1);
    let lost: BTreeSet<u64> = stage.losses().iter().map(|loss| loss.user.get()).collect();
    for person in &lost {
        stage.signs_in(9000 + person, *person, 0);
    }
    stage.verified_after_restart().await;
    stage.apply().await;
    let left: Vec<u64> = stage.sessions();
    let mut expected: Vec<u64> = lost.iter().map(|person| 9000 + person).collect();
    expected.insert(0, 199);
    assert_eq!(left, expected, "{what}: who was signed out and came back keeps the new session, the others went");
    let in_vain = stage.simulator.requests().into_iter().filter(|request| request.method == "DELETE");
    assert!(in_vain.clone().all(|request| request.status != 404), "{what}: {:?}", in_vain.collect::<Vec<_>>());
    stage.verified_after_restart().await;
}

#[tokio::test]
async fn a_crash_at_any_write_or_sync_is_recovered_from() {
    let whole = crew();
    whole.apply().await;
    for step in 0..whole.medium().calls() {
        for (keep, kept) in KEEPS {
            let stage = crew();
            stage.medium().fail_at(step);
            assert!(stage.try_apply().await.is_err(), "step {step}");
            check_recovery(&stage, keep, &format!("step {step}, {kept}")).await;
        }
    }
}

#[tokio::test]
async fn a_crash_on_either_side_of_any_request_is_recovered_from() {
    let whole = crew();
    whole.apply().await;
    let requests = whole.simulator.requests();
    assert_eq!(requests.iter().filter(|request| request.method == "DELETE").count(), 4);
    for number in 0..requests.len() {
        for cut in [Cut::Before(number), Cut::After(number)] {
            for (keep, kept) in KEEPS {
                let stage = crew();
                assert!(stage.apply_until(cut).await, "{cut:?}");
                check_recovery(&stage, keep, &format!("{cut:?}, {kept}")).await;
            }
        }
    }
}

/// So many claims that they take two records: personal parts alone would look as if records had been cut off.
#[tokio::test]
async fn a_crash_between_records_of_many_claims_does_not_look_like_a_cut() {
    let many = || {
        let stage = Stage::new(LEFT, &format!("mode = \"report\"\n{WIDE}"));
        stage.person(1, Role::Agent);
        for number in 1000..1150 {
            stage.signs_in(number, 1, 11);
        }
        stage
    };
    let whole = many();
    whole.apply().await;
    let began = lines(&whole.memory).iter().filter(|line| line.kind == "claim.began").count();
    assert_eq!(began, 2);
    for step in 0..whole.medium().calls() {
        let stage = many();
        stage.medium().fail_at(step);
        assert!(stage.try_apply().await.is_err(), "step {step}");
        stage.lose_power(KEEPS[3].0);
        survives(&stage, &format!("step {step}"));
        stage.verified_after_restart().await;
    }
}

#[tokio::test]
async fn a_crash_while_settling_is_recovered_from() {
    let whole = crew();
    whole.apply().await;
    let deletes = whole.simulator.requests().into_iter().enumerate().filter(|(_, request)| request.method == "DELETE");
    for number in deletes.map(|(number, _)| number) {
        for step in 0..8 {
            let stage = crew();
            assert!(stage.apply_until(Cut::After(number)).await);
            stage.lose_power(|_, _| None);
            stage.medium().fail_at(step);
            assert!(stage.try_apply().await.is_err(), "step {step}");
            check_recovery(&stage, KEEPS[step % 3].0, &format!("request {number}, then step {step}")).await;
        }
    }
}

#[tokio::test]
async fn a_wide_request_that_was_carried_out_before_the_crash_is_not_sent_again() {
    let stage = crew();
    let first = crew();
    first.apply().await;
    let wide = first.simulator.requests().iter().position(|request| request.path.ends_with("/5/sessions")).unwrap();
    assert!(stage.apply_until(Cut::After(wide)).await);
    stage.lose_power(|_, _| None);
    stage.signs_in(900, 5, 0);
    stage.apply().await;
    assert_eq!(stage.simulator.world(|world| world.sessions_of(user(5)).count()), 1);
    let wide = stage.requests(Method::Delete).iter().filter(|path| path.ends_with("/5/sessions")).count();
    assert_eq!(wide, 1);
}
