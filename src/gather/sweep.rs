//! Listing whoever is in scope: the whole account in one listing, or each person alone.
//!
//! It needs nothing but Zendesk and the roll, so that looks may go on beside it. What they listed meanwhile is fresher
//! than what it listed before, and takes its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::model::{Completeness, History, Lesson, Session, UserId};
use crate::zendesk::{Denial, Purpose, RowPlace, Trouble, Zendesk};

/// After so many people in a row without an answer nobody else is asked for: each would wait as long.
const SILENT_MAX: usize = 3;

/// One instant on three clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// Zendesk's.
    pub zendesk: Timestamp,
    /// The host's wall clock.
    pub wall: Timestamp,
    /// The host's monotonic clock.
    pub monotonic: Duration,
}

/// Whom to list.
#[derive(Debug, Clone)]
pub struct Roll {
    /// In this order; none if it is everybody who is signed in.
    pub(super) people: Option<Vec<UserId>>,
    /// Whether these are all in scope.
    pub(super) completeness: Completeness,
    /// Of them, people whose remembered records are not to be trusted.
    pub(super) doubtful: BTreeSet<UserId>,
    /// What listing them is for.
    pub(super) purpose: Purpose,
    /// The host's clocks when the cycle began.
    pub(super) began: (Timestamp, Duration),
    /// Requests it took.
    pub(super) calls: u64,
    /// Who was looked at since, and need not be listed.
    pub(super) looked_at: LookedAt,
}

impl Roll {
    /// Where it is to be said who is looked at while it is listed.
    pub fn looked_at(&self) -> LookedAt {
        self.looked_at.clone()
    }
}

/// Who was looked at beside a listing, their own listings being whole: shared by both.
#[derive(Debug, Clone, Default)]
pub struct LookedAt(Arc<Mutex<BTreeSet<UserId>>>);

impl LookedAt {
    /// These as well.
    pub fn add(&self, people: &BTreeSet<UserId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(people);
    }

    fn has(&self, user: UserId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&user)
    }
}

/// A roll that was called ahead of its cycle, and what that teaches.
#[derive(Debug)]
pub struct Called {
    /// Whom to list.
    pub roll: Roll,
    /// What is to be remembered at once.
    pub lesson: Lesson,
}

/// What was listed.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The rows; one may appear twice.
    pub(super) rows: Vec<Session>,
    /// What rows tell of where they are used.
    pub(super) places: Vec<RowPlace>,
    /// Whether everybody in scope was listed.
    pub(super) listing: Completeness,
    /// People whose own listing was cut short, and by what.
    pub(super) cut: BTreeMap<UserId, String>,
    /// When each was listed, on Zendesk's clock, where each is listed alone; none of whom that is not known, or who was not.
    dates: Option<BTreeMap<UserId, Option<Timestamp>>>,
    /// Zendesk's clock at the last page that was read, and the host's then.
    pub(super) at: Option<Instants>,
    /// As of the roll.
    pub(super) doubtful: BTreeSet<UserId>,
    /// As of the roll.
    pub(super) began: (Timestamp, Duration),
    /// Requests it took, the roll's among them.
    pub calls: u64,
}

/// People who were looked at while a sweep listed, as they were then.
#[derive(Debug, Clone)]
pub struct Relisted {
    /// Whose listings were whole.
    pub people: BTreeSet<UserId>,
    /// Their sessions.
    pub sessions: Vec<Session>,
    /// When.
    pub at: Instants,
}

/// Lists everybody on the roll. `on_page` hears how many sessions are read so far.
///
/// # Errors
///
/// When Zendesk does not accept the credential, or not even a first answer could be read.
pub async fn list(
    zendesk: &Zendesk,
    clock: &dyn Clock,
    roll: Roll,
    on_page: &mut dyn FnMut(usize),
) -> Result<Listed, Trouble> {
    let before = zendesk.calls_of_sweeps();
    let Roll { people, completeness, doubtful, purpose, began, calls, looked_at } = roll;
    let mut listed = Listed {
        rows: Vec::new(),
        places: Vec::new(),
        listing: completeness,
        cut: BTreeMap::new(),
        dates: people.as_ref().map(|people| people.iter().map(|user| (*user, None)).collect()),
        at: None,
        doubtful,
        began,
        calls,
    };
    match people {
        None => listed.everyone((zendesk, clock), on_page).await?,
        Some(people) => listed.each((zendesk, clock), (&people, &looked_at), purpose, on_page).await?,
    }
    listed.calls = calls.saturating_add(zendesk.calls_of_sweeps().saturating_sub(before));
    Ok(listed)
}

