//! One account's loop: wait until a sweep is due, sweep, tell how the account stands. Accounts run side by side, and
//! nothing here knows another one. What a sweep and a look come to is in `turns`.

mod answers;
mod errands;
mod turns;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tracing::Instrument as _;

use super::brakes::FileBrakes;
use super::desk::{Desk, Order, Sight, Start};
use super::post::Post;
use super::pulse::{Pulse, WatchedClock};
use super::rhythm::Rhythm;
use super::scarce::{Exposure, LOOK_EVERY};
use super::setup::{Loader, Setup};
use super::status::{Circumstances, LastCycle, Status, Turn};
use crate::clock::{Chance, Clock};
use crate::control::PostTrouble;
use crate::enforce::Brakes as _;
use crate::files::{Lock, LockTrouble};
use crate::gather::log_lag;
use crate::model::Mode;
use crate::zendesk::Trouble;
use answers::Awaiting;
pub use answers::exit_of;

/// Until Zendesk answered the first time, it is asked this often, whatever the schedule says.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// What every lane stands on.
pub(super) struct Ground<'g> {
    /// Keeps what came into force.
    pub(super) loader: &'g dyn Loader,
    pub(super) chance: Arc<dyn Chance>,
    /// Who started the process.
    pub(super) by: String,
    /// Rung when a lane has begun, or cannot.
    pub(super) begun: Notify,
}

/// One account at work.
pub(super) struct Lane<'g> {
    ground: &'g Ground<'g>,
    desk: Rc<Desk>,
    /// The clock whose waits are signs of life.
    clock: Arc<dyn Clock>,
    pulse: Arc<Pulse>,
    setup: Setup,
    post: Option<Post>,
    turn: Turn,
    last: Option<LastCycle>,
    rhythm: Rhythm,
    missed: u64,
    has_told_needs: bool,
    /// When the last look began, or the last sweep ended, on the monotonic clock.
    looked_at: Duration,
    /// Whether a sweep is listing.
    is_sweeping: bool,
    /// When the last sweep began, on the monotonic clock, and how long it took.
    swept: (Duration, Duration),
    /// How late the slowest log was in the last cycle.
    log_lag: Option<SignedDuration>,
    /// Who commanded a sweep and waits for its end.
    awaiting: Vec<Awaiting>,
    /// When a human last commanded something that a sweep is to follow, on the monotonic clock.
    commanded_at: Option<Duration>,
}

impl<'g> Lane<'g> {
    pub(super) fn new(ground: &'g Ground<'g>, desk: Rc<Desk>, clock: WatchedClock, setup: Setup) -> Self {
        let (pulse, clock) = (Arc::clone(&clock.pulse), Arc::new(clock));
        let rhythm = Rhythm::beginning(clock.now());
        Self {
            ground,
            desk,
            clock,
            pulse,
            setup,
            post: None,
            turn: Turn::None,
            last: None,
            rhythm,
            missed: 0,
            has_told_needs: false,
            looked_at: Duration::ZERO,
            is_sweeping: false,
            swept: (Duration::ZERO, Duration::ZERO),
            log_lag: None,
            awaiting: Vec::new(),
            commanded_at: None,
        }
    }

    /// Sweeps until it is asked to stop. Whatever is logged meanwhile carries the account's name.
    pub(super) async fn run(self) {
        // Not `name`: in lines of JSON that is the span's own.
        let span = tracing::info_span!("lane", account = %self.setup.account.name);
        self.live().instrument(span).await;
    }

    async fn live(mut self) {
        self.show(&self.status(self.clock.now()));
        while !self.desk.stop.is_raised() {
            self.obey().await;
            self.setup.zendesk.is_beside_looks(self.wants_looks());
            if self.is_due() {
                let began = self.clock.monotonic();
                self.take_turn().await;
                let (asked_before, later) =
                    std::mem::take(&mut self.awaiting).into_iter().partition(|one: &Awaiting| one.asked <= began);
                self.awaiting = later;
                Vec::into_iter(asked_before).for_each(Awaiting::dismiss);
                self.looked_at = self.clock.monotonic();
                let before = self.rhythm.missed;
                self.rhythm = self.rhythm.after(&self.setup.account, self.clock.now());
                self.missed = self.missed.saturating_add(self.rhythm.missed.saturating_sub(before));
                // Whatever was commanded in this turn is not done by it.
                if self.commanded_at.take().is_some_and(|at| at > began) {
                    self.rhythm.due = Some(self.clock.now());
                }
                self.feel();
                self.tell();
            } else if self.until_look().is_some_and(|wait| wait.is_zero()) {
                if self.look().await {
                    self.feel();
                }
            } else {
                self.wait().await;
            }
        }
        self.leave();
    }

