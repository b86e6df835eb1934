//! Sessions found by person and by age, so that no answer has to look through the whole account.
//!
//! It is made anew after hands were on the world, and kept up to date by everything else.

use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::Timestamp;

use super::super::world::World;
use crate::model::{Person, Role, Session, SessionId, UserId};

/// A range of ids.
pub(in crate::simulator) type Span = (Bound<u64>, Bound<u64>);

/// The ids of sessions, in other orders than that of their ids.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_person: BTreeSet<(UserId, SessionId)>,
    of_staff: BTreeSet<(Timestamp, SessionId)>,
}

impl Index {
    pub(super) fn of(world: &World) -> Self {
        let all = || world.sessions.values();
        Self {
            by_person: all().filter_map(|session| Some((session.user?, session.id))).collect(),
            of_staff: all().filter_map(|session| staff_entry(world, session)).collect(),
        }
    }

    pub(super) fn add(&mut self, world: &World, session: &Session) {
        self.by_person.extend(session.user.map(|user| (user, session.id)));
        self.of_staff.extend(staff_entry(world, session));
    }

    pub(super) fn remove(&mut self, session: &Session) {
        if let Some(user) = session.user {
            self.by_person.remove(&(user, session.id));
        }
        if let Some(opened) = session.authenticated_at {
            self.of_staff.remove(&(opened.at(), session.id));
        }
    }

    /// This person's sessions in this span, by id.
    pub(super) fn sessions_of(
        &self,
        user: UserId,
        (from, to): Span,
    ) -> impl DoubleEndedIterator<Item = SessionId> + use<'_> {
        let from = match from {
            Bound::Unbounded => Bound::Included(0),
            bound => bound,
        };
        let to = match to {
            Bound::Unbounded => Bound::Included(u64::MAX),
            bound => bound,
        };
        let key = |bound: Bound<u64>| bound.map(|id| (user, SessionId(id)));
        self.by_person.range((key(from), key(to))).map(|(_, id)| *id)
    }

    /// The oldest session of an agent or admin, if it was opened then or before.
    pub(super) fn oldest_of_staff(&self, opened: Timestamp) -> Option<SessionId> {
        self.of_staff.first().filter(|(then, _)| *then <= opened).map(|(_, id)| *id)
    }
}

fn staff_entry(world: &World, session: &Session) -> Option<(Timestamp, SessionId)> {
    let is_staff = |person: &&Person| matches!(person.role, Some(Role::Agent | Role::Admin));
    session.user.and_then(|user| world.people.get(&user)).filter(is_staff)?;
    Some((session.authenticated_at?.at(), session.id))
}
