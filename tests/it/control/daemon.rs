//! Beside a daemon: the same commands go through its socket, and the kernel says who gives them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::{named, pull, records, verify};
use crate::processes::{run, stop, wait_until_it_stands};
use crate::program::{Desk, Ran, Room, Running, poll};

const GROUPS: &str = "[control]\nsocket = \"control.sock\"\nread = \"52001\"\naudit = \"52002\"\noperate = \"52003\"\n\
                      approve = \"52004\"\n";

/// A daemon that sweeps once an hour, so that what happens between sweeps is a command's doing.
fn desk(lines: &str) -> (Desk, Running) {
    let desk = Desk::new();
    let text = desk.room.read("evictd.toml");
    desk.room.write("evictd.toml", format!("{text}sweep = {{ every = \"1h\" }}\n{lines}\n{GROUPS}"));
    let daemon = run(&desk.room);
    poll(|| desk.room.path("control.sock").exists().then_some(())).unwrap();
    (desk, daemon)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    poll(|| is_so().then_some(())).unwrap_or_else(|| panic!("never {what}"));
}

#[test]
fn a_pause_reaches_the_daemon_and_is_in_force_and_told() {
    let (desk, daemon) = desk("");
    wait_until_it_stands(&daemon, &desk.room, "armed");
    pull(&desk, &["pause", "--reason", "drill", "--for", "2h"]).says(0, &["paused until"]);
    assert!(desk.room.path("state/simulated/pause").exists());
    until("told", || records(&desk, "pause.began").len() == 1);
    let began = records(&desk, "pause.began").pop().unwrap();
    assert!(began["by"].as_str().unwrap().contains("(uid "), "{began}");
    assert_eq!(began["reason"], "drill");
    assert!(records(&desk, "daemon.started").len() == 1, "it was the daemon's doing");
    let people = named(&desk);
    let revoke = ["revoke", "--user", &people[0], "--reason", "r", "--yes"];
    pull(&desk, &revoke).says(69, &["is paused"]);

    // Without the folder of state and without the daemon it is in force all the same.
    stop(daemon);
    fs::remove_dir_all(desk.room.path("state")).unwrap();
    let daemon = run(&desk.room);
    until("held", || desk.room.path("state/simulated/pause").exists());
    wait_until_it_stands(&daemon, &desk.room, "disarmed");
    pull(&desk, &["resume"]).says(0, &["resumed"]);
    wait_until_it_stands(&daemon, &desk.room, "armed");
    pull(&desk, &revoke).says(0, &["revoked"]);
    assert!(records(&desk, "daemon.started").len() == 2, "no command held the account by itself");
    stop(daemon);
    assert!(!desk.room.path("control.sock").exists());
    verify(&desk);
}

#[test]
fn a_hold_is_released_through_the_daemon_and_goes_at_once() {
    let (desk, daemon) = desk("belts.people-per-rule-max = 0\n");
    wait_until_it_stands(&daemon, &desk.room, "armed");
    let list = pull(&desk, &["hold", "list", "--format", "json"]).says(0, &[]).json();
    let holds = list["holds"].as_array().unwrap();
    let hold = holds.iter().find(|hold| hold["rule"] == "suspended-user").unwrap();
    let (id, digest) = (hold["id"].to_string(), hold["digest"].as_str().unwrap());
    pull(&desk, &["hold", "release", &id, "--digest", "0123456789"]).says(64, &["not the digest"]);
    assert_eq!(desk.deletes(), 0);
    pull(&desk, &["hold", "release", &id, "--digest", digest]).says(0, &["released"]);
    until("gone", || records(&desk, "cycle.finished").len() == 2);
    assert!(desk.deletes() > 0);
    stop(daemon);
    verify(&desk);
}

