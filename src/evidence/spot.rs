//! The places of a session: where it was opened and where it was used, each with what is known of its network and its
//! client.
//!
//! Addresses and agents are few where sightings are many, so that what is known of each is found once in a cycle; agents
//! are only read if a rule asks about them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::address::Lists;
use crate::clients::client_of;
use crate::model::{Act, Cause, Causes, Classes, Client, Place, SessionId, Sighting, SourceStanding, Strength, UserId};
use crate::snapshot::Snapshot;

/// An address with all that is known of it.
#[derive(Debug, Clone)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// What place databases say of it.
    pub place: Place,
    /// What lists and databases make of it.
    pub classes: Classes,
}

impl Network {
    /// What lists add to what databases say of an address.
    pub fn new(address: IpAddr, place: Place, lists: &Lists) -> Self {
        let asn = place.asn.as_ref().map(|found| found.value).map_err(|cause| *cause);
        let classes = lists.classes_of(address, asn, place.classes);
        Self { address, place, classes }
    }
}

/// An agent string, read when it is first asked about.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The string as it came.
    pub text: Arc<str>,
    client: OnceCell<Client>,
}

impl Agent {
    /// An agent that nobody has asked about.
    pub fn new(text: Arc<str>) -> Self {
        Self { text, client: OnceCell::new() }
    }

    /// What the string tells.
    pub fn client(&self) -> &Client {
        self.client.get_or_init(|| client_of(&self.text))
    }
}

/// One place of a session.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'d> {
    /// Whether the session was opened or used there.
    pub act: Act,
    /// The address, or why there is none.
    pub network: Result<&'d Network, Cause>,
    /// The agent, or why there is none.
    pub agent: Result<&'d Agent, Cause>,
    /// When it began and when it was last seen; none if that is not said.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// Up to when its source told everything.
    pub as_of: Timestamp,
    /// How surely it is a place of this very session.
    pub strength: Strength,
}

impl Spot<'_> {
    /// Two rows about one place: what one leaves out the other may have, and where both speak they have to agree.
    fn merged(self, other: Self) -> Result<Self, Cause> {
        let address = |spot: &Self| spot.network.ok().map(|network| network.address);
        let agent = |spot: &Self| spot.agent.ok().map(|agent| &agent.text);
        let differ = address(&self).zip(address(&other)).is_some_and(|(one, two)| one != two)
            || agent(&self).zip(agent(&other)).is_some_and(|(one, two)| one != two);
        if differ {
            return Err(Cause::Ambiguous);
        }
        let (network, agent) = (self.network.or(other.network), self.agent.or(other.agent));
        Ok(Self { network, agent, as_of: self.as_of.min(other.as_of), ..self })
    }
}

/// How many places of a session are known, and why there may be others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spots {
    /// How many are known.
    pub known: usize,
    /// Why others may be missing; empty if all are known.
    pub missing: Causes,
    /// Up to when sources were read.
    pub as_of: Timestamp,
}

/// All that was seen, with what is known of each address and agent.
#[derive(Debug)]
pub(super) struct Scene<'s> {
    snapshot: &'s Snapshot,
    networks: Vec<Network>,
    agents: Vec<Agent>,
    /// For each sighting of the snapshot, the places of its network and its agent.
    links: Vec<Link>,
    missing: Causes,
    as_of: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    network: Option<u32>,
    agent: Option<u32>,
}

/// Different things with their numbers, in the order in which they first came.
struct Numbered<T> {
    numbers: BTreeMap<T, u32>,
    things: Vec<T>,
}

impl<T: Ord + Copy> Numbered<T> {
    fn new() -> Self {
        Self { numbers: BTreeMap::new(), things: Vec::new() }
    }

    /// The thing's number; none once there are more than can be counted.
    fn number(&mut self, thing: T) -> Option<u32> {
        let next = u32::try_from(self.things.len()).ok()?;
        let number = self.numbers.entry(thing).or_insert_with(|| {
            self.things.push(thing);
            next
        });
        Some(*number)
    }
}

