//! One account in trouble: the other is swept in time, the sick one says why, and is well again once the cause is gone.

use std::fs;
use std::os::unix::fs::symlink;

use evictd::files::Lock;

use super::{EACH_MINUTE, Site, Stage, Weather, minutes, seconds, wait};

/// How long each trouble lasts.
const LASTS: u64 = 20;

/// Two accounts that sweep every minute; after three minutes one of them falls sick, and after twenty more the cause is
/// gone. Meanwhile it stands so, and says this.
async fn check(sicken: impl Fn(&Site), heal: impl Fn(&Site), (word, why): (&str, &str)) {
    let stage = Stage::new(&[("sick", EACH_MINUTE), ("well", EACH_MINUTE)]);
    let (sick, well) = (stage.site("sick"), stage.site("well"));
    let done = stage.run(async |_| {
        wait(minutes(3)).await;
        let beats = stage.told("alive");
        sick.stands("armed", "");
        sicken(sick);
        sick.agent(1, 11);
        well.agent(1, 11);
        wait(minutes(LASTS)).await;
        sick.stands(word, why);
        assert_eq!(Lock::holder(&sick.state()), Some(std::process::id()), "nobody else acts meanwhile");
        well.stands("armed", "");
        assert!(sick.has_session(1) && !well.has_session(1));
        assert_eq!((stage.told("alive") - beats) as u64, LASTS, "an account in trouble is no daemon that hangs");
        heal(sick);
        wait(minutes(LASTS)).await;
        sick.stands("armed", "");
        assert_eq!(sick.status().why, [""; 0]);
        assert!(!sick.has_session(1), "what it could not do it does when it can");
    });
    assert_eq!(done.await, Ok(()));
    let ats: Vec<_> = well.cycles().into_iter().map(|(at, _)| at).collect();
    assert_eq!(ats.len() as u64, 1 + 3 + 2 * LASTS);
    let gaps = ats.windows(2).map(|two| two[0].duration_until(two[1]).as_secs());
    assert!(gaps.clone().all(|gap| (45..=75).contains(&gap) || gap < 60), "{:?}", gaps.collect::<Vec<_>>());
    assert_eq!(sick.kinds().last().map(String::as_str), Some("daemon.stopped"));
}

async fn check_weather(weather: Weather, why: &str) {
    check(|sick| sick.wire.turns(weather), |sick| sick.wire.turns(Weather::Fair), ("blind", why)).await;
}

#[tokio::test(start_paused = true)]
async fn a_zendesk_that_is_down_blinds_its_account_only() {
    check_weather(Weather::Down, "connection refused").await;
}

#[tokio::test(start_paused = true)]
async fn a_zendesk_that_hangs_blinds_its_account_only() {
    check_weather(Weather::Hanging, "timed out").await;
}

#[tokio::test(start_paused = true)]
async fn a_zendesk_that_refuses_blinds_its_account_only() {
    check_weather(Weather::Refusing(401, 1), "refused by the test").await;
    check_weather(Weather::Refusing(403, 1), "refused by the test").await;
}

#[tokio::test(start_paused = true)]
async fn a_zendesk_that_asks_to_be_left_alone_blinds_its_account_only() {
    check_weather(Weather::Refusing(503, 20), "refused by the test").await;
    check_weather(Weather::Refusing(429, 90), "refused by the test").await;
    check_weather(Weather::Refusing(429, 300), "refused by the test").await;
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_cannot_be_written_disarms_its_account_only() {
    let aside = |site: &Site| site.trail().with_extension("aside");
    check(
        |sick| {
            fs::rename(sick.trail(), aside(sick)).unwrap();
            fs::write(sick.trail(), "in the way").unwrap();
        },
        |sick| {
            fs::remove_file(sick.trail()).unwrap();
            fs::rename(aside(sick), sick.trail()).unwrap();
        },
        ("disarmed", "the trail's folder"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_somebody_changed_disarms_its_account_only() {
    let segment = |site: &Site| site.trail().join("trail-00000000000000000001.jsonl");
    let aside = |site: &Site| site.trail().with_extension("aside");
    check(
        |sick| {
            // The next write fails, so that the whole is read again.
            fs::copy(segment(sick), aside(sick)).unwrap();
            fs::remove_file(segment(sick)).unwrap();
            fs::create_dir(segment(sick)).unwrap();
        },
        |sick| {
            fs::remove_dir(segment(sick)).unwrap();
            fs::rename(aside(sick), segment(sick)).unwrap();
        },
        ("disarmed", "trail"),
    )
    .await;
}

/// Nothing is begun anew in their place.
#[tokio::test(start_paused = true)]
async fn records_that_were_taken_away_disarm_their_account_only() {
    let segment = |site: &Site| site.trail().join("trail-00000000000000000001.jsonl");
    let aside = |site: &Site| site.trail().with_extension("aside");
    let back = |site: &Site| fs::rename(aside(site), segment(site)).unwrap();
    check(|sick| fs::rename(segment(sick), aside(sick)).unwrap(), back, ("disarmed", "records are lost")).await;
    let emptied = |site: &Site| {
        fs::copy(segment(site), aside(site)).unwrap();
        fs::write(segment(site), "").unwrap();
    };
    check(emptied, back, ("disarmed", "records are lost")).await;
}

#[tokio::test(start_paused = true)]
async fn protection_that_does_not_hold_disarms_its_account_only() {
    let own = |site: &Site, admin: bool| {
        site.simulator.world(|world| {
            let id = world.own;
            let role = if admin { evictd::model::Role::Admin } else { evictd::model::Role::Agent };
            world.promote(id, role);
        });
    };
    check(|sick| own(sick, false), |sick| own(sick, true), ("disarmed", "enforcement is refused")).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_disarms_its_account_only() {
    let pause = |site: &Site| site.state().join("pause");
    check(
        |sick| fs::write(pause(sick), "2027-01-01T00:00:00Z\n").unwrap(),
        |sick| fs::remove_file(pause(sick)).unwrap(),
        ("disarmed", "paused until 2027-01-01"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_remembered_is_said_and_costs_no_sweep() {
    let stage = Stage::new(&[("acme", EACH_MINUTE)]);
    let acme = stage.site("acme");
    fs::create_dir_all(acme.state()).unwrap();
    symlink("nowhere/at-all", acme.state().join("state.sqlite")).unwrap();
    acme.agent(1, 11);
    let done = stage.run(async |_| {
        wait(seconds(200)).await;
        acme.stands("armed", "what is learned is not kept");
    });
    assert_eq!(done.await, Ok(()));
    assert!(acme.cycles().len() == 4 && !acme.has_session(1));
}
