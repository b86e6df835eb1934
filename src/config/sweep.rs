//! When an account's sweeps come: a crontab line or an even interval, and the zone whose clocks the line means.

use std::ops::Range;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::calendar::{self, Schedule};
use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::document::{Item, Kind, Table};

const DEFAULT: &str = "*/5 * * * *";
const EVERY_MIN: SignedDuration = SignedDuration::from_secs(30);
const EVERY_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Reads `sweep`; what is not written has its default.
pub(super) fn sweep(account: &mut Table<'_>, findings: &mut Findings) -> Schedule {
    let written = account.optional("sweep").and_then(|item| schedule(&item, findings));
    // One that cannot be read is an error, so that what stands here in its place is never used.
    written.or_else(|| Schedule::crontab(DEFAULT).ok()).unwrap_or(Schedule::every(EVERY_MAX))
}

/// Reads `time-zone`; UTC if it is not written.
pub(super) fn time_zone(account: &mut Table<'_>, findings: &mut Findings) -> TimeZone {
    let Some(item) = account.optional("time-zone") else { return TimeZone::UTC };
    let Some(name) = item.text(findings) else { return TimeZone::UTC };
    calendar::zone(name).unwrap_or_else(|unknown| {
        findings.push(item.fault(Code::UnknownTimeZone, unknown.to_string()).help(unknown.help()));
        TimeZone::UTC
    })
}

fn schedule(item: &Item<'_>, findings: &mut Findings) -> Option<Schedule> {
    match item.kind() {
        Kind::Text => crontab(item, findings),
        Kind::Table => every(item, findings),
        _ => {
            item.wrong("a crontab line or a table such as `{ every = \"90s\" }`", findings);
            None
        }
    }
}

fn crontab(item: &Item<'_>, findings: &mut Findings) -> Option<Schedule> {
    let text = item.text(findings)?;
    match Schedule::crontab(text) {
        Ok(schedule) => Some(schedule),
        Err(bad) => {
            let place = place_within(item, text, bad.at());
            let fault = Diagnostic::new(Code::BadSchedule, bad.to_string()).at(item.source(), place, "");
            findings.push(fault.help(bad.help()));
            None
        }
    }
}

/// A part of the text as a place in the file, if the text stands there letter by letter; else the whole value.
fn place_within(item: &Item<'_>, text: &str, part: Range<usize>) -> Range<usize> {
    let whole = item.span();
    let written = item.source().text.get(whole.clone()).unwrap_or_default();
    let is_plain = ['"', '\''].iter().any(|quote| written == format!("{quote}{text}{quote}"));
    let begin = whole.start + 1;
    if is_plain && !part.is_empty() { begin + part.start..begin + part.end } else { whole }
}

fn every(item: &Item<'_>, findings: &mut Findings) -> Option<Schedule> {
    let mut table = item.table(findings)?;
    let length = table.required("every", findings);
    let length = length.and_then(|item| item.duration_in(EVERY_MIN..=EVERY_MAX, findings));
    table.finish(findings);
    length.map(Schedule::every)
}
