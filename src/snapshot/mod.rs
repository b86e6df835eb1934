//! What gather saw: everything a cycle's decisions rest on, its file form, and a form of it that names nobody.
//!
//! A snapshot and the same policies and configuration always give the same plan, byte for byte: so it also holds the
//! history, the pause and the clock check that the guard was given.

mod aliases;
mod back;
mod file;
mod redact;
mod wire;
mod wire_history;
mod wire_places;
mod wire_tokens;
mod wire_watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    AccountName, Cause, Completeness, Country, CycleId, Database, Foreign, History, KnownSession, ListStanding, Listed,
    Pause, Person, Place, Role, Roster, Scope, Session, SessionId, Sighting, SourceStanding, Stratum, TokensSeen,
    Traces, UserId, Watched, stratum_of,
};

pub use file::{SNAPSHOT_BYTES_MAX, SnapshotFault, countries_of, from_bytes, to_bytes, write};
pub use redact::redact;

/// One account as one cycle saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Which account.
    pub account: AccountName,
    /// The cycle that gathered it.
    pub cycle: CycleId,
    /// The cycle's one *now*: Zendesk's `Date` of the last answer of the session listing.
    pub now: Timestamp,
    /// Whether conditions on time can be answered.
    pub clocks: Clocks,
    /// Whose sessions were listed.
    pub scope: Scope,
    /// Whether everybody in scope was listed: of scope everyone the one listing of the account, of scope staff the
    /// question who is staff.
    pub listing: Completeness,
    /// The people looked at, of a look; none of a sweep, which looks at everybody in scope.
    pub looked: Option<BTreeSet<UserId>>,
    /// People whose own listing was cut short, and by what; only in scope staff, where each is listed alone.
    pub cut: BTreeMap<UserId, String>,
    /// The listed sessions, by id, each once.
    pub sessions: Vec<Session>,
    /// The people of those sessions, and the protected ones.
    pub people: BTreeMap<UserId, Arc<Person>>,
    /// Every change of a record up to here was read; a record is as of then, or of its own answer if that was later.
    pub people_as_of: Option<Timestamp>,
    /// What earlier cycles and this one saw of these people beyond their records.
    pub traces: BTreeMap<UserId, Traces>,
    /// Ids of the groups of everybody who is in any, ascending, as of *now*; or why that is not known: nobody asked for it,
    /// or not everything could be read.
    pub groups: Result<BTreeMap<UserId, Vec<u64>>, Cause>,
    /// How each offboarding list stands, by its name.
    pub lists: BTreeMap<String, ListStanding>,
    /// Who is on them.
    pub listed: BTreeMap<UserId, Vec<Listed>>,
    /// How each source of sign-ins and sightings stands, by its name.
    pub sources: BTreeMap<Arc<str>, SourceStanding>,
    /// What they saw, sorted: by person, session and act first.
    pub sightings: Vec<Sighting>,
    /// What ticket audits saw, sorted alike. They can be forged, so they stand apart: a rule that cannot be decided without
    /// them is asked with them too, and nothing else ever looks at them.
    pub hearsay: Vec<Sighting>,
    /// Sessions of staff that earlier cycles listed and this one did not: late evidence may speak of them.
    pub bygone: BTreeMap<SessionId, KnownSession>,
    /// What place databases say of each address that was seen.
    pub places: BTreeMap<IpAddr, Place>,
    /// Who else of staff was seen near these sightings in the last thirty days.
    pub neighbours: Neighbours,
    /// Which part of sessions each rule usually decides and each source tells of, in thousandths, where that is known.
    pub usual: BTreeMap<Watched, u16>,
    /// The place databases that were asked, in order of preference.
    pub databases: Vec<Database>,
    /// What is wrong with others that should have been, in words that name nobody.
    pub unasked: Vec<String>,
    /// People with sessions in the last seven days, if that is remembered.
    pub roster: Option<Roster>,
    /// Who of those who just lost a session, or left, holds OAuth tokens; none if this cycle did not ask.
    pub tokens: Option<TokensSeen>,
    /// People whose record was asked for and not had, and why.
    pub unread: BTreeMap<UserId, Cause>,
    /// Who may not be touched.
    pub protected: Protected,
    /// The user that evictd itself signs in as.
    pub own: UserId,
    /// The user that evictd ends sessions as, if that is another one and known: it is not asked for where nothing may act.
    pub revoker: Option<UserId>,
    /// What was done before.
    pub history: History,
    /// The pause in force, if any.
    pub pause: Option<Pause>,
}

