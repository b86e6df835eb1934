//! OAuth tokens of those who lost a session: asked for once an hour, told without what opens anything, and never a must.

use evictd::record::{Entry, TokensHeld};
use evictd::report::{Recorded, replay, to_json};
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::{EACH_MINUTE, Site, Stage, minutes, wait};

const TOKENS: &str = "/api/v2/oauth/tokens";

fn asked(site: &Site) -> usize {
    site.simulator.requests().iter().filter(|one| one.path.starts_with("/api/v2/oauth/tokens?")).count()
}

fn told(site: &Site) -> Vec<TokensHeld> {
    let told = site.records().into_iter().filter_map(|line| match line.entry {
        Entry::TokensHeld(body) => Some(body),
        _ => None,
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn who_lost_a_session_is_told_with_the_tokens_they_still_hold_once_an_hour() {
    let stage = Stage::remembering("acme", EACH_MINUTE, None);
    let acme = stage.site("acme");
    acme.agent(9, 1);
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        assert_eq!(asked(acme), 0, "nobody lost a session, and nothing is asked");
        for number in [1, 4, 6] {
            acme.agent(number, 11);
        }
        wait(minutes(50)).await;
        assert_eq!(asked(acme), 1);
        wait(minutes(70)).await;
        assert_eq!(asked(acme), 2);
    });
    assert_eq!(done.await, Ok(()));
    let told = told(acme);
    let people: Vec<_> = told.iter().map(|one| (one.user.as_str(), one.tokens)).collect();
    assert_eq!(people, [("1", 0), ("4", 1), ("6", 1), ("1", 0), ("4", 1), ("6", 1)], "of others nothing is told");
    assert!(told[1].last_used.is_none() && told[1].held[0].scopes == ["read", "write"], "{told:?}");
    assert!(told[2].last_used.is_some() && told[2].held[0].expires.is_some());
    // The report of that cycle has them, as the trail alone can tell.
    let records = acme.records();
    let is_token = |line: &&evictd::record::Line| matches!(line.entry, Entry::TokensHeld(_));
    let cycle = records.iter().find(is_token).unwrap().cycle.clone().unwrap();
    let recorded = records.into_iter().map(|line| Recorded { cycle: line.cycle, entry: line.entry, personal: None });
    let report = replay(&evictd::model::AccountName::new("acme"), &cycle, recorded).unwrap();
    assert_eq!(report.tokens.iter().map(|row| row.user.get()).collect::<Vec<_>>(), [4, 6]);
    let json: serde_json::Value = serde_json::from_str(&to_json(&report).unwrap()).unwrap();
    assert_eq!(json["tokens"][0]["user_id"], "4");
    assert_eq!(json["tokens"][0]["expires"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn where_tokens_may_not_be_listed_it_is_asked_once_a_day_and_nothing_else_changes() {
    let stage = Stage::remembering("acme", EACH_MINUTE, None);
    let acme = stage.site("acme");
    acme.agent(4, 11);
    acme.simulator.script(Script::on(Method::Get, TOKENS, Effect::Status(403)));
    let done = stage.run(async |_| {
        wait(minutes(200)).await;
        acme.stands("armed", "");
        assert_eq!(acme.status().why, [""; 0]);
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!((asked(acme), told(acme).len(), acme.has_session(4)), (1, 0, false));
}
