//! One question until it is answered: budget, waiting where Zendesk asks to, repeating where nothing can be harmed.
//!
//! A DELETE is never repeated here, but for one that a dead token cost: whoever sent it looks up what became of it, and
//! whether it is still wanted. Every wait draws on a [`Patience`], so that no call waits for ever.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use secrecy::SecretString;

use super::access::Identity;
use super::budget::{Endpoint, Leave};
use super::wire::{self, http_date};
use super::{Lost, MayLeave, Method, Pace, Purpose, Request, Response, Trouble, Zendesk, trouble};

/// Listing an account may wait this long in total: what was read first is too old for any belt after ten minutes.
const LISTING_PATIENCE: Duration = Duration::from_mins(10);

/// Any other call may wait this long: limits are per minute and Zendesk's longest documented wait is 93 s, while a
/// pause that a person pulled must not be outwaited for long.
const CALL_PATIENCE: Duration = Duration::from_mins(2);

/// What a cycle can do without may wait this long: time for a hiccup, not for a limit.
const BRIEF_PATIENCE: Duration = Duration::from_secs(15);

/// A request that may not be wanted any more is looked at this often while it waits to leave.
const LOOKED_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How long to wait where Zendesk does not say.
const WAIT_UNSAID: Duration = Duration::from_secs(10);

/// A wait of zero would be a loop that hammers.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// How often a request is repeated after server errors and lost answers.
pub(super) const REPEATED_MAX: usize = 4;

const REPEATED_AFTER: Duration = Duration::from_millis(500);
const REPEATED_AFTER_MAX: Duration = Duration::from_secs(30);

/// How much longer a call may wait, and whether it may leave at all. Waiting for our own budget does not count: that is
/// our choice.
pub(super) struct Patience<'a> {
    left: Duration,
    may_leave: Option<MayLeave<'a>>,
}

impl<'a> Patience<'a> {
    pub(super) fn of_listing() -> Self {
        Self { left: LISTING_PATIENCE, may_leave: None }
    }

    pub(super) fn of_call() -> Self {
        Self { left: CALL_PATIENCE, may_leave: None }
    }

    pub(super) fn brief() -> Self {
        Self { left: BRIEF_PATIENCE, may_leave: None }
    }

    /// The patience of a request that changes something: it leaves only while this says so.
    pub(super) fn of_change(may_leave: MayLeave<'a>) -> Self {
        Self { may_leave: Some(may_leave), ..Self::of_call() }
    }

    /// How much of this wait to sleep before looking again: whoever pauses or stops evictd does not outwait a request
    /// that has not left.
    fn nap(&self, wait: Duration) -> Duration {
        if self.may_leave.is_some() { wait.min(LOOKED_AGAIN_AFTER) } else { wait }
    }

    fn may_leave(&self) -> bool {
        self.may_leave.is_none_or(|may_leave| may_leave())
    }

    /// Takes this long off, if there is as much left.
    fn spend(&mut self, wait: Duration) -> bool {
        match self.left.checked_sub(wait) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// A request as a verb words it.
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) purpose: Purpose,
    pub(super) body: Option<SecretString>,
}

impl Question {
    /// One without a body.
    pub(super) fn plain(method: Method, path: String, purpose: Purpose) -> Self {
        Self { method, path, purpose, body: None }
    }

    /// Whether it ends sessions: then it is never sent twice by itself. A request for a token is not meant.
    fn changes(&self) -> bool {
        self.method == Method::Delete || self.method == Method::Post && self.path.starts_with("/api/")
    }
}

/// What to do after an attempt that brought nothing.
enum Setback {
    /// Zendesk cleanly refused for now: for the whole account, or for this endpoint only.
    Hold(Extent, Duration, String),
    /// Repeat it soon; the trouble it is if that does not help.
    Repeat(Trouble),
    /// It is not for us to repeat it.
    Over(Trouble),
}

/// How far a limit reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Account,
    Endpoint,
}

