//! INVARIANTS 2 and 4: no more people lose sessions than the belts allow, over cycles and restarts, and some never do.
//!
//! Each belt has a test in which it alone stands between people and the loss of their sessions. Every cycle here is a
//! process of its own: what a window remembers, it remembers from the trail.

use std::collections::BTreeSet;

use evictd::model::Role;
use evictd::report::Report;
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::acts::{LEFT, alter, tag};
use super::stage::{told, withheld};
use super::{LIST, OLD, OWN_LIST, SHOW, Stage, WIDE, session, user};

/// Belt, limit and count of the first withheld row.
fn held(report: &Report) -> Option<(&str, Option<u64>, Option<u64>)> {
    report.withheld.first().map(|row| (row.belt.as_str(), row.limit, row.count))
}

/// These lines in place of wide ones.
fn narrow(lines: &str) -> String {
    let key = |line: &str| line.split('=').next().unwrap_or_default().replace("dangerous-", "");
    let is_replaced = |wide: &&str| lines.lines().any(|line| key(line) == key(wide));
    let mut all: Vec<&str> = WIDE.lines().filter(|wide| !is_replaced(wide)).collect();
    all.extend(lines.lines());
    all.join("\n")
}

/// As many people as the limit go together; one more, and all stay.
async fn check_limit(line: &str, limit: u64, belt: &str) {
    for people in [limit, limit + 1] {
        let stage = Stage::new(OLD, &narrow(line)).with_old_sessions(people);
        let report = stage.apply().await.report;
        let lost: BTreeSet<_> = stage.losses().iter().map(|loss| loss.user).collect();
        if people > limit {
            assert_eq!((held(&report), lost.len()), (Some((belt, Some(limit), Some(people))), 0), "{line}");
        } else {
            assert_eq!((held(&report), lost.len() as u64), (None, limit), "{line}");
        }
    }
}

#[tokio::test]
async fn each_belt_lets_its_limit_through_and_not_one_more() {
    check_limit("belts.people-per-rule-max = 2", 2, "people-per-rule").await;
    check_limit("belts.people-per-rule-and-hour-max = 2", 2, "people-per-rule-and-hour").await;
    check_limit("belts.people-per-rule-and-day-max = 2", 2, "people-per-rule-and-day").await;
    check_limit("belts.roster-part-per-hour-max = \"1%\"\nbelts.roster-floor = 3", 3, "roster-part-per-hour").await;
    check_limit("belts.roster-part-per-day-max = \"1%\"\nbelts.roster-floor = 3", 3, "roster-part-per-day").await;
}

#[tokio::test]
async fn zero_allows_none() {
    for (line, belt) in [
        ("belts.people-per-rule-max = 0", "people-per-rule"),
        ("belts.people-per-rule-and-hour-max = 0", "people-per-rule-and-hour"),
        ("belts.people-per-rule-and-day-max = 0", "people-per-rule-and-day"),
        ("belts.roster-part-per-hour-max = \"0%\"", "roster-part-per-hour"),
        ("belts.roster-part-per-day-max = \"0%\"", "roster-part-per-day"),
    ] {
        let stage = Stage::new(OLD, &narrow(line)).with_old_sessions(1);
        let report = stage.apply().await.report;
        assert_eq!(held(&report), Some((belt, Some(0), Some(1))), "{line}");
        assert_eq!(stage.losses(), [], "{line}");
    }
}

#[tokio::test]
async fn a_part_of_the_roster_is_rounded_down_and_never_below_the_floor() {
    for (quiet, floor, limit) in [(38, 1, 2), (58, 1, 3), (10, 3, 3), (10, 0, 0)] {
        let lines = narrow(&format!("belts.roster-part-per-hour-max = \"5%\"\nbelts.roster-floor = {floor}"));
        let stage = |old: u64| {
            let stage = Stage::new(OLD, &lines);
            for number in 200..200 + quiet {
                stage.person(number, Role::Agent).signs_in(1000 + number, number, 1);
            }
            for number in 1..=limit + 1 {
                let hours = if number <= old { 11 } else { 1 };
                stage.person(number, Role::Agent).signs_in(100 + number, number, hours);
            }
            stage
        };
        let report = stage(limit + 1).apply().await.report;
        assert_eq!(held(&report), Some(("roster-part-per-hour", Some(limit), Some(limit + 1))), "{quiet} quiet");
        assert_eq!(told(&stage(limit).apply().await.report).len() as u64, limit, "{quiet} quiet");
    }
}

