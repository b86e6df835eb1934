//! A daemon's life: it begins, sweeps, is looked at, reloads, and ends.

use serde_json::Value;

use super::{
    CONFIG, control, desk, run, status, stop, table_of, verify, wait_for, wait_until_it_says, wait_until_it_stands,
};
use crate::command::assert_every_delete_was_announced;
use crate::program::Desk;

fn kinds(desk: &Desk) -> Vec<Value> {
    desk.trail().iter().map(|line| line["kind"].clone()).collect()
}

fn count(desk: &Desk, kind: &str) -> usize {
    kinds(desk).iter().filter(|one| *one == kind).count()
}

#[test]
fn it_sweeps_at_once_is_seen_by_the_commands_and_ends_by_the_book() {
    let desk = desk();
    let room = &desk.room;
    let daemon = run(room);
    let seen = wait_until_it_stands(&daemon, room, "armed");
    assert!(desk.deletes() > 5, "it enforces: {seen:#}");
    assert_eq!((&seen["daemon"]["schema"], &seen["daemon"]["sweep"]), (&1.into(), &"every 30s".into()));
    assert!(seen["daemon"]["next_sweep"].is_string() && seen["daemon"]["budget"]["used"].as_u64() > Some(5));
    let pid = format!("another process ({}) holds the lock", daemon.pid());
    desk.apply().says(75, &[&pid, "help:"]);
    run(room).end().says(75, &[&pid, "no account can begin"]);
    desk.plan().says(0, &[]);
    room.run(&[&["status"], &CONFIG[..]].concat()).says(0, &["standing      armed", "next sweep    20"]);
    verify(room);
    let ended = stop(daemon);
    assert!(ended.stdout.is_empty() && ended.stderr.contains("cycle finished"), "{ended:?}");
    let last = desk.trail().pop().unwrap();
    assert_eq!((&last["kind"], &last["exit"]), (&"daemon.stopped".into(), &0.into()));
    verify(room);
    assert_every_delete_was_announced(&desk);
    let after = status(room);
    assert_eq!((&after["standing"], &after["daemon"]), (&"disarmed".into(), &Value::Null), "{after:#}");
    desk.apply().says(0, &[]);
}

#[test]
fn an_interrupt_from_a_terminal_ends_it_too() {
    let desk = desk();
    let daemon = run(&desk.room);
    wait_until_it_stands(&daemon, &desk.room, "armed");
    daemon.signal("INT");
    daemon.end().says(0, &["stopping after the calls in flight"]);
    assert_eq!(kinds(&desk).last(), Some(&"daemon.stopped".into()));
}

#[test]
fn a_reload_is_in_force_at_once_and_a_broken_one_changes_nothing() {
    let desk = desk();
    let room = &desk.room;
    let daemon = run(room);
    let first = wait_until_it_stands(&daemon, room, "armed");
    let policy = |status: &Value| status["daemon"]["policy"].clone();

    room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"");
    daemon.signal("HUP");
    let watching = wait_until_it_stands(&daemon, room, "watching");
    assert_eq!(policy(&watching), policy(&first));

    room.edit("policies/simulated.toml", "title    = \"Deleted user", "titel    = \"Deleted user");
    daemon.signal("HUP");
    let rejected = wait_for(&daemon, room, "rejected", |status| !status["daemon"]["rejected"].is_null());
    assert_eq!((&rejected["standing"], policy(&rejected)), (&"watching".into(), policy(&first)));
    assert!(rejected["daemon"]["rejected"]["text"].as_str().unwrap().contains("did you mean `title`?"));
    wait_until_it_says(&daemon, "reload rejected");
    room.run(&[&["status"], &CONFIG[..]].concat()).says(0, &["rejected", "the last good set is in force"]);
    room.run(&[&["audit", "show", "--kind", "policy.rejected"], &CONFIG[..]].concat()).says(0, &["during", "reload"]);

    room.edit("policies/simulated.toml", "titel    = \"Deleted user", "title    = \"A deleted user");
    room.edit("evictd.toml", "mode = \"report\"", "mode = \"enforce\"");
    daemon.signal("HUP");
    let armed = wait_until_it_stands(&daemon, room, "armed");
    assert!(policy(&armed) != policy(&first) && armed["daemon"]["rejected"].is_null());
    assert_eq!(
        [count(&desk, "policy.loaded"), count(&desk, "config.loaded"), count(&desk, "policy.rejected")],
        [2, 3, 1]
    );
    let changes = |kind: &str| room.run(&[&["audit", "show", "--kind", kind], &CONFIG[..]].concat());
    changes("config.loaded").says(0, &["weakens", "widens"]);
    changes("policy.loaded").says(0, &["neutral", "title", "owners"]);
    room.run(&[&["status"], &CONFIG[..]].concat()).says(0, &["weakened", "key mode: changed (weakens)", "belt"]);
    stop(daemon);
    verify(room);
}

