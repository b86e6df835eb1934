//! A session as Zendesk lists it, and whether a listing is whole.

use super::{Moment, SessionId, UserId};

/// One row of Zendesk's session listing. The row carries no address and no user agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Zendesk's id.
    pub id: SessionId,
    /// Whose session it is; Zendesk may leave it out.
    pub user: Option<UserId>,
    /// When it was opened.
    pub authenticated_at: Option<Moment>,
    /// When it was last used: approximate, not moved by every request.
    pub last_seen_at: Option<Moment>,
    /// The `Date` of the answer that carried the row.
    pub seen: Moment,
}

/// Whether a listing holds everything there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// Zendesk said that nothing follows.
    Complete,
    /// It was cut short; the text says by what.
    Partial(String),
}

impl Completeness {
    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}
