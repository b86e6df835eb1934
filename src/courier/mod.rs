//! Carries alerts to where the operator wants them: at least once each, beside all other work and never before it.
//!
//! What is an alert is decided in `alert`. What was delivered stands in a file for each account and channel; whoever
//! begins anew goes on from there. Nothing here is waited for by a cycle, and all that waits lies in the trail, not in memory.

mod cursor;
mod heartbeat;
mod mail;
mod route;
mod tail;
#[cfg(test)]
mod tests;
mod wary;
mod web;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Notify;

pub use cursor::{ChannelKind, Cursor};
pub use heartbeat::Heartbeat;
pub use mail::{Mail, Passed};
pub use route::{Backlog, Route};
pub use tail::Tail;
pub use web::{Beat, Webhook};

use crate::alert::Alert;
use crate::clock::Pending;

/// Where alerts are carried to.
pub trait Channel: Send + Sync {
    /// Sends one; the error says in plain words why it was not taken, without the address.
    fn send<'a>(&'a self, alert: &'a Alert) -> Pending<'a, Result<(), String>>;
}

/// Whoever outside is told that every account was seen.
pub trait Witness: Send + Sync {
    /// Tells it once; the error says why it was not taken.
    fn tell(&self) -> Pending<'_, Result<(), String>>;
}

/// Everything that is to be carried.
#[derive(Default)]
pub struct Errands {
    /// One for each account and channel.
    pub routes: Vec<Route>,
    /// What is told after each complete sweep of every account.
    pub heartbeat: Option<Heartbeat>,
}

impl Errands {
    async fn run(self) {
        let mut errands: Vec<Pending<'_, ()>> = self.routes.into_iter().map(|route| route.run().boxed()).collect();
        errands.extend(self.heartbeat.map(|heartbeat| heartbeat.run().boxed()));
        join_all(errands).await;
    }
}

/// Where whoever reads the configuration leaves what is to be carried from now on.
#[derive(Clone, Default)]
pub struct Tray(Arc<(Mutex<Option<Errands>>, Notify)>);

impl Tray {
    /// Replaces what is carried. What was on its way is sent again.
    pub fn put(&self, errands: Errands) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(errands);
        self.0.1.notify_one();
    }

    fn take(&self) -> Option<Errands> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Carries whatever lies in the tray, for ever. It belongs on a thread of its own: what a channel's far end does with its
/// answers must hold up nothing else.
pub async fn carry(tray: &Tray) {
    let mut carried: Pending<'_, ()> = Box::pin(std::future::pending());
    loop {
        // To be called without anything new changes nothing: the first call often comes before anybody listens.
        if let Some(errands) = tray.take() {
            carried = Box::pin(errands.run().then(|()| std::future::pending()));
        }
        tokio::select! {
            () = tray.0.1.notified() => {}
            () = &mut carried => {}
        }
    }
}
