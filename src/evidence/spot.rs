//! The places of a session: where it was opened and where it was used, each with what is known of its network and its
//! client.
//!
//! Addresses and agents are few where sightings are many, so that what is known of each is found once in a cycle; agents
//! are only read if a rule asks about them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::crowd::{Crowd, Staff};
use super::is_future;
use super::join::{Joined, Placed, heard, part_of};
use crate::address::{Lists, prefix_of};
use crate::clients::client_of;
use crate::model::{
    Act, Cause, Causes, Classes, Client, Moment, Place, Session, SessionId, Sighting, SourceStanding, Strength, UserId,
};
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

    /// The block of addresses that one household or office has: a /24, or a /48 of IPv6.
    pub fn prefix(&self) -> IpAddr {
        prefix_of(self.address)
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
    /// How surely the agent is the one that was used there.
    pub agent_strength: Strength,
    /// How many other staff were seen in the same block of addresses, or why that cannot be said.
    pub staff: Result<Staff, Cause>,
}

impl Spot<'_> {
    /// Rows about one sign-in: what they say differently is not known. Every source of sign-ins tells the address, so that a
    /// row without it may have meant another; there are sources that never tell an agent, so that another row's stands.
    fn agreed(rows: &[Self]) -> Option<Self> {
        let first = *rows.first()?;
        let addresses = rows.iter().filter_map(|row| row.network.ok()).map(|network| network.address);
        let network = rows.iter().map(|row| row.network).find(Result::is_err).unwrap_or(first.network);
        let agents = rows.iter().filter_map(|row| row.agent.ok()).map(|agent| &*agent.text);
        let agent = rows.iter().map(|row| row.agent).find(Result::is_ok).unwrap_or(first.agent);
        Some(Self {
            network: if is_one(addresses) { network } else { Err(Cause::Ambiguous) },
            agent: if is_one(agents) { agent } else { Err(Cause::Ambiguous) },
            as_of: rows.iter().map(|row| row.as_of).min().unwrap_or(first.as_of),
            ..first
        })
    }
}

/// Whether these are all the same.
fn is_one<T: PartialEq>(mut all: impl Iterator<Item = T>) -> bool {
    let first = all.next();
    all.all(|other| first.as_ref() == Some(&other))
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
    pub(super) snapshot: &'s Snapshot,
    networks: Vec<Network>,
    agents: Vec<Agent>,
    /// For each sighting of the snapshot, and then for each of its hearsay, the places of its network and its agent.
    links: Vec<Link>,
    /// Who was seen in which block.
    crowd: Crowd,
    /// Which of them are whose.
    pub(super) joined: Joined,
    /// Where hearsay has it that sessions were.
    heard: Vec<Placed>,
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
    /// `listed` are the sessions, each once, in order of their ids.
    pub(super) fn new(snapshot: &'s Snapshot, lists: &Lists, listed: &[&Session]) -> Self {
        let (mut addresses, mut texts) = (Numbered::new(), Numbered::new());
        let link = |one: &'s Sighting| Link {
            network: one.address.and_then(|address| addresses.number(address)),
            agent: one.agent.as_ref().and_then(|text| texts.number(text)),
        };
        let links = snapshot.all_sightings().map(link).collect();
        let network = |address: IpAddr| {
            // That nobody asked does not mean that no database would have had an answer.
            let place = snapshot.places.get(&address).cloned().unwrap_or_else(|| Place::unknown(Cause::NoRow));
            Network::new(address, place, lists)
        };
        Self {
            snapshot,
            crowd: Crowd::new(snapshot, listed),
            networks: addresses.things.into_iter().map(network).collect(),
            agents: texts.things.into_iter().map(|text| Agent::new(Arc::clone(text))).collect(),
            links,
            joined: Joined::new(snapshot, listed),
            heard: heard(snapshot, listed),
            as_of: snapshot.sources.values().map(|source| source.as_of).min().unwrap_or(snapshot.now),
        }
    }

    /// All rows about this person.
    pub(super) fn rows_of(&self, user: Option<UserId>) -> &[Sighting] {
        let rows = &self.snapshot.sightings;
        let from = rows.partition_point(|row| Some(row.user) < user);
        let to = rows.partition_point(|row| Some(row.user) <= user);
        rows.get(from..to).unwrap_or_default()
    }

    fn spot(&self, placed: Placed) -> Option<Spot<'_>> {
        let (rows, number) = match placed.strength {
            Strength::Hearsay => (&self.snapshot.hearsay, placed.row + self.snapshot.sightings.len()),
            _ => (&self.snapshot.sightings, placed.row),
        };
        let row = rows.get(placed.row)?;
        let link = self.links.get(number)?;
        let network = link.network.and_then(|at| self.networks.get(usize::try_from(at).ok()?));
        let agent = link.agent.and_then(|at| self.agents.get(usize::try_from(at).ok()?));
        let source = self.snapshot.sources.get(&row.source);
        let absent = if is_future(row.last.at(), self.snapshot.now) { Cause::ClockSkew } else { Cause::Null };
        let is_told = absent == Cause::Null;
        Some(Spot {
            act: row.act,
            network: network.filter(|_| is_told).ok_or(absent),
            agent: agent.filter(|_| is_told).ok_or(absent),
            seen: Some((row.first.at(), row.last.at())),
            as_of: source.map_or(row.last.at(), |source| source.as_of),
            strength: placed.strength,
            agent_strength: Strength::Exact,
            staff: network
                .filter(|_| is_told)
                .map(|network| self.crowd.others(row.user, network.prefix()))
                .ok_or(absent),
        })
    }
}

