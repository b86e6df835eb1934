//! Rows of Zendesk's listings: sessions and people, field by field.
//!
//! What must be there is checked, what may be missing or strange becomes `None`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::field::{Field, Texts};
use super::shape::Object;
use crate::address::parse_address;
use crate::model::{Foreign, Membership, OauthToken, Person, Role, RoleType, Session, SessionId, UserId};
use crate::zendesk::RowPlace;

/// What a page is made of.
pub(in crate::zendesk) trait Paged: Sized {
    /// The name of the array in the answer.
    const ARRAY: &'static str;
    /// Rows of a page that is still believed: ten times what most pages hold, all that the largest listing's do.
    const ROWS_MAX: usize = 1_000;
    /// A row as Zendesk writes it.
    type Row<'a>: Deserialize<'a>;

    /// What the row says, seen in an answer of this date; none if it cannot be read.
    fn read(row: Self::Row<'_>, seen: Timestamp) -> Option<Self>;
}

/// What a listing is made of.
pub(in crate::zendesk) trait Listed: Sized {
    /// What its pages hold.
    type Entry: Paged;

    /// Itself, and where its row says that it is used, if it says so.
    fn split(entry: Self::Entry) -> (Self, Option<RowPlace>);

    /// Zendesk's id of it.
    fn number(&self) -> u64;

    /// Whether it has a place in the listing of this person.
    fn belongs(&self, user: UserId) -> bool;
}

/// A session, as a row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct SessionRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    user_id: Field<'a>,
    authenticated_at: Field<'a>,
    last_seen_at: Field<'a>,
    ip_address: Field<'a>,
    user_agent: Field<'a>,
}

impl SessionRow<'_> {
    fn session(&self, seen: Timestamp) -> Option<Session> {
        Some(Session {
            id: SessionId(self.id.positive()?),
            // A user who is named and cannot be read may be anybody.
            user: match &self.user_id {
                Field::Null => None,
                user => Some(user.positive().and_then(UserId::new)?),
            },
            authenticated_at: self.authenticated_at.moment(),
            last_seen_at: self.last_seen_at.moment(),
            seen: seen.into(),
        })
    }
}

/// A session in a listing, with what few rows tell.
pub(in crate::zendesk) struct SessionEntry {
    session: Session,
    place: Option<RowPlace>,
}

impl Paged for SessionEntry {
    const ARRAY: &'static str = "sessions";
    type Row<'a> = SessionRow<'a>;

    /// What cannot be read as an address or a program is not told; the session is one all the same.
    fn read(row: SessionRow<'_>, seen: Timestamp) -> Option<Self> {
        let session = row.session(seen)?;
        let address = row.ip_address.filled().and_then(|text| parse_address(text).ok());
        let agent = row.user_agent.shared();
        let is_told = address.is_some() || agent.is_some();
        Some(Self { session, place: is_told.then_some(RowPlace { session, address, agent }) })
    }
}

impl Listed for Session {
    type Entry = SessionEntry;

    fn split(entry: SessionEntry) -> (Self, Option<RowPlace>) {
        (entry.session, entry.place)
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    /// A row without a user may be anybody's.
    fn belongs(&self, user: UserId) -> bool {
        self.user.is_none_or(|own| own == user)
    }
}

/// A user's record, as a row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct PersonRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    name: Field<'a>,
    email: Field<'a>,
    role: Field<'a>,
    role_type: Field<'a>,
    custom_role_id: Field<'a>,
    active: Field<'a>,
    suspended: Field<'a>,
    two_factor_auth_enabled: Field<'a>,
    verified: Field<'a>,
    chat_only: Field<'a>,
    tags: Texts,
    organization_id: Field<'a>,
    external_id: Field<'a>,
}

impl Paged for Person {
    const ARRAY: &'static str = "users";
    type Row<'a> = PersonRow<'a>;

