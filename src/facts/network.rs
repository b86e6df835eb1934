//! `network.*`: the networks where a session was opened and used, one place at a time.

use std::borrow::Cow;

use super::{Controller, FactSpec, Family, Kind, Reading, at, plain};
use crate::evidence::{Network, Spot};
use crate::model::{COUNTRY_CODES, Cause, Fact, Found, Source, Value};

pub(super) const FAMILY: Family = Family {
    name: "network",
    asks: "where the session is or was used; lines of one table ask of one place",
    facts: FACTS,
};

const PLACE: FactSpec =
    FactSpec { controlled_by: Controller::Network, ..plain("", Kind::Text, Source::Sighting, Reading::Place(address)) };

static FACTS: &[FactSpec] = &[
    FactSpec {
        name: "network.address",
        kind: Kind::Address,
        doc: "internet address",
        reading: Reading::Place(address),
        personal: true,
        ..PLACE
    },
    FactSpec {
        name: "network.country",
        doc: "country of the address, two letters of ISO 3166-1 in capitals",
        reading: Reading::Place(country),
        vocabulary: COUNTRY_CODES,
        never_empty: true,
        ..PLACE
    },
    FactSpec {
        name: "network.continent",
        doc: "continent of the address",
        reading: Reading::Place(continent),
        vocabulary: CONTINENTS,
        never_empty: true,
        ..PLACE
    },
    FactSpec {
        name: "network.asn",
        kind: Kind::Asn,
        doc: "number of the autonomous system that announces the address",
        reading: Reading::Place(asn),
        ..PLACE
    },
    FactSpec {
        name: "network.organization",
        doc: "who runs that autonomous system",
        reading: Reading::Place(organization),
        folds_case: true,
        never_empty: true,
        ..PLACE
    },
    FactSpec {
        name: "network.class",
        kind: Kind::Classes,
        doc: "kinds of network the address belongs to, by lists with a `class` and by place databases; each is known or not",
        reading: Reading::Place(class),
        vocabulary: CLASSES,
        ..PLACE
    },
    FactSpec {
        name: "network.staff",
        kind: Kind::Number,
        doc: "how many other staff were seen in 30 days in the same /24 or /48; at least so many while a source is missing, \
              late or down, and until 30 days are remembered without a gap",
        reading: Reading::Place(staff),
        ..PLACE
    },
];

/// Codes of continents.
pub(super) const CONTINENTS: &[&str] = &["AF", "AN", "AS", "EU", "NA", "OC", "SA"];

/// Words of classes.
pub(super) const CLASSES: &[&str] =
    &["tor", "vpn", "proxy", "relay", "hosting", "mobile", "satellite", "corporate", "private"];

fn of_network<'a>(spot: &Spot<'a>, read: impl FnOnce(&'a Network) -> Result<Value<'a>, Cause>) -> Fact<'a> {
    spot.network.and_then(read).map_or_else(Fact::unknown, |value| at(spot, value))
}

fn text<'a, T>(found: &'a Result<Found<T>, Cause>, read: impl FnOnce(&'a T) -> &'a str) -> Result<Value<'a>, Cause> {
    match found {
        Ok(found) => Ok(Value::Text(Some(Cow::Borrowed(read(&found.value))))),
        Err(cause) => Err(*cause),
    }
}

pub(super) fn address<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_network(spot, |network| Ok(Value::Address(network.address)))
}

pub(super) fn country<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_network(spot, |network| text(&network.place.country, |country| country.code()))
}

pub(super) fn continent<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_network(spot, |network| text(&network.place.continent, |continent| continent.code()))
}

pub(super) fn asn<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_network(spot, |network| match &network.place.asn {
        Ok(found) => Ok(Value::Number(found.value.into())),
        Err(cause) => Err(*cause),
    })
}

pub(super) fn organization<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_network(spot, |network| text(&network.place.organization, |name| name))
}

pub(super) fn class<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_network(spot, |network| Ok(Value::Classes(network.classes)))
}

fn staff<'a>(spot: &Spot<'a>) -> Fact<'a> {
    spot.staff.map_or_else(Fact::unknown, |staff| {
        let value = if staff.is_all { Value::Number(staff.others) } else { Value::AtLeast(staff.others) };
        at(&Spot { as_of: spot.as_of.min(staff.as_of), ..*spot }, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Continent, NetworkClass};

    #[test]
    fn the_words_of_policies_are_those_of_the_nouns() {
        assert!(CONTINENTS.iter().eq(Continent::ALL.iter().map(|one| one.code()).collect::<Vec<_>>().iter()));
        assert!(CLASSES.iter().eq(NetworkClass::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().iter()));
    }
}
