//! Between listing and act the world moves on: what no longer stands when it is read again is not ended.
//!
//! Each test lets one thing change after the listing and before the DELETE, and nobody else is held up by it.

use evictd::config::ProtectedEntry;
use evictd::model::{Foreign, Role};
use evictd::record::Entry;
use evictd::simulator::{Effect, Script, World};
use evictd::zendesk::Method;
use jiff::SignedDuration;

use super::acts::{alter, tag};
use super::stage::{told, withheld};
use super::{PEOPLE, SHOW, Stage, WIDE, session, user};

/// The rule asks about idling, so that using the session again answers it; tagged people are spared.
const IDLE: &str = r#"
schema = 1
[[rule]]
id = "idle"
title = "Idle"
action = "revoke-session"
mode = "enforce"
when.session.idle.over = "2h"

[[exception]]
id = "on-call"
rules = ["*"]
when.user.tags.contains = "on-call"
owner = "secops@example.com"
reason = "on call"
expires = 2027-01-31
"#;

/// Agents 1 and 2, each with a session that has been idle for five hours.
fn idlers() -> Stage {
    let stage = Stage::new(IDLE, WIDE);
    for number in [1, 2] {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 6);
    }
    let then = stage.now() - SignedDuration::from_hours(5);
    stage.simulator.world(|world| world.sessions.values_mut().for_each(|row| row.last_seen_at = Some(then.into())));
    stage
}

/// What befalls person 1's read-back; why it is withheld then. Person 2 is always ended.
async fn check(script: Script, why: &str) {
    let stage = idlers();
    let what = format!("{script:?}");
    let belt = if why.contains("could not be read") { "unreachable" } else { "read-back" };
    stage.script(script);
    let report = stage.apply().await.report;
    assert_eq!(told(&report), [(102, "revoked")], "{what}: {why}");
    assert_eq!(withheld(&report), [(101, "idle", belt)], "{what}: {why}");
    assert_eq!(stage.requests(Method::Delete), ["/api/v2/users/2/sessions/102"]);
    let records = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::Withheld(body) => Some((body.session, body.rule, body.held.belt, body.why)),
        _ => None,
    });
    let expected = ("101".to_owned(), "idle".to_owned(), belt.to_owned(), why.to_owned());
    assert_eq!(records.collect::<Vec<_>>(), [expected]);
}

fn shown(effect: Effect) -> Script {
    Script::on(Method::Get, SHOW, effect)
}

/// The second time that people are read: right before the acts.
fn read_again(effect: Effect) -> Script {
    Script::on(Method::Get, PEOPLE, effect).after(1)
}

#[tokio::test]
async fn a_session_that_was_used_again_is_not_ended() {
    let used = alter(|world| {
        let row = world.sessions.get_mut(&session(101)).unwrap();
        row.last_seen_at = Some("2026-11-23T11:59:00Z".parse().unwrap());
    });
    check(shown(used), "it no longer fires").await;
}

#[tokio::test]
async fn a_session_that_can_no_longer_be_judged_is_not_ended() {
    let null = alter(|world| world.sessions.get_mut(&session(101)).unwrap().last_seen_at = None);
    check(shown(null), "it can no longer be decided").await;
}

#[tokio::test]
async fn somebody_whom_an_exception_spares_by_now_keeps_the_session() {
    check(read_again(alter(|world| tag(world, 1, "on-call"))), "an exception spares it by now").await;
}

#[tokio::test]
async fn somebody_whose_role_changed_keeps_the_session() {
    for role in [Some(Role::Admin), None] {
        let change = alter(move |world| world.people.get_mut(&user(1)).unwrap().role = role);
        check(read_again(change), "the person's role has changed").await;
    }
}

#[tokio::test]
async fn somebody_who_lost_a_staff_role_a_moment_ago_still_counts_among_staff_and_goes() {
    let stage = idlers();
    let change = alter(|world| world.people.get_mut(&user(1)).unwrap().role = Some(Role::EndUser));
    stage.script(read_again(change));
    assert_eq!(told(&stage.apply().await.report), [(101, "revoked"), (102, "revoked")]);
}

#[tokio::test]
async fn somebody_whose_record_is_missing_by_now_keeps_the_session() {
    let missing = alter(|world| drop(world.people.remove(&user(1))));
    check(read_again(missing), "the person's record could not be read again").await;
}

#[tokio::test]
async fn a_session_that_cannot_be_read_again_is_not_ended() {
    // As often as the question is repeated.
    check(shown(Effect::Status(500)).times(5), "it could not be read again").await;
}

#[tokio::test]
async fn a_session_that_changed_hands_is_not_ended() {
    let stage = idlers();
    *stage.wire().edit.lock().unwrap() = Some(Box::new(|path, answer| {
        if path.ends_with("/sessions/101") {
            let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            body["session"]["user_id"] = 2.into();
            answer.body = body.to_string().into_bytes();
        }
    }));
    let report = stage.apply().await.report;
    assert_eq!(told(&report), [(102, "revoked")]);
    assert_eq!(withheld(&report), [(101, "idle", "read-back")]);
    assert_eq!(stage.sessions(), [101]);
}

#[tokio::test]
async fn a_read_back_with_a_wrong_date_proves_nothing() {
    for (date, ends) in [("Mon, 23 Nov 2026 12:00:59 GMT", true), ("Mon, 23 Nov 2026 12:01:02 GMT", false)] {
        let stage = idlers();
        *stage.wire().edit.lock().unwrap() = Some(Box::new(move |path, answer| {
            if path.ends_with("/sessions/101") {
                let header = answer.headers.iter_mut().find(|(name, _)| name == "date").unwrap();
                date.clone_into(&mut header.1);
            }
        }));
        let report = stage.apply().await.report;
        assert_eq!(told(&report).len(), 1 + usize::from(ends), "{date}");
        assert!(ends || withheld(&report) == [(101, "idle", "unreachable")], "{:?}", withheld(&report));
    }
}

