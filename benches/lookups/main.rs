//! What it costs to know an address and an agent string: loading what they are looked up in, looking them up, and judging
//! sessions by what is found.
//!
//! What loads once in a process, and what fills memory, is measured in processes of its own. Every figure is the least of
//! several runs; `make bench` prints them, and nothing is gated by time.

mod figures;
#[expect(dead_code, reason = "only its policies are wanted here")]
#[path = "../floor.rs"]
mod floor;
mod judging;
mod loading;
mod looking;
#[expect(dead_code, reason = "nothing is served here")]
#[path = "../cycle/process.rs"]
mod process;
mod world;

use std::error::Error;
use std::io::Write as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    match std::env::args().nth(1).as_deref() {
        Some("load") => serde_json::to_writer(out, &loading::load()?)?,
        Some("fill") => serde_json::to_writer(out, &judging::fill()?)?,
        _ => {
            for section in [loading::table, looking::table, judging::table, judging::table_of_memory] {
                writeln!(out, "{}\n", section()?)?;
            }
        }
    }
    Ok(())
}
