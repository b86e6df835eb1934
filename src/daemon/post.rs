//! An account's post: its locks, its trail and its memory, held by one process, which does one sweep after the other.
//! `apply` does one, the daemon many.

mod credentials;
mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::brakes::FileBrakes;
use super::setup::{LAST_SNAPSHOT, Rejected, Setup};
use crate::chronicle::{Asked, Chronicle};
use crate::clock::{Chance, Clock, NoChance};
use crate::config::{Account, OffboardingList};
use crate::cycle::{self, Books, Cycle, Halt, Setting};
use crate::directory::{read_acceptances, read_list};
use crate::enforce::{Brakes as _, settle};
use crate::files::{Disk, Lock, LockTrouble};
use crate::gather::{Heard, Known, ListRead, hear, read_feeds};
use crate::library::{Consulted, Library, Look};
use crate::model::{AccountName, CycleId, History, Memory, Mode, UserId};
use crate::places::usual_folders;
use crate::record::{ConfigLoaded, DaemonStarted, DaemonStopped, Entry, PolicyLoaded, PolicyRejected, ScopeChanged};
use crate::state::{STATE_FILE, State};
use crate::trail::{Past, Trail, TrailTrouble};
pub use kept::keep_snapshot;
use kept::remembered;

/// Why a post cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum PostTrouble {
    /// Another process holds it, or its lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockTrouble),
    /// The trail's folder cannot be made.
    #[error("the trail's folder `{folder}` cannot be made: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The trail cannot be read or written.
    #[error(transparent)]
    Trail(#[from] TrailTrouble),
}

/// One account, held by this process.
pub struct Post {
    account: AccountName,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    trail: Trail,
    chronicle: Chronicle,
    state: Box<dyn State>,
    memory: Memory,
    /// Whether the state outlives the process: where its file cannot be used, memory stands in for it.
    has_file: bool,
    /// Requests of earlier cycles whose end Zendesk still does not tell.
    pub unsettled: usize,
    /// Why nothing is remembered beyond this process, if so.
    pub forgetful: Option<String>,
    /// Why the last cycle could not have ended a session, whatever it saw, if so.
    pub disarmed: Option<String>,
    /// Given back when the post is left.
    locks: Vec<Lock>,
    library: Box<Library>,
    /// People who are named and were not looked at yet.
    waiting: BTreeSet<UserId>,
    /// Who just lost a session, and until when they are looked at, whether or not anybody names them: they may come back.
    watched: Vec<(UserId, Timestamp)>,
    /// It is not asked before then who holds OAuth tokens.
    tokens_from: Option<Timestamp>,
    /// When logs were asked, so that it can be told how long evictd did not know.
    asked: Asked,
    /// What of each offboarding list was last heard between sweeps: what is held back is not heard every minute.
    lists_heard: BTreeMap<String, String>,
}

/// So many people are looked at between two sweeps, at most, each with a listing of their own: others wait for the next
/// look.
const LOOKED_AT_MAX: usize = 20;

/// Where a sweep costs no more requests than this, it is made instead of looking at more people than that.
const SWEEP_CHEAP_MAX: u64 = 40;

/// It is asked this often who holds OAuth tokens, and this often where that is refused.
const TOKENS_EVERY: SignedDuration = SignedDuration::from_hours(1);
const TOKENS_REFUSED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What a look came to.
#[derive(Debug)]
pub enum Looked {
    /// Nothing was heard of anybody.
    AtNobody,
    /// So many are named that a sweep costs less.
    TooMany,
    /// At those who were named.
    At(Box<Cycle>),
}

