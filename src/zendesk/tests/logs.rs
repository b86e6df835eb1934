//! Logs: what is asked of each, what its rows say, where it goes on, and what its own service says on bad days.

use super::*;
use crate::model::{Moment, Seen};

const ULID: &str = "01H6PWD1WQFC6EYJCJWFJ59EVE";

/// The rest of a last page.
const END: &str = r#""meta":{"has_more":false}"#;

fn since() -> Timestamp {
    "2026-11-23T20:00:00.75Z".parse().unwrap()
}

fn until() -> Timestamp {
    "2026-11-23T20:30:00.25Z".parse().unwrap()
}

fn seen(id: u64, address: &str, agent: &str) -> Seen {
    let at: Moment = "2026-11-23T20:10:00Z".parse().unwrap();
    let agent = (!agent.is_empty()).then(|| agent.into());
    Seen { user: user(id), at, address: (!address.is_empty()).then(|| address.parse().unwrap()), agent }
}

/// Reads a page that holds these rows, alone, and as they are when one before them must be read by itself.
fn read<R: PartialEq + std::fmt::Debug>(
    array: &str,
    rows: &str,
    ask: &impl AsyncFn(&Zendesk) -> Result<Dated<LogPage<R>>, Trouble>,
) -> LogPage<R> {
    let page = |rows: &str| {
        let body = format!(r#"{{"{array}":[{rows}],{END}}}"#);
        let told = run(ask(&Bench::new(move |_, _| answer(200, &body)).zendesk)).unwrap();
        assert_eq!(told.date, now());
        told.value
    };
    let alone = page(rows);
    let beside = page(&format!(r#"{{"id":1,"id":1}},{rows}"#));
    assert_eq!((&alone.rows, alone.unreadable + 1), (&beside.rows, beside.unreadable));
    alone
}

fn sign_ins(rows: &str) -> (Vec<SignInRow>, usize) {
    let page = read("audit_logs", rows, &async |zendesk| zendesk.sign_ins(since(), until(), None).await);
    assert_eq!(page.next, None);
    (page.rows, page.unreadable)
}

fn accesses(rows: &str) -> (Vec<AccessRow>, usize) {
    let page = read("access_logs", rows, &async |zendesk| zendesk.accesses(since(), until(), None).await);
    assert_eq!(page.next, None);
    (page.rows, page.unreadable)
}

fn audits(rows: &str) -> (Vec<AuditRow>, usize) {
    let page = read("audits", rows, &async |zendesk| zendesk.ticket_audits(None).await);
    assert_eq!(page.next, None);
    (page.rows, page.unreadable)
}

/// A row with some of its fields said in another way, or left out.
fn row(fields: &[(&str, &str)], other: &[(&str, &str)]) -> String {
    let said = |name: &str| other.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let fields = fields.iter().map(|(name, value)| (*name, said(name).unwrap_or(value)));
    let fields: Vec<String> =
        fields.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn login(other: &[(&str, &str)]) -> String {
    let fields = [
        ("url", r#""https://acme.zendesk.com/api/v2/audit_logs/5.json""#),
        ("id", "5"),
        ("action", r#""login""#),
        ("action_label", r#""Signed in""#),
        ("actor_id", "2"),
        ("source_type", r#""user""#),
        ("change_description", r#""Successful sign-in using Zendesk password from https://acme.zendesk.com""#),
        ("ip_address", r#""192.0.2.7""#),
        ("created_at", r#""2026-11-23T20:10:00Z""#),
    ];
    row(&fields, other)
}

fn access(other: &[(&str, &str)]) -> String {
    let fields = [
        ("id", r#""01H6PWD1WQFC6EYJCJWFJ59EVE""#),
        ("timestamp", r#""2026-11-23T20:10:00Z""#),
        ("user_id", "2"),
        ("ip_address", r#""192.0.2.7""#),
        ("client", r#""Mozilla/5.0""#),
        ("authorization_type", r#""session""#),
        ("method", r#""POST""#),
        ("url", r#""/graphql""#),
        ("status", "200"),
        ("graphql", r#"{"query":"query q { a }","variables":"{\"id\":\"1\"}","client":"x","user_id":9}"#),
    ];
    row(&fields, other)
}

fn audit(other: &[(&str, &str)]) -> String {
    let fields = [
        ("id", "7"),
        ("ticket_id", "47"),
        ("author_id", "2"),
        ("created_at", r#""2026-11-23T20:10:00Z""#),
        (
            "metadata",
            r#"{"system":{"client":"Mozilla/5.0","ip_address":"192.0.2.7","location":"x"},"custom":{"ip_address":7}}"#,
        ),
        ("events", r#"[{"id":1,"type":"Comment","author_id":9,"metadata":{},"via":{"channel":"api"}}]"#),
        ("via", r#"{"channel":"web","source":{"from":{},"rel":null}}"#),
    ];
    row(&fields, other)
}

#[test]
fn logs_are_asked_for_their_range_a_page_at_a_time() {
    let last = |array| format!(r#"{{"{array}":[],{END}}}"#);
    let asked = |page: String, ask: &dyn Fn(&Bench)| {
        let bench = Bench::new(move |_, _| answer(200, &page));
        ask(&bench);
        bench.asked()
    };
    let sign_ins = asked(last("audit_logs"), &|bench| {
        assert!(run(bench.zendesk.sign_ins(since(), until(), None)).is_ok());
    });
    let range = "filter[created_at]=2026-11-23T20%3A00%3A00Z&filter[created_at]=2026-11-23T20%3A30%3A01Z";
    let path = format!("/api/v2/audit_logs?filter[action]=login&{range}&sort=created_at&page[size]=100");
    assert_eq!(sign_ins, [format!("GET {path} Bearer t")]);
    let accesses = asked(last("access_logs"), &|bench| {
        assert!(run(bench.zendesk.accesses(since(), until(), None)).is_ok());
    });
    let range = "filter[start]=2026-11-23T20%3A00%3A00Z&filter[end]=2026-11-23T20%3A30%3A01Z";
    assert_eq!(accesses, [format!("GET /api/v2/access_logs?{range}&page[size]=2500 Bearer t")]);
    let audits = asked(last("audits"), &|bench| assert!(run(bench.zendesk.ticket_audits(None)).is_ok()));
    assert_eq!(audits, ["GET /api/v2/ticket_audits?page[size]=100 Bearer t"]);
}

#[test]
fn sign_ins_are_read_with_who_when_and_where_from() {
    let signed_in = |id, address: &str| SignInRow { id, seen: seen(2, address, "") };
    let read = |other: &[(&str, &str)], address: &str| {
        assert_eq!(sign_ins(&login(other)), (vec![signed_in(5, address)], 0), "{other:?}");
    };
    read(&[], "192.0.2.7");
    read(&[("id", r#""5""#), ("actor_id", r#""2""#)], "192.0.2.7");
    read(&[("client", r#""Mozilla""#)], "192.0.2.7");
    read(&[("ip_address", r#""::ffff:192.0.2.7""#)], "192.0.2.7");
    read(&[("ip_address", r#""2001:DB8::7""#)], "2001:db8::7");
    read(&[("ip_address", "null")], "");
    read(&[("ip_address", "")], "");
    read(&[("ip_address", r#""""#)], "");
    // What else an account logs, and what Zendesk does in its own name.
    for other in [("action", r#""update""#), ("actor_id", "0"), ("actor_id", "-1"), ("actor_id", r#""-1""#)] {
        assert_eq!(sign_ins(&login(&[other])), (vec![], 0), "{other:?}");
    }
    assert_eq!(sign_ins(&login(&[("action", r#""create""#), ("created_at", "7"), ("actor_id", "")])), (vec![], 0));
    for other in [
        ("id", ""),
        ("id", "0"),
        ("action", ""),
        ("action", "7"),
        ("actor_id", ""),
        ("actor_id", "1.5"),
        ("actor_id", r#""two""#),
        ("actor_id", r#""""#),
        ("actor_id", r#""-""#),
        ("actor_id", "9223372036854775808"),
        ("created_at", ""),
        ("created_at", r#""yesterday""#),
        ("created_at", r#""1999-01-01T00:00:00Z""#),
        ("ip_address", "7"),
        ("ip_address", "[]"),
        ("ip_address", r#""192.0.2.7, 192.0.2.8""#),
        ("ip_address", r#""192.0.2.007""#),
        ("ip_address", r#""fe80::1%eth0""#),
        ("ip_address", r#"" ""#),
    ] {
        let rows = [login(&[other]), login(&[("id", "6")])].join(",");
        assert_eq!(sign_ins(&rows), (vec![signed_in(6, "192.0.2.7")], 1), "{other:?}");
    }
    for strange in ["7", "null", "[]", "{}", "\"login\""] {
        assert_eq!(sign_ins(strange), (vec![], 1), "{strange}");
    }
}

#[test]
fn accesses_are_read_with_program_and_authorization() {
    use Authorization::{Api, Session, Unsaid};
    let read = |other: &[(&str, &str)], agent: &str, by| {
        let expected = AccessRow { id: ULID.to_owned(), seen: seen(2, "192.0.2.7", agent), by };
        assert_eq!(accesses(&access(other)), (vec![expected], 0), "{other:?}");
    };
    let browser = "Mozilla/5.0";
    read(&[], browser, Session);
    read(&[("user_id", r#""2""#), ("id", r#""01h6pwd1wqfc6eyjcjwfj59eve""#)], browser, Session);
    read(&[("ip_address", r#""::ffff:c000:207""#)], browser, Session);
    for client in ["", "null", r#""""#, "7", r#"{"name":"Mozilla"}"#] {
        read(&[("client", client)], "", Session);
    }
    read(&[("client", r#""\"caf\u00e9\"""#)], "\"café\"", Session);
    let long = format!("a{}", "ë".repeat(600));
    read(&[("client", &format!("\"{long}\""))], &format!("a{}", "ë".repeat(511)), Session);
    for word in ["basic", "bearer", "digest"] {
        read(&[("authorization_type", &format!("\"{word}\""))], browser, Api);
    }
    for unsaid in ["", "null", "1", r#""""#, r#""Session""#, r#""jwt""#] {
        read(&[("authorization_type", unsaid)], browser, Unsaid);
    }
    assert_eq!(accesses(&access(&[("user_id", "-1")])), (vec![], 0));
    for other in [
        ("id", ""),
        ("id", "5"),
        ("id", r#""01H6PWD1WQFC6EYJCJWFJ59EV""#),
        ("id", r#""01H6PWD1WQFC6EYJCJWFJ59EVEX""#),
        ("id", r#""01H6PWD1WQFC6EYJCJWFJ59EVU""#),
        ("id", r#""01H6PWD1WQFC6EYJCJWFJ59EV-""#),
        ("id", r#""81H6PWD1WQFC6EYJCJWFJ59EVE""#),
        ("id", r#""éééééééééééée""#),
        ("user_id", ""),
        ("user_id", "null"),
        ("user_id", r#""+2""#),
        ("timestamp", "1795466280"),
        ("ip_address", r#""unknown""#),
    ] {
        assert_eq!(accesses(&access(&[other])), (vec![], 1), "{other:?}");
    }
}

#[test]
fn ticket_audits_are_read_with_the_way_they_came() {
    use Channel::{Mobile, Other, Web};
    let read = |other: &[(&str, &str)], address: &str, agent: &str, via| {
        let expected = AuditRow { id: 7, seen: seen(2, address, agent), via };
        assert_eq!(audits(&audit(other)), (vec![expected], 0), "{other:?}");
    };
    read(&[], "192.0.2.7", "Mozilla/5.0", Web);
    read(&[("via", r#"{"channel":"mobile"}"#)], "192.0.2.7", "Mozilla/5.0", Mobile);
    for via in ["", "null", "{}", r#""web""#, r#"["web"]"#, r#"{"channel":0}"#, r#"{"channel":"mobile_sdk"}"#] {
        read(&[("via", via)], "192.0.2.7", "Mozilla/5.0", Other);
    }
    for metadata in ["", "null", "{}", "[]", r#"{"system":null}"#, r#"{"system":{"client":null,"ip_address":null}}"#] {
        read(&[("metadata", metadata)], "", "", Web);
    }
    read(&[("metadata", r#"{"system":{"ip_address":"::ffff:192.0.2.7"}}"#)], "192.0.2.7", "", Web);
    assert_eq!(audits(&audit(&[("author_id", "-1")])), (vec![], 0));
    for other in [
        ("id", "-7"),
        ("author_id", "null"),
        ("created_at", "null"),
        ("metadata", r#"{"system":{"ip_address":"192.0.2"}}"#),
    ] {
        assert_eq!(audits(&audit(&[other])), (vec![], 1), "{other:?}");
    }
}

/// Reads on to the end, or to trouble: the queries that were asked, and the trouble.
fn follow<R>(
    pages: &[&str],
    ask: &impl AsyncFn(&Zendesk, Option<&str>) -> Result<Dated<LogPage<R>>, Trouble>,
) -> (Vec<String>, String) {
    let pages: Vec<String> = pages.iter().map(|page| (*page).to_owned()).collect();
    let bench = Bench::new(move |turn, _| answer(200, &pages[turn.min(pages.len() - 1)]));
    let mut after = None;
    let mut trouble = String::new();
    for _ in 0..5 {
        match run(ask(&bench.zendesk, after.as_deref())) {
            Ok(page) => after = page.value.next,
            Err(told) => trouble = told.to_string(),
        }
        if after.is_none() || !trouble.is_empty() {
            break;
        }
    }
    let query = |asked: &String| asked.split_once('?').unwrap().1.trim_end_matches(" Bearer t").to_owned();
    (bench.asked().iter().map(query).collect(), trouble)
}

fn check_follow((asked, trouble): (Vec<String>, String), queries: &[&str], fault: &str) {
    assert_eq!(asked, queries);
    assert!(if fault.is_empty() { trouble.is_empty() } else { trouble.contains(fault) }, "{trouble:?}, not {fault}");
}

#[test]
fn sign_ins_go_on_by_a_cursor_within_the_same_range() {
    let check = |pages: &[&str], queries: &[&str], fault| {
        let ask = async |zendesk: &Zendesk, after: Option<&str>| zendesk.sign_ins(now(), now(), after).await;
        check_follow(follow(pages, &ask), queries, fault);
    };
    let range = "filter[created_at]=2026-11-23T20%3A38%3A00Z";
    let first = &*format!("filter[action]=login&{range}&{range}&sort=created_at&page[size]=100");
    let after = &*format!("{first}&page[after]=b%3D%26");
    let last = r#"{"audit_logs":[],"meta":{"has_more":false,"after_cursor":"z"}}"#;
    // Its link may have lost the first of the two instants.
    let link = r#""links":{"next":"https://evil.example/x?filter[created_at]=2&page[after]=l"}"#;
    let more = |meta: &str| format!(r#"{{"audit_logs":[],"meta":{{"has_more":true{meta}}},{link}}}"#);
    let both = &*more(r#","after_cursor":"b=&""#);
    let numbered =
        r#"{"audit_logs":[],"count":101,"next_page":"https://acme.zendesk.com/api/v2/audit_logs.json?page=2"}"#;
    check(&[last], &[first], "");
    check(&[r#"{"audit_logs":[]}"#], &[first], "");
    check(&[both, last], &[first, after], "");
    check(&[&more(""), last], &[first, "filter[created_at]=2&page[after]=l&page[size]=100"], "");
    check(&[numbered, last], &[first, "page=2"], "");
    // The second page names itself.
    check(&[both], &[first, after], "named twice");
    check(&[r#"{"audit_logs":[],"meta":{"has_more":true}}"#], &[first], "not where");
    check(&[r#"{"audit_logs":[],"meta":{"has_more":1}}"#], &[first], "whether more follows");
    check(&[&more(&format!(r#","after_cursor":"{}""#, "c".repeat(4_097)))], &[first], "too long");
    check(&[&format!(r#"{{"audit_logs":[{}7]}}"#, "7,".repeat(99))], &[first], "whether more follows");
}

#[test]
fn accesses_go_on_where_the_link_leads_whatever_it_calls_the_cursor() {
    let check = |page: &str, second: &[&str], fault| {
        let last = r#"{"access_logs":[],"meta":{"has_more":false},"links":{"next":"?page[after]=z"}}"#;
        let told = follow(&[page, last], &async |zendesk, after| zendesk.accesses(now(), now(), after).await);
        let at = "2026-11-23T20%3A38%3A00Z";
        let first = format!("filter[start]={at}&filter[end]={at}&page[size]=2500");
        check_follow(told, &[&[first.as_str()][..], second].concat(), fault);
    };
    let linked = |link: &str| {
        let meta = r#""meta":{"has_more":true,"after_cursor":"xxx"}"#;
        format!(r#"{{"access_logs":[],{meta},"links":{{"next":{link}}}}}"#)
    };
    let host = "https://evil.example/api/v2/access_logs";
    for query in [
        "filter[start]=2026-01-01T00:00:00Z&page[size]=2500&page[after]=xxx",
        "filter%5Bstart%5D=2026-01-01T00%3A00%3A00Z&filter[after]=01H6PWD1WQFC6EYJCJWFJ59EVE",
    ] {
        check(&linked(&format!("\"{host}?{query}\"")), &[query], "");
    }
    check(&linked("\"https://acme.zendesk.com/x?a=1\\u0026b=2\""), &["a=1&b=2"], "");
    check(&linked("null"), &[], "not where");
    check(&linked("\"https://acme.zendesk.com/api/v2/access_logs\""), &[], "no address");
    check(&linked("\"?a\\r\\nHost: evil\""), &[], "no address");
    check(&linked(&format!("\"?{}\"", "a".repeat(4_097))), &[], "too long");
    check(r#"{"access_logs":[],"links":{"next":"?page[after]=z"}}"#, &[], "whether more follows");
    check(r#"{"access_logs":[]}"#, &[], "whether more follows");
    check(r#"{"access_logs":{}}"#, &[], "no array");
    check("{", &[], "not JSON");
}

#[test]
fn ticket_audits_go_on_by_cursor_and_in_their_older_way() {
    let check = |pages: &[&str], queries: &[&str]| {
        check_follow(follow(pages, &async |zendesk, after| zendesk.ticket_audits(after).await), queries, "");
    };
    let first = "page[size]=100";
    let last = r#"{"audits":[],"after_url":null,"after_cursor":null}"#;
    let more = r#"{"audits":[],"meta":{"has_more":true,"after_cursor":"b"},"after_url":"?cursor=c"}"#;
    check(&[more, last], &[first, "page[size]=100&page[after]=b"]);
    let older = r#"{"audits":[{"id":1}],"after_cursor":"c=","after_url":"https://evil.example/?cursor=c%3D&limit=9"}"#;
    let empty = r#"{"audits":[],"after_cursor":"d","after_url":"https://acme.zendesk.com/?cursor=d"}"#;
    check(&[older, empty], &[first, "cursor=c%3D&limit=9"]);
    check(&[older, last], &[first, "cursor=c%3D&limit=9"]);
}

#[test]
fn only_what_can_be_a_query_is_asked_with() {
    for after in ["", "a b", "a\r\nHost: evil", "a#b", "é", &"a".repeat(4_097)] {
        let bench = Bench::says(&[(200, "{}")]);
        assert!(matches!(run(bench.zendesk.ticket_audits(Some(after))), Err(Trouble::Nonsense(_))), "{after}");
        assert!(bench.asked().is_empty(), "{after}");
    }
}

#[test]
fn rows_beyond_a_page_are_counted_and_not_read() {
    let page = |array: &str, row: &str, count: usize| {
        format!(r#"{{"{array}":[{row}{}],{END}}}"#, format!(",{row}").repeat(count - 1))
    };
    let accesses = page("access_logs", &access(&[]), 2_502);
    let told = run(Bench::new(move |_, _| answer(200, &accesses)).zendesk.accesses(since(), until(), None)).unwrap();
    assert_eq!((told.value.rows.len(), told.value.unreadable), (2_500, 2));
    let logins = page("audit_logs", &login(&[]), 1_001);
    let told = run(Bench::new(move |_, _| answer(200, &logins)).zendesk.sign_ins(since(), until(), None)).unwrap();
    assert_eq!((told.value.rows.len(), told.value.unreadable), (1_000, 1));
}

#[test]
fn a_log_that_the_plan_lacks_is_denied_and_no_gap() {
    let check = |status: u16, body: &'static str, kind: Denial, said: &str| {
        let bench = Bench::new(move |_, _| answer(status, body));
        let troubles = [
            run(bench.zendesk.sign_ins(since(), until(), None)).err(),
            run(bench.zendesk.accesses(since(), until(), None)).err(),
            run(bench.zendesk.ticket_audits(None)).err(),
            run(bench.zendesk.security_settings()).err(),
        ];
        for trouble in troubles {
            let words = crate::model::Foreign::new(said);
            assert_eq!(trouble, Some(Trouble::Denied { kind, words }), "{body}");
        }
        assert_eq!((bench.asked().len(), bench.waited()), (4, Duration::ZERO), "{body}");
    };
    check(403, r#"{"error":{"title":"Forbidden","message":"No access"}}"#, Denial::Plan, "Forbidden: No access");
    let role = r#"{"errors":[{"detail":"You must have administrator privileges","title":"Authorization failed"}]}"#;
    check(403, role, Denial::Plan, "Authorization failed: You must have administrator privileges");
    check(404, r#"{"error":"InvalidEndpoint","description":"Not found"}"#, Denial::Plan, "InvalidEndpoint: Not found");
    check(404, GONE, Denial::Plan, "RecordNotFound: Not found");
    check(404, r#"{"errors":[{"title":"Not found"}]}"#, Denial::Plan, "Not found");
    let scope =
        r#"{"error":"Forbidden","description":"You are missing the following required scopes: auditlogs:read"}"#;
    check(403, scope, Denial::Scope, "Forbidden: You are missing the following required scopes: auditlogs:read");
    let login = r#"{"errors":[{"detail":"Please use valid credentials","title":"Authentication failed"}]}"#;
    check(401, login, Denial::Credentials, "Authentication failed: Please use valid credentials");
    let bad = r#"{"errors":[{"detail":"max allowed page size is 2500","title":"Malformed query params"}]}"#;
    let told = run(Bench::new(move |_, _| answer(400, bad)).zendesk.accesses(since(), until(), None));
    let said = "status 400: Malformed query params: max allowed page size is 2500";
    assert_eq!(told, Err(Trouble::Nonsense(said.to_owned())));
}

/// An account whose access log is in trouble of this kind, and nothing else is.
fn log_in_trouble(status: u16, headers: &'static [(&'static str, &'static str)]) -> Bench {
    Bench::new(move |_, request| {
        if request.path.starts_with("/api/v2/access_logs") {
            let why = "Use RateLimit-Reset header to backoff on retries";
            let headers = [&[("date", DATE)][..], headers].concat();
            return with(
                status,
                &format!(r#"{{"errors":[{{"detail":"{why}","title":"Too many requests"}}]}}"#),
                &headers,
            );
        }
        if request.method == Method::Delete { answer(204, "") } else { answer(200, LAST) }
    })
}

fn later(bench: &Bench) -> u64 {
    match run(bench.zendesk.accesses(since(), until(), None)) {
        Err(Trouble::Later { wait, why }) => {
            assert!(why.contains("Too many requests: Use RateLimit-Reset"), "{why}");
            wait.as_secs()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_access_logs_own_limit_holds_back_nothing_else() {
    let check = |headers: &'static [(&'static str, &'static str)], seconds: u64| {
        let bench = log_in_trouble(429, headers);
        assert_eq!((later(&bench), bench.waited()), (seconds, Duration::ZERO), "{headers:?}");
        run(bench.zendesk.room_to_act());
        assert!(bench.delete().is_ok() && bench.list().completeness.is_complete(), "{headers:?}");
        let pace = bench.zendesk.pace();
        assert_eq!((bench.waited(), pace.held, pace.account_limit), (Duration::ZERO, None, None), "{headers:?}");
        bench.clock.advance(Duration::from_secs(10));
        assert_eq!((later(&bench), bench.asked().len()), (seconds - 10, 3), "it is not asked again before its time");
        bench.clock.advance(Duration::from_secs(seconds - 10));
        assert_eq!((later(&bench), bench.asked().len()), (seconds, 4));
    };
    check(&[("ratelimit-reset", "2026-11-23T20:38:41Z")], 41);
    check(&[("ratelimit-reset", "2026-11-23T21:38:41+01:00")], 41);
    check(&[("ratelimit-reset", "Mon, 23 Nov 2026 20:38:41 GMT")], 41);
    check(&[("ratelimit-reset", "41")], 41);
    // The names that elsewhere tell of the account tell of this limit here.
    let own = [("ratelimit-limit", "50"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "2026-11-23T20:38:41Z")];
    check(own.to_vec().leak(), 41);
}

#[test]
fn a_short_wait_for_the_access_log_is_waited_out() {
    let page = format!(r#"{{"access_logs":[],{END}}}"#);
    let waited = |reset: &'static str| {
        let page = page.clone();
        let bench = Bench::new(move |turn, _| {
            // Its date is its own: the host's clock says nothing about it.
            let date = ("date", "Mon, 23 Nov 2026 21:00:00 GMT");
            if turn == 0 { with(429, "", &[date, ("ratelimit-reset", reset)]) } else { answer(200, &page) }
        });
        assert!(run(bench.zendesk.accesses(since(), until(), None)).is_ok(), "{reset}");
        (bench.waited().as_secs(), bench.asked().len())
    };
    assert_eq!(waited("2026-11-23T21:00:12Z"), (12, 2));
    assert_eq!(waited("Mon, 23 Nov 2026 21:00:12 GMT"), (12, 2));
    assert_eq!(waited("2026-11-23T20:38:12Z"), (1, 2));
    assert_eq!(waited("soon"), (10, 2));
}

#[test]
fn bad_days_of_the_access_log_are_its_own() {
    for (status, headers, waited) in [(503, &[][..], 10), (503, &[("retry-after", "120")], 0)] {
        let bench = log_in_trouble(status, headers);
        later(&bench);
        assert_eq!((bench.waited().as_secs(), bench.zendesk.pace().held), (waited, None), "{headers:?}");
        assert!(bench.delete().is_ok() && bench.waited().as_secs() == waited, "{headers:?}");
    }
    let bench = log_in_trouble(500, &[]);
    later(&bench);
    assert!(bench.waited() <= Duration::from_secs(15) && bench.zendesk.pace().held.is_none());
    // An answer that says how much is left of its limit says nothing about the account's.
    let page = format!(r#"{{"access_logs":[],{END}}}"#);
    let bench = Bench::new(move |_, _| {
        let left = [("ratelimit-limit", "50"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "41")];
        with(200, &page, &[&[("date", DATE)][..], &left].concat())
    });
    assert!(run(bench.zendesk.accesses(since(), until(), None)).is_ok());
    let pace = bench.zendesk.pace();
    assert_eq!((pace.held, pace.account_limit), (None, None));
}

#[test]
fn logs_stay_off_the_reserve() {
    let budget = BudgetLimits { requests_per_minute_max: 10, part_of_limit_max_percent: 100, reserve_percent: 50 };
    let bench = Bench::within(Credential::Token("t".into()), budget, |_, _| answer(200, r#"{"audits":[]}"#));
    let asked = |_: &i32| run(bench.zendesk.ticket_audits(None)).is_ok() && bench.waited().is_zero();
    assert_eq!((0..20).take_while(asked).count(), 5);
}

#[test]
fn security_settings_are_read_field_by_field() {
    let read = |settings: &str| {
        let body = format!(r#"{{"security_settings":{settings}}}"#);
        let bench = Bench::new(move |_, _| answer(200, &body));
        let told = run(bench.zendesk.security_settings());
        assert_eq!(bench.asked(), ["GET /api/v2/security_settings Bearer t"]);
        told.map(|dated| dated.value)
    };
    let foreign = |text: &str| crate::model::Foreign::new(text);
    let settings = SecuritySettings {
        agent_session_timeout_minutes: Some(30),
        end_user_session_timeout_minutes: Some(480),
        maximum_session_duration_minutes: Some(720),
        maximum_session_duration_enabled: Some(false),
        mobile_app_session_timeout_minutes: Some(0),
        ip_restriction_enabled: Some(true),
        ip_restriction_of_agents_only: Some(false),
        ip_ranges: Some(vec![foreign("192.0.2.0/24"), foreign("198.51.100.*")]),
    };
    let told = read(
        r#"{"agent_session_timeout":30,"end_user_session_timeout":"480","maximum_session_duration":720,
        "maximum_session_duration_enabled":false,"mobile_app_session_timeout":0,"mobile_app_access":true,
        "authentication":{"agent":{"password":{}}},"ip":{"enable_agent_ip_restrictions":false,
        "ip_ranges":" 192.0.2.0/24  198.51.100.*\n","ip_restriction_enabled":true}}"#,
    );
    assert_eq!(told, Ok(settings.clone()));
    let none = SecuritySettings {
        agent_session_timeout_minutes: None,
        end_user_session_timeout_minutes: None,
        maximum_session_duration_minutes: None,
        maximum_session_duration_enabled: None,
        mobile_app_session_timeout_minutes: None,
        ip_restriction_enabled: None,
        ip_restriction_of_agents_only: None,
        ip_ranges: None,
    };
    for strange in [
        "{}",
        r#"{"ip":null}"#,
        r#"{"ip":[],"agent_session_timeout":-5,"maximum_session_duration":1.5}"#,
        r#"{"ip":{"ip_ranges":null,"ip_restriction_enabled":"yes"},"maximum_session_duration_enabled":1}"#,
        &format!(r#"{{"ip":{{"ip_ranges":"{}"}}}}"#, "::1 ".repeat(1_001)),
    ] {
        assert_eq!(read(strange), Ok(none.clone()), "{strange}");
    }
    assert_eq!(read(r#"{"ip":{"ip_ranges":""}}"#), Ok(SecuritySettings { ip_ranges: Some(Vec::new()), ..none }));
    for nothing in ["null", "7", "[]"] {
        assert!(matches!(read(nothing), Err(Trouble::Nonsense(_))), "{nothing}");
    }
}
