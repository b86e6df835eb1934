//! Reloading: all or nothing, in force from the next sweep on, and never twice the budget.

use evictd::daemon::{Rejected, Wish};
use evictd::record::Entry;

use super::{EACH_MINUTE, Site, Stage, Weather, minutes, seconds, wait};
use crate::enforcement::OLD;

fn is_ready(stage: &Stage, line: &str, times: usize) {
    assert_eq!(stage.told(&format!("ready {line}")), times, "{:?}", stage.herald.told());
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_in_force_from_the_next_sweep_on_and_recorded_once() {
    let stage = Stage::new(&[("acme", EACH_MINUTE)]);
    let acme = stage.site("acme");
    acme.agent(1, 8);
    let done = stage.run(async |hand| {
        wait(minutes(2)).await;
        assert!(acme.has_session(1));
        let before = acme.status().policy;
        *acme.policies.lock().unwrap() = OLD.replace("10h", "7h");
        *acme.lines.lock().unwrap() = format!("{EACH_MINUTE}\nscope = \"staff\"");
        let cycles = acme.count("cycle.finished");
        hand.reload().await;
        assert_eq!((stage.told("reloading"), acme.count("cycle.finished")), (1, cycles), "not before its time");
        is_ready(&stage, "reloaded, 1 accounts", 1);
        assert_ne!(acme.status().policy, before, "the status says so at once");
        assert_eq!(acme.status().scope, "staff");
        wait(minutes(2)).await;
        assert!(!acme.has_session(1));
        hand.reload().await;
        wait(minutes(2)).await;
    });
    assert_eq!(done.await, Ok(()));
    for kind in ["config.loaded", "policy.loaded", "scope.changed"] {
        assert_eq!(acme.count(kind), 2, "{kind}: what did not change is not told again");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_in_force_is_rejected_and_the_old_goes_on() {
    let stage = Stage::new(&[("acme", EACH_MINUTE), ("beta", EACH_MINUTE)]);
    let done = stage.run(async |hand| {
        wait(minutes(2)).await;
        let before = stage.site("acme").status();
        *stage.broken.lock().unwrap() = Some(Rejected { errors: 2, text: "two faults".into(), ..Rejected::default() });
        hand.reload().await;
        is_ready(&stage, "reload rejected, 2 errors", 1);
        for name in ["acme", "beta"] {
            let site = stage.site(name);
            let status = site.status();
            let rejected = status.rejected.clone().unwrap();
            assert_eq!((rejected.errors, rejected.text.as_str()), (2, "two faults"));
            assert_eq!(status.policy, before.policy);
            site.stands("armed", "2 errors");
            site.agent(1, 11);
        }
        wait(minutes(2)).await;
        for name in ["acme", "beta"] {
            let site = stage.site(name);
            assert!(!site.has_session(1), "the old set acts");
            assert_eq!(rejections(site), [("reload".to_owned(), before.policy.clone())]);
        }
        *stage.broken.lock().unwrap() = None;
        hand.reload().await;
        assert_eq!(stage.site("acme").status().rejected, None);
        stage.site("acme").stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));
}

fn rejections(site: &Site) -> Vec<(String, String)> {
    let rejected = site.records().into_iter().filter_map(|line| match line.entry {
        Entry::PolicyRejected(body) => Some((body.during, body.kept)),
        _ => None,
    });
    rejected.collect()
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_new_begins_and_one_that_is_gone_ends_and_the_watchdog_is_fed() {
    let stage = Stage::new(&[("acme", EACH_MINUTE), ("beta", EACH_MINUTE), ("gamma", EACH_MINUTE)]);
    let set = |name: &str, configured| *stage.site(name).configured.lock().unwrap() = configured;
    set("gamma", false);
    let done = stage.run(async |hand| {
        wait(minutes(2)).await;
        assert!(!stage.site("gamma").trail().exists());
        set("gamma", true);
        set("beta", false);
        hand.reload().await;
        assert_eq!(stage.site("beta").kinds().last().map(String::as_str), Some("daemon.stopped"));
        assert_eq!(stage.site("gamma").count("cycle.finished"), 1, "it begins at once");
        let beats = stage.told("alive");
        wait(minutes(30)).await;
        assert_eq!(stage.told("alive") - beats, 30, "who was sent home owes no sign of life");
        assert_eq!(stage.site("beta").count("daemon.stopped"), 1);
        set("beta", true);
        hand.reload().await;
        wait(minutes(2)).await;
        stage.site("beta").stands("armed", "");
        stage.site("gamma").stands("armed", "");
        assert_eq!(stage.told("alive") - beats, 32);
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(stage.site("beta").count("daemon.started"), 2);
    for name in ["acme", "beta", "gamma"] {
        assert_eq!(stage.site(name).kinds().last().map(String::as_str), Some("daemon.stopped"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_comes_back_while_its_last_call_runs_waits_for_its_own_lock() {
    let stage = Stage::new(&[("acme", EACH_MINUTE), ("beta", EACH_MINUTE)]);
    let beta = stage.site("beta");
    let done = stage.run(async |hand| {
        wait(minutes(2)).await;
        beta.agent(1, 11);
        beta.wire.turns(Weather::SlowFor(evictd::zendesk::Method::Delete, seconds(20)));
        wait(minutes(1)).await;
        assert!(beta.wire.is_on_way());
        for configured in [false, true] {
            *beta.configured.lock().unwrap() = configured;
            hand.reload().await;
        }
        wait(minutes(3)).await;
        beta.stands("armed", "");
        assert_eq!(stage.told("alive"), 6);
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(beta.wire.on_way_max(), 1);
    assert_eq!((beta.count("daemon.started"), beta.count("daemon.stopped")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn reloading_again_and_again_lets_no_more_requests_through_and_costs_no_sweep() {
    let budget = "budget = { requests-per-minute-max = 8, reserve = \"0%\" }";
    let stage = Stage::new(&[("acme", &format!("sweep = {{ every = \"30s\" }}\n{budget}"))]);
    let acme = stage.site("acme");
    let done = stage.run(async |hand| {
        for _ in 0..90 {
            wait(seconds(7)).await;
            hand.wish(Wish::Reload);
        }
    });
    assert_eq!(done.await, Ok(()));
    let sent = acme.wire.sent();
    let most = sent.iter().map(|from| sent.iter().filter(|at| (*from..*from + minutes(1)).contains(at)).count()).max();
    assert_eq!(most, Some(8), "in any minute");
    assert!(acme.cycles().len() > 5, "{} cycles", acme.cycles().len());
}

#[tokio::test(start_paused = true)]
async fn reloading_more_often_than_sweeps_come_loses_no_sweep() {
    let stage = Stage::new(&[("acme", "sweep = { every = \"5m\" }"), ("beta", "sweep = \"*/5 * * * *\"")]);
    let done = stage.run(async |hand| {
        for _ in 0..60 {
            wait(minutes(1)).await;
            hand.wish(Wish::Reload);
        }
        wait(seconds(30)).await;
    });
    assert_eq!(done.await, Ok(()));
    for name in ["acme", "beta"] {
        let cycles = stage.site(name).cycles();
        let missed: u64 = cycles.iter().map(|(_, finished)| finished.missed).sum();
        assert_eq!((cycles.len(), missed), (13, 0), "{name}");
    }
}
