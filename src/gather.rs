//! Gathering: one snapshot of an account, or a typed refusal. What could not be read is said, never filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::{Account, ProtectedEntry};
use crate::evidence::keep_latest;
use crate::model::{Cause, CycleId, Foreign, History, Pause, Person, UserId};
use crate::snapshot::{Clocks, Protected, Snapshot};
use crate::zendesk::{PEOPLE_PER_CALL_MAX, Trouble, Zendesk};

/// Host and Zendesk may differ by this much before conditions on time are unknown (design §2).
const HOST_OFFSET_MAX: SignedDuration = SignedDuration::from_secs(30);
/// Wall and monotonic clock may part by this much within a cycle (design §2).
const DRIFT_MAX: SignedDuration = SignedDuration::from_secs(5);
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

/// A snapshot, and when its *now* was on the host's monotonic clock: what happens later is dated from there.
#[derive(Debug)]
pub struct Gathered {
    /// What was seen.
    pub snapshot: Snapshot,
    /// The monotonic clock at the snapshot's *now*.
    pub at: Duration,
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
) -> Result<Gathered, Trouble> {
    let (wall, monotonic) = (clock.now(), clock.monotonic());
    let own = zendesk.me().await?;
    let listing = zendesk.sessions(on_page).await;
    let now = match (listing.date, listing.trouble) {
        (Some(date), None) => date,
        (Some(date), Some(_)) if !listing.rows.is_empty() => date,
        (_, Some(trouble)) => return Err(trouble),
        (None, None) => own.date,
    };
    let at = clock.monotonic();
    let clocks = check_clocks(clock, (wall, monotonic), now, account.ignore_host_clock);
    let mut sessions = listing.rows;
    keep_latest(&mut sessions);
    let mut people = BTreeMap::new();
    let protected = resolve(zendesk, &account.protected, &mut people).await?;
    let asked: BTreeSet<UserId> = sessions.iter().filter_map(|row| row.user).collect();
    let asked = asked.into_iter().chain(protected.people.iter().copied()).collect();
    let unread = read_people(zendesk, asked, &mut people).await?;
    let snapshot = Snapshot {
        account: account.name.clone(),
        cycle: known.cycle,
        now,
        clocks,
        listing: listing.completeness,
        sessions,
        protected: only_known(protected, &people, &account.protected),
        people,
        unread,
        own: own.value,
        history: known.history,
        pause: known.pause,
    };
    Ok(Gathered { snapshot, at })
}

fn check_clocks(clock: &dyn Clock, began: (Timestamp, Duration), zendesk: Timestamp, ignore: bool) -> Clocks {
    let host = clock.now();
    let elapsed = SignedDuration::try_from(clock.monotonic().saturating_sub(began.1)).unwrap_or(SignedDuration::MAX);
    let host_offset = host.duration_until(zendesk);
    let drift = began.0.duration_until(host).saturating_sub(elapsed);
    let trusted = ignore || (host_offset.abs() <= HOST_OFFSET_MAX && drift.abs() <= DRIFT_MAX);
    Clocks { host_offset, drift, trusted }
}

/// Turns e-mails into people: one exact match, or the entry did not resolve. Who could not be asked for is no such
/// entry: nobody knows then whom it protects.
async fn resolve(
    zendesk: &Zendesk,
    entries: &[ProtectedEntry],
    people: &mut BTreeMap<UserId, Person>,
) -> Result<Protected, Trouble> {
    let mut protected = Protected::default();
    for entry in entries {
        match entry {
            ProtectedEntry::Id(user) => {
                protected.people.insert(*user);
            }
            ProtectedEntry::Email(email) => {
                let found = zendesk.person_by_email(email).await?.value;
                if let Some(person) = found {
                    protected.people.insert(person.id);
                    people.insert(person.id, person);
                } else {
                    protected.unresolved.push(Foreign::new(email.as_str()));
                }
            }
        }
    }
    Ok(protected)
}

/// Reads the records of these people. An answer that makes no sense is asked for again in halves, so that one record
/// shields nobody else; once Zendesk does not answer, nobody else is asked for, since each call would wait.
async fn read_people(
    zendesk: &Zendesk,
    asked: BTreeSet<UserId>,
    people: &mut BTreeMap<UserId, Person>,
) -> Result<BTreeMap<UserId, Cause>, Trouble> {
    let ids: Vec<UserId> = asked.into_iter().filter(|user| !people.contains_key(user)).collect();
    let mut unread = BTreeMap::new();
    let mut waiting: Vec<&[UserId]> = ids.chunks(PEOPLE_PER_CALL_MAX).rev().collect();
    let mut down = false;
    while let Some(chunk) = waiting.pop() {
        let mut cause = if down { Cause::Down } else { Cause::NoRow };
        if !down {
            match zendesk.people(chunk).await {
                Ok(answer) => people.extend(answer.value.into_iter().map(|person| (person.id, person))),
                Err(trouble @ Trouble::Denied { .. }) => return Err(trouble),
                Err(Trouble::Nonsense(_) | Trouble::NotFound) if chunk.len() > 1 => {
                    let (left, right) = chunk.split_at(chunk.len() / 2);
                    waiting.extend([right, left]);
                    continue;
                }
                Err(Trouble::Nonsense(_) | Trouble::NotFound) => cause = Cause::Down,
                Err(_) => {
                    down = true;
                    cause = Cause::Down;
                }
            }
        }
        unread.extend(chunk.iter().filter(|user| !people.contains_key(user)).map(|user| (*user, cause)));
    }
    Ok(unread)
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
