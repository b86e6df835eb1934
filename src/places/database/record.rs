//! What one record of a database says, in whichever schema it is written: MaxMind's nested one, the flat one of DB-IP
//! and ip-location-db, IPinfo's. How a record is walked is in `walk`.
//!
//! A value of a wrong type is a value that is not there. Only `country` is where an address is: `registered_country` is
//! where its holder has an office, `represented_country` whose soldiers use it.

use super::value::Scalar;
use crate::model::{ClassSet, Continent, Coordinates, Country, NetworkClass};

/// What a record says. Texts stay in the database.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::places) struct Record<'d> {
    pub(in crate::places) country: Option<Country>,
    pub(in crate::places) continent: Option<Continent>,
    pub(in crate::places) asn: Option<u32>,
    pub(in crate::places) organization: Option<&'d str>,
    pub(in crate::places) coordinates: Option<Coordinates>,
    /// Classes that it says it is in.
    pub(in crate::places) yes: ClassSet,
    /// Classes that it says it is not in.
    pub(in crate::places) no: ClassSet,
}

/// Where in a record a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Top,
    Country,
    Continent,
    Location,
    /// A part that holds what others hold at the top.
    Part,
}

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// A part and nothing else.
    Inside(Level),
    /// A part, or the code itself.
    Country,
    /// A part, or the code itself.
    Continent,
    Asn,
    Organization,
    /// Who runs the network, by a key that means it only beside an AS number.
    Name,
    Latitude,
    Longitude,
    Radius,
    Connection,
    User,
    Class(NetworkClass),
}

/// What this key stands for; nothing if it is none of ours.
pub(super) fn field(level: Level, key: &[u8]) -> Option<Field> {
    Some(match (level, key) {
        (Level::Country, b"iso_code") => Field::Country,
        (Level::Continent, b"code") => Field::Continent,
        (Level::Country | Level::Continent, _) => return None,
        (_, b"latitude" | b"lat") => Field::Latitude,
        (_, b"longitude" | b"lng" | b"lon") => Field::Longitude,
        (_, b"accuracy_radius" | b"radius") => Field::Radius,
        (Level::Location, _) => return None,
        (_, b"country" | b"country_code") => Field::Country,
        (_, b"continent" | b"continent_code") => Field::Continent,
        (_, b"autonomous_system_number" | b"asn" | b"as_number") => Field::Asn,
        (_, b"autonomous_system_organization" | b"as_name" | b"as_organization") => Field::Organization,
        (_, b"name") => Field::Name,
        (_, b"connection_type") => Field::Connection,
        (_, b"user_type") => Field::User,
        (Level::Top, b"location") => Field::Inside(Level::Location),
        (Level::Top, b"traits" | b"privacy" | b"anonymous" | b"geo" | b"as") => Field::Inside(Level::Part),
        (_, key) => Field::Class(class_of(key)?),
    })
}

/// The class that a key answers, in the words of MaxMind and of IPinfo.
fn class_of(key: &[u8]) -> Option<NetworkClass> {
    Some(match key {
        b"is_tor_exit_node" | b"is_tor" | b"tor" => NetworkClass::Tor,
        b"is_anonymous_vpn" | b"is_vpn" | b"vpn" => NetworkClass::Vpn,
        b"is_public_proxy" | b"is_residential_proxy" | b"is_proxy" | b"is_res_proxy" | b"proxy" => NetworkClass::Proxy,
        b"is_relay" | b"relay" => NetworkClass::Relay,
        b"is_hosting_provider" | b"is_hosting" | b"hosting" => NetworkClass::Hosting,
        b"is_mobile" => NetworkClass::Mobile,
        b"is_satellite_provider" | b"is_satellite" => NetworkClass::Satellite,
        b"is_legitimate_proxy" => NetworkClass::Corporate,
        _ => return None,
    })
}

impl Field {
    /// What is inside, if the value turns out to be a part.
    pub(super) fn inside(self) -> Option<Level> {
        match self {
            Self::Inside(level) => Some(level),
            Self::Country => Some(Level::Country),
            Self::Continent => Some(Level::Continent),
            _ => None,
        }
    }
}

/// Everything found on the way, before it is put together. The first of two values for one thing counts.
#[derive(Default)]
pub(super) struct Gathered<'d> {
    record: Record<'d>,
    name: Option<&'d str>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    radius_km: Option<u16>,
}

impl<'d> Gathered<'d> {
    pub(super) fn take(&mut self, field: Field, value: Scalar<'d>) {
        let record = &mut self.record;
        match field {
            Field::Inside(_) => {}
            Field::Country => record.country = record.country.or_else(|| code(value, Country::from_code)),
            Field::Continent => record.continent = record.continent.or_else(|| code(value, Continent::from_code)),
            Field::Asn => record.asn = record.asn.or(value.asn()),
            Field::Organization => record.organization = record.organization.or(value.text()),
            Field::Name => self.name = self.name.or(value.text()),
            Field::Latitude => self.latitude = self.latitude.or(value.real()),
            Field::Longitude => self.longitude = self.longitude.or(value.real()),
            Field::Radius => self.radius_km = self.radius_km.or(value.real().and_then(kilometres)),
            Field::Connection => self.connection(value.text().unwrap_or_default()),
            Field::User => record.yes = record.yes.or(user_type(value.text().unwrap_or_default())),
            Field::Class(class) => {
                if let Some(truth) = value.truth() {
                    self.class(class, truth);
                }
            }
        }
    }

    pub(super) fn record(self) -> Record<'d> {
        let mut record = self.record;
        record.organization = record.organization.or(self.name.filter(|_| record.asn.is_some()));
        record.continent = record.continent.or(record.country.and_then(Country::continent));
        record.no = record.yes.iter().fold(record.no, ClassSet::without);
        record.coordinates = self.latitude.zip(self.longitude).and_then(|(latitude, longitude)| {
            // Nobody signs in from the sea off Ghana: it is how some files write that they do not know.
            let is_null = latitude == 0.0 && longitude == 0.0;
            let is_on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
            (is_on_earth && !is_null).then_some(Coordinates { latitude, longitude, radius_km: self.radius_km })
        });
        record
    }

    fn class(&mut self, class: NetworkClass, truth: bool) {
        let side = if truth { &mut self.record.yes } else { &mut self.record.no };
        *side = side.with(class);
    }

    /// MaxMind's types of connection: one that goes by wire is neither mobile nor by satellite.
    fn connection(&mut self, word: &str) {
        let is = |wanted: &str| word.eq_ignore_ascii_case(wanted);
        if ["Cellular", "Satellite", "Cable/DSL", "Dialup", "Corporate"].into_iter().any(is) {
            self.class(NetworkClass::Mobile, is("Cellular"));
            self.class(NetworkClass::Satellite, is("Satellite"));
        }
    }
}

/// Two letters, of either case.
fn code<T>(value: Scalar<'_>, find: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let text = value.text().filter(|text| text.len() == 2)?;
    find(&text.to_ascii_uppercase())
}

/// Whole kilometres, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is looked at before")]
fn kilometres(real: f64) -> Option<u16> {
    (real > 0.0 && real <= f64::from(u16::MAX)).then(|| real.ceil() as u16)
}

/// MaxMind's types of users that say a class. The others say nothing about classes.
fn user_type(word: &str) -> ClassSet {
    let class = match word {
        "cellular" => NetworkClass::Mobile,
        "hosting" | "content_delivery_network" => NetworkClass::Hosting,
        "consumer_privacy_network" => NetworkClass::Relay,
        _ => return ClassSet::NONE,
    };
    ClassSet::NONE.with(class)
}
