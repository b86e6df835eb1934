//! Zendesk's JSON, read by hand: what must be there is checked, what may be missing or strange becomes `None`.
//!
//! Rows are read one by one from a loose tree, because one row that cannot be read must not cost its page.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::exchange::http_date;
use super::{Response, Trouble};
use crate::model::{Foreign, Person, Role, RoleType, Session, SessionId, UserId};

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

/// Bytes of one text in a person's record; Zendesk's own fields end at 255 letters.
const TEXT_BYTES_MAX: usize = 1_024;

/// Tags of one person.
const TAGS_MAX: usize = 1_000;

/// Bytes of the query that names the next page; Zendesk's cursors have some hundred.
const QUERY_BYTES_MAX: usize = 4 << 10;

/// 2007-01-01: Zendesk's first year. No session is older.
const FIRST_INSTANT: Timestamp = Timestamp::constant(1_167_609_600, 0);

/// A page of a listing.
pub(super) struct Page {
    pub(super) rows: Vec<Value>,
    /// The query of the next page; none if this is the last.
    pub(super) next: Option<String>,
}

/// A fresh token.
pub(super) struct Token {
    pub(super) token: SecretString,
    /// None if it never ends.
    pub(super) life: Option<Duration>,
}

/// Zendesk's clock at this answer.
pub(super) fn date(answer: &Response) -> Result<Timestamp, Trouble> {
    answer.header("date").and_then(http_date).ok_or_else(|| nonsense("its `Date` is missing or unreadable"))
}

/// The whole body as JSON.
pub(super) fn body(answer: &Response) -> Result<Value, Trouble> {
    serde_json::from_slice(&answer.body).map_err(|error| Trouble::Nonsense(format!("its body is not JSON: {error}")))
}

/// The array under this name.
pub(super) fn rows(body: &mut Value, name: &str) -> Result<Vec<Value>, Trouble> {
    match body.get_mut(name).map(Value::take) {
        Some(Value::Array(rows)) => Ok(rows),
        _ => Err(Trouble::Nonsense(format!("it has no array `{name}`"))),
    }
}

/// A page of sessions, and where the next one is. `size` is the number of rows a full page has.
pub(super) fn page(answer: &Response, size: usize) -> Result<Page, Trouble> {
    let mut body = body(answer)?;
    let rows = rows(&mut body, "sessions")?;
    let next = match body.pointer("/meta/has_more") {
        Some(Value::Bool(true)) => Some(next_query(&body, size)?),
        Some(Value::Bool(false)) => None,
        // Zendesk's own description of these answers shows none of this: then a short page is the only one.
        None if body.get("next_page").is_none_or(Value::is_null) && rows.len() < size => None,
        _ => return Err(nonsense("it does not say whether more follows")),
    };
    Ok(Page { rows, next })
}

/// INVARIANT: of `links.next` only the query is used (`only_the_query_of_the_next_link_is_used`).
fn next_query(body: &Value, size: usize) -> Result<String, Trouble> {
    let link = body.pointer("/links/next").and_then(Value::as_str);
    let linked = link.and_then(|link| link.split_once('?')).map(|(_, query)| query).filter(|query| !query.is_empty());
    let after = body.pointer("/meta/after_cursor").and_then(Value::as_str).filter(|after| !after.is_empty());
    match (linked, after) {
        (Some(cursor), _) | (None, Some(cursor)) if cursor.len() > QUERY_BYTES_MAX => {
            Err(nonsense("what names the next page is too long"))
        }
        (Some(query), _) if !is_query(query) => Err(nonsense("its link to the next page is no address")),
        (Some(query), _) if query.contains("page[size]=") || query.to_lowercase().contains("page%5bsize%5d=") => {
            Ok(query.to_owned())
        }
        (Some(query), _) => Ok(format!("{query}&page[size]={size}")),
        (None, Some(after)) => Ok(format!("page[size]={size}&page[after]={}", percent_encoded(after))),
        (None, None) => Err(nonsense("it says that more follows and not where")),
    }
}

/// Whether it is made of a query's letters only (RFC 3986, with the brackets that Zendesk leaves bare).
fn is_query(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]|".contains(&byte))
}

/// The text with everything but unreserved letters escaped (RFC 3986 §2.3).
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A row of a session listing; none if it has no readable id or names its user unreadably.
pub(super) fn session(row: &Value, seen: Timestamp) -> Option<Session> {
    let user = match row.get("user_id") {
        None | Some(Value::Null) => None,
        Some(user) => Some(UserId::new(positive(user)?)?),
    };
    Some(Session {
        id: SessionId(positive(row.get("id")?)?),
        user,
        authenticated_at: instant(row, "authenticated_at").filter(is_possible),
        last_seen_at: instant(row, "last_seen_at").filter(is_possible),
        seen,
    })
}

