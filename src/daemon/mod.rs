//! The daemon: accounts side by side, each in a loop of its own, none able to hurt another; signals, reloading, and
//! what the service manager is told.
//!
//! What wakes it: a sweep that is due, a signal, a command at the socket, the watchdog. Nothing else.

mod brakes;
mod desk;
mod herald;
mod inquiry;
mod lane;
mod post;
mod pulse;
mod rhythm;
mod scarce;
mod setup;
mod status;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;

pub use brakes::{FileBrakes, Stop};
pub use desk::Start;
pub use herald::{Herald, RecordingHerald, Systemd};
pub use inquiry::{Inquiry, why};
pub use lane::exit_of;

pub use post::{Looked, Post, cycle_id, keep_snapshot, read_lists};
pub use pulse::{Pulse, Pulses, WatchedClock, WatchedTransport, Ways};
pub use rhythm::{Needs, Rhythm};
pub use scarce::Exposure;
pub use setup::{LAST_SNAPSHOT, Loader, Rejected, Setup};
pub use status::{BudgetStatus, LastCycle, ListStatus, RejectedStatus, STATUS_FILE, Standing, Status};

pub use crate::control::PostTrouble;

use crate::clock::{Chance, Clock, Pending};
use crate::control::{Call, Door, NOT_OURS, Refusal};
use crate::model::{AccountName, Foreign};
use desk::Desk;
use lane::{Ground, Lane};

/// How long calls in flight may take once the process was asked to stop.
pub const STOP_WITHIN: Duration = Duration::from_secs(45);

/// How much longer starting may take while Zendesk does not answer.
const START_LONGER: Duration = Duration::from_mins(2);

/// Wall and monotonic clock may part by this much before everybody looks at the wall clock again.
const CLOCK_SET: SignedDuration = SignedDuration::from_secs(5);

/// What somebody outside wants of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Read everything again.
    Reload,
    /// End after the call in flight; asked twice, at once.
    Stop,
}

/// Where wishes come from: signals, or a test.
pub trait Wishes {
    /// The next one.
    fn next(&mut self) -> Pending<'_, Wish>;
}

/// What the daemon works with.
pub struct Daemon<'d> {
    /// Reads what is to be in force.
    pub loader: &'d dyn Loader,
    /// The service manager.
    pub herald: &'d dyn Herald,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Where random numbers come from.
    pub chance: Arc<dyn Chance>,
    /// Signs of life, one account each.
    pub pulses: &'d Pulses,
    /// Who started the process.
    pub by: String,
}

/// Why the process ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No account can begin; why the first of them cannot.
    NoneStarts(Start),
    /// A call in flight did not end in time, or it was asked twice: its intent is open.
    CutShort,
}

