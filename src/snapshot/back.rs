//! From the snapshot's document back to a snapshot: every error names its field.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use super::wire::{
    Read, WireClocks, WireGroups, WireList, WireListed, WirePause, WirePerson, WireProtected, WireSession, WireTraces,
    WireTrouble,
};
use super::wire_history::{WireEnded, WireHabit, WireHold, WireRest};
use super::wire_places::{WireSighting, address_of};
use super::{Clocks, Protected, Snapshot};
use crate::model::TokensSeen;
use crate::model::{
    AccountName, Cause, Completeness, CycleId, Database, Ended, Foreign, History, Hold, ListChange, ListStanding,
    ListTrouble, Listed, Pause, Person, Rest, Role, RoleType, RuleId, Scope, Session, Sighting, Stratum, Traces,
    UserId,
};

impl TryFrom<Read> for Snapshot {
    type Error = String;

    fn try_from(document: Read) -> Result<Self, String> {
        let mut sessions = all("sessions", document.sessions, Session::try_from)?;
        sessions.sort_by_key(|session| session.id);
        if let Some([twice, _]) = sessions.array_windows().find(|[left, right]| left.id == right.id) {
            return Err(format!("session `{}` is there twice", twice.id));
        }
        let mut people = BTreeMap::new();
        for person in all("people", document.people, Person::try_from)? {
            let id = person.id;
            if people.insert(id, Arc::new(person)).is_some() {
                return Err(format!("person `{id}` is there twice"));
            }
        }
        let unread = document.unread.iter().map(|(user, why)| {
            Ok((read("unread", user)?, word("unread", why, Cause::ALL.iter().copied(), Cause::word)?))
        });
        Ok(Self {
            account: AccountName::new(document.account),
            cycle: CycleId::new(document.cycle),
            now: read("now", &document.now)?,
            clocks: document.clocks.try_into()?,
            listing: document.listing_cut_short.map_or(Completeness::Complete, Completeness::Partial),
            scope: word("scope", &document.scope, Scope::ALL.iter().copied(), Scope::word)?,
            cut: by_user("cut_short", document.cut_short, Ok)?,
            looked: document.looked.as_deref().map(looked).transpose()?,
            people_as_of: maybe("people_as_of", document.people_as_of.as_deref())?,
            traces: by_user("traces", document.traces, Traces::try_from)?,
            groups: document.groups.map_or(Ok(Err(Cause::NoSource)), groups)?,
            lists: document
                .lists
                .into_iter()
                .map(|(name, list)| Ok((name, list.try_into()?)))
                .collect::<Result<_, String>>()?,
            listed: by_user("listed", document.listed, |listed| all("listed", listed, Listed::try_from))?,
            sources: document
                .sources
                .into_iter()
                .map(|(name, source)| Ok((name.into(), source.try_into()?)))
                .collect::<Result<_, String>>()?,
            sightings: sightings("sightings", document.sightings)?,
            hearsay: sightings("hearsay", document.hearsay)?,
            neighbours: document.neighbours.try_into()?,
            usual: document.usual.usual(),
            bygone: document
                .bygone
                .into_iter()
                .map(|(session, known)| Ok((read("bygone", &session)?, known.try_into()?)))
                .collect::<Result<_, String>>()?,
            places: document
                .places
                .into_iter()
                .map(|(address, place)| Ok((address_of("places", &address)?, place.try_into()?)))
                .collect::<Result<_, String>>()?,
            unasked: document.databases_unasked,
            databases: all("databases", document.databases, Database::try_from)?,
            roster: document.roster_of_week.map(roster).transpose()?,
            sessions,
            people,
            unread: unread.collect::<Result<_, String>>()?,
            protected: document.protected.try_into()?,
            own: read("own", &document.own)?,
            tokens: document.tokens.map(TokensSeen::try_from).transpose()?,
            revoker: document.revoker.as_ref().map(|user| read("revoker", user)).transpose()?,
            history: history((document.ended, document.roster), document.rests, document.habits, document.holds)?,
            pause: document.pause.map(Pause::try_from).transpose()?,
        })
    }
}

