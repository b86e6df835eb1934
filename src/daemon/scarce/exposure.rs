//! About how long a bad session could live now, and the numbers that it is made of.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::model::human_duration;
use crate::zendesk::Pace;

/// Between two sweeps it is heard this often whom to look at.
pub const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The worst that a session may come to, in parts. It tells of what is usual, and promises nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// So late the slowest log tells; none if rules need none.
    pub log_lag_seconds: Option<u64>,
    /// So often it is looked whom logs name; none if rules need no log.
    pub look_seconds: Option<u64>,
    /// So long a sweep takes at this budget; none before it is known what one needs.
    pub sweep_seconds: Option<u64>,
    /// So often the schedule wants one.
    pub sweep_every_seconds: u64,
}

impl Exposure {
    /// That of an account whose slowest log is so late, if its rules need any, and whose sweeps need so many calls at this
    /// pace and are wanted this often.
    pub fn of(log_lag: Option<SignedDuration>, calls: Option<u64>, pace: &Pace, every: SignedDuration) -> Self {
        let per_minute = u64::from(pace.requests_per_minute.max(1));
        Self {
            log_lag_seconds: log_lag.map(seconds),
            look_seconds: log_lag.map(|_| LOOK_EVERY.as_secs()),
            sweep_seconds: calls.map(|calls| calls.saturating_mul(60).div_ceil(per_minute)),
            sweep_every_seconds: seconds(every),
        }
    }

    /// Somebody whom a log names.
    pub fn named_seconds(&self) -> Option<u64> {
        Some(self.log_lag_seconds?.saturating_add(self.look_seconds?))
    }

    /// Anybody: whoever was listed first, a moment too early, is listed again by the next sweep, and judged at its end.
    pub fn worst_seconds(&self) -> Option<u64> {
        let takes = self.sweep_seconds?;
        let begins = takes.max(self.sweep_every_seconds);
        Some(begins.saturating_add(takes).saturating_add(self.log_lag_seconds.unwrap_or(0)))
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(named), Some(lag), Some(look)) = (self.named_seconds(), self.log_lag_seconds, self.look_seconds) {
            let (named, lag, look) = (minutes(named), minutes(lag), minutes(look));
            write!(out, "about {named} if a log names it (logs tell after {lag}, looks come each {look}), ")?;
        }
        let every = minutes(self.sweep_every_seconds);
        match (self.sweep_seconds.map(minutes), self.worst_seconds().map(minutes)) {
            (Some(takes), Some(worst)) => {
                write!(out, "{worst} at worst (a sweep takes about {takes} at this budget and is due each {every})")
            }
            _ => write!(out, "at worst not known before the first sweep, which is due each {every}"),
        }
    }
}

fn seconds(length: SignedDuration) -> u64 {
    u64::try_from(length.as_secs()).unwrap_or(0)
}

/// Rounded up to whole minutes, or to ten seconds where it is less than two: the rest would be guessed.
fn minutes(seconds: u64) -> String {
    if seconds < 120 {
        let tens = i64::try_from(seconds.div_ceil(10).max(1)).unwrap_or(i64::MAX);
        return human_duration(SignedDuration::from_secs(tens.saturating_mul(10)));
    }
    let minutes = i64::try_from(seconds.div_ceil(60).max(1)).unwrap_or(i64::MAX);
    human_duration(SignedDuration::from_mins(minutes.min(i64::MAX / 60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(log_lag: Option<i64>, calls: Option<u64>, every: i64, expected: &str) {
        let pace = Pace { requests_per_minute: 23, account_limit: None, used_in_last_minute: 0, held: None, holds: 0 };
        let lag = log_lag.map(SignedDuration::from_secs);
        assert_eq!(Exposure::of(lag, calls, &pace, SignedDuration::from_mins(every)).to_string(), expected);
    }

    #[test]
    fn exposure_is_told_with_what_it_is_made_of() {
        check(
            Some(300),
            Some(810),
            60,
            "about 6m if a log names it (logs tell after 5m, looks come each 1m), 1h 41m at worst (a sweep \
             takes about 36m at this budget and is due each 1h)",
        );
        check(None, Some(9), 5, "6m at worst (a sweep takes about 30s at this budget and is due each 5m)");
        check(None, None, 5, "at worst not known before the first sweep, which is due each 5m");
    }
}
