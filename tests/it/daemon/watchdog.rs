//! The watchdog is fed by loops that pass their seams and by nothing else; and its beat notices a clock that was set.

use evictd::zendesk::Method;
use jiff::{SignedDuration, Timestamp};

use super::{EACH_MINUTE, Stage, Weather, minutes, seconds, tally, wait};

#[tokio::test(start_paused = true)]
async fn a_loop_that_hangs_stops_the_beats_of_the_whole_process() {
    let stage = Stage::new(&[("acme", EACH_MINUTE), ("beta", EACH_MINUTE)]);
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(minutes(5)).await;
        assert_eq!(stage.told("alive"), 5);
        acme.wire.turns(Weather::Bewitched(Method::Get));
        wait(minutes(3)).await;
        let beats = stage.told("alive");
        assert!(beats <= 7, "a request has 30 s, and what lies between a minute: {beats}");
        let cycles = stage.site("beta").count("cycle.finished");
        wait(minutes(20)).await;
        assert_eq!(stage.told("alive"), beats);
        assert_eq!(stage.site("beta").count("cycle.finished"), cycles + 20, "until somebody starts it anew");
    });
    assert_eq!(done.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn whatever_a_loop_rightly_waits_for_is_no_hanging() {
    let stage = Stage::new(&[("acme", EACH_MINUTE), ("beta", "sweep = \"0 3 1 1 *\"")]);
    let acme = stage.site("acme");
    let weathers = [
        Weather::Fair,
        Weather::Down,
        Weather::Hanging,
        Weather::Slow(seconds(29)),
        Weather::Refusing(401, 1),
        Weather::Refusing(500, 1),
        Weather::Refusing(503, 599),
        Weather::Refusing(429, 599),
        Weather::Refusing(429, 86_400),
    ];
    let done = stage.run(async |_| {
        for weather in weathers {
            let before = stage.told("alive");
            acme.wire.turns(weather);
            wait(minutes(30)).await;
            assert_eq!(stage.told("alive") - before, 30, "{weather:?}");
        }
    });
    assert_eq!(done.await, Ok(()));
}

/// The wall-clock times of cycles after the clock was set, to the minute.
async fn swept(sweep: &str, (after, by): (u64, SignedDuration), watched: u64) -> Vec<String> {
    let stage = Stage::new(&[("acme", sweep)]);
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(minutes(after)).await;
        stage.clock.set_by(by);
        wait(minutes(watched)).await;
        acme.stands("blind", "clock");
    });
    assert_eq!(done.await, Ok(()));
    let begin: Timestamp = super::stage::BEGIN.parse().unwrap();
    let set = begin + SignedDuration::from_mins(i64::try_from(after).unwrap()) + by;
    let cycles = acme.cycles();
    let first = cycles.iter().position(|(_, finished)| !finished.clock_trusted).unwrap();
    let lines = cycles[first..].iter().map(|(at, finished)| {
        assert!(*at >= set, "{at} is before the clock was set");
        format!("{} missed {}", at.strftime("%H:%M"), finished.missed)
    });
    lines.collect()
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_wakes_the_loops_and_the_schedule_stays_right() {
    // Ten past midnight becomes twenty past three: the sweep of one o'clock is made up for at the next beat.
    let hours = swept("sweep = \"0 * * * *\"", (10, SignedDuration::from_mins(190)), 120).await;
    assert_eq!(hours, ["03:21 missed 0", "04:00 missed 2", "05:00 missed 0"]);
    let days = swept("sweep = \"30 3 * * *\"", (10, SignedDuration::from_mins(190)), 30).await;
    assert_eq!(days, ["03:30 missed 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_wakes_the_loops_and_the_schedule_stays_right() {
    let fives = swept("sweep = \"*/5 * * * *\"", (62, -SignedDuration::from_mins(50)), 12).await;
    assert_eq!(fives, ["00:15 missed 0", "00:20 missed 0"]);
    let even = swept("sweep = { every = \"10m\" }", (62, -SignedDuration::from_hours(24)), 20).await;
    assert_eq!(even, ["01:10 missed 0", "01:20 missed 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_drifts_is_left_alone() {
    let stage = Stage::new(&[("acme", EACH_MINUTE)]);
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        for step in 0..200 {
            let by = SignedDuration::from_millis(if step < 100 { 200 } else { -200 });
            stage.clock.set_by(by);
            wait(seconds(9)).await;
        }
    });
    assert_eq!(done.await, Ok(()));
    let kinds = acme.kinds();
    assert_eq!(tally(&kinds)["cycle.finished"], 31, "one at once, and one for each minute");
}