/// Cycles at these minutes, each with one new offender; the minutes at which one lost a session.
async fn check_window(line: &str, minutes: &[u64], expected: &[u64]) {
    let stage = Stage::new(OLD, &narrow(line));
    for number in 1000..1020 {
        stage.person(number, Role::Agent).signs_in(number, number, 1);
    }
    let start = stage.now();
    let mut now = 0;
    for (number, at) in (1..).zip(minutes) {
        stage.wait(at - now);
        now = *at;
        // Only this one is there to be ended: those of before are gone, or signed out by themselves.
        stage.simulator.world(|world| world.sessions.retain(|id, _| id.0 >= 1000));
        stage.simulator.world(|world| world.sessions.values_mut().for_each(|row| row.authenticated_at = None));
        stage.person(number, Role::Agent).signs_in(100 + number, number, 11);
        stage.apply().await;
    }
    let lost: Vec<u64> =
        stage.losses().iter().map(|loss| u64::try_from(start.duration_until(loss.at).as_mins()).unwrap()).collect();
    assert_eq!(lost, expected, "{line}");
    stage.verified();
}

#[tokio::test]
async fn windows_roll_and_outlive_restarts() {
    let hourly = [0, 20, 40, 60, 61, 80, 81, 121, 122];
    let after_the_hour = [0, 20, 61, 81, 122];
    check_window("belts.people-per-rule-and-hour-max = 2", &hourly, &after_the_hour).await;
    check_window("belts.roster-part-per-hour-max = \"1%\"\nbelts.roster-floor = 2", &hourly, &after_the_hour).await;
    let daily = [0, 600, 1200, 1440, 1441, 2000, 2041];
    let after_the_day = [0, 600, 1441, 2041];
    check_window("belts.people-per-rule-and-day-max = 2", &daily, &after_the_day).await;
    check_window("belts.roster-part-per-day-max = \"1%\"\nbelts.roster-floor = 2", &daily, &after_the_day).await;
}

#[tokio::test]
async fn people_are_counted_and_not_their_sessions() {
    let stage = Stage::new(OLD, &narrow("belts.people-per-rule-max = 1"));
    stage.person(1, Role::Agent).signs_in(101, 1, 11).signs_in(102, 1, 12).signs_in(103, 1, 13);
    assert_eq!(told(&stage.apply().await.report).len(), 3);
    assert_eq!(stage.sessions(), [] as [u64; 0]);
}

#[tokio::test]
async fn an_overflow_of_one_stratum_or_rule_shields_no_other() {
    let stage = Stage::new(LEFT, &narrow("belts.people-per-rule-max = 2")).with_old_sessions(2);
    for number in 20..=23 {
        stage.person(number, Role::EndUser).signs_in(200 + number, number, 11);
    }
    stage.person(30, Role::Admin).signs_in(230, 30, 11);
    stage.person(31, Role::EndUser).signs_in(231, 31, 5);
    stage.simulator.world(|world| tag(world, 31, "left"));
    let report = stage.apply().await.report;
    let lost: BTreeSet<u64> = stage.losses().iter().map(|loss| loss.session.0).collect();
    assert_eq!(lost, BTreeSet::from([101, 102, 230, 231]));
    let kept: BTreeSet<_> = withheld(&report).into_iter().collect();
    let all = [220, 221, 222, 223].map(|id| (id, "old", "people-per-rule"));
    assert_eq!(kept, BTreeSet::from(all), "all of them, never an arbitrary first part");
}

#[tokio::test]
async fn what_was_ended_takes_no_room_of_another_stratum_or_rule() {
    let stage = Stage::new(LEFT, &narrow("belts.people-per-rule-and-hour-max = 1")).with_old_sessions(1);
    stage.apply().await;
    stage.wait(5);
    stage.person(30, Role::Admin).signs_in(130, 30, 11);
    stage.person(31, Role::Agent).signs_in(131, 31, 5).person(32, Role::Agent).signs_in(132, 32, 11);
    stage.simulator.world(|world| tag(world, 31, "left"));
    let report = stage.apply().await.report;
    let lost: BTreeSet<u64> = stage.losses().iter().map(|loss| loss.session.0).collect();
    assert_eq!(lost, BTreeSet::from([101, 130, 131]));
    assert_eq!(withheld(&report), [(132, "old", "people-per-rule-and-hour")]);
    let stage = Stage::new(OLD, &narrow("belts.roster-part-per-hour-max = \"1%\"\nbelts.roster-floor = 1"));
    stage.person(1, Role::EndUser).signs_in(101, 1, 11);
    stage.apply().await;
    stage.person(2, Role::Admin).signs_in(102, 2, 11).person(3, Role::EndUser).signs_in(103, 3, 11);
    assert_eq!(withheld(&stage.apply().await.report), [(103, "old", "roster-part-per-hour")]);
    assert_eq!(names_lost(&stage), [101, 102]);
}

