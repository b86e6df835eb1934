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
mod logs;
mod people;
mod secrets;
mod transport;
mod trouble;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::{Chance, Clock};
use crate::model::{Foreign, Session, SessionId, UserId};
use access::Identity;
use exchange::{Patience, Question};

pub use access::{Access, Credential, Hands};
pub use budget::{BudgetLimits, Pace, Purpose};
pub use https::{BadBaseUrl, BaseUrl, HttpsTransport};
pub use listing::{Listing, Memberships, Roll, RowPlace};
pub use logs::{AccessRow, AuditRow, Authorization, Channel, LogPage, SignInRow};
pub use people::{ChangedUsers, PEOPLE_PER_CALL_MAX, UsersFrom};
pub use transport::{Greeting, Lost, Method, Request, Response, Transport, greet};
pub use trouble::{Denial, Trouble};
pub use wire::{CurrentToken, SecuritySettings};

/// A value and the instant, on Zendesk's clock, of the answer that carried it (its `Date` header).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated<T> {
    /// What the answer said.
    pub value: T,
    /// When it said so.
    pub date: Timestamp,
}

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

/// Who ends sessions, with what became of signing in.
enum Revoker {
    Reader,
    Own(Box<Identity>),
    None,
}

/// One account's API: signs in, keeps to the budget, waits where Zendesk asks to, and tells what came of it.
///
/// Its credentials are for life, and so are its users: one who reads, and perhaps another who ends sessions. Both draw on
/// one budget. Tokens are renewed as it goes; whoever reads another credential, as a daemon does that reloads, makes
/// another one of these.
pub struct Zendesk {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    /// Who asks.
    reader: Identity,
    /// Who ends sessions.
    revoker: Revoker,
    budget: Arc<Mutex<budget::Budget>>,
    calls: AtomicU64,
    /// Milliseconds.
    waited: AtomicU64,
    /// Of these, for [`Purpose::Sweep`].
    waited_for_sweeps: AtomicU64,
    /// Of these, requests for [`Purpose::Sweep`].
    calls_of_sweeps: AtomicU64,
}

impl Zendesk {
    /// An account that nothing was asked of yet; no request is sent before the first verb.
    pub fn new(access: Access, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self {
            transport,
            clock,
            chance,
            reader: Identity::of(access.credential),
            revoker: Revoker::Reader,
            budget: Arc::new(Mutex::new(budget::Budget::new(access.budget))),
            calls: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            waited_for_sweeps: AtomicU64::new(0),
            calls_of_sweeps: AtomicU64::new(0),
        }
    }

    /// The same, with these hands to end sessions.
    #[must_use]
    pub fn with_hands(self, hands: Hands) -> Self {
        let revoker = match hands {
            Hands::Reader => Revoker::Reader,
            Hands::Own(credential) => Revoker::Own(Box::new(Identity::of(credential))),
            Hands::None => Revoker::None,
        };
        Self { revoker, ..self }
    }

    /// Whether there is a credential of its own that ends sessions, so that each cycle asks who that is.
    pub fn asks_revoker(&self) -> bool {
        matches!(self.revoker, Revoker::Own(_))
    }

    /// Whether a request that ends sessions could leave at all.
    pub fn has_hands(&self) -> bool {
        !matches!(self.revoker, Revoker::None)
    }

    /// Requests sent so far, requests for tokens and repetitions included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How long requests waited so far for their turn: for the budget, and where Zendesk asked to be left alone.
    pub fn waited(&self) -> Duration {
        Duration::from_millis(self.waited.load(Ordering::Relaxed))
    }

    /// The same of listings that can wait: a look beside a listing is none of them.
    pub fn waited_for_sweeps(&self) -> Duration {
        Duration::from_millis(self.waited_for_sweeps.load(Ordering::Relaxed))
    }

    /// Of the requests sent so far, those of listings that can wait: a look beside a listing is none of them.
    pub fn calls_of_sweeps(&self) -> u64 {
        self.calls_of_sweeps.load(Ordering::Relaxed)
    }

    /// The same, out of one budget with another client of the same account.
    #[must_use]
    pub fn sharing(self, other: &Self) -> Self {
        Self { budget: Arc::clone(&other.budget), ..self }
    }

    /// Goes on with the budget of an earlier client of the same account: a reload must not let twice as much through.
    pub fn inherit(&self, earlier: &Self) {
        let earlier = earlier.budget.lock().unwrap_or_else(PoisonError::into_inner);
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).inherit(&earlier);
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

    /// Ends every session of up to [`PEOPLE_PER_CALL_MAX`] people. Zendesk only says that it took the task, and which job
    /// does it, if it names one: what became of it their listings tell.
    pub async fn log_out(&self, users: &[UserId], may_leave: MayLeave<'_>) -> Result<Dated<Option<String>>, Trouble> {
        people::countable(users.len())?;
        let ids = users.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let path = format!("/api/v2/users/logout_many?ids={ids}");
        let answer = trouble::judged(Method::Post, self.change(Method::Post, path, may_leave).await?)?;
        // It is done, whatever it says beside that.
        let date = wire::date(&answer).map_err(|trouble| Trouble::Unanswered(trouble.to_string()))?;
        let body = wire::body(&answer).unwrap_or_default();
        let job = body.pointer("/job_status/id").and_then(Value::as_str).filter(|id| is_job(id));
        Ok(Dated { value: job.map(str::to_owned), date })
    }

