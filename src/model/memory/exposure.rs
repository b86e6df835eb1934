//! Exposure: how long a bad session could be used, from the first row that shows it where it should not be until Zendesk
//! said that it is gone, and what that time went to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The time that one session was bad and open. Its parts add up to all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    /// When the session was opened or used where a rule will not have it, as the row says.
    pub since: Timestamp,
    /// Until evictd asked for the last time without being told.
    pub log: SignedDuration,
    /// Until it asked again and came to judge the person.
    pub wait: SignedDuration,
    /// What of that, and of the act, was waiting for requests that the account could spare.
    pub budget: SignedDuration,
    /// While a belt or a mode withheld it.
    pub belts: SignedDuration,
    /// Reading back, writing down, and ending it.
    pub act: SignedDuration,
}

/// What an exposure is made of, on Zendesk's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// When the session was seen where it should not be.
    pub since: Timestamp,
    /// When evictd last asked and was not told yet; none if it had not asked before.
    pub untold: Option<Timestamp>,
    /// The *now* of the first cycle that claimed it.
    pub claimed: Timestamp,
    /// The *now* of the cycle that acted.
    pub cleared: Timestamp,
    /// When Zendesk said that it is gone.
    pub gone: Timestamp,
    /// How long the cycle that acted waited for requests before it judged.
    pub waited_to_judge: Duration,
    /// And after.
    pub waited_to_act: Duration,
}

impl Exposure {
    /// Splits the time between the first of these moments and the last. One that is out of order takes up no time.
    pub fn of(moments: Moments) -> Self {
        let until = |from: Timestamp, to: Timestamp| from.duration_until(to).max(SignedDuration::ZERO);
        let Moments { since, untold, claimed, cleared, gone, .. } = moments;
        let gone = gone.max(since);
        let cleared = cleared.clamp(since, gone);
        let claimed = claimed.clamp(since, cleared);
        let untold = untold.unwrap_or(since).clamp(since, claimed);
        // What an earlier cycle waited for before it claimed is not known any more, and stays in the wait.
        let waited = if claimed == cleared { moments.waited_to_judge } else { Duration::ZERO };
        let of_budget = |waited: Duration, most: SignedDuration| {
            SignedDuration::try_from(waited).unwrap_or(SignedDuration::MAX).min(most)
        };
        let (wait, act) = (until(untold, claimed), until(cleared, gone));
        let (before, after) = (of_budget(waited, wait), of_budget(moments.waited_to_act, act));
        Self {
            since,
            log: until(since, untold),
            wait: wait.saturating_sub(before),
            budget: before.saturating_add(after),
            belts: until(claimed, cleared),
            act: act.saturating_sub(after),
        }
    }

    /// All of it.
    pub fn total(&self) -> SignedDuration {
        self.parts().into_iter().fold(SignedDuration::ZERO, |sum, (_, part)| sum.saturating_add(part))
    }

    /// Its parts, in their order, each with its word.
    pub fn parts(&self) -> [(&'static str, SignedDuration); 5] {
        [("log", self.log), ("wait", self.wait), ("budget", self.budget), ("belts", self.belts), ("act", self.act)]
    }
}

/// Several exposures in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposures {
    /// How many.
    pub number: usize,
    /// Half of them were shorter.
    pub middle: SignedDuration,
    /// Of twenty, one was longer.
    pub p95: SignedDuration,
    /// The longest.
    pub worst: Exposure,
}

impl Exposures {
    /// None of none.
    pub fn of(exposures: impl IntoIterator<Item = Exposure>) -> Option<Self> {
        let mut all: Vec<Exposure> = exposures.into_iter().collect();
        all.sort_by_key(|one| (one.total(), one.since));
        // The nearest rank: of one, it is that one.
        let rank = |percent: usize| all.get((all.len() * percent).div_ceil(100).saturating_sub(1)).map(Exposure::total);
        Some(Self { number: all.len(), middle: rank(50)?, p95: rank(95)?, worst: *all.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn moments(since: i64, untold: Option<i64>, claimed: i64, cleared: i64, gone: i64) -> Moments {
        Moments {
            since: at(since),
            untold: untold.map(at),
            claimed: at(claimed),
            cleared: at(cleared),
            gone: at(gone),
            waited_to_judge: Duration::ZERO,
            waited_to_act: Duration::ZERO,
        }
    }

    fn seconds(moments: Moments) -> [i64; 5] {
        let exposure = Exposure::of(moments);
        assert_eq!(exposure.total(), moments.since.duration_until(moments.gone.max(moments.since)));
        exposure.parts().map(|(_, part)| part.as_secs())
    }

    #[test]
    fn time_is_split_where_it_went() {
        assert_eq!(seconds(moments(0, Some(60), 90, 90, 95)), [60, 30, 0, 0, 5]);
        assert_eq!(seconds(moments(0, None, 90, 90, 95)), [0, 90, 0, 0, 5]);
        assert_eq!(seconds(moments(0, Some(60), 90, 390, 400)), [60, 30, 0, 300, 10]);
        let waited = |judge, act| Moments {
            waited_to_judge: Duration::from_secs(judge),
            waited_to_act: Duration::from_secs(act),
            ..moments(0, Some(60), 90, 90, 95)
        };
        assert_eq!(seconds(waited(10, 2)), [60, 20, 12, 0, 3]);
        assert_eq!(seconds(waited(1_000, 1_000)), [60, 0, 35, 0, 0]);
        let withheld = Moments { waited_to_judge: Duration::from_secs(10), ..moments(0, Some(60), 90, 100, 100) };
        assert_eq!(seconds(withheld), [60, 30, 0, 10, 0]);
    }

    #[test]
    fn moments_out_of_order_take_up_no_time() {
        assert_eq!(seconds(moments(50, Some(10), 40, 90, 95)), [0, 0, 0, 40, 5]);
        assert_eq!(seconds(moments(50, Some(99), 60, 90, 95)), [10, 0, 0, 30, 5]);
        assert_eq!(seconds(moments(50, None, 60, 90, 40)), [0, 0, 0, 0, 0]);
    }

    #[test]
    fn several_are_told_by_rank() {
        let lasting = |seconds: i64| Exposure::of(moments(0, None, seconds, seconds, seconds));
        assert_eq!(Exposures::of([]), None);
        let told = |all: &[i64]| {
            let told = Exposures::of(all.iter().map(|one| lasting(*one))).unwrap();
            [told.middle, told.p95, told.worst.total()].map(|one| one.as_secs())
        };
        assert_eq!(told(&[7]), [7, 7, 7]);
        assert_eq!(told(&[9, 1, 5]), [5, 9, 9]);
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!(told(&hundred), [50, 95, 100]);
    }
}
