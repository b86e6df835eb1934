//! What can go wrong, in the form of what the caller can do next, and how to read it off an answer.
//!
//! Zendesk words its errors in four JSON shapes, and the edge in front of it in HTML or plain text. Its own words are
//! carried along as [`Foreign`]: an operator needs them, a terminal must survive them.

use std::time::Duration;

use serde_json::Value;

use super::{Method, Response};
use crate::model::Foreign;

/// No usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Zendesk has no time now; asking again after this long may help. Nothing was changed.
    #[error("Zendesk asks to come back in {}s: {why}", wait.as_secs())]
    Later {
        /// How long it asked to be left alone.
        wait: Duration,
        /// What it answered.
        why: String,
    },
    /// Zendesk refuses, and asking again will not help. Nothing was changed.
    #[error("Zendesk refused for want of {}: {words}", kind.want())]
    Denied {
        /// What is missing.
        kind: Denial,
        /// Zendesk's own words.
        words: Foreign,
    },
    /// Zendesk has no such record.
    #[error("Zendesk has no such record")]
    NotFound,
    /// The answer is none that its documentation or experience knows. A request to change something was not carried out.
    #[error("Zendesk's answer makes no sense: {0}")]
    Nonsense(String),
    /// Zendesk shows no more of a listing, although there is more of it.
    #[error("Zendesk does not show the rest: {0}")]
    Cut(String),
    /// The host cannot be reached: nothing can have happened.
    #[error("Zendesk cannot be reached: {0}")]
    Unreachable(String),
    /// A request to change something got no clear answer: it may have been carried out, so look it up.
    #[error("Zendesk gave no clear answer: {0}")]
    Unanswered(String),
    /// A request to change something was stopped while it waited to leave: it was not sent.
    #[error("it was stopped before it was sent")]
    Stopped,
}

/// What a refusal says is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The token, client or secret is not accepted.
    Credentials,
    /// The token lacks a scope; the words name it.
    Scope,
    /// The account's plan, the user's role, or the host's place on the account's list of addresses.
    Plan,
}

impl Denial {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Scope => "scope",
            Self::Plan => "plan",
        }
    }

    fn want(self) -> &'static str {
        match self {
            Self::Credentials => "valid credentials",
            Self::Scope => "a scope",
            Self::Plan => "a plan, role or address that may",
        }
    }
}

/// The answer, if its status says success; else what it means for the caller.
pub(super) fn judged(method: Method, answer: Response) -> Result<Response, Trouble> {
    let words = || shown_words(&answer);
    let said = || format!("status {}: {}", answer.status, words());
    Err(match answer.status {
        200..=299 => return Ok(answer),
        400 if has_code(&answer, &["invalidpaginationdepth"]) => {
            Trouble::Cut(format!("pages by number end after 10,000 rows: {}", words()))
        }
        401 => Trouble::Denied { kind: Denial::Credentials, words: words() },
        403 => Trouble::Denied { kind: refusal(&answer), words: words() },
        404 if is_record_not_found(&answer) => Trouble::NotFound,
        404 if has_code(&answer, &["invalidendpoint"]) => Trouble::Denied { kind: Denial::Plan, words: words() },
        // Nobody knows what stands behind a redirect or a time-out that the edge reports.
        300..=399 | 408 if method != Method::Get => Trouble::Unanswered(said()),
        300..=399 => Trouble::Nonsense(format!("status {}: redirects are not followed", answer.status)),
        _ => Trouble::Nonsense(said()),
    })
}

/// The same of what an account has or has not as a whole, such as a log: if that is not there, the plan lacks it.
pub(super) fn judged_as_feature(answer: Response) -> Result<Response, Trouble> {
    if is_record_not_found(&answer) {
        return Err(Trouble::Denied { kind: Denial::Plan, words: shown_words(&answer) });
    }
    judged(Method::Get, answer)
}

/// What the token endpoint's refusal means.
pub(super) fn sign_in_refused(answer: Response) -> Trouble {
    let words = shown_words(&answer);
    match answer.status {
        400 | 401 | 403 | 422 if words.raw().contains("scope") => Trouble::Denied { kind: Denial::Scope, words },
        400 | 401 | 422 => Trouble::Denied { kind: Denial::Credentials, words },
        _ => match judged(Method::Get, answer) {
            Ok(other) => Trouble::Nonsense(format!("status {} where a token was asked for", other.status)),
            Err(trouble) => trouble,
        },
    }
}

