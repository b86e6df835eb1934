//! Signs of life: an account's loop is alive while it passes its seams in time. The watchdog is fed from this and from
//! nothing that runs by itself.
//!
//! Every wait has a known end and every request a longest time. Whoever goes through a watched clock or transport says
//! by that when the next sign is due; a loop that hangs between two of them falls behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, Pending};
use crate::model::AccountName;
use crate::zendesk::{Lost, Request, Response, Transport};

/// What lies between two seams is computing and writing: a minute is far more than it takes.
const GRACE: Duration = Duration::from_mins(1);

/// A request is given up after 30 seconds by the transport itself.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// How a client of Zendesk reaches it, and how it waits.
pub type Ways = (Arc<dyn Transport>, Arc<dyn Clock>);

/// One account's signs of life.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When the next sign is due at the latest: milliseconds on the monotonic clock; 0 if none is.
    due: AtomicU64,
    /// When each request on its way is due: one that hangs is not made up for by others that come and go beside it.
    on_way: Mutex<BTreeMap<u64, Duration>>,
    /// Requests so far.
    sent: AtomicU64,
}

impl Pulse {
    /// The next sign comes before this much time has passed, give or take what lies between.
    fn expect_within(&self, now: Duration, wait: Duration) {
        let due = now.saturating_add(wait).saturating_add(GRACE).as_millis();
        self.due.store(u64::try_from(due).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A transport and a clock whose requests and waits are signs of this life: whatever a loop waits by must be these.
    pub fn dress(self: &Arc<Self>, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Ways {
        let watched = WatchedClock { clock: Arc::clone(&clock), pulse: Arc::clone(self) };
        (Arc::new(WatchedTransport { transport, clock, pulse: Arc::clone(self) }), Arc::new(watched))
    }

    /// No sign is due any more: the loop has ended.
    pub fn rest(&self) {
        self.due.store(0, Ordering::Relaxed);
    }

    /// Whether a sign that was due did not come.
    pub fn is_late(&self, now: Duration) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        due != 0 && (now.as_millis() > u128::from(due) || self.requests().values().any(|due| *due < now))
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<u64, Duration>> {
        self.on_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request leaves now.
    fn send(self: &Arc<Self>, now: Duration) -> OnWay {
        self.expect_within(now, REQUEST_TIME_MAX);
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        self.requests().insert(number, now.saturating_add(REQUEST_TIME_MAX).saturating_add(GRACE));
        OnWay { pulse: Arc::clone(self), number }
    }
}

/// A request on its way, for as long as this lives.
struct OnWay {
    pulse: Arc<Pulse>,
    number: u64,
}

impl Drop for OnWay {
    fn drop(&mut self) {
        self.pulse.requests().remove(&self.number);
    }
}

/// The pulses of all accounts.
#[derive(Debug, Default)]
pub struct Pulses(Mutex<BTreeMap<AccountName, Arc<Pulse>>>);

impl Pulses {
    /// The pulse of this account.
    pub fn of(&self, account: &AccountName) -> Arc<Pulse> {
        let mut pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pulses.entry(account.clone()).or_default())
    }

    /// Accounts whose sign did not come in time.
    pub fn late(&self, now: Duration) -> Vec<AccountName> {
        let pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.iter().filter(|(_, pulse)| pulse.is_late(now)).map(|(account, _)| account.clone()).collect()
    }
}

/// A clock whose waits are signs of life.
pub struct WatchedClock {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Whose waits they are.
    pub pulse: Arc<Pulse>,
}

impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, length: Duration) -> Pending<'_, ()> {
        self.pulse.expect_within(self.clock.monotonic(), length);
        self.clock.sleep(length)
    }
}

/// A transport whose requests are signs of life.
pub struct WatchedTransport {
    /// The transport.
    pub transport: Arc<dyn Transport>,
    /// Tells when a request left.
    pub clock: Arc<dyn Clock>,
    /// Whose requests they are.
    pub pulse: Arc<Pulse>,
}

impl Transport for WatchedTransport {
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>> {
        let on_way = self.pulse.send(self.clock.monotonic());
        let sent = self.transport.send(request);
        Box::pin(async move {
            let answer = sent.await;
            drop(on_way);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_loop_is_late_only_after_its_wait_and_the_grace() {
        let manual = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let (pulses, account) = (Pulses::default(), AccountName::new("acme"));
        let clock = WatchedClock { clock: manual.clone(), pulse: pulses.of(&account) };
        assert!(pulses.late(Duration::from_hours(1)).is_empty(), "nothing is expected of a loop that has not begun");
        let began = manual.monotonic();
        drop(clock.sleep(Duration::from_mins(5)));
        assert!(pulses.late(began + Duration::from_mins(6)).is_empty());
        assert_eq!(
            pulses.late(began + Duration::from_mins(6) + Duration::from_millis(1)),
            std::slice::from_ref(&account)
        );
        let (hanging, mut later) = (pulses.of(&account).send(began), began);
        for _ in 0..30 {
            later += Duration::from_secs(10);
            drop(pulses.of(&account).send(later));
        }
        assert_eq!(pulses.late(later), std::slice::from_ref(&account), "others that come and go make up for none");
        drop(hanging);
        assert!(pulses.late(later).is_empty());
        pulses.of(&account).rest();
        assert!(pulses.late(Duration::from_hours(9)).is_empty());
    }
}
