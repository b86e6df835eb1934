//! Everything that changes, behind one lock: the account, its clock, and one call's way through limits and faults.
//!
//! What an endpoint answers is in `api`.

use std::time::Duration;

use jiff::Timestamp;

use super::Options;
use super::access::Access;
use super::account::Account;
use super::api::{Paging, ShowShape, in_own_words, is_of_access_log};
use super::call::{Call, Reply};
use super::faults::{Effect, Faults, Marks};
use super::limits::{ACCESSES_PER_MINUTE, EXPORTS_PER_MINUTE, Kind, Limit};
use super::log::Log;
use super::world::World;
use crate::clock::Clock;
use crate::model::{SessionId, UserId};

/// The account and its surroundings.
pub(super) struct State {
    pub(super) account: Account,
    pub(super) access: Access,
    pub(super) limit: Limit,
    pub(super) exports: Limit,
    pub(super) accesses: Limit,
    pub(super) faults: Faults,
    pub(super) anchor: Option<(Timestamp, Duration)>,
    pub(super) requests_per_minute: Option<u32>,
    pub(super) show: ShowShape,
    pub(super) paging: Paging,
    pub(super) staff_sessions_end: bool,
    pub(super) base_url: String,
    pub(super) log: Log,
}

/// One call at its time, and what mars its answer.
pub(super) struct Turn<'a> {
    pub(super) call: &'a Call,
    /// What the account's clock shows.
    pub(super) now: Timestamp,
    /// The monotonic clock, by which limits are counted.
    pub(super) at: Duration,
    pub(super) marks: Marks,
}

/// What reaches the client.
pub(super) enum Delivery {
    Whole(Reply),
    HalfWay(Reply),
    Nothing,
    NoConnection,
}

impl Delivery {
    /// The status that the log tells: 0 if nothing was done and no answer sent.
    fn status(&self) -> u16 {
        match self {
            Self::Whole(reply) | Self::HalfWay(reply) => reply.status,
            Self::Nothing | Self::NoConnection => 0,
        }
    }
}

impl State {
    pub(super) fn new(world: World, options: Options, clock: &dyn Clock) -> Self {
        let exports = options.requests_per_minute.map(|_| EXPORTS_PER_MINUTE);
        Self {
            account: Account::new(world),
            access: Access::new(options.seed),
            limit: Limit::new(Kind::Account, options.requests_per_minute),
            exports: Limit::new(Kind::Exports, exports),
            accesses: Limit::new(Kind::Accesses, options.requests_per_minute.map(|_| ACCESSES_PER_MINUTE)),
            faults: Faults::new(options.odds, options.seed),
            anchor: options.now.map(|now| (now, clock.monotonic())),
            requests_per_minute: options.requests_per_minute,
            show: options.show,
            paging: options.paging,
            staff_sessions_end: options.staff_sessions_end,
            base_url: options.base_url,
            log: Log {
                calls: std::collections::BTreeMap::new(),
                requests: options.remember.then(Vec::new),
                sink: options.request_log,
            },
        }
    }

    /// What the account's clock shows.
    pub(super) fn now(&self, clock: &dyn Clock) -> Timestamp {
        let Some((start, since)) = self.anchor else {
            return clock.now();
        };
        start.saturating_add(clock.monotonic().saturating_sub(since)).unwrap_or(Timestamp::MAX)
    }

    /// Answers one call, after whatever waiting its effects asked for.
    pub(super) fn turn(&mut self, call: &Call, effects: &[Effect], clock: &dyn Clock) -> Delivery {
        let turn = Turn { call, now: self.now(clock), at: clock.monotonic(), marks: Marks::of(effects) };
        for effect in effects {
            if let Effect::Alter(change) = effect {
                self.account.alter(turn.now, |world| change(world));
            }
        }
        self.account.settle(turn.now, self.staff_sessions_end);
        let (user, session) = named(call);
        for effect in effects {
            match effect {
                Effect::Vanish(which) => self.account.vanish(*which, session, turn.now),
                Effect::Appear(who) => self.account.appear(*who, user, turn.now),
                _ => {}
            }
        }
        let delivery = self.deliver(&turn, effects);
        self.log.note(call, delivery.status(), turn.now);
        delivery
    }

    /// The first effect that decides the answer decides it; without one the account answers.
    fn deliver(&mut self, turn: &Turn<'_>, effects: &[Effect]) -> Delivery {
        let late = |reply: Reply| turn.voiced(reply).dated(turn.date());
        for effect in effects {
            return match effect {
                Effect::RateLimit(seconds) => Delivery::Whole(late(Reply::too_many(*seconds))),
                Effect::Status(status) => Delivery::Whole(late(Reply::broken(*status))),
                Effect::Html(status) => Delivery::Whole(late(Reply::edge(*status))),
                Effect::LoseRequest => Delivery::Nothing,
                Effect::Unreachable => Delivery::NoConnection,
                Effect::LoseAnswer => Delivery::HalfWay(Reply::empty(self.answer(turn).status)),
                Effect::Cut => Delivery::HalfWay(self.answer(turn)),
                Effect::RepeatCursor
                | Effect::MoveRows(_)
                | Effect::Slow(_)
                | Effect::Skew(_)
                | Effect::Lag(_)
                | Effect::Vanish(_)
                | Effect::Appear(_)
                | Effect::Alter(_) => continue,
            };
        }
        Delivery::Whole(self.answer(turn))
    }

    /// The account's own answer, within its limit.
    fn answer(&mut self, turn: &Turn<'_>) -> Reply {
        let reply = match self.limit.take(turn.at) {
            Ok(standing) => standing.tell(self.route(turn)),
            Err(too_many) => too_many,
        };
        turn.voiced(reply).dated(turn.date())
    }
}

impl Turn<'_> {
    /// What the answer says the time is.
    fn date(&self) -> Timestamp {
        self.now.saturating_add(self.marks.skew).unwrap_or(self.now)
    }

    /// The answer as the service gives it that was asked.
    fn voiced(&self, reply: Reply) -> Reply {
        if is_of_access_log(self.call) { in_own_words(reply, self.date()) } else { reply }
    }

    /// Seconds on the account's clock.
    pub(super) fn second(&self) -> i64 {
        self.now.as_second()
    }
}

/// The person and the session that the path names.
fn named(call: &Call) -> (Option<UserId>, Option<SessionId>) {
    match call.segments().as_slice() {
        ["api", "v2", "users", user, "sessions", session] => (user.parse().ok(), session.parse().ok()),
        ["api", "v2", "users", user, ..] => (user.parse().ok(), None),
        _ => (None, None),
    }
}
