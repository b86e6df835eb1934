//! Each format with its own lines: sign-ins, failures, other applications, what is missing and what is wrong.

use super::*;

const UNTOLD: &str = "fault: it does not tell whether it is a sign-in into Zendesk";

/// What the line means: `person act instant address agent`, `skipped`, or its fault.
fn read(format: &FeedFormat, line: &str) -> String {
    let row = match row_of(format, line.as_bytes()) {
        Err(what) => return format!("fault: {what}"),
        Ok(None) => return "skipped".to_owned(),
        Ok(Some(row)) => row,
    };
    let person = match row.person {
        PersonKey::Email(email) => email,
        PersonKey::ExternalId(id) => format!("external:{id}"),
        PersonKey::Subject(id) => format!("subject:{id}"),
    };
    let address = row.address.map_or("-".to_owned(), |address| address.to_string());
    let agent = row.agent.as_deref().unwrap_or("-").to_owned();
    format!("{person} {} {} {address} {agent}", row.act.word(), row.at)
}

/// The line with parts replaced: each change, and what the line means then.
fn check(format: &FeedFormat, line: &str, changes: &[(&str, &str, &str)]) {
    for (old, new, wanted) in changes {
        assert!(line.contains(old), "{old}");
        assert_eq!(read(format, &line.replace(old, new)), *wanted, "{old} -> {new}");
    }
}

#[test]
fn oktas_single_sign_ons_into_zendesk_are_sign_ins() {
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let wanted = format!("ada@example.com sign-in 2026-11-23T12:00:00.123Z 192.0.2.7 {AGENT}");
    let without = |what: &str| wanted.replace(what, "-");
    let nowhere = without("192.0.2.7");
    check(
        &okta(),
        OKTA,
        &[
            ("Zendesk", "Zendesk", wanted.as_str()),
            ("\"displayName\":\"Zendesk\"", "\"displayName\":\"ZENDESK\"", &wanted),
            ("Support desk", "zendesk production", &wanted),
            ("\"displayName\":\"Zendesk\"", "\"displayName\":\"Slack\"", "skipped"),
            ("\"displayName\":\"Zendesk\"", "\"displayName\":null", "skipped"),
            ("\"Support desk\",\"displayName\":\"Zendesk\"", "null", UNTOLD),
            ("AppInstance", "Rule", "skipped"),
            ("\"type\":\"AppInstance\",", "", UNTOLD),
            ("\"target\":[", "\"target\":null,\"x\":[", UNTOLD),
            ("\"target\":[", "\"target\":[],\"x\":[", "skipped"),
            ("SUCCESS", "FAILURE", "skipped"),
            ("\"result\":\"SUCCESS\",", "", UNTOLD),
            ("user.authentication.sso", "user.session.start", "skipped"),
            ("\"eventType\"", "\"x\"", UNTOLD),
            // What rules a line out does so whatever else is missing.
            (
                "\"outcome\":{\"result\":\"SUCCESS\",\"reason\":null},\"published\":",
                "\"outcome\":{\"result\":\"DENY\"},\"x\":",
                "skipped",
            ),
            ("Ada@Example.com", "ada", "fault: its person is no e-mail address"),
            ("\"Ada@Example.com\"", "17", "fault: its person is no e-mail address"),
            ("\"Ada@Example.com\"", "null", "fault: it names no person"),
            ("\"published\"", "\"x\"", "fault: it has no time"),
            ("192.0.2.7", "192.0.2.7:443", "fault: its address is none"),
            ("\"192.0.2.7\"", "[\"192.0.2.7\"]", "fault: its address is no text"),
            ("\"192.0.2.7\"", "null", &nowhere),
            ("\"192.0.2.7\"", "\"\"", &nowhere),
            ("\"rawUserAgent\"", "\"x\"", &without(AGENT)),
        ],
    );
}

