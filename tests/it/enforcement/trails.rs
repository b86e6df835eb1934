//! The trail: written and durable before each act, silent about nothing, and enough to rebuild every report.

use std::sync::atomic::Ordering;

use evictd::chronicle::{Asked, Chronicle};
use evictd::cycle::{Books, Cycle, Halt};
use evictd::files::Medium;
use evictd::model::{Mode, Role};
use evictd::policy;
use evictd::record::{Entry, sidecar_name};
use evictd::report::{Report, replay, to_json};
use evictd::simulator::{Effect, Script};
use evictd::trail::{look, segments};
use evictd::zendesk::Method;

use super::acts::{LEFT, alter, tag};
use super::stage::{lines, recorded, told};
use super::wire::kinds;
use super::{LIST, OLD, PEOPLE, SHOW, Stage, WIDE, session};

/// Five agents who left or stayed too long, one of them with three sessions.
fn crew() -> Stage {
    let stage = Stage::new(LEFT, WIDE).with_old_sessions(4);
    stage.person(5, Role::Agent).signs_in(105, 5, 11).signs_in(106, 5, 5).signs_in(107, 5, 1);
    stage.simulator.world(|world| tag(world, 5, "left"));
    stage
}

/// INVARIANT 3. The wire looks at every DELETE; here it has something to look at.
#[tokio::test]
async fn no_act_without_a_durable_intent() {
    let stage = crew();
    stage.apply().await;
    assert_eq!(stage.deletes(), 5);
    assert_eq!(stage.losses().len(), 7);
    let intents = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::RevocationIntended(body) => Some(body.sessions),
        _ => None,
    });
    let mut named: Vec<u64> = intents.flatten().map(|session| session.parse().unwrap()).collect();
    let mut lost: Vec<u64> = stage.losses().iter().map(|loss| loss.session.0).collect();
    named.sort_unstable();
    lost.sort_unstable();
    assert_eq!(named, lost, "who lost a session is exactly who is named");
}

/// INVARIANT 3: no trail, no act.
#[tokio::test]
async fn a_write_that_fails_at_any_step_ends_all_acts() {
    let whole = crew();
    whole.apply().await;
    let steps = whole.medium().calls();
    assert!(steps > 30, "{steps}");
    let mut acted = Vec::new();
    for step in 0..steps {
        let stage = crew();
        stage.medium().fail_at(step);
        // The wire watches that nothing leaves after it.
        let halt = stage.try_apply().await;
        assert!(matches!(halt, Err(Halt::Trail(_))), "step {step}: {halt:?}");
        assert!(stage.medium().failed(), "step {step}");
        acted.push(stage.deletes());
        stage.lose_power(|_, unsynced| Some(unsynced));
        stage.verified_after_restart().await;
    }
    assert!(acted.is_sorted(), "{acted:?}");
    assert_eq!((acted.first(), acted.last()), (Some(&0), Some(&5)), "the steps lie before, between and after the acts");
}

#[tokio::test]
async fn an_account_that_only_reports_writes_its_trail_and_ends_nothing() {
    let stage = Stage::new(LEFT, &format!("mode = \"report\"\n{WIDE}")).with_old_sessions(2);
    let report = stage.apply().await.report;
    assert_eq!(told(&report), [(101, "none"), (102, "none"), (199, "none")]);
    assert_eq!(stage.deletes(), 0);
    check_replay(&stage, &report);
}

fn json(report: &Report) -> String {
    to_json(report).unwrap()
}

/// INVARIANT 14: the records alone give the report, but for single undecided sessions.
pub fn check_replay(stage: &Stage, live: &Report) {
    let rebuilt = replay(&live.account, &live.cycle, recorded(&stage.memory)).unwrap();
    let mut live = live.clone();
    live.undecided.iter_mut().for_each(|row| row.examples.clear());
    assert_eq!(json(&rebuilt), json(&live));
}

