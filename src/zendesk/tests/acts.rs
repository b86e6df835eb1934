//! One session: shown, ended, or not; and what is done about answers that say neither.

use super::*;

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
    assert!(client.zendesk.drop_token(&client.zendesk.reader));
    run(client.zendesk.room_to_act());
    assert_eq!(client.waited(), Duration::from_mins(1));
    let long = Bench::new(|_, _| with(429, "", &[("retry-after", "18446744073709551615")]));
    assert!(long.delete().is_err());
    run(long.zendesk.room_to_act());
    assert!(matches!(long.delete(), Err(Trouble::Later { .. })));
    assert_eq!((long.asked().len(), long.waited()), (1, Duration::ZERO), "a hold beyond patience is told, not kept");
}

#[test]
fn many_are_logged_out_by_one_request_that_is_never_sent_twice() {
    #[track_caller]
    fn check(status: u16, body: &'static str, expected: &str) {
        let bench = Bench::new(move |_, _| answer(status, body));
        let got = match run(bench.zendesk.log_out(&[user(2), user(5)], &|| true)) {
            Ok(dated) => format!("{:?}", dated.value),
            Err(trouble) => format!("{trouble:?}"),
        };
        assert!(got.starts_with(expected), "{got} for {status} {body}");
        assert_eq!(bench.asked(), ["POST /api/v2/users/logout_many?ids=2,5 Bearer t"], "{status}: sent once");
    }
    check(202, "\"\"", "None");
    check(202, "", "None");
    check(200, r#"{"job_status":{"id":"8b72-0f","status":"queued"}}"#, "Some(\"8b72-0f\")");
    check(200, r#"{"job_status":{"id":"../users/me?x="}}"#, "None");
    check(403, "no", "Denied");
    check(429, "", "Later");
    check(500, "", "Unanswered");
    check(302, "", "Unanswered");
    let bench = Bench::new(|_, _| answer(202, ""));
    assert!(run(bench.zendesk.log_out(&[], &|| true)).is_err());
    assert!(run(bench.zendesk.log_out(&[user(1); 101], &|| true)).is_err());
    assert!(matches!(run(bench.zendesk.log_out(&[user(1)], &|| false)), Err(Trouble::Stopped)));
    assert!(bench.asked().is_empty());
}

#[test]
fn a_job_is_asked_about_until_it_is_over() {
    for (word, over) in [("queued", false), ("working", false), ("completed", true), ("failed", true), ("what", true)] {
        let body = format!(r#"{{"job_status":{{"id":"a","status":"{word}"}}}}"#);
        let bench = Bench::new(move |_, _| answer(200, &body));
        assert_eq!(run(bench.zendesk.is_over("a")), Ok(over), "{word}");
        assert_eq!(bench.asked(), ["GET /api/v2/job_statuses/a Bearer t"]);
        assert!(run(bench.zendesk.is_over("../a")).is_err());
    }
}

#[test]
fn whoever_only_reads_is_asked_for_everything_but_the_end_of_sessions() {
    let bench = |hands: Hands| {
        let bench = Bench::new(|_, request| match request.path.as_str() {
            "/api/v2/users/me" => answer(200, r#"{"user":{"id":7}}"#),
            _ if request.method == Method::Delete => answer(204, ""),
            _ => answer(404, GONE),
        });
        let Bench { zendesk, transport, clock } = bench;
        Bench { zendesk: zendesk.with_hands(hands), transport, clock }
    };
    let path = "/api/v2/users/2/sessions/1";
    let own = bench(Hands::Own(Credential::Token("r".into())));
    assert!(own.delete().is_ok() && own.show().is_ok());
    assert_eq!(run(own.zendesk.revoker()), Ok(Some(user(7))));
    let me = "GET /api/v2/users/me Bearer r".to_owned();
    assert_eq!(own.asked(), [format!("DELETE {path} Bearer r"), format!("GET {path} Bearer t"), me]);
    // Nobody ends sessions: nothing leaves.
    let none = bench(Hands::None);
    assert!(matches!(none.delete(), Err(Trouble::Denied { kind: Denial::Credentials, .. })));
    run(none.zendesk.room_to_act());
    assert_eq!((run(none.zendesk.revoker()), none.asked().len()), (Ok(None), 0));
    let same = bench(Hands::Reader);
    assert!(same.delete().is_ok());
    assert_eq!((run(same.zendesk.revoker()), same.asked()), (Ok(None), vec![format!("DELETE {path} Bearer t")]));
}

#[test]
fn neither_credential_is_shown_when_it_is_echoed() {
    let bench = Bench::new(|_, _| answer(403, "the-reader and r3voker"));
    let zendesk = bench.zendesk.with_hands(Hands::Own(Credential::Token("r3voker".into())));
    let trouble = run(zendesk.delete_session(user(2), SessionId(1), &|| true)).expect_err("refused").to_string();
    assert!(trouble.contains("the-reader and (secret)"), "{trouble}");
    let trouble = run(zendesk.session(user(2), SessionId(1))).expect_err("refused").to_string();
    assert!(trouble.contains("(secret)"), "{trouble}");
}
