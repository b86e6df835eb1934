//! All facts of one session, with what a snapshot can say about it and what it cannot.
//!
//! A [`Dossier`] looks over a whole snapshot once (order, counts, ranks); an [`Evidence`] is its page on one session.
//! What a fact is called and how a rule asks for it is not known here.

mod change;
mod crowd;
mod dark;
mod join;
mod spot;

use std::borrow::Borrow;
use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use crate::address::Lists;
use crate::model::{
    Cause, Causes, Listed, Moment, Person, Session, Stratum, Strength, Traces, UserId, Walk, stratum_of,
};
use crate::snapshot::Snapshot;
pub use crowd::Staff;
pub use spot::{Agent, Network, Spot, Spots};
use spot::{Scene, View};

/// An instant further in the future than this is a sign of skewed clocks, not of a young session (design: 60 s).
const FUTURE_SECONDS_MAX: i64 = 60;

/// The listed sessions of a snapshot in order of person and session, each once.
#[derive(Debug)]
pub struct Dossier<'s> {
    snapshot: &'s Snapshot,
    idle_slack: SignedDuration,
    offboarding: Offboarding,
    lists: &'s Lists,
    scene: Scene<'s>,
    pages: Vec<Page<'s>>,
}

#[derive(Debug, Clone, Copy)]
struct Page<'s> {
    session: &'s Session,
    listed: Moment,
    count: u32,
    rank: Rank,
}

/// A rank, or why there is none, in four bytes: the highest numbers stand for causes.
#[derive(Debug, Clone, Copy)]
struct Rank(u32);

impl From<Result<u32, Cause>> for Rank {
    fn from(rank: Result<u32, Cause>) -> Self {
        Self(rank.unwrap_or_else(|cause| u32::MAX - cause as u32))
    }
}

impl Rank {
    fn get(self) -> Result<u32, Cause> {
        let cause = usize::try_from(u32::MAX - self.0).ok().and_then(|place| Cause::ALL.get(place));
        cause.map_or(Ok(self.0), |cause| Err(*cause))
    }
}

/// What is kept for each session, beside the record of its person, while it is judged: its row and its page.
pub const SESSION_BYTES: usize = size_of::<Session>() + size_of::<Page<'_>>();

/// What a snapshot has of one person.
#[derive(Debug, Clone, Copy)]
struct Known<'s> {
    person: Option<&'s Person>,
    traces: Option<&'s Traces>,
    named: &'s [Listed],
}

/// What is known about one session.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'s> {
    /// Its row.
    pub session: &'s Session,
    /// Its person's record, or why there is none.
    pub person: Result<&'s Person, Cause>,
    /// The record is as of then, on Zendesk's clock.
    pub person_as_of: Timestamp,
    /// What cycles saw of the person beyond the record, if there is anything.
    pub traces: Option<&'s Traces>,
    /// Ids of the groups of the person, none for whoever is in none; or why they are not known.
    pub groups: Result<&'s [u64], Cause>,
    /// The groups are as of then, on Zendesk's clock.
    pub groups_as_of: Timestamp,
    /// The offboarding lists that name the person.
    pub named: &'s [Listed],
    /// How many offboarding lists are configured, and why some cannot say whom they name.
    pub offboarding: Offboarding,
    /// The named lists of the policies.
    pub lists: &'s Lists,
    /// Where it was opened and used, as far as that was seen.
    view: View<'s>,
    /// How many listed sessions the person has, or why that cannot be said.
    pub count: Result<u64, Cause>,
    /// Its place among them, 1 being the newest, or why that cannot be said.
    pub rank: Result<u64, Cause>,
    /// When the oldest of the rows was listed that `count` and `rank` rest on.
    pub listed: Timestamp,
    /// The cycle's *now*.
    pub now: Timestamp,
    /// Whether conditions on time can be answered.
    pub clocks_trusted: bool,
    /// By how much Zendesk's last-seen instant may lag behind the last use.
    pub idle_slack: SignedDuration,
}

/// A truth about a session that several rows make out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is so.
    pub holds: bool,
    /// Up to when the sources told everything that it rests on.
    pub as_of: Timestamp,
    /// How surely it is so of this very session.
    pub strength: Strength,
}

/// What there is of offboarding lists, for everybody alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offboarding {
    /// How many are configured.
    pub number: usize,
    /// Why some cannot say whom they name; empty if all can.
    pub unknown: Causes,
    /// Whether rows are left that could not be read or asked about yet: nobody knows whom they mean.
    pub unfinished: bool,
}