impl Listed {
    async fn everyone(
        &mut self,
        (zendesk, clock): (&Zendesk, &dyn Clock),
        on_page: &mut dyn FnMut(usize),
    ) -> Result<(), Trouble> {
        let listing = zendesk.sessions(on_page).await;
        if let Some(trouble) = listing.trouble
            && (listing.rows.is_empty() || listing.date.is_none())
        {
            return Err(trouble);
        }
        self.answered(clock, listing.date);
        (self.rows, self.places, self.listing) = (listing.rows, listing.places, listing.completeness);
        Ok(())
    }

    async fn each(
        &mut self,
        (zendesk, clock): (&Zendesk, &dyn Clock),
        (people, looked_at): (&[UserId], &LookedAt),
        purpose: Purpose,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<(), Trouble> {
        let mut silent = Vec::new();
        for user in people {
            if silent.len() >= SILENT_MAX {
                self.cut.insert(*user, "Zendesk no longer answered when it was their turn".to_owned());
                continue;
            }
            if looked_at.has(*user) {
                // Until that is taken in.
                self.cut.insert(*user, "they were looked at instead".to_owned());
                continue;
            }
            let listing = zendesk.sessions_of(*user, purpose).await;
            self.answered(clock, listing.date);
            if let Some(dates) = &mut self.dates {
                dates.insert(*user, listing.date);
            }
            self.rows.extend(listing.rows);
            self.places.extend(listing.places);
            on_page(self.rows.len());
            match listing.trouble {
                // Whom Zendesk does not have has no sessions.
                None | Some(Trouble::NotFound) => silent.clear(),
                Some(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => return Err(trouble),
                Some(trouble) => {
                    self.cut.insert(*user, trouble.to_string());
                    if matches!(trouble, Trouble::Unreachable(_) | Trouble::Later { .. }) {
                        silent.push(trouble);
                    }
                }
            }
        }
        match silent.pop() {
            Some(trouble) if self.cut.len() == people.len() && self.rows.is_empty() => Err(trouble),
            _ => Ok(()),
        }
    }

    fn answered(&mut self, clock: &dyn Clock, date: Option<Timestamp>) {
        if let Some(zendesk) = date {
            self.at = Some(Instants { zendesk, wall: clock.now(), monotonic: clock.monotonic() });
        }
    }

    /// Takes in who was looked at while this was listed: where a look was later than the listing, what it saw counts, and
    /// of sessions that ended since their row was listed there is no row any more.
    pub fn take_in(&mut self, looks: Vec<Relisted>, history: &History) {
        for look in looks {
            // It began no later than with its first row.
            let since = look.sessions.iter().map(|row| row.seen.at()).min().unwrap_or(look.at.zendesk);
            let is_later = |user: &UserId| match &self.dates {
                // Who is not on the roll is in no sweep of it.
                Some(dates) => dates.get(user).is_some_and(|listed| listed.is_none_or(|listed| listed <= since)),
                None => true,
            };
            let people: BTreeSet<UserId> = look.people.into_iter().filter(is_later).collect();
            let is_theirs = |row: &Session| row.user.is_some_and(|user| people.contains(&user));
            self.rows.retain(|row| !is_theirs(row) || row.seen.at() > since);
            self.rows.extend(look.sessions.into_iter().filter(is_theirs));
            self.cut.retain(|user, _| !people.contains(user));
            if let Some(dates) = &mut self.dates {
                dates.extend(people.iter().map(|user| (*user, Some(since))));
            }
            if self.at.is_none_or(|at| at.zendesk < look.at.zendesk) {
                self.at = Some(look.at);
            }
        }
        let ended = history.ended.iter().filter(|one| one.outcome.is_answered());
        let ended: BTreeMap<_, _> = ended.map(|one| (one.session, one.at)).collect();
        self.rows.retain(|row| ended.get(&row.id).is_none_or(|at| row.seen.at() > *at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ended, Outcome, SessionId, Stratum};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn user(number: u64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn row(id: u64, person: u64, second: i64) -> Session {
        let seen = at(second).into();
        Session { id: SessionId(id), user: Some(user(person)), authenticated_at: None, last_seen_at: None, seen }
    }

    fn instants(second: i64) -> Instants {
        Instants { zendesk: at(second), wall: at(second), monotonic: Duration::ZERO }
    }

    /// Rows as listed (session, person, second), people and when each was listed, a look (second, people, sessions), and
    /// what remains.
    fn check(
        rows: &[(u64, u64, i64)],
        dates: Option<&[(u64, i64)]>,
        (second, people, sessions): (i64, &[u64], &[(u64, u64)]),
        ended: &[(u64, i64)],
        expected: &[(u64, i64)],
    ) {
        let mut listed = Listed {
            rows: rows.iter().map(|(id, person, second)| row(*id, *person, *second)).collect(),
            places: Vec::new(),
            listing: Completeness::Complete,
            cut: people.iter().map(|person| (user(*person), "cut".to_owned())).collect(),
            dates: dates.map(|dates| dates.iter().map(|(person, second)| (user(*person), Some(at(*second)))).collect()),
            at: Some(instants(50)),
            doubtful: BTreeSet::new(),
            began: (at(0), Duration::ZERO),
            calls: 0,
        };
        let look = Relisted {
            people: people.iter().map(|person| user(*person)).collect(),
            sessions: sessions.iter().map(|(id, person)| row(*id, *person, second)).collect(),
            at: instants(second),
        };
        let ended = ended.iter().map(|(id, second)| Ended {
            session: SessionId(*id),
            user: user(1),
            stratum: Stratum::Agents,
            rules: Vec::new(),
            at: at(*second),
            outcome: Outcome::Revoked,
            cycle: None,
            core: Vec::new(),
            came_back: Vec::new(),
        });
        listed.take_in(vec![look], &History { ended: ended.collect(), ..History::default() });
        let mut left: Vec<(u64, i64)> =
            listed.rows.iter().map(|row| (row.id.0, row.seen.at().duration_since(at(0)).as_secs())).collect();
        left.sort_unstable();
        assert_eq!(left, expected, "{rows:?} {second} {people:?} {sessions:?}");
        assert_eq!(listed.at, Some(instants(second.max(50))));
    }

    #[test]
    fn what_a_look_saw_later_takes_the_place_of_what_was_listed() {
        let named: Option<&[(u64, i64)]> = Some(&[(1, 10), (2, 20)]);
        let rows = [(101, 1, 10), (102, 1, 10), (201, 2, 20)];
        check(&rows, named, (30, &[1], &[(101, 1), (103, 1)]), &[], &[(101, 30), (103, 30), (201, 20)]);
        check(&rows, named, (60, &[1], &[]), &[], &[(201, 20)]);
        // What was listed after the look is the fresher one, whether it has rows or none.
        check(&rows, named, (5, &[1], &[(104, 1)]), &[], &[(101, 10), (102, 10), (201, 20)]);
        check(&[(201, 2, 20)], named, (5, &[1], &[(104, 1)]), &[], &[(201, 20)]);
        // Who is not on the roll is not in the sweep.
        check(&rows, named, (30, &[3], &[(301, 3)]), &[], &[(101, 10), (102, 10), (201, 20)]);
        // Of everyone's pages some are older than the look and some are not.
        check(&[(101, 1, 10), (102, 1, 40)], None, (30, &[1], &[(103, 1)]), &[], &[(102, 40), (103, 30)]);
    }

    #[test]
    fn what_ended_after_its_row_was_listed_has_no_row_any_more() {
        let named: Option<&[(u64, i64)]> = Some(&[(1, 10), (2, 20)]);
        let rows = [(101, 1, 10), (201, 2, 20)];
        check(&rows, named, (30, &[1], &[(101, 1), (102, 1)]), &[(101, 31)], &[(102, 30), (201, 20)]);
        // It was listed again after it was said to be gone: that is for belts to judge.
        check(&rows, named, (5, &[1], &[]), &[(101, 6)], &[(101, 10), (201, 20)]);
    }
}