/// The life of a session, as far as sources have to tell of it.
#[derive(Debug, Clone, Copy)]
struct Life {
    opened: Timestamp,
    /// Nothing was done in it later than this, before it was listed.
    used: Timestamp,
}

impl Life {
    /// Of a listed row, whose last use may be this much later than it says. What it does not say is any time up to then.
    fn of(session: &Session, idle_slack: SignedDuration) -> Self {
        let seen = session.seen.at();
        let opened = session.authenticated_at.map_or(seen, Moment::at);
        let used = session.last_seen_at.and_then(|last| last.at().checked_add(idle_slack).ok()).unwrap_or(seen);
        Self { opened: opened.min(seen), used: used.max(opened).min(seen) }
    }

    /// Why a source that tells of this act has not told all of it. How a session was opened has to be told for good; how
    /// it is used need only be told by a reading after its last use, as far as that goes: what comes late is seen next time.
    fn flaw(self, source: &SourceStanding) -> Option<Cause> {
        let (needed, told) = match source.tells {
            Act::SignIn => (self.opened, source.as_of),
            Act::Use => (self.used, source.as_of.checked_add(source.late).unwrap_or(source.as_of)),
        };
        let began = source.since.is_none_or(|since| self.opened.duration_until(since) <= source.within);
        match (source.as_of < self.opened || told < needed, began) {
            (_, false) => Some(Cause::Partial),
            (true, true) => Some(Cause::Stale),
            (false, true) => None,
        }
    }
}

impl Scene<'_> {
    /// Why what the sources tell of this act, in this life, may not be everything: none tells of it, or one did not tell
    /// everything, or was not read to the end of it.
    fn flaws(&self, act: Act, life: Life) -> Causes {
        self.flaws_but(act, life, |_| false)
    }

    /// The same; a source that was heard of what is asked about was read far enough.
    fn flaws_but(&self, act: Act, life: Life, is_heard: impl Fn(&str) -> bool) -> Causes {
        let mut sources = self.snapshot.sources.iter().filter(|(_, source)| source.tells == act).peekable();
        if sources.peek().is_none() {
            return Cause::NoSource.into();
        }
        let flaw = |(name, source): (&Arc<str>, &SourceStanding)| match source.unknown {
            None if is_future(source.as_of, self.snapshot.now) => Some(Cause::ClockSkew),
            None => life.flaw(source).filter(|flaw| *flaw != Cause::Stale || !is_heard(name)),
            unknown => unknown,
        };
        sources.filter_map(flaw).fold(Causes::default(), |all, cause| all.with(cause.into()))
    }
}

/// The sightings of one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'d> {
    pub(super) scene: &'d Scene<'d>,
    /// Its row as it was listed: what is read back later was not there when sources were read.
    pub(super) row: &'d Session,
    life: Life,
    session: SessionId,
    own: &'d [Placed],
    /// What hearsay adds to them; empty unless it is listened to.
    heard: &'d [Placed],
    /// The sign-in that is taken for its own, where several could be.
    taken: Option<usize>,
}

impl<'d> View<'d> {
    pub(super) fn new(scene: &'d Scene<'d>, session: &'d Session, idle_slack: SignedDuration) -> Self {
        let (life, own) = (Life::of(session, idle_slack), scene.joined.of(session.id));
        Self { scene, row: session, life, session: session.id, own, heard: &[], taken: None }
    }

    /// How many sign-ins could be its own, if some of them could be another session's, be it one that was never listed:
    /// whoever signs in twice at once must not so hide where.
    pub(super) fn sign_ins_in_question(&self) -> usize {
        let is_shared = self.sign_ins().any(|(_, placed)| placed.strength != Strength::Exact);
        if is_shared || self.has_two_sign_ins() { self.sign_ins().count() } else { 0 }
    }

