//! Where an account's loop takes its orders and says how far it is: the only thing that the daemon and a lane share.

use std::cell::{Cell, RefCell};

use tokio::sync::Notify;

use super::brakes::Stop;
use super::setup::{Rejected, Setup};

/// What a lane is told from outside.
#[derive(Default)]
pub(super) struct Desk {
    orders: RefCell<Vec<Order>>,
    woken: Notify,
    /// The wish that it end.
    pub(super) stop: Stop,
    start: Cell<Start>,
}

pub(super) enum Order {
    /// This is in force from now on.
    TakeOver(Box<Setup>),
    /// This was to be in force, and cannot.
    Reject(Rejected),
}

/// Whether the account has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// Zendesk did not answer yet.
    #[default]
    Open,
    /// It holds its post, and Zendesk accepted its credential.
    Done,
    /// It cannot begin: another process holds the account.
    Locked,
    /// It cannot begin: its trail or its folders cannot be used.
    Unwritable,
    /// It cannot begin: Zendesk refused.
    Refused,
}

impl Desk {
    /// From the next pause on this is in force.
    pub(super) fn take_over(&self, setup: Setup) {
        self.order(Order::TakeOver(Box::new(setup)));
    }

    /// Something was to come into force and cannot.
    pub(super) fn reject(&self, rejected: Rejected) {
        self.order(Order::Reject(rejected));
    }

    /// The clock was set: look at it again.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Whether the account has begun.
    pub(super) fn start(&self) -> Start {
        self.start.get()
    }

    /// The account has begun, or cannot.
    pub(super) fn settle(&self, start: Start) {
        self.start.set(start);
    }

    /// Ends once there is something to look at.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// The orders since it was asked last, oldest first.
    pub(super) fn orders(&self) -> Vec<Order> {
        std::mem::take(&mut *self.orders.borrow_mut())
    }

    fn order(&self, order: Order) {
        self.orders.borrow_mut().push(order);
        self.woken.notify_one();
    }
}
