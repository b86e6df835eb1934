//! Commands of humans: pause and resume, holds, ending somebody's sessions now; as a shell gives them, without a daemon
//! and beside one, and in one process where only the simulator can be asked about it.

mod commands;
mod daemon;
mod levers;

use serde_json::Value;

use crate::program::{Desk, Ran};

/// Runs a command on the desk's account.
pub fn pull(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.room.run(&[arguments, &["--config", "evictd.toml"]].concat())
}

/// Records of this kind, oldest first.
pub fn records(desk: &Desk, kind: &str) -> Vec<Value> {
    desk.trail().into_iter().filter(|line| line["kind"] == kind).collect()
}

/// The trail verifies.
pub fn verify(desk: &Desk) {
    pull(desk, &["audit", "verify"]).says(0, &["trail verified"]);
}

/// The people whom rules reach, each once.
pub fn named(desk: &Desk) -> Vec<String> {
    let plan = desk.plan().says(0, &[]).json();
    let rows = ["revoke", "withheld"].into_iter().flat_map(|key| plan[key].as_array().unwrap());
    let mut people: Vec<String> = rows.map(|row| row["user_id"].as_str().unwrap().to_owned()).collect();
    people.sort();
    people.dedup();
    people
}
