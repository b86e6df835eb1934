//! The simulated account's people, sessions and logs: plain data that a seed, a snapshot or a test fills.
//!
//! Nothing here answers requests or knows the time; whoever asks brings `now`.

mod logs;
mod names;
mod people;
mod seed;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::model::{Foreign, Moment, Person, Role, RoleType, Session, SessionId, UserId};
use crate::snapshot::Snapshot;

pub(super) use logs::location_of;
pub use logs::{
    AccessLog, AccessRow, AuditAction, Authorization, LogSettings, LoginRow, Logs, TicketAudit, desk_of, home_of,
};
pub use seed::{CONTRACTORS, STAFF_MIN, Seed};

/// Id of the admin whom evictd signs in as, in a world made by hand.
const OWN: NonZeroU64 = NonZeroU64::MIN.saturating_add(360_000_000_000);

/// One account. Everything is open, so that a test can put it into any state, possible or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Everybody, deleted people too. `Person::seen` means nothing here.
    pub people: BTreeMap<UserId, Person>,
    /// Every live session. `Session::seen` means nothing here.
    pub sessions: BTreeMap<SessionId, Session>,
    /// The admin whom every token signs in as.
    pub own: UserId,
    /// The admin whom tokens of the other client sign in as; without one the same.
    pub revoker: Option<UserId>,
    /// The highest id that a session was ever given here, so that none is given twice.
    pub last_session: SessionId,
    /// What the logs hold, and how they behave.
    pub logs: Logs,
    /// Fields that rows of these sessions show beside those that Zendesk documents: an object for each.
    pub row_fields: BTreeMap<SessionId, Value>,
}

impl Default for World {
    /// An account with nobody but the admin of the tokens, who has no session.
    fn default() -> Self {
        let mut world = Self {
            people: BTreeMap::new(),
            sessions: BTreeMap::new(),
            own: OWN.into(),
            revoker: None,
            last_session: SessionId(0),
            logs: Logs::default(),
            row_fields: BTreeMap::new(),
        };
        world.add_person(world.own, Role::Admin);
        world
    }
}

impl World {
    /// What a snapshot saw, with rows in the logs for its sightings; if it lacks the own user's record, an admin stands in.
    pub fn from_snapshot(snapshot: &Snapshot) -> Self {
        let mut world = Self {
            people: snapshot.people.iter().map(|(id, person)| (*id, Person::clone(person))).collect(),
            sessions: snapshot.sessions.iter().map(|session| (session.id, *session)).collect(),
            own: snapshot.own,
            revoker: snapshot.revoker,
            last_session: snapshot.sessions.iter().map(|session| session.id).max().unwrap_or(SessionId(0)),
            logs: Logs::of_sightings(&snapshot.sightings),
            row_fields: BTreeMap::new(),
        };
        if !world.people.contains_key(&world.own) {
            world.add_person(world.own, Role::Admin);
        }
        world
    }

    /// Adds a person in good standing, in place of whoever had the id, and hands it out for more detail.
    pub fn add_person(&mut self, id: UserId, role: Role) -> &mut Person {
        self.people.remove(&id);
        self.people.entry(id).or_insert_with(|| Person {
            id,
            seen: Timestamp::UNIX_EPOCH,
            name: Foreign::new(format!("Person {id}")),
            email: Some(Foreign::new(format!("person{id}@acme.example"))),
            role: Some(role),
            role_type: (role == Role::Admin).then_some(RoleType::Admin),
            custom_role_id: None,
            deleted: Some(false),
            suspended: Some(false),
            two_factor: Some(false),
            verified: Some(true),
            chat_only: Some(false),
            tags: Vec::new(),
            organization_id: None,
            external_id: None,
        })
    }

    /// Adds a session of this person, in place of any with the id, and hands it out.
    pub fn add_session(&mut self, id: SessionId, user: UserId, opened: Timestamp, seen: Timestamp) -> &mut Session {
        self.last_session = self.last_session.max(id);
        self.sessions.remove(&id);
        self.sessions.entry(id).or_insert(Session {
            id,
            user: Some(user),
            authenticated_at: Some(opened.into()),
            last_seen_at: Some(seen.into()),
            seen: Timestamp::UNIX_EPOCH.into(),
        })
    }

    /// This person's sessions, by id.
    pub fn sessions_of(&self, user: UserId) -> impl Iterator<Item = &Session> {
        self.sessions.values().filter(move |session| session.user == Some(user))
    }

    /// Ends every session of this person.
    pub fn sign_out(&mut self, user: UserId) {
        self.sessions.retain(|_, session| session.user != Some(user));
    }

    /// An admin, other than the own one, whom no starter rule touches; the own one if there is no such admin.
    pub fn quiet_admin(&self, now: Timestamp) -> UserId {
        self.people
            .values()
            .filter(|person| person.role == Some(Role::Admin) && person.id != self.own && person.email.is_some())
            .find(|person| self.is_quiet(person, now))
            .map_or(self.own, |person| person.id)
    }

    /// In good standing, and all sessions young, busy and few: with room to spare under the starter rules' limits.
    fn is_quiet(&self, person: &Person, now: Timestamp) -> bool {
        let within = |moment: Option<Moment>, hours: i64| {
            moment.is_some_and(|moment| now.duration_since(moment.at()) < SignedDuration::from_hours(hours))
        };
        let young = |session: &Session| within(session.authenticated_at, 3) && within(session.last_seen_at, 1);
        person.deleted == Some(false)
            && person.suspended == Some(false)
            && self.sessions_of(person.id).all(young)
            && self.sessions_of(person.id).count() <= 3
    }
}
