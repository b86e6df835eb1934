//! What the daemon logs: lines that a program can read, and nobody's name.

use std::fs;

use evictd::model::Foreign;
use evictd::snapshot;
use serde_json::Value;

use super::{CONFIG, control, desk, run, stop, wait_for, wait_until_it_stands};
use crate::program::{Desk, Room};

/// Names and addresses of everybody whom the last cycle saw.
fn personal(room: &Room) -> Vec<String> {
    let bytes = fs::read(room.path("state/simulated/last-snapshot.json.gz")).unwrap();
    let people = snapshot::from_bytes(&bytes).unwrap().people;
    // evictd's own user has its name from it.
    let texts = people
        .values()
        .filter(|person| person.name.raw() != "evictd")
        .flat_map(|person| [Some(&person.name), person.email.as_ref()])
        .flatten();
    let texts: Vec<String> = texts.map(Foreign::raw).filter(|text| text.len() > 3).map(str::to_owned).collect();
    assert!(texts.len() > 60, "{texts:?}");
    texts
}

fn names_nobody(log: &str, personal: &[String]) {
    for text in personal {
        assert!(!log.contains(text.as_str()), "`{text}` in {log}");
    }
    assert!(!log.contains('@'), "{log}");
}

/// A daemon's log over a life with acts, a rejected reload, and a Zendesk that fails.
fn log_of(desk: &Desk, form: &str) -> String {
    let room = &desk.room;
    let daemon = room.start(&[&["run", "--log-format", form], &CONFIG[..]].concat());
    wait_until_it_stands(&daemon, room, "armed");
    let text = room.read("policies/simulated.toml");
    room.write("policies/simulated.toml", text.replace("schema = 1", "schema = 1\nowner = \"ann@example.com\""));
    daemon.signal("HUP");
    wait_for(&daemon, room, "rejected", |status| !status["daemon"]["rejected"].is_null());
    room.write("policies/simulated.toml", text);
    daemon.signal("HUP");
    wait_for(&daemon, room, "mended", |status| status["daemon"]["rejected"].is_null());
    stop(daemon).stderr
}

#[test]
fn each_line_of_json_is_one_and_nobody_is_named() {
    let desk = desk();
    let log = log_of(&desk, "json");
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let said = |part: &str| lines.iter().filter(|line| line["message"].as_str().unwrap().contains(part)).count();
    assert_eq!([said("cycle finished"), said("reload rejected"), said("reloaded"), said("stopping")], [1, 1, 1, 1]);
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    let cycle = lines.iter().find(|line| line["message"] == "cycle finished").unwrap();
    assert!(cycle["revoked"].as_u64() > Some(5) && cycle["span"]["account"] == "simulated", "{cycle:#}");
    names_nobody(&log, &personal(&desk.room));
}

#[test]
fn plain_lines_name_nobody_either() {
    let desk = desk();
    let log = log_of(&desk, "plain");
    assert!(log.contains("cycle finished") && log.contains("lane{account=simulated}"), "{log}");
    names_nobody(&log, &personal(&desk.room));
}

#[test]
fn an_entry_of_the_protected_that_matches_nobody_is_told_by_the_status_and_not_by_the_log() {
    let desk = desk();
    let room = &desk.room;
    let text = room.read("evictd.toml");
    let line = text.lines().find(|line| line.starts_with("protected")).unwrap();
    room.write("evictd.toml", text.replace(line, "protected = [\"nobody.here@example.com\"]"));
    let daemon = run(room);
    let why = |status: &Value| status["why"].to_string().contains("nobody.here@example.com");
    wait_for(&daemon, room, "disarmed", |status| status["standing"] == "disarmed" && why(status));
    let log = stop(daemon).stderr;
    assert!(log.contains("enforcement is refused") && !log.contains("nobody.here"), "{log}");
    assert_eq!(desk.deletes(), 0);
}

#[test]
fn a_zendesk_that_misbehaves_makes_it_name_nobody() {
    let desk = desk();
    control(&desk, "faults", "html-error=0.1,cut=0.05,move-rows=0.5");
    let daemon = run(&desk.room);
    wait_for(&daemon, &desk.room, "a cycle", |status| !status["daemon"]["last_cycle"].is_null());
    let log = stop(daemon).stderr;
    names_nobody(&log, &personal(&desk.room));
}

#[test]
fn a_filter_that_is_none_ends_with_64_and_a_good_one_is_obeyed() {
    let desk = desk();
    let room = &desk.room;
    let with = |filter: &str| room.start(&[&["run", "--log", filter], &CONFIG[..]].concat());
    for filter in ["loud", "evictd=loud", "evictd::zendesk=inf o", "=,="] {
        with(filter).end().says(64, &["is no filter", "help: write a level"]);
    }
    room.run(&[&["run", "--log-format", "xml"], &CONFIG[..]].concat()).says(64, &["plain", "json"]);
    let daemon = with("error");
    wait_until_it_stands(&daemon, room, "armed");
    assert_eq!(stop(daemon).stderr, "");
}
