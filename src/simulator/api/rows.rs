//! The rows that answers are made of.
//!
//! Sessions have the five fields that Zendesk documents, and others only where a world says so; users have all documented
//! ones.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::access::instant;
use super::super::account::created_at;
use super::super::world::World;
use crate::model::{Foreign, Person, Role, RoleType, Session, UserId};

/// A session as it is listed.
pub(super) fn session_row(session: &Session, world: &World, base_url: &str) -> Value {
    let user = session.user.map(UserId::get);
    let mut row = json!({
        "id": session.id.0,
        "user_id": user,
        "authenticated_at": session.authenticated_at.map(|at| instant(at.at())),
        "last_seen_at": session.last_seen_at.map(|at| instant(at.at())),
        "url": user.map(|user| format!("{base_url}/api/v2/users/{user}/sessions/{}", session.id)),
    });
    let more = world.row_fields.get(&session.id).and_then(Value::as_object);
    if let (Some(row), Some(more)) = (row.as_object_mut(), more) {
        row.extend(more.clone());
    }
    row
}

/// A person's record, changed last at this instant.
pub(super) fn user_row(person: &Person, updated: Timestamp, base_url: &str) -> Value {
    let id = person.id.get();
    let raw = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_owned());
    let tags: Vec<_> = person.tags.iter().map(Foreign::raw).collect();
    let role_type = person.role_type.and_then(|kind| RoleType::ALL.iter().position(|one| *one == kind));
    let channels = (person.suspended == Some(true)).then(|| json!({ "channels": ["all"] }));
    json!({
        "id": id,
        "url": format!("{base_url}/api/v2/users/{id}"),
        "name": person.name.raw(),
        "email": raw(&person.email),
        "role": person.role.map(Role::word),
        "role_type": role_type,
        "custom_role_id": person.custom_role_id,
        "active": person.deleted.map(|deleted| !deleted),
        "suspended": person.suspended,
        "suspension_details": channels,
        "two_factor_auth_enabled": person.two_factor,
        "last_login_at": Value::Null,
        "verified": person.verified,
        "tags": tags,
        "organization_id": person.organization_id,
        "external_id": raw(&person.external_id),
        "shared": false,
        "shared_agent": false,
        "chat_only": person.chat_only,
        "restricted_agent": person.role != Some(Role::Admin),
        "ticket_restriction": Value::Null,
        "only_private_comments": person.role_type == Some(RoleType::Light),
        "moderator": person.role == Some(Role::Admin),
        "default_group_id": Value::Null,
        "iana_time_zone": "Europe/Berlin",
        "time_zone": "Berlin",
        "locale": "en-US",
        "locale_id": 1,
        "alias": Value::Null,
        "details": Value::Null,
        "notes": Value::Null,
        "phone": Value::Null,
        "shared_phone_number": Value::Null,
        "photo": Value::Null,
        "signature": Value::Null,
        "report_csv": false,
        "user_fields": {},
        "separation": Value::Null,
        "created_at": instant(created_at(person.id)),
        "updated_at": instant(updated),
    })
}