    fn is_due(&self) -> bool {
        self.rhythm.due.is_some_and(|due| due <= self.clock.now())
    }

    fn wants_looks(&self) -> bool {
        let is_watching = self.post.as_ref().is_some_and(|post| post.is_watching(&self.setup));
        is_watching || self.setup.policies.needs().sign_ins || !self.setup.account.offboarding.is_empty()
    }

    /// How long until the next look between sweeps; none if none is wanted: where rules ask nothing of places, there are
    /// no offboarding lists, and nobody just lost a session, nobody is named.
    fn until_look(&self) -> Option<Duration> {
        let is_wanted = self.wants_looks() && self.desk.start() == Start::Done && self.post.is_some();
        let elapsed = self.clock.monotonic().saturating_sub(self.looked_at);
        is_wanted.then(|| LOOK_EVERY.saturating_sub(elapsed))
    }

    /// Waits for the next sweep, a look, an order, or the end.
    async fn wait(&mut self) {
        let now = self.clock.now();
        let wait = match self.desk.start() {
            Start::Open => ASKED_AGAIN_AFTER,
            _ => self.rhythm.wait(&self.setup.account, now, &*self.ground.chance),
        };
        let look = self.until_look().filter(|look| *look < wait);
        tokio::select! {
            () = self.clock.sleep(look.unwrap_or(wait)) => if look.is_some() { return },
            () = self.desk.woken() => {}
            () = self.desk.stop.raised() => return,
        }
        let now = self.clock.now();
        if self.desk.start() == Start::Open {
            self.rhythm.due = Some(now);
        } else if self.rhythm.due.is_some_and(|due| now < due) {
            // Another schedule, or a clock that was set back.
            self.rhythm = self.rhythm.anew(&self.setup.account, now);
        }
    }

    async fn obey(&mut self) {
        let orders = self.desk.orders();
        if orders.is_empty() {
            return;
        }
        for order in orders {
            let written = match order {
                Order::TakeOver(setup) => {
                    setup.zendesk.inherit(&self.setup.zendesk);
                    let moved = (&setup.state, &setup.trail) != (&self.setup.state, &self.setup.trail);
                    self.setup = *setup;
                    // A sweep that is due and waits for its chance is not lost.
                    if !self.is_due() {
                        self.rhythm = self.rhythm.anew(&self.setup.account, self.clock.now());
                    }
                    match self.post.take() {
                        // Elsewhere there is another trail and another memory: the next turn takes that post.
                        Some(post) if moved => post.close(0),
                        Some(mut post) => {
                            let taken = post.take_over(&self.setup);
                            self.post = Some(post);
                            self.keep();
                            taken
                        }
                        None => Ok(()),
                    }
                }
                Order::Reject(rejected) => {
                    let kept = &self.setup.policies.digest;
                    let written = self.post.as_mut().map_or(Ok(()), |post| post.reject(&rejected, kept));
                    self.setup.rejected = Some(rejected);
                    written
                }
                Order::Obey(errand) => {
                    self.carry_out(*errand).await;
                    Ok(())
                }
            };
            if let Err(trouble) = written {
                self.shut(format!("{trouble}: nothing is revoked without a trail"));
            }
        }
        self.tell();
    }

    /// Takes the post if it is not held, asks once whether Zendesk knows us, and sweeps.
    async fn take_turn(&mut self) {
        if let Err(trouble) = self.take_post() {
            let start = match &trouble {
                PostTrouble::Lock(LockTrouble::Held { .. }) => Start::Locked,
                _ => Start::Unwritable,
            };
            self.settle_start(start);
            return self.shut(trouble.to_string());
        }
        if self.desk.start() != Start::Done {
            let asked = tokio::select! {
                asked = self.setup.zendesk.me() => asked,
                () = self.desk.stop.raised() => return,
            };
            match asked {
                Ok(_) if self.may_not_act().await => {
                    self.settle_start(Start::Refused);
                    let why = "the token that is to end sessions was granted no `write`";
                    return self.shut(format!("enforcement is refused: {why}; `evictd doctor` says what it may"));
                }
                Ok(_) => {
                    self.settle_start(Start::Done);
                    self.keep();
                }
                Err(trouble) => {
                    if matches!(trouble, Trouble::Denied { .. }) {
                        self.settle_start(Start::Refused);
                    }
                    return self.blind(&trouble);
                }
            }
        }
        self.sweep().await;
    }

