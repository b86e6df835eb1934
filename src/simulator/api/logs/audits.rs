//! `GET /api/v2/ticket_audits`: who wrote on which ticket, on every plan, end users too; newest first.

use serde_json::{Value, json};

use super::super::super::access::instant;
use super::super::super::account::Span;
use super::super::super::call::Reply;
use super::super::super::state::{State, Turn};
use super::super::super::world::{TicketAudit, location_of};
use super::super::page::{Listing, Rows, Sizes};
use super::{Order, Shown, ordered, shown, within};

impl State {
    /// By cursor only; nothing can be filtered.
    pub(in super::super) fn list_ticket_audits(&self, turn: &Turn<'_>) -> Reply {
        let logs = &self.account.world().logs;
        let shown = shown((logs, &logs.audits), turn.now, |row| (row.at, row.late));
        let shown = ordered(shown, Order::NewestFirst);
        let rows = |span: Span| -> Vec<Rows<'_, Shown<'_, TicketAudit>>> { vec![within(&shown, span)] };
        let listing = Listing { name: "audits", base_url: &self.base_url, rows: &rows, sizes: Sizes::HUNDRED };
        listing.by_cursor(turn, audit)
    }
}

fn audit((_, at, row): Shown<'_, TicketAudit>) -> Value {
    let mut system = json!({});
    if let Some(address) = row.address {
        system = json!({
            "client": row.agent.as_deref(),
            "ip_address": address.to_string(),
            "location": location_of(address),
        });
    }
    json!({
        "id": row.id,
        "ticket_id": row.ticket,
        "author_id": row.author.get(),
        "created_at": instant(at),
        "metadata": { "system": system, "custom": {} },
        "via": { "channel": row.channel, "source": { "from": {}, "to": {}, "rel": Value::Null } },
        "events": [{ "id": row.id, "type": "Comment", "public": true, "author_id": row.author.get(), "body": "…" }],
    })
}
