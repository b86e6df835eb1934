//! Zendesk's JSON: what must be there is checked, what may be missing or strange becomes `None`.
//!
//! Listings are read typed and in one pass; what is asked for once in a while is read from a loose tree.

mod field;
mod log;
mod page;
mod row;
mod settings;
mod shape;
mod token;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize as _;
use serde_json::Value;

use super::{Response, Trouble};
use field::Field;

pub(super) use log::Entry;
pub(super) use page::{PAGE_SIZE, Page, checked, page, percent_encoded};
pub(super) use row::{Listed, Paged, session, unambiguous};
pub use settings::SecuritySettings;
pub(super) use settings::security_settings;
pub use token::CurrentToken;
pub(super) use token::{current_token, token};

/// Zendesk's clock at this answer.
pub(super) fn date(answer: &Response) -> Result<Timestamp, Trouble> {
    answer.header("date").and_then(http_date).ok_or_else(|| nonsense("its `Date` is missing or unreadable"))
}

/// Reads the date of an HTTP header, such as `Mon, 23 Nov 2026 20:38:00 GMT`.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The whole body as JSON.
pub(super) fn body(answer: &Response) -> Result<Value, Trouble> {
    serde_json::from_slice(&answer.body).map_err(|error| Trouble::Nonsense(format!("its body is not JSON: {error}")))
}

/// An id: a positive 64-bit number with sign, or its digits as text.
pub(super) fn positive(value: &Value) -> Option<u64> {
    Field::deserialize(value).ok()?.positive()
}

pub(super) fn nonsense(what: &str) -> Trouble {
    Trouble::Nonsense(what.to_owned())
}
