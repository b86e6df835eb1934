//! What stands for whom in a redacted snapshot: one table for each kind of thing that tells people apart.
//!
//! Ids become ranks, so that their order, and with it every tie, stays. Everything else is numbered in an order that
//! hangs on a key nobody keeps, so that a number tells nothing about what it stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;

use super::Snapshot;
use crate::address::special_range;
use crate::clients::{AGENT_BYTES_MAX, client_of};
use crate::model::{ClientKind, SessionId, UserId};
use crate::record::sha256_hex;

/// The key of one redaction.
pub(super) type Key = [u8; 32];

/// Words that stand in agent strings of programs that everybody has: a person who is called so is not named by them.
const COMMON: &str = "android apple applewebkit bot build chrome com cros edg edge firefox gecko html http https \
                      intel ipad iphone khtml like linux mac macintosh mobile mozilla net opr org safari support \
                      ubuntu version win64 windows wow64 www x11 x64 x86 zendesk";

/// Shorter words name nobody.
const WORD_LETTERS_MIN: usize = 3;

/// Shorter numbers are versions, not ids.
const NUMBER_DIGITS_MIN: usize = 6;

/// All tables of one snapshot.
pub(super) struct Aliases {
    users: Vec<UserId>,
    sessions: Vec<SessionId>,
    pub(super) names: Numbers<String>,
    locals: Numbers<String>,
    domains: Numbers<String>,
    pub(super) external_ids: Numbers<String>,
    pub(super) tags: Numbers<String>,
    pub(super) organizations: Numbers<u64>,
    pub(super) roles: Numbers<u64>,
    pub(super) groups: Numbers<u64>,
    addresses: BTreeMap<IpAddr, IpAddr>,
    agents: Numbers<String>,
}

/// Different things, numbered from 1.
pub(super) struct Numbers<T>(BTreeMap<T, u64>);

impl<T: Ord + Display> Numbers<T> {
    fn of(key: &Key, what: &str, things: impl Iterator<Item = T>) -> Self {
        let mut things: Vec<T> = things.collect::<BTreeSet<T>>().into_iter().collect();
        things.sort_by_cached_key(|thing| {
            let mut bytes = key.to_vec();
            bytes.extend_from_slice(format!("{what}\n{thing}").as_bytes());
            sha256_hex(&bytes)
        });
        Self(things.into_iter().zip(1..).collect())
    }

    /// The thing's number; every thing of the snapshot has one.
    pub(super) fn number<Q>(&self, thing: &Q) -> u64
    where
        T: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get(thing).copied().unwrap_or_default()
    }
}

impl Aliases {
    pub(super) fn of(snapshot: &Snapshot, key: &Key) -> Self {
        let people = || snapshot.people.values();
        let emails = || people().filter_map(|person| person.email.as_ref()).map(|email| parts(email.raw()));
        let groups = snapshot.groups.iter().flat_map(BTreeMap::values).flatten().copied();
        let names = Numbers::of(key, "name", people().map(|person| person.name.raw().to_owned()));
        let locals = Numbers::of(key, "local", emails().map(|(local, _)| local));
        let domains = Numbers::of(key, "domain", emails().filter_map(|(_, domain)| domain));
        let ids = people().filter_map(|person| person.external_id.as_ref()).map(|id| id.raw().to_lowercase());
        let external_ids = Numbers::of(key, "external id", ids);
        let tags = people().flat_map(|person| &person.tags).map(|tag| tag.raw().to_owned());
        let naming = [&names, &locals, &domains, &external_ids].into_iter().flat_map(|texts| texts.0.keys());
        let naming = naming.map(String::as_str).chain([snapshot.account.as_str()]).flat_map(words).collect();
        let agents: BTreeSet<&str> = snapshot.all_sightings().filter_map(|one| one.agent.as_deref()).collect();
        let agents = agents.into_iter().filter(|agent| !names_nobody(agent, &naming)).map(str::to_owned);
        Self {
            users: users(snapshot).into_iter().collect(),
            sessions: sessions(snapshot).into_iter().collect(),
            tags: Numbers::of(key, "tag", tags),
            organizations: Numbers::of(key, "organization", people().filter_map(|person| person.organization_id)),
            roles: Numbers::of(key, "role", people().filter_map(|person| person.custom_role_id)),
            groups: Numbers::of(key, "group", groups),
            addresses: addresses(snapshot, key),
            agents: Numbers::of(key, "agent", agents),
            names,
            locals,
            domains,
            external_ids,
        }
    }

    pub(super) fn user(&self, user: UserId) -> UserId {
        let rank = self.users.partition_point(|other| *other <= user) as u64;
        UserId::from(NonZeroU64::new(rank).unwrap_or(NonZeroU64::MIN))
    }

    pub(super) fn session(&self, session: SessionId) -> SessionId {
        SessionId(self.sessions.partition_point(|other| *other <= session) as u64)
    }

    /// Both halves by themselves, so that people of one domain stay people of one domain. Case does not count, as it does
    /// not in policies.
    pub(super) fn email(&self, email: &str) -> String {
        let (local, domain) = parts(email);
        let local = alias(&local, || format!("p{}", self.locals.number(&local)));
        let domain = domain.map(|domain| alias(&domain, || format!("d{}.example", self.domains.number(&domain))));
        domain.map_or(local.clone(), |domain| format!("{local}@{domain}"))
    }

    /// An agent string stays if it is known to name nobody.
    pub(super) fn agent(&self, agent: &str) -> String {
        match self.agents.number(agent) {
            0 => agent.to_owned(),
            number => format!("unknown-agent-{number}"),
        }
    }

