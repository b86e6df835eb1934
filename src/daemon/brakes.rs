//! What a human can stop an account by: the pause file, and the wish that the process end.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::clock::{Clock, Pending};
use crate::enforce::Brakes;
use crate::files::read_pause;
use crate::model::Pause;

/// A wish to stop: raised once, seen by everybody who holds a copy.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks to stop.
    pub fn raise(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends once it is asked.
    pub async fn raised(&self) {
        // The sender lives as long as this copy, so that waiting never fails.
        drop(self.0.subscribe().wait_for(|raised| *raised).await);
    }
}

/// The brakes of one account.
pub struct FileBrakes {
    /// The account's folder of state, where the pause file lies.
    pub state: PathBuf,
    /// A pause that names no end lasts this long.
    pub expires_after: SignedDuration,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// The wish to stop.
    pub stop: Stop,
}

impl Brakes for FileBrakes {
    fn pause(&self) -> Option<Pause> {
        read_pause(&self.state, self.clock.now(), self.expires_after)
    }

    fn stop(&self) -> bool {
        self.stop.is_raised()
    }

    fn stopping(&self) -> Pending<'_, ()> {
        Box::pin(self.stop.raised())
    }
}
