//! One account's loop: wait until a sweep is due, sweep, tell how the account stands. Accounts run side by side, and
//! nothing here knows another one.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tracing::Instrument as _;

use super::brakes::FileBrakes;
use super::desk::{Desk, Order, Start};
use super::post::{Looked, Post, PostTrouble, keep_snapshot};
use super::pulse::{Pulse, WatchedClock};
use super::rhythm::{Needs, Rhythm};
use super::setup::{Loader, Setup};
use super::status::{Circumstances, LastCycle, Status, Turn};
use crate::clock::{Chance, Clock};
use crate::cycle::{Cycle, Halt};
use crate::enforce::Brakes as _;
use crate::files::{Lock, LockTrouble};
use crate::zendesk::Trouble;

/// Until Zendesk answered the first time, it is asked this often, whatever the schedule says.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// Between two sweeps it is heard this often whom to look at.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Where sweeps are further apart than this, they come too late to see who comes back.
const WATCHED_BY_SWEEPS: SignedDuration = SignedDuration::from_mins(5);

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
    /// When the last look or sweep ended, on the monotonic clock.
    looked_at: Duration,
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
        }
    }

    /// Sweeps until it is asked to stop. Whatever is logged meanwhile carries the account's name.
    pub(super) async fn run(self) {
        // Not `name`: in lines of JSON that is the span's own.
        let span = tracing::info_span!("lane", account = %self.setup.account.name);
        self.live().instrument(span).await;
    }

    async fn live(mut self) {
        while !self.desk.stop.is_raised() {
            self.obey();
            if self.is_due() {
                self.take_turn().await;
                self.looked_at = self.clock.monotonic();
                let before = self.rhythm.missed;
                self.rhythm = self.rhythm.after(&self.setup.account, self.clock.now());
                self.missed = self.missed.saturating_add(self.rhythm.missed.saturating_sub(before));
                self.tell();
            } else if self.until_look().is_some_and(|wait| wait.is_zero()) {
                self.look().await;
            } else {
                self.wait().await;
            }
        }
        self.leave();
    }

    fn is_due(&self) -> bool {
        self.rhythm.due.is_some_and(|due| due <= self.clock.now())
    }

    /// How long until the next look between sweeps; none if none is wanted: where rules ask nothing of places, there are
    /// no offboarding lists, and nobody just lost a session, nobody is named. Whoever did is seen by sweeps, where
    /// these are frequent.
    fn until_look(&self) -> Option<Duration> {
        let interval = self.setup.account.sweep.interval(self.clock.now(), &self.setup.account.time_zone);
        let is_watching = interval > WATCHED_BY_SWEEPS && self.post.as_ref().is_some_and(Post::is_watching);
        let is_named =
            is_watching || self.setup.policies.needs().sign_ins || !self.setup.account.offboarding.is_empty();
        let is_wanted = is_named && self.desk.start() == Start::Done && self.post.is_some();
        let elapsed = self.clock.monotonic().saturating_sub(self.looked_at);
        is_wanted.then(|| LOOK_EVERY.saturating_sub(elapsed))
    }

    /// Whom logs and lists name is looked at. What goes wrong is told by the next sweep.
    async fn look(&mut self) {
        let brakes = self.brakes();
        let Some(post) = self.post.as_mut() else { return };
        let looked = Box::pin(post.look(&self.setup, &brakes)).await;
        self.looked_at = self.clock.monotonic();
        match looked {
            Ok(Looked::TooMany) => self.rhythm.due = Some(self.clock.now()),
            Ok(Looked::At(cycle)) => {
                let (people, revoked) = (
                    cycle.snapshot.looked.as_ref().map_or(0, BTreeSet::len),
                    cycle.report.revoke.iter().filter(|row| row.outcome.is_some()).count(),
                );
                tracing::info!(people, revoked, calls = cycle.calls, "looked at who was named");
            }
            Ok(Looked::AtNobody) | Err(Halt::Stopped) => {}
            Err(Halt::Trail(trouble)) => self.shut(format!("{trouble}: nothing is revoked without a trail")),
            Err(Halt::Zendesk(trouble @ Trouble::Denied { .. })) => {
                self.blind(&trouble);
                self.tell();
            }
            Err(trouble) => tracing::warn!("nobody could be looked at between sweeps: {trouble}"),
        }
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

    fn obey(&mut self) {
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
                Ok(_) => {
                    self.settle_start(Start::Done);
                    self.keep();
                }
                Err(trouble) => {
                    if matches!(trouble, Trouble::Denied { .. }) {
                        self.settle_start(Start::Refused);
                    }
                    if let Some(Err(trouble)) = self.post.as_mut().map(|post| post.note_reader(&trouble)) {
                        return self.shut(format!("{trouble}: nothing is revoked without a trail"));
                    }
                    return self.blind(&trouble);
                }
            }
        }
        self.sweep().await;
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

    async fn sweep(&mut self) {
        let brakes = self.brakes();
        let Some(post) = self.post.as_mut() else { return };
        let began = self.clock.monotonic();
        let swept = Box::pin(post.sweep(&self.setup, &brakes, self.rhythm.missed, &mut |_| ())).await;
        let took = self.clock.monotonic().saturating_sub(began);
        match swept {
            Ok(cycle) => self.swept(&cycle, took),
            Err(Halt::Stopped) => {}
            Err(Halt::Zendesk(trouble)) => self.blind(&trouble),
            Err(Halt::Unprotected(why)) => {
                // It may name somebody, and logs name nobody.
                tracing::error!("enforcement is refused: `protected` does not hold; `evictd status` says why");
                self.turn = Turn::Shut(format!("enforcement is refused: {why}"));
            }
            Err(Halt::Trail(trouble)) => {
                // What stands on the disk is not known any more: the next turn opens it once more.
                self.shut(format!("{trouble}: nothing is revoked without a trail"));
            }
        }
    }

    fn swept(&mut self, cycle: &Cycle, took: Duration) {
        let fallen = cycle.fallen.clone();
        let last = LastCycle { fallen, ..LastCycle::of(&cycle.report, &cycle.snapshot, took) };
        tracing::info!(
            cycle = %last.cycle, sessions = last.sessions_seen, revoked = last.revoked,
            withheld = last.withheld, complete = last.complete, calls = cycle.calls, took_ms = last.took_ms, "cycle finished"
        );
        if let Some(why) = self.post.as_ref().and_then(|post| post.disarmed.as_deref()) {
            tracing::error!(cycle = %last.cycle, "no session can be ended: {why}");
        }
        for warning in &last.warnings {
            tracing::warn!(cycle = %last.cycle, "{warning}");
        }
        if let Err(why) = keep_snapshot(&self.setup.state, &cycle.snapshot) {
            tracing::warn!("the snapshot was not kept: {why}");
        }
        self.tell_needs(cycle.calls);
        (self.turn, self.last, self.rhythm.missed) = (Turn::Swept, Some(last), 0);
    }

    /// A schedule that gives less time than a sweep needs is a mistake that nobody would see otherwise: it is told once,
    /// as soon as it is known what a sweep needs.
    fn tell_needs(&mut self, calls: u64) {
        if std::mem::replace(&mut self.has_told_needs, true) {
            return;
        }
        let (account, now) = (&self.setup.account, self.clock.now());
        let needs = Needs::of(account, calls, &self.setup.zendesk.pace(), now);
        if needs.fit() {
            tracing::info!("{needs}");
        } else {
            tracing::warn!("{needs}: sweeps will be missed; raise the budget or sweep less often");
        }
    }

    fn blind(&mut self, trouble: &Trouble) {
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

    /// Replaces the account's status.
    fn tell(&self) {
        let status = self.status(self.clock.now());
        // Where another process holds the account, the file is that one's.
        if self.post.is_none() && Lock::holder(&self.setup.state).is_some() {
            return;
        }
        if let Err(error) = status.write(&self.setup.state) {
            tracing::warn!("the status cannot be written: {error}");
        }
    }

    fn status(&self, now: Timestamp) -> Status {
        let pause = self.brakes().pause();
        let until = |until: Option<Timestamp>| until.map_or("without end".to_owned(), |at| format!("until {at:.0}"));
        let around = Circumstances {
            setup: &self.setup,
            turn: &self.turn,
            last: self.last.as_ref(),
            paused: pause.map(|pause| until(pause.until)),
            forgetful: self.post.as_ref().and_then(|post| post.forgetful.as_deref()),
            disarmed: self.post.as_ref().and_then(|post| post.disarmed.as_deref()),
        };
        let mut status = Status::of(&around, now, self.rhythm, self.missed, self.setup.zendesk.pace());
        status.unsettled = self.post.as_ref().map_or(0, |post| post.unsettled);
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
