//! Which session a sighting belongs to. Zendesk's logs name a person and an instant, and never a session.
//!
//! A sign-in row belongs to the session that was opened at its instant. A use belongs to whichever session of the person
//! could have been alive then: to the one there is, if nothing speaks of others, and else to each of them, ambiguously.
//! Of a use that a session which is no longer listed may have caused it is not known that any session left is the one:
//! it is a place of none, and each may have been there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::is_future;
use crate::model::{Act, KnownSession, Moment, Session, SessionId, Sighting, SourceStanding, Strength, UserId};
use crate::snapshot::Snapshot;

/// Zendesk ends sessions of staff after twelve hours; half an hour is for what lags.
const LIFE_MAX: SignedDuration = SignedDuration::from_mins(12 * 60 + 30);

/// One sighting as a place of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub(super) session: SessionId,
    act: Act,
    /// Its place among the snapshot's sightings.
    pub(super) row: usize,
    pub(super) strength: Strength,
}

/// Where hearsay has it that listed sessions were used, in order of session: each that could have been alive then, unless
/// one that is over could have been too. It says nothing of places that nobody knows, and makes nothing doubtful.
pub(super) fn heard(snapshot: &Snapshot, listed: &[&Session]) -> Vec<Placed> {
    let mut placed = Vec::new();
    if snapshot.hearsay.is_empty() {
        return placed;
    }
    let people = lives(snapshot, &snapshot.hearsay, listed);
    for (row, told) in snapshot.hearsay.iter().enumerate() {
        let says_something = told.act == Act::Use && (told.address.is_some() || told.agent.is_some());
        if !says_something || is_future(told.last.at(), snapshot.now) {
            continue;
        }
        let span = (told.first.at(), told.last.at());
        let lives = people.get(&told.user).map(Vec::as_slice).unwrap_or_default();
        let alive = || lives.iter().filter(|life| life.could_be_alive(span, SourceStanding::WITHIN));
        if alive().all(|life| life.is_listed) {
            let place = |life: &Life| Placed { session: life.session, act: Act::Use, row, strength: Strength::Hearsay };
            placed.extend(alive().map(place));
        }
    }
    placed.sort_unstable();
    placed
}

/// The part of these places that is this session's.
pub(super) fn part_of(placed: &[Placed], session: SessionId) -> &[Placed] {
    let from = placed.partition_point(|one| one.session < session);
    let to = placed.partition_point(|one| one.session <= session);
    placed.get(from..to).unwrap_or_default()
}

/// All sightings, by the sessions they belong to.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// In order of session, act and row.
    placed: Vec<Placed>,
    /// The sessions that rows may be of which may be of several, in order.
    shared: BTreeMap<usize, Vec<SessionId>>,
    /// Sessions that may have been at a place of this act that is not among theirs.
    doubted: BTreeSet<(SessionId, Act)>,
    /// The same, each for one row: it adds nothing if the session was known to be there anyway.
    doubted_by: Vec<(SessionId, usize)>,
    /// People of whom a row of this act names somebody else's session, or the other way round.
    contradicted: BTreeSet<(UserId, Act)>,
}

impl Joined {
    /// `listed` are the sessions, each once, in order of their ids.
    pub(super) fn new(snapshot: &Snapshot, listed: &[&Session]) -> Self {
        let mut joined = Self::default();
        if snapshot.sightings.is_empty() {
            return joined;
        }
        let people = lives(snapshot, &snapshot.sightings, listed);
        let mut first = 0;
        for rows in snapshot.sightings.chunk_by(|left, right| left.user == right.user) {
            if let Some(person) = rows.first().and_then(|row| people.get(&row.user)) {
                Person { snapshot, lives: person }.join(rows, first, listed, &mut joined);
            }
            first += rows.len();
        }
        joined.doubt_contradicted(snapshot, listed);
        joined.placed.sort_unstable();
        joined.doubt_what_is_new(&snapshot.sightings);
        joined
    }

    /// A use that may be this session's or that of one which is over puts it nowhere else than where it was anyway, if it
    /// was seen there with the same program at another time.
    fn doubt_what_is_new(&mut self, sightings: &[Sighting]) {
        for (session, row) in std::mem::take(&mut self.doubted_by) {
            let Some(doubtful) = sightings.get(row) else { continue };
            let is_alike = |placed: &Placed| {
                let same = |own: &Sighting| (own.address, &own.agent) == (doubtful.address, &doubtful.agent);
                placed.strength >= Strength::Only && sightings.get(placed.row).is_some_and(same)
            };
            if !self.of(session).iter().any(is_alike) {
                self.doubted.insert((session, Act::Use));
            }
        }
    }

