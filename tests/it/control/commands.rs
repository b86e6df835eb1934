//! Without a daemon: each command takes the account's lock for itself.

use std::fs;

use super::{named, pull, records, verify};
use crate::program::{Desk, Room};

#[test]
fn a_pause_needs_a_reason_and_outlives_the_folder_of_state() {
    let desk = Desk::new();
    pull(&desk, &["pause"]).says(64, &["--reason"]);
    pull(&desk, &["pause", "--reason", " "]).says(64, &["a reason is needed"]);
    for wrong in ["25h", "0s", "soon"] {
        pull(&desk, &["pause", "--reason", "drill", "--for", wrong]).says(64, &["from 1s to 24h"]);
    }
    pull(&desk, &["resume"]).says(64, &["is not paused"]);
    pull(&desk, &["pause", "--reason", "drill"]).says(0, &["paused until"]);
    let began = records(&desk, "pause.began");
    assert_eq!((began.len(), &began[0]["reason"]), (1, &"drill".into()));
    assert!(began[0]["by"].as_str().unwrap().contains("uid"), "{began:?}");
    desk.apply().says(0, &[]);
    fs::remove_dir_all(desk.room.path("state")).unwrap();
    assert!(desk.plan().says(0, &[]).json()["warnings"].is_array());
    desk.apply().says(0, &[]);
    assert_eq!(desk.deletes(), 0, "nobody is signed out while it is paused");
    fs::remove_file(desk.room.path("state/simulated/pause")).unwrap();
    desk.apply().says(0, &[]);
    assert_eq!(desk.deletes(), 0, "who takes the file away does not end what the trail tells of");
    pull(&desk, &["status"]).says(0, &["paused until", "drill"]);
    pull(&desk, &["resume"]).says(0, &["resumed"]);
    assert!(!desk.room.path("state/simulated/pause").exists());
    desk.apply().says(0, &[]);
    assert!(desk.deletes() > 0);
    assert_eq!(records(&desk, "pause.ended").len(), 1);
    verify(&desk);
}

#[test]
fn a_pause_file_is_in_force_as_it_stands_and_is_told() {
    let desk = Desk::new();
    desk.room.write("state/simulated/pause", "");
    desk.apply().says(0, &[]);
    desk.apply().says(0, &[]);
    let began = records(&desk, "pause.began");
    assert_eq!((began.len(), &began[0]["by"]), (1, &"file".into()), "told once");
    fs::remove_file(desk.room.path("state/simulated/pause")).unwrap();
    desk.apply().says(0, &[]);
    let ended = records(&desk, "pause.ended");
    assert_eq!((ended.len(), &ended[0]["by"], desk.deletes() > 0), (1, &"file".into(), true));

    // Lost with everything beside it, it was not taken away.
    desk.room.write("state/simulated/pause", "");
    desk.apply().says(0, &[]);
    fs::remove_dir_all(desk.room.path("state")).unwrap();
    desk.apply().says(0, &[]);
    assert!(desk.room.path("state/simulated/pause").exists());
    pull(&desk, &["resume"]).says(0, &["resumed"]);
    verify(&desk);
}

#[test]
fn somebody_is_signed_out_now_whatever_the_mode() {
    let desk = Desk::with(Room::new(), &["--staff", "60", "--end-users", "100"]);
    desk.room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"");
    let people = named(&desk);
    let config = desk.room.read("evictd.toml");
    let protected = config.split_once("protected = [\"").unwrap().1.split('"').next().unwrap();
    let admin = desk.ready["admin_id"].as_str().unwrap();
    let revoke = |arguments: &[&str]| pull(&desk, &[&["revoke"], arguments].concat());
    revoke(&["--user", &people[0], "--yes"]).says(64, &["--reason"]);
    revoke(&["--reason", "r", "--yes"]).says(64, &["--user"]);
    revoke(&["--user", &people[0], "--reason", "r"]).says(64, &["there is nobody to ask"]);
    for (who, why) in [
        (protected, "is protected"),
        (admin, "own user"),
        ("nobody@acme.example", "is nobody"),
        ("\u{1b}[31m", "neither an e-mail address nor an id"),
    ] {
        revoke(&["--user", &people[0], "--user", who, "--reason", "r", "--yes"])
            .says(64, &[why, "nobody lost a session"]);
    }
    revoke(&["--user", &people[0], "--reason", "r", "--yes", "--expect", "2"]).says(64, &["2 people are expected"]);
    let many: Vec<&str> = people.iter().flat_map(|user| ["--user", user]).collect();
    assert!(people.len() > 10, "{people:?}");
    revoke(&[&many[..], &["--reason", "r", "--yes"]].concat()).says(64, &["--expect"]);
    assert_eq!((desk.deletes(), records(&desk, "lever.used").len()), (0, 0));

    let ran = revoke(&["--user", &people[0], "--reason", "stolen", "--ticket", "INC-1", "--yes", "--format", "json"]);
    let told = ran.says(0, &[]).json();
    assert_eq!((&told["people"][0]["outcome"], &told["people"][0]["still_present"]), (&"revoked".into(), &0.into()));
    let used = records(&desk, "lever.used").pop().unwrap();
    assert_eq!((&used["people"][0], &used["ticket"]), (&people[0].as_str().into(), &"INC-1".into()));
    let intended = records(&desk, "revocation.intended").pop().unwrap();
    assert_eq!((&intended["by"], &intended["action"]), (&used["by"], &"revoke-user".into()));
    assert!(intended["rules"].as_array().unwrap().is_empty() && used["seq"].as_u64() < intended["seq"].as_u64());
    assert!(!named(&desk).contains(&people[0]));

    desk.room.write("people", format!("# who\n{}\n\n{}  # this one too\n{0}\n", people[1], people[2]));
    revoke(&["--from-file", "people", "--reason", "r", "--yes", "--expect", "2"]).says(0, &["revoked"]);
    verify(&desk);
}

