//! A snapshot that can be given away: whoever reads it learns what was judged, and of whom nothing.
//!
//! What stands for what is `aliases`' business; here every part of a snapshot is gone through, by name, so that a part
//! that is new cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::aliases::{Aliases, alias, is_private};
use super::{Neighbours, Protected, Snapshot};
use crate::address::prefix_of;
use crate::model::{
    AccountName, Cause, Completeness, Ended, Foreign, Habit, History, Hold, KnownSession, ListStanding, ListTrouble,
    NetworkClass, Person, Place, Session, Sighting, UserId,
};

/// What stands for texts that may say anything, and the account's name.
const REDACTED: &str = "redacted";

/// The same snapshot with other people, addresses and texts, which policies judge the same as far as they name none.
///
/// Equal things stay equal and different ones different; ids keep their order, addresses their family and their class,
/// instants, counts and places stay. The key decides which number stands for what: whoever has it can try out guesses.
#[must_use]
pub fn redact(snapshot: &Snapshot, key: &[u8; 32]) -> Snapshot {
    let aliases = &Aliases::of(snapshot, key);
    let rows = |rows: &[Sighting]| {
        let mut rows: Vec<Sighting> = rows.iter().map(|one| sighting(one, aliases)).collect();
        rows.sort();
        rows
    };
    Snapshot {
        account: AccountName::new(REDACTED),
        cycle: snapshot.cycle.clone(),
        now: snapshot.now,
        clocks: snapshot.clocks,
        scope: snapshot.scope,
        listing: match snapshot.listing {
            Completeness::Complete => Completeness::Complete,
            Completeness::Partial(_) => Completeness::Partial(REDACTED.to_owned()),
        },
        looked: snapshot.looked.as_ref().map(|looked| looked.iter().map(|user| aliases.user(*user)).collect()),
        cut: by_user(&snapshot.cut, aliases, |_| REDACTED.to_owned()),
        sessions: snapshot.sessions.iter().map(|one| session(one, aliases)).collect(),
        people: by_user(&snapshot.people, aliases, |one| Arc::new(person(one, aliases))),
        people_as_of: snapshot.people_as_of,
        traces: by_user(&snapshot.traces, aliases, |traces| *traces),
        groups: snapshot
            .groups
            .as_ref()
            .map_err(|cause| *cause)
            .map(|groups| by_user(groups, aliases, |ids| ids.iter().map(|id| aliases.groups.number(id)).collect())),
        lists: snapshot.lists.iter().map(|(name, list)| (name.clone(), standing(list))).collect(),
        listed: by_user(&snapshot.listed, aliases, Clone::clone),
        sources: snapshot.sources.clone(),
        sightings: rows(&snapshot.sightings),
        hearsay: rows(&snapshot.hearsay),
        bygone: snapshot.bygone.iter().map(|(id, known)| (aliases.session(*id), bygone(known, aliases))).collect(),
        places: places(snapshot, aliases),
        neighbours: neighbours(snapshot, aliases),
        usual: snapshot.usual.clone(),
        databases: snapshot.databases.clone(),
        unasked: snapshot.unasked.iter().map(|_| REDACTED.to_owned()).collect(),
        roster: snapshot.roster.clone(),
        unread: by_user(&snapshot.unread, aliases, |cause| *cause),
        protected: Protected {
            people: snapshot.protected.people.iter().map(|user| aliases.user(*user)).collect(),
            unresolved: snapshot.protected.unresolved.iter().map(|_| Foreign::new(REDACTED)).collect(),
        },
        own: aliases.user(snapshot.own),
        // Whose client it is may name the firm, and nothing is judged by it.
        tokens: None,
        revoker: snapshot.revoker.map(|user| aliases.user(user)),
        history: History {
            ended: snapshot.history.ended.iter().map(|one| ended(one, aliases)).collect(),
            roster: snapshot.history.roster.clone(),
            rests: snapshot.history.rests.clone(),
            habits: snapshot.history.habits.iter().map(|(key, one)| (key.clone(), habit(one, aliases))).collect(),
            holds: snapshot.history.holds.iter().map(|one| hold(one, aliases)).collect(),
        },
        pause: snapshot.pause.clone(),
    }
}

