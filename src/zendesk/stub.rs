//! Stands in for verbs about people until they are merged.

use jiff::Timestamp;
use serde_json::Value;

use super::{Dated, Trouble, Zendesk, wire};
use crate::model::{Completeness, Person};

/// stub
pub struct Roll {
    /// stub
    pub people: Vec<Person>,
    /// stub
    pub completeness: Completeness,
    /// stub
    pub date: Option<Timestamp>,
    /// stub
    pub trouble: Option<Trouble>,
}
/// stub
pub enum UsersFrom<'a> {
    /// stub
    Start(Timestamp),
    /// stub
    Cursor(&'a str),
}
/// stub
pub struct ChangedUsers {
    /// stub
    pub people: Vec<Person>,
    /// stub
    pub cursor: String,
    /// stub
    pub end_of_stream: bool,
    /// stub
    pub unread: usize,
}

impl Zendesk {
    /// stub
    pub async fn staff(&self) -> Roll {
        let (body, date) = match self.get("/api/v2/users?role[]=agent&role[]=admin&page[size]=100".to_owned()).await {
            Ok(got) => got,
            Err(trouble) => {
                return Roll { people: Vec::new(), completeness: Completeness::Partial(String::new()), date: None, trouble: Some(trouble) };
            }
        };
        let rows = body.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
        let people = rows.iter().filter_map(|row| wire::person(row, date)).collect();
        Roll { people, completeness: Completeness::Complete, date: Some(date), trouble: None }
    }
    /// stub
    pub async fn changed_users(&self, from: UsersFrom<'_>) -> Result<Dated<ChangedUsers>, Trouble> {
        let query = match from {
            UsersFrom::Start(at) => format!("start_time={}", at.as_second()),
            UsersFrom::Cursor(cursor) => format!("cursor={cursor}"),
        };
        let (body, date) = self.get(format!("/api/v2/incremental/users/cursor?{query}")).await?;
        let rows = body.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
        let people = rows.iter().filter_map(|row| wire::person(row, date)).collect();
        let cursor = body.get("after_cursor").and_then(Value::as_str).unwrap_or_default().to_owned();
        let end_of_stream = body.get("end_of_stream").and_then(Value::as_bool).unwrap_or(true);
        Ok(Dated { value: ChangedUsers { people, cursor, end_of_stream, unread: 0 }, date })
    }
}
