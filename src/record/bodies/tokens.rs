//! Who still holds OAuth tokens, as records tell it: never the token, nor any part of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::OauthToken;

/// What tokens somebody holds who just lost a session, or has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensHeld {
    /// The person.
    pub user: String,
    /// How many there are.
    pub tokens: usize,
    /// When one of them was used last; absent if that is not told of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    /// When it was asked, on Zendesk's clock.
    pub as_of: String,
    /// Each of them.
    pub held: Vec<TokenHeld>,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenHeld {
    /// Its number.
    pub id: String,
    /// Its client's number, if that is told.
    pub client: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Since when it is good.
    pub created: Option<String>,
    /// When it was used last.
    pub last_used: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
}

impl TokensHeld {
    /// What this person holds.
    pub fn of(user: &str, tokens: &[OauthToken], as_of: Timestamp) -> Self {
        Self {
            user: user.to_owned(),
            tokens: tokens.len(),
            last_used: tokens.iter().filter_map(|token| token.used_at).max().map(|at| at.to_string()),
            as_of: as_of.to_string(),
            held: tokens.iter().map(TokenHeld::from).collect(),
        }
    }
}

impl From<&OauthToken> for TokenHeld {
    fn from(token: &OauthToken) -> Self {
        let told = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: token.id.to_string(),
            client: token.client.map(|client| client.to_string()),
            scopes: token.scopes.clone(),
            created: told(token.created_at),
            last_used: told(token.used_at),
            expires: told(token.expires_at),
        }
    }
}
