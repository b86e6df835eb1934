//! What goes wrong: faults drawn by chance for the command line, and faults that a test scripts to the call.
//!
//! Both end up as [`Effect`]s on one call; carrying them out is the work of the door and the account. Chance draws from
//! the seed alone, so that the same calls in the same order meet the same faults.

mod effect;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use super::call::Call;
pub(super) use effect::Marks;
pub use effect::{Effect, Lag, Move, Script};

/// A fault that can be drawn by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 429 with `Retry-After`, one to three seconds; nothing is done.
    RateLimit,
    /// 500, 502 or 503; nothing is done.
    ServerError,
    /// 403, 502, 520 or 522 with a page of HTML, from the edge in front of the account; nothing is done.
    HtmlError,
    /// The answer comes two seconds late.
    Slow,
    /// What was asked is done, and the answer breaks off half-way.
    Cut,
    /// The next page's cursor is the one that was asked with.
    RepeatCursor,
    /// A page of a listing, unless it is the first, shows the last row of the page before again, or leaves out the row
    /// that should be its first.
    MoveRows,
    /// A session ends by itself right before the call: any, or the one that the call names.
    Vanish,
    /// Somebody signs in right before the call: anybody who may, or whom the call names.
    Appear,
    /// The answer's `Date` is one to ten minutes early or late.
    Skew,
    /// Sessions that the call ends stay listed for some pages, and for thirty seconds at most.
    Lag,
}

impl Fault {
    /// Every fault, in the order in which they are drawn.
    pub const ALL: &[Self] = &[
        Self::RateLimit,
        Self::ServerError,
        Self::HtmlError,
        Self::Slow,
        Self::Cut,
        Self::RepeatCursor,
        Self::MoveRows,
        Self::Vanish,
        Self::Appear,
        Self::Skew,
        Self::Lag,
    ];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::RateLimit => "rate-limit",
            Self::ServerError => "server-error",
            Self::HtmlError => "html-error",
            Self::Slow => "slow",
            Self::Cut => "cut",
            Self::RepeatCursor => "repeat-cursor",
            Self::MoveRows => "move-rows",
            Self::Vanish => "vanish",
            Self::Appear => "appear",
            Self::Skew => "skew",
            Self::Lag => "lag",
        }
    }

    /// One such fault.
    fn drawn(self, draws: &mut fastrand::Rng) -> Effect {
        let mut one_of = |statuses: &[u16]| statuses.get(draws.usize(..statuses.len())).copied().unwrap_or(500);
        match self {
            Self::RateLimit => Effect::RateLimit(draws.u64(1..=3)),
            Self::ServerError => Effect::Status(one_of(&[500, 502, 503])),
            Self::HtmlError => Effect::Html(one_of(&[403, 502, 520, 522])),
            Self::Slow => Effect::Slow(Duration::from_secs(2)),
            Self::Cut => Effect::Cut,
            Self::RepeatCursor => Effect::RepeatCursor,
            Self::MoveRows => Effect::MoveRows(if draws.bool() { Move::Again } else { Move::Missed }),
            Self::Vanish => Effect::Vanish(draws.u64(..)),
            Self::Appear => Effect::Appear(draws.u64(..)),
            Self::Skew => {
                let minutes = draws.i64(1..=10);
                Effect::Skew(SignedDuration::from_mins(if draws.bool() { minutes } else { -minutes }))
            }
            Self::Lag => Effect::Lag(Lag { pages: draws.u32(1..=12), seconds: draws.u32(5..=30) }),
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
    /// Every fault, with this chance; what is no probability counts as its nearest one.
    pub fn all(chance: f64) -> Self {
        Self(Fault::ALL.iter().map(|fault| (*fault, chance.clamp(0.0, 1.0))).collect())
    }

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
        self.scripts.retain(|script| !script.is_spent());
        for (fault, chance) in &self.odds.0 {
            if self.draws.f64() < *chance {
                effects.push(fault.drawn(&mut self.draws));
            }
        }
        effects
    }
}