/// Reading the account may take longer than what was read first may be old.
#[tokio::test]
async fn a_listing_that_took_too_long_clears_nothing_that_counts() {
    let count = "schema = 1\n[[rule]]\nid = \"crowd\"\ntitle = \"Too many\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
                 when.session.count.over = 2\n";
    for (minutes, held) in [(10, 0), (11, 3)] {
        let stage = Stage::new(count, WIDE);
        stage.person(1, Role::Agent).signs_in(101, 1, 3).signs_in(102, 1, 2).signs_in(103, 1, 1);
        for number in 1000..1100 {
            stage.person(number, Role::Agent).signs_in(number, number, 1);
        }
        let clock = stage.clock.clone();
        let pass = alter(move |_| clock.advance(std::time::Duration::from_secs(60 * minutes)));
        stage.script(Script::on(Method::Get, LIST, pass));
        let report = stage.plan().await.report;
        let too_old = report.withheld.iter().filter(|row| row.belt == "evidence-age").count();
        assert_eq!((report.revoke.len(), too_old), (3 - held, held), "{minutes} minutes");
    }
}

#[tokio::test]
async fn what_is_only_reported_uses_up_nobodys_room() {
    let watched = OLD.replace("\"old\"", "\"seen\"").replace("enforce", "report").replace("schema = 1", "");
    let stage = Stage::new(&format!("{OLD}{watched}"), &narrow("belts.people-per-rule-max = 2")).with_old_sessions(2);
    assert_eq!(told(&stage.apply().await.report).len(), 2);
    let more = "schema = 1\n[[rule]]\nid = \"seen\"\ntitle = \"Seen\"\naction = \"revoke-user\"\nmode = \"report\"\n\
                when.user.role.is = \"agent\"\n";
    let both = format!("{more}{}", OLD.replace("schema = 1", ""));
    let lines = narrow("belts.roster-part-per-hour-max = \"1%\"\nbelts.roster-floor = 3");
    let stage = Stage::new(&both, &lines).with_old_sessions(3);
    stage.person(40, Role::Agent).signs_in(140, 40, 1);
    let report = stage.apply().await.report;
    assert_eq!(names_lost(&stage), [101, 102, 103], "{:?}", withheld(&report));
}

fn names_lost(stage: &Stage) -> Vec<u64> {
    stage.losses().iter().map(|loss| loss.session.0).collect()
}

/// INVARIANT 4.
#[tokio::test]
async fn a_protected_person_and_evictds_own_user_never_lose_a_session() {
    let own = 360_000_000_001;
    let stage = Stage::new(LEFT, &format!("protected = [7, \"Person8@ACME.example\"]\n{WIDE}")).with_old_sessions(1);
    stage.person(7, Role::Admin).signs_in(107, 7, 11).signs_in(117, 7, 20);
    stage.person(8, Role::EndUser).signs_in(108, 8, 11);
    stage.signs_in(109, own, 11).signs_in(119, own, 30);
    stage.simulator.world(|world| {
        for person in [7, 8, own] {
            tag(world, person, "left");
        }
    });
    for _ in 0..4 {
        stage.apply().await;
        stage.wait(16);
    }
    assert_eq!(names_lost(&stage), [101]);
    let report = stage.apply().await.report;
    let belts: BTreeSet<_> = withheld(&report).into_iter().map(|(id, _, belt)| (id, belt)).collect();
    let expected = [(107, "protected"), (117, "protected"), (108, "protected"), (109, "own-user"), (119, "own-user")];
    assert_eq!(belts, BTreeSet::from(expected));
}

#[tokio::test]
async fn nobody_loses_a_session_while_clocks_disagree() {
    for (seconds, clear) in [(30, true), (31, false), (-31, false)] {
        let stage = Stage::new(TAGGED, WIDE);
        stage.person(1, Role::Agent).signs_in(101, 1, 5);
        stage.simulator.world(|world| tag(world, 1, "left"));
        stage.simulator.set_now(stage.now() + jiff::SignedDuration::from_secs(seconds));
        let report = stage.apply().await.report;
        let held = if clear { vec![] } else { vec![(101, "left", "clock")] };
        assert_eq!((withheld(&report), names_lost(&stage).len()), (held, usize::from(clear)), "{seconds} s");
    }
}

/// No condition of it asks for the time.
const TAGGED: &str = r#"
schema = 1
[[rule]]
id = "left"
title = "Left"
action = "revoke-user"
mode = "enforce"
when.user.tags.contains = "left"
"#;

