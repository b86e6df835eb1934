//! Who is asking: bearer and basic credentials, the token endpoint, scopes.
//!
//! Every token acts as the world's own admin. Secrets come from the seed, so that a script can know them beforehand.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::world::World;
use crate::model::{Person, Role, UserId};

/// Life of a token that does not ask for one: Zendesk's default for clients made since 2026-04-30.
const LIFE_SECONDS: i64 = 1_800;

/// Lives that may be asked for, in seconds.
const LIVES: std::ops::RangeInclusive<i64> = 300..=172_800;

/// What a client needs to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// OAuth client for the client credentials grant.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// A token that is good for ever, for reading and writing. For clients that know one secret only it is also good as
    /// an API token, which no other bearer token is.
    pub token: String,
    /// A legacy API token, good with the e-mail of any person in good standing, and no bearer token.
    pub api_token: String,
    /// A token that was good once.
    pub expired_token: String,
    /// Another OAuth client: its tokens act as the world's other admin, if there is one.
    pub revoker_id: String,
    /// Its secret.
    pub revoker_secret: String,
}

/// A token that was given out.
#[derive(Debug)]
struct Token {
    id: u64,
    /// Whether it is the other client's.
    of_revoker: bool,
    scopes: Vec<String>,
    created: Timestamp,
    expires: Option<Timestamp>,
}

/// Who asks, and with which token.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) user: UserId,
    token: Option<String>,
}

/// The account's clients and tokens.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) credentials: Credentials,
    tokens: BTreeMap<String, Token>,
    api_token_works: bool,
    revoker_works: bool,
    draws: fastrand::Rng,
}

