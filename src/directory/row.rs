//! One row of a list: whom it names, under which key it is remembered, from when on.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::looks_like_email;
use crate::model::UserId;

/// An external id is not longer (Zendesk's own limit), in bytes.
const EXTERNAL_ID_BYTES_MAX: usize = 255;

/// What stands before an external id where nothing else tells it from an e-mail address or an id.
pub(super) const EXTERNAL_PREFIX: &str = "external-id:";

/// Whom a row names; at least one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Zendesk's id.
    pub id: Option<UserId>,
    /// E-mail address, as written; compared without regard to case.
    pub email: Option<String>,
    /// Another system's id, as written; compared without regard to case.
    pub external_id: Option<String>,
}

impl Names {
    /// Reads an e-mail address, an id, or `external-id:…` (`external:…` for short).
    pub fn of_word(word: &str) -> Result<Self, &'static str> {
        let external = [EXTERNAL_PREFIX, "external:"].iter().find_map(|prefix| word.strip_prefix(prefix));
        match external {
            Some(external) => Cells { external_id: external, ..Cells::default() },
            None if word.contains('@') => Cells { email: word, ..Cells::default() },
            None if word.bytes().all(|byte| byte.is_ascii_digit()) => Cells { id: word, ..Cells::default() },
            None => return Err("neither an e-mail address nor an id"),
        }
        .names()
    }

    /// The key under which it is remembered: by the surest of its names.
    pub fn key(&self) -> String {
        let lower = |prefix: &str, text: &str| format!("{prefix}{}", text.to_lowercase());
        match self {
            Self { id: Some(id), .. } => format!("id:{id}"),
            Self { email: Some(email), .. } => lower("email:", email),
            Self { external_id, .. } => lower(EXTERNAL_PREFIX, external_id.as_deref().unwrap_or_default()),
        }
    }

    /// Whether it has any name of the other.
    pub fn shares(&self, other: &Self) -> bool {
        self.id.is_some() && self.id == other.id
            || same(self.email.as_deref(), other.email.as_deref())
            || same(self.external_id.as_deref(), other.external_id.as_deref())
    }

    /// Takes over the names of another row with the same key that this one lacks.
    pub(super) fn complete(&mut self, other: Self) {
        self.id = self.id.or(other.id);
        self.email = self.email.take().or(other.email);
        self.external_id = self.external_id.take().or(other.external_id);
    }
}

/// Both are there, and equal without regard to case.
pub(super) fn same(left: Option<&str>, right: Option<&str>) -> bool {
    left.zip(right).is_some_and(|(left, right)| left.to_lowercase() == right.to_lowercase())
}

/// The texts of a row, blanks around them removed; empty where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cells<'a> {
    pub(super) id: &'a str,
    pub(super) email: &'a str,
    pub(super) external_id: &'a str,
    pub(super) since: &'a str,
}

impl Cells<'_> {
    /// Whom they name, or what is wrong with them, in words that repeat nothing of the row.
    pub(super) fn names(self) -> Result<Names, &'static str> {
        let mut names = Names::default();
        if !self.id.is_empty() {
            let digits = self.id.bytes().all(|byte| byte.is_ascii_digit());
            let id = self.id.parse().ok().filter(|_| digits).and_then(UserId::new);
            names.id = Some(id.ok_or("the id is no Zendesk id, which is a whole number")?);
        }
        if !self.email.is_empty() {
            if !looks_like_email(self.email) {
                return Err("the e-mail address does not look like one");
            }
            names.email = Some(self.email.to_owned());
        }
        if !self.external_id.is_empty() {
            if self.external_id.len() > EXTERNAL_ID_BYTES_MAX || self.external_id.chars().any(char::is_control) {
                return Err("the external id is too long, or has control characters in it");
            }
            names.external_id = Some(self.external_id.to_owned());
        }
        if names == Names::default() { Err("it names nobody") } else { Ok(names) }
    }
}

/// Reads `since`: an instant with its offset, or a day, which means its end in this zone.
pub fn since_of(text: &str, zone: &TimeZone) -> Result<Timestamp, &'static str> {
    let is_day = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    if is_day && let Ok(day) = text.parse::<Date>() {
        let after = day.tomorrow().and_then(|next| next.to_zoned_datetime(zone.clone()));
        return after.map(|after| after.timestamp()).map_err(|_out_of_range| "`since` is too far away");
    }
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    Err(if text.parse::<jiff::civil::DateTime>().is_ok() && !is_day {
        "`since` is a time without its offset from UTC"
    } else {
        "`since` is neither a day as in `2027-01-31` nor an instant as in `2027-01-31T17:00:00+01:00`"
    })
}