impl<'s> Dossier<'s> {
    /// Looks the snapshot over, with the named lists as they stand. Of rows with one id the latest is taken.
    pub fn new(snapshot: &'s Snapshot, lists: &'s Lists, idle_slack: SignedDuration) -> Self {
        let mut rows: Vec<&Session> = snapshot.sessions.iter().collect();
        keep_latest(&mut rows);
        let scene = Scene::new(snapshot, lists, &rows);
        rows.sort_unstable_by_key(|row| (row.user, row.id));
        let mut pages = Vec::with_capacity(rows.len());
        for siblings in rows.chunk_by(|left, right| left.user == right.user) {
            pages.extend(pages_of(siblings, snapshot));
        }
        let causes = snapshot.lists.values().filter_map(|list| list.unknown.as_ref());
        let unknown = causes.fold(Causes::default(), |all, trouble| all.with(trouble.cause.into()));
        let unfinished = snapshot.lists.values().any(|list| list.unasked > 0 || list.unreadable > 0);
        let offboarding = Offboarding { number: snapshot.lists.len(), unknown, unfinished };
        Self { snapshot, idle_slack, offboarding, lists, scene, pages }
    }

    /// The snapshot it looks over.
    pub fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// The named lists of the policies, as they stand.
    pub fn lists(&self) -> &'s Lists {
        self.lists
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The evidence on every session, in order of person and session id; those without a person first.
    pub fn iter(&self) -> impl Iterator<Item = Evidence<'_>> {
        let mut people = Walk::along(&self.snapshot.people);
        let mut traces = Walk::along(&self.snapshot.traces);
        let mut listed = Walk::along(&self.snapshot.listed);
        self.pages.iter().map(move |page| {
            let known = |user| Known {
                person: people.find(user).map(|person| &**person),
                traces: traces.find(user),
                named: listed.find(user).map_or(&[], Vec::as_slice),
            };
            self.evidence(page, page.session.user.map(known))
        })
    }

    /// The evidence on the session at this place of the order.
    pub fn get(&self, place: usize) -> Option<Evidence<'_>> {
        let known = |user| Known {
            person: self.snapshot.people.get(&user).map(|person| &**person),
            traces: self.snapshot.traces.get(&user),
            named: self.snapshot.listed.get(&user).map_or(&[], Vec::as_slice),
        };
        let page = self.pages.get(place)?;
        Some(self.evidence(page, page.session.user.map(known)))
    }

    fn evidence(&self, page: &Page<'s>, known: Option<Known<'s>>) -> Evidence<'_> {
        let user = page.session.user;
        let whole = match user {
            None => Err(Cause::NoUser),
            Some(user) if !self.snapshot.is_whole_of(user) => Err(Cause::Partial),
            Some(_) => Ok(()),
        };
        let person = known.and_then(|known| known.person).ok_or_else(|| no_record(self.snapshot, user));
        Evidence {
            session: page.session,
            person,
            person_as_of: person.map_or(self.snapshot.now, |person| {
                self.snapshot.people_as_of.map_or(person.seen, |as_of| as_of.max(person.seen))
            }),
            groups: match (&self.snapshot.groups, user) {
                (Ok(groups), Some(user)) => Ok(groups.get(&user).map_or(&[], Vec::as_slice)),
                (Ok(_), None) => Err(Cause::NoUser),
                (Err(cause), _) => Err(*cause),
            },
            groups_as_of: self.snapshot.now,
            named: known.map_or(&[], |known| known.named),
            offboarding: self.offboarding,
            lists: self.lists,
            view: View::new(&self.scene, page.session, self.idle_slack),
            traces: known.and_then(|known| known.traces),
            count: whole.map(|()| u64::from(page.count)),
            rank: whole.and_then(|()| page.rank.get().map(u64::from)),
            listed: page.listed.at(),
            now: self.snapshot.now,
            clocks_trusted: self.snapshot.clocks.trusted,
            idle_slack: self.idle_slack,
        }
    }
}

impl<'s> Evidence<'s> {
    /// The same session at a later instant, after it and its person were read again; what rests on the listing stays as it was.
    #[must_use]
    pub fn read_back<'n>(&self, session: &'n Session, person: &'n Person, now: Timestamp) -> Evidence<'n>
    where
        's: 'n,
    {
        Evidence { session, person: Ok(person), person_as_of: person.seen, now, ..*self }
    }

    /// How many places of the session are known. No log has end users, so that of theirs others are always missing.
    pub fn spots(&self) -> Spots {
        let spots = self.view.spots();
        Spots { missing: spots.missing.with(self.unlogged()), ..spots }
    }

    fn unlogged(&self) -> Causes {
        if self.stratum() == Stratum::EndUsers { Cause::EndUser.into() } else { Causes::default() }
    }

