//! One account's alerts on their way to one channel, oldest first, each until it is taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};

use super::{Channel, ChannelKind, Cursor, Tail};
use crate::alert::{Alert, Around, Mark, Sentry};
use crate::clock::{Chance, Clock};
use crate::files::Medium;
use crate::model::AccountName;

/// The trail is looked at this often.
const EVERY: Duration = Duration::from_secs(5);

/// What was not taken is sent again after so long at first, and at the latest.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// A channel that takes nothing for so long is said to fail.
const FAILS_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Without a cursor so much is told again.
const REPEATED: SignedDuration = SignedDuration::from_hours(24);

/// What must have been heard to know what the oldest of it means.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(49);

/// So many alerts wait in memory at most; what comes after them waits in the trail.
const WAITING_MAX: usize = 64;

/// The cursor is written at least each time so many records were heard.
const RECORDS_PER_CURSOR: u64 = 500;

/// What one account's alerts come from.
pub struct Backlog {
    /// Whose.
    pub account: AccountName,
    /// Its trail.
    pub trail: Arc<dyn Medium>,
    /// Its folder of state, where the cursor lies.
    pub state: Arc<dyn Medium>,
    /// The channel that they go to.
    pub channel: ChannelKind,
    /// How the account stands at this instant, but for what the cursor knows.
    pub around: Box<dyn Fn(Timestamp) -> Around + Send + Sync>,
}

/// One account and one channel.
pub struct Route {
    backlog: Backlog,
    channel: Arc<dyn Channel>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    heard: Option<Heard>,
    backoff: Option<ExponentialBackoff>,
    is_said: bool,
}

/// What was heard since the process began.
struct Heard {
    tail: Tail,
    sentry: Sentry,
    cursor: Cursor,
    /// The last record that was heard.
    seq: u64,
    /// What records up to that one have to tell and was not taken yet.
    waiting: VecDeque<Alert>,
    /// Records from before this instant are not told: only without a cursor.
    not_before: Timestamp,
}

impl Route {
    /// Reads nothing yet.
    pub fn new(backlog: Backlog, channel: Arc<dyn Channel>, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { backlog, channel, clock, chance, heard: None, backoff: None, is_said: false }
    }

    /// Goes on for ever.
    pub async fn run(mut self) {
        loop {
            let wait = self.step().await;
            let clock = Arc::clone(&self.clock);
            clock.sleep(wait).await;
        }
    }

    /// Hears what is new and sends it until something is not taken; how long to wait until the next time.
    pub async fn step(&mut self) -> Duration {
        let now = self.clock.now();
        let Some(mut heard) = self.heard.take().or_else(|| self.begin(now)) else { return EVERY };
        heard.listen(&self.backlog, now);
        let refused = self.deliver(&mut heard, now).await.err();
        if refused.is_none() {
            heard.rest(&self.backlog);
        }
        self.heard = Some(heard);
        refused.unwrap_or(EVERY)
    }

    /// Sends all that waits, oldest first, then what came due. The error is how long to wait before the next try.
    async fn deliver(&mut self, heard: &mut Heard, now: Timestamp) -> Result<(), Duration> {
        while let Some(alert) = heard.waiting.front().cloned() {
            self.carry(heard, &alert).await?;
            heard.waiting.pop_front();
            if heard.waiting.is_empty() {
                heard.listen(&self.backlog, now);
            }
        }
        for alert in heard.due(&self.backlog, now) {
            self.carry(heard, &alert).await?;
        }
        Ok(())
    }

    fn begin(&self, now: Timestamp) -> Option<Heard> {
        let cursor = Cursor::read(&*self.backlog.state, self.backlog.channel);
        let before = |length| now.checked_sub(length).unwrap_or(Timestamp::MIN);
        let seq = cursor.as_ref().map_or(u64::MAX, |cursor| cursor.seq.saturating_add(1));
        let tail = Tail::since(Arc::clone(&self.backlog.trail), before(REMEMBERED), seq);
        let tail =
            tail.map_err(|trouble| tracing::warn!("alerts wait, since the trail cannot be read: {trouble}")).ok()?;
        let not_before = if cursor.is_some() { Timestamp::MIN } else { before(REPEATED) };
        let sentry = Sentry::of(self.backlog.account.clone());
        Some(Heard { tail, sentry, cursor: cursor.unwrap_or_default(), seq: 0, waiting: VecDeque::new(), not_before })
    }