#[test]
fn a_pause_disarms_it_while_it_lasts() {
    let desk = desk();
    let room = &desk.room;
    let daemon = run(room);
    wait_until_it_stands(&daemon, room, "armed");
    room.write("state/simulated/pause", "");
    wait_until_it_stands(&daemon, room, "disarmed");
    std::fs::remove_file(room.path("state/simulated/pause")).unwrap();
    wait_until_it_stands(&daemon, room, "armed");
    stop(daemon);
}

#[test]
fn a_zendesk_that_answers_late_blinds_it_until_then() {
    let desk = desk();
    let room = &desk.room;
    control(&desk, "faults", "server-error=1");
    let daemon = run(room);
    wait_for(&daemon, room, "blind", |status| {
        status["standing"] == "blind" && status["why"].to_string().contains("Zendesk")
    });
    assert_eq!(desk.deletes(), 0);
    control(&desk, "faults", "");
    wait_until_it_stands(&daemon, room, "armed");
    stop(daemon);
    verify(room);
}

#[test]
fn accounts_are_added_and_sent_home_by_a_reload() {
    let desk = desk();
    let room = &desk.room;
    let other = Desk::new();
    let first = room.read("evictd.toml");
    let both = format!("{first}{}", table_of(&other, "second"));
    let daemon = run(room);
    wait_until_it_stands(&daemon, room, "armed");
    room.write("evictd.toml", &both);
    daemon.signal("HUP");
    wait_until_it_says(&daemon, "reloaded accounts=2");
    let of_second = |part: &str| {
        let arguments = [&["status", "--account", "second"], &CONFIG[..]].concat();
        crate::program::poll(|| room.run(&arguments).stdout.contains(part).then_some(())).expect("the second account");
    };
    of_second("standing      armed");
    room.write("evictd.toml", &first);
    daemon.signal("HUP");
    wait_until_it_says(&daemon, "reloaded accounts=1");
    room.write("evictd.toml", &both);
    of_second("running       no");
    let trail = crate::program::poll(|| {
        let ran = room.run(&[&["audit", "tail", "-n", "1", "--account", "second"], &CONFIG[..]].concat());
        ran.stdout.contains("daemon.stopped").then_some(())
    });
    assert!(trail.is_some());
    stop(daemon);
}

/// A reload that names the folders of another daemon leaves what that one says.
#[test]
fn two_daemons_on_one_folder_are_one_that_acts_and_one_that_says_nothing_there() {
    let desk = desk();
    let room = &desk.room;
    let config = room.read("evictd.toml");
    let apart = config.replace("\"state\"", "\"state2\"").replace("\"trail\"", "\"trail2\"");
    assert_ne!(apart, config);
    room.write("other.toml", apart);
    let one = run(room);
    wait_until_it_stands(&one, room, "armed");
    let other = room.start(&["run", "--config", "other.toml"]);
    wait_until_it_says(&other, "cycle finished");
    room.write("other.toml", config);
    other.signal("HUP");
    wait_until_it_says(&other, "reloaded");
    let is_of_one = || status(room)["daemon"]["pid"] == one.pid();
    assert!(is_of_one());
    stop(other);
    assert!(is_of_one() && status(room)["standing"] == "armed");
    stop(one);
    verify(room);
}
