//! Kleene's three values: yes, no, unknown. Unknown carries its causes, yes and no carry their strength.

use std::fmt;

/// How surely a fact is attributed to this very session. Ordered: weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Nothing says otherwise, but what could say so may have been lost or not read yet. It ends nothing and lifts no
    /// spare.
    Assumed,
    /// Only ticket audits tell it, and they can be forged. A claim that rests on it is shown and always withheld.
    Hearsay,
    /// It could as well belong to another session of the same person.
    Ambiguous,
    /// Nothing else could have caused it.
    Only,
    /// It was read off the session's or the person's own row.
    Exact,
}

impl Strength {
    /// Every strength, weakest first.
    pub const ALL: &[Self] = &[Self::Assumed, Self::Hearsay, Self::Ambiguous, Self::Only, Self::Exact];

    /// The strength with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|strength| strength.word() == word)
    }

    /// What it means, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Assumed => "what says otherwise may be missing",
            Self::Hearsay => "told by ticket audits, which can be forged",
            Self::Ambiguous => "another session of the person may be meant",
            Self::Only => "no other session of the person can be meant",
            Self::Exact => "its own row says so",
        }
    }

    /// The word in policies, reports and the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assumed => "assumed",
            Self::Hearsay => "hearsay",
            Self::Ambiguous => "ambiguous",
            Self::Only => "only",
            Self::Exact => "exact",
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $word:literal: $text:literal),+ $(,)?) => {
        /// Why a fact is unknown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Cause { $($(#[$doc])* $name),+ }

        impl Cause {
            /// Every cause, in the order in which reports list them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in reports and the trail.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// The cause with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }

            /// The cause in a few words, for people.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

causes! {
    /// Nothing that could supply the fact is configured.
    NoSource = "no-source": "no source configured supplies it",
    /// The source was asked and did not answer.
    Down = "source-down": "its source did not answer",
    /// The source answered in part, so nothing that counts can be trusted.
    Partial = "partial": "its source told only a part",
    /// The source's answer is too old.
    Stale = "stale": "its source is too old",
    /// The account's plan has no such API.
    PlanLacks = "plan-lacks-it": "the account's plan lacks the API",
    /// No log has end users.
    EndUser = "end-user": "no log has end users",
    /// The source has no row about this person or session.
    NoRow = "no-row": "its source has no row",
    /// The row is there and Zendesk left the value out.
    Null = "null": "Zendesk left the value empty",
    /// The session names no user.
    NoUser = "no-user": "the session names no user",
    /// The true value lies within the tolerance of the measurement.
    Slack = "within-slack": "too close to the limit to tell",
    /// Several sessions could be meant.
    Ambiguous = "ambiguous": "several sessions could be meant",
    /// A list it needs is too old.
    ListStale = "list-too-old": "a list it needs is too old",
    /// The address is in no database.
    NotInDatabase = "not-in-database": "the address is in no database",
    /// History is still being learned, or there is no memory to ask.
    Learning = "learning": "nothing remembered yet",
    /// Clocks disagree, or the instant lies in the future.
    ClockSkew = "clock-skew": "clocks disagree",
    /// The client does not say it, or what it says is frozen.
    NotTold = "not-told": "the client does not tell it",
    /// A case does not state it.
    NotStated = "not-stated": "the case does not state it",
}

/// A set of [`Cause`]s.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Causes(u32);

impl Causes {
    /// The causes of either set.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this cause is among them.
    pub fn has(self, cause: Cause) -> bool {
        self.0 & (1 << cause as u8) != 0
    }

    /// The causes, in the order of [`Cause::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Cause> {
        Cause::ALL.iter().copied().filter(move |cause| self.has(*cause))
    }
}

impl From<Cause> for Causes {
    fn from(cause: Cause) -> Self {
        Self(1 << cause as u8)
    }
}

impl fmt::Debug for Causes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

/// What a condition says about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It holds, as surely as the facts that made it hold.
    Yes(Strength),
    /// It does not hold.
    No(Strength),
    /// It cannot be told.
    Unknown(Causes),
}

impl Answer {
    /// Unknown, because of this.
    pub fn unknown(cause: Cause) -> Self {
        Self::Unknown(cause.into())
    }

    /// Kleene's *and*. Two yes are as strong as the weaker; of two no the stronger counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No(left), Self::No(right)) => Self::No(left.max(right)),
            (Self::No(strength), _) | (_, Self::No(strength)) => Self::No(strength),
            (Self::Unknown(left), Self::Unknown(right)) => Self::Unknown(left.with(right)),
            (Self::Unknown(causes), _) | (_, Self::Unknown(causes)) => Self::Unknown(causes),
            (Self::Yes(left), Self::Yes(right)) => Self::Yes(left.min(right)),
        }
    }

    /// Kleene's *or*, by De Morgan.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// Kleene's *not*: the negation of unknown is unknown.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "reads as the word in policies")]
    pub fn not(self) -> Self {
        match self {
            Self::Yes(strength) => Self::No(strength),
            Self::No(strength) => Self::Yes(strength),
            Self::Unknown(causes) => Self::Unknown(causes),
        }
    }

    /// Whether it is a yes of any strength.
    pub fn is_yes(self) -> bool {
        matches!(self, Self::Yes(_))
    }
}
