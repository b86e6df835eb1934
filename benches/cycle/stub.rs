//! The stub: a server of its own process that answers each request five milliseconds after it arrived. It knows a few
//! paths and looks at nothing but those, so that it costs next to nothing beside what is measured.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evictd::clock::{Clock as _, SystemClock};
use flate2::write::GzEncoder;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::world::{OWN, World};

/// How late an answer is.
pub const LATE: Duration = Duration::from_millis(5);

/// How many requests there were of each kind.
#[derive(Debug, Default)]
struct Counts {
    lists: AtomicU64,
    streams: AtomicU64,
    records: AtomicU64,
    others: AtomicU64,
}

struct Stub {
    world: World,
    listing: Vec<Vec<u8>>,
    packs: bool,
    counts: Counts,
    clock: SystemClock,
}

/// Serves until standard input ends. The port is told on standard output.
pub fn serve(world: World, packs: bool) -> Result<(), Box<dyn Error>> {
    let listing = world.listing().into_iter().map(|page| if packs { packed(&page) } else { page.into_bytes() });
    let stub =
        Arc::new(Stub { world, listing: listing.collect(), packs, counts: Counts::default(), clock: SystemClock });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?.port())?;
    out.flush()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stub = Arc::clone(&stub);
            std::thread::spawn(move || drop(stub.attend(stream)));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

impl Stub {
    /// One connection, to its end.
    fn attend(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut line, mut answer) = (String::new(), Vec::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let arrived = self.clock.monotonic();
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            while line.trim_end() != "" {
                line.clear();
                reader.read_line(&mut line)?;
            }
            answer.clear();
            let is_count = path == "/counts";
            self.answer(&path, &mut answer)?;
            if !is_count {
                std::thread::sleep((arrived + LATE).saturating_sub(self.clock.monotonic()));
            }
            stream.write_all(&answer)?;
        }
    }

    fn answer(&self, path: &str, answer: &mut Vec<u8>) -> std::io::Result<()> {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let dynamic = match path {
            "/api/v2/sessions" => {
                count(&self.counts.lists);
                let cursor = value("page[after]").or(value("page%5Bafter%5D"));
                let page = cursor.and_then(World::page_of).unwrap_or_default();
                let page = usize::try_from(page).ok().and_then(|page| self.listing.get(page));
                return self.put(answer, page.map_or(&[], Vec::as_slice), self.packs);
            }
            "/api/v2/incremental/users/cursor" => {
                count(&self.counts.streams);
                "{\"users\":[],\"after_url\":null,\"after_cursor\":\"MTc2NTQzMjEwMC4wfHwxMjM0\",\"before_url\":null,\
                 \"before_cursor\":null,\"end_of_stream\":true}"
                    .to_owned()
            }
            "/api/v2/users/show_many" => {
                count(&self.counts.records);
                self.world.users(value("ids").unwrap_or_default())
            }
            "/counts" => {
                let told = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let Counts { lists, streams, records, others } = &self.counts;
                format!("{} {} {} {}", told(lists), told(streams), told(records), told(others))
            }
            _ => {
                count(&self.counts.others);
                format!("{{\"user\":{{\"id\":{OWN},\"role\":\"admin\",\"active\":true}}}}")
            }
        };
        if self.packs && path != "/counts" {
            self.put(answer, &packed(&dynamic), true)
        } else {
            self.put(answer, dynamic.as_bytes(), false)
        }
    }

    fn put(&self, answer: &mut Vec<u8>, body: &[u8], is_packed: bool) -> std::io::Result<()> {
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.clock.now()).unwrap_or_default();
        let encoding = if is_packed { "Content-Encoding: gzip\r\n" } else { "" };
        write!(
            answer,
            "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json; charset=utf-8\r\n{encoding}\
             Content-Length: {}\r\nConnection: keep-alive\r\nCache-Control: max-age=0, private, must-revalidate\r\n\
             X-Request-Id: 9d3f4a5e6b7c8d9e-FRA\r\nX-Zendesk-Api-Version: v2\r\nServer: stub\r\n\r\n",
            body.len()
        )?;
        answer.extend_from_slice(body);
        Ok(())
    }
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    packer.write_all(text.as_bytes()).and_then(|()| packer.finish()).unwrap_or_default()
}
