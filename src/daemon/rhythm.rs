//! When the next sweep is due: by the schedule, a little late by chance, and never two at once.
//!
//! The schedule's instants are wall-clock ones; waiting is by the monotonic clock. What the schedule wanted while a sweep
//! was still at work is counted, not made up for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Chance;
use crate::config::Account;

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

fn jitter(interval: SignedDuration, chance: &dyn Chance) -> Duration {
    let most = (interval.saturating_mul(JITTER_PERCENT) / 100).min(JITTER_MAX);
    let millis = u64::try_from(most.as_millis()).unwrap_or(0);
    Duration::from_millis(chance.seed().checked_rem(millis.saturating_add(1)).unwrap_or(0))
}