    /// Whether one source tells of two sign-ins that are not the same.
    fn has_two_sign_ins(&self) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        let now = self.scene.snapshot.now;
        let told = || self.sign_ins().map(|(row, _)| row).filter(move |row| !is_future(row.last.at(), now));
        told().enumerate().any(|(number, one)| {
            told().skip(number + 1).any(|other| {
                one.source == other.source
                    && (differ(one.address.as_ref(), other.address.as_ref())
                        || differ(one.agent.as_ref(), other.agent.as_ref()))
            })
        })
    }

    /// The same, if its own sign-in is this one.
    pub(super) fn taking(self, number: usize) -> Self {
        Self { taken: Some(number), ..self }
    }

    /// The same with the places that hearsay adds, if it adds any. Only rules that ask of one place see them: they stand
    /// after all others, and belong to nothing that is made out of several places.
    pub(super) fn hearing(self) -> Option<Self> {
        let heard = part_of(&self.scene.heard, self.session);
        (!heard.is_empty()).then_some(Self { heard, ..self })
    }

    /// They stand before its uses.
    fn sign_ins(&self) -> impl Iterator<Item = (&'d Sighting, Placed)> + use<'d> {
        let scene = self.scene;
        let rows = self.own.iter().filter_map(|placed| Some((scene.snapshot.sightings.get(placed.row)?, *placed)));
        rows.take_while(|(row, _)| row.act == Act::SignIn)
    }

    pub(super) fn spots(&self) -> Spots {
        let [opened, used] = [Act::SignIn, Act::Use].map(|act| self.scene.flaws(act, self.life));
        let missing = opened.with(used).with(self.doubt(Act::ALL));
        Spots { known: self.own.len() + self.heard.len(), missing, as_of: self.scene.as_of }
    }

    /// Whether some row of these acts may be about this session, and it cannot be told.
    fn doubt(&self, acts: &[Act]) -> Causes {
        if self.scene.joined.is_doubted(self.session, acts) { Cause::Ambiguous.into() } else { Causes::default() }
    }

    pub(super) fn spot(&self, number: usize) -> Option<Spot<'d>> {
        let placed = self.own.get(number).or_else(|| self.heard.get(number.checked_sub(self.own.len())?));
        placed.and_then(|placed| self.at(*placed))
    }

    /// All its places, each with the sessions that it may be of if that is not sure.
    pub(super) fn all(&self) -> impl Iterator<Item = (Spot<'d>, &'d [SessionId])> {
        let joined = &self.scene.joined;
        self.own.iter().filter_map(|placed| Some((self.at(*placed)?, joined.candidates(*placed))))
    }

    /// Another session of the person, as far as its places go.
    pub(super) fn of_sibling(&self, session: SessionId) -> Self {
        Self { session, own: self.scene.joined.of(session), ..*self }
    }

    fn at(&self, placed: Placed) -> Option<Spot<'d>> {
        let mut spot = self.scene.spot(placed)?;
        let row = self.scene.snapshot.sightings.get(placed.row);
        if placed.strength == Strength::Exact && row.is_some_and(|row| *row.source == *Sighting::SESSION_ROW) {
            // It was told when the row was listed, however long ago the session was used.
            spot.as_of = self.row.seen.at();
        }
        Some(if spot.act == Act::SignIn && spot.agent.err() == Some(Cause::Null) {
            self.with_agent(spot)
        } else {
            spot
        })
    }

    /// Zendesk's log of sign-ins never tells the program. It is the one that everything else at that address came from, if
    /// that is one.
    fn with_agent(&self, spot: Spot<'d>) -> Spot<'d> {
        let address = |spot: &Spot<'_>| spot.network.ok().map(|network| network.address);
        let others = self.own.iter().filter_map(|placed| self.scene.spot(*placed));
        let here = others.filter(|other| address(other).is_some() && address(other) == address(&spot));
        let mut told = here.filter_map(|other| Some((other.agent.ok()?, other.strength)));
        let Some((agent, strength)) = told.next() else { return spot };
        let is_one = told.all(|(other, _)| other.text == agent.text);
        if is_one { Spot { agent: Ok(agent), agent_strength: strength, ..spot } } else { spot }
    }

    /// Where the session was opened, or why that cannot be said: every source has to be whole, since another row might say
    /// otherwise, and to have told of it, or been read so far that it would have.
    pub(super) fn sign_in(&self) -> Result<Spot<'d>, Causes> {
        let own = self.sign_ins().enumerate().filter(|(number, _)| self.taken.is_none_or(|taken| taken == *number));
        let spots = own.filter_map(|(_, (_, placed))| self.scene.spot(placed));
        let mut sign_ins: Vec<Spot<'_>> = spots.collect();
        let is_sure = self.taken.is_some() || sign_ins.iter().all(|spot| spot.strength == Strength::Exact);
        if self.taken.is_some() {
            for spot in &mut sign_ins {
                spot.strength = spot.strength.min(Strength::Ambiguous);
            }
        }
        let unsure = if is_sure { Causes::default() } else { Cause::Ambiguous.into() };
        let told = |name: &str| self.sign_ins().any(|(row, _)| *row.source == *name);
        let flaws = self.scene.flaws_but(Act::SignIn, self.life, told);
        let flaws = flaws.with(self.doubt(&[Act::SignIn])).with(unsure);
        if flaws == Causes::default() { Spot::agreed(&sign_ins).ok_or(Cause::NoRow.into()) } else { Err(flaws) }
    }
}
