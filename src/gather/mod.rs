//! Gathering: one snapshot of an account, or a typed refusal. What could not be read is said, never filled in.
//!
//! The order is: who changed, who is staff, whose sessions there are, whose records are still missing. What the cycle
//! teaches about people goes into a lesson for the memory.

mod feeds;
mod groups;
mod leavers;
mod logs;
mod names;
mod protection;
mod records;
mod skew;
mod sweep;
mod tokens;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::Account;
use crate::evidence::keep_latest;
use crate::memory::{haunts, learn, neighbours};
use crate::model::{Completeness, CycleId, History, Lesson, Memory, Pause, Scope, UserId};
use crate::places::Databases;
use crate::policy::Needs;
use crate::snapshot::{Clocks, Snapshot};
use crate::zendesk::{Trouble, Zendesk};
use feeds::People;
pub use feeds::{FeedRead, read_feeds};
use leavers::Leavers;
pub use leavers::{ListRead, standings};
use logs::Logs;
pub use names::{Heard, hear};
pub use protection::{Guarded, guarded};
use records::Records;
use sweep::Sweep;

/// Host and Zendesk may differ by this much before conditions on time are unknown (design §2).
pub const HOST_OFFSET_MAX: SignedDuration = SignedDuration::from_secs(30);
/// Wall and monotonic clock may part by this much within a cycle (design §2).
const DRIFT_MAX: SignedDuration = SignedDuration::from_secs(5);

/// What a cycle brings along before it looks at the account.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The cycle.
    pub cycle: CycleId,
    /// What was done before.
    pub history: History,
    /// The pause in force.
    pub pause: Option<Pause>,
    /// Whose sessions are listed.
    pub scope: Scope,
    /// What earlier cycles saw.
    pub memory: &'a Memory,
    /// The account's offboarding lists, as they were just read.
    pub lists: Vec<ListRead>,
    /// The place databases in force.
    pub databases: Arc<Databases>,
    /// What is wrong with those that cannot be asked.
    pub unasked: Vec<String>,
    /// At whom to look, if not at everybody in scope.
    pub look: Option<BTreeSet<UserId>>,
    /// What the policies ask about.
    pub needs: Needs,
    /// The account's feeds, as they were just read.
    pub feeds: Vec<FeedRead>,
    /// Whether it is time to ask who holds OAuth tokens.
    pub asks_tokens: bool,
}

impl<'a> Known<'a> {
    /// What the first cycle over everyone knows, which is next to nothing.
    pub fn first(cycle: CycleId, memory: &'a Memory) -> Self {
        let history = History::default();
        let databases = Arc::new(Databases::shipped());
        Self {
            cycle,
            history,
            pause: None,
            scope: Scope::Everyone,
            memory,
            lists: Vec::new(),
            databases,
            unasked: Vec::new(),
            look: None,
            needs: Needs::default(),
            feeds: Vec::new(),
            asks_tokens: false,
        }
    }
}

