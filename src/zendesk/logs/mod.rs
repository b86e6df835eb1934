//! Reading Zendesk's logs a page at a time: who signed in, who used the account, who changed tickets.
//!
//! A cycle can do without any of them: they wait for a hiccup, not for a limit, and stay off what is reserved for
//! acting. How many pages are read, and what a gap means, is for the caller to say.
//!
//! What each verb gives in trouble: [`Trouble::Denied`] with [`Denial::Plan`] if the account's plan has no such log or
//! whoever asks may not read it, in Zendesk's words; with [`Denial::Scope`] if the token may not; [`Trouble::Later`] if
//! a limit is used up.
//!
//! [`Denial::Plan`]: super::Denial::Plan
//! [`Denial::Scope`]: super::Denial::Scope

mod rows;

use jiff::{SignedDuration, Timestamp};

pub use rows::{AccessRow, AuditRow, Authorization, Channel, SignInRow};

use super::budget::ACCESS_LOGS;
use super::exchange::Patience;
use super::wire::{self, Entry, PAGE_SIZE, Page, Paged};
use super::{Dated, Method, Purpose, Trouble, Zendesk, trouble};

/// Rows of a page of the access log: the most that Zendesk gives.
pub(super) const ACCESSES_PER_PAGE: usize = 2_500;

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage<R> {
    /// What its rows say, in Zendesk's order.
    pub rows: Vec<R>,
    /// Rows that could not be read: somebody was seen, and nobody knows who or how.
    pub unreadable: usize,
    /// What to ask with for the page after this one; none if this is the last for now. It names the range too.
    pub next: Option<String>,
}

/// Where a page says that the next one is.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// In a cursor, to be put to the first page's query.
    Cursor,
    /// In a link.
    Link,
}

impl Zendesk {
    /// Sign-ins of staff from `from` to `to`, oldest first: a page of the audit log, the first, or the one `after` an
    /// earlier one of this range. On Enterprise plans only.
    pub async fn sign_ins(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<Dated<LogPage<SignInRow>>, Trouble> {
        let (from, to) = (whole_second(from), second_after(to));
        let range = format!("filter[created_at]={from}&filter[created_at]={to}");
        let first = format!("filter[action]=login&{range}&sort=created_at&page[size]={PAGE_SIZE}");
        self.log("/api/v2/audit_logs", &first, after, Next::Cursor).await
    }

    /// What staff asked Zendesk for from `from` to `to`, oldest first: a page of the access log, the first, or the one
    /// `after` an earlier one of this range. With the add-on for data privacy only, and not before it was switched on.
    ///
    /// It is a service of its own with 50 requests a minute for everybody who reads it: once these are used up this is
    /// [`Trouble::Later`], at once, and the account's other requests go on.
    pub async fn accesses(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<Dated<LogPage<AccessRow>>, Trouble> {
        let (from, to) = (whole_second(from), second_after(to));
        let first = format!("filter[start]={from}&filter[end]={to}&page[size]={ACCESSES_PER_PAGE}");
        self.log(ACCESS_LOGS, &first, after, Next::Link).await
    }

    /// Changes of tickets, without those of archived ones, in Zendesk's order: the first page, or the one `after` an
    /// earlier one. Zendesk leaves out some to whoever follows the newest.
    pub async fn ticket_audits(&self, after: Option<&str>) -> Result<Dated<LogPage<AuditRow>>, Trouble> {
        let first = format!("page[size]={PAGE_SIZE}");
        self.log("/api/v2/ticket_audits", &first, after, Next::Cursor).await
    }

    async fn log<R>(
        &self,
        path: &str,
        first: &str,
        after: Option<&str>,
        next: Next,
    ) -> Result<Dated<LogPage<R>>, Trouble>
    where
        Entry<R>: Paged,
    {
        let query = after.map_or_else(|| Ok(first.to_owned()), wire::checked)?;
        let path = format!("{path}?{query}");
        let answer = self.ask(Method::Get, path, Purpose::Look, &mut Patience::brief()).await?;
        let page: Page<Entry<R>> = wire::page(&trouble::judged_as_feature(answer)?)?;
        let next = match next {
            Next::Cursor => page.next_after(first)?,
            Next::Link => page.next_by_link()?,
        };
        if next.as_ref() == Some(&query) {
            return Err(wire::nonsense("the same page was named twice"));
        }
        let unreadable = page.unread + page.beyond;
        let rows = page.rows.into_iter().filter_map(|entry| entry.0).collect();
        Ok(Dated { value: LogPage { rows, unreadable, next }, date: page.date })
    }
}

/// The instant as these services take it, in whole seconds, as a value in a query.
fn whole_second(at: Timestamp) -> String {
    wire::percent_encoded(&at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The same, and not before the instant: a second that has begun is asked for whole.
fn second_after(at: Timestamp) -> String {
    whole_second(at.saturating_add(SignedDuration::from_nanos(999_999_999)).unwrap_or(at))
}