    /// Whether the account is to enforce with a credential that is known to end nothing: then it does not begin.
    async fn may_not_act(&self) -> bool {
        self.setup.account.mode == Mode::Enforce && self.setup.zendesk.hands_may_write().await == Some(false)
    }

    fn take_post(&mut self) -> Result<(), PostTrouble> {
        if let Some(post) = &mut self.post {
            post.mend(&self.setup)?;
        } else {
            let (clock, chance) = (Arc::clone(&self.clock), Arc::clone(&self.ground.chance));
            let mut post = Post::open(&self.setup, clock, chance)?;
            post.begin(&self.setup, "run", &self.ground.by)?;
            if let Some(calls) = post.last_calls() {
                self.tell_needs(calls);
            }
            self.post = Some(post);
        }
        Ok(())
    }

    /// What Zendesk accepted, with the account held by this process, is what a later start may stand in by.
    fn keep(&self) {
        if self.setup.rejected.is_none() && self.desk.start() == Start::Done {
            self.ground.loader.keep(&self.setup);
        }
    }

    fn settle_start(&self, start: Start) {
        if self.desk.start() != Start::Done {
            self.desk.settle(start);
            self.ground.begun.notify_one();
        }
    }

    /// Nothing could be judged. If the credential is not accepted any more, the trail is told.
    fn blind(&mut self, trouble: &Trouble) {
        if let Some(Err(trouble)) = self.post.as_mut().map(|post| post.note_reader(trouble)) {
            return self.shut(format!("{trouble}: nothing is revoked without a trail"));
        }
        tracing::error!("nothing could be judged: {trouble}");
        self.turn = Turn::Blind(trouble.to_string());
    }

    fn shut(&mut self, why: String) {
        tracing::error!("{why}");
        self.turn = Turn::Shut(why);
    }

    fn brakes(&self) -> FileBrakes {
        FileBrakes {
            state: self.setup.state.clone(),
            expires_after: self.setup.account.belts.pause_expires_after,
            clock: Arc::clone(&self.clock),
            stop: self.desk.stop.clone(),
        }
    }

    /// Lets be seen at the desk how the account stands.
    fn show(&self, status: &Status) {
        *self.desk.sight.borrow_mut() = Sight {
            account: Some(self.setup.account.name.clone()),
            state: self.setup.state.clone(),
            records: self.setup.trail.clone(),
            status: serde_json::to_value(status).unwrap_or_default(),
        };
    }

    /// Replaces the account's status.
    fn tell(&self) {
        let status = self.status(self.clock.now());
        self.show(&status);
        // Where another process holds the account, the file is that one's.
        if self.post.is_none() && Lock::holder(&self.setup.state).is_some() {
            return;
        }
        if let Err(error) = status.write(&self.setup.state) {
            tracing::warn!("the status cannot be written: {error}");
        }
    }

    fn status(&self, now: Timestamp) -> Status {
        let brakes = self.brakes();
        let pause = self.post.as_ref().map_or_else(|| brakes.pause(), |post| post.pause(&brakes));
        let until = |until: Option<Timestamp>| until.map_or("without end".to_owned(), |at| format!("until {at:.0}"));
        let around = Circumstances {
            setup: &self.setup,
            turn: &self.turn,
            last: self.last.as_ref(),
            paused: pause.map(|pause| until(pause.until)),
            forgetful: self.post.as_ref().and_then(|post| post.forgetful.as_deref()),
            scarcity: self.post.as_ref().and_then(Post::scarcity),
            disarmed: self.post.as_ref().and_then(|post| post.disarmed.as_deref()),
        };
        let rhythm = if self.is_sweeping { Rhythm { due: None, ..self.rhythm } } else { self.rhythm };
        let pace = self.setup.zendesk.pace();
        let account = &self.setup.account;
        let lag = self.log_lag.or_else(|| log_lag(account, self.setup.policies.needs()));
        let calls = self.post.as_ref().and_then(Post::last_calls);
        let every = account.sweep.interval(now, &account.time_zone);
        let exposure = Exposure::of(lag.filter(|_| self.wants_looks()), calls, &pace, every);
        let mut status = Status::of(&around, now, rhythm, self.missed, pace);
        status.unsettled = self.post.as_ref().map_or(0, |post| post.unsettled);
        status.exposure = Some(exposure);
        status
    }

    fn leave(mut self) {
        self.turn = Turn::Shut("the daemon was stopped".to_owned());
        self.tell();
        if let Some(post) = self.post.take()
            && let Err(trouble) = post.close(0)
        {
            tracing::error!("the end of this process is not in the trail: {trouble}");
        }
        self.pulse.rest();
    }
}
