//! Zendesk's API as evictd needs it: verbs, sign-in, transport, request budget, wire formats.
//!
//! The only room that names `reqwest`. Everything above it sees sessions, people and [`Trouble`]: what went wrong, in
//! the form of what the caller can do next. Nothing here decides whom to revoke, and no answer of Zendesk's, however
//! hostile, ends in more than a [`Trouble`] or a listing that says it is partial. Each verb is one request and one dated
//! answer.

mod access;
mod budget;
mod exchange;
mod https;
mod listing;
mod stub;
pub use stub::*;
pub use budget::Purpose;
mod transport;
mod trouble;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::{Chance, Clock};
use crate::model::{Foreign, Person, Session, SessionId, UserId};
use exchange::Patience;

pub use access::{Access, Credential};
pub use budget::BudgetLimits;
pub use https::{BadBaseUrl, BaseUrl, HttpsTransport};
pub use listing::Listing;
pub use transport::{Lost, Method, Request, Response, Transport};
pub use trouble::{Denial, Trouble};
pub use wire::CurrentToken;

/// A value and the instant, on Zendesk's clock, of the answer that carried it (its `Date` header).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated<T> {
    /// What the answer said.
    pub value: T,
    /// When it said so.
    pub date: Timestamp,
}

/// People that one question may name: Zendesk's own limit of `show_many`.
pub const PEOPLE_PER_CALL_MAX: usize = 100;

/// Asked each time that a request to change something is about to leave, after whatever it had to wait for.
pub type MayLeave<'a> = &'a dyn Fn() -> bool;

/// What a DELETE did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// Zendesk ended it.
    Done,
    /// There was nothing to end.
    AlreadyGone,
}

/// One account's API: signs in, keeps to the budget, waits where Zendesk asks to, and tells what came of it.
pub struct Zendesk {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    credential: Credential,
    granted: Mutex<Option<access::Granted>>,
    budget: Mutex<budget::Budget>,
    me: Mutex<Option<Dated<UserId>>>,
    calls: AtomicU64,
}

impl Zendesk {
    /// An account that nothing was asked of yet; no request is sent before the first verb.
    pub fn new(access: Access, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self {
            transport,
            clock,
            chance,
            credential: access.credential,
            granted: Mutex::new(None),
            budget: Mutex::new(budget::Budget::new(access.budget)),
            me: Mutex::new(None),
            calls: AtomicU64::new(0),
        }
    }

    /// Requests sent so far, requests for tokens and repetitions included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// One session as it is now; `None` if it is gone. Whether it is still this person's is for the caller to compare.
    pub async fn session(&self, user: UserId, session: SessionId) -> Result<Dated<Option<Session>>, Trouble> {
        let answer = self.act(Method::Get, format!("/api/v2/users/{user}/sessions/{session}")).await?;
        if trouble::is_record_not_found(&answer) {
            return Ok(Dated { value: None, date: wire::date(&answer)? });
        }
        let answer = trouble::judged(Method::Get, answer)?;
        let (body, date) = (wire::body(&answer)?, wire::date(&answer)?);
        // Documented as an array, seen as an object.
        let row = match body.get("session") {
            Some(Value::Array(rows)) if rows.is_empty() => return Ok(Dated { value: None, date }),
            Some(Value::Array(rows)) if rows.len() == 1 => rows.first(),
            other => other,
        };
        let shown = row.and_then(|row| wire::session(row, date)).filter(|shown| shown.id == session);
        let shown = shown.ok_or_else(|| wire::nonsense("it does not show the session that was asked for"))?;
        Ok(Dated { value: Some(shown), date })
    }

    /// Ends one session.
    pub async fn delete_session(
        &self,
        user: UserId,
        session: SessionId,
        may_leave: MayLeave<'_>,
    ) -> Result<Dated<Deleted>, Trouble> {
        self.delete(format!("/api/v2/users/{user}/sessions/{session}"), may_leave).await
    }

    /// Ends every session of a person, listed or not.
    pub async fn delete_sessions(&self, user: UserId, may_leave: MayLeave<'_>) -> Result<Dated<Deleted>, Trouble> {
        self.delete(format!("/api/v2/users/{user}/sessions"), may_leave).await
    }

