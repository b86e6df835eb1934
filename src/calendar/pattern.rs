//! A crontab line on the wall calendar: which minutes of which days, without any time zone.
//!
//! The only file that names `cron` and its carrier `chrono`. That crate numbers the week differently, joins the two day
//! fields by *and*, knows no last day, and loses or doubles firings at clock changes. So it is handed plain numbers, one
//! schedule for each alternative, and civil time that is carried as if it were UTC, where no clock ever changes.

use std::ops::RangeInclusive;

use chrono::{Datelike as _, TimeZone as _, Timelike as _, Utc};
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use super::field::{Field, Said, Values};

/// Years that `cron` knows, but its last.
const CARRIED_YEARS: RangeInclusive<i16> = 1970..=2099;

/// The longest wait is for a leap day around a century that has none: eight years, begun and ended within a year.
const YEARS_MAX: usize = 10;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The five fields of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub minute: Said,
    pub hour: Said,
    pub day: Said,
    pub month: Said,
    pub weekday: Said,
}

impl Fields {
    /// Whether there is a day on which the line fires.
    pub(super) fn has_a_day(&self) -> bool {
        let longest = |month: u8| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let has_day = |month: &u8| self.day.values.first().is_some_and(|day| *day <= longest(*month));
        !self.weekday.open || self.day.last || self.month.values.iter().any(has_day)
    }

    /// The lines in the dialect of `cron` that together fire as this one: both day fields given mean *or*.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |days: &Values, months: &Values, weekdays: &Values, years: &str| {
            if !days.is_empty() && !months.is_empty() {
                lines.push(format!(
                    "0 {} {} {} {} {} {years}",
                    list(Field::Minute, &self.minute.values),
                    list(Field::Hour, &self.hour.values),
                    list(Field::DayOfMonth, days),
                    list(Field::Month, months),
                    list(Field::DayOfWeek, weekdays),
                ));
            }
        };
        let months = &self.month.values;
        let (every_day, every_weekday) =
            (Field::DayOfMonth.every().collect::<Values>(), Field::DayOfWeek.every().collect::<Values>());
        if !self.weekday.open {
            add(&every_day, months, &self.weekday.values, "*");
        }
        if !self.day.open || self.weekday.open {
            add(&self.day.values, months, &every_weekday, "*");
        }
        if self.day.last {
            let of = |group: &[u8]| group.iter().copied().filter(|month| months.contains(month)).collect::<Values>();
            add(&[31].into(), &of(&[1, 3, 5, 7, 8, 10, 12]), &every_weekday, "*");
            add(&[30].into(), &of(&[4, 6, 9, 11]), &every_weekday, "*");
            add(&[29].into(), &of(&[2]), &every_weekday, "*");
            add(&[28].into(), &of(&[2]), &every_weekday, &common_years());
        }
        lines
    }
}

fn list(field: Field, values: &Values) -> String {
    if field.every().all(|value| values.contains(&value)) {
        return "*".to_owned();
    }
    // Sunday is 1 there.
    let shift = u8::from(field == Field::DayOfWeek);
    values.iter().map(|value| (value + shift).to_string()).collect::<Vec<_>>().join(",")
}

fn common_years() -> String {
    let is_common = |year: &i16| Date::new(*year, 1, 1).is_ok_and(|day| !day.in_leap_year());
    CARRIED_YEARS.filter(is_common).map(|year| year.to_string()).collect::<Vec<_>>().join(",")
}

/// Which minutes of the wall calendar a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// It fires when any of these does.
    alternatives: Vec<cron::Schedule>,
    /// It names a single time of the day.
    pub daily: bool,
}

impl Pattern {
    /// The pattern of a line that has a day, or what `cron` has against it.
    pub(super) fn new(fields: &Fields) -> Result<Self, String> {
        let read = |line: &String| line.parse().map_err(|error: cron::error::Error| error.to_string());
        Ok(Self {
            alternatives: fields.lines().iter().map(read).collect::<Result<_, _>>()?,
            daily: fields.minute.values.len() == 1 && fields.hour.values.len() == 1,
        })
    }

    /// The first minute named that does not begin before this; none at the end of the calendar.
    pub(super) fn first_from(&self, mut from: DateTime) -> Option<DateTime> {
        for _ in 0..YEARS_MAX {
            if let Some(found) = self.first_of_year(from) {
                return Some(found);
            }
            from = Date::new(from.year().checked_add(1)?, 1, 1).ok()?.into();
        }
        None
    }

    /// The same within the year. A year that `cron` does not know is carried by one that has the same days.
    fn first_of_year(&self, from: DateTime) -> Option<DateTime> {
        let year = carrier(from.year());
        let before = from.with().year(year).build().ok()?.checked_sub(SECOND).ok()?;
        let before = Utc
            .with_ymd_and_hms(
                before.year().into(),
                u32::try_from(before.month()).ok()?,
                u32::try_from(before.day()).ok()?,
                u32::try_from(before.hour()).ok()?,
                u32::try_from(before.minute()).ok()?,
                u32::try_from(before.second()).ok()?,
            )
            .single()?;
        let found = self.alternatives.iter().filter_map(|one| one.after(&before).next()).min()?;
        if found.year() != i32::from(year) {
            return None;
        }
        let small = |number: u32| i8::try_from(number).ok();
        let (month, day) = (small(found.month())?, small(found.day())?);
        DateTime::new(from.year(), month, day, small(found.hour())?, small(found.minute())?, 0, 0).ok()
    }
}

/// The year itself, or the first that `cron` knows with the same weekdays and the same February.
fn carrier(year: i16) -> i16 {
    let face = |year: i16| Date::new(year, 1, 1).map(|day| (day.weekday(), day.in_leap_year())).ok();
    if CARRIED_YEARS.contains(&year) {
        return year;
    }
    let wanted = face(year);
    // In 28 years within a century every kind of year comes.
    (1972..2000).find(|other| face(*other) == wanted).unwrap_or(year)
}
