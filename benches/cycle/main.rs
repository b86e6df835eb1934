//! What a cycle of the daemon costs over a whole account: calls, time beside a bare fetch of the same requests, processor
//! time and memory for each session, each beside its target.
//!
//! Each role is a process of its own, so that none is charged with another's work: the stub, the bare fetch, the daemon,
//! and its parts. Everything is from one run on one machine, and only ratios and processor time say anything about
//! evictd. `make bench` prints it; nothing is gated by time.

mod bare;
mod daemon;
#[expect(dead_code, reason = "only its policies are wanted here")]
#[path = "../floor.rs"]
mod floor;
mod parts;
mod process;
mod stub;
mod table;
mod world;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use evictd::clock::{Clock as _, SystemClock};
use jiff::Timestamp;

use process::{Cost, Server, ask};
use table::Findings;
use world::World;

/// What the command line says.
#[derive(Debug, Clone)]
struct Options {
    world: World,
    /// Cycles after the first.
    cycles: usize,
    /// Whether answers are compressed.
    gzip: bool,
    port: u16,
    folder: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let role = arguments.next_if(|word| !word.starts_with('-')).unwrap_or_default();
    let options = options(arguments)?;
    let mut out = std::io::stdout();
    match role.as_str() {
        "stub" => stub::serve(options.world, options.gzip),
        "bare" => {
            let costs = block_on(bare::fetch(options.world, options.port, options.cycles))?;
            Ok(serde_json::to_writer(out, &costs)?)
        }
        "daemon" => {
            let costs = block_on(daemon::run(options.port, Path::new(&options.folder), options.cycles))?;
            Ok(serde_json::to_writer(out, &costs)?)
        }
        "parts" => Ok(serde_json::to_writer(out, &parts::measure(Path::new(&options.folder))?)?),
        _ => Ok(write!(out, "{}", measure(&options)?)?),
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    let began = SystemClock.now();
    let world = World { sessions: 100_000, people: 70_000, began };
    let mut options = Options { world, cycles: 5, gzip: false, port: 0, folder: String::new() };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("`{name}` needs a value"));
        match name.as_str() {
            "--sessions" => options.world.sessions = value()?.parse()?,
            "--people" => options.world.people = value()?.parse()?,
            "--cycles" => options.cycles = value()?.parse()?,
            "--began" => options.world.began = Timestamp::from_second(value()?.parse()?)?,
            "--port" => options.port = value()?.parse()?,
            "--folder" => options.folder = value()?,
            "--gzip" => options.gzip = true,
            // What `cargo bench` adds by itself.
            "--bench" => {}
            _ => return Err(format!("there is no `{name}`: --sessions, --people, --cycles, --gzip").into()),
        }
    }
    Ok(options)
}

fn block_on<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The whole measurement. The bare fetch runs before and after the daemon, so that a machine that is slow for a while does
/// not favour either.
fn measure(options: &Options) -> Result<String, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let stub = Server::start(&role("stub", options, folder.path()))?;
    let options = Options { port: stub.port, ..options.clone() };
    let bare = |cycles| ask::<Vec<Cost>>(&role("bare", &Options { cycles, ..options.clone() }, folder.path()));
    let mut fetched = bare(options.cycles.div_ceil(2))?;
    let before = counts(stub.port)?;
    let swept = Options { cycles: options.cycles + 1, ..options.clone() };
    let cycles: Vec<Cost> = ask(&role("daemon", &swept, folder.path()))?;
    let after = counts(stub.port)?;
    fetched.extend(bare(options.cycles.div_ceil(2))?);
    drop(stub);
    let parts: Vec<(String, Duration)> = ask(&role("parts", &options, folder.path()))?;
    let calls =
        std::array::from_fn(|kind| after.get(kind).zip(before.get(kind)).map_or(0, |(after, before)| after - before));
    Ok(Findings { world: options.world, gzip: options.gzip, calls, fetched, cycles, parts }.to_string())
}

fn role(name: &str, options: &Options, folder: &Path) -> Vec<String> {
    let Options { world, cycles, gzip, port, .. } = options;
    let mut words = vec![name.to_owned()];
    let mut add = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    add("sessions", world.sessions.to_string());
    add("people", world.people.to_string());
    add("began", world.began.as_second().to_string());
    add("cycles", cycles.to_string());
    add("port", port.to_string());
    add("folder", folder.display().to_string());
    words.extend(gzip.then(|| "--gzip".to_owned()));
    words
}

/// What the stub has answered so far: lists, the stream of changes, records, others.
fn counts(port: u16) -> Result<Vec<u64>, Box<dyn Error>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /counts HTTP/1.1\r\n\r\n")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let body = text.rsplit("\r\n\r\n").next().unwrap_or_default();
    Ok(body.split(' ').map(str::parse).collect::<Result<_, _>>()?)
}