impl Access {
    /// The credentials of this seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut draws = fastrand::Rng::with_seed(seed ^ 0x5eed_acce);
        let credentials = Credentials {
            client_id: "evictd_simulated".to_owned(),
            client_secret: secret(&mut draws),
            token: secret(&mut draws),
            api_token: secret(&mut fastrand::Rng::with_seed(seed ^ 0x5eed_a910)),
            expired_token: secret(&mut draws),
            revoker_id: "evictd_revoker_simulated".to_owned(),
            revoker_secret: secret(&mut fastrand::Rng::with_seed(seed ^ 0x5eed_e4dc)),
        };
        let mut access =
            Self { credentials, tokens: BTreeMap::new(), api_token_works: true, revoker_works: true, draws };
        let scopes = || vec!["read".to_owned(), "write".to_owned()];
        let (good, expired) = (access.credentials.token.clone(), access.credentials.expired_token.clone());
        access.keep(good, scopes(), Timestamp::UNIX_EPOCH, None);
        access.keep(expired, scopes(), Timestamp::UNIX_EPOCH, Some(Timestamp::UNIX_EPOCH));
        access
    }

    fn keep(&mut self, token: String, scopes: Vec<String>, created: Timestamp, expires: Option<Timestamp>) {
        let id = 380_000_000_000 + self.tokens.len() as u64;
        self.tokens.insert(token, Token { id, of_revoker: false, scopes, created, expires });
    }

    /// Makes every token that was given out worthless, the ready ones too.
    pub(super) fn revoke_tokens(&mut self) {
        self.tokens.clear();
        self.api_token_works = false;
    }

    /// Makes the other client, and every token of it, worthless, or the client good again.
    pub(super) fn set_revoker(&mut self, works: bool) {
        self.revoker_works = works;
        self.tokens.retain(|_, token| !token.of_revoker);
    }

    /// Who asks: `None` without credentials, or with a password, which the API no longer knows.
    ///
    /// # Errors
    ///
    /// The 401 for a credential that is wrong, expired, or whose user was deleted or suspended.
    pub(super) fn caller(&self, call: &Call, world: &World, now: Timestamp) -> Result<Option<Caller>, Reply> {
        let Some((scheme, credential)) = call.authorization.as_deref().and_then(|header| header.split_once(' ')) else {
            return Ok(None);
        };
        let caller = if scheme.eq_ignore_ascii_case("bearer") {
            let alive = |token: &&Token| token.expires.is_none_or(|expires| now < expires);
            self.tokens.get(credential).filter(alive).map(|token| Caller {
                user: world.revoker.filter(|_| token.of_revoker).unwrap_or(world.own),
                token: Some(credential.to_owned()),
            })
        } else {
            match self.api_token_user(credential, world) {
                Basic::Password => return Ok(None),
                Basic::Token(user) => user.map(|user| Caller { user, token: None }),
            }
        };
        let standing = |person: &Person| person.deleted != Some(true) && person.suspended != Some(true);
        caller
            .filter(|caller| world.people.get(&caller.user).is_some_and(standing))
            .map(Some)
            .ok_or_else(Reply::unauthenticated)
    }

    /// Reads `email/token:TOKEN`, in base64.
    fn api_token_user(&self, credential: &str, world: &World) -> Basic {
        let text = STANDARD.decode(credential).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let Some((email, token)) = text.split_once("/token:") else {
            return Basic::Password;
        };
        let same = |person: &&Person| person.email.as_ref().is_some_and(|own| own.raw().eq_ignore_ascii_case(email));
        let known = (self.tokens.contains_key(token) && token == self.credentials.token)
            || (self.api_token_works && token == self.credentials.api_token);
        // The own admin first: it is nearly always him, and an account may have many people.
        let own = world.people.get(&world.own);
        let whose = || own.into_iter().chain(world.people.values()).find(same).map(|person| person.id);
        Basic::Token(known.then(whose).flatten())
    }

    /// Whether the caller's token has one of these scopes.
    ///
    /// # Errors
    ///
    /// The 403 that names the scopes which would do.
    pub(super) fn permit(&self, caller: &Caller, needed: &[&str]) -> Result<(), Reply> {
        let scopes = caller.token.as_ref().and_then(|token| self.tokens.get(token)).map(|token| &token.scopes);
        if scopes.is_none_or(|scopes| scopes.iter().any(|scope| needed.contains(&scope.as_str()))) {
            return Ok(());
        }
        let text = format!("You are missing the following required scopes: {}", needed.join(", "));
        Err(Reply::fault(403, "Forbidden", &text))
    }

    /// `GET /api/v2/oauth/tokens/current`.
    pub(super) fn current(&self, caller: &Caller, base_url: &str) -> Reply {
        let Some((text, token)) = caller.token.as_ref().and_then(|text| Some((text, self.tokens.get(text)?))) else {
            return Reply::not_found();
        };
        Reply::json(
            200,
            json!({ "token": {
                "id": token.id,
                "url": format!("{base_url}/api/v2/oauth/tokens/{}", token.id),
                "user_id": caller.user.get(),
                "client_id": 390_000_000_000_u64,
                "token": text.chars().take(10).collect::<String>(),
                "scopes": token.scopes,
                "created_at": instant(token.created),
                "used_at": Value::Null,
                "expires_at": token.expires.map(instant),
                "refresh_token": Value::Null,
                "refresh_token_expires_at": Value::Null,
            } }),
        )
    }

    /// `POST /oauth/tokens`: the client credentials grant, in JSON or as a form.
    pub(super) fn issue(&mut self, call: &Call, now: Timestamp) -> Reply {
        let Some(fields) = fields(call) else {
            return oauth_fault(400, "invalid_request", "The body is not a JSON object");
        };
        let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" {
            return oauth_fault(400, "unsupported_grant_type", "Only client_credentials is granted here");
        }
        let known = &self.credentials;
        let is = |id: &str, secret: &str| field("client_id") == id && field("client_secret") == secret;
        let of_revoker = self.revoker_works && is(&known.revoker_id, &known.revoker_secret);
        if !of_revoker && !is(&known.client_id, &known.client_secret) {
            return oauth_fault(401, "invalid_client", "No client has this id and secret");
        }
        let Some(life) = life(fields.get("expires_in")) else {
            return oauth_fault(400, "invalid_request", "expires_in must be from 300 to 172800 seconds");
        };
        let scope = match fields.get("scope") {
            None | Some(Value::Null) => "read write".to_owned(),
            Some(Value::String(text)) if text.trim().is_empty() => "read write".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let token = secret(&mut self.draws);
        let scopes = scope.split_whitespace().map(str::to_owned).collect();
        let expires = now.checked_add(SignedDuration::from_secs(life)).ok();
        self.keep(token.clone(), scopes, now, expires);
        if let Some(kept) = self.tokens.get_mut(&token) {
            kept.of_revoker = of_revoker;
        }
        Reply::json(201, json!({ "access_token": token, "token_type": "bearer", "scope": scope, "expires_in": life }))
    }
}

/// What a basic credential is.
enum Basic {
    Password,
    Token(Option<UserId>),
}

impl Caller {
    /// Whether the caller is an admin.
    pub(super) fn is_admin(&self, world: &World) -> bool {
        world.people.get(&self.user).is_some_and(|person| person.role == Some(Role::Admin))
    }
}

/// An instant as Zendesk writes it: UTC, whole seconds.
pub(super) fn instant(instant: Timestamp) -> String {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant).to_string()
}

fn secret(draws: &mut fastrand::Rng) -> String {
    format!("{:032x}{:032x}", draws.u128(..), draws.u128(..))
}

/// The fields of the request's body, whatever its content type says.
fn fields(call: &Call) -> Option<serde_json::Map<String, Value>> {
    if let Ok(Value::Object(map)) = serde_json::from_slice(&call.body) {
        return Some(map);
    }
    let form = call.content_type.starts_with("application/x-www-form-urlencoded");
    let pairs = || form_urlencoded::parse(&call.body).map(|(key, value)| (key.into_owned(), value.into_owned().into()));
    form.then(|| pairs().collect())
}

fn life(asked: Option<&Value>) -> Option<i64> {
    let seconds = match asked {
        None | Some(Value::Null) => return Some(LIFE_SECONDS),
        Some(Value::String(text)) => text.parse().ok()?,
        Some(number) => number.as_i64()?,
    };
    LIVES.contains(&seconds).then_some(seconds)
}

fn oauth_fault(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, json!({ "error": error, "error_description": description }))
}
