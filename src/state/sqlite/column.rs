//! How nouns stand in a column: every value that a noun can have goes in, and comes back as it was.
//!
//! What does not come back as a noun is an error of the row, which the room tells as a broken file.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Result, Row};

use crate::model::{Act, Foreign, Role, RoleType, RuleId, Run, SeenKey, SessionId, Stratum, UserId};

/// An instant: nanoseconds since 1970, or text where they do not fit in 64 bits.
pub(super) struct Instant(pub(super) Timestamp);

/// An id of no kind of its own. Ids are below 2⁶³; one that is not is stored as a negative number and comes back whole.
pub(super) struct Number(pub(super) u64);

/// A length of time, as ISO 8601 writes it.
pub(super) struct Length(pub(super) SignedDuration);

/// What makes sightings one, as a JSON array.
pub(super) struct KeyRef<'k>(pub(super) &'k SeenKey);

/// The same as it comes back.
pub(super) struct Key(pub(super) SeenKey);

/// An address as text; an empty one for none, since it is part of a key.
pub(super) struct Address(pub(super) Option<IpAddr>);

/// Tags, as a JSON array; null for none, which is what most people have.
pub(super) struct Tags<'t>(pub(super) &'t [Foreign]);

/// Tags as they come back.
pub(super) struct OwnedTags(pub(super) Vec<Foreign>);

fn text(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}

fn known<T>(found: Option<T>) -> FromSqlResult<T> {
    found.ok_or_else(|| FromSqlError::Other("the word is not known".into()))
}

impl ToSql for Instant {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(match i64::try_from(self.0.as_nanosecond()) {
            Ok(nanoseconds) => nanoseconds.into(),
            Err(_) => self.0.to_string().into(),
        })
    }
}

impl FromSql for Instant {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let instant = match value {
            ValueRef::Integer(nanoseconds) => Timestamp::from_nanosecond(i128::from(nanoseconds)),
            other => other.as_str()?.parse(),
        };
        instant.map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for Number {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.0.cast_signed().into())
    }
}

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|number| Self(number.cast_unsigned()))
    }
}

impl ToSql for Length {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for Length {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for KeyRef<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let SeenKey { user, act, time, address, agent } = self.0;
        let json = serde_json::to_string(&(user.get(), act.word(), time, address, agent.as_deref()));
        json.map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        type Parts = (u64, String, i64, Option<IpAddr>, Option<String>);
        let parts: Parts = serde_json::from_str(value.as_str()?).map_err(FromSqlError::other)?;
        let (user, act, time, address, agent) = parts;
        let user = known(UserId::new(user))?;
        let act = known(Act::ALL.iter().copied().find(|one| one.word() == act))?;
        Ok(Self(SeenKey { user, act, time, address, agent: agent.map(Into::into) }))
    }
}

impl ToSql for Address {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.0.map(|address| address.to_string()).unwrap_or_default().into())
    }
}

impl FromSql for Address {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "" => Ok(Self(None)),
            text => text.parse().map(|address| Self(Some(address))).map_err(FromSqlError::other),
        }
    }
}

impl ToSql for Act {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(text(self.word()))
    }
}

impl FromSql for Act {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        known(Self::ALL.iter().copied().find(|one| one.word() == word))
    }
}

impl ToSql for UserId {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.get().cast_signed().into())
    }
}

impl FromSql for UserId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::new(Number::column_result(value)?.0).ok_or(FromSqlError::OutOfRange(0))
    }
}

impl ToSql for SessionId {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.0.cast_signed().into())
    }
}

impl FromSql for SessionId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Number::column_result(value).map(|number| Self(number.0))
    }
}

impl ToSql for Foreign {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(text(self.raw()))
    }
}

impl FromSql for Foreign {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::new)
    }
}

impl ToSql for RuleId {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(text(self.as_str()))
    }
}

impl FromSql for RuleId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::new)
    }
}

impl ToSql for Role {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(text(self.word()))
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        known(Self::from_word(value.as_str()?))
    }
}

impl ToSql for RoleType {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(text(self.word()))
    }
}

impl FromSql for RoleType {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        known(Self::ALL.iter().copied().find(|one| one.word() == word))
    }
}

impl ToSql for Stratum {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(text(self.word()))
    }
}

impl FromSql for Stratum {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        known(Self::from_word(value.as_str()?))
    }
}

/// Runs of a habit, as a JSON array of arrays.
pub(super) struct Runs(pub(super) Vec<Run>);

impl ToSql for Runs {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let runs: Vec<_> = self.0.iter().map(|run| (run.new_people, run.basis.to_string(), run.times)).collect();
        let json = serde_json::to_string(&runs);
        json.map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl FromSql for Runs {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let runs: Vec<(u32, String, u32)> = serde_json::from_str(value.as_str()?).map_err(FromSqlError::other)?;
        let run = |(new_people, basis, times): (u32, String, u32)| {
            Ok(Run { new_people, basis: known(basis.parse().ok())?, times })
        };
        runs.into_iter().map(run).collect::<FromSqlResult<_>>().map(Self)
    }
}

/// Ids of people, as a JSON array.
pub(super) struct People(pub(super) BTreeSet<UserId>);

impl ToSql for People {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let ids: Vec<u64> = self.0.iter().map(|user| user.get()).collect();
        let json = serde_json::to_string(&ids);
        json.map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl FromSql for People {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ids: Vec<u64> = serde_json::from_str(value.as_str()?).map_err(FromSqlError::other)?;
        ids.into_iter().map(|id| known(UserId::new(id))).collect::<FromSqlResult<_>>().map(Self)
    }
}

impl ToSql for Tags<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        if self.0.is_empty() {
            return Ok(ToSqlOutput::Borrowed(ValueRef::Null));
        }
        let texts: Vec<&str> = self.0.iter().map(Foreign::raw).collect();
        let json = serde_json::to_string(&texts);
        json.map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl FromSql for OwnedTags {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Some(json) = value.as_str_or_null()? else { return Ok(Self(Vec::new())) };
        let texts: Vec<String> = serde_json::from_str(json).map_err(FromSqlError::other)?;
        Ok(Self(texts.into_iter().map(Foreign::new).collect()))
    }
}

/// The columns of a row, from left to right.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: FromSql>(&mut self) -> Result<T> {
        let at = self.next;
        self.next += 1;
        self.row.get(at)
    }

    pub(super) fn instant(&mut self) -> Result<Timestamp> {
        self.take().map(|Instant(instant)| instant)
    }

    pub(super) fn maybe_instant(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<Instant>>()?.map(|Instant(instant)| instant))
    }

    pub(super) fn maybe_number(&mut self) -> Result<Option<u64>> {
        Ok(self.take::<Option<Number>>()?.map(|Number(number)| number))
    }
}
