//! OAuth tokens as Zendesk lists them: who holds one, and what it may do. The token itself is never read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::{Foreign, UserId};

/// So many tokens of one person are kept.
pub const TOKENS_PER_PERSON_MAX: usize = 50;

/// One token, without what it opens anything with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OauthToken {
    /// Its number, not the token.
    pub id: u64,
    /// Whose it is.
    pub user: UserId,
    /// Through which client it was given out, by number.
    pub client: Option<u64>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Since when it is good.
    pub created_at: Option<Timestamp>,
    /// When it was used last, if that is told.
    pub used_at: Option<Timestamp>,
    /// When it ends; none if it never does, or that is not told.
    pub expires_at: Option<Timestamp>,
}

impl OauthToken {
    /// Its scopes: so many, and each so long.
    const SCOPES_MAX: usize = 50;
    const SCOPE_LETTERS_MAX: usize = 64;

    /// Scopes as they are kept: few, short, and harmless to show.
    pub fn kept_scopes(scopes: &[Foreign]) -> Vec<String> {
        let kept = |scope: &Foreign| scope.to_string().chars().take(Self::SCOPE_LETTERS_MAX).collect();
        scopes.iter().take(Self::SCOPES_MAX).map(kept).collect()
    }
}

/// Who holds which tokens, as asked for at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensSeen {
    /// When, on Zendesk's clock.
    pub as_of: Timestamp,
    /// By person: everybody who was asked for, whether or not they hold any.
    pub held: BTreeMap<UserId, Vec<OauthToken>>,
}