    /// Those of this session.
    pub(super) fn of(&self, session: SessionId) -> &[Placed] {
        part_of(&self.placed, session)
    }

    /// The sessions that this place may be of, if that is not sure.
    pub(super) fn candidates(&self, place: Placed) -> &[SessionId] {
        self.shared.get(&place.row).map_or(&[], Vec::as_slice)
    }

    /// Whether a place of one of these acts may be missing among those of this session, since a row could not be told
    /// apart from others.
    pub(super) fn is_doubted(&self, session: SessionId, acts: &[Act]) -> bool {
        acts.iter().any(|act| self.doubted.contains(&(session, *act)))
    }

    fn place<'l>(&mut self, lives: impl IntoIterator<Item = &'l Life>, act: Act, row: usize, strength: Strength) {
        for life in lives {
            self.placed.push(Placed { session: life.session, act, row, strength });
            if strength == Strength::Ambiguous {
                self.shared.entry(row).or_default().push(life.session);
            }
        }
    }

    fn doubt<'l>(&mut self, lives: impl IntoIterator<Item = &'l Life>, act: Act) {
        self.doubted.extend(lives.into_iter().filter(|life| life.is_listed).map(|life| (life.session, act)));
    }

    /// A row that names a person together with somebody else's session may have meant either.
    fn doubt_contradicted(&mut self, snapshot: &Snapshot, listed: &[&Session]) {
        let mut people = BTreeSet::new();
        for row in &snapshot.sightings {
            let owner = row.session.and_then(|session| find(listed, session)).map(|session| session.user);
            if let Some(owner) = owner.filter(|owner| *owner != Some(row.user)) {
                people.insert((row.user, row.act));
                people.extend(owner.map(|owner| (owner, row.act)));
            }
        }
        if people.is_empty() {
            return;
        }
        for session in listed {
            let acts = Act::ALL.iter().filter(|act| session.user.is_some_and(|user| people.contains(&(user, **act))));
            self.doubted.extend(acts.map(|act| (session.id, *act)));
        }
        self.contradicted = people;
    }

    /// Whether some row of this act may be about this person, and names somebody else, or the other way round.
    pub(super) fn is_contradicted(&self, user: Option<UserId>, act: Act) -> bool {
        user.is_some_and(|user| self.contradicted.contains(&(user, act)))
    }
}

fn find<'l>(listed: &[&'l Session], session: SessionId) -> Option<&'l Session> {
    let at = listed.binary_search_by_key(&session, |listed| listed.id).ok()?;
    listed.get(at).copied()
}

/// From when to when a session could have been used.
#[derive(Debug, Clone, Copy)]
struct Life {
    session: SessionId,
    /// None if that is not known.
    opened: Option<Timestamp>,
    until: Timestamp,
    is_listed: bool,
}

impl Life {
    fn of(session: &Session, now: Timestamp) -> Self {
        let opened = session.authenticated_at.map(Moment::at).filter(|at| !is_future(*at, now));
        Self { session: session.id, opened, until: session.seen.at(), is_listed: true }
    }

    /// Of a session that was listed once. That it is gone is known of a complete listing only.
    fn bygone(session: SessionId, known: &KnownSession, now: Timestamp) -> Self {
        Self { session, opened: known.authenticated_at, until: known.gone_at.unwrap_or(now), is_listed: false }
    }

    fn was_opened_at(&self, at: Timestamp, within: SignedDuration) -> bool {
        self.opened.is_some_and(|opened| opened.duration_until(at).abs() <= within)
    }

    /// Whether it could have been alive at some time from then to then.
    fn could_be_alive(&self, (first, last): (Timestamp, Timestamp), within: SignedDuration) -> bool {
        let is_open = self.opened.is_none_or(|opened| opened.duration_until(last) >= -within);
        is_open && self.until.duration_until(first) <= within
    }
}

/// The sessions of those people whom these rows name: those listed, and those remembered that are listed no longer.
fn lives(snapshot: &Snapshot, rows: &[Sighting], listed: &[&Session]) -> BTreeMap<UserId, Vec<Life>> {
    let seen: BTreeSet<UserId> = rows.iter().map(|row| row.user).collect();
    let mut lives: BTreeMap<UserId, Vec<Life>> = BTreeMap::new();
    for session in listed {
        if let Some(user) = session.user.filter(|user| seen.contains(user)) {
            lives.entry(user).or_default().push(Life::of(session, snapshot.now));
        }
    }
    for (session, known) in snapshot.bygone.iter().filter(|(session, _)| find(listed, **session).is_none()) {
        if let Some(lives) = lives.get_mut(&known.user) {
            lives.push(Life::bygone(*session, known, snapshot.now));
        }
    }
    lives
}

