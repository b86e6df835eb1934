//! The three logs over the wire: what they show, to whom, in which order, how late, and how each says no.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evictd::clock::ManualClock;
use evictd::model::{Role, SessionId};
use evictd::simulator::{
    AccessLog, AuditAction, Effect, LogSettings, Move, Options, Paging, Script, Simulator, World, home_of,
};
use evictd::zendesk::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Desk, ids, now, read, target, user};

const AUDIT: &str = "/api/v2/audit_logs";
const ACCESS: &str = "/api/v2/access_logs";
const TICKETS: &str = "/api/v2/ticket_audits";

fn at(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

/// Agents 1 to 4 and admin 5 with a session of two hours each, end user 6 with three, of which two left ticket audits.
fn world() -> World {
    let mut world = World::default();
    // Our own requests are not what is counted here.
    world.logs.settings.has_token_requests = false;
    for number in 1..=5 {
        world.add_person(user(number), if number == 5 { Role::Admin } else { Role::Agent });
        world.add_session(SessionId(100 + number), user(number), at(-150), at(-30));
    }
    world.add_person(user(6), Role::EndUser);
    for number in [112, 115, 116] {
        world.add_session(SessionId(number), user(6), at(-60), at(-10));
    }
    world.fill_logs();
    world
}

fn desk_of(world: World, options: Options) -> Desk {
    let clock = Arc::new(ManualClock::at(now()));
    let simulator = Simulator::new(world, options, clock.clone());
    let authorization = Some(format!("Bearer {}", simulator.credentials().token));
    Desk { transport: simulator.transport(), simulator, clock, authorization }
}

fn desk() -> Desk {
    desk_of(world(), Options::default())
}

async fn rows(desk: &Desk, path: &str, name: &str) -> Vec<Value> {
    let (status, body) = desk.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body[name].as_array().unwrap().clone()
}

fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap()).collect()
}

/// Every page, forward from this path, and backward from the last one.
async fn both_ways(desk: &Desk, path: &str, name: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut ahead, mut back) = (Vec::new(), Vec::new());
    let mut link = Some(path.to_owned());
    let mut last = Value::Null;
    while let Some(path) = link {
        (_, last) = desk.get(&path).await;
        ahead.extend(last[name].as_array().unwrap().clone());
        link = target(&last["links"]["next"]);
        assert_eq!(last["meta"]["has_more"], link.is_some(), "{path}");
    }
    let mut page = last;
    loop {
        back.splice(0..0, page[name].as_array().unwrap().clone());
        let Some(path) = target(&page["links"]["prev"]) else { break };
        (_, page) = desk.get(&path).await;
    }
    (ahead, back)
}

