//! A lane's turns: a sweep, with looks beside its listing, and a look; and what is told of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::post::{Looked, keep_snapshot};
use super::super::rhythm::Needs;
use super::super::scarce::LOOK_EVERY;
use super::super::status::{LastCycle, Turn};
use super::Lane;
use super::answers::Awaiting;
use crate::cycle::{Cycle, Halt};
use crate::gather::{Listed, list};
use crate::snapshot::Snapshot;
use crate::zendesk::Trouble;

impl Lane<'_> {
    /// Sweeps, in three steps where looks are wanted: then they go on beside the listing.
    pub(super) async fn sweep(&mut self) {
        let began = self.clock.monotonic();
        self.is_sweeping = true;
        self.swept.0 = began;
        let swept = if self.wants_looks() { self.spread(began).await } else { self.sweep_at_once().await };
        self.is_sweeping = false;
        if let Some(post) = &mut self.post {
            post.drop_listing();
        }
        let took = self.clock.monotonic().saturating_sub(began);
        self.swept.1 = took;
        let (theirs, later) =
            std::mem::take(&mut self.awaiting).into_iter().partition(|one: &Awaiting| one.asked <= began);
        self.awaiting = later;
        Vec::into_iter(theirs).for_each(|one| one.tell(&swept));
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

    async fn sweep_at_once(&mut self) -> Result<Cycle, Halt> {
        let brakes = self.brakes();
        let Some(post) = self.post.as_mut() else { return Err(Halt::Stopped) };
        Box::pin(post.sweep(&self.setup, &brakes, self.rhythm.missed, &mut |_| ())).await
    }

    async fn spread(&mut self, began: Duration) -> Result<Cycle, Halt> {
        let brakes = self.brakes();
        let Some(post) = self.post.as_mut() else { return Err(Halt::Stopped) };
        let roll = Box::pin(post.call_roll(&self.setup, &brakes)).await?;
        let (zendesk, clock) = (Arc::clone(&self.setup.zendesk), Arc::clone(&self.clock));
        let listing = async move { list(&zendesk, &*clock, roll, &mut |_| ()).await };
        let listed = self.beside_looks(listing).await?;
        let Some(post) = self.post.as_mut() else { return Err(Halt::Stopped) };
        Box::pin(post.sweep_of(&self.setup, &brakes, self.rhythm.missed, (listed, began))).await
    }

    /// Lists, and meanwhile looks as ever and does what humans command. The listing only reads, so that it may be left when
    /// the process is to stop; what has begun beside it is finished, since it may be acting.
    async fn beside_looks(&mut self, listing: impl Future<Output = Result<Listed, Trouble>>) -> Result<Listed, Halt> {
        let mut listing = std::pin::pin!(listing);
        loop {
            let until_look = self.until_look().unwrap_or(LOOK_EVERY);
            let is_commanded = tokio::select! {
                biased;
                () = self.desk.stop.raised() => return Err(Halt::Stopped),
                () = self.desk.woken() => true,
                () = self.clock.sleep(until_look) => false,
                listed = &mut listing => return Ok(listed?),
            };
            let mut listed = None;
            let mut turn = Box::pin(async { if is_commanded { self.run_errands().await } else { self.look().await } });
            let is_written = loop {
                tokio::select! {
                    biased;
                    is_written = &mut turn => break is_written,
                    done = &mut listing, if listed.is_none() => listed = Some(done),
                }
            };
            drop(turn);
            if !is_written {
                // It was said why; nothing that is listed now could be acted on.
                return Err(Halt::Stopped);
            }
            self.feel();
            self.tell();
            if let Some(listed) = listed {
                return Ok(listed?);
            }
        }
    }

    /// What humans command is done; whether the trail took it. What else was ordered waits for the end of the sweep.
    async fn run_errands(&mut self) -> bool {
        let mut is_written = true;
        for errand in self.desk.errands() {
            is_written &= self.carry_out(errand).await;
        }
        is_written
    }

    /// Whom logs and lists name is looked at; whether the trail took it. What else goes wrong is told by the next sweep.
    pub(super) async fn look(&mut self) -> bool {
        self.looked_at = self.clock.monotonic();
        let brakes = self.brakes();
        let Some(post) = self.post.as_mut() else { return true };
        match Box::pin(post.look(&self.setup, &brakes)).await {
            Ok(Looked::TooMany) => self.rhythm.due = Some(self.clock.now()),
            Ok(Looked::At(cycles)) => {
                for cycle in cycles {
                    let (people, revoked) = (
                        cycle.snapshot.looked.as_ref().map_or(0, BTreeSet::len),
                        cycle.report.revoke.iter().filter(|row| row.outcome.is_some()).count(),
                    );
                    tracing::info!(people, revoked, calls = cycle.calls, "looked at who was named");
                }
            }
            Err(Halt::Stopped) => {}
            Err(Halt::Trail(trouble)) => {
                self.shut(format!("{trouble}: nothing is revoked without a trail"));
                return false;
            }
            Err(Halt::Zendesk(trouble @ Trouble::Denied { .. })) => {
                self.blind(&trouble);
                self.tell();
            }
            Err(trouble) => tracing::warn!("nobody could be looked at between sweeps: {trouble}"),
        }
        true
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
        self.log_lag = lag_of(&cycle.snapshot);
        (self.turn, self.last, self.rhythm.missed) = (Turn::Swept, Some(last), 0);
    }

    /// A schedule that gives less time than a sweep needs is a mistake that nobody would see otherwise: it is told once,
    /// as soon as it is known what a sweep needs.
    pub(super) fn tell_needs(&mut self, calls: u64) {
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

    /// Takes in what was lacking in this turn.
    pub(super) fn feel(&mut self) {
        let account = &self.setup.account;
        let gives = account.sweep.interval(self.clock.now(), &account.time_zone);
        let (began, took) = self.swept;
        let takes = if self.is_sweeping { self.clock.monotonic().saturating_sub(began) } else { took };
        let is_missing = SignedDuration::try_from(takes).is_ok_and(|takes| takes > gives);
        let Some(post) = &mut self.post else { return };
        match post.feel(&self.setup, is_missing) {
            Ok(false) => {}
            Ok(true) => self.tell(),
            Err(trouble) => self.shut(format!("{trouble}: nothing is revoked without a trail")),
        }
    }
}

/// How far behind the slowest source was that can be relied on.
fn lag_of(snapshot: &Snapshot) -> Option<SignedDuration> {
    let known = snapshot.sources.values().filter(|source| source.unknown.is_none());
    known.map(|source| source.as_of.duration_until(snapshot.now)).max()
}
