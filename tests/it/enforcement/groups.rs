//! Who is in which group is asked once, after the sessions, and only if a rule needs it; half an answer is none.

use evictd::model::Cause;
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::{OLD, Stage, WIDE};

const MEMBERSHIPS: &str = "/api/v2/group_memberships";

/// Of people 1 to 4 the simulator has 1 and 4 in this team, and everybody on the staff in `36000001`.
const TEAM: &str = r#"
schema = 1
[[rule]]
id = "team"
title = "Of the team"
action = "revoke-session"
mode = "enforce"
when = { user.group.contains = "36000003", session.age.over = "10h" }
"#;

fn asked(stage: &Stage) -> usize {
    stage.requests(Method::Get).iter().filter(|path| *path == MEMBERSHIPS).count()
}

fn stage(policies: &str) -> Stage {
    let stage = Stage::new(policies, WIDE).with_old_sessions(4);
    stage.person(50, evictd::model::Role::EndUser).signs_in(150, 50, 11);
    stage
}

#[tokio::test]
async fn sessions_of_a_group_end_and_no_others() {
    let stage = stage(TEAM);
    let cycle = stage.apply().await;
    let revoked: Vec<u64> = cycle.report.revoke.iter().map(|row| row.session.0).collect();
    assert_eq!((revoked, stage.deletes()), (vec![101, 104], 2));
    assert_eq!(asked(&stage), 1);
    let groups = cycle.snapshot.groups.unwrap();
    assert!(groups.values().all(|ids| ids.len() == 2 && ids[0] == 36_000_001), "{groups:?}");
    assert!(groups.keys().all(|user| user.get() != 50), "{groups:?}");
    assert_eq!(cycle.report.rules[0].undecided, 0);
}

#[tokio::test]
async fn nobody_is_asked_for_groups_that_no_rule_needs() {
    for policies in [OLD.to_owned(), TEAM.replace("\"enforce\"", "\"off\"")] {
        let stage = stage(&policies);
        let cycle = stage.plan().await;
        assert_eq!((asked(&stage), cycle.snapshot.groups), (0, Err(Cause::NoSource)), "{policies}");
    }
}

#[tokio::test]
async fn groups_that_were_not_read_whole_are_unknown_of_all_staff_and_end_nothing() {
    for (effect, cause) in [(Effect::Status(500), Cause::Down), (Effect::Status(403), Cause::PlanLacks)] {
        let stage = stage(TEAM);
        stage.script(Script::on(Method::Get, MEMBERSHIPS, effect).times(u32::MAX));
        let cycle = stage.apply().await;
        assert_eq!((stage.deletes(), &cycle.snapshot.groups), (0, &Err(cause)));
        // Four old sessions of agents; those of end users are in no group, whoever answers.
        assert_eq!((cycle.report.rules[0].fired, cycle.report.rules[0].undecided), (0, 4), "{:?}", cycle.report.rules);
    }
}
