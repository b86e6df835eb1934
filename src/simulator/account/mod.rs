//! The account at work: the world, with what makes answers about it cheap and what only shows over time.
//!
//! A test changes the world as it likes, through [`Account::alter`]; whatever else ends or opens sessions goes through
//! the verbs here. Nothing here knows of requests.

mod changes;
mod index;
mod lagging;

use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};

use super::faults::Lag;
use super::world::World;
use crate::model::{Person, Session, SessionId, UserId};
use changes::Changes;
pub(super) use changes::{Place, created_at};
use index::Index;
pub(super) use index::Span;
use lagging::Lagging;

/// How long a session of an agent or admin lives, whatever it does.
const STAFF_SESSION_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// Requests by tokens are so many that not each is written down.
const LOGGED_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Every id.
pub(super) const EVERY: Span = (Bound::Unbounded, Bound::Unbounded);

/// People and sessions.
#[derive(Debug)]
pub(super) struct Account {
    world: World,
    index: Index,
    is_index_old: bool,
    changes: Changes,
    lagging: Lagging,
    /// How many sessions there were when chance first ended or opened one.
    crowd: Option<usize>,
    /// When a request by a token was last written to the access log.
    logged_at: Option<Timestamp>,
}

impl Account {
    pub(super) fn new(world: World) -> Self {
        let (index, changes, lagging) = (Index::of(&world), Changes::default(), Lagging::default());
        Self { world, index, is_index_old: false, changes, lagging, crowd: None, logged_at: None }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Lets somebody change the world, and notices whose record that changed.
    pub(super) fn alter<T>(&mut self, now: Timestamp, change: impl FnOnce(&mut World) -> T) -> T {
        self.changes.prepare(&self.world.people);
        let result = change(&mut self.world);
        self.changes.notice(&self.world.people, now);
        self.is_index_old = true;
        result
    }

    /// Puts another world in this one's place.
    pub(super) fn replace(&mut self, world: World, now: Timestamp) {
        self.alter(now, |old| *old = world);
        self.lagging = Lagging::default();
        self.crowd = None;
    }

    /// Chance ends and opens sessions around today's number from now on.
    pub(super) fn forget_crowd(&mut self) {
        self.crowd = None;
    }

    /// Catches up with the time and with what [`Account::alter`] did; to be called before each answer.
    pub(super) fn settle(&mut self, now: Timestamp, staff_sessions_end: bool) {
        if std::mem::take(&mut self.is_index_old) {
            self.index = Index::of(&self.world);
        }
        self.lagging.settle(now);
        let opened = now.saturating_sub(STAFF_SESSION_LIFE).unwrap_or(Timestamp::MIN);
        while let Some(old) = self.index.oldest_of_staff(opened).filter(|_| staff_sessions_end) {
            self.end(old, now, None);
        }
    }

    /// A session that lives.
    pub(super) fn session(&self, id: SessionId) -> Option<&Session> {
        self.world.sessions.get(&id)
    }

    /// This person's sessions, by id.
    pub(super) fn sessions_of(&self, user: UserId) -> impl Iterator<Item = &Session> {
        self.index.sessions_of(user, EVERY).filter_map(|id| self.session(id))
    }

    /// What is listed of everybody's sessions, or of one person's: those that live, and those that ended a moment ago.
    pub(super) fn listed(
        &self,
        user: Option<UserId>,
        span: Span,
    ) -> [Box<dyn DoubleEndedIterator<Item = &Session> + '_>; 2] {
        let late = self.lagging.range(span);
        let late = late.filter(move |session| user.is_none_or(|user| session.user == Some(user)));
        let late = late.filter(|session| !self.world.sessions.contains_key(&session.id));
        let (from, to) = span;
        match user {
            Some(user) => {
                [Box::new(self.index.sessions_of(user, span).filter_map(|id| self.session(id))), Box::new(late)]
            }
            None => [
                Box::new(
                    self.world.sessions.range((from.map(SessionId), to.map(SessionId))).map(|(_, session)| session),
                ),
                Box::new(late),
            ],
        }
    }

    /// People with ids in this span, by id.
    pub(super) fn people(&self, (from, to): Span) -> impl DoubleEndedIterator<Item = &Person> {
        // No person has the id zero, so a span that begins there begins with the first.
        let key = |bound: Bound<u64>| match bound {
            Bound::Included(id) => UserId::new(id).map_or(Bound::Unbounded, Bound::Included),
            Bound::Excluded(id) => UserId::new(id).map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded => Bound::Unbounded,
        };
        self.world.people.range((key(from), key(to))).map(|(_, person)| person)
    }

    /// One more page of some listing of sessions was answered.
    pub(super) fn count_page(&mut self) {
        self.lagging.count_page();
    }

    /// Ends a session, if it lives; with a lag it stays listed.
    pub(super) fn end(&mut self, id: SessionId, now: Timestamp, lag: Option<Lag>) {
        let Some(session) = self.world.sessions.remove(&id) else { return };
        self.index.remove(&session);
        if let Some(lag) = lag {
            self.lagging.keep(session, lag, now);
        }
    }

    /// Ends every session of this person.
    pub(super) fn sign_out(&mut self, user: UserId, now: Timestamp, lag: Option<Lag>) {
        let ids: Vec<_> = self.sessions_of(user).map(|session| session.id).collect();
        for id in ids {
            self.end(id, now, lag);
        }
    }

    /// Chance ends a session: the named one or any; but not when an eighth is gone already.
    pub(super) fn vanish(&mut self, which: u64, named: Option<SessionId>, now: Timestamp) {
        let (count, crowd) = self.crowd();
        if count + crowd / 8 < crowd || count == 0 {
            return;
        }
        let any = || self.world.sessions.keys().nth(remainder(which / 2, count)).copied();
        let named = named.filter(|id| which % 2 == 1 && self.world.sessions.contains_key(id));
        if let Some(id) = named.or_else(any) {
            self.end(id, now, None);
        }
    }

    /// Chance opens a session of somebody: the named one or any who may sign in; but not when there is an eighth more
    /// already.
    pub(super) fn appear(&mut self, who: u64, named: Option<UserId>, now: Timestamp) {
        let (count, crowd) = self.crowd();
        if count > crowd + crowd / 8 {
            return;
        }
        let may = |person: &&Person| person.deleted != Some(true) && person.suspended != Some(true);
        let able = self.world.people.values().filter(may).count();
        let any = || self.world.people.values().filter(may).nth(remainder(who / 2, able.max(1)));
        let named = named.filter(|_| who % 2 == 1).and_then(|id| self.world.people.get(&id)).filter(may);
        if let Some(user) = named.or_else(any).map(|person| person.id) {
            let id = self.world.sign_in(user, now);
            if let Some(session) = self.world.sessions.get(&id) {
                self.index.add(&self.world, session);
            }
        }
    }

    /// A request by a token stands in the access log too. One in ten seconds is enough to see that the log is written.
    pub(super) fn log_request(&mut self, user: UserId, now: Timestamp) {
        let is_new = self.logged_at.is_none_or(|at| at.duration_until(now).abs() >= LOGGED_EVERY);
        if is_new && self.world.logs.settings.has_token_requests {
            self.logged_at = Some(now);
            self.world.logs.token_request(user, now);
        }
    }

    /// How many sessions there are, and how many there were when chance began.
    fn crowd(&mut self) -> (usize, usize) {
        let count = self.world.sessions.len();
        (count, *self.crowd.get_or_insert(count))
    }

    /// When this person's record last changed.
    pub(super) fn updated_at(&self, id: UserId) -> Timestamp {
        self.changes.updated_at(id)
    }

    /// People by their last change, from this place on, and no later than that second.
    pub(super) fn changed_since(&mut self, from: Bound<Place>, until: i64) -> impl Iterator<Item = (Place, UserId)> {
        self.changes.since(&self.world.people, from, until)
    }
}

fn remainder(number: u64, count: usize) -> usize {
    usize::try_from(number % u64::try_from(count).unwrap_or(1)).unwrap_or(0)
}
