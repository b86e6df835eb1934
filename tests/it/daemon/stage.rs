//! The stage: accounts with a simulated Zendesk each, folders of their own, and one daemon over them on simulated time.
//!
//! Time is tokio's, paused: it moves only when everybody waits, straight to whatever comes first. So a day takes
//! seconds, and every wait that ends is counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evictd::clock::{Clock, Pending, SeededChance};
use evictd::config;
use evictd::config::{Account, PlacesSettings, Revoker};
use evictd::daemon::{Daemon, End, Loader, Pulse, Pulses, RecordingHerald, Rejected, Setup, Status, Wish, Wishes};
use evictd::diagnostic::{Findings, Source};
use evictd::files::Disk;
use evictd::model::{Mode, Role};
use evictd::record::{CycleFinished, Entry, Line, sha256_hex, whole_lines};
use evictd::simulator::{Options, Simulator, World};
use evictd::trail::{read_segment, segments, verify};
use evictd::zendesk::{Access, BudgetLimits, Credential, Hands, Zendesk};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::bell::Bell;
use super::wire::Wire;
use crate::enforcement::{OLD, WIDE, policies_of, session, user};

/// When every play begins: a Monday, some seconds after a full hour.
pub const BEGIN: &str = "2026-03-02T00:00:07Z";

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// The host's clocks over tokio's time. An administrator may set the wall clock.
pub struct HostClock {
    began: Instant,
    set: Mutex<SignedDuration>,
    ended: AtomicUsize,
}

impl HostClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam, over simulated time")]
    fn new() -> Self {
        Self { began: Instant::now(), set: Mutex::default(), ended: AtomicUsize::new(0) }
    }

    /// Sets the wall clock forward, or back; the account's own runs on.
    pub fn set_by(&self, by: SignedDuration) {
        *self.set.lock().unwrap() += by;
    }

    /// Waits that came to their end.
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = BEGIN.parse().unwrap();
        begin + self.monotonic() + *self.set.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }

    fn sleep(&self, length: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            wait(length).await;
            self.ended.fetch_add(1, Ordering::Relaxed);
        })
    }
}

/// A test waits, on the same time.
#[expect(clippy::disallowed_methods, reason = "this is the seam, over simulated time")]
pub async fn wait(length: Duration) {
    tokio::time::sleep(length).await;
}

/// One account: its Zendesk, the way there, and what is to be in force.
pub struct Site {
    pub name: String,
    pub simulator: Simulator,
    pub wire: Arc<Wire>,
    /// Lines of its table.
    pub lines: Mutex<String>,
    pub policies: Mutex<String>,
    /// Whether the configuration has it.
    pub configured: Mutex<bool>,
    root: PathBuf,
    trail: Mutex<PathBuf>,
}

impl Site {
    pub fn state(&self) -> PathBuf {
        self.root.join("state").join(&self.name)
    }

    pub fn trail(&self) -> PathBuf {
        self.trail.lock().unwrap().clone()
    }

    pub fn status(&self) -> Status {
        Status::read(&self.state()).unwrap().unwrap_or_else(|| panic!("`{}` has no status", self.name))
    }

    /// Whether it stands so and says this among the reasons.
    pub fn stands(&self, word: &str, why: &str) {
        let status = self.status();
        assert_eq!(status.standing.word(), word, "{status:#?}");
        assert!(why.is_empty() || status.why.iter().any(|reason| reason.contains(why)), "no `{why}` in {status:#?}");
    }

