//! The snapshot's JSON document: its own structs, and how a snapshot becomes them.
//!
//! Ids are strings and instants RFC 3339 in full precision, since other readers may hold numbers as doubles. Unknown
//! keys are errors: a world written by hand must not lose a misspelt field silently.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::model::{Completeness, Ended, Foreign, Person, Session};

/// The schema that is written and read here.
pub(super) const SCHEMA: u64 = 1;

/// What the document says it is.
pub(super) const KIND: &str = "evictd-snapshot";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) schema: u64,
    pub(super) kind: String,
    pub(super) account: String,
    pub(super) cycle: String,
    pub(super) now: String,
    pub(super) clocks: WireClocks,
    /// Null if the listing is whole, else by what it was cut short.
    pub(super) listing_cut_short: Option<String>,
    pub(super) own: String,
    pub(super) pause: Option<WirePause>,
    pub(super) protected: WireProtected,
    pub(super) roster: Option<BTreeMap<String, usize>>,
    pub(super) ended: Vec<WireEnded>,
    pub(super) unread: BTreeMap<String, String>,
    pub(super) people: Vec<WirePerson>,
    pub(super) sessions: Vec<WireSession>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireClocks {
    pub(super) host_offset: String,
    pub(super) drift: String,
    pub(super) trusted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePause {
    pub(super) until: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireProtected {
    pub(super) people: Vec<String>,
    pub(super) unresolved: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireEnded {
    pub(super) session: String,
    pub(super) user: String,
    pub(super) stratum: String,
    pub(super) rules: Vec<String>,
    pub(super) at: String,
    pub(super) outcome: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSession {
    pub(super) id: String,
    pub(super) user: Option<String>,
    pub(super) authenticated_at: Option<String>,
    pub(super) last_seen_at: Option<String>,
    pub(super) seen: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePerson {
    pub(super) id: String,
    pub(super) seen: String,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) role: Option<String>,
    pub(super) role_type: Option<String>,
    pub(super) custom_role_id: Option<String>,
    pub(super) deleted: Option<bool>,
    pub(super) suspended: Option<bool>,
    pub(super) two_factor: Option<bool>,
    pub(super) verified: Option<bool>,
    pub(super) chat_only: Option<bool>,
    pub(super) tags: Vec<String>,
    pub(super) organization_id: Option<String>,
    pub(super) external_id: Option<String>,
}

impl Document {
    pub(super) fn is_ours(&self) -> bool {
        self.schema == SCHEMA && self.kind == KIND
    }
}

impl From<&Snapshot> for Document {
    fn from(snapshot: &Snapshot) -> Self {
        let history = &snapshot.history;
        Self {
            schema: SCHEMA,
            kind: KIND.to_owned(),
            account: snapshot.account.to_string(),
            cycle: snapshot.cycle.to_string(),
            now: snapshot.now.to_string(),
            clocks: WireClocks {
                host_offset: snapshot.clocks.host_offset.to_string(),
                drift: snapshot.clocks.drift.to_string(),
                trusted: snapshot.clocks.trusted,
            },
            listing_cut_short: match &snapshot.listing {
                Completeness::Complete => None,
                Completeness::Partial(why) => Some(why.clone()),
            },
            own: snapshot.own.to_string(),
            pause: snapshot.pause.as_ref().map(|pause| WirePause { until: texts(pause.until) }),
            protected: WireProtected {
                people: snapshot.protected.people.iter().map(ToString::to_string).collect(),
                unresolved: snapshot.protected.unresolved.iter().map(|entry| entry.raw().to_owned()).collect(),
            },
            roster: history
                .roster
                .as_ref()
                .map(|roster| roster.iter().map(|(stratum, people)| (stratum.word().to_owned(), *people)).collect()),
            ended: history.ended.iter().map(WireEnded::from).collect(),
            unread: snapshot.unread.iter().map(|(user, why)| (user.to_string(), why.word().to_owned())).collect(),
            people: snapshot.people.values().map(WirePerson::from).collect(),
            sessions: snapshot.sessions.iter().map(WireSession::from).collect(),
        }
    }
}

impl From<&Ended> for WireEnded {
    fn from(ended: &Ended) -> Self {
        Self {
            session: ended.session.to_string(),
            user: ended.user.to_string(),
            stratum: ended.stratum.word().to_owned(),
            rules: ended.rules.iter().map(ToString::to_string).collect(),
            at: ended.at.to_string(),
            outcome: ended.outcome.word().to_owned(),
        }
    }
}

impl From<&Session> for WireSession {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            user: texts(session.user),
            authenticated_at: texts(session.authenticated_at),
            last_seen_at: texts(session.last_seen_at),
            seen: session.seen.to_string(),
        }
    }
}

impl From<&Person> for WirePerson {
    fn from(person: &Person) -> Self {
        let raw = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_owned());
        Self {
            id: person.id.to_string(),
            seen: person.seen.to_string(),
            name: person.name.raw().to_owned(),
            email: raw(&person.email),
            role: person.role.map(|role| role.word().to_owned()),
            role_type: person.role_type.map(|kind| kind.word().to_owned()),
            custom_role_id: texts(person.custom_role_id),
            deleted: person.deleted,
            suspended: person.suspended,
            two_factor: person.two_factor,
            verified: person.verified,
            chat_only: person.chat_only,
            tags: person.tags.iter().map(|tag| tag.raw().to_owned()).collect(),
            organization_id: texts(person.organization_id),
            external_id: raw(&person.external_id),
        }
    }
}

fn texts<T: Display>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}
