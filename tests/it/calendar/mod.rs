//! What crontab lines mean: vectors, a second and naive reading of the documentation, and laws over ten years of clock
//! changes.

mod naive;
mod rhythm;
mod vectors;

use evictd::calendar::{Schedule, zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Berlin and New York change at night by an hour, Cairo at midnight, Lord Howe by half an hour.
const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"];

fn line(text: &str) -> Schedule {
    Schedule::crontab(text).unwrap_or_else(|bad| panic!("`{text}`: {bad}"))
}

fn place(name: &str) -> TimeZone {
    zone(name).unwrap()
}

/// The firings after one instant and up to another.
fn firings<'a>(
    schedule: &'a Schedule,
    zone: &'a TimeZone,
    after: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = Timestamp> + 'a {
    let first = schedule.next_after(after, zone);
    std::iter::successors(first, move |last| schedule.next_after(*last, zone)).take_while(move |next| *next <= until)
}
