//! `evictd selftest` as the real program does it: one agreed session ends on the way of every other end, and no other.

use std::os::unix::fs::PermissionsExt as _;

use evictd::files::Lock;
use serde_json::Value;

use crate::program::{Desk, Ran};

fn selftest(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.room.run(&[&["selftest", "--config", "evictd.toml"], arguments].concat())
}

/// A desk, and an agent there with sessions.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    let planned = desk.plan().json();
    let rows = planned["revoke"].as_array().unwrap();
    let agent = rows.iter().find(|row| row["stratum"] == "agents").expect("an agent with a session");
    let canary = agent["user_id"].as_str().unwrap().to_owned();
    (desk, canary)
}

fn last(desk: &Desk, kind: &str) -> Value {
    desk.trail().into_iter().rfind(|line| line["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn one_session_ends_from_end_to_end_and_each_step_is_told_with_its_time() {
    for mode in ["enforce", "report"] {
        let (desk, canary) = desk();
        desk.room.edit(
            "evictd.toml",
            "mode = \"enforce\"",
            &format!("mode = \"{mode}\"\nselftest.user = \"{canary}\""),
        );
        let parts = [
            "found",
            "judged",
            "intended",
            "answered",
            "revoked",
            "graded",
            "ended",
            "in all",
            "ok: the session ended",
        ];
        selftest(&desk, &[]).says(0, &parts);
        assert_eq!(desk.deletes(), 1, "{mode}");
        let kinds: Vec<String> = desk.trail().iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect();
        let acts =
            ["selftest.began", "revocation.intended", "revocation.outcome", "revocation.graded", "selftest.finished"];
        let order: Vec<usize> = acts.map(|kind| kinds.iter().position(|one| one == kind).unwrap()).to_vec();
        assert!(order.is_sorted(), "{kinds:?}");
        let finished = last(&desk, "selftest.finished");
        assert_eq!((&finished["ok"], &finished["user"]), (&true.into(), &canary.as_str().into()));
        assert_eq!((&finished["outcome"], &finished["grade"]), (&"revoked".into(), &"ended".into()));
        assert!(finished["took_ms"].as_str().unwrap().parse::<u64>().is_ok());
        assert_eq!(last(&desk, "revocation.intended")["rules"], serde_json::json!(["selftest"]));
        desk.room.run(&["audit", "verify", "--config", "evictd.toml"]).says(0, &["trail verified"]);
        assert!(last(&desk, "selftest.began")["rule"].as_str().unwrap().contains(&canary));
        // The policies in force are judged by as before, and nothing is told of them anew.
        let loaded = desk.trail().iter().filter(|line| line["kind"] == "policy.loaded").count();
        desk.apply().says(0, &[]);
        assert_eq!(desk.trail().iter().filter(|line| line["kind"] == "policy.loaded").count(), loaded);
        let sweep = desk.trail().into_iter().rfind(|line| line["kind"] == "cycle.finished" && line["looked"].is_null());
        assert!(sweep.unwrap()["policy"] != last(&desk, "selftest.began")["policy"]);
    }
}

#[test]
fn a_self_test_that_cannot_be_says_why_and_ends_nothing() {
    let (desk, canary) = desk();
    let canary = canary.as_str();
    selftest(&desk, &[]).says(64, &["--user CANARY"]);
    selftest(&desk, &["--user", "nobody@example.com"]).says(1, &["is nobody"]);
    selftest(&desk, &["--user", canary, "--session", "1"]).says(1, &["there is nothing to end"]);
    let lock = Lock::take(&desk.room.path("state/simulated")).unwrap();
    selftest(&desk, &["--user", canary]).says(75, &["another process"]);
    drop(lock);
    // Whoever is protected is so here too.
    desk.room.edit("evictd.toml", "protected = [", &format!("protected = [{canary}, "));
    selftest(&desk, &["--user", canary]).says(1, &["is protected"]);
    assert!(desk.trail().iter().all(|line| line["kind"] != "selftest.began"));
    desk.room.edit("evictd.toml", &format!("protected = [{canary}, "), "protected = [");
    desk.room.write("state/simulated/pause", "");
    selftest(&desk, &["--user", canary]).says(69, &["is paused"]);
    assert!(desk.trail().iter().all(|line| line["kind"] != "selftest.began"));
    std::fs::remove_file(desk.room.path("state/simulated/pause")).unwrap();
    desk.room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"\nauth.revoker = \"none\"");
    selftest(&desk, &["--user", canary]).says(78, &["nobody ends sessions"]);
    assert_eq!(desk.deletes(), 0);
}

#[test]
fn a_token_that_may_not_write_is_refused_with_77() {
    let (desk, canary) = desk();
    desk.room.edit("evictd.toml", "auth.oauth-client.id", "auth.oauth-client.scope = \"read\"\nauth.oauth-client.id");
    selftest(&desk, &["--user", &canary]).says(77, &["answered", "refused"]);
    assert_eq!(last(&desk, "selftest.finished")["outcome"], "refused");
    // With another credential for it, it may.
    desk.room.write("revoker-secret", desk.ready["revoker_secret"].as_str().unwrap());
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(desk.room.path("revoker-secret"), private).unwrap();
    let id = desk.ready["revoker_id"].as_str().unwrap();
    let revoker =
        format!("auth.revoker.oauth-client = {{ id = \"{id}\", secret = {{ file = \"revoker-secret\" }} }}\n");
    desk.room.edit("evictd.toml", "auth.oauth-client.id", &format!("{revoker}auth.oauth-client.id"));
    selftest(&desk, &["--user", &canary]).says(0, &["ok: the session ended"]);
}

/// Whoever signs in meanwhile, or whose sessions go, loses no other session for it than the one that was named.
#[test]
fn it_ends_the_session_it_named_or_none() {
    for fault in ["appear=1", "vanish=1"] {
        let desk = Desk::with(crate::program::Room::new(), &["--staff", "20", "--end-users", "30", "--fault", fault]);
        let planned = desk.plan().json();
        let rows = planned["revoke"].as_array().unwrap();
        for row in rows.iter().filter(|row| row["stratum"] == "agents").take(3) {
            let ran = selftest(&desk, &["--user", row["user_id"].as_str().unwrap(), "--format", "json"]);
            let intended = desk.trail().into_iter().filter(|line| line["kind"] == "revocation.intended");
            let began: Vec<Value> = desk.trail().into_iter().filter(|line| line["kind"] == "selftest.began").collect();
            for intent in intended {
                let named = began.iter().any(|began| intent["sessions"] == serde_json::json!([began["session"]]));
                assert!(named, "{fault}: {intent} {began:?} {ran:?}");
            }
        }
        assert!(desk.deletes() > 0, "{fault}: it was tried");
    }
}
