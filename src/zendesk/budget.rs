//! The account's request budget: how many requests may leave in any minute, and when Zendesk asked for none at all.
//!
//! Pure but for its memory: it is told the time and says *go* or *wait*. A window that rolls, not a bucket that fills:
//! a full bucket lets twice the promised number through in its first minute, and the account is shared with others.

use std::collections::VecDeque;
use std::time::Duration;

const WINDOW: Duration = Duration::from_mins(1);

/// How much of the account's requests evictd may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Requests in any 60 seconds, at most.
    pub requests_per_minute_max: u32,
    /// Part of the account's own limit, as its answers name it, in percent.
    pub part_of_limit_max_percent: u8,
    /// Part of the budget that listing the account may not touch, in percent: it is for reading back and acting.
    pub reserve_percent: u8,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Listing the account: can be long, can wait, stays off the reserve.
    Sweep,
    /// A single question or change, somebody waits for it.
    Act,
}

/// Whether a request may leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leave {
    /// Yes, and it is counted.
    Go,
    /// Our own budget is used up for so long.
    Full(Duration),
    /// Zendesk asked to be left alone for so long.
    Held(Duration, String),
}

#[derive(Debug)]
pub(super) struct Budget {
    limits: BudgetLimits,
    /// The account's limit, once an answer named it.
    account_limit: Option<u32>,
    /// When the requests of the last minute left, on the monotonic clock, oldest first.
    sent: VecDeque<Duration>,
    held: Option<(Duration, String)>,
}

impl Budget {
    pub(super) fn new(limits: BudgetLimits) -> Self {
        Self { limits, account_limit: None, sent: VecDeque::new(), held: None }
    }

    /// The limit that an answer named; none, or zero, changes nothing.
    pub(super) fn account_limit_is(&mut self, limit: u32) {
        if limit > 0 {
            self.account_limit = Some(limit);
        }
    }

    /// Nothing leaves before this instant.
    pub(super) fn hold_until(&mut self, until: Duration, why: String) {
        if self.held.as_ref().is_none_or(|(already, _)| *already < until) {
            self.held = Some((until, why));
        }
    }

    /// Asks to send one request now.
    pub(super) fn leave(&mut self, now: Duration, purpose: Purpose) -> Leave {
        let leave = self.would_leave(1, now, purpose);
        if leave == Leave::Go {
            self.sent.push_back(now);
        }
        leave
    }

    /// Whether so many requests of an act could leave now. Counts nothing.
    pub(super) fn room_for(&mut self, requests: usize, now: Duration) -> Leave {
        self.would_leave(requests, now, Purpose::Act)
    }

    fn would_leave(&mut self, requests: usize, now: Duration, purpose: Purpose) -> Leave {
        if let Some((until, why)) = &self.held {
            if *until > now {
                return Leave::Held(until.saturating_sub(now), why.clone());
            }
            self.held = None;
        }
        while self.sent.front().is_some_and(|sent| sent.saturating_add(WINDOW) <= now) {
            self.sent.pop_front();
        }
        let room = self.room(purpose);
        // More than a whole minute has room for is had by no wait.
        let needed = requests.min(room);
        let over = self.sent.len().saturating_add(needed).checked_sub(room.saturating_add(1));
        match over.and_then(|index| self.sent.get(index)) {
            Some(sent) => Leave::Full(sent.saturating_add(WINDOW).saturating_sub(now)),
            None => Leave::Go,
        }
    }

    /// Requests of this purpose in a minute; never none, or nothing would ever be learned.
    fn room(&self, purpose: Purpose) -> usize {
        let BudgetLimits { requests_per_minute_max, part_of_limit_max_percent, reserve_percent } = self.limits;
        let part = self.account_limit.map_or(u64::MAX, |limit| percent(limit.into(), part_of_limit_max_percent));
        let all = part.min(requests_per_minute_max.into());
        let room = match purpose {
            Purpose::Act => all,
            Purpose::Sweep => percent(all, 100_u8.saturating_sub(reserve_percent)),
        };
        usize::try_from(room.max(1)).unwrap_or(usize::MAX)
    }
}

fn percent(whole: u64, part: u8) -> u64 {
    whole.saturating_mul(part.min(100).into()) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: (u32, u8, u8), account_limit: u32) -> Budget {
        let (requests_per_minute_max, part_of_limit_max_percent, reserve_percent) = limits;
        let mut budget =
            Budget::new(BudgetLimits { requests_per_minute_max, part_of_limit_max_percent, reserve_percent });
        budget.account_limit_is(account_limit);
        budget
    }

    /// How many leave at the same instant.
    fn check(limits: (u32, u8, u8), account_limit: u32, purpose: Purpose, expected: usize) {
        let mut budget = budget(limits, account_limit);
        let left = (0..10_000).take_while(|_| budget.leave(Duration::ZERO, purpose) == Leave::Go).count();
        assert_eq!(left, expected, "{limits:?} of {account_limit}");
    }

    #[test]
    fn room_is_the_smaller_limit_less_the_reserve() {
        check((100, 25, 20), 0, Purpose::Act, 100);
        check((100, 25, 20), 0, Purpose::Sweep, 80);
        check((100, 25, 20), 200, Purpose::Act, 50);
        check((100, 25, 20), 200, Purpose::Sweep, 40);
        check((100, 25, 20), u32::MAX, Purpose::Act, 100);
        check((100, 25, 20), 1, Purpose::Act, 1);
        check((100, 0, 100), 400, Purpose::Sweep, 1);
        check((0, 255, 255), 400, Purpose::Sweep, 1);
    }

    #[test]
    fn sweep_leaves_the_reserve_to_acts() {
        let mut budget = budget((10, 100, 20), 0);
        while budget.leave(Duration::ZERO, Purpose::Sweep) == Leave::Go {}
        assert_eq!(budget.leave(Duration::ZERO, Purpose::Act), Leave::Go);
        assert_eq!(budget.leave(Duration::ZERO, Purpose::Act), Leave::Go);
        assert_eq!(budget.leave(Duration::ZERO, Purpose::Act), Leave::Full(WINDOW));
    }

    #[test]
    fn no_minute_holds_more_than_the_limit() {
        let mut budget = budget((7, 100, 0), 0);
        let mut now = Duration::ZERO;
        let mut left = Vec::new();
        while left.len() < 100 {
            match budget.leave(now, Purpose::Act) {
                Leave::Full(wait) => now += wait,
                _ => left.push(now),
            }
            now += Duration::from_millis(1_700);
        }
        assert!(left.windows(8).all(|eight| eight[7].saturating_sub(eight[0]) >= WINDOW));
    }

    #[test]
    fn longest_hold_counts() {
        let mut budget = budget((7, 100, 0), 0);
        budget.hold_until(Duration::from_secs(9), "status 429".to_owned());
        budget.hold_until(Duration::from_secs(5), "shorter".to_owned());
        let held = Leave::Held(Duration::from_secs(2), "status 429".to_owned());
        assert_eq!(budget.leave(Duration::from_secs(7), Purpose::Act), held);
        assert_eq!(budget.leave(Duration::from_secs(9), Purpose::Act), Leave::Go);
    }
}