/// Whether it is Zendesk itself that says: no such record. A 404 of the edge, or of a missing feature, says nothing.
pub(super) fn is_record_not_found(answer: &Response) -> bool {
    answer.status == 404 && has_code(answer, &["recordnotfound", "notfound"])
}

/// Zendesk names the scopes that it wants; OAuth's own word for it (RFC 6750, section 3.1) names none.
fn refusal(answer: &Response) -> Denial {
    let scope = shown_words(answer).raw().to_lowercase().contains("required scope");
    if scope || has_code(answer, &["insufficientscope", "invalidscope"]) { Denial::Scope } else { Denial::Plan }
}

fn has_code(answer: &Response, wanted: &[&str]) -> bool {
    codes(answer).iter().any(|code| wanted.contains(&code.as_str()))
}

/// The parts of an error that are codes in one shape or another, in lower case, letters only.
fn codes(answer: &Response) -> Vec<String> {
    errors(answer)
        .iter()
        .flat_map(|error| ["error", "code", "title"].map(|key| text(error, key)))
        .flatten()
        .map(|code| code.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase())
        .collect()
}

/// Zendesk's own words, or as much as can be said of a body that has none.
pub(super) fn shown_words(answer: &Response) -> Foreign {
    const KEYS: [&str; 7] = ["error", "code", "title", "description", "error_description", "message", "detail"];
    let errors = errors(answer);
    let words = |error: &Value| -> Vec<String> {
        let whole = error.as_str();
        let parts = whole.into_iter().chain(KEYS.into_iter().filter_map(|key| text(error, key)));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let each: Vec<String> = errors.iter().map(words).filter(|parts| !parts.is_empty()).map(|p| p.join(": ")).collect();
    Foreign::new(if each.is_empty() { plain(&answer.body) } else { each.join("; ") })
}

/// Errors of one answer that are looked at.
const ERRORS_MAX: usize = 5;

/// What an answer says went wrong: under `error` as an object, or as a text with its description beside it, or under
/// `errors`, several at once.
fn errors(answer: &Response) -> Vec<Value> {
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return Vec::new() };
    match (body.get("error"), body.get("errors")) {
        (Some(error @ Value::Object(_)), _) | (None, Some(error @ (Value::Object(_) | Value::String(_)))) => {
            vec![error.clone()]
        }
        (None, Some(Value::Array(several))) => several.iter().take(ERRORS_MAX).cloned().collect(),
        _ => vec![body],
    }
}

fn text<'a>(error: &'a Value, key: &str) -> Option<&'a str> {
    error.get(key).and_then(Value::as_str)
}

/// A body that is not JSON: the title or first heading of a page, or the beginning of a plain text.
fn plain(body: &[u8]) -> String {
    const LETTERS_MAX: usize = 200;
    let body = String::from_utf8_lossy(body);
    let title = ["title", "h1", "h2"].iter().find_map(|name| element(&body, name));
    let words: String = match title {
        Some(title) => title.chars().take(LETTERS_MAX).collect(),
        None if body.trim_start().starts_with('<') => "a page without a title".to_owned(),
        None => body.trim().chars().take(LETTERS_MAX).collect(),
    };
    if words.is_empty() { "no words".to_owned() } else { words }
}

