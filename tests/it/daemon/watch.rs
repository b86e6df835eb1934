//! The evidence watch of a daemon: status says what has fallen while it is fallen, and a restart does not forget it.

use evictd::model::Role;
use jiff::SignedDuration;

use super::{EACH_MINUTE, Site, Stage, minutes, wait};
use crate::enforcement::{session, user};

const DRIVEN: &str = r#"schema = 1
[[rule]]
id = "driven"
title = "Used by a program"
action = "revoke-session"
mode = "enforce"
when.client.kind.in = ["headless", "script"]
"#;

const LINE: &str = "evidence fell: source `access-log` tells how 50 % of sessions are used, and usually 100 %";

/// Ten minutes in which twelve agents work; of the first so many the log has no row.
async fn works(site: &Site, silent: u64) {
    let now = site.simulator.now();
    site.simulator.world(|world| {
        for number in 1..=12 {
            world.use_session(session(1_000 + number), now);
        }
        world.logs.accesses.retain(|row| row.at < now || row.user.get() > silent || row.user == world.own);
    });
    wait(minutes(10)).await;
}

#[tokio::test(start_paused = true)]
async fn status_says_what_has_fallen_and_a_restart_neither_forgets_nor_repeats_it() {
    let stage = Stage::new(&[("acme", EACH_MINUTE)]);
    let acme = stage.site("acme");
    DRIVEN.clone_into(&mut acme.policies.lock().unwrap());
    let now = acme.simulator.now();
    acme.simulator.world(|world| {
        for number in 1..=12 {
            world.add_person(user(number), Role::Agent);
            world.add_session(session(1_000 + number), user(number), now - SignedDuration::from_mins(60), now);
        }
        world.fill_logs();
    });
    let first = stage.run(async |_| {
        for _ in 0..4 {
            works(acme, 0).await;
        }
        assert!(!acme.status().why.iter().any(|line| line.starts_with("evidence")), "{:?}", acme.status());
        for _ in 0..8 {
            works(acme, 6).await;
        }
        acme.stands("armed", LINE);
    });
    assert_eq!(first.await, Ok(()));
    let second = stage.run(async |_| {
        works(acme, 6).await;
        acme.stands("armed", LINE);
        works(acme, 0).await;
        assert!(!acme.status().why.iter().any(|line| line.starts_with("evidence")), "{:?}", acme.status());
    });
    assert_eq!(second.await, Ok(()));
    assert_eq!((acme.count("evidence.fell"), acme.count("evidence.back")), (1, 1));
}
