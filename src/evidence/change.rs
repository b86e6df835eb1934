//! Whether a session was at one place with one program and at another with another: both at once is what a stolen cookie
//! looks like, and rarely anything else.

use std::collections::BTreeMap;

use super::Finding;
use super::spot::{Network, Spot, View};
use crate::model::{Answer, Cause, Causes, Client, SessionId, Strength};

impl Spot<'_> {
    /// Whether this place and that one differ in the program and in the network too.
    fn differs(&self, other: &Self) -> Answer {
        let networks = match (self.network, other.network) {
            (Ok(one), Ok(other)) => are_other_networks(one, other),
            (one, other) => unknown(one.err(), other.err()),
        };
        let programs = match (self.agent, other.agent) {
            (Ok(one), Ok(other)) if one.text == other.text => Answer::No(Strength::Exact),
            (Ok(one), Ok(other)) => are_other_programs(one.client(), other.client()),
            (one, other) => unknown(one.err(), other.err()),
        };
        networks.and(programs)
    }

    /// How surely it is a place of this session with this program.
    fn surely(&self) -> Strength {
        self.strength.min(self.agent_strength)
    }

    fn is_sure(&self) -> bool {
        self.surely() >= Strength::Only
    }
}

fn truth(holds: bool) -> Answer {
    if holds { Answer::Yes(Strength::Exact) } else { Answer::No(Strength::Exact) }
}

fn unknown(one: Option<Cause>, other: Option<Cause>) -> Answer {
    Answer::Unknown([one, other].into_iter().flatten().fold(Causes::default(), |all, cause| all.with(cause.into())))
}

/// Another block of addresses of another operator: a phone that goes from mast to mast stays in one of them.
fn are_other_networks(one: &Network, other: &Network) -> Answer {
    let numbers = match (&one.place.asn, &other.place.asn) {
        (Ok(one), Ok(other)) => truth(one.value != other.value),
        (one, other) => unknown(one.as_ref().err().copied(), other.as_ref().err().copied()),
    };
    truth(one.prefix() != other.prefix()).and(numbers)
}

/// Another family or another system. Versions do not matter: programs are updated while they run.
fn are_other_programs(one: &Client, other: &Client) -> Answer {
    let differs = |one: &Option<Box<str>>, other: &Option<Box<str>>| match (one, other) {
        (Some(one), Some(other)) => truth(!folded(one).eq(folded(other))),
        _ => Answer::unknown(Cause::NotTold),
    };
    differs(&one.family, &other.family).or(differs(&one.system, &other.system))
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// A place, and the sessions it may as well be of.
type Shared<'d> = (Spot<'d>, &'d [SessionId]);

impl<'d> View<'d> {
    /// Whether two of its places differ in program and network. Causes for which places may be missing are the caller's.
    pub(super) fn changed(&self, missing: Causes) -> Result<Finding, Causes> {
        let places = self.different_places();
        let mut open = missing;
        let mut found: Option<Finding> = None;
        for (number, one) in places.iter().enumerate() {
            for other in places.iter().skip(number + 1) {
                match self.pair(one, other) {
                    Answer::Yes(strength) => {
                        let pair = Finding { holds: true, as_of: one.0.as_of.min(other.0.as_of), strength };
                        found = found.filter(|found| found.strength >= strength).or(Some(pair));
                    }
                    Answer::No(_) => {}
                    Answer::Unknown(causes) => open = open.with(causes),
                }
            }
        }
        let is_known = open == Causes::default();
        let same = Finding { holds: false, as_of: self.spots().as_of, strength: Strength::Exact };
        found.or(is_known.then_some(same)).ok_or(open)
    }

    /// Whether this session went from one of these places to the other. A place that may be another session's shows it only
    /// if it is strange to each of those that may have been there: somebody with a telephone and a computer changed nothing.
    fn pair(&self, one: &Shared<'d>, other: &Shared<'d>) -> Answer {
        let strength = match one.0.differs(&other.0) {
            Answer::Yes(_) => one.0.surely().min(other.0.surely()),
            answer => return answer,
        };
        let is_known = match (one.0.is_sure(), other.0.is_sure()) {
            (true, true) => true,
            (true, false) => self.is_strange_to_all(other),
            (false, true) => self.is_strange_to_all(one),
            (false, false) => false,
        };
        if is_known { Answer::Yes(strength) } else { Answer::unknown(Cause::Ambiguous) }
    }

    fn is_strange_to_all(&self, (place, sessions): &Shared<'d>) -> bool {
        let is_strange = |session: &SessionId| {
            let view = self.of_sibling(*session);
            view.all().any(|(own, _)| own.is_sure() && own.differs(place).is_yes())
        };
        !sessions.is_empty() && sessions.iter().all(is_strange)
    }

    /// Its places, those that say the same once.
    fn different_places(&self) -> Vec<Shared<'d>> {
        let mut places = BTreeMap::new();
        for (spot, sessions) in self.all() {
            let address = spot.network.map(|network| network.address);
            let agent = spot.agent.map(|agent| &*agent.text);
            places.entry((address, agent, spot.surely(), sessions)).or_insert((spot, sessions));
        }
        places.into_values().collect()
    }
}
