//! The simulator as its clients see it: through the in-process transport, and where it matters over a socket.
//!
//! Worlds are small and made by hand; what a seeded world holds is tested beside the seed.

mod exports;
mod faults;
mod logs;
mod people;
mod situations;
mod speed;
mod time;

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evictd::clock::{ManualClock, SystemClock};
use evictd::model::{Foreign, Role, SessionId, UserId};
use evictd::simulator::{Effect, Options, Paging, Script, Seed, ShowShape, Simulator, World, write_config};
use evictd::zendesk::{Lost, Method, Request, Response, Transport};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SESSIONS: &str = "/api/v2/sessions";

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn user(number: u64) -> UserId {
    NonZeroU64::new(number).unwrap().into()
}

/// Agents 1 to 9 with one session each (101 to 109), end user 10 with three (110 to 112), 11 deleted, 12 suspended.
fn small_world() -> World {
    let mut world = World::default();
    for number in 1..=9 {
        world.add_person(user(number), Role::Agent);
        world.add_session(SessionId(100 + number), user(number), now(), now());
    }
    world.add_person(user(10), Role::EndUser).email = Some(Foreign::new("Ten@Mail.example"));
    for number in 110..=112 {
        world.add_session(SessionId(number), user(10), now(), now());
    }
    world.add_person(user(11), Role::EndUser).deleted = Some(true);
    world.add_person(user(12), Role::EndUser).suspended = Some(true);
    world
}

/// A simulator and somebody who asks it.
struct Desk {
    simulator: Simulator,
    transport: Arc<dyn Transport>,
    clock: Arc<ManualClock>,
    authorization: Option<String>,
}

impl Desk {
    fn with(options: Options) -> Self {
        let clock = Arc::new(ManualClock::at(now()));
        let simulator = Simulator::new(small_world(), options, clock.clone());
        let authorization = Some(format!("Bearer {}", simulator.credentials().token));
        Self { transport: simulator.transport(), simulator, clock, authorization }
    }

    fn new() -> Self {
        Self::with(Options::default())
    }

    async fn send(&self, method: Method, path: &str, body: Option<&str>) -> Result<Response, Lost> {
        let authorization = self.authorization.clone().map(Into::into);
        let body = body.map(|body| body.to_owned().into());
        self.transport.send(Request { method, path: path.to_owned(), authorization, body }).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(&self.send(Method::Get, path, None).await.unwrap())
    }

    async fn delete(&self, path: &str) -> u16 {
        self.send(Method::Delete, path, None).await.unwrap().status
    }

    async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        read(&self.send(Method::Post, path, Some(body)).await.unwrap())
    }

    fn session_ids(&self) -> Vec<u64> {
        self.simulator.world(|world| world.sessions.keys().map(|id| id.0).collect())
    }
}

