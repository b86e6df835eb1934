//! Faults by chance and by script: each does what it says, repeats with its seed, and leaves a world that lives on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use evictd::clock::Clock;
use evictd::model::SessionId;
use evictd::simulator::{Effect, Fault, Lag, Move, Odds, Options, Script};
use evictd::zendesk::{Lost, Method, Response};
use jiff::SignedDuration;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use super::{Desk, SESSIONS, ids, now, read, target, user};

const ONE_SESSION: &str = "/api/v2/users/{id}/sessions/{sid}";

async fn fault(fault: Fault) -> (Desk, Result<Response, Lost>) {
    let odds = Odds::parse(&format!("{}=1", fault.word())).unwrap();
    let desk = Desk::with(Options { odds, ..Options::default() });
    let answer = desk.send(Method::Get, &format!("{SESSIONS}?page[size]=2"), None).await;
    (desk, answer)
}

#[tokio::test]
async fn every_fault_does_what_it_says() {
    let (_, answer) = fault(Fault::RateLimit).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status, 429);
    assert!((1..=3).contains(&answer.header("retry-after").unwrap().parse::<u64>().unwrap()));

    let mut statuses = BTreeSet::new();
    let (desk, _) = fault(Fault::ServerError).await;
    for _ in 0..40 {
        let answer = desk.send(Method::Delete, "/api/v2/users/1/sessions", None).await.unwrap();
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 503);
        statuses.insert(answer.status);
    }
    assert_eq!(statuses, [500, 502, 503].into());
    assert!(desk.session_ids().contains(&101), "a server error does nothing");

    let (desk, answer) = fault(Fault::Slow).await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(desk.clock.monotonic(), Duration::from_secs(2));

    let (desk, answer) = fault(Fault::Cut).await;
    assert!(matches!(answer, Err(Lost::Unanswered(_))));
    let deleted = desk.send(Method::Delete, "/api/v2/users/1/sessions/101", None).await;
    assert!(matches!(deleted, Err(Lost::Unanswered(_))));
    assert!(!desk.session_ids().contains(&101), "what is cut was done");

    let (desk, answer) = fault(Fault::RepeatCursor).await;
    let (_, first) = read(&answer.unwrap());
    let next = target(&first["links"]["next"]).unwrap();
    let (_, again) = desk.get(&next).await;
    assert_eq!(again["links"]["next"], first["links"]["next"], "for ever");
    assert_eq!(again["meta"]["after_cursor"], first["meta"]["after_cursor"]);
    desk.simulator.set_faults(Odds::default());
    assert_ne!(desk.get(&next).await.1["links"]["next"], first["links"]["next"]);
}

#[tokio::test]
async fn faults_repeat_with_their_seed() {
    let run = async |seed| {
        let odds = Odds::parse("rate-limit=0.3, server-error=0.3").unwrap();
        let desk = Desk::with(Options { seed, odds, ..Options::default() });
        for _ in 0..30 {
            desk.get(SESSIONS).await;
        }
        desk.simulator.requests().iter().map(|request| request.status).collect::<Vec<_>>()
    };
    let statuses = run(1).await;
    assert_eq!(statuses, run(1).await);
    assert_ne!(statuses, run(2).await);
    assert!(statuses.contains(&200) && statuses.contains(&429));
}

#[tokio::test]
async fn every_answer_and_loss_repeats_with_the_seed() {
    let run = async |seed| {
        let desk = Desk::with(Options { seed, odds: Odds::all(0.25), ..Options::default() });
        let mut told = Vec::new();
        for round in 0..200 {
            let (method, path) = match round % 4 {
                0 => (Method::Get, format!("{SESSIONS}?page[size]=3")),
                1 => (Method::Get, format!("{SESSIONS}?page[size]=3&page[after]=at-67")),
                2 => (Method::Get, "/api/v2/users/10/sessions?per_page=2&page=2".to_owned()),
                _ => (Method::Delete, format!("/api/v2/users/{}/sessions", 1 + round % 10)),
            };
            let answer = desk.send(method, &path, None).await;
            told.push(
                answer.map(|answer| (answer.status, answer.headers, answer.body)).map_err(|lost| lost.to_string()),
            );
        }
        (told, desk.session_ids())
    };
    let seen = run(3).await;
    assert_eq!(seen, run(3).await);
    assert_ne!(seen.0, run(4).await.0);
}

#[test]
fn faults_read_as_written() {
    for (text, fault) in [
        (
            "rate-limt=0.1",
            "unknown fault `rate-limt`: the known ones are rate-limit, server-error, html-error, slow, cut, repeat-cursor, \
             move-rows, vanish, appear, skew, lag",
        ),
        ("cut", "fault `cut` needs a probability from 0 to 1, as in `cut=0.1`"),
        ("cut=1.5", "fault `cut` needs a probability from 0 to 1, as in `cut=0.1`"),
        ("cut=NaN", "fault `cut` needs a probability from 0 to 1, as in `cut=0.1`"),
    ] {
        assert_eq!(Odds::parse(text).unwrap_err().to_string(), fault);
    }
    assert_eq!(Odds::parse("").unwrap(), Odds::default());
}

