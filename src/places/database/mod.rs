//! One database, opened: what it says it is, what it can supply, for which kind of address, and its records.
//!
//! What it can supply is found from its type and by looking at records here and there, never from its file's name. A file
//! may be hostile: its tree is only ever walked for one address at a time, so that no cycle in it can hold us up, and how
//! much one record may unfold is bounded by the reader.

mod record;
mod value;
mod walk;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use maxminddb::Reader;

use crate::model::{ClassSet, Database, NetworkClass};
pub(super) use record::Record;

/// The bytes of a database: compiled in, or read from a file.
enum Bytes {
    Shipped(&'static [u8]),
    Read(Vec<u8>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Shipped(bytes) => bytes,
            Self::Read(bytes) => bytes,
        }
    }
}

/// What a database can tell of an address, classes aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supply {
    /// The country.
    Country,
    /// The continent.
    Continent,
    /// The number of the autonomous system.
    Asn,
    /// Who runs the autonomous system.
    Organization,
    /// Coordinates.
    Coordinates,
}

impl Supply {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Country, Self::Continent, Self::Asn, Self::Organization, Self::Coordinates];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Continent => "continent",
            Self::Asn => "asn",
            Self::Organization => "organization",
            Self::Coordinates => "coordinates",
        }
    }
}

/// What a database can supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Supplies {
    facts: u8,
    /// Classes that it may say something about.
    pub classes: ClassSet,
    /// Classes of which it lists every member it knows: whoever is not in it is in none of them.
    pub whole: ClassSet,
}

impl Supplies {
    /// Everything that any database can supply: whether an address is private is nobody's to say.
    pub fn everything() -> Self {
        let classes = NetworkClass::ALL.iter().copied().collect::<ClassSet>().without(NetworkClass::Private);
        Supply::ALL.iter().fold(Self { facts: 0, classes, whole: ClassSet::NONE }, |all, fact| all.with(*fact))
    }

    #[must_use]
    pub(super) fn with(mut self, fact: Supply) -> Self {
        self.facts |= 1 << fact as u8;
        self
    }

    /// Whether this is among it.
    pub fn has(self, fact: Supply) -> bool {
        self.facts & 1 << fact as u8 != 0
    }

    /// Whether it supplies nothing that is known of.
    pub fn is_empty(self) -> bool {
        self.facts == 0 && self.classes.is_empty()
    }

    /// In the words of reports.
    pub fn words(self) -> Vec<&'static str> {
        let facts = Supply::ALL.iter().filter(|fact| self.has(**fact)).map(|fact| fact.word());
        facts.chain(self.classes.iter().map(NetworkClass::word)).collect()
    }

    /// With what this record supplies.
    fn seen(mut self, record: &Record<'_>) -> Self {
        let found = [
            (record.country.is_some(), Supply::Country),
            (record.continent.is_some(), Supply::Continent),
            (record.asn.is_some(), Supply::Asn),
            (record.organization.is_some(), Supply::Organization),
            (record.coordinates.is_some(), Supply::Coordinates),
        ];
        self.classes = self.classes.or(record.yes).or(record.no);
        found.into_iter().filter(|(is_there, _)| *is_there).fold(self, |all, (_, fact)| all.with(fact))
    }
}

/// For which kind of address a database has records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Covers {
    pub(super) v4: bool,
    pub(super) v6: bool,
}

impl Covers {
    pub(super) const BOTH: Self = Self { v4: true, v6: true };

