//! What the service manager is told, and its twin for tests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;

/// Whoever started the daemon and wants to know how it is.
pub trait Herald {
    /// The first credential check was answered.
    fn ready(&self, status: &str);
    /// What it is doing, in one line.
    fn status(&self, status: &str);
    /// It reads its configuration again; [`Herald::ready`] follows.
    fn reloading(&self);
    /// It ends.
    fn stopping(&self);
    /// Its loops pass their seams in time.
    fn alive(&self);
    /// It needs this much longer to become ready.
    fn still_starting(&self, longer: Duration, status: &str);
    /// Within which time a sign of life is wanted, if at all.
    fn watchdog(&self) -> Option<Duration>;
}

/// A service manager that wants signs of life more often than this wants none.
const WATCHDOG_MIN: Duration = Duration::from_millis(50);

/// systemd, if it started the process; else nobody.
#[derive(Debug, Default)]
pub struct Systemd;

impl Systemd {
    fn tell(states: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            tracing::warn!("the service manager cannot be told: {error}");
        }
    }
}

impl Herald for Systemd {
    fn ready(&self, status: &str) {
        Self::tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    fn status(&self, status: &str) {
        Self::tell(&[NotifyState::Status(status)]);
    }

    fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            // systemd wants both in one message.
            Ok(now) => Self::tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!("the monotonic clock cannot be read: {error}"),
        }
    }

    fn stopping(&self) {
        Self::tell(&[NotifyState::Stopping]);
    }

    fn alive(&self) {
        Self::tell(&[NotifyState::Watchdog]);
    }

    fn still_starting(&self, longer: Duration, status: &str) {
        let micros = u32::try_from(longer.as_micros()).unwrap_or(u32::MAX);
        Self::tell(&[NotifyState::ExtendTimeoutUsec(micros), NotifyState::Status(status)]);
    }

    fn watchdog(&self) -> Option<Duration> {
        sd_notify::watchdog_enabled().filter(|every| *every >= WATCHDOG_MIN)
    }
}

/// Remembers what it was told.
#[derive(Debug, Default)]
pub struct RecordingHerald {
    told: Mutex<Vec<String>>,
    watchdog: Option<Duration>,
}

impl RecordingHerald {
    /// One that wants a sign of life within this time.
    pub fn with_watchdog(watchdog: Duration) -> Self {
        Self { told: Mutex::default(), watchdog: Some(watchdog) }
    }

    /// Everything so far, a line each: the word, and the status if there is one.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, line: String) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Herald for RecordingHerald {
    fn ready(&self, status: &str) {
        self.note(format!("ready {status}"));
    }

    fn status(&self, status: &str) {
        self.note(format!("status {status}"));
    }

    fn reloading(&self) {
        self.note("reloading".to_owned());
    }

    fn stopping(&self) {
        self.note("stopping".to_owned());
    }

    fn alive(&self) {
        self.note("alive".to_owned());
    }

    fn still_starting(&self, _: Duration, status: &str) {
        self.note(format!("starting {status}"));
    }

    fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }
}
