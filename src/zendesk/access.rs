//! Signing in: a ready token, an API token, or an OAuth client that asks for short-lived tokens and renews them early.
//!
//! Tokens live in memory only and have no printable form. Zendesk's client credentials come without a refresh token:
//! renewing is asking again. A client that Zendesk refuses is not asked for again and again: neither a refused token
//! nor a refused sign-in costs more than one renewal a minute.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::exchange::{Patience, Question};
use super::{BudgetLimits, Dated, Denial, Method, Purpose, Trouble, Zendesk, trouble, wire};
use crate::model::{Foreign, UserId};

/// A token's life, as asked for, in seconds: long enough for the longest cycle, short enough that a stolen one is soon
/// worthless. Zendesk allows 300 to 172,800.
const TOKEN_LIFE_SECONDS: u64 = 7_200;

/// A token is renewed this long before its end, or a tenth of its life before if that is less.
const RENEWED_EARLY_MAX: Duration = Duration::from_mins(5);

/// After a renewal that a refusal made necessary, and after a refused sign-in, the next one waits this long.
const RENEWALS_APART: Duration = Duration::from_mins(1);

/// 2027-04-30, on which Zendesk's API tokens stop for good.
const API_TOKENS_END: Timestamp = Timestamp::constant(1_809_043_200, 0);

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
    /// A legacy API token, with the user that it is used for.
    ApiToken {
        /// The user's address.
        email: String,
        /// The token.
        token: SecretString,
    },
}

/// A token in use.
pub(super) struct Granted {
    /// The `Authorization` header's value.
    pub(super) authorization: SecretString,
    /// On the monotonic clock; none if the token has no end.
    renew_at: Option<Duration>,
}

/// What became of signing in so far; instants are on the monotonic clock.
#[derive(Default)]
pub(super) struct SignIn {
    /// The token in use.
    pub(super) granted: Option<Granted>,
    /// When a refused token was last given up for a fresh one.
    given_up: Option<Duration>,
    /// Until when a refused sign-in is not tried again, and why.
    refused: Option<(Duration, Trouble)>,
}

/// Who ends sessions.
#[derive(Debug, Clone)]
pub enum Hands {
    /// The one who reads.
    Reader,
    /// A user of its own, who is asked for nothing else but who he is.
    Own(Credential),
    /// Nobody: no request that could end a session leaves.
    None,
}

/// One credential, and with it one user.
pub(super) struct Identity {
    pub(super) credential: Credential,
    sign_in: Mutex<SignIn>,
    /// And when that was known, on the monotonic clock.
    pub(super) me: Mutex<Option<(Dated<UserId>, Duration)>>,
}

impl Identity {
    pub(super) fn of(credential: Credential) -> Self {
        Self { credential, sign_in: Mutex::default(), me: Mutex::new(None) }
    }

    pub(super) fn sign_in(&self) -> MutexGuard<'_, SignIn> {
        self.sign_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it means that Zendesk does not accept the credential, in its own words at this time of its clock.
    pub(super) fn not_accepted(&self, words: Foreign, at: Timestamp) -> Trouble {
        let ended = matches!(self.credential, Credential::ApiToken { .. }) && at >= API_TOKENS_END;
        let words = if ended {
            let help = "Zendesk's API tokens ended on 2027-04-30, so sign in with an OAuth client";
            Foreign::new(format!("{}; {help}", words.raw()))
        } else {
            words
        };
        Trouble::Denied { kind: Denial::Credentials, words }
    }
}

impl Zendesk {
    /// The `Authorization` header's value, of a token that lives.
    pub(super) async fn authorization(
        &self,
        who: &Identity,
        patience: &mut Patience<'_>,
    ) -> Result<SecretString, Trouble> {
        let (id, secret, scope) = match &who.credential {
            Credential::Token(token) => return Ok(bearer(token.expose_secret())),
            Credential::ApiToken { email, token } => return Ok(basic(email, token)),
            Credential::OauthClient { id, secret, scope } => (id, secret, scope),
        };
        if let Some(authorization) = self.granted_and_living(who) {
            return Ok(authorization);
        }
        if let Some(refused) = self.still_refused(who) {
            return Err(refused);
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
            let refused = trouble::sign_in_refused(answer);
            if matches!(refused, Trouble::Denied { .. }) {
                who.sign_in().refused = Some((now.saturating_add(RENEWALS_APART), refused.clone()));
            }
            return Err(refused);
        }
        let token = wire::token(&answer)?;
        let renew_at = token.life.map(|life| now.saturating_add(life.saturating_sub(RENEWED_EARLY_MAX.min(life / 10))));
        let authorization = bearer(token.token.expose_secret());
        let granted = Granted { authorization: authorization.clone(), renew_at };
        who.sign_in().granted = Some(granted);
        Ok(authorization)
    }

    /// Whether the next request needs no token to be fetched first.
    pub(super) fn has_living_token(&self, who: &Identity) -> bool {
        !matches!(who.credential, Credential::OauthClient { .. }) || self.granted_and_living(who).is_some()
    }

    fn granted_and_living(&self, who: &Identity) -> Option<SecretString> {
        let now = self.clock.monotonic();
        let sign_in = who.sign_in();
        let living = sign_in.granted.as_ref().filter(|granted| granted.renew_at.is_none_or(|end| now < end));
        living.map(|granted| granted.authorization.clone())
    }

    fn still_refused(&self, who: &Identity) -> Option<Trouble> {
        let now = self.clock.monotonic();
        let mut sign_in = who.sign_in();
        sign_in.refused.take_if(|(until, _)| *until <= now);
        sign_in.refused.as_ref().map(|(_, why)| why.clone())
    }

    /// Drops the token in use, so that the next request asks for a fresh one. False if there is none to be had, or
    /// the last one was had for the same reason just now: then it is not the token that is refused.
    pub(super) fn drop_token(&self, who: &Identity) -> bool {
        let now = self.clock.monotonic();
        let mut sign_in = who.sign_in();
        let just_now = sign_in.given_up.is_some_and(|at| now < at.saturating_add(RENEWALS_APART));
        if just_now || !matches!(who.credential, Credential::OauthClient { .. }) {
            return false;
        }
        sign_in.given_up = Some(now);
        // It is kept, past its end: an answer that echoes it must still be seen to.
        if let Some(granted) = sign_in.granted.as_mut() {
            granted.renew_at = Some(Duration::ZERO);
        }
        true
    }
}

fn bearer(token: &str) -> SecretString {
    SecretString::from(format!("Bearer {token}"))
}

/// Zendesk's own form of basic authentication: the word `token` marks what follows as one and not as a password.
fn basic(email: &str, token: &SecretString) -> SecretString {
    let plain = SecretString::from(format!("{email}/token:{}", token.expose_secret()));
    SecretString::from(format!("Basic {}", BASE64_STANDARD.encode(plain.expose_secret())))
}
