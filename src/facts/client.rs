//! `client.*`: the programs with which a session was opened and used, one place at a time. They say of themselves what
//! they like: a rule that rests on them finds the careless, and an exception that does is open to everybody. All but
//! the kind may be any text that was sent, of a person too, and never stands in a line of the trail.

use std::borrow::Cow;

use super::{Controller, FactSpec, Family, Kind, Reading, at, plain};
use crate::evidence::Spot;
use crate::model::{Cause, Client, Fact, Source, Value};

pub(super) const FAMILY: Family =
    Family { name: "client", asks: "which program uses it; lines of one table ask of one place", facts: FACTS };

const PLACE: FactSpec = FactSpec {
    controlled_by: Controller::Client,
    ..plain("", Kind::Text, Source::Sighting, Reading::Place(user_agent))
};

static FACTS: &[FactSpec] = &[
    FactSpec {
        name: "client.user-agent",
        doc: "the program's agent string as it came; empty if it sent an empty one",
        reading: Reading::Place(user_agent),
        personal: true,
        ..PLACE
    },
    FactSpec {
        name: "client.family",
        doc: "name of the program, such as `Firefox`; empty if the string has none",
        reading: Reading::Place(family),
        personal: true,
        folds_case: true,
        ..PLACE
    },
    FactSpec {
        name: "client.version",
        kind: Kind::Version,
        doc: "version of the program, without the parts that browsers no longer tell",
        reading: Reading::Place(version),
        personal: true,
        ..PLACE
    },
    FactSpec {
        name: "client.os",
        doc: "operating system, such as `Windows`; empty if the string has none",
        reading: Reading::Place(os),
        personal: true,
        folds_case: true,
        ..PLACE
    },
    FactSpec {
        name: "client.kind",
        doc: "what kind of program it is; `script` is every HTTP client that nobody sits at",
        reading: Reading::Place(kind),
        vocabulary: KINDS,
        never_empty: true,
        ..PLACE
    },
];

/// Words of kinds.
pub(super) const KINDS: &[&str] = &["browser", "mobile-app", "script", "headless", "bot", "unknown-agent"];

fn of_client<'a>(spot: &Spot<'a>, read: impl FnOnce(&'a Client) -> Result<Value<'a>, Cause>) -> Fact<'a> {
    spot.agent.and_then(|agent| read(agent.client())).map_or_else(Fact::unknown, |value| told(spot, value))
}

fn name(text: Option<&str>) -> Value<'_> {
    Value::Text(text.map(Cow::Borrowed))
}

pub(super) fn user_agent<'a>(spot: &Spot<'a>) -> Fact<'a> {
    spot.agent.map_or_else(Fact::unknown, |agent| told(spot, name(Some(&*agent.text).filter(|text| !text.is_empty()))))
}

/// What the program says, as surely as it is the one that was used there.
fn told<'a>(spot: &Spot<'a>, value: Value<'a>) -> Fact<'a> {
    at(&Spot { strength: spot.strength.min(spot.agent_strength), ..*spot }, value)
}

pub(super) fn family<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_client(spot, |client| Ok(name(client.family.as_deref())))
}

pub(super) fn version<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_client(spot, |client| client.version.map(Value::Version).ok_or(Cause::NotTold))
}

pub(super) fn os<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_client(spot, |client| Ok(name(client.system.as_deref())))
}

pub(super) fn kind<'a>(spot: &Spot<'a>) -> Fact<'a> {
    of_client(spot, |client| Ok(name(Some(client.kind.word()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClientKind;

    #[test]
    fn the_words_of_policies_are_those_of_the_nouns() {
        assert!(KINDS.iter().eq(ClientKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().iter()));
    }
}
