//! A sweep that takes long and the looks beside it: nobody waits for its end, nobody is acted on twice, and whatever a human
//! or the service manager wants of the daemon meanwhile is heard. And where requests do not suffice, that is said.

use evictd::daemon::Wish;
use evictd::record::Entry;
use jiff::SignedDuration;

use super::looks::{RULES, at_work, has};
use super::{Site, Stage, Weather, minutes, seconds, wait};
use crate::enforcement::{policies_of, session, user};

/// A sweep of 60 agents lists 14 of them a minute.
fn stage() -> Stage {
    let lines = "scope = \"staff\"\nsweep = \"*/30 * * * *\"\nbudget = { requests-per-minute-max = 25 }";
    let stage = Stage::remembering("acme", lines, None);
    let acme = stage.site("acme");
    RULES.clone_into(&mut acme.policies.lock().unwrap());
    at_work(acme, 60);
    stage
}

fn sweeps(site: &Site) -> usize {
    site.cycles().iter().filter(|(_, finished)| finished.looked.is_none()).count()
}

fn steal(site: &Site, number: u64) {
    let now = site.simulator.now();
    site.simulator.world(|world| world.steal_cookie(session(1_000 + number), now));
}

#[tokio::test(start_paused = true)]
async fn while_a_sweep_lists_whom_logs_name_is_looked_at_and_nobody_is_acted_on_twice() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(seconds(90)).await;
        // One of those who are listed first, and one of those who are listed last.
        for number in [7, 58] {
            steal(acme, number);
        }
        wait(seconds(100)).await;
        assert!(!has(acme, session(1_007)) && !has(acme, session(1_058)) && has(acme, session(1_008)));
        assert_eq!(sweeps(acme), 0, "the sweep lists still");
        assert_eq!(acme.status().next_sweep, None);
        wait(minutes(6)).await;
        assert_eq!(sweeps(acme), 1);
        assert!(acme.status().next_sweep.is_some());
    });
    assert_eq!(done.await, Ok(()));
    let swept = acme.cycles().into_iter().find(|(_, finished)| finished.looked.is_none()).unwrap().1;
    assert!(swept.complete, "{swept:?}");
    assert_eq!((swept.sessions_seen, swept.missed), (58, 0));
    assert!(swept.calls < 75, "what looks cost is theirs: {}", swept.calls);
    assert_eq!((acme.count("revocation.intended"), acme.count("claim.began"), acme.count("withheld")), (2, 1, 0));
    let listed = acme.simulator.requests();
    let of = |number: u64| listed.iter().filter(|one| one.path.contains(&format!("/users/{number}/sessions?"))).count();
    assert_eq!((of(7), of(58), of(8)), (3, 2, 1), "who was looked at, and graded, is not listed again");
}

/// Opened after their person was listed, and told by a row that the sweep itself reads first.
#[tokio::test(start_paused = true)]
async fn who_signs_in_after_being_listed_is_looked_at_even_if_the_sweep_reads_of_it() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        let mut phished = Vec::new();
        while sweeps(acme) == 0 {
            let now = acme.simulator.now();
            let who = user(1 + phished.len() as u64);
            if phished.len() < 60 {
                phished.push(acme.simulator.world(|world| world.phish(who, now)));
            }
            wait(seconds(19)).await;
        }
        assert!(phished.len() > 10, "{}", phished.len());
        wait(minutes(8)).await;
        assert_eq!(sweeps(acme), 1);
        let left: Vec<_> = phished.into_iter().filter(|id| has(acme, *id)).collect();
        assert!(left.is_empty(), "{left:?}");
    });
    assert_eq!(done.await, Ok(()));
}

/// A set that was never in force is no predecessor of the next one, which was judged against what is.
#[tokio::test(start_paused = true)]
async fn of_two_reloads_in_one_listing_only_the_last_comes_into_force() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |hand| {
        wait(minutes(2)).await;
        "schema = 1\n".clone_into(&mut acme.policies.lock().unwrap());
        hand.reload().await;
        "schema = 1\n# the last\n".clone_into(&mut acme.policies.lock().unwrap());
        hand.reload().await;
        assert_eq!((stage.told("reloading"), acme.count("policy.loaded")), (2, 1));
        wait(minutes(5)).await;
        assert_eq!((sweeps(acme), acme.count("policy.loaded")), (1, 2));
    });
    assert_eq!(done.await, Ok(()));
    let loaded = acme.records().into_iter().rev().find_map(|line| match line.entry {
        Entry::PolicyLoaded(body) => Some(body.digest),
        _ => None,
    });
    assert_eq!(loaded, Some(policies_of("schema = 1\n# the last\n").digest));
}

