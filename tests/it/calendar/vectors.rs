//! `tests/schedules/crontab.txt`: on each line an expression, a zone, an instant and the firings that follow it.

use jiff::Timestamp;

use super::{line, place};
use crate::program::Room;

const VECTORS: &str = include_str!("../../schedules/crontab.txt");

struct Vector {
    line: &'static str,
    zone: &'static str,
    from: &'static str,
    next: Vec<&'static str>,
}

fn vectors() -> Vec<Vector> {
    let lines = VECTORS.lines().filter(|text| !text.is_empty() && !text.starts_with('#'));
    lines
        .map(|text| {
            let [line, zone, from, next] = text.split(" | ").collect::<Vec<_>>().try_into().unwrap();
            Vector { line, zone, from, next: next.split(' ').collect() }
        })
        .collect()
}

#[test]
fn lines_fire_when_the_vectors_say() {
    let vectors = vectors();
    assert!(vectors.len() >= 60);
    for Vector { line: text, zone, from, next } in vectors {
        let (schedule, zone) = (line(text), place(zone));
        let from: Timestamp = from.parse().unwrap();
        let all = std::iter::successors(schedule.next_after(from, &zone), |last| schedule.next_after(*last, &zone));
        let fired: Vec<_> = all.take(next.len()).map(|instant| instant.to_string()).collect();
        assert_eq!(fired, next, "`{text}` from {from}");
    }
}

#[test]
fn the_command_prints_what_the_schedule_says() {
    let room = Room::new();
    for Vector { line, zone, from, next } in vectors().iter().filter(|vector| vector.zone != "UTC").step_by(6) {
        let count = next.len().to_string();
        let arguments = ["schedule", "next", line, "--from", from, "--zone", zone, "-n", &count];
        let ran = room.run(&[&arguments[..], &["--format", "json"]].concat()).says(0, &[]);
        assert_eq!(ran.stdout, format!("{{\"next\":[\"{}\"]}}\n", next.join("\",\"")));
        let shown = room.run(&arguments).says(0, next).stdout;
        assert_eq!(shown.lines().count(), next.len());
    }
    let arguments =
        ["schedule", "next", "30 2 * * *", "--from", "2027-03-27T12:00:00+01:00", "--zone", "europe/berlin"];
    let ran = room.run(&arguments).says(0, &["Sun 2027-03-28 03:00:00 +02:00  2027-03-28T01:00:00Z\n"]);
    assert_eq!(ran.stdout.lines().count(), 5);
}

#[test]
fn the_command_says_what_is_wrong() {
    let room = Room::new();
    let next = |arguments: &[&str]| room.run(&[&["schedule", "next"], arguments].concat());
    next(&["* 24 * * *"])
        .says(64, &["bad-schedule", "EXPR:1:3", "between 0 and 23, not `24`", "the hour takes 0 to 23"]);
    next(&["* * * *", "--format", "json"]).says(64, &["five fields, this has 4"]);
    next(&["0 0 31 2 *"]).says(64, &["can never fire", "EXPR:1:5"]);
    next(&["@reboot"]).says(64, &["`@reboot` names no time that comes again"]);
    next(&["\u{1b}[2J * * * *"]).says(64, &["the minute cannot be"]);
    next(&["* * * * *", "-n", "0"]).says(64, &["0 is not in 1..=10000"]);
    next(&["* * * * *", "-n", "10001"]).says(64, &["10001 is not in 1..=10000"]);
    next(&["* * * * *", "--zone", "Europe/Berlni"]).says(64, &["not a time zone", "did you mean `Europe/Berlin`?"]);
    next(&["* * * * *", "--from", "2027-01-31"]).says(64, &["write an instant with its offset"]);
    next(&["*", "*", "*", "*", "*"]).says(64, &["unexpected argument"]);
    next(&[]).says(64, &["EXPR"]);
    assert_eq!(next(&["* * * * *", "-n", "10000"]).says(0, &[]).stdout.lines().count(), 10_000);
}