impl Post {
    /// Takes the account's locks, opens its trail, and brings back what was remembered. What cannot be remembered is
    /// said; it costs learning and nothing else.
    ///
    /// # Errors
    ///
    /// When somebody else holds the account, or its trail cannot be used.
    pub fn open(setup: &Setup, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Self, PostTrouble> {
        let lock = Lock::take(&setup.state)?;
        let disk = folder_of_trail(setup)?;
        // Another configuration may name the same trail with a state of its own: one trail has one writer all the same.
        let trail_lock = Lock::take(&setup.trail)?;
        let account = setup.account.name.clone();
        let (trail, past) = Trail::open(Arc::new(disk), account.clone(), Arc::clone(&clock), Arc::clone(&chance))?;
        let (state, memory, forgetful) = remembered(&setup.state.join(STATE_FILE), &account);
        if memory == Memory::default() && past.last_cycle.is_some() {
            tracing::warn!("nothing is remembered of earlier cycles, which the trail tells of: learning begins anew");
        }
        let mut post = Self::of(account, (trail, &past), (state, memory), (clock, chance));
        post.has_file = forgetful.is_none();
        post.forgetful = forgetful;
        post.locks = vec![lock, trail_lock];
        post.library = Box::new(Library::new(Arc::clone(&setup.files), &usual_folders()));
        Ok(post)
    }

    /// Opens the trail once more after a write that failed. The account stays held meanwhile, so that nobody else acts.
    ///
    /// # Errors
    ///
    /// When the trail cannot be used, or has lost records.
    pub fn mend(&mut self, setup: &Setup) -> Result<(), PostTrouble> {
        Ok(self.trail.mend(Arc::new(folder_of_trail(setup)?))?)
    }

    /// A post on this trail and this memory: for tests, which hold no locks.
    pub fn of(
        account: AccountName,
        (trail, past): (Trail, &Past),
        (state, memory): (Box<dyn State>, Memory),
        (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>),
    ) -> Self {
        let chronicle = Chronicle::since(past.last_cycle_at()).knowing(past.fallen.clone());
        Self {
            account,
            clock,
            chance,
            trail,
            chronicle,
            state,
            memory,
            has_file: true,
            unsettled: 0,
            forgetful: None,
            disarmed: None,
            locks: Vec::new(),
            library: Box::new(Library::new(Arc::default(), &[])),
            waiting: BTreeSet::new(),
            watched: watched(past),
            tokens_from: past.tokens_as_of.and_then(|at| at.checked_add(TOKENS_EVERY).ok()),
            asked: Asked { before: past.last_cycle_at(), named: BTreeMap::new() },
            lists_heard: BTreeMap::new(),
        }
    }

    /// Requests of the last sweep that the trail knows of: about what the next one needs.
    pub fn last_calls(&self) -> Option<u64> {
        self.trail.past().last_sweep.map(|last| last.finished.calls)
    }

    /// Writes who began, and what is in force: a text once per digest.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn begin(&mut self, setup: &Setup, command: &str, by: &str) -> Result<(), TrailTrouble> {
        let started = DaemonStarted {
            command: command.to_owned(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            by: by.to_owned(),
        };
        self.trail.append(None, started.into(), None)?;
        if let Some(rejected) = &setup.rejected {
            self.write_rejected(rejected, "start", &setup.policies.digest)?;
        }
        self.take_over(setup)
    }

    /// Writes what came into force, as far as the trail does not know it.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn take_over(&mut self, setup: &Setup) -> Result<(), TrailTrouble> {
        let past = self.trail.past();
        if past.config_digest.as_deref() != Some(&setup.config_digest) {
            let record = ConfigLoaded { digest: setup.config_digest.clone() };
            self.trail.append(None, record.into(), Some(json!({ "text": setup.config })))?;
        }
        let set = &setup.policies;
        if past.policy_digest.as_deref() != Some(&set.digest) {
            let rules = set.rules.iter().filter(|rule| rule.mode != Mode::Off);
            let rules = rules.map(|rule| (rule.id.to_string(), rule.mode.word().to_owned())).collect();
            let files: serde_json::Map<String, serde_json::Value> =
                set.files.iter().map(|file| (file.name.clone(), file.text.clone().into())).collect();
            let record = PolicyLoaded { digest: set.digest.clone(), rules };
            self.trail.append(None, record.into(), Some(json!({ "files": files })))?;
        }
        let scope = setup.scope.word();
        if past.scope.as_deref() != Some(scope) {
            let configured = setup.account.scope.word().to_owned();
            self.trail.append(None, ScopeChanged { scope: scope.to_owned(), configured }.into(), None)?;
        }
        self.trail.sync()
    }