impl Daemon<'_> {
    /// Runs until it is asked to stop.
    ///
    /// # Errors
    ///
    /// When no account can begin, or stopping had to be cut short.
    pub async fn run(&self, setups: Vec<Setup>, wishes: &mut dyn Wishes) -> Result<(), End> {
        self.run_with(setups, wishes, None).await
    }

    /// The same, with a socket at which humans command.
    ///
    /// # Errors
    ///
    /// As [`Daemon::run`].
    pub async fn run_with(
        &self,
        setups: Vec<Setup>,
        wishes: &mut dyn Wishes,
        mut door: Option<Door>,
    ) -> Result<(), End> {
        let ground = Ground {
            loader: self.loader,
            chance: Arc::clone(&self.chance),
            by: self.by.clone(),
            begun: tokio::sync::Notify::new(),
        };
        let mut desks: BTreeMap<AccountName, Rc<Desk>> = BTreeMap::new();
        let mut lanes = FuturesUnordered::new();
        for setup in setups {
            lanes.push(self.lane(&ground, &mut desks, setup));
        }
        let mut heart = Heart::of(self);
        let mut beat = heart.next();
        let mut patience: Pending<'_, ()> = Box::pin(std::future::pending());
        let (mut is_ready, mut is_stopping, mut end) = (false, false, Ok(()));
        loop {
            tokio::select! {
                wish = wishes.next() => match wish {
                    // Whoever was told to stop begins nothing any more.
                    Wish::Reload if is_stopping => {}
                    Wish::Reload => for setup in self.reload(&desks, is_ready) {
                        lanes.push(self.lane(&ground, &mut desks, setup));
                    },
                    Wish::Stop if is_stopping => return Err(End::CutShort),
                    Wish::Stop => {
                        is_stopping = true;
                        self.stop(&desks);
                        patience = self.clock.sleep(STOP_WITHIN);
                    }
                },
                call = knock(&mut door) => self.call(&desks, call),
                left = lanes.next() => if left.is_none() { return end },
                () = ground.begun.notified(), if !is_ready => {
                    (is_ready, end) = self.begun(&desks);
                    if end.is_err() {
                        is_stopping = true;
                        self.stop(&desks);
                        patience = self.clock.sleep(STOP_WITHIN);
                    }
                }
                () = &mut beat => {
                    heart.beat(self, &desks, is_ready);
                    beat = heart.next();
                }
                () = &mut patience => return Err(End::CutShort),
            }
        }
    }

    /// Somebody commands something: the account's loop is told.
    fn call(&self, desks: &BTreeMap<AccountName, Rc<Desk>>, call: Call) {
        let desk = desks.iter().find(|(name, desk)| name.as_str() == call.request.account && !desk.stop.is_raised());
        if let Some((_, desk)) = desk {
            return desk.call(call, self.clock.now());
        }
        let account = Foreign::new(call.request.account.as_str());
        let refusal = Refusal::new(NOT_OURS, format!("the daemon has no account `{account}`"));
        // A caller that has gone needs no answer.
        drop(call.reply.send(Err(refusal)));
    }

    /// One account's loop, to its end: then nobody waits for its signs of life any more.
    fn lane<'g>(
        &self,
        ground: &'g Ground<'g>,
        desks: &mut BTreeMap<AccountName, Rc<Desk>>,
        setup: Setup,
    ) -> impl Future<Output = ()> + use<'g> {
        let name = setup.account.name.clone();
        let pulse = self.pulses.of(&name);
        let clock = WatchedClock { clock: Arc::clone(&self.clock), pulse: Arc::clone(&pulse) };
        let desk = Rc::new(Desk::default());
        desks.insert(name, Rc::clone(&desk));
        let lane = Lane::new(ground, desk, clock, setup);
        async move {
            Box::pin(lane.run()).await;
            pulse.rest();
        }
    }

    /// Whether the process is ready, and whether it has to end because nothing can begin.
    fn begun(&self, desks: &BTreeMap<AccountName, Rc<Desk>>) -> (bool, Result<(), End>) {
        let starts: Vec<Start> = desks.values().map(|desk| desk.start()).collect();
        let count = |wanted: fn(&Start) -> bool| starts.iter().filter(|start| wanted(start)).count();
        let (done, open) = (count(|start| *start == Start::Done), count(|start| *start == Start::Open));
        if done > 0 {
            self.herald.ready(&format!("{done} of {} accounts at work", starts.len()));
            (true, Ok(()))
        } else if open > 0 {
            (false, Ok(()))
        } else {
            (false, Err(End::NoneStarts(starts.first().copied().unwrap_or_default())))
        }
    }

    /// Reads everything again, all or nothing; the accounts that are new.
    fn reload(&self, desks: &BTreeMap<AccountName, Rc<Desk>>, is_ready: bool) -> Vec<Setup> {
        // Who is not ready yet cannot be ready again.
        let done = |status: &str| if is_ready { self.herald.ready(status) } else { self.herald.status(status) };
        if is_ready {
            self.herald.reloading();
        }
        match self.loader.load(self.pulses) {
            Ok(setups) => {
                let names: Vec<AccountName> = setups.iter().map(|setup| setup.account.name.clone()).collect();
                for (_, desk) in desks.iter().filter(|(name, _)| !names.contains(name)) {
                    desk.stop.raise();
                }
                let mut new = Vec::new();
                for setup in setups {
                    match desks.get(&setup.account.name).filter(|desk| !desk.stop.is_raised()) {
                        Some(desk) => desk.take_over(setup),
                        None => new.push(setup),
                    }
                }
                tracing::info!(accounts = names.len(), "reloaded");
                done(&format!("reloaded, {} accounts", names.len()));
                new
            }
            Err(rejected) => {
                let (counted, places) = (rejected.counted(), rejected.places.trim_end());
                tracing::error!("reload rejected, {counted}; what was in force stays:\n{places}");
                done(&format!("reload rejected, {counted}: what was in force stays"));
                for desk in desks.values() {
                    desk.reject(rejected.clone());
                }
                Vec::new()
            }
        }
    }

    fn stop(&self, desks: &BTreeMap<AccountName, Rc<Desk>>) {
        tracing::info!("stopping after the calls in flight");
        self.herald.stopping();
        for desk in desks.values() {
            desk.stop.raise();
        }
    }
}

/// The next call at the socket; without one none ever comes.
async fn knock(door: &mut Option<Door>) -> Call {
    match door {
        Some(door) => door.next().await,
        None => std::future::pending().await,
    }
}

/// The watchdog's rhythm: a sign of life if every loop passes its seams, and a look at whether the clock was set.
struct Heart {
    clock: Arc<dyn Clock>,
    every: Option<Duration>,
    last: (jiff::Timestamp, Duration),
}

impl Heart {
    fn of(daemon: &Daemon<'_>) -> Self {
        let clock = Arc::clone(&daemon.clock);
        let last = (clock.now(), clock.monotonic());
        // Twice as often as wanted: one late beat must not cost the process.
        Self { clock, every: daemon.herald.watchdog().map(|wanted| wanted / 2), last }
    }

    fn next(&self) -> Pending<'static, ()> {
        let (clock, every) = (Arc::clone(&self.clock), self.every);
        Box::pin(async move {
            match every {
                Some(every) => clock.sleep(every).await,
                None => std::future::pending().await,
            }
        })
    }

    fn beat(&mut self, daemon: &Daemon<'_>, desks: &BTreeMap<AccountName, Rc<Desk>>, is_ready: bool) {
        let now = (self.clock.now(), self.clock.monotonic());
        let elapsed = SignedDuration::try_from(now.1.saturating_sub(self.last.1)).unwrap_or(SignedDuration::MAX);
        let parted = self.last.0.duration_until(now.0).saturating_sub(elapsed);
        self.last = now;
        if parted.abs() > CLOCK_SET {
            tracing::warn!(seconds = parted.as_secs(), "this host's clock was set");
            for desk in desks.values() {
                desk.wake();
            }
        }
        let late = daemon.pulses.late(now.1);
        if late.is_empty() {
            daemon.herald.alive();
        } else {
            let names = late.iter().map(AccountName::as_str).collect::<Vec<_>>().join(", ");
            tracing::error!("no sign of life from {names}: the watchdog is not fed");
        }
        if !is_ready {
            daemon.herald.still_starting(START_LONGER, "waiting for Zendesk's first answer");
        }
    }
}
