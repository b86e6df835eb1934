//! `evictd run` as a service manager starts it, against `evictd simulator`: two real processes, real signals, real files.
//!
//! What can be shown on simulated time is shown in `daemon`; here is what needs processes. Every wait polls, with a bound.

mod crashes;
mod life;
mod logs;
mod notify;
mod signed;
mod start;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::program::{Desk, Ran, Room, Running, poll};

pub const CONFIG: [&str; 2] = ["--config", "evictd.toml"];

/// A desk whose account sweeps as often as may be.
pub fn desk() -> Desk {
    with_sweep(Desk::new())
}

pub fn with_sweep(desk: Desk) -> Desk {
    let text = desk.room.read("evictd.toml");
    desk.room.write("evictd.toml", text + "sweep = { every = \"30s\" }\n");
    desk
}

/// The table of a further account, on a Zendesk of its own.
pub fn table_of(other: &Desk, name: &str) -> String {
    let text = other.room.read("evictd.toml");
    let secret = other.room.path("client-secret");
    let table = text.split_once("[accounts.simulated]").unwrap().1;
    format!("[accounts.{name}]{}", table.replace("client-secret", secret.to_str().unwrap()))
}

/// Starts the daemon in this room.
pub fn run(room: &Room) -> Running {
    room.start(&[&["run"], &CONFIG[..]].concat())
}

pub fn status(room: &Room) -> Value {
    room.run(&[&["status", "--format", "json"], &CONFIG[..]].concat()).says(0, &[]).json()
}

/// Waits until the account's status is as wanted.
pub fn wait_for(running: &Running, room: &Room, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let seen = poll(|| Some(status(room)).filter(&wanted));
    seen.unwrap_or_else(|| panic!("never {what}: {:#}\n{}", status(room), running.said()))
}

/// Waits until the account stands so and a cycle of this process is finished.
pub fn wait_until_it_stands(running: &Running, room: &Room, word: &str) -> Value {
    let pid = running.pid().to_string();
    let is_so = |status: &Value| {
        status["standing"] == word && status["running_pid"] == *pid && !status["daemon"]["last_cycle"].is_null()
    };
    wait_for(running, room, word, is_so)
}

/// Waits for a line on stderr.
pub fn wait_until_it_says(running: &Running, part: &str) {
    poll(|| running.said().contains(part).then_some(())).unwrap_or_else(|| panic!("no `{part}`: {}", running.said()));
}

/// Asks it to stop; it ends by the book.
pub fn stop(running: Running) -> Ran {
    running.signal("TERM");
    running.end().says(0, &[])
}

/// The trail verifies.
pub fn verify(room: &Room) {
    room.run(&[&["audit", "verify"], &CONFIG[..]].concat()).says(0, &["trail verified"]);
}

/// Tells the simulator something, at its control address.
pub fn control(desk: &Desk, path: &str, body: &str) -> String {
    let url = desk.ready["base_url"].as_str().unwrap();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("POST /control/{path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Length:");
    write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    answer
}