#[tokio::test]
async fn a_person_without_a_record_keeps_every_session() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    stage.signs_in(300, 77, 20);
    let report = stage.apply().await.report;
    assert_eq!((names_lost(&stage), withheld(&report)), (vec![101], vec![(300, "old", "evidence-age")]));
}

/// The listing goes on showing an ended session; the minutes at which cycles run, and those at which one acts.
async fn check_undead(stage: &Stage, minutes: &[u64], acts: &[u64], revive: impl Fn(&Stage)) {
    let mut now = 0;
    let mut acted = Vec::new();
    for at in minutes {
        stage.wait(at - now);
        now = *at;
        revive(stage);
        let before = stage.requests(Method::Delete).len();
        let report = stage.apply().await.report;
        if stage.requests(Method::Delete).len() > before {
            acted.push(*at);
        } else {
            assert!(withheld(&report).iter().all(|(_, _, belt)| *belt == "just-revoked"), "{:?}", withheld(&report));
        }
    }
    assert_eq!(acted, acts);
}

const MINUTES: &[u64] = &[0, 5, 14, 15, 16, 30, 31, 60, 180, 720, 1439];

#[tokio::test]
async fn what_was_ended_and_is_listed_still_goes_once_more_and_then_not_for_a_day() {
    let stage = Stage::new(OLD, WIDE);
    stage.person(1, Role::Agent);
    check_undead(&stage, MINUTES, &[0, 15], |stage| {
        stage.signs_in(101, 1, 11);
    })
    .await;
    let graded = stage.apply().await.report;
    assert_eq!(withheld(&graded), [(101, "old", "just-revoked")]);
}

#[tokio::test]
async fn a_wide_request_counts_as_answered_for_every_session_it_named() {
    let stage = Stage::new(LEFT, WIDE);
    stage.person(1, Role::Agent);
    check_undead(&stage, &[0, 5, 14, 15, 16, 60, 1439], &[0, 15], |stage| {
        stage.signs_in(101, 1, 11).signs_in(102, 1, 5);
        stage.simulator.world(|world| tag(world, 1, "left"));
    })
    .await;
}

#[tokio::test]
async fn a_listing_that_lags_behind_asks_for_nothing_twice() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    // The account's listing shows the session for ever; whoever asks for it by name is told that it is gone.
    let opened = stage.now() - jiff::SignedDuration::from_hours(11);
    let appear = alter(move |world| {
        world.add_session(session(101), user(1), opened, opened);
    });
    let vanish = || alter(|world| world.sessions.retain(|id, _| *id != session(101)));
    stage.apply().await;
    stage.script(Script::on(Method::Get, LIST, appear).times(u32::MAX));
    stage.script(Script::on(Method::Get, SHOW, vanish()).times(u32::MAX));
    stage.script(Script::on(Method::Get, OWN_LIST, vanish()).times(u32::MAX));
    let mut told_at = Vec::new();
    for minute in [5, 15, 20, 60, 300] {
        stage.clock.set("2026-11-23T12:00:00Z".parse().unwrap());
        stage.wait(minute);
        told_at.push(told(&stage.apply().await.report).first().map(|(_, outcome)| *outcome));
    }
    assert_eq!(told_at, [None, Some("already-gone"), None, None, None]);
    assert_eq!(stage.deletes(), 1);
}

/// INVARIANT 9.
#[tokio::test]
async fn the_same_world_twice_revokes_once() {
    let stage = Stage::new(LEFT, WIDE).with_old_sessions(5);
    let first = stage.apply().await.report;
    let second = stage.apply().await.report;
    assert_eq!((told(&first).len(), told(&second).len(), stage.deletes()), (6, 1, 5), "199 is only watched");
}

#[tokio::test]
async fn a_limit_of_a_listing_that_is_partial_rests_on_the_last_whole_one() {
    let stage = Stage::new(OLD, &narrow("belts.roster-part-per-hour-max = \"2%\"\nbelts.roster-floor = 1"));
    for number in 1000..1150 {
        stage.person(number, Role::Agent).signs_in(number, number, 1);
    }
    let report = stage.apply().await.report;
    assert!(report.complete);
    for number in 1..=3 {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 11);
    }
    stage.script(Script::on(Method::Get, LIST, Effect::Status(500)).after(1).times(u32::MAX));
    let report = stage.apply().await.report;
    assert!(!report.complete);
    assert_eq!(told(&report).len(), 3, "2 % of 150, not of the 100 that were read: {:?}", withheld(&report));
}