#[tokio::test(start_paused = true)]
async fn a_long_listing_is_left_at_once_and_an_order_waits_for_its_end() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |hand| {
        wait(minutes(2)).await;
        "schema = 1\n".clone_into(&mut acme.policies.lock().unwrap());
        hand.reload().await;
        assert_eq!((stage.told("reloading"), acme.count("policy.loaded")), (1, 1));
        wait(minutes(5)).await;
        assert_eq!((sweeps(acme), acme.count("policy.loaded")), (1, 2));
        RULES.clone_into(&mut acme.policies.lock().unwrap());
        hand.reload().await;
        wait(minutes(24)).await;
        let before = acme.simulator.requests().len();
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        assert_eq!((stage.told("stopping"), acme.count("daemon.stopped")), (1, 1));
        assert_eq!((sweeps(acme), acme.simulator.requests().len()), (1, before));
    });
    assert_eq!(done.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn looks_do_not_feed_the_watchdog_for_a_listing_that_hangs() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(seconds(30)).await;
        acme.wire.turns(Weather::Swallowing("/users/40/sessions?"));
        wait(minutes(6)).await;
        let beats = stage.told("alive");
        steal(acme, 7);
        wait(minutes(10)).await;
        assert!(!has(acme, session(1_007)), "looks go on");
        assert_eq!(stage.told("alive"), beats, "until somebody starts it anew");
    });
    assert_eq!(done.await, Ok(()));
}

/// What the trail says of want, and of its end.
fn told(site: &Site) -> Vec<String> {
    let told = site.records().into_iter().filter_map(|line| match line.entry {
        Entry::BudgetStarved(body) => Some(format!("starved of {}", body.why.join(", "))),
        Entry::BudgetBack(_) => Some("back".to_owned()),
        _ => None,
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn that_people_wait_for_looks_is_said_when_it_lasts_and_when_it_is_over() {
    const WORDS: &str = "the request budget does not suffice since 2026-03-02T00:";
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        assert_eq!(told(acme), [""; 0]);
        for _ in 0..22 {
            let now = acme.simulator.now();
            acme.simulator.world(|world| {
                for number in 1..=60 {
                    world.sign_out(user(number));
                    world.sign_in(user(number), now);
                }
            });
            wait(minutes(1)).await;
        }
        assert_eq!(told(acme), ["starved of looks"]);
        acme.stands("armed", WORDS);
        wait(minutes(26)).await;
        assert_eq!(told(acme), ["starved of looks", "back"]);
        assert!(!acme.status().why.iter().any(|why| why.contains(WORDS)), "{:?}", acme.status());
    });
    assert_eq!(done.await, Ok(()));
    let warned = acme.cycles().into_iter().filter(|(_, one)| one.warnings.iter().any(|line| line.contains(WORDS)));
    let warned: Vec<bool> = warned.map(|(_, finished)| finished.looked.is_none()).collect();
    assert_eq!(warned, [true], "the sweep's report says it, and no look's");
}

#[tokio::test(start_paused = true)]
async fn that_zendesk_asks_to_be_left_alone_is_said_when_it_lasts_and_when_it_is_over() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        acme.wire.turns(Weather::Refusing(429, 20));
        wait(minutes(3)).await;
        acme.wire.turns(Weather::Fair);
        wait(minutes(2)).await;
        assert_eq!(told(acme), [""; 0], "a busy moment");
        acme.wire.turns(Weather::Refusing(429, 20));
        wait(minutes(8)).await;
        assert!(told(acme)[0].contains("refused"), "{:?}", told(acme));
        acme.wire.turns(Weather::Fair);
        wait(minutes(30)).await;
        assert_eq!(told(acme).len(), 2, "{:?}", told(acme));
    });
    assert_eq!(done.await, Ok(()));
    let exposure = acme.status().exposure.unwrap();
    assert_eq!(exposure.look_seconds, Some(60));
    assert!(SignedDuration::from_secs(exposure.sweep_seconds.unwrap().cast_signed()) > SignedDuration::from_mins(4));
}
