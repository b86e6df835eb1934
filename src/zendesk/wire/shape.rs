//! Reading JSON by its shape, without believing that it has one: an array or object in place of another kind of value
//! is read past, and so is the reverse. Only what is no JSON at all is an error.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What is to be made of a value that should be an array or an object. Of any other value its default is made.
pub(super) trait Taker<'de>: Sized {
    type Value: Default;

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        skip_array(elements).map(|_| Self::Value::default())
    }

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        skip_object(entries).map(|()| Self::Value::default())
    }
}

/// Reads a value by this taker.
pub(super) fn taken<'de, T: Taker<'de>, D: Deserializer<'de>>(taker: T, from: D) -> Result<T::Value, D::Error> {
    from.deserialize_any(Shaped(taker))
}

/// Reads an array to its end: how many elements there were.
pub(super) fn skip_array<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<usize, A::Error> {
    let mut count = 0;
    while elements.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Reads an object to its end.
pub(super) fn skip_object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<(), A::Error> {
    while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A taker as serde wants it.
pub(super) struct Shaped<T>(pub(super) T);

impl<'de, T: Taker<'de>> DeserializeSeed<'de> for Shaped<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Taker<'de>> Visitor<'de> for Shaped<T> {
    type Value = T::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<T::Value, E> {
        Ok(T::Value::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T::Value, E> {
        Ok(T::Value::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T::Value, E> {
        Ok(T::Value::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T::Value, E> {
        Ok(T::Value::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T::Value, E> {
        Ok(T::Value::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<T::Value, E> {
        Ok(T::Value::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<T::Value, A::Error> {
        self.0.array(elements)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T::Value, A::Error> {
        self.0.object(entries)
    }
}

/// An object's fields; none if it is no object.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        taken(OfObject(PhantomData), from)
    }
}

struct OfObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Taker<'de> for OfObject<T> {
    type Value = Object<T>;

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(|fields| Object(Some(fields)))
    }
}
