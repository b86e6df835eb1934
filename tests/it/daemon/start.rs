//! Starting: ready once Zendesk accepted a credential, patient with one that is silent, and an end if nobody can begin.

use std::fs;

use evictd::daemon::{End, Start};
use evictd::files::Lock;

use super::{EACH_MINUTE, Stage, Weather, minutes, seconds, wait};

fn two() -> Stage {
    Stage::new(&[("acme", EACH_MINUTE), ("beta", EACH_MINUTE)])
}

/// The trail of this account lies under a file.
fn block(stage: &Stage, name: &str) {
    let file = stage.path("in-the-way");
    fs::write(&file, "").unwrap();
    stage.site(name).move_trail(file.join(name));
}

#[tokio::test(start_paused = true)]
async fn readiness_waits_for_the_first_accepted_credential() {
    let stage = two();
    for name in ["acme", "beta"] {
        stage.site(name).wire.turns(Weather::Down);
    }
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        assert_eq!(stage.told("ready"), 0);
        assert_eq!(stage.told("starting waiting for Zendesk's first answer"), 10, "with each beat");
        stage.site("beta").stands("blind", "connection refused");
        stage.site("beta").wire.turns(Weather::Fair);
        wait(minutes(1)).await;
        assert_eq!(stage.told("ready 1 of 2 accounts at work"), 1);
        let starting = stage.told("starting");
        stage.site("acme").stands("blind", "");
        stage.site("acme").wire.turns(Weather::Fair);
        wait(minutes(3)).await;
        assert_eq!((stage.told("ready"), stage.told("starting")), (1, starting));
        stage.site("acme").stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(stage.told("stopping"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_begin_neither_ends_nor_readies_a_process_in_which_another_still_may() {
    let stage = two();
    stage.site("acme").wire.turns(Weather::Refusing(401, 1));
    stage.site("beta").wire.turns(Weather::Down);
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        assert_eq!((stage.told("ready"), stage.told("starting")), (0, 10));
        assert_eq!(*stage.kept.lock().unwrap(), [""; 0], "what was never in force is nothing to fall back on");
        stage.site("beta").wire.turns(Weather::Fair);
        wait(minutes(1)).await;
        assert_eq!(*stage.kept.lock().unwrap(), ["beta"]);
        assert_eq!(stage.told("ready 1 of 2"), 1);
    });
    assert_eq!(done.await, Ok(()));

    let stage = two();
    stage.site("acme").wire.turns(Weather::Refusing(401, 1));
    stage.site("beta").wire.turns(Weather::Down);
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        stage.site("beta").wire.turns(Weather::Refusing(401, 1));
        wait(minutes(10)).await;
    });
    assert_eq!(done.await, Err(End::NoneStarts(Start::Refused)), "once nobody may any more, it ends");
}

#[tokio::test(start_paused = true)]
async fn a_zendesk_that_is_silent_at_the_start_is_asked_often_whatever_the_schedule() {
    let stage = Stage::new(&[("acme", "sweep = \"0 3 1 1 *\"")]);
    let acme = stage.site("acme");
    acme.wire.turns(Weather::Down);
    let done = stage.run(async |_| {
        wait(minutes(30)).await;
        acme.wire.turns(Weather::Fair);
        wait(seconds(30)).await;
        acme.stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(stage.told("ready"), 1);
}

/// Nobody can begin, and so it ends, at once and for this reason.
async fn check_none(stage: &Stage, start: Start) {
    let began = stage.clock.ended();
    let done = stage.run(async |_| wait(minutes(5)).await).await;
    assert_eq!(done, Err(End::NoneStarts(start)));
    assert_eq!((stage.told("ready"), stage.told("alive"), began), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn where_no_account_can_begin_the_process_ends() {
    let stage = two();
    let locks = ["acme", "beta"].map(|name| Lock::take(&stage.site(name).state()).unwrap());
    check_none(&stage, Start::Locked).await;
    drop(locks);

    let stage = two();
    block(&stage, "acme");
    block(&stage, "beta");
    check_none(&stage, Start::Unwritable).await;

    let stage = two();
    for name in ["acme", "beta"] {
        stage.site(name).wire.turns(Weather::Refusing(401, 1));
    }
    check_none(&stage, Start::Refused).await;
    for name in ["acme", "beta"] {
        let kinds = stage.site(name).kinds();
        assert_eq!(kinds.last().map(String::as_str), Some("daemon.stopped"), "{kinds:?}");
    }

    let stage = two();
    let lock = Lock::take(&stage.site("acme").state()).unwrap();
    stage.site("beta").wire.turns(Weather::Refusing(403, 1));
    check_none(&stage, Start::Locked).await;
    drop(lock);
}

#[tokio::test(start_paused = true)]
async fn one_account_that_can_begin_keeps_the_process_and_the_other_comes_later() {
    let stage = two();
    let lock = Lock::take(&stage.site("acme").state()).unwrap();
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        assert_eq!(stage.told("ready 1 of 2"), 1);
        stage.site("beta").stands("armed", "");
        assert!(!stage.site("acme").state().join("status.json").exists(), "that file is the other process's");
        drop(lock);
        wait(minutes(2)).await;
        stage.site("acme").stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));

    let stage = two();
    block(&stage, "beta");
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        stage.site("beta").stands("disarmed", "in-the-way");
        fs::remove_file(stage.path("in-the-way")).unwrap();
        wait(minutes(2)).await;
        stage.site("beta").stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));

    let stage = two();
    stage.site("acme").wire.turns(Weather::Refusing(401, 1));
    let done = stage.run(async |_| {
        wait(minutes(10)).await;
        stage.site("acme").stands("blind", "refused by the test");
        stage.site("acme").wire.turns(Weather::Fair);
        wait(minutes(2)).await;
        stage.site("acme").stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));
}
