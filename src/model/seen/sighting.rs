//! Sign-ins and sightings: a person was seen from this address, with this program, from then to then.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Cause, Moment, SessionId, UserId};

/// One row of a source that saw a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Who was seen.
    pub user: UserId,
    /// In which of their sessions, if the row says so.
    pub session: Option<SessionId>,
    /// Doing what.
    pub act: Act,
    /// From where; an IPv4 address is never written as IPv6.
    pub address: Option<IpAddr>,
    /// The program's agent string, as it came.
    pub agent: Option<Arc<str>>,
    /// When it began.
    pub first: Moment,
    /// When it was seen last; not before it began.
    pub last: Moment,
    /// The source's name, as among the snapshot's sources.
    pub source: Arc<str>,
}

impl Sighting {
    /// The name of what ticket audits tell: it can be forged, and stands apart from all sources.
    pub const HEARSAY: &str = "ticket-audits";
    /// The name of what a session's own row tells: it is no source, since rows need not tell anything.
    pub const SESSION_ROW: &str = "session-row";
}

/// What somebody was seen doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Opening a session.
    SignIn,
    /// Using one.
    Use,
}

impl Act {
    /// Every act.
    pub const ALL: &[Self] = &[Self::SignIn, Self::Use];

    /// The word in snapshots and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Use => "use",
        }
    }
}

/// One row of a log, before it is condensed into a sighting: somebody was seen once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Who was seen.
    pub user: UserId,
    /// When, on the source's clock.
    pub at: Moment,
    /// From where; an IPv4 address is never written as IPv6.
    pub address: Option<IpAddr>,
    /// The program's agent string, as it came.
    pub agent: Option<Arc<str>>,
}

/// How a source of sightings stands in one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStanding {
    /// What it tells of.
    pub tells: Act,
    /// Up to when its rows were read, on Zendesk's clock.
    pub as_of: Timestamp,
    /// Why it cannot be said to have told everything; none if it has.
    pub unknown: Option<Cause>,
    /// From when on its rows are at hand; none if that is not known.
    pub since: Option<Timestamp>,
    /// Its clock minus Zendesk's, as far as that was measured.
    pub skew: SignedDuration,
    /// A row and what it tells of are at most this far apart.
    pub within: SignedDuration,
    /// It was read this much after `as_of`: rows of that time may still come.
    pub late: SignedDuration,
}

impl SourceStanding {
    /// How far a sign-in row and the session it opened are apart at most, unless the configuration says otherwise.
    pub const WITHIN: SignedDuration = SignedDuration::from_secs(10);

    /// A source that told everything up to this instant, on Zendesk's own clock.
    pub fn whole(tells: Act, as_of: Timestamp) -> Self {
        Self {
            tells,
            as_of,
            unknown: None,
            since: None,
            skew: SignedDuration::ZERO,
            within: Self::WITHIN,
            late: SignedDuration::ZERO,
        }
    }
}
