//! Gathering: one snapshot of an account, or a typed refusal. What could not be read is said, never filled in.
//!
//! The order is: who changed, who is staff, whose sessions there are, whose records are still missing. What the cycle
//! teaches about people goes into a lesson for the memory. A sweep whose listing takes long is gathered in three steps, so
//! that looks go on beside the second: the roll is called, whoever is on it is listed, and the rest is gathered from that.

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
use crate::memory::{haunts, learn, learn_records, neighbours};
use crate::model::{Completeness, CycleId, History, Lesson, Memory, Pause, Scope, SessionId, UserId};
use crate::places::Databases;
use crate::policy::Needs;
use crate::snapshot::{Clocks, Snapshot};
use crate::zendesk::{Purpose, Trouble, Zendesk};
use feeds::People;
pub use feeds::{FeedRead, read_feeds};
use leavers::Leavers;
pub use leavers::{ListRead, standings};
use logs::Logs;
pub use logs::log_lag;
pub use names::{Heard, Named, hear, named_late};
pub use protection::{Guarded, guarded};
use records::Records;
pub use sweep::{Called, Instants, Listed, LookedAt, Relisted, Roll, list};

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
    /// At which of their sessions alone, if not at all.
    pub only: Option<SessionId>,
    /// What was listed ahead of the cycle, if it was.
    pub listed: Option<Listed>,
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
            only: None,
            listed: None,
            needs: Needs::default(),
            feeds: Vec::new(),
            asks_tokens: false,
        }
    }

    /// What is asked of Zendesk is asked for this.
    fn purpose(&self) -> Purpose {
        if self.look.is_some() { Purpose::Look } else { Purpose::Sweep }
    }
}

