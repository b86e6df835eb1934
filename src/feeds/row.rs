//! One row of a feed, whatever its format: who was seen, when, from where, with what.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Act;

/// Who was seen, in the words of whoever wrote the feed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonKey {
    /// An e-mail address, in lower case.
    Email(String),
    /// An external id, as written; Zendesk compares them without regard to case.
    ExternalId(String),
    /// The identity provider's own id, as written.
    Subject(String),
}

/// Somebody was seen once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedRow {
    /// Who.
    pub person: PersonKey,
    /// When, on the feed's clock.
    pub at: Timestamp,
    /// Doing what.
    pub act: Act,
    /// From where; an IPv4 address is never written as IPv6.
    pub address: Option<IpAddr>,
    /// The program's agent string, cut where nobody reads on.
    pub agent: Option<Arc<str>>,
}
