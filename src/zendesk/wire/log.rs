//! Rows of Zendesk's logs. Of the many fields that they have only these are kept; there may be millions of rows.
//!
//! A row in which somebody was seen is read whole or not at all: without its user, its instant, or with an address that
//! is none, it may be anybody's from anywhere.

use jiff::Timestamp;
use serde::Deserialize;

use super::field::Field;
use super::row::Paged;
use super::shape::Object;
use crate::address::parse_address;
use crate::model::{Seen, UserId};
use crate::zendesk::logs::{ACCESSES_PER_PAGE, AccessRow, AuditRow, Authorization, Channel, SignInRow};

/// A row of a log: none if it is a row of another kind, or nobody's.
pub(in crate::zendesk) struct Entry<R>(pub(in crate::zendesk) Option<R>);

/// An audit log's row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct AuditLogRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    action: Field<'a>,
    actor_id: Field<'a>,
    created_at: Field<'a>,
    ip_address: Field<'a>,
}

impl Paged for Entry<SignInRow> {
    const ARRAY: &'static str = "audit_logs";
    type Row<'a> = AuditLogRow<'a>;

    fn read(row: AuditLogRow<'_>, _: Timestamp) -> Option<Self> {
        if row.action.filled()? != "login" {
            return Some(Self(None));
        }
        let Whose::Person(user) = whose(&row.actor_id)? else { return Some(Self(None)) };
        let seen = seen(user, &row.created_at, [&row.ip_address, &Field::Null])?;
        Some(Self(Some(SignInRow { id: row.id.positive()?, seen })))
    }
}

/// An access log's row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct AccessLogRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    timestamp: Field<'a>,
    user_id: Field<'a>,
    ip_address: Field<'a>,
    client: Field<'a>,
    authorization_type: Field<'a>,
}

impl Paged for Entry<AccessRow> {
    const ARRAY: &'static str = "access_logs";
    const ROWS_MAX: usize = ACCESSES_PER_PAGE;
    type Row<'a> = AccessLogRow<'a>;

    fn read(row: AccessLogRow<'_>, _: Timestamp) -> Option<Self> {
        let Whose::Person(user) = whose(&row.user_id)? else { return Some(Self(None)) };
        let seen = seen(user, &row.timestamp, [&row.ip_address, &row.client])?;
        let by = match row.authorization_type.text() {
            Some("session") => Authorization::Session,
            Some("basic" | "bearer" | "digest") => Authorization::Api,
            _ => Authorization::Unsaid,
        };
        Some(Self(Some(AccessRow { id: ulid(&row.id)?, seen, by })))
    }
}

/// A ticket audit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct TicketAuditRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    author_id: Field<'a>,
    created_at: Field<'a>,
    metadata: Object<Metadata<'a>>,
    via: Object<Via<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    system: Object<System<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct System<'a> {
    #[serde(borrow)]
    client: Field<'a>,
    ip_address: Field<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Via<'a> {
    #[serde(borrow)]
    channel: Field<'a>,
}

impl Paged for Entry<AuditRow> {
    const ARRAY: &'static str = "audits";
    type Row<'a> = TicketAuditRow<'a>;

    fn read(row: TicketAuditRow<'_>, _: Timestamp) -> Option<Self> {
        let Whose::Person(user) = whose(&row.author_id)? else { return Some(Self(None)) };
        let system = row.metadata.0.and_then(|metadata| metadata.system.0).unwrap_or_default();
        let seen = seen(user, &row.created_at, [&system.ip_address, &system.client])?;
        let via = match row.via.0.unwrap_or_default().channel.text() {
            Some("web") => Channel::Web,
            Some("mobile") => Channel::Mobile,
            _ => Channel::Other,
        };
        Some(Self(Some(AuditRow { id: row.id.positive()?, seen, via })))
    }
}

/// Whose row it is.
enum Whose {
    Person(UserId),
    /// Zendesk's own.
    Nobody,
}

/// Zendesk's own rows have the user -1, or 0; one that cannot be read is anybody's.
fn whose(id: &Field<'_>) -> Option<Whose> {
    match id.signed()? {
        ..=0 => Some(Whose::Nobody),
        id => u64::try_from(id).ok().and_then(UserId::new).map(Whose::Person),
    }
}

/// `from` is an address and a program. Either may be missing; a program may also be strange.
fn seen(user: UserId, at: &Field<'_>, from: [&Field<'_>; 2]) -> Option<Seen> {
    let [address, agent] = from;
    let address = match address {
        Field::Null => None,
        address => match address.text()? {
            "" => None,
            text => Some(parse_address(text).ok()?),
        },
    };
    Some(Seen { user, at: at.moment()?, address, agent: agent.shared() })
}

/// A ULID: 26 digits of Crockford's base 32 for 128 bits, so that the first has three of them.
fn ulid(id: &Field<'_>) -> Option<String> {
    let id = id.text().filter(|id| id.len() == 26)?.to_ascii_uppercase();
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() && !b"ILOU".contains(&byte);
    (id.bytes().all(is_digit) && id.starts_with(|first: char| first <= '7')).then_some(id)
}
