//! Where staff was seen in the last thirty days: the addresses, and not the rows.
//!
//! Sightings are kept for a day, since no session of staff lives longer. Which networks people come from is a question of
//! weeks, and needs much less: who, doing what, from where, on which days.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::super::{Act, UserId};

/// Where nobody was seen for so long, nobody is remembered to have been.
pub const HAUNTS_REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// So many addresses of one person are remembered, sign-ins and uses together; the oldest go first.
pub const HAUNTS_MAX: usize = 200;

/// A day of UTC.
const DAY_SECONDS: i64 = 86_400;

/// Somebody of staff, doing something, from somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HauntKey {
    /// Who.
    pub user: UserId,
    /// Doing what.
    pub act: Act,
    /// From where; none for what they did where nobody knows, and for places that are too many to be kept.
    pub address: Option<IpAddr>,
}

/// When they were seen there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Haunt {
    /// First.
    pub first: Timestamp,
    /// Last, give or take an hour.
    pub last: Timestamp,
    /// On which days of UTC: bit 0 is the day of `last`, bit 1 the one before.
    pub days: u32,
}

/// What is remembered of where staff was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Haunts {
    /// Since when everything that logs tell of it is kept without a gap; none before the first time.
    pub since: Option<Timestamp>,
    /// Who was where.
    pub seen: BTreeMap<HauntKey, Haunt>,
}

/// What a cycle adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HauntLesson {
    /// Since when it is kept without a gap, if that changed.
    pub since: Option<Timestamp>,
    /// New ones, and those that were seen on another day or an hour later.
    pub seen: BTreeMap<HauntKey, Haunt>,
    /// What is too old, or too much.
    pub forgotten: Vec<HauntKey>,
}

impl Haunt {
    /// Seen from then to then, on the days of both.
    pub fn of(first: Timestamp, last: Timestamp) -> Self {
        let (first, last) = (first.min(last), first.max(last));
        let days = 1 | bit(day_of(last) - day_of(first));
        Self { first, last, days }
    }

    /// The same, seen at other times too.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (early, late) = if self.last <= other.last { (self, other) } else { (other, self) };
        let apart = day_of(late.last) - day_of(early.last);
        let moved = u32::try_from(apart).ok().and_then(|apart| early.days.checked_shl(apart)).unwrap_or(0);
        Self { first: early.first.min(late.first), last: late.last, days: late.days | moved }
    }

    /// The days on which they were seen there, as numbers of days since 1970, the last one first.
    pub fn days(self) -> impl Iterator<Item = i64> {
        let last = day_of(self.last);
        (0..32).filter(move |back| self.days & bit(*back) != 0).map(move |back| last - back)
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY_SECONDS)
}

fn bit(back: i64) -> u32 {
    u32::try_from(back).ok().and_then(|back| 1_u32.checked_shl(back)).unwrap_or(0)
}

impl Haunts {
    /// Takes in what a cycle adds.
    pub fn learn(&mut self, lesson: HauntLesson) {
        self.since = lesson.since.or(self.since);
        for key in &lesson.forgotten {
            self.seen.remove(key);
        }
        self.seen.extend(lesson.seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64, hour: i64) -> Timestamp {
        Timestamp::from_second(day * DAY_SECONDS + hour * 3_600).unwrap()
    }

    fn days(haunt: Haunt) -> Vec<i64> {
        haunt.days().collect()
    }

    #[test]
    fn each_day_counts_once_whatever_order_it_is_told_in() {
        let seen = [at(10, 1), at(12, 5), at(10, 9), at(11, 23), at(12, 1)].map(|at| Haunt::of(at, at));
        let forth = seen.into_iter().reduce(Haunt::with).unwrap();
        let back = seen.into_iter().rev().reduce(Haunt::with).unwrap();
        assert_eq!(forth, back);
        assert_eq!((forth.first, forth.last, days(forth)), (at(10, 1), at(12, 5), vec![12, 11, 10]));
        assert_eq!(days(Haunt::of(at(3, 23), at(4, 1))), [4, 3]);
    }

    #[test]
    fn days_that_are_long_over_are_forgotten_and_harm_nothing() {
        let long = Haunt::of(at(0, 1), at(0, 1)).with(Haunt::of(at(40, 1), at(40, 1)));
        assert_eq!((days(long), long.first), (vec![40], at(0, 1)));
        let ends = Haunt::of(Timestamp::MIN, Timestamp::MAX);
        assert_eq!(days(ends).len(), 1);
    }
}
