//! The part of the document about sign-ins, sightings and places: its structs, and the ways to and from them.
//!
//! Each answer of a place database stands with the place of that database in `databases`, or with the cause for which
//! there is none.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::back::{maybe, read, word};
use crate::address::canonical;
use crate::model::{
    Act, Cause, ClassAnswers, ClassSet, Continent, Coordinates, Country, Database, Found, KnownSession, NetworkClass,
    Place, Sighting, SourceStanding,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSource {
    tells: String,
    as_of: String,
    /// Null if it told everything.
    #[serde(default)]
    unknown: Option<String>,
    /// Null if that is not known.
    #[serde(default)]
    since: Option<String>,
    #[serde(default = "no_time")]
    skew: String,
    #[serde(default = "within")]
    within: String,
    #[serde(default = "no_time")]
    late: String,
}

fn no_time() -> String {
    SignedDuration::ZERO.to_string()
}

fn within() -> String {
    SourceStanding::WITHIN.to_string()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireDatabase {
    name: String,
    kind: String,
    built: String,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSighting {
    user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    first: String,
    /// Left out where it is the same instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    source: String,
}

/// A session that is listed no longer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireBygone {
    user: String,
    authenticated_at: Option<String>,
    last_seen_at: Option<String>,
    /// Null if no complete listing lacked it yet.
    gone_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePlace {
    country: WireAnswer<String>,
    continent: WireAnswer<String>,
    asn: WireAnswer<u32>,
    organization: WireAnswer<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coordinates: Option<WireCoordinates>,
    classes: WireClasses,
}

/// A value with the place of its database, or a cause.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WireAnswer<T> {
    Found(T, u8),
    Unknown(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCoordinates {
    latitude: f64,
    longitude: f64,
    radius_km: Option<u16>,
    database: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireClasses {
    yes: Vec<String>,
    no: Vec<String>,
    /// Why nothing is known of the others.
    unknown: String,
}

impl From<&SourceStanding> for WireSource {
    fn from(source: &SourceStanding) -> Self {
        Self {
            tells: source.tells.word().to_owned(),
            as_of: source.as_of.to_string(),
            unknown: source.unknown.map(|cause| cause.word().to_owned()),
            since: source.since.map(|since| since.to_string()),
            skew: source.skew.to_string(),
            within: source.within.to_string(),
            late: source.late.to_string(),
        }
    }
}

impl TryFrom<WireSource> for SourceStanding {
    type Error = String;

    fn try_from(wire: WireSource) -> Result<Self, String> {
        Ok(Self {
            tells: act("sources.tells", &wire.tells)?,
            as_of: read("sources.as_of", &wire.as_of)?,
            unknown: wire.unknown.map(|why| cause("sources.unknown", &why)).transpose()?,
            since: maybe("sources.since", wire.since.as_deref())?,
            skew: read("sources.skew", &wire.skew)?,
            within: read("sources.within", &wire.within)?,
            late: read("sources.late", &wire.late)?,
        })
    }
}

impl From<&Database> for WireDatabase {
    fn from(database: &Database) -> Self {
        Self {
            name: database.name.clone(),
            kind: database.kind.clone(),
            built: database.built.to_string(),
            digest: database.digest.clone(),
        }
    }
}

impl TryFrom<WireDatabase> for Database {
    type Error = String;

    fn try_from(wire: WireDatabase) -> Result<Self, String> {
        Ok(Self { built: read("built", &wire.built)?, name: wire.name, kind: wire.kind, digest: wire.digest })
    }
}

impl From<&Sighting> for WireSighting {
    fn from(sighting: &Sighting) -> Self {
        Self {
            user: sighting.user.to_string(),
            session: sighting.session.map(|session| session.to_string()),
            act: sighting.act.word().to_owned(),
            address: sighting.address.map(|address| address.to_string()),
            agent: sighting.agent.as_deref().map(str::to_owned),
            first: sighting.first.to_string(),
            last: (sighting.last != sighting.first).then(|| sighting.last.to_string()),
            source: sighting.source.to_string(),
        }
    }
}

impl TryFrom<WireSighting> for Sighting {
    type Error = String;

    fn try_from(wire: WireSighting) -> Result<Self, String> {
        let first = read("first", &wire.first)?;
        let last = maybe("last", wire.last.as_deref())?.unwrap_or(first);
        if last < first {
            return Err("field `last` is earlier than `first`".to_owned());
        }
        Ok(Self {
            user: read("user", &wire.user)?,
            session: maybe("session", wire.session.as_deref())?,
            act: act("act", &wire.act)?,
            address: wire.address.map(|address| address_of("address", &address)).transpose()?,
            agent: wire.agent.map(Arc::from),
            first,
            last,
            source: wire.source.into(),
        })
    }
}

impl From<&KnownSession> for WireBygone {
    fn from(known: &KnownSession) -> Self {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            user: known.user.to_string(),
            authenticated_at: text(known.authenticated_at),
            last_seen_at: text(known.last_seen_at),
            gone_at: text(known.gone_at),
        }
    }
}

impl TryFrom<WireBygone> for KnownSession {
    type Error = String;

    fn try_from(wire: WireBygone) -> Result<Self, String> {
        Ok(Self {
            user: read("bygone.user", &wire.user)?,
            authenticated_at: maybe("bygone.authenticated_at", wire.authenticated_at.as_deref())?,
            last_seen_at: maybe("bygone.last_seen_at", wire.last_seen_at.as_deref())?,
            gone_at: maybe("bygone.gone_at", wire.gone_at.as_deref())?,
        })
    }
}

impl From<&Place> for WirePlace {
    fn from(place: &Place) -> Self {
        let words = |classes: ClassSet| classes.iter().map(|class| class.word().to_owned()).collect();
        Self {
            country: answer(&place.country, |country| country.code().to_owned()),
            continent: answer(&place.continent, |continent| continent.code().to_owned()),
            asn: answer(&place.asn, |asn| *asn),
            organization: answer(&place.organization, ToString::to_string),
            coordinates: place.coordinates.map(|found| WireCoordinates {
                latitude: found.value.latitude,
                longitude: found.value.longitude,
                radius_km: found.value.radius_km,
                database: found.database,
            }),
            classes: WireClasses {
                yes: words(place.classes.yes),
                no: words(place.classes.no),
                unknown: place.classes.unknown.word().to_owned(),
            },
        }
    }
}

impl TryFrom<WirePlace> for Place {
    type Error = String;

    fn try_from(wire: WirePlace) -> Result<Self, String> {
        let coded = |field: &str, code: &str| format!("field `{field}` cannot be `{code}`");
        let country = |code: String| Country::from_code(&code).ok_or_else(|| coded("country", &code));
        let continent = |code: String| Continent::from_code(&code).ok_or_else(|| coded("continent", &code));
        Ok(Self {
            country: found("country", wire.country, country)?,
            continent: found("continent", wire.continent, continent)?,
            asn: found("asn", wire.asn, Ok)?,
            organization: found("organization", wire.organization, |name| Ok(Arc::from(name)))?,
            coordinates: wire.coordinates.map(|one| Found {
                value: Coordinates { latitude: one.latitude, longitude: one.longitude, radius_km: one.radius_km },
                database: one.database,
            }),
            classes: wire.classes.try_into()?,
        })
    }
}

impl TryFrom<WireClasses> for ClassAnswers {
    type Error = String;

    fn try_from(wire: WireClasses) -> Result<Self, String> {
        let class = |text: &String| word("classes", text, NetworkClass::ALL.iter().copied(), NetworkClass::word);
        let set = |words: &[String]| words.iter().map(class).collect::<Result<ClassSet, String>>();
        Ok(Self { yes: set(&wire.yes)?, no: set(&wire.no)?, unknown: cause("classes.unknown", &wire.unknown)? })
    }
}

fn answer<T, W>(found: &Result<Found<T>, Cause>, wire: impl FnOnce(&T) -> W) -> WireAnswer<W> {
    match found {
        Ok(found) => WireAnswer::Found(wire(&found.value), found.database),
        Err(cause) => WireAnswer::Unknown(cause.word().to_owned()),
    }
}

fn found<W, T>(
    field: &str,
    wire: WireAnswer<W>,
    value: impl FnOnce(W) -> Result<T, String>,
) -> Result<Result<Found<T>, Cause>, String> {
    match wire {
        WireAnswer::Found(wire, database) => Ok(Ok(Found { value: value(wire)?, database })),
        WireAnswer::Unknown(why) => cause(field, &why).map(Err),
    }
}

fn act(field: &str, text: &str) -> Result<Act, String> {
    word(field, text, Act::ALL.iter().copied(), Act::word)
}

fn cause(field: &str, text: &str) -> Result<Cause, String> {
    word(field, text, Cause::ALL.iter().copied(), Cause::word)
}

/// An address, in the one form in which addresses compare.
pub(super) fn address_of(field: &str, text: &str) -> Result<IpAddr, String> {
    read(field, text).map(canonical)
}
