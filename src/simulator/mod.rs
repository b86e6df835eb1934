//! Zendesk as others see it: a whole account behind Zendesk's own API, with a world made from a seed, a snapshot or a
//! test's own hands, limits, faults, and a clock of its own.
//!
//! `evictd simulator` serves it on loopback; tests call the same router without sockets through
//! [`Simulator::transport`]. Nothing but `cli` and tests imports this room, and it judges nothing.

mod access;
mod account;
mod api;
mod call;
mod control;
mod door;
mod faults;
mod limits;
mod log;
mod seen;
mod state;
mod world;
mod written;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Clock;
use crate::model::Foreign;
pub use access::Credentials;
pub use api::{Paging, ShowShape};
use call::Call;
pub use door::SimulatedTransport;
pub use faults::{BadOdds, Effect, Fault, Lag, Move, Odds, Script};
pub use log::LoggedRequest;
pub use seen::see_staff;
use state::{Delivery, State};
pub use world::{
    AccessLog, AccessRow, AuditAction, Authorization, CONTRACTORS, LogSettings, LoginRow, Logs, STAFF_MIN, Seed,
    TicketAudit, World, desk_of, home_of,
};
pub use written::write_config;

/// The account's limit unless told otherwise: that of Enterprise Plus and of the High Volume add-on.
pub const REQUESTS_PER_MINUTE: u32 = 2_500;

/// What kind of Zendesk to play.
pub struct Options {
    /// Seeds secrets and faults; the world has its own.
    pub seed: u64,
    /// What the account's clock shows at the start, to run on from there by the host's monotonic clock. Without it the
    /// account's clock is the host's wall clock.
    pub now: Option<Timestamp>,
    /// The account's limit; `None` is no limit and no headers about it, not even those of the incremental exports and of
    /// the access log.
    pub requests_per_minute: Option<u32>,
    /// The form of a shown session.
    pub show: ShowShape,
    /// How listings are paged.
    pub paging: Paging,
    /// Whether sessions of agents and admins end by themselves 12 hours after they were opened.
    pub staff_sessions_end: bool,
    /// Faults by chance.
    pub odds: Odds,
    /// Scheme, host and port that links begin with.
    pub base_url: String,
    /// Where each request leaves a line of JSON: `time` (the account's clock), `method`, `path` with query, `status`
    /// (0 if nothing was done and no answer sent; what was done otherwise, even if its answer was then lost).
    pub request_log: Option<Box<dyn Write + Send>>,
    /// Whether requests are kept for [`Simulator::requests`]: for tests, since it grows for ever.
    pub remember: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            now: None,
            requests_per_minute: Some(REQUESTS_PER_MINUTE),
            show: ShowShape::Object,
            paging: Paging::Cursor,
            staff_sessions_end: true,
            odds: Odds::default(),
            base_url: "http://127.0.0.1".to_owned(),
            request_log: None,
            remember: true,
        }
    }
}

/// A running Zendesk. Clones share one account.
#[derive(Clone)]
pub struct Simulator {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl Simulator {
    /// Opens the account.
    pub fn new(world: World, options: Options, clock: Arc<dyn Clock>) -> Self {
        let state = State::new(world, options, &*clock);
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// How often each verb and route was asked for: `GET /api/v2/users/{id}/sessions`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.lock().log.calls.clone()
    }

    /// Every request so far, in the order of their answers; empty if none are kept.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.lock().log.requests.clone().unwrap_or_default()
    }

    /// Looks at the world, or changes it. People whose record changed have changed now, as the account's clock shows.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut state = self.lock();
        let now = state.now(&*self.clock);
        state.account.alter(now, look)
    }

    /// Puts another world in this one's place, at this time of its clock.
    fn set_world(&self, world: World, now: Timestamp) {
        self.set_now(now);
        self.lock().account.replace(world, now);
    }

    /// Faults by chance from now on; sessions that come and go keep around today's number.
    pub fn set_faults(&self, odds: Odds) {
        let mut state = self.lock();
        state.faults.odds = odds;
        state.account.forget_crowd();
    }

    /// One more scripted fault; those that were scripted before stay.
    pub fn script(&self, script: Script) {
        self.lock().faults.scripts.push(script);
    }

    /// Drops every scripted fault.
    pub fn forget_scripts(&self) {
        self.lock().faults.scripts.clear();
    }

    /// What the account's clock shows.
    pub fn now(&self) -> Timestamp {
        self.lock().now(&*self.clock)
    }

    /// Sets the account's clock, which runs on from there by the monotonic clock.
    pub fn set_now(&self, now: Timestamp) {
        self.lock().anchor = Some((now, self.clock.monotonic()));
    }

    /// Sets the form of a shown session.
    pub fn set_show(&self, show: ShowShape) {
        self.lock().show = show;
    }

    /// Sets how listings are paged.
    pub fn set_paging(&self, paging: Paging) {
        self.lock().paging = paging;
    }

    /// What a client needs to sign in.
    pub fn credentials(&self) -> Credentials {
        self.lock().access.credentials.clone()
    }

    /// Makes every token given out so far worthless; the client may ask for new ones.
    pub fn revoke_tokens(&self) {
        self.lock().access.revoke_tokens();
    }

    /// Makes the client that only ends sessions worthless, with all its tokens, or good again.
    pub fn set_revoker(&self, works: bool) {
        self.lock().access.set_revoker(works);
    }

    /// The line of JSON that tells a script where the account is and how to sign in.
    pub fn ready_line(&self) -> String {
        let state = self.lock();
        let credentials = &state.access.credentials;
        let world = state.account.world();
        let ready = Ready {
            schema: 1,
            base_url: &state.base_url,
            client_id: &credentials.client_id,
            client_secret: &credentials.client_secret,
            token: &credentials.token,
            expired_token: &credentials.expired_token,
            api_token: &credentials.api_token,
            revoker_id: &credentials.revoker_id,
            revoker_secret: &credentials.revoker_secret,
            api_email: world.people.get(&world.own).and_then(|own| own.email.as_ref()).map(Foreign::raw),
            admin_id: world.own.to_string(),
            control_url: format!("{}{}", state.base_url, control::PATH),
        };
        serde_json::to_string(&ready).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call, after whatever waiting its effects asked for.
    fn turn(&self, call: &Call, effects: &[Effect]) -> Delivery {
        self.lock().turn(call, effects, &*self.clock)
    }
}

#[derive(Serialize)]
struct Ready<'a> {
    schema: u8,
    base_url: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    token: &'a str,
    expired_token: &'a str,
    api_token: &'a str,
    revoker_id: &'a str,
    revoker_secret: &'a str,
    api_email: Option<&'a str>,
    admin_id: String,
    control_url: String,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Simulator").finish_non_exhaustive()
    }
}
