//! The file form of who holds OAuth tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::back::read;
use crate::model::{OauthToken, TokensSeen, UserId};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTokens {
    as_of: String,
    held: BTreeMap<String, Vec<WireToken>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireToken {
    id: String,
    client: Option<String>,
    scopes: Vec<String>,
    created_at: Option<String>,
    used_at: Option<String>,
    expires_at: Option<String>,
}

impl From<&TokensSeen> for WireTokens {
    fn from(seen: &TokensSeen) -> Self {
        let of = |tokens: &Vec<OauthToken>| tokens.iter().map(WireToken::from).collect();
        let held = seen.held.iter().map(|(user, tokens)| (user.to_string(), of(tokens))).collect();
        Self { as_of: seen.as_of.to_string(), held }
    }
}

impl From<&OauthToken> for WireToken {
    fn from(token: &OauthToken) -> Self {
        Self {
            id: token.id.to_string(),
            client: token.client.map(|client| client.to_string()),
            scopes: token.scopes.clone(),
            created_at: token.created_at.map(|at| at.to_string()),
            used_at: token.used_at.map(|at| at.to_string()),
            expires_at: token.expires_at.map(|at| at.to_string()),
        }
    }
}

impl TryFrom<WireTokens> for TokensSeen {
    type Error = String;

    fn try_from(wire: WireTokens) -> Result<Self, String> {
        let of = |(user, tokens): (String, Vec<WireToken>)| {
            let user: UserId = read("held", &user)?;
            let tokens: Result<Vec<OauthToken>, String> = tokens.into_iter().map(|one| one.of(user)).collect();
            Ok((user, tokens?))
        };
        let held: Result<_, String> = wire.held.into_iter().map(of).collect();
        Ok(Self { as_of: read("as_of", &wire.as_of)?, held: held? })
    }
}

impl WireToken {
    fn of(self, user: UserId) -> Result<OauthToken, String> {
        let instant = |key, text: Option<String>| text.map(|text| read(key, &text)).transpose();
        Ok(OauthToken {
            id: read("id", &self.id)?,
            user,
            client: self.client.map(|client| read("client", &client)).transpose()?,
            scopes: self.scopes,
            created_at: instant("created_at", self.created_at)?,
            used_at: instant("used_at", self.used_at)?,
            expires_at: instant("expires_at", self.expires_at)?,
        })
    }
}
