//! How much evidence there usually is: which part of sessions each rule could decide, and each source told of.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::RuleId;

/// How many complete sweeps a history of shares holds.
pub const SHARES_MAX: usize = 100;

/// Without so many of them nothing is usual yet.
pub const SHARES_MIN: usize = 20;

/// What is older says nothing of today: somebody had two weeks to see to it, or meant it so.
pub const SHARES_REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Whose evidence is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// A rule: the part of sessions that it can decide.
    Rule(RuleId),
    /// A source: the part of sessions that it tells of.
    Source(Arc<str>),
}

impl Watched {
    /// The words of what is watched.
    pub const KINDS: &[&'static str] = &["rule", "source"];

    /// The word in the trail: `rule` or `source`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rule(_) => "rule",
            Self::Source(_) => "source",
        }
    }

    /// The rule's id or the source's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Rule(rule) => rule.as_str(),
            Self::Source(source) => source,
        }
    }

    /// What is watched under these words.
    pub fn from_words(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "rule" => Some(Self::Rule(RuleId::new(name))),
            "source" => Some(Self::Source(name.into())),
            _ => None,
        }
    }
}

/// A part of sessions in one complete sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The sweep's *now*.
    pub at: Timestamp,
    /// In thousandths, cut: all only if it is all.
    pub thousandths: u16,
}

/// What is usual by this history: the middle of what is not too old, if it is enough to say so.
pub fn usual(history: &[Share], now: Timestamp) -> Option<u16> {
    let is_young = |share: &&Share| share.at.duration_until(now) <= SHARES_REMEMBERED;
    let mut shares: Vec<u16> = history.iter().filter(is_young).map(|share| share.thousandths).collect();
    shares.sort_unstable();
    if shares.len() < SHARES_MIN { None } else { shares.get(shares.len() / 2).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_is_the_middle_of_twenty_sweeps_that_are_not_too_old() {
        let hour = |hour: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let share = |number: u16| Share { at: hour(i64::from(number)), thousandths: 1_000 - number };
        let history: Vec<Share> = (0..21).map(share).collect();
        assert_eq!(usual(&history[..19], hour(21)), None);
        assert_eq!(usual(&history[..20], hour(21)), Some(991));
        assert_eq!(usual(&history, hour(21)), Some(990));
        assert_eq!(usual(&history, hour(14 * 24)), Some(990));
        assert_eq!(usual(&history, hour(14 * 24 + 2)), None, "of 21 two are too old");
    }

    #[test]
    fn what_is_watched_comes_back_from_its_words() {
        for one in [Watched::Rule(RuleId::new("old")), Watched::Source("okta".into())] {
            assert!(Watched::KINDS.contains(&one.kind()));
            assert_eq!(Watched::from_words(one.kind(), one.name()), Some(one));
        }
        assert_eq!(Watched::from_words("people", "x"), None);
    }
}