#[test]
fn entras_sign_ins_into_zendesk_are_read_from_both_exports() {
    let wanted = "ada@example.com sign-in 2026-11-23T12:00:00.0729893Z 2001:db8::7 Mozilla/5.0";
    let format = FeedFormat::Entra { app: "Zendesk".to_owned() };
    check(
        &format,
        ENTRA,
        &[
            ("SignInLogs", "SignInLogs", wanted),
            ("SignInLogs", "NonInteractiveUserSignInLogs", wanted),
            ("SignInLogs", "AuditLogs", "skipped"),
            ("SignInLogs", "ServicePrincipalSignInLogs", "skipped"),
            ("\"errorCode\":0", "\"errorCode\":\"0\"", wanted),
            ("\"errorCode\":0", "\"errorCode\":50126", "skipped"),
            ("\"errorCode\":0", "\"errorCode\":0.0", UNTOLD),
            ("\"errorCode\":0,", "", UNTOLD),
            ("\"appDisplayName\":\"zendesk production\"", "\"appDisplayName\":\"Salesforce\"", "skipped"),
            ("\"appDisplayName\":\"zendesk production\"", "\"appDisplayName\":null", UNTOLD),
            ("\"createdDateTime\"", "\"x\"", "fault: it has no time"),
            ("+01:00", "", "fault: its time is neither an instant with its offset nor a whole number since 1970"),
            ("Ada@Example.com", "a@b@c", "fault: its person is no e-mail address"),
        ],
    );
    let graph = ENTRA.split_once("\"properties\":").unwrap().1.strip_suffix('}').unwrap();
    assert_eq!(read(&format, graph), wanted);
}

#[test]
fn googles_saml_log_has_sign_ins_and_its_login_log_has_none() {
    let wanted = "ada@example.com sign-in 2026-11-23T12:00:00.123Z 192.0.2.7 -";
    let format = FeedFormat::GoogleWorkspace { app: "Zendesk".to_owned() };
    let two = "\"events\":[{\"type\":\"login\",\"name\":\"login_failure\",\"parameters\":[{\"name\":\"application_name\",\
               \"value\":\"Zendesk\"}]},";
    check(
        &format,
        GOOGLE,
        &[
            ("saml\"", "saml\"", wanted),
            ("\"events\":[", two, wanted),
            ("\"applicationName\":\"saml\"", "\"applicationName\":\"login\"", "skipped"),
            ("\"applicationName\":\"saml\",", "", UNTOLD),
            ("login_success", "login_failure", "skipped"),
            ("\"value\":\"Zendesk\"", "\"value\":\"Slack\"", "skipped"),
            ("\"value\":\"Zendesk\"", "\"multiValue\":[]", UNTOLD),
            ("application_name", "app", UNTOLD),
            ("\"events\"", "\"x\"", UNTOLD),
            ("\"events\":[", "\"events\":[],\"x\":[", "skipped"),
            ("\"email\"", "\"x\"", "fault: it names no person"),
            ("::ffff:192.0.2.7", "fe80::1%eth0", "fault: its address is none"),
        ],
    );
}

#[test]
fn keycloaks_logins_at_the_client_are_sign_ins() {
    let wanted = "ada@example.com sign-in 2026-11-23T12:00:00.123Z 192.0.2.7 -";
    let by_id = wanted.replace("ada@example.com", "subject:3f6c-11");
    let format = FeedFormat::Keycloak { app: "zendesk".to_owned() };
    check(
        &format,
        KEYCLOAK,
        &[
            ("\"LOGIN\"", "\"LOGIN\"", wanted),
            ("\"LOGIN\"", "\"LOGIN_ERROR\"", "skipped"),
            ("\"LOGIN\"", "null", UNTOLD),
            ("\"type\":\"LOGIN\"", "\"operationType\":\"UPDATE\"", "skipped"),
            ("\"clientId\":\"zendesk\"", "\"clientId\":\"zendesk-eu\"", "skipped"),
            ("\"clientId\":", "\"x\":", UNTOLD),
            ("\"username\":\"ada@example.com\"", "\"username\":\"ada\"", &by_id),
            ("\"username\":\"ada@example.com\"", "\"username\":7", &by_id),
            ("\"userId\"", "\"x\"", wanted),
        ],
    );
    let nobody = KEYCLOAK.replace("\"userId\"", "\"x\"").replace("\"username\"", "\"y\"");
    assert_eq!(read(&format, &nobody), "fault: it names no person");
}