fn is_possible(instant: &Timestamp) -> bool {
    *instant >= FIRST_INSTANT
}

/// A user's record; none if it has no readable id.
pub(super) fn person(row: &Value, seen: Timestamp) -> Option<Person> {
    let tags = row.get("tags").and_then(Value::as_array);
    Some(Person {
        id: UserId::new(positive(row.get("id")?)?)?,
        seen,
        name: foreign(row, "name").unwrap_or_else(|| Foreign::new("")),
        email: foreign(row, "email"),
        role: row.get("role").and_then(Value::as_str).and_then(Role::from_word),
        role_type: number(row, "role_type")
            .and_then(|number| usize::try_from(number).ok())
            .and_then(|index| RoleType::ALL.get(index).copied()),
        custom_role_id: number(row, "custom_role_id"),
        deleted: truth(row, "active").map(|active| !active),
        suspended: truth(row, "suspended"),
        two_factor: truth(row, "two_factor_auth_enabled"),
        verified: truth(row, "verified"),
        chat_only: truth(row, "chat_only"),
        tags: tags.into_iter().flatten().filter_map(Value::as_str).take(TAGS_MAX).map(capped).collect(),
        organization_id: number(row, "organization_id"),
        external_id: foreign(row, "external_id"),
    })
}

/// The token of `oauth/tokens/current`.
pub(super) fn current_token(body: &Value) -> Option<CurrentToken> {
    let token = body.get("token").filter(|token| token.is_object())?;
    let scopes = token.get("scopes").and_then(Value::as_array);
    Some(CurrentToken {
        id: number(token, "id"),
        user: number(token, "user_id").and_then(UserId::new),
        scopes: scopes.map(|all| all.iter().filter_map(Value::as_str).map(Foreign::new).collect()).unwrap_or_default(),
        expires_at: instant(token, "expires_at"),
    })
}

/// The answer of the token endpoint.
pub(super) fn token(answer: &Response) -> Result<Token, Trouble> {
    let body = body(answer)?;
    let token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(nonsense("it has no readable `access_token`"));
    }
    let life = match body.get("expires_in") {
        None | Some(Value::Null) => None,
        Some(life) => {
            Some(whole(life).map(Duration::from_secs).ok_or_else(|| nonsense("its `expires_in` is no number"))?)
        }
    };
    Ok(Token { token: SecretString::from(token), life })
}

pub(super) fn nonsense(what: &str) -> Trouble {
    Trouble::Nonsense(what.to_owned())
}

/// A number that is not negative, or its digits as text.
fn whole(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    number.filter(|number| i64::try_from(*number).is_ok())
}

/// An id: a positive 64-bit number with sign, or its digits as text.
pub(super) fn positive(value: &Value) -> Option<u64> {
    whole(value).filter(|number| *number > 0)
}

fn number(row: &Value, key: &str) -> Option<u64> {
    row.get(key).and_then(whole)
}

fn truth(row: &Value, key: &str) -> Option<bool> {
    row.get(key).and_then(Value::as_bool)
}

fn instant(row: &Value, key: &str) -> Option<Timestamp> {
    row.get(key).and_then(Value::as_str).and_then(|text| text.parse().ok())
}

fn foreign(row: &Value, key: &str) -> Option<Foreign> {
    match row.get(key)? {
        Value::String(text) => Some(capped(text)),
        Value::Number(number) => Some(Foreign::new(number.to_string())),
        _ => None,
    }
}

/// The text, or as many of its letters as have room.
fn capped(text: &str) -> Foreign {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Foreign::new(text.get(..end).unwrap_or_default())
}

/// Each person once. Whose record comes twice and says two things has none: which of them is true?
pub(super) fn unambiguous(people: impl Iterator<Item = Person>) -> Vec<Person> {
    let mut by_id: BTreeMap<UserId, Option<Person>> = BTreeMap::new();
    for person in people {
        match by_id.entry(person.id) {
            Entry::Vacant(place) => {
                place.insert(Some(person));
            }
            Entry::Occupied(mut place) if place.get().as_ref() != Some(&person) => {
                place.insert(None);
            }
            Entry::Occupied(_) => {}
        }
    }
    by_id.into_values().flatten().collect()
}