/// One person's sessions, while their rows are told apart.
struct Person<'p> {
    snapshot: &'p Snapshot,
    lives: &'p [Life],
}

impl Person<'_> {
    /// The rows stand in order of session and act: those that name none come first, sign-ins before uses.
    fn join(&self, rows: &[Sighting], first: usize, listed: &[&Session], joined: &mut Joined) {
        let mut unmatched = Vec::new();
        for (number, row) in (first..).zip(rows) {
            match (row.session, row.act) {
                (Some(session), act) => {
                    let owner = find(listed, session).and_then(|session| session.user);
                    let own = self.lives.iter().filter(|life| life.session == session && owner == Some(row.user));
                    joined.place(own, act, number, Strength::Exact);
                }
                (None, act) if is_future(row.last.at(), self.snapshot.now) => joined.doubt(self.lives, act),
                (None, Act::SignIn) => unmatched.extend(self.join_sign_in(row, number, joined)),
                (None, Act::Use) => self.join_use(row, number, &unmatched, joined),
            }
        }
    }

    /// When the row says it was, on Zendesk's clock, and how far that may be off.
    fn timed(&self, row: &Sighting) -> ((Timestamp, Timestamp), SignedDuration) {
        let source = self.snapshot.sources.get(&row.source);
        let skew = source.map_or(SignedDuration::ZERO, |source| source.skew);
        let on_zendesk = |moment: Moment| moment.at().checked_sub(skew).unwrap_or(moment.at());
        ((on_zendesk(row.first), on_zendesk(row.last)), source.map_or(SourceStanding::WITHIN, |source| source.within))
    }

    /// When somebody signed in, if no session is known that was opened by it.
    fn join_sign_in(&self, row: &Sighting, number: usize, joined: &mut Joined) -> Option<Timestamp> {
        let ((at, _), within) = self.timed(row);
        let opened: Vec<&Life> = self.lives.iter().filter(|life| life.was_opened_at(at, within)).collect();
        match opened.as_slice() {
            [] => {
                joined.doubt(self.lives.iter().filter(|life| life.opened.is_none()), Act::SignIn);
                return Some(at);
            }
            [life] if life.is_listed => joined.place([*life], Act::SignIn, number, Strength::Exact),
            several if several.iter().all(|life| life.is_listed) => {
                joined.place(several.iter().copied(), Act::SignIn, number, Strength::Ambiguous);
            }
            others => joined.doubt(others.iter().copied(), Act::SignIn),
        }
        None
    }

    fn join_use(&self, row: &Sighting, number: usize, unmatched: &[Timestamp], joined: &mut Joined) {
        let (span, within) = self.timed(row);
        let alive: Vec<&Life> = self.lives.iter().filter(|life| life.could_be_alive(span, within)).collect();
        // A row that says nothing of where and with what only says that there may be such places.
        if row.address.is_none() && row.agent.is_none() {
            return joined.doubt(alive, Act::Use);
        }
        if alive.iter().any(|life| !life.is_listed) {
            let listed = alive.iter().filter(|life| life.is_listed);
            return joined.doubted_by.extend(listed.map(|life| (life.session, number)));
        }
        let is_only = alive.len() == 1 && self.are_sign_ins_known(row, span, unmatched);
        let strength = if is_only { Strength::Only } else { Strength::Ambiguous };
        joined.place(alive, Act::Use, number, strength);
    }

    /// Whether every session that could have been alive then is among those known: each was opened by a sign-in, and
    /// every sign-in since one could have been opened belongs to a session that is known.
    fn are_sign_ins_known(
        &self,
        row: &Sighting,
        (first, last): (Timestamp, Timestamp),
        unmatched: &[Timestamp],
    ) -> bool {
        let since = first.checked_sub(LIFE_MAX).unwrap_or(Timestamp::MIN);
        let mut sources = self.snapshot.sources.values().filter(|source| source.tells == Act::SignIn).peekable();
        let is_whole = |source: &SourceStanding| {
            let told_since = source.since.is_some_and(|from| from <= since);
            source.unknown.is_none()
                && told_since
                && source.as_of >= last
                && !is_future(source.as_of, self.snapshot.now)
        };
        sources.peek().is_some()
            && sources.all(is_whole)
            && self.snapshot.is_whole_of(row.user)
            && !unmatched.iter().any(|at| (since..=last).contains(at))
    }
}
