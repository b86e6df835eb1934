//! The stage: an account, its policies, a simulated Zendesk and a trail, and the processes that work on them one after
//! the other as `apply` and `plan` would.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evictd::address::Lists;
use evictd::chronicle::{Asked, Chronicle};
use evictd::clock::{ManualClock, SeededChance};
use evictd::config::{self, Account};
use evictd::cycle::{self, Books, Cycle, Halt, Setting};
use evictd::diagnostic::{Findings, Source};
use evictd::enforce::{Brakes, settle};
use evictd::files::MemoryMedium;
use evictd::gather::{FeedRead, Known, ListRead};
use evictd::model::{CycleId, History, Memory, Outcome, Role, SessionId, UserId};
use evictd::policy::{self, PolicySet};
use evictd::record::{DaemonStarted, Entry, Line, RevocationIntended, whole_lines};
use evictd::report::{Recorded, Report};
use evictd::simulator::{Options, Script, Simulator, World};
use evictd::trail::{Past, Trail, read_segment, read_sidecar, segments, verify};
use evictd::zendesk::{Access, BudgetLimits, Credential, Method, Zendesk};
use jiff::{SignedDuration, Timestamp};

use super::{Cut, Frail, Handbrake, Loss, Wire};

pub fn user(number: u64) -> UserId {
    NonZeroU64::new(number).unwrap().into()
}

pub fn session(number: u64) -> SessionId {
    SessionId(number)
}

/// Ids as a report or a record has them.
fn names(ids: impl IntoIterator<Item = SessionId>) -> Vec<u64> {
    ids.into_iter().map(|id| id.0).collect()
}

pub struct Stage {
    pub clock: Arc<ManualClock>,
    pub simulator: Simulator,
    pub account: Account,
    pub policies: PolicySet,
    /// Their named lists.
    pub named: Lists,
    pub brake: Arc<Handbrake>,
    pub wire: Mutex<Arc<Wire>>,
    pub memory: MemoryMedium,
    medium: Mutex<Arc<Frail>>,
    past_losses: Mutex<Vec<Loss>>,
    /// What cycles learn, where a test wants it remembered.
    pub learned: Mutex<Option<Memory>>,
    /// Offboarding lists as they are read.
    pub lists: Mutex<Vec<ListRead>>,
    /// Feeds as they are read.
    pub feeds: Mutex<Vec<FeedRead>>,
    /// At whom a cycle looks, if not at everybody.
    pub look: Option<BTreeSet<UserId>>,
    cycles: AtomicU64,
}

impl Stage {
    /// An enforcing account with these policies, and further lines of its table. Its only admin is evictd's own user,
    /// who is protected; everybody else is put there by the test.
    pub fn new(policies: &str, lines: &str) -> Self {
        Self::with(policies, lines, Options { requests_per_minute: None, ..Options::default() })
    }

    /// Sessions of staff do not end by themselves: each test says which are there.
    pub fn with(policies: &str, lines: &str, options: Options) -> Self {
        let options = Options { staff_sessions_end: false, ..options };
        let clock = Arc::new(ManualClock::at("2026-11-23T12:00:00Z".parse().unwrap()));
        let simulator = Simulator::new(World::default(), options, clock.clone());
        let memory = MemoryMedium::default();
        let medium = Arc::new(Frail::of(memory.clone()));
        let wire = Arc::new(Wire::new(simulator.clone(), Arc::clone(&medium)));
        Self {
            clock,
            simulator,
            account: account(lines),
            named: Lists::of(&policies_of(policies).lists),
            policies: policies_of(policies),
            brake: Arc::default(),
            wire: Mutex::new(wire),
            memory,
            medium: Mutex::new(medium),
            past_losses: Mutex::default(),
            learned: Mutex::default(),
            lists: Mutex::default(),
            feeds: Mutex::default(),
            look: None,
            cycles: AtomicU64::new(0),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.simulator.now()
    }

    /// Lets minutes pass, for the host and for Zendesk.
    pub fn wait(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(60 * minutes));
    }

    pub fn person(&self, number: u64, role: Role) -> &Self {
        self.simulator.world(|world| {
            world.add_person(user(number), role);
        });
        self
    }

