//! Proof of effect: who opens another session soon after one was ended, and breaks the same rule with it, came back.

use super::stage::lines;
use super::{OLD, Stage, WIDE, check_replay};
use evictd::model::{Grade, Role};
use evictd::record::Entry;
use evictd::report::Report;

/// Whoever is an agent is signed out.
const AGENTS: &str = r#"
schema = 1
[[rule]]
id = "agents"
title = "Agents"
action = "revoke-session"
severity = "high"
mode = "enforce"
when.user.role.in = ["agent"]
"#;

/// Who came back: the ended session, the new one, and after how many seconds.
fn back(report: &Report) -> Vec<(u64, u64, i64)> {
    report.came_back.iter().map(|row| (row.session.0, row.new.0, row.after.as_secs())).collect()
}

fn undone(report: &Report) -> Vec<&str> {
    report.warnings.iter().map(String::as_str).filter(|line| line.contains("single sign-on")).collect()
}

/// Six agents lose their sessions; then minutes pass.
async fn evicted(minutes: u64) -> Stage {
    let stage = Stage::new(AGENTS, WIDE);
    for number in 1..=6 {
        stage.person(number, Role::Agent).signs_in(1_000 + number, number, 1);
    }
    let cycle = stage.apply().await;
    assert!(cycle.report.revoke.iter().all(|row| row.grade == Some(Grade::Ended)));
    assert!(back(&cycle.report).is_empty());
    stage.wait(minutes);
    stage
}

#[tokio::test]
async fn whoever_opens_another_session_soon_and_breaks_the_same_rule_came_back_and_is_told_once() {
    let stage = evicted(4).await;
    stage.signs_in(2_001, 1, 0).signs_in(2_002, 1, 0);
    stage.wait(1);
    let report = stage.apply().await.report;
    assert_eq!(back(&report), [(1_001, 2_001, 240)]);
    check_replay(&stage, &report);
    assert!(undone(&report).is_empty(), "one of six is no rule that is undone: {:?}", report.warnings);
    let graded = lines(&stage.memory).into_iter().filter_map(|line| match line.entry {
        Entry::RevocationGraded(body) if body.grade == "came-back" => {
            Some((body.session, body.user, body.back.unwrap()))
        }
        _ => None,
    });
    let graded: Vec<_> = graded.collect();
    let [(ended, person, found)] = graded.as_slice() else { panic!("{graded:?}") };
    assert_eq!((ended.as_str(), person.as_str()), ("1001", "1"));
    assert_eq!((found.rule.as_str(), found.session.as_str(), found.after_ms.as_str()), ("agents", "2001", "240000"));
    stage.wait(1);
    let again = stage.apply().await.report;
    assert!(back(&again).is_empty(), "{:?}", again.came_back);
    // The second time it is the newer sessions that were ended.
    stage.signs_in(2_003, 1, 0);
    stage.wait(1);
    assert_eq!(back(&stage.apply().await.report), [(2_001, 2_003, 60), (2_002, 2_003, 60)]);
}

#[tokio::test]
async fn a_session_opened_before_or_long_after_is_no_return_nor_is_one_that_breaks_nothing() {
    let late = evicted(16).await;
    late.signs_in(2_001, 1, 0);
    assert!(back(&late.apply().await.report).is_empty());
    let before = evicted(4).await;
    before.signs_in(2_001, 1, 1);
    assert!(back(&before.apply().await.report).is_empty());
    let harmless = Stage::new(OLD, WIDE);
    harmless.person(1, Role::Agent).signs_in(1_001, 1, 11);
    assert_eq!(harmless.apply().await.report.revoke.len(), 1);
    harmless.wait(1);
    harmless.signs_in(2_001, 1, 0);
    assert!(back(&harmless.apply().await.report).is_empty());
    // What a minutely look would have seen is seen late as well.
    let seen_late = evicted(4).await;
    seen_late.signs_in(2_001, 1, 0);
    seen_late.wait(40);
    assert_eq!(back(&seen_late.apply().await.report), [(1_001, 2_001, 240)]);
}

#[tokio::test]
async fn a_rule_whose_people_keep_coming_back_says_so_and_why() {
    let stage = evicted(4).await;
    for number in 1..=3 {
        stage.signs_in(2_000 + number, number, 0);
    }
    stage.wait(1);
    let report = stage.apply().await.report;
    assert_eq!(back(&report).len(), 3);
    let [line] = undone(&report)[..] else { panic!("{:?}", report.warnings) };
    assert!(
        line.contains("rule `agents`: 3 of the 6 people") && line.contains("at the identity provider too"),
        "{line}"
    );
    check_replay(&stage, &report);
    // It still says so in the next cycle, and not a day later.
    assert_eq!(undone(&stage.apply().await.report).len(), 1);
    stage.wait(25 * 60);
    assert!(undone(&stage.apply().await.report).is_empty());
}

#[tokio::test]
async fn the_time_from_intent_to_answer_is_written_down() {
    let stage = evicted(0).await;
    let answered = lines(&stage.memory).into_iter().filter_map(|line| match line.entry {
        Entry::RevocationOutcome(body) => Some(body.answered_after_ms.unwrap().parse::<u64>().unwrap()),
        _ => None,
    });
    assert_eq!(answered.count(), 6);
}