#[tokio::test]
async fn scripts_strike_the_calls_they_name() {
    let desk = Desk::new();
    let lost = |answer: Result<Response, Lost>| matches!(answer, Err(Lost::Unanswered(_)));
    let path = |session: u64| format!("/api/v2/users/{}/sessions/{session}", session - 100);
    desk.simulator.script(Script::on(Method::Delete, ONE_SESSION, Effect::LoseAnswer));
    desk.simulator.script(Script::on(Method::Delete, ONE_SESSION, Effect::LoseRequest).after(1));
    assert_eq!(desk.get(SESSIONS).await.0, 200, "another route");
    assert!(lost(desk.send(Method::Delete, &path(101), None).await));
    assert!(lost(desk.send(Method::Delete, &path(102), None).await));
    assert_eq!(desk.delete(&path(103)).await, 204, "both are spent");
    assert_eq!(desk.session_ids()[..2], [102, 104], "101 was carried out, 102 was not");
    let status: Vec<_> = desk.simulator.requests().iter().map(|request| request.status).collect();
    assert_eq!(status, [200, 204, 0, 204]);

    desk.simulator.script(Script::any(Effect::Unreachable));
    assert!(matches!(desk.send(Method::Get, SESSIONS, None).await, Err(Lost::Unsent(_))));

    desk.simulator.script(Script::on(Method::Get, SESSIONS, Effect::Status(500)).after(2).times(u32::MAX));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(desk.get(&format!("{SESSIONS}?page[size]=1")).await.0);
    }
    assert_eq!(statuses, [200, 200, 500, 500, 500], "cut after page 2");
    desk.simulator.forget_scripts();

    let moves = Effect::Alter(Arc::new(|world| world.sign_out(user(10))));
    desk.simulator.script(Script::on_method(Method::Get, moves));
    assert_eq!(desk.get("/api/v2/users/10/sessions").await.1["count"], 0);
}

#[tokio::test]
async fn the_edge_speaks_html_and_nothing_is_done() {
    let (desk, _) = fault(Fault::HtmlError).await;
    let mut statuses = BTreeSet::new();
    for _ in 0..60 {
        let answer = desk.send(Method::Delete, "/api/v2/users/1/sessions/101", None).await.unwrap();
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        assert!(String::from_utf8(answer.body).unwrap().starts_with("<!DOCTYPE html>"));
        statuses.insert(answer.status);
    }
    assert_eq!(statuses, [403, 502, 520, 522].into());
    assert!(desk.session_ids().contains(&101));
}

/// The ids on each page of the listing, four a page, when this befalls the second.
async fn pages_when_rows_move(moved: Move, first: &str, next: impl Fn(&Value) -> &Value) -> Vec<Vec<u64>> {
    let desk = Desk::new();
    desk.simulator.script(Script::on(Method::Get, SESSIONS, Effect::MoveRows(moved)).after(1));
    let mut pages = Vec::new();
    let mut link = Some(format!("{SESSIONS}?{first}"));
    while let Some(path) = link {
        let (_, page) = desk.get(&path).await;
        pages.push(ids(&page["sessions"]));
        link = target(next(&page));
    }
    pages
}

#[tokio::test]
async fn rows_that_move_come_again_or_not_at_all() {
    let pages = async |moved| pages_when_rows_move(moved, "page[size]=4", |page| &page["links"]["next"]).await;
    let again = pages(Move::Again).await;
    assert_eq!(again, [vec![101, 102, 103, 104], vec![104, 105, 106, 107], vec![108, 109, 110, 111], vec![112]]);
    let missed = pages(Move::Missed).await;
    assert_eq!(missed, [vec![101, 102, 103, 104], vec![106, 107, 108, 109], vec![110, 111, 112]]);
    let numbered = async |moved| pages_when_rows_move(moved, "per_page=4", |page| &page["next_page"]).await;
    assert_eq!(numbered(Move::Again).await[1], [104, 105, 106, 107]);
    assert_eq!(numbered(Move::Missed).await[1], [106, 107, 108, 109]);
    let (desk, answer) = fault(Fault::MoveRows).await;
    assert_eq!(ids(&read(&answer.unwrap()).1["sessions"]), [101, 102], "a first page has no border behind it");
    assert_eq!(desk.session_ids().len(), 12, "only the listing is wrong");
}

