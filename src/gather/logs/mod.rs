//! Reading Zendesk's logs: what they told since the last cycle is added to what is remembered of them, condensed.
//!
//! A log is read after the sessions are listed, so that it can tell of whatever the listing shows. How far it can be
//! believed is said in its standing: rows come late, a plan may lack the log, and a row that cannot be read may have been
//! about anybody. Ticket audits, which are hearsay, are in `audits`; what rows of sessions tell themselves is in `rows`.

mod audits;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::feeds::{self, Fed, FeedRead, People};
use super::skew;
use crate::clients::client_of;
use crate::config::{Account, Sources, Wanted};
use crate::model::{
    Act, Cause, ClientKind, LogLesson, LogMemory, LogPlace, Seen, SeenKey, Session, Sighting, SourceStanding, UserId,
};
use crate::policy::Needs;
use crate::zendesk::{AccessRow, Authorization, Dated, Denial, LogPage, SignInRow, Trouble, Zendesk};
pub(super) use rows::sightings_of_rows;

/// Rows are remembered this long: a session of staff lives twelve hours at most, and whether a use is the only session's
/// is seen from the sign-ins of as long before.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(26);

/// A source of sign-ins and one of use.
pub(super) const AUDIT_LOG: &str = "audit-log";
pub(super) const ACCESS_LOG: &str = "access-log";

/// Pages of a log in one cycle, at most; what is left is read in the next ones.
const PAGES_MAX: usize = 40;

/// How a log is read.
#[derive(Debug, Clone, Copy)]
struct Log {
    name: &'static str,
    tells: Act,
    /// So far back it is read the first time.
    begin: SignedDuration,
    /// Rows may come this much after their instant.
    late: SignedDuration,
    /// What came even later is looked for this much further back.
    again: SignedDuration,
}

const AUDIT: Log = Log {
    name: AUDIT_LOG,
    tells: Act::SignIn,
    begin: REMEMBERED,
    late: SignedDuration::from_secs(60),
    again: SignedDuration::from_mins(10),
};

const ACCESS: Log = Log {
    name: ACCESS_LOG,
    tells: Act::Use,
    begin: SignedDuration::from_hours(13),
    late: SignedDuration::from_mins(5),
    again: SignedDuration::from_mins(5),
};

/// How late the slowest source may tell that these rules need and the configuration wants; none if they need none.
pub fn log_lag(account: &Account, needs: Needs) -> Option<SignedDuration> {
    let sources = &account.sources;
    let audit = (needs.sign_ins && sources.audit_log != Wanted::Off).then_some(AUDIT.late);
    let access = (needs.uses && sources.access_log != Wanted::Off).then_some(ACCESS.late);
    let feeds = account.feeds.values().map(|feed| feed.late).filter(|_| needs.sign_ins);
    audit.into_iter().chain(access).chain(feeds).max()
}

/// What a cycle reads of logs.
pub(super) struct Logs<'m> {
    memory: &'m BTreeMap<Arc<str>, LogMemory>,
    lessons: BTreeMap<Arc<str>, LogLesson>,
    standings: BTreeMap<Arc<str>, SourceStanding>,
    /// What ticket audits told, if they are listened to; among nothing else.
    hearsay: Option<(Arc<str>, LogLesson)>,
    /// What is wrong, in words that name nobody.
    pub(super) troubles: Vec<String>,
    /// Whether one could not be read to its end for want of requests, or for more than a reading takes.
    pub(super) is_cut: bool,
}

/// What reading a log came to.
struct Read {
    lesson: LogLesson,
    /// The last instant of any row, whosesoever.
    newest: Option<Timestamp>,
    /// Zendesk's clock at the last page.
    date: Option<Timestamp>,
    unreadable: usize,
    is_finished: bool,
    trouble: Option<Trouble>,
}

/// What one row says, if it is worth keeping, and when it was.
type Told = (Timestamp, Option<Seen>);

impl<'m> Logs<'m> {
    pub(super) fn of(memory: &'m BTreeMap<Arc<str>, LogMemory>) -> Self {
        let (lessons, standings) = (BTreeMap::new(), BTreeMap::new());
        Self { memory, lessons, standings, hearsay: None, troubles: Vec::new(), is_cut: false }
    }

    /// Reads the logs that rules need and the configuration wants.
    ///
    /// # Errors
    ///
    /// When Zendesk does not accept the credential.
    pub(super) async fn read(
        &mut self,
        zendesk: &Zendesk,
        sources: &Sources,
        needs: Needs,
        (now, own): (Timestamp, UserId),
    ) -> Result<(), Trouble> {
        if needs.sign_ins && sources.audit_log != Wanted::Off {
            let page = async |from, after: Option<String>| zendesk.sign_ins(from, now, after.as_deref()).await;
            let read = self.follow(AUDIT, now, page, |row: SignInRow| (row.seen.at.at(), Some(row.seen))).await?;
            self.keep(AUDIT, sources, sources.audit_log, now, read);
        }
        if needs.uses && sources.access_log != Wanted::Off {
            let mut are_browsers = BTreeMap::new();
            let page = async |from, after: Option<String>| zendesk.accesses(from, now, after.as_deref()).await;
            let told = |row: AccessRow| {
                let at = row.seen.at.at();
                (at, use_of(row, &mut are_browsers).filter(|seen| seen.user != own))
            };
            let read = self.follow(ACCESS, now, page, told).await?;
            self.keep(ACCESS, sources, sources.access_log, now, read);
        }
        Ok(())
    }

