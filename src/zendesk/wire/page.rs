//! A page of a listing: its rows, and where the next one is.
//!
//! A page is read in one pass straight into what its rows say. If that fails, it is read once more with each row on its
//! own, because one row that cannot be read must not cost its page.

use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::field::Field;
use super::row::Paged;
use super::shape::{Object, Shaped, Taker, skip_array};
use super::{date, nonsense};
use crate::zendesk::{Response, Trouble};

/// Rows of a full page: the most that Zendesk gives in a listing.
pub(in crate::zendesk) const PAGE_SIZE: usize = 100;

/// Bytes of the query that names the next page; Zendesk's cursors have some hundred.
const QUERY_BYTES_MAX: usize = 4 << 10;

/// A page.
pub(in crate::zendesk) struct Page<T> {
    /// What its rows say.
    pub(in crate::zendesk) rows: Vec<T>,
    /// Rows that could not be read.
    pub(in crate::zendesk) unread: usize,
    /// Rows beyond what is believed of a page, which were not looked at.
    pub(in crate::zendesk) beyond: usize,
    /// What it says of itself.
    pub(in crate::zendesk) foot: Foot,
    /// When Zendesk said it.
    pub(in crate::zendesk) date: Timestamp,
}

/// What a page says of the listing that it is part of. Nothing of it is believed yet.
#[derive(Debug, Default)]
pub(in crate::zendesk) struct Foot {
    has_more: Field<'static>,
    page_after: Field<'static>,
    link: Field<'static>,
    next_page: Option<Field<'static>>,
    count: Field<'static>,
    after_url: Field<'static>,
    stream_after: Field<'static>,
    end_of_stream: Field<'static>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    has_more: Field<'a>,
    after_cursor: Field<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Links<'a> {
    #[serde(borrow)]
    next: Field<'a>,
}

/// Reads a page.
pub(in crate::zendesk) fn page<T: Paged>(answer: &Response) -> Result<Page<T>, Trouble> {
    let date = date(answer)?;
    let read = |each| {
        let mut json = serde_json::Deserializer::from_slice(&answer.body);
        let whole = Shaped(OfWhole { seen: date, each, listed: PhantomData }).deserialize(&mut json)?;
        json.end().map(|()| whole)
    };
    let whole: Whole<T> = read(Each::Straight)
        .or_else(|_| read(Each::Alone))
        .map_err(|error| Trouble::Nonsense(format!("its body is not JSON: {error}")))?;
    let rows = whole.rows.ok_or_else(|| Trouble::Nonsense(format!("it has no array `{}`", T::ARRAY)))?;
    Ok(Page { rows: rows.read, unread: rows.unread, beyond: rows.beyond, foot: whole.foot, date })
}

/// How rows are read.
#[derive(Debug, Clone, Copy)]
enum Each {
    /// One after the other, to the first that is no JSON or names a field twice.
    Straight,
    /// Each on its own.
    Alone,
}

/// A body.
struct Whole<T> {
    rows: Option<Rows<T>>,
    foot: Foot,
}

impl<T> Default for Whole<T> {
    fn default() -> Self {
        Self { rows: None, foot: Foot::default() }
    }
}

struct Rows<T> {
    read: Vec<T>,
    unread: usize,
    beyond: usize,
}

struct OfWhole<T> {
    seen: Timestamp,
    each: Each,
    listed: PhantomData<T>,
}

impl<'de, T: Paged> Taker<'de> for OfWhole<T> {
    type Value = Whole<T>;

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<Whole<T>, A::Error> {
        let mut whole = Whole::default();
        let foot = &mut whole.foot;
        while let Some(key) = entries.next_key::<Field<'_>>()? {
            match key.text().unwrap_or_default() {
                name if name == T::ARRAY => {
                    let rows = OfRows { seen: self.seen, each: self.each, listed: PhantomData };
                    whole.rows = entries.next_value_seed(Shaped(rows))?;
                }
                "meta" => {
                    let meta = entries.next_value::<Object<Meta<'_>>>()?.0.unwrap_or_default();
                    (foot.has_more, foot.page_after) = (meta.has_more.owned(), meta.after_cursor.owned());
                }
                "links" => {
                    let links = entries.next_value::<Object<Links<'_>>>()?.0.unwrap_or_default();
                    foot.link = links.next.owned();
                }
                "next_page" => foot.next_page = Some(entries.next_value::<Field<'_>>()?.owned()),
                "count" => foot.count = entries.next_value::<Field<'_>>()?.owned(),
                "after_url" => foot.after_url = entries.next_value::<Field<'_>>()?.owned(),
                "after_cursor" => foot.stream_after = entries.next_value::<Field<'_>>()?.owned(),
                "end_of_stream" => foot.end_of_stream = entries.next_value::<Field<'_>>()?.owned(),
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(whole)
    }
}

struct OfRows<T> {
    seen: Timestamp,
    each: Each,
    listed: PhantomData<T>,
}

impl<'de, T: Paged> Taker<'de> for OfRows<T> {
    type Value = Option<Rows<T>>;

    fn array<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut rows = Rows { read: Vec::with_capacity(PAGE_SIZE), unread: 0, beyond: 0 };
        while rows.read.len() + rows.unread < T::ROWS_MAX {
            let row = match self.each {
                Each::Straight => elements.next_element::<Object<T::Row<'de>>>()?.map(|row| row.0),
                Each::Alone => elements.next_element::<&'de RawValue>()?.map(alone::<T>),
            };
            let Some(row) = row else { return Ok(Some(rows)) };
            match row.and_then(|row| T::read(row, self.seen)) {
                Some(row) => rows.read.push(row),
                None => rows.unread += 1,
            }
        }
        rows.beyond = skip_array(elements)?;
        Ok(Some(rows))
    }
}

fn alone<'de, T: Paged>(row: &'de RawValue) -> Option<T::Row<'de>> {
    serde_json::from_str::<Object<T::Row<'de>>>(row.get()).ok()?.0
}