impl<'s> Scene<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, lists: &Lists) -> Self {
        let (mut addresses, mut texts) = (Numbered::new(), Numbered::new());
        let link = |one: &'s Sighting| Link {
            network: one.address.and_then(|address| addresses.number(address)),
            agent: one.agent.as_ref().and_then(|text| texts.number(text)),
        };
        let links = snapshot.sightings.iter().map(link).collect();
        let network = |address: IpAddr| {
            // That nobody asked does not mean that no database would have had an answer.
            let place = snapshot.places.get(&address).cloned().unwrap_or_else(|| Place::unknown(Cause::NoRow));
            Network::new(address, place, lists)
        };
        Self {
            snapshot,
            networks: addresses.things.into_iter().map(network).collect(),
            agents: texts.things.into_iter().map(|text| Agent::new(Arc::clone(text))).collect(),
            links,
            missing: missing(snapshot.sources.values()),
            as_of: snapshot.sources.values().map(|source| source.as_of).min().unwrap_or(snapshot.now),
        }
    }

    /// Where this person's sightings stand in the snapshot: the first, and the one after the last.
    pub(super) fn of(&self, user: UserId) -> (usize, usize) {
        let rows = &self.snapshot.sightings;
        (rows.partition_point(|one| one.user < user), rows.partition_point(|one| one.user <= user))
    }

    fn spot(&self, row: &Sighting, link: Link) -> Spot<'_> {
        let network = link.network.and_then(|at| self.networks.get(usize::try_from(at).ok()?));
        let agent = link.agent.and_then(|at| self.agents.get(usize::try_from(at).ok()?));
        let source = self.snapshot.sources.get(&row.source);
        Spot {
            act: row.act,
            network: network.ok_or(Cause::Null),
            agent: agent.ok_or(Cause::Null),
            seen: Some((row.first.at(), row.last.at())),
            as_of: source.map_or(row.last.at(), |source| source.as_of),
            strength: Strength::Exact,
        }
    }
}

/// Why there may be places that no source told: a source that did not tell everything, or none that tells of use.
fn missing<'a>(sources: impl Iterator<Item = &'a SourceStanding> + Clone) -> Causes {
    let tells_use = sources.clone().any(|source| source.tells == Act::Use);
    let of_sources = sources.filter_map(|source| source.unknown);
    let causes = of_sources.fold(Causes::default(), |all, cause| all.with(cause.into()));
    if tells_use { causes } else { causes.with(Cause::NoSource.into()) }
}

/// The sightings of one person, seen from one of their sessions. They stand in order of session and act, so that those of
/// a session are a piece of them, and those that name none come first.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'d> {
    scene: &'d Scene<'d>,
    /// The first row that names no session, if there is one.
    homeless: Option<&'d Sighting>,
    /// Where those of the session stand: the first, and the one after the last.
    own: (usize, usize),
}

impl<'d> View<'d> {
    /// `from` and `to` as [`Scene::of`] gives them.
    pub(super) fn new(scene: &'d Scene<'d>, session: SessionId, (from, to): (usize, usize)) -> Self {
        let rows = scene.snapshot.sightings.get(from..to).unwrap_or_default();
        let first = from + rows.partition_point(|row| row.session < Some(session));
        let end = from + rows.partition_point(|row| row.session <= Some(session));
        Self { scene, homeless: rows.first().filter(|row| row.session.is_none()), own: (first, end) }
    }

    fn known(&self) -> usize {
        self.own.1.saturating_sub(self.own.0)
    }

    /// A row that names no session may be about this one.
    pub(super) fn spots(&self) -> Spots {
        let ambiguous = if self.homeless.is_some() { Cause::Ambiguous.into() } else { Causes::default() };
        Spots { known: self.known(), missing: self.scene.missing.with(ambiguous), as_of: self.scene.as_of }
    }

    pub(super) fn spot(&self, number: usize) -> Option<Spot<'d>> {
        let at = self.own.0 + number;
        let row = self.scene.snapshot.sightings.get(at).filter(|_| number < self.known())?;
        self.scene.links.get(at).map(|link| self.scene.spot(row, *link))
    }

    /// Where the session was opened, or why that cannot be said: every source has to be whole, since another row might say
    /// otherwise, and rows have to agree.
    pub(super) fn sign_in(&self) -> Result<Spot<'d>, Causes> {
        let spots = (0..self.known()).filter_map(|number| self.spot(number));
        let sign_ins = spots.take_while(|spot| spot.act == Act::SignIn);
        let merged = sign_ins.map(Ok).reduce(|one, other| one?.merged(other?));
        let flaws = self.scene.flaws_of_sign_ins(self.homeless.is_some_and(|row| row.act == Act::SignIn));
        match merged {
            Some(spot) if flaws == Causes::default() => spot.map_err(Causes::from),
            None if flaws == Causes::default() => Err(Cause::NoRow.into()),
            _ => Err(flaws),
        }
    }
}

impl Scene<'_> {
    /// Why sign-ins may be missing, or may be another session's.
    fn flaws_of_sign_ins(&self, homeless: bool) -> Causes {
        let sources = self.snapshot.sources.values().filter(|source| source.tells == Act::SignIn);
        let none = if sources.clone().next().is_none() { Cause::NoSource.into() } else { Causes::default() };
        let ambiguous = if homeless { Cause::Ambiguous.into() } else { Causes::default() };
        let unknown = sources.filter_map(|source| source.unknown);
        unknown.fold(none.with(ambiguous), |all, cause| all.with(cause.into()))
    }
}
