//! An account's post: its locks, its trail and its memory, held by one process, which does one sweep after the other.
//! `apply` does one, the daemon many. What a turn does is in `turns`.

mod canary;
mod credentials;
mod kept;
mod loaded;
mod turns;
mod watched;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::brakes::FileBrakes;
use super::desk::Reading;
use super::inquiry::{Inquiry, why};
use super::scarce::{Hunger, Queue};
use super::setup::{LAST_SNAPSHOT, Rejected, Setup};
use crate::chronicle::{Asked, Chronicle};
use crate::clock::{Chance, Clock, NoChance};
use crate::config::{Account, OffboardingList};
use crate::control::{Answer, Caller, Command, Ground, Held, PostTrouble, Refusal, Told, lapse, obey, reconcile};
use crate::directory::{read_acceptances, read_list};
use crate::enforce::Brakes as _;
use crate::files::Lock;
use crate::gather::{HOST_OFFSET_MAX, ListRead, LookedAt, Relisted};
use crate::library::{Consulted, Library, Look};
use crate::model::{AccountName, CycleId, Memory, Pause};
use crate::places::usual_folders;
use crate::record::{DaemonStarted, DaemonStopped, LeverUsed, PolicyRejected, ScopeChanged};
use crate::state::{STATE_FILE, State};
use crate::trail::{Past, Trail, TrailTrouble};
pub use kept::keep_snapshot;
use kept::{last_snapshot, remembered};
pub use turns::{Looked, refusal_of};
use watched::{Watched, watched};

/// It is asked this often who holds OAuth tokens, and this often where that is refused.
const TOKENS_EVERY: SignedDuration = SignedDuration::from_hours(1);
const TOKENS_REFUSED_EVERY: SignedDuration = SignedDuration::from_hours(24);

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
    waiting: Queue,
    /// Who just lost a session, and until when they are looked at, whether or not anybody names them: they may come back.
    watched: Vec<Watched>,
    /// It is not asked before then who holds OAuth tokens.
    tokens_from: Option<Timestamp>,
    are_tokens_refused: bool,
    /// When logs were asked, so that it can be told how long evictd did not know.
    asked: Asked,
    /// What of each offboarding list was last heard between sweeps: what is held back is not heard every minute.
    lists_heard: BTreeMap<String, String>,
    /// Who was looked at since the roll of the sweep was called that is listing now; none while none is.
    relisted: Option<(LookedAt, Vec<Relisted>)>,
    hunger: Hunger,
    /// How often Zendesk had asked to be left alone when it was last felt.
    holds: u64,
    /// Whether the last reading of logs between sweeps was cut short.
    is_cut: bool,
    /// When the host's clock was last found to agree with Zendesk's: that instant on its wall and its monotonic clock.
    agreed: Option<(Timestamp, Duration)>,
}