    /// A session of that age that was used just now.
    pub fn signs_in(&self, id: u64, person: u64, hours: i64) -> &Self {
        let now = self.now();
        let opened = now - SignedDuration::from_hours(hours);
        self.simulator.world(|world| {
            world.add_session(session(id), user(person), opened, now);
        });
        self
    }

    /// Agents 1 to n, each with one session, 101 and on, that is too old; and agent 99 with a young one.
    pub fn with_old_sessions(self, people: u64) -> Self {
        for number in 1..=people {
            self.person(number, Role::Agent).signs_in(100 + number, number, 11);
        }
        self.person(99, Role::Agent).signs_in(199, 99, 1);
        self
    }

    pub fn script(&self, script: Script) -> &Self {
        self.simulator.script(script);
        self
    }

    pub fn sessions(&self) -> Vec<u64> {
        self.simulator.world(|world| names(world.sessions.keys().copied()))
    }

    pub fn wire(&self) -> Arc<Wire> {
        Arc::clone(&self.wire.lock().unwrap())
    }

    pub fn medium(&self) -> Arc<Frail> {
        Arc::clone(&self.medium.lock().unwrap())
    }

    /// Everybody who lost a session to evictd so far.
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses = self.past_losses.lock().unwrap().clone();
        losses.extend(self.wire().losses.lock().unwrap().iter().cloned());
        losses
    }

    /// Verbs and paths sent so far, without the query.
    pub fn requests(&self, method: Method) -> Vec<String> {
        let requests = self.simulator.requests().into_iter().filter(|request| request.method == method.word());
        requests.map(|request| request.path.split('?').next().unwrap_or_default().to_owned()).collect()
    }

    pub fn deletes(&self) -> usize {
        self.requests(Method::Delete).len()
    }

    pub fn credential(&self) -> Credential {
        let credentials = self.simulator.credentials();
        Credential::OauthClient {
            id: credentials.client_id,
            secret: credentials.client_secret.into(),
            scope: "read write".to_owned(),
        }
    }

    /// A client as a process would make it, on the watched wire.
    pub fn zendesk(&self) -> Zendesk {
        let budget = BudgetLimits {
            requests_per_minute_max: self.account.budget.requests_per_minute_max,
            part_of_limit_max_percent: self.account.budget.part_of_limit_max_percent,
            reserve_percent: self.account.budget.reserve_percent,
        };
        let access = Access { credential: self.credential(), budget };
        Zendesk::new(access, self.wire(), self.clock.clone(), Arc::new(SeededChance::new(1)))
    }

    pub fn open(&self) -> (Trail, Past) {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<(Trail, Past), evictd::trail::TrailTrouble> {
        let chance = Arc::new(SeededChance::new(self.cycles.fetch_add(1, Ordering::Relaxed)));
        Trail::open(self.medium(), self.account.name.clone(), self.clock.clone(), chance)
    }

    fn next_cycle(&self) -> CycleId {
        let number = self.cycles.fetch_add(1, Ordering::Relaxed);
        CycleId::new(format!("01900000-0000-7000-8000-{number:012}"))
    }

    /// A process that only looks: what `plan` does.
    pub async fn plan(&self) -> Cycle {
        let past = evictd::trail::look(&self.memory, &self.account.name).unwrap();
        let memory = self.remembered();
        let known = Known { history: past.history, ..self.known(&memory) };
        cycle::dry(self.setting(&self.zendesk()), known, &mut |_| ()).await.unwrap()
    }

    fn setting<'a>(&'a self, zendesk: &'a Zendesk) -> Setting<'a> {
        let (account, policies, lists) = (&self.account, &self.policies, &self.named);
        Setting { account, policies, lists, zendesk, clock: &*self.clock, brakes: &*self.brake }
    }

    /// A process that may act: what `apply` does.
    pub async fn apply(&self) -> Cycle {
        self.try_apply().await.unwrap()
    }

    pub async fn try_apply(&self) -> Result<Cycle, Halt> {
        let (mut trail, past) = self.try_open()?;
        let zendesk = self.zendesk();
        let started = DaemonStarted { command: "apply".into(), engine: "0".into(), pid: 1, by: "uid=1".into() };
        trail.append(None, started.into(), None)?;
        trail.sync()?;
        settle(past.open_intents, &zendesk, &mut trail).await?;
        let last = past.last_cycle.and_then(|last| last.finished.now.parse().ok());
        let mut chronicle = Chronicle::since(last);
        self.one_cycle(
            &zendesk,
            past.history,
            Books { trail: &mut trail, chronicle: &mut chronicle, missed: 0, asked: Asked::default() },
        )
        .await
    }

    /// One cycle of a process that may have run others before.
    pub async fn one_cycle(&self, zendesk: &Zendesk, history: History, books: Books<'_>) -> Result<Cycle, Halt> {
        let memory = self.remembered();
        let history = History { habits: memory.habits.clone(), ..history };
        let known = Known { history, ..self.known(&memory) };
        let mut cycle = cycle::run(self.setting(zendesk), known, books, &mut |_| ()).await?;
        if let Some(memory) = &mut *self.learned.lock().unwrap() {
            memory.learn(std::mem::take(&mut cycle.lesson));
        }
        Ok(cycle)
    }

    fn known<'a>(&self, memory: &'a Memory) -> Known<'a> {
        let scope = self.policies.scope(self.account.scope);
        let lists = self.lists.lock().unwrap().clone();
        let needs = self.policies.needs();
        let feeds = self.feeds.lock().unwrap().clone();
        let look = self.look.clone();
        Known { pause: self.brake.pause(), scope, lists, needs, feeds, look, ..Known::first(self.next_cycle(), memory) }
    }

    /// What earlier cycles saw; nothing unless the stage remembers.
    pub fn remembered(&self) -> Memory {
        self.learned.lock().unwrap().clone().unwrap_or_default()
    }

    /// `apply`, cut off at this request. False if there were not so many.
    pub async fn apply_until(&self, cut: Cut) -> bool {
        self.apply_until_halt(cut).await.is_none()
    }

    /// As before; what it came to if it was not cut off.
    pub async fn apply_until_halt(&self, cut: Cut) -> Option<Result<Cycle, Halt>> {
        let wire = self.wire();
        *wire.cut.lock().unwrap() = Some(cut);
        tokio::select! {
            biased;
            () = wire.crashed.notified() => None,
            done = self.try_apply() => Some(done),
        }
    }

    /// The machine loses power and comes back: `keep` says what survives of unsynced bytes.
    pub fn lose_power(&self, keep: impl FnMut(&str, usize) -> Option<usize>) {
        self.memory.crash(keep);
        let medium = Arc::new(Frail::of(self.memory.clone()));
        let wire = Arc::new(Wire::new(self.simulator.clone(), Arc::clone(&medium)));
        *self.medium.lock().unwrap() = medium;
        let before = std::mem::replace(&mut *self.wire.lock().unwrap(), wire);
        self.past_losses.lock().unwrap().extend(before.losses.lock().unwrap().iter().cloned());
    }

    /// The trail verifies; its lines.
    pub fn verified(&self) -> Vec<Line> {
        let found = verify(&self.memory, &self.account.name);
        assert!(found.is_verified(), "{:?}", found.faults);
        lines(&self.memory)
    }

    /// A new process finds a trail that it can go on with, settles what is open, and leaves nothing to settle.
    pub async fn verified_after_restart(&self) {
        let (mut trail, past) = self.open();
        let open = settle(past.open_intents, &self.zendesk(), &mut trail).await.unwrap();
        drop(trail);
        assert_eq!((open, self.open().1.open_intents), (0, Vec::new()));
        if !lines(&self.memory).is_empty() {
            self.verified();
        }
    }

    /// Outcomes in the trail, session by session.
    pub fn outcomes(&self) -> Vec<(u64, String)> {
        let mut outcomes = Vec::new();
        for line in self.verified() {
            if let Entry::RevocationOutcome(body) = line.entry {
                outcomes.extend(body.sessions.iter().map(|session| (session.parse().unwrap(), body.outcome.clone())));
            }
        }
        outcomes
    }
}