/// A world in which everything happens that a report can tell of.
fn eventful() -> Stage {
    let stage = Stage::new(
        &format!("{LEFT}{MAIL}{EXCEPTION}"),
        "belts.people-per-rule-max = 7\nbelts.dangerous-roster-floor = 100\nprotected = [360000000001, 8]\n",
    )
    .with_old_sessions(4);
    stage.person(5, Role::Agent).signs_in(105, 5, 11).signs_in(106, 5, 5).signs_in(107, 5, 1);
    stage.person(6, Role::Agent).signs_in(108, 6, 11);
    stage.person(7, Role::Agent).signs_in(109, 7, 12);
    stage.person(8, Role::Admin).signs_in(110, 8, 12);
    stage.signs_in(111, 360_000_000_001, 12);
    for number in 20..=30 {
        stage.person(number, Role::EndUser).signs_in(200 + number, number, 20);
    }
    stage.signs_in(300, 77, 12).signs_in(301, 1, 12);
    stage.simulator.world(|world| {
        tag(world, 5, "left");
        tag(world, 6, "spared");
        world.sessions.get_mut(&session(301)).unwrap().authenticated_at = None;
    });
    stage.script(Script::on_method(Method::Delete, Effect::Status(403)).after(1));
    stage.script(Script::on_method(Method::Delete, Effect::LoseRequest).after(2).times(2));
    let used = alter(|world| {
        world.sessions.get_mut(&session(104)).unwrap().authenticated_at = Some("2026-11-23T11:00:00Z".parse().unwrap());
    });
    stage.script(Script::on(Method::Get, PEOPLE, used).after(1));
    stage.script(Script::on(Method::Get, SHOW, alter(|world| world.sessions.retain(|id, _| *id != session(109)))));
    stage
}

const MAIL: &str = r#"
[[rule]]
id = "mail"
title = "Somebody by e-mail"
action = "revoke-session"
mode = "enforce"
when.user.email.is = "person3@acme.example"
"#;

const EXCEPTION: &str = r#"
[[exception]]
id = "spared"
rules = ["*"]
when.user.tags.contains = "spared"
owner = "secops@example.com"
reason = "a reason"
expires = 2027-01-31
"#;

#[tokio::test]
async fn the_trail_alone_rebuilds_the_report() {
    let stage = eventful();
    let first = stage.apply().await.report;
    let outcomes: Vec<&str> = told(&first).into_iter().map(|(_, outcome)| outcome).collect();
    for word in ["revoked", "refused", "unclear", "already-gone", "none"] {
        assert!(outcomes.contains(&word), "{word} is not among {outcomes:?}");
    }
    for belt in ["protected", "own-user", "read-back", "people-per-rule"] {
        assert!(first.withheld.iter().any(|row| row.belt == belt), "{belt}");
    }
    assert!(!first.undecided.is_empty() && first.rules.iter().any(|row| row.spared > 0 && row.spared_by_unknown > 0));
    check_replay(&stage, &first);
    stage.wait(5);
    stage.signs_in(400, 3, 12);
    stage.script(Script::on(Method::Get, LIST, Effect::Status(500)).after(1).times(u32::MAX));
    let second = stage.apply().await.report;
    check_replay(&stage, &second);
    check_replay(&stage, &first);
}

#[tokio::test]
async fn what_became_of_a_session_is_told_of_its_own_cycle_only() {
    let mut stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    let first = stage.apply().await.report;
    stage.wait(20);
    stage.signs_in(101, 1, 11);
    stage.account.mode = Mode::Report;
    let second = stage.apply().await.report;
    assert_eq!((told(&first), told(&second)), (vec![(101, "revoked")], vec![(101, "none")]));
    check_replay(&stage, &first);
    check_replay(&stage, &second);
}

/// A process that runs on tells each claim once, as it begins, changes and ends; each cycle's report can be rebuilt.
#[tokio::test]
async fn claims_are_told_when_they_begin_change_and_end() {
    let tagged = LEFT.replace(", session.age.over = \"4h\"", "");
    let stage = Stage::new(&tagged, "belts.people-per-rule-max = 3\nbelts.roster-floor = 9\n");
    for number in 1..=3 {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 5);
        stage.simulator.world(|world| tag(world, number, "left"));
    }
    let (mut trail, _) = stage.open();
    let (zendesk, mut chronicle) = (stage.zendesk(), Chronicle::since(None));
    let mut told_kinds = Vec::new();
    for step in 0..6 {
        stage.brake.paused.store(step < 2, Ordering::Relaxed);
        if step == 3 {
            stage.person(4, Role::Agent).signs_in(104, 4, 5).signs_in(101, 1, 5);
            stage.simulator.world(|world| tag(world, 4, "left"));
        }
        let before = lines(&stage.memory).len();
        let history = look(&stage.memory, &stage.account.name).unwrap().history;
        let books = Books { trail: &mut trail, chronicle: &mut chronicle, missed: 0, asked: Asked::default() };
        let report = stage.one_cycle(&zendesk, history, books).await.unwrap().report;
        check_replay(&stage, &report);
        let kinds = lines(&stage.memory).split_off(before).into_iter().map(|line| line.kind);
        told_kinds.push(kinds.filter(|kind| kind.starts_with("claim.")).collect::<Vec<_>>().join(" "));
        stage.wait(1);
    }
    let expected = ["claim.began", "", "claim.changed", "claim.began claim.changed claim.ended", "claim.ended", ""];
    assert_eq!(told_kinds, expected);
}

