//! Between two sweeps: whom logs name is looked at within a minute, and nobody else; how long what is bad lives.

use std::collections::BTreeMap;

use evictd::model::{Role, SessionId};
use jiff::{SignedDuration, Timestamp};

use super::{Site, Stage, minutes, seconds, wait};
use crate::enforcement::{session, user};

const RULES: &str = r#"schema = 1
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
fn at_work(site: &Site, agents: u64) {
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

fn has(site: &Site, id: SessionId) -> bool {
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
        // Nothing is left to look at, once who was signed out had time to come back.
        wait(minutes(16)).await;
        let before = acme.simulator.requests().len();
        wait(minutes(1)).await;
        assert!(acme.simulator.requests().len() - before <= 3);
    });
    assert_eq!(done.await, Ok(()));
    let looks: Vec<_> = acme.cycles().into_iter().filter_map(|(_, finished)| finished.looked).collect();
    assert!((15..=17).contains(&looks.len()) && looks.iter().all(|people| *people == ["7"]), "{looks:?}");
    let ended = acme.records().into_iter().filter_map(|line| match line.entry {
        evictd::record::Entry::ClaimEnded(body) => Some(body.claims),
        _ => None,
    });
    let ended: Vec<_> = ended.flatten().map(|claim| claim.session).collect();
    assert_eq!(ended, ["1007"], "of whom it did not look at nothing is said");
}

/// What an account of 800 agents costs, and how long a bad session lives once a row shows it: a morning with a burst.
#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "`make exposure` shows the figures")]
async fn a_bad_session_is_gone_75_seconds_after_its_row_shows() {
    const AGENTS: u64 = 800;
    const MINUTES: u64 = 60;
    let stage = Stage::remembering("acme", "sweep = \"*/5 * * * *\"", Some(175));
    let acme = stage.site("acme");
    RULES.clone_into(&mut acme.policies.lock().unwrap());
    at_work(acme, AGENTS / 2);
    let mut lived: Vec<SignedDuration> = Vec::new();
    let done = stage.run(async |_| {
        let mut bad: BTreeMap<SessionId, Timestamp> = BTreeMap::new();
        let mut next = AGENTS / 2;
        for minute in 0..MINUTES {
            // 2,400 sign-ins a day, and a shift that begins.
            let sign_ins = if (20..30).contains(&minute) { 30 } else { 1 + minute % 2 };
            let now = acme.simulator.now();
            acme.simulator.world(|world| {
                for _ in 0..sign_ins {
                    next = next % AGENTS + 1;
                    world.add_person(user(next), Role::Agent);
                    let opened = world.sign_in(user(next), now);
                    world.use_session(opened, now);
                }
            });
            for second in 0..60 {
                if second == minute * 7 % 60 && minute >= 5 {
                    let now = acme.simulator.now();
                    let id = acme.simulator.world(|world| {
                        let who = 1 + minute * 11 % (AGENTS / 2);
                        if minute % 2 == 0 {
                            return world.phish(user(who), now);
                        }
                        let id = world.sessions_of(user(who)).next().map_or(session(0), |one| one.id);
                        world.steal_cookie(id, now);
                        id
                    });
                    bad.insert(id, now);
                }
                wait(seconds(1)).await;
                let now = acme.simulator.now();
                let gone: Vec<SessionId> = bad.keys().copied().filter(|id| !has(acme, *id)).collect();
                lived.extend(gone.iter().filter_map(|id| bad.remove(id)).map(|since| since.duration_until(now)));
            }
        }
        assert!(bad.len() <= 2, "{bad:?}");
    });
    assert_eq!(done.await, Ok(()));
    lived.sort_unstable();
    let at = |percent: usize| lived[(lived.len() * percent / 100).min(lived.len() - 1)].as_secs();
    let mut minutes: BTreeMap<String, usize> = BTreeMap::new();
    let requests = acme.simulator.requests();
    for one in &requests {
        *minutes.entry(one.time.strftime("%H:%M").to_string()).or_insert(0) += 1;
    }
    let peak = minutes.values().max().copied().unwrap_or(0);
    let refused = requests.iter().filter(|one| one.status == 429).count();
    println!(
        "{} bad sessions among {AGENTS} agents: gone after {} s in the middle, {} s at p95, {} s at worst;\n\
         {peak} requests in the busiest minute, {} on average, {refused} refused",
        lived.len(),
        at(50),
        at(95),
        at(100),
        requests.len() / minutes.len()
    );
    assert!(lived.len() > 45 && at(95) <= 75, "{lived:?}");
    assert!(peak <= 40 && refused == 0, "{minutes:?}");
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
