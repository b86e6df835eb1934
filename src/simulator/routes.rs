//! The endpoints: each path and verb, and the rows they answer with.
//!
//! Sessions have the five fields that Zendesk documents and nothing else; users have all documented ones.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::State;
use super::access::{Caller, instant};
use super::call::{Call, Reply};
use super::page::Listing;
use crate::model::{Foreign, Person, Role, RoleType, Session, SessionId, UserId};

/// Most ids in one request.
const IDS_MAX: usize = 100;

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
    /// Finds and runs the endpoint.
    pub(super) fn route(&mut self, call: &Call, repeat: bool, now: Timestamp) -> Reply {
        let segments = call.segments();
        let method = call.method.as_str();
        let path = match segments.as_slice() {
            ["oauth", "tokens"] if method == "POST" => return self.access.issue(call, now),
            ["api", "v2", path @ ..] => path,
            _ => return Reply::no_such_endpoint(),
        };
        let caller = match self.access.caller(call, &self.world, now) {
            Ok(Some(caller)) => caller,
            Ok(None) if (method, path) == ("GET", &["users", "me"]) => return anonymous(),
            Ok(None) => return Reply::unauthenticated(),
            Err(refusal) => return refusal,
        };
        if (method, path) == ("GET", &["oauth", "tokens", "current"]) {
            return self.access.current(&caller, &self.base_url);
        }
        if let Err(refusal) = self.access.permit(&caller, method != "GET") {
            return refusal;
        }
        match path {
            ["users", "me", rest @ ..] => self.route_me(method, rest, &caller),
            ["users", id, "sessions", rest @ ..] => self.route_sessions(call, (id, rest), repeat, &caller),
            ["sessions"] if method == "GET" => self.list_sessions(call, repeat, &caller, None),
            ["users"] if method == "GET" => self.list_users(call, repeat),
            ["users", "show_many"] if method == "GET" => self.show_many(call),
            ["users", "search"] if method == "GET" => self.search(call),
            ["users", "logout_many"] if method == "POST" => self.logout_many(call, &caller),
            ["users", id] if method == "GET" => self.show_user(id),
            _ => Reply::no_such_endpoint(),
        }
    }

    fn route_me(&self, method: &str, path: &[&str], caller: &Caller) -> Reply {
        match (method, path) {
            ("GET", []) => self.show_user(&caller.user.to_string()),
            ("GET", ["session"]) => {
                let newest = self.world.sessions_of(caller.user).max_by_key(|session| session.authenticated_at);
                newest.map_or_else(|| self.gone(), |session| self.show(session))
            }
            ("GET", ["session", "renew"]) => Reply::json(200, json!({ "authenticity_token": "simulated" })),
            ("DELETE", ["logout"]) => Reply::empty(204),
            _ => Reply::no_such_endpoint(),
        }
    }

    fn route_sessions(&mut self, call: &Call, (id, rest): (&str, &[&str]), repeat: bool, caller: &Caller) -> Reply {
        let Some(user) = self.known(id) else {
            return Reply::not_found();
        };
        if user != caller.user && !caller.is_admin(&self.world) {
            return Reply::forbidden();
        }
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_sessions(call, repeat, caller, Some(user)),
            ("DELETE", []) => {
                self.world.sign_out(user);
                Reply::empty(204)
            }
            ("GET", [session]) => self.session(user, session).map_or_else(|| self.gone(), |session| self.show(session)),
            ("DELETE", [session]) => match self.session(user, session).map(|session| session.id) {
                Some(session) => {
                    self.world.sessions.remove(&session);
                    Reply::empty(204)
                }
                None => Reply::not_found(),
            },
            _ => Reply::no_such_endpoint(),
        }
    }

    /// All sessions, or one person's; who is no admin sees only his own.
    fn list_sessions(&self, call: &Call, repeat: bool, caller: &Caller, user: Option<UserId>) -> Reply {
        let only = if caller.is_admin(&self.world) { user } else { Some(caller.user) };
        let seen = |session: &&Session| only.is_none_or(|user| session.user == Some(user));
        let rows = self.world.sessions.values().filter(seen).map(|session| (session.id.0, session)).collect();
        Listing { name: "sessions", base_url: &self.base_url, rows }
            .answer(call, repeat, |session| session_row(session, &self.base_url))
    }

    /// Everybody who is not deleted, by role if `role` or `role[]` says so.
    fn list_users(&self, call: &Call, repeat: bool) -> Reply {
        let roles: Vec<_> = call.pairs().filter(|(key, _)| matches!(key.as_str(), "role" | "role[]")).collect();
        let asked = |person: &&Person| {
            let role = person.role.map_or("", Role::word);
            roles.is_empty() || roles.iter().any(|(_, word)| word == role)
        };
        self.users(call, repeat, asked)
    }

    /// Finds by `email:"…"`, or by any text in name or e-mail.
    fn search(&self, call: &Call) -> Reply {
        let query = call.asked("query").unwrap_or_default().trim().to_lowercase();
        let email = query.strip_prefix("email:").map(|email| email.trim_matches('"').to_owned());
        let text = |foreign: &Foreign| foreign.raw().to_lowercase();
        self.users(call, false, |person| match &email {
            Some(email) => person.email.as_ref().is_some_and(|own| text(own) == *email),
            None => {
                text(&person.name).contains(&query)
                    || person.email.as_ref().is_some_and(|own| text(own).contains(&query))
            }
        })
    }

    fn users(&self, call: &Call, repeat: bool, asked: impl Fn(&&Person) -> bool) -> Reply {
        let people = self.world.people.values().filter(|person| person.deleted != Some(true)).filter(asked);
        let rows = people.map(|person| (person.id.get(), person)).collect();
        Listing { name: "users", base_url: &self.base_url, rows }
            .answer(call, repeat, |person| user_row(person, &self.base_url))
    }

    /// The people of these ids, unknown ones left out, deleted ones only on request.
    fn show_many(&self, call: &Call) -> Reply {
        let Some(ids) = ids(call) else {
            return too_many_ids();
        };
        let deleted_too = call.asked("include_deleted").as_deref() == Some("true");
        let people = ids.iter().filter_map(|id| self.world.people.get(id));
        let users: Vec<_> = people
            .filter(|person| deleted_too || person.deleted != Some(true))
            .map(|person| user_row(person, &self.base_url))
            .collect();
        Reply::json(
            200,
            json!({ "count": users.len(), "users": users, "next_page": Value::Null, "previous_page": Value::Null }),
        )
    }

    fn logout_many(&mut self, call: &Call, caller: &Caller) -> Reply {
        if !caller.is_admin(&self.world) {
            return Reply::forbidden();
        }
        let Some(ids) = ids(call) else {
            return too_many_ids();
        };
        for id in ids {
            self.world.sign_out(id);
        }
        Reply::json(202, json!(""))
    }

    fn show_user(&self, id: &str) -> Reply {
        let person = self.known(id).and_then(|id| self.world.people.get(&id));
        person.map_or_else(Reply::not_found, |person| {
            Reply::json(200, json!({ "user": user_row(person, &self.base_url) }))
        })
    }

    fn show(&self, session: &Session) -> Reply {
        let row = session_row(session, &self.base_url);
        let shown = if self.show == ShowShape::Object { row } else { json!([row]) };
        Reply::json(200, json!({ "session": shown }))
    }

    fn gone(&self) -> Reply {
        match self.show {
            ShowShape::ArrayOrEmpty => Reply::json(200, json!({ "session": [] })),
            ShowShape::Object | ShowShape::Array => Reply::not_found(),
        }
    }

    fn known(&self, id: &str) -> Option<UserId> {
        let id = id.parse().ok()?;
        self.world.people.contains_key(&id).then_some(id)
    }

    fn session(&self, user: UserId, id: &str) -> Option<&Session> {
        let id: SessionId = id.parse().ok()?;
        self.world.sessions.get(&id).filter(|session| session.user == Some(user))
    }
}