#[test]
fn a_mapping_reads_what_the_operator_says() {
    let only =
        Where { path: path("events.0.kind"), values: vec!["login".to_owned(), "7".to_owned(), "true".to_owned()] };
    let format =
        FeedFormat::Mapping(Mapping { person: path("user.mail"), act: Act::Use, only: Some(only), ..mapping() });
    let line = concat!(
        r#"{"t":"2026-11-23T12:00:00Z","user":{"mail":"ada@example.com"},"#,
        r#""net":{"ip":"192.0.2.7"},"ua":"curl/8","events":[{"kind":"login"}]}"#
    );
    let wanted = "ada@example.com use 2026-11-23T12:00:00Z 192.0.2.7 curl/8";
    check(
        &format,
        line,
        &[
            ("login", "login", wanted),
            ("\"login\"", "7", wanted),
            ("\"login\"", "true", wanted),
            ("\"login\"", "false", "skipped"),
            ("\"login\"", "null", "skipped"),
            ("[{\"kind\":\"login\"}]", "[]", "skipped"),
            ("[{\"kind\":\"login\"}]", "{\"0\":{\"kind\":\"login\"}}", wanted),
            ("\"2026-11-23T12:00:00Z\"", "1795435200", wanted),
            ("\"2026-11-23T12:00:00Z\"", "1795435200000", wanted),
            ("{\"mail\":\"ada@example.com\"}", "\"ada@example.com\"", "fault: it names no person"),
            ("\"net\"", "\"x\"", "ada@example.com use 2026-11-23T12:00:00Z - curl/8"),
            ("\"curl/8\"", "{}", "fault: its agent is no text"),
        ],
    );
    for time in ["1.5", "-1", "1795435200000000", "18446744073709551615", "\"1795435200\"", "\"2026-11-23\"", "true"] {
        let line = line.replace("\"2026-11-23T12:00:00Z\"", time);
        let wanted = "fault: its time is neither an instant with its offset nor a whole number since 1970";
        assert_eq!(read(&format, &line), wanted, "{time}");
    }
}

#[test]
fn a_mapping_may_name_people_by_ids() {
    let by = |person_is, id: &str| {
        let format = FeedFormat::Mapping(Mapping { person_is, ..mapping() });
        read(&format, &format!("{{\"t\":1,\"p\":{id}}}"))
    };
    assert_eq!(by(PersonIs::ExternalId, "\" E-7 \""), "external:E-7 sign-in 1970-01-01T00:00:01Z - -");
    assert_eq!(by(PersonIs::ExternalId, "35436"), "external:35436 sign-in 1970-01-01T00:00:01Z - -");
    assert_eq!(by(PersonIs::Subject, "\"00u1\""), "subject:00u1 sign-in 1970-01-01T00:00:01Z - -");
    assert_eq!(by(PersonIs::Subject, "\"  \""), "fault: it names no person");
    for id in ["1.5", "-3", "{}", "[1]", "true"] {
        assert_eq!(by(PersonIs::Subject, id), "fault: its person is neither a text nor a whole number", "{id}");
    }
    let long = format!("\"{}\"", "x".repeat(256));
    for id in [long.as_str(), "\"a\\u0000b\"", "\"a\\u001b[2Jb\""] {
        assert_eq!(by(PersonIs::ExternalId, id), "fault: its person's id is too long, or has control characters in it");
    }
}

#[test]
fn what_is_no_object_is_no_row_and_a_mark_before_it_does_not_matter() {
    for line in ["[]", "null", "ada@example.com", "{", "{\"t\":1}{\"t\":2}", &format!("[{OKTA}]"), &"[".repeat(100_000)]
    {
        assert_eq!(read(&okta(), line), "fault: it is not one JSON object");
    }
    let deep = format!("{{\"target\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(&okta(), &deep), "fault: it is not one JSON object");
    assert!(read(&okta(), &format!("\u{feff}{OKTA}\r\n")).starts_with("ada@example.com"));
    assert_eq!(row_of(&okta(), b"{\"eventType\":\"\xff\"}"), Err("it is not one JSON object"));
}

#[test]
fn agents_are_cut_where_nobody_reads_on() {
    let line = format!("{{\"t\":1,\"p\":\"a@b.c\",\"ua\":\"{}\"}}", "é".repeat(100_000));
    let row = row_of(&FeedFormat::Mapping(mapping()), line.as_bytes()).unwrap().unwrap();
    assert_eq!(row.agent.unwrap().len(), crate::clients::AGENT_BYTES_MAX);
}