#[tokio::test]
async fn somebody_who_has_a_protected_email_by_now_keeps_the_session() {
    let mut stage = idlers();
    stage.account.protected.push(ProtectedEntry::Email("Owner@acme.example".to_owned()));
    stage.person(5, Role::Agent);
    stage.simulator.world(|world| rename(world, 5, "owner@acme.example"));
    let moves = alter(|world| {
        rename(world, 5, "former@acme.example");
        rename(world, 1, "owner@ACME.example");
    });
    stage.script(read_again(moves));
    let report = stage.apply().await.report;
    assert_eq!((told(&report), withheld(&report)), (vec![(102, "revoked")], vec![(101, "idle", "protected")]));
}

fn rename(world: &mut World, person: u64, email: &str) {
    world.people.get_mut(&user(person)).unwrap().email = Some(Foreign::new(email));
}

#[tokio::test]
async fn nobody_is_ended_while_people_cannot_be_read_again() {
    let stage = idlers();
    stage.script(read_again(Effect::Status(500)).times(u32::MAX));
    let report = stage.apply().await.report;
    assert_eq!(withheld(&report), [(101, "idle", "unreachable"), (102, "idle", "unreachable")]);
    assert_eq!((stage.deletes(), told(&report).len()), (0, 0));
}

#[tokio::test]
async fn what_changes_for_the_better_of_another_rule_keeps_only_its_own_claim() {
    let both = format!(
        "{IDLE}\n[[rule]]\nid = \"old\"\ntitle = \"Old\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
         when.session.age.over = \"4h\"\n"
    );
    let mut stage = idlers();
    stage.policies = super::stage::policies_of(&both);
    stage.script(shown(alter(|world| {
        world.sessions.get_mut(&session(101)).unwrap().last_seen_at = Some("2026-11-23T12:00:00Z".parse().unwrap());
    })));
    let report = stage.apply().await.report;
    assert_eq!(told(&report), [(101, "revoked"), (102, "revoked")]);
    assert_eq!(withheld(&report), [(101, "idle", "read-back")]);
    let intents = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::RevocationIntended(body) => Some(body.rules),
        _ => None,
    });
    assert_eq!(intents.collect::<Vec<_>>(), [vec!["old"], vec!["idle", "old"]], "an intent rests on what still stands");
}

/// One rule on counts, one on tags; the hand of the clock moves at the read-back.
const CROWD: &str = r#"
schema = 1
[[rule]]
id = "crowd"
title = "Too many"
action = "revoke-session"
mode = "enforce"
when = { session.count.over = 2, session.rank.over = 2 }

[[rule]]
id = "left"
title = "Left"
action = "revoke-session"
mode = "enforce"
when.user.tags.contains = "left"
"#;

/// The minutes that pass while the first request of that kind is answered; what is withheld then, and what goes.
async fn check_age(method: Method, route: &str, minutes: u64) -> (Vec<(u64, String, String)>, Vec<u64>) {
    let stage = Stage::new(CROWD, WIDE);
    stage.person(1, Role::Agent).signs_in(101, 1, 3).signs_in(102, 1, 2).signs_in(103, 1, 1);
    stage.person(2, Role::Agent).signs_in(201, 2, 1);
    stage.simulator.world(|world| world.people.get_mut(&user(2)).unwrap().tags = vec![Foreign::new("left")]);
    let clock = stage.clock.clone();
    let pass = alter(move |_| clock.advance(std::time::Duration::from_secs(60 * minutes)));
    stage.script(Script::on(method, route, pass));
    let report = stage.apply().await.report;
    let held = withheld(&report).into_iter().map(|(id, rule, belt)| (id, rule.to_owned(), belt.to_owned())).collect();
    (held, told(&report).into_iter().map(|(id, _)| id).collect())
}

#[tokio::test]
async fn a_listing_that_grew_old_ends_nothing_that_rests_on_it() {
    let aged = ("crowd".to_owned(), "evidence-age".to_owned());
    for (minutes, held, gone) in [(9, vec![], vec![101, 201]), (11, vec![(101, aged.0, aged.1)], vec![201])] {
        // Sessions and people are fresh when they are read again; the listing is not.
        assert_eq!(check_age(Method::Get, PEOPLE, minutes).await, (held, gone), "{minutes} minutes");
    }
}

#[tokio::test]
async fn a_listing_that_grew_old_costs_only_the_claims_that_rest_on_it() {
    let stage = Stage::new(CROWD, WIDE);
    stage.person(1, Role::Agent).signs_in(101, 1, 3).signs_in(102, 1, 2).signs_in(103, 1, 1);
    stage.simulator.world(|world| tag(world, 1, "left"));
    let clock = stage.clock.clone();
    let pass = alter(move |_| clock.advance(std::time::Duration::from_mins(11)));
    stage.script(Script::on(Method::Get, PEOPLE, pass));
    let report = stage.apply().await.report;
    assert_eq!(withheld(&report), [(101, "crowd", "evidence-age")]);
    assert_eq!(told(&report), [(101, "revoked"), (102, "revoked"), (103, "revoked")]);
}

#[tokio::test]
async fn a_persons_record_that_grew_old_ends_nothing() {
    let held = |id: u64, rule: &str| (id, rule.to_owned(), "evidence-age".to_owned());
    assert_eq!(check_age(Method::Delete, SHOW, 9).await, (vec![], vec![101, 201]));
    // By the second person's read-back, records read for all before are too old; what was done is done.
    assert_eq!(check_age(Method::Delete, SHOW, 11).await, (vec![held(201, "left")], vec![101]));
}
