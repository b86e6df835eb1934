//! What a day of Zendesk's access log costs a firm with a lot of staff: a million rows, read by the real verbs in cycles
//! that learn from each other, and condensed into sightings.
//!
//! Three roles, each a process of its own: one makes the pages, one makes them and has `serde_json` pass over them, one
//! makes them and reads them as a cycle does. What making costs is taken off the other two. `make bench` prints it, and
//! nothing is gated by time.

#[expect(dead_code, reason = "only its table is wanted here")]
#[path = "../lookups/figures.rs"]
mod figures;
#[expect(dead_code, reason = "nothing is served here")]
#[path = "../cycle/process.rs"]
mod process;
mod reading;
mod rows;
#[expect(dead_code, reason = "the account is small")]
#[path = "../cycle/world.rs"]
mod world;

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use figures::{MIB, Table, each, micros, times};
use process::{Cost, Meter, ask};
use reading::Told;
use rows::{CYCLES, Log, PEOPLE, ROWS};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    match std::env::args().nth(1).as_deref() {
        Some("make") => serde_json::to_writer(out, &over_pages(|body| Ok(body.len())))?,
        Some("bare") => serde_json::to_writer(out, &over_pages(reading::bare))?,
        Some("read") => serde_json::to_writer(out, &reading::read()?)?,
        _ => write!(out, "{}\n\n", table()?)?,
    }
    Ok(())
}

/// Every page that a day of cycles reads, made and handed to this one after the other; and how many bytes they have.
fn over_pages(work: impl Fn(&[u8]) -> serde_json::Result<usize>) -> (Cost, usize) {
    let mut meter = Meter::start();
    let log = Log::default();
    let pages = (0..CYCLES).flat_map(|cycle| log.pages(log.since(cycle), log.now(cycle)));
    let bytes = pages.filter_map(|page| work(log.page(page, ROWS).as_bytes()).ok()).sum();
    (meter.lap(), bytes)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one process fit")]
fn table() -> Result<String, Box<dyn Error>> {
    let roles = |name: &str| ask::<(Cost, usize)>(&[name.to_owned()]);
    // The bare pass runs before and after, so that a machine that is slow for a while does not favour either.
    let ((made, bytes), (before, _)) = (roles("make")?, roles("bare")?);
    let Told { cost, rows, pages, sightings } = ask(&["read".to_owned()])?;
    let ((after, _), (made_again, _)) = (roles("bare")?, roles("make")?);
    let made = made.cpu.min(made_again.cpu);
    let net = |cpu: Duration| cpu.saturating_sub(made);
    let (read, bare) = (net(cost.cpu), net(before.cpu.min(after.cpu)));
    let mut table = Table::new(&format!(
        "{ROWS} rows of the access log, of {PEOPLE} staff and 24 hours, read by {CYCLES} cycles, in time of a processor"
    ));
    let again = u64::try_from(rows)?.saturating_sub(ROWS);
    table.line("rows", rows, &format!("{again} of them a second time, {} B a row", bytes / rows.max(1)));
    table.line("pages", pages, "");
    let a_second = rows as f64 / read.as_secs_f64();
    table.line("cycles", format!("{:.2} s", read.as_secs_f64()), &format!("{a_second:.0} rows a second"));
    let note = format!("{:.1} x serde_json by itself ({})", times(read, bare), micros(each(bare, rows)));
    table.line("  a row", micros(each(read, rows)), &note);
    table.line("sightings kept", sightings, &format!("{:.1} rows are one", rows as f64 / sightings as f64));
    table.line("memory, peak", format!("{:.1} MiB", cost.peak as f64 / MIB), "target 150, of the whole process");
    Ok(table.text())
}