/// A snapshot, and when its *now* was on the host's monotonic clock: what happens later is dated from there.
#[derive(Debug)]
pub struct Gathered {
    /// What was seen.
    pub snapshot: Snapshot,
    /// The snapshot's *now* on all clocks.
    pub at: Instants,
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
    mut known: Known<'_>,
    on_page: &mut dyn FnMut(usize),
) -> Result<Gathered, Trouble> {
    let began = (clock.now(), clock.monotonic());
    let own = zendesk.me().await?;
    let (revoker, disarmed) = match zendesk.revoker().await {
        Ok(user) => (user, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let mut records = Records::of(known.memory, known.purpose());
    records.follow(zendesk).await?;
    let mut leavers = Leavers::of(std::mem::take(&mut known.lists), known.memory, own.date);
    let listed = if let Some(listed) = known.listed.take() {
        records.doubt(&listed.doubtful);
        leavers.find(zendesk, &mut records).await?;
        listed
    } else {
        let roll = roll(zendesk, &known, (&mut records, &mut leavers), (began, own.date)).await?;
        list(zendesk, clock, roll, on_page).await?
    };
    let here = || Instants { zendesk: own.date, wall: clock.now(), monotonic: clock.monotonic() };
    let at = listed.at.unwrap_or_else(here);
    let now = at.zendesk;
    let clocks = check_clocks(listed.began, at, account.ignore_host_clock);
    let mut sessions = listed.rows;
    keep_latest(&mut sessions);
    sessions.retain(|row| known.only.is_none_or(|only| row.id == only));
    let protected = protection::resolve(zendesk, &account.protected, &mut records).await?;
    let wanted: BTreeSet<UserId> = sessions.iter().filter_map(|row| row.user).chain(protected.people.clone()).collect();
    records.read(zendesk, &wanted, now).await?;
    leavers.read_again(&account.time_zone, now);
    let (mut logs, sources) = (Logs::of(&known.memory.logs), &account.sources);
    logs.read(zendesk, sources, known.needs, (now, own.value)).await?;
    logs.take(&known.feeds, &People::of(&records, &known.feeds), sources, (now, clocks.host_offset));
    logs.listen(zendesk, sources, (known.needs, known.scope), (now, own.value)).await?;
    let places = if known.needs.uses { listed.places } else { Vec::new() };
    let sightings = logs.sightings(&wanted).into_iter().chain(logs::sightings_of_rows(places, &sessions)).collect();
    let people = records.of_all(&wanted);
    let mut snapshot = Snapshot {
        clocks,
        scope: known.scope,
        looked: known.look,
        listing: listed.listing,
        cut: listed.cut,
        sessions,
        protected: protection::only_known(protected, &people, &account.protected),
        people,
        people_as_of: records.as_of(),
        groups: groups::read(zendesk, known.needs.groups, records.purpose).await?,
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

/// Calls the roll of a sweep ahead of its cycle, so that its listing can go on beside looks: [`list`] it, and put what comes
/// of it into [`Known::listed`].
///
/// # Errors
///
/// When Zendesk refuses, or nobody could be asked for and nobody is remembered.
pub async fn call_roll(
    zendesk: &Zendesk,
    clock: &dyn Clock,
    account: &Account,
    mut known: Known<'_>,
) -> Result<Called, Trouble> {
    let (before, began) = (zendesk.calls(), (clock.now(), clock.monotonic()));
    let own = zendesk.me().await?;
    let mut records = Records::of(known.memory, known.purpose());
    if known.scope == Scope::Staff {
        records.follow(zendesk).await?;
    }
    let mut leavers = Leavers::of(std::mem::take(&mut known.lists), known.memory, own.date);
    let roll = roll(zendesk, &known, (&mut records, &mut leavers), (began, own.date)).await?;
    let at = Instants { zendesk: own.date, wall: clock.now(), monotonic: clock.monotonic() };
    let mut lesson = Lesson::default();
    if check_clocks(began, at, account.ignore_host_clock).trusted {
        // Lists are taken over by the cycle itself, which tells of it.
        let (fresh, cursor) = records.learned();
        (lesson.people, lesson.users) = (learn_records(known.memory, &fresh, own.date), cursor);
    }
    Ok(Called { roll: Roll { calls: zendesk.calls().saturating_sub(before), ..roll }, lesson })
}

/// Whom to list: of a sweep over staff admins first, then agents, since whoever is listed late is seen late.
async fn roll(
    zendesk: &Zendesk,
    known: &Known<'_>,
    (records, leavers): (&mut Records<'_>, &mut Leavers),
    (began, now): ((Timestamp, Duration), Timestamp),
) -> Result<Roll, Trouble> {
    let is_of_staff = known.look.is_none() && known.scope == Scope::Staff;
    let completeness = if is_of_staff { records.roll_call(zendesk, now).await? } else { Completeness::Complete };
    leavers.find(zendesk, records).await?;
    let people = match (&known.look, known.scope) {
        (Some(people), _) => Some(people.iter().copied().collect()),
        (None, Scope::Everyone) => None,
        (None, Scope::Staff) => {
            let all: BTreeSet<UserId> = records.staff(now).into_iter().chain(leavers.people()).collect();
            let mut all: Vec<UserId> = all.into_iter().collect();
            all.sort_by_cached_key(|user| records.turn_of(*user, now));
            Some(all)
        }
    };
    let (doubtful, purpose) = (records.doubtful(), known.purpose());
    Ok(Roll { people, completeness, doubtful, purpose, began, calls: 0, looked_at: LookedAt::default() })
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

fn check_clocks(began: (Timestamp, Duration), at: Instants, ignore: bool) -> Clocks {
    let elapsed = SignedDuration::try_from(at.monotonic.saturating_sub(began.1)).unwrap_or(SignedDuration::MAX);
    let host_offset = at.wall.duration_until(at.zendesk);
    let drift = began.0.duration_until(at.wall).saturating_sub(elapsed);
    let trusted = ignore || (host_offset.abs() <= HOST_OFFSET_MAX && drift.abs() <= DRIFT_MAX);
    Clocks { host_offset, drift, trusted }
}
