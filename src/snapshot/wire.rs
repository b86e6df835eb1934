//! The snapshot's JSON document: its own structs, and how a snapshot becomes them.
//!
//! Ids are strings and instants RFC 3339 in full precision, since other readers may hold numbers as doubles. Unknown
//! keys are errors: a world written by hand must not lose a misspelt field silently.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::model::{
    Completeness, Ended, Foreign, ListStanding, ListTrouble, Listed, Person, Roster, Scope, Session, Traces,
};

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
    #[serde(default = "everyone")]
    pub(super) scope: String,
    /// People whose own listing was cut short, and by what.
    #[serde(default)]
    pub(super) cut_short: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) people_as_of: Option<String>,
    #[serde(default)]
    pub(super) roster_of_week: Option<BTreeMap<String, usize>>,
    #[serde(default)]
    pub(super) lists: BTreeMap<String, WireList>,
    #[serde(default)]
    pub(super) listed: BTreeMap<String, Vec<WireListed>>,
    #[serde(default)]
    pub(super) traces: BTreeMap<String, WireTraces>,
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
pub(super) struct WireList {
    pub(super) digest: Option<String>,
    pub(super) rows: usize,
    pub(super) pending: usize,
    pub(super) unmatched: usize,
    pub(super) ambiguous: usize,
    pub(super) unasked: usize,
    pub(super) unreadable: usize,
    pub(super) faults: Vec<String>,
    /// Null while the list can be used.
    pub(super) unknown: Option<WireTrouble>,
    pub(super) accepted_by: Option<String>,
    /// Rows added and removed; null if nothing changed.
    pub(super) change: Option<(usize, usize)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTrouble {
    pub(super) cause: String,
    pub(super) why: String,
    pub(super) help: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireListed {
    pub(super) list: String,
    pub(super) since: String,
    pub(super) as_of: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTraces {
    pub(super) admin_at: Option<String>,
    pub(super) agent_at: Option<String>,
    pub(super) deleted_since: Option<String>,
    pub(super) suspended_since: Option<String>,
    pub(super) staff_lost_since: Option<String>,
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

/// The only scope there was before it stood in the document.
fn everyone() -> String {
    Scope::Everyone.word().to_owned()
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
            scope: snapshot.scope.word().to_owned(),
            cut_short: snapshot.cut.iter().map(|(user, why)| (user.to_string(), why.clone())).collect(),
            people_as_of: texts(snapshot.people_as_of),
            roster_of_week: snapshot.roster.as_ref().map(wire_roster),
            lists: snapshot.lists.iter().map(|(name, list)| (name.clone(), list.into())).collect(),
            listed: snapshot
                .listed
                .iter()
                .map(|(user, listed)| (user.to_string(), listed.iter().map(WireListed::from).collect()))
                .collect(),
            traces: snapshot.traces.iter().map(|(user, traces)| (user.to_string(), traces.into())).collect(),
            own: snapshot.own.to_string(),
            pause: snapshot.pause.as_ref().map(|pause| WirePause { until: texts(pause.until) }),
            protected: WireProtected {
                people: snapshot.protected.people.iter().map(ToString::to_string).collect(),
                unresolved: snapshot.protected.unresolved.iter().map(|entry| entry.raw().to_owned()).collect(),
            },
            roster: history.roster.as_ref().map(wire_roster),
            ended: history.ended.iter().map(WireEnded::from).collect(),
            unread: snapshot.unread.iter().map(|(user, why)| (user.to_string(), why.word().to_owned())).collect(),
            people: snapshot.people.values().map(|person| WirePerson::from(&**person)).collect(),
            sessions: snapshot.sessions.iter().map(WireSession::from).collect(),
        }
    }
}

fn wire_roster(roster: &Roster) -> BTreeMap<String, usize> {
    roster.iter().map(|(stratum, people)| (stratum.word().to_owned(), *people)).collect()
}

impl From<&ListStanding> for WireList {
    fn from(list: &ListStanding) -> Self {
        let trouble = |one: &ListTrouble| WireTrouble {
            cause: one.cause.word().to_owned(),
            why: one.why.clone(),
            help: one.help.clone(),
        };
        Self {
            digest: list.digest.clone(),
            rows: list.rows,
            pending: list.pending,
            unmatched: list.unmatched,
            ambiguous: list.ambiguous,
            unasked: list.unasked,
            unreadable: list.unreadable,
            faults: list.faults.clone(),
            unknown: list.unknown.as_ref().map(trouble),
            accepted_by: list.accepted_by.clone(),
            change: list.change.map(|change| (change.added, change.removed)),
        }
    }
}

impl From<&Listed> for WireListed {
    fn from(listed: &Listed) -> Self {
        Self { list: listed.list.to_string(), since: listed.since.to_string(), as_of: listed.as_of.to_string() }
    }
}

impl From<&Traces> for WireTraces {
    fn from(traces: &Traces) -> Self {
        Self {
            admin_at: texts(traces.admin_at),
            agent_at: texts(traces.agent_at),
            deleted_since: texts(traces.deleted_since),
            suspended_since: texts(traces.suspended_since),
            staff_lost_since: texts(traces.staff_lost_since),
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
