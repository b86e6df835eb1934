//! The seams for time and chance, and their simulated twins.
//!
//! Whoever needs to know the time, to wait or to draw a number is handed a [`Clock`] or a [`Chance`]. The system's own
//! are read here and nowhere else; the twins stand beside them, so that a test decides what time it is.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// A future in a box, as seams that are used behind `dyn` return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The host's clocks.
pub trait Clock: Send + Sync {
    /// The wall clock: may be wrong, may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed instant: never jumps, says nothing about the date.
    fn monotonic(&self) -> Duration;

    /// Waits for this long.
    fn sleep(&self, length: Duration) -> Pending<'_, ()>;
}

/// Where random bytes come from.
pub trait Chance: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give: whoever needs a salt or an id must then stop.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance>;

    /// A seed for jitter and the like, where any number will do.
    fn seed(&self) -> u64 {
        let mut bytes = [0; 8];
        match self.fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(NoChance) => 0,
        }
    }
}

/// The system has no randomness to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source does not answer")]
pub struct NoChance;

/// The host's own clocks.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the seam; the start of the process is as good an origin as any"
    )]
    fn monotonic(&self) -> Duration {
        static ORIGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        ORIGIN.get_or_init(std::time::Instant::now).elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn sleep(&self, length: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}

/// The system's random source.
#[derive(Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    #[expect(clippy::map_err_ignore, reason = "the operating system's code tells an operator nothing more")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        getrandom::fill(bytes).map_err(|_| NoChance)
    }
}

/// A clock that moves only when it is told to, or when somebody waits on it.
#[derive(Debug)]
pub struct ManualClock {
    hands: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that shows this instant.
    pub fn at(now: Timestamp) -> Self {
        Self { hands: Mutex::new((now, Duration::ZERO)) }
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, length: Duration) {
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        hands.0 = hands.0.saturating_add(length).unwrap_or(Timestamp::MAX);
        hands.1 += length;
    }

    /// Sets the wall clock alone, as an administrator or an attacker would.
    pub fn set(&self, now: Timestamp) {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn sleep(&self, length: Duration) -> Pending<'_, ()> {
        self.advance(length);
        Box::pin(ready(()))
    }
}

/// Chance that repeats itself: the same seed draws the same numbers.
#[derive(Debug)]
pub struct SeededChance {
    draws: Mutex<fastrand::Rng>,
}

impl SeededChance {
    /// Starts from this seed.
    pub fn new(seed: u64) -> Self {
        Self { draws: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
        Ok(())
    }
}