/// The ids of `?ids=1,2,3`, without what is none; `None` if there are too many.
fn ids(call: &Call) -> Option<Vec<UserId>> {
    let text = call.asked("ids").unwrap_or_default();
    let ids: Vec<_> = text.split(',').filter_map(|id| id.trim().parse().ok()).collect();
    (ids.len() <= IDS_MAX).then_some(ids)
}

fn too_many_ids() -> Reply {
    Reply::fault(400, "TooManyIds", "At most 100 ids in one request")
}

/// What `users/me` says to who sends no credential, or a password: 200, and no id.
fn anonymous() -> Reply {
    Reply::json(
        200,
        json!({ "user": {
            "id": Value::Null, "url": Value::Null, "name": "Anonymous user", "email": "invalid@example.com",
            "role": "end-user", "active": false, "verified": false, "suspended": false, "tags": [],
        } }),
    )
}

fn session_row(session: &Session, base_url: &str) -> Value {
    let user = session.user.map(UserId::get);
    json!({
        "id": session.id.0,
        "user_id": user,
        "authenticated_at": session.authenticated_at.map(instant),
        "last_seen_at": session.last_seen_at.map(instant),
        "url": user.map(|user| format!("{base_url}/api/v2/users/{user}/sessions/{}", session.id)),
    })
}

fn user_row(person: &Person, base_url: &str) -> Value {
    let id = person.id.get();
    let raw = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_owned());
    let tags: Vec<_> = person.tags.iter().map(Foreign::raw).collect();
    let role_type = person.role_type.and_then(|kind| RoleType::ALL.iter().position(|one| *one == kind));
    // Nobody asks for these, but clients read them: any instant in the past will do, and the same for each answer.
    let created = Timestamp::from_second(1_500_000_000 + i64::from(u32::try_from(id % 200_000_000).unwrap_or(0)));
    let created = created.unwrap_or_default();
    let channels = (person.suspended == Some(true)).then(|| json!({ "channels": ["all"] }));
    json!({
        "id": id,
        "url": format!("{base_url}/api/v2/users/{id}"),
        "name": person.name.raw(),
        "email": raw(&person.email),
        "role": person.role.map(Role::word),
        "role_type": role_type,
        "custom_role_id": person.custom_role_id,
        "active": person.deleted.map(|deleted| !deleted),
        "suspended": person.suspended,
        "suspension_details": channels,
        "two_factor_auth_enabled": person.two_factor,
        "last_login_at": Value::Null,
        "verified": person.verified,
        "tags": tags,
        "organization_id": person.organization_id,
        "external_id": raw(&person.external_id),
        "shared": false,
        "shared_agent": false,
        "chat_only": person.chat_only,
        "restricted_agent": person.role != Some(Role::Admin),
        "ticket_restriction": Value::Null,
        "only_private_comments": person.role_type == Some(RoleType::Light),
        "moderator": person.role == Some(Role::Admin),
        "default_group_id": Value::Null,
        "iana_time_zone": "Europe/Berlin",
        "time_zone": "Berlin",
        "locale": "en-US",
        "locale_id": 1,
        "alias": Value::Null,
        "details": Value::Null,
        "notes": Value::Null,
        "phone": Value::Null,
        "shared_phone_number": Value::Null,
        "photo": Value::Null,
        "signature": Value::Null,
        "report_csv": false,
        "user_fields": {},
        "separation": Value::Null,
        "created_at": instant(created),
        "updated_at": instant(created),
    })
}
