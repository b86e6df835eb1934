//! Listing sessions page by page, to the end or to what cut it short.
//!
//! A listing never fails as a whole: what was read stays read, and it says whether it is whole. Sessions may appear
//! twice when rows move between pages; putting that right is not done here.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;

use super::budget::Purpose;
use super::exchange::Patience;
use super::wire::{self, Page};
use super::{Method, Trouble, Zendesk, trouble};
use crate::model::{Completeness, Session, UserId};

/// Rows of a full page: the most that Zendesk gives.
const PAGE_SIZE: usize = 100;

/// Rows of a page that is still believed.
const PAGE_ROWS_MAX: usize = 10 * PAGE_SIZE;

/// Pages of an account: two million sessions, twice what evictd is built for.
pub(super) const PAGES_MAX: usize = 20_000;

/// Pages of a person: as deep as Zendesk itself pages elsewhere.
pub(super) const PERSON_PAGES_MAX: usize = 100;

/// Sessions as listed, and whether they are all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The rows, in Zendesk's order; one may appear twice.
    pub rows: Vec<Session>,
    /// Whether anything is missing.
    pub completeness: Completeness,
    /// Zendesk's clock at the last page that was read; none if there was none.
    pub date: Option<Timestamp>,
    /// What cut it short or spoiled it; none exactly if it is complete.
    pub trouble: Option<Trouble>,
}

/// What to list.
struct Range {
    path: String,
    purpose: Purpose,
    pages_max: usize,
    /// Only this person's rows belong here.
    user: Option<UserId>,
}

impl Zendesk {
    /// Every session of the account. `on_page` hears after each page how many rows there are.
    pub async fn sessions(&self, on_page: &mut dyn FnMut(usize)) -> Listing {
        let path = "/api/v2/sessions".to_owned();
        self.list(Range { path, purpose: Purpose::Sweep, pages_max: PAGES_MAX, user: None }, on_page).await
    }

    /// Every session of one person. A person Zendesk does not have is [`Trouble::NotFound`].
    pub async fn sessions_of(&self, user: UserId, purpose: Purpose) -> Listing {
        let path = format!("/api/v2/users/{user}/sessions");
        let range = Range { path, purpose, pages_max: PERSON_PAGES_MAX, user: Some(user) };
        self.list(range, &mut |_| ()).await
    }

    async fn list(&self, range: Range, on_page: &mut dyn FnMut(usize)) -> Listing {
        let mut patience = Patience::of(range.purpose);
        let mut rows = Vec::new();
        let mut date = None;
        let mut unread = 0_usize;
        let mut asked = BTreeSet::new();
        let mut query = format!("page[size]={PAGE_SIZE}");
        let cut = loop {
            if asked.len() >= range.pages_max {
                break Some(Trouble::Nonsense(format!("more than {} pages", range.pages_max)));
            }
            if !asked.insert(hash_of(&query)) {
                break Some(wire::nonsense("the same page was named twice"));
            }
            let (page, seen) = match self.page(&range, &query, &mut patience).await {
                Ok(page) => page,
                Err(trouble) => break Some(trouble),
            };
            date = Some(seen);
            for row in page.rows.iter().take(PAGE_ROWS_MAX) {
                match wire::session(row, seen).filter(|session| belongs(session, range.user)) {
                    Some(session) => rows.push(session),
                    None => unread += 1,
                }
            }
            on_page(rows.len());
            if page.rows.len() > PAGE_ROWS_MAX {
                break Some(Trouble::Nonsense(format!("a page of {} rows", page.rows.len())));
            }
            match page.next {
                Some(next) => query = next,
                None => break None,
            }
        };
        let unreadable = (unread > 0).then(|| Trouble::Nonsense(format!("{unread} rows could not be read")));
        let trouble = cut.or(unreadable);
        let completeness = match &trouble {
            None => Completeness::Complete,
            Some(trouble) => Completeness::Partial(trouble.to_string()),
        };
        Listing { rows, completeness, date, trouble }
    }

    async fn page(
        &self,
        range: &Range,
        query: &str,
        patience: &mut Patience<'_>,
    ) -> Result<(Page, Timestamp), Trouble> {
        let path = format!("{}?{query}", range.path);
        let answer = self.ask(Method::Get, path, range.purpose, patience).await?;
        let answer = trouble::judged(Method::Get, answer)?;
        Ok((wire::page(&answer, PAGE_SIZE)?, wire::date(&answer)?))
    }
}

/// A row without a user may be anybody's.
fn belongs(session: &Session, user: Option<UserId>) -> bool {
    user.is_none() || session.user.is_none() || session.user == user
}

/// Stands for a query that was asked. Two that happen to share it end the listing as partial, and no worse.
fn hash_of(query: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    hasher.finish()
}
