//! The snapshot's JSON document: its own structs, and how a snapshot becomes them.
//!
//! Ids are strings and instants RFC 3339 in full precision, since other readers may hold numbers as doubles. Unknown
//! keys are errors: a world written by hand must not lose a misspelt field silently. Rows of sessions and people leave
//! out what they do not have; there may be a million, so they are written straight from the snapshot, one at a time.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::Snapshot;
use super::wire_history::{WireEnded, WireHabit, WireHold, WireRest};
use super::wire_places::{WireBygone, WireDatabase, WirePlace, WireSighting, WireSource, address_of};
use super::wire_tokens::WireTokens;
use super::wire_watch::{WireNeighbours, WireUsual};
use crate::model::{
    Cause, Completeness, Country, Foreign, ListStanding, ListTrouble, Listed, Person, Place, Roster, Scope, Session,
    Traces, UserId,
};

/// The schema that is written and read here.
pub(super) const SCHEMA: u64 = 1;

/// What the document says it is.
pub(super) const KIND: &str = "evictd-snapshot";

/// Of the document, what stands about addresses.
#[derive(Deserialize)]
pub(super) struct Places {
    #[serde(default)]
    places: BTreeMap<String, WirePlace>,
}

impl Places {
    pub(super) fn countries(self) -> Result<BTreeMap<IpAddr, Option<Country>>, String> {
        let country = |(address, wire): (String, WirePlace)| {
            let place = Place::try_from(wire)?;
            Ok((address_of("places", &address)?, place.country.ok().map(|found| found.value)))
        };
        self.places.into_iter().map(country).collect()
    }
}

/// The document, with its rows as they are read.
pub(super) type Read = Document<Vec<WirePerson<String>>, Vec<WireSession<String>>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document<P, S> {
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
    /// People looked at, of a look; left out of a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) looked: Option<Vec<String>>,
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
    /// Left out while nobody asks for groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<WireGroups>,
    pub(super) own: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoker: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<WireTokens>,
    pub(super) pause: Option<WirePause>,
    pub(super) protected: WireProtected,
    pub(super) roster: Option<BTreeMap<String, usize>>,
    pub(super) ended: Vec<WireEnded>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) rests: BTreeMap<String, WireRest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) habits: Vec<WireHabit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) holds: Vec<WireHold>,
    pub(super) unread: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) sources: BTreeMap<String, WireSource>,
    #[serde(default)]
    pub(super) databases: Vec<WireDatabase>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) databases_unasked: Vec<String>,
    #[serde(default)]
    pub(super) places: BTreeMap<String, WirePlace>,
    #[serde(default)]
    pub(super) sightings: Vec<WireSighting>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) hearsay: Vec<WireSighting>,
    #[serde(default, skip_serializing_if = "WireNeighbours::is_empty")]
    pub(super) neighbours: WireNeighbours,
    #[serde(default, skip_serializing_if = "WireUsual::is_empty")]
    pub(super) usual: WireUsual,
    #[serde(default)]
    pub(super) bygone: BTreeMap<String, WireBygone>,
    pub(super) people: P,
    pub(super) sessions: S,
}

/// The ids of each person's groups, or the cause for which they are not known.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum WireGroups {
    Known(BTreeMap<String, Vec<String>>),
    Unknown(String),
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

/// A row of the listing; `T` is a text, as it is read or as it is to be shown.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSession<T> {
    pub(super) id: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authenticated_at: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_seen_at: Option<T>,
    pub(super) seen: T,
}

/// A record; `T` as above.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePerson<T> {
    pub(super) id: T,
    pub(super) seen: T,
    pub(super) name: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_type: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom_role_id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suspended: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) two_factor: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat_only: Option<bool>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organization_id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<T>,
}

/// A text that is not made before it is written.
pub(super) enum Shown<'s> {
    Text(&'s str),
    Value(&'s dyn Display),
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => into.serialize_str(text),
            Self::Value(value) => into.collect_str(value),
        }
    }
}

/// People, written one after the other.
pub(super) struct People<'s>(&'s BTreeMap<UserId, Arc<Person>>);

impl Serialize for People<'_> {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.collect_seq(self.0.values().map(|person| WirePerson::from(&**person)))
    }
}

/// Sessions, written one after the other.
pub(super) struct Sessions<'s>(&'s [Session]);

impl Serialize for Sessions<'_> {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.collect_seq(self.0.iter().map(WireSession::from))
    }
}