fn by_user<T, U>(map: &BTreeMap<UserId, T>, aliases: &Aliases, value: impl Fn(&T) -> U) -> BTreeMap<UserId, U> {
    map.iter().map(|(user, one)| (aliases.user(*user), value(one))).collect()
}

fn session(session: &Session, aliases: &Aliases) -> Session {
    Session {
        id: aliases.session(session.id),
        user: session.user.map(|user| aliases.user(user)),
        authenticated_at: session.authenticated_at,
        last_seen_at: session.last_seen_at,
        seen: session.seen,
    }
}

fn person(person: &Person, aliases: &Aliases) -> Person {
    let other = |text: &str, other: &dyn Fn(&str) -> String| Foreign::new(alias(text, || other(text)));
    let name = |name: &str| format!("Person {}", aliases.names.number(name));
    let external_id = |id: &str| format!("external-{}", aliases.external_ids.number(&id.to_lowercase()));
    let tag = |tag: &str| format!("tag-{}", aliases.tags.number(tag));
    Person {
        id: aliases.user(person.id),
        seen: person.seen,
        name: other(person.name.raw(), &name),
        email: person.email.as_ref().map(|email| Foreign::new(aliases.email(email.raw()))),
        role: person.role,
        role_type: person.role_type,
        custom_role_id: person.custom_role_id.map(|id| aliases.roles.number(&id)),
        deleted: person.deleted,
        suspended: person.suspended,
        two_factor: person.two_factor,
        verified: person.verified,
        chat_only: person.chat_only,
        tags: person.tags.iter().map(|one| other(one.raw(), &tag)).collect(),
        organization_id: person.organization_id.map(|id| aliases.organizations.number(&id)),
        external_id: person.external_id.as_ref().map(|id| other(id.raw(), &external_id)),
    }
}

fn sighting(sighting: &Sighting, aliases: &Aliases) -> Sighting {
    Sighting {
        user: aliases.user(sighting.user),
        session: sighting.session.map(|session| aliases.session(session)),
        act: sighting.act,
        address: sighting.address.map(|address| aliases.address(address)),
        agent: sighting.agent.as_deref().map(|agent| aliases.agent(agent).into()),
        first: sighting.first,
        last: sighting.last,
        source: Arc::clone(&sighting.source),
    }
}

fn bygone(known: &KnownSession, aliases: &Aliases) -> KnownSession {
    KnownSession { user: aliases.user(known.user), ..*known }
}

fn ended(ended: &Ended, aliases: &Aliases) -> Ended {
    Ended {
        session: aliases.session(ended.session),
        user: aliases.user(ended.user),
        stratum: ended.stratum,
        rules: ended.rules.clone(),
        at: ended.at,
        outcome: ended.outcome,
        cycle: ended.cycle.clone(),
        core: ended.core.clone(),
        came_back: ended.came_back.clone(),
    }
}

fn habit(habit: &Habit, aliases: &Aliases) -> Habit {
    let claimed = habit.claimed.iter().map(|user| aliases.user(*user)).collect();
    Habit { runs: habit.runs.clone(), claimed }
}

fn hold(hold: &Hold, aliases: &Aliases) -> Hold {
    Hold { people: by_user(&hold.people, aliases, |stratum| *stratum), ..hold.clone() }
}

/// A digest would tell a list that is guessed right.
fn standing(list: &ListStanding) -> ListStanding {
    let redacted = |_: &String| REDACTED.to_owned();
    let trouble = |one: &ListTrouble| ListTrouble {
        cause: one.cause,
        why: REDACTED.to_owned(),
        help: one.help.as_ref().map(redacted),
    };
    ListStanding {
        digest: list.digest.as_ref().map(redacted),
        rows: list.rows,
        pending: list.pending,
        unmatched: list.unmatched,
        ambiguous: list.ambiguous,
        unasked: list.unasked,
        unreadable: list.unreadable,
        faults: list.faults.iter().map(redacted).collect(),
        unknown: list.unknown.as_ref().map(trouble),
        accepted_by: list.accepted_by.as_ref().map(redacted),
        change: list.change,
    }
}

