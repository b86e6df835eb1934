//! What an account's cycles remember of earlier ones. Losing it costs learning, never safety: whatever belts and levers
//! need comes from the trail, and is told in `history`; what offboarding lists say, in `leaver`.

mod basis;
mod exposure;
mod habit;
mod haunt;
mod history;
mod hold;
mod leaver;
mod log;
mod share;

use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use basis::{Basis, Input, NoBasis};
pub use exposure::{Exposure, Exposures, Moments};
pub use habit::{HABIT_CYCLES_MAX, Habit, HabitCycle, Run};
pub use haunt::{HAUNTS_MAX, HAUNTS_REMEMBERED, Haunt, HauntKey, HauntLesson, Haunts};
pub use history::{Ended, Grade, History, Outcome, Pause, Rest, Roster};
pub use hold::{HOLD_LASTS, Hold, HoldState};
pub use leaver::{ListChange, ListStanding, ListTrouble, Listed};
pub use log::{LogLesson, LogMemory, LogPlace, SeenKey, Span};
pub use share::{SHARES_MAX, SHARES_MIN, Share, Watched, usual};

use super::{Person, Role, RuleId, SessionId, Stratum, UserId};

/// Everything that is remembered of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// Everybody whose record was read, by id.
    pub people: BTreeMap<UserId, Remembered>,
    /// Sessions of staff: live ones, and those that ended in the last 24 hours.
    pub sessions: BTreeMap<SessionId, KnownSession>,
    /// How far the stream of changed users was read.
    pub users: Option<UsersCursor>,
    /// Offboarding lists, by their name in the configuration.
    pub lists: BTreeMap<String, ListMemory>,
    /// Logs of sign-ins and of use, by name.
    pub logs: BTreeMap<Arc<str>, LogMemory>,
    /// What rules usually do, each stratum apart.
    pub habits: BTreeMap<(RuleId, Stratum), Habit>,
    /// How much evidence there was in the last complete sweeps, oldest first.
    pub shares: BTreeMap<Watched, Vec<Share>>,
    /// Where staff was seen in the last thirty days.
    pub haunts: Haunts,
}

/// One person, as remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The record as it was last told; its `seen` is the `Date` of the answer that told it.
    pub person: Arc<Person>,
    /// When a cycle last saw a session of theirs.
    pub session_at: Option<Timestamp>,
    /// What else cycles saw; nothing for most end users.
    pub traces: Option<Box<Traces>>,
}

/// What cycles saw of a person beyond the record. Every instant is on Zendesk's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traces {
    /// The last time that the person was an admin.
    pub admin_at: Option<Timestamp>,
    /// The last time that the person was an agent.
    pub agent_at: Option<Timestamp>,
    /// The first cycle that saw the record deleted, if it still is.
    pub deleted_since: Option<Timestamp>,
    /// The first cycle that saw the person suspended, if they still are.
    pub suspended_since: Option<Timestamp>,
    /// The first cycle that saw a staff role gone, if it still is.
    pub staff_lost_since: Option<Timestamp>,
}

impl Traces {
    /// The highest role of staff that the person had in the last 90 days, as far as cycles saw.
    pub fn staff_role(&self, now: Timestamp) -> Option<Role> {
        let remembered = |at: Option<Timestamp>| at.is_some_and(|at| at.duration_until(now) <= STAFF_REMEMBERED);
        if remembered(self.admin_at) {
            Some(Role::Admin)
        } else if remembered(self.agent_at) {
            Some(Role::Agent)
        } else {
            None
        }
    }
}

/// A session that was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSession {
    /// Whose.
    pub user: UserId,
    /// When it was opened.
    pub authenticated_at: Option<Timestamp>,
    /// When it was last used, as last listed.
    pub last_seen_at: Option<Timestamp>,
    /// The first complete listing of this person that no longer had it; none while it lives.
    pub gone_at: Option<Timestamp>,
}

/// Where the stream of changed users goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersCursor {
    /// Zendesk's cursor.
    pub cursor: String,
    /// Every change up to here was read, on Zendesk's clock.
    pub as_of: Timestamp,
}

/// What is remembered of an offboarding list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListMemory {
    /// SHA-256 of the file that was last taken over, hexadecimal.
    pub digest: String,
    /// When it was taken over.
    pub taken_at: Timestamp,
    /// Its rows then, by their key: `id:35436`, `email:…` in lower case, `external-id:…` in lower case.
    pub rows: BTreeMap<String, RowMemory>,
    /// How many rows came into force without a human's word, by the cycle that first saw them; the last 24 hours.
    /// Apart from the rows, since a row that is gone again has had its effect.
    pub grown: BTreeMap<Timestamp, u32>,
    /// The acceptance that was honoured last, by its instant: each is honoured once, so that an old file that was
    /// accepted in its time cannot be put back.
    pub accepted_at: Option<Timestamp>,
}

