//! Whether an account has too few requests: told once when that has lasted some minutes, and once when it is over.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

/// What lasts shorter than this is a busy moment, and what is over for shorter may come back.
const LASTS: Duration = Duration::from_mins(5);

/// What was lacking, seen at one look or sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// A look had to leave people waiting.
    Looks,
    /// A log could not be read to its end.
    Logs,
    /// The schedule wanted sweeps that found no time.
    Sweeps,
    /// Zendesk asked to be left alone.
    Refused,
}

impl Lack {
    /// The word in the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Looks => "looks",
            Self::Logs => "logs",
            Self::Sweeps => "sweeps",
            Self::Refused => "refused",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Looks => "people wait to be looked at",
            Self::Logs => "logs are not read to their end",
            Self::Sweeps => "sweeps are missed",
            Self::Refused => "Zendesk asks to be left alone, since others use up the account's limit",
        }
    }
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It has lasted for some minutes.
    Starved,
    /// It is over for some minutes.
    Back,
}

/// The account's want of requests over time.
#[derive(Debug, Clone, Default)]
pub struct Hunger {
    lacks: BTreeSet<Lack>,
    /// People who waited when it was looked at last.
    waiting: usize,
    /// Since when something is lacking, on the host's clock and the monotonic one.
    since: Option<(Timestamp, Duration)>,
    /// Since when nothing is.
    sated: Option<Duration>,
    is_told: bool,
}

impl Hunger {
    /// Takes in what was lacking just now, while so many people wait.
    pub fn feel(&mut self, lacks: &[Lack], waiting: usize, (wall, now): (Timestamp, Duration)) -> Option<News> {
        self.waiting = waiting;
        if lacks.is_empty() {
            let sated = *self.sated.get_or_insert(now);
            if !self.is_told || now.saturating_sub(sated) >= LASTS {
                let was_told = std::mem::take(self).is_told;
                return was_told.then_some(News::Back);
            }
            return None;
        }
        self.sated = None;
        let (_, since) = *self.since.get_or_insert((wall, now));
        self.lacks.extend(lacks);
        if self.is_told || now.saturating_sub(since) < LASTS {
            return None;
        }
        self.is_told = true;
        Some(News::Starved)
    }

    /// What was lacking since it began.
    pub fn lacks(&self) -> impl Iterator<Item = Lack> {
        self.lacks.iter().copied()
    }

    /// Since when something is lacking, on the host's clock.
    pub fn since(&self) -> Option<Timestamp> {
        self.since.map(|(wall, _)| wall)
    }

    /// The line of status and reports, while it has been told and is not over; it names nobody.
    pub fn line(&self) -> Option<String> {
        let since = self.since().filter(|_| self.is_told)?;
        let lacks: Vec<&str> = self.lacks().map(Lack::text).collect();
        let waiting = self.waiting;
        let whom = if waiting == 0 { String::new() } else { format!("; {waiting} people wait now") };
        Some(format!(
            "the request budget does not suffice since {since:.0}: {}{whom}; raise `budget`, or sweep less often",
            lacks.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is felt in each minute (nothing, or a lack), and in which minutes something is told.
    fn check(minutes: &[Option<Lack>], expected: &[(u64, News)]) {
        let mut hunger = Hunger::default();
        let mut told = Vec::new();
        for (minute, lack) in (0_u64..).zip(minutes) {
            let lacks: Vec<Lack> = lack.iter().copied().collect();
            let now = (Timestamp::UNIX_EPOCH, Duration::from_mins(minute));
            told.extend(hunger.feel(&lacks, 3, now).map(|news| (minute, news)));
        }
        assert_eq!(told, expected, "{minutes:?}");
        let is_open = expected.last().is_some_and(|(_, news)| *news == News::Starved);
        assert_eq!(hunger.line().is_some(), is_open, "{minutes:?}");
    }

    #[test]
    fn want_is_told_once_when_it_lasts_and_once_when_it_is_over() {
        let (no, looks, refused) = (None, Some(Lack::Looks), Some(Lack::Refused));
        check(&[looks; 5], &[]);
        check(&[looks, no, looks, looks, looks, looks], &[]);
        check(&[looks; 20], &[(5, News::Starved)]);
        check(&[looks, refused, looks, refused, looks, refused, looks], &[(5, News::Starved)]);
        let lasting = [looks; 6];
        check(&[&lasting[..], &[no; 5]].concat(), &[(5, News::Starved)]);
        check(&[&lasting[..], &[no; 6]].concat(), &[(5, News::Starved), (11, News::Back)]);
        check(&[&lasting[..], &[no; 4], &[looks], &[no; 5]].concat(), &[(5, News::Starved)]);
        let again = [&lasting[..], &[no; 6], &lasting[..]].concat();
        check(&again, &[(5, News::Starved), (11, News::Back), (17, News::Starved)]);
    }

    #[test]
    fn the_line_says_what_is_lacking_and_who_waits() {
        let mut hunger = Hunger::default();
        for minute in 0..6 {
            let lack = if minute % 2 == 0 { Lack::Sweeps } else { Lack::Looks };
            hunger.feel(&[lack], 7, (Timestamp::UNIX_EPOCH, Duration::from_mins(minute)));
        }
        assert_eq!(
            hunger.line().unwrap(),
            "the request budget does not suffice since 1970-01-01T00:00:00Z: people wait to be looked at, sweeps are \
             missed; 7 people wait now; raise `budget`, or sweep less often"
        );
    }
}