/// Each block as the blocks of what stands for the addresses that were seen in it.
fn neighbours(snapshot: &Snapshot, aliases: &Aliases) -> Neighbours {
    let others =
        |users: &BTreeSet<UserId>| -> BTreeSet<UserId> { users.iter().map(|user| aliases.user(*user)).collect() };
    let mut blocks: BTreeMap<IpAddr, BTreeSet<UserId>> = BTreeMap::new();
    for address in snapshot.sightings.iter().filter_map(|one| one.address) {
        if let Some(users) = snapshot.neighbours.blocks.get(&prefix_of(address)) {
            blocks.entry(prefix_of(aliases.address(address))).or_default().extend(others(users));
        }
    }
    Neighbours { since: snapshot.neighbours.since, blocks, astray: others(&snapshot.neighbours.astray) }
}

/// What stands for a routed address is not routed itself, so that its place says so.
fn places(snapshot: &Snapshot, aliases: &Aliases) -> BTreeMap<IpAddr, Place> {
    let mut places = BTreeMap::new();
    for (address, place) in &snapshot.places {
        places.insert(aliases.address(*address), at(*address, place.clone()));
    }
    for address in snapshot.all_sightings().filter_map(|one| one.address) {
        // Without a place nobody asked about it: that is what a place says of which no row is known.
        places.entry(aliases.address(address)).or_insert_with(|| at(address, Place::unknown(Cause::NoRow)));
    }
    places
}