    /// Sends one, and notes durably what became of it.
    async fn carry(&mut self, heard: &mut Heard, alert: &Alert) -> Result<(), Duration> {
        let taken = self.channel.send(alert).await;
        let now = self.clock.now();
        let channel = self.backlog.channel.word();
        let cursor = &mut heard.cursor;
        let carried = match taken {
            Ok(()) => {
                match alert.mark {
                    Mark::Record => cursor.seq = cursor.seq.max(alert.seq),
                    Mark::Told => drop(cursor.told.insert(alert.id.clone())),
                    Mark::Pause(is_paused) => cursor.pause = is_paused,
                }
                if self.is_said {
                    tracing::info!(account = %self.backlog.account, channel, "alerts are taken again");
                }
                (cursor.failing_since, self.backoff, self.is_said) = (None, None, false);
                Ok(())
            }
            Err(why) => {
                let since = cursor.failing_since.get_or_insert_with(|| format!("{now:.0}"));
                let fails_for = since.parse().map_or(FAILS_AFTER, |since: Timestamp| since.duration_until(now));
                if !self.is_said && fails_for >= FAILS_AFTER {
                    self.is_said = true;
                    tracing::error!(account = %self.backlog.account, channel, "no alert was taken since {since}: {why}");
                }
                let seed = self.chance.seed();
                Err(self.backoff.get_or_insert_with(|| backoff(seed)).next().unwrap_or(AGAIN_AFTER.1))
            }
        };
        cursor.write(&*self.backlog.state, self.backlog.channel);
        carried
    }
}

fn backoff(seed: u64) -> ExponentialBackoff {
    let builder = ExponentialBuilder::new().with_min_delay(AGAIN_AFTER.0).with_max_delay(AGAIN_AFTER.1);
    builder.without_max_times().with_jitter().with_jitter_seed(seed).build()
}

impl Heard {
    /// Hears records until enough waits. A trail that ends before the cursor is another one.
    fn listen(&mut self, backlog: &Backlog, now: Timestamp) {
        while self.waiting.len() < WAITING_MAX {
            let lines = match self.tail.lines() {
                Ok(lines) => lines,
                Err(trouble) => return tracing::warn!("alerts wait, since the trail cannot be read: {trouble}"),
            };
            if lines.is_empty() {
                break;
            }
            for line in lines.iter().filter(|line| line.account == backlog.account) {
                self.seq = line.seq;
                let alert = self.sentry.hear(line);
                let is_new = line.seq > self.cursor.seq && line.at >= self.not_before;
                self.waiting.extend(alert.filter(|_| is_new));
            }
        }
        if self.waiting.is_empty() && (1..self.cursor.seq).contains(&self.seq) {
            tracing::warn!("the trail ends before what was told of it: it is told anew from here");
            self.cursor.seq = self.seq;
            self.not_before = now;
        }
    }

    /// What came due and was not told. Ids of what no longer stands are forgotten.
    fn due(&mut self, backlog: &Backlog, now: Timestamp) -> Vec<Alert> {
        let around = Around { pause_told: self.cursor.pause, ..(backlog.around)(now) };
        let mut due = self.sentry.due(&around);
        self.cursor.told.retain(|id| due.iter().any(|alert| alert.id == *id));
        due.retain(|alert| !self.cursor.told.contains(&alert.id));
        due
    }

    /// Records that say nothing to anybody are behind us too.
    fn rest(&mut self, backlog: &Backlog) {
        if self.waiting.is_empty() && self.seq >= self.cursor.seq.saturating_add(RECORDS_PER_CURSOR) {
            self.cursor.seq = self.seq;
            self.cursor.write(&*backlog.state, backlog.channel);
        }
    }
}
