//! When to look: crontab lines and even intervals, and the instants they name in a time zone.
//!
//! Time is an argument. A line names minutes of the wall calendar (`field`, `pattern`); what becomes of them where
//! clocks change is decided here: a minute that the clocks skip fires once, where the skipped time ends; a minute that
//! they repeat fires both times if the line names several times of the day, and the first time if it names one. The
//! zones' own history is `jiff`'s: the host's database, or the one that is compiled in.

mod field;
mod pattern;
mod trouble;
mod zone;

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

pub use field::Field;
pub use trouble::{BadSchedule, UnknownZone};
pub use zone::zone;

use field::Piece;
use pattern::{Fields, Pattern};

/// Firings counted by [`Schedule::missed`] at most, so that a host that slept for years costs no more than a week.
pub const MISSED_COUNTED_MAX: u64 = 10_000;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// When to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Crontab { text: String, pattern: Pattern },
    Every(SignedDuration),
}

impl Schedule {
    /// Reads a crontab line: five fields, or a word such as `@daily`.
    ///
    /// # Errors
    ///
    /// If it is none, or can never fire.
    pub fn crontab(text: &str) -> Result<Self, BadSchedule> {
        let fields = match text.trim_matches(is_blank) {
            word if word.starts_with('@') => fields(line_of_word(word, text)?)?,
            _ => fields(text)?,
        };
        let pattern = Pattern::new(&fields).map_err(|why| BadSchedule::Beneath { why, at: 0..text.len() })?;
        Ok(Self { kind: Kind::Crontab { text: text.to_owned(), pattern } })
    }

    /// An even interval that restarts do not shift: it counts from 1970-01-01 00:00 UTC. Less than a second is a second.
    pub fn every(length: SignedDuration) -> Self {
        Self { kind: Kind::Every(length.max(SECOND)) }
    }

    /// The first firing later than this; none only at the end of the calendar.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.kind {
            Kind::Crontab { pattern, .. } => next_of_pattern(pattern, after, zone),
            Kind::Every(length) => {
                let length = length.as_nanos();
                let passed = after.as_nanosecond().div_euclid(length);
                Timestamp::from_nanosecond(passed.checked_add(1)?.checked_mul(length)?).ok()
            }
        }
    }

    /// The time between the next two firings; zero at the end of the calendar.
    pub fn interval(&self, around: Timestamp, zone: &TimeZone) -> SignedDuration {
        let next = self.next_after(around, zone);
        let second = next.and_then(|next| self.next_after(next, zone));
        next.zip(second).map_or(SignedDuration::ZERO, |(next, second)| second.duration_since(next))
    }

    /// Firings later than the one instant and not later than the other. Of a crontab line no more than
    /// [`MISSED_COUNTED_MAX`] are counted, each at the cost of [`Schedule::next_after`].
    pub fn missed(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> u64 {
        if let Kind::Every(length) = &self.kind {
            let passed = |instant: Timestamp| instant.as_nanosecond().div_euclid(length.as_nanos());
            return u64::try_from(passed(until).saturating_sub(passed(after))).unwrap_or_default();
        }
        let mut at = after;
        let mut count = 0;
        while count < MISSED_COUNTED_MAX {
            match self.next_after(at, zone) {
                Some(next) if next <= until => (at, count) = (next, count + 1),
                _ => break,
            }
        }
        count
    }
}

/// The line as written; an interval as `every 90s`.
impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Crontab { text, .. } => out.write_str(text),
            Kind::Every(length) => {
                let seconds = length.as_secs();
                let whole = [("h", 3_600), ("m", 60)].into_iter().find(|(_, unit)| seconds % unit == 0);
                let (letter, unit) = whole.unwrap_or(("s", 1));
                write!(out, "every {}{letter}", seconds / unit)
            }
        }
    }
}

fn is_blank(letter: char) -> bool {
    letter == ' ' || letter == '\t'
}

/// The line that a word stands for.
fn line_of_word(word: &str, text: &str) -> Result<&'static str, BadSchedule> {
    let start = text.find('@').unwrap_or_default();
    let at = start..start + word.len();
    match word.to_ascii_lowercase().as_str() {
        "@hourly" => Ok("0 * * * *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@monthly" => Ok("0 0 1 * *"),
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        "@reboot" => Err(BadSchedule::Reboot { at }),
        _ => Err(BadSchedule::Word { text: word.to_owned(), at }),
    }
}

fn fields(text: &str) -> Result<Fields, BadSchedule> {
    let pieces: Vec<_> = Piece { text, at: 0 }.split(is_blank).filter(|piece| !piece.text.is_empty()).collect();
    let [minute, hour, day, month, weekday] = pieces.as_slice() else {
        let first_too_many = pieces.get(Field::ALL.len()).map_or(0, |piece| piece.at);
        return Err(BadSchedule::Count {
            found: pieces.len(),
            at: first_too_many..text.trim_end_matches(is_blank).len(),
        });
    };
    let fields = Fields {
        minute: field::read(Field::Minute, *minute)?,
        hour: field::read(Field::Hour, *hour)?,
        day: field::read(Field::DayOfMonth, *day)?,
        month: field::read(Field::Month, *month)?,
        weekday: field::read(Field::DayOfWeek, *weekday)?,
    };
    if !fields.has_a_day() {
        return Err(BadSchedule::Never { at: day.at..month.span().end });
    }
    Ok(fields)
}

/// Goes through the stretches of time in which the zone's offset stays the same.
///
/// Ends: each round passes a clock change or one firing of the pattern, of which the next lies at most some years ahead.
fn next_of_pattern(pattern: &Pattern, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut offset = zone.to_offset(after);
    let mut from = whole_second_after(offset.to_datetime(after))?;
    let mut changes = zone.following(after).peekable();
    loop {
        let named = pattern.first_from(from)?;
        match changes.peek().map(|change| (change.timestamp(), change.offset())) {
            // The stretch ends before the named minute comes.
            Some((change, then)) if offset.to_datetime(change) <= named => {
                let begins = then.to_datetime(change);
                if named < begins {
                    return Some(change);
                }
                (offset, from) = (then, begins);
                changes.next();
            }
            _ if pattern.daily && is_repeated(named, offset, zone) => from = whole_second_after(named)?,
            _ => return offset.to_timestamp(named).ok(),
        }
    }
}

fn whole_second_after(time: DateTime) -> Option<DateTime> {
    time.with().subsec_nanosecond(0).build().ok()?.checked_add(SECOND).ok()
}

/// Whether the clocks showed this once before, with another offset.
fn is_repeated(time: DateTime, offset: Offset, zone: &TimeZone) -> bool {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Fold { before, .. } => before != offset,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
