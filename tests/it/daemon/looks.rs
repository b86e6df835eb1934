//! Between two sweeps: whom logs name is looked at within a minute, and nobody else.

use evictd::model::{Role, SessionId};
use jiff::SignedDuration;

use super::{Site, Stage, minutes, seconds, wait};
use crate::enforcement::{session, user};

pub const RULES: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "Opened abroad"
action = "revoke-session"
mode = "enforce"
when.sign-in.country.in = ["ZA"]

[[rule]]
id = "driven"
title = "Used by a program"
action = "revoke-session"
mode = "enforce"
when.client.kind.in = ["headless", "script"]
"#;

/// Agents from 1 on, each at work for an hour.
pub fn at_work(site: &Site, agents: u64) {
    let now = site.simulator.now();
    site.simulator.world(|world| {
        for number in 1..=agents {
            world.add_person(user(number), Role::Agent);
            let opened = now - SignedDuration::from_mins(60);
            world.add_session(session(1_000 + number), user(number), opened, now);
        }
        world.fill_logs();
    });
}

pub fn has(site: &Site, id: SessionId) -> bool {
    site.simulator.world(|world| world.sessions.contains_key(&id))
}

#[tokio::test(start_paused = true)]
async fn a_stolen_cookie_is_found_between_two_sweeps_and_only_its_person_is_looked_at() {
    let stage = Stage::remembering("acme", "sweep = \"0 * * * *\"", None);
    let acme = stage.site("acme");
    RULES.clone_into(&mut acme.policies.lock().unwrap());
    at_work(acme, 30);
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        let before = acme.simulator.requests().len();
        wait(minutes(1)).await;
        let quiet = acme.simulator.requests().len() - before;
        assert!(quiet <= 3, "a minute in which nothing happens costs {quiet} requests");
        let now = acme.simulator.now();
        acme.simulator.world(|world| world.steal_cookie(session(1_007), now));
        let before = acme.simulator.requests().len();
        wait(seconds(62)).await;
        assert!(!has(acme, session(1_007)) && has(acme, session(1_008)));
        let asked = acme.simulator.requests().split_off(before);
        let listed = asked.iter().filter(|one| one.path.contains("/users/") && one.path.contains("/sessions?"));
        assert!(listed.clone().all(|one| one.path.contains("/users/7/")) && listed.count() > 0, "{asked:?}");
        // Nothing is left to look at: if who was signed out comes back, the log names them.
        let before = acme.simulator.requests().len();
        wait(minutes(1)).await;
        assert!(acme.simulator.requests().len() - before <= 3);
    });
    assert_eq!(done.await, Ok(()));
    let looks: Vec<_> = acme.cycles().into_iter().filter_map(|(_, finished)| finished.looked).collect();
    assert_eq!(looks, [["7"]]);
    assert_eq!(acme.count("claim.ended"), 0, "of whom it did not look at nothing is said");
}

/// Where a thief was seen once is a place where somebody had been seen: that must not hide the next theft.
#[tokio::test(start_paused = true)]
async fn a_thief_who_comes_back_from_the_same_place_is_found_again() {
    let stage = Stage::remembering("acme", "sweep = \"0 */6 * * *\"", None);
    let acme = stage.site("acme");
    RULES.clone_into(&mut acme.policies.lock().unwrap());
    at_work(acme, 30);
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        let mut stolen = session(1_007);
        for _ in 0..2 {
            let now = acme.simulator.now();
            acme.simulator.world(|world| world.steal_cookie(stolen, now));
            wait(seconds(62)).await;
            assert!(!has(acme, stolen), "{stolen}");
            let now = acme.simulator.now();
            stolen = acme.simulator.world(|world| world.sign_in(user(7), now));
            // What was seen within one hour is one sighting, which may be of both sessions.
            wait(minutes(100)).await;
        }
    });
    assert_eq!(done.await, Ok(()));
}

/// A rule that asks nothing of logs names nobody; who was just signed out is looked at all the same.
#[tokio::test(start_paused = true)]
async fn whoever_was_just_signed_out_is_looked_at_for_a_quarter_of_an_hour() {
    let stage = Stage::remembering("acme", "sweep = \"0 * * * *\"", None);
    let acme = stage.site("acme");
    RULES
        .replace("when.sign-in.country.in = [\"ZA\"]", "when.user.id.in = [\"1\"]")
        .clone_into(&mut acme.policies.lock().unwrap());
    let rule = acme.policies.lock().unwrap().split("[[rule]]\nid = \"driven\"").next().unwrap().to_owned();
    *acme.policies.lock().unwrap() = rule;
    acme.agent(1, 1);
    acme.agent(2, 1);
    let opens = |id: u64| {
        let now = acme.simulator.now();
        acme.simulator.world(|world| *world.add_session(session(id), user(1), now, now));
    };
    let done = stage.run(async |_| {
        wait(minutes(5)).await;
        assert!(!acme.has_session(1) && acme.has_session(2));
        opens(5_001);
        wait(seconds(70)).await;
        assert!(!has(acme, session(5_001)), "who came back is found within a minute");
        wait(minutes(20)).await;
        let before = acme.simulator.requests().len();
        wait(minutes(10)).await;
        assert_eq!(acme.simulator.requests().len(), before, "and nobody is watched for ever");
    });
    assert_eq!(done.await, Ok(()));
    let looked: Vec<_> = acme.cycles().into_iter().filter_map(|(_, finished)| finished.looked).collect();
    assert!((17..=24).contains(&looked.len()) && looked.iter().all(|people| *people == ["1"]), "{looked:?}");
    assert_eq!(acme.records().iter().filter(|line| line.entry.kind() == "revocation.graded").count(), 3);
}