fn read(response: &Response) -> (u16, Value) {
    (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
}

fn ids(rows: &Value) -> Vec<u64> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// Path and query of a link, as a client would ask for it.
fn target(link: &Value) -> Option<String> {
    link.as_str().map(|url| url.strip_prefix("http://127.0.0.1").unwrap().to_owned())
}

#[tokio::test]
async fn every_path_answers_with_and_without_suffix() {
    let desk = Desk::new();
    let (_, listed) = desk.get(SESSIONS).await;
    assert_eq!(listed["sessions"][0]["url"], "http://127.0.0.1/api/v2/users/1/sessions/101");
    for (path, status, key) in [
        ("/api/v2/sessions", 200, "sessions"),
        ("/api/v2/users", 200, "users"),
        ("/api/v2/users/1", 200, "user"),
        ("/api/v2/users/99", 404, "error"),
        ("/api/v2/users/x", 404, "error"),
        ("/api/v2/users/me", 200, "user"),
        ("/api/v2/users/me/session", 404, "error"),
        ("/api/v2/users/me/session/renew", 200, "authenticity_token"),
        ("/api/v2/users/1/sessions", 200, "sessions"),
        ("/api/v2/users/11/sessions", 200, "sessions"),
        ("/api/v2/users/99/sessions", 404, "error"),
        ("/api/v2/users/1/sessions/101", 200, "session"),
        ("/api/v2/users/1/sessions/102", 404, "error"),
        ("/api/v2/oauth/tokens/current", 200, "token"),
        ("/api/v2/tickets", 404, "error"),
        ("/", 404, "error"),
    ] {
        for path in [path.to_owned(), format!("{path}.json")] {
            let (got, body) = desk.get(&path).await;
            assert_eq!((got, body.get(key).is_some()), (status, true), "{path}: {body}");
        }
    }
    assert_eq!(desk.get("/api/v2/users/99").await.1["error"], "RecordNotFound");
    assert_eq!(desk.get("/api/v2/tickets").await.1["error"], "InvalidEndpoint");
    let own = desk.simulator.world(|world| {
        world.add_session(SessionId(500), world.own, now(), now());
        world.own
    });
    assert_eq!(desk.get("/api/v2/users/me/session").await.1["session"]["user_id"], own.get());
}

#[tokio::test]
async fn cursor_pages_show_every_session_exactly_once_in_both_directions() {
    let desk = Desk::new();
    for size in [1, 2, 5, 11, 12, 13, 100, 5_000] {
        let mut seen = Vec::new();
        let mut path = format!("{SESSIONS}?page[size]={size}");
        let last = loop {
            let (status, page) = desk.get(&path).await;
            assert_eq!(status, 200);
            assert!(page["sessions"].as_array().unwrap().len() <= size);
            seen.extend(ids(&page["sessions"]));
            let next = target(&page["links"]["next"]);
            assert_eq!(page["meta"]["has_more"], next.is_some(), "{page}");
            match next {
                Some(next) => path = next,
                None => break page,
            }
        };
        assert_eq!(seen, desk.session_ids(), "size {size}");
        let mut back = ids(&last["sessions"]);
        let mut link = target(&last["links"]["prev"]);
        while let Some(path) = link {
            let (_, page) = desk.get(&path).await;
            back.splice(0..0, ids(&page["sessions"]));
            link = target(&page["links"]["prev"]);
        }
        assert_eq!(back, seen, "back, size {size}");
    }
}

#[tokio::test]
async fn rows_that_come_and_go_between_pages_hide_no_others() {
    let desk = Desk::new();
    let (_, first) = desk.get(&format!("{SESSIONS}?page[size]=4")).await;
    desk.simulator.world(|world| {
        world.sessions.remove(&SessionId(101));
        world.add_session(SessionId(50), user(1), now(), now());
    });
    let (_, second) = desk.get(&target(&first["links"]["next"]).unwrap()).await;
    assert_eq!(ids(&second["sessions"]), [105, 106, 107, 108]);
}

#[tokio::test]
async fn numbered_pages_count_and_end() {
    let desk = Desk::new();
    let (_, all) = desk.get(SESSIONS).await;
    assert_eq!(
        (all["count"].as_u64(), &all["next_page"], &all["previous_page"]),
        (Some(12), &Value::Null, &Value::Null)
    );
    let mut seen = Vec::new();
    let mut link = Some("/api/v2/users/10/sessions.json?per_page=2".to_owned());
    while let Some(path) = link {
        let (_, page) = desk.get(&path).await;
        seen.extend(ids(&page["sessions"]));
        assert_eq!(page["count"], 3);
        link = target(&page["next_page"]);
    }
    assert_eq!(seen, [110, 111, 112]);
    for (query, code) in [
        ("page[size]=0", "InvalidPaginationParameter"),
        ("page[size]=x", "InvalidPaginationParameter"),
        ("page[after]=stolen", "InvalidPaginationParameter"),
        ("page=0", "InvalidPaginationParameter"),
        ("per_page=-1", "InvalidPaginationParameter"),
        ("page=101&per_page=100", "InvalidPaginationDepth"),
    ] {
        let (status, body) = desk.get(&format!("{SESSIONS}?{query}")).await;
        assert_eq!((status, body["errors"][0]["code"].as_str()), (400, Some(code)), "{query}");
    }
}

#[tokio::test]
async fn every_list_can_be_read_by_number() {
    let desk = Desk::new();
    for (path, name, rows) in [
        ("/api/v2/sessions", "sessions", 12_usize),
        ("/api/v2/users/10/sessions", "sessions", 3),
        ("/api/v2/users", "users", 12),
        ("/api/v2/users?role[]=agent&role[]=admin", "users", 10),
        ("/api/v2/users/search?query=acme.example", "users", 11),
        ("/api/v2/deleted_users", "deleted_users", 1),
    ] {
        let (mut seen, mut pages) = (BTreeSet::new(), 0);
        let mut link = Some(format!("{path}{}per_page=2", if path.contains('?') { '&' } else { '?' }));
        while let Some(path) = link {
            let (_, page) = desk.get(&path).await;
            assert_eq!(page["count"], rows, "{path}: {page}");
            seen.extend(ids(&page[name]));
            pages += 1;
            link = target(&page["next_page"]);
        }
        assert_eq!((seen.len(), pages), (rows, rows.div_ceil(2)), "{path}");
    }
}

#[tokio::test]
async fn an_account_without_cursors_pages_by_number_whatever_is_asked() {
    let desk = Desk::with(Options { paging: Paging::Offset, ..Options::default() });
    let (_, page) = desk.get(&format!("{SESSIONS}?page[size]=2&per_page=5")).await;
    assert_eq!(ids(&page["sessions"]).len(), 5);
    assert!(page.get("meta").is_none() && page.get("links").is_none(), "{page}");
    let next = target(&page["next_page"]).unwrap();
    assert!(!next.contains("size"), "no two meanings of page: {next}");
    assert_eq!(ids(&desk.get(&next).await.1["sessions"]).len(), 5);
    desk.simulator.world(|world| {
        for number in 1_000..11_001 {
            world.add_session(SessionId(number), user(10), now(), now());
        }
    });
    let (_, last) = desk.get(&format!("{SESSIONS}?page[size]=100&page=100")).await;
    let (status, refused) = desk.get(&target(&last["next_page"]).unwrap()).await;
    assert_eq!((status, &refused["errors"][0]["code"]), (400, &json!("InvalidPaginationDepth")));
    assert_eq!(desk.post("/control/paging", "cursor").await.0, 204);
    assert!(desk.get(&format!("{SESSIONS}?page[size]=2")).await.1["meta"]["has_more"].as_bool().unwrap());
    for body in ["{\"paging\": \"offset\"}", "offset"] {
        assert_eq!(desk.post("/control/paging", body).await.0, 204);
        assert!(desk.get(&format!("{SESSIONS}?page[size]=2")).await.1["count"].is_u64());
    }
    assert_eq!(desk.post("/control/paging", "sideways").await.0, 400);
}

#[tokio::test]
async fn credentials_open_the_door_or_do_not() {
    let mut desk = Desk::new();
    let credentials = desk.simulator.credentials();
    let basic = |plain: &str| format!("Basic {}", STANDARD.encode(plain));
    let both = format!("person1@acme.example/token:{}", credentials.token);
    let api_token = format!("Person1@ACME.example/token:{}", credentials.api_token);
    let me = "/api/v2/users/me";
    for (authorization, of_me, of_sessions) in [
        (None, 200, 401),
        (Some(format!("Bearer {}", credentials.token)), 200, 200),
        (Some(format!("bearer {}", credentials.token)), 200, 200),
        (Some(format!("Bearer {}", credentials.expired_token)), 401, 401),
        (Some("Bearer nonsense".to_owned()), 401, 401),
        (Some(basic(&both)), 200, 200),
        (Some(basic(&api_token)), 200, 200),
        (Some(format!("Bearer {}", credentials.api_token)), 401, 401),
        (Some(basic(&format!("person12@acme.example/token:{}", credentials.api_token))), 401, 401),
        (Some(basic("person1@acme.example/token:wrong")), 401, 401),
        (Some(basic(&format!("nobody@acme.example/token:{}", credentials.token))), 401, 401),
        (Some(basic("person1@acme.example:password")), 200, 401),
    ] {
        desk.authorization = authorization.clone();
        assert_eq!(desk.get(me).await.0, of_me, "{authorization:?}");
        let (status, body) = desk.get(SESSIONS).await;
        assert_eq!(status, of_sessions, "{authorization:?}");
        assert!(status == 200 || body["error"] == "Couldn't authenticate you");
    }
    assert_eq!(desk.get(me).await.1["user"]["id"], Value::Null, "nobody in particular");
    let desk = Desk::new();
    desk.simulator.world(|world| {
        let own = world.own;
        world.people.get_mut(&own).unwrap().suspended = Some(true);
    });
    assert_eq!(desk.get(SESSIONS).await.0, 401, "a suspended admin's token");
    let mut desk = Desk::new();
    desk.authorization = Some(basic(&api_token));
    desk.simulator.revoke_tokens();
    assert_eq!(desk.get(SESSIONS).await.0, 401, "an API token that was taken back");
}

#[tokio::test]
async fn who_is_no_admin_sees_and_ends_only_his_own() {
    let desk = Desk::new();
    desk.simulator.world(|world| world.own = user(3));
    assert_eq!(ids(&desk.get(SESSIONS).await.1["sessions"]), [103]);
    assert_eq!(desk.get("/api/v2/users/4/sessions").await.0, 403);
    assert_eq!(desk.delete("/api/v2/users/4/sessions/104").await, 403);
    assert_eq!(desk.post("/api/v2/users/logout_many?ids=4", "").await.0, 403);
    assert_eq!(desk.get("/api/v2/security_settings").await.0, 403);
    assert_eq!(desk.get("/api/v2/incremental/users/cursor?start_time=0").await.0, 403);
    assert_eq!(desk.delete("/api/v2/users/3/sessions/103").await, 204);
    assert!(desk.session_ids().contains(&104));
}

#[tokio::test]
async fn client_credentials_become_a_token_that_ends() {
    let mut desk = Desk::new();
    let credentials = desk.simulator.credentials();
    let ask = |more: Value| {
        let mut body = json!({
            "grant_type": "client_credentials",
            "client_id": credentials.client_id, "client_secret": credentials.client_secret,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    for (more, status, error) in [
        (json!({}), 201, Value::Null),
        (json!({ "client_secret": "wrong" }), 401, json!("invalid_client")),
        (json!({ "client_id": "wrong" }), 401, json!("invalid_client")),
        (json!({ "grant_type": "password" }), 400, json!("unsupported_grant_type")),
        (json!({ "expires_in": 299 }), 400, json!("invalid_request")),
        (json!({ "expires_in": "soon" }), 400, json!("invalid_request")),
    ] {
        let (got, body) = desk.post("/oauth/tokens", &ask(more)).await;
        assert_eq!((got, &body["error"]), (status, &error));
    }
    assert_eq!(desk.post("/oauth/tokens", "[]").await.0, 400);

    let (_, granted) = desk.post("/oauth/tokens.json", &ask(json!({ "scope": "read", "expires_in": 300 }))).await;
    assert_eq!((&granted["token_type"], &granted["scope"]), (&json!("bearer"), &json!("read")));
    assert_eq!(granted["expires_in"], 300);
    desk.authorization = Some(format!("Bearer {}", granted["access_token"].as_str().unwrap()));
    let (_, current) = desk.get("/api/v2/oauth/tokens/current").await;
    assert_eq!(current["token"]["scopes"], json!(["read"]));
    assert_eq!(current["token"]["expires_at"], "2026-11-23T12:05:00Z");
    assert_eq!(desk.get(SESSIONS).await.0, 200);
    let refused = desk.send(Method::Delete, "/api/v2/users/1/sessions", None).await.unwrap();
    assert_eq!(refused.status, 403);
    assert!(read(&refused).1["description"].as_str().unwrap().ends_with("users:write, write"));
    desk.clock.advance(Duration::from_mins(5));
    assert_eq!(desk.get(SESSIONS).await.0, 401, "expired");

    let (_, odd) = desk.post("/oauth/tokens", &ask(json!({ "scope": ["read"] }))).await;
    desk.authorization = Some(format!("Bearer {}", odd["access_token"].as_str().unwrap()));
    assert_eq!(desk.get(SESSIONS).await.0, 403, "a scope that is none");
    desk.simulator.revoke_tokens();
    assert_eq!(desk.get(SESSIONS).await.0, 401);
}

#[tokio::test]
async fn sessions_end_once_and_take_no_others_along() {
    let desk = Desk::new();
    assert_eq!(desk.delete("/api/v2/users/1/sessions/101").await, 204);
    assert_eq!(desk.delete("/api/v2/users/1/sessions/101").await, 404, "gone");
    assert_eq!(desk.delete("/api/v2/users/1/sessions/102").await, 404, "somebody else's");
    assert_eq!(desk.delete("/api/v2/users/10/sessions.json").await, 204);
    assert_eq!(desk.delete("/api/v2/users/10/sessions").await, 204, "nothing left is no fault");
    assert_eq!(desk.delete("/api/v2/users/99/sessions").await, 404);
    let (status, body) = desk.post("/api/v2/users/logout_many?ids=2,3,99", "").await;
    assert_eq!((status, body), (202, json!("")));
    assert_eq!(desk.session_ids(), [104, 105, 106, 107, 108, 109]);
    assert_eq!(desk.delete("/api/v2/users/me/logout").await, 204);
}

#[tokio::test]
async fn a_shown_session_has_the_chosen_shape() {
    for (shape, shown, gone) in [
        (ShowShape::Object, json!(101), 404),
        (ShowShape::Array, json!([101]), 404),
        (ShowShape::ArrayOrEmpty, json!([101]), 200),
    ] {
        let desk = Desk::with(Options { show: shape, ..Options::default() });
        let (_, body) = desk.get("/api/v2/users/1/sessions/101").await;
        let session = &body["session"];
        let got = session.as_array().map_or(session["id"].clone(), |rows| json!(ids(&json!(rows))));
        assert_eq!(got, shown);
        let (status, body) = desk.get("/api/v2/users/1/sessions/999").await;
        assert_eq!(status, gone);
        assert!(status == 404 || body["session"] == json!([]));
    }
}

#[tokio::test]
async fn people_are_found_by_id_by_email_and_by_role() {
    let desk = Desk::new();
    let found = async |path: &str| ids(&desk.get(path).await.1["users"]);
    assert_eq!(found("/api/v2/users/show_many?ids=12,1,99,11").await, [12, 1]);
    assert_eq!(found("/api/v2/users/show_many.json?ids=12,1,99,11&include_deleted=true").await, [12, 1, 11]);
    let many = (1..=101).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(desk.get(&format!("/api/v2/users/show_many?ids={many}")).await.0, 400);
    assert_eq!(found("/api/v2/users/search?query=email:%22ten@mail.example%22").await, [10]);
    assert_eq!(found("/api/v2/users/search?query=email%3Aten%40mail.example").await, [10]);
    assert_eq!(found("/api/v2/users/search?query=email:%22en@mail.example%22").await, [0; 0]);
    assert_eq!(found("/api/v2/users/search?query=person+12").await, [12]);
    let (_, none) = desk.get("/api/v2/users/search?query=email:%22person11@acme.example%22").await;
    assert_eq!((none["count"].as_u64(), &none["next_page"]), (Some(0), &Value::Null), "deleted people are not found");
    assert_eq!(found("/api/v2/users?role[]=end-user&role[]=admin&page[size]=100").await[..2], [10, 12]);
    assert_eq!(found("/api/v2/users?role=agent").await.len(), 9);
    let (_, suspended) = desk.get("/api/v2/users/12").await;
    assert_eq!(suspended["user"]["suspension_details"], json!({ "channels": ["all"] }));
    assert_eq!(desk.get("/api/v2/users/11").await.1["user"]["active"], false);
    desk.simulator.world(|world| {
        for (number, external) in [(1, "HR-1"), (2, "hr-2"), (11, "Hr-3")] {
            world.people.get_mut(&user(number)).unwrap().external_id = Some(Foreign::new(external));
        }
    });
    assert_eq!(found("/api/v2/users/show_many?external_ids=hr-1,HR-2,hr-3,nobody").await, [1, 2]);
    assert_eq!(found("/api/v2/users/show_many?external_ids=hr-3&include_deleted=true").await, [11]);
    assert_eq!(desk.get(&format!("/api/v2/users/show_many?external_ids={many}")).await.0, 400);
    assert_eq!(found("/api/v2/users/search?external_id=hr-1").await, [1]);
    assert_eq!(found("/api/v2/users/search?external_id=hr").await, [0; 0]);
    assert_eq!(ids(&desk.get("/api/v2/deleted_users").await.1["deleted_users"]), [11]);
    assert_eq!(desk.get("/api/v2/security_settings").await.1["security_settings"]["maximum_session_duration"], 720);
}

#[tokio::test]
async fn the_limit_is_told_kept_and_lifted_with_the_minute() {
    let desk = Desk::with(Options { requests_per_minute: Some(3), ..Options::default() });
    desk.clock.advance(Duration::from_secs(100));
    for left in ["2", "1", "0"] {
        let answer = desk.send(Method::Get, SESSIONS, None).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-rate-limit"), Some("3"));
        assert_eq!(answer.header("x-rate-limit-remaining"), Some(left));
        assert_eq!(answer.header("ratelimit-remaining"), Some(left));
        assert_eq!(answer.header("ratelimit-reset"), Some("20"));
    }
    let refused = desk.send(Method::Delete, "/api/v2/users/1/sessions/101", None).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("20")));
    assert!(desk.session_ids().contains(&101));
    desk.clock.advance(Duration::from_secs(20));
    assert_eq!(desk.get(SESSIONS).await.0, 200);
    let free = Desk::with(Options { requests_per_minute: None, ..Options::default() });
    let answer = free.send(Method::Get, SESSIONS, None).await.unwrap();
    assert_eq!((answer.status, answer.header("x-rate-limit")), (200, None));
}

#[tokio::test]
async fn dates_follow_the_account_and_not_the_host() {
    let desk = Desk::new();
    let date = async |desk: &Desk| {
        let answer = desk.send(Method::Get, SESSIONS, None).await.unwrap();
        answer.header("date").unwrap().to_owned()
    };
    assert_eq!(date(&desk).await, "Mon, 23 Nov 2026 12:00:00 GMT");
    let then: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let desk = Desk::with(Options { now: Some(then), ..Options::default() });
    desk.clock.advance(Duration::from_secs(7));
    desk.clock.set(now());
    assert_eq!(date(&desk).await, "Tue, 01 Jan 2030 00:00:07 GMT", "the wall clock has no say");
}

/// A log that the test can read.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_one_line_per_request_and_calls_are_counted() {
    let paper = Paper::default();
    let desk = Desk::with(Options { request_log: Some(Box::new(paper.clone())), ..Options::default() });
    desk.get(&format!("{SESSIONS}.json?page[size]=2")).await;
    desk.delete("/api/v2/users/1/sessions/101").await;
    desk.delete("/api/v2/users/2/sessions/999").await;
    desk.get("/control/calls").await;
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let time = "2026-11-23T12:00:00.000000Z";
    assert_eq!(
        rows,
        [
            json!({ "time": time, "method": "GET", "path": "/api/v2/sessions.json?page[size]=2", "status": 200 }),
            json!({ "time": time, "method": "DELETE", "path": "/api/v2/users/1/sessions/101", "status": 204 }),
            json!({ "time": time, "method": "DELETE", "path": "/api/v2/users/2/sessions/999", "status": 404 }),
        ]
    );
    let calls = desk.simulator.calls();
    assert_eq!(calls.get("GET /api/v2/sessions"), Some(&1));
    assert_eq!(calls.get("DELETE /api/v2/users/{id}/sessions/{sid}"), Some(&2));
    assert_eq!(calls.len(), 2, "control calls are not Zendesk's");
}

#[tokio::test]
async fn the_control_address_changes_clock_and_faults() {
    let desk = Desk::new();
    for body in ["2027-01-01T00:00:00Z\n", "\"2027-01-01T00:00:00Z\"", "{\"now\":\"2027-01-01T00:00:00Z\"}"] {
        desk.simulator.set_now(now());
        assert_eq!(desk.post("/control/now", body).await.0, 204);
        assert_eq!(desk.simulator.now().to_string(), "2027-01-01T00:00:00Z");
    }
    assert_eq!(desk.post("/control/now", "tomorrow").await.0, 400);
    for body in ["10m", "\"10m\"", "{\"by\":\"10m\"}"] {
        desk.simulator.set_now(now());
        assert_eq!(desk.post("/control/advance", body).await.0, 204);
        assert_eq!(desk.simulator.now().to_string(), "2026-11-23T12:10:00Z");
    }
    for body in ["", "10", "soon", "9000000000h"] {
        assert_eq!(desk.post("/control/advance", body).await.0, 400, "{body}");
    }
    for body in ["server-error=1", "{\"server-error\": 1}"] {
        assert_eq!(desk.post("/control/faults", body).await.0, 204);
        assert!(desk.get(SESSIONS).await.0 >= 500);
        assert_eq!(desk.post("/control/faults", "").await.0, 204);
        assert_eq!(desk.get(SESSIONS).await.0, 200);
    }
    let (status, body) = desk.post("/control/faults", "locusts=1").await;
    assert_eq!((status, body["error"].as_str()), (400, Some("BadControl")));
    assert_eq!(desk.post("/control/world", "not a snapshot").await.0, 400);
    let (_, calls) = desk.get("/control/calls").await;
    assert_eq!(calls["calls"]["GET /api/v2/sessions"], 4);
}

#[test]
fn a_written_config_stands_beside_all_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let seed = Seed { number: 7, staff: 30, end_users: 10 };
    let options = Options { base_url: "http://127.0.0.1:4711".to_owned(), now: Some(now()), ..Options::default() };
    let simulator = Simulator::new(World::seeded(seed, now()), options, Arc::new(ManualClock::at(now())));
    let file = folder.path().join("deep/evictd.toml");
    write_config(&simulator, &file, true).unwrap();
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(toml::de::DeTable::parse(&written).is_ok());
    for line in [
        "base-url = \"http://127.0.0.1:4711\"",
        "mode = \"enforce\"",
        "scope = \"everyone\"",
        "dangerous-ignore-host-clock = true",
        "auth.oauth-client.secret = { file = \"client-secret\" }",
    ] {
        assert!(written.lines().any(|written| written == line), "{line}");
    }
    let protected = written.lines().find_map(|line| line.strip_prefix("protected = [\"")).unwrap();
    let protected = protected.strip_suffix("\"]").unwrap();
    simulator.world(|world| {
        let of_email: Vec<_> =
            world.people.values().filter(|person| person.email.as_ref().unwrap().raw() == protected).collect();
        assert_eq!(of_email.len(), 1);
        assert_eq!(of_email[0].role, Some(Role::Admin));
    });
    let folder = file.parent().unwrap();
    let secret = folder.join("client-secret");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), simulator.credentials().client_secret);
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let policy = std::fs::read_to_string(folder.join("policies/simulated.toml")).unwrap();
    assert!(toml::de::DeTable::parse(&policy).is_ok());
    assert_eq!(policy.matches("[[rule]]").count(), policy.matches("mode     = \"enforce\"").count());
    assert!(folder.join("state").is_dir() && folder.join("trail").is_dir());
    write_config(&simulator, &file, false).unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains("dangerous"));
}

