//! What is refused, where it points and what it says; intervals, counts, ends of the calendar, and names of zones. What
//! lines mean is tested against `tests/schedules` and a naive reading of the documentation.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn line(text: &str) -> Schedule {
    Schedule::crontab(text).unwrap_or_else(|bad| panic!("{text}: {bad}"))
}

/// The message, and the part of the text it points at.
fn check(text: &str, part: &str, message: &str) {
    let bad = Schedule::crontab(text).unwrap_err();
    assert_eq!((bad.to_string().as_str(), text.get(bad.at()).unwrap()), (message, part), "{text}");
    assert!(!bad.help().is_empty());
}

#[test]
fn lines_with_other_than_five_fields_are_refused() {
    check("", "", "a crontab line has five fields, this has 0");
    check(" \t ", "", "a crontab line has five fields, this has 0");
    check("* * * *", "* * * *", "a crontab line has five fields, this has 4");
    check("0 */5 * * * * ", "*", "a crontab line has five fields, this has 6");
    check("0 0 * * * 2027 x", "2027 x", "a crontab line has five fields, this has 7");
    check("5 4 * * * /bin/sync", "/bin/sync", "a crontab line has five fields, this has 6");
}

#[test]
fn words_that_name_no_rhythm_are_refused() {
    check(" @reboot", "@reboot", "`@reboot` names no time that comes again");
    check("@fortnightly", "@fortnightly", "`@fortnightly` is not a schedule");
    check("@daily 5", "@daily 5", "`@daily 5` is not a schedule");
    check("daily", "daily", "a crontab line has five fields, this has 1");
}

#[test]
fn numbers_outside_of_their_field_are_refused() {
    check("60 * * * *", "60", "the minute must lie between 0 and 59, not `60`");
    check("* 24 * * *", "24", "the hour must lie between 0 and 23, not `24`");
    check("* * 0 * *", "0", "the day of the month must lie between 1 and 31, not `0`");
    check("* * 1-32/2 * *", "32", "the day of the month must lie between 1 and 31, not `32`");
    check("* * * 0 *", "0", "the month must lie between 1 and 12, not `0`");
    check("* * * 1,13 *", "13", "the month must lie between 1 and 12, not `13`");
    check("* * * * 8", "8", "the day of the week must lie between 0 and 7, not `8`");
    let long = "9".repeat(30);
    check(&format!("{long} * * * *"), &long, &format!("the minute must lie between 0 and 59, not `{long}`"));
}

#[test]
fn steps_are_whole_numbers_from_one_on() {
    for (text, step) in [("*/0", "0"), ("*/", ""), ("1-9/x", "x"), ("*/-5", "-5"), ("*/5/5", "5/5"), ("*/1.5", "1.5")] {
        let message = format!("the step of the minute must be a whole number from 1 on, not `{step}`");
        check(&format!("{text} * * * *"), step, &message);
    }
    assert_eq!(line("*/4000000000 * * * *").interval(at("2027-02-03T00:00:00Z"), &TimeZone::UTC).as_secs(), 3_600);
}

#[test]
fn what_crontab_does_not_know_is_refused_where_it_stands() {
    let value = |text: &str, part: &str, field: &str| check(text, part, &format!("the {field} cannot be `{part}`"));
    value("x * * * *", "x", "minute");
    value("-5 * * * *", "-5", "minute");
    value("5- * * * *", "5-", "minute");
    value("1-2-3 * * * *", "1-2-3", "minute");
    value("+5 * * * *", "+5", "minute");
    value("** * * * *", "**", "minute");
    value("*-5 * * * *", "*-5", "minute");
    value("? * * * *", "?", "minute");
    value("H * * * *", "H", "minute");
    value("* MON * * *", "MON", "hour");
    value("* L * * *", "L", "hour");
    value("* * 15W * *", "15W", "day of the month");
    value("* * 1,L-3 * *", "L-3", "day of the month");
    value("* * LW * *", "LW", "day of the month");
    value("* * L/2 * *", "L/2", "day of the month");
    value("* * ?/2 * *", "?/2", "day of the month");
    value("* * ?,5 * *", "?", "day of the month");
    value("* * * sunday *", "sunday", "month");
    value("* * * * L", "L", "day of the week");
    value("* * * * 5L", "5L", "day of the week");
    value("* * * * MON#2", "MON#2", "day of the week");
    value("* * * * MON,TUES", "TUES", "day of the week");
    value("* * * * é", "é", "day of the week");
    check("* * * * *\n", "*\n", r"the day of the week cannot be `*\u{a}`");
    check("1,,2 * * * *", "1,,2", "the list of the minute has an empty place");
    check("* * * JAN, *", "JAN,", "the list of the month has an empty place");
}

#[test]
fn lines_that_can_never_fire_are_refused() {
    let message = "the line can never fire: none of its months has such a day";
    check("0 0 30 2 *", "30 2", message);
    check("0 0 31 FEB,4,6,9,NOV *", "31 FEB,4,6,9,NOV", message);
    check("0 0 30,31 2 ?", "30,31 2", message);
    for fires in ["0 0 29 2 *", "0 0 31 2 MON", "0 0 31,L 2 *", "0 0 31 2,3 *"] {
        line(fires);
    }
}

