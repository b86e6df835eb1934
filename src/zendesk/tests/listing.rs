//! Listing page by page: where the next page is looked for, and what makes a listing partial.

use super::*;

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
    assert_eq!((full.rows[0].last_seen_at, full.rows[0].seen), (None, now().into()));
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
fn what_rows_tell_of_places_is_kept_beside_them_and_nothing_strange_costs_a_row() {
    let fields = [
        r#""ip_address":"203.0.113.9","user_agent":"curl/8""#,
        r#""ip_address":"::ffff:203.0.113.9","user_agent":null"#,
        r#""ip_address":[{}],"user_agent":"""#,
        r#""ip_address":"203.0.113.999","user_agent":{"a":1}"#,
        r#""address":"203.0.113.9""#,
    ];
    let rows: Vec<String> =
        (1..).zip(fields).map(|(id, fields)| format!(r#"{{"id":{id},"user_id":2,{fields}}}"#)).collect();
    let stranger = r#"{"id":9,"user_id":3,"ip_address":"203.0.113.9"}"#;
    let body = format!(r#"{{"sessions":[{},{stranger}],"meta":{{"has_more":false}}}}"#, rows.join(","));
    let bench = Bench::new(move |_, _| answer(200, &body));
    let whole = bench.list();
    assert_eq!((whole.rows.len(), whole.trouble), (6, None));
    let told = |listing: &Listing| {
        let one =
            |place: &RowPlace| (place.session.id.0, place.address.map(|one| one.to_string()), place.agent.clone());
        listing.places.iter().map(one).collect::<Vec<_>>()
    };
    let address = || Some("203.0.113.9".to_owned());
    let own = vec![(1, address(), Some("curl/8".into())), (2, address(), None)];
    let of_person = run(bench.zendesk.sessions_of(user(2), Purpose::Act));
    assert_eq!((told(&of_person), of_person.rows.len()), (own, 5), "a stranger's row tells nothing of this person");
}

/// A page by number of rows with these ids.
fn numbered(ids: std::ops::RangeInclusive<u64>, next: &str, count: u64) -> (u16, String) {
    let rows: Vec<String> = ids.map(|id| format!(r#"{{"id":{id},"user_id":2}}"#)).collect();
    (200, format!(r#"{{"sessions":[{}],"next_page":{next},"previous_page":null,"count":{count}}}"#, rows.join(",")))
}

#[test]
fn pages_by_number_are_followed_to_the_end_of_what_zendesk_shows() {
    #[track_caller]
    fn check(pages: Vec<(u16, String)>, asked: &[&str], rows: usize, partial: Option<&str>) {
        let pages: Vec<(u16, &'static str)> = pages.into_iter().map(|(status, body)| (status, &*body.leak())).collect();
        check_listing(pages.leak(), asked, rows, partial);
    }
    let first = "page[size]=100";
    let to = |page: u64| format!(r#""https://evil.example/api/v2/sessions.json?page={page}&per_page=100""#);
    let second = "page=2&per_page=100";
    check(vec![numbered(1..=100, "null", 100)], &[first], 100, None);
    let both = |last| vec![numbered(1..=100, &to(2), 150), numbered(last, "null", 150)];
    check(both(101..=150), &[first, second], 150, None);
    // A row that moved on shows twice; one that moved up is never shown.
    check(both(100..=150), &[first, second], 151, None);
    check(both(102..=150), &[first, second], 149, Some("of 150 rows it showed 149"));
    check(vec![numbered(1..=3, "null", 5)], &[first], 3, Some("of 5 rows it showed 3"));
    check(vec![numbered(1..=100, &to(2), 200)], &[first, second], 200, Some("named twice"));
    check(vec![numbered(1..=3, r#""?a b""#, 3)], &[first], 0, Some("no address"));
    let deep = r#"{"errors":[{"code":"InvalidPaginationDepth","title":"Page range invalid","detail":"too deep"}]}"#;
    let cut = vec![numbered(1..=100, &to(2), 20_000), (400, deep.to_owned())];
    let why =
        "does not show the rest: pages by number end after 10,000 rows: InvalidPaginationDepth: Page range invalid";
    check(cut, &[first, second], 100, Some(why));
    check(vec![(400, deep.to_owned())], &[first], 0, Some(why));
    check(vec![(400, "bad request".to_owned())], &[first], 0, Some("status 400: bad request"));
}

#[test]
fn a_row_that_is_no_proper_json_costs_itself_and_not_its_page() {
    for row in [r#"{"id":1,"id":2}"#, r#"{"id":1,"x":1e999}"#, r#"{"id":1,"authenticated_at":"\ud800"}"#] {
        let page = format!(r#"{{"sessions":[{{"id":5}},{row},{{"id":7}}],"meta":{{"has_more":false}}}}"#);
        let listing = Bench::new(move |_, _| answer(200, &page)).list();
        let (ids, cut) = (listing.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), listing.trouble);
        // A field that nobody asks for is read past.
        let expected = if row.contains("1e999") { vec![5, 1, 7] } else { vec![5, 7] };
        assert_eq!(ids, expected, "{row}");
        assert_eq!(cut.is_some(), expected.len() == 2, "{cut:?}");
    }
    let broken = r#"{"sessions":[{"id":5},{"id":6,}],"meta":{"has_more":false}}"#;
    assert!(matches!(Bench::new(move |_, _| answer(200, broken)).list().trouble, Some(Trouble::Nonsense(_))));
}

#[test]
fn memberships_hold_who_is_in_which_group_and_say_whether_any_may_be_missing() {
    const FIRST: &str = r#"{"group_memberships":[{"id":8,"user_id":2,"group_id":41},{"id":9,"user_id":2,"group_id":42}],
        "meta":{"has_more":true,"after_cursor":"x"}}"#;
    const LAST: &str = r#"{"group_memberships":[{"id":10,"user_id":3,"group_id":41}],"meta":{"has_more":false}}"#;
    let check = |pages: &'static [(u16, &'static str)], rows: &[(u64, u64)], partial: Option<&str>| {
        let bench = Bench::says(pages);
        let told = run(bench.zendesk.group_memberships(Purpose::Sweep));
        let asked = ["page[size]=100", "page[size]=100&page[after]=x"];
        let asked = asked.map(|query| format!("GET /api/v2/group_memberships?{query} Bearer t"));
        assert_eq!(bench.asked(), asked[..pages.len()]);
        assert_eq!(told.rows.iter().map(|row| (row.user.get(), row.group)).collect::<Vec<_>>(), rows);
        assert_eq!((told.completeness.is_complete(), told.trouble.is_some()), (partial.is_none(), partial.is_some()));
        let why = told.trouble.map(|trouble| trouble.to_string()).unwrap_or_default();
        assert!(why.contains(partial.unwrap_or_default()), "{why}");
    };
    check(&[(200, FIRST), (200, LAST)], &[(2, 41), (2, 42), (3, 41)], None);
    check(&[(200, FIRST), (403, r#"{"error":"no"}"#)], &[(2, 41), (2, 42)], Some("no"));
    for row in
        [r#""user_id":2"#, r#""user_id":2,"group_id":null"#, r#""group_id":41"#, r#""user_id":"x","group_id":41"#]
    {
        let page = format!(r#"{{"group_memberships":[{{"id":8,{row}}}],"meta":{{"has_more":false}}}}"#);
        let told = run(Bench::new(move |_, _| answer(200, &page)).zendesk.group_memberships(Purpose::Sweep));
        assert!(told.rows.is_empty() && told.trouble.unwrap().to_string().contains("1 rows"), "{row}");
    }
}

#[test]
fn roll_holds_todays_staff_and_says_whether_anybody_may_be_missing() {
    const FIRST: &str = r#"{"users":[{"id":2,"role":"agent"},{"id":3,"role":"end-user"}],
        "meta":{"has_more":true,"after_cursor":"x"}}"#;
    const LAST: &str = r#"{"users":[{"id":4,"role":"admin"},{"id":5,"role":"owner"}],"meta":{"has_more":false}}"#;
    let filter = "role[]=agent&role[]=admin&page[size]=100";
    let check = |pages: &'static [(u16, &'static str)], ids: &[u64], partial: Option<&str>| {
        let bench = Bench::says(pages);
        let roll = run(bench.zendesk.staff());
        let asked =
            [filter.to_owned(), format!("{filter}&page[after]=x")].map(|q| format!("GET /api/v2/users?{q} Bearer t"));
        assert_eq!(bench.asked(), asked[..pages.len()]);
        assert_eq!(roll.people.iter().map(|person| person.id.get()).collect::<Vec<_>>(), ids);
        assert_eq!((roll.date, roll.trouble.is_some()), (Some(now()), partial.is_some()));
        match (roll.completeness, partial) {
            (Completeness::Complete, None) => {}
            (Completeness::Partial(why), Some(part)) => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        }
    };
    check(&[(200, FIRST), (200, LAST)], &[2, 4, 5], None);
    check(&[(200, FIRST), (403, r#"{"error":"no"}"#)], &[2], Some("no"));
    check(&[(200, r#"{"users":[{"id":2},{"id":"x"}]}"#)], &[2], Some("1 rows"));
}

#[test]
fn oauth_tokens_are_listed_page_by_page_and_nothing_that_opens_anything_is_read() {
    const FIRST: &str = r#"{"tokens":[{"id":1,"user_id":2,"client_id":3,"token":"s3cret-letters","full_token":"s3cret-whole",
        "refresh_token":"s3cret-again","scopes":["read","a\u001b[2Jb"],"created_at":"2026-01-01T00:00:00Z",
        "used_at":"2026-01-02T00:00:00Z","expires_at":null}],"meta":{"has_more":true,"after_cursor":"b"}}"#;
    const LAST: &str = r#"{"tokens":[{"id":2,"user_id":7,"scopes":null}],"meta":{"has_more":false}}"#;
    let bench = Bench::says(&[(200, FIRST), (200, LAST)]);
    let tokens = run(bench.zendesk.oauth_tokens()).expect("listed").value;
    let paths: Vec<_> = bench.asked().into_iter().map(|one| one.split(' ').nth(1).unwrap().to_owned()).collect();
    assert!(paths.iter().all(|path| path.starts_with("/api/v2/oauth/tokens?all=true&")), "{paths:?}");
    assert_eq!((paths.len(), tokens.len(), tokens[0].client, tokens[1].client), (2, 2, Some(3), None));
    assert_eq!(tokens[0].scopes, ["read", "a\\u{1b}[2Jb"]);
    let shown = format!("{tokens:?}");
    assert!(!shown.contains("s3cret") && shown.contains("2026-01-02T00:00:00Z"), "{shown}");
    // Whose it is must be said, and a list with gaps is none.
    for body in [r#"{"tokens":[{"id":1}],"meta":{"has_more":false}}"#, MORE] {
        assert!(run(Bench::new(move |_, _| answer(200, body)).zendesk.oauth_tokens()).is_err(), "{body}");
    }
    let refused = run(Bench::says(&[(403, r#"{"error":"Forbidden"}"#)]).zendesk.oauth_tokens());
    assert!(matches!(refused, Err(Trouble::Denied { .. })), "{refused:?}");
}