    /// Writes that something was to come into force and did not.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn reject(&mut self, rejected: &Rejected, kept: &str) -> Result<(), TrailTrouble> {
        self.write_rejected(rejected, "reload", kept)?;
        self.trail.sync()
    }

    fn write_rejected(&mut self, rejected: &Rejected, during: &str, kept: &str) -> Result<(), TrailTrouble> {
        let record = PolicyRejected { errors: rejected.errors, kept: kept.to_owned(), during: during.to_owned() };
        self.trail.append(None, record.into(), Some(json!({ "findings": rejected.text })))?;
        Ok(())
    }

    /// One sweep: what is open is settled first, and what the cycle taught is remembered.
    ///
    /// # Errors
    ///
    /// As [`cycle::run`].
    pub async fn sweep(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        missed: u64,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Cycle, Halt> {
        let mut cycle = self.cycle(setup, brakes, None, missed, on_page).await?;
        self.waiting.clear();
        self.asked = Asked { before: Some(cycle.snapshot.now), named: BTreeMap::new() };
        self.library.saw(&cycle.snapshot);
        self.remember(std::mem::take(&mut cycle.lesson));
        Ok(cycle)
    }

    /// Between sweeps: hears whom to look at, and looks at them alone, a few at a time.
    ///
    /// # Errors
    ///
    /// As [`cycle::run`].
    pub async fn look(&mut self, setup: &Setup, brakes: &FileBrakes) -> Result<Looked, Halt> {
        let lists = self.changed_lists(setup);
        let marks: Vec<(String, String)> =
            lists.iter().filter_map(|list| Some((list.list.name.clone(), list.mark()?))).collect();
        let needs = setup.policies.needs();
        // Where only lists can name somebody, nothing is asked while none has changed.
        let heard = if !needs.sign_ins && lists.is_empty() {
            Heard::default()
        } else {
            let cycle = cycle_id(&*self.clock, &*self.chance).map_err(TrailTrouble::from)?;
            let known = Known {
                needs,
                lists,
                feeds: read_feeds(&setup.account.feeds, &self.memory, self.clock.now()),
                ..Known::first(cycle, &self.memory)
            };
            let heard = tokio::select! {
                heard = hear(&setup.zendesk, &setup.account, &known) => heard,
                () = brakes.stopping() => return Err(Halt::Stopped),
            };
            match heard {
                Ok(heard) => heard,
                Err(trouble) => {
                    self.note_reader(&trouble)?;
                    return Err(trouble.into());
                }
            }
        };
        self.lists_heard.extend(marks);
        self.remember(heard.lesson);
        if let Some(before) = heard.at.and_then(|at| self.asked.before.replace(at)) {
            let new = heard.people.iter().filter(|user| !self.waiting.contains(user));
            self.asked.named.extend(new.map(|user| (*user, before)));
        }
        self.waiting.extend(heard.people);
        let now = self.clock.now();
        self.waiting.extend(self.watched.iter().filter(|(_, until)| now < *until).map(|(user, _)| *user));
        if self.waiting.is_empty() {
            return Ok(Looked::AtNobody);
        }
        let is_cheap = self.last_calls().is_some_and(|calls| calls <= SWEEP_CHEAP_MAX);
        if self.waiting.len() > LOOKED_AT_MAX && is_cheap {
            return Ok(Looked::TooMany);
        }
        let people: BTreeSet<UserId> = self.waiting.iter().copied().take(LOOKED_AT_MAX).collect();
        let mut cycle = self.cycle(setup, brakes, Some(people.clone()), 0, &mut |_| ()).await?;
        self.waiting.retain(|user| !people.contains(user));
        self.asked.named.retain(|user, _| !people.contains(user));
        self.asked.before = Some(cycle.snapshot.now);
        self.remember(std::mem::take(&mut cycle.lesson));
        Ok(Looked::At(Box::new(cycle)))
    }

    /// One look at these people alone, outside of any rhythm. What it teaches is for the caller.
    ///
    /// # Errors
    ///
    /// As [`cycle::run`].
    pub async fn look_at(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        people: BTreeSet<UserId>,
    ) -> Result<Cycle, Halt> {
        self.cycle(setup, brakes, Some(people), 0, &mut |_| ()).await
    }

    /// Writes a record of no cycle.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn write(&mut self, entry: Entry) -> Result<(), TrailTrouble> {
        self.trail.write_durably(None, entry, None).map(drop)
    }

    /// Whether somebody who just lost a session may come back.
    pub fn is_watching(&self) -> bool {
        let now = self.clock.now();
        self.watched.iter().any(|(_, until)| now < *until)
    }

    /// Offboarding lists whose files say something else than what is in force, each once.
    fn changed_lists(&self, setup: &Setup) -> Vec<ListRead> {
        if setup.account.offboarding.is_empty() {
            return Vec::new();
        }
        let mut lists = read_lists(&setup.account, &setup.state, &self.trail.past(), self.clock.now());
        let is_heard = |list: &ListRead| self.lists_heard.get(&list.list.name) == list.mark().as_ref();
        lists.retain(|list| list.is_new(&self.memory) && !is_heard(list));
        lists
    }

    async fn cycle(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        look: Option<BTreeSet<UserId>>,
        missed: u64,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Cycle, Halt> {
        let cycle = cycle_id(&*self.clock, &*self.chance).map_err(TrailTrouble::from)?;
        // Settling only asks, and writes between two questions: it may be left at any of them.
        self.unsettled = tokio::select! {
            biased;
            open = settle(self.trail.past().open_intents, &setup.zendesk, &mut self.trail) => open?,
            () = brakes.stopping() => return Err(Halt::Stopped),
        };
        let past = self.trail.past();
        let lists = read_lists(&setup.account, &setup.state, &past, self.clock.now());
        let consulted = self.consult(setup);
        let known = Known {
            cycle,
            history: History { habits: self.memory.habits.clone(), ..past.history },
            pause: brakes.pause(),
            scope: setup.scope,
            memory: &self.memory,
            lists,
            databases: Arc::clone(&consulted.databases),
            unasked: consulted.unasked.clone(),
            look,
            needs: setup.policies.needs(),
            feeds: read_feeds(&setup.account.feeds, &self.memory, self.clock.now()),
            asks_tokens: self.tokens_from.is_none_or(|from| from <= self.clock.now()),
        };
        let setting = Setting {
            account: &setup.account,
            policies: &setup.policies,
            lists: &consulted.lists,
            zendesk: &setup.zendesk,
            clock: &*self.clock,
            brakes,
        };
        let books = Books { trail: &mut self.trail, chronicle: &mut self.chronicle, missed, asked: self.asked.clone() };
        let came = cycle::run(setting, known, books, on_page).await;
        self.note_cycle(&came)?;
        self.watched = watched(&self.trail.past());
        self.note_tokens(&came);
        came
    }

    /// Looks at the files of lists and place databases, and tells the log what changed.
    fn consult(&mut self, setup: &Setup) -> Consulted {
        let (places, decls, state) = (&setup.places, setup.policies.lists.as_slice(), setup.state.as_path());
        let last_snapshot = &state.join(LAST_SNAPSHOT);
        let look = Look { places, decls, state, last_snapshot, keeps: true, now: self.clock.now() };
        let consulted = self.library.consult(look);
        for news in &consulted.news {
            if news.is_bad {
                tracing::warn!("{}", news.text);
            } else {
                tracing::info!("{}", news.text);
            }
        }
        consulted
    }

    fn remember(&mut self, lesson: crate::model::Lesson) {
        let saved = self.state.save(&self.account, &lesson);
        self.memory.learn(lesson);
        match saved {
            Ok(()) if self.has_file => self.forgetful = None,
            Ok(()) => {}
            Err(trouble) => {
                tracing::error!("what was learned is not kept: {trouble}");
                self.forgetful = Some(trouble.to_string());
            }
        }
    }

    /// Writes that this process ends, and gives the account back.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn close(mut self, exit: u8) -> Result<(), TrailTrouble> {
        self.trail.write_durably(None, DaemonStopped { exit }.into(), None).map(drop)
    }
}

