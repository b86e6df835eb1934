//! The incremental export of people: whoever changed, in the order of changes, on pages that end at the last minute.
//!
//! It has a limit of its own, and its cursor is good for ever: the next export goes on where the last one ended.

use std::ops::Bound::{Excluded, Included};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::account::Place;
use super::super::call::{Call, Reply};
use super::super::state::{State, Turn};

/// Most rows on a page, and the number if none is asked for.
const ROWS_MAX: usize = 1_000;

/// What changed within so many seconds is not served yet.
const TOO_RECENT_SECONDS: i64 = 60;

impl State {
    /// `GET /api/v2/incremental/users/cursor`, from `start_time` or on from `cursor`; deleted people are rows like any.
    pub(super) fn export_users(&mut self, turn: &Turn<'_>) -> Reply {
        match self.exports.take(turn.at) {
            Ok(standing) => standing.tell(self.export(turn)),
            Err(too_many) => too_many,
        }
    }

    fn export(&mut self, turn: &Turn<'_>) -> Reply {
        let until = turn.second().saturating_sub(TOO_RECENT_SECONDS);
        let asked = match place(turn.call, until) {
            Ok(asked) => asked,
            Err(refusal) => return refusal,
        };
        let rows_max = match turn.call.asked("per_page").map(|text| text.parse::<usize>()) {
            None => ROWS_MAX,
            Some(Ok(rows)) if rows > 0 => rows.min(ROWS_MAX),
            Some(_) => return Reply::fault(400, "InvalidValue", "per_page must be a positive number"),
        };
        let from = if asked.1 == 0 { Included(asked) } else { Excluded(asked) };
        let mut rows: Vec<_> = self.account.changed_since(from, until).take(rows_max + 1).collect();
        let more = rows.len() > rows_max;
        rows.truncate(rows_max);
        let last = rows.last().map_or(asked, |row| row.0);
        let after = cursor(if turn.marks.repeat && more { asked } else { last });
        let people = &self.account.world().people;
        let users: Vec<Value> =
            rows.iter().filter_map(|(_, id)| people.get(id)).map(|person| self.user_row(person)).collect();
        Reply::json(
            200,
            json!({
                "users": users,
                "after_cursor": after,
                "after_url": self.after_url(turn.call, &after),
                "before_cursor": Value::Null,
                "before_url": Value::Null,
                "end_of_stream": !more,
            }),
        )
    }

    fn after_url(&self, call: &Call, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("cursor", cursor);
        query.extend_pairs(call.pairs().filter(|(key, _)| key == "per_page"));
        format!("{}/api/v2/incremental/users/cursor.json?{}", self.base_url, query.finish())
    }
}

/// Where to go on: a place whose id is 0 is where its second begins.
fn place(call: &Call, until: i64) -> Result<Place, Reply> {
    if let Some(cursor) = call.asked("cursor") {
        return read(&cursor).ok_or_else(|| Reply::fault(400, "InvalidValue", "the cursor was not given out here"));
    }
    match call.asked("start_time").map(|text| text.parse::<i64>()) {
        Some(Ok(start)) if start > until => {
            Err(Reply::fault(400, "StartTimeTooRecent", "Too recent start_time. Use a start_time older than 1 minute"))
        }
        Some(Ok(start)) => Ok((start, 0)),
        _ => Err(Reply::fault(400, "InvalidValue", "start_time must be a Unix time in seconds")),
    }
}

fn cursor((second, id): Place) -> String {
    STANDARD.encode(format!("{second}.0||{id}|"))
}

fn read(cursor: &str) -> Option<Place> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    let (second, id) = text.strip_suffix('|')?.split_once(".0||")?;
    Some((second.parse().ok()?, id.parse().ok()?))
}
