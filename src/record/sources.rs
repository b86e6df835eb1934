//! Records about sources of sign-ins and of use: that one can no longer be relied on, and that it can again.

use serde::{Deserialize, Serialize};

/// A source cannot be said to have told everything any more: what it does not tell is unknown from now on. Written by each
/// process when it first finds it so, and whenever it becomes so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLost {
    /// `audit-log`, `access-log`, or the name of a feed.
    pub source: String,
    /// What it tells of: `sign-in` or `use`.
    pub tells: String,
    /// The cause, such as `source-down`, `partial` or `stale`.
    pub unknown: String,
    /// Up to when it told everything, on Zendesk's clock.
    pub as_of: String,
}

/// A source that was lost tells everything again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBack {
    /// `audit-log`, `access-log`, or the name of a feed.
    pub source: String,
    /// What it tells of: `sign-in` or `use`.
    pub tells: String,
    /// Up to when it told everything, on Zendesk's clock.
    pub as_of: String,
}