fn account(lines: &str) -> Account {
    let text = format!(
        "schema = 1\n[accounts.acme]\nbase-url = \"http://127.0.0.1:1\"\nmode = \"enforce\"\nscope = \"everyone\"\n\
         policies = [\"policies.toml\"]\nprotected = [360000000001]\nauth.token = {{ env = \"TOKEN\" }}\n\
         budget = {{ requests-per-minute-max = 10000, part-of-limit-max = \"100%\" }}\n{lines}"
    );
    // A test may say otherwise: of doubled keys its own line stands.
    let text = ["mode", "scope", "protected", "budget"].iter().fold(text, |text, key| last_only(&text, key));
    let mut findings = Findings::default();
    let settings = config::read(&Source::new("evictd.toml", text.as_str()), Path::new("/"), &mut findings);
    let settings = settings.unwrap_or_else(|| panic!("{:#?}", findings.sorted()));
    settings.accounts.into_values().next().unwrap()
}

fn last_only(text: &str, key: &str) -> String {
    let start = format!("{key} =");
    let last = text.lines().filter(|line| line.starts_with(&start)).count();
    let mut seen = 0;
    let kept = text.lines().filter(|line| {
        let is_it = line.starts_with(&start);
        seen += usize::from(is_it);
        !is_it || seen == last
    });
    kept.collect::<Vec<_>>().join("\n")
}

