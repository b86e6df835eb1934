//! What stayed unclear is asked again at the next start, by the same question that a crash leaves behind.

use std::sync::Arc;

use evictd::enforce::settle;
use evictd::model::{Outcome, Role, SessionId};
use evictd::record::Entry;
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::acts::{LEFT, alter, tag};
use super::stage::{told, withheld};
use super::{Cut, OLD, OWN_LIST, SHOW, Stage, WIDE, user};

/// Ends one DELETE unclear: carried out or not, and nobody says which.
fn unclear(stage: &Stage, effect: Effect) {
    stage.script(Script::on_method(Method::Delete, effect));
    stage.script(Script::on(Method::Get, SHOW, Effect::Status(500)).after(1).times(u32::MAX));
}

async fn asked(stage: &Stage) -> usize {
    let (mut trail, past) = stage.open();
    settle(past.open_intents, &stage.zendesk(), &mut trail).await.unwrap()
}

fn outcomes_of(stage: &Stage, session: u64) -> Vec<String> {
    stage.outcomes().into_iter().filter(|(id, _)| *id == session).map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn an_unclear_answer_that_had_been_carried_out_is_settled_as_revoked() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    unclear(&stage, Effect::LoseAnswer);
    assert_eq!(told(&stage.apply().await.report), [(101, "unclear")]);
    stage.wait(5);
    assert_eq!(asked(&stage).await, 1, "while Zendesk is silent it stays open");
    assert_eq!(outcomes_of(&stage, 101), ["unclear"]);
    stage.simulator.forget_scripts();
    let second = stage.apply().await;
    assert_eq!(outcomes_of(&stage, 101), ["unclear", "revoked"]);
    assert_eq!((told(&second.report).len(), stage.deletes()), (0, 1), "nothing is asked for twice");
    assert_eq!(asked(&stage).await, 0);
    assert_eq!(outcomes_of(&stage, 101), ["unclear", "revoked"], "what is settled stays settled");
}

#[tokio::test]
async fn an_unclear_answer_that_had_not_been_carried_out_is_judged_anew() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    unclear(&stage, Effect::LoseRequest);
    stage.apply().await;
    stage.simulator.forget_scripts();
    assert_eq!(told(&stage.apply().await.report), [(101, "revoked")]);
    assert_eq!(outcomes_of(&stage, 101), ["unclear", "unclear", "revoked"]);
    assert_eq!(asked(&stage).await, 0);
    assert_eq!(outcomes_of(&stage, 101).len(), 3);
}

#[tokio::test]
async fn a_whole_person_is_settled_by_the_listing_and_only_if_nothing_of_it_is_left() {
    for (effect, expected) in [(Effect::LoseAnswer, "revoked"), (Effect::LoseRequest, "unclear")] {
        let stage = Stage::new(LEFT, WIDE);
        stage.person(1, Role::Agent).signs_in(101, 1, 11).signs_in(102, 1, 5);
        stage.simulator.world(|world| tag(world, 1, "left"));
        stage.script(Script::on(Method::Delete, OWN_LIST, effect));
        stage.script(Script::on(Method::Get, OWN_LIST, Effect::Status(500)).times(u32::MAX));
        assert_eq!(told(&stage.apply().await.report), [(101, "unclear"), (102, "unclear")]);
        stage.simulator.forget_scripts();
        if expected == "unclear" {
            // One of two is gone by other means: that is no proof.
            stage.simulator.world(|world| world.sessions.retain(|id, _| *id != SessionId(101)));
        }
        stage.signs_in(103, 1, 1);
        assert_eq!(asked(&stage).await, 0);
        assert_eq!(outcomes_of(&stage, 102), ["unclear", expected]);
    }
}

#[tokio::test]
async fn nobody_says_revoked_of_a_listing_that_was_cut_short() {
    let stage = Stage::new(LEFT, WIDE);
    stage.person(1, Role::Agent).signs_in(101, 1, 11).signs_in(102, 1, 5);
    stage.simulator.world(|world| tag(world, 1, "left"));
    stage.script(Script::on(Method::Delete, OWN_LIST, Effect::LoseAnswer));
    stage.script(Script::on(Method::Get, OWN_LIST, Effect::Cut).times(u32::MAX));
    assert_eq!(told(&stage.apply().await.report), [(101, "unclear"), (102, "unclear")]);
    assert_eq!(asked(&stage).await, 1);
}

#[tokio::test]
async fn nobody_says_revoked_when_only_the_first_page_could_be_read() {
    let stage = Stage::new(LEFT, WIDE);
    stage.person(1, Role::Agent).signs_in(1001, 1, 11).signs_in(1002, 1, 5);
    stage.simulator.world(|world| tag(world, 1, "left"));
    stage.script(Script::on(Method::Delete, OWN_LIST, Effect::LoseRequest).times(2));
    let now = stage.now();
    let crowd = alter(move |world| {
        for number in 1..=100 {
            world.add_session(SessionId(number), user(1), now, now);
        }
    });
    stage.script(Script::on(Method::Delete, OWN_LIST, crowd));
    stage.script(Script::on(Method::Get, OWN_LIST, Effect::Status(500)).after(1).times(u32::MAX));
    let report = stage.apply().await.report;
    assert_eq!(told(&report), [(1001, "unclear"), (1002, "unclear")]);
}

#[tokio::test]
async fn an_open_intent_counts_in_every_window() {
    let stage = Stage::new(OLD, "belts.people-per-rule-and-hour-max = 1\n").with_old_sessions(1);
    let requests = requests_before_the_first_delete().await;
    assert!(stage.apply_until(Cut::After(requests)).await);
    assert_eq!(stage.deletes(), 1);
    stage.lose_power(|_, _| None);
    stage.wait(5);
    stage.person(2, Role::Agent).signs_in(102, 2, 11);
    let known = stage.open().1.history.ended;
    assert!(known.len() == 1 && known[0].outcome == Outcome::Unclear, "{known:?}");
    let second = stage.apply().await;
    assert_eq!(withheld(&second.report), [(102, "old", "people-per-rule-and-hour")]);
    assert_eq!((stage.deletes(), outcomes_of(&stage, 101)), (1, vec!["revoked".to_owned()]));
}

/// The number of the first DELETE among all requests of such a cycle.
async fn requests_before_the_first_delete() -> usize {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    stage.apply().await;
    stage.simulator.requests().iter().position(|request| request.method == "DELETE").unwrap()
}

#[tokio::test]
async fn settling_writes_before_it_forgets_and_stops_when_it_cannot_write() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    unclear(&stage, Effect::LoseAnswer);
    stage.apply().await;
    stage.simulator.forget_scripts();
    stage.lose_power(|_, unsynced| Some(unsynced));
    let (mut trail, past) = stage.open();
    let medium = Arc::clone(&stage.medium());
    medium.fail_at(medium.calls());
    assert!(settle(past.open_intents, &stage.zendesk(), &mut trail).await.is_err());
    drop(trail);
    stage.lose_power(|_, _| None);
    assert_eq!(stage.open().1.open_intents.len(), 1, "it is asked again next time");
    let cycles = stage.verified().into_iter().filter(|line| matches!(line.entry, Entry::CycleFinished(_)));
    assert_eq!(cycles.count(), 1);
}
