//! One act: what is asked of Zendesk, how often, and what each kind of answer comes to.

use std::sync::Arc;

use evictd::model::{Grade, Role};
use evictd::record::Entry;
use evictd::simulator::{Effect, Script, World};
use evictd::zendesk::Method;

use super::stage::{told, withheld};
use super::wire::kinds;
use super::{LIST, OLD, OWN_LIST, PEOPLE, SHOW, Stage, WIDE, session, user};

pub fn alter(change: impl Fn(&mut World) + Send + Sync + 'static) -> Effect {
    Effect::Alter(Arc::new(change))
}

/// Whole-person rule for people tagged `left`, beside the age rule.
pub const LEFT: &str = r#"
schema = 1
[[rule]]
id = "left"
title = "Left"
action = "revoke-user"
mode = "enforce"
severity = "high"
when = { user.tags.contains = "left", session.age.over = "4h" }

[[rule]]
id = "old"
title = "Too old"
action = "revoke-session"
mode = "enforce"
when.session.age.over = "10h"

[[rule]]
id = "seen"
title = "Only watched"
action = "revoke-session"
mode = "report"
when.session.age.under = "2h"
"#;

pub fn tag(world: &mut World, person: u64, tag: &str) {
    world.people.get_mut(&user(person)).unwrap().tags = vec![evictd::model::Foreign::new(tag)];
}

fn untag(world: &mut World, person: u64) {
    world.people.get_mut(&user(person)).unwrap().tags.clear();
}

/// One offender: what befalls the DELETE and the look-ups after it; the outcome, and how many DELETEs left.
async fn check(scripts: Vec<Script>, expected: (&str, Grade), deletes: usize) -> Stage {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    let what = format!("{scripts:?}");
    for script in scripts {
        stage.script(script);
    }
    let report = stage.apply().await.report;
    let row = &report.revoke[0];
    assert_eq!((row.outcome.unwrap().word(), row.grade.unwrap()), expected, "{what}");
    assert_eq!(stage.deletes(), deletes, "{what}");
    assert_eq!(stage.outcomes().last().unwrap(), &(101, expected.0.to_owned()), "{what}");
    stage
}

/// The look-up is the second showing: the first is the read-back.
fn look_up(effect: Effect) -> Script {
    Script::on(Method::Get, SHOW, effect).after(1).times(u32::MAX)
}

fn delete(effect: Effect) -> Script {
    Script::on_method(Method::Delete, effect)
}

#[tokio::test]
async fn an_unanswered_request_is_looked_up_and_gone_is_revoked() {
    for effect in [Effect::LoseAnswer, Effect::Cut] {
        check(vec![delete(effect)], ("revoked", Grade::Ended), 1).await;
    }
}

#[tokio::test]
async fn what_is_still_there_after_an_unclear_answer_is_sent_once_more() {
    for effect in [Effect::LoseRequest, Effect::Status(500), Effect::Status(502), Effect::Status(503)] {
        check(vec![delete(effect)], ("revoked", Grade::Ended), 2).await;
    }
}

#[tokio::test]
async fn what_is_there_after_two_requests_is_unclear_and_never_asked_a_third_time() {
    let lost = delete(Effect::LoseRequest).times(2);
    let stage = check(vec![lost], ("unclear", Grade::StillPresent), 2).await;
    assert_eq!(stage.sessions(), [101, 199]);
    assert_eq!(told(&stage.apply().await.report), [(101, "revoked")], "the next cycle judges it anew");
}

#[tokio::test]
async fn an_answer_that_nobody_gives_is_unclear_and_not_guessed() {
    let silent = || look_up(Effect::Status(500));
    check(vec![delete(Effect::LoseAnswer), silent()], ("unclear", Grade::Ended), 1).await;
    check(vec![delete(Effect::LoseRequest), silent()], ("unclear", Grade::StillPresent), 1).await;
    let blind = Script::on(Method::Get, OWN_LIST, Effect::LoseAnswer).times(u32::MAX);
    check(vec![delete(Effect::LoseAnswer), silent(), blind], ("unclear", Grade::Unknown), 1).await;
}

#[tokio::test]
async fn a_session_that_went_between_two_requests_counts_as_ours() {
    // The first request may have been carried out late: the person may have lost the session by us.
    let late = delete(alter(|world| world.sign_out(user(1)))).after(1);
    check(vec![delete(Effect::LoseRequest), late], ("revoked", Grade::Ended), 2).await;
}

