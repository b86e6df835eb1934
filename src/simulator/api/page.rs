//! Pages of a listing: by cursor if `page[size]`, `page[after]` or `page[before]` is asked for, else by number.
//!
//! A cursor names the id it stands at, so rows that come or go between pages neither repeat nor hide others. Only the
//! rows of one page are touched, however long the listing is.

use std::ops::Bound::{Excluded, Unbounded};

use serde_json::{Map, Value, json};

use super::super::account::{EVERY, Span};
use super::super::call::{Call, Reply};
use super::super::faults::Move;
use super::super::state::Turn;

/// Most rows on a numbered page, and the number if none is asked for.
const SIZE_MAX: usize = 100;

/// How many rows a page has that is found by cursor.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// If no number is asked for.
    pub(super) usual: usize,
    /// Whatever is asked for.
    pub(super) max: usize,
}

impl Sizes {
    /// Those of nearly every listing.
    pub(super) const HUNDRED: Self = Self { usual: SIZE_MAX, max: SIZE_MAX };
}

/// Parameters that say where a page begins; those of the access log's own service have a second name.
const AFTER: [&str; 2] = ["page[after]", "filter[after]"];
const BEFORE: [&str; 2] = ["page[before]", "filter[before]"];

/// Numbered pages end here, whatever there is.
const DEPTH_MAX: usize = 10_000;

/// How this account pages: Zendesk's documents and its tenants disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By cursor where one is asked for, else by number.
    Cursor,
    /// By number, whatever is asked for.
    Offset,
}

impl Paging {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Cursor, Self::Offset];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cursor => "cursor",
            Self::Offset => "offset",
        }
    }
}

/// Rows by ascending id.
pub(super) type Rows<'a, T> = Box<dyn DoubleEndedIterator<Item = (u64, T)> + 'a>;

/// One listing: its name in the answer, and its rows, which may come from several places.
pub(super) struct Listing<'a, T> {
    pub(super) name: &'static str,
    pub(super) base_url: &'a str,
    pub(super) rows: &'a dyn Fn(Span) -> Vec<Rows<'a, T>>,
    pub(super) sizes: Sizes,
}

/// Which page is asked for.
#[derive(Clone, Copy)]
enum Place {
    First,
    After(u64),
    Before(u64),
}

