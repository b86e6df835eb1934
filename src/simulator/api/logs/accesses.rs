//! `GET /api/v2/access_logs`: requests of staff, by a service of its own: other pages, another limit, other refusals.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::super::super::access::instant;
use super::super::super::account::Span;
use super::super::super::call::{Body, Call, Reply};
use super::super::super::state::{State, Turn};
use super::super::super::world::{AccessLog, AccessRow, Authorization};
use super::super::page::{Listing, Rows, Sizes};
use super::ulid::ulid;
use super::{Order, Shown, asked, instant_of, lets, ordered, shown, within};

const SIZES: Sizes = Sizes { usual: 1_000, max: 2_500 };

/// What is asked for.
struct Filter {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    users: Vec<String>,
    paths: Vec<String>,
    without_graphql: bool,
}

impl State {
    /// Filters: `start`, `end`, `user_id`, `path`, and `graphql=true`, which leaves GraphQL out.
    pub(in super::super) fn list_access_logs(&mut self, turn: &Turn<'_>) -> Reply {
        if let Err(too_many) = self.accesses.take(turn.at) {
            return too_many;
        }
        let logs = &self.account.world().logs;
        if logs.settings.access_log == AccessLog::Absent {
            return Reply::refused_because(
                "This account does not have the Advanced Data Privacy and Protection add-on",
            );
        }
        let (filter, order) = match Filter::of(turn.call).and_then(|filter| Ok((filter, order(turn.call)?))) {
            Ok(asked) => asked,
            Err(refusal) => return refusal,
        };
        let is_on = logs.settings.access_log == AccessLog::On;
        let shown = shown((logs, &logs.accesses), turn.now, |row| (row.at, row.late));
        let shown = ordered(shown.filter(|(_, at, row)| is_on && filter.lets(row, *at)), order);
        let rows = |span: Span| -> Vec<Rows<'_, Shown<'_, AccessRow>>> { vec![within(&shown, span)] };
        let listing = Listing { name: "access_logs", base_url: &self.base_url, rows: &rows, sizes: SIZES };
        let as_text = logs.settings.user_ids_are_text;
        both_ways(listing.by_cursor(turn, |shown| access_row(shown, as_text)))
    }
}

/// This service tells of both directions, whichever way one goes.
fn both_ways(mut reply: Reply) -> Reply {
    if let Body::Json(Value::Object(body)) = &mut reply.body {
        let there =
            |body: &Map<String, Value>, name: &str| body.get("links").is_some_and(|links| !links[name].is_null());
        let (next, prev) = (there(body, "next"), there(body, "prev"));
        if let Some(Value::Object(meta)) = body.get_mut("meta") {
            meta.insert("has_more".to_owned(), next.into());
            meta.insert("has_before".to_owned(), prev.into());
        }
    }
    reply
}

fn access_row((position, at, row): Shown<'_, AccessRow>, as_text: bool) -> Value {
    let id = row.user.get();
    let graphql = json!({
        "operation_name": "ticketWorkspace", "operation_type": "QUERY", "query": "query ticketWorkspace { … }",
        "variables": "{}",
    });
    let mut told = json!({
        "id": ulid(at, position),
        "timestamp": instant(at),
        "user_id": if as_text { json!(id.to_string()) } else { json!(id) },
        "ip_address": row.address.to_string(),
        "client": row.agent.as_deref(),
        "method": row.method,
        "url": &*row.path,
        "status": row.status,
        "graphql": row.graphql.then_some(graphql),
        "referer": Value::Null,
        "bytes_sent": 4_096,
        "category": "Tickets",
        "summary": "Ticket activity",
    });
    if let (false, Value::Object(told)) = (row.graphql, &mut told) {
        told.insert("authorization_type".to_owned(), row.authorization.map(Authorization::word).into());
    }
    told
}

impl Filter {
    fn of(call: &Call) -> Result<Self, Reply> {
        let instant = |name: &str| asked(call, name).first().map(|text| instant_of(text, name)).transpose();
        let graphql = asked(call, "graphql");
        if graphql.iter().any(|value| value != "true") {
            return Err(Reply::fault(400, "InvalidValue", "filter[graphql] may only be true"));
        }
        Ok(Self {
            start: instant("start")?,
            end: instant("end")?,
            users: asked(call, "user_id"),
            paths: asked(call, "path"),
            without_graphql: !graphql.is_empty(),
        })
    }

    /// Whether a row is asked for whose time is told as this.
    fn lets(&self, row: &AccessRow, at: Timestamp) -> bool {
        let second = at.as_second();
        self.start.is_none_or(|start| start.as_second() <= second)
            && self.end.is_none_or(|end| second <= end.as_second())
            && lets(&self.users, &row.user.to_string())
            && lets(&self.paths, row.path.split('?').next().unwrap_or_default())
            && !(self.without_graphql && row.graphql)
    }
}

fn order(call: &Call) -> Result<Order, Reply> {
    match call.asked("sort").as_deref() {
        None | Some("created_at") => Ok(Order::OldestFirst),
        Some("-created_at") => Ok(Order::NewestFirst),
        Some(_) => Err(Reply::fault(400, "InvalidValue", "sort is not valid")),
    }
}

/// An answer as this service gives it at this time: refusals in its own envelope, no word about the account's limit, and
/// with a 429 the instant from which it may be asked again, in place of a number of seconds.
pub(in crate::simulator) fn in_own_words(mut reply: Reply, now: Timestamp) -> Reply {
    let is_about_limits = |name: &str| name.starts_with("x-rate-limit") || name.starts_with("ratelimit-");
    reply.headers.retain(|(name, _)| !is_about_limits(name));
    let Body::Json(body) = &reply.body else { return reply };
    if reply.status < 400 {
        return reply;
    }
    let places = ["/description", "/error/message", "/errors/0/detail", "/error"];
    let detail = places.iter().find_map(|place| body.pointer(place)?.as_str()).unwrap_or("Something went wrong");
    let title = match reply.status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    };
    reply.body = Body::Json(json!({ "errors": [{ "title": title, "detail": detail }] }));
    let wait = reply.headers.iter().find(|(name, _)| *name == "retry-after").and_then(|(_, text)| text.parse().ok());
    if let (429, Some(seconds)) = (reply.status, wait) {
        reply.headers.retain(|(name, _)| *name != "retry-after");
        let again = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        return reply.with("ratelimit-reset", instant(again));
    }
    reply
}
