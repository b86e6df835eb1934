//! Sessions whose own row tells where they are used, should Zendesk or a proxy before it ever send that.

use evictd::model::{Cause, Role, Sighting, Strength};
use serde_json::{Value, json};

use super::live::{desk, gone, set, undecided};
use crate::enforcement::{Stage, check_replay, session};

const ABROAD: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "Used abroad by a script"
action = "revoke-session"
mode = "enforce"
match-min = "exact"
[rule.when]
network.country.in = ["ZA"]
client.kind.in = ["script"]
"#;

fn show(stage: &Stage, id: u64, fields: Value) {
    stage.simulator.world(|world| drop(world.row_fields.insert(session(id), fields)));
}

#[tokio::test]
async fn a_row_that_tells_its_address_and_program_decides_of_its_own_session() {
    let stage = desk(ABROAD);
    stage.person(7, Role::EndUser).signs_in(107, 7, 2).signs_in(152, 2, 1);
    for id in [102, 107] {
        show(&stage, id, json!({ "ip_address": "41.0.0.1", "user_agent": "curl/8.9.1" }));
    }
    show(&stage, 152, json!({ "ip_address": "73.162.10.20", "user_agent": "curl/8.9.1" }));
    let cycle = stage.apply().await;
    assert_eq!(gone(&cycle), [102, 107]);
    assert!(cycle.report.revoke.iter().all(|row| row.strength == Strength::Exact));
    check_replay(&stage, &cycle.report);
    assert_eq!(stage.sessions(), [101, 103, 152]);
    let rows: Vec<_> = cycle.snapshot.sightings.iter().filter(|row| *row.source == *Sighting::SESSION_ROW).collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(!cycle.snapshot.sources.contains_key(Sighting::SESSION_ROW));
}

/// That a row tells where a session is says nothing of where else it is.
#[tokio::test]
async fn rows_make_nothing_complete_and_old_ones_are_as_new_as_their_listing() {
    let stage = desk(
        &ABROAD.replace("network.country.in = [\"ZA\"]\nclient", "not = { network.country.in = [\"KP\"] }\nclient"),
    );
    set(&stage, "access-log=absent,audit-log=absent");
    show(&stage, 102, json!({ "ip_address": "41.0.0.1", "user_agent": "curl/8.9.1" }));
    let cycle = stage.plan().await;
    assert_eq!((gone(&cycle), undecided(&cycle)), (vec![], vec![(Cause::PlanLacks, 3)]));
    // Used five hours ago, and listed just now.
    let stage = desk(ABROAD);
    let used = stage.now() - jiff::SignedDuration::from_hours(1);
    stage.simulator.world(|world| world.sessions.get_mut(&session(102)).unwrap().last_seen_at = Some(used.into()));
    show(&stage, 102, json!({ "ip_address": "41.0.0.1", "user_agent": "curl/8.9.1" }));
    assert_eq!(gone(&stage.apply().await), [102]);
}

#[tokio::test]
async fn values_that_are_none_cost_nothing_and_the_row_stays_a_row() {
    let long = "x".repeat(100_000);
    let values = [
        json!({ "ip_address": null, "user_agent": null }),
        json!({ "ip_address": "", "user_agent": "" }),
        json!({ "ip_address": "41.0.0.1.5", "user_agent": ["curl"] }),
        json!({ "ip_address": { "v4": "41.0.0.1" }, "user_agent": 8 }),
        json!({ "ip_address": 41, "user_agent": false }),
        json!({ "ip_address": long }),
    ];
    for fields in values {
        let stage = desk(ABROAD);
        show(&stage, 102, fields.clone());
        let cycle = stage.plan().await;
        assert!(cycle.report.complete && gone(&cycle).is_empty(), "{fields}");
        assert_eq!(cycle.snapshot.sessions.len(), 3, "{fields}");
        let is_told = |row: &&Sighting| *row.source == *Sighting::SESSION_ROW;
        assert_eq!(cycle.snapshot.sightings.iter().filter(is_told).count(), 0, "{fields}");
    }
    let stage = desk(ABROAD);
    show(&stage, 102, json!({ "ip_address": "::ffff:41.0.0.1", "user_agent": format!("curl/8.9.1 {long}") }));
    let cycle = stage.plan().await;
    let told = cycle.snapshot.sightings.iter().find(|row| *row.source == *Sighting::SESSION_ROW).unwrap();
    assert_eq!((told.address, told.session), ("41.0.0.1".parse().ok(), Some(session(102))));
    assert_eq!(told.agent.as_ref().map(|agent| agent.len()), Some(1_024));
}

#[tokio::test]
async fn nothing_is_taken_from_rows_where_no_rule_asks() {
    let stage = desk(crate::enforcement::OLD);
    show(&stage, 102, json!({ "ip_address": "41.0.0.1" }));
    assert!(stage.plan().await.snapshot.sightings.is_empty());
}