impl Post {
    /// Takes the account's locks, opens its trail, and brings back what was remembered. What cannot be remembered is
    /// said; it costs learning and nothing else.
    ///
    /// # Errors
    ///
    /// When somebody else holds the account, or its trail cannot be used.
    pub fn open(setup: &Setup, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Self, PostTrouble> {
        let anew = !setup.state.join(STATE_FILE).exists();
        let account = setup.account.name.clone();
        let seams = (Arc::clone(&clock), Arc::clone(&chance));
        let Held { mut trail, past, locks } = Held::open(&account, (&setup.state, &setup.trail), seams)?;
        reconcile(&mut trail, &setup.state, (clock.now(), setup.account.belts.pause_expires_after), anew)?;
        let (state, memory, forgetful) = remembered(&setup.state.join(STATE_FILE), &account);
        if memory == Memory::default() && past.last_cycle.is_some() {
            tracing::warn!("nothing is remembered of earlier cycles, which the trail tells of: learning begins anew");
        }
        let mut post = Self::of(account, (trail, &past), (state, memory), (clock, chance));
        post.has_file = forgetful.is_none();
        post.forgetful = forgetful;
        post.locks = locks;
        post.library = Box::new(Library::new(Arc::clone(&setup.files), &usual_folders()));
        Ok(post)
    }

    /// Opens the trail once more after a write that failed. The account stays held meanwhile, so that nobody else acts.
    ///
    /// # Errors
    ///
    /// When the trail cannot be used, or has lost records.
    pub fn mend(&mut self, setup: &Setup) -> Result<(), PostTrouble> {
        Ok(self.trail.mend(Arc::new(Held::folder(&setup.trail)?))?)
    }

    /// A post on this trail and this memory: for tests, which hold no locks.
    pub fn of(
        account: AccountName,
        (trail, past): (Trail, &Past),
        (state, memory): (Box<dyn State>, Memory),
        (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>),
    ) -> Self {
        let chronicle =
            Chronicle::since(past.last_cycle_at()).knowing(past.fallen.clone()).holding(past.tokens.clone());
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
            waiting: Queue::default(),
            watched: watched(past),
            are_tokens_refused: false,
            tokens_from: past.tokens_as_of.and_then(|at| at.checked_add(TOKENS_EVERY).ok()),
            asked: Asked { before: past.last_cycle_at(), named: BTreeMap::new() },
            lists_heard: BTreeMap::new(),
            relisted: None,
            hunger: Hunger::default(),
            holds: 0,
            is_cut: false,
            agreed: None,
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
            let (record, personal) = loaded::of_config(setup, past.config_digest.as_deref());
            self.trail.append(None, record.into(), Some(personal))?;
        }
        let set = &setup.policies;
        let signed = set.signed.as_ref().map(|signed| &signed.set);
        let is_signed_anew = signed.is_some() && signed != past.signed.as_ref();
        if past.policy_digest.as_deref() != Some(&set.digest) || is_signed_anew {
            let (record, personal) = loaded::of_policy(setup, &past);
            self.trail.append(None, record.into(), Some(personal))?;
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
        let (kept, during) = (kept.to_owned(), during.to_owned());
        let record = PolicyRejected { errors: rejected.errors, kept, during, unsigned: rejected.unsigned };
        self.trail.append(None, record.into(), Some(json!({ "findings": rejected.text })))?;
        Ok(())
    }

    /// Obeys a human, who commanded it at this instant.
    ///
    /// # Errors
    ///
    /// Why it was not done.
    pub async fn obey(
        &mut self,
        (setup, brakes): (&Setup, &FileBrakes),
        (command, caller, asked): (&Command, &Caller, Timestamp),
    ) -> Result<Answer, Refusal> {
        if let Command::Selftest { user, session } = command {
            caller.must_be_allowed(command)?;
            self.end_pause(setup).await?;
            return Box::pin(self.selftest((setup, brakes), (user, *session), &caller.who)).await;
        }
        self.end_pause(setup).await?;
        let told = self.trail.past().pause;
        let brakes = &Told { brakes, told };
        let ground = Ground {
            trail: &mut self.trail,
            account: &setup.account,
            zendesk: Some(&setup.zendesk),
            state: &setup.state,
            records: &setup.trail,
            clock: &*self.clock,
            asked,
            brakes,
        };
        obey(command, caller, ground).await
    }

    /// The pause in force, by the trail or by its file.
    pub fn pause(&self, brakes: &FileBrakes) -> Option<Pause> {
        Told { brakes, told: self.trail.past().pause }.pause()
    }

    /// Writes that a human commanded this, which names nobody.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn commanded(&mut self, lever: &str, by: &str) -> Result<(), TrailTrouble> {
        let (lever, by) = (lever.to_owned(), by.to_owned());
        let record = LeverUsed { lever, people: Vec::new(), reason: String::new(), by, ticket: None };
        self.trail.write_durably(None, record.into(), None).map(drop)
    }

    /// Why somebody was signed out, as far as is known from the last look, the trail and the policies in force: what is to
    /// be read for it, elsewhere.
    ///
    /// # Errors
    ///
    /// When it is not said since when.
    pub fn why(&mut self, setup: &Setup, user: String, since: &str) -> Result<Reading, Refusal> {
        let since = since.parse().map_err(|_error| Refusal::usage("`since` is an instant of RFC 3339"))?;
        let lists = self.consult(setup).lists;
        let (account, policies) = (setup.account.clone(), setup.policies.clone());
        let (state, records) = (setup.state.clone(), setup.trail.clone());
        Ok(Box::new(move || {
            let snapshot = last_snapshot(&state).map_err(|why| Refusal::new(78, why))?;
            let (account, policies, lists, records) = (&account, &policies, &lists, &*records);
            let why = why(Inquiry { account, policies, lists, snapshot: snapshot.as_ref(), records }, &user, since)?;
            Ok(Answer::of(json!({ "schema": 1, "text": why.text(), "document": why.json() })))
        }))
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

    /// Tells that a pause is over whose time has passed, unless this host's clock may have been set since it was last found
    /// right: by Zendesk's in a process's first cycle, by its own two clocks later.
    async fn end_pause(&mut self, setup: &Setup) -> Result<(), TrailTrouble> {
        let now = self.clock.now();
        if self.trail.past().pause.is_none_or(|told| told.lasts(now)) {
            return Ok(());
        }
        let apart = match self.agreed {
            Some((wall, monotonic)) => {
                let elapsed = self.clock.monotonic().saturating_sub(monotonic);
                wall.duration_until(now)
                    .saturating_sub(SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX))
            }
            None if setup.account.ignore_host_clock => SignedDuration::ZERO,
            None => setup.zendesk.me().await.map_or(SignedDuration::MAX, |me| me.date.duration_until(now)),
        };
        if apart.abs() <= HOST_OFFSET_MAX { lapse(&mut self.trail, now) } else { Ok(()) }
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
