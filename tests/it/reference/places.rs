//! Where people were seen and with what, as sources, lists and databases tell it: random sceneries, and the plain reading
//! of their facts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use evictd::address::Lists;
use evictd::model::{
    Act, Cause, ClassAnswers, Country, Found, NetworkClass, Place, SessionId, Sighting, SourceStanding,
};
use evictd::policy::PolicySet;
use fastrand::Rng;

use super::law::{Item, Law, Line, Value};
use super::world::{HOUR, MINUTE, Row, SECOND, World, instant, user};
use super::{chance, pick};

pub const ADDRESSES: &[&str] = &["8.8.8.8", "41.0.0.1", "41.0.0.77", "41.0.255.9", "2001:4860:4860::8888", "10.0.0.1"];
/// Each with the addresses that lie in it.
const MEMBERS: &[(&str, &[&str])] = &[
    ("8.8.8.8", &["8.8.8.8"]),
    ("41.0.0.0/16", &["41.0.0.1", "41.0.0.77", "41.0.255.9"]),
    ("41.0.0.0-41.0.0.9", &["41.0.0.1"]),
    ("::ffff:41.0.255.0/120", &["41.0.255.9"]),
    ("2001:4860::/32", &["2001:4860:4860::8888"]),
    ("10.0.0.0/8", &["10.0.0.1"]),
    ("192.0.2.0/24", &[]),
];
pub const BLOCKS: &[&str] = &["8.8.8.8", "41.0.0.0/16", "41.0.0.0-41.0.0.9", "2001:4860::/32", "10.0.0.0/8"];
pub const COUNTRIES: &[&str] = &["US", "ZA", "KP"];
pub const ASNS: &[u32] = &[15169, 37168, 64500];
pub const CLASSES: &[&str] =
    &["tor", "vpn", "proxy", "relay", "hosting", "mobile", "satellite", "corporate", "private"];
pub const KINDS: &[&str] = &["browser", "script", "bot", "unknown-agent"];
pub const FAMILIES: &[&str] = &["Firefox", "curl"];
pub const ADDRESS_LIST: &str = "listed-networks";
pub const ASN_LIST: &str = "listed-numbers";