    fn read(row: PersonRow<'_>, seen: Timestamp) -> Option<Self> {
        let role_type = row.role_type.whole().and_then(|number| usize::try_from(number).ok());
        Some(Self {
            id: row.id.positive().and_then(UserId::new)?,
            seen,
            name: row.name.foreign().unwrap_or_else(|| Foreign::new("")),
            email: row.email.foreign(),
            role: row.role.text().and_then(Role::from_word),
            role_type: role_type.and_then(|index| RoleType::ALL.get(index).copied()),
            custom_role_id: row.custom_role_id.whole(),
            deleted: row.active.truth().map(|active| !active),
            suspended: row.suspended.truth(),
            two_factor: row.two_factor_auth_enabled.truth(),
            verified: row.verified.truth(),
            chat_only: row.chat_only.truth(),
            tags: row.tags.0,
            organization_id: row.organization_id.whole(),
            external_id: row.external_id.foreign(),
        })
    }
}

impl Listed for Person {
    type Entry = Self;

    fn split(entry: Self) -> (Self, Option<RowPlace>) {
        (entry, None)
    }

    fn number(&self) -> u64 {
        self.id.get()
    }

    fn belongs(&self, user: UserId) -> bool {
        self.id == user
    }
}

/// Somebody's place in a group, as a row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct MembershipRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    user_id: Field<'a>,
    group_id: Field<'a>,
}

impl Paged for Membership {
    const ARRAY: &'static str = "group_memberships";
    type Row<'a> = MembershipRow<'a>;

    /// One that does not say who is in which group may be anybody's.
    fn read(row: MembershipRow<'_>, _: Timestamp) -> Option<Self> {
        let user = row.user_id.positive().and_then(UserId::new)?;
        Some(Self { id: row.id.positive()?, user, group: row.group_id.positive()? })
    }
}

impl Listed for Membership {
    type Entry = Self;

    fn split(entry: Self) -> (Self, Option<RowPlace>) {
        (entry, None)
    }

    fn number(&self) -> u64 {
        self.id
    }

    fn belongs(&self, user: UserId) -> bool {
        self.user == user
    }
}

/// An OAuth token, as a row. What opens anything, `token`, `full_token` and `refresh_token`, is not even read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::zendesk) struct OauthTokenRow<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    user_id: Field<'a>,
    client_id: Field<'a>,
    scopes: Texts,
    created_at: Field<'a>,
    used_at: Field<'a>,
    expires_at: Field<'a>,
}

impl Paged for OauthToken {
    const ARRAY: &'static str = "tokens";
    type Row<'a> = OauthTokenRow<'a>;

    /// One that does not say whose it is may be anybody's.
    fn read(row: OauthTokenRow<'_>, _: Timestamp) -> Option<Self> {
        Some(Self {
            id: row.id.positive()?,
            user: row.user_id.positive().and_then(UserId::new)?,
            client: row.client_id.positive(),
            scopes: OauthToken::kept_scopes(&row.scopes.0),
            created_at: row.created_at.instant(),
            used_at: row.used_at.instant(),
            expires_at: row.expires_at.instant(),
        })
    }
}

impl Listed for OauthToken {
    type Entry = Self;

    fn split(entry: Self) -> (Self, Option<RowPlace>) {
        (entry, None)
    }

    fn number(&self) -> u64 {
        self.id
    }

    fn belongs(&self, user: UserId) -> bool {
        self.user == user
    }
}

/// A session that an answer shows by itself; none if it cannot be read.
pub(in crate::zendesk) fn session(row: &Value, seen: Timestamp) -> Option<Session> {
    Object::<SessionRow<'_>>::deserialize(row).ok()?.0?.session(seen)
}

/// Each person once. Whose record comes twice and says two things has none: which of them is true?
pub(in crate::zendesk) fn unambiguous(people: impl Iterator<Item = Person>) -> Vec<Person> {
    let mut by_id: BTreeMap<UserId, Option<Person>> = BTreeMap::new();
    for person in people {
        match by_id.entry(person.id) {
            Entry::Vacant(place) => {
                place.insert(Some(person));
            }
            Entry::Occupied(mut place) if place.get().as_ref() != Some(&person) => {
                place.insert(None);
            }
            Entry::Occupied(_) => {}
        }
    }
    by_id.into_values().flatten().collect()
}
