//! Lines of feeds, in each of their formats: what is read of a line is in bounds and harmless to compare.

use evictd::clients::AGENT_BYTES_MAX;
use evictd::config::{FeedFormat, JsonPath, Mapping, PersonIs, Where};
use evictd::feeds::{PersonKey, row_of};
use evictd::model::Act;

/// The bytes as lines, each read in every format.
pub fn survives(bytes: &[u8]) {
    let app = || "zendesk".to_owned();
    let path = |text| JsonPath::new(text).unwrap();
    let mapping = |person_is| Mapping {
        time: path("time"),
        person: path("user.id"),
        person_is,
        address: Some(path("ip")),
        agent: Some(path("agents.0")),
        act: Act::Use,
        only: Some(Where { path: path("event"), values: vec!["login".to_owned(), "1".to_owned()] }),
    };
    let mut formats = vec![
        FeedFormat::Okta { app: app() },
        FeedFormat::Entra { app: app() },
        FeedFormat::GoogleWorkspace { app: app() },
        FeedFormat::Keycloak { app: app() },
    ];
    formats.extend(PersonIs::ALL.iter().map(|person_is| FeedFormat::Mapping(mapping(*person_is))));
    for line in bytes.split(|byte| *byte == b'\n') {
        for format in &formats {
            let Ok(Some(row)) = row_of(format, line) else { continue };
            let (PersonKey::Email(name) | PersonKey::ExternalId(name) | PersonKey::Subject(name)) = &row.person;
            assert!((1..=255).contains(&name.len()), "{row:?}");
            assert!(!name.chars().any(char::is_control), "{row:?}");
            assert!(row.agent.as_ref().is_none_or(|agent| agent.len() <= AGENT_BYTES_MAX), "{row:?}");
            assert_eq!(row.address, row.address.map(|address| address.to_canonical()), "{row:?}");
            assert_eq!(row.act, format.tells());
        }
    }
}
