//! The seam to the network: a request in; status, headers and bytes out.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{trouble, wire};
use crate::clock::Pending;
use crate::model::Foreign;

/// The three verbs evictd uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// The verb as it stands in a request line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// One request to the account's own host. It has no host of its own, so that no answer can send it elsewhere.
#[derive(Debug)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Path and query, percent-encoded, from the leading `/`.
    pub path: String,
    /// The `Authorization` header's value; it has no printable form.
    pub authorization: Option<SecretString>,
    /// A JSON body. It may hold a client secret, so it has no printable form either.
    pub body: Option<SecretString>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case, in order of arrival; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The whole body, decompressed, never longer than the transport's cap.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// No response came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The request never left: nothing can have happened.
    #[error("cannot reach the host: {0}")]
    Unsent(String),
    /// It may have arrived: what it asked for may have happened.
    #[error("no answer: {0}")]
    Unanswered(String),
}

/// Carries requests to one account's host. No redirects, no cookies, a cap on time and size.
pub trait Transport: Send + Sync {
    /// Sends one request, once.
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>>;
}

/// What whoever stands at the account's address says to a stranger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// HTTP status.
    pub status: u16,
    /// Whether it is Zendesk's API that answers; the edge in front of it, or a proxy, answers in pages and plain text.
    pub is_json: bool,
    /// What the answer says went wrong, if its status is no success.
    pub words: Foreign,
    /// Its clock, if it tells.
    pub date: Option<Timestamp>,
}

/// Asks for nothing that needs a credential, and shows none: one request, not repeated, outside of any budget.
///
/// # Errors
///
/// When no answer comes back.
pub async fn greet(transport: &dyn Transport) -> Result<Greeting, Lost> {
    let path = "/api/v2/users/me".to_owned();
    let answer = transport.send(Request { method: Method::Get, path, authorization: None, body: None }).await?;
    Ok(Greeting {
        status: answer.status,
        is_json: wire::body(&answer).is_ok(),
        words: trouble::shown_words(&answer),
        date: wire::date(&answer).ok(),
    })
}
