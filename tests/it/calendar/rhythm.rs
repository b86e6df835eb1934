//! Laws over ten years: no poll is lost where clocks change, and a daily one comes once a day.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};

use super::{ZONES, firings, line, place};

fn decade() -> (Timestamp, Timestamp) {
    ("2019-12-31T00:00:00Z".parse().unwrap(), "2030-01-02T00:00:00Z".parse().unwrap())
}

/// In this zone, no two firings of ten years lie further apart, none stands still, and there are enough of them.
fn check(text: &str, name: &str, minutes_max: i64) {
    let (schedule, zone, (mut last, until)) = (line(text), place(name), decade());
    for next in firings(&schedule, &zone, last, until) {
        assert!(next > last, "{name}: {last} comes again");
        let gap = next.duration_since(last);
        assert!(gap <= SignedDuration::from_mins(minutes_max), "{name}: nothing between {last} and {next}");
        last = next;
    }
    assert!(until.duration_since(last) <= SignedDuration::from_mins(minutes_max), "{name}: nothing after {last}");
}

#[test]
fn a_quarter_hour_schedule_has_no_gap_in_berlin() {
    check("*/15 * * * *", "Europe/Berlin", 15);
}

#[test]
fn a_quarter_hour_schedule_has_no_gap_in_new_york() {
    check("*/15 * * * *", "America/New_York", 15);
}

#[test]
fn a_quarter_hour_schedule_has_no_gap_in_cairo() {
    check("*/15 * * * *", "Africa/Cairo", 15);
}

#[test]
fn a_quarter_hour_schedule_has_no_gap_on_lord_howe() {
    check("*/15 * * * *", "Australia/Lord_Howe", 15);
}

#[test]
fn an_hourly_schedule_comes_every_hour() {
    for zone in ["Europe/Berlin", "America/New_York", "Africa/Cairo"] {
        check("30 * * * *", zone, 60);
    }
    // Where clocks go back from 02:00 to 01:30, the full hour after 01:00 is half an hour later.
    check("0 * * * *", "Australia/Lord_Howe", 90);
}

#[test]
fn a_daily_schedule_comes_once_on_each_day() {
    for name in ZONES {
        for text in ["30 2 * * *", "45 1 * * *", "15 2 * * *", "@daily", "30 0 * * *", "30 23 * * *"] {
            let (schedule, zone, (after, until)) = (line(text), place(name), decade());
            let days: Vec<_> =
                firings(&schedule, &zone, after, until).map(|next| zone.to_datetime(next).date()).collect();
            let within = |day: &_| (date(2020, 1, 1)..=date(2029, 12, 31)).contains(day);
            let days: Vec<_> = days.into_iter().filter(within).collect();
            let wanted: Vec<_> = date(2020, 1, 1).series(jiff::ToSpan::days(1)).take(3_653).collect();
            assert_eq!(days, wanted, "`{text}` in {name}");
        }
    }
}

#[test]
fn a_day_of_changing_clocks_has_its_quarters() {
    let count = |name: &str, day: jiff::civil::Date| {
        let zone = place(name);
        let begin = |day: jiff::civil::Date| day.to_zoned_datetime(zone.clone()).unwrap().timestamp();
        let second = SignedDuration::from_secs(1);
        line("*/15 * * * *").missed(begin(day) - second, begin(day.tomorrow().unwrap()) - second, &zone)
    };
    assert_eq!(count("Europe/Berlin", date(2027, 10, 31)), 100);
    assert_eq!(count("America/New_York", date(2027, 3, 14)), 92);
    assert_eq!(count("Africa/Cairo", date(2027, 4, 30)), 92);
    assert_eq!(count("Africa/Cairo", date(2027, 10, 28)), 100);
    assert_eq!(count("Australia/Lord_Howe", date(2027, 4, 4)), 98);
    assert_eq!(count("Australia/Lord_Howe", date(2027, 10, 3)), 94);
}
