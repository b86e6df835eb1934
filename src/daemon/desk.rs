//! Where an account's loop takes its orders and says how far it is: the only thing that the daemon and a lane share.
//!
//! What only looks is answered here, and a pause is in force from here on, whatever the loop is busy with.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use tokio::sync::Notify;

use super::brakes::Stop;
use super::setup::{Rejected, Setup};
use crate::control::{Answer, Call, Caller, Command, Refusal, Reply, hold, holds, pause_at_once};
use crate::files::Disk;
use crate::model::AccountName;

/// So many commands wait for a lane at most.
const ERRANDS_MAX: usize = 64;

/// So many read the trail at once at most.
const READERS_MAX: usize = 2;

/// What is read for somebody who asks.
pub(super) type Reading = Box<dyn FnOnce() -> Result<Answer, Refusal> + Send>;

/// What a lane is told from outside.
#[derive(Default)]
pub(super) struct Desk {
    orders: RefCell<Vec<Order>>,
    woken: Notify,
    /// The wish that it end.
    pub(super) stop: Stop,
    start: Cell<Start>,
    pub(super) sight: RefCell<Sight>,
    /// As many copies as read the trail now, for short and for long.
    readers: (Arc<()>, Arc<()>),
}

/// What can be seen of an account without its loop.
#[derive(Default)]
pub(super) struct Sight {
    /// Its name.
    pub(super) account: Option<AccountName>,
    /// Its folder of state.
    pub(super) state: PathBuf,
    /// Its folder of the trail.
    pub(super) records: PathBuf,
    /// How it stood last.
    pub(super) status: Value,
}

/// A command of a human, on its way to the loop.
pub(super) struct Errand {
    pub(super) command: Command,
    pub(super) caller: Caller,
    /// When it was commanded.
    pub(super) asked: Timestamp,
    /// Who waits for the answer; nobody if it was given already.
    pub(super) reply: Option<Reply>,
}

