//! What a change of policies or configuration does to what evictd may do: pure, over two sets as they were read.
//!
//! Classes speak of claims, before belts hold any: of fewer claims a belt may let more through. What cannot be told counts
//! as both. Nothing here shows a value: names and keys alone go into records.

mod account;
mod condition;
mod host;
mod policies;

pub use account::of_account;
pub use host::of_host;
pub use policies::of_policies;

/// What a change does to protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Class {
    /// More sessions may end, or sooner.
    pub widens: bool,
    /// Fewer may end, or later.
    pub weakens: bool,
}

/// One item that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is: `rule`, `exception`, `list` or `key`.
    pub item: &'static str,
    /// Its id, name or key.
    pub name: String,
    /// What of it: `added`, `removed`, or the keys that differ.
    pub what: Vec<&'static str>,
    /// What that does.
    pub class: Class,
}

impl Class {
    /// Nothing of what may end.
    pub const NEUTRAL: Self = Self { widens: false, weakens: false };
    /// More.
    pub const WIDENS: Self = Self { widens: true, weakens: false };
    /// Less.
    pub const WEAKENS: Self = Self { widens: false, weakens: true };
    /// Nobody can tell: it counts as both.
    pub const UNCLEAR: Self = Self { widens: true, weakens: true };

    /// The word in records.
    pub fn word(self) -> &'static str {
        match (self.widens, self.weakens) {
            (false, false) => "neutral",
            (true, false) => "widens",
            (false, true) => "weakens",
            (true, true) => "unclear",
        }
    }

    /// Both changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { widens: self.widens || other.widens, weakens: self.weakens || other.weakens }
    }

    /// The same for what holds sessions back.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { widens: self.weakens, weakens: self.widens }
    }

    /// Of something of which more lets more end.
    fn of_growth<T: Ord>(before: &T, after: &T) -> Self {
        match after.cmp(before) {
            std::cmp::Ordering::Less => Self::WEAKENS,
            std::cmp::Ordering::Equal => Self::NEUTRAL,
            std::cmp::Ordering::Greater => Self::WIDENS,
        }
    }

    /// Of two sets of which more members let more end.
    fn of_sets<T: Ord>(before: &std::collections::BTreeSet<T>, after: &std::collections::BTreeSet<T>) -> Self {
        Self { widens: !after.is_subset(before), weakens: !before.is_subset(after) }
    }
}

/// What all of them do together.
pub fn class_of(changes: &[Change]) -> Class {
    changes.iter().fold(Class::NEUTRAL, |sum, change| sum.and(change.class))
}

#[cfg(test)]
mod tests;
