//! What is looked up and judged: addresses, agent strings, lists, and an account whose people were seen. All from one seed,
//! so that every run sees the same.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use evictd::address::{Block, Contents, Form, ListFault, ListKind, ListNow, Lists, read_entries};
use evictd::diagnostic::{Findings, Source};
use evictd::model::{
    AccountName, Act, CycleId, Foreign, NetworkClass, Person, Role, Session, SessionId, Sighting, SourceStanding,
    UserId,
};
use evictd::policy::{PolicySet, read};
use evictd::snapshot::Snapshot;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::floor;

/// Lines of one list.
pub const RANGES: u32 = 50_000;

/// The first 16 bits of parts of IPv6 that are in use.
const V6_PARTS: &[u16] = &[0x2001, 0x2400, 0x2404, 0x2409, 0x2600, 0x2604, 0x2607, 0x2a00, 0x2a01, 0x2a02, 0x2a0e];

pub fn v4(rng: &mut Rng) -> IpAddr {
    Ipv4Addr::new(rng.u8(1..224), rng.u8(..), rng.u8(..), rng.u8(..)).into()
}

pub fn v6(rng: &mut Rng) -> IpAddr {
    let part = u128::from(*rng.choice(V6_PARTS).unwrap_or(&0x2001)) << 112;
    // Providers hold the beginnings of their registry's blocks.
    Ipv6Addr::from_bits(part | u128::from(rng.u16(..0x1000)) << 96 | u128::from(rng.u64(..))).into()
}

pub fn distinct(number: usize, mut one: impl FnMut() -> IpAddr) -> Vec<IpAddr> {
    let mut found = std::collections::BTreeSet::new();
    while found.len() < number {
        found.insert(one());
    }
    let mut found: Vec<IpAddr> = found.into_iter().collect();
    Rng::with_seed(11).shuffle(&mut found);
    found
}

/// Agent strings of programs that people and machines use, each different.
pub fn agents(number: u32) -> Vec<Arc<str>> {
    let agent = |number: u32| {
        let (major, build) = (60 + number / 8 % 80, number / 8);
        match number % 8 {
            0..3 => format!(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{build}.{} \
                 Safari/537.36",
                number % 8
            ),
            3 => format!("Mozilla/5.0 (X11; Linux x86_64; rv:{major}.{build}) Gecko/20100101 Firefox/{major}.{build}"),
            4 => format!(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{build} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.{build} Mobile/15E148 Safari/604.1"
            ),
            5 => format!(
                "Mozilla/5.0 (Linux; Android 14; SM-S{build}B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/{major}.0.0.0 Mobile Safari/537.36"
            ),
            6 => format!("Zendesk/{build} CFNetwork/1410.{major} Darwin/22.6.0"),
            _ => format!("python-requests/2.{build}"),
        }
    };
    (0..number).map(|number| agent(number).into()).collect()
}

/// The lines of a list of networks without overlaps: two in three of the slots that it is laid over.
pub fn list_text(is_v4: bool) -> String {
    let mut text = String::new();
    for number in 0..RANGES {
        // Every third slot stays free, so that there is something to miss.
        let slot = number / 2 * 3 + number % 2;
        let written = if is_v4 {
            writeln!(text, "{}/{}", Ipv4Addr::from_bits(slot << 14), 18 + number % 7)
        } else {
            writeln!(text, "{}/{}", Ipv6Addr::from_bits(0x2a << 120 | u128::from(slot) << 96), 32 + number % 17)
        };
        if written.is_err() {
            break;
        }
    }
    text
}

pub fn contents(text: &str) -> Result<Arc<Contents>, ListFault> {
    Ok(Arc::new(read_entries(text.as_bytes(), ListKind::Address, &Form::default(), None)?.contents))
}

/// The networks of a list, as its lines have them.
pub fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let block = |line: &str| {
        let (first, prefix) = line.split_once('/')?;
        Block::around(first.parse().ok()?, prefix.parse().ok()?)
    };
    text.lines().map(|line| block(line).ok_or_else(|| line.to_owned())).collect()
}

/// A list of this class, whole and fresh.
pub fn list(class: NetworkClass, contents: &Arc<Contents>) -> ListNow {
    ListNow {
        name: class.word().into(),
        kind: ListKind::Address,
        class: Some(class),
        contents: Some(Arc::clone(contents)),
        unknown: None,
        file: None,
    }
}

/// Lists of every class that lists usually supply: two large ones, small ones for the rest.
pub fn lists() -> Result<Lists, ListFault> {
    use NetworkClass::{Corporate, Hosting, Proxy, Relay, Tor, Vpn};
    let (large, small) =
        (contents(&(list_text(true) + &list_text(false)))?, contents("198.51.100.0/24\n2001:db8::/32")?);
    let large = [Vpn, Hosting].into_iter().map(|class| list(class, &large));
    Ok(large.chain([Tor, Proxy, Relay, Corporate].into_iter().map(|class| list(class, &small))).collect())
}

/// How large an account is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub sessions: u64,
    pub people: u64,
    pub addresses: usize,
    pub agents: u32,
}