    /// The records of up to [`PEOPLE_PER_CALL_MAX`] people, deleted ones included. Who is missing has no record that
    /// could be read, or several that differ.
    pub async fn people(&self, ids: &[UserId], _purpose: Purpose) -> Result<Dated<Vec<Person>>, Trouble> {
        if ids.is_empty() || ids.len() > PEOPLE_PER_CALL_MAX {
            let asked = ids.len();
            return Err(Trouble::Nonsense(format!("1 to {PEOPLE_PER_CALL_MAX} people can be asked for, not {asked}")));
        }
        let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let path = format!("/api/v2/users/show_many?ids={list}&include_deleted=true");
        let (rows, _, date) = self.users(path).await?;
        let people = rows.iter().filter_map(|row| wire::person(row, date)).filter(|person| ids.contains(&person.id));
        Ok(Dated { value: wire::unambiguous(people), date })
    }

    /// The one person with this address, compared without regard to case; `None` if there is none, or several.
    pub async fn person_by_email(&self, email: &str) -> Result<Dated<Option<Person>>, Trouble> {
        if email.is_empty() || email.chars().any(|letter| matches!(letter, '"' | '\\') || letter.is_control()) {
            return Err(Trouble::Nonsense(format!("`{}` is no address to search for", Foreign::new(email))));
        }
        let query = wire::percent_encoded(&format!("email:\"{email}\""));
        let (rows, more, date) = self.users(format!("/api/v2/users/search?query={query}")).await?;
        let wanted = email.to_lowercase();
        let has_it =
            |row: &&Value| row.get("email").and_then(Value::as_str).is_some_and(|found| found.to_lowercase() == wanted);
        let mut matches = rows.iter().filter(has_it);
        let value = match (matches.next(), matches.next()) {
            (Some(row), None) if !more => wire::person(row, date),
            _ => None,
        };
        Ok(Dated { value, date })
    }

    /// evictd's own user. Zendesk answers a stranger with success and an anonymous user: that is denied. Asked once.
    pub async fn me(&self) -> Result<Dated<UserId>, Trouble> {
        let known = *self.me.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known {
            return Ok(known);
        }
        let (body, date) = self.get("/api/v2/users/me".to_owned()).await?;
        let user =
            body.get("user").filter(|user| user.is_object()).ok_or_else(|| wire::nonsense("it has no `user`"))?;
        let Some(value) = user.get("id").and_then(wire::positive).and_then(UserId::new) else {
            let words = Foreign::new("Zendesk took the request for an anonymous user's");
            return Err(Trouble::Denied { kind: Denial::Credentials, words });
        };
        let me = Dated { value, date };
        *self.me.lock().unwrap_or_else(PoisonError::into_inner) = Some(me);
        Ok(me)
    }

    /// What Zendesk says about the token in use.
    pub async fn current_token(&self) -> Result<Dated<CurrentToken>, Trouble> {
        let (body, date) = self.get("/api/v2/oauth/tokens/current".to_owned()).await?;
        let value = wire::current_token(&body).ok_or_else(|| wire::nonsense("it has no `token`"))?;
        Ok(Dated { value, date })
    }

    async fn delete(&self, path: String, may_leave: MayLeave<'_>) -> Result<Dated<Deleted>, Trouble> {
        let answer = self.ask(Method::Delete, path, Purpose::Act, &mut Patience::of_change(may_leave)).await?;
        let value = match answer.status {
            204 => Deleted::Done,
            404 if trouble::is_record_not_found(&answer) => Deleted::AlreadyGone,
            _ => {
                let answer = trouble::judged(Method::Delete, answer)?;
                return Err(Trouble::Unanswered(format!("status {} instead of 204", answer.status)));
            }
        };
        // It is done; only when cannot be said.
        let date = wire::date(&answer).map_err(|trouble| Trouble::Unanswered(trouble.to_string()))?;
        Ok(Dated { value, date })
    }

    /// Rows of users, whether more follow, and when.
    async fn users(&self, path: String) -> Result<(Vec<Value>, bool, Timestamp), Trouble> {
        let (mut body, date) = self.get(path).await?;
        let more = body.get("next_page").is_some_and(|next| !next.is_null());
        Ok((wire::rows(&mut body, "users")?, more, date))
    }

    async fn get(&self, path: String) -> Result<(Value, Timestamp), Trouble> {
        let answer = trouble::judged(Method::Get, self.act(Method::Get, path).await?)?;
        Ok((wire::body(&answer)?, wire::date(&answer)?))
    }

    async fn act(&self, method: Method, path: String) -> Result<Response, Trouble> {
        self.ask(method, path, Purpose::Act, &mut Patience::of(Purpose::Act)).await
    }
}
