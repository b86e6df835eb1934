//! The facts that a test case states: a witness without a snapshot.
//!
//! What follows from stated facts alone is derived: what an agent string tells, what lists make of an address. What a
//! database says of an address is not, as if there were none: cases would come out otherwise with every new one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::address::Lists;
use crate::evidence::{Agent, Network, Spot, Spots};
use crate::facts::{FactSpec, Kind, Reading, Witness};
use crate::model::{Act, Cause, Causes, ClassAnswers, Fact, Found, Known, Place, Source, Strength, Value};

/// Values by the names of their facts.
pub type Values = BTreeMap<&'static str, Value<'static>>;

/// Stated facts. What is not stated and cannot be derived is unknown.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Values as stated, durations as observed; those of places excepted.
    pub values: Values,
    /// The places of the session as stated, beside the one where it was opened.
    pub places: Vec<Values>,
    /// By how much a stated `session.idle` may lag behind the truth.
    pub idle_slack: SignedDuration,
}

impl Given {
    /// The witness of these facts, with the named lists as they stand.
    pub fn witness<'g>(&'g self, lists: &'g Lists) -> Stated<'g> {
        let opened = self.values.iter().filter_map(|(name, value)| Some((place_fact(name)?, value.clone())));
        let opened: BTreeMap<String, Value<'_>> = opened.collect();
        let sign_in = (!opened.is_empty()).then(|| StatedPlace::new(Act::SignIn, opened, lists));
        let used = self.places.iter().map(|values| {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            StatedPlace::new(Act::Use, values, lists)
        });
        Stated { given: self, lists, places: sign_in.into_iter().chain(used).collect() }
    }

    fn lagging<'a>(&self, fact: &FactSpec, value: &'a Value<'static>) -> Value<'a> {
        match value {
            Value::Duration { high, .. } if fact.name == "session.idle" => {
                Value::Duration { low: high.saturating_sub(self.idle_slack), high: *high }
            }
            other => borrowed(other),
        }
    }
}

/// The fact of a place that says the same as this one of `sign-in`.
fn place_fact(name: &str) -> Option<String> {
    let asked = name.strip_prefix("sign-in.")?;
    let family = if crate::facts::find(&format!("client.{asked}")).is_some() { "client" } else { "network" };
    Some(format!("{family}.{asked}"))
}

/// One stated place, with what follows from what is stated of it.
#[derive(Debug)]
struct StatedPlace {
    act: Act,
    values: BTreeMap<String, Value<'static>>,
    network: Option<Network>,
    agent: Option<Agent>,
}

impl StatedPlace {
    fn new(act: Act, values: BTreeMap<String, Value<'static>>, lists: &Lists) -> Self {
        let network = match values.get("network.address") {
            Some(Value::Address(address)) => {
                let classes = ClassAnswers::unknown(Cause::NoSource);
                let mut place = Place { classes, ..Place::unknown(Cause::NotStated) };
                if let Some(Value::Number(asn)) = values.get("network.asn") {
                    place.asn = u32::try_from(*asn).map(|value| Found { value, database: 0 }).or(place.asn);
                }
                Some(Network::new(*address, place, lists))
            }
            _ => None,
        };
        let agent = match values.get("client.user-agent") {
            Some(Value::Text(text)) => Some(Agent::new(text.as_deref().unwrap_or_default().into())),
            _ => None,
        };
        Self { act, values, network, agent }
    }

    fn spot(&self) -> Spot<'_> {
        Spot {
            agent_strength: Strength::Exact,
            act: self.act,
            network: self.network.as_ref().ok_or(Cause::NotStated),
            agent: self.agent.as_ref().ok_or(Cause::NotStated),
            seen: None,
            as_of: Timestamp::UNIX_EPOCH,
            strength: Strength::Exact,
            staff: Err(Cause::NotStated),
        }
    }

    /// What is stated of this fact of a place, else what follows.
    fn tell(&self, name: &str, read: for<'a> fn(&Spot<'a>) -> Fact<'a>) -> Fact<'_> {
        match self.values.get(name) {
            Some(value) => stated(borrowed(value), Strength::Exact),
            None => read(&self.spot()),
        }
    }
}

/// A case as a witness.
#[derive(Debug)]
pub struct Stated<'g> {
    given: &'g Given,
    lists: &'g Lists,
    places: Vec<StatedPlace>,
}

impl Stated<'_> {
    /// Every stated fact with what the others make of it.
    pub fn derived(&self) -> Vec<(&'static FactSpec, &Value<'static>, Fact<'_>)> {
        let of_values = self.given.values.iter().filter_map(|(name, value)| {
            let fact = crate::facts::find(name)?;
            match fact.reading {
                Reading::Derived(derive) => Some((fact, value, derive(self))),
                Reading::SignIn(read) => Some((fact, value, read(&self.opened()?.spot()))),
                Reading::Row(_) | Reading::Place(_) => None,
            }
        });
        let of_places = self.places.iter().filter(|place| place.act == Act::Use).flat_map(|place| {
            place.values.iter().filter_map(|(name, value)| {
                let fact = crate::facts::find(name)?;
                let Reading::Place(read) = fact.reading else { return None };
                Some((fact, value, read(&place.spot())))
            })
        });
        of_values.chain(of_places).collect()
    }

    fn opened(&self) -> Option<&StatedPlace> {
        self.places.iter().find(|place| place.act == Act::SignIn)
    }
}

impl Witness for Stated<'_> {
    fn tell(&self, fact: &'static FactSpec) -> Fact<'_> {
        let strength = strength_of(fact);
        match (self.given.values.get(fact.name), fact.reading) {
            (Some(value), _) => stated(self.given.lagging(fact, value), strength),
            (None, Reading::Derived(derive)) => derive(self),
            (None, Reading::SignIn(read)) => {
                self.opened().map_or(Fact::unknown(Cause::NotStated), |place| read(&place.spot()))
            }
            (None, Reading::Row(_) | Reading::Place(_)) => Fact::unknown(Cause::NotStated),
        }
    }

    /// A case that states where the session was used states all of it.
    fn spots(&self) -> Spots {
        let missing = if self.given.places.is_empty() { Cause::NotStated.into() } else { Causes::default() };
        Spots { known: self.places.len(), missing, as_of: Timestamp::UNIX_EPOCH }
    }

    fn tell_at(&self, spot: usize, fact: &'static FactSpec) -> Fact<'_> {
        match (self.places.get(spot), fact.reading) {
            (Some(place), Reading::Place(read)) => place.tell(fact.name, read),
            _ => Fact::unknown(Cause::NotStated),
        }
    }

    fn name_of(&self, spot: usize) -> String {
        format!("stated place {}", spot + 1)
    }

    fn lists(&self) -> &Lists {
        self.lists
    }
}

fn stated(value: Value<'_>, strength: Strength) -> Fact<'_> {
    Fact::Known(Known { value, source: Source::Case, as_of: Timestamp::UNIX_EPOCH, strength })
}

/// As sure as on live evidence: a length that memory gives is only ever a least one.
fn strength_of(fact: &FactSpec) -> Strength {
    if fact.source == Source::Memory && fact.kind == Kind::Duration { Strength::Assumed } else { Strength::Exact }
}

fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::Text(text.as_deref().map(Cow::Borrowed)),
        Value::Set(members) => Value::Set(members.iter().map(|one| Cow::Borrowed(one.as_ref())).collect()),
        other => other.clone(),
    }
}
