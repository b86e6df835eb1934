//! `GET /api/v2/audit_logs`: sign-ins of staff and other acts, on Enterprise plans, newest first.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::access::instant;
use super::super::super::account::Span;
use super::super::super::call::{Call, Reply};
use super::super::super::state::{State, Turn};
use super::super::super::world::{AuditAction, LoginRow};
use super::super::page::{Listing, Rows, Sizes};
use super::{Order, Shown, asked, instant_of, lets, ordered, shown, within};
use crate::model::Foreign;

/// What accounts are told whose plan has no audit log.
const NOT_IN_PLAN: &str =
    "You do not have access to this page. Please contact the account owner of this help desk for further help.";

/// What is asked for.
struct Filter {
    actions: Vec<String>,
    actors: Vec<String>,
    addresses: Vec<String>,
    source_types: Vec<String>,
    created: Option<(Timestamp, Timestamp)>,
}

impl State {
    /// Filters: `action`, `actor_id`, `ip_address`, `source_type`, and `created_at` given twice; `sort` by cursor,
    /// `sort_order` by number.
    pub(in super::super) fn list_audit_logs(&self, turn: &Turn<'_>) -> Reply {
        let logs = &self.account.world().logs;
        if !logs.settings.has_audit_log {
            return Reply::refused_because(NOT_IN_PLAN);
        }
        let (filter, order) = match Filter::of(turn.call).and_then(|filter| Ok((filter, order(turn.call)?))) {
            Ok(asked) => asked,
            Err(refusal) => return refusal,
        };
        let shown = shown((logs, &logs.sign_ins), turn.now, |row| (row.at, row.late));
        let shown = ordered(shown.filter(|(_, at, row)| filter.lets(row, *at)), order);
        let rows = |span: Span| -> Vec<Rows<'_, Shown<'_, LoginRow>>> { vec![within(&shown, span)] };
        let listing = Listing { name: "audit_logs", base_url: &self.base_url, rows: &rows, sizes: Sizes::HUNDRED };
        listing.answer(turn, self.paging, |(_, at, row)| self.audit_row(at, row))
    }

    fn audit_row(&self, at: Timestamp, row: &LoginRow) -> Value {
        let person = self.account.world().people.get(&row.user);
        let name = person.map(|person| person.name.raw());
        let email = person.and_then(|person| person.email.as_ref()).map(Foreign::raw);
        let (label, description) = match row.action {
            AuditAction::Login => ("Signed in", format!("Successful sign-in from {}", row.address)),
            AuditAction::Create => ("Created", "Created by an admin".to_owned()),
            AuditAction::Update => ("Updated", "Changed by an admin".to_owned()),
            AuditAction::Destroy => ("Deleted", "Deleted by an admin".to_owned()),
            AuditAction::Exported => ("Exported", "Exported by an admin".to_owned()),
        };
        let is_login = row.action == AuditAction::Login;
        let whom = format!("Team member: {}", email.or(name).unwrap_or_default());
        let label_of_source = if is_login { whom } else { "Trigger: close after four days".to_owned() };
        json!({
            "id": row.id,
            "url": format!("{}/api/v2/audit_logs/{}.json", self.base_url, row.id),
            "action": row.action.word(),
            "action_label": label,
            "actor_id": row.user.get(),
            "actor_name": name,
            "source_id": if is_login { row.user.get() } else { row.id },
            "source_type": source_type(row),
            "source_label": label_of_source,
            "change_description": description,
            "ip_address": row.address.to_string(),
            "created_at": instant(at),
        })
    }
}

impl Filter {
    fn of(call: &Call) -> Result<Self, Reply> {
        let created: Vec<_> =
            asked(call, "created_at").iter().map(|text| instant_of(text, "created_at")).collect::<Result<_, _>>()?;
        let created = match created.as_slice() {
            [] => None,
            [from, to] => Some((*from, *to)),
            _ => return Err(Reply::fault(400, "InvalidValue", "filter[created_at] is given twice: from and to")),
        };
        Ok(Self {
            actions: asked(call, "action"),
            actors: asked(call, "actor_id"),
            addresses: asked(call, "ip_address"),
            source_types: asked(call, "source_type"),
            created,
        })
    }

    /// Whether a row is asked for whose time is told as this.
    fn lets(&self, row: &LoginRow, at: Timestamp) -> bool {
        let second = at.as_second();
        lets(&self.actions, row.action.word())
            && lets(&self.actors, &row.user.to_string())
            && lets(&self.addresses, &row.address.to_string())
            && lets(&self.source_types, source_type(row))
            && self.created.is_none_or(|(from, to)| (from.as_second()..=to.as_second()).contains(&second))
    }
}

fn source_type(row: &LoginRow) -> &'static str {
    if row.action == AuditAction::Login { "user" } else { "rule" }
}

/// By cursor `sort` says it; by number `sort_order`, which cursors silently drop.
fn order(call: &Call) -> Result<Order, Reply> {
    match call.asked("sort").as_deref() {
        Some("created_at") => return Ok(Order::OldestFirst),
        Some("-created_at") => return Ok(Order::NewestFirst),
        Some(_) => return Err(Reply::bad_paging("InvalidPaginationParameter", "sort is not valid")),
        None => {}
    }
    let is_ascending = call.asked("sort_order").as_deref() == Some("asc") && call.asked("page[size]").is_none();
    Ok(if is_ascending { Order::OldestFirst } else { Order::NewestFirst })
}