/// Whose sessions were ended, and until when they are watched.
fn watched(past: &Past) -> Vec<(UserId, Timestamp)> {
    let ended = past.history.ended.iter().filter(|ended| ended.is_watched());
    ended.map(|ended| (ended.user, ended.watched_until())).collect()
}

fn folder_of_trail(setup: &Setup) -> Result<Disk, PostTrouble> {
    let told = |error| PostTrouble::Folder { folder: setup.trail.display().to_string(), error };
    Disk::make(&setup.trail).map_err(told)
}

/// A new cycle's id: a UUID of version 7, from the host's clock.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn cycle_id(clock: &dyn Clock, chance: &dyn Chance) -> Result<CycleId, NoChance> {
    let mut random = [0; 10];
    chance.fill(&mut random)?;
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
    Ok(CycleId::new(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()))
}

/// Reads the account's offboarding lists, and what was accepted of them. Acceptances that cannot be read are none.
pub fn read_lists(account: &Account, state: &Path, past: &Past, now: Timestamp) -> Vec<ListRead> {
    let accepted = read_acceptances(state).unwrap_or_else(|why| {
        tracing::error!("what was accepted of offboarding lists cannot be read: {why}");
        BTreeMap::new()
    });
    let read = |list: &OffboardingList| ListRead {
        read: read_list(&list.file, &account.time_zone),
        at: now,
        last: past.offboarding.get(&list.name).cloned(),
        accepted: accepted.get(&list.name).cloned(),
        list: list.clone(),
    };
    account.offboarding.values().map(read).collect()
}
