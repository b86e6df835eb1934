//! What a service manager hears: the words of `sd_notify(3)` on a socket, as systemd would read them.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::{CONFIG, desk, wait_for, wait_until_it_stands};
use crate::program::{Room, Running};

/// The longest silence that is borne.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Signs of life come five times a second: this is a minute of them.
const MESSAGES_MAX: usize = 300;

/// The socket of a service manager that wants a sign of life every 400 ms.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn start(room: &Room) -> (Self, Running) {
        let path = room.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(SILENCE_MAX)).unwrap();
        let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
        let running = room.start_with(&[&["run"], &CONFIG[..]].concat(), &environment);
        (Self { socket, heard: Vec::new() }, running)
    }

    /// The next message that is no mere sign of life and has this line.
    fn hears(&mut self, line: &str) -> String {
        for _ in 0..MESSAGES_MAX {
            let mut bytes = [0; 4096];
            let length =
                self.socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{line}: {error}: {:#?}", self.heard));
            let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
            let found = text.lines().any(|one| one == line || one.starts_with(line) && line.ends_with('='));
            self.heard.push(text.clone());
            if found {
                return text;
            }
        }
        panic!("never `{line}`: {:#?}", self.heard)
    }

    fn count(&self, line: &str) -> usize {
        self.heard.iter().filter(|text| text.lines().any(|one| one.starts_with(line))).count()
    }
}

#[test]
fn a_service_manager_hears_of_readiness_reloads_life_and_the_end() {
    let desk = desk();
    let room = &desk.room;
    let (mut manager, daemon) = Manager::start(room);
    let ready = manager.hears("READY=1");
    assert!(ready.contains("STATUS=1 of 1 accounts at work"), "{ready}");
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
    wait_until_it_stands(&daemon, room, "armed");

    daemon.signal("HUP");
    let reloading = manager.hears("RELOADING=1");
    let since = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(since.is_some_and(|since| since.parse::<u64>().is_ok_and(|since| since > 0)), "{reloading}");
    let ready = manager.hears("READY=1");
    assert!(ready.contains("STATUS=reloaded, 1 accounts"), "{ready}");

    room.edit("evictd.toml", "scope = ", "scpoe = ");
    daemon.signal("HUP");
    manager.hears("RELOADING=1");
    let ready = manager.hears("READY=1");
    assert!(ready.contains("STATUS=reload rejected, 1 error"), "{ready}");
    room.edit("evictd.toml", "scpoe = ", "scope = ");
    manager.hears("WATCHDOG=1");

    daemon.signal("TERM");
    manager.hears("STOPPING=1");
    daemon.end().says(0, &[]);
    assert_eq!(manager.count("EXTEND_TIMEOUT_USEC="), 0, "{:#?}", manager.heard);
}

#[test]
fn while_zendesk_does_not_answer_it_is_not_ready_and_asks_for_time() {
    let desk = desk();
    let room = &desk.room;
    let address = desk.ready["base_url"].as_str().unwrap();
    room.edit("evictd.toml", address, "http://127.0.0.1:9");
    let (mut manager, daemon) = Manager::start(room);
    let asks = manager.hears("EXTEND_TIMEOUT_USEC=");
    assert!(asks.contains("STATUS=waiting for Zendesk's first answer"), "{asks}");
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
    assert_eq!(manager.count("READY=1"), 0);
    wait_for(&daemon, room, "blind", |status| status["standing"] == "blind");
    room.edit("evictd.toml", "http://127.0.0.1:9", address);
    daemon.signal("HUP");
    manager.hears("READY=1");
    assert_eq!(manager.count("RELOADING=1"), 0, "who was never ready is still starting");
    daemon.signal("TERM");
    manager.hears("STOPPING=1");
    daemon.end().says(0, &[]);
}
