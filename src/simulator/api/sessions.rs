//! Sessions: listed, shown and ended.

use serde_json::json;

use super::super::access::Caller;
use super::super::account::Span;
use super::super::call::Reply;
use super::super::state::{State, Turn};
use super::page::{Listing, Rows, Sizes};
use super::rows::session_row;
use crate::model::{Session, SessionId, UserId};

/// How `{"session": …}` looks: Zendesk's documents and its clients disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowShape {
    /// An object, as clients see it.
    Object,
    /// An array of one, as the documents have it.
    Array,
    /// An array of one, and an empty one, with 200, for a session that is gone.
    ArrayOrEmpty,
}

impl ShowShape {
    /// Every shape.
    pub const ALL: &[Self] = &[Self::Object, Self::Array, Self::ArrayOrEmpty];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::ArrayOrEmpty => "array-or-empty",
        }
    }
}

impl State {
    pub(super) fn route_me(&self, method: &str, path: &[&str], caller: &Caller) -> Reply {
        match (method, path) {
            ("GET", []) => self.show_user(&caller.user.to_string()),
            ("GET", ["session"]) => {
                let newest = self.account.sessions_of(caller.user).max_by_key(|session| session.authenticated_at);
                newest.map_or_else(|| self.gone(), |session| self.show(session))
            }
            ("GET", ["session", "renew"]) => Reply::json(200, json!({ "authenticity_token": "simulated" })),
            ("DELETE", ["logout"]) => Reply::empty(204),
            _ => Reply::no_such_endpoint(),
        }
    }

    pub(super) fn route_sessions(&mut self, turn: &Turn<'_>, (id, rest): (&str, &[&str]), caller: &Caller) -> Reply {
        let Some(user) = self.known(id) else {
            return Reply::not_found();
        };
        if user != caller.user && !caller.is_admin(self.account.world()) {
            return Reply::forbidden();
        }
        match (turn.call.method.as_str(), rest) {
            ("GET", []) => self.list_sessions(turn, caller, Some(user)),
            ("DELETE", []) => {
                self.account.sign_out(user, turn.now, turn.marks.lag);
                Reply::empty(204)
            }
            ("GET", [session]) => self.session(user, session).map_or_else(|| self.gone(), |session| self.show(session)),
            ("DELETE", [session]) => match self.session(user, session).map(|session| session.id) {
                Some(session) => {
                    self.account.end(session, turn.now, turn.marks.lag);
                    Reply::empty(204)
                }
                None => Reply::not_found(),
            },
            _ => Reply::no_such_endpoint(),
        }
    }

    /// All sessions, or one person's; who is no admin sees only his own.
    pub(super) fn list_sessions(&mut self, turn: &Turn<'_>, caller: &Caller, user: Option<UserId>) -> Reply {
        let account = &self.account;
        let only = if caller.is_admin(account.world()) { user } else { Some(caller.user) };
        let rows = |span: Span| -> Vec<Rows<'_, &Session>> {
            let listed = account.listed(only, span).into_iter();
            listed.map(|rows| Box::new(rows.map(|session| (session.id.0, session))) as Rows<'_, _>).collect()
        };
        let listing = Listing { name: "sessions", base_url: &self.base_url, rows: &rows, sizes: Sizes::HUNDRED };
        let reply =
            listing.answer(turn, self.paging, |session| session_row(session, self.account.world(), &self.base_url));
        self.account.count_page();
        reply
    }

    fn show(&self, session: &Session) -> Reply {
        let row = session_row(session, self.account.world(), &self.base_url);
        let shown = if self.show == ShowShape::Object { row } else { json!([row]) };
        Reply::json(200, json!({ "session": shown }))
    }

    fn gone(&self) -> Reply {
        match self.show {
            ShowShape::ArrayOrEmpty => Reply::json(200, json!({ "session": [] })),
            ShowShape::Object | ShowShape::Array => Reply::not_found(),
        }
    }

    /// Whoever has a record, or at least a session.
    fn known(&self, id: &str) -> Option<UserId> {
        let id = id.parse().ok()?;
        let has_record = self.account.world().people.contains_key(&id);
        (has_record || self.account.sessions_of(id).next().is_some()).then_some(id)
    }

    fn session(&self, user: UserId, id: &str) -> Option<&Session> {
        let id: SessionId = id.parse().ok()?;
        self.account.session(id).filter(|session| session.user == Some(user))
    }
}