pub(super) enum Order {
    /// This is in force from now on.
    TakeOver(Box<Setup>),
    /// This was to be in force, and cannot.
    Reject(Rejected),
    /// A human commands this.
    Obey(Box<Errand>),
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
        let mut orders = self.orders.borrow_mut();
        // One that was never in force is no predecessor, since this was judged against what is: this comes in its place, so
        // that what was commanded after that does not overtake it. What was rejected meanwhile is told before.
        let place = orders.iter().position(|order| matches!(order, Order::TakeOver(_))).unwrap_or(orders.len());
        let (rejected, commanded): (Vec<Order>, Vec<Order>) = orders
            .split_off(place)
            .into_iter()
            .filter(|order| !matches!(order, Order::TakeOver(_)))
            .partition(|order| matches!(order, Order::Reject(_)));
        orders.extend(rejected);
        orders.push(Order::TakeOver(Box::new(setup)));
        orders.extend(commanded);
        self.woken.notify_one();
    }

    /// Something was to come into force and cannot.
    pub(super) fn reject(&self, rejected: Rejected) {
        self.order(Order::Reject(rejected));
    }

    /// Takes a call in: answers what only looks, and hands on what is to be done.
    pub(super) fn call(&self, call: Call, now: Timestamp) {
        let Call { caller, request, reply } = call;
        let command = request.command;
        if let (Ok(()), Some(reading)) = (caller.must_be_allowed(&command), self.reading(&command, now)) {
            return self.apart(reply, reading, false);
        }
        let done = caller.must_be_allowed(&command).and_then(|()| self.at_once(&command, &caller, now));
        let is_pause = matches!(command, Command::Pause { .. });
        match done {
            Ok(Some(answer)) => {
                // A caller that has gone needs none.
                drop(reply.send(Ok(answer)));
                if is_pause {
                    self.order(Order::Obey(Box::new(Errand { command, caller, asked: now, reply: None })));
                }
            }
            Ok(None) if self.waiting() >= ERRANDS_MAX => {
                let refusal = Refusal::new(69, "too many commands wait for this account");
                drop(reply.send(Err(refusal.help("try again once a sweep is over"))));
            }
            Ok(None) => {
                self.order(Order::Obey(Box::new(Errand { command, caller, asked: now, reply: Some(reply) })));
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    /// What need not wait for the loop.
    fn at_once(&self, command: &Command, caller: &Caller, now: Timestamp) -> Result<Option<Answer>, Refusal> {
        let sight = self.sight.borrow();
        if sight.account.is_none() {
            return Ok(None);
        }
        match command {
            Command::Status => Ok(Some(Answer::of(sight.status.clone()))),
            Command::Pause { lasts, reason } => {
                pause_at_once(&sight.state, (lasts.as_deref(), reason), caller, now).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What only reads files.
    fn reading(&self, command: &Command, now: Timestamp) -> Option<Reading> {
        let sight = self.sight.borrow();
        let (account, records) = (sight.account.clone()?, Disk::at(&sight.records));
        match *command {
            Command::HoldList => Some(Box::new(move || holds(&records, &account, now).map(Answer::of))),
            Command::HoldShow { id } => Some(Box::new(move || hold(&records, &account, now, id).map(Answer::of))),
            _ => None,
        }
    }

    /// Reads on another thread, since a trail may be long, and answers from there. Few read at once, and what may be long
    /// keeps nobody from what is not.
    pub(super) fn apart(&self, reply: Reply, reading: Reading, is_long: bool) {
        let place = Arc::clone(if is_long { &self.readers.1 } else { &self.readers.0 });
        if Arc::strong_count(&place) > READERS_MAX + 1 {
            return drop(reply.send(Err(Refusal::new(69, "others are reading the trail: try again"))));
        }
        tokio::task::spawn_blocking(move || {
            // A caller that has gone needs no answer.
            if !reply.is_closed() {
                drop(reply.send(reading()));
            }
            drop(place);
        });
    }

    /// How many commands wait; those of callers who have gone are forgotten.
    fn waiting(&self) -> usize {
        let mut orders = self.orders.borrow_mut();
        let has_gone = |errand: &Errand| errand.reply.as_ref().is_some_and(Reply::is_closed);
        orders.retain(|order| !matches!(order, Order::Obey(errand) if has_gone(errand)));
        orders.iter().filter(|order| matches!(order, Order::Obey(_))).count()
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

    /// What humans command since it was asked last, oldest first, up to the first order of another kind: whoever commands
    /// after a reload means what that brought.
    pub(super) fn errands(&self) -> Vec<Errand> {
        let mut orders = self.orders.borrow_mut();
        let first = orders.iter().position(|order| !matches!(order, Order::Obey(_))).unwrap_or(orders.len());
        let rest = orders.split_off(first);
        let errands = std::mem::replace(&mut *orders, rest).into_iter();
        errands.filter_map(|order| if let Order::Obey(errand) = order { Some(*errand) } else { None }).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Request;
    use crate::files::read_pause;
    use crate::model::Pause;

    /// The loop of this desk never runs, as in the midst of a long sweep.
    #[test]
    fn a_pause_is_in_force_while_the_loop_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::default();
        let account = Some(AccountName::new("acme"));
        let sight = Sight { account, state: folder.path().join("state"), ..Sight::default() };
        *desk.sight.borrow_mut() = sight;
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let ask = |command: &Command, caller: Caller| {
            let (reply, mut back) = tokio::sync::oneshot::channel();
            desk.call(Call { caller, request: Request::new("acme", command), reply }, now);
            back.try_recv().ok()
        };
        let pause = Command::Pause { lasts: None, reason: "drill".to_owned() };
        let nobody = Caller { who: "eve".to_owned(), roles: std::collections::BTreeSet::new() };
        assert_eq!(ask(&pause, nobody).unwrap().unwrap_err().exit, 77);
        assert!(desk.orders().is_empty());
        assert_eq!(ask(&pause, Caller::with_all("olivia")).unwrap().unwrap().exit, 0);
        let until = "2026-11-27T16:00:00Z".parse().ok();
        let seen = read_pause(&folder.path().join("state"), now, jiff::SignedDuration::from_hours(1));
        assert_eq!((seen, desk.orders().len()), (Some(Pause { until }), 1), "and the record is to follow");
        assert_eq!(ask(&Command::Resume, Caller::with_all("olivia")), None, "that waits for its turn");
    }

    /// Beside a listing only what was commanded before a reload is done: whoever commands after it means what it brought.
    #[test]
    fn no_command_overtakes_a_reload() {
        let desk = Desk::default();
        let errand = |reason: &str| {
            let command = Command::Pause { lasts: None, reason: reason.to_owned() };
            let caller = Caller::with_all("olivia");
            desk.order(Order::Obey(Box::new(Errand { command, caller, asked: Timestamp::UNIX_EPOCH, reply: None })));
        };
        errand("before");
        desk.reject(Rejected::default());
        errand("after");
        assert_eq!((desk.errands().len(), desk.errands().len()), (1, 0));
        assert!(matches!(desk.orders()[..], [Order::Reject(_), Order::Obey(_)]));
    }
}
