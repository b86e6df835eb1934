//! Starting anew with what an edit broke: what was last in force runs, and says so; without any it does not begin.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use evictd::daemon::Status;
use serde_json::Value;

use super::{CONFIG, desk, run, status, stop, table_of, verify, wait_until_it_says, wait_until_it_stands};
use crate::program::{Desk, Room, Running, poll};

/// A desk at which a daemon was in force once.
fn used() -> Desk {
    let desk = desk();
    let daemon = run(&desk.room);
    wait_until_it_stands(&daemon, &desk.room, "armed");
    stop(daemon);
    desk
}

/// What the daemon wrote, where no command could read the configuration.
fn written(room: &Room, running: &Running) -> Status {
    let of_this = |status: &Status| status.pid == running.pid() && status.last_cycle.is_some();
    let seen = poll(|| Status::read(&room.path("state/simulated")).unwrap().filter(of_this));
    seen.unwrap_or_else(|| panic!("no status: {}", running.said()))
}

fn rejections(desk: &Desk) -> Vec<Value> {
    let trail = desk.trail();
    trail.iter().filter(|line| line["kind"] == "policy.rejected").map(|line| line["during"].clone()).collect()
}

#[test]
fn a_broken_policy_set_is_stood_in_for_by_the_last_good_one() {
    let desk = used();
    let room = &desk.room;
    let before = status(room)["policy"].clone();
    room.edit("policies/simulated.toml", "schema = 1", "schema = 1\nshcema = 2");
    let daemon = run(room);
    let seen = wait_until_it_stands(&daemon, room, "armed");
    assert_eq!(seen["daemon"]["policy"], before);
    assert_eq!(seen["daemon"]["rejected"]["errors"], 1, "{seen:#}");
    assert!(seen["why"].to_string().contains("the last good set is in force"), "{seen:#}");
    wait_until_it_says(&daemon, "the last good set is in force");
    room.edit("policies/simulated.toml", "schema = 1\nshcema = 2", "schema = 1");
    daemon.signal("HUP");
    wait_until_it_says(&daemon, "reloaded");
    let mended = poll(|| status(room)["daemon"]["rejected"].is_null().then_some(()));
    assert!(mended.is_some());
    stop(daemon);
    assert_eq!(rejections(&desk), ["start"]);
    verify(room);
}

#[test]
fn policies_that_are_gone_are_stood_in_for_too() {
    let desk = used();
    let room = &desk.room;
    fs::remove_file(room.path("policies/simulated.toml")).unwrap();
    let daemon = run(room);
    let seen = wait_until_it_stands(&daemon, room, "armed");
    assert!(!seen["daemon"]["rejected"].is_null(), "{seen:#}");
    stop(daemon);
}

/// Two units may name one folder of state.
#[test]
fn the_last_good_configuration_of_another_file_is_not_used() {
    let desk = used();
    let room = &desk.room;
    room.write("other.toml", room.read("evictd.toml").replace("scope = ", "scpoe = "));
    let ran = room.run(&["run", "--config", "other.toml"]);
    ran.says(78, &["is that of", "evictd.toml", "there is no last good set"]);
}

#[test]
fn a_broken_configuration_is_stood_in_for_by_the_last_good_one() {
    let desk = used();
    let room = &desk.room;
    let good = room.read("evictd.toml");
    for broken in [good.replace("scope = ", "scpoe = "), good.replace("mode = \"enforce\"", "mode = enforce")] {
        assert_ne!(broken, good);
        room.write("evictd.toml", broken);
        let daemon = run(room);
        let status = written(room, &daemon);
        assert_eq!(status.standing.word(), "armed", "{status:#?}");
        assert!(status.rejected.is_some());
        wait_until_it_says(&daemon, "the configuration cannot be in force: the last good one is");
        assert_eq!(self::status(room)["standing"], "armed", "whoever looks sees it all the same");
        verify(room);
        let ran = room.run(&[&["status"], &CONFIG[..]].concat());
        ran.says(0, &["armed", "error[", "this is by the last good one"]);
        room.run(&[&["plan"], &CONFIG[..]].concat()).says(78, &["error["]);
        stop(daemon);
    }
    assert_eq!(rejections(&desk), ["start", "start"]);
    room.write("evictd.toml", good);
    verify(room);
}

#[test]
fn a_missing_configuration_is_stood_in_for_where_the_state_is_known() {
    let desk = used();
    let room = &desk.room;
    let good = room.read("evictd.toml");
    fs::remove_file(room.path("evictd.toml")).unwrap();
    let state = room.path("state");
    let daemon = room.start_with(&[&["run"], &CONFIG[..]].concat(), &[("STATE_DIRECTORY", state.to_str().unwrap())]);
    assert!(written(room, &daemon).rejected.is_some());
    stop(daemon);
    let elsewhere = [("STATE_DIRECTORY", "nowhere")];
    let ran = room.start_with(&[&["run"], &CONFIG[..]].concat(), &elsewhere).end();
    ran.says(78, &["there is no such file", "there is no last good set to run instead"]);
    room.write("evictd.toml", good);
    verify(room);
}

#[test]
fn without_any_good_set_it_does_not_begin() {
    let desk = desk();
    let room = &desk.room;
    let good = room.read("policies/simulated.toml");
    room.write("policies/simulated.toml", "schema = 1\n[[rule]]\n");
    run(room).end().says(78, &["there is no last good set to run instead", "help:"]);
    room.write("policies/simulated.toml", good);
    room.edit("evictd.toml", "scope = ", "scpoe = ");
    run(room).end().says(78, &["there is no last good set to run instead"]);
    assert!(desk.requests().is_empty() && !room.path("trail/simulated").exists());
}

#[test]
fn a_secret_that_cannot_be_read_stops_its_own_account_only() {
    let desk = desk();
    let room = &desk.room;
    let other = Desk::new();
    let secret = fs::read(other.room.path("client-secret")).unwrap();
    fs::remove_file(other.room.path("client-secret")).unwrap();
    room.write("evictd.toml", room.read("evictd.toml") + &table_of(&other, "other"));
    let daemon = run(room);
    let of = |account: &str| room.run(&[&["status", "--account", account], &CONFIG[..]].concat()).says(0, &[]).stdout;
    let stands = |account: &str, word: &str| {
        let line = format!("standing      {word}");
        poll(|| of(account).contains(&line).then_some(())).unwrap_or_else(|| panic!("{}", of(account)));
    };
    stands("simulated", "armed");
    stands("other", "disarmed");
    wait_until_it_says(&daemon, "the account cannot begin");
    assert!(daemon.said().contains("client-secret`: there is no such file"), "{}", daemon.said());
    other.room.write("client-secret", secret);
    fs::set_permissions(other.room.path("client-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    daemon.signal("HUP");
    stands("other", "armed");
    stop(daemon);
}