    /// Every whole line of its trail, which must verify.
    pub fn records(&self) -> Vec<Line> {
        let disk = Disk::at(&self.trail());
        let found = verify(&disk, &evictd::model::AccountName::new(&*self.name));
        assert!(found.is_verified(), "{:?}", found.faults);
        let segments = segments(&disk).unwrap();
        let bytes: Vec<u8> = segments.into_iter().flat_map(|first| read_segment(&disk, first).unwrap()).collect();
        whole_lines(&bytes).0.map(|line| Line::read(line).unwrap()).collect()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.records().iter().map(|line| line.entry.kind().to_owned()).collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|one| *one == kind).count()
    }

    /// When each cycle was finished, by the host's clock, and what it counted.
    pub fn cycles(&self) -> Vec<(Timestamp, CycleFinished)> {
        let cycles = self.records().into_iter().filter_map(|line| match line.entry {
            Entry::CycleFinished(finished) => Some((line.at, finished)),
            _ => None,
        });
        cycles.collect()
    }

    /// An agent with a session of that age, used just now.
    pub fn agent(&self, number: u64, hours: i64) {
        let now = self.simulator.now();
        self.simulator.world(|world| {
            world.add_person(user(number), Role::Agent);
            world.add_session(session(1_000 + number), user(number), now - SignedDuration::from_hours(hours), now);
        });
    }

    pub fn has_session(&self, number: u64) -> bool {
        self.simulator.world(|world| world.sessions_of(user(number)).next().is_some())
    }

    /// Another place for the trail: where a file or a whole tree is in the way.
    pub fn move_trail(&self, to: PathBuf) {
        *self.trail.lock().unwrap() = to;
    }

    /// The configuration's text, as far as this account goes.
    fn config(&self) -> String {
        let (name, lines) = (&self.name, self.lines.lock().unwrap());
        let scope = if lines.contains("scope =") { "" } else { "scope = \"everyone\"\n" };
        // Whoever writes of the account's belts wants all of them as they are.
        let wide = if lines.contains("belts.roster-part") { "" } else { WIDE };
        format!(
            "schema = 1\n[accounts.{name}]\nbase-url = \"http://127.0.0.1:1\"\nmode = \"enforce\"\n{scope}\
             policies = [\"policies.toml\"]\nprotected = [360000000001]\nauth.token = {{ env = \"TOKEN\" }}\n{wide}{lines}"
        )
    }
}

/// Accounts, and what a daemon over them works with.
pub struct Stage {
    pub clock: Arc<HostClock>,
    pub herald: RecordingHerald,
    pub pulses: Pulses,
    pub bell: Arc<Bell>,
    /// What is wrong with what stands on the disk, if anything.
    pub broken: Mutex<Option<Rejected>>,
    /// Whose configuration and policies were kept for a later start.
    pub kept: Mutex<Vec<String>>,
    sites: Vec<Arc<Site>>,
    folder: TempDir,
}

impl Stage {
    /// These accounts, each with further lines of its table, on one policy set: sessions older than ten hours go.
    pub fn new(sites: &[(&str, &str)]) -> Self {
        let folder = folder();
        let clock = Arc::new(HostClock::new());
        let site = |(name, lines): &(&str, &str)| Arc::new(site(folder.path(), &clock, name, lines));
        Self {
            sites: sites.iter().map(site).collect(),
            clock,
            herald: RecordingHerald::with_watchdog(minutes(2)),
            pulses: Pulses::default(),
            bell: Arc::default(),
            broken: Mutex::default(),
            kept: Mutex::default(),
            folder,
        }
    }

    /// One account whose requests are kept, and may be limited to so many a minute.
    pub fn remembering(name: &str, lines: &str, requests_per_minute: Option<u32>) -> Self {
        let mut stage = Self::new(&[]);
        let options = Options { requests_per_minute, remember: true, ..options() };
        stage.sites = vec![Arc::new(site_of(stage.folder.path(), &stage.clock, (name, lines), options))];
        stage
    }

    pub fn site(&self, name: &str) -> &Arc<Site> {
        self.sites.iter().find(|site| site.name == name).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How often the service manager was told something that begins so.
    pub fn told(&self, start: &str) -> usize {
        self.herald.told().iter().filter(|line| line.starts_with(start)).count()
    }

    /// Runs the daemon beside this play; when that is over and the daemon still runs it is asked to stop. How it ended.
    pub async fn run(&self, play: impl AsyncFnOnce(&Hand)) -> Result<(), End> {
        let (send, receive) = unbounded_channel();
        let hand = Hand(send);
        let mut wishes = Channel(receive);
        let setups = self.load(&self.pulses).unwrap();
        let daemon = Daemon {
            loader: self,
            herald: &self.herald,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::new(SeededChance::new(7)),
            pulses: &self.pulses,
            by: "uid=1".to_owned(),
        };
        let running = self.bell.counting(daemon.run(setups, &mut wishes));
        let playing = async {
            // What comes after whole minutes has come when the play looks.
            wait(seconds(1)).await;
            play(&hand).await;
            hand.wish(Wish::Stop);
        };
        tokio::join!(running, playing).0
    }
}

impl Loader for Stage {
    fn load(&self, pulses: &Pulses) -> Result<Vec<Setup>, Rejected> {
        if let Some(rejected) = self.broken.lock().unwrap().clone() {
            return Err(rejected);
        }
        let configured = self.sites.iter().filter(|site| *site.configured.lock().unwrap());
        Ok(configured.map(|site| self.setup(site, pulses)).collect())
    }

    fn armed(&self, setup: &Setup, pulse: &Arc<Pulse>) -> Result<Zendesk, String> {
        let site = self.sites.iter().find(|site| site.name == setup.account.name.as_str()).unwrap();
        Ok(self.zendesk(site, (&setup.account, true), pulse))
    }

