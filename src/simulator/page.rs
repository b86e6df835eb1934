//! Pages of a listing: by cursor if `page[size]`, `page[after]` or `page[before]` is asked for, else by number.
//!
//! A cursor names the id it stands at, so rows that come or go between pages neither repeat nor hide others.

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};

/// Most rows on a page, and the number if none is asked for.
const SIZE_MAX: usize = 100;

/// Numbered pages end here, whatever there is.
const DEPTH_MAX: usize = 10_000;

/// One listing: its name in the answer, and its rows by ascending id.
pub(super) struct Listing<'a, T> {
    pub(super) name: &'static str,
    pub(super) base_url: &'a str,
    pub(super) rows: Vec<(u64, T)>,
}

/// Which page is asked for.
enum Place {
    First,
    After(u64),
    Before(u64),
}

impl<T: Copy> Listing<'_, T> {
    /// The page that the call asks for; `repeat` hands out the cursor again that was asked with.
    pub(super) fn answer(&self, call: &Call, repeat: bool, row: impl Fn(T) -> Value) -> Reply {
        if ["page[size]", "page[after]", "page[before]"].iter().any(|name| call.asked(name).is_some()) {
            self.by_cursor(call, repeat, row)
        } else {
            self.by_number(call, row)
        }
    }

    fn by_cursor(&self, call: &Call, repeat: bool, row: impl Fn(T) -> Value) -> Reply {
        let size = match call.asked("page[size]").map(|text| text.parse::<usize>()) {
            None => SIZE_MAX,
            Some(Ok(size)) if size > 0 => size.min(SIZE_MAX),
            Some(_) => return Reply::bad_paging("InvalidPaginationParameter", "page[size] must be a positive number"),
        };
        let Some(place) = place(call) else {
            return Reply::bad_paging("InvalidPaginationParameter", "the cursor was not given out here");
        };
        let (start, end) = match place {
            Place::First => (0, size),
            Place::After(id) => {
                let start = self.rows.partition_point(|row| row.0 <= id);
                (start, start.saturating_add(size))
            }
            Place::Before(id) => {
                let end = self.rows.partition_point(|row| row.0 < id);
                (end.saturating_sub(size), end)
            }
        };
        let end = end.min(self.rows.len());
        let page = self.rows.get(start..end).unwrap_or_default();
        let (rows_before, rows_after) = (start > 0, end < self.rows.len());
        let back = matches!(place, Place::Before(_));
        let asked = if let Place::After(id) = place { id } else { 0 };
        let after = if repeat && rows_after { Some(asked) } else { page.last().map(|row| row.0) };
        let before = page.first().map(|row| row.0);
        let link = |name: &str, id: Option<u64>, there: bool| id.filter(|_| there).map(|id| self.link(call, name, id));
        self.envelope(
            page,
            row,
            &json!({
                "meta": {
                    "has_more": if back { rows_before } else { rows_after },
                    "after_cursor": after.map(cursor),
                    "before_cursor": before.map(cursor),
                },
                "links": {
                    "next": link("page[after]", after, rows_after),
                    "prev": link("page[before]", before, rows_before),
                },
            }),
        )
    }

    fn by_number(&self, call: &Call, row: impl Fn(T) -> Value) -> Reply {
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
        let end = start.saturating_add(size).min(self.rows.len());
        let link = |page: usize, there: bool| there.then(|| self.numbered_link(call, page));
        self.envelope(
            self.rows.get(start..end).unwrap_or_default(),
            row,
            &json!({
                "count": self.rows.len(),
                "next_page": link(page + 1, end > start && end < self.rows.len()),
                "previous_page": link(page - 1, page > 1),
            }),
        )
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
        self.url(call, &["page[after]", "page[before]"], name, &cursor(id))
    }

    fn numbered_link(&self, call: &Call, page: usize) -> String {
        self.url(call, &["page"], "page", &page.to_string())
    }

    /// The call's own address, with these parameters replaced by one.
    fn url(&self, call: &Call, without: &[&str], name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(call.pairs().filter(|(key, _)| !without.contains(&key.as_str())));
        query.append_pair(name, value);
        format!("{}{}?{}", self.base_url, call.path, query.finish())
    }
}

/// `None` if a cursor is none of ours.
fn place(call: &Call) -> Option<Place> {
    let read = |text: &str| u64::from_str_radix(text.strip_prefix("at-")?, 16).ok();
    match (call.asked("page[after]"), call.asked("page[before]")) {
        (Some(after), _) if !after.is_empty() => read(&after).map(Place::After),
        (_, Some(before)) if !before.is_empty() => read(&before).map(Place::Before),
        _ => Some(Place::First),
    }
}

fn cursor(id: u64) -> String {
    format!("at-{id:x}")
}