fn sightings(field: &str, wire: Vec<WireSighting>) -> Result<Vec<Sighting>, String> {
    let mut sightings = all(field, wire, Sighting::try_from)?;
    sightings.sort();
    Ok(sightings)
}

fn looked(users: &[String]) -> Result<BTreeSet<UserId>, String> {
    users.iter().map(|user| read("looked", user)).collect()
}

fn groups(wire: WireGroups) -> Result<Result<BTreeMap<UserId, Vec<u64>>, Cause>, String> {
    let ids = |texts: Vec<String>| texts.iter().map(|text| read("groups", text)).collect();
    match wire {
        WireGroups::Known(groups) => by_user("groups", groups, ids).map(Ok),
        WireGroups::Unknown(why) => word("groups", &why, Cause::ALL.iter().copied(), Cause::word).map(Err),
    }
}

fn history(
    (ended, people): (Vec<WireEnded>, Option<BTreeMap<String, usize>>),
    wire_rests: BTreeMap<String, WireRest>,
    habits: Vec<WireHabit>,
    holds: Vec<WireHold>,
) -> Result<History, String> {
    Ok(History {
        ended: all("ended", ended, Ended::try_from)?,
        roster: people.map(roster).transpose()?,
        rests: rests(wire_rests)?,
        habits: habits.into_iter().map(WireHabit::back).collect::<Result<_, _>>()?,
        holds: all("holds", holds, Hold::try_from)?,
    })
}

fn rests(wire: BTreeMap<String, WireRest>) -> Result<BTreeMap<RuleId, Rest>, String> {
    wire.into_iter().map(|(rule, rest)| Ok((RuleId::new(rule), rest.try_into()?))).collect()
}

fn roster(wire: BTreeMap<String, usize>) -> Result<BTreeMap<Stratum, usize>, String> {
    wire.into_iter().map(|(name, people)| Ok((stratum("roster", &name)?, people))).collect()
}

fn by_user<W, T>(
    field: &str,
    wire: BTreeMap<String, W>,
    convert: impl Fn(W) -> Result<T, String>,
) -> Result<BTreeMap<UserId, T>, String> {
    wire.into_iter().map(|(user, value)| Ok((read(field, &user)?, convert(value)?))).collect()
}

impl TryFrom<WireList> for ListStanding {
    type Error = String;

    fn try_from(wire: WireList) -> Result<Self, String> {
        let trouble = |one: WireTrouble| {
            let cause = word("cause", &one.cause, Cause::ALL.iter().copied(), Cause::word)?;
            Ok::<_, String>(ListTrouble { cause, why: one.why, help: one.help })
        };
        Ok(Self {
            digest: wire.digest,
            rows: wire.rows,
            pending: wire.pending,
            unmatched: wire.unmatched,
            ambiguous: wire.ambiguous,
            unasked: wire.unasked,
            unreadable: wire.unreadable,
            faults: wire.faults,
            unknown: wire.unknown.map(trouble).transpose()?,
            accepted_by: wire.accepted_by,
            change: wire.change.map(|(added, removed)| ListChange { added, removed }),
        })
    }
}

impl TryFrom<WireListed> for Listed {
    type Error = String;

    fn try_from(wire: WireListed) -> Result<Self, String> {
        Ok(Self { list: wire.list.into(), since: read("since", &wire.since)?, as_of: read("as_of", &wire.as_of)? })
    }
}

impl TryFrom<WireTraces> for Traces {
    type Error = String;

    fn try_from(wire: WireTraces) -> Result<Self, String> {
        Ok(Self {
            admin_at: maybe("admin_at", wire.admin_at.as_deref())?,
            agent_at: maybe("agent_at", wire.agent_at.as_deref())?,
            deleted_since: maybe("deleted_since", wire.deleted_since.as_deref())?,
            suspended_since: maybe("suspended_since", wire.suspended_since.as_deref())?,
            staff_lost_since: maybe("staff_lost_since", wire.staff_lost_since.as_deref())?,
        })
    }
}