    pub(super) fn covers(self, address: IpAddr) -> bool {
        if address.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// A database that can be asked.
pub(super) struct Opened {
    reader: Reader<Bytes>,
    pub(super) database: Database,
    pub(super) supplies: Supplies,
    pub(super) covers: Covers,
}

/// The record of an address, and it is damaged: what the database would say is not known.
pub(super) struct Damaged;

impl Opened {
    /// One that is compiled in, of which it is known what it supplies.
    pub(super) fn shipped(bytes: &'static [u8], name: &str, digest: &str, supplies: Supplies) -> Result<Self, String> {
        let named = (name.to_owned(), digest.to_owned());
        let (reader, database) = open(Bytes::Shipped(bytes), named)?;
        Ok(Self { reader, database, supplies, covers: Covers::BOTH })
    }

    /// One that was read from a file of this name.
    ///
    /// # Errors
    ///
    /// When it is no such database, or none that can tell anything of places.
    pub(super) fn read(bytes: Vec<u8>, name: &str, digest: &str) -> Result<Self, String> {
        let (reader, database) = open(Bytes::Read(bytes), (name.to_owned(), digest.to_owned()))?;
        let mut opened = Self { reader, database, supplies: Supplies::default(), covers: Covers::BOTH };
        opened.look_around();
        if opened.supplies.is_empty() {
            return Err(format!("its type `{}` tells nothing of places", opened.database.kind));
        }
        Ok(opened)
    }

    /// The record of an address that it covers; none if it has none.
    pub(super) fn ask(&self, address: IpAddr) -> Result<Option<Record<'_>>, Damaged> {
        let found = self.reader.lookup(address).and_then(|found| found.decode::<Record<'_>>());
        found.map_err(|_error| Damaged)
    }

    /// Finds what it supplies, and for which kind of address.
    fn look_around(&mut self) {
        let kind = self.database.kind.to_ascii_lowercase();
        let mut supplies = by_type(&kind);
        let v4 = self.look((0..=223).map(|first| IpAddr::V4(Ipv4Addr::new(first, 0, 0, 0))), &mut supplies);
        let starts = V6_STARTS.iter().map(|first| IpAddr::V6(Ipv6Addr::from(u128::from(*first) << 96)));
        let v6 = self.reader.metadata().ip_version == 6 && self.look(starts, &mut supplies);
        let is_about_classes = ["anonymous", "privacy"].iter().any(|word| kind.contains(word));
        if is_about_classes || supplies.facts == 0 {
            supplies.whole = WHOLE.iter().copied().filter(|class| supplies.classes.has(*class)).collect();
        }
        (self.supplies, self.covers) = (supplies, Covers { v4, v6 });
    }

    /// Looks at a few records from each of these addresses on, and tells whether there are any.
    fn look(&self, starts: impl Iterator<Item = IpAddr>, supplies: &mut Supplies) -> bool {
        let (mut has_any, mut past) = (false, None);
        for start in starts {
            if past.is_some_and(|past| start <= past) {
                continue;
            }
            let mut left = RECORDS_EACH;
            for (last, record) in self.from(start) {
                past = Some(last);
                if let Some(record) = record {
                    *supplies = supplies.seen(&record);
                    (has_any, left) = (true, left - 1);
                }
                if left == 0 {
                    break;
                }
            }
        }
        has_any
    }

    /// The networks from this address on, as far as a few steps lead: the last address of each, and its record if it has
    /// one. A record that is damaged is there and says nothing.
    fn from(&self, start: IpAddr) -> impl Iterator<Item = (IpAddr, Option<Record<'_>>)> {
        let mut next = Some(start);
        (0..STEPS_MAX).map_while(move |_| {
            let found = self.reader.lookup(next?).ok()?;
            // In a file for IPv6, what lies above all of IPv4 is no record of an IPv4 address.
            let network = found.network().ok().filter(|network| network.is_ipv4() == start.is_ipv4())?;
            let last = network.broadcast();
            next = after(last);
            Some((last, found.has_data().then(|| found.decode::<Record<'_>>().ok().flatten().unwrap_or_default())))
        })
    }
}

/// Classes of which a database about anonymous networks lists every member it knows. The rest are no business of theirs.
const WHOLE: &[NetworkClass] =
    &[NetworkClass::Tor, NetworkClass::Vpn, NetworkClass::Proxy, NetworkClass::Relay, NetworkClass::Hosting];

/// So many records are looked at from each start.
const RECORDS_EACH: usize = 4;

/// So many steps lead from each start: the way to the only record of a /8, or of a /32 in IPv6, has fewer.
const STEPS_MAX: usize = 256;

/// The first 32 bits of parts of IPv6 that registries gave out, and the beginning of all that may be given out.
const V6_STARTS: &[u32] = &[
    0x2000_0000,
    0x2001_0200,
    0x2001_0400,
    0x2001_1200,
    0x2001_4200,
    0x2400_0000,
    0x2600_0000,
    0x2800_0000,
    0x2a00_0000,
    0x2a02_0000,
    0x2c0f_0000,
];

fn open(bytes: Bytes, (name, digest): (String, String)) -> Result<(Reader<Bytes>, Database), String> {
    let reader = Reader::from_source(bytes).map_err(|error| error.to_string())?;
    let metadata = reader.metadata();
    let built = i64::try_from(metadata.build_epoch).ok().and_then(|second| Timestamp::from_second(second).ok());
    let built = built.ok_or_else(|| format!("it says it was built {} seconds after 1970", metadata.build_epoch))?;
    let database = Database { name, kind: metadata.database_type.clone(), built, digest };
    Ok((reader, database))
}

/// What a database of this type supplies, in the names of MaxMind, which mark what a small file may have no record of.
fn by_type(kind: &str) -> Supplies {
    let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    let is_geo = kind.starts_with("geo");
    let facts = [
        (has(&["country", "city", "enterprise"]), &[Supply::Country, Supply::Continent][..]),
        (has(&["city", "enterprise"]), &[Supply::Coordinates]),
        (has(&["-asn", "-isp", "enterprise"]), &[Supply::Asn, Supply::Organization]),
    ];
    let told = facts.into_iter().filter(|(told, _)| is_geo && *told).flat_map(|(_, facts)| facts);
    let mut supplies = told.fold(Supplies::default(), |all, fact| all.with(*fact));
    if is_geo && has(&["anonymous"]) {
        supplies.classes = WHOLE.iter().copied().collect::<ClassSet>().without(NetworkClass::Relay);
    }
    supplies
}

/// The address after this one.
fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(address) => u128::from(address).checked_add(1).map(|next| IpAddr::V6(next.into())),
    }
}
