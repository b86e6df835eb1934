//! The five fields of a crontab line: what each may hold, and its text read into the set of its values.
//!
//! All values are spelt out here, in crontab's own numbering, so that nothing of the line's dialect is left for whoever
//! iterates. That a line can never fire is seen one level up, since it takes two fields.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use super::BadSchedule;

/// Values of one field, ascending.
pub(super) type Values = BTreeSet<u8>;

/// A field, in the order in which they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31, and the last.
    DayOfMonth,
    /// 1 to 12, or names.
    Month,
    /// 0 to 7, Sunday being both ends, or names.
    DayOfWeek,
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl Field {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of the month",
            Self::Month => "month",
            Self::DayOfWeek => "day of the week",
        }
    }

    /// What may stand in it.
    pub(super) fn allowed(self) -> &'static str {
        match self {
            Self::Minute => {
                "the minute takes 0 to 59, `*`, lists as in `0,30`, ranges as in `10-20`, steps as in `*/5`"
            }
            Self::Hour => "the hour takes 0 to 23, `*`, lists as in `8,20`, ranges as in `8-18`, steps as in `*/2`",
            Self::DayOfMonth => {
                "the day of the month takes 1 to 31, `L` for the last one, `*`, lists as in `1,15,L`, ranges as in \
                 `1-7`, steps as in `*/5`"
            }
            Self::Month => {
                "the month takes 1 to 12 or JAN to DEC, `*`, lists as in `3,9`, ranges as in `NOV-FEB`, steps as in \
                 `*/3`"
            }
            Self::DayOfWeek => {
                "the day of the week takes 0 to 7 (Sunday is 0 and 7) or SUN to SAT, `*`, lists as in `1,3`, ranges \
                 as in `MON-FRI`"
            }
        }
    }

    /// Every number that may be written.
    pub(super) fn range(self) -> RangeInclusive<u8> {
        match self {
            Self::Minute => 0..=59,
            Self::Hour => 0..=23,
            Self::DayOfMonth => 1..=31,
            Self::Month => 1..=12,
            Self::DayOfWeek => 0..=7,
        }
    }

    /// Every value there is: `*`.
    pub(super) fn every(self) -> RangeInclusive<u8> {
        if self == Self::DayOfWeek { 0..=6 } else { self.range() }
    }

    fn is_day(self) -> bool {
        matches!(self, Self::DayOfMonth | Self::DayOfWeek)
    }

    /// A name, whole or its first three letters, in any case.
    fn value_of_name(self, text: &str) -> Option<u8> {
        let (names, first): (&[&str], u8) = match self {
            Self::Month => (MONTHS, 1),
            Self::DayOfWeek => (WEEKDAYS, 0),
            _ => return None,
        };
        let word = text.to_ascii_lowercase();
        let is_meant = |name: &str| name == word || word.len() == 3 && name.starts_with(&word);
        (first..).zip(names).find(|(_, name)| is_meant(name)).map(|(value, _)| value)
    }
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    /// The values; every one of the field if it is open.
    pub values: Values,
    /// The last day of the month too.
    pub last: bool,
    /// It is a lone `*` or `?`: it leaves the choice to the other fields.
    pub open: bool,
}

/// A piece of the line, and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'t> {
    pub text: &'t str,
    pub at: usize,
}

impl<'t> Piece<'t> {
    pub(super) fn span(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    /// The parts between these separators, each with its place.
    pub(super) fn split(self, is_separator: impl Fn(char) -> bool) -> impl Iterator<Item = Piece<'t>> {
        let mut at = self.at;
        self.text.split(is_separator).map(move |text| {
            let piece = Piece { text, at };
            at += text.len() + 1;
            piece
        })
    }

    /// What stands before and behind the first such letter.
    fn cut(self, letter: char) -> (Piece<'t>, Option<Piece<'t>>) {
        match self.text.split_once(letter) {
            Some((before, behind)) => {
                let at = self.at + before.len() + letter.len_utf8();
                (Piece { text: before, at: self.at }, Some(Piece { text: behind, at }))
            }
            None => (self, None),
        }
    }
}

/// Reads one field.
pub(super) fn read(field: Field, piece: Piece<'_>) -> Result<Said, BadSchedule> {
    if piece.text == "*" || piece.text == "?" && field.is_day() {
        return Ok(Said { values: field.every().collect(), last: false, open: true });
    }
    let mut said = Said::default();
    for item in piece.split(|letter| letter == ',') {
        if item.text.is_empty() {
            return Err(BadSchedule::Gap { field, at: piece.span() });
        }
        if field == Field::DayOfMonth && item.text.eq_ignore_ascii_case("L") {
            said.last = true;
        } else {
            said.values.extend(item_values(field, item)?);
        }
    }
    Ok(said)
}

/// `*`, `N`, `N-M`, each perhaps with `/STEP`.
fn item_values(field: Field, item: Piece<'_>) -> Result<Vec<u8>, BadSchedule> {
    let (base, step) = item.cut('/');
    let step_by = step.map_or(Ok(1), |step| step_of(field, step))?;
    let ascending: Vec<u8> = if base.text == "*" {
        field.every().collect()
    } else {
        let (from, to) = base.cut('-');
        let from_value = value(field, from, item)?;
        match to {
            Some(to) => between(field, from_value, value(field, to, item)?),
            None if step.is_some() => between(field, from_value, *field.every().end()),
            None => vec![from_value],
        }
    };
    let values = ascending.into_iter().step_by(step_by);
    Ok(values.map(|value| if field == Field::DayOfWeek { value % 7 } else { value }).collect())
}

/// The values from one to the other, in their order, through the end of the cycle where the second is the smaller.
fn between(field: Field, from: u8, to: u8) -> Vec<u8> {
    let (least, most) = field.every().into_inner();
    // Sunday is 0 and 7: as a beginning it is 0, as an end 7, and on its own one day.
    let (from, to) = match (field, from, to) {
        (Field::DayOfWeek, 7, 7) => (0, 0),
        (Field::DayOfWeek, 7, to) => (0, to),
        _ => (from, to),
    };
    if from <= to { (from..=to).collect() } else { (from..=most).chain(least..=to).collect() }
}

fn value(field: Field, piece: Piece<'_>, item: Piece<'_>) -> Result<u8, BadSchedule> {
    if let Some(value) = field.value_of_name(piece.text) {
        return Ok(value);
    }
    let Some(number) = number(piece.text) else {
        return Err(BadSchedule::Value { field, text: item.text.to_owned(), at: item.span() });
    };
    let value = number.and_then(|number| u8::try_from(number).ok()).filter(|value| field.range().contains(value));
    value.ok_or_else(|| BadSchedule::Range { field, text: piece.text.to_owned(), at: piece.span() })
}

fn step_of(field: Field, piece: Piece<'_>) -> Result<usize, BadSchedule> {
    let step = number(piece.text).flatten().and_then(|step| usize::try_from(step).ok());
    step.filter(|step| *step > 0).ok_or_else(|| BadSchedule::Step {
        field,
        text: piece.text.to_owned(),
        at: piece.span(),
    })
}

/// A number, if the text is digits; nothing inside if it is too long for any.
#[expect(clippy::option_option, reason = "no number and too large a number are told apart")]
fn number(text: &str) -> Option<Option<u32>> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok())
}
