//! What goes wrong: faults drawn by chance for the command line, and faults that a test scripts to the call.
//!
//! Both end up as [`Effect`]s on one call; carrying them out is the door's work.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::world::World;
use crate::zendesk::Method;

/// A fault that can be drawn by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 429 with `Retry-After`, one to three seconds; nothing is done.
    RateLimit,
    /// 500, 502 or 503; nothing is done.
    ServerError,
    /// The answer comes two seconds late.
    Slow,
    /// What was asked is done, and the answer breaks off half-way.
    Cut,
    /// The next page's cursor is the one that was asked with.
    RepeatCursor,
}

impl Fault {
    /// Every fault, in the order in which they are drawn.
    pub const ALL: &[Self] = &[Self::RateLimit, Self::ServerError, Self::Slow, Self::Cut, Self::RepeatCursor];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::RateLimit => "rate-limit",
            Self::ServerError => "server-error",
            Self::Slow => "slow",
            Self::Cut => "cut",
            Self::RepeatCursor => "repeat-cursor",
        }
    }
}

/// How likely each fault is, per call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Odds(BTreeMap<Fault, f64>);

/// Why a text names no faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOdds {
    /// No such fault.
    #[error("unknown fault `{0}`: the known ones are {known}", known = known())]
    Unknown(String),
    /// No probability.
    #[error("fault `{0}` needs a probability from 0 to 1, as in `{0}=0.1`")]
    NoProbability(String),
}

fn known() -> String {
    Fault::ALL.iter().map(|fault| fault.word()).collect::<Vec<_>>().join(", ")
}

impl Odds {
    /// Reads `rate-limit=0.1,cut=0.05`; an empty text is no faults.
    ///
    /// # Errors
    ///
    /// For a name that is no fault, and for what is no probability.
    pub fn parse(text: &str) -> Result<Self, BadOdds> {
        let mut odds = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, number) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim();
            let fault = Fault::ALL.iter().find(|fault| fault.word() == name);
            let fault = fault.ok_or_else(|| BadOdds::Unknown(name.to_owned()))?;
            let chance = number.trim().parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
            odds.insert(*fault, chance.ok_or_else(|| BadOdds::NoProbability(name.to_owned()))?);
        }
        Ok(Self(odds))
    }
}

/// What is done to one call.
#[derive(Clone)]
pub enum Effect {
    /// 429 with `Retry-After` of so many seconds; nothing is done.
    RateLimit(u64),
    /// This status, with an error body; nothing is done.
    Status(u16),
    /// Nothing is done, and no answer comes.
    LoseRequest,
    /// What was asked is done, and no answer comes.
    LoseAnswer,
    /// What was asked is done, and the answer breaks off half-way.
    Cut,
    /// No connection. (Over a socket it is the same as [`Effect::LoseRequest`].)
    Unreachable,
    /// The next page's cursor is the one that was asked with.
    RepeatCursor,
    /// The answer comes this much late.
    Slow(Duration),
    /// The world changes right before the call is answered.
    Alter(Arc<dyn Fn(&mut World) + Send + Sync>),
}

impl fmt::Debug for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::RateLimit(_) => "RateLimit",
            Self::Status(_) => "Status",
            Self::LoseRequest => "LoseRequest",
            Self::LoseAnswer => "LoseAnswer",
            Self::Cut => "Cut",
            Self::Unreachable => "Unreachable",
            Self::RepeatCursor => "RepeatCursor",
            Self::Slow(_) => "Slow",
            Self::Alter(_) => "Alter",
        })
    }
}

/// An effect on chosen calls: on the next one that matches, unless told otherwise.
#[derive(Debug, Clone)]
pub struct Script {
    method: Option<Method>,
    route: Option<String>,
    spared: u32,
    times: u32,
    effect: Effect,
}

impl Script {
    /// On the next call of any kind.
    pub fn any(effect: Effect) -> Self {
        Self { method: None, route: None, spared: 0, times: 1, effect }
    }

    /// On the next call with this verb to this route, such as `/api/v2/users/{id}/sessions/{sid}`.
    pub fn on(method: Method, route: &str, effect: Effect) -> Self {
        Self { method: Some(method), route: Some(route.to_owned()), ..Self::any(effect) }
    }

    /// On the next call with this verb, wherever it goes.
    pub fn on_method(method: Method, effect: Effect) -> Self {
        Self { method: Some(method), ..Self::any(effect) }
    }

    /// Lets so many matching calls pass first: `after(2)` on a listing spares its first two pages.
    #[must_use]
    pub fn after(self, spared: u32) -> Self {
        Self { spared, ..self }
    }

    /// On so many matching calls in a row; `u32::MAX` is for good.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Whether it is this call's turn; counts the call.
    fn strikes(&mut self, call: &Call) -> bool {
        let fits = self.method.is_none_or(|method| method.word() == call.method)
            && self.route.as_ref().is_none_or(|route| *route == call.route());
        if !fits || self.times == 0 {
            return false;
        }
        if self.spared > 0 {
            self.spared -= 1;
            return false;
        }
        if self.times != u32::MAX {
            self.times -= 1;
        }
        true
    }
}

/// Faults by chance and by script.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) odds: Odds,
    pub(super) scripts: Vec<Script>,
    draws: fastrand::Rng,
}

impl Faults {
    pub(super) fn new(odds: Odds, seed: u64) -> Self {
        Self { odds, scripts: Vec::new(), draws: fastrand::Rng::with_seed(seed ^ 0xfa17) }
    }

    /// What befalls this call.
    pub(super) fn befall(&mut self, call: &Call) -> Vec<Effect> {
        let mut effects = Vec::new();
        for script in &mut self.scripts {
            if script.strikes(call) {
                effects.push(script.effect.clone());
            }
        }
        self.scripts.retain(|script| script.times > 0);
        for (fault, chance) in &self.odds.0 {
            if self.draws.f64() < *chance {
                effects.push(effect(*fault, &mut self.draws));
            }
        }
        effects
    }
}

fn effect(fault: Fault, draws: &mut fastrand::Rng) -> Effect {
    match fault {
        Fault::RateLimit => Effect::RateLimit(draws.u64(1..=3)),
        Fault::ServerError => Effect::Status([500, 502, 503].into_iter().nth(draws.usize(0..3)).unwrap_or(500)),
        Fault::Slow => Effect::Slow(Duration::from_secs(2)),
        Fault::Cut => Effect::Cut,
        Fault::RepeatCursor => Effect::RepeatCursor,
    }
}
