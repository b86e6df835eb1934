//! What is known about an address: where it is, whose network it is in, what kind of network that is.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Cause;

/// What databases say of one address. Each answer names the database it came from, or says why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The country, never a group of countries.
    pub country: Result<Found<Country>, Cause>,
    /// The continent.
    pub continent: Result<Found<Continent>, Cause>,
    /// The number of the autonomous system that announces it.
    pub asn: Result<Found<u32>, Cause>,
    /// Who runs that autonomous system.
    pub organization: Result<Found<Arc<str>>, Cause>,
    /// Coordinates, if a database has any.
    pub coordinates: Option<Found<Coordinates>>,
    /// What databases say of its classes; lists are not asked here.
    pub classes: ClassAnswers,
}

impl Place {
    /// A place of which nothing is known, because of this.
    pub fn unknown(cause: Cause) -> Self {
        Self {
            country: Err(cause),
            continent: Err(cause),
            asn: Err(cause),
            organization: Err(cause),
            coordinates: None,
            classes: ClassAnswers::unknown(cause),
        }
    }
}

/// A place database in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its file's name, or `shipped country` and the like for those compiled in.
    pub name: String,
    /// What it says it is, such as `GeoLite2-City`.
    pub kind: String,
    /// When it was built, as it says itself.
    pub built: Timestamp,
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
}

/// A value, and which database gave it: its place in the order of preference, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Place of the database.
    pub database: u8,
}

/// Coordinates, and how far from them the address may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Radius in kilometres within which the address lies, as the database estimates it.
    pub radius_km: Option<u16>,
}

/// A country by its two letters of ISO 3166-1, in capitals; Kosovo is `XK`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country(&'static str);

/// A continent, by the two letters that place databases use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Continent {
    Africa,
    Antarctica,
    Asia,
    Europe,
    NorthAmerica,
    Oceania,
    SouthAmerica,
}

impl Continent {
    /// Every continent.
    pub const ALL: &[Self] = &[
        Self::Africa,
        Self::Antarctica,
        Self::Asia,
        Self::Europe,
        Self::NorthAmerica,
        Self::Oceania,
        Self::SouthAmerica,
    ];

    /// The two letters in policies and databases.
    pub fn code(self) -> &'static str {
        match self {
            Self::Africa => "AF",
            Self::Antarctica => "AN",
            Self::Asia => "AS",
            Self::Europe => "EU",
            Self::NorthAmerica => "NA",
            Self::Oceania => "OC",
            Self::SouthAmerica => "SA",
        }
    }

    /// The continent with this code, in capitals.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.code() == code)
    }
}

impl Country {
    /// The country with this code, in capitals. Groups such as `EU` and `AP` and placeholders such as `XX` are none.
    pub fn from_code(code: &str) -> Option<Self> {
        super::country::find(code).map(|row| Self(row.code))
    }

    /// The two letters.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// Its continent.
    pub fn continent(self) -> Option<Continent> {
        super::country::find(self.0).and_then(|row| Continent::from_code(row.continent))
    }

    /// Its short English name.
    pub fn name(self) -> &'static str {
        super::country::find(self.0).map_or("", |row| row.name)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.0)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// A kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum NetworkClass {
    /// Exits of the Tor network.
    Tor,
    /// Commercial or free VPN services.
    Vpn,
    /// Open and residential proxies.
    Proxy,
    /// Privacy relays of operating systems and browsers, which ordinary people use without noticing.
    Relay,
    /// Data centres and clouds.
    Hosting,
    /// Cellular networks.
    Mobile,
    /// Satellite networks.
    Satellite,
    /// Gateways through which companies lead their staff.
    Corporate,
    /// Addresses that are not routed in the internet.
    Private,
}

impl NetworkClass {
    /// Every class.
    pub const ALL: &[Self] = &[
        Self::Tor,
        Self::Vpn,
        Self::Proxy,
        Self::Relay,
        Self::Hosting,
        Self::Mobile,
        Self::Satellite,
        Self::Corporate,
        Self::Private,
    ];

    /// The word in policies and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tor => "tor",
            Self::Vpn => "vpn",
            Self::Proxy => "proxy",
            Self::Relay => "relay",
            Self::Hosting => "hosting",
            Self::Mobile => "mobile",
            Self::Satellite => "satellite",
            Self::Corporate => "corporate",
            Self::Private => "private",
        }
    }

    /// The class with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

/// A set of classes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ClassSet(u16);

impl ClassSet {
    /// No class.
    pub const NONE: Self = Self(0);

    /// With this class too.
    #[must_use]
    pub fn with(self, class: NetworkClass) -> Self {
        Self(self.0 | 1 << class as u8)
    }

    /// Without this class.
    #[must_use]
    pub fn without(self, class: NetworkClass) -> Self {
        Self(self.0 & !(1 << class as u8))
    }

    /// Whether this class is among them.
    pub fn has(self, class: NetworkClass) -> bool {
        self.0 & 1 << class as u8 != 0
    }

    /// The classes of either set.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The classes of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the two have a class in common.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The classes, in the order of [`NetworkClass::ALL`].
    pub fn iter(self) -> impl Iterator<Item = NetworkClass> {
        NetworkClass::ALL.iter().copied().filter(move |class| self.has(*class))
    }
}

impl FromIterator<NetworkClass> for ClassSet {
    fn from_iter<I: IntoIterator<Item = NetworkClass>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for ClassSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

/// Which classes something is known to be in, and which it is known not to be in. Of all others nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassAnswers {
    /// It is in these.
    pub yes: ClassSet,
    /// It is not in these.
    pub no: ClassSet,
    /// Why nothing is known of the others.
    pub unknown: Cause,
}

impl ClassAnswers {
    /// Nothing is known, because of this.
    pub fn unknown(cause: Cause) -> Self {
        Self { yes: ClassSet::NONE, no: ClassSet::NONE, unknown: cause }
    }
}
