//! The small words of policies: severity, mode, action; and the kinds of cycle.

/// How bad it is if the rule is right. Ordered: least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Info,
    Low,
    #[default]
    Medium,
    High,
    Critical,
}

/// How far a rule or an account may go. Ordered: least first, so that the lower of two is `min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mode {
    /// Not judged at all.
    Off,
    /// Judged and reported.
    #[default]
    Report,
    /// Judged, reported and acted on.
    Enforce,
}

/// What a rule asks for. Ordered: narrowest first, so that the wider of two is `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// End this session.
    RevokeSession,
    /// End every session of the person.
    RevokeUser,
}

/// Whose sessions a sweep lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Agents and admins, whoever was one in the last 90 days, and everybody on an offboarding list.
    Staff,
    /// Everybody who is signed in.
    Everyone,
}

/// Whether a cycle may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleKind {
    /// Clears nothing, whatever the modes.
    Dry,
    /// Clears what is enforcing and clear.
    Enforcing,
}

macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+) => {
        impl $name {
            /// Every one, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in policies, reports and the trail.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words!(Severity: Info = "info", Low = "low", Medium = "medium", High = "high", Critical = "critical");
words!(Scope: Staff = "staff", Everyone = "everyone");
words!(Mode: Off = "off", Report = "report", Enforce = "enforce");
words!(Action: RevokeSession = "revoke-session", RevokeUser = "revoke-user");