#[test]
fn a_pause_holds_the_lever_unless_it_is_said_that_it_does_not() {
    let desk = Desk::new();
    let people = named(&desk);
    pull(&desk, &["pause", "--reason", "drill"]).says(0, &[]);
    let revoke = ["revoke", "--user", &people[0], "--reason", "r", "--yes"];
    pull(&desk, &revoke).says(69, &["is paused", "--despite-pause"]);
    assert_eq!(desk.deletes(), 0);
    pull(&desk, &[&revoke[..], &["--despite-pause"]].concat()).says(0, &["revoked"]);
    assert_eq!(desk.deletes(), 1);
}

/// A desk on which every rule that fires on somebody holds them.
fn with_holds() -> Desk {
    let desk = Desk::new();
    let text = desk.room.read("evictd.toml");
    desk.room.write("evictd.toml", text + "belts.people-per-rule-max = 0\n");
    desk.apply().says(0, &[]);
    desk
}

#[test]
fn a_released_hold_goes_once_and_a_discarded_one_stays() {
    let desk = with_holds();
    let list = pull(&desk, &["hold", "list", "--format", "json"]).says(0, &[]).json();
    let holds = list["holds"].as_array().unwrap().clone();
    let id = |hold: &serde_json::Value| hold["id"].to_string();
    let of = |rule: &str| id(holds.iter().find(|hold| hold["rule"] == rule).unwrap_or_else(|| panic!("{list:#}")));
    let (go, stay) = (of("suspended-user"), of("deleted-user"));
    let shown = pull(&desk, &["hold", "show", &go, "--format", "json"]).says(0, &[]).json();
    assert_eq!(shown["people"].as_array().map(Vec::len), Some(2), "{shown:#}");
    assert!(shown["people"][0]["person"].as_str().unwrap().contains('@'));
    pull(&desk, &["hold", "list"]).says(0, &["people-per-rule", "2 people"]);
    pull(&desk, &["hold", "show", &go]).says(0, &["digest", "expires", "in the last hour"]);
    pull(&desk, &["hold", "show", "999999"]).says(64, &["there is no hold 999999"]);

    let digest = shown["digest"].as_str().unwrap();
    let release = |digest: &str| pull(&desk, &["hold", "release", &go, "--digest", digest]);
    for wrong in [&digest[..7], "00000000", ""] {
        release(wrong).says(64, &["not the digest"]);
    }
    release(&digest[..8]).says(0, &["released", "2 people"]);
    release(digest).says(64, &["was released already"]);
    pull(&desk, &["hold", "discard", &stay]).says(0, &["discarded", "they stay"]);
    assert_eq!(desk.deletes(), 0, "a human's word ends nothing by itself");
    assert_eq!(records(&desk, "hold.released")[0]["digest"], digest);

    fs::remove_dir_all(desk.room.path("state")).unwrap();
    desk.apply().says(0, &[]);
    let gone: Vec<String> = records(&desk, "revocation.intended").iter().map(|line| line["user"].to_string()).collect();
    assert!(!gone.is_empty() && gone.iter().all(|user| shown["people"].to_string().contains(user)), "{gone:?}");
    let after = desk.deletes();
    desk.apply().says(0, &[]);
    assert_eq!(desk.deletes(), after, "released once");
    let list = pull(&desk, &["hold", "list", "--format", "json"]).json();
    let states = list["holds"].as_array().unwrap().iter().map(|hold| (id(hold), hold["state"].clone()));
    assert!(states.clone().any(|(hold, state)| hold == stay && state == "discarded"), "{list:#}");
    assert!(states.clone().all(|(hold, _)| hold != go), "{list:#}");
    verify(&desk);
}