/// An agent string, and by hand what it tells: kind, family, version, system.
type Agent = (&'static str, &'static str, Option<&'static str>, Option<&'static [u32]>, Option<&'static str>);
pub const AGENTS: &[Agent] = &[
    ("curl/8.9.1", "script", Some("curl"), Some(&[8, 9, 1]), None),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "browser",
        Some("firefox"),
        Some(&[128]),
        Some("Linux"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "browser",
        Some("firefox"),
        Some(&[128]),
        Some("Windows"),
    ),
    ("", "unknown-agent", None, None, None),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkList {
    pub name: &'static str,
    pub kind: &'static str,
    pub class: Option<&'static str>,
    pub entries: Vec<String>,
}

/// Lists of networks and numbers: those that lines name, and some that supply a class.
pub fn networks(rng: &mut Rng) -> Vec<NetworkList> {
    let blocks = |rng: &mut Rng| {
        (0..rng.usize(1..=3)).map(|_| pick(rng, MEMBERS).0.to_owned()).collect::<std::collections::BTreeSet<_>>()
    };
    let numbers = |rng: &mut Rng| vec![pick(rng, ASNS).to_string()];
    let list = |name, kind, class, entries| NetworkList { name, kind, class, entries };
    let mut lists = vec![
        list(ADDRESS_LIST, "address", None, blocks(rng).into_iter().collect()),
        list(ASN_LIST, "asn", None, numbers(rng)),
    ];
    let classes = ["tor", "vpn", "relay", "hosting", "corporate", "mobile"];
    let names = ["tor-list", "vpn-list", "relay-list", "hosting-list", "corporate-list", "mobile-list"];
    for (class, name) in classes.into_iter().zip(names) {
        if chance(rng, 60) {
            let entries = if chance(rng, 70) { blocks(rng).into_iter().collect() } else { numbers(rng) };
            let kind = if entries[0].bytes().all(|byte| byte.is_ascii_digit()) { "asn" } else { "address" };
            lists.push(list(name, kind, Some(class), entries));
        }
    }
    lists
}

/// What is wrong with a list, a source or the databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenery {
    /// Name, what it tells, and why it did not tell everything.
    pub sources: Vec<(&'static str, Act, Option<Cause>)>,
    /// When they were read.
    pub read_at: i64,
    /// From when on their rows are at hand.
    pub since: Option<i64>,
    pub seen: Vec<Seen>,
    /// Who was seen where in thirty days, nowhere that is known if there is no address.
    pub haunts: Vec<(u64, Option<&'static str>)>,
    /// Since when that is remembered.
    pub kept: Option<i64>,
    /// What databases say of each address.
    pub said: Vec<(&'static str, Said)>,
    /// Lists that are gone, or too old: of these nothing is known.
    pub gone: Vec<String>,
    /// Lists with lines that cannot be read: what is not in them is not denied.
    pub torn: Vec<String>,
}

impl Default for Scenery {
    fn default() -> Self {
        let (sources, seen, said, gone, torn) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { sources, read_at: 0, since: None, seen, haunts: Vec::new(), kept: None, said, gone, torn }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub user: u64,
    pub session: Option<u64>,
    pub act: Act,
    pub address: Option<&'static str>,
    pub agent: Option<&'static str>,
    pub source: &'static str,
    pub at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub country: Result<&'static str, Cause>,
    pub asn: Result<u32, Cause>,
    pub classes: Vec<&'static str>,
    pub no_classes: Vec<&'static str>,
    pub other_classes: Cause,
}

impl Scenery {
    pub fn random(rng: &mut Rng, world: &World) -> Self {
        let whole = |rng: &mut Rng| chance(rng, 15).then(|| pick(rng, &[Cause::Down, Cause::Partial, Cause::Stale]));
        let all = [("audit", Act::SignIn), ("idp", Act::SignIn), ("access", Act::Use)];
        let mut sources: Vec<_> = all.map(|(name, tells)| (name, tells, whole(rng))).into();
        sources.retain(|_| chance(rng, 75));
        let seen = world.sessions().into_iter().flat_map(|row| sightings(rng, world, row, &sources));
        Self {
            seen: seen.collect(),
            sources,
            read_at: world.now
                - pick(rng, &[0, 0, 0, MINUTE, 10 * MINUTE, 10 * MINUTE + 1, 2 * HOUR, -MINUTE, -MINUTE - 1]),
            since: pick(rng, &[Some(27), Some(26), Some(26), Some(1), None]).map(|hours| world.now - hours * HOUR),
            haunts: super::sights::haunts(rng, world),
            kept: pick(rng, &[Some(31), Some(30), Some(30), Some(29), None]).map(|days| world.now - days * 24 * HOUR),
            said: ADDRESSES.iter().filter_map(|address| Some((*address, said(rng)?))).collect(),
            gone: lost_lists(rng),
            torn: lost_lists(rng),
        }
    }

    pub fn sources(&self) -> BTreeMap<Arc<str>, SourceStanding> {
        let (as_of, since) = (instant(self.read_at), self.since.map(instant));
        let standing = |(name, tells, unknown): &(&str, Act, Option<Cause>)| {
            (Arc::from(*name), SourceStanding { unknown: *unknown, since, ..SourceStanding::whole(*tells, as_of) })
        };
        self.sources.iter().map(standing).collect()
    }

    pub fn sightings(&self) -> Vec<Sighting> {
        let mut all: Vec<Sighting> = self.seen.iter().map(Seen::sighting).collect();
        all.sort();
        all
    }

    pub fn places(&self) -> BTreeMap<IpAddr, Place> {
        self.said.iter().map(|(address, said)| (address.parse().unwrap(), said.place())).collect()
    }

    /// The lists of a set as they stand in this scenery.
    pub fn lists(&self, set: &PolicySet) -> Lists {
        let mut all: Vec<_> = Lists::of(&set.lists).iter().cloned().collect();
        for list in &mut all {
            if self.torn.iter().any(|name| **name == *list.name) {
                list.unknown = Some(Cause::Partial);
            }
            if self.gone.iter().any(|name| **name == *list.name) {
                (list.contents, list.unknown) = (None, Some(Cause::ListStale));
            }
        }
        Lists::new(all)
    }

    /// These sources cannot be read: of some of their rows nothing is known.
    pub fn lose_sources(&mut self, is_meant: &dyn Fn(&str) -> bool) {
        for (_, _, unknown) in self.sources.iter_mut().filter(|(name, ..)| is_meant(name)) {
            *unknown = Some(Cause::Down);
        }
        let mut odd = false;
        self.seen.retain(|seen| {
            odd = !odd;
            odd || !is_meant(seen.source)
        });
    }

    /// The databases cannot be read.
    pub fn lose_databases(&mut self) {
        for (_, said) in &mut self.said {
            *said = Said {
                country: Err(Cause::Down),
                asn: Err(Cause::Down),
                classes: Vec::new(),
                no_classes: Vec::new(),
                other_classes: Cause::Down,
            };
        }
    }

    /// The places of a session that are known; of one seen in days to come nothing else is.
    pub fn places_of(&self, world: &World, row: &Row) -> Vec<Seen> {
        let own = self.own_rows(world, row);
        let told = |seen: &Seen| {
            // A sign-in that does not tell the program: it is what everything else at that address came from.
            let here = own.iter().filter(|other| seen.address.is_some() && other.address == seen.address);
            let mut agents: Vec<&str> = here.filter_map(|other| other.agent).collect();
            agents.sort_unstable();
            agents.dedup();
            let is_silent = seen.act == Act::SignIn && seen.agent.is_none();
            let agent = agents.first().copied().filter(|_| is_silent && agents.len() == 1);
            Seen { agent: seen.agent.or(agent), ..seen.clone() }
        };
        own.iter().map(told).collect()
    }

    /// The rows that may be of a session, as they are.
    pub fn own_rows(&self, world: &World, row: &Row) -> Vec<Seen> {
        let own = self.seen.iter().filter(|seen| Self::sessions_of(world, seen).contains(&row.id));
        own.map(|seen| seen.believed(world.now)).collect()
    }

    /// The sessions that a row may be of: the one it names, if that is its person's; of a sign-in that names none those
    /// that were opened then, of a use those that were alive.
    pub fn sessions_of(world: &World, seen: &Seen) -> Vec<u64> {
        let own = world.sessions().into_iter().filter(|row| row.user == Some(seen.user));
        let may_be = |row: &Row| match (seen.session, seen.act) {
            (Some(session), _) => session == row.id,
            (None, _) if seen.at > world.now + MINUTE => false,
            (None, Act::SignIn) => {
                row.opened.is_some_and(|opened| opened <= world.now + MINUTE && (opened - seen.at).abs() <= 10 * SECOND)
            }
            (None, Act::Use) => {
                let is_open = |opened| opened > world.now + MINUTE || opened <= seen.at + 10 * SECOND;
                row.opened.is_none_or(is_open) && seen.at <= row.seen + 10 * SECOND
            }
        };
        own.filter(|row| may_be(row)).map(|row| row.id).collect()
    }

    /// Whether some row of this person could be about any of their sessions: it is from days to come, or a sign-in that
    /// opened none, and this session may have been opened at any time.
    fn is_doubted(&self, world: &World, row: &Row, acts: &[Act]) -> bool {
        let has_no_beginning = row.opened.is_none_or(|opened| opened > world.now + MINUTE);
        let mut homeless = self.seen.iter().filter(|seen| Some(seen.user) == row.user && seen.session.is_none());
        homeless.any(|seen| {
            let is_to_come = seen.at > world.now + MINUTE;
            let opened_none = seen.act == Act::SignIn && Self::sessions_of(world, seen).is_empty();
            acts.contains(&seen.act) && (is_to_come || opened_none && has_no_beginning)
        })
    }

    /// Whether there can be no other place of this session: its opening and its use are told to the end, and each row of its
    /// person names a session that is theirs, or can be told apart.
    pub fn is_whole(&self, world: &World, row: &Row) -> bool {
        let user = row.user.unwrap();
        let used = row.used.map_or(row.seen, |used| used + world.idle_slack);
        let used = used.max(opened(row)).min(row.seen);
        self.tells_all(Act::SignIn, (opened(row), opened(row)), world.now)
            && self.tells_all(Act::Use, (opened(row), used), world.now)
            && !self.is_doubted(world, row, Act::ALL)
            && !self.is_contradicted(world, user, Act::ALL)
    }

    /// Whether there are sources of this, all of them whole, and read from the one on up to the other, but not from days to
    /// come.
    fn tells_all(&self, act: Act, (from, up_to): (i64, i64), now: i64) -> bool {
        let mut telling = self.sources.iter().filter(|(_, tells, _)| *tells == act).peekable();
        telling.peek().is_some()
            && telling.all(|(_, _, unknown)| unknown.is_none())
            && (up_to..=now + MINUTE).contains(&self.read_at)
            && self.since.is_none_or(|since| since - from <= 10 * SECOND)
    }

    /// Whether some row names this person with somebody else's session, or somebody else with theirs.
    pub fn is_contradicted(&self, world: &World, user: u64, acts: &[Act]) -> bool {
        world.sessions().into_iter().any(|row| {
            let named = self.seen.iter().filter(|seen| seen.session == Some(row.id) && acts.contains(&seen.act));
            let wrong: Vec<_> = named.filter(|seen| Some(seen.user) != row.user).collect();
            wrong.iter().any(|seen| seen.user == user) || row.user == Some(user) && !wrong.is_empty()
        })
    }

    /// Where a session was opened: what rows about it say differently is not known, and none may be missing.
    pub fn sign_in(&self, world: &World, row: &Row, way: Option<usize>) -> Option<Seen> {
        let user = row.user?;
        let is_doubted =
            self.is_doubted(world, row, &[Act::SignIn]) || self.is_contradicted(world, user, &[Act::SignIn]);
        let rows = self.own_rows(world, row);
        let is_heard = |name: &str| rows.iter().any(|seen| seen.act == Act::SignIn && seen.source == name);
        let mut telling = self.sources.iter().filter(|(_, tells, _)| *tells == Act::SignIn).peekable();
        let is_told =
            |name: &str| self.read_at <= world.now + MINUTE && (self.read_at >= opened(row) || is_heard(name));
        let is_whole = telling.peek().is_some() && telling.all(|(name, _, unknown)| unknown.is_none() && is_told(name));
        let began = self.since.is_none_or(|since| since - opened(row) <= 10 * SECOND);
        if is_doubted || !is_whole || !began {
            return None;
        }
        let mut own = self.sign_ins(world, row);
        if let Some(way) = way {
            own = vec![own[way].clone()];
        }
        let mut addresses: Vec<&str> = own.iter().filter_map(|seen| seen.address).collect();
        let mut agents: Vec<&str> = own.iter().filter_map(|seen| seen.agent).collect();
        addresses.dedup();
        agents.dedup();
        let first = own.first()?.clone();
        // One that leaves the address out may have meant another.
        let all_tell = own.iter().all(|seen| seen.address.is_some());
        let address = addresses.first().copied().filter(|_| addresses.len() == 1 && all_tell);
        let agent = agents.first().copied().filter(|_| agents.len() == 1);
        Some(Seen { address, agent, ..first })
    }

    fn sign_ins(&self, world: &World, row: &Row) -> Vec<Seen> {
        self.own_rows(world, row).into_iter().filter(|seen| seen.act == Act::SignIn).collect()
    }

    /// Each sign-in that could be the session's own, if some must be of another.
    pub fn ways(&self, world: &World, row: &Row) -> Vec<Option<usize>> {
        let own = self.sign_ins(world, row);
        let shared = self.seen.iter().filter(|seen| seen.act == Act::SignIn).map(|seen| Self::sessions_of(world, seen));
        let is_shared = shared.into_iter().any(|sessions| sessions.len() > 1 && sessions.contains(&row.id));
        // Two that one source tells differently are two, and one of them is of a session that nobody saw.
        let differ = |one: Option<&str>, other: Option<&str>| one.is_some() && other.is_some() && one != other;
        let are_two = |one: &Seen, other: &Seen| {
            one.source == other.source && (differ(one.address, other.address) || differ(one.agent, other.agent))
        };
        let are_several = own.iter().any(|one| own.iter().any(|other| are_two(one, other)));
        if is_shared || are_several { (0..own.len()).map(Some).collect() } else { vec![None] }
    }

    /// A fact of one place.
    pub fn fact(&self, law: &Law, place: &Seen, fact: &str) -> Option<Told> {
        let (_, asked) = fact.split_once('.')?;
        let said = |address: &str| self.said.iter().find(|(other, _)| *other == address).map(|(_, said)| said);
        let agent = || AGENTS.iter().find(|(text, ..)| Some(*text) == place.agent);
        Some(match asked {
            "address" => Told::Address(place.address?),
            "country" => Told::Text(Some(said(place.address?)?.country.ok()?)),
            "asn" => Told::Number(said(place.address?)?.asn.ok()?),
            "class" => {
                let address = place.address?;
                Told::Classes(CLASSES.iter().map(|class| (*class, self.is_in(law, address, class))).collect())
            }
            "kind" => Told::Text(Some(agent()?.1)),
            "family" => Told::Text(agent()?.2),
            "version" => Told::Version(agent()?.3?),
            _ => panic!("no fact of a place: {fact}"),
        })
    }

    /// Whether an address is in a class, with what is taken away from it.
    fn is_in(&self, law: &Law, address: &str, class: &str) -> Option<bool> {
        let plain = |class: &str| self.is_told_in(law, address, class);
        let without = |class: Option<bool>, other: Option<bool>| match (class, other) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        };
        match class {
            "private" => Some(address == "10.0.0.1"),
            "vpn" => without(plain("vpn"), plain("relay")),
            "hosting" => without(without(plain("hosting"), plain("corporate")), plain("relay")),
            other => plain(other),
        }
    }

    fn is_told_in(&self, law: &Law, address: &str, class: &str) -> Option<bool> {
        let said = self.said.iter().find(|(other, _)| *other == address).map(|(_, said)| said);
        let mut told: Vec<Option<bool>> = Vec::new();
        for list in law.networks.iter().filter(|list| list.class == Some(class)) {
            told.push(match list.kind {
                "asn" => match said.map(|said| said.asn) {
                    Some(Ok(asn)) => self.holds(list, |entry| *entry == asn.to_string()),
                    _ => None,
                },
                _ => self.holds(list, |entry| lies_in(address, entry)),
            });
        }
        match said {
            Some(said) if said.classes.contains(&class) => told.push(Some(true)),
            Some(said) if said.no_classes.contains(&class) => told.push(Some(false)),
            Some(said) if said.other_classes == Cause::NoSource => {}
            _ => told.push(None),
        }
        if told.contains(&Some(true)) {
            Some(true)
        } else if told.is_empty() || told.contains(&None) {
            None
        } else {
            Some(false)
        }
    }

    fn holds(&self, list: &NetworkList, is_it: impl Fn(&String) -> bool) -> Option<bool> {
        if self.gone.iter().any(|name| name == list.name) {
            return None;
        }
        let is_torn = self.torn.iter().any(|name| name == list.name);
        if list.entries.iter().any(is_it) { Some(true) } else { (!is_torn).then_some(false) }
    }
}

/// A fact of a place that is known.
pub enum Told {
    Address(&'static str),
    Number(u32),
    /// So many, and whether that is all.
    Staff(u64, bool),
    Text(Option<&'static str>),
    Version(&'static [u32]),
    Classes(Vec<(&'static str, Option<bool>)>),
}

/// What a line says of a fact of one place.
pub fn asks(law: &Law, scenery: &Scenery, line: &Line, told: Option<Told>) -> Option<bool> {
    let wanted = line.operator != "not-in";
    let is_any = match (told?, &line.value) {
        (Told::Text(text), Value::Texts(items)) => {
            let is_it = |item: &Item| is_same(line.fact, text, item, law);
            Some(items.iter().any(is_it))
        }
        (Told::Text(text), value) => return Some(super::judge::of_texts(law, line, &owned(text), value)),
        (Told::Staff(number, is_all), Value::Number(limit)) => {
            return super::sights::compares_staff(line.operator, (number, is_all), *limit);
        }
        (Told::Number(number), Value::Number(other)) => return Some(u64::from(number) == *other),
        (Told::Address(address), Value::Texts(items)) => among(law, scenery, items, |entry| lies_in(address, entry)),
        (Told::Number(number), Value::Texts(items)) => among(law, scenery, items, |entry| entry == number.to_string()),
        (Told::Version(own), Value::Text(limit)) => return compares_version(line.operator, own, limit),
        (Told::Classes(classes), value) => {
            let asked: Vec<&str> = match value {
                Value::Text(one) => vec![one],
                Value::Texts(items) => items.iter().map(text_of).collect(),
                _ => panic!("{line:?} asks for another kind of value"),
            };
            let answers: Vec<Option<bool>> =
                classes.iter().filter(|(class, _)| asked.contains(class)).map(|(_, answer)| *answer).collect();
            if answers.contains(&Some(true)) {
                Some(true)
            } else if answers.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        _ => panic!("{line:?} asks for another kind of value"),
    };
    is_any.map(|is_any| is_any == wanted)
}

fn owned(text: Option<&str>) -> Vec<String> {
    text.map(str::to_owned).into_iter().collect()
}

/// Whether a word is this item, or in the list it names.
fn is_same(fact: &str, text: Option<&str>, item: &Item, law: &Law) -> bool {
    let fold = |text: &str| if fact.ends_with(".family") { text.to_lowercase() } else { text.to_owned() };
    let Some(text) = text else { return false };
    super::judge::members(law, item).iter().any(|member| fold(member) == fold(text))
}

fn text_of(item: &Item) -> &str {
    match item {
        Item::Text(text) => text,
        _ => panic!("{item:?} is no class"),
    }
}

/// Whether one of the items is it; what a list cannot say is unknown.
fn among(law: &Law, scenery: &Scenery, items: &[Item], is_it: impl Fn(&str) -> bool) -> Option<bool> {
    let answers: Vec<Option<bool>> = items
        .iter()
        .map(|item| match item {
            Item::Text(text) => Some(is_it(text)),
            Item::Number(number) => Some(is_it(&number.to_string())),
            Item::List(name) => {
                let list = law.networks.iter().find(|list| list.name == name).unwrap();
                scenery.holds(list, |entry| is_it(entry))
            }
        })
        .collect();
    if answers.contains(&Some(true)) {
        Some(true)
    } else if answers.contains(&None) {
        None
    } else {
        Some(false)
    }
}

fn lies_in(address: &str, block: &str) -> bool {
    MEMBERS.iter().any(|(known, members)| *known == block && members.contains(&address))
}

/// A version says as much as it has numbers; the limit's missing ones are zero.
fn compares_version(operator: &str, own: &[u32], limit: &str) -> Option<bool> {
    let limit: Vec<u32> = limit.split('.').map(|part| part.parse().unwrap()).collect();
    for (place, wanted) in limit.iter().enumerate() {
        match own.get(place) {
            None if limit[place..].iter().all(|part| *part == 0) => break,
            None => return None,
            Some(part) if part < wanted => return Some(operator == "older-than"),
            Some(part) if part > wanted => return Some(operator == "newer-than"),
            Some(_) => {}
        }
    }
    let rest = own.get(limit.len()..).unwrap_or_default();
    Some(operator == "newer-than" && rest.iter().any(|part| *part > 0))
}

/// Whether the fact is one of a place: of each place of the session, or of the one where it was opened.
pub fn is_of_place(fact: &str) -> bool {
    fact.starts_with("sign-in.") || is_at_places(fact)
}

/// Whether it rests on what sources saw.
pub fn is_seen(fact: &str) -> bool {
    is_of_place(fact) || fact == "session.changed" || fact == "session.dark"
}

pub fn is_at_places(fact: &str) -> bool {
    fact.starts_with("network.") || fact.starts_with("client.")
}

/// When a session was opened, as far as sources have to tell of it.
fn opened(row: &Row) -> i64 {
    row.opened.unwrap_or(row.seen).min(row.seen)
}

impl Seen {
    fn believed(&self, now: i64) -> Self {
        if self.at > now + MINUTE { Self { address: None, agent: None, ..self.clone() } } else { self.clone() }
    }

    fn sighting(&self) -> Sighting {
        let at = instant(self.at).into();
        Sighting {
            user: user(self.user),
            session: self.session.map(SessionId),
            act: self.act,
            address: self.address.map(|address| address.parse().unwrap()),
            agent: self.agent.map(Arc::from),
            first: at,
            last: at,
            source: Arc::from(self.source),
        }
    }
}

impl Said {
    fn place(&self) -> Place {
        let set = |words: &[&str]| words.iter().map(|word| NetworkClass::from_word(word).unwrap()).collect();
        let found = |code| Found { value: Country::from_code(code).unwrap(), database: 0 };
        Place {
            country: self.country.map(found),
            asn: self.asn.map(|value| Found { value, database: 1 }),
            classes: ClassAnswers { yes: set(&self.classes), no: set(&self.no_classes), unknown: self.other_classes },
            ..Place::unknown(Cause::NotInDatabase)
        }
    }
}

fn sightings(rng: &mut Rng, world: &World, row: &Row, sources: &[(&'static str, Act, Option<Cause>)]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let (Some(user), false) = (row.user, sources.is_empty()) else { return seen };
    let agents: Vec<&str> = AGENTS.iter().map(|(text, ..)| *text).collect();
    let home = (pick(rng, ADDRESSES), pick(rng, &agents));
    for _ in 0..rng.usize(0..=3) {
        let (source, act, _) = pick(rng, sources);
        let is_homeless = chance(rng, 20);
        // About when it was opened, or at any time.
        let at = match row.opened {
            Some(opened) if is_homeless && chance(rng, 60) => opened + pick(rng, &[0, 0, 10, -10, 11, -11]) * SECOND,
            _ if chance(rng, 95) => world.now - rng.i64(0..HOUR),
            _ => world.now + pick(rng, &[MINUTE, MINUTE + 1]),
        };
        let (address, agent) = if chance(rng, 60) { home } else { (pick(rng, ADDRESSES), pick(rng, &agents)) };
        seen.push(Seen {
            user,
            session: (!is_homeless).then(|| if chance(rng, 98) { row.id } else { 100 + rng.u64(0..25) * 3 }),
            act,
            address: (!chance(rng, 10)).then_some(address),
            agent: (!chance(rng, 15)).then_some(agent),
            source,
            at,
        });
    }
    seen
}

/// Of few addresses nothing is said at all.
fn said(rng: &mut Rng) -> Option<Said> {
    let lost = pick(rng, &[Cause::NotInDatabase, Cause::Down]);
    let (mut classes, mut no_classes) = (Vec::new(), Vec::new());
    for class in CLASSES.iter().filter(|class| **class != "private") {
        match rng.u32(..10) {
            0 => classes.push(*class),
            1..5 => no_classes.push(*class),
            _ => {}
        }
    }
    let said = Said {
        country: if chance(rng, 85) { Ok(pick(rng, COUNTRIES)) } else { Err(lost) },
        asn: if chance(rng, 85) { Ok(pick(rng, ASNS)) } else { Err(lost) },
        classes,
        no_classes,
        other_classes: pick(rng, &[Cause::NoSource, Cause::NoSource, Cause::Down]),
    };
    (!chance(rng, 5)).then_some(said)
}

fn lost_lists(rng: &mut Rng) -> Vec<String> {
    let all = [ADDRESS_LIST, ASN_LIST, "tor-list", "vpn-list", "relay-list", "hosting-list", "corporate-list"];
    all.into_iter().filter(|_| chance(rng, 12)).map(str::to_owned).collect()
}
