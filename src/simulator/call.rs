//! A request and an answer as plain data, and the envelopes in which Zendesk says no.
//!
//! Nothing here knows HTTP's machinery, so that every endpoint is a function from one to the other.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

/// A request, read but not yet judged.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The verb, in capitals.
    pub(super) method: String,
    /// The path as it came.
    pub(super) path: String,
    /// The query as it came, without `?`.
    pub(super) query: String,
    /// The `Authorization` header.
    pub(super) authorization: Option<String>,
    /// The `Content-Type` header, or nothing.
    pub(super) content_type: String,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Call {
    /// The path without its leading slash and `.json`, cut at slashes.
    pub(super) fn segments(&self) -> Vec<&str> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.strip_suffix(".json").unwrap_or(path).split('/').collect()
    }

    /// The path with its ids replaced: `/api/v2/users/{id}/sessions/{sid}`.
    pub(super) fn route(&self) -> String {
        let mut names = ["{id}", "{sid}"].into_iter();
        let is_id = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
        let name = |segment| if is_id(segment) { names.next().unwrap_or("{id}") } else { segment };
        format!("/{}", self.segments().into_iter().map(name).collect::<Vec<_>>().join("/"))
    }

    /// Path and query as they came.
    pub(super) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The query's pairs, decoded.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned()))
    }

    /// The first value of this name in the query, decoded.
    pub(super) fn asked(&self, name: &str) -> Option<String> {
        self.pairs().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// Headers but for the content type.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(super) body: Body,
}

/// What an answer carries.
#[derive(Debug)]
pub(super) enum Body {
    Nothing,
    Json(Value),
    Html(String),
}

impl Reply {
    /// A JSON answer.
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    /// An answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Nothing }
    }

    /// The usual envelope: `error` is a code.
    pub(super) fn fault(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, json!({ "error": error, "description": description }))
    }

    /// 404 for a record that is not there.
    pub(super) fn not_found() -> Self {
        Self::fault(404, "RecordNotFound", "Not found")
    }

    /// 404 for a path or verb that is not there.
    pub(super) fn no_such_endpoint() -> Self {
        Self::fault(404, "InvalidEndpoint", "Not found")
    }

    /// 401.
    pub(super) fn unauthenticated() -> Self {
        Self::json(401, json!({ "error": "Couldn't authenticate you" }))
    }

    /// 403 for a role that may not.
    pub(super) fn forbidden() -> Self {
        Self::refused_because("Your role does not allow this")
    }

    /// 403, and why.
    pub(super) fn refused_because(message: &str) -> Self {
        Self::json(403, json!({ "error": { "title": "Forbidden", "message": message } }))
    }

    /// 400 in the envelope of paging faults.
    pub(super) fn bad_paging(code: &str, detail: &str) -> Self {
        Self::json(400, json!({ "errors": [{ "code": code, "title": "Bad paging", "detail": detail }] }))
    }

    /// The edge in front of the account speaks for itself: this status, and a page for a browser.
    pub(super) fn edge(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\n\
             <body><h1>Error {status}</h1><p>The page cannot be shown right now.</p></body></html>\n"
        );
        Self { status, headers: vec![("server", "edge".to_owned())], body: Body::Html(page) }
    }

    /// 429.
    pub(super) fn too_many(seconds: u64) -> Self {
        Self::fault(429, "APIRateLimitExceeded", "Too many requests a minute for this account")
            .with("retry-after", seconds.to_string())
    }

    /// A server's fault of this status; 503 says when to come back.
    pub(super) fn broken(status: u16) -> Self {
        let reply = Self::fault(status, "InternalError", "Something went wrong on our side");
        if status == 503 { reply.with("retry-after", "1".to_owned()) } else { reply }
    }

    /// With one more header.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With the simulator's time as `Date`.
    #[must_use]
    pub(super) fn dated(self, now: Timestamp) -> Self {
        match DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
            Ok(date) => self.with("date", date),
            Err(_) => self,
        }
    }
}