#[tokio::test]
async fn a_report_survives_the_erasure_of_its_people() {
    let stage = eventful();
    let live = stage.apply().await.report;
    for first_seq in segments(&stage.memory).unwrap() {
        stage.memory.replace(&sidecar_name(first_seq), b"").unwrap();
    }
    stage.verified();
    let rebuilt = replay(&live.account, &live.cycle, recorded(&stage.memory)).unwrap();
    assert_eq!(told(&rebuilt), told(&live));
    assert!(rebuilt.revoke.iter().all(|row| row.person.raw() == "(erased)"));
    assert!(!json(&rebuilt).contains("Person 1"));
    assert!(json(&live).contains("Person 1"));
    let erased = rebuilt.revoke.iter().flat_map(|row| &row.reasons).filter(|reason| *reason == "(erased)").count();
    let reasons: Vec<&String> = rebuilt.revoke.iter().flat_map(|row| &row.reasons).collect();
    assert!(erased > 0 && erased < reasons.len(), "{reasons:?}");
}

#[test]
fn nothing_personal_stands_in_a_line() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stage = eventful();
    *stage.wire().edit.lock().unwrap() = Some(Box::new(|_, answer| {
        if answer.status == 403 {
            answer.body = br#"{"error":"Forbidden","description":"Person 2 <person2@acme.example> says no"}"#.to_vec();
        }
    }));
    runtime.block_on(stage.apply());
    let whole = stage.memory.list().unwrap().into_iter().map(|name| stage.memory.read(&name).unwrap());
    let whole: Vec<String> = whole.map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    assert!(whole.concat().contains("says no"), "it is told, apart from the lines");
    for first_seq in segments(&stage.memory).unwrap() {
        let text = String::from_utf8(evictd::trail::read_segment(&stage.memory, first_seq).unwrap()).unwrap();
        for personal in ["Person", "@acme.example", "says no"] {
            assert!(!text.contains(personal), "{personal}");
        }
    }
}

/// INVARIANT 11.
#[test]
fn a_broken_policy_set_is_never_in_force() {
    let broken = [
        OLD.replace("10h", "10"),
        OLD.replace("mode = \"enforce\"", "mode = \"enforced\""),
        format!("{OLD}\n[[rule]]\nid = \"half\"\n"),
        format!(
            "{OLD}\n[[rule]]\nid = \"x\"\ntitle = \"x\"\naction = \"revoke-user\"\nwhen.user.rolle.is = \"agent\"\n"
        ),
        format!("{OLD}{}", EXCEPTION.replace("expires = 2027-01-31", "")),
        format!("{OLD}\nwhat = \n"),
    ];
    for text in broken {
        let mut findings = evictd::diagnostic::Findings::default();
        let sources = [
            evictd::diagnostic::Source::new("good.toml", OLD.replace("\"old\"", "\"good\"")),
            evictd::diagnostic::Source::new("bad.toml", text.as_str()),
        ];
        assert!(policy::read(&sources, None, &mut findings).is_none(), "one good file saves nothing: {text}");
        assert!(findings.has_errors());
    }
}

#[tokio::test]
async fn an_account_that_shows_nothing_is_no_account_without_sessions() {
    for route in [LIST, "/api/v2/users/me"] {
        let stage = crew();
        stage.script(Script::on(Method::Get, route, Effect::Status(500)).times(u32::MAX));
        check_nothing_seen(&stage).await;
    }
    let stage = crew();
    *stage.wire().edit.lock().unwrap() = Some(Box::new(|path, answer| {
        if path.starts_with("/api/v2/sessions") {
            let body = String::from_utf8(answer.body.clone()).unwrap();
            answer.body = body.replace("\"id\":", "\"no-id\":").into_bytes();
        }
    }));
    check_nothing_seen(&stage).await;
}

async fn check_nothing_seen(stage: &Stage) {
    let halt = stage.try_apply().await;
    assert!(matches!(halt, Err(Halt::Zendesk(_))), "{halt:?}");
    assert_eq!(stage.deletes(), 0);
    assert_eq!(kinds(&stage.memory), ["daemon.started"], "no cycle is counted, and nothing as gone");
}

#[tokio::test]
async fn an_account_whose_protection_does_not_hold_is_not_enforced() {
    for protected in ["[1]", "[360000000001, 4711]", "[360000000001, \"nobody@acme.example\"]"] {
        let stage = Stage::new(OLD, &format!("protected = {protected}\n{WIDE}")).with_old_sessions(3);
        let halt: Result<Cycle, Halt> = stage.try_apply().await;
        assert!(matches!(halt, Err(Halt::Unprotected(_))), "{protected}: {halt:?}");
        assert_eq!(stage.deletes(), 0);
        assert_eq!(stage.plan().await.report.revoke.len() + 1, 3 + usize::from(protected != "[1]"), "plan still tells");
    }
}