#[tokio::test]
async fn a_skewed_date_is_minutes_off_for_one_answer() {
    let (desk, _) = fault(Fault::Skew).await;
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        let answer = desk.send(Method::Get, "/api/v2/users/me", None).await.unwrap();
        let date = DateTimeParser::new().parse_timestamp(answer.header("date").unwrap()).unwrap();
        seen.insert(date.duration_since(now()).as_mins());
    }
    assert!(seen.iter().all(|minutes| (1..=10).contains(&minutes.abs())), "{seen:?}");
    assert!(seen.first() < Some(&0) && seen.last() > Some(&0));
    assert_eq!(desk.simulator.now(), now());
    desk.simulator.set_faults(Odds::default());
    desk.simulator.script(Script::any(Effect::Skew(SignedDuration::from_mins(-3))));
    for expected in ["Mon, 23 Nov 2026 11:57:00 GMT", "Mon, 23 Nov 2026 12:00:00 GMT"] {
        let answer = desk.send(Method::Get, SESSIONS, None).await.unwrap();
        assert_eq!(answer.header("date"), Some(expected));
    }
}

#[tokio::test]
async fn an_ended_session_that_lags_stays_listed_for_a_while_and_nowhere_else() {
    let desk = Desk::new();
    let listed = async |path: &str| ids(&desk.get(path).await.1["sessions"]);
    let lag = |pages, seconds| {
        desk.simulator.script(Script::on_method(Method::Delete, Effect::Lag(Lag { pages, seconds })));
    };
    lag(3, 30);
    assert_eq!(desk.delete("/api/v2/users/10/sessions/111").await, 204);
    assert!(!desk.session_ids().contains(&111), "it has ended");
    assert_eq!(desk.get("/api/v2/users/10/sessions/111").await.0, 404);
    assert_eq!(desk.delete("/api/v2/users/10/sessions/111").await, 404);
    assert_eq!(listed("/api/v2/users/10/sessions?page[size]=100").await, [110, 111, 112]);
    assert_eq!(listed(&format!("{SESSIONS}?page[size]=11")).await.last(), Some(&111));
    assert_eq!(listed(SESSIONS).await.len(), 12);
    assert_eq!(listed(SESSIONS).await.len(), 11, "three pages have shown it");

    lag(100, 20);
    assert_eq!(desk.delete("/api/v2/users/10/sessions").await, 204);
    desk.clock.advance(Duration::from_secs(19));
    assert_eq!(listed("/api/v2/users/10/sessions").await, [110, 112]);
    assert_eq!(listed("/api/v2/users/9/sessions").await, [109], "nobody else's");
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(listed("/api/v2/users/10/sessions").await, [0; 0]);

    lag(100, 20);
    assert_eq!(desk.delete("/api/v2/users/1/sessions/101").await, 204);
    desk.simulator.world(|world| {
        world.add_session(SessionId(101), user(1), now(), now());
    });
    assert_eq!(listed("/api/v2/users/1/sessions").await, [101], "one row for one id");
}

#[tokio::test]
async fn sessions_vanish_and_appear_right_before_the_call() {
    let (mut gone, mut stayed) = (0, 0);
    for seed in 0..40 {
        let desk = Desk::with(Options { seed, odds: Odds::parse("vanish=1").unwrap(), ..Options::default() });
        match desk.delete("/api/v2/users/1/sessions/101").await {
            404 => gone += 1,
            status => stayed += i32::from(status == 204),
        }
        assert!((10..=11).contains(&desk.session_ids().len()));
    }
    assert!(gone > 10 && stayed > 5 && gone + stayed == 40, "{gone} gone, {stayed} stayed");
    let mut of_named = 0;
    for seed in 0..40 {
        let desk = Desk::with(Options { seed, odds: Odds::parse("appear=1").unwrap(), ..Options::default() });
        let rows = desk.get("/api/v2/users/10/sessions").await.1["sessions"].clone();
        of_named += ids(&rows).len() - 3;
        desk.simulator.world(|world| {
            let newest = world.sessions.last_key_value().unwrap().1;
            assert_eq!((newest.id, newest.authenticated_at), (SessionId(113), Some(now().into())), "a fresh id");
            let person = &world.people[&newest.user.unwrap()];
            assert!(person.deleted == Some(false) && person.suspended == Some(false), "who may sign in");
        });
    }
    assert!((10..40).contains(&of_named), "{of_named}");
}

#[tokio::test]
async fn with_every_fault_the_world_neither_grows_nor_dies_out() {
    let desk = Desk::with(Options { odds: Odds::all(0.2), requests_per_minute: None, ..Options::default() });
    let mut sizes = BTreeSet::new();
    let mut users = BTreeSet::new();
    for round in 0..5_000 {
        desk.send(Method::Get, &format!("{SESSIONS}?page[size]=100"), None).await.ok();
        let now = desk.simulator.now();
        sizes.insert(desk.simulator.world(|world| world.sessions.len()));
        desk.simulator.world(|world| users.extend(world.sessions.values().filter_map(|session| session.user)));
        assert!(desk.simulator.world(|world| world.sessions.len()) > 0, "round {round} at {now}");
    }
    assert!(sizes.last().unwrap() <= &14, "{sizes:?}");
    assert!(users.len() > 10, "people come and go");
}
