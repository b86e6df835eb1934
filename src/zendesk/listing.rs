//! Listing sessions, staff and who is in which group page by page, to the end or to what cut it short.
//!
//! A listing never fails as a whole: what was read stays read, and it says whether it is whole. Rows may appear
//! twice when they move between pages; putting that right is not done here.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::exchange::Patience;
use super::wire::{self, Listed, PAGE_SIZE, Page};
use super::{Dated, Method, Purpose, Trouble, Zendesk, trouble};
use crate::model::{Completeness, Membership, OauthToken, Person, Role, Session, UserId};

/// Pages of an account: two million sessions, twice what evictd is built for.
pub(super) const PAGES_MAX: usize = 20_000;

/// Pages of staff: a hundred thousand people.
const STAFF_PAGES_MAX: usize = 1_000;

/// Pages of memberships: of a hundred thousand people ten each.
const MEMBERSHIP_PAGES_MAX: usize = 10_000;

/// Pages of OAuth tokens: ten thousand.
const TOKEN_PAGES_MAX: usize = 100;

/// Pages of a person: as deep as Zendesk itself pages elsewhere.
pub(super) const PERSON_PAGES_MAX: usize = 100;

/// Where and with what a session is used, as its own row tells. Zendesk documents no such fields: they are read should it,
/// or a proxy before it, ever send them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    /// The session as that row has it.
    pub session: Session,
    /// From where; an IPv4 address is never written as IPv6.
    pub address: Option<IpAddr>,
    /// The program's agent string, as it came.
    pub agent: Option<Arc<str>>,
}

/// Sessions as listed, and whether they are all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The rows, in Zendesk's order; one may appear twice.
    pub rows: Vec<Session>,
    /// What rows tell of where they are used; empty as long as Zendesk's do not.
    pub places: Vec<RowPlace>,
    /// Whether anything is missing.
    pub completeness: Completeness,
    /// Zendesk's clock at the last page that was read; none if there was none.
    pub date: Option<Timestamp>,
    /// What cut it short or spoiled it; none exactly if it is complete.
    pub trouble: Option<Trouble>,
}

/// Today's staff, and whether these are all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Agents and admins, and whose role cannot be told, in Zendesk's order; one may appear twice.
    pub people: Vec<Person>,
    /// Whether anybody may be missing.
    pub completeness: Completeness,
    /// Zendesk's clock at the last page that was read; none if there was none.
    pub date: Option<Timestamp>,
    /// What cut it short or spoiled it; none exactly if it is complete.
    pub trouble: Option<Trouble>,
}

/// Who is in which group, and whether that is all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memberships {
    /// One row for each person and group, in Zendesk's order; one may appear twice.
    pub rows: Vec<Membership>,
    /// Whether anything may be missing: then nobody is known not to be in a group.
    pub completeness: Completeness,
    /// Zendesk's clock at the last page that was read; none if there was none.
    pub date: Option<Timestamp>,
    /// What cut it short or spoiled it; none exactly if it is complete.
    pub trouble: Option<Trouble>,
}

/// What to list.
struct Range {
    path: String,
    /// The query's part that says what is asked for; ends in `&` unless it is empty.
    filter: &'static str,
    purpose: Purpose,
    pages_max: usize,
    /// Only this person's rows belong here.
    user: Option<UserId>,
}

/// What pages held.
struct Collected<T> {
    rows: Vec<T>,
    places: Vec<RowPlace>,
    /// Rows that could not be read, or belong elsewhere.
    unread: usize,
    date: Option<Timestamp>,
}

impl Zendesk {
    /// Every session of the account. `on_page` hears after each page how many rows there are.
    pub async fn sessions(&self, on_page: &mut dyn FnMut(usize)) -> Listing {
        let path = "/api/v2/sessions".to_owned();
        let range = Range { path, filter: "", purpose: Purpose::Sweep, pages_max: PAGES_MAX, user: None };
        self.listing(range, Patience::of_listing(), on_page).await
    }

    /// Every session of one person. A person Zendesk does not have is [`Trouble::NotFound`].
    pub async fn sessions_of(&self, user: UserId, purpose: Purpose) -> Listing {
        let path = format!("/api/v2/users/{user}/sessions");
        let range = Range { path, filter: "", purpose, pages_max: PERSON_PAGES_MAX, user: Some(user) };
        self.listing(range, Patience::of_call(), &mut |_| ()).await
    }

    /// Everybody who is agent or admin today. Who was downgraded is not among them. It is waited for as for any call: what
    /// was read before must still be young enough to act on when a roll has failed.
    pub async fn staff(&self) -> Roll {
        let range = Range {
            path: "/api/v2/users".to_owned(),
            filter: "role[]=agent&role[]=admin&",
            purpose: Purpose::Sweep,
            pages_max: STAFF_PAGES_MAX,
            user: None,
        };
        let (collected, trouble) = self.collect::<Person>(&range, Patience::of_call(), &mut |_| ()).await;
        let mut people = collected.rows;
        // Should the filter ever be overlooked, this is no reason to take customers for staff.
        people.retain(|person| person.role != Some(Role::EndUser));
        Roll { people, completeness: completeness(trouble.as_ref()), date: collected.date, trouble }
    }