    /// Reads page by page from where it was left, as far as the pages of a cycle reach.
    async fn follow<R, F: Future<Output = Result<Dated<LogPage<R>>, Trouble>>>(
        &self,
        log: Log,
        now: Timestamp,
        page: impl Fn(Timestamp, Option<String>) -> F,
        mut told: impl FnMut(R) -> Told,
    ) -> Result<Read, Trouble> {
        let memory = self.memory.get(log.name);
        let place = memory.and_then(|memory| memory.place.as_ref());
        let begin = now.checked_sub(log.begin).unwrap_or(now);
        let left = place.and_then(|place| place.as_of.checked_sub(log.again).ok());
        let from = left.map_or(begin, |left| left.max(begin));
        let mut read = Read {
            lesson: LogLesson::default(),
            newest: None,
            date: None,
            unreadable: 0,
            is_finished: false,
            trouble: None,
        };
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let Dated { value, date } = match page(from, after.take()).await {
                Ok(page) => page,
                Err(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => return Err(trouble),
                Err(trouble) => {
                    read.trouble = Some(trouble);
                    break;
                }
            };
            read.date = Some(date);
            read.unreadable += value.unreadable;
            for row in value.rows {
                let (at, seen) = told(row);
                read.newest = read.newest.max(Some(at));
                if let Some(seen) = seen {
                    read.lesson.add(memory, log.tells, &seen);
                }
            }
            after = value.next;
            if after.is_none() {
                read.is_finished = true;
                break;
            }
        }
        // Rows at hand begin where it was read from without a gap, and after whatever could not be read.
        let since = place.filter(|_| left.is_some_and(|left| left >= begin)).map_or(from, |place| place.since);
        let since = read.date.filter(|_| read.unreadable > 0).unwrap_or(since);
        let told = as_of(log, &read).map(|as_of| place.map_or(as_of, |place| as_of.max(place.as_of)));
        let skew = place.map_or(SignedDuration::ZERO, |place| place.skew);
        read.lesson.place = told.map(|as_of| LogPlace { since, as_of, skew, file: None });
        Ok(read)
    }

    /// Takes in feeds as they were read; Zendesk's clock is so far ahead of the host's.
    pub(super) fn take(
        &mut self,
        feeds: &[FeedRead],
        people: &People,
        sources: &Sources,
        (now, ahead): (Timestamp, SignedDuration),
    ) {
        for feed in feeds {
            let memory = self.memory.get(&feed.name);
            let Fed { mut lesson, standing, troubles } =
                feeds::take(feed, people, memory, (ahead, sources.sign_in_window));
            forget(memory, now, &mut lesson);
            self.standings.insert(Arc::clone(&feed.name), standing);
            self.lessons.insert(Arc::clone(&feed.name), lesson);
            self.troubles.extend(troubles);
        }
    }

    fn keep(&mut self, log: Log, sources: &Sources, wanted: Wanted, now: Timestamp, read: Read) {
        let name: Arc<str> = log.name.into();
        let memory = self.memory.get(&name);
        let before = memory.and_then(|memory| memory.place.as_ref());
        let is_short = |trouble: &Trouble| matches!(trouble, Trouble::Later { .. });
        self.is_cut |= read.trouble.as_ref().map_or(!read.is_finished, is_short);
        let is_lacking = read.trouble.as_ref().is_some_and(|trouble| is_lacking(trouble, before, wanted));
        if let Some(trouble) = read.trouble.as_ref().filter(|_| !is_lacking) {
            self.troubles.push(format!("the {} cannot be read to its end: {trouble}", log.name.replace('-', " ")));
        }
        if read.unreadable > 0 {
            let rows = read.unreadable;
            self.troubles.push(format!("{rows} rows of the {} cannot be read", log.name.replace('-', " ")));
        }
        let unknown = match &read.trouble {
            Some(_) if is_lacking => Some(Cause::PlanLacks),
            // A limit that is used up for now: what is left is read later, and until then it is only old.
            None | Some(Trouble::Later { .. }) if read.unreadable == 0 => None,
            None | Some(Trouble::Later { .. }) => Some(Cause::Partial),
            Some(_) => Some(Cause::Down),
        };
        let place = read.lesson.place.as_ref().or(before);
        let standing = SourceStanding {
            unknown: unknown.or_else(|| place.is_none().then_some(Cause::Stale)),
            since: place.map(|place| place.since),
            skew: place.map_or(SignedDuration::ZERO, |place| place.skew),
            within: sources.sign_in_window,
            late: log.late,
            ..SourceStanding::whole(log.tells, place.map_or(now, |place| place.as_of))
        };
        self.standings.insert(Arc::clone(&name), standing);
        let mut lesson = read.lesson;
        forget(memory, now, &mut lesson);
        self.lessons.insert(name, lesson);
    }