#[test]
fn intervals_keep_their_rhythm_whenever_they_begin() {
    let every = Schedule::every(SignedDuration::from_secs(90));
    let next = |after: &str| every.next_after(at(after), &TimeZone::UTC).unwrap().to_string();
    assert_eq!(next("1970-01-01T00:00:00Z"), "1970-01-01T00:01:30Z");
    assert_eq!(next("1970-01-01T00:01:29.999Z"), "1970-01-01T00:01:30Z");
    assert_eq!(next("1969-12-31T23:59:59Z"), "1970-01-01T00:00:00Z");
    assert_eq!(next("2027-02-03T10:00:10Z"), "2027-02-03T10:01:30Z");
    let zone = zone("Europe/Berlin").unwrap();
    assert_eq!(every.interval(at("2027-03-28T00:59:00Z"), &zone), SignedDuration::from_secs(90));
    assert_eq!(every.missed(at("2027-02-03T10:00:00Z"), at("2027-02-03T10:03:00Z"), &zone), 2);
    assert_eq!(every.missed(at("2027-02-03T10:03:00Z"), at("2027-02-03T10:00:00Z"), &zone), 0);
    assert_eq!(every.missed(Timestamp::UNIX_EPOCH, at("2027-01-01T00:00:00Z"), &zone), 19_986_240);
    let none = Schedule::every(SignedDuration::ZERO);
    assert_eq!(none.interval(Timestamp::UNIX_EPOCH, &zone), SignedDuration::from_secs(1));
}

#[test]
fn missed_firings_are_counted_up_to_a_limit() {
    let (quarters, zone) = (line("*/15 * * * *"), zone("Europe/Berlin").unwrap());
    let missed = |after: &str, until: &str| quarters.missed(at(after), at(until), &zone);
    assert_eq!(missed("2027-02-03T10:00:00Z", "2027-02-03T10:14:59Z"), 0);
    assert_eq!(missed("2027-02-03T10:00:00Z", "2027-02-03T10:15:00Z"), 1);
    assert_eq!(missed("2027-02-03T10:15:00Z", "2027-02-03T10:00:00Z"), 0);
    assert_eq!(missed("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"), 92);
    assert_eq!(missed("2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"), 100);
    assert_eq!(missed("2017-02-03T10:00:00Z", "2027-02-03T10:15:00Z"), MISSED_COUNTED_MAX);
}

#[test]
fn intervals_of_lines_are_those_of_the_next_two_firings() {
    let zone = zone("Europe/Berlin").unwrap();
    let hours = |text: &str, around: &str| line(text).interval(at(around), &zone).as_hours();
    assert_eq!(hours("0 12 * * *", "2027-02-03T00:00:00Z"), 24);
    assert_eq!(hours("0 12 * * *", "2027-03-27T00:00:00Z"), 23);
    assert_eq!(hours("0 12 * * *", "2027-10-30T00:00:00Z"), 25);
    assert_eq!(hours("0 12 * * *", "9999-12-29T12:00:00Z"), 0);
}

#[test]
fn the_calendar_reaches_from_end_to_end() {
    let next = |text: &str, after: &str| line(text).next_after(at(after), &TimeZone::UTC).map(|next| next.to_string());
    let said = |text: &str, after: &str, wanted: &str| assert_eq!(next(text, after).as_deref(), Some(wanted), "{text}");
    said("0 0 * * *", "2099-12-31T12:00:00Z", "2100-01-01T00:00:00Z");
    said("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z");
    said("0 0 L 2 *", "2100-01-01T00:00:00Z", "2100-02-28T00:00:00Z");
    said("0 0 L 2 *", "2400-01-01T00:00:00Z", "2400-02-29T00:00:00Z");
    said("0 0 * * MON", "2345-06-07T00:00:00Z", "2345-06-11T00:00:00Z");
    said("30 6 * * *", "1969-07-20T20:17:00Z", "1969-07-21T06:30:00Z");
    said("0 0 29 2 *", "-000401-03-01T00:00:00Z", "-000400-02-29T00:00:00Z");
    said("* * * * *", "9999-12-30T21:58:59Z", "9999-12-30T21:59:00Z");
    assert_eq!(line("0 0 1 1 *").next_after(Timestamp::MAX, &TimeZone::UTC), None);
    assert_eq!(Schedule::every(SignedDuration::from_hours(1)).next_after(Timestamp::MAX, &TimeZone::UTC), None);
    assert!(line("* * * * *").next_after(Timestamp::MIN, &zone("Europe/Berlin").unwrap()).is_some());
}

#[test]
fn schedules_show_as_written() {
    assert_eq!(line(" */5  * * *\tsun").to_string(), " */5  * * *\tsun");
    let shown = |seconds| Schedule::every(SignedDuration::from_secs(seconds)).to_string();
    assert_eq!(["every 90s", "every 5m", "every 24h", "every 90m"], [90, 300, 86_400, 5_400].map(shown).as_slice());
    assert_eq!(line("@daily"), line("@daily"));
    assert_ne!(line("0 0 * * *"), line("0 1 * * *"));
}

#[test]
fn zones_are_names_of_places() {
    let named = |name: &str| zone(name).unwrap().iana_name().map(str::to_owned);
    assert_eq!(named("Europe/Berlin").as_deref(), Some("Europe/Berlin"));
    assert_eq!(named("america/new_york").as_deref(), Some("America/New_York"));
    assert_eq!(named("UTC").as_deref(), Some("UTC"));
    for (name, nearest) in [
        ("Berlin", Some("Europe/Berlin")),
        ("Europe/Berlni", Some("Europe/Berlin")),
        ("New York", Some("America/New_York")),
        ("+02:00", None),
        ("", None),
        ("localtime", None),
        ("Etc/Unknown", None),
        ("../../etc/passwd", None),
    ] {
        let unknown = zone(name).unwrap_err();
        assert_eq!(unknown.nearest.as_deref(), nearest, "{name}");
        assert!(!unknown.help().is_empty());
    }
    assert_eq!(zone("Berlin").unwrap_err().to_string(), "`Berlin` is not a time zone");
}