/// An account of staff, each of whose sessions was used once, at one of the addresses, with one of the agents. Places are
/// not asked yet.
pub fn snapshot(size: Size) -> Snapshot {
    let now = Timestamp::from_second(1_800_000_000).unwrap_or_default();
    let mut rng = Rng::with_seed(7);
    let people = (1..=size.people).filter_map(|number| Some((UserId::new(number)?, Arc::new(person(number, now)?))));
    let people = people.collect();
    let sessions = (1..=size.sessions).map(|number| Session {
        id: SessionId(number),
        user: UserId::new(rng.u64(1..=size.people)),
        authenticated_at: Some((now - SignedDuration::from_mins(rng.i64(0..600))).into()),
        last_seen_at: Some((now - SignedDuration::from_mins(rng.i64(0..50))).into()),
        seen: now.into(),
    });
    let sessions: Vec<Session> = sessions.collect();
    let (source, standing) = (Arc::from("bench"), SourceStanding::whole(Act::Use, now));
    let sightings = sightings(&sessions, size, &source);
    Snapshot {
        sessions,
        people,
        sightings,
        sources: [(source, standing)].into(),
        ..Snapshot::empty(
            AccountName::new("bench"),
            CycleId::new("00000000-0000-7000-8000-000000000000"),
            now,
            UserId::from(std::num::NonZeroU64::MAX),
        )
    }
}

fn sightings(sessions: &[Session], size: Size, source: &Arc<str>) -> Vec<Sighting> {
    let mut rng = Rng::with_seed(8);
    let mut addresses = Rng::with_seed(9);
    let addresses = distinct(size.addresses, || match addresses.u8(..4) {
        0 => v6(&mut addresses),
        _ => v4(&mut addresses),
    });
    let agents = agents(size.agents);
    let mut sightings: Vec<Sighting> = Vec::with_capacity(sessions.len());
    sightings.extend(sessions.iter().filter_map(|session| {
        Some(Sighting {
            user: session.user?,
            session: Some(session.id),
            act: Act::Use,
            address: rng.choice(&addresses).copied(),
            agent: rng.choice(&agents).cloned(),
            first: session.authenticated_at?,
            last: session.last_seen_at.max(session.authenticated_at)?,
            source: Arc::clone(source),
        })
    }));
    sightings.sort_unstable();
    sightings
}

fn person(number: u64, seen: Timestamp) -> Option<Person> {
    Some(Person {
        id: UserId::new(number)?,
        seen,
        name: Foreign::new(format!("Person {number}")),
        email: Some(Foreign::new(format!("person-{number}@example.com"))),
        // Of end users no log tells everything: a rule about their places hardly ever says no.
        role: Some(Role::Agent),
        role_type: None,
        custom_role_id: None,
        deleted: Some(false),
        suspended: Some(number.is_multiple_of(200)),
        two_factor: None,
        verified: Some(true),
        chat_only: Some(false),
        tags: Vec::new(),
        organization_id: None,
        external_id: None,
    })
}

/// Twenty rules over age, idle, role, suspension and e-mail domain.
pub fn rules_of_people() -> Result<PolicySet, String> {
    policies(&(0..floor::RULES).map(floor::rule).collect::<String>())
}

/// As many over networks and clients: such as hardly ever hold, or such as nearly always do.
pub fn rules_of_places(is_dense: bool) -> Result<PolicySet, String> {
    let rule = |number: i64| {
        let step = number / 5;
        let when = match (number % 5, is_dense) {
            (0, false) => format!("network.country.in = [\"KP\", \"CU\"]\nsession.age.over = \"{step}s\""),
            (1, false) => format!("network.asn.in = [{}, 64511]", 64_496 + step),
            (2, false) => format!("network.class.in = [\"tor\"]\nsession.age.over = \"{step}s\""),
            (3, false) => format!("client.kind.in = [\"headless\", \"bot\"]\nsession.age.over = \"{step}s\""),
            (_, false) => format!("client.family.is = \"Chrome\"\nclient.version.older-than = \"20.{step}\""),
            (0, true) => format!("network.country.not-in = [\"KP\", \"CU\"]\nsession.age.over = \"{step}s\""),
            (1, true) => format!("network.asn.not-in = [{}, 64511]", 64_496 + step),
            (2, true) => format!("network.class.not-in = [\"tor\"]\nsession.age.over = \"{step}s\""),
            (3, true) => format!("client.kind.not-in = [\"headless\", \"bot\"]\nsession.age.over = \"{step}s\""),
            (_, true) => format!("client.family.not-in = [\"curl\"]\nclient.version.newer-than = \"1.{step}\""),
        };
        format!("[[rule]]\nid = \"p{number}\"\ntitle = \"t\"\naction = \"revoke-session\"\n[rule.when]\n{when}\n")
    };
    policies(&(0..floor::RULES).map(rule).collect::<String>())
}

fn policies(rules: &str) -> Result<PolicySet, String> {
    let mut findings = Findings::default();
    let text = format!("schema = 1\n{rules}");
    let read = read(&[Source::new("bench.toml", text.as_str())], None, &mut findings);
    read.ok_or_else(|| findings.sorted().first().map_or_else(String::new, |finding| finding.message.clone()))
}