    fn keep(&self, setup: &Setup) {
        self.kept.lock().unwrap().push(setup.account.name.to_string());
    }
}

impl Stage {
    /// As the command line reads it from the disk.
    fn setup(&self, site: &Arc<Site>, pulses: &Pulses) -> Setup {
        let config = site.config();
        let mut findings = Findings::default();
        let settings = config::read(&Source::new("evictd.toml", config.as_str()), Path::new("/"), &mut findings);
        let settings = settings.unwrap_or_else(|| panic!("{:#?}", findings.sorted()));
        let account = settings.accounts.into_values().next().unwrap();
        let policies = policies_of(&site.policies.lock().unwrap());
        let zendesk = self.zendesk(site, (&account, account.mode == Mode::Enforce), &pulses.of(&account.name));
        Setup {
            places: PlacesSettings { databases: Some(Vec::new()), older_than_max: None, installed: PathBuf::new() },
            files: Arc::default(),
            scope: policies.scope(account.scope),
            policies,
            zendesk: Arc::new(zendesk),
            config_digest: sha256_hex(config.as_bytes()),
            config,
            state: site.state(),
            trail: site.trail(),
            account,
            rejected: None,
        }
    }

    /// A client as the command line connects it.
    fn zendesk(&self, site: &Site, (account, may_act): (&Account, bool), pulse: &Arc<Pulse>) -> Zendesk {
        let credentials = site.simulator.credentials();
        let credential = Credential::OauthClient {
            id: credentials.client_id,
            secret: credentials.client_secret.into(),
            scope: if account.revoker == Revoker::Reader { "read write" } else { "read" }.to_owned(),
        };
        let budget = BudgetLimits {
            requests_per_minute_max: account.budget.requests_per_minute_max,
            part_of_limit_max_percent: account.budget.part_of_limit_max_percent,
            reserve_percent: account.budget.reserve_percent,
        };
        let hands = match &account.revoker {
            Revoker::Reader => Hands::Reader,
            Revoker::Own(_) if may_act => Hands::Own(Credential::OauthClient {
                id: credentials.revoker_id,
                secret: credentials.revoker_secret.into(),
                scope: "read write".to_owned(),
            }),
            Revoker::Own(_) | Revoker::None => Hands::None,
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (transport, clock) = pulse.dress(site.wire.clone(), clock);
        let chance = Arc::new(SeededChance::new(1));
        Zendesk::new(Access { credential, budget }, transport, clock, chance).with_hands(hands)
    }
}

/// A folder in memory where the system has one: thousands of sweeps make everything durable, and no power is lost here.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn site(root: &Path, clock: &Arc<HostClock>, name: &str, lines: &str) -> Site {
    site_of(root, clock, (name, lines), options())
}

fn options() -> Options {
    Options { now: Some(BEGIN.parse().unwrap()), requests_per_minute: None, remember: false, ..Options::default() }
}

fn site_of(root: &Path, clock: &Arc<HostClock>, (name, lines): (&str, &str), options: Options) -> Site {
    let simulator = Simulator::new(World::default(), options, Arc::clone(clock) as Arc<dyn Clock>);
    Site {
        name: name.to_owned(),
        wire: Arc::new(Wire::new(simulator.transport(), Arc::clone(clock) as Arc<dyn Clock>)),
        simulator,
        lines: Mutex::new(lines.to_owned()),
        policies: Mutex::new(OLD.to_owned()),
        configured: Mutex::new(true),
        root: root.to_owned(),
        trail: Mutex::new(root.join("trail").join(name)),
    }
}

/// What a play holds: wishes of the daemon.
pub struct Hand(UnboundedSender<Wish>);

impl Hand {
    pub fn wish(&self, wish: Wish) {
        // Nobody listens to a daemon that has ended.
        self.0.send(wish).unwrap_or_default();
    }

    /// Reloads, and lets everybody come round.
    pub async fn reload(&self) {
        self.wish(Wish::Reload);
        wait(Duration::from_millis(1)).await;
    }
}

struct Channel(UnboundedReceiver<Wish>);

impl Wishes for Channel {
    fn next(&mut self) -> Pending<'_, Wish> {
        Box::pin(async move {
            match self.0.recv().await {
                Some(wish) => wish,
                None => std::future::pending().await,
            }
        })
    }
}

/// How many of these records there are, by kind.
pub fn tally(kinds: &[String]) -> BTreeMap<&str, usize> {
    let mut tally = BTreeMap::new();
    for kind in kinds {
        *tally.entry(kind.as_str()).or_default() += 1;
    }
    tally
}
