//! The incremental export of people: what changed, when it is served, how it goes on, and its own limit.

use std::sync::Arc;
use std::time::Duration;

use evictd::model::{Foreign, Role};
use evictd::simulator::{Effect, Options, Script};
use evictd::zendesk::Method;
use serde_json::{Value, json};

use super::{Desk, ids, now, target, user};

const EXPORT: &str = "/api/v2/incremental/users/cursor";

/// A desk whose clock has run on for ten minutes since the account was opened.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.clock.advance(Duration::from_mins(10));
    desk
}

fn start(seconds: i64) -> String {
    format!("{EXPORT}?start_time={}", now().as_second() + seconds)
}

async fn export(desk: &Desk, path: &str) -> (Vec<u64>, Value) {
    let (status, body) = desk.get(path).await;
    assert_eq!(status, 200, "{body}");
    (ids(&body["users"]), body)
}

fn next(page: &Value) -> String {
    target(&page["after_url"]).unwrap()
}

#[tokio::test]
async fn whoever_changed_is_exported_once_the_minute_is_over() {
    let desk = desk();
    let (none, page) = export(&desk, &start(0)).await;
    assert_eq!((none.len(), &page["end_of_stream"]), (0, &json!(true)));
    desk.simulator.world(|world| {
        world.suspend(user(5));
        world.delete(user(2));
        world.people.get_mut(&user(3)).unwrap().tags = vec![Foreign::new("tag")];
        world.add_session(evictd::model::SessionId(900), user(9), now(), now());
    });
    desk.clock.advance(Duration::from_secs(59));
    assert_eq!(export(&desk, &next(&page)).await.0, [0; 0], "the last minute is never served");
    desk.clock.advance(Duration::from_secs(1));
    let (changed, page) = export(&desk, &next(&page)).await;
    assert_eq!(changed, [2, 3, 5], "the deleted one too, and nobody for a session");
    assert_eq!(page["users"][0]["active"], false);
    assert_eq!(page["users"][0]["updated_at"], "2026-11-23T12:10:00Z");
    assert_eq!(export(&desk, &start(0)).await.0, [2, 3, 5], "from a start as from a cursor");
    assert_eq!(export(&desk, &start(600)).await.0, [2, 3, 5], "the second of the start belongs to it");
    assert_eq!(export(&desk, &next(&page)).await.0, [0; 0]);
    desk.simulator.world(|world| world.rehire(user(2), Role::Agent));
    desk.simulator.world(|world| world.people.len());
    desk.clock.advance(Duration::from_mins(5));
    assert_eq!(export(&desk, &next(&page)).await.0, [2], "only what changed since");
    assert_eq!(desk.get("/api/v2/users/2").await.1["user"]["updated_at"], "2026-11-23T12:11:00Z");
}

#[tokio::test]
async fn every_way_of_changing_people_is_noticed() {
    let desk = desk();
    let changed = async |desk: &Desk| {
        let since = desk.simulator.now().as_second();
        desk.clock.advance(Duration::from_mins(10));
        export(desk, &format!("{EXPORT}.json?start_time={since}")).await.0
    };
    desk.simulator.world(|world| world.people.get_mut(&user(4)).unwrap().email = None);
    assert_eq!(changed(&desk).await, [4]);
    assert_eq!(desk.post("/control/people", r#"[{"user":"6","change":"suspend"}]"#).await.0, 200);
    assert_eq!(changed(&desk).await, [6]);
    desk.simulator.script(Script::any(Effect::Alter(Arc::new(|world| world.downgrade(user(7))))));
    desk.get("/api/v2/users/me").await;
    assert_eq!(changed(&desk).await, [7]);
    desk.simulator.world(|world| {
        world.add_person(user(20), Role::EndUser);
        world.people.remove(&user(8));
    });
    assert_eq!(changed(&desk).await, [20]);
    desk.simulator.world(|world| world.suspend(user(6)));
    assert_eq!(changed(&desk).await, [0; 0], "what was so already is no change");
}

#[tokio::test]
async fn pages_go_on_by_cursor_in_the_order_of_changes() {
    let desk = desk();
    for number in [9, 1, 5] {
        desk.simulator.world(|world| world.suspend(user(number)));
        desk.clock.advance(Duration::from_mins(1));
    }
    let mut path = format!("{}&per_page=2", start(0));
    let mut seen = Vec::new();
    for end in [false, true] {
        let (rows, page) = export(&desk, &path).await;
        seen.extend(rows);
        assert_eq!(page["end_of_stream"], end);
        assert_eq!((&page["before_cursor"], page["after_cursor"].is_string()), (&Value::Null, true));
        path = next(&page);
    }
    assert_eq!(seen, [9, 1, 5]);
    let (all, page) = export(&desk, &format!("{EXPORT}?start_time=0&per_page=5000")).await;
    assert_eq!((all.len(), &page["end_of_stream"]), (13, &json!(true)));
    desk.simulator.script(Script::any(Effect::RepeatCursor));
    let (_, page) = export(&desk, &format!("{EXPORT}?start_time=0&per_page=2")).await;
    assert_eq!(export(&desk, &next(&page)).await.0, all[..2], "a cursor that repeats goes nowhere");
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_in_the_usual_envelope() {
    let desk = desk();
    for (query, error) in [
        ("", "InvalidValue"),
        ("start_time=yesterday", "InvalidValue"),
        ("cursor=stolen", "InvalidValue"),
        ("start_time=0&per_page=0", "InvalidValue"),
        (&format!("start_time={}", now().as_second() + 541), "StartTimeTooRecent"),
        (&format!("start_time={}", now().as_second() + 100_000), "StartTimeTooRecent"),
    ] {
        let (status, body) = desk.get(&format!("{EXPORT}?{query}")).await;
        assert_eq!((status, body["error"].as_str()), (400, Some(error)), "{query}");
        assert!(body["description"].is_string());
    }
    assert_eq!(desk.get(&start(540)).await.0, 200, "a minute old is old enough");
}

#[tokio::test]
async fn exports_have_a_limit_of_their_own() {
    let desk = desk();
    let name = "zendesk-ratelimit-incremental-exports";
    desk.clock.advance(Duration::from_secs(15));
    for left in (0..10).rev() {
        let answer = desk.send(Method::Get, &start(0), None).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header(name), Some(&*format!("total=10; remaining={left}; resets=45")));
        assert!(answer.header("x-rate-limit-remaining").is_some());
    }
    let refused = desk.send(Method::Get, &start(0), None).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("45")));
    assert_eq!(refused.header(name), Some("total=10; remaining=0; resets=45"));
    assert_eq!(desk.get("/api/v2/users").await.0, 200, "nothing else is refused");
    desk.clock.advance(Duration::from_secs(45));
    assert_eq!(desk.get(&start(0)).await.0, 200);
    let free = Desk::with(Options { requests_per_minute: None, ..Options::default() });
    for _ in 0..30 {
        assert_eq!(free.get(&format!("{EXPORT}?start_time=0")).await.0, 200);
    }
}
