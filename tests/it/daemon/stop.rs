//! Stopping: the call in flight is finished and its outcome written, nothing new begins, and patience has an end.

use evictd::daemon::{End, Wish};
use evictd::record::Entry;
use evictd::zendesk::Method;

use super::{EACH_MINUTE, Site, Stage, Weather, minutes, seconds, tally, wait};

/// Three agents whose sessions are too old.
fn stage() -> Stage {
    let stage = Stage::new(&[("acme", EACH_MINUTE)]);
    (1..=3).for_each(|number| stage.site("acme").agent(number, 11));
    stage
}

fn last(site: &Site) -> Option<Entry> {
    site.records().pop().map(|line| line.entry)
}

#[tokio::test(start_paused = true)]
async fn the_call_in_flight_is_finished_its_outcome_written_and_the_end_recorded() {
    let stage = stage();
    let acme = stage.site("acme");
    acme.wire.turns(Weather::SlowFor(Method::Delete, seconds(10)));
    let done = stage.run(async |hand| {
        wait(seconds(4)).await;
        assert!(acme.wire.is_on_way() && acme.count("revocation.intended") == 1);
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        assert_eq!(stage.told("stopping"), 1);
        wait(seconds(20)).await;
        assert!(!acme.wire.is_on_way());
    });
    assert_eq!(done.await, Ok(()));
    let kinds = acme.kinds();
    let tally = tally(&kinds);
    assert_eq!((tally["revocation.intended"], tally["revocation.outcome"], tally["withheld"]), (1, 1, 2), "{kinds:?}");
    assert!(matches!(last(acme), Some(Entry::DaemonStopped(body)) if body.exit == 0), "{kinds:?}");
    assert_eq!((1..=3).filter(|number| acme.has_session(*number)).count(), 2);
    acme.stands("disarmed", "");
}

/// systemd may send both; a closed terminal does.
#[tokio::test(start_paused = true)]
async fn a_reload_that_comes_after_the_stop_brings_nobody_back() {
    let stage = stage();
    let acme = stage.site("acme");
    acme.wire.turns(Weather::SlowFor(Method::Delete, seconds(10)));
    let done = stage.run(async |hand| {
        wait(seconds(4)).await;
        hand.wish(Wish::Stop);
        hand.wish(Wish::Reload);
        wait(minutes(2)).await;
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!((acme.count("daemon.started"), acme.count("daemon.stopped")), (1, 1));
    assert!(matches!(last(acme), Some(Entry::DaemonStopped(body)) if body.exit == 0));
}

#[tokio::test(start_paused = true)]
async fn asked_twice_it_ends_at_once_and_the_intent_stays_open_until_the_next_start() {
    let stage = stage();
    let acme = stage.site("acme");
    acme.wire.turns(Weather::SlowFor(Method::Delete, seconds(10)));
    let done = stage.run(async |hand| {
        wait(seconds(4)).await;
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        assert!(!acme.wire.is_on_way());
    });
    assert_eq!(done.await, Err(End::CutShort));
    assert!(matches!(last(acme), Some(Entry::RevocationIntended(_))));
    acme.wire.turns(Weather::Fair);
    assert_eq!(stage.run(async |_| wait(seconds(1)).await).await, Ok(()));
    assert_eq!(acme.count("revocation.intended"), acme.count("revocation.outcome"));
    assert!(!(1..=3).any(|number| acme.has_session(number)));
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_that_never_ends_is_waited_for_45_seconds() {
    let stage = stage();
    let acme = stage.site("acme");
    acme.wire.turns(Weather::Bewitched(Method::Delete));
    let done = stage.run(async |hand| {
        wait(seconds(4)).await;
        hand.wish(Wish::Stop);
        wait(seconds(44)).await;
        assert!(acme.wire.is_on_way());
        wait(seconds(2)).await;
        assert!(!acme.wire.is_on_way());
    });
    assert_eq!(done.await, Err(End::CutShort));
    assert!(matches!(last(acme), Some(Entry::RevocationIntended(_))));
}

/// Asked to stop in this weather, after so many seconds, it ends within the second and by the book.
async fn check_ends_at_once(weather: Weather, after: u64) {
    let stage = stage();
    let acme = stage.site("acme");
    acme.wire.turns(weather);
    let done = stage.run(async |hand| {
        wait(seconds(after)).await;
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        let kinds = acme.kinds();
        assert_eq!(kinds.last().map(String::as_str), Some("daemon.stopped"), "{weather:?}: {kinds:?}");
        assert!(!acme.wire.is_on_way());
    });
    assert_eq!(done.await, Ok(()), "{weather:?}");
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_or_waits_is_left_at_once() {
    check_ends_at_once(Weather::Fair, 10).await;
    check_ends_at_once(Weather::Hanging, 10).await;
    check_ends_at_once(Weather::Bewitched(Method::Get), 10).await;
    check_ends_at_once(Weather::Down, 40).await;
    check_ends_at_once(Weather::Refusing(429, 100), 10).await;
    check_ends_at_once(Weather::Refusing(503, 100), 10).await;
}

#[tokio::test(start_paused = true)]
async fn settling_what_is_open_is_left_at_once() {
    let stage = stage();
    let acme = stage.site("acme");
    acme.wire.turns(Weather::Bewitched(Method::Delete));
    let done = stage.run(async |hand| {
        wait(seconds(4)).await;
        hand.wish(Wish::Stop);
        hand.wish(Wish::Stop);
    });
    assert_eq!(done.await, Err(End::CutShort));
    // Once the next process is signed in, Zendesk hangs.
    acme.wire.turns(Weather::Fair);
    acme.wire.after(3, Weather::Hanging);
    let done = stage.run(async |hand| {
        wait(seconds(10)).await;
        assert!(acme.wire.is_on_way() && acme.count("cycle.finished") == 0);
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        assert!(!acme.wire.is_on_way());
    });
    assert_eq!(done.await, Ok(()));
    assert!(matches!(last(acme), Some(Entry::DaemonStopped(_))));
}

#[tokio::test(start_paused = true)]
async fn every_account_is_stopped_and_none_waits_for_another() {
    let stage = Stage::new(&[("acme", EACH_MINUTE), ("beta", EACH_MINUTE)]);
    stage.site("acme").agent(1, 11);
    stage.site("acme").wire.turns(Weather::SlowFor(Method::Delete, seconds(20)));
    let done = stage.run(async |hand| {
        wait(seconds(4)).await;
        hand.wish(Wish::Stop);
        wait(seconds(1)).await;
        assert_eq!(stage.site("beta").count("daemon.stopped"), 1);
        assert_eq!(stage.site("acme").count("daemon.stopped"), 0);
        wait(minutes(1)).await;
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(stage.site("acme").count("daemon.stopped"), 1);
}
