//! Signing in and staying signed in, and that no secret gets into words.

use super::*;

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
    for status in [400, 401, 403, 404, 429, 503] {
        check(api_token(), "api-tok3n", 0, status);
        check(api_token(), BASIC, 0, status);
        check(api_token(), BASIC.trim_end_matches('='), 0, status);
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
    assert!(!format!("{:?}", api_token()).contains("tok3n"));
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

fn api_token() -> Credential {
    Credential::ApiToken { email: "evictd@example.com".to_owned(), token: "api-tok3n".into() }
}

/// `evictd@example.com/token:api-tok3n`, as `base64` writes it.
const BASIC: &str = "ZXZpY3RkQGV4YW1wbGUuY29tL3Rva2VuOmFwaS10b2szbg==";

#[test]
fn api_token_goes_out_as_basic_authentication_and_is_not_renewed() {
    let bench = Bench::with(api_token(), 100, |_, _| answer(401, r#"{"error":"Couldn't authenticate you"}"#));
    let Err(Trouble::Denied { kind: Denial::Credentials, words }) = bench.delete() else { panic!("not denied") };
    assert_eq!(words.raw(), "Couldn't authenticate you");
    assert_eq!(bench.asked(), [format!("DELETE /api/v2/users/2/sessions/1 Basic {BASIC}")]);
}

#[test]
fn api_token_that_is_refused_after_its_end_is_told_so() {
    let told = |credential: Credential, date: &'static str, status: u16, body: &'static str| {
        let bench = Bench::with(credential, 100, move |_, _| with(status, body, &[("date", date)]));
        match run(bench.zendesk.me()) {
            Err(Trouble::Denied { kind: Denial::Credentials, words }) => words.raw().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let (before, after) = ("Thu, 29 Apr 2027 23:59:59 GMT", "Fri, 30 Apr 2027 00:00:00 GMT");
    let (refused, stranger) = (r#"{"error":"no"}"#, r#"{"user":{"id":null}}"#);
    let end = "Zendesk's API tokens ended on 2027-04-30, so sign in with an OAuth client";
    assert_eq!(told(api_token(), before, 401, refused), "no");
    assert_eq!(told(api_token(), after, 401, refused), format!("no; {end}"));
    assert!(told(api_token(), after, 200, stranger).ends_with(end));
    assert!(!told(api_token(), before, 200, stranger).contains(end));
    assert_eq!(told(Credential::Token("t".into()), after, 401, refused), "no");
}

#[test]
fn refused_tokens_are_renewed_once_a_minute() {
    let grant = r#"{"access_token":"tN","expires_in":7200}"#;
    let barred = oauth(grant, |_| answer(401, "{}"));
    let denied =
        |bench: &Bench| assert!(matches!(bench.show(), Err(Trouble::Denied { kind: Denial::Credentials, .. })));
    let tokens = |bench: &Bench| bench.asked().iter().filter(|line| line.starts_with("POST")).count();
    for _ in 0..10 {
        denied(&barred);
    }
    assert_eq!((tokens(&barred), barred.asked().len()), (2, 13), "each question is asked once more, renewed is once");
    barred.clock.advance(Duration::from_mins(1));
    denied(&barred);
    assert_eq!((tokens(&barred), barred.asked().len()), (3, 16));
}

#[test]
fn refused_sign_in_is_tried_again_after_a_minute() {
    for (status, body) in [(401, r#"{"error":"invalid_client"}"#), (400, r#"{"error":"invalid_scope"}"#)] {
        let bench = Bench::with(client(), 100, move |turn, _| match turn {
            0 => answer(201, r#"{"access_token":"t0","expires_in":300}"#),
            1 | 4 => answer(200, r#"{"session":[]}"#),
            2 => answer(status, body),
            _ => answer(201, r#"{"access_token":"t3","expires_in":300}"#),
        });
        assert!(bench.show().is_ok());
        bench.clock.advance(Duration::from_mins(5));
        let refused = bench.show();
        for _ in 0..5 {
            assert!(matches!(&refused, Err(Trouble::Denied { .. })));
            assert_eq!(bench.show(), refused);
            assert_eq!(bench.delete().map(|_| ()), refused.clone().map(|_| ()));
        }
        assert_eq!(bench.asked().len(), 3);
        bench.clock.advance(Duration::from_mins(1));
        assert!(bench.show().is_ok());
    }
}