impl<T> Page<T> {
    /// Rows that Zendesk sent, read or not.
    pub(in crate::zendesk) fn total(&self) -> usize {
        self.rows.len() + self.unread + self.beyond
    }

    /// The query of the next page; none if this is the last. `filter` goes before what names a page, and ends in `&`
    /// unless it is empty.
    pub(in crate::zendesk) fn next(&self, filter: &str) -> Result<Option<String>, Trouble> {
        let foot = &self.foot;
        match (&foot.has_more, &foot.next_page) {
            (Field::Truth(true), _) => self.next_by_cursor(filter).map(Some),
            (Field::Truth(false), _) => Ok(None),
            // Paged by number, although it was asked for by cursor: then it counts its rows as well.
            (Field::Null, Some(Field::Text(link))) if link.contains('?') => checked(query_of(link)).map(Some),
            (Field::Null, Some(Field::Null)) if foot.count.whole().is_some() => Ok(None),
            // Zendesk's own description of these answers shows none of this: then a short page is the only one.
            (Field::Null, None | Some(Field::Null)) if self.total() < PAGE_SIZE => Ok(None),
            _ => Err(unsaid()),
        }
    }

    /// The query of a log's next page, in a service that links to it; none if this is the last.
    pub(in crate::zendesk) fn next_by_link(&self) -> Result<Option<String>, Trouble> {
        match (&self.foot.has_more, self.foot.link.text()) {
            (Field::Truth(false), _) => Ok(None),
            (Field::Truth(true), Some(link)) => checked(query_of(link)).map(Some),
            (Field::Truth(true), None) => Err(nowhere()),
            _ => Err(unsaid()),
        }
    }

    /// The query of a log's next page, made from this page's, which asked for the first one; none if this is the last.
    /// Its cursor goes before its link, in which nobody knows what became of a parameter that is given twice.
    pub(in crate::zendesk) fn next_after(&self, first: &str) -> Result<Option<String>, Trouble> {
        let foot = &self.foot;
        match (&foot.has_more, foot.page_after.filled()) {
            (Field::Truth(true), Some(after)) if after.len() > QUERY_BYTES_MAX => Err(too_long()),
            (Field::Truth(true), Some(after)) => Ok(Some(format!("{first}&page[after]={}", percent_encoded(after)))),
            // The older way of ticket audits, which have an address to go on from even where nothing follows.
            (Field::Null, None) if foot.after_url.filled().is_some() && self.total() > 0 => {
                checked(query_of(foot.after_url.text().unwrap_or_default())).map(Some)
            }
            _ => self.next(""),
        }
    }

    /// How many rows there are in all, if the listing is paged by number and says so.
    pub(in crate::zendesk) fn count(&self) -> Option<u64> {
        (self.foot.has_more == Field::Null).then(|| self.foot.count.whole()).flatten()
    }

    /// The cursor of a stream of changes, from where it goes on.
    pub(in crate::zendesk) fn stream_after(&self) -> Result<Option<&str>, Trouble> {
        match self.foot.stream_after.filled() {
            Some(cursor) if cursor.len() > QUERY_BYTES_MAX => Err(too_long()),
            cursor => Ok(cursor),
        }
    }

    /// Whether a stream of changes has no more to tell for now.
    pub(in crate::zendesk) fn end_of_stream(&self) -> Option<bool> {
        self.foot.end_of_stream.truth()
    }

    /// Whether a search found more than this page shows.
    pub(in crate::zendesk) fn has_next_page(&self) -> bool {
        self.foot.next_page.as_ref().is_some_and(|next| *next != Field::Null)
    }

    /// INVARIANT: of `links.next` only the query is used (`only_the_query_of_the_next_link_is_used`).
    fn next_by_cursor(&self, filter: &str) -> Result<String, Trouble> {
        let linked = self.foot.link.text().map(query_of).filter(|query| !query.is_empty());
        match (linked, self.foot.page_after.filled()) {
            (Some(query), _) => {
                let query = checked(query)?;
                let sized = query.contains("page[size]=") || query.to_lowercase().contains("page%5bsize%5d=");
                Ok(if sized { query } else { format!("{query}&page[size]={PAGE_SIZE}") })
            }
            (None, Some(after)) if after.len() > QUERY_BYTES_MAX => Err(too_long()),
            (None, Some(after)) => Ok(format!("{filter}page[size]={PAGE_SIZE}&page[after]={}", percent_encoded(after))),
            (None, None) => Err(nowhere()),
        }
    }
}

/// What stands after the question mark; empty if there is none.
fn query_of(link: &str) -> &str {
    link.split_once('?').map_or("", |(_, query)| query)
}

/// The query, if it can be one.
pub(in crate::zendesk) fn checked(query: &str) -> Result<String, Trouble> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(too_long());
    }
    if query.is_empty() || !is_query(query) {
        return Err(nonsense("its link to the next page is no address"));
    }
    Ok(query.to_owned())
}

fn unsaid() -> Trouble {
    nonsense("it does not say whether more follows")
}

fn nowhere() -> Trouble {
    nonsense("it says that more follows and not where")
}

fn too_long() -> Trouble {
    nonsense("what names the next page is too long")
}

/// Whether it is made of a query's letters only (RFC 3986, with the brackets that Zendesk leaves bare).
fn is_query(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]|".contains(&byte))
}

/// The text with everything but unreserved letters escaped (RFC 3986 §2.3).
pub(in crate::zendesk) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