    /// How each source stands. One that the account lacks is none where another tells of the same.
    pub(super) fn standings(&self) -> BTreeMap<Arc<str>, SourceStanding> {
        let is_lacking = |one: &SourceStanding| one.unknown == Some(Cause::PlanLacks);
        let has_other = |act| self.standings.values().any(|other| other.tells == act && !is_lacking(other));
        let kept = self.standings.iter().filter(|(_, one)| !is_lacking(one) || !has_other(one.tells));
        kept.map(|(name, one)| (Arc::clone(name), one.clone())).collect()
    }

    /// What was seen lately of these people.
    pub(super) fn sightings(&self, people: &BTreeSet<UserId>) -> Vec<Sighting> {
        self.lessons.iter().flat_map(|(name, lesson)| self.told(name, lesson, people)).collect()
    }

    /// What ticket audits told lately of these people, sorted.
    pub(super) fn hearsay(&self, people: &BTreeSet<UserId>) -> Vec<Sighting> {
        let heard = self.hearsay.iter().flat_map(|(name, lesson)| self.told(name, lesson, people));
        let mut heard: Vec<Sighting> = heard.filter(|row| row.address.is_some() || row.agent.is_some()).collect();
        heard.sort();
        heard
    }

    fn told(&self, name: &Arc<str>, lesson: &LogLesson, people: &BTreeSet<UserId>) -> Vec<Sighting> {
        let kept = |key: &SeenKey| !lesson.seen.contains_key(key) && lesson.forgotten.binary_search(key).is_err();
        let before = self.memory.get(name).into_iter().flat_map(|memory| &memory.seen);
        let all = before.filter(|(key, _)| kept(key)).chain(&lesson.seen);
        let theirs = all.filter(|(key, _)| people.contains(&key.user));
        theirs.map(|(key, span)| key.sighting(*span, name)).collect()
    }

    /// What is to be remembered. How far a clock is off is measured by the sessions that its sign-ins opened.
    pub(super) fn lessons(mut self, sessions: &[Session], sightings: &[Sighting]) -> BTreeMap<Arc<str>, LogLesson> {
        for (name, lesson) in &mut self.lessons {
            if let (Some(place), Some(skew)) = (&mut lesson.place, skew::of(name, sessions, sightings)) {
                place.skew = skew;
            }
        }
        self.lessons.extend(self.hearsay);
        self.lessons
    }
}

/// Whether the account just has no such log: nobody asked for it by name, and it was refused from the first time on.
fn is_lacking(trouble: &Trouble, before: Option<&LogPlace>, wanted: Wanted) -> bool {
    let refused = matches!(trouble, Trouble::Denied { .. } | Trouble::NotFound);
    refused && before.is_none() && wanted == Wanted::Auto
}

/// What is too old to speak of any session is forgotten.
fn forget(memory: Option<&LogMemory>, now: Timestamp, lesson: &mut LogLesson) {
    let is_old = |last: Timestamp| last.duration_until(now) > REMEMBERED;
    let old = memory.into_iter().flat_map(|memory| &memory.seen).filter(|(_, span)| is_old(span.1.at()));
    lesson.forgotten = old.map(|(key, _)| key.clone()).filter(|key| !lesson.seen.contains_key(key)).collect();
}

/// Up to when everything is told: as far as it was read, but for what may come late. Nothing is told where no row is:
/// evictd's own requests stand in a log of use, and one without any is switched off, or far behind.
fn as_of(log: Log, read: &Read) -> Option<Timestamp> {
    let date = read.date?;
    let punctual = date.checked_sub(log.late).unwrap_or(date);
    match log.tells {
        Act::SignIn if read.is_finished => Some(punctual),
        _ => read.newest.map(|newest| newest.min(punctual)),
    }
}

/// What a row says of the use of sessions. One that a cookie vouches for is of a session, and so is one that does not say
/// what vouches for it if a program sent it that people use. Any other that does not say may be of a session or not: where
/// it came from proves nothing, and that there is no such use is not known either.
fn use_of(row: AccessRow, are_browsers: &mut BTreeMap<Arc<str>, bool>) -> Option<Seen> {
    let is_browser = |agent: &Arc<str>| {
        let told = || matches!(client_of(agent).kind, ClientKind::Browser | ClientKind::MobileApp);
        *are_browsers.entry(Arc::clone(agent)).or_insert_with(told)
    };
    match row.by {
        Authorization::Session => Some(row.seen),
        Authorization::Api => None,
        Authorization::Unsaid if row.seen.agent.as_ref().is_some_and(is_browser) => Some(row.seen),
        Authorization::Unsaid => Some(Seen { address: None, agent: None, ..row.seen }),
    }
}