/// The only scope there was before it stood in the document.
fn everyone() -> String {
    Scope::Everyone.word().to_owned()
}

impl<P, S> Document<P, S> {
    pub(super) fn is_ours(&self) -> bool {
        self.schema == SCHEMA && self.kind == KIND
    }
}

impl<'s> From<&'s Snapshot> for Document<People<'s>, Sessions<'s>> {
    fn from(snapshot: &'s Snapshot) -> Self {
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
            looked: snapshot.looked.as_ref().map(|users| users.iter().map(ToString::to_string).collect()),
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
            tokens: snapshot.tokens.as_ref().map(WireTokens::from),
            revoker: snapshot.revoker.map(|user| user.to_string()),
            pause: snapshot.pause.as_ref().map(|pause| WirePause { until: texts(pause.until) }),
            protected: WireProtected {
                people: snapshot.protected.people.iter().map(ToString::to_string).collect(),
                unresolved: snapshot.protected.unresolved.iter().map(|entry| entry.raw().to_owned()).collect(),
            },
            groups: wire_groups(&snapshot.groups),
            roster: history.roster.as_ref().map(wire_roster),
            ended: history.ended.iter().map(WireEnded::from).collect(),
            rests: history.rests.iter().map(|(rule, rest)| (rule.to_string(), rest.into())).collect(),
            habits: history.habits.iter().map(WireHabit::of).collect(),
            holds: history.holds.iter().map(WireHold::from).collect(),
            unread: snapshot.unread.iter().map(|(user, why)| (user.to_string(), why.word().to_owned())).collect(),
            sources: snapshot.sources.iter().map(|(name, source)| (name.to_string(), source.into())).collect(),
            databases: snapshot.databases.iter().map(WireDatabase::from).collect(),
            databases_unasked: snapshot.unasked.clone(),
            places: snapshot.places.iter().map(|(address, place)| (address.to_string(), place.into())).collect(),
            sightings: snapshot.sightings.iter().map(WireSighting::from).collect(),
            hearsay: snapshot.hearsay.iter().map(WireSighting::from).collect(),
            neighbours: (&snapshot.neighbours).into(),
            usual: WireUsual::of(&snapshot.usual),
            bygone: snapshot.bygone.iter().map(|(session, known)| (session.to_string(), known.into())).collect(),
            people: People(&snapshot.people),
            sessions: Sessions(&snapshot.sessions),
        }
    }
}

fn wire_groups(groups: &Result<BTreeMap<UserId, Vec<u64>>, Cause>) -> Option<WireGroups> {
    let texts = |ids: &Vec<u64>| ids.iter().map(ToString::to_string).collect();
    match groups {
        Ok(groups) => {
            Some(WireGroups::Known(groups.iter().map(|(user, ids)| (user.to_string(), texts(ids))).collect()))
        }
        Err(Cause::NoSource) => None,
        Err(cause) => Some(WireGroups::Unknown(cause.word().to_owned())),
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

impl<'s> From<&'s Session> for WireSession<Shown<'s>> {
    fn from(session: &'s Session) -> Self {
        Self {
            id: Shown::Value(&session.id),
            user: shown(session.user.as_ref()),
            authenticated_at: shown(session.authenticated_at.as_ref()),
            last_seen_at: shown(session.last_seen_at.as_ref()),
            seen: Shown::Value(&session.seen),
        }
    }
}

impl<'s> From<&'s Person> for WirePerson<Shown<'s>> {
    fn from(person: &'s Person) -> Self {
        let raw = |text: &'s Foreign| Shown::Text(text.raw());
        Self {
            id: Shown::Value(&person.id),
            seen: Shown::Value(&person.seen),
            name: raw(&person.name),
            email: person.email.as_ref().map(raw),
            role: person.role.map(|role| Shown::Text(role.word())),
            role_type: person.role_type.map(|kind| Shown::Text(kind.word())),
            custom_role_id: shown(person.custom_role_id.as_ref()),
            deleted: person.deleted,
            suspended: person.suspended,
            two_factor: person.two_factor,
            verified: person.verified,
            chat_only: person.chat_only,
            tags: person.tags.iter().map(raw).collect(),
            organization_id: shown(person.organization_id.as_ref()),
            external_id: person.external_id.as_ref().map(raw),
        }
    }
}

fn shown<T: Display>(value: Option<&T>) -> Option<Shown<'_>> {
    value.map(|value| Shown::Value(value))
}

fn texts<T: Display>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}
