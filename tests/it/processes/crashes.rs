//! SIGKILL at random moments while it enforces: the trail verifies each time, and what is open is settled by the next
//! start.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use evictd::model::{Role, UserId};
use evictd::snapshot;
use serde_json::{Value, json};

use super::{CONFIG, control, run, status, stop, verify, wait_until_it_stands, with_sweep};
use crate::command::assert_every_delete_was_announced;
use crate::program::{Desk, Room, Running, poll};

const CRASHES: u64 = 50;

/// However young: every session of a customer goes, each by itself; and all of whoever is suspended.
const POLICY: &str = r#"
schema = 1
[[rule]]
id = "customer"
title = "A customer's session"
action = "revoke-session"
severity = "high" # or who comes back again and again waits for a human
mode = "enforce"
when.user.role.is = "end-user"
[[rule]]
id = "suspended"
title = "Suspended"
action = "revoke-user"
severity = "high"
mode = "enforce"
when.user.suspended = true
"#;

/// Belts so wide that nothing here reaches them.
const WIDE: &str = r#"
belts.dangerous-people-per-rule-max = 10000
belts.dangerous-people-per-rule-and-hour-max = 10000
belts.dangerous-people-per-rule-and-day-max = 10000
belts.dangerous-roster-part-per-hour-max = "100%"
belts.dangerous-roster-part-per-day-max = "100%"
belts.dangerous-roster-floor = 1000
"#;

fn customers(room: &Room) -> Vec<UserId> {
    let bytes = std::fs::read(room.path("state/simulated/last-snapshot.json.gz")).unwrap();
    let people = snapshot::from_bytes(&bytes).unwrap().people;
    let customers = people.values().filter(|person| {
        person.role == Some(Role::EndUser) && person.deleted != Some(true) && person.suspended != Some(true)
    });
    customers.map(|person| person.id).collect()
}

/// Eight customers sign in, one of them is suspended, and who was suspended before no longer is.
fn traffic(desk: &Desk, customers: &[UserId], draws: &mut fastrand::Rng, suspended: &mut Option<UserId>) {
    let mut some: Vec<UserId> = customers.to_vec();
    draws.shuffle(&mut some);
    let change = |user: &UserId, word: &str| json!({ "user": user.to_string(), "change": word });
    let mut changes: Vec<Value> = suspended.iter().map(|user| change(user, "unsuspend")).collect();
    changes.extend(some.iter().take(8).map(|user| change(user, "sign-in")));
    changes.extend(some.iter().take(2).map(|user| change(user, "sign-in")));
    changes.extend(some.first().map(|user| change(user, "suspend")));
    *suspended = some.first().copied();
    control(desk, "people", &Value::from(changes).to_string());
}

/// The moment: some milliseconds after the start, or after its first or some later DELETE.
fn wait_for_the_moment(desk: &Desk, running: &Running, before: usize, draws: &mut fastrand::Rng) {
    if draws.u8(..4) == 0 {
        sleep(Duration::from_millis(draws.u64(5..400)));
        return;
    }
    let wanted = before + draws.usize(1..8);
    poll(|| (desk.deletes() >= wanted).then_some(())).unwrap_or_else(|| panic!("no DELETE: {}", running.said()));
    sleep(Duration::from_micros(draws.u64(..6_000)));
}

/// Numbers of intents that no record tells the end of.
fn open(desk: &Desk) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for line in desk.trail() {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        match line["kind"].as_str().unwrap() {
            "revocation.intended" => open.extend(text("seq").or_else(|| Some(line["seq"].to_string()))),
            "revocation.outcome" => open.retain(|seq| Some(seq) != text("intent").as_ref()),
            _ => {}
        }
    }
    open
}

#[test]
fn whenever_it_is_cut_off_the_trail_verifies_and_what_is_open_is_settled_by_the_next_start() {
    let room = Room::new();
    let desk = with_sweep(Desk::with(room, &["--staff", "18", "--end-users", "40"]));
    let room = &desk.room;
    let config = room.read("evictd.toml");
    room.write("evictd.toml", config + WIDE);
    room.write("policies/simulated.toml", POLICY);
    desk.plan().says(0, &[]);
    let customers = customers(room);
    let mut draws = fastrand::Rng::with_seed(0);
    let (mut suspended, mut left_open) = (None, 0);
    for crash in 0..CRASHES {
        traffic(&desk, &customers, &mut draws, &mut suspended);
        let deletes = desk.deletes();
        let daemon = run(room);
        wait_for_the_moment(&desk, &daemon, deletes, &mut draws);
        daemon.cut_off();
        if room.path("trail/simulated").exists() {
            let ran = room.run(&[&["audit", "verify"], &CONFIG[..]].concat());
            assert_eq!(ran.code, 0, "after crash {crash}: {ran:#?}");
            left_open += usize::from(!open(&desk).is_empty());
        }
    }
    assert!(left_open >= 5, "only {left_open} of {CRASHES} crashes left an intent open: too tame");
    assert_every_delete_was_announced(&desk);

    let daemon = run(room);
    wait_until_it_stands(&daemon, room, "armed");
    assert_eq!(status(room)["unsettled"], 0);
    stop(daemon);
    assert_eq!(open(&desk), BTreeSet::new(), "{left_open} crashes left one open");
    verify(room);
    assert_every_delete_was_announced(&desk);
    let left: Value = desk.plan().says(0, &[]).json();
    assert_eq!(left["revoke"], json!([]), "after all that everything is done");
}