impl<T: Copy> Listing<'_, T> {
    /// The page that is asked for, as this account pages.
    pub(super) fn answer(&self, turn: &Turn<'_>, paging: Paging, row: impl Fn(T) -> Value) -> Reply {
        let asks = ["page[size]", "page[after]", "page[before]"].iter().any(|name| turn.call.asked(name).is_some());
        if asks && paging == Paging::Cursor { self.by_cursor(turn, row) } else { self.by_number(turn, row) }
    }

    /// The page that a cursor asks for, or the first.
    pub(super) fn by_cursor(&self, turn: &Turn<'_>, row: impl Fn(T) -> Value) -> Reply {
        let call = turn.call;
        let size = match call.asked("page[size]").map(|text| text.parse::<usize>()) {
            None => self.sizes.usual,
            Some(Ok(size)) if size > 0 => size.min(self.sizes.max),
            Some(_) => return Reply::bad_paging("InvalidPaginationParameter", "page[size] must be a positive number"),
        };
        let Some(asked) = place(call) else {
            return Reply::bad_paging("InvalidPaginationParameter", "the cursor was not given out here");
        };
        let place = self.moved(asked, turn.marks.moved);
        let (page, rows_before, rows_after) = match place {
            Place::First => {
                let (page, more) = cut(self.ahead(EVERY, size + 1), size);
                (page, false, more)
            }
            Place::After(id) => {
                let (page, more) = cut(self.ahead((Excluded(id), Unbounded), size + 1), size);
                (page, !self.back(id.saturating_add(1), 1).is_empty(), more)
            }
            Place::Before(id) => {
                let (mut page, more) = cut(self.back(id, size + 1), size);
                page.reverse();
                let ahead = id.checked_sub(1).map_or(EVERY, |last| (Excluded(last), Unbounded));
                (page, more, !self.ahead(ahead, 1).is_empty())
            }
        };
        let back = matches!(place, Place::Before(_));
        let again = if let Place::After(id) = asked { id } else { 0 };
        let after = if turn.marks.repeat && rows_after { Some(again) } else { page.last().map(|row| row.0) };
        let before = page.first().map(|row| row.0);
        let link = |name: &str, id: Option<u64>, there: bool| id.filter(|_| there).map(|id| self.link(call, name, id));
        let rest = json!({
            "meta": {
                "has_more": if back { rows_before } else { rows_after },
                "after_cursor": after.map(cursor),
                "before_cursor": before.map(cursor),
            },
            "links": {
                "next": link("page[after]", after, rows_after),
                "prev": link("page[before]", before, rows_before),
            },
        });
        self.envelope(&page, row, &rest)
    }

    /// The first rows of this span.
    fn ahead(&self, span: Span, rows_max: usize) -> Vec<(u64, T)> {
        let mut rows: Vec<_> = (self.rows)(span).into_iter().flat_map(|rows| rows.take(rows_max)).collect();
        rows.sort_by_key(|row| row.0);
        rows.truncate(rows_max);
        rows
    }

    /// The last rows before this id, the last one first.
    fn back(&self, id: u64, rows_max: usize) -> Vec<(u64, T)> {
        let span = (Unbounded, Excluded(id));
        let mut rows: Vec<_> = (self.rows)(span).into_iter().flat_map(|rows| rows.rev().take(rows_max)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.0));
        rows.truncate(rows_max);
        rows
    }

    /// Where the page really begins, if a row has moved over its border.
    fn moved(&self, place: Place, moved: Option<Move>) -> Place {
        let (Place::After(id), Some(moved)) = (place, moved) else { return place };
        match moved {
            Move::Again => self.back(id.saturating_add(1), 2).get(1).map_or(Place::First, |row| Place::After(row.0)),
            Move::Missed => {
                let first = self.ahead((Excluded(id), Unbounded), 1);
                first.first().map_or(place, |row| Place::After(row.0))
            }
        }
    }

    /// Numbered pages, as a listing gives them that knows no cursors.
    pub(super) fn by_number(&self, turn: &Turn<'_>, row: impl Fn(T) -> Value) -> Reply {
        let call = turn.call;
        let number = |name| call.asked(name).map_or(Some(1), |text| text.parse::<usize>().ok().filter(|n| *n > 0));
        let size = if call.asked("per_page").is_some() { number("per_page") } else { Some(SIZE_MAX) };
        let (Some(page), Some(size)) = (number("page"), size) else {
            return Reply::bad_paging("InvalidPaginationParameter", "page and per_page must be positive numbers");
        };
        let size = size.min(SIZE_MAX);
        let start = (page - 1).saturating_mul(size);
        if start >= DEPTH_MAX {
            return Reply::bad_paging("InvalidPaginationDepth", "numbered pages end at 10000 rows: use a cursor");
        }
        let begin = match turn.marks.moved.filter(|_| start > 0) {
            Some(Move::Again) => start - 1,
            Some(Move::Missed) => start + 1,
            None => start,
        };
        let count = (self.rows)(EVERY).into_iter().map(Iterator::count).sum::<usize>();
        let rows = self.ahead(EVERY, begin.saturating_add(size));
        let link = |page: usize, there: bool| there.then(|| self.numbered_link(call, page));
        let rest = json!({
            "count": count,
            "next_page": link(page + 1, start.saturating_add(size) < count),
            "previous_page": link(page - 1, page > 1),
        });
        self.envelope(rows.get(begin..).unwrap_or_default(), row, &rest)
    }

    fn envelope(&self, page: &[(u64, T)], row: impl Fn(T) -> Value, rest: &Value) -> Reply {
        let mut body = Map::new();
        body.insert(self.name.to_owned(), page.iter().map(|(_, subject)| row(*subject)).collect());
        if let Value::Object(rest) = rest {
            body.extend(rest.clone());
        }
        Reply::json(200, Value::Object(body))
    }

    fn link(&self, call: &Call, name: &str, id: u64) -> String {
        self.url(call, &[AFTER, BEFORE].concat(), name, &cursor(id))
    }

    fn numbered_link(&self, call: &Call, page: usize) -> String {
        self.url(call, &["page", "page[size]", "page[after]", "page[before]"], "page", &page.to_string())
    }

    /// The call's own address, with these parameters replaced by one.
    fn url(&self, call: &Call, without: &[&str], name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(call.pairs().filter(|(key, _)| !without.contains(&key.as_str())));
        query.append_pair(name, value);
        format!("{}{}?{}", self.base_url, call.path, query.finish())
    }
}

/// At most so many rows, and whether there were more.
fn cut<T>(mut rows: Vec<T>, rows_max: usize) -> (Vec<T>, bool) {
    let more = rows.len() > rows_max;
    rows.truncate(rows_max);
    (rows, more)
}

/// `None` if a cursor is none of ours.
fn place(call: &Call) -> Option<Place> {
    let read = |text: &str| u64::from_str_radix(text.strip_prefix("at-")?, 16).ok();
    let asked = |names: [&str; 2]| names.iter().find_map(|name| call.asked(name));
    match (asked(AFTER), asked(BEFORE)) {
        (Some(after), _) if !after.is_empty() => read(&after).map(Place::After),
        (_, Some(before)) if !before.is_empty() => read(&before).map(Place::Before),
        _ => Some(Place::First),
    }
}

fn cursor(id: u64) -> String {
    format!("at-{id:x}")
}
