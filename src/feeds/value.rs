//! Values of a line of JSON as what they are to be: instants, people, addresses, agent strings.
//!
//! Whatever is there and is not plainly that is a fault of the row, in words that repeat nothing of it. Nulls and empty
//! texts are no values.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::PersonKey;
use crate::address::parse_address;
use crate::clients::AGENT_BYTES_MAX;
use crate::config::{PersonIs, looks_like_email};

/// No id of a person is longer (Zendesk's own limit for external ids), in bytes.
const ID_BYTES_MAX: usize = 255;
/// No text for an instant is longer, in bytes.
const INSTANT_BYTES_MAX: usize = 64;
/// Whole numbers below are seconds, others milliseconds: as seconds this is the year 5138, as milliseconds 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// A fault of a row.
pub(super) type Fault = &'static str;

/// The value at the end of these parts, if there is one and it is neither null nor an empty text.
pub(super) fn at<'v, 'p>(value: &'v Value, mut parts: impl Iterator<Item = &'p str>) -> Option<&'v Value> {
    let found = parts.try_fold(value, |value, part| match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(elements) => elements.get(part.parse::<usize>().ok()?),
        _ => None,
    })?;
    let is_empty = found.is_null() || found.as_str().is_some_and(|text| text.trim().is_empty());
    (!is_empty).then_some(found)
}

/// As [`at`], with the parts in one text.
pub(super) fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    at(value, path.split('.'))
}

/// A text at this path; nothing if something else stands there.
pub(super) fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    get(value, path)?.as_str()
}

/// A text, a whole number, or true or false, as text.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
        Value::Bool(yes) => Some(Cow::Borrowed(if *yes { "true" } else { "false" })),
        _ => None,
    }
}

/// An instant with its offset, or a whole number of seconds or milliseconds since 1970.
pub(super) fn instant(value: Option<&Value>) -> Result<Timestamp, Fault> {
    const FAULT: Fault = "its time is neither an instant with its offset nor a whole number since 1970";
    match value.ok_or("it has no time")? {
        Value::String(text) if text.len() <= INSTANT_BYTES_MAX => {
            text.trim().parse().map_err(|_other: jiff::Error| FAULT)
        }
        Value::Number(number) => {
            let number = number.as_i64().filter(|number| *number >= 0).ok_or(FAULT)?;
            let read = if number < SECONDS_BELOW { Timestamp::from_second } else { Timestamp::from_millisecond };
            read(number).map_err(|_too_far| FAULT)
        }
        _ => Err(FAULT),
    }
}

/// An e-mail address.
pub(super) fn email(text: &str) -> Option<PersonKey> {
    let text = text.trim();
    looks_like_email(text).then(|| PersonKey::Email(text.to_lowercase()))
}

/// A person, named as the feed names people.
pub(super) fn person(value: Option<&Value>, is: PersonIs) -> Result<PersonKey, Fault> {
    let value = value.ok_or("it names no person")?;
    let name = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err("its person is neither a text nor a whole number"),
    };
    if is == PersonIs::Email {
        return email(&name).ok_or("its person is no e-mail address");
    }
    if name.len() > ID_BYTES_MAX || name.chars().any(char::is_control) {
        return Err("its person's id is too long, or has control characters in it");
    }
    Ok(if is == PersonIs::ExternalId { PersonKey::ExternalId(name) } else { PersonKey::Subject(name) })
}

/// An address, if there is one.
pub(super) fn address(value: Option<&Value>) -> Result<Option<IpAddr>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_str().ok_or("its address is no text")?;
    parse_address(text.trim()).map(Some).map_err(|_fault| "its address is none")
}

/// An agent string, if there is one. What lies behind the part that is ever looked at is not kept.
pub(super) fn agent(value: Option<&Value>) -> Result<Option<Arc<str>>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_str().ok_or("its agent is no text")?;
    Ok(text.get(..text.floor_char_boundary(AGENT_BYTES_MAX)).map(Arc::from))
}
