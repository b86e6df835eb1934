//! What is remembered of logs: how far each was read, and what it saw lately, condensed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::{Act, Moment, Seen, Sighting, UserId};

/// Uses of one person from one address with one program are one sighting for each hour of the clock.
const HOUR_MICROS: i64 = 3_600_000_000;

/// So many sightings of one person in one hour are kept apart; whoever sends more, each from another address or with
/// another program, was also somewhere that nobody knows. It bounds what one person can make a process remember.
pub const SIGHTINGS_PER_HOUR_MAX: usize = 1_000;

/// One log, as remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogMemory {
    /// How far it was read; none before the first time.
    pub place: Option<LogPlace>,
    /// What it saw lately: from when to when.
    pub seen: BTreeMap<SeenKey, Span>,
}

/// When somebody was seen first and last.
pub type Span = (Moment, Moment);

/// How far a log was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    /// Its rows are at hand from here on.
    pub since: Timestamp,
    /// Up to here it told everything, on Zendesk's clock.
    pub as_of: Timestamp,
    /// Its clock minus Zendesk's.
    pub skew: SignedDuration,
    /// Where its file goes on, if it is one; of ticket audits the id of the newest row.
    pub file: Option<String>,
}

/// Rows that are one sighting: the same person doing the same from the same place at about the same time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenKey {
    /// Who.
    pub user: UserId,
    /// Doing what.
    pub act: Act,
    /// Of uses the hour, of sign-ins the microsecond, since 1970: so that no row is one with another that it is not, and
    /// one that is told twice is one.
    pub time: i64,
    /// From where.
    pub address: Option<IpAddr>,
    /// With what.
    pub agent: Option<Arc<str>>,
}

impl SeenKey {
    /// The sighting that this row is part of.
    pub fn of(act: Act, seen: &Seen) -> Self {
        let micros = seen.at.at().as_microsecond();
        let time = match act {
            Act::SignIn => micros,
            Act::Use => micros.div_euclid(HOUR_MICROS),
        };
        Self { user: seen.user, act, time, address: seen.address, agent: seen.agent.clone() }
    }

    /// The sighting, as one of the source with this name.
    pub fn sighting(&self, (first, last): Span, source: &Arc<str>) -> Sighting {
        Sighting {
            user: self.user,
            session: None,
            act: self.act,
            address: self.address,
            agent: self.agent.clone(),
            first,
            last,
            source: Arc::clone(source),
        }
    }
}

impl LogMemory {
    /// Takes in what a cycle adds.
    pub fn learn(&mut self, lesson: LogLesson) {
        self.place = lesson.place.or(self.place.take());
        for key in &lesson.forgotten {
            self.seen.remove(key);
        }
        self.seen.extend(lesson.seen);
    }
}

/// What a cycle adds to what is remembered of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogLesson {
    /// How far it is read now, if that changed.
    pub place: Option<LogPlace>,
    /// Sightings that are new, or longer than they were.
    pub seen: BTreeMap<SeenKey, Span>,
    /// Sightings that are too old to speak of any session.
    pub forgotten: Vec<SeenKey>,
}

impl LogLesson {
    /// Adds a row to what is remembered: it may begin a sighting, or make one longer.
    pub fn add(&mut self, memory: Option<&LogMemory>, act: Act, seen: &Seen) {
        let mut key = SeenKey::of(act, seen);
        let kept = |key: &SeenKey| self.seen.get(key).or_else(|| memory?.seen.get(key)).copied();
        let mut before = kept(&key);
        if before.is_none() && act == Act::Use && self.of_hour(memory, &key) >= SIGHTINGS_PER_HOUR_MAX {
            (key.address, key.agent) = (None, None);
            before = kept(&key);
        }
        let (first, last) = before.unwrap_or((seen.at, seen.at));
        let span = (first.min(seen.at), last.max(seen.at));
        if before != Some(span) {
            self.seen.insert(key, span);
        }
    }
}

impl LogLesson {
    /// How many sightings there are of this person in this hour; one that became longer counts twice, which is no harm.
    fn of_hour(&self, memory: Option<&LogMemory>, key: &SeenKey) -> usize {
        let from = SeenKey { address: None, agent: None, ..key.clone() };
        let is_same = |other: &SeenKey| (other.user, other.act, other.time) == (key.user, key.act, key.time);
        let count = |seen: &BTreeMap<SeenKey, Span>| {
            seen.range(&from..).take(SIGHTINGS_PER_HOUR_MAX).take_while(|(other, _)| is_same(other)).count()
        };
        count(&self.seen) + memory.map_or(0, |memory| count(&memory.seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(second: i64, address: &str) -> Seen {
        let at = Timestamp::from_second(second).unwrap().into();
        Seen { user: UserId::new(1).unwrap(), at, address: address.parse().ok(), agent: Some("a".into()) }
    }

    #[test]
    fn rows_of_an_hour_are_one_sighting_and_sign_ins_never_are() {
        let (mut uses, mut sign_ins) = (LogLesson::default(), LogLesson::default());
        for second in [7_200, 7_900, 7_300, 7_300, 10_799, 10_800, -1] {
            uses.add(None, Act::Use, &seen(second, "192.0.2.1"));
            sign_ins.add(None, Act::SignIn, &seen(second, "192.0.2.1"));
        }
        let seconds = |span: &Span| (span.0.at().as_second(), span.1.at().as_second());
        let spans: Vec<_> = uses.seen.values().map(seconds).collect();
        assert_eq!(spans, [(-1, -1), (7_200, 10_799), (10_800, 10_800)]);
        assert_eq!(sign_ins.seen.len(), 6);
    }

    #[test]
    fn what_is_told_twice_adds_nothing_and_what_comes_late_makes_it_longer() {
        let mut memory = LogMemory::default();
        let mut lesson = LogLesson::default();
        lesson.add(None, Act::Use, &seen(100, "192.0.2.1"));
        memory.learn(lesson);
        let mut again = LogLesson::default();
        again.add(Some(&memory), Act::Use, &seen(100, "192.0.2.1"));
        assert!(again.seen.is_empty());
        again.add(Some(&memory), Act::Use, &seen(50, "192.0.2.1"));
        again.add(Some(&memory), Act::Use, &seen(60, "192.0.2.2"));
        assert_eq!(again.seen.len(), 2);
        memory.learn(again);
        let spans: Vec<_> = memory.seen.values().map(|span| span.0.at().as_second()).collect();
        assert_eq!(spans, [50, 60]);
    }

    #[test]
    fn whoever_sends_ever_other_programs_is_not_remembered_without_end() {
        let mut memory = LogMemory::default();
        for round in 0..3 {
            let mut lesson = LogLesson::default();
            for number in 0..SIGHTINGS_PER_HOUR_MAX {
                let agent = Some(format!("{round}-{number}").into());
                lesson.add(Some(&memory), Act::Use, &Seen { agent, ..seen(100, "192.0.2.1") });
            }
            // Of another hour and another person nothing is lost.
            lesson.add(Some(&memory), Act::Use, &seen(7_200 + round, "192.0.2.1"));
            lesson.add(Some(&memory), Act::Use, &Seen { user: UserId::new(2).unwrap(), ..seen(100, "192.0.2.1") });
            memory.learn(lesson);
        }
        assert_eq!(memory.seen.len(), SIGHTINGS_PER_HOUR_MAX + 3);
        assert_eq!(memory.seen.keys().filter(|key| key.address.is_none()).count(), 1);
    }
}
