//! Facts: one named value about a session, known with its provenance or unknown with its causes.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Cause, Causes, Classes, Strength, Version};

/// Where a known value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The session's own row.
    Session,
    /// The whole listing of the person's sessions.
    Listing,
    /// The person's record.
    User,
    /// The listing of who is in which group.
    Groups,
    /// What earlier cycles saw.
    Memory,
    /// An offboarding list.
    List,
    /// A row about the session being opened.
    SignIn,
    /// Rows about the session being used.
    Sighting,
    /// A policy's own test case.
    Case,
}

impl Source {
    /// The word in reports and the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Listing => "listing",
            Self::User => "user",
            Self::Groups => "groups",
            Self::Memory => "memory",
            Self::List => "list",
            Self::SignIn => "sign-in",
            Self::Sighting => "sighting",
            Self::Case => "case",
        }
    }
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A length of time, known to lie between the two, both included; equal where it is exact.
    Duration {
        /// It is at least this.
        low: SignedDuration,
        /// It is at most this.
        high: SignedDuration,
    },
    /// A count.
    Number(u64),
    /// A count of what is known: there may be more.
    AtLeast(u64),
    /// True or false.
    Truth(bool),
    /// Text; `None` where Zendesk has a null, which is known to be empty.
    Text(Option<Cow<'a, str>>),
    /// A set of texts, perhaps empty.
    Set(Vec<Cow<'a, str>>),
    /// An internet address.
    Address(IpAddr),
    /// A version, as far as it is known.
    Version(Version),
    /// The classes of a network, each of which is known or not.
    Classes(Classes),
}

/// A known value with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// The value.
    pub value: Value<'a>,
    /// Where it came from.
    pub source: Source,
    /// The instant, on Zendesk's clock, at which the source said so.
    pub as_of: Timestamp,
    /// How surely it belongs to this session.
    pub strength: Strength,
}

/// One fact about one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// Its value is known.
    Known(Known<'a>),
    /// Its value is not known, and why.
    Unknown(Causes),
}

impl<'a> Fact<'a> {
    /// A value read off a row, with full strength.
    pub fn exact(value: Value<'a>, source: Source, as_of: Timestamp) -> Self {
        Self::Known(Known { value, source, as_of, strength: Strength::Exact })
    }

    /// Unknown, because of this.
    pub fn unknown(cause: Cause) -> Self {
        Self::Unknown(cause.into())
    }

    /// A truth as an [`Answer`]; any other kind of value answers unknown.
    pub fn as_answer(&self) -> Answer {
        match self {
            Self::Known(Known { value: Value::Truth(true), strength, .. }) => Answer::Yes(*strength),
            Self::Known(Known { value: Value::Truth(false), strength, .. }) => Answer::No(*strength),
            Self::Known(_) => Answer::unknown(Cause::Null),
            Self::Unknown(causes) => Answer::Unknown(*causes),
        }
    }
}