impl TryFrom<WireClocks> for Clocks {
    type Error = String;

    fn try_from(wire: WireClocks) -> Result<Self, String> {
        Ok(Self {
            host_offset: read("clocks.host_offset", &wire.host_offset)?,
            drift: read("clocks.drift", &wire.drift)?,
            trusted: wire.trusted,
        })
    }
}

impl TryFrom<WirePause> for Pause {
    type Error = String;

    fn try_from(wire: WirePause) -> Result<Self, String> {
        Ok(Self { until: maybe("pause.until", wire.until.as_deref())? })
    }
}

impl TryFrom<WireProtected> for Protected {
    type Error = String;

    fn try_from(wire: WireProtected) -> Result<Self, String> {
        let people: Result<BTreeSet<_>, String> =
            wire.people.iter().map(|user| read("protected.people", user)).collect();
        Ok(Self { people: people?, unresolved: wire.unresolved.into_iter().map(Foreign::new).collect() })
    }
}

impl TryFrom<WireSession<String>> for Session {
    type Error = String;

    fn try_from(wire: WireSession<String>) -> Result<Self, String> {
        Ok(Self {
            id: read("id", &wire.id)?,
            user: maybe("user", wire.user.as_deref())?,
            authenticated_at: maybe("authenticated_at", wire.authenticated_at.as_deref())?,
            last_seen_at: maybe("last_seen_at", wire.last_seen_at.as_deref())?,
            seen: read("seen", &wire.seen)?,
        })
    }
}

impl TryFrom<WirePerson<String>> for Person {
    type Error = String;

    fn try_from(wire: WirePerson<String>) -> Result<Self, String> {
        let role = |text: &str| word("role", text, Role::ALL.iter().copied(), Role::word);
        let role_type = |text: &str| word("role_type", text, RoleType::ALL.iter().copied(), RoleType::word);
        Ok(Self {
            id: read("id", &wire.id)?,
            seen: read("seen", &wire.seen)?,
            name: Foreign::new(wire.name),
            email: wire.email.map(Foreign::new),
            role: wire.role.as_deref().map(role).transpose()?,
            role_type: wire.role_type.as_deref().map(role_type).transpose()?,
            custom_role_id: maybe("custom_role_id", wire.custom_role_id.as_deref())?,
            deleted: wire.deleted,
            suspended: wire.suspended,
            two_factor: wire.two_factor,
            verified: wire.verified,
            chat_only: wire.chat_only,
            tags: wire.tags.into_iter().map(Foreign::new).collect(),
            organization_id: maybe("organization_id", wire.organization_id.as_deref())?,
            external_id: wire.external_id.map(Foreign::new),
        })
    }
}

/// Converts every item; the error says which one it is about.
fn all<W, T>(list: &str, wire: Vec<W>, convert: impl Fn(W) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items = wire.into_iter().enumerate();
    items.map(|(index, item)| convert(item).map_err(|why| format!("{list}[{index}]: {why}"))).collect()
}

pub(super) fn read<T: FromStr>(field: &str, text: &str) -> Result<T, String> {
    text.parse().ok().ok_or_else(|| format!("field `{field}` cannot be `{text}`"))
}

pub(super) fn maybe<T: FromStr>(field: &str, text: Option<&str>) -> Result<Option<T>, String> {
    text.map(|text| read(field, text)).transpose()
}

pub(super) fn stratum(field: &str, text: &str) -> Result<Stratum, String> {
    word(field, text, Stratum::ALL.iter().copied(), Stratum::word)
}

pub(super) fn word<T: Copy>(
    field: &str,
    text: &str,
    mut all: impl Iterator<Item = T>,
    word_of: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    all.find(|one| word_of(*one) == text).ok_or_else(|| format!("field `{field}` cannot be `{text}`"))
}
