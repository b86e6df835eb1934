//! What loading costs: the databases that are compiled in, a list, the patterns of agent strings. Each in time, in memory
//! that stays, and beside the size of its file.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use evictd::address::LIST_BYTES_MAX;
use evictd::clients::client_of;
use evictd::files::read_bytes;
use evictd::places::Databases;
use fastrand::Rng;

use super::figures::{MIB, RUNS, Table, millis};
use super::process::{Cost, Meter, ask};
use super::world;

const ADDRESSES: usize = 100_000;
const AGENTS: u32 = 2_000;

/// One load in a process that has not loaded it before.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Load {
    name: String,
    wall: Duration,
    /// Bytes that became resident.
    grown: u64,
    /// Bytes of the files.
    size: u64,
}

/// Loads everything once.
pub fn load() -> Result<Vec<Load>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("list.txt");
    fs::write(&path, world::list_text(true))?;
    let data = |name: &str| size(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name));
    let mut rng = Rng::with_seed(1);
    let addresses = world::distinct(ADDRESSES, || world::v4(&mut rng));
    let mut resident = Meter::start().lap().resident;
    let mut loads = Vec::new();
    let mut note = |name: &str, size: u64, cost: Cost| {
        let grown = cost.resident.saturating_sub(resident);
        resident = cost.resident;
        loads.push(Load { name: name.to_owned(), wall: cost.wall, grown, size });
    };
    let mut meter = Meter::start();
    let databases = Databases::shipped();
    note("databases, compiled in", data("places/country.mmdb") + data("places/asn.mmdb"), meter.lap());
    let mut meter = Meter::start();
    let known = addresses.iter().filter(|address| databases.place_of(**address).country.is_ok()).count();
    note("  their pages, after 100,000 look-ups", 0, meter.lap());
    let mut meter = Meter::start();
    let list = world::contents(str::from_utf8(&read_bytes(&path, LIST_BYTES_MAX as u64)?)?)?;
    note("a list of 50,000 networks", size(&path), meter.lap());
    let mut meter = Meter::start();
    let client = client_of("");
    note("patterns of agent strings", data("clients/agents.json") + data("clients/crawlers.txt"), meter.lap());
    let agents = world::agents(AGENTS);
    let mut meter = Meter::start();
    let told = agents.iter().filter(|agent| client_of(agent).family.is_some()).count();
    note("  what they keep, after 2,000 strings", 0, meter.lap());
    std::hint::black_box((known, list, client, told));
    Ok(loads)
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default()
}

/// The least of several processes.
#[expect(clippy::cast_precision_loss, reason = "bytes of one process fit")]
pub fn table() -> Result<String, Box<dyn Error>> {
    let runs: Vec<Vec<Load>> = (0..RUNS).map(|_| ask(&["load".to_owned()])).collect::<Result<_, _>>()?;
    let mut table = Table::new("loading, once in a process");
    for (place, load) in runs.first().into_iter().flatten().enumerate() {
        let same = || runs.iter().filter_map(|run| run.get(place));
        let wall = same().map(|load| load.wall).min().unwrap_or_default();
        let grown = same().map(|load| load.grown).min().unwrap_or_default() as f64 / MIB;
        let of = if load.size == 0 { String::new() } else { format!(", files {:.1} MiB", load.size as f64 / MIB) };
        table.line(&load.name, millis(wall), &format!("{grown:>5.1} MiB resident{of}"));
    }
    Ok(table.text())
}
