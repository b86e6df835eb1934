//! The daemon as it is, in this process: the real one, its account's folders on the disk, against the stub. Only its clock
//! is another: a wait for the next sweep is over at once, and that is where one cycle ends and the next begins.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evictd::clock::{Clock, Pending, SystemChance, SystemClock};
use evictd::config;
use evictd::config::PlacesSettings;
use evictd::daemon::{Daemon, Loader, Pulse, Pulses, RecordingHerald, Rejected, Setup, WatchedTransport, Wish, Wishes};
use evictd::diagnostic::{Findings, Source};
use evictd::policy::{self, PolicySet};
use evictd::record::sha256_hex;
use evictd::zendesk::{Access, BaseUrl, BudgetLimits, Credential, HttpsTransport, Zendesk};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::floor;
use super::process::{Cost, Meter};

/// The account's name, which its folders have.
pub const ACCOUNT: &str = "acme";

/// So many cycles of the daemon, the first with nothing remembered.
pub async fn run(port: u16, folder: &Path, cycles: usize) -> Result<Vec<Cost>, Box<dyn Error>> {
    let pulses = Pulses::default();
    let setup = setup(port, folder, &pulses)?;
    let laps = Arc::new(Laps { cycles, taken: Mutex::default(), done: Notify::new() });
    let daemon = Daemon {
        loader: &NeverAgain,
        herald: &RecordingHerald::default(),
        clock: Arc::clone(&laps) as Arc<dyn Clock>,
        chance: Arc::new(SystemChance),
        pulses: &pulses,
        by: "bench".to_owned(),
    };
    laps.taken().meter = Some(Meter::start());
    daemon.run(vec![setup], &mut Until(Arc::clone(&laps))).await.map_err(|end| format!("the daemon ended: {end:?}"))?;
    let costs = std::mem::take(&mut laps.taken().costs);
    Ok(costs)
}

/// The policies of the other bench.
pub fn policies() -> Result<PolicySet, Box<dyn Error>> {
    let mut text = "schema = 1\n".to_owned();
    (0..floor::RULES).for_each(|number| text += &floor::rule(number));
    let mut findings = Findings::default();
    Ok(policy::read(&[Source::new("bench.toml", text.as_str())], None, &mut findings)
        .ok_or("the policies are broken")?)
}

/// The configuration's text. The budget is as large as it can be: what is measured is work, not waiting.
pub fn config(port: u16, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "schema = 1\n[paths]\nstate = \"{folder}/state\"\ntrail = \"{folder}/trail\"\n[accounts.{ACCOUNT}]\n\
         base-url = \"http://127.0.0.1:{port}\"\ndangerous-ignore-host-clock = true\nmode = \"report\"\n\
         scope = \"everyone\"\nsweep = {{ every = \"30s\" }}\npolicies = [\"*.toml\"]\n\
         auth.token = {{ env = \"UNUSED\" }}\nbudget = {{ requests-per-minute-max = 100000, reserve = \"0%\" }}\n"
    )
}

fn setup(port: u16, folder: &Path, pulses: &Pulses) -> Result<Setup, Box<dyn Error>> {
    let text = config(port, folder);
    let settings = config::read(&Source::new("bench.toml", text.as_str()), folder, &mut Findings::default());
    let settings = settings.ok_or("the configuration is broken")?;
    let account = settings.accounts.into_values().next().ok_or("no account")?;
    let policies = policies()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let transport = Arc::new(HttpsTransport::new(BaseUrl::loopback(account.host.base_url())?)?);
    let pulse = pulses.of(&account.name);
    let transport = Arc::new(WatchedTransport { transport, clock: Arc::clone(&clock), pulse });
    let budget = BudgetLimits {
        requests_per_minute_max: account.budget.requests_per_minute_max,
        part_of_limit_max_percent: account.budget.part_of_limit_max_percent,
        reserve_percent: account.budget.reserve_percent,
    };
    let access = Access { credential: Credential::Token("token".to_owned().into()), budget };
    let places = PlacesSettings { databases: Some(Vec::new()), older_than_max: None, installed: PathBuf::new() };
    Ok(Setup {
        places,
        files: Arc::default(),
        scope: policies.scope(account.scope),
        policies,
        zendesk: Arc::new(Zendesk::new(access, transport, clock, Arc::new(SystemChance))),
        config_digest: sha256_hex(text.as_bytes()),
        config: text,
        state: settings.state.join(ACCOUNT),
        trail: settings.trail.join(ACCOUNT),
        account,
        rejected: None,
    })
}

/// A clock on which no wait takes time; each ends a cycle.
struct Laps {
    cycles: usize,
    taken: Mutex<Taken>,
    done: Notify,
}

#[derive(Default)]
struct Taken {
    meter: Option<Meter>,
    costs: Vec<Cost>,
    skipped: Duration,
}

impl Laps {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Laps {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::try_from(self.taken().skipped).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() + self.taken().skipped
    }

    fn sleep(&self, length: Duration) -> Pending<'_, ()> {
        let mut taken = self.taken();
        if taken.costs.len() >= self.cycles {
            return Box::pin(std::future::pending());
        }
        let cost = taken.meter.as_mut().map(Meter::lap).unwrap_or_default();
        taken.costs.push(cost);
        taken.skipped += length;
        if taken.costs.len() >= self.cycles {
            self.done.notify_one();
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(()))
    }
}

/// Wishes the end after the last cycle.
struct Until(Arc<Laps>);

impl Wishes for Until {
    fn next(&mut self) -> Pending<'_, Wish> {
        Box::pin(async {
            self.0.done.notified().await;
            Wish::Stop
        })
    }
}

struct NeverAgain;

impl Loader for NeverAgain {
    fn load(&self, _: &Pulses) -> Result<Vec<Setup>, Rejected> {
        Err(Rejected { errors: 1, text: "nothing is read again".to_owned(), ..Rejected::default() })
    }

    fn armed(&self, _: &Setup, _: &Arc<Pulse>) -> Result<Zendesk, String> {
        Err("nobody commands anything".to_owned())
    }

    fn keep(&self, _: &Setup) {}
}
