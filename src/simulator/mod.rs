//! Zendesk as others see it: a whole account behind Zendesk's own API, with a world made from a seed, a snapshot or a
//! test's own hands, limits, faults, and a clock of its own.
//!
//! `evictd simulator` serves it on loopback; tests call the same router without sockets through
//! [`Simulator::transport`]. Nothing but `cli` and tests imports this room, and it judges nothing.

mod access;
mod call;
mod control;
mod door;
mod faults;
mod limits;
mod page;
mod routes;
mod world;
mod written;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Clock;
use access::Access;
pub use access::Credentials;
use call::{Call, Reply};
pub use door::SimulatedTransport;
use faults::Faults;
pub use faults::{BadOdds, Effect, Fault, Odds, Script};
use limits::Limit;
pub use routes::ShowShape;
pub use world::{CONTRACTORS, STAFF_MIN, Seed, World};
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
    /// The account's limit; `None` is no limit and no headers about it.
    pub requests_per_minute: Option<u32>,
    /// The form of a shown session.
    pub show: ShowShape,
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
            odds: Odds::default(),
            base_url: "http://127.0.0.1".to_owned(),
            request_log: None,
            remember: true,
        }
    }
}

/// One request as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// When it was answered, by the account's clock: RFC 3339, microseconds.
    #[serde(serialize_with = "precise")]
    pub time: Timestamp,
    /// The verb.
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    /// HTTP status; see [`Options::request_log`].
    pub status: u16,
}

fn precise<S: serde::Serializer>(time: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{time:.6}"))
}

/// A running Zendesk. Clones share one account.
#[derive(Clone)]
pub struct Simulator {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

/// Everything that changes, behind one lock.
struct State {
    world: World,
    access: Access,
    limit: Limit,
    faults: Faults,
    anchor: Option<(Timestamp, Duration)>,
    requests_per_minute: Option<u32>,
    show: ShowShape,
    base_url: String,
    log: Log,
}

/// What was asked so far.
struct Log {
    calls: BTreeMap<String, u64>,
    requests: Option<Vec<LoggedRequest>>,
    sink: Option<Box<dyn Write + Send>>,
}

/// What reaches the client.
enum Delivery {
    Whole(Reply),
    HalfWay(Reply),
    Nothing,
    NoConnection,
}

impl Simulator {
    /// Opens the account.
    pub fn new(world: World, options: Options, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            world,
            access: Access::new(options.seed),
            limit: Limit::new(options.requests_per_minute),
            faults: Faults::new(options.odds, options.seed),
            anchor: options.now.map(|now| (now, clock.monotonic())),
            requests_per_minute: options.requests_per_minute,
            show: options.show,
            base_url: options.base_url,
            log: Log { calls: BTreeMap::new(), requests: options.remember.then(Vec::new), sink: options.request_log },
        };
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

    /// Looks at the world, or changes it.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.lock().world)
    }

    /// Faults by chance from now on.
    pub fn set_faults(&self, odds: Odds) {
        self.lock().faults.odds = odds;
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

    /// What a client needs to sign in.
    pub fn credentials(&self) -> Credentials {
        self.lock().access.credentials.clone()
    }

    /// Makes every token given out so far worthless; the client may ask for new ones.
    pub fn revoke_tokens(&self) {
        self.lock().access.revoke_tokens();
    }

    /// The line of JSON that tells a script where the account is and how to sign in.
    pub fn ready_line(&self) -> String {
        let state = self.lock();
        let credentials = &state.access.credentials;
        let ready = Ready {
            schema: 1,
            base_url: &state.base_url,
            client_id: &credentials.client_id,
            client_secret: &credentials.client_secret,
            token: &credentials.token,
            expired_token: &credentials.expired_token,
            admin_id: state.world.own.to_string(),
            control_url: format!("{}{}", state.base_url, control::PATH),
        };
        serde_json::to_string(&ready).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call, after whatever waiting its effects asked for.
    fn turn(&self, call: &Call, effects: &[Effect]) -> Delivery {
        let mut state = self.lock();
        let now = state.now(&*self.clock);
        for effect in effects {
            if let Effect::Alter(change) = effect {
                change(&mut state.world);
            }
        }
        let delivery = state.deliver(call, effects, (now, self.clock.monotonic()));
        state.log.note(call, &delivery, now);
        delivery
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
    admin_id: String,
    control_url: String,
}

impl State {
    fn now(&self, clock: &dyn Clock) -> Timestamp {
        let Some((start, since)) = self.anchor else {
            return clock.now();
        };
        start.saturating_add(clock.monotonic().saturating_sub(since)).unwrap_or(Timestamp::MAX)
    }

    /// The first effect that decides the answer decides it; without one the account answers.
    fn deliver(&mut self, call: &Call, effects: &[Effect], (now, at): (Timestamp, Duration)) -> Delivery {
        let repeat = effects.iter().any(|effect| matches!(effect, Effect::RepeatCursor));
        for effect in effects {
            return match effect {
                Effect::RateLimit(seconds) => Delivery::Whole(Reply::too_many(*seconds).dated(now)),
                Effect::Status(status) => Delivery::Whole(Reply::broken(*status).dated(now)),
                Effect::LoseRequest => Delivery::Nothing,
                Effect::Unreachable => Delivery::NoConnection,
                Effect::LoseAnswer => Delivery::HalfWay(Reply::empty(self.answer(call, repeat, (now, at)).status)),
                Effect::Cut => Delivery::HalfWay(self.answer(call, repeat, (now, at))),
                Effect::RepeatCursor | Effect::Slow(_) | Effect::Alter(_) => continue,
            };
        }
        Delivery::Whole(self.answer(call, repeat, (now, at)))
    }

    /// The account's own answer, within its limit.
    fn answer(&mut self, call: &Call, repeat: bool, (now, at): (Timestamp, Duration)) -> Reply {
        let reply = match self.limit.take(at) {
            Ok(standing) => standing.tell(self.route(call, repeat, now)),
            Err(too_many) => too_many,
        };
        reply.dated(now)
    }
}

impl Log {
    fn note(&mut self, call: &Call, delivery: &Delivery, time: Timestamp) {
        let status = match delivery {
            Delivery::Whole(reply) | Delivery::HalfWay(reply) => reply.status,
            Delivery::Nothing | Delivery::NoConnection => 0,
        };
        *self.calls.entry(format!("{} {}", call.method, call.route())).or_default() += 1;
        let request = LoggedRequest { time, method: call.method.clone(), path: call.target(), status };
        if let Some(sink) = &mut self.sink {
            let line = serde_json::to_string(&request).unwrap_or_default() + "\n";
            if let Err(error) = sink.write_all(line.as_bytes()).and_then(|()| sink.flush()) {
                tracing::warn!(%error, "the request log cannot be written: it ends here");
                self.sink = None;
            }
        }
        if let Some(requests) = &mut self.requests {
            requests.push(request);
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Simulator").finish_non_exhaustive()
    }
}
