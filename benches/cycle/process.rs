//! What a process costs, as the kernel counts it for the process itself; and children of this very program.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use evictd::clock::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};

/// What something took.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Time that passed.
    pub wall: Duration,
    /// Time on a processor, the kernel's work for the process included.
    pub cpu: Duration,
    /// The most memory that was resident meanwhile, in bytes.
    pub peak: u64,
    /// Memory resident at the end, in bytes.
    pub resident: u64,
}

/// Measures from one moment to the next.
pub struct Meter {
    wall: Duration,
    cpu: Duration,
}

impl Meter {
    /// Begins now.
    pub fn start() -> Self {
        reset_peak();
        Self { wall: SystemClock.monotonic(), cpu: cpu() }
    }

    /// What it took since the start or the last lap, and begins anew.
    pub fn lap(&mut self) -> Cost {
        let (wall, cpu) = (SystemClock.monotonic(), cpu());
        let (peak, resident) = memory();
        let cost = Cost { wall: wall.saturating_sub(self.wall), cpu: cpu.saturating_sub(self.cpu), peak, resident };
        reset_peak();
        *self = Self { wall, cpu };
        cost
    }
}

/// Time on a processor of all threads that live: `se.sum_exec_runtime`, in nanoseconds.
fn cpu() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn memory() -> (u64, u64) {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    (kib("VmHWM").unwrap_or_default() * 1024, kib("VmRSS").unwrap_or_default() * 1024)
}

/// From here on the peak is that of what follows. Where the kernel does not allow it, it is that of the whole life.
fn reset_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// A child that serves until it is dropped.
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// Starts this program in another role, one that says its port first.
    pub fn start(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { input: child.stdin.take(), port: line.trim().parse()?, child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.child.wait());
    }
}

/// Runs this program in another role, and reads the document that it prints.
pub fn ask<T: for<'de> Deserialize<'de>>(arguments: &[String]) -> Result<T, Box<dyn Error>> {
    let done = Command::new(std::env::current_exe()?).args(arguments).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("{arguments:?} failed").into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}
