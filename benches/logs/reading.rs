//! Reading the log as a cycle does, off an account that answers within this process; and what the least reader of the
//! same bytes does.

use std::borrow::Cow;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use evictd::clock::{Pending, SystemChance, SystemClock};
use evictd::config;
use evictd::diagnostic::{Findings, Source};
use evictd::gather::{Known, gather};
use evictd::model::{CycleId, Memory};
use evictd::policy::Needs;
use evictd::zendesk::{Access, BudgetLimits, Credential, Lost, Request, Response, Transport, Zendesk};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::{Deserialize, Serialize};

use super::process::{Cost, Meter};
use super::rows::{CYCLES, Log, PEOPLE};
use super::world::{OWN, World};

/// What reading a day of the log came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    pub cost: Cost,
    pub rows: usize,
    pub pages: usize,
    /// Sightings that are remembered at the end.
    pub sightings: usize,
}

/// All cycles of a day, each on what the ones before it learnt.
pub fn read() -> Result<Told, Box<dyn Error>> {
    let mut meter = Meter::start();
    let stub = Arc::new(Stub::default());
    let settings = config::read(&Source::new("bench.toml", CONFIG), Path::new("/"), &mut Findings::default());
    let account = settings.ok_or("the configuration is broken")?.accounts.into_values().next().ok_or("no account")?;
    let budget = BudgetLimits { requests_per_minute_max: 100_000, part_of_limit_max_percent: 100, reserve_percent: 0 };
    let access = Access { credential: Credential::Token("token".to_owned().into()), budget };
    let zendesk = Zendesk::new(access, Arc::clone(&stub) as _, Arc::new(SystemClock), Arc::new(SystemChance));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut memory = Memory::default();
    let cycle_id = CycleId::new("01890a5d-ac96-774b-bcce-b302099a8057");
    for cycle in 0..CYCLES {
        stub.cycle.store(cycle, Ordering::Relaxed);
        let needs = Needs { uses: true, ..Needs::default() };
        let known = Known { needs, ..Known::first(cycle_id.clone(), &memory) };
        let gathered = runtime.block_on(gather(&zendesk, &SystemClock, &account, known, &mut |_| ()))?;
        if let Some(trouble) = gathered.snapshot.unasked.first() {
            return Err(trouble.as_str().into());
        }
        memory.learn(gathered.lesson);
    }
    let (rows, pages) = (stub.rows.load(Ordering::Relaxed), stub.pages.load(Ordering::Relaxed));
    Ok(Told { cost: meter.lap(), rows, pages, sightings: memory.logs.values().map(|log| log.seen.len()).sum() })
}

const CONFIG: &str = "schema = 1\n[accounts.acme]\nbase-url = \"http://127.0.0.1:1\"\n\
    dangerous-ignore-host-clock = true\nmode = \"report\"\nscope = \"everyone\"\nsweep = { every = \"30s\" }\n\
    policies = [\"*.toml\"]\nauth.token = { env = \"UNUSED\" }\n\
    sources.ticket-audits = \"off\"\n";

/// An account within this process: a session of each of its staff, their records, and the log.
#[derive(Default)]
struct Stub {
    log: Log,
    cycle: AtomicU32,
    rows: AtomicUsize,
    pages: AtomicUsize,
}

impl Stub {
    fn world(&self) -> World {
        World { sessions: PEOPLE, people: PEOPLE, began: self.log.began }
    }

    fn body(&self, path: &str) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
        let instant = |name: &str| value(name)?.replace("%3A", ":").parse::<Timestamp>().ok();
        match path {
            "/api/v2/access_logs" => {
                let row_at = |name| instant(name).map(|at| self.log.row_at(at)).unwrap_or_default();
                let first = number("from").unwrap_or_else(|| row_at("filter[start]"));
                let end = number("end").unwrap_or_else(|| row_at("filter[end]"));
                let rows = Log::page_from(first, end);
                self.pages.fetch_add(1, Ordering::Relaxed);
                self.rows.fetch_add(rows.clone().count(), Ordering::Relaxed);
                self.log.page(rows, end)
            }
            "/api/v2/sessions" => {
                let page = value("page[after]").or(value("page%5Bafter%5D")).and_then(World::page_of);
                let page = page.and_then(|page| usize::try_from(page).ok()).unwrap_or_default();
                self.world().listing().into_iter().nth(page).unwrap_or_default()
            }
            "/api/v2/incremental/users/cursor" => {
                "{\"users\":[],\"after_url\":null,\"after_cursor\":\"MTc2\",\"end_of_stream\":true}".to_owned()
            }
            "/api/v2/users/show_many" => self.world().users(value("ids").unwrap_or_default()),
            _ => format!("{{\"user\":{{\"id\":{OWN},\"role\":\"admin\",\"active\":true}}}}"),
        }
    }
}

impl Transport for Stub {
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>> {
        let now = self.log.now(self.cycle.load(Ordering::Relaxed));
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
        let body = self.body(&request.path).into_bytes();
        let answer = Response { status: 200, headers: vec![("date".to_owned(), date)], body };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// A page as whoever wants these six fields and no more would read it.
#[derive(Deserialize)]
struct BarePage<'a> {
    #[serde(borrow)]
    access_logs: Vec<BareRow<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is read, and that is all")]
struct BareRow<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    user_id: u64,
    ip_address: Cow<'a, str>,
    client: Cow<'a, str>,
    authorization_type: Option<Cow<'a, str>>,
}

/// Passes over a page, and tells how many bytes it has.
pub fn bare(body: &[u8]) -> serde_json::Result<usize> {
    let page: BarePage<'_> = serde_json::from_slice(body)?;
    std::hint::black_box(page.access_logs.len());
    Ok(body.len())
}
