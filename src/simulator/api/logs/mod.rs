//! The three logs: listed by time, in either order, as filters ask, once their rows show.
//!
//! What each row looks like is in the file of its log; pages are cut as everywhere else.

mod accesses;
mod audits;
mod sign_ins;
mod ulid;

use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};

use super::super::account::Span;
use super::super::call::{Call, Reply};
use super::super::world::Logs;
use super::page::Rows;
pub(in crate::simulator) use accesses::in_own_words;

/// Bits of a row's key that its position in the log takes; the rest is its time.
const POSITION_BITS: u32 = 22;

/// A row at its position in its log, and the time that is told of it.
type Shown<'a, R> = (usize, Timestamp, &'a R);

/// In which order rows are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

/// A row's place among the rows of its log: by time, then by position.
fn key(at: Timestamp, position: usize) -> u64 {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    (millis << POSITION_BITS) | (u64::try_from(position).unwrap_or(0) & ((1 << POSITION_BITS) - 1))
}

/// The rows of a log that can be read by now; `when` says what a row's time and lateness are.
fn shown<'a, R>(
    (logs, rows): (&Logs, &'a [R]),
    now: Timestamp,
    when: impl Fn(&R) -> (Timestamp, SignedDuration),
) -> impl Iterator<Item = Shown<'a, R>> {
    let rows = rows.iter().enumerate().map(move |(position, row)| (position, when(row), row));
    rows.filter(move |(position, when, _)| logs.is_visible(*position, *when, now))
        .map(|(position, (at, _), row)| (position, logs.told(at), row))
}

/// The rows in this order, under keys that ascend in it.
fn ordered<'a, R>(rows: impl Iterator<Item = Shown<'a, R>>, order: Order) -> Vec<(u64, Shown<'a, R>)> {
    let turned = |key: u64| if order == Order::NewestFirst { !key } else { key };
    let mut rows: Vec<_> = rows.map(|(position, at, row)| (turned(key(at, position)), (position, at, row))).collect();
    rows.sort_by_key(|(key, _)| *key);
    rows
}

/// Those with keys in this span.
fn within<T: Copy>(rows: &[(u64, T)], (from, to): Span) -> Rows<'_, T> {
    let begin = match from {
        Bound::Included(key) => rows.partition_point(|row| row.0 < key),
        Bound::Excluded(key) => rows.partition_point(|row| row.0 <= key),
        Bound::Unbounded => 0,
    };
    let end = match to {
        Bound::Included(key) => rows.partition_point(|row| row.0 <= key),
        Bound::Excluded(key) => rows.partition_point(|row| row.0 < key),
        Bound::Unbounded => rows.len(),
    };
    Box::new(rows.get(begin..end).unwrap_or_default().iter().copied())
}

/// All values of a filter: `filter[name]`, or `filter[name][]` repeated.
fn asked(call: &Call, name: &str) -> Vec<String> {
    let (one, many) = (format!("filter[{name}]"), format!("filter[{name}][]"));
    call.pairs().filter(|(key, _)| *key == one || *key == many).map(|(_, value)| value).collect()
}

/// Whether a filter lets a value through; one that was not asked for lets all.
fn lets(asked: &[String], value: &str) -> bool {
    asked.is_empty() || asked.iter().any(|one| one == value)
}

/// An instant of a filter.
fn instant_of(text: &str, name: &str) -> Result<Timestamp, Reply> {
    let told = text.parse().ok();
    told.ok_or_else(|| Reply::fault(400, "InvalidValue", &format!("filter[{name}] must be a UTC time")))
}