/// What the daemon says to these bytes.
fn raw(desk: &Desk, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(desk.room.path("control.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // It may have had enough before everything is sent.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8(answer).unwrap()
}

#[test]
fn hostile_requests_harm_nothing() {
    let (desk, daemon) = desk("");
    wait_until_it_stands(&daemon, &desk.room, "armed");
    let before = desk.trail().len();
    let ask =
        |command: Value| format!("{}\n", json!({ "v": 1, "account": "simulated", "command": command })).into_bytes();
    let deep = ["[".repeat(60_000).as_bytes(), b"\n"].concat();
    for (bytes, part) in [
        (b"\n".to_vec(), "is no request"),
        (b"\xff\xfe\n".to_vec(), "is no request"),
        (deep, "is no request"),
        (vec![b'a'; 70_000], "one line of 65536 bytes"),
        (b"{\"v\":2}\n".to_vec(), "version 2"),
        (ask(json!({ "do": "destroy" })), "is no request"),
        (ask(json!({ "do": "pause", "reason": "r", "more": 1 })), "is no request"),
        (ask(json!({ "do": "pause", "reason": "a\nb" })), "one line of 500 bytes"),
        (ask(json!({ "do": "pause", "reason": "r", "lasts": "99999999w" })), "from 1s to 24h"),
        (ask(json!({ "do": "hold-release", "id": 18_446_744_073_709_551_615_u64, "digest": "" })), "there is no hold"),
        (ask(json!({ "do": "revoke", "people": [], "reason": "r" })), "1 to 2000 people"),
        (b"{\"v\":1,\"account\":\"\\u001b[2J\",\"command\":{\"do\":\"status\"}}\n".to_vec(), "has no account"),
    ] {
        let answer = raw(&desk, &bytes);
        assert!(answer.contains(part), "{part}: {answer}");
    }
    // Who says nothing does not keep others out for long, and who hangs up is forgotten.
    let silent: Vec<UnixStream> =
        (0..3).map(|_| UnixStream::connect(desk.room.path("control.sock")).unwrap()).collect();
    let status = raw(&desk, &ask(json!({ "do": "status" })));
    assert!(status.contains("\"standing\":\"armed\""), "{status}");
    drop(silent);
    assert_eq!(desk.trail().len(), before, "nothing was done");
    stop(daemon);
}

/// Runs a command as a user and in a group that nobody has here. Nothing where we may not: it takes root.
struct Others {
    desk: Desk,
    program: std::path::PathBuf,
}

impl Others {
    #[expect(clippy::print_stderr, reason = "a test that skips says so")]
    fn of(desk: Desk) -> Option<Self> {
        let root = Command::new("id").arg("-u").output().is_ok_and(|ran| ran.stdout == b"0\n");
        if !root || Command::new("setpriv").arg("--version").output().is_err() {
            eprintln!("skipped: commands by other Unix users need root and `setpriv`");
            return None;
        }
        // They must come to the program, the configuration and the socket, and to nothing else.
        let program = desk.room.path("evictd");
        fs::copy(env!("CARGO_BIN_EXE_evictd"), &program).unwrap();
        fs::set_permissions(desk.room.path("."), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["state", "trail"] {
            fs::set_permissions(desk.room.path(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        Some(Self { desk, program })
    }

    fn run(&self, group: u32, arguments: &[&str]) -> Ran {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=52100", "--regid=52100", &format!("--groups={group}"), "--"]).arg(&self.program);
        command.args(arguments).args(["--config", "evictd.toml"]).env_clear().env("PATH", "/usr/bin:/bin");
        self.desk.room.start_command(&mut command).end()
    }
}

#[test]
fn each_unix_user_may_what_their_group_may() {
    let (desk, daemon) = desk("belts.people-per-rule-max = 0\n");
    wait_until_it_stands(&daemon, &desk.room, "armed");
    let people = named(&desk);
    let Some(others) = Others::of(desk) else { return };
    let [helpdesk, auditor, operator, approver, nobody] = [52_001, 52_002, 52_003, 52_004, 52_005];
    let list = others.run(approver, &["hold", "list", "--format", "json"]).says(0, &[]).json();
    let hold = |rule: &str| {
        let found = list["holds"].as_array().unwrap().iter().find(|hold| hold["rule"] == rule).unwrap();
        (found["id"].to_string(), found["digest"].as_str().unwrap().to_owned())
    };
    let ((id, digest), (other, _)) = (hold("suspended-user"), hold("deleted-user"));
    let commands: [(&[&str], &[u32]); 10] = [
        (&["status"], &[helpdesk, auditor, operator, approver]),
        (&["hold", "list"], &[helpdesk, auditor, operator, approver]),
        (&["why", "--user", &people[1]], &[helpdesk, auditor, operator, approver]),
        (&["hold", "show", &id], &[auditor, operator, approver]),
        (&["pause", "--reason", "drill"], &[operator]),
        (&["resume"], &[approver]),
        (&["apply", "--yes"], &[operator]),
        (&["hold", "discard", &other], &[operator]),
        (&["revoke", "--user", &people[0], "--reason", "r", "--yes"], &[operator]),
        (&["hold", "release", &id, "--digest", &digest], &[approver]),
    ];
    for (command, may) in commands {
        for group in [nobody, helpdesk, auditor, operator, approver].into_iter().filter(|group| !may.contains(group)) {
            // Of a pause of their own an operator is told by another test.
            if command != ["resume"] || group != operator {
                others.run(group, command).says(77, &["may not"]);
            }
        }
        for group in may {
            others.run(*group, command).says(0, &[]);
        }
    }
    let desk = others.desk;
    until("gone", || records(&desk, "cycle.finished").len() > 1);
    for kind in ["pause.began", "pause.ended", "lever.used", "hold.discarded", "hold.released"] {
        let record = records(&desk, kind).pop().unwrap_or_else(|| panic!("no {kind}"));
        assert!(record["by"].as_str().unwrap().starts_with("uid 52100"), "{record}");
    }
    stop(daemon);
    verify(&desk);
}

#[test]
fn an_operator_ends_their_own_pause_and_no_other() {
    let (desk, daemon) = desk("");
    wait_until_it_stands(&daemon, &desk.room, "armed");
    let Some(others) = Others::of(desk) else { return };
    let operator = 52_003;
    others.run(operator, &["pause", "--reason", "mine"]).says(0, &[]);
    others.run(operator, &["resume"]).says(0, &["resumed"]);
    pull(&others.desk, &["pause", "--reason", "root's"]).says(0, &[]);
    until("told", || records(&others.desk, "pause.began").len() == 2);
    others.run(operator, &["resume"]).says(77, &["`approve`"]);
    // Nor do they by a pause of their own on top of it: it shortens nothing, and is not theirs to end.
    others.run(operator, &["pause", "--reason", "mine", "--for", "1s"]).says(0, &["paused until"]);
    until("told", || records(&others.desk, "pause.began").len() == 3);
    others.run(operator, &["resume"]).says(77, &["`approve`"]);
    let (first, second) =
        (records(&others.desk, "pause.began").remove(1), records(&others.desk, "pause.began").remove(2));
    assert_eq!(first["until"], second["until"]);
    pull(&others.desk, &["resume"]).says(0, &["resumed"]);
    stop(daemon);
}

/// A sweep by hand beside a daemon is the daemon's, and whoever commanded it is told what it came to.
#[test]
fn an_apply_beside_a_daemon_is_a_sweep_of_the_daemon() {
    let (desk, daemon) = desk("");
    wait_until_it_stands(&daemon, &desk.room, "armed");
    until("swept", || records(&desk, "cycle.finished").len() == 1);
    let report = desk.apply().says(0, &[]).json();
    assert_eq!(records(&desk, "cycle.finished").len(), 2);
    assert_eq!(report["cycle"], records(&desk, "cycle.finished").pop().unwrap()["cycle"]);
    let lever = records(&desk, "lever.used").pop().unwrap();
    assert!(lever["lever"] == "apply" && lever["by"].as_str().unwrap().contains("(uid "), "{lever}");
    assert_eq!(records(&desk, "daemon.started").len(), 1);
    pull(&desk, &["apply", "--yes"]).says(0, &["cycle ", "RULES"]);
    // A pause ends nothing here either.
    pull(&desk, &["pause", "--reason", "drill"]).says(0, &[]);
    let ended = desk.deletes();
    pull(&desk, &["apply", "--yes"]).says(0, &[]);
    assert_eq!(desk.deletes(), ended);
    stop(daemon);
    verify(&desk);
}

/// In mode `report` with a credential of its own for ending sessions: the daemon has none at hand and fetches it for the
/// command, so that the incident lever and the self-test work as ever, and the sweeps go on reporting.
#[test]
fn what_a_human_commands_ends_sessions_in_mode_report_with_a_credential_of_its_own() {
    let desk = Desk::new();
    desk.room.write("revoker-secret", desk.ready["revoker_secret"].as_str().unwrap());
    fs::set_permissions(desk.room.path("revoker-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let id = desk.ready["revoker_id"].as_str().unwrap();
    let text = desk.room.read("evictd.toml").replace("mode = \"enforce\"", "mode = \"report\"");
    let lines = format!(
        "auth.oauth-client.scope = \"read\"\n\
         auth.revoker.oauth-client = {{ id = \"{id}\", secret = {{ file = \"revoker-secret\" }} }}\n\
         sweep = {{ every = \"1h\" }}\n{GROUPS}"
    );
    desk.room.write("evictd.toml", format!("{text}{lines}"));
    let daemon = run(&desk.room);
    poll(|| desk.room.path("control.sock").exists().then_some(())).unwrap();
    wait_until_it_stands(&daemon, &desk.room, "watching");
    let people = named(&desk);
    pull(&desk, &["revoke", "--user", &people[0], "--reason", "r", "--yes"]).says(0, &["revoked"]);
    let ended = desk.deletes();
    assert!(ended > 0);
    // Right after it, before any other look: whoever answers the person must not say that it would happen again.
    let why = pull(&desk, &["why", "--user", &people[0]]).says(0, &["commanded it, and not a rule"]).stdout;
    assert!(!why.contains("happen again") && !why.contains("held back"), "{why}");
    let tested = pull(&desk, &["selftest", "--user", &people[1], "--format", "json"]).says(0, &[]).json();
    assert_eq!(
        (&tested["ok"], &tested["outcome"], &tested["grade"]),
        (&true.into(), &"revoked".into(), &"ended".into())
    );
    assert_eq!(desk.deletes(), ended + 1);
    assert!(records(&desk, "selftest.began").pop().unwrap()["by"].as_str().unwrap().contains("(uid "));
    assert_eq!(records(&desk, "daemon.started").len(), 1, "all of it was the daemon's doing");
    // Where there is nobody who ends sessions, it is said, and nothing is written.
    let before = desk.trail().len();
    desk.room.write(
        "evictd.toml",
        format!("{}auth.revoker = \"none\"\n", text.trim_end_matches('\n').to_owned() + "\n") + GROUPS,
    );
    stop(daemon);
    let daemon = run(&desk.room);
    poll(|| desk.room.path("control.sock").exists().then_some(())).unwrap();
    wait_until_it_stands(&daemon, &desk.room, "watching");
    pull(&desk, &["revoke", "--user", &people[0], "--reason", "r", "--yes"]).says(78, &["nobody ends sessions"]);
    pull(&desk, &["selftest", "--user", &people[1]]).says(78, &["nobody ends sessions"]);
    assert!(desk.trail()[before..].iter().all(|line| line["kind"] != "lever.used" && line["kind"] != "selftest.began"));
    stop(daemon);
    verify(&desk);
}

/// A sweep that lists for minutes keeps nobody waiting: what a human commands is done beside it, and so is what the service
/// desk asks.
#[test]
fn what_a_human_commands_does_not_wait_for_a_long_listing() {
    let desk = Desk::with(Room::new(), &["--staff", "200", "--end-users", "0"]);
    let people = named(&desk);
    let text = desk.room.read("evictd.toml");
    let is_other = |line: &&str| !line.starts_with("scope") && !line.starts_with("budget");
    let kept = text.lines().filter(is_other).collect::<Vec<_>>().join("\n");
    let lines = "scope = \"staff\"\nsweep = { every = \"1h\" }\noffboarding.hr.file = \"left.csv\"\n\
                 budget = { requests-per-minute-max = 200, reserve = \"50%\" }\n";
    desk.room.write("evictd.toml", format!("{kept}\n{lines}{GROUPS}"));
    desk.room.write("left.csv", "email\nnobody@example.com\n");
    let daemon = run(&desk.room);
    let listings = || desk.requests().iter().filter(|(_, path, _)| path.contains("/sessions")).count();
    let before = listings();
    until("listing", || listings() > before + 3);
    pull(&desk, &["revoke", "--user", &people[0], "--reason", "r", "--yes"]).says(0, &["revoked"]);
    pull(&desk, &["selftest", "--user", &people[1]]).says(0, &["ok: the session ended"]);
    assert!(records(&desk, "cycle.finished").iter().all(|line| !line["looked"].is_null()), "the sweep lists still");
    assert_eq!(records(&desk, "daemon.started").len(), 1);
    stop(daemon);
    verify(&desk);
}
