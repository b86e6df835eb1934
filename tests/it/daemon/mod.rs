//! The daemon in one process: real lanes, posts, trails and states, simulated Zendesks, simulated time.
//!
//! What one sweep does is shown in `enforcement`; here it is shown when sweeps come, that accounts do not hurt each
//! other, and what starting, reloading, stopping and the watchdog come to.

mod bell;
mod day;
mod exposure;
mod hands;
mod lists;
pub mod looks;
mod reload;
mod rhythm;
mod spread;
mod stage;
mod start;
mod stop;
mod tokens;
mod trouble;
mod watch;
mod watchdog;
mod wire;

pub use stage::{Site, Stage, minutes, seconds, tally, wait};
pub use wire::Weather;

/// Sweeps on every minute.
pub const EACH_MINUTE: &str = "sweep = \"* * * * *\"";
