//! Waiting: where Zendesk asks to, where our own budget says so, and where an answer may yet come.

use super::*;

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

#[test]
fn an_endpoints_own_limit_holds_nothing_else_back() {
    let own = ("zendesk-ratelimit-incremental-exports", "total=10; remaining=0; resets=41");
    let changes = |headers: &'static [(&'static str, &'static str)]| {
        Bench::new(move |_, request| {
            if request.path.contains("incremental") {
                return with(429, "Number of allowed incremental export API requests per minute exceeded", headers);
            }
            if request.method == Method::Delete { answer(204, "") } else { answer(200, LAST) }
        })
    };
    let ask = |bench: &Bench| match run(bench.zendesk.changed_users(UsersFrom::Cursor("c"))) {
        Err(Trouble::Later { wait, .. }) => wait.as_secs(),
        other => panic!("{other:?}"),
    };
    for headers in [
        &[own, ("x-rate-limit", "400"), ("x-rate-limit-remaining", "389"), ("retry-after", "41")][..],
        &[own, ("retry-after", "41")],
        &[own, ("ratelimit-remaining", "389"), ("ratelimit-reset", "7")],
        &[own],
    ] {
        let bench = changes(headers.to_vec().leak());
        assert_eq!(ask(&bench), 41, "{headers:?}");
        run(bench.zendesk.room_to_act());
        assert!(bench.delete().is_ok() && bench.list().completeness.is_complete(), "{headers:?}");
        assert_eq!((bench.waited(), bench.zendesk.pace().held), (Duration::ZERO, None), "{headers:?}");
        bench.clock.advance(Duration::from_secs(20));
        assert_eq!((ask(&bench), bench.asked().len()), (21, 3), "it is not asked again before its time");
        bench.clock.advance(Duration::from_secs(21));
        assert_eq!((ask(&bench), bench.asked().len()), (41, 4));
    }
    // The account's own limit, or nobody knows whose: then nothing leaves.
    for headers in [
        &[own, ("x-rate-limit-remaining", "0"), ("retry-after", "41")][..],
        &[("zendesk-ratelimit-incremental-exports", "total=10; remaining=5; resets=41"), ("retry-after", "41")],
        &[("zendesk-ratelimit-incremental-exports", "much"), ("retry-after", "41")],
        &[("retry-after", "41")],
    ] {
        let bench = changes(headers.to_vec().leak());
        assert_eq!(ask(&bench), 41, "{headers:?}");
        assert!(bench.zendesk.pace().held.is_some_and(|(wait, _)| wait == Duration::from_secs(41)), "{headers:?}");
        assert!(bench.list().completeness.is_complete() && bench.waited() == Duration::from_secs(41), "{headers:?}");
    }
}

#[test]
fn pace_follows_the_account() {
    let bench = Bench::new(|_, _| with(200, LAST, &[("date", DATE), ("x-rate-limit", "700")]));
    assert!(bench.list().completeness.is_complete());
    let pace =
        Pace { requests_per_minute: 700, account_limit: Some(700), used_in_last_minute: 1, held: None, holds: 0 };
    assert_eq!(bench.zendesk.pace(), pace);
}
