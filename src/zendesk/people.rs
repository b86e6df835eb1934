//! Asking for people's records: by id, by address, by another system's id, and those that changed.

use jiff::Timestamp;

use super::exchange::Patience;
use super::wire::{self, Page};
use super::{Dated, Method, Purpose, Trouble, Zendesk, trouble};
use crate::model::{Foreign, Person, UserId};

/// People that one question may name: Zendesk's own limit of `show_many`.
pub const PEOPLE_PER_CALL_MAX: usize = 100;

/// Bytes of a path that every server on the way takes.
const PATH_BYTES_MAX: usize = 6 << 10;

/// From where to read the stream of changed users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsersFrom<'a> {
    /// Whatever changed since then. Zendesk refuses an instant of the last minute.
    Start(Timestamp),
    /// Where an earlier answer stopped.
    Cursor(&'a str),
}

/// A part of the stream of changed users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedUsers {
    /// The records as they are now, in Zendesk's order. Of somebody who appears twice the later one is newer.
    pub people: Vec<Person>,
    /// Rows that could not be read: people who changed, and nobody knows who.
    pub unread: usize,
    /// Where to go on.
    pub cursor: String,
    /// Whether nothing more is to be had now. Zendesk never tells of the last minute.
    pub end_of_stream: bool,
}

impl Zendesk {
    /// The records of up to [`PEOPLE_PER_CALL_MAX`] people, deleted ones included. Who is missing has no record that
    /// could be read, or several that differ.
    pub async fn people(&self, ids: &[UserId], purpose: Purpose) -> Result<Dated<Vec<Person>>, Trouble> {
        countable(ids.len())?;
        let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let page = self.users(format!("/api/v2/users/show_many?ids={list}&include_deleted=true"), purpose).await?;
        let people = page.rows.into_iter().filter(|person| ids.contains(&person.id));
        Ok(Dated { value: wire::unambiguous(people), date: page.date })
    }

    /// The records of people whom another system calls so, deleted ones included; up to [`PEOPLE_PER_CALL_MAX`] ids,
    /// compared without regard to case. A deleted person and a living one may have the same.
    ///
    /// # Errors
    ///
    /// [`Trouble::Nonsense`] also for ids that cannot be asked for: too many or too long for one question, empty, or
    /// with a comma, which separates them; and if a record could not be read, which may be any of theirs. Asking in
    /// halves finds the one.
    pub async fn people_by_external_id(&self, ids: &[&str], purpose: Purpose) -> Result<Dated<Vec<Person>>, Trouble> {
        countable(ids.len())?;
        if let Some(id) = ids.iter().find(|id| id.trim().is_empty() || id.contains(',')) {
            return Err(Trouble::Nonsense(format!("`{}` is no external id to ask for", Foreign::new(*id))));
        }
        let list = ids.iter().map(|id| wire::percent_encoded(id)).collect::<Vec<_>>().join(",");
        let path = format!("/api/v2/users/show_many?external_ids={list}&include_deleted=true");
        if path.len() > PATH_BYTES_MAX {
            return Err(Trouble::Nonsense(format!("{} external ids are too long for one question", ids.len())));
        }
        let page = self.users(path, purpose).await?;
        if page.unread + page.beyond > 0 {
            return Err(Trouble::Nonsense(format!("{} rows could not be read", page.unread + page.beyond)));
        }
        let wanted: Vec<String> = ids.iter().map(|id| id.to_lowercase()).collect();
        let has_one = |person: &Person| {
            person.external_id.as_ref().is_some_and(|found| wanted.contains(&found.raw().to_lowercase()))
        };
        Ok(Dated { value: wire::unambiguous(page.rows.into_iter().filter(has_one)), date: page.date })
    }

    /// The one person with this address, compared without regard to case; `None` if there is none, or several.
    pub async fn person_by_email(&self, email: &str, purpose: Purpose) -> Result<Dated<Option<Person>>, Trouble> {
        if email.is_empty() || email.chars().any(|letter| matches!(letter, '"' | '\\') || letter.is_control()) {
            return Err(Trouble::Nonsense(format!("`{}` is no address to search for", Foreign::new(email))));
        }
        let query = wire::percent_encoded(&format!("email:\"{email}\""));
        let page = self.users(format!("/api/v2/users/search?query={query}"), purpose).await?;
        // Who follows, and who cannot be read, may have it too.
        let others = page.has_next_page() || page.unread + page.beyond > 0;
        let wanted = email.to_lowercase();
        let has_it = |person: &Person| person.email.as_ref().is_some_and(|found| found.raw().to_lowercase() == wanted);
        let mut matches = page.rows.into_iter().filter(has_it);
        let value = match (matches.next(), matches.next()) {
            (Some(person), None) if !others => Some(person),
            _ => None,
        };
        Ok(Dated { value, date: page.date })
    }

    /// People whose record changed, the next part of them: one request. The stream has a limit of its own, ten a minute
    /// for everybody who reads it: once it is used up this is [`Trouble::Later`], at once, and the account's other
    /// requests go on.
    pub async fn changed_users(&self, from: UsersFrom<'_>) -> Result<Dated<ChangedUsers>, Trouble> {
        let query = match from {
            UsersFrom::Start(since) => format!("start_time={}", since.as_second()),
            UsersFrom::Cursor(cursor) => format!("cursor={}", wire::percent_encoded(cursor)),
        };
        let path = format!("/api/v2/incremental/users/cursor?{query}");
        let answer = self.ask(Method::Get, path, Purpose::Look, &mut Patience::brief()).await?;
        let page: Page<Person> = wire::page(&trouble::judged(Method::Get, answer)?)?;
        let Some(end_of_stream) = page.end_of_stream() else {
            return Err(wire::nonsense("it does not say whether the stream ends"));
        };
        // Of where it goes on only the cursor is used, never the address that comes with it.
        let cursor = match (page.stream_after()?, from) {
            (Some(cursor), _) => cursor.to_owned(),
            (None, UsersFrom::Cursor(cursor)) if end_of_stream && page.total() == 0 => cursor.to_owned(),
            (None, _) => return Err(wire::nonsense("it does not say where the stream goes on")),
        };
        let unread = page.unread + page.beyond;
        Ok(Dated { value: ChangedUsers { people: page.rows, unread, cursor, end_of_stream }, date: page.date })
    }

    async fn users(&self, path: String, purpose: Purpose) -> Result<Page<Person>, Trouble> {
        let answer = self.ask(Method::Get, path, purpose, &mut Patience::of_call()).await?;
        wire::page(&trouble::judged(Method::Get, answer)?)
    }
}

pub(super) fn countable(asked: usize) -> Result<(), Trouble> {
    if (1..=PEOPLE_PER_CALL_MAX).contains(&asked) {
        return Ok(());
    }
    Err(Trouble::Nonsense(format!("1 to {PEOPLE_PER_CALL_MAX} people can be asked for, not {asked}")))
}
