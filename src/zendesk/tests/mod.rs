//! The room as its callers see it, against a scripted transport: no socket, no real clock, no waiting.
//!
//! A script answers each request by its number and path; what was asked, and how long was waited, is compared.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::exchange::REPEATED_MAX;
use super::listing::{PAGES_MAX, PERSON_PAGES_MAX};
use super::*;
use crate::clock::{ManualClock, Pending, SeededChance};
use crate::model::{Completeness, Person, Role, RoleType, SessionId};

const DATE: &str = "Mon, 23 Nov 2026 20:38:00 GMT";
const GONE: &str = r#"{"error":"RecordNotFound","description":"Not found"}"#;
const ROWS: &str = r#""sessions":[{"id":1,"user_id":2}]"#;
const LAST: &str = r#"{"sessions":[{"id":9,"user_id":2}],"meta":{"has_more":false}}"#;

const MORE: &str = r#"{"sessions":[{"id":1,"user_id":2}],"meta":{"has_more":true,"after_cursor":"b"}}"#;

type Answer = Result<Response, Lost>;
type Script = Box<dyn Fn(usize, &Request) -> Answer + Send + Sync>;

/// Answers by script and remembers what it was asked: method, path and authorization.
struct Scripted {
    script: Script,
    asked: Mutex<Vec<String>>,
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> Pending<'_, Answer> {
        let mut asked = self.asked.lock().unwrap();
        let answer = (self.script)(asked.len(), &request);
        let authorization = request.authorization.as_ref().map_or("-", |value| value.expose_secret());
        asked.push(format!("{} {} {authorization}", request.method.word(), request.path));
        Box::pin(std::future::ready(answer))
    }
}

struct Bench {
    zendesk: Zendesk,
    transport: Arc<Scripted>,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn with(
        credential: Credential,
        per_minute: u32,
        script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let transport = Arc::new(Scripted { script: Box::new(script), asked: Mutex::default() });
        let clock = Arc::new(ManualClock::at(now()));
        let budget =
            BudgetLimits { requests_per_minute_max: per_minute, part_of_limit_max_percent: 100, reserve_percent: 0 };
        let access = Access { credential, budget };
        let zendesk = Zendesk::new(access, transport.clone(), clock.clone(), Arc::new(SeededChance::new(7)));
        Self { zendesk, transport, clock }
    }

    fn new(script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(Credential::Token(SecretString::from("t")), 1_000_000, script)
    }

    /// Gives these answers in turn, the last one again and again.
    fn says(answers: &'static [(u16, &'static str)]) -> Self {
        Self::new(move |turn, _| {
            let (status, body) = answers[turn.min(answers.len() - 1)];
            answer(status, body)
        })
    }

    fn asked(&self) -> Vec<String> {
        self.transport.asked.lock().unwrap().clone()
    }

    fn waited(&self) -> Duration {
        self.clock.monotonic()
    }

    fn list(&self) -> Listing {
        run(self.zendesk.sessions(&mut |_| ()))
    }

    fn delete(&self) -> Result<Dated<Deleted>, Trouble> {
        run(self.zendesk.delete_session(user(2), SessionId(1), &|| true))
    }

    fn show(&self) -> Result<Dated<Option<crate::model::Session>>, Trouble> {
        run(self.zendesk.session(user(2), SessionId(1)))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn now() -> Timestamp {
    "2026-11-23T20:38:00Z".parse().unwrap()
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    with(status, body, &[("date", DATE)])
}

#[expect(clippy::unnecessary_wraps, reason = "scripts also give losses")]
fn with(status: u16, body: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Response { status, headers, body: body.as_bytes().to_vec() })
}

fn client() -> Credential {
    Credential::OauthClient { id: "c".to_owned(), secret: "s3cret".into(), scope: "read write".to_owned() }
}

/// Lists an account that gives these pages in turn: what was asked, how many rows, and why it is partial.
fn check_listing(pages: &'static [(u16, &'static str)], asked: &[&str], rows: usize, partial: Option<&str>) {
    let bench = Bench::says(pages);
    let listing = bench.list();
    let asked: Vec<String> = asked.iter().map(|query| format!("GET /api/v2/sessions?{query} Bearer t")).collect();
    assert_eq!(bench.asked(), asked, "{pages:?}");
    assert_eq!(listing.rows.len(), rows, "{pages:?}");
    match (&listing.completeness, partial) {
        (Completeness::Complete, None) => assert_eq!(listing.trouble, None),
        (Completeness::Partial(why), Some(part)) => {
            assert!(why.contains(part) && listing.trouble.is_some(), "{why} for {pages:?}");
        }
        other => panic!("{other:?} for {pages:?}"),
    }
}

