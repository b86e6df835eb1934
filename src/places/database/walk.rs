//! One walk over a record: takes what `record` knows by its key, skips everything else unread.
//!
//! The walk goes two parts deep and no deeper, whatever a file holds; lists and maps in the place of a value are skipped
//! without being held. How much one record may make us read is bounded by the reader itself: 65,536 values, 2 MiB of
//! text.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::record::{Field, Gathered, Level, Record, field};
use super::value::Scalar;

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut gathered = Gathered::default();
        deserializer.deserialize_any(Walk { field: Field::Inside(Level::Top), gathered: &mut gathered })?;
        Ok(gathered.record())
    }
}

/// A value, or a part to go into.
struct Walk<'g, 'd> {
    field: Field,
    gathered: &'g mut Gathered<'d>,
}

impl<'de> Walk<'_, 'de> {
    /// The error is never there: a value of a wrong type is not there.
    #[expect(clippy::unnecessary_wraps, reason = "what a visitor returns")]
    fn take<E>(self, value: Scalar<'de>) -> Result<(), E> {
        self.gathered.take(self.field, value);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some(level) = self.field.inside() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match field(level, key.0) {
                Some(field) => map.next_value_seed(Walk { field, gathered: self.gathered })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.take(Scalar::Text(text))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.take(Scalar::Truth(truth))
    }

    fn visit_u64<E>(self, whole: u64) -> Result<(), E> {
        self.take(Scalar::Whole(whole))
    }

    fn visit_u128<E>(self, whole: u128) -> Result<(), E> {
        self.take(u64::try_from(whole).map_or(Scalar::Other, Scalar::Whole))
    }

    #[expect(clippy::cast_precision_loss, reason = "negative numbers are degrees")]
    fn visit_i64<E>(self, whole: i64) -> Result<(), E> {
        self.take(u64::try_from(whole).map_or(Scalar::Real(whole as f64), Scalar::Whole))
    }

    fn visit_f64<E>(self, real: f64) -> Result<(), E> {
        self.take(Scalar::Real(real))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        self.take(Scalar::Other)
    }
}

/// A key as its bytes; one that is no text is none of ours.
struct Key<'d>(&'d [u8]);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the key of a map")
    }

    fn visit_borrowed_bytes<E>(self, key: &'de [u8]) -> Result<Key<'de>, E> {
        Ok(Key(key))
    }
}
