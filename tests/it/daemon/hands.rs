//! Two credentials: one reads, another ends sessions; and what a daemon does whose credential is taken away.

use evictd::model::Role;
use evictd::record::Entry;

use super::{EACH_MINUTE, Site, Stage, minutes, wait};
use crate::enforcement::user;

const REVOKER: u64 = 700;

/// An account whose sessions are ended by another admin, who has a session that any rule would end.
fn stage() -> Stage {
    let stage = Stage::remembering("acme", &format!("{EACH_MINUTE}\nauth.revoker.token = {{ env = \"R\" }}\n"), None);
    let acme = stage.site("acme");
    acme.agent(REVOKER, 11);
    acme.simulator.world(|world| {
        world.promote(user(REVOKER), Role::Admin);
        world.revoker = Some(user(REVOKER));
    });
    stage
}

/// How often each credential was told to be refused, and to be back.
fn told(acme: &Site) -> Vec<String> {
    let told = acme.records().into_iter().filter_map(|line| match line.entry {
        Entry::CredentialRefused(body) => Some(format!("{} refused", body.which)),
        Entry::CredentialBack(body) => Some(format!("{} back", body.which)),
        _ => None,
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn one_credential_reads_and_the_other_ends_sessions_and_neither_user_is_touched() {
    let stage = stage();
    let acme = stage.site("acme");
    acme.agent(1, 11);
    let done = stage.run(async |_| {
        wait(minutes(3)).await;
        acme.stands("armed", "");
        assert!(!acme.has_session(1), "a reader with `read` alone could not have ended it");
        assert!(acme.has_session(REVOKER), "evictd's own users are never touched, the second one neither");
    });
    assert_eq!(done.await, Ok(()));
    let held = acme.records().into_iter().filter_map(|line| match line.entry {
        Entry::ClaimBegan(body) => Some(body.claims),
        _ => None,
    });
    let belts: Vec<_> = held.flatten().filter_map(|claim| Some((claim.user, claim.belt?.belt))).collect();
    assert_eq!(belts, [(REVOKER.to_string(), "own-user".to_owned())]);
    assert_eq!(told(acme), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_taken_away_disarms_or_blinds_and_is_told_once() {
    let stage = stage();
    let acme = stage.site("acme");
    let done = stage.run(async |_| {
        wait(minutes(3)).await;
        acme.stands("armed", "");
        acme.simulator.set_revoker(false);
        acme.agent(1, 11);
        wait(minutes(10)).await;
        acme.stands("disarmed", "no session can be ended");
        acme.stands("disarmed", "No client has this id and secret");
        assert!(acme.has_session(1) && acme.status().last_cycle.is_some_and(|last| last.complete), "it still reports");
        acme.simulator.set_revoker(true);
        wait(minutes(3)).await;
        acme.stands("armed", "");
        assert!(!acme.has_session(1));
        let own = acme.simulator.world(|world| world.own);
        let suspend = |suspended: bool| {
            acme.simulator.world(|world| world.people.get_mut(&own).unwrap().suspended = Some(suspended));
        };
        suspend(true);
        wait(minutes(10)).await;
        acme.stands("blind", "refused for want of valid credentials");
        suspend(false);
        wait(minutes(3)).await;
        acme.stands("armed", "");
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(told(acme), ["revoker refused", "revoker back", "reader refused", "reader back"]);
}
