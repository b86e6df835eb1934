//! A whole day of two accounts: every tick once, nothing else awake, and as much memory at the end as at the beginning.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evictd::model::Role;
use jiff::{SignedDuration, Timestamp};

use super::stage::BEGIN;
use super::{Site, Stage, tally, wait};
use crate::enforcement::user;

const NAME: &str = "daemon::day::a_day_of_two_accounts_sweeps_each_tick_once_and_wakes_for_nothing_else";

/// A step of the day's traffic.
const STEP: Duration = Duration::from_mins(20);
const STEPS: u64 = 24 * 3;

/// Memory at the end is at most this much of what it was after two hours, in hundredths.
const MEMORY_PERCENT_MAX: u64 = 110;

#[test]
fn a_day_of_two_accounts_sweeps_each_tick_once_and_wakes_for_nothing_else() {
    // Memory is the whole process's: where other tests run beside this one, it runs in a process of its own.
    if is_alone() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(day());
    } else {
        let own = std::env::current_exe().unwrap();
        let done = Command::new(own).args(["--exact", NAME]).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && said.contains("1 passed"), "{said}");
    }
}

/// Whether the runner of tests was asked for exactly one.
fn is_alone() -> bool {
    let line = fs::read("/proc/self/cmdline").unwrap();
    let arguments: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    arguments.contains(&b"--exact".as_slice()) && arguments.contains(&NAME.as_bytes())
}

/// Pages of this process that are in memory (proc(5)).
fn pages() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn day() {
    let stage = Stage::new(&[("acme", "sweep = \"*/5 * * * *\""), ("beta", "sweep = { every = \"90s\" }")]);
    let (acme, beta) = (stage.site("acme"), stage.site("beta"));
    for number in 1..=40 {
        acme.agent(number, i64::try_from(number % 11).unwrap());
        beta.agent(number, i64::try_from(number % 7).unwrap());
    }
    let (early, late, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let done = stage.run(async |_| {
        for step in 0..STEPS {
            wait(STEP).await;
            traffic(acme, step);
            traffic(beta, step + 7);
            if step == 2 * 3 {
                early.store(pages(), Ordering::Relaxed);
            }
        }
        // Chance may make the day's last tick this late.
        wait(Duration::from_secs(20)).await;
        late.store(pages(), Ordering::Relaxed);
        ended.store(stage.clock.ended() as u64, Ordering::Relaxed);
    });
    assert_eq!(done.await, Ok(()));

    let day = SignedDuration::from_hours(24);
    let fives = ticks_once(acme, 300, SignedDuration::from_secs(15), day);
    let nineties = ticks_once(beta, 90, SignedDuration::from_millis(4_500), day);
    let beats = stage.told("alive") as u64;
    assert_eq!(beats, 24 * 60, "twice as often as the two minutes that were asked for");
    let (ended, wakes) = (ended.into_inner(), stage.bell.wakes() as u64);
    assert_eq!(ended, fives + nineties + beats, "waits that ended");
    // Two that come in the same millisecond wake it once; the first requests, readiness and the end wake it besides.
    assert!(wakes <= ended + 10, "woken {wakes} times for {ended} waits");
    for site in [acme, beta] {
        let kinds = site.kinds();
        let tally = tally(&kinds);
        assert!(tally["revocation.outcome"] > 20, "{}: {tally:?}", site.name);
        assert_eq!(site.wire.on_way_max(), 1, "never two sweeps at once");
        site.stands("disarmed", "");
    }
    let (early, late) = (early.into_inner(), late.into_inner());
    assert!(late * 100 <= early * MEMORY_PERCENT_MAX, "{early} pages after two hours, {late} after a day");
}

/// Somebody signs in, somebody out, somebody left a session open since yesterday, somebody new joins.
fn traffic(site: &Site, step: u64) {
    let now = site.simulator.now();
    site.simulator.world(|world| {
        world.sign_in(user(1 + step % 40), now);
        world.sign_out(user(1 + (step * 3) % 40));
        if step.is_multiple_of(4) {
            world.add_person(user(50 + step), Role::Agent);
        }
    });
    site.agent(1 + (step * 5) % 40, 11);
}

/// After the first sweep, which comes at once, each tick of the schedule has one sweep, no later than chance may make
/// it. How many there were.
fn ticks_once(site: &Site, every: i64, late_max: SignedDuration, length: SignedDuration) -> u64 {
    let begin: Timestamp = BEGIN.parse().unwrap();
    let ats: Vec<Timestamp> = site
        .cycles()
        .into_iter()
        .map(|(at, finished)| {
            assert_eq!((finished.missed, finished.complete), (0, true), "{} at {at}", site.name);
            at
        })
        .collect();
    assert_eq!(ats[0], begin);
    let first = begin.as_second() - begin.as_second() % every + every;
    let mut lateness = Vec::new();
    for (number, at) in (0..).zip(&ats[1..]) {
        let tick = Timestamp::from_second(first + number * every).unwrap();
        let late = tick.duration_until(*at);
        assert!(!late.is_negative() && late <= late_max, "{}: the tick of {tick} was swept {late:?} later", site.name);
        lateness.push(late);
    }
    lateness.sort();
    lateness.dedup();
    assert!(lateness.len() > 100, "chance draws anew each time: {lateness:?}");
    let count = i64::try_from(ats.len()).unwrap() - 1;
    assert_eq!(count, ((begin + length).as_second() - first).div_euclid(every) + 1);
    count.unsigned_abs()
}
