//! Whether a database may come into force without a human: by its age, and by addresses whose place is beyond doubt.
//!
//! A wrong database would move everybody at once. How many of the addresses seen lately it moves is looked at in
//! `atlas`, which has the others beside it.

use std::net::IpAddr;
use std::str::FromStr as _;

use jiff::{SignedDuration, Timestamp};

use super::database::{Opened, Supply};
use super::standing::Doubt;
use crate::model::Database;

/// Clocks of builders may be ahead by so much.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Why this database should not replace that one without a human; nothing if it may.
pub(super) fn doubt_of(candidate: &Opened, before: Option<&Database>, now: Timestamp) -> Option<Doubt> {
    let built = candidate.database.built;
    if built.duration_since(now) > AHEAD_MAX {
        return Some(Doubt::BuiltInFuture { built });
    }
    if let Some(before) = before.filter(|before| before.built > built) {
        return Some(Doubt::OlderThanBefore { built, before: before.built });
    }
    let (mut wrong, mut of) = (0, 0);
    for agrees in canaries(candidate) {
        of += 1;
        wrong += usize::from(!agrees);
    }
    // One may have changed hands, or be placed by where an anycast address answers.
    (wrong > 1 || wrong == of && of > 0).then_some(Doubt::Canaries { wrong, of })
}

/// For each canary that it knows, whether it says of it what everybody says. A record that cannot be read is wrong too.
pub(super) fn canaries(candidate: &Opened) -> impl Iterator<Item = bool> {
    let record = |address: &str| {
        let address = IpAddr::from_str(address).ok().filter(|address| candidate.covers.covers(*address))?;
        candidate.ask(address).transpose()
    };
    let countries = COUNTRIES.iter().filter(|_| candidate.supplies.has(Supply::Country));
    let countries = countries.filter_map(move |(address, code)| match record(address)? {
        Ok(record) => record.country.map(|country| country.code() == *code),
        Err(_) => Some(false),
    });
    let asns = ASNS.iter().filter(|_| candidate.supplies.has(Supply::Asn));
    countries.chain(asns.filter_map(move |(address, asn)| match record(address)? {
        Ok(record) => record.asn.map(|number| number == *asn),
        Err(_) => Some(false),
    }))
}

/// Addresses of long-standing national networks, registries and resolvers, and their countries.
const COUNTRIES: &[(&str, &str)] = &[
    ("8.8.8.8", "US"),
    ("18.9.22.169", "US"),
    ("193.0.6.139", "NL"),
    ("5.255.255.5", "RU"),
    ("41.0.0.1", "ZA"),
    ("133.11.0.1", "JP"),
    ("200.160.2.3", "BR"),
    ("130.149.7.201", "DE"),
    ("128.232.0.1", "GB"),
    ("212.27.48.10", "FR"),
    ("168.126.63.1", "KR"),
    ("202.112.0.35", "CN"),
    ("139.130.4.5", "AU"),
    ("132.248.10.2", "MX"),
    ("2001:4860:4860::8888", "US"),
    ("2001:610:1:80aa::1", "NL"),
    ("2a02:6b8::1", "RU"),
    ("2001:200::1", "JP"),
    ("2001:12ff::1", "BR"),
    ("2001:638:500::1", "DE"),
    ("2001:630:212::1", "GB"),
    ("2001:388::1", "AU"),
];

/// Addresses of long-standing networks, and the numbers of their autonomous systems.
const ASNS: &[(&str, u32)] = &[
    ("8.8.8.8", 15_169),
    ("18.9.22.169", 3),
    ("193.0.6.139", 3333),
    ("5.255.255.5", 13_238),
    ("200.160.2.3", 22_548),
    ("194.25.0.125", 3320),
    ("212.27.48.10", 12_322),
    ("168.126.63.1", 4766),
    ("2001:4860:4860::8888", 15_169),
    ("2a02:6b8::1", 13_238),
    ("2001:12ff::1", 22_548),
    ("2001:200::1", 2500),
];
