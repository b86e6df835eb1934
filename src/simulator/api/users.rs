//! People: listed, found and shown; and everything of theirs that ends with one call.

use serde_json::{Value, json};

use super::super::account::Span;
use super::super::call::{Call, Reply};
use super::super::state::{State, Turn};
use super::page::{Listing, Rows, Sizes};
use super::rows::user_row;
use crate::model::{Foreign, Person, Role, UserId};

/// Most ids in one request.
const IDS_MAX: usize = 100;

impl State {
    /// Everybody who is not deleted, by role if `role` or `role[]` says so.
    pub(super) fn list_users(&self, turn: &Turn<'_>) -> Reply {
        let roles: Vec<_> = turn.call.pairs().filter(|(key, _)| matches!(key.as_str(), "role" | "role[]")).collect();
        self.list_people(turn, "users", |person| {
            let role = person.role.map_or("", Role::word);
            person.deleted != Some(true) && (roles.is_empty() || roles.iter().any(|(_, word)| word == role))
        })
    }

    /// `GET /api/v2/deleted_users`.
    pub(super) fn list_deleted(&self, turn: &Turn<'_>) -> Reply {
        self.list_people(turn, "deleted_users", |person| person.deleted == Some(true))
    }

    /// Finds by `external_id`, by `query=email:"…"`, or by any text in name or e-mail; on numbered pages only.
    pub(super) fn search(&self, turn: &Turn<'_>) -> Reply {
        let query = turn.call.asked("query").unwrap_or_default().trim().to_lowercase();
        let external = turn.call.asked("external_id").map(|id| id.to_lowercase());
        let email = query.strip_prefix("email:").map(|email| email.trim_matches('"').to_owned());
        let is = |own: &Option<Foreign>, asked: &str| own.as_ref().is_some_and(|own| lower(own) == asked);
        let asked = |person: &Person| match (&external, &email) {
            (Some(id), _) => is(&person.external_id, id),
            (None, Some(email)) => is(&person.email, email),
            (None, None) => {
                lower(&person.name).contains(&query)
                    || person.email.as_ref().is_some_and(|own| lower(own).contains(&query))
            }
        };
        self.with_people(
            "users",
            |person| person.deleted != Some(true) && asked(person),
            |listing| listing.by_number(turn, |person| self.user_row(person)),
        )
    }

    fn list_people(&self, turn: &Turn<'_>, name: &'static str, asked: impl Fn(&Person) -> bool) -> Reply {
        self.with_people(name, asked, |listing| listing.answer(turn, self.paging, |person| self.user_row(person)))
    }

    fn with_people(
        &self,
        name: &'static str,
        asked: impl Fn(&Person) -> bool,
        answer: impl FnOnce(&Listing<'_, &Person>) -> Reply,
    ) -> Reply {
        let rows = |span: Span| -> Vec<Rows<'_, &Person>> {
            let people = self.account.people(span).filter(|person| asked(person));
            vec![Box::new(people.map(|person| (person.id.get(), person)))]
        };
        answer(&Listing { name, base_url: &self.base_url, rows: &rows, sizes: Sizes::HUNDRED })
    }

    /// The people of these ids or external ids, unknown ones left out, deleted ones only on request.
    pub(super) fn show_many(&self, call: &Call) -> Reply {
        let people = &self.account.world().people;
        let found: Vec<&Person> = match call.asked("external_ids") {
            None => match ids(call) {
                Some(ids) => ids.iter().filter_map(|id| people.get(id)).collect(),
                None => return too_many_ids(),
            },
            Some(text) => {
                let asked: Vec<_> = text.split(',').map(|id| id.trim().to_lowercase()).collect();
                if asked.len() > IDS_MAX {
                    return too_many_ids();
                }
                let is_asked = |id: &Foreign| asked.contains(&lower(id));
                people.values().filter(|person| person.external_id.as_ref().is_some_and(is_asked)).collect()
            }
        };
        let deleted_too = call.asked("include_deleted").as_deref() == Some("true");
        let users: Vec<_> = found
            .into_iter()
            .filter(|person| deleted_too || person.deleted != Some(true))
            .map(|person| self.user_row(person))
            .collect();
        Reply::json(
            200,
            json!({ "count": users.len(), "users": users, "next_page": Value::Null, "previous_page": Value::Null }),
        )
    }

    pub(super) fn logout_many(&mut self, turn: &Turn<'_>) -> Reply {
        let Some(ids) = ids(turn.call) else {
            return too_many_ids();
        };
        for id in ids {
            self.account.sign_out(id, turn.now, turn.marks.lag);
        }
        Reply::json(202, json!(""))
    }

    pub(super) fn show_user(&self, id: &str) -> Reply {
        let person = id.parse().ok().and_then(|id: UserId| self.account.world().people.get(&id));
        person.map_or_else(Reply::not_found, |person| Reply::json(200, json!({ "user": self.user_row(person) })))
    }

    pub(super) fn user_row(&self, person: &Person) -> Value {
        user_row(person, self.account.updated_at(person.id), &self.base_url)
    }
}

fn lower(text: &Foreign) -> String {
    text.raw().to_lowercase()
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
pub(super) fn anonymous() -> Reply {
    Reply::json(
        200,
        json!({ "user": {
            "id": Value::Null, "url": Value::Null, "name": "Anonymous user", "email": "invalid@example.com",
            "role": "end-user", "active": false, "verified": false, "suspended": false, "tags": [],
        } }),
    )
}
