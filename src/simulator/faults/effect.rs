//! What is done to one call, and the scripts by which a test says to which.
//!
//! Some effects decide the answer, some only mar it, some change the account right before it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::call::Call;
use super::super::world::World;
use crate::zendesk::Method;

/// What is done to one call.
#[derive(Clone)]
pub enum Effect {
    /// 429 with `Retry-After` of so many seconds; nothing is done.
    RateLimit(u64),
    /// This status, with an error body; nothing is done.
    Status(u16),
    /// This status, with a page of HTML from the edge in front of the account; nothing is done.
    Html(u16),
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
    /// A row has moved over the border of this page, which is not the first.
    MoveRows(Move),
    /// The answer comes this much late.
    Slow(Duration),
    /// The answer's `Date` is this much ahead.
    Skew(SignedDuration),
    /// Sessions that this call ends stay listed.
    Lag(Lag),
    /// A session has ended by itself right before the call; the number says which.
    Vanish(u64),
    /// Somebody has signed in right before the call; the number says who.
    Appear(u64),
    /// The world changes right before the call is answered.
    Alter(Arc<dyn Fn(&mut World) + Send + Sync>),
}

/// Where a row went between two pages of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// To the later page: the last row of the page before comes again.
    Again,
    /// To the earlier page, when that was read already: the row is on neither.
    Missed,
}

/// How long what was ended stays listed: until one of the two is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Pages of session listings that are answered in the meantime, whatever they show.
    pub pages: u32,
    /// Seconds on the account's clock.
    pub seconds: u32,
}

impl fmt::Debug for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::RateLimit(_) => "RateLimit",
            Self::Status(_) => "Status",
            Self::Html(_) => "Html",
            Self::LoseRequest => "LoseRequest",
            Self::LoseAnswer => "LoseAnswer",
            Self::Cut => "Cut",
            Self::Unreachable => "Unreachable",
            Self::RepeatCursor => "RepeatCursor",
            Self::MoveRows(_) => "MoveRows",
            Self::Slow(_) => "Slow",
            Self::Skew(_) => "Skew",
            Self::Lag(_) => "Lag",
            Self::Vanish(_) => "Vanish",
            Self::Appear(_) => "Appear",
            Self::Alter(_) => "Alter",
        })
    }
}

/// What mars an answer without deciding it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::simulator) struct Marks {
    pub(in crate::simulator) repeat: bool,
    pub(in crate::simulator) moved: Option<Move>,
    pub(in crate::simulator) lag: Option<Lag>,
    pub(in crate::simulator) skew: SignedDuration,
}

impl Marks {
    /// Those among these effects.
    pub(in crate::simulator) fn of(effects: &[Effect]) -> Self {
        let mut marks = Self::default();
        for effect in effects {
            match effect {
                Effect::RepeatCursor => marks.repeat = true,
                Effect::MoveRows(moved) => marks.moved = Some(*moved),
                Effect::Lag(lag) => marks.lag = Some(*lag),
                Effect::Skew(ahead) => marks.skew = *ahead,
                _ => {}
            }
        }
        marks
    }
}

/// An effect on chosen calls: on the next one that matches, unless told otherwise.
#[derive(Debug, Clone)]
pub struct Script {
    method: Option<Method>,
    route: Option<String>,
    spared: u32,
    times: u32,
    pub(super) effect: Effect,
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

    pub(super) fn is_spent(&self) -> bool {
        self.times == 0
    }

    /// Whether it is this call's turn; counts the call.
    pub(super) fn strikes(&mut self, call: &Call) -> bool {
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