/// Asks over a socket; everything that came back before the connection ended.
async fn over_socket(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    // A connection that dies is what some of these tests are about.
    stream.read_to_end(&mut text).await.unwrap_or_default();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_socket_gives_what_the_twin_gives_and_dies_where_it_loses() {
    let options = Options { requests_per_minute: None, now: Some(now()), ..Options::default() };
    let simulator = Simulator::new(small_world(), options, Arc::new(SystemClock));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let token = simulator.credentials().token;
    let ask = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n")
    };
    let client = async {
        let whole = over_socket(address, &ask("GET", "/api/v2/users/1/sessions/101.json")).await;
        simulator.script(Script::any(Effect::Cut));
        let cut = over_socket(address, &ask("GET", "/api/v2/users/1/sessions/101.json")).await;
        simulator.script(Script::any(Effect::LoseAnswer));
        let lost = over_socket(address, &ask("DELETE", "/api/v2/users/1/sessions/101")).await;
        let gone = over_socket(address, &ask("DELETE", "/api/v2/users/1/sessions/101")).await;
        stop.send(()).unwrap();
        (whole, cut, lost, gone)
    };
    let served = simulator.serve(listener, async { stopped.await.unwrap_or_default() });
    let (served, (whole, cut, lost, gone)) = tokio::join!(served, client);
    served.unwrap();
    let twin = Desk::with(Options { requests_per_minute: None, ..Options::default() });
    let (_, body) = twin.get("/api/v2/users/1/sessions/101").await;
    assert!(whole.starts_with("HTTP/1.1 200 OK\r\n"), "{whole}");
    assert!(whole.ends_with(&format!("\r\n\r\n{body}")), "{whole}");
    assert_eq!(whole.matches("\r\ndate: ").count(), 1, "one date, the account's: {whole}");
    assert!(whole.contains("\r\ndate: Mon, 23 Nov 2026 12:00:"));
    assert!(whole.contains("\r\ncontent-type: application/json"));
    assert!(cut.contains("\r\n\r\n{\"session\"") && !cut.ends_with('}'), "{cut}");
    assert!(!lost.contains("204"), "{lost}");
    assert!(gone.starts_with("HTTP/1.1 404 "), "the lost deletion was carried out: {gone}");
}

#[test]
fn the_ready_line_says_how_to_sign_in() {
    let simulator = Simulator::new(small_world(), Options::default(), Arc::new(ManualClock::at(now())));
    let ready: Value = serde_json::from_str(&simulator.ready_line()).unwrap();
    let credentials = simulator.credentials();
    assert_eq!(
        ready,
        json!({
            "schema": 1, "base_url": "http://127.0.0.1", "control_url": "http://127.0.0.1/control",
            "client_id": credentials.client_id, "client_secret": credentials.client_secret,
            "revoker_id": credentials.revoker_id, "revoker_secret": credentials.revoker_secret,
            "token": credentials.token, "expired_token": credentials.expired_token, "admin_id": "360000000001",
            "api_token": credentials.api_token, "api_email": "person360000000001@acme.example",
        })
    );
}
