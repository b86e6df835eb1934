//! Secrets that an answer echoes are taken out as it arrives, before anybody words, cuts or logs it.
//!
//! Only refusals and losses are ever quoted, so they alone are cleaned.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Credential, Lost, Response, Revoker, Zendesk};

/// What stands in a secret's place.
const SHOWN: &str = "(secret)";

/// What is shorter, in bytes, is no secret, but a part of many words.
const SECRET_BYTES_MIN: usize = 4;

/// What stands before the secret in an `Authorization` header.
const SCHEMES: [&str; 2] = ["Bearer ", "Basic "];

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

    /// Every secret there is: the configured ones, the tokens in use, and the one this request went out with.
    fn secrets(&self, used: Option<&SecretString>) -> Vec<SecretString> {
        let own = match &self.revoker {
            Revoker::Own(who) => Some(&**who),
            Revoker::Reader | Revoker::None => None,
        };
        let mut secrets: Vec<SecretString> = used.cloned().into_iter().collect();
        for who in [&self.reader].into_iter().chain(own) {
            secrets.extend(who.sign_in().granted.as_ref().map(|granted| granted.authorization.clone()));
            secrets.push(match &who.credential {
                Credential::Token(secret)
                | Credential::OauthClient { secret, .. }
                | Credential::ApiToken { token: secret, .. } => secret.clone(),
            });
        }
        secrets
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
        let raw = SCHEMES.iter().find_map(|scheme| whole.strip_prefix(scheme)).unwrap_or(whole);
        let escaped = Value::from(raw).to_string();
        let escaped = escaped.trim_matches('"');
        // Base64 loses its padding easily.
        let bare = raw.trim_end_matches('=');
        for spelling in [whole, format!("Bearer {raw}").as_str(), raw, escaped, bare] {
            if spelling.len() >= SECRET_BYTES_MIN {
                text = text.replace(spelling, SHOWN);
            }
        }
    }
    text
}