#[tokio::test]
async fn sign_ins_are_listed_newest_first_and_as_filters_ask() {
    let desk = desk();
    let all = rows(&desk, &format!("{AUDIT}.json?page[size]=100"), "audit_logs").await;
    assert_eq!(all.len(), 6, "five sign-ins, and what the admin changed");
    assert!(column(&all, "created_at").is_sorted_by(|one, next| one >= next));
    let login = all.iter().find(|row| row["actor_id"] == 3).unwrap();
    assert_eq!(
        (&login["action"], &login["source_type"], &login["source_id"]),
        (&json!("login"), &json!("user"), &json!(3))
    );
    assert_eq!(login["ip_address"], home_of(user(3)).to_string());
    assert_eq!(login["created_at"], "2026-11-23T09:30:03Z", "session 103 was opened at half past nine");
    assert!(login["change_description"].as_str().unwrap().starts_with("Successful sign-in"));
    assert!(login.get("client").is_none(), "the audit log knows no agent");
    let found = async |query: &str| rows(&desk, &format!("{AUDIT}?page[size]=100&{query}"), "audit_logs").await.len();
    for (query, count) in [
        ("filter[action]=login", 5),
        ("filter[action]=update", 1),
        ("filter[action][]=update&filter[action][]=login", 6),
        ("filter[action]=destroy", 0),
        ("filter[actor_id]=5", 2),
        ("filter[actor_id][]=1&filter[actor_id][]=2", 2),
        ("filter[actor_id]=6", 0),
        ("filter[source_type]=rule", 1),
        ("filter[ip_address]=41.0.0.1", 0),
        ("filter[created_at]=2026-11-23T09:30:01Z&filter[created_at]=2026-11-23T09:30:02Z", 3),
        ("filter[created_at]=2026-11-23T09:30:03Z&filter[created_at]=2026-11-23T12:00:00Z", 2),
        ("filter[created_at][]=2026-11-23T10:30:00Z&filter[created_at][]=2026-11-23T10:30:00Z&filter[action]=login", 0),
    ] {
        assert_eq!(found(query).await, count, "{query}");
    }
    for query in [
        "filter[created_at]=2026-11-23T09:30:01Z",
        "filter[created_at]=yesterday&filter[created_at]=today",
        "page[size]=10&sort=actor_id",
    ] {
        assert_eq!(desk.get(&format!("{AUDIT}?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn pages_of_every_log_go_both_ways_and_miss_nothing() {
    let desk = desk_of(world(), Options { requests_per_minute: None, ..Options::default() });
    for (path, name, key, count) in
        [(AUDIT, "audit_logs", "created_at", 6), (ACCESS, "access_logs", "id", 60), (TICKETS, "audits", "id", 7)]
    {
        let (all, _) = both_ways(&desk, &format!("{path}?page[size]=100"), name).await;
        assert_eq!(all.len(), count, "{path}");
        for size in [1, 2, 3, 59, 60, 61] {
            let (ahead, back) = both_ways(&desk, &format!("{path}?page[size]={size}"), name).await;
            assert_eq!((&ahead, &back), (&all, &all), "{path} {size}");
        }
        let sort = if path == ACCESS { "-created_at" } else { "created_at" };
        let (mut turned, back) = both_ways(&desk, &format!("{path}?page[size]=2&sort={sort}"), name).await;
        assert_eq!(turned, back);
        if path != TICKETS {
            turned.reverse();
        }
        assert_eq!(turned, all, "{path}");
        let keys: Vec<String> = all.iter().map(|row| row[key].to_string()).collect();
        assert!(keys.is_sorted_by(|one, next| if path == ACCESS { one < next } else { one >= next }), "{keys:?}");
    }
    let (_, page) = desk.get(&format!("{ACCESS}?page[size]=2")).await;
    assert_eq!((&page["meta"]["has_before"], &page["meta"]["has_more"]), (&json!(false), &json!(true)));
    let next = target(&page["links"]["next"]).unwrap();
    assert!(next.contains("page%5Bafter%5D="), "{next}");
    let (_, second) = desk.get(&next).await;
    assert_eq!(second["meta"]["has_before"], true);
    let (_, back) = desk.get(&target(&second["links"]["prev"]).unwrap()).await;
    assert_eq!((&back["meta"]["has_before"], &back["meta"]["has_more"]), (&json!(false), &json!(true)), "as it is");
    let cursor = page["meta"]["after_cursor"].as_str().unwrap();
    let (_, own) = desk.get(&format!("{ACCESS}?page[size]=2&filter[after]={cursor}")).await;
    assert_eq!(own["access_logs"], desk.get(&next).await.1["access_logs"], "by the filter's name too");
    assert!(!target(&own["links"]["next"]).unwrap().contains("filter"), "no two cursors in one link");
}

#[tokio::test]
async fn the_audit_log_can_be_read_by_number() {
    let desk = desk_of(world(), Options { paging: Paging::Offset, ..Options::default() });
    let (_, page) = desk.get(&format!("{AUDIT}?per_page=4")).await;
    let next = target(&page["next_page"]).unwrap();
    let times = [page["audit_logs"].clone(), desk.get(&next).await.1["audit_logs"].clone()];
    let times: Vec<&Value> = times.iter().flat_map(|rows| rows.as_array().unwrap()).collect();
    assert_eq!((times.len(), &page["count"]), (6, &json!(6)));
    let turned = rows(&desk, &format!("{AUDIT}?sort_by=created_at&sort_order=asc"), "audit_logs").await;
    assert!(turned.iter().rev().eq(times));
    let (_, accesses) = desk.get(&format!("{ACCESS}?page[size]=2")).await;
    assert!(accesses["links"]["next"].is_string(), "the access log has nothing but cursors");
}

#[tokio::test]
async fn requests_are_listed_oldest_first_and_as_filters_ask() {
    let desk = desk_of(world(), Options { requests_per_minute: None, ..Options::default() });
    let all = rows(&desk, ACCESS, "access_logs").await;
    assert_eq!(all.len(), 60, "a dozen of each session of staff");
    assert!(all.iter().all(|row| row["id"].as_str().unwrap().len() == 26 && row["user_id"].as_u64() < Some(6)));
    let (graphql, rest): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|row| !row["graphql"].is_null());
    assert!(graphql.len() > 10 && graphql.iter().all(|row| row.get("authorization_type").is_none()));
    assert!(graphql.iter().all(|row| row["url"] == "/graphql" && row["graphql"]["operation_type"] == "QUERY"));
    assert!(rest.iter().all(|row| row["authorization_type"] == "session"));
    let found = async |query: &str| rows(&desk, &format!("{ACCESS}?{query}"), "access_logs").await.len();
    let before = all.iter().filter(|row| row["timestamp"].as_str() <= Some("2026-11-23T10:30:00Z")).count();
    assert!(before > 5 && before < 55);
    for (query, count) in [
        ("filter[graphql]=true", rest.len()),
        ("filter[user_id]=2", 12),
        ("filter[user_id]=6", 0),
        ("filter[end]=2026-11-23T10:30:00Z", before),
        ("filter[start]=2026-11-23T10:30:01Z", 60 - before),
        ("filter[start]=2026-11-23T11:30:00Z", 0),
        ("filter[path]=/api/v2/tickets/1000.json", 5),
        ("filter[path]=/api/v2/search.json&filter[user_id]=1", 2),
        ("page[size]=7", 7),
        ("page[size]=100000", 60),
    ] {
        assert_eq!(found(query).await, count, "{query}");
    }
    desk.simulator.world(|world| {
        world.logs.settings.user_ids_are_text = true;
        for _ in 0..45 {
            let again = world.logs.accesses.clone();
            world.logs.accesses.extend(again.into_iter().take(60));
        }
    });
    let (_, page) = desk.get(ACCESS).await;
    assert_eq!(ids_are_text(&page), 1_000, "a thousand a page unless asked otherwise");
    assert_eq!(found("page[size]=100000").await, 2_500);
}

fn ids_are_text(page: &Value) -> usize {
    page["access_logs"].as_array().unwrap().iter().filter(|row| row["user_id"].is_string()).count()
}

#[tokio::test]
async fn ticket_audits_tell_of_end_users_too() {
    let desk = desk();
    let all = rows(&desk, TICKETS, "audits").await;
    let of_end_user: Vec<&Value> = all.iter().filter(|row| row["author_id"] == 6).collect();
    let channels: BTreeMap<_, _> =
        of_end_user.iter().map(|row| (row["via"]["channel"].as_str().unwrap(), &row["metadata"]["system"])).collect();
    assert_eq!(channels.keys().copied().collect::<Vec<_>>(), ["email", "web"]);
    assert_eq!(channels["email"], &json!({}), "an e-mail tells neither address nor agent");
    assert_eq!(channels["web"]["ip_address"], home_of(user(6)).to_string());
    assert!(channels["web"]["client"].as_str().unwrap().starts_with("Mozilla/5.0"));
    assert!(channels["web"]["location"].is_string());
    assert_eq!(all.len() - of_end_user.len(), 5);
}

#[tokio::test]
async fn each_log_refuses_in_its_own_envelope() {
    let mut desk = desk();
    desk.simulator.world(|world| {
        world.logs.settings.has_audit_log = false;
        world.logs.settings.access_log = AccessLog::Absent;
    });
    let (status, body) = desk.get(AUDIT).await;
    assert_eq!((status, &body["error"]["title"]), (403, &json!("Forbidden")));
    assert!(body["error"]["message"].is_string());
    let errors = |body: &Value| {
        let one = body["errors"][0].as_object().unwrap();
        let names: Vec<_> = one.keys().cloned().collect();
        assert_eq!(names, ["detail", "title"], "{body}");
        one["title"].as_str().unwrap().to_owned()
    };
    let (status, body) = desk.get(ACCESS).await;
    assert_eq!((status, errors(&body)), (403, "Forbidden".to_owned()));
    desk.simulator.world(|world| world.logs.settings.access_log = AccessLog::On);
    for query in ["page[size]=0", "page[after]=stolen", "filter[graphql]=false", "filter[start]=now", "sort=id"] {
        let (status, body) = desk.get(&format!("{ACCESS}?{query}")).await;
        assert_eq!((status, errors(&body)), (400, "Bad Request".to_owned()), "{query}");
    }
    desk.simulator.script(Script::on(Method::Get, ACCESS, Effect::Status(500)));
    let (status, body) = desk.get(ACCESS).await;
    assert_eq!((status, errors(&body)), (500, "Internal Server Error".to_owned()));
    desk.authorization = None;
    let (status, body) = desk.get(ACCESS).await;
    assert_eq!((status, errors(&body)), (401, "Unauthorized".to_owned()));
    assert_eq!(desk.get(AUDIT).await.1["error"], "Couldn't authenticate you");
    let desk = desk_of(world(), Options::default());
    desk.simulator.world(|world| world.own = user(3));
    for path in [AUDIT, ACCESS, TICKETS] {
        assert_eq!(desk.get(path).await.0, 403, "{path} is for admins");
    }
}

#[tokio::test]
async fn a_narrow_token_reads_the_audit_log_only() {
    let mut desk = desk();
    let credentials = desk.simulator.credentials();
    let ask = json!({
        "grant_type": "client_credentials", "scope": "auditlogs:read",
        "client_id": credentials.client_id, "client_secret": credentials.client_secret,
    });
    let (_, granted) = desk.post("/oauth/tokens", &ask.to_string()).await;
    desk.authorization = Some(format!("Bearer {}", granted["access_token"].as_str().unwrap()));
    assert_eq!(desk.get(AUDIT).await.0, 200);
    assert_eq!(desk.get("/api/v2/security_settings").await.0, 403);
    for (path, text) in [(ACCESS, "/errors/0/detail"), (TICKETS, "/description")] {
        let (status, body) = desk.get(path).await;
        assert_eq!(status, 403);
        assert!(body.pointer(text).unwrap().as_str().unwrap().ends_with("scopes: read"), "{body}");
    }
}

#[tokio::test]
async fn the_access_log_has_a_limit_of_its_own_that_ends_at_an_instant() {
    let desk = desk();
    desk.clock.advance(Duration::from_secs(15));
    for _ in 0..50 {
        let answer = desk.send(Method::Get, ACCESS, None).await.unwrap();
        assert_eq!(answer.status, 200);
        for name in ["x-rate-limit", "x-rate-limit-remaining", "ratelimit-limit", "ratelimit-reset"] {
            assert_eq!(answer.header(name), None);
        }
    }
    let refused = desk.send(Method::Get, ACCESS, None).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    assert_eq!(refused.header("ratelimit-reset"), Some("2026-11-23T12:01:00Z"));
    assert_eq!(read(&refused).1["errors"][0]["title"], "Too Many Requests");
    let others = desk.send(Method::Get, AUDIT, None).await.unwrap();
    assert_eq!((others.status, others.header("x-rate-limit-remaining")), (200, Some("2448")), "one budget for all");
    desk.clock.advance(Duration::from_secs(45));
    assert_eq!(desk.get(ACCESS).await.0, 200);
    desk.simulator.script(Script::on(Method::Get, ACCESS, Effect::RateLimit(93)));
    let refused = desk.send(Method::Get, ACCESS, None).await.unwrap();
    assert_eq!(refused.header("ratelimit-reset"), Some("2026-11-23T12:02:33Z"), "a fault speaks the same way");
    let tight = desk_of(world(), Options { requests_per_minute: Some(1), ..Options::default() });
    assert_eq!(tight.get(AUDIT).await.0, 200);
    let refused = tight.send(Method::Get, ACCESS, None).await.unwrap();
    assert_eq!((refused.status, refused.header("x-rate-limit")), (429, None), "the account's limit holds here too");
}

#[tokio::test]
async fn paging_faults_strike_the_logs_too() {
    let desk = desk_of(world(), Options { requests_per_minute: None, ..Options::default() });
    for (path, name) in [(ACCESS, "access_logs"), (AUDIT, "audit_logs")] {
        let (_, first) = desk.get(&format!("{path}?page[size]=2")).await;
        let next = target(&first["links"]["next"]).unwrap();
        let (_, second) = desk.get(&next).await;
        desk.simulator.script(Script::any(Effect::MoveRows(Move::Again)));
        assert_eq!(desk.get(&next).await.1[name][0], first[name][1]);
        desk.simulator.script(Script::any(Effect::MoveRows(Move::Missed)));
        assert_eq!(desk.get(&next).await.1[name][0], second[name][1]);
        desk.simulator.script(Script::any(Effect::RepeatCursor));
        assert_eq!(desk.get(&next).await.1["meta"]["after_cursor"], first["meta"]["after_cursor"]);
    }
}

#[tokio::test]
async fn rows_show_late_or_never_or_with_a_wrong_time() {
    let desk = desk();
    let set = async |settings: &str| assert_eq!(desk.post("/control/logs", settings).await.0, 204, "{settings}");
    let counts = async || {
        [
            rows(&desk, AUDIT, "audit_logs").await.len(),
            rows(&desk, ACCESS, "access_logs").await.len(),
            rows(&desk, TICKETS, "audits").await.len(),
        ]
    };
    assert_eq!(counts().await, [6, 60, 7]);
    set("lag=2h29m58s").await;
    assert_eq!(counts().await, [4, 0, 0], "all but the one of 09:30:03");
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(counts().await, [5, 0, 0], "a row shows once its time has come");
    desk.clock.advance(Duration::from_hours(3));
    assert_eq!(counts().await, [6, 60, 7]);
    set(r#"{"lag":"0s","late":"9h"}"#).await;
    assert_eq!(counts().await, [4, 40, 5], "each third row is later");
    set("late=0s,skew=-10s").await;
    let skewed = rows(&desk, &format!("{AUDIT}?filter[actor_id]=3"), "audit_logs").await;
    assert_eq!(skewed[0]["created_at"], "2026-11-23T09:29:53Z");
    desk.simulator.world(|world| {
        world.logs.settings = LogSettings { has_token_requests: false, ..LogSettings::default() };
        world.logs.sign_ins[0].late = SignedDuration::from_hours(100);
    });
    assert_eq!(counts().await, [5, 60, 7], "one row alone is late");
    set("access-log=off").await;
    assert_eq!(counts().await[1], 0, "switched off it is empty");
    set("access-log=absent,audit-log=absent").await;
    assert_eq!((desk.get(ACCESS).await.0, desk.get(AUDIT).await.0), (403, 403));
    for (wrong, text) in [
        ("lag=soon", "`lag=soon` needs a length of time such as `10m`"),
        ("access-log=maybe", "`maybe` is no value of the log setting `access-log`"),
        (
            "volume=11",
            "unknown log setting `volume`: the known ones are audit-log, access-log, lag, late, skew, user-ids",
        ),
    ] {
        let (status, body) = desk.post("/control/logs", &format!("access-log=on,{wrong}")).await;
        assert_eq!((status, body["description"].as_str()), (400, Some(text)));
        assert_eq!(desk.get(ACCESS).await.0, 403, "a wrong setting leaves all as they were");
    }
}

#[tokio::test]
async fn whoever_signs_in_is_in_the_log() {
    let desk = desk();
    let since = "filter[created_at]=2026-11-23T12:00:00Z&filter[created_at]=2026-11-23T13:00:00Z";
    let of = async || rows(&desk, &format!("{AUDIT}?{since}"), "audit_logs").await;
    assert_eq!(of().await.len(), 0);
    let changes = json!([{ "user": "2", "change": "sign-in" }, { "user": "6", "change": "sign-in" }]);
    assert_eq!(desk.post("/control/people", &changes.to_string()).await.1["opened"], json!(["117", "118"]));
    desk.clock.advance(Duration::from_secs(3));
    let seen = of().await;
    assert_eq!(seen.len(), 1, "end users are in no audit log");
    assert_eq!((&seen[0]["actor_id"], &seen[0]["action"]), (&json!(2), &json!("login")));
    // The number of a person by the order of ids: an odd number means whom the call names.
    desk.simulator.script(Script::any(Effect::Appear(1)));
    desk.get("/api/v2/users/4/sessions").await;
    desk.clock.advance(Duration::from_secs(3));
    let seen = of().await;
    assert_eq!((seen.len(), &seen[0]["actor_id"]), (2, &json!(4)), "whoever appears by chance, too");
    let (_, all) = desk.get(&format!("{AUDIT}?page[size]=100")).await;
    let ids = ids(&all["audit_logs"]);
    assert!(ids.is_sorted_by(|one, next| one > next), "no id is given twice: {ids:?}");
    desk.simulator.world(|world| assert!(world.logs.sign_ins.iter().any(|row| row.action == AuditAction::Update)));
}