/// A point on the map may be somebody's door, and no fact asks for it.
fn at(address: IpAddr, place: Place) -> Place {
    let mut place = Place { coordinates: None, ..place };
    if !is_private(address) {
        let routed = std::iter::once(NetworkClass::Private).collect();
        place.classes.yes = place.classes.yes.without(NetworkClass::Private);
        place.classes.no = place.classes.no.or(routed);
    }
    place
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Act, Classes, Country, Found, SessionId};
    use crate::snapshot::file::tests::{full, instant, user};
    use crate::snapshot::{from_bytes, to_bytes};

    /// Stands in every text that must not get out, in two cases.
    const MARK: &str = "zQx";

    fn address() -> impl Strategy<Value = IpAddr> {
        let v4 = (any::<u8>(), 0_u8..8).prop_map(|(high, low)| IpAddr::from([8, 8, high, low]));
        let v6 = (0_u16..4).prop_map(|low| IpAddr::from([0x2a00, 1, 2, 3, 4, 5, 6, low]));
        let home = (0_u8..4).prop_map(|low| IpAddr::from([192, 168, 7, low]));
        let inside = (0_u16..4).prop_map(|low| IpAddr::from([0xfe80, 0, 0, 0, 1, 2, 3, low]));
        prop_oneof![v4, v6, home, inside]
    }

    fn sighting() -> impl Strategy<Value = Sighting> {
        let agent = prop_oneof![Just("Mozilla/5.0 Firefox/145.0".to_owned()), "[a-c]{0,2}".prop_map(|own| own + MARK)];
        (user(), of(any::<u64>()), proptest::sample::select(Act::ALL), of(address()), of(agent), instant()).prop_map(
            |(user, session, act, address, agent, first)| Sighting {
                user,
                session: session.map(SessionId),
                act,
                address,
                agent: agent.map(Arc::from),
                first: first.into(),
                last: first.into(),
                source: "".into(),
            },
        )
    }

    fn mark(text: &mut String) {
        text.push_str(MARK);
    }

    /// Puts the mark into every text that must not get out, and makes every id long enough to be told from a count.
    fn marked(mut snapshot: Snapshot) -> Snapshot {
        let foreign = |text: &mut Foreign| *text = Foreign::new(format!("{}{MARK}", text.raw()));
        snapshot.account = AccountName::new(MARK);
        if let Completeness::Partial(why) = &mut snapshot.listing {
            mark(why);
        }
        snapshot.cut.values_mut().for_each(mark);
        snapshot.unasked = vec![MARK.to_owned()];
        snapshot.protected.unresolved.iter_mut().for_each(foreign);
        for list in snapshot.lists.values_mut() {
            let texts = list.faults.iter_mut().chain(&mut list.digest).chain(&mut list.accepted_by);
            texts.for_each(mark);
            list.unknown.iter_mut().for_each(|one| [&mut one.why].into_iter().chain(&mut one.help).for_each(mark));
        }
        for person in snapshot.people.values_mut().map(Arc::make_mut) {
            let texts = [&mut person.name].into_iter().chain(&mut person.external_id).chain(&mut person.tags);
            texts.for_each(foreign);
            // Half of them are of one domain.
            let domain = if person.id.get() % 2 == 0 { "zqx.example" } else { "ZqX.org" };
            let email = |email: &mut Foreign| *email = Foreign::new(format!("{}{MARK}@{domain}", email.raw()));
            person.email.iter_mut().for_each(email);
            let ids = person.organization_id.iter_mut().chain(&mut person.custom_role_id);
            ids.for_each(|id| *id |= 1 << 60);
        }
        let place = |address: &Option<IpAddr>| address.map(|address| (address, Place::unknown(Cause::NotInDatabase)));
        let places: Vec<_> = snapshot.all_sightings().step_by(2).filter_map(|one| place(&one.address)).collect();
        snapshot.places.extend(places);
        for (number, sighting) in snapshot.sightings.iter_mut().chain(&mut snapshot.hearsay).enumerate() {
            sighting.source = number.to_string().into();
        }
        snapshot
    }

    fn sightings() -> impl Strategy<Value = Snapshot> {
        let bygone = proptest::collection::btree_map(any::<u64>().prop_map(SessionId), user(), 0..3);
        (full(), vec(sighting(), 0..6), vec(sighting(), 0..3), bygone).prop_map(
            |(snapshot, sightings, hearsay, bygone)| {
                let known = |user| KnownSession { user, authenticated_at: None, last_seen_at: None, gone_at: None };
                let bygone = bygone.into_iter().map(|(id, user)| (id, known(user))).collect();
                marked(Snapshot { sightings, hearsay, bygone, ..snapshot })
            },
        )
    }

    fn plain(snapshot: &Snapshot) -> String {
        let mut text = String::new();
        GzDecoder::new(to_bytes(snapshot).unwrap().as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    /// Whatever of the one is equal is equal in the other, and the other way round.
    fn agree<A: PartialEq, B: PartialEq>(pairs: impl IntoIterator<Item = (A, B)>) -> bool {
        let pairs: Vec<_> = pairs.into_iter().collect();
        pairs.iter().all(|left| pairs.iter().all(|right| (left.0 == right.0) == (left.1 == right.1)))
    }

    fn by_source(snapshot: &Snapshot) -> Vec<&Sighting> {
        let mut rows: Vec<&Sighting> = snapshot.all_sightings().collect();
        rows.sort_by_key(|row| &row.source);
        rows
    }

    fn ids(snapshot: &Snapshot) -> BTreeSet<u64> {
        let users = super::super::aliases::users(snapshot).into_iter().map(UserId::get);
        let sessions = super::super::aliases::sessions(snapshot).into_iter().map(|id| id.0);
        let people = snapshot.people.values();
        let others = people.flat_map(|person| person.organization_id.into_iter().chain(person.custom_role_id));
        let groups = snapshot.groups.iter().flat_map(BTreeMap::values).flatten().copied();
        users.chain(sessions).chain(others).chain(groups).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn nothing_that_tells_anybody_gets_out(snapshot in sightings(), key in any::<[u8; 32]>()) {
            let redacted = redact(&snapshot, &key);
            let text = plain(&redacted).to_lowercase();
            prop_assert!(!text.contains("zqx"), "{}", text);
            for id in ids(&snapshot).into_iter().filter(|id| *id > 1 << 40) {
                prop_assert!(!text.contains(&id.to_string()), "{}: {}", id, text);
            }
            for address in snapshot.all_sightings().filter_map(|one| one.address) {
                prop_assert!(!text.contains(&format!("\"{address}\"")), "{}: {}", address, text);
            }
            prop_assert_eq!(from_bytes(&to_bytes(&redacted).unwrap()), Ok(redacted));
        }

        #[test]
        fn equal_stays_equal_and_different_stays_different(snapshot in sightings(), key in any::<[u8; 32]>()) {
            let redacted = redact(&snapshot, &key);
            let people = || snapshot.people.values().zip(redacted.people.values());
            prop_assert_eq!(snapshot.people.len(), redacted.people.len());
            prop_assert!(people().all(|(one, other)| one.role == other.role && one.seen == other.seen));
            prop_assert!(agree(people().map(|(one, other)| (&one.name, &other.name))));
            prop_assert!(agree(people().map(|(one, other)| (one.organization_id, other.organization_id))));
            prop_assert!(agree(people().map(|(one, other)| (one.custom_role_id, other.custom_role_id))));
            prop_assert!(agree(people().flat_map(|(one, other)| one.tags.iter().zip(&other.tags))));
            let folded = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_lowercase());
            prop_assert!(agree(people().map(|(one, other)| (folded(&one.external_id), &other.external_id))));
            prop_assert!(agree(people().map(|(one, other)| (folded(&one.email), &other.email))));
            let domain = |text: &Option<Foreign>| folded(text).and_then(|text| Some(text.rsplit_once('@')?.1.to_owned()));
            prop_assert!(agree(people().map(|(one, other)| (domain(&one.email), domain(&other.email)))));
            let groups = |snapshot: &Snapshot| -> Vec<u64> {
                snapshot.groups.iter().flat_map(BTreeMap::values).flatten().copied().collect()
            };
            prop_assert!(agree(groups(&snapshot).into_iter().zip(groups(&redacted))));
            prop_assert_eq!(snapshot.groups.clone().err(), redacted.groups.clone().err());
            let rows = || by_source(&snapshot).into_iter().zip(by_source(&redacted));
            prop_assert!(agree(rows().map(|(one, other)| (one.user, other.user))));
            prop_assert!(agree(rows().map(|(one, other)| (one.session, other.session))));
            prop_assert!(agree(rows().map(|(one, other)| (one.address, other.address))));
            prop_assert!(agree(rows().map(|(one, other)| (&one.agent, &other.agent))));
            let sessions = || snapshot.sessions.iter().zip(&redacted.sessions);
            prop_assert_eq!(snapshot.sessions.len(), redacted.sessions.len());
            prop_assert!(agree(sessions().map(|(one, other)| (one.user, other.user))));
            prop_assert!(redacted.sessions.is_sorted_by_key(|session| session.id) && redacted.sightings.is_sorted());
            prop_assert_eq!(snapshot.hearsay.len(), redacted.hearsay.len());
            prop_assert!(redacted.hearsay.is_sorted());
            prop_assert_eq!(snapshot.bygone.len(), redacted.bygone.len());
            prop_assert!(redacted.people.iter().all(|(id, person)| *id == person.id));
        }

        #[test]
        fn an_address_keeps_its_family_and_its_class(snapshot in sightings(), key in any::<[u8; 32]>()) {
            let redacted = redact(&snapshot, &key);
            let of = |snapshot: &Snapshot, address: IpAddr| -> Classes {
                let place = snapshot.places.get(&address).cloned().unwrap_or_else(|| Place::unknown(Cause::NoRow));
                crate::address::Lists::default().classes_of(address, Err(Cause::NoRow), place.classes)
            };
            for (one, other) in by_source(&snapshot).into_iter().zip(by_source(&redacted)) {
                prop_assert_eq!(one.address.map(|one| one.is_ipv4()), other.address.map(|one| one.is_ipv4()));
                prop_assert_eq!(one.address.map(|one| of(&snapshot, one)), other.address.map(|one| of(&redacted, one)));
            }
        }
    }

    /// Ada of Acme, and what she used.
    fn ada(agents: &[&str]) -> Snapshot {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let id = UserId::new(900).unwrap();
        let mut snapshot = Snapshot::empty(AccountName::new("acme"), crate::model::CycleId::new("c"), now, id);
        let person = Person {
            name: Foreign::new("Ada Chrome"),
            email: Some(Foreign::new("ada.byron@Hills.com")),
            custom_role_id: Some(35_436),
            tags: vec![Foreign::new("vip"), Foreign::new("")],
            organization_id: Some(7_777),
            external_id: Some(Foreign::new("K-990017")),
            ..Person::blank(id, now)
        };
        snapshot.people.insert(id, Arc::new(person));
        let row = |(number, agent): (i64, &&str)| Sighting {
            user: id,
            session: None,
            act: Act::Use,
            address: Some("41.0.0.1".parse().unwrap()),
            agent: Some((*agent).into()),
            first: (now + jiff::SignedDuration::from_secs(number)).into(),
            last: (now + jiff::SignedDuration::from_secs(number)).into(),
            source: "uses".into(),
        };
        snapshot.sightings = (0..).zip(agents).map(row).collect();
        snapshot
    }

    #[test]
    fn a_person_becomes_a_number_of_each_kind() {
        let redacted = redact(&ada(&[]), &[1; 32]);
        let person = redacted.people.values().next().unwrap();
        assert_eq!((person.id.get(), redacted.own.get(), redacted.account.as_str()), (1, 1, "redacted"));
        assert_eq!(person.name.raw(), "Person 1");
        assert_eq!(person.email.as_ref().unwrap().raw(), "p1@d1.example");
        assert_eq!(person.external_id.as_ref().unwrap().raw(), "external-1");
        assert_eq!((person.custom_role_id, person.organization_id), (Some(1), Some(1)));
        assert!(person.tags.iter().any(|tag| tag.raw().is_empty()) && person.tags[0].raw().starts_with("tag-"));
    }

    #[test]
    fn an_agent_string_stays_if_it_is_told_apart_and_names_nobody() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                      Safari/537.36";
        let crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        let kept = [firefox, chrome, crawler, "python-requests/2.32.5", "curl/8.9.1", ""];
        let own = |name: &str| format!("python-requests/2.32.5 {name}");
        let named = ["Ada", "(byron)", "acme-sync", "hills", "K-990017", "x@y"].map(own);
        let named: Vec<&str> = named.iter().map(String::as_str).chain(["laptop-of-somebody/1.0"]).collect();
        for agent in kept {
            assert_eq!(redact(&ada(&[agent]), &[1; 32]).sightings[0].agent.as_deref(), Some(agent));
        }
        for agent in &named {
            let told = redact(&ada(&[agent]), &[1; 32]).sightings[0].agent.clone();
            assert_eq!(told.as_deref(), Some("unknown-agent-1"), "{agent}");
        }
        let all: BTreeSet<_> = redact(&ada(&named), &[1; 32]).sightings.into_iter().map(|one| one.agent).collect();
        assert_eq!(all.len(), named.len());
    }

    #[test]
    fn a_place_stays_but_for_its_point_on_the_map() {
        let mut snapshot = ada(&["curl/8.9.1"]);
        let country = Country::from_code("ZA").unwrap();
        let coordinates = crate::model::Coordinates { latitude: 1.5, longitude: 2.5, radius_km: None };
        let place = Place {
            country: Ok(Found { value: country, database: 0 }),
            organization: Ok(Found { value: "Net".into(), database: 0 }),
            coordinates: Some(Found { value: coordinates, database: 0 }),
            ..Place::unknown(Cause::NotInDatabase)
        };
        snapshot.places.insert("41.0.0.1".parse().unwrap(), place.clone());
        let redacted = redact(&snapshot, &[1; 32]);
        let (address, told) = redacted.places.first_key_value().unwrap();
        assert_eq!((address.to_string(), redacted.places.len()), ("198.18.0.1".to_owned(), 1));
        assert_eq!((&told.country, &told.organization, &told.asn), (&place.country, &place.organization, &place.asn));
        assert_eq!(told.coordinates, None);
    }

    #[test]
    fn numbers_hang_on_the_key_alone() {
        let mut snapshot = ada(&[]);
        let person = snapshot.people.values().next().unwrap().clone();
        for number in 1..=20 {
            let id = UserId::new(1_000 + number).unwrap();
            snapshot
                .people
                .insert(id, Arc::new(Person { id, name: Foreign::new(format!("N{number}")), ..(*person).clone() }));
        }
        assert_eq!(redact(&snapshot, &[1; 32]), redact(&snapshot, &[1; 32]));
        let names = |key| redact(&snapshot, &key).people.into_values().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_ne!(names([1; 32]), names([2; 32]));
        assert_eq!(names([1; 32]).into_iter().collect::<BTreeSet<_>>(), names([2; 32]).into_iter().collect());
    }
}