/// A snapshot, and when its *now* was on the host's monotonic clock: what happens later is dated from there.
#[derive(Debug)]
pub struct Gathered {
    /// What was seen.
    pub snapshot: Snapshot,
    /// The monotonic clock at the snapshot's *now*.
    pub at: Duration,
    /// What it teaches.
    pub lesson: Lesson,
    /// Why it is not known who holds OAuth tokens, though it was asked; none if it is known or was not asked.
    pub tokens_unknown: Option<Trouble>,
    /// Why who ends sessions is not known, if so: nothing may be ended then.
    pub disarmed: Option<Trouble>,
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
    known: Known<'_>,
    on_page: &mut dyn FnMut(usize),
) -> Result<Gathered, Trouble> {
    let (wall, monotonic) = (clock.now(), clock.monotonic());
    let own = zendesk.me().await?;
    let (revoker, disarmed) = match zendesk.revoker().await {
        Ok(user) => (user, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let mut records = Records::of(known.memory);
    records.follow(zendesk).await?;
    let roll = match (&known.look, known.scope) {
        (Some(_), _) | (None, Scope::Everyone) => Completeness::Complete,
        (None, Scope::Staff) => records.roll_call(zendesk, own.date).await?,
    };
    let mut leavers = Leavers::of(known.lists, known.memory, own.date);
    leavers.find(zendesk, &mut records).await?;
    let people = match (&known.look, known.scope) {
        (Some(people), _) => Some(people.clone()),
        (None, Scope::Everyone) => None,
        (None, Scope::Staff) => Some(records.staff(own.date).into_iter().chain(leavers.people()).collect()),
    };
    let sweep = Sweep::over(zendesk, people.as_ref(), roll, on_page).await?;
    let (now, at) = (sweep.date.unwrap_or(own.date), clock.monotonic());
    let clocks = check_clocks(clock, (wall, monotonic), now, account.ignore_host_clock);
    let mut sessions = sweep.rows;
    keep_latest(&mut sessions);
    let protected = protection::resolve(zendesk, &account.protected, &mut records).await?;
    let wanted: BTreeSet<UserId> = sessions.iter().filter_map(|row| row.user).chain(protected.people.clone()).collect();
    records.read(zendesk, &wanted, now).await?;
    leavers.read_again(&account.time_zone, now);
    let (mut logs, sources) = (Logs::of(&known.memory.logs), &account.sources);
    logs.read(zendesk, sources, known.needs, (now, own.value)).await?;
    logs.take(&known.feeds, &People::of(&records, &known.feeds), sources, (now, clocks.host_offset));
    logs.listen(zendesk, sources, (known.needs, known.scope), (now, own.value)).await?;
    let places = if known.needs.uses { sweep.places } else { Vec::new() };
    let sightings = logs.sightings(&wanted).into_iter().chain(sweep::sightings(places, &sessions)).collect();
    let people = records.of_all(&wanted);
    let mut snapshot = Snapshot {
        clocks,
        scope: known.scope,
        looked: known.look,
        listing: sweep.listing,
        cut: sweep.cut,
        sessions,
        protected: protection::only_known(protected, &people, &account.protected),
        people,
        people_as_of: records.as_of(),
        groups: groups::read(zendesk, known.needs.groups).await?,
        lists: leavers.standings(),
        listed: leavers.listed(),
        sources: logs.standings(),
        sightings,
        hearsay: logs.hearsay(&wanted),
        unasked: known.unasked.into_iter().chain(std::mem::take(&mut logs.troubles)).collect(),
        unread: records.unread(&wanted),
        history: known.history,
        revoker,
        pause: known.pause,
        ..Snapshot::empty(account.name.clone(), known.cycle, now, own.value)
    };
    let tokens_unknown = ask_tokens(zendesk, &mut snapshot, known.asks_tokens).await;
    locate(&mut snapshot, &known.databases);
    let lesson = taught(known.memory, &mut snapshot, (records, &leavers, logs));
    Ok(Gathered { snapshot, at, lesson, tokens_unknown, disarmed })
}

/// Asks who holds OAuth tokens, if it is time; a look has no time for it.
async fn ask_tokens(zendesk: &Zendesk, snapshot: &mut Snapshot, is_time: bool) -> Option<Trouble> {
    if !is_time || snapshot.looked.is_some() {
        return None;
    }
    let leavers = snapshot.listed.keys().copied().collect();
    match tokens::read(zendesk, (&snapshot.history, snapshot.now), &leavers).await? {
        Ok(seen) => {
            snapshot.tokens = Some(seen);
            None
        }
        Err(trouble) => Some(trouble),
    }
}

/// What the cycle teaches, and what it makes of what is remembered. While clocks disagree no instant is worth keeping.
fn taught(
    memory: &Memory,
    snapshot: &mut Snapshot,
    (records, leavers, logs): (Records<'_>, &Leavers, Logs<'_>),
) -> Lesson {
    let (fresh, cursor) = records.learned();
    let mut lesson = learn(memory, snapshot, &fresh);
    lesson.logs = logs.lessons(&snapshot.sessions, &snapshot.sightings);
    if snapshot.clocks.trusted {
        (lesson.users, lesson.lists) = (cursor, leavers.lessons());
        lesson.haunts = haunts(memory, &lesson, snapshot.now);
    }
    snapshot.neighbours = neighbours(memory, &lesson, snapshot);
    lesson
}

/// Asks the place databases about every address that was seen, each once.
pub fn locate(snapshot: &mut Snapshot, databases: &Databases) {
    snapshot.sightings.sort();
    let addresses: BTreeSet<IpAddr> = snapshot.all_sightings().filter_map(|one| one.address).collect();
    if !addresses.is_empty() {
        snapshot.databases = databases.list().to_vec();
    }
    snapshot.places = addresses.into_iter().map(|address| (address, databases.place_of(address))).collect();
}

fn check_clocks(clock: &dyn Clock, began: (Timestamp, Duration), zendesk: Timestamp, ignore: bool) -> Clocks {
    let host = clock.now();
    let elapsed = SignedDuration::try_from(clock.monotonic().saturating_sub(began.1)).unwrap_or(SignedDuration::MAX);
    let host_offset = host.duration_until(zendesk);
    let drift = began.0.duration_until(host).saturating_sub(elapsed);
    let trusted = ignore || (host_offset.abs() <= HOST_OFFSET_MAX && drift.abs() <= DRIFT_MAX);
    Clocks { host_offset, drift, trusted }
}
