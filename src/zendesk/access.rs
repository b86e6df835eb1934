//! Signing in: a ready token, or an OAuth client that asks for short-lived ones and renews them early.
//!
//! Tokens live in memory only and have no printable form. Zendesk's client credentials come without a refresh token:
//! renewing is asking again. Secrets that an answer echoes are taken out as it arrives, before anybody words, cuts or
//! logs it: only refusals and losses are ever quoted, so they alone are cleaned.

use std::sync::PoisonError;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::budget::{BudgetLimits, Purpose};
use super::exchange::{Patience, Question};
use super::{Lost, Method, Response, Trouble, Zendesk, trouble, wire};

/// A token's life, as asked for, in seconds: long enough for the longest cycle, short enough that a stolen one is soon
/// worthless. Zendesk allows 300 to 172,800.
const TOKEN_LIFE_SECONDS: u64 = 7_200;

/// A token is renewed this long before its end, or a tenth of its life before if that is less.
const RENEWED_EARLY_MAX: Duration = Duration::from_mins(5);

/// What stands in a secret's place.
const SHOWN: &str = "(secret)";

/// What is shorter, in bytes, is no secret, but a part of many words.
const SECRET_BYTES_MIN: usize = 4;

/// How to sign in, and how much to ask.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who evictd is.
    pub credential: Credential,
    /// What it may use up.
    pub budget: BudgetLimits,
}

/// What evictd signs in with; secrets have no printable form.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A ready access token.
    Token(SecretString),
    /// A confidential OAuth client: `grant_type=client_credentials`.
    OauthClient {
        /// The client's unique identifier.
        id: String,
        /// Its secret.
        secret: SecretString,
        /// Scopes, separated by blanks.
        scope: String,
    },
}

/// A token in use.
pub(super) struct Granted {
    /// The `Authorization` header's value.
    pub(super) authorization: SecretString,
    /// On the monotonic clock; none if the token has no end.
    renew_at: Option<Duration>,
}

impl Zendesk {
    /// The `Authorization` header's value, of a token that lives.
    pub(super) async fn authorization(&self, patience: &mut Patience<'_>) -> Result<SecretString, Trouble> {
        let (id, secret, scope) = match &self.credential {
            Credential::Token(token) => return Ok(bearer(token.expose_secret())),
            Credential::OauthClient { id, secret, scope } => (id, secret, scope),
        };
        if let Some(authorization) = self.granted_and_living() {
            return Ok(authorization);
        }
        let now = self.clock.monotonic();
        let body = json!({
            "grant_type": "client_credentials", "client_id": id, "client_secret": secret.expose_secret(),
            "scope": scope, "expires_in": TOKEN_LIFE_SECONDS,
        });
        let question = Question {
            method: Method::Post,
            path: "/oauth/tokens".to_owned(),
            purpose: Purpose::Act,
            body: Some(SecretString::from(body.to_string())),
        };
        let answer = self.insist(&question, None, patience).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(trouble::sign_in_refused(answer));
        }
        let token = wire::token(&answer)?;
        let renew_at = token.life.map(|life| now.saturating_add(life.saturating_sub(RENEWED_EARLY_MAX.min(life / 10))));
        let authorization = bearer(token.token.expose_secret());
        let granted = Granted { authorization: authorization.clone(), renew_at };
        *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(granted);
        Ok(authorization)
    }

    /// Whether the next request needs no token to be fetched first.
    pub(super) fn has_living_token(&self) -> bool {
        matches!(self.credential, Credential::Token(_)) || self.granted_and_living().is_some()
    }

    fn granted_and_living(&self) -> Option<SecretString> {
        let now = self.clock.monotonic();
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let living = granted.as_ref().filter(|granted| granted.renew_at.is_none_or(|end| now < end));
        living.map(|granted| granted.authorization.clone())
    }

    /// Drops the token in use, so that the next request asks for a fresh one. False if there is none to be had.
    pub(super) fn drop_token(&self) -> bool {
        // It is kept, past its end: an answer that echoes it must still be seen to.
        if let Some(granted) = self.granted.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            granted.renew_at = Some(Duration::ZERO);
        }
        matches!(self.credential, Credential::OauthClient { .. })
    }
}

fn bearer(token: &str) -> SecretString {
    SecretString::from(format!("Bearer {token}"))
}

impl Zendesk {
    /// What came back, without any secret in what may be quoted of it.
    pub(super) fn without_secrets(
        &self,
        sent: Result<Response, Lost>,
        used: Option<&SecretString>,
    ) -> Result<Response, Lost> {
        match sent {
            Ok(answer) if (200..=299).contains(&answer.status) => Ok(answer),
            Ok(answer) => {
                let secrets = self.secrets(used);
                let body = cleaned(&quotable(&answer.body), &secrets).into_bytes();
                Ok(Response { body, ..answer })
            }
            Err(Lost::Unsent(why)) => Err(Lost::Unsent(cleaned(&why, &self.secrets(used)))),
            Err(Lost::Unanswered(why)) => Err(Lost::Unanswered(cleaned(&why, &self.secrets(used)))),
        }
    }

    /// Every secret there is: the configured one, the token in use, and the one this request went out with.
    fn secrets(&self, used: Option<&SecretString>) -> Vec<SecretString> {
        let configured = match &self.credential {
            Credential::Token(secret) | Credential::OauthClient { secret, .. } => secret.clone(),
        };
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = granted.as_ref().map(|granted| granted.authorization.clone());
        granted.into_iter().chain(used.cloned()).chain([configured]).collect()
    }
}

/// JSON in its plainest spelling, so that escaped letters hide nothing; anything else as text.
fn quotable(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => body.to_string(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

fn cleaned(text: &str, secrets: &[SecretString]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        let whole = secret.expose_secret();
        let raw = whole.strip_prefix("Bearer ").unwrap_or(whole);
        let escaped = Value::from(raw).to_string();
        let escaped = escaped.trim_matches('"');
        for spelling in [format!("Bearer {raw}").as_str(), raw, escaped] {
            if spelling.len() >= SECRET_BYTES_MIN {
                text = text.replace(spelling, SHOWN);
            }
        }
    }
    text
}