#[tokio::test]
async fn what_was_gone_before_is_already_gone_and_counts_for_nobody() {
    let by_hand = || alter(|world| world.sign_out(user(1)));
    let at_show = check(vec![Script::on(Method::Get, SHOW, by_hand())], ("already-gone", Grade::Ended), 0).await;
    let at_delete = check(vec![delete(by_hand())], ("already-gone", Grade::Ended), 1).await;
    for stage in [at_show, at_delete] {
        assert_eq!(stage.losses(), []);
        let ended = stage.open().1.history.ended;
        assert!(ended.len() == 1 && !ended[0].outcome.counts_in_windows(), "{ended:?}");
    }
}

#[tokio::test]
async fn a_limit_that_zendesk_names_is_waited_out() {
    check(vec![delete(Effect::RateLimit(2))], ("revoked", Grade::Ended), 2).await;
}

#[tokio::test]
async fn one_failure_does_not_stop_the_rest() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(4);
    stage.script(delete(Effect::Status(403))).script(delete(Effect::LoseRequest).after(1).times(2));
    let report = stage.apply().await.report;
    assert_eq!(told(&report), [(101, "refused"), (102, "unclear"), (103, "revoked"), (104, "revoked")]);
    assert_eq!(report.revoke[0].grade, None, "a refusal is not graded");
    assert_eq!(stage.sessions(), [101, 102, 199]);
    assert_eq!(open(&stage), 1, "the unclear one stays to be settled");
}

fn open(stage: &Stage) -> usize {
    stage.open().1.open_intents.len()
}

#[tokio::test]
async fn a_refused_read_back_is_a_refusal_and_nothing_is_asked() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(2);
    stage.script(Script::on(Method::Get, SHOW, Effect::Status(403)));
    assert_eq!(told(&stage.apply().await.report), [(101, "refused"), (102, "revoked")]);
    assert_eq!(stage.requests(Method::Delete), ["/api/v2/users/2/sessions/102"]);
}

#[tokio::test]
async fn the_listing_afterwards_grades() {
    let again = alter(|world| {
        world.add_session(session(101), user(1), "2026-11-23T01:00:00Z".parse().unwrap(), jiff::Timestamp::UNIX_EPOCH);
    });
    for (effect, grade) in [(again, Grade::StillPresent), (Effect::Status(500), Grade::Unknown)] {
        let stage = check(vec![Script::on(Method::Get, OWN_LIST, effect).times(5)], ("revoked", grade), 1).await;
        let graded = stage.verified().into_iter().find_map(|line| match line.entry {
            Entry::RevocationGraded(body) => Some(body.grade),
            _ => None,
        });
        assert_eq!(graded.as_deref(), Some(grade.word()));
    }
}

#[tokio::test]
async fn an_act_costs_the_calls_that_are_promised_and_no_more() {
    let stage = Stage::new(OLD, WIDE);
    for number in 1..=120 {
        stage.person(number, Role::Agent).signs_in(1000 + number, number, 11);
    }
    stage.signs_in(2000, 120, 11);
    let before = stage.plan().await;
    let swept = stage.simulator.calls();
    assert_eq!(before.report.revoke.len(), 121);
    let report = stage.apply().await.report;
    assert!(report.revoke.iter().all(|row| row.outcome.is_some()));
    let cost = |route: &str| stage.simulator.calls()[route] - swept.get(route).copied().unwrap_or_default();
    let people = format!("GET {PEOPLE}");
    assert_eq!(cost(&people) - swept[&people], 2, "one for each hundred people");
    assert_eq!(cost(&format!("GET {SHOW}")), 121);
    assert_eq!(cost(&format!("DELETE {SHOW}")), 121);
    assert_eq!(cost(&format!("GET {OWN_LIST}")), 120);
    assert_eq!(cost(&format!("GET {LIST}")), 2);
    assert_eq!(stage.simulator.calls().len(), 7, "{:?}", stage.simulator.calls());
}

/// Person 1, tagged `left`, with an old session, one nobody minds, and one that is only watched.
fn leaver() -> Stage {
    let stage = Stage::new(LEFT, WIDE);
    stage.person(1, Role::Agent).signs_in(101, 1, 11).signs_in(102, 1, 5).signs_in(103, 1, 1);
    stage.person(2, Role::Agent).signs_in(201, 2, 11);
    stage.simulator.world(|world| tag(world, 1, "left"));
    stage
}

