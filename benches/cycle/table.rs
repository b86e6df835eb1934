//! What was found, in the form in which it is printed: each number beside its target.

use std::fmt;
use std::time::Duration;

use evictd::evidence::SESSION_BYTES;

use super::process::Cost;
use super::world::{PAGE, World};

const CPU_MICROS_MAX: f64 = 4.0;
const WALL_RATIO_MAX: f64 = 1.10;
/// Of a million sessions of 700,000 people, the whole process.
const PEAK_MIB_MAX: f64 = 128.0;
const PEAK_SESSIONS: u64 = 1_000_000;
const SESSION_BYTES_MAX: usize = 64;
const MIB: f64 = 1_048_576.0;

/// Everything that was found.
pub struct Findings {
    pub world: World,
    pub gzip: bool,
    /// Of all cycles of the daemon: lists, the stream of changes, records, others.
    pub calls: [u64; 4],
    /// Each bare fetch.
    pub fetched: Vec<Cost>,
    /// Each cycle of the daemon, the first with nothing remembered.
    pub cycles: Vec<Cost>,
    pub parts: Vec<(String, Duration)>,
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let World { sessions, people, .. } = self.world;
        let packed = if self.gzip { "gzip" } else { "plain" };
        writeln!(
            out,
            "a cycle over {sessions} sessions of {people} people, {packed} answers 5 ms late, 20 rules, 1 % fire\n"
        )?;
        self.calls(out)?;
        self.times(out)?;
        self.memory(out)?;
        self.parts(out)
    }
}

impl Findings {
    fn calls(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lists, streams, records, others] = self.calls;
        let (cycles, pages) = (self.cycles.len() as u64, self.world.pages());
        let steady = cycles.saturating_sub(1);
        let formula = cycles * pages + steady + records_of(&self.world);
        line(
            out,
            "list calls",
            &format!("{lists} in {cycles} cycles"),
            &format!("{cycles} x {pages} pages"),
            lists == cycles * pages,
        )?;
        let all = lists + streams + records;
        let told = format!("{all}: {records} for records, {streams} for changes");
        line(out, "calls in all", &told, &format!("at most {formula} + 1 %"), all * 100 <= formula * 101)?;
        writeln!(out, "  {others} more to sign in\n")
    }

    fn times(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bare, steady) = (best(&self.fetched), best(self.steady()));
        let first = self.cycles.first().copied().unwrap_or_default();
        let ratio = steady.wall.as_secs_f64() / bare.wall.as_secs_f64();
        let told = format!(
            "{ratio:.3} x the bare fetch ({:.3} s and {:.3} s)",
            steady.wall.as_secs_f64(),
            bare.wall.as_secs_f64()
        );
        line(out, "wall", &told, &format!("at most {WALL_RATIO_MAX:.2} x"), ratio <= WALL_RATIO_MAX)?;
        let cpu = self.micros(steady.cpu);
        let told = format!("{cpu:.2} us a session (bare fetch {:.2} us)", self.micros(bare.cpu));
        line(out, "processor", &told, &format!("at most {CPU_MICROS_MAX} us"), cpu <= CPU_MICROS_MAX)?;
        let (wall, cpu) = (first.wall.as_secs_f64(), self.micros(first.cpu));
        writeln!(out, "  the first cycle, nothing remembered: {wall:.3} s, {cpu:.2} us a session\n")
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes of one process fit")]
    fn memory(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = |number: fn(&Cost) -> u64, costs: &[Cost]| costs.iter().map(number).max().unwrap_or_default() as f64;
        let peak = most(|cost| cost.peak, &self.cycles);
        let told = format!("{:.1} MiB, {:.0} bytes a session with its person", peak / MIB, peak / self.sessions());
        let target = format!("{PEAK_MIB_MAX} MiB at {PEAK_SESSIONS}");
        if self.world.sessions >= PEAK_SESSIONS {
            line(out, "peak memory", &told, &target, peak <= PEAK_MIB_MAX * MIB)?;
        } else {
            writeln!(out, "{:<14} {told:<62} ({target})", "peak memory")?;
        }
        let told = format!("{SESSION_BYTES} bytes a session, by their types");
        let target = format!("at most {SESSION_BYTES_MAX} bytes");
        line(out, "row and page", &told, &target, SESSION_BYTES <= SESSION_BYTES_MAX)?;
        let (first, steady) = (self.cycles.get(..1).unwrap_or_default(), self.steady());
        let [first, steady, rest] =
            [most(|cost| cost.peak, first), most(|cost| cost.peak, steady), most(|cost| cost.resident, steady)]
                .map(|bytes| bytes / MIB);
        writeln!(out, "  the first cycle {first:.1} MiB, later ones {steady:.1} MiB, between them {rest:.1} MiB\n")
    }

    fn parts(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "parts by themselves, us a session:")?;
        for (name, took) in &self.parts {
            writeln!(out, "  {name:<24} {:>7.3}", self.micros(*took))?;
        }
        Ok(())
    }

    fn steady(&self) -> &[Cost] {
        self.cycles.get(1..).unwrap_or_default()
    }

    fn micros(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.sessions()
    }

    #[expect(clippy::cast_precision_loss, reason = "sessions of one account fit")]
    fn sessions(&self) -> f64 {
        self.world.sessions as f64
    }
}

/// People whose records are read in the first cycle, in calls: whoever has a session.
fn records_of(world: &World) -> u64 {
    world.people.min(world.sessions).div_ceil(PAGE)
}

/// The least of each number.
fn best(costs: &[Cost]) -> Cost {
    let least = |number: fn(&Cost) -> Duration| costs.iter().map(number).min().unwrap_or_default();
    Cost { wall: least(|cost| cost.wall), cpu: least(|cost| cost.cpu), ..Cost::default() }
}

fn line(out: &mut fmt::Formatter<'_>, name: &str, told: &str, target: &str, is_met: bool) -> fmt::Result {
    writeln!(out, "{name:<14} {told:<62} {target:<24} {}", if is_met { "met" } else { "MISSED" })
}
