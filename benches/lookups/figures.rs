//! Figures: how they are taken and how they are printed.

use std::fmt::Display;
use std::time::Duration;

use evictd::clock::{Clock as _, SystemClock};

/// So many runs, of which the least counts.
pub const RUNS: usize = 9;

pub const MIB: f64 = 1_048_576.0;

/// A heading, and lines of a name, a figure and what stands beside it.
pub struct Table(String);

impl Table {
    pub fn new(heading: &str) -> Self {
        Self(heading.to_owned())
    }

    pub fn line(&mut self, name: &str, figure: impl Display, beside: &str) {
        self.0 += format!("\n  {name:<44} {figure:>12}   {beside}").trim_end();
    }

    pub fn text(self) -> String {
        self.0
    }
}

/// The least time of several runs.
pub fn best(mut work: impl FnMut() -> usize) -> Duration {
    let [best] = beside([&mut work]);
    best
}

/// The least time of several runs of each, in turn: a machine that is slow for a while favours none.
pub fn beside<const N: usize>(mut works: [&mut dyn FnMut() -> usize; N]) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..RUNS {
        for (work, best) in works.iter_mut().zip(&mut best) {
            let began = SystemClock.monotonic();
            std::hint::black_box(work());
            *best = SystemClock.monotonic().saturating_sub(began).min(*best);
        }
    }
    best
}

/// A time for each of so many.
#[expect(clippy::cast_precision_loss, reason = "millions fit")]
pub fn each(time: Duration, number: usize) -> f64 {
    time.as_secs_f64() / number as f64
}

pub fn nanos(seconds: f64) -> String {
    format!("{:.0} ns", seconds * 1e9)
}

pub fn micros(seconds: f64) -> String {
    format!("{:.3} us", seconds * 1e6)
}

pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// How many times the other.
pub fn times(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