/// One row of an offboarding list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowMemory {
    /// The cycle that first saw it.
    pub first_seen: Timestamp,
    /// It came with too many others and waits for `offboard accept`.
    pub pending: bool,
    /// The person it was pinned to by its first match; later changes of their e-mail no longer matter.
    pub user: Option<UserId>,
    /// When Zendesk last said whom it matches, if anybody.
    pub asked_at: Option<Timestamp>,
    /// From when on the person has left, as the file says; absent: since the row was first seen.
    pub since: Option<Timestamp>,
}

/// What one cycle adds to the memory: whatever is new or different, and what is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lesson {
    /// People new or changed.
    pub people: BTreeMap<UserId, Remembered>,
    /// People to forget.
    pub people_gone: Vec<UserId>,
    /// Sessions new or changed.
    pub sessions: BTreeMap<SessionId, KnownSession>,
    /// Sessions to forget.
    pub sessions_gone: Vec<SessionId>,
    /// Where the stream of changed users goes on, if it moved.
    pub users: Option<UsersCursor>,
    /// Lists that changed, whole.
    pub lists: BTreeMap<String, ListMemory>,
    /// What logs told.
    pub logs: BTreeMap<Arc<str>, LogLesson>,
    /// What rules usually do that did otherwise than before, whole.
    pub habits: BTreeMap<(RuleId, Stratum), Habit>,
    /// Habits to forget.
    pub habits_gone: Vec<(RuleId, Stratum)>,
    /// How much evidence there is, each to be added to its history; only the last [`SHARES_MAX`] are kept.
    pub shares: BTreeMap<Watched, Share>,
    /// Where staff was seen.
    pub haunts: HauntLesson,
}

/// Whoever was staff this lately is still looked at, and still counts among staff.
pub const STAFF_REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Looks people up in ascending order, all of them in one walk along a map: where there are hundreds of thousands, finding
/// each anew would be most of the work.
pub struct Walk<'m, V>(Peekable<btree_map::Iter<'m, UserId, V>>);

impl<'m, V> Walk<'m, V> {
    /// Begins before the first.
    pub fn along(map: &'m BTreeMap<UserId, V>) -> Self {
        Self(map.iter().peekable())
    }

    /// What the map has of this person, who is not before the last one that was asked for.
    pub fn find(&mut self, user: UserId) -> Option<&'m V> {
        while self.0.next_if(|(other, _)| **other < user).is_some() {}
        self.0.peek().filter(|(other, _)| **other == user).map(|(_, value)| *value)
    }
}

impl Memory {
    /// Takes in what a cycle adds.
    pub fn learn(&mut self, lesson: Lesson) {
        for user in &lesson.people_gone {
            self.people.remove(user);
        }
        if self.people.is_empty() {
            self.people = lesson.people;
        } else {
            self.people.extend(lesson.people);
        }
        for session in &lesson.sessions_gone {
            self.sessions.remove(session);
        }
        self.sessions.extend(lesson.sessions);
        self.users = lesson.users.or(self.users.take());
        self.lists.extend(lesson.lists);
        for key in &lesson.habits_gone {
            self.habits.remove(key);
        }
        self.habits.extend(lesson.habits);
        for (name, log) in lesson.logs {
            self.logs.entry(name).or_default().learn(log);
        }
        self.logs.retain(|_, log| *log != LogMemory::default());
        for (watched, share) in lesson.shares {
            let history = self.shares.entry(watched).or_default();
            history.push(share);
            history.drain(..history.len().saturating_sub(SHARES_MAX));
        }
        self.haunts.learn(lesson.haunts);
    }
}

/// The stratum of this record's person: the highest role of today and of what is remembered.
pub fn stratum_of(person: &Person, traces: Option<&Traces>, now: Timestamp) -> Stratum {
    let remembered = traces.and_then(|traces| traces.staff_role(now));
    person.stratum().min(remembered.map_or(Stratum::EndUsers, Stratum::of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_finds_in_ascending_order_what_the_map_has() {
        let user = |number| UserId::new(number).unwrap();
        let map: BTreeMap<UserId, u64> = [2, 3, 5, 8].map(|number| (user(number), number)).into();
        let mut walk = Walk::along(&map);
        let found = [1, 2, 2, 4, 8, 9].map(|number| walk.find(user(number)).copied());
        assert_eq!(found, [None, Some(2), Some(2), None, Some(8), None]);
    }
}
