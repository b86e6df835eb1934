//! What happens to people while the account lives: they are hired, moved, blocked, deleted, and they sign in.
//!
//! As on the platform itself, no change of a record ends a session. Verbs on people who are not there do nothing.

use jiff::Timestamp;

use super::{World, home_of};
use crate::model::{Person, Role, RoleType, SessionId, UserId};

impl World {
    /// Takes the staff role away, as Zendesk's own guide to offboarding begins.
    pub fn downgrade(&mut self, id: UserId) {
        self.promote(id, Role::EndUser);
    }

    /// Blocks signing in.
    pub fn suspend(&mut self, id: UserId) {
        self.edit(id, |person| person.suspended = Some(true));
    }

    /// Lets the person sign in again.
    pub fn unsuspend(&mut self, id: UserId) {
        self.edit(id, |person| person.suspended = Some(false));
    }

    /// Deletes the record; name and e-mail stay on it, as on the platform until it is deleted for good.
    pub fn delete(&mut self, id: UserId) {
        self.edit(id, |person| person.deleted = Some(true));
    }

    /// Brings somebody back who was downgraded, suspended or deleted, with this role.
    pub fn rehire(&mut self, id: UserId, role: Role) {
        self.edit(id, |person| {
            person.deleted = Some(false);
            person.suspended = Some(false);
        });
        self.promote(id, role);
    }

    /// Gives this role, and what goes with it.
    pub fn promote(&mut self, id: UserId, role: Role) {
        self.edit(id, |person| {
            person.role = Some(role);
            person.role_type = (role == Role::Admin).then_some(RoleType::Admin);
            person.custom_role_id = None;
            person.chat_only = Some(false);
        });
    }

    /// Opens a session from home that is used right away, under an id that no session had before. Of staff the audit
    /// log tells.
    pub fn sign_in(&mut self, user: UserId, now: Timestamp) -> SessionId {
        let id = self.open(user, now, now);
        self.log_sign_in(id, home_of(user));
        id
    }

    /// A session under an id that none had before, in no log yet.
    pub(super) fn open(&mut self, user: UserId, opened: Timestamp, seen: Timestamp) -> SessionId {
        let highest = self.sessions.keys().next_back().copied().max(Some(self.last_session));
        let id = SessionId(highest.map_or(1, |id| id.0.saturating_add(1)));
        self.add_session(id, user, opened, seen);
        id
    }

    fn edit(&mut self, id: UserId, change: impl FnOnce(&mut Person)) {
        if let Some(person) = self.people.get_mut(&id) {
            change(person);
        }
    }
}