/// The text of the first element of this name in a page; none if there is none, or nothing in it but other elements.
fn element(page: &str, name: &str) -> Option<String> {
    // Letters of ASCII alone change case here, so that places in both texts are the same.
    let lower = page.to_ascii_lowercase();
    let start = lower.find(&format!("<{name}"))?;
    let rest = start + lower.get(start..)?.find('>')? + 1;
    let end = rest + lower.get(rest..)?.find("</")?;
    let text = page.get(rest..end)?.split('<').next()?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let answer = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let got = match judged(Method::Get, answer).expect_err("no success") {
            Trouble::Denied { kind, words } => format!("{}|{words}", kind.word()),
            Trouble::NotFound => "not found".to_owned(),
            other => other.to_string(),
        };
        assert_eq!(got, expected, "{body}");
    }

    #[test]
    fn every_shape_of_error_gives_up_its_words() {
        check(401, r#"{"error":"Couldn't authenticate you"}"#, "credentials|Couldn't authenticate you");
        check(401, r#"{"error":"invalid_token","error_description":"expired"}"#, "credentials|invalid_token: expired");
        check(
            403,
            r#"{"error":"Forbidden","description":"You are missing the following required scopes: users:read, read"}"#,
            "scope|Forbidden: You are missing the following required scopes: users:read, read",
        );
        check(403, r#"{"error":{"title":"Forbidden","message":"No access"}}"#, "plan|Forbidden: No access");
        check(403, r#"{"errors":[{"code":"X","title":"No","detail":"way"}]}"#, "plan|X: No: way");
        check(403, "<html><head><title>Access denied</title>", "plan|Access denied");
        check(403, "<p>", "plan|a page without a title");
        check(403, "", "plan|no words");
        check(404, r#"{"error":"RecordNotFound","description":"Not found"}"#, "not found");
        check(404, r#"{"error":{"title":"Not found","message":"gone"}}"#, "not found");
        check(404, r#"{"errors":[{"code":"RecordNotFound"}]}"#, "not found");
        check(404, r#"{"error":"InvalidEndpoint","description":"Not found"}"#, "plan|InvalidEndpoint: Not found");
        check(404, "<title>No help desk</title>", "Zendesk's answer makes no sense: status 404: No help desk");
        check(404, r#"{"errors":7}"#, "Zendesk's answer makes no sense: status 404: {\"errors\":7}");
        check(422, "[1]", "Zendesk's answer makes no sense: status 422: [1]");
        check(302, "", "Zendesk's answer makes no sense: status 302: redirects are not followed");
        // Several at once, single texts, and objects where an array was documented.
        check(403, r#"{"errors":[{"title":"A"},{"code":"B","detail":"b"},7]}"#, "plan|A; B: b");
        check(403, r#"{"errors":["No way"]}"#, "plan|No way");
        check(403, r#"{"errors":"No way"}"#, "plan|No way");
        check(403, r#"{"errors":{"title":"No","detail":"way"}}"#, "plan|No: way");
        check(403, r#""No way""#, "plan|No way");
        check(
            422,
            r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"name":[{"description":"x"}]}}"#,
            "Zendesk's answer makes no sense: status 422: RecordInvalid: Record validation errors",
        );
        // Scopes: Zendesk's own words, and OAuth's.
        check(
            403,
            r#"{"error":{"title":"Forbidden","message":"Missing the following Required Scopes: write"}}"#,
            "scope|Forbidden: Missing the following Required Scopes: write",
        );
        check(403, r#"{"error":"insufficient_scope","error_description":"x"}"#, "scope|insufficient_scope: x");
        // The edge: an address that is not on the account's list, and texts that are no page.
        check(
            403,
            "<!DOCTYPE html>\n<html><head><TITLE lang=\"en\">\n Access denied |\n acme.zendesk.com</TITLE></head>",
            "plan|Access denied | acme.zendesk.com",
        );
        check(403, "<html><title></title><body><h1 class=x>Sorry, <b>you</b></h1><h2>Error 1020</h2>", "plan|Sorry,");
        check(403, "<html><h2>Error 1020</h2><h1", "plan|Error 1020");
        check(403, "error code: 1020", "plan|error code: 1020");
        check(401, "<html><title>Sign in</title>", "credentials|Sign in");
        check(520, "<title>520: Web server", "Zendesk's answer makes no sense: status 520: a page without a title");
        check(400, "Bad Request\n", "Zendesk's answer makes no sense: status 400: Bad Request");
        check(
            400,
            r#"{"errors":[{"code":"InvalidPaginationDepth","title":"Page range invalid"}]}"#,
            "Zendesk does not show the rest: pages by number end after 10,000 rows: InvalidPaginationDepth: Page range invalid",
        );
        check(400, "a\u{1b}[2Jb", "Zendesk's answer makes no sense: status 400: a\\u{1b}[2Jb");
    }

    #[test]
    fn unclear_status_of_a_change_is_no_refusal() {
        for status in [302, 408] {
            let answer = Response { status, headers: Vec::new(), body: Vec::new() };
            assert!(matches!(judged(Method::Delete, answer), Err(Trouble::Unanswered(_))), "{status}");
        }
    }
}
