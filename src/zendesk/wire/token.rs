//! What Zendesk says about tokens: a fresh one, and the one in use.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::field::{Field, Texts};
use super::shape::Object;
use super::{body, nonsense};
use crate::model::{Foreign, UserId};
use crate::zendesk::{Response, Trouble};

/// What Zendesk says about the token in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentToken {
    /// The token's id, not the token.
    pub id: Option<u64>,
    /// Whose token it is.
    pub user: Option<UserId>,
    /// What it may do.
    pub scopes: Vec<Foreign>,
    /// When it ends; `None` if it never does.
    pub expires_at: Option<Timestamp>,
}

/// A fresh token.
pub(in crate::zendesk) struct Token {
    pub(in crate::zendesk) token: SecretString,
    /// None if it never ends.
    pub(in crate::zendesk) life: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    user_id: Field<'a>,
    scopes: Texts,
    expires_at: Field<'a>,
}

/// The token of `oauth/tokens/current`.
pub(in crate::zendesk) fn current_token(body: &Value) -> Option<CurrentToken> {
    let row = Object::<TokenRow<'_>>::deserialize(body.get("token")?).ok()?.0?;
    Some(CurrentToken {
        id: row.id.whole(),
        user: row.user_id.whole().and_then(UserId::new),
        scopes: row.scopes.0,
        expires_at: row.expires_at.instant(),
    })
}

/// The answer of the token endpoint.
pub(in crate::zendesk) fn token(answer: &Response) -> Result<Token, Trouble> {
    let body = body(answer)?;
    let token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(nonsense("it has no readable `access_token`"));
    }
    let life = match body.get("expires_in") {
        None | Some(Value::Null) => None,
        Some(life) => {
            let seconds = Field::deserialize(life).ok().and_then(|life| life.whole());
            Some(seconds.map(Duration::from_secs).ok_or_else(|| nonsense("its `expires_in` is no number"))?)
        }
    };
    Ok(Token { token: SecretString::from(token), life })
}