impl Zendesk {
    /// How fast a sweep may go, what was used up, and whether Zendesk asked to be left alone. Sends nothing.
    pub fn pace(&self) -> Pace {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).pace(self.clock.monotonic())
    }

    /// Whether looks go on while a sweep lists: then the listing leaves a third of what is not reserved to them.
    pub fn is_beside_looks(&self, is: bool) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).is_beside_looks(is);
    }

    /// Waits until a DELETE would leave at once: until the budget has room for it, and for the token it may need, and
    /// until Zendesk no longer asks to be left alone. Sends nothing and uses nothing up, so that the caller can look
    /// once more at what speaks against the act. A hold longer than an act's patience is not waited out: the DELETE
    /// itself says so, unsent.
    pub async fn room_to_act(&self) {
        let Some(who) = self.hands() else { return };
        let requests = if self.has_living_token(who) { 1 } else { 2 };
        loop {
            let now = self.clock.monotonic();
            let leave = self.budget.lock().unwrap_or_else(PoisonError::into_inner).room_to_act(requests, now);
            let wait = match leave {
                Leave::Go => return,
                Leave::Held(wait, _) if wait > CALL_PATIENCE => return,
                Leave::Full(wait) | Leave::Held(wait, _) => wait,
            };
            tracing::info!(seconds = wait.as_secs(), "waiting for room to act");
            self.wait_out(wait, Purpose::Act).await;
        }
    }

    /// Asks as the one who reads.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: String,
        purpose: Purpose,
        patience: &mut Patience<'_>,
    ) -> Result<Response, Trouble> {
        self.ask_as(&self.reader, Question::plain(method, path, purpose), patience).await
    }

    /// Asks with a living token, and once more with a fresh one if Zendesk does not accept it. Any status may come back
    /// but 401 and those that were waited out or repeated.
    pub(super) async fn ask_as(
        &self,
        who: &Identity,
        question: Question,
        patience: &mut Patience<'_>,
    ) -> Result<Response, Trouble> {
        let authorization = self.authorization(who, patience).await?;
        let mut answer = self.insist(&question, Some(&authorization), patience).await?;
        if answer.status == 401 && self.drop_token(who) {
            let authorization = self.authorization(who, patience).await?;
            answer = self.insist(&question, Some(&authorization), patience).await?;
        }
        if answer.status == 401 {
            let at = wire::date(&answer).unwrap_or_else(|_| self.clock.now());
            return Err(who.not_accepted(trouble::shown_words(&answer), at));
        }
        Ok(answer)
    }

    /// Asks until there is an answer, or reason to give up.
    pub(super) async fn insist(
        &self,
        question: &Question,
        authorization: Option<&SecretString>,
        patience: &mut Patience<'_>,
    ) -> Result<Response, Trouble> {
        let mut delays = self.delays();
        let endpoint = Endpoint::of(question.method, &question.path);
        loop {
            self.wait_for_leave(question.purpose, &endpoint, patience).await?;
            self.calls.fetch_add(1, Ordering::Relaxed);
            if question.purpose == Purpose::Sweep {
                self.calls_of_sweeps.fetch_add(1, Ordering::Relaxed);
            }
            let request = Request {
                method: question.method,
                path: question.path.clone(),
                authorization: authorization.cloned(),
                body: question.body.clone(),
            };
            let sent = self.without_secrets(self.transport.send(request).await, authorization);
            if let Ok(answer) = &sent {
                self.note_limits(&endpoint, answer);
            }
            match self.setback(&endpoint, question.changes(), sent) {
                Ok(answer) => return Ok(answer),
                Err(Setback::Hold(extent, wait, why)) => {
                    self.hold(wait, why.clone(), (extent == Extent::Endpoint).then(|| endpoint.clone()));
                    if question.changes() {
                        return Err(Trouble::Later { wait, why });
                    }
                }
                Err(Setback::Over(trouble)) => return Err(trouble),
                Err(Setback::Repeat(trouble)) => match delays.next() {
                    Some(delay) if patience.spend(delay) => self.clock.sleep(delay).await,
                    _ => return Err(trouble),
                },
            }
        }
    }

    async fn wait_for_leave(
        &self,
        purpose: Purpose,
        endpoint: &Endpoint,
        patience: &mut Patience<'_>,
    ) -> Result<(), Trouble> {
        loop {
            // After every wait anew: a human may have stopped it meanwhile.
            if !patience.may_leave() {
                return Err(Trouble::Stopped);
            }
            let now = self.clock.monotonic();
            let leave = self.budget.lock().unwrap_or_else(PoisonError::into_inner).leave(now, purpose, endpoint);
            let nap = match leave {
                Leave::Go => return Ok(()),
                Leave::Full(wait) => patience.nap(wait),
                Leave::Held(wait, why) if patience.left < wait => return Err(Trouble::Later { wait, why }),
                Leave::Held(wait, _) => {
                    let nap = patience.nap(wait);
                    patience.spend(nap);
                    nap
                }
            };
            tracing::info!(seconds = nap.as_secs(), "waiting before the next request to Zendesk");
            self.wait_out(nap, purpose).await;
        }
    }

    async fn wait_out(&self, wait: Duration, purpose: Purpose) {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.waited.fetch_add(millis, Ordering::Relaxed);
        if purpose == Purpose::Sweep {
            self.waited_for_sweeps.fetch_add(millis, Ordering::Relaxed);
        }
        self.clock.sleep(wait).await;
    }

    fn setback(&self, endpoint: &Endpoint, changes: bool, sent: Result<Response, Lost>) -> Result<Response, Setback> {
        let answer = match sent {
            Ok(answer) => answer,
            Err(Lost::Unanswered(why)) if changes => return Err(Setback::Over(Trouble::Unanswered(why))),
            Err(Lost::Unsent(why)) if changes => return Err(Setback::Over(Trouble::Unreachable(why))),
            Err(Lost::Unsent(why) | Lost::Unanswered(why)) => return Err(Setback::Repeat(Trouble::Unreachable(why))),
        };
        let why = || format!("status {}: {}", answer.status, trouble::shown_words(&answer));
        let asked = self.asked_wait(&answer);
        match answer.status {
            429 => {
                let own = own_limit(&answer).filter(|_| account_remaining(&answer) != Some(0));
                let (extent, wait) = match own {
                    _ if endpoint.is_apart() => (Extent::Endpoint, asked),
                    // `ratelimit-reset` is the account's and says nothing about this limit.
                    Some(resets) if answer.header("retry-after").is_none() => (Extent::Endpoint, Some(resets)),
                    Some(_) => (Extent::Endpoint, asked),
                    None => (Extent::Account, asked),
                };
                Err(Setback::Hold(extent, wait.unwrap_or(WAIT_UNSAID), why()))
            }
            // Without a time to come back, a 503 may as well be the edge that lost Zendesk's answer.
            503 if asked.is_some() || !changes => {
                let extent = if endpoint.is_apart() { Extent::Endpoint } else { Extent::Account };
                Err(Setback::Hold(extent, asked.unwrap_or(WAIT_UNSAID), why()))
            }
            500..=599 if changes => Err(Setback::Over(Trouble::Unanswered(why()))),
            500..=599 => Err(Setback::Repeat(Trouble::Later { wait: REPEATED_AFTER_MAX, why: why() })),
            _ => Ok(answer),
        }
    }

    /// Reads the account's limit off an answer, and stops early where it says that none is left.
    fn note_limits(&self, endpoint: &Endpoint, answer: &Response) {
        // The same names may tell of that service's own limit, which is a small part of the account's.
        if endpoint.is_apart() {
            return;
        }
        if let Some(limit) = number(answer, ["x-rate-limit", "ratelimit-limit"]) {
            self.budget.lock().unwrap_or_else(PoisonError::into_inner).account_limit_is(limit);
        }
        if account_remaining(answer) == Some(0)
            && let Some(wait) = self.asked_wait(answer)
        {
            self.hold(wait, "the account's requests of this minute are used up".to_owned(), None);
        }
    }

    /// Sends nothing for so long: nothing to this endpoint, or nothing at all.
    fn hold(&self, wait: Duration, why: String, endpoint: Option<Endpoint>) {
        tracing::warn!(seconds = wait.as_secs(), ?endpoint, "Zendesk asks to be left alone: {why}");
        let until = self.clock.monotonic().saturating_add(wait.max(WAIT_MIN));
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).hold_until(until, why, endpoint);
    }

    /// How long the answer asks to be left alone: seconds, or a date on Zendesk's own clock.
    fn asked_wait(&self, answer: &Response) -> Option<Duration> {
        let text = answer.header("retry-after").or_else(|| answer.header("ratelimit-reset"))?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let until = http_date(text).or_else(|| text.parse::<Timestamp>().ok())?;
        let now = answer.header("date").and_then(http_date).unwrap_or_else(|| self.clock.now());
        Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
    }

    fn delays(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(REPEATED_AFTER)
            .with_max_delay(REPEATED_AFTER_MAX)
            .with_max_times(REPEATED_MAX)
            .with_jitter()
            .with_jitter_seed(self.chance.seed())
            .build()
    }
}

fn number(answer: &Response, names: [&str; 2]) -> Option<u32> {
    names.iter().find_map(|name| answer.header(name)).and_then(|text| text.trim().parse().ok())
}

/// What is left of the account's requests of this minute.
fn account_remaining(answer: &Response) -> Option<u32> {
    number(answer, ["x-rate-limit-remaining", "ratelimit-remaining"])
}

/// How long until an endpoint's own limit is whole again; none if no such limit is used up. It is told in a header
/// `zendesk-ratelimit-NAME: total=10; remaining=0; resets=41`.
fn own_limit(answer: &Response) -> Option<Duration> {
    let part = |limits: &str, key: &str| -> Option<u64> {
        limits.split(';').filter_map(|part| part.trim().split_once('=')).find(|(name, _)| *name == key)?.1.parse().ok()
    };
    let mut limits = answer.headers.iter().filter(|(name, _)| name.starts_with("zendesk-ratelimit-"));
    let (_, used_up) = limits.find(|(_, limits)| part(limits, "remaining") == Some(0))?;
    Some(part(used_up, "resets").map_or(WAIT_UNSAID, Duration::from_secs))
}