impl Snapshot {
    /// A snapshot of an account in which nobody is signed in and nothing is remembered, for others to fill.
    pub fn empty(account: AccountName, cycle: CycleId, now: Timestamp, own: UserId) -> Self {
        Self {
            account,
            cycle,
            now,
            clocks: Clocks { host_offset: SignedDuration::ZERO, drift: SignedDuration::ZERO, trusted: true },
            scope: Scope::Everyone,
            listing: Completeness::Complete,
            looked: None,
            cut: BTreeMap::new(),
            sessions: Vec::new(),
            people: BTreeMap::new(),
            people_as_of: None,
            traces: BTreeMap::new(),
            groups: Err(Cause::NoSource),
            lists: BTreeMap::new(),
            listed: BTreeMap::new(),
            sources: BTreeMap::new(),
            sightings: Vec::new(),
            hearsay: Vec::new(),
            bygone: BTreeMap::new(),
            places: BTreeMap::new(),
            neighbours: Neighbours::default(),
            usual: BTreeMap::new(),
            databases: Vec::new(),
            unasked: Vec::new(),
            roster: None,
            tokens: None,
            unread: BTreeMap::new(),
            protected: Protected::default(),
            own,
            revoker: None,
            history: History::default(),
            pause: None,
        }
    }

    /// When it was seen, by the host's clock: files are dated by that one.
    pub fn on_host(&self) -> Timestamp {
        self.now.checked_sub(self.clocks.host_offset).unwrap_or(self.now)
    }

    /// Whether everything that was asked for was read: the whole listing, and every record Zendesk did not refuse to have.
    pub fn is_complete(&self) -> bool {
        self.listing.is_complete() && self.cut.is_empty() && !self.unread.values().any(|cause| *cause == Cause::Down)
    }

    /// Whether this person's listing is whole, so that what counts their sessions is known.
    pub fn is_whole_of(&self, user: UserId) -> bool {
        match (&self.looked, self.scope) {
            (Some(looked), _) => looked.contains(&user) && !self.cut.contains_key(&user),
            (None, Scope::Everyone) => self.listing.is_complete(),
            (None, Scope::Staff) => !self.cut.contains_key(&user),
        }
    }

    /// Whether it is evictd itself.
    pub fn is_own(&self, user: UserId) -> bool {
        user == self.own || self.revoker == Some(user)
    }

    /// Everything that anybody saw, hearsay too.
    pub fn all_sightings(&self) -> impl Iterator<Item = &Sighting> + Clone {
        self.sightings.iter().chain(&self.hearsay)
    }

    /// The addresses that were seen, each with its country if that is known.
    pub fn countries(&self) -> BTreeMap<IpAddr, Option<Country>> {
        let country = |place: &Place| place.country.as_ref().ok().map(|found| found.value);
        self.places.iter().map(|(address, place)| (*address, country(place))).collect()
    }

    /// The person's stratum: the highest role of today and of the last 90 days; without a record, end users.
    pub fn stratum_of(&self, user: UserId) -> Stratum {
        let person = self.people.get(&user);
        person.map_or(Stratum::EndUsers, |person| stratum_of(person, self.traces.get(&user), self.now))
    }

    /// Whether an admin who can sign in is protected: somebody has to be left who can undo a mistake.
    pub fn protects_admin(&self) -> bool {
        self.protected.admins(&self.people).next().is_some()
    }
}

/// Staff that was seen in the blocks of addresses of which there are sightings; a block is a /24, or a /48 of IPv6.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Neighbours {
    /// Since when everything that sources tell of it is remembered without a gap.
    pub since: Option<Timestamp>,
    /// Who was seen in each block, by its first address.
    pub blocks: BTreeMap<IpAddr, BTreeSet<UserId>>,
    /// Who was seen somewhere that is not known, and may have been in any of them.
    pub astray: BTreeSet<UserId>,
}

/// How the clocks of host and Zendesk agreed while gathering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Zendesk's `Date` minus the host's wall clock.
    pub host_offset: SignedDuration,
    /// How far wall and monotonic clock parted meanwhile.
    pub drift: SignedDuration,
    /// Whether both are small enough, or the account says to ignore them.
    pub trusted: bool,
}

/// The people that no rule may touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected {
    /// Those that resolved.
    pub people: BTreeSet<UserId>,
    /// Entries of the configuration that matched nobody, or several.
    pub unresolved: Vec<Foreign>,
}

impl Protected {
    /// Admins among them who can sign in, by these records.
    pub fn admins(&self, people: &BTreeMap<UserId, Arc<Person>>) -> impl Iterator<Item = UserId> {
        let can_mend = |person: &Arc<Person>| {
            person.role == Some(Role::Admin) && person.deleted != Some(true) && person.suspended != Some(true)
        };
        self.people.iter().copied().filter(move |user| people.get(user).is_some_and(can_mend))
    }
}