    /// Who is in which group. Only staff is in any.
    pub async fn group_memberships(&self, purpose: Purpose) -> Memberships {
        let range = Range {
            path: "/api/v2/group_memberships".to_owned(),
            filter: "",
            purpose,
            pages_max: MEMBERSHIP_PAGES_MAX,
            user: None,
        };
        let (collected, trouble) = self.collect::<Membership>(&range, Patience::of_call(), &mut |_| ()).await;
        let completeness = completeness(trouble.as_ref());
        Memberships { rows: collected.rows, completeness, date: collected.date, trouble }
    }

    /// Every OAuth token of the account that has not ended, without what it opens anything with. Only an admin may list those
    /// of others. What spoiled it is the trouble; what was read until then is not to be had: a list with gaps proves nothing.
    pub async fn oauth_tokens(&self) -> Result<Dated<Vec<OauthToken>>, Trouble> {
        let range = Range {
            path: "/api/v2/oauth/tokens".to_owned(),
            filter: "all=true&",
            purpose: Purpose::Sweep,
            pages_max: TOKEN_PAGES_MAX,
            user: None,
        };
        let (collected, trouble) = self.collect::<OauthToken>(&range, Patience::brief(), &mut |_| ()).await;
        match (trouble, collected.date) {
            (Some(trouble), _) => Err(trouble),
            (None, Some(date)) => Ok(Dated { value: collected.rows, date }),
            (None, None) => Err(wire::nonsense("it has no date")),
        }
    }

    async fn listing(&self, range: Range, patience: Patience<'_>, on_page: &mut dyn FnMut(usize)) -> Listing {
        let (collected, trouble) = self.collect::<Session>(&range, patience, on_page).await;
        let completeness = completeness(trouble.as_ref());
        let Collected { rows, places, date, .. } = collected;
        Listing { rows, places, completeness, date, trouble }
    }

    async fn collect<T: Listed>(
        &self,
        range: &Range,
        mut patience: Patience<'_>,
        on_page: &mut dyn FnMut(usize),
    ) -> (Collected<T>, Option<Trouble>) {
        let mut collected = Collected { rows: Vec::new(), places: Vec::new(), unread: 0, date: None };
        let mut asked = BTreeSet::new();
        let mut query = format!("{}page[size]={PAGE_SIZE}", range.filter);
        let cut = loop {
            if asked.len() >= range.pages_max {
                break Some(Trouble::Nonsense(format!("more than {} pages", range.pages_max)));
            }
            if !asked.insert(hash_of(&query)) {
                break Some(wire::nonsense("the same page was named twice"));
            }
            let (page, next) = match self.page::<T>(range, &query, &mut patience).await {
                Ok(both) => both,
                Err(trouble) => break Some(trouble),
            };
            let (total, beyond, count) = (page.total(), page.beyond, page.count());
            collected.take(page, range.user);
            on_page(collected.rows.len());
            if beyond > 0 {
                break Some(Trouble::Nonsense(format!("a page of {total} rows")));
            }
            match next {
                Some(next) => query = next,
                None => break collected.falls_short_of(count),
            }
        };
        let unread = collected.unread;
        let unreadable = (unread > 0).then(|| Trouble::Nonsense(format!("{unread} rows could not be read")));
        collected.rows.shrink_to_fit();
        (collected, cut.or(unreadable))
    }

    async fn page<T: Listed>(
        &self,
        range: &Range,
        query: &str,
        patience: &mut Patience<'_>,
    ) -> Result<(Page<T::Entry>, Option<String>), Trouble> {
        let path = format!("{}?{query}", range.path);
        let answer = self.ask(Method::Get, path, range.purpose, patience).await?;
        let page: Page<T::Entry> = wire::page(&trouble::judged(Method::Get, answer)?)?;
        let next = page.next(range.filter)?;
        Ok((page, next))
    }
}

impl<T: Listed> Collected<T> {
    fn take(&mut self, page: Page<T::Entry>, user: Option<UserId>) {
        self.date = Some(page.date);
        self.unread += page.unread;
        for (row, place) in page.rows.into_iter().map(T::split) {
            if user.is_none_or(|user| row.belongs(user)) {
                self.rows.push(row);
                self.places.extend(place);
            } else {
                self.unread += 1;
            }
        }
    }

    /// Pages by number shift when a row before them goes: then one is missed, and only the count tells.
    fn falls_short_of(&self, count: Option<u64>) -> Option<Trouble> {
        let count = count?;
        let distinct: BTreeSet<u64> = self.rows.iter().map(Listed::number).collect();
        let shown = u64::try_from(distinct.len().saturating_add(self.unread)).unwrap_or(u64::MAX);
        (shown < count).then(|| Trouble::Cut(format!("of {count} rows it showed {shown}")))
    }
}

fn completeness(trouble: Option<&Trouble>) -> Completeness {
    trouble.map_or(Completeness::Complete, |trouble| Completeness::Partial(trouble.to_string()))
}

/// Stands for a query that was asked. Two that happen to share it end the listing as partial, and no worse.
fn hash_of(query: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    hasher.finish()
}