    /// Whether this job is over, however it ended.
    pub async fn is_over(&self, job: &str) -> Result<bool, Trouble> {
        if !is_job(job) {
            return Err(wire::nonsense("it names no job"));
        }
        let (body, _) = self.get(format!("/api/v2/job_statuses/{job}")).await?;
        let word = body.pointer("/job_status/status").and_then(Value::as_str);
        Ok(!matches!(word, Some("queued" | "working")))
    }

    /// evictd's own user, who reads, asked for once: the credential stays the same. Its date runs on with the monotonic
    /// clock. Zendesk answers a stranger with success and an anonymous user: that is denied.
    pub async fn me(&self) -> Result<Dated<UserId>, Trouble> {
        let known = *self.reader.me.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((Dated { value, date }, at)) = known {
            let elapsed = self.clock.monotonic().saturating_sub(at);
            return Ok(Dated { value, date: date.saturating_add(elapsed).unwrap_or(date) });
        }
        let me = self.user_of(&self.reader).await?;
        *self.reader.me.lock().unwrap_or_else(PoisonError::into_inner) = Some((me, self.clock.monotonic()));
        Ok(me)
    }

    /// The user who ends sessions, asked for anew each time; none if it is the one who reads, or there is none. That the
    /// credential is not accepted any more is so heard before it is needed.
    pub async fn revoker(&self) -> Result<Option<UserId>, Trouble> {
        match &self.revoker {
            Revoker::Own(who) => Ok(Some(self.user_of(who).await?.value)),
            Revoker::Reader | Revoker::None => Ok(None),
        }
    }

    async fn user_of(&self, who: &Identity) -> Result<Dated<UserId>, Trouble> {
        let question = Question::plain(Method::Get, "/api/v2/users/me".to_owned(), Purpose::Act);
        let answer = trouble::judged(Method::Get, self.ask_as(who, question, &mut Patience::of_call()).await?)?;
        let (body, date) = (wire::body(&answer)?, wire::date(&answer)?);
        let user =
            body.get("user").filter(|user| user.is_object()).ok_or_else(|| wire::nonsense("it has no `user`"))?;
        let Some(value) = user.get("id").and_then(wire::positive).and_then(UserId::new) else {
            let words = Foreign::new("Zendesk took the request for an anonymous user's");
            return Err(who.not_accepted(words, date));
        };
        Ok(Dated { value, date })
    }

    /// Who ends sessions.
    fn hands(&self) -> Option<&Identity> {
        match &self.revoker {
            Revoker::Reader => Some(&self.reader),
            Revoker::Own(who) => Some(who),
            Revoker::None => None,
        }
    }

    /// Whether the token that ends sessions was granted more than reading; none where Zendesk does not tell, as of a legacy API
    /// token, which may all.
    pub async fn hands_may_write(&self) -> Option<bool> {
        let who = self.hands()?;
        let question = Question::plain(Method::Get, "/api/v2/oauth/tokens/current".to_owned(), Purpose::Act);
        let answer = self.ask_as(who, question, &mut Patience::brief()).await.ok()?;
        let token = wire::current_token(&wire::body(&trouble::judged(Method::Get, answer).ok()?).ok()?)?;
        // Which narrower scope would do is not documented: only what is called reading surely does not.
        let only_reads = |scope: &Foreign| scope.raw() == "read" || scope.raw().ends_with(":read");
        (!token.scopes.is_empty()).then(|| !token.scopes.iter().all(only_reads))
    }

    /// What Zendesk says about the token in use.
    pub async fn current_token(&self) -> Result<Dated<CurrentToken>, Trouble> {
        let (body, date) = self.get("/api/v2/oauth/tokens/current".to_owned()).await?;
        let value = wire::current_token(&body).ok_or_else(|| wire::nonsense("it has no `token`"))?;
        Ok(Dated { value, date })
    }

    /// How the account limits sessions by itself, which an admin may read. That whoever asks may not is
    /// [`Trouble::Denied`].
    pub async fn security_settings(&self) -> Result<Dated<SecuritySettings>, Trouble> {
        let path = "/api/v2/security_settings".to_owned();
        let answer = self.ask(Method::Get, path, Purpose::Sweep, &mut Patience::brief()).await?;
        let answer = trouble::judged_as_feature(answer)?;
        let (body, date) = (wire::body(&answer)?, wire::date(&answer)?);
        let value = wire::security_settings(&body).ok_or_else(|| wire::nonsense("it has no `security_settings`"))?;
        Ok(Dated { value, date })
    }

    /// Sends what ends sessions, as the one who may.
    async fn change(&self, method: Method, path: String, may_leave: MayLeave<'_>) -> Result<Response, Trouble> {
        // INVARIANT: without a credential of its own for it nothing that can end a session leaves.
        let who = self.hands().ok_or_else(|| Trouble::Denied {
            kind: Denial::Credentials,
            words: Foreign::new("there is no credential that ends sessions"),
        })?;
        self.ask_as(who, Question::plain(method, path, Purpose::Act), &mut Patience::of_change(may_leave)).await
    }

    async fn delete(&self, path: String, may_leave: MayLeave<'_>) -> Result<Dated<Deleted>, Trouble> {
        let answer = self.change(Method::Delete, path, may_leave).await?;
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

    async fn get(&self, path: String) -> Result<(Value, Timestamp), Trouble> {
        let answer = trouble::judged(Method::Get, self.act(Method::Get, path).await?)?;
        Ok((wire::body(&answer)?, wire::date(&answer)?))
    }

    async fn act(&self, method: Method, path: String) -> Result<Response, Trouble> {
        self.ask(method, path, Purpose::Act, &mut Patience::of_call()).await
    }
}

/// Jobs are named by letters, digits and hyphens: no answer leads a request anywhere else.
fn is_job(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
