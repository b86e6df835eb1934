//! What lines mean in each format, what becomes of files that grow, move and shrink, and what may be claimed of both.

mod formats;
mod hostile;
mod standing;
mod tail;

use jiff::SignedDuration;

use super::*;
use crate::config::{FeedFormat, FeedSettings, JsonPath, Mapping, PersonIs, Where};
use crate::model::Act;

fn okta() -> FeedFormat {
    FeedFormat::Okta { app: "Zendesk".to_owned() }
}

fn path(text: &str) -> JsonPath {
    JsonPath::new(text).unwrap()
}

/// Short lines, as in `{"t":1770000000,"p":"ada@example.com","ip":"192.0.2.1"}`.
fn mapping() -> Mapping {
    Mapping {
        time: path("t"),
        person: path("p"),
        person_is: PersonIs::Email,
        address: Some(path("net.ip")),
        agent: Some(path("ua")),
        act: Act::SignIn,
        only: None,
    }
}

fn settings(format: FeedFormat) -> FeedSettings {
    FeedSettings {
        file: "feed.jsonl".into(),
        format,
        late: SignedDuration::from_mins(1),
        older_than_max: SignedDuration::from_hours(1),
    }
}

/// A sign-in into Zendesk in each format, as it is delivered.
const OKTA: &str = include_str!("../../../fuzz/seeds/feeds/okta.jsonl").trim_ascii_end();
const ENTRA: &str = include_str!("../../../fuzz/seeds/feeds/entra.jsonl").trim_ascii_end();
const GOOGLE: &str = include_str!("../../../fuzz/seeds/feeds/google.jsonl").trim_ascii_end();
const KEYCLOAK: &str = include_str!("../../../fuzz/seeds/feeds/keycloak.jsonl").trim_ascii_end();
