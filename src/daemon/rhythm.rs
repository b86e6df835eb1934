//! When the next sweep is due: by the schedule, a little late by chance, and never two at once.
//!
//! The schedule's instants are wall-clock ones; waiting is by the monotonic clock. What the schedule wanted while a sweep
//! was still at work is counted, not made up for.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Chance;
use crate::config::Account;
use crate::model::human_duration;
use crate::zendesk::Pace;

/// Accounts that share a schedule do not ask in the same second: up to this part of the interval, in hundredths.
const JITTER_PERCENT: i32 = 5;

/// However long the interval, no sweep is later than this by chance.
const JITTER_MAX: SignedDuration = SignedDuration::from_secs(15);

/// Where an account is in its rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// The instant of the schedule that is waited for; none at the end of the calendar.
    pub due: Option<Timestamp>,
    /// What the schedule wanted since the last cycle that the trail tells of, and that found no time.
    pub missed: u64,
}

impl Rhythm {
    /// The rhythm of an account that sweeps at once.
    pub fn beginning(now: Timestamp) -> Self {
        Self { due: Some(now), missed: 0 }
    }

    /// The rhythm after a sweep that was due then and ended now.
    #[must_use]
    pub fn after(self, account: &Account, now: Timestamp) -> Self {
        let (schedule, zone) = (&account.sweep, &account.time_zone);
        let missed = self.due.map_or(0, |due| schedule.missed(due, now, zone));
        Self { due: schedule.next_after(now, zone), missed: self.missed.saturating_add(missed) }
    }

    /// The rhythm under another schedule, or after the clock was set.
    #[must_use]
    pub fn anew(self, account: &Account, now: Timestamp) -> Self {
        Self { due: account.sweep.next_after(now, &account.time_zone), ..self }
    }

    /// How long to wait from now on, jitter included.
    pub fn wait(self, account: &Account, now: Timestamp, chance: &dyn Chance) -> Duration {
        let Some(due) = self.due else { return Duration::MAX };
        let until = Duration::try_from(now.duration_until(due)).unwrap_or(Duration::ZERO);
        until.saturating_add(jitter(account.sweep.interval(now, &account.time_zone), chance))
    }
}

/// What a sweep needs, and what the schedule gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    calls: u64,
    requests_per_minute: u32,
    needs: SignedDuration,
    gives: SignedDuration,
}

impl Needs {
    /// Those of a sweep of so many calls at this pace.
    pub fn of(account: &Account, calls: u64, pace: &Pace, now: Timestamp) -> Self {
        let seconds = calls.saturating_mul(60).div_ceil(u64::from(pace.requests_per_minute.max(1)));
        let needs = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let gives = account.sweep.interval(now, &account.time_zone);
        Self { calls, requests_per_minute: pace.requests_per_minute, needs, gives }
    }

    /// Whether the schedule gives enough.
    pub fn fit(&self) -> bool {
        self.needs <= self.gives
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, requests_per_minute, needs, gives } = self;
        let (needs, gives) = (human_duration(*needs), human_duration(*gives));
        write!(
            out,
            "a sweep needs about {calls} calls, {needs} at {requests_per_minute} a minute; the schedule gives {gives}"
        )
    }
}

fn jitter(interval: SignedDuration, chance: &dyn Chance) -> Duration {
    let most = (interval.saturating_mul(JITTER_PERCENT) / 100).min(JITTER_MAX);
    let millis = u64::try_from(most.as_millis()).unwrap_or(0);
    Duration::from_millis(chance.seed().checked_rem(millis.saturating_add(1)).unwrap_or(0))
}