pub fn policies_of(text: &str) -> PolicySet {
    let mut findings = Findings::default();
    let set = policy::read(&[Source::new("policies.toml", text)], None, &mut findings);
    set.unwrap_or_else(|| panic!("{:#?}", findings.sorted()))
}

/// Every whole line of the trail, in order.
pub fn lines(medium: &MemoryMedium) -> Vec<Line> {
    lines_with(medium, &[])
}

/// Every whole line that has all these texts in it.
pub fn lines_with(medium: &MemoryMedium, texts: &[&str]) -> Vec<Line> {
    let mut lines = Vec::new();
    for first_seq in segments(medium).unwrap() {
        let bytes = read_segment(medium, first_seq).unwrap();
        let is_wanted = |line: &str| texts.iter().all(|text| line.contains(text));
        let wanted = whole_lines(&bytes).0.filter(|line| is_wanted(str::from_utf8(line).unwrap()));
        lines.extend(wanted.map(|line| Line::read(line).unwrap()));
    }
    lines
}

/// The trail as a report is rebuilt from it.
pub fn recorded(medium: &MemoryMedium) -> Vec<Recorded> {
    let mut records = Vec::new();
    for first_seq in segments(medium).unwrap() {
        let bytes = read_segment(medium, first_seq).unwrap();
        let sidecar = read_sidecar(medium, first_seq).unwrap();
        for line in whole_lines(&bytes).0.map(|line| Line::read(line).unwrap()) {
            let personal = sidecar.text(line.seq).map(|text| serde_json::from_str(text).unwrap());
            records.push(Recorded { cycle: line.cycle, entry: line.entry, personal });
        }
    }
    records
}

/// Intents that no record tells the end of.
pub fn open_intents(lines: &[Line]) -> Vec<RevocationIntended> {
    let mut open = BTreeMap::new();
    for line in lines {
        match &line.entry {
            Entry::RevocationIntended(body) => {
                open.insert(line.seq.to_string(), body.clone());
            }
            Entry::RevocationOutcome(body) => {
                body.intent.as_ref().map(|intent| open.remove(intent));
            }
            _ => {}
        }
    }
    open.into_values().collect()
}

/// What a report says became of each session: its outcome, or `none`.
pub fn told(report: &Report) -> Vec<(u64, &'static str)> {
    report.revoke.iter().map(|row| (row.session.0, row.outcome.map_or("none", Outcome::word))).collect()
}

/// What a report says is withheld: session, rule, belt.
pub fn withheld(report: &Report) -> Vec<(u64, &str, &str)> {
    report.withheld.iter().map(|row| (row.session.0, row.rule.as_str(), row.belt.as_str())).collect()
}
