//! The simulated account's logs: open rows that a seed, a snapshot, a situation or a test fills, and how the logs behave.
//!
//! Rows are only ever added at the end: where a row stands is part of its id. What the API makes of them is not here.

mod habits;
mod life;
mod settings;
mod situations;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Act, SessionId, Sighting, UserId};
pub(in crate::simulator) use habits::location_of;
pub use habits::{desk_of, home_of};
pub use settings::{AccessLog, LogSettings};

/// Ids of rows in the audit log begin here.
const FIRST_LOGIN: u64 = 20_000_000_000;

/// Everything that Zendesk's three logs hold of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// The audit log: sign-ins of staff, and a few rows of other kinds among them.
    pub sign_ins: Vec<LoginRow>,
    /// The access log: requests of staff, in sessions and outside them.
    pub accesses: Vec<AccessRow>,
    /// Ticket audits: who wrote on a ticket, end users too.
    pub audits: Vec<TicketAudit>,
    /// How the logs behave.
    pub settings: LogSettings,
}

/// A row of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginRow {
    /// Its id.
    pub id: u64,
    /// What was done.
    pub action: AuditAction,
    /// Who did it.
    pub user: UserId,
    /// Which session was opened: the truth, which no answer tells.
    pub session: Option<SessionId>,
    /// When, on a right clock.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// How much later than other rows it shows.
    pub late: SignedDuration,
}

/// What a row of the audit log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// Somebody signed in.
    Login,
    /// Something was made.
    Create,
    /// Something was changed.
    Update,
    /// Something was deleted.
    Destroy,
    /// Data was exported.
    Exported,
}

impl AuditAction {
    /// The word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Create => "create",
            Self::Update => "update",
            Self::Destroy => "destroy",
            Self::Exported => "exported",
        }
    }
}

/// A row of the access log: one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRow {
    /// Whose request.
    pub user: UserId,
    /// In which session: the truth, which no answer tells; none for API calls.
    pub session: Option<SessionId>,
    /// When, on a right clock.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// The program's agent string, if it sent one.
    pub agent: Option<Arc<str>>,
    /// How the request was authorised; not told of GraphQL.
    pub authorization: Option<Authorization>,
    /// Whether it was GraphQL.
    pub graphql: bool,
    /// The verb.
    pub method: &'static str,
    /// Path with query.
    pub path: Arc<str>,
    /// The answer's status.
    pub status: u16,
    /// How much later than other rows it shows.
    pub late: SignedDuration,
}

/// How a request was authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// By a session's cookie.
    Session,
    /// By an API token.
    Basic,
    /// By an OAuth token.
    Bearer,
}

impl Authorization {
    /// The word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
        }
    }
}

/// One update of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketAudit {
    /// Its id.
    pub id: u64,
    /// The ticket.
    pub ticket: u64,
    /// Who wrote.
    pub author: UserId,
    /// When, on a right clock.
    pub at: Timestamp,
    /// From where, if the way tells.
    pub address: Option<IpAddr>,
    /// With what, if the way tells.
    pub agent: Option<Arc<str>>,
    /// The way: `web`, `mobile`, `email`, `api`.
    pub channel: &'static str,
    /// How much later than other rows it shows.
    pub late: SignedDuration,
}

impl Logs {
    /// One more sign-in.
    pub fn sign_in(&mut self, (user, session): (UserId, Option<SessionId>), at: Timestamp, address: IpAddr) {
        let action = AuditAction::Login;
        self.audit(LoginRow { id: 0, action, user, session, at, address, late: SignedDuration::ZERO });
    }

    /// One more request by a token of this person, to some endpoint of the API.
    pub fn token_request(&mut self, user: UserId, at: Timestamp) {
        self.accesses.push(AccessRow {
            user,
            session: None,
            at,
            address: habits::CLOUD,
            agent: Some("evictd".into()),
            authorization: Some(Authorization::Bearer),
            graphql: false,
            method: "GET",
            path: "/api/v2/users/me".into(),
            status: 200,
            late: SignedDuration::ZERO,
        });
    }

    /// One more row of the audit log, under the next id.
    fn audit(&mut self, row: LoginRow) {
        let last = self.sign_ins.last().map_or(FIRST_LOGIN, |row| row.id);
        self.sign_ins.push(LoginRow { id: last.saturating_add(1), ..row });
    }

    /// Whether the row at this position of its log, of this time and lateness, can be read by now.
    pub fn is_visible(&self, position: usize, (at, late): (Timestamp, SignedDuration), now: Timestamp) -> bool {
        let own = if position % 3 == 2 { self.settings.late } else { SignedDuration::ZERO };
        let wait = self.settings.lag.saturating_add(late).saturating_add(own);
        at.saturating_add(wait).is_ok_and(|visible| visible <= now)
    }

    /// The time that the log gives for what happened then.
    pub fn told(&self, at: Timestamp) -> Timestamp {
        at.saturating_add(self.settings.skew).unwrap_or(at)
    }

    /// Rows from which a log would have had these sightings; one without an address leaves none.
    pub(super) fn of_sightings(sightings: &[Sighting]) -> Self {
        let mut logs = Self::default();
        for seen in sightings {
            let Some(address) = seen.address else { continue };
            let (first, last) = (seen.first.at(), seen.last.at());
            if seen.act == Act::SignIn {
                logs.sign_in((seen.user, seen.session), first, address);
                continue;
            }
            let visit = habits::Visit { user: seen.user, session: seen.session, address, agent: seen.agent.clone() };
            let times = if first == last { vec![first] } else { vec![first, last] };
            // Work begins with a request that is no GraphQL, so that the row says how it was authorised.
            logs.accesses.extend(times.into_iter().map(|at| visit.row(at, 0)));
        }
        logs
    }
}