    /// The address that stands for this one; every address of the snapshot has one.
    pub(super) fn address(&self, address: IpAddr) -> IpAddr {
        self.addresses.get(&address).copied().unwrap_or(match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        })
    }
}

/// What stands for a text; an empty one names nobody and is known to be empty.
pub(super) fn alias(text: &str, other: impl FnOnce() -> String) -> String {
    if text.is_empty() { String::new() } else { other() }
}

/// Whether an address is not routed in the internet, by itself.
pub(super) fn is_private(address: IpAddr) -> bool {
    special_range(address).is_some_and(|range| range.is_private)
}

/// What stands before and after the last @, in lower case.
fn parts(email: &str) -> (String, Option<String>) {
    let email = email.to_lowercase();
    match email.rsplit_once('@') {
        Some((local, domain)) => (local.to_owned(), Some(domain.to_owned())),
        None => (email, None),
    }
}

pub(super) fn users(snapshot: &Snapshot) -> BTreeSet<UserId> {
    let keys = [snapshot.own].into_iter().chain(snapshot.revoker).chain(snapshot.people.keys().copied());
    keys.chain(snapshot.people.values().map(|person| person.id))
        .chain(snapshot.sessions.iter().filter_map(|session| session.user))
        .chain(snapshot.cut.keys().copied())
        .chain(snapshot.traces.keys().copied())
        .chain(snapshot.groups.iter().flat_map(BTreeMap::keys).copied())
        .chain(snapshot.listed.keys().copied())
        .chain(snapshot.unread.keys().copied())
        .chain(snapshot.protected.people.iter().copied())
        .chain(snapshot.all_sightings().map(|one| one.user))
        .chain(snapshot.bygone.values().map(|known| known.user))
        .chain(snapshot.history.ended.iter().map(|ended| ended.user))
        .chain(snapshot.history.habits.values().flat_map(|habit| &habit.claimed).copied())
        .chain(snapshot.history.holds.iter().flat_map(|hold| hold.people.keys()).copied())
        .chain(snapshot.neighbours.blocks.values().flatten().copied())
        .chain(snapshot.neighbours.astray.iter().copied())
        .collect()
}

pub(super) fn sessions(snapshot: &Snapshot) -> BTreeSet<SessionId> {
    let listed = snapshot.sessions.iter().map(|session| session.id);
    listed
        .chain(snapshot.all_sightings().filter_map(|one| one.session))
        .chain(snapshot.bygone.keys().copied())
        .chain(snapshot.history.ended.iter().map(|ended| ended.session))
        .collect()
}

/// Each address with the one that stands for it: of the same family, private if it is, and none of the snapshot's own.
fn addresses(snapshot: &Snapshot, key: &Key) -> BTreeMap<IpAddr, IpAddr> {
    let sighted = snapshot.all_sightings().filter_map(|one| one.address);
    let own: BTreeSet<IpAddr> = sighted.chain(snapshot.places.keys().copied()).collect();
    let mut aliases = BTreeMap::new();
    for (is_v4, private) in [(true, true), (true, false), (false, true), (false, false)] {
        let these = own.iter().filter(|one| one.is_ipv4() == is_v4 && is_private(**one) == private);
        let numbers = Numbers::of(key, "address", these);
        let mut order: Vec<(&IpAddr, u64)> = numbers.0.into_iter().collect();
        order.sort_unstable_by_key(|(_, number)| *number);
        let free = (1..=u32::MAX).map(|number| stand_in(is_v4, private, number)).filter(|one| !own.contains(one));
        aliases.extend(order.into_iter().map(|(address, _)| *address).zip(free));
    }
    aliases
}

/// The stand-in with this number: from networks for benchmarks and documentation, or for private use. Beyond the 131,071
/// of the benchmarks' network come those that are reserved.
fn stand_in(is_v4: bool, private: bool, number: u32) -> IpAddr {
    const BENCHMARKS: u32 = 1 << 17;
    let v4 = |network: Ipv4Addr| IpAddr::from(Ipv4Addr::from(u32::from(network).wrapping_add(number)));
    let v6 = |network: Ipv6Addr| IpAddr::from(Ipv6Addr::from(u128::from(network).wrapping_add(number.into())));
    match (is_v4, private) {
        (true, true) => v4(Ipv4Addr::new(10, 0, 0, 0)),
        (true, false) if number < BENCHMARKS => v4(Ipv4Addr::new(198, 18, 0, 0)),
        (true, false) => v4(Ipv4Addr::new(240, 0, 0, 0)),
        (false, true) => v6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0)),
        (false, false) => v6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)),
    }
}

/// Whether an agent string can be given away as it is: what kind of program sent it is told by it, all of it was looked
/// at, and it has neither an e-mail address nor a word of what names the account and its people.
fn names_nobody(agent: &str, naming: &BTreeSet<String>) -> bool {
    agent.is_empty()
        || agent.len() <= AGENT_BYTES_MAX
            && !agent.contains('@')
            && !words(agent).any(|word| naming.contains(&word))
            && client_of(agent).kind != ClientKind::Unknown
}

/// The words of a text by which somebody could be told, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| {
        let is_number = word.chars().all(|letter| letter.is_ascii_digit());
        let letters_min = if is_number { NUMBER_DIGITS_MIN } else { WORD_LETTERS_MIN };
        word.chars().count() >= letters_min && !COMMON.split(' ').any(|common| common == word)
    })
}