#[tokio::test]
async fn a_whole_person_goes_by_one_request_that_names_every_listed_session() {
    let stage = leaver();
    let report = stage.apply().await.report;
    assert_eq!(stage.requests(Method::Delete), ["/api/v2/users/1/sessions", "/api/v2/users/2/sessions/201"]);
    assert_eq!(told(&report), [(101, "revoked"), (102, "revoked"), (103, "revoked"), (201, "revoked")]);
    assert!(report.revoke.iter().all(|row| row.grade == Some(Grade::Ended)), "whatever went is graded");
    let intents = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::RevocationIntended(body) => Some((body.action, body.sessions, body.rules)),
        _ => None,
    });
    let intents: Vec<_> = intents.collect();
    assert_eq!(intents[0].0, "revoke-user");
    assert_eq!(intents[0].1, ["101", "102", "103"]);
    assert_eq!(intents[0].2, ["left", "old"]);
    assert_eq!((intents[1].0.as_str(), intents.len()), ("revoke-session", 2));
}

#[tokio::test]
async fn many_sessions_of_one_person_are_never_a_reason_for_the_wide_request() {
    let stage = Stage::new(OLD, WIDE);
    stage.person(1, Role::Agent).signs_in(101, 1, 11).signs_in(102, 1, 12).signs_in(103, 1, 1);
    stage.apply().await;
    assert_eq!(stage.requests(Method::Delete), ["/api/v2/users/1/sessions/101", "/api/v2/users/1/sessions/102"]);
    assert_eq!(stage.sessions(), [103]);
}

#[tokio::test]
async fn the_wide_request_becomes_single_ones_when_its_claim_no_longer_stands() {
    let stage = leaver();
    stage.script(Script::on(Method::Get, PEOPLE, alter(|world| untag(world, 1))).after(1));
    let report = stage.apply().await.report;
    assert_eq!(stage.requests(Method::Delete), ["/api/v2/users/1/sessions/101", "/api/v2/users/2/sessions/201"]);
    assert_eq!(stage.sessions(), [102, 103]);
    let kept = [(101, "left", "read-back"), (102, "left", "read-back")];
    assert_eq!(withheld(&report), kept);
}

#[tokio::test]
async fn an_unanswered_wide_request_is_settled_by_the_persons_listing() {
    for (effect, deletes) in [(Effect::LoseAnswer, 1), (Effect::LoseRequest, 2)] {
        let stage = leaver();
        stage.script(Script::on(Method::Delete, OWN_LIST, effect));
        assert_eq!(told(&stage.apply().await.report)[0], (101, "revoked"));
        let wide = stage.requests(Method::Delete).iter().filter(|path| path.ends_with("/sessions")).count();
        assert_eq!(wide, deletes);
        assert_eq!(stage.sessions(), [] as [u64; 0]);
    }
    let stage = leaver();
    stage.script(Script::on(Method::Delete, OWN_LIST, Effect::LoseAnswer));
    stage.script(Script::on(Method::Get, OWN_LIST, Effect::Status(500)).times(u32::MAX));
    assert_eq!(told(&stage.apply().await.report)[0], (101, "unclear"));
}

#[tokio::test]
async fn a_session_that_was_gone_before_the_wide_request_is_not_told_as_revoked_by_it() {
    let stage = leaver();
    let gone = alter(|world| world.sessions.retain(|id, _| *id != session(101)));
    stage.script(Script::on(Method::Get, SHOW, gone));
    let report = stage.apply().await.report;
    assert_eq!(told(&report)[..3], [(101, "already-gone"), (102, "revoked"), (103, "revoked")]);
    let of_101: Vec<_> = stage.outcomes().into_iter().filter(|(session, _)| *session == 101).collect();
    assert_eq!(of_101, [(101, "already-gone".to_owned())]);
    // Once one claim on the whole person stands, the others are not read one by one.
    let shown = stage.requests(Method::Get).iter().filter(|path| path.contains("/sessions/1")).count();
    assert_eq!(shown, 2);
}

#[tokio::test]
async fn an_act_is_told_in_order_intent_outcome_grade() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    stage.apply().await;
    let expected = [
        "daemon.started",
        "claim.began",
        "revocation.intended",
        "revocation.outcome",
        "revocation.graded",
        "cycle.finished",
    ];
    assert_eq!(kinds(&stage.memory), expected);
}
