//! Sweeps that take longer than the schedule gives: ticks are missed, counted, and never made up for.

use evictd::model::Role;

use super::{EACH_MINUTE, Stage, Weather, minutes, seconds, wait};
use crate::enforcement::{session, user};

#[tokio::test(start_paused = true)]
async fn ticks_that_find_no_time_are_counted_and_never_two_sweeps_run_at_once() {
    let stage = Stage::new(&[("slow", "sweep = { every = \"30s\" }"), ("quick", EACH_MINUTE)]);
    let (slow, quick) = (stage.site("slow"), stage.site("quick"));
    slow.wire.turns(Weather::Slow(seconds(25)));
    let done = stage.run(async |_| {
        wait(minutes(60)).await;
        let told = slow.status();
        let missed: u64 = slow.cycles().iter().map(|(_, finished)| finished.missed).sum();
        let unwritten = told.missed_sweeps - missed;
        assert!(missed > 20 && unwritten <= 3, "{missed} in the trail, {} in the status", told.missed_sweeps);
        slow.wire.turns(Weather::Fair);
        wait(minutes(10)).await;
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!((slow.wire.on_way_max(), quick.wire.on_way_max()), (1, 1));
    assert_eq!(quick.cycles().len(), 71, "one at once, and one for each minute");
    let cycles = slow.cycles();
    let missed: u64 = cycles.iter().map(|(_, finished)| finished.missed).sum();
    assert_eq!(cycles.len() as u64 + missed, 141, "each tick was swept or counted");
    let healthy: Vec<u64> = cycles.iter().rev().take(8).map(|(_, finished)| finished.missed).collect();
    assert_eq!(healthy, [0; 8]);
}

#[tokio::test(start_paused = true)]
async fn ticks_that_passed_while_zendesk_was_silent_are_told_by_the_next_cycle() {
    let stage = Stage::new(&[("acme", EACH_MINUTE)]);
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(minutes(3)).await;
        acme.wire.turns(Weather::Hanging);
        wait(minutes(30)).await;
        acme.wire.turns(Weather::Fair);
        wait(minutes(10)).await;
    });
    assert_eq!(done.await, Ok(()));
    let cycles = acme.cycles();
    let missed: u64 = cycles.iter().map(|(_, finished)| finished.missed).sum();
    let silent = 43 - (cycles.len() as u64 - 1) - missed;
    // Ticks at which it asked in vain are neither swept nor missed.
    assert!(missed > 15 && silent < 15, "{} cycles, {missed} missed", cycles.len());
}

#[tokio::test(start_paused = true)]
async fn the_first_sweep_comes_at_once_whatever_the_schedule() {
    let stage = Stage::new(&[("acme", "sweep = \"0 3 1 1 *\"")]);
    let acme = stage.site("acme");
    acme.agent(1, 11);
    acme.simulator.world(|world| {
        world.add_person(user(2), Role::Agent);
        let now = "2026-03-02T00:00:00Z".parse().unwrap();
        world.add_session(session(5), user(2), now, now);
    });
    let done = stage.run(async |_| {
        wait(seconds(1)).await;
        acme.stands("armed", "");
        assert_eq!(acme.status().next_sweep.as_deref(), Some("2027-01-01T03:00:00Z"));
    });
    assert_eq!(done.await, Ok(()));
    assert!(!acme.has_session(1) && acme.has_session(2));
}
