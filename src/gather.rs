//! Gathering: one snapshot of an account, or a typed refusal. What could not be read is said, never filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::{Account, ProtectedEntry};
use crate::model::{Cause, CycleId, Foreign, History, Pause, Person, UserId};
use crate::snapshot::{Clocks, Protected, Snapshot};
use crate::zendesk::{Trouble, Zendesk};

/// Host and Zendesk may differ by this much before conditions on time are unknown (design §2).
const HOST_OFFSET_MAX: SignedDuration = SignedDuration::from_secs(30);
/// Wall and monotonic clock may part by this much within a cycle (design §2).
const DRIFT_MAX: SignedDuration = SignedDuration::from_secs(5);
/// `show_many` takes this many ids (Zendesk's documentation).
const PEOPLE_PER_CALL_MAX: usize = 100;

/// What a cycle brings along before it looks at the account.
#[derive(Debug, Clone)]
pub struct Known {
    /// The cycle.
    pub cycle: CycleId,
    /// What was done before.
    pub history: History,
    /// The pause in force.
    pub pause: Option<Pause>,
}

/// Gathers everything a cycle over the whole account needs. `on_page` hears how many sessions are read so far.
///
/// # Errors
///
/// When not even the first page or evictd's own user could be read: there is nothing to judge then.
pub async fn gather(
    zendesk: &Zendesk,
    clock: &dyn Clock,
    account: &Account,
    known: Known,
    on_page: &mut dyn FnMut(usize),
) -> Result<Snapshot, Trouble> {
    let (wall, monotonic) = (clock.now(), clock.monotonic());
    let own = zendesk.me().await?;
    let listing = zendesk.sessions(on_page).await;
    let now = match (listing.date, listing.trouble) {
        (Some(date), None) => date,
        (Some(date), Some(_)) if !listing.rows.is_empty() => date,
        (_, Some(trouble)) => return Err(trouble),
        (None, None) => own.date,
    };
    let clocks = check_clocks(clock, (wall, monotonic), now, account.ignore_host_clock);
    let mut people = BTreeMap::new();
    let protected = resolve(zendesk, &account.protected, &mut people).await;
    let asked: BTreeSet<UserId> = listing.rows.iter().filter_map(|row| row.user).collect();
    let asked = asked.into_iter().chain(protected.people.iter().copied()).collect();
    let unread = read_people(zendesk, asked, &mut people).await;
    Ok(Snapshot {
        account: account.name.clone(),
        cycle: known.cycle,
        now,
        clocks,
        listing: listing.completeness,
        sessions: listing.rows,
        protected: only_known(protected, &people, &account.protected),
        people,
        unread,
        own: own.value,
        history: known.history,
        pause: known.pause,
    })
}

fn check_clocks(clock: &dyn Clock, began: (Timestamp, Duration), zendesk: Timestamp, ignore: bool) -> Clocks {
    let host = clock.now();
    let elapsed = SignedDuration::try_from(clock.monotonic().saturating_sub(began.1)).unwrap_or(SignedDuration::MAX);
    let host_offset = host.duration_until(zendesk);
    let drift = began.0.duration_until(host).saturating_sub(elapsed);
    let trusted = ignore || (host_offset.abs() <= HOST_OFFSET_MAX && drift.abs() <= DRIFT_MAX);
    Clocks { host_offset, drift, trusted }
}

/// Turns e-mails into people: one exact match, or the entry did not resolve.
async fn resolve(zendesk: &Zendesk, entries: &[ProtectedEntry], people: &mut BTreeMap<UserId, Person>) -> Protected {
    let mut protected = Protected::default();
    for entry in entries {
        match entry {
            ProtectedEntry::Id(user) => {
                protected.people.insert(*user);
            }
            ProtectedEntry::Email(email) => match zendesk.person_by_email(email).await {
                Ok(found) if found.value.is_some() => {
                    for person in found.value {
                        protected.people.insert(person.id);
                        people.insert(person.id, person);
                    }
                }
                Ok(_) | Err(_) => protected.unresolved.push(Foreign::new(email.as_str())),
            },
        }
    }
    protected
}

/// Reads the records of these people. Once Zendesk does not answer, nobody else is asked for: each call would wait.
async fn read_people(
    zendesk: &Zendesk,
    asked: BTreeSet<UserId>,
    people: &mut BTreeMap<UserId, Person>,
) -> BTreeMap<UserId, Cause> {
    let ids: Vec<UserId> = asked.into_iter().filter(|user| !people.contains_key(user)).collect();
    let mut unread = BTreeMap::new();
    let mut down = false;
    for chunk in ids.chunks(PEOPLE_PER_CALL_MAX) {
        let answer = if down { None } else { zendesk.people(chunk).await.ok() };
        match answer {
            Some(answer) => people.extend(answer.value.into_iter().map(|person| (person.id, person))),
            None => down = true,
        }
        let cause = if down { Cause::Down } else { Cause::NoRow };
        unread.extend(chunk.iter().filter(|user| !people.contains_key(user)).map(|user| (*user, cause)));
    }
    unread
}

/// An id that Zendesk has no record of protects nobody: it is said, like an e-mail that matches nobody.
fn only_known(mut protected: Protected, people: &BTreeMap<UserId, Person>, entries: &[ProtectedEntry]) -> Protected {
    for entry in entries {
        if let ProtectedEntry::Id(user) = entry
            && !people.contains_key(user)
        {
            protected.unresolved.push(Foreign::new(user.to_string()));
        }
    }
    protected
}