    /// One of its places, from 0; none past the last.
    pub fn spot(&self, number: usize) -> Option<Spot<'s>> {
        self.view.spot(number)
    }

    /// Where it was opened, or why that cannot be said.
    pub fn sign_in(&self) -> Result<Spot<'s>, Causes> {
        self.view.sign_in().map_err(|causes| causes.with(self.unlogged()))
    }

    /// Whether sign-ins could belong to the session in several ways.
    pub fn is_in_question(&self) -> bool {
        self.view.sign_ins_in_question() > 0
    }

    /// The ways in which sign-ins could belong to the session: one, unless it shares an instant with others of its person.
    /// What a rule makes of it in any of them is known of one of these sessions, though not of which.
    pub fn ways(&self) -> impl Iterator<Item = Self> {
        let in_question = self.view.sign_ins_in_question();
        let own = (in_question == 0).then_some(*self);
        own.into_iter().chain((0..in_question).map(|number| Self { view: self.view.taking(number), ..*self }))
    }

    /// The same with the places that hearsay adds after all others; none if it adds none.
    pub fn hearing(&self) -> Option<Self> {
        Some(Self { view: self.view.hearing()?, ..*self })
    }

    /// Whether two of its places differ in the program and in the network too, or why that cannot be said.
    pub fn changed(&self) -> Result<Finding, Causes> {
        self.view.changed(self.spots().missing)
    }

    /// Whether it was used long after the last use that sources tell of, though they tell everything, or why that cannot
    /// be said.
    pub fn dark(&self) -> Result<Finding, Causes> {
        self.view.dark(self.unlogged())
    }

    /// Since when an offboarding list whose day has come names the person: the earliest of them, and its own date. None
    /// if no list does; a list that cannot say leaves it unknown.
    pub fn listed_since(&self) -> Result<Option<(Timestamp, Timestamp)>, Causes> {
        let come = self.named.iter().filter(|one| one.has_left(self.now));
        let earliest = come.map(|one| (one.since, one.as_of)).min();
        if earliest.is_none() && self.offboarding.unknown != Causes::default() {
            return Err(self.offboarding.unknown);
        }
        Ok(earliest)
    }

    /// The stratum of its person; one whose record could not be read counts among end users.
    pub fn stratum(&self) -> Stratum {
        self.person.map_or(Stratum::EndUsers, |person| stratum_of(person, self.traces, self.now))
    }

    /// Time from this instant of the row to that one; none for instants that clocks cannot agree on.
    pub fn elapsed(&self, from: Option<Timestamp>, to: Timestamp) -> Result<SignedDuration, Cause> {
        let from = from.ok_or(Cause::Null)?;
        if !self.clocks_trusted || is_future(from, to) {
            return Err(Cause::ClockSkew);
        }
        Ok(from.duration_until(to).max(SignedDuration::ZERO))
    }
}

/// Of rows with one id, the latest: a row may move to another page while the pages are read.
pub fn keep_latest<R: Borrow<Session>>(rows: &mut Vec<R>) {
    rows.sort_unstable_by_key(|row| {
        let row = row.borrow();
        (row.id, Reverse((row.seen, row.last_seen_at, row.authenticated_at, row.user)))
    });
    rows.dedup_by_key(|row| (*row).borrow().id);
}

/// Why there is no record of this user.
fn no_record(snapshot: &Snapshot, user: Option<UserId>) -> Cause {
    user.map_or(Cause::NoUser, |user| snapshot.unread.get(&user).copied().unwrap_or(Cause::NoRow))
}

fn is_future(instant: Timestamp, now: Timestamp) -> bool {
    now.duration_until(instant) > SignedDuration::from_secs(FUTURE_SECONDS_MAX)
}

/// One person's sessions, ranked: newest first, ties by higher id; one unusable instant makes every rank unknown.
fn pages_of<'s>(siblings: &[&'s Session], snapshot: &Snapshot) -> Vec<Page<'s>> {
    let count = u32::try_from(siblings.len()).unwrap_or(u32::MAX);
    let opened = |row: &Session| match row.authenticated_at {
        None => Err(Cause::Null),
        Some(at) if is_future(at.at(), snapshot.now) => Err(Cause::ClockSkew),
        Some(at) => Ok((at, row.id)),
    };
    let listed = siblings.iter().map(|row| row.seen).min().unwrap_or(snapshot.now.into());
    let flaw = siblings.iter().find_map(|row| opened(row).err());
    let mut keys: Vec<_> = siblings.iter().filter_map(|row| opened(row).ok()).collect();
    keys.sort_unstable();
    siblings
        .iter()
        .map(|session| {
            let rank = match (flaw, opened(session)) {
                (Some(cause), _) | (None, Err(cause)) => Err(cause),
                (None, Ok(key)) => Ok(count - u32::try_from(keys.partition_point(|other| *other < key)).unwrap_or(0)),
            };
            Page { session, listed, count, rank: rank.into() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INVARIANT 15: what is kept for a session, beside the record of its person, is bounded.
    #[test]
    fn a_session_takes_64_bytes() {
        assert_eq!(SESSION_BYTES, 64);
    }

    #[test]
    fn a_rank_comes_back_and_so_does_each_cause_of_none() {
        for rank in [Ok(1), Ok(1_000_000)].into_iter().chain(Cause::ALL.iter().map(|cause| Err(*cause))) {
            assert_eq!(Rank::from(rank).get(), rank);
        }
    }
}