#[test]
fn only_the_query_of_the_next_link_is_used() {
    let first = "page[size]=100";
    let next = |link| {
        let page = format!(r#"{{{ROWS},"meta":{{"has_more":true,"after_cursor":"x=&"}},"links":{{"next":{link}}}}}"#);
        let pages: &'static [_] = vec![(200, &*page.leak()), (200, LAST)].leak();
        pages
    };
    for (link, query) in [
        (r#""https://acme.zendesk.com/api/v2/sessions?page%5Bsize%5D=100&page%5Bafter%5D=b""#, ""),
        (r#""https://evil.example/steal?page%5Bsize%5D=100&page%5Bafter%5D=b""#, ""),
        (r#""//evil.example?page[after]=b""#, "page[after]=b&page[size]=100"),
        (r#""/api/v2/users?page[after]=@evil.example/&page[size]=1""#, "page[after]=@evil.example/&page[size]=1"),
        (r#""no query""#, "page[size]=100&page[after]=x%3D%26"),
        ("null", "page[size]=100&page[after]=x%3D%26"),
    ] {
        let second = if query.is_empty() { "page%5Bsize%5D=100&page%5Bafter%5D=b" } else { query };
        check_listing(next(link), &[first, second], 2, None);
    }
    check_listing(next(r#""?a b""#), &[first], 0, Some("no address"));
    check_listing(next(r#""?a\r\nHost: evil""#), &[first], 0, Some("no address"));
}

#[test]
fn listing_says_what_cut_it_short() {
    let first = "page[size]=100";
    let after = "page[size]=100&page[after]=b";
    check_listing(&[(200, LAST)], &[first], 1, None);
    check_listing(&[(200, r#"{"sessions":[]}"#)], &[first], 0, None);
    check_listing(&[(200, r#"{"sessions":[],"next_page":null}"#)], &[first], 0, None);
    check_listing(&[(200, r#"{"sessions":[],"next_page":"x"}"#)], &[first], 0, Some("whether more follows"));
    check_listing(&[(200, r#"{"sessions":[],"meta":{"has_more":"no"}}"#)], &[first], 0, Some("whether more follows"));
    check_listing(&[(200, r#"{"sessions":[],"meta":{"has_more":true}}"#)], &[first], 0, Some("not where"));
    check_listing(&[(200, MORE)], &[first, after], 2, Some("named twice"));
    check_listing(&[(200, MORE), (200, r#"{"sessions":[{"id""#)], &[first, after], 1, Some("not JSON"));
    check_listing(&[(200, MORE), (404, GONE)], &[first, after], 1, Some("no such record"));
    check_listing(&[(200, r#"{"sessions":{}}"#)], &[first], 0, Some("no array"));
    check_listing(&[(200, "[]")], &[first], 0, Some("no array"));
    check_listing(&[(200, "")], &[first], 0, Some("not JSON"));
    check_listing(&[(302, "")], &[first], 0, Some("redirects"));
    check_listing(&[(403, "<html>")], &[first], 0, Some("refused"));
}

#[test]
fn rows_that_cannot_be_read_make_the_listing_partial() {
    let rows = |row: &str| {
        let page = format!(r#"{{"sessions":[{row},{{"id":"7","user_id":null}}],"meta":{{"has_more":false}}}}"#);
        Bench::new(move |_, _| answer(200, &page)).list()
    };
    let deep = "[".repeat(100) + &"]".repeat(100);
    for row in [
        "null",
        "7",
        "{}",
        r#"{"id":0}"#,
        r#"{"id":-1}"#,
        r#"{"id":1.5}"#,
        r#"{"id":1e300}"#,
        r#"{"id":"+1"}"#,
        r#"{"id":9223372036854775808}"#,
        r#"{"id":"99999999999999999999"}"#,
        r#"{"id":1,"user_id":"x"}"#,
        r#"{"id":1,"user_id":0}"#,
        r#"{"id":1,"user_id":{}}"#,
        &format!(r#"{{"id":{deep}}}"#),
    ] {
        let listing = rows(row);
        assert_eq!(listing.rows.len(), 1, "{row}");
        assert_eq!(listing.rows[0].id, SessionId(7));
        assert!(matches!(listing.completeness, Completeness::Partial(why) if why.contains("1 rows")), "{row}");
    }
    let full = rows(
        r#"{"id":9223372036854775807,"user_id":"2","authenticated_at":"2026-11-23T10:00:00Z","last_seen_at":"soon"}"#,
    );
    assert_eq!(full.completeness, Completeness::Complete);
    assert_eq!(full.rows[0].user, Some(user(2)));
    assert_eq!(full.rows[0].authenticated_at, "2026-11-23T10:00:00Z".parse().ok());
    assert_eq!((full.rows[0].last_seen_at, full.rows[0].seen), (None, now()));
    assert_eq!(full.date, Some(now()));
}

#[test]
fn hostile_pages_end_in_nonsense() {
    let deep = "[".repeat(200_000);
    for body in [deep.as_str(), "\u{0}", "{\"sessions\":1e999}", "\"", "{\"sessions\":[{\"id\":1}]"] {
        let body = body.to_owned();
        let listing = Bench::new(move |_, _| answer(200, &body)).list();
        assert!(matches!(listing.trouble, Some(Trouble::Nonsense(_))), "{:?}", listing.trouble);
    }
    for date in [&[][..], &[("date", "yesterday")], &[("date", "Mon, 99 Nov 2026 20:38:00 GMT")]] {
        let listing = Bench::new(move |_, _| with(200, LAST, date)).list();
        assert!(matches!(listing.trouble, Some(Trouble::Nonsense(_))) && listing.date.is_none());
    }
}

#[test]
fn pages_and_cursors_beyond_measure_end_the_listing() {
    let list = |rows: usize, cursor: usize| {
        let rows: Vec<String> = (1..=rows).map(|id| format!(r#"{{"id":{id},"user_id":2}}"#)).collect();
        let (rows, cursor) = (rows.join(","), "c".repeat(cursor));
        let page = format!(r#"{{"sessions":[{rows}],"meta":{{"has_more":true,"after_cursor":"{cursor}"}}}}"#);
        let bench = Bench::new(move |turn, _| answer(200, if turn == 0 { &page } else { LAST }));
        let listing = bench.list();
        (listing.rows.len(), bench.asked().len(), listing.completeness.is_complete())
    };
    assert_eq!(list(1_000, 4_096), (1_001, 2, true));
    assert_eq!(list(1_001, 1), (1_000, 1, false));
    assert_eq!(list(1, 4_097), (0, 1, false));
}

#[test]
fn instants_before_zendesk_are_none() {
    let body = r#"{"session":{"id":1,"user_id":2,"authenticated_at":"2006-12-31T23:59:59Z",
        "last_seen_at":"2007-01-01T00:00:00Z"}}"#;
    let shown = Bench::new(move |_, _| answer(200, body)).show().unwrap().value.unwrap();
    assert_eq!((shown.authenticated_at, shown.last_seen_at), (None, "2007-01-01T00:00:00Z".parse().ok()));
}

#[test]
fn endless_listings_stop_at_the_page_cap() {
    let endless = || {
        Bench::new(|turn, _| answer(200, &format!(r#"{{{ROWS},"meta":{{"has_more":true,"after_cursor":"{turn}"}}}}"#)))
    };
    let account = endless();
    let mut last = 0;
    let listing = run(account.zendesk.sessions(&mut |rows| last = rows));
    assert_eq!((account.asked().len(), listing.rows.len(), last), (PAGES_MAX, PAGES_MAX, PAGES_MAX));
    assert!(!listing.completeness.is_complete());
    let person = endless();
    assert_eq!(run(person.zendesk.sessions_of(user(2), Purpose::Act)).rows.len(), PERSON_PAGES_MAX);
}

#[test]
fn rows_of_others_do_not_belong_in_a_persons_listing() {
    let body = r#"{"sessions":[{"id":1,"user_id":2},{"id":2,"user_id":3},{"id":3}],"meta":{"has_more":false}}"#;
    let bench = Bench::new(move |_, _| answer(200, body));
    let listing = run(bench.zendesk.sessions_of(user(2), Purpose::Act));
    assert_eq!(bench.asked(), ["GET /api/v2/users/2/sessions?page[size]=100 Bearer t"]);
    assert_eq!(listing.rows.len(), 2);
    assert!(!listing.completeness.is_complete());
    let gone = run(Bench::says(&[(404, GONE)]).zendesk.sessions_of(user(2), Purpose::Act));
    assert_eq!(gone.trouble, Some(Trouble::NotFound));
}

#[test]
fn session_is_shown_as_array_or_object_and_gone_when_zendesk_says_so() {
    #[track_caller]
    fn check(status: u16, body: &'static str, expected: Result<Option<u64>, &str>) {
        let got = Bench::new(move |_, _| answer(status, body)).show();
        match (got, expected) {
            (Ok(dated), Ok(id)) => {
                assert_eq!(dated.date, now());
                assert_eq!(dated.value.map(|session| session.user.unwrap().get()), id, "{body}");
            }
            (Err(trouble), Err(part)) => assert!(trouble.to_string().contains(part), "{trouble}"),
            other => panic!("{other:?} for {body}"),
        }
    }
    check(200, r#"{"session":{"id":1,"user_id":2}}"#, Ok(Some(2)));
    check(200, r#"{"session":[{"id":1,"user_id":2}]}"#, Ok(Some(2)));
    check(200, r#"{"session":{"id":1,"user_id":3}}"#, Ok(Some(3)));
    check(200, r#"{"session":[]}"#, Ok(None));
    check(404, GONE, Ok(None));
    check(404, r#"{"error":{"title":"Not found","message":"x"}}"#, Ok(None));
    check(404, "<title>nobody here</title>", Err("nobody here"));
    check(404, "", Err("makes no sense"));
    check(404, r#"{"error":"InvalidEndpoint"}"#, Err("InvalidEndpoint"));
    check(200, r#"{"session":null}"#, Err("does not show"));
    check(200, r#"{"session":{"id":5,"user_id":2}}"#, Err("does not show"));
    check(200, r#"{"session":[{"id":1},{"id":1}]}"#, Err("does not show"));
    check(200, "{}", Err("does not show"));
    check(200, r#"{"session":{"id":1"#, Err("not JSON"));
    for (status, body) in [(200, r#"{"session":[]}"#), (404, GONE)] {
        let undated = Bench::new(move |_, _| with(status, body, &[])).show();
        assert!(matches!(undated, Err(Trouble::Nonsense(_))), "{undated:?}");
    }
    let refused = Bench::new(|_, _| with(403, "<html>", &[])).show();
    assert!(matches!(refused, Err(Trouble::Denied { .. })), "a refusal needs no date: {refused:?}");
}

#[test]
fn deletion_is_done_or_gone_or_refused_or_unclear() {
    #[track_caller]
    fn check(status: u16, body: &'static str, expected: &str) {
        let bench = Bench::new(move |_, _| answer(status, body));
        let got = match bench.delete() {
            Ok(dated) => format!("{:?}", dated.value),
            Err(trouble) => format!("{trouble:?}"),
        };
        assert!(got.starts_with(expected), "{got} for {status} {body}");
        assert_eq!(bench.asked(), ["DELETE /api/v2/users/2/sessions/1 Bearer t"], "{status}: sent once");
    }
    check(204, "", "Done");
    check(404, GONE, "AlreadyGone");
    check(404, "<html>", "Nonsense");
    check(200, "{}", "Unanswered");
    check(202, "", "Unanswered");
    check(301, "", "Unanswered");
    check(408, "", "Unanswered");
    check(500, "", "Unanswered");
    check(502, "<html>", "Unanswered");
    check(503, "", "Unanswered");
    check(401, "{}", "Denied { kind: Credentials");
    check(
        403,
        r#"{"error":"Forbidden","description":"missing the following required scopes: w"}"#,
        "Denied { kind: Scope",
    );
    check(422, "{}", "Nonsense");
    let lost = Bench::new(|_, _| Err(Lost::Unanswered("cut".to_owned())));
    assert_eq!((lost.delete(), lost.asked().len()), (Err(Trouble::Unanswered("cut".to_owned())), 1));
    let undated = Bench::new(|_, _| with(204, "", &[]));
    assert!(matches!(undated.delete(), Err(Trouble::Unanswered(_))));
    let bulk = Bench::says(&[(204, "")]);
    assert_eq!(run(bulk.zendesk.delete_sessions(user(2), &|| true)).map(|dated| dated.value), Ok(Deleted::Done));
    assert_eq!(bulk.asked(), ["DELETE /api/v2/users/2/sessions Bearer t"]);
}

#[test]
fn deletion_is_never_sent_again_without_its_caller() {
    let never = Bench::new(|_, _| Err(Lost::Unsent("no route".to_owned())));
    assert_eq!(never.delete(), Err(Trouble::Unreachable("no route".to_owned())));
    assert_eq!((never.asked().len(), never.waited()), (1, Duration::ZERO));
    for status in [429, 503] {
        let refused = Bench::new(
            move |turn, _| {
                if turn == 0 { with(status, "", &[("retry-after", "7")]) } else { answer(204, "") }
            },
        );
        let wait = Duration::from_secs(7);
        assert_eq!(refused.delete(), Err(Trouble::Later { wait, why: format!("status {status}: no words") }));
        assert_eq!((refused.asked().len(), refused.waited()), (1, Duration::ZERO));
        run(refused.zendesk.room_to_act());
        assert_eq!((refused.asked().len(), refused.waited()), (1, wait));
        assert_eq!(refused.delete().map(|dated| dated.value), Ok(Deleted::Done));
        assert_eq!(refused.waited(), wait);
    }
}

#[test]
fn room_to_act_is_waited_for_and_not_used_up() {
    let full = Bench::with(Credential::Token("t".into()), 2, |_, _| answer(204, ""));
    for turn in 0..6 {
        for _ in 0..3 {
            run(full.zendesk.room_to_act());
        }
        let before = full.waited();
        assert!(full.delete().is_ok());
        assert_eq!((full.waited(), full.asked().len()), (before, turn + 1), "the wait is over before the act");
    }
    assert_eq!(full.waited(), Duration::from_mins(2));
    // A token to be fetched needs room as well.
    let grant = r#"{"access_token":"tN","expires_in":300}"#;
    let client = oauth(grant, |_| answer(204, ""));
    for _ in 0..98 {
        assert!(client.delete().is_ok());
    }
    assert!(client.zendesk.drop_token());
    run(client.zendesk.room_to_act());
    assert_eq!(client.waited(), Duration::from_mins(1));
    let long = Bench::new(|_, _| with(429, "", &[("retry-after", "18446744073709551615")]));
    assert!(long.delete().is_err());
    run(long.zendesk.room_to_act());
    assert!(matches!(long.delete(), Err(Trouble::Later { .. })));
    assert_eq!((long.asked().len(), long.waited()), (1, Duration::ZERO), "a hold beyond patience is told, not kept");
}

#[test]
fn wait_that_zendesk_asks_for_is_kept() {
    #[track_caller]
    fn check(status: u16, headers: &'static [(&'static str, &'static str)], seconds: u64) {
        let bench =
            Bench::new(move |turn, _| if turn == 0 { with(status, "slow down", headers) } else { answer(200, LAST) });
        assert!(bench.list().completeness.is_complete());
        assert_eq!((bench.waited(), bench.asked().len()), (Duration::from_secs(seconds), 2), "{headers:?}");
    }
    check(429, &[("retry-after", "93")], 93);
    check(429, &[("retry-after", "0")], 1);
    check(429, &[("retry-after", "Mon, 23 Nov 2026 20:39:05 GMT")], 65);
    // Zendesk's clock is its own: a date counts from the answer's own date.
    check(429, &[("date", "Mon, 23 Nov 2026 21:00:00 GMT"), ("retry-after", "Mon, 23 Nov 2026 21:00:30 GMT")], 30);
    check(429, &[("retry-after", "Mon, 23 Nov 2020 20:39:05 GMT")], 1);
    check(429, &[("ratelimit-reset", "12")], 12);
    check(429, &[("ratelimit-reset", "2026-11-23T20:38:20Z")], 20);
    check(429, &[("retry-after", "soon")], 10);
    check(429, &[("retry-after", "-5")], 10);
    check(429, &[], 10);
    check(503, &[("retry-after", "30")], 30);
    check(503, &[], 10);
}

#[test]
fn waiting_ends_at_the_deadline() {
    let later = |bench: &Bench| match bench.list().trouble {
        Some(Trouble::Later { wait, why }) => (wait.as_secs(), why),
        other => panic!("{other:?}"),
    };
    let long = Bench::new(|_, _| with(429, "tired", &[("retry-after", "601")]));
    assert_eq!(later(&long), (601, "status 429: tired".to_owned()));
    assert_eq!((long.waited(), long.asked().len()), (Duration::ZERO, 1));
    assert!(matches!(long.show(), Err(Trouble::Later { .. })));
    assert_eq!(long.asked().len(), 1, "the next call is held as well");
    let huge = Bench::new(|_, _| with(429, "", &[("retry-after", "18446744073709551615")]));
    assert_eq!(later(&huge).0, u64::MAX);
    let again = Bench::new(|_, _| with(503, "", &[("retry-after", "100")]));
    assert_eq!(later(&again).0, 100);
    assert_eq!(again.waited(), Duration::from_mins(10));
    let act = Bench::new(|_, _| with(429, "", &[("retry-after", "50")]));
    assert!(matches!(act.show(), Err(Trouble::Later { .. })));
    assert_eq!((act.waited(), act.asked().len()), (Duration::from_secs(100), 3));
}

#[test]
fn server_errors_of_questions_are_repeated_with_growing_waits() {
    let back = Bench::says(&[(500, ""), (502, "<html>"), (200, LAST)]);
    assert!(back.list().completeness.is_complete());
    assert!(back.waited() >= Duration::from_millis(1_500) && back.waited() < Duration::from_secs(4));
    let down = Bench::says(&[(500, "")]);
    assert!(matches!(down.list().trouble, Some(Trouble::Later { .. })));
    assert_eq!(down.asked().len(), 1 + REPEATED_MAX);
    let lost = Bench::new(|_, _| Err(Lost::Unanswered("cut".to_owned())));
    assert_eq!(lost.list().trouble, Some(Trouble::Unreachable("cut".to_owned())));
    assert_eq!((lost.asked().len(), lost.zendesk.calls()), (1 + REPEATED_MAX, 5));
}

#[test]
fn budget_follows_the_accounts_own_limit() {
    let per_minute = |limit: &'static str| {
        let bench = Bench::with(Credential::Token("t".into()), 50, move |turn, _| {
            let headers = [("date", DATE), ("x-rate-limit", limit)];
            let more = format!(r#"{{{ROWS},"meta":{{"has_more":{},"after_cursor":"{turn}"}}}}"#, turn < 99);
            with(200, &more, &headers)
        });
        assert!(bench.list().completeness.is_complete());
        bench.waited().as_secs()
    };
    assert_eq!(per_minute("400"), 60);
    assert_eq!(per_minute("none"), 60);
    assert_eq!(per_minute("10"), 9 * 60);
    let spent = Bench::new(|turn, _| {
        let headers =
            [("date", DATE), ("ratelimit-remaining", if turn == 0 { "0" } else { "9" }), ("ratelimit-reset", "8")];
        with(200, r#"{"session":[]}"#, &headers)
    });
    assert_eq!((spent.show().is_ok(), spent.waited()), (true, Duration::ZERO));
    assert_eq!((spent.show().is_ok(), spent.waited()), (true, Duration::from_secs(8)));
    assert_eq!((spent.show().is_ok(), spent.waited()), (true, Duration::from_secs(8)));
}

/// An account whose tokens are `t0`, `t1`, … by the number of the request that fetched them.
fn oauth(grant: &'static str, answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Bench {
    Bench::with(client(), 100, move |turn, request| {
        if request.path != "/oauth/tokens" {
            return answers(request.authorization.as_ref().unwrap().expose_secret());
        }
        let body: serde_json::Value = serde_json::from_str(request.body.as_ref().unwrap().expose_secret()).unwrap();
        assert_eq!((request.method, request.authorization.is_none()), (Method::Post, true));
        for (key, value) in [
            ("grant_type", "client_credentials"),
            ("client_id", "c"),
            ("client_secret", "s3cret"),
            ("scope", "read write"),
        ] {
            assert_eq!(body[key], value);
        }
        assert!((300..=172_800).contains(&body["expires_in"].as_u64().unwrap()));
        answer(201, &grant.replace('N', &turn.to_string()))
    })
}

#[test]
fn tokens_are_renewed_early_and_kept_until_then() {
    #[track_caller]
    fn check(grant: &'static str, alive_for: u64) {
        let bench = oauth(grant, |_| answer(200, r#"{"session":[]}"#));
        let tokens = || bench.asked().iter().filter(|line| line.starts_with("POST")).count();
        assert!(bench.show().is_ok());
        bench.clock.advance(Duration::from_secs(alive_for - 1));
        assert!(bench.show().is_ok());
        assert_eq!(tokens(), 1, "{grant}");
        bench.clock.advance(Duration::from_secs(1));
        assert!(bench.show().is_ok());
        assert_eq!(tokens(), if grant.contains("expires_in") { 2 } else { 1 }, "{grant}");
    }
    check(r#"{"access_token":"tN","expires_in":7200}"#, 6_900);
    check(r#"{"access_token":"tN","expires_in":300}"#, 270);
    check(r#"{"access_token":"tN","token_type":"bearer"}"#, 1_000_000_000);
}

#[test]
fn refused_token_is_replaced_once() {
    let grant = r#"{"access_token":"tN","expires_in":7200}"#;
    let revoked = oauth(grant, |token| if token == "Bearer t0" { answer(401, "{}") } else { answer(204, "") });
    assert_eq!(revoked.delete().map(|dated| dated.value), Ok(Deleted::Done));
    assert_eq!(revoked.asked().len(), 4);
    let barred = oauth(grant, |_| answer(401, r#"{"error":"invalid_token"}"#));
    let Err(Trouble::Denied { kind: Denial::Credentials, words }) = barred.delete() else { panic!("not denied") };
    assert_eq!((words.raw(), barred.asked().len()), ("invalid_token", 4));
    let ready = Bench::says(&[(401, "{}")]);
    assert!(matches!(ready.show(), Err(Trouble::Denied { kind: Denial::Credentials, .. })));
    assert_eq!(ready.asked().len(), 1);
}

#[test]
fn sign_in_that_fails_says_why() {
    #[track_caller]
    fn check(status: u16, body: &'static str, expected: &str) {
        let got = format!("{:?}", Bench::with(client(), 100, move |_, _| answer(status, body)).show().unwrap_err());
        assert!(got.contains(expected) && !got.contains("s3cret"), "{got}");
    }
    check(
        401,
        r#"{"error":"invalid_client","error_description":"no"}"#,
        "Credentials, words: Foreign(`invalid_client: no`)",
    );
    check(400, r#"{"error":"invalid_scope","error_description":"no"}"#, "kind: Scope");
    check(403, "<title>No entry</title>", "kind: Plan, words: Foreign(`No entry`)");
    check(404, GONE, "NotFound");
    check(302, "", "Nonsense");
    check(204, "", "Nonsense");
    check(200, "{}", "Nonsense");
    check(200, r#"{"access_token":"a\r\nb"}"#, "Nonsense");
    check(200, r#"{"access_token":"a","expires_in":-1}"#, "Nonsense");
    check(200, r#"{"access_token":"a","expires_in":[]}"#, "Nonsense");
}

#[test]
fn echoed_secrets_never_get_into_words() {
    let far = "x".repeat(196);
    let bodies = |secret: &str| {
        [
            format!(r#"{{"error":"Forbidden","description":"Bearer {secret} may not"}}"#),
            format!(r#"{{"error":"no {secret}"}}"#),
            format!(r#"{{"{secret}":"odd"}}"#),
            format!(r#"{{"error":"\u{:04x}{}"}}"#, secret.as_bytes()[0], secret.get(1..).unwrap()),
            format!("<html><title>{far}{secret}</title>"),
            format!("not with bearer {secret}"),
        ]
    };
    let check = |credential: Credential, secret: &str, fails_at: usize, status: u16| {
        for body in bodies(secret) {
            let failing = body.clone();
            let bench = Bench::with(credential.clone(), 100, move |turn, _| match turn {
                turn if turn >= fails_at => answer(status, &failing),
                _ => answer(200, r#"{"access_token":"fresh-token"}"#),
            });
            let listing = bench.list();
            let words = [
                format!("{listing:?}"),
                listing.trouble.map(|trouble| trouble.to_string()).unwrap_or_default(),
                format!("{:?}", bench.delete()),
            ];
            for words in words {
                assert!(!words.contains(secret.get(..4).unwrap()) && words.contains("(se"), "{words} of {body}");
            }
        }
    };
    let ready = || Credential::Token("ready-token".into());
    for status in [400, 401, 403, 404, 429, 500, 503] {
        check(ready(), "ready-token", 0, status);
        check(client(), "s3cret", 0, status);
        check(client(), "s3cret", 1, status);
        check(client(), "fresh-token", 1, status);
    }
    let lost = Bench::with(ready(), 100, |_, _| Err(Lost::Unanswered("no way for ready-token".to_owned())));
    assert_eq!(lost.delete(), Err(Trouble::Unanswered("no way for (secret)".to_owned())));
}

#[test]
fn secrets_have_no_printable_form() {
    let access = Access {
        credential: client(),
        budget: BudgetLimits { requests_per_minute_max: 1, part_of_limit_max_percent: 1, reserve_percent: 1 },
    };
    assert!(!format!("{access:?}").contains("s3cret"));
}

#[test]
fn people_are_read_with_what_is_missing_or_strange_as_none() {
    let body = r#"{"users":[
        {"id":2,"name":"Zoë","email":"z@example.com","role":"agent","role_type":1,"custom_role_id":"77","active":false,
         "suspended":true,"two_factor_auth_enabled":false,"verified":true,"chat_only":false,"tags":["vip",7],
         "organization_id":5,"external_id":"X1"},
        {"id":3,"name":null,"role":"owner","role_type":6,"active":"yes","tags":null,"custom_role_id":-4,"external_id":7},
        {"id":0,"name":"nobody"}, {"id":99,"name":"not asked for"}, 7 ]}"#;
    let bench = Bench::new(move |_, _| answer(200, body));
    let people = run(bench.zendesk.people(&[user(2), user(3), user(4)], Purpose::Act)).unwrap();
    assert_eq!(bench.asked(), ["GET /api/v2/users/show_many?ids=2,3,4&include_deleted=true Bearer t"]);
    let foreign = |text: &str| Some(crate::model::Foreign::new(text));
    let zoe = Person {
        id: user(2),
        seen: now(),
        name: crate::model::Foreign::new("Zoë"),
        email: foreign("z@example.com"),
        role: Some(Role::Agent),
        role_type: Some(RoleType::Light),
        custom_role_id: Some(77),
        deleted: Some(true),
        suspended: Some(true),
        two_factor: Some(false),
        verified: Some(true),
        chat_only: Some(false),
        tags: foreign("vip").into_iter().collect(),
        organization_id: Some(5),
        external_id: foreign("X1"),
    };
    let strange = Person {
        id: user(3),
        name: crate::model::Foreign::new(""),
        email: None,
        role: None,
        role_type: None,
        custom_role_id: None,
        deleted: None,
        suspended: None,
        two_factor: None,
        verified: None,
        chat_only: None,
        tags: Vec::new(),
        organization_id: None,
        external_id: foreign("7"),
        ..zoe.clone()
    };
    assert_eq!(people, Dated { value: vec![zoe, strange], date: now() });
    for count in [0, PEOPLE_PER_CALL_MAX as u64 + 1] {
        let ids: Vec<UserId> = (1..=count).map(user).collect();
        assert!(run(bench.zendesk.people(&ids, Purpose::Act)).is_err(), "{count}");
    }
    assert_eq!(bench.asked().len(), 1);
    assert!(run(Bench::says(&[(200, "{}")]).zendesk.people(&[user(2)], Purpose::Act)).is_err());
}

#[test]
fn texts_of_a_person_are_capped_on_whole_letters() {
    let long = format!("a{}", "ë".repeat(600));
    let tags = vec![format!("\"{long}\""); 1_001].join(",");
    let body =
        format!(r#"{{"users":[{{"id":2,"name":"{long}","email":"{long}","external_id":"{long}","tags":[{tags}]}}]}}"#);
    let people =
        run(Bench::new(move |_, _| answer(200, &body)).zendesk.people(&[user(2)], Purpose::Act)).unwrap().value;
    let Person { name, email, external_id, tags, .. } = &people[0];
    assert_eq!(tags.len(), 1_000);
    for text in [name, email.as_ref().unwrap(), external_id.as_ref().unwrap(), &tags[999]] {
        assert_eq!(text.raw(), format!("a{}", "ë".repeat(511)));
    }
}

#[test]
fn records_that_contradict_each_other_are_none() {
    let body = r#"{"users":[{"id":2,"name":"a"},{"id":3,"name":"b"},{"id":2,"name":"c"},{"id":2,"name":"c"},
        {"id":3,"name":"b"}]}"#;
    let people =
        run(Bench::new(move |_, _| answer(200, body)).zendesk.people(&[user(2), user(3)], Purpose::Act)).unwrap().value;
    assert_eq!(people.iter().map(|person| person.id).collect::<Vec<_>>(), [user(3)]);
}

#[test]
fn address_resolves_to_exactly_one_person() {
    let resolve = |users: &str| {
        let body = format!(r#"{{"users":[{users}],"count":1,"next_page":null}}"#);
        let bench = Bench::new(move |_, _| answer(200, &body));
        let found = run(bench.zendesk.person_by_email("Ann+x@Example.com", Purpose::Act)).unwrap().value;
        assert_eq!(bench.asked(), ["GET /api/v2/users/search?query=email%3A%22Ann%2Bx%40Example.com%22 Bearer t"]);
        found.map(|person| person.id.get())
    };
    let row = |id: u64, email: &str| format!(r#"{{"id":{id},"email":"{email}"}}"#);
    assert_eq!(resolve(&row(2, "ann+X@example.COM")), Some(2));
    assert_eq!(resolve(&[row(2, "ann+x@example.com"), row(3, "joann+x@example.com")].join(",")), Some(2));
    assert_eq!(resolve(&[row(2, "ann+x@example.com"), row(3, "ANN+x@example.com")].join(",")), None);
    assert_eq!(resolve(&[row(2, "ann+x@example.com"), row(0, "ANN+x@example.com")].join(",")), None);
    assert_eq!(resolve(&row(2, "other@example.com")), None);
    assert_eq!(resolve(r#"{"id":2,"email":null}"#), None);
    assert_eq!(resolve(""), None);
    let more = Bench::says(&[(200, r#"{"users":[{"id":2,"email":"a@b.c"}],"next_page":"x"}"#)]);
    assert_eq!(run(more.zendesk.person_by_email("a@b.c", Purpose::Act)).unwrap().value, None);
    for email in ["", "a\"b@c.d", "a\\b@c.d", "a\n@b.c"] {
        let bench = Bench::says(&[(200, r#"{"users":[]}"#)]);
        assert!(run(bench.zendesk.person_by_email(email, Purpose::Act)).is_err(), "{email}");
        assert!(bench.asked().is_empty(), "{email}");
    }
}

#[test]
fn own_user_is_asked_once_and_a_stranger_is_denied() {
    let bench = Bench::says(&[(200, r#"{"user":{"id":35436,"name":"evictd"}}"#)]);
    for _ in 0..2 {
        assert_eq!(run(bench.zendesk.me()), Ok(Dated { value: user(35_436), date: now() }));
    }
    assert_eq!(bench.asked(), ["GET /api/v2/users/me Bearer t"]);
    for stranger in [r#"{"user":{"id":null,"name":"Anonymous user"}}"#, r#"{"user":{"id":0}}"#, r#"{"user":{}}"#] {
        let bench = Bench::new(move |_, _| answer(200, stranger));
        let denied = run(bench.zendesk.me());
        assert!(matches!(denied, Err(Trouble::Denied { kind: Denial::Credentials, .. })), "{denied:?}");
    }
    assert!(matches!(run(Bench::says(&[(200, "{}")]).zendesk.me()), Err(Trouble::Nonsense(_))));
}

#[test]
fn current_token_tells_user_scopes_and_end() {
    let body = r#"{"token":{"id":8,"user_id":35436,"scopes":["read","write"],"token":"abcdefghij","expires_at":"2026-11-23T22:00:00Z"}}"#;
    let bench = Bench::new(move |_, _| answer(200, body));
    let token = run(bench.zendesk.current_token()).unwrap().value;
    assert_eq!(bench.asked(), ["GET /api/v2/oauth/tokens/current Bearer t"]);
    assert_eq!((token.id, token.user), (Some(8), Some(user(35_436))));
    assert_eq!(token.scopes.iter().map(crate::model::Foreign::raw).collect::<Vec<_>>(), ["read", "write"]);
    assert_eq!(token.expires_at, "2026-11-23T22:00:00Z".parse().ok());
    let bare = run(Bench::says(&[(200, r#"{"token":{}}"#)]).zendesk.current_token()).unwrap().value;
    assert_eq!((bare.user, bare.scopes.len(), bare.expires_at), (None, 0, None));
    assert!(run(Bench::says(&[(200, r#"{"token":7}"#)]).zendesk.current_token()).is_err());
}
