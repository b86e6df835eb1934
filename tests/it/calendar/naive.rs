//! Crontab a second time, minute by minute, from `docs/schedules.md` alone: slow, and so plain that it can be checked by
//! reading. The real schedules must agree with it on random lines around clock changes.

use fastrand::Rng;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{ZONES, firings, line, place};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Whether a field names this value; its least and its greatest are given.
fn names(field: &str, value: i8, least: i8, most: i8) -> bool {
    let number = |text: &str| {
        let list: &[&str] = if most == 12 { &MONTHS } else { &WEEKDAYS };
        let named = list.iter().position(|name| text.eq_ignore_ascii_case(name));
        named.map_or_else(|| text.parse().unwrap(), |at| i8::try_from(at).unwrap() + least)
    };
    field.split(',').filter(|part| *part != "L").any(|part| {
        let (base, step) = part.split_once('/').map_or((part, 1), |(base, step)| (base, step.parse::<i16>().unwrap()));
        let (from, to) = match base.split_once('-') {
            Some((from, to)) => (number(from), number(to)),
            None if base == "*" || base == "?" => (least, most),
            None if part.contains('/') => (number(base), most),
            None => (number(base), number(base)),
        };
        // Walks from the first to the last, over the end of the field if need be, and counts the steps.
        let size = most - least + 1;
        let (mut at, mut walked) = (if from > most { least } else { from }, 0);
        let last = if to > most && from > most { least } else { to };
        let length = if at <= last { last - at } else { last - at + size };
        loop {
            if at == value && walked % step == 0 {
                return true;
            }
            if walked == i16::from(length) {
                return false;
            }
            walked += 1;
            at = if at == most { least } else { at + 1 };
        }
    })
}

/// Whether a line names this minute of the wall calendar.
fn shows(fields: &[&str], time: DateTime) -> bool {
    let last = fields[2].split(',').any(|part| part == "L") && time.day() == time.days_in_month();
    let day = last || names(fields[2], time.day(), 1, 31);
    let weekday = names(fields[4], time.weekday().to_sunday_zero_offset(), 0, 6);
    let open = |field: &str| field == "*" || field == "?";
    let on_day = if open(fields[2]) || open(fields[4]) { day && weekday } else { day || weekday };
    on_day
        && names(fields[0], time.minute(), 0, 59)
        && names(fields[1], time.hour(), 0, 23)
        && names(fields[3], time.month(), 1, 12)
}

fn names_one_time(fields: &[&str]) -> bool {
    let count = |field: &str, most: i8| (0..=most).filter(|value| names(field, *value, 0, most)).count();
    count(fields[0], 59) == 1 && count(fields[1], 23) == 1
}

fn fires(fields: &[&str], at: Timestamp, zone: &TimeZone) -> bool {
    let (before, now) = (zone.to_datetime(at - MINUTE), zone.to_datetime(at));
    let was_shown = || (1..=180).any(|minutes| zone.to_datetime(at - MINUTE * minutes) == now);
    if shows(fields, now) && !(names_one_time(fields) && was_shown()) {
        return true;
    }
    let mut skipped = before.saturating_add(MINUTE);
    while skipped < now {
        if shows(fields, skipped) {
            return true;
        }
        skipped = skipped.saturating_add(MINUTE);
    }
    false
}

/// A field of random parts.
fn field(rng: &mut Rng, least: u8, most: u8, list: &[&str]) -> String {
    let value = |rng: &mut Rng| {
        let value = rng.u8(least..=most);
        match list.get(usize::from(value - least)) {
            Some(name) if rng.bool() => (*name).to_owned(),
            _ => value.to_string(),
        }
    };
    let part = |rng: &mut Rng| match rng.u8(0..7) {
        0 => format!("*/{}", rng.u8(1..=most)),
        1 => format!("{}/{}", value(rng), rng.u8(1..=most)),
        2 => format!("{}-{}", value(rng), value(rng)),
        3 => format!("{}-{}/{}", value(rng), value(rng), rng.u8(1..=5)),
        4 if most == 31 => "L".to_owned(),
        5 if list.len() == 7 => "7".to_owned(),
        _ => value(rng),
    };
    (0..rng.usize(1..=2)).map(|_| part(rng)).collect::<Vec<_>>().join(",")
}

/// A random line, more often than not with times of the night and without day fields.
fn random_line(rng: &mut Rng) -> String {
    let minute = if rng.bool() {
        rng.choice(["*/15", "30", "0", "45", "*", "*/7"]).unwrap().to_owned()
    } else {
        field(rng, 0, 59, &[])
    };
    let hour = if rng.bool() {
        rng.choice(["*", "0", "1", "2", "3", "0-3", "23"]).unwrap().to_owned()
    } else {
        field(rng, 0, 23, &[])
    };
    let mut often = |open: &[&str], field: &dyn Fn(&mut Rng) -> String| {
        if rng.u8(0..3) > 0 { (*rng.choice(open).unwrap()).to_owned() } else { field(rng) }
    };
    let day = often(&["*", "?"], &|rng| field(rng, 1, 31, &[]));
    let month = often(&["*"], &|rng| field(rng, 1, 12, &MONTHS));
    let weekday = often(&["*", "?"], &|rng| field(rng, 0, 6, &WEEKDAYS));
    format!("{minute} {hour} {day} {month} {weekday}")
}

#[test]
fn schedules_agree_with_the_naive_reading_around_clock_changes() {
    const SEEDS: u64 = 120;
    let (begin, end): (Timestamp, Timestamp) =
        ("2020-01-01T00:00:00Z".parse().unwrap(), "2030-01-01T00:00:00Z".parse().unwrap());
    let mut fired = 0;
    for seed in 0..SEEDS {
        let rng = &mut Rng::with_seed(seed);
        let name = rng.choice(ZONES).unwrap();
        let zone = place(name);
        let changes: Vec<_> =
            zone.following(begin).map(|change| change.timestamp()).take_while(|at| *at < end).collect();
        let middle = *rng.choice(&changes).unwrap() + MINUTE * rng.i32(-600..600);
        let (after, until) = (middle - MINUTE * 1_440, middle + MINUTE * 1_440);
        let text = random_line(rng);
        let Ok(schedule) = evictd::calendar::Schedule::crontab(&text) else { continue };
        let real: Vec<_> = firings(&schedule, &zone, after, until).collect();
        let fields: Vec<_> = text.split(' ').collect();
        let minutes = (1..=2_880).map(|minutes| after + MINUTE * minutes);
        let naive: Vec<_> = minutes.filter(|at| fires(&fields, *at, &zone)).collect();
        assert_eq!(real, naive, "seed {seed}: `{text}` in {name}");
        fired += real.len();
    }
    assert!(fired > 2_000, "{fired} firings prove nothing");
}

#[test]
fn the_naive_reading_knows_the_dialect() {
    let check = |text: &str, time: &str, wanted: bool| {
        let fields: Vec<_> = text.split(' ').collect();
        assert_eq!(shows(&fields, time.parse().unwrap()), wanted, "`{text}` at {time}");
        line(text);
    };
    check("0 0 * * FRI-MON", "2027-02-07T00:00:00", true);
    check("0 0 * * FRI-MON", "2027-02-09T00:00:00", false);
    check("0 0 * * 7", "2027-02-07T00:00:00", true);
    check("0 0 L * *", "2027-02-28T00:00:00", true);
    check("0 0 13 * FRI", "2027-02-05T00:00:00", true);
    check("0 22-6/2 * * *", "2027-02-05T02:00:00", true);
    check("0 22-6/2 * * *", "2027-02-05T03:00:00", false);
}
