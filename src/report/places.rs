//! The places of one session, as an explanation shows them: where and with what, who told of it, how surely it is a place
//! of this very session, and which rules it decided.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::evidence::{Evidence, Network, Spot};
use crate::facts::{Reading, Witness as _};
use crate::model::{Act, Cause, Causes, Foreign, Sighting, Strength};
use crate::policy::Ground;
use crate::snapshot::Snapshot;

/// One place of the session.
#[derive(Debug, Clone)]
pub(super) struct PlaceRow {
    act: Act,
    /// In words: opened or used, from where and when.
    name: String,
    address: Option<String>,
    /// Country and network, as far as databases know them.
    network: Option<String>,
    first: Option<String>,
    last: Option<String>,
    agent: Option<Program>,
    strength: Strength,
    /// The sources with a row of it.
    sources: Vec<Foreign>,
    /// Rules that it decided.
    decided: Vec<String>,
}

/// What was used there.
#[derive(Debug, Clone)]
struct Program {
    agent: Foreign,
    kind: &'static str,
    strength: Strength,
}

/// The places that are known of this session, in their order, by number from 1.
pub(super) fn places_of(snapshot: &Snapshot, evidence: &Evidence<'_>) -> Vec<PlaceRow> {
    let spots = (0..evidence.spots().known).filter_map(|number| Some((number, evidence.spot(number)?)));
    let row = |(number, spot): (usize, Spot<'_>)| PlaceRow {
        act: spot.act,
        name: evidence.name_of(number),
        address: spot.network.ok().map(|network| network.address.to_string()),
        network: spot.network.ok().and_then(network_text),
        first: spot.seen.map(|(first, _)| first.to_string()),
        last: spot.seen.map(|(_, last)| last.to_string()),
        agent: spot.agent.ok().map(|agent| Program {
            agent: Foreign::new(&*agent.text),
            kind: agent.client().kind.word(),
            strength: spot.strength.min(spot.agent_strength),
        }),
        strength: spot.strength,
        sources: sources_of(snapshot, evidence, &spot),
        decided: Vec::new(),
    };
    spots.map(row).collect()
}

/// Numbers, from 1, of the places at which these grounds were told. What was asked of the sign-in was told where the
/// session was opened.
pub(super) fn deciding(grounds: &[Ground], places: &[PlaceRow]) -> BTreeSet<usize> {
    let opened = (1..).zip(places).filter(|(_, place)| place.act == Act::SignIn).map(|(number, _)| number);
    let opened: Vec<usize> = opened.collect();
    let mut numbers: BTreeSet<usize> = grounds.iter().filter_map(|ground| Some(ground.spot? + 1)).collect();
    if grounds.iter().any(|ground| matches!(ground.fact.reading, Reading::SignIn(_))) {
        numbers.extend(opened);
    }
    numbers
}

/// Notes at these places that they decided this rule.
pub(super) fn mark(places: &mut [PlaceRow], numbers: &BTreeSet<usize>, rule: &str) {
    for (_, place) in (1..).zip(places).filter(|(number, _)| numbers.contains(number)) {
        place.decided.push(rule.to_owned());
    }
}

/// The names of all sources with a row that says this.
fn sources_of(snapshot: &Snapshot, evidence: &Evidence<'_>, spot: &Spot<'_>) -> Vec<Foreign> {
    let session = evidence.session;
    let says_so = |row: &&Sighting| {
        Some(row.user) == session.user
            && row.session.is_none_or(|named| named == session.id)
            && row.act == spot.act
            && spot.seen == Some((row.first.at(), row.last.at()))
            && spot.network.map_or(true, |network| row.address == Some(network.address))
    };
    let rows = if spot.strength == Strength::Hearsay { &snapshot.hearsay } else { &snapshot.sightings };
    let names: BTreeSet<&str> = rows.iter().filter(says_so).map(|row| &*row.source).collect();
    names.into_iter().map(Foreign::new).collect()
}

fn network_text(network: &Network) -> Option<String> {
    let place = &network.place;
    let country = place.country.as_ref().ok().map(|country| country.value.to_string());
    let asn = place.asn.as_ref().ok().map(|asn| format!("AS{}", asn.value));
    let organization = place.organization.as_ref().ok().map(|name| Foreign::new(&*name.value).to_string());
    let classes = network.classes.yes();
    let classes = classes.iter().map(|class| format!("`{}`", class.word()));
    let parts: Vec<String> = country.into_iter().chain(asn).chain(organization).chain(classes).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The section of a page; empty if no place is known.
pub(super) fn text(places: &[PlaceRow], missing: Causes) -> String {
    if places.is_empty() {
        return String::new();
    }
    let mut page = String::from("\nplaces\n");
    for (number, place) in (1..).zip(places) {
        page += &place.text(number);
    }
    if missing != Causes::default() {
        let why: Vec<&str> = missing.iter().map(Cause::text).collect();
        page += &format!("  there may be others: {}\n", why.join("; "));
    }
    page
}

impl PlaceRow {
    fn text(&self, number: usize) -> String {
        let sources: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        let (name, told) = (&self.name, sources.join(" and "));
        let mut text =
            format!("  {number}  {name}\n     {}: {}", self.strength.word(), meaning(self.act, self.strength));
        text += &match self.strength {
            Strength::Hearsay => "\n".to_owned(),
            _ if told.is_empty() => "; told by no source at hand\n".to_owned(),
            _ => format!("; told by {told}\n"),
        };
        if let Some(network) = &self.network {
            text += &format!("     network {network}\n");
        }
        if let Some(Program { agent, kind, strength }) = &self.agent {
            let unsure = if strength < &self.strength { format!(", {}", strength.word()) } else { String::new() };
            text += &format!("     program `{agent}` ({kind}{unsure})\n");
        }
        if !self.decided.is_empty() {
            text += &format!("     decided {}\n", self.decided.join(", "));
        }
        text
    }

    pub(super) fn json(&self, number: usize) -> Value {
        json!({
            "place": number,
            "act": self.act.word(),
            "address": self.address,
            "network": self.network,
            "first": self.first,
            "last": self.last,
            "agent": self.agent.as_ref().map(|program| program.agent.to_string()),
            "agent_kind": self.agent.as_ref().map(|program| program.kind),
            "agent_strength": self.agent.as_ref().map(|program| program.strength.word()),
            "strength": self.strength.word(),
            "sources": self.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "decided": self.decided,
        })
    }
}

/// Why it is a place of this session, for people.
fn meaning(act: Act, strength: Strength) -> &'static str {
    match (act, strength) {
        (Act::SignIn, Strength::Exact) => "the row names the session, or was written as it was opened",
        (Act::Use, Strength::Exact) => "the row names the session",
        (_, other) => other.text(),
    }
}
