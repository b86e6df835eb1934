//! One value of Zendesk's JSON, of whatever kind, and the few readings that are taken of it.
//!
//! A row's fields are read as these and never as what they ought to be: a value of another kind than its
//! documentation says is `None` to whoever asks, and costs nothing around it. Texts are borrowed from the answer.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::shape::{Taker, skip_array, skip_object, taken};
use crate::model::{Foreign, Moment};

/// Bytes of one text in a record; Zendesk's own fields end at 255 letters.
const TEXT_BYTES_MAX: usize = 1_024;

/// Texts of one array, such as a person's tags.
pub(super) const TEXTS_MAX: usize = 1_000;

/// 2007-01-01: Zendesk's first year. Nothing of it is older.
const FIRST_INSTANT: Timestamp = Timestamp::constant(1_167_609_600, 0);

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Field<'a> {
    /// Null, or not there at all.
    #[default]
    Null,
    /// True or false.
    Truth(bool),
    /// Any number.
    Number(Number),
    /// Any text.
    Text(Cow<'a, str>),
    /// An array or an object, whatever is in it.
    Other,
}

impl Field<'_> {
    /// The same, with texts of its own.
    pub(super) fn owned(self) -> Field<'static> {
        match self {
            Self::Null => Field::Null,
            Self::Truth(truth) => Field::Truth(truth),
            Self::Number(number) => Field::Number(number),
            Self::Text(text) => Field::Text(Cow::Owned(text.into_owned())),
            Self::Other => Field::Other,
        }
    }

    /// A number that is not negative and has at most 63 bits, or its digits as text.
    pub(super) fn whole(&self) -> Option<u64> {
        let number = match self {
            Self::Number(number) => number.as_u64(),
            Self::Text(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        };
        number.filter(|number| i64::try_from(*number).is_ok())
    }

    /// An id: a whole number above zero.
    pub(super) fn positive(&self) -> Option<u64> {
        self.whole().filter(|number| *number > 0)
    }

    /// A whole number of 64 bits with sign, or its digits as text.
    pub(super) fn signed(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            Self::Text(text) if text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok()
            }
            _ => None,
        }
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text that is not empty.
    pub(super) fn filled(&self) -> Option<&str> {
        self.text().filter(|text| !text.is_empty())
    }

    pub(super) fn instant(&self) -> Option<Timestamp> {
        self.text()?.parse().ok()
    }

    /// An instant at which there was a Zendesk.
    pub(super) fn moment(&self) -> Option<Moment> {
        self.instant().filter(|instant| *instant >= FIRST_INSTANT).map(Moment::from)
    }

    /// A text that is not empty, to be held by many; cut where it is too long to be a field of a record.
    pub(super) fn shared(&self) -> Option<Arc<str>> {
        self.filled().map(|text| Arc::from(cut(text)))
    }

    /// A text, or a number as text; cut where it is too long to be a field of a record.
    pub(super) fn foreign(&self) -> Option<Foreign> {
        match self {
            Self::Text(text) => Some(Foreign::new(cut(text))),
            Self::Number(number) => Some(Foreign::new(number.to_string())),
            _ => None,
        }
    }
}

/// The text, or as many of its letters as have room.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default()
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyKind)
    }
}

struct AnyKind;

impl<'de> Visitor<'de> for AnyKind {
    type Value = Field<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Field::Truth(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Field::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Field::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(number).map_or(Field::Other, Field::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        skip_array(elements).map(|_| Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        skip_object(entries).map(|()| Field::Other)
    }
}

/// The texts of an array; none of what else is in it, and none if it is no array.
#[derive(Debug, Default)]
pub(super) struct Texts(pub(super) Vec<Foreign>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        taken(OfTexts, from)
    }
}

struct OfTexts;

impl<'de> Taker<'de> for OfTexts {
    type Value = Texts;

    fn array<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(element) = elements.next_element::<Field<'_>>()? {
            if let (Some(text), true) = (element.text(), texts.len() < TEXTS_MAX) {
                texts.push(Foreign::new(cut(text)));
            }
        }
        Ok(Texts(texts))
    }
}
