//! People: their records, and every way to ask for them.

use super::*;

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
    let strange = Person { external_id: foreign("7"), ..Person::blank(user(3), now()) };
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
fn another_systems_ids_find_their_people() {
    let ask = |ids: &[&str], body: &'static str| {
        let bench = Bench::new(move |_, _| answer(200, body));
        let found = run(bench.zendesk.people_by_external_id(ids, Purpose::Sweep));
        (found.map(|dated| dated.value.iter().map(|person| person.id.get()).collect::<Vec<_>>()), bench.asked())
    };
    let body = r#"{"users":[{"id":2,"external_id":"HR-1","active":false},{"id":3,"external_id":"hr-1"},
        {"id":4,"external_id":77},{"id":5,"external_id":"other"},{"id":6}],"next_page":null,"count":5}"#;
    let (found, asked) = ask(&["hr-1", "77", "a&b ü"], body);
    assert_eq!(found, Ok(vec![2, 3, 4]));
    let path = "/api/v2/users/show_many?external_ids=hr-1,77,a%26b%20%C3%BC&include_deleted=true";
    assert_eq!(asked, [format!("GET {path} Bearer t")]);
    let many: Vec<String> = (0..=PEOPLE_PER_CALL_MAX).map(|id| id.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "x".repeat(6_200);
    for ids in [&[][..], &many, &["a,b"], &[""], &[" "], &[long.as_str()]] {
        let (found, asked) = ask(ids, body);
        assert!(matches!(found, Err(Trouble::Nonsense(_))) && asked.is_empty(), "{ids:?}");
    }
    assert!(ask(&many[1..], body).0.is_ok());
    // Whom it cannot read may be whom it was asked for.
    assert!(matches!(ask(&["a"], r#"{"users":[{"id":"x"}]}"#).0, Err(Trouble::Nonsense(_))));
}

#[test]
fn changed_users_are_read_from_where_an_earlier_answer_stopped() {
    let check = |from: UsersFrom<'_>, body: &str, query: &str, expected: Result<(&[u64], usize, &str, bool), &str>| {
        let body = body.to_owned();
        let bench = Bench::new(move |_, _| answer(200, &body));
        let told = run(bench.zendesk.changed_users(from));
        assert_eq!(bench.asked(), [format!("GET /api/v2/incremental/users/cursor?{query} Bearer t")]);
        match (told, expected) {
            (Ok(Dated { value: told, date }), Ok((ids, unread, cursor, end))) => {
                assert_eq!(told.people.iter().map(|person| person.id.get()).collect::<Vec<_>>(), ids);
                assert_eq!((told.unread, told.cursor.as_str(), told.end_of_stream, date), (unread, cursor, end, now()));
            }
            (Err(trouble), Err(part)) => assert!(trouble.to_string().contains(part), "{trouble}"),
            other => panic!("{other:?}"),
        }
    };
    let start = UsersFrom::Start("2026-11-23T20:00:00.9Z".parse().unwrap());
    let some = |cursor: &str, end: &str| {
        format!(
            r#"{{"users":[{{"id":2}},{{"id":3}},7,{{"id":2,"name":"b"}}],"after_cursor":{cursor},
            "after_url":"https://evil.example/api/v2/incremental/users/cursor?cursor=stolen","end_of_stream":{end}}}"#
        )
    };
    let none = |cursor: &str, end: &str| format!(r#"{{"users":[],"after_cursor":{cursor},"end_of_stream":{end}}}"#);
    let since = "start_time=1795464000";
    check(start, &some(r#""MTU=""#, "false"), since, Ok((&[2, 3, 2], 1, "MTU=", false)));
    check(UsersFrom::Cursor("MTU=&x"), &none(r#""n""#, "true"), "cursor=MTU%3D%26x", Ok((&[], 0, "n", true)));
    check(UsersFrom::Cursor("c"), &none("null", "true"), "cursor=c", Ok((&[], 0, "c", true)));
    check(UsersFrom::Cursor("c"), &none("null", "false"), "cursor=c", Err("where the stream goes on"));
    check(UsersFrom::Cursor("c"), &some("null", "true"), "cursor=c", Err("where the stream goes on"));
    check(start, &none(r#""""#, "true"), since, Err("where the stream goes on"));
    check(start, &none(&format!("\"{}\"", "c".repeat(4_097)), "true"), since, Err("too long"));
    check(start, &none(r#""n""#, "null"), since, Err("whether the stream ends"));
    check(start, "{}", since, Err("no array"));
}

#[test]
fn a_sweep_stays_off_the_reserve_and_an_act_does_not() {
    let left = |purpose| {
        let budget = BudgetLimits { requests_per_minute_max: 10, part_of_limit_max_percent: 100, reserve_percent: 50 };
        let bench = Bench::within(Credential::Token("t".into()), budget, |_, _| answer(200, r#"{"users":[]}"#));
        let asked = |_: &i32| run(bench.zendesk.people(&[user(2)], purpose)).is_ok() && bench.waited().is_zero();
        (0..20).take_while(asked).count()
    };
    assert_eq!((left(Purpose::Sweep), left(Purpose::Act)), (5, 10));
}
