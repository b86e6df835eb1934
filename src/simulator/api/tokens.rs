//! OAuth tokens: made up from ids, the same for the same people, and of staff only.

use std::ops::RangeBounds as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::access::instant;
use super::super::account::{EVERY, Span, created_at};
use super::super::call::Reply;
use super::super::state::{State, Turn};
use super::page::{Listing, Rows, Sizes};
use crate::model::{Person, Role};

/// Every admin has one, and every other agent: a helper in the browser, an export at night.
fn has_token(person: &Person) -> bool {
    match person.role {
        Some(Role::Admin) => true,
        Some(Role::Agent) => person.id.get().is_multiple_of(2),
        _ => false,
    }
}

impl State {
    /// `GET /api/v2/oauth/tokens`; those that ended are not shown, and of each only the first letters.
    pub(super) fn list_tokens(&self, turn: &Turn<'_>) -> Reply {
        let rows = |span: Span| -> Vec<Rows<'_, &Person>> {
            let all = self.account.people(EVERY).filter(|person| has_token(person));
            vec![Box::new(all.map(|one| (one.id.get(), one)).filter(move |(id, _)| span.contains(id)))]
        };
        let listing = Listing { name: "tokens", base_url: &self.base_url, rows: &rows, sizes: Sizes::HUNDRED };
        listing.answer(turn, self.paging, |person| {
            let (id, now) = (person.id.get(), turn.now);
            let ago = |hours: i64| now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH);
            let is_old = id.is_multiple_of(4);
            json!({
                "id": 380_100_000_000_u64.saturating_add(id),
                "url": format!("{}/api/v2/oauth/tokens/{}", self.base_url, 380_100_000_000_u64.saturating_add(id)),
                "user_id": id,
                "client_id": 390_000_000_001_u64 + id % 3,
                "token": format!("{:010x}", id.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 0x00ff_ffff_ffff),
                "scopes": if is_old { json!(["read", "write"]) } else { json!(["tickets:read"]) },
                "created_at": instant(created_at(person.id)),
                "used_at": if is_old { json!(null) } else { json!(instant(ago(1))) },
                "expires_at": if is_old { json!(null) } else { json!(instant(ago(-48))) },
                "refresh_token": null,
                "refresh_token_expires_at": null,
            })
        })
    }
}
