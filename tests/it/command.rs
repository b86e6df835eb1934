//! The commands as a shell sees them: what bad input gets, which code each end has, what is sent and what is written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use evictd::files::Lock;
use evictd::model::{Foreign, SessionId};
use evictd::snapshot::{self, Snapshot};
use jiff::Timestamp;
use serde_json::Value;

use crate::hostile::shown::is_harmless;
use crate::program::{Desk, Ran, Room, root};

const ONE: &str = r#"schema = 1
[paths]
state = "state"
trail = "trail"
[accounts.one]
base-url = "http://127.0.0.1:9"
scope = "everyone"
policies = ["policies/*.toml"]
auth.token = { file = "token" }
"#;

const RULE: &str = r#"schema = 1
[[rule]]
id = "deleted-user"
title = "Session of a deleted user"
action = "revoke-user"
when.user.deleted = true
"#;

/// A configuration, a policy and a token; Zendesk is nowhere.
fn alone() -> Room {
    let room = Room::new();
    room.write("evictd.toml", ONE);
    room.write("policies/a.toml", RULE);
    room.write("token", "secret-token\n");
    fs::set_permissions(room.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
    room
}

/// Every command that acts on an account, on this configuration.
fn on_account(room: &Room, config: &str, code: i32, parts: &[&str]) {
    let commands: [&[&str]; 6] =
        [&["plan"], &["apply", "--yes"], &["explain", "1"], &["status"], &["audit", "verify"], &["audit", "tail"]];
    for command in commands {
        room.run(&[command, &["--config", config]].concat()).says(code, parts);
    }
}

#[test]
fn a_configuration_that_cannot_be_read_ends_with_78() {
    let room = alone();
    room.write("empty.toml", "");
    room.write("huge.toml", vec![b'#'; 5 << 20]);
    room.write("binary.toml", b"\x7fELF\x02\x01\x00\x00\x1b[2J");
    room.write("latin.toml", b"# caf\xe9\n");
    room.write("typo.toml", ONE.replace("scope", "scpoe"));
    room.write("broken.toml", ONE.replace("schema = 1", "schema = "));
    symlink("nowhere", room.path("link.toml")).unwrap();
    on_account(&room, "none.toml", 78, &["cannot read `none.toml`: there is no such file", "--config FILE"]);
    on_account(&room, "policies", 78, &["cannot read `policies`: it is not a regular file"]);
    on_account(&room, "typo.toml", 78, &["typo.toml:7:1", "`scpoe` is not known here", "did you mean `scope`?"]);
    for (config, part) in [
        ("empty.toml", "`schema` is missing"),
        ("empty.toml", "no account is configured"),
        ("huge.toml", "larger than 4194304 bytes"),
        ("binary.toml", "error[syntax]"),
        ("binary.toml", "binary.toml:1:1"),
        ("latin.toml", "not UTF-8 text from byte 5 on"),
        ("broken.toml", "broken.toml:1:10"),
        ("link.toml", "there is no such file"),
        ("/dev/zero", "not a regular file"),
    ] {
        room.run(&["plan", "--config", config]).says(78, &[part]);
    }
    room.run(&["plan"]).says(78, &["/etc/evictd/evictd.toml"]);
}

#[test]
fn alerts_are_tried_and_what_came_of_it_is_said_without_the_address() {
    let room = alone();
    let test = ["alerts", "test", "--config", "evictd.toml"];
    room.run(&test).says(78, &["nobody is told anything"]);
    room.write("key", "short\n");
    fs::set_permissions(room.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let webhook = "[alerts.webhook]\nurl = \"http://127.0.0.1:9/path\"\nsecret = { file = \"key\" }\n";
    room.write("evictd.toml", format!("{ONE}{}", webhook.replace(":9", ":10")));
    room.run(&test).says(78, &["too short to sign with"]);
    room.write("key", "0123456789abcdef\n");
    let ran = room.run(&test);
    ran.says(69, &["webhook    http://127.0.0.1:10: not taken: it cannot be reached", "not everything was taken"]);
    let smtp = "[alerts.smtp]\nhost = \"127.0.0.1\"\nport = 11\ntls = \"none\"\nuser = \"u\"\npassword = { file = \"password\" }\n\
                from = \"evictd@example.com\"\nto = [\"soc@example.com\"]\n";
    room.write("evictd.toml", format!("{ONE}{}{smtp}", webhook.replace(":9", ":10")));
    room.run(&test).says(78, &["cannot read `password`"]);
    room.write("password", "s3cret\n");
    room.run(&test).says(78, &["`password`", "chmod 600"]);
    fs::set_permissions(room.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    let both = [
        "webhook    http://127.0.0.1:10: not taken: ",
        "smtp       127.0.0.1 port 11: not taken: it cannot be reached",
    ];
    let ran = room.run(&test);
    ran.says(69, &[both[0], both[1], "not everything was taken"]);
    room.write("evictd.toml", format!("{ONE}{smtp}").replace("tls = \"none\"", "ca = \"key\""));
    room.run(&test).says(78, &["holds no certificate"]);
    room.write("evictd.toml", format!("{ONE}{webhook}"));
    room.run(&test).says(78, &["leads into Zendesk"]);
}

#[test]
fn status_names_each_channel_that_fails_and_forgets_those_that_are_gone() {
    let room = alone();
    let smtp = "[alerts.smtp]\nhost = \"smtp.example.com\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\n";
    let webhook = "[alerts.webhook]\nurl = \"https://alerts.example.com/\"\nsecret = { file = \"key\" }\n";
    for (name, since) in [("webhook", "2026-11-27T08:00:00Z"), ("smtp", "2026-11-27T09:00:00Z")] {
        let cursor = format!("{{\"seq\": 1, \"failing_since\": \"{since}\"}}");
        room.write(&format!("state/one/alerts-{name}.json"), cursor);
    }
    let (posts, mails) = ("webhook took none since 2026-11-27T08:00:00Z", "smtp took none since 2026-11-27T09:00:00Z");
    let status = ["status", "--config", "evictd.toml"];
    for (lines, posts_fail, mails_fail) in [(webhook, true, false), (smtp, false, true), ("", false, false)] {
        room.write("evictd.toml", format!("{ONE}{lines}"));
        let ran = room.run(&status);
        assert_eq!((ran.stdout.contains(posts), ran.stdout.contains(mails)), (posts_fail, mails_fail), "{ran:#?}");
    }
    room.write("evictd.toml", format!("{ONE}{webhook}{smtp}"));
    let ran = room.run(&[&status[..], &["--format", "json"]].concat());
    let since = serde_json::json!({"webhook": "2026-11-27T08:00:00Z", "smtp": "2026-11-27T09:00:00Z"});
    assert_eq!(ran.json()["alerts_fail_since"], since);
}

#[test]
fn the_account_has_to_be_named_where_there_are_several() {
    let room = alone();
    on_account_named(&room, "two", 64, "there is no account `two`");
    room.write(
        "evictd.toml",
        format!("{ONE}[accounts.two]{}", ONE.split_once("[accounts.one]").unwrap().1.replace(":9", ":10")),
    );
    room.run(&["plan", "--config", "evictd.toml"]).says(64, &["several accounts", "--account NAME", "one, two"]);
    room.run(&["status", "--config", "evictd.toml", "--account", "two"]).says(0, &["account       two"]);
}

fn on_account_named(room: &Room, name: &str, code: i32, part: &str) {
    for command in ["plan", "status"] {
        room.run(&[command, "--config", "evictd.toml", "--account", name]).says(code, &[part]);
    }
}

#[test]
fn policies_that_are_missing_or_broken_are_never_in_force() {
    let room = alone();
    let both = |parts: &[&str]| {
        for command in [&["plan"][..], &["apply", "--yes"], &["explain", "1"]] {
            let ran = room.run(&[command, &["--config", "evictd.toml"]].concat()).says(78, parts);
            assert_eq!(ran.stdout, "");
        }
        assert!(!room.path("trail").exists() && !room.path("state").exists());
    };
    room.edit("evictd.toml", "policies/*.toml", "polices/*.toml");
    both(&["error[unmatched-glob]: no policy file matches `polices/*.toml`", "evictd.toml:8:13"]);
    room.edit("evictd.toml", "polices/*.toml", "policies/[a.toml");
    both(&["error[bad-glob]", "evictd.toml:8:13"]);
    room.edit("evictd.toml", "policies/[a.toml", "policies/*.toml");
    room.write("policies/b.toml", "schema = 1\n[[rule]]\nid = \"deleted-user\"\ntitel = \"x\"\n");
    both(&[
        "policies/b.toml:3:6",
        "first used here",
        "policies/a.toml:3:6",
        "policies/b.toml:4:1",
        "did you mean `title`?",
    ]);
    room.write("policies/b.toml", b"\xff");
    both(&["policies/b.toml", "not UTF-8"]);
}

#[test]
fn policy_commands_say_what_is_wrong_where() {
    let room = alone();
    room.run(&["policy", "check"]).says(0, &["1 file: 1 rule, 0 exceptions, 1 warning", "warning[no-case]"]);
    room.run(&["policy", "test"]).says(0, &["no case: deleted-user", "0 passed, 0 failed"]);
    for command in ["check", "test"] {
        room.run(&["policy", command, "none"]).says(78, &["no policy file at `none`"]);
        room.run(&["policy", command, "token"]).says(1, &["error[syntax]", "token:1"]);
    }
    let mistakes = root().join("tests/diagnostics/ten-mistakes.toml");
    let json = room.run(&["policy", "check", mistakes.to_str().unwrap(), "--format", "json"]).says(1, &[]).json();
    assert!(json["errors"].as_u64().unwrap() >= 10);
    let lines: Vec<u64> =
        json["findings"].as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert!(lines.is_sorted());
    room.run(&["policy", "test", mistakes.to_str().unwrap()]).says(1, &["error[unknown-fact]"]);
    let case =
        "[[rule.case]]\ntitle = \"wrong \\u001b[31m\\u202e\"\ngiven = { user.deleted = false }\nexpect = \"revoke\"\n";
    room.write("policies/a.toml", format!("{RULE}{case}"));
    room.run(&["policy", "test"]).says(1, &["FAILED", "expected revoke, came to keep (policies/a.toml:7)"]);
    for folder in ["policies", "tests/facts"] {
        let folder = root().join(folder);
        let ran = room.run(&["policy", "test", folder.to_str().unwrap(), "--format", "json"]).says(0, &[]);
        assert!(
            ran.json()["passed"].as_u64().unwrap() > 10 && ran.json()["rules_without_case"] == serde_json::json!([])
        );
    }
    room.run(&["policy", "facts"]).says(0, &["session.age", "user.offboarded-for"]);
}

#[test]
fn a_snapshot_that_cannot_be_used_ends_with_78() {
    let desk = Desk::new();
    desk.plan().says(0, &[]);
    let room = &desk.room;
    let last = "state/simulated/last-snapshot.json.gz";
    let bytes = fs::read(room.path(last)).unwrap();
    room.write("cut.gz", &bytes[..bytes.len() / 2]);
    room.write("text", "not a snapshot");
    room.write("empty", "");
    room.edit("evictd.toml", "[accounts.simulated]", "[accounts.other]");
    room.write("other.toml", room.read("evictd.toml"));
    room.edit("evictd.toml", "[accounts.other]", "[accounts.simulated]");
    for (config, file, part) in [
        ("evictd.toml", "none", "cannot read `none`: there is no such file"),
        ("evictd.toml", "state", "it is not a regular file"),
        ("evictd.toml", "cut.gz", "`cut.gz`: this snapshot is truncated"),
        ("evictd.toml", "text", "`text`: this is not a snapshot"),
        ("evictd.toml", "empty", "`empty`: this is not a snapshot: it is empty"),
        ("other.toml", last, "the snapshot is of account `simulated`, not of `other`"),
    ] {
        for command in [&["plan"][..], &["explain", "1"]] {
            room.run(&[command, &["--config", config, "--snapshot", file]].concat()).says(78, &[part]);
        }
    }
    room.run(&["explain", "1", "--config", "evictd.toml"]).says(1, &["has no session 1"]);
    room.run(&["explain", "unknwon-key"]).says(64, &["did you mean `unknown-key`?"]);
    room.run(&["explain", "unknown-key"]).says(0, &["unknown-key (error)"]);
    room.run(&["simulator", "--world", "text"]).says(78, &["cannot use `text`"]);
}

#[test]
fn a_secret_that_is_missing_or_lies_open_ends_with_78() {
    let room = alone();
    let both = |parts: &[&str]| {
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let ran = room.run(&[command, &["--config", "evictd.toml"]].concat()).says(78, parts);
            assert!(!format!("{ran:?}").contains("secret-token"));
        }
    };
    fs::set_permissions(room.path("token"), fs::Permissions::from_mode(0o640)).unwrap();
    both(&["token`: its mode 640 lets others than its owner in", "help: chmod 600"]);
    fs::set_permissions(room.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
    room.write("token", "");
    both(&["token`: it is empty", "on one line"]);
    room.write("token", "secret-token\nsecret-token\n");
    both(&["more than one line"]);
    fs::remove_file(room.path("token")).unwrap();
    both(&["token`: there is no such file"]);
    room.edit("evictd.toml", "{ file = \"token\" }", "{ env = \"TOKEN\" }");
    both(&["the environment has no `TOKEN`", "export"]);
    room.edit("evictd.toml", "{ env = \"TOKEN\" }", "{ credential = \"token\" }");
    both(&["no credential `token` outside of the systemd unit"]);
    room.edit("evictd.toml", "{ credential = \"token\" }", "\"secret-token\"");
    both(&["error[bad-secret]", "evictd.toml:9:6"]);
}

#[test]
fn a_wrong_credential_ends_with_77() {
    let desk = Desk::new();
    let room = &desk.room;
    room.write("client-secret", "wrong");
    let both = |part: &str| {
        for ran in [desk.plan(), desk.apply()] {
            let ran = ran.says(77, &["Zendesk refused", part, "help: check the credential"]);
            assert_eq!(ran.stdout, "");
        }
    };
    both("invalid_client");
    room.write("client-secret", desk.ready["expired_token"].as_str().unwrap());
    room.edit("evictd.toml", "auth.oauth-client.id", "# auth.oauth-client.id");
    room.edit("evictd.toml", "auth.oauth-client.secret", "auth.token");
    both("valid credentials");
    assert_eq!(desk.deletes(), 0);
}

#[test]
fn an_unreachable_zendesk_ends_with_69_and_nothing_counts_as_gone() {
    let desk = Desk::new();
    desk.plan().says(0, &[]);
    let last = "state/simulated/last-snapshot.json.gz";
    let before = fs::read(desk.room.path(last)).unwrap();
    let url = desk.ready["base_url"].as_str().unwrap();
    desk.room.edit("evictd.toml", url, "http://127.0.0.1:9");
    let plan = desk.room.start(&["plan", "--config", "evictd.toml"]);
    let apply = desk.room.start(&["apply", "--config", "evictd.toml", "--yes"]);
    // Every answer of this one is cut.
    let cut = Desk::with(Room::new(), &["--fault", "cut=1"]);
    let cut = cut.room.start(&["plan", "--config", "evictd.toml"]);
    for ran in [plan.end(), apply.end(), cut.end()] {
        let ran = ran.says(69, &["error: Zendesk cannot be reached", "nothing was counted as gone"]);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(fs::read(desk.room.path(last)).unwrap(), before);
    let kinds: Vec<Value> = desk.trail().iter().map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds, ["daemon.started", "config.loaded", "policy.loaded", "scope.changed", "daemon.stopped"]);
}

#[test]
fn a_trail_that_cannot_be_written_ends_with_74_and_nothing_is_revoked() {
    for blocked in ["trail", "trail/simulated"] {
        let desk = Desk::new();
        let path = desk.room.path(blocked);
        fs::remove_dir_all(&path).unwrap_or_default();
        fs::write(&path, "in the way").unwrap();
        desk.apply().says(74, &["the trail", "nothing is revoked without a trail"]);
        assert_eq!(desk.deletes(), 0, "{blocked}");
    }
}

/// Files may not grow beyond this many blocks: for whoever writes that is a full disk.
fn apply_with_blocks(desk: &Desk, blocks: u32) -> Ran {
    let mut command = Command::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_evictd");
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' apply --config evictd.toml --yes");
    desk.room.start_command(command.args(["-c", &line]).env_clear()).end()
}

#[test]
fn a_full_disk_ends_with_74_and_no_act_is_without_its_record() {
    let mut deletes = Vec::new();
    for blocks in [1, 16, 24, 28] {
        let desk = Desk::new();
        apply_with_blocks(&desk, blocks).says(74, &["error: ", "help: "]);
        assert_every_delete_was_announced(&desk);
        deletes.push(desk.deletes());
        desk.apply().says(0, &[]);
        assert_every_delete_was_announced(&desk);
        desk.room.run(&["audit", "verify", "--config", "evictd.toml"]).says(0, &["trail verified"]);
    }
    assert!(deletes[0] == 0 && deletes.iter().any(|count| *count > 0), "before and between the acts: {deletes:?}");
}

/// Every DELETE has its own intent in the trail, written before it was sent.
pub fn assert_every_delete_was_announced(desk: &Desk) {
    let mut intents: Vec<(String, Vec<String>, Timestamp)> = Vec::new();
    for line in desk.trail().iter().filter(|line| line["kind"] == "revocation.intended") {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let sessions = line["sessions"].as_array().unwrap().iter().map(text).collect();
        intents.push((text(&line["user"]), sessions, text(&line["at"]).parse().unwrap()));
    }
    for (_, path, time) in desk.requests().into_iter().filter(|(method, ..)| method == "DELETE") {
        let (user, session) = path.strip_prefix("/api/v2/users/").unwrap().split_once("/sessions").unwrap();
        let session = session.trim_start_matches('/');
        let announced = intents.iter().position(|(of, sessions, at)| {
            of == user && *at <= time && (session.is_empty() || sessions.iter().any(|one| one == session))
        });
        intents.remove(announced.unwrap_or_else(|| panic!("{path} was not announced")));
    }
}

#[test]
fn a_second_writer_ends_with_75_and_the_first_ones_pid() {
    let desk = Desk::new();
    let lock = Lock::take(&desk.room.path("state/simulated")).unwrap();
    let own = std::process::id().to_string();
    desk.apply().says(75, &[&format!("another process ({own}) holds the lock"), "help:"]);
    desk.room.run(&["status", "--config", "evictd.toml"]).says(0, &[&format!("running       yes, process {own}")]);
    desk.plan().says(0, &[]);
    assert_eq!(desk.deletes(), 0);
    drop(lock);
    desk.apply().says(0, &[]);
    desk.room.run(&["status", "--config", "evictd.toml"]).says(0, &["running       no"]);
}

#[test]
fn apply_asks_and_without_a_terminal_there_is_nobody_to_ask() {
    let desk = Desk::new();
    desk.room.run(&["apply", "--config", "evictd.toml"]).says(64, &["nobody to ask", "--yes"]);
    assert_eq!(desk.requests(), []);
}

#[test]
fn a_partial_listing_is_reported_and_ends_with_69() {
    let arguments = ["--staff", "40", "--end-users", "200", "--fault", "repeat-cursor=1"];
    let desk = Desk::with(Room::new(), &arguments);
    for ran in [desk.plan(), desk.apply()] {
        let report = ran.says(69, &[]).json();
        assert_eq!(report["complete"], false);
        assert!(report["sessions_seen"].as_u64().unwrap() > 0);
        let counts: Vec<&str> = rows(&report, "undecided")
            .iter()
            .filter(|row| row["cause"] == "partial")
            .map(|row| row["rule"].as_str().unwrap())
            .collect();
        assert_eq!(counts, ["too-many-staff-sessions"]);
    }
    desk.room.run(&["plan", "--config", "evictd.toml"]).says(69, &["warning: the listing is partial"]);
}

fn rows<'a>(report: &'a Value, part: &str) -> &'a Vec<Value> {
    report[part].as_array().unwrap()
}

fn sessions(report: &Value) -> Vec<&str> {
    rows(report, "revoke").iter().map(|row| row["session_id"].as_str().unwrap()).collect()
}

#[test]
fn what_plan_names_apply_ends_and_the_next_plan_does_not_name_again() {
    let desk = Desk::new();
    let config = ["--config", "evictd.toml"];
    let first = desk.plan().says(0, &[]);
    desk.room.run(&[&["plan", "--exit-code"][..], &config].concat()).says(1, &["WOULD BE REVOKED"]);
    for (method, path, _) in desk.requests() {
        assert!(method == "GET" || (method, path.as_str()) == ("POST".to_owned(), "/oauth/tokens"), "{path}");
    }
    assert!(!desk.room.path("trail/simulated").exists(), "a dry run leaves no record");
    let planned = first.json();
    assert!(sessions(&planned).len() > 5 && rows(&planned, "withheld").len() == 11);

    let applied = desk.apply().says(0, &[]).json();
    assert_eq!(sessions(&applied), sessions(&planned));
    assert!(rows(&applied, "revoke").iter().all(|row| row["outcome"] == "revoked" && row["grade"] == "ended"));
    assert!(desk.deletes() > 5);
    assert_every_delete_was_announced(&desk);
    desk.room.run(&[&["audit", "verify"][..], &config].concat()).says(0, &["trail verified"]);

    let after =
        desk.room.run(&[&["plan", "--exit-code", "--format", "json"][..], &config].concat()).says(0, &[]).json();
    assert_eq!(sessions(&after), [""; 0]);
    assert_eq!(rows(&after, "withheld").len(), 11);
    let deletes = desk.deletes();
    desk.apply().says(0, &[]);
    assert_eq!(desk.deletes(), deletes, "the same world twice revokes once");
}

#[test]
fn why_tells_a_service_desk_what_happened_and_names_nothing_technical() {
    let desk = Desk::new();
    let planned = desk.plan().json();
    let applied = desk.apply().json();
    let row = applied["revoke"].as_array().unwrap().iter().find(|row| row["outcome"] == "revoked").unwrap().clone();
    let (id, person) = (row["user_id"].as_str().unwrap(), row["person"].as_str().unwrap());
    let email = person.rsplit_once('<').unwrap().1.trim_end_matches('>');
    let why = |who: &str, more: &[&str]| {
        let base = ["why", "--config", "evictd.toml", "--since", "900w", "--user", who];
        desk.room.run(&[&base[..], more].concat())
    };
    let said = why(email, &[]).says(0, &["evictd ended", "The rule is", "It rested on this"]).stdout;
    for hidden in [id, row["session_id"].as_str().unwrap(), row["rules"][0].as_str().unwrap(), "session.age"] {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
    assert_eq!(why(id, &[]).says(0, &[]).stdout, said);
    assert_eq!(why(email, &["--format", "json"]).json()["text"], said.trim_end());
    let kept = planned["withheld"][0]["user_id"].as_str().unwrap();
    why(kept, &[]).says(0, &["ended no session of", "held back"]);
    why("nobody@example.com", &[]).says(1, &["nobody is known as"]);
    for length in ["", "soon", "9999w", "99999999w"] {
        let since = ["why", "--config", "evictd.toml", "--user", email, "--since", length];
        desk.room.run(&since).says(64, &["is not a length of time that one can look back", "write `2h`"]);
    }
    // Who cannot read what was written down is not told that nobody lost anything.
    fs::rename(desk.room.path("trail/simulated"), desk.room.path("trail/elsewhere")).unwrap();
    desk.room.write("trail/simulated", "");
    let ran = why(id, &[]).says(78, &["cannot read the trail"]);
    assert!(!ran.stdout.contains("ended no session"), "{ran:#?}");
}

#[test]
fn a_snapshot_plans_the_same_bytes_without_asking_anybody() {
    let desk = Desk::new();
    let offline =
        ["plan", "--config", "evictd.toml", "--format", "json", "--snapshot", "state/simulated/last-snapshot.json.gz"];
    let live = desk.plan();
    let asked = desk.requests().len();
    let secret = desk.room.read("client-secret");
    desk.room.write("client-secret", "");
    assert_eq!(desk.room.run(&offline).says(0, &[]).stdout, live.stdout);
    desk.room.write("client-secret", secret);
    let mut applied = desk.apply().json();
    let answered = desk.requests().len();
    let again = desk.room.run(&offline).json();
    for row in applied["revoke"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().retain(|key, _| key != "outcome" && key != "grade");
    }
    assert_eq!(applied, again, "an enforcing cycle plans what a dry one would have");
    assert_eq!(desk.requests().len(), answered);
    assert!(answered > asked);
}

#[test]
fn a_redacted_snapshot_is_judged_the_same_and_names_nobody() {
    let room = alone();
    for file in ["clients.toml", "geography.toml", "networks.toml"] {
        room.write(&format!("policies/{file}"), fs::read(root().join("policies").join(file)).unwrap());
    }
    room.write("stolen.json", fs::read(root().join("tests/worlds/stolen.json")).unwrap());
    let redact = ["snapshot", "redact", "stolen.json", "--out", "given.json.gz"];
    room.run(&redact).says(0, &["`given.json.gz`: 1 session and 2 people", "account `redacted`"]);
    room.run(&redact).says(64, &["`given.json.gz` is there already"]);
    room.run(&["snapshot", "redact", "token", "--out", "other"]).says(78, &["this is not a snapshot"]);
    room.run(&["snapshot", "redact", "stolen.json", "--out", "no/folder"]).says(64, &["cannot write `no/folder`"]);
    let text = format!("{:?}", snapshot::from_bytes(&fs::read(room.path("given.json.gz")).unwrap()).unwrap());
    for told in ["ada@example", "Ada", "73.162.10.20", "41.0.0.1", "acme"] {
        assert!(!text.contains(told), "{told}: {text}");
    }
    let judged = |file: &str, account: &str| {
        room.write("evictd.toml", ONE.replace("accounts.one", &format!("accounts.{account}")));
        room.run(&["plan", "--config", "evictd.toml", "--format", "json", "--snapshot", file]).says(0, &[]).json()
    };
    let (whole, redacted) = (judged("stolen.json", "acme"), judged("given.json.gz", "redacted"));
    assert_eq!(whole["rules"], redacted["rules"]);
    assert!(rows(&whole, "rules").iter().any(|rule| rule["fired"] == 1), "{whole}");
}

#[test]
fn an_account_in_mode_report_is_left_alone_and_says_so() {
    let desk = Desk::new();
    desk.room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"");
    let ran = desk.apply().says(0, &["account `simulated` is in mode `report`: nothing was revoked"]);
    let report = ran.json();
    assert!(!sessions(&report).is_empty());
    assert!(rows(&report, "revoke").iter().all(|row| row["mode"] == "report" && row.get("outcome").is_none()));
    assert_eq!(desk.deletes(), 0);
    let kinds: Vec<Value> = desk.trail().iter().map(|line| line["kind"].clone()).collect();
    assert!(
        kinds.iter().any(|kind| kind == "cycle.finished") && !kinds.iter().any(|kind| kind == "revocation.intended")
    );
    desk.room.run(&["plan", "--exit-code", "--config", "evictd.toml"]).says(0, &["WOULD BE REVOKED"]);
}

#[test]
fn an_account_that_protects_nobody_real_is_not_enforced() {
    let desk = Desk::new();
    let text = desk.room.read("evictd.toml");
    let line = text.lines().find(|line| line.starts_with("protected")).unwrap();
    for (entries, part) in [
        ("[\"nobody@example.com\"]", "`nobody@example.com` matches nobody"),
        ("[1]", "`1` matches nobody"),
        ("[]", "error[no-protected]"),
    ] {
        desk.room.write("evictd.toml", text.replace(line, &format!("protected = {entries}")));
        desk.apply().says(78, &[part, "at least one admin"]);
    }
    assert_eq!(desk.deletes(), 0);
}

#[test]
fn a_damaged_trail_is_found_and_a_missing_one_is_no_empty_one() {
    let desk = Desk::new();
    let audit = |command: &[&str]| desk.room.run(&[&["audit"], command, &["--config", "evictd.toml"]].concat());
    audit(&["verify"]).says(78, &["there is no trail at `trail/simulated`"]);
    desk.apply().says(0, &[]);
    audit(&["tail", "-n", "2"]).says(0, &["daemon.stopped"]);
    audit(&["show", "--kind", "policy.loaded"]).says(0, &["policy.loaded"]);
    audit(&["show", "--user", "nobody"]).says(64, &["`nobody` is not an id"]);
    audit(&["show", "99999"]).says(1, &["no record matches"]);
    let names: Vec<_> =
        fs::read_dir(desk.room.path("trail/simulated")).unwrap().map(|one| one.unwrap().path()).collect();
    let segment = names.iter().find(|path| path.ends_with("trail-00000000000000000001.jsonl")).unwrap();
    let text = fs::read_to_string(segment).unwrap();
    fs::write(segment, text.replacen("revocation.intended", "revocation.graded", 1)).unwrap();
    audit(&["verify"]).says(1, &["trail not verified"]);
    desk.apply().says(74, &["the trail"]);
}

const HOSTILE: &str = "Eve\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}nimda\u{200b}\u{9b}31m\r\n| `x`";

/// Everybody who offends has a hostile name, one of them a megabyte of it.
fn hostile(mut world: Snapshot) -> Vec<u8> {
    for (number, person) in world.people.values_mut().enumerate() {
        let person = std::sync::Arc::make_mut(person);
        let name = if number == 0 { HOSTILE.repeat(30_000) } else { format!("{HOSTILE}{number}") };
        person.name = Foreign::new(name);
        person.email = Some(Foreign::new(format!("{HOSTILE}{number}@example.com")));
        person.tags.push(Foreign::new(HOSTILE));
    }
    snapshot::to_bytes(&world).unwrap()
}

#[test]
fn hostile_names_are_escaped_and_cut_wherever_they_are_shown() {
    let tame = Desk::new();
    tame.plan().says(0, &[]);
    let bytes = fs::read(tame.room.path("state/simulated/last-snapshot.json.gz")).unwrap();
    let room = Room::new();
    room.write("world", hostile(snapshot::from_bytes(&bytes).unwrap()));
    let desk = Desk::with(room, &["--world", "world"]);
    let config = ["--config", "evictd.toml"];
    let planned = desk.plan().json();
    let session: SessionId = sessions(&planned).first().unwrap().parse().unwrap();
    let session = session.to_string();
    let commands: [&[&str]; 8] = [
        &["plan"],
        &["explain", &session],
        &["explain", &session, "--format", "json"],
        &["apply", "--yes"],
        &["audit", "tail"],
        &["audit", "show", "--session", &session],
        &["audit", "show", "--kind", "claim.began", "--format", "json"],
        &["status"],
    ];
    for command in commands {
        let arguments = [command, &config].concat();
        let ran = desk.room.run(&arguments).says(0, &[]);
        // The trail keeps what it was told in full.
        assert!(command.contains(&"show") || ran.stdout.len() < 200_000, "{command:?}: {}", ran.stdout.len());
        let coloured = desk.room.run_coloured(&arguments);
        assert!(!coloured.contains("\u{1b}[2J") && !coloured.contains("\u{1b}]"), "{command:?}");
    }
    assert!(desk.plan().stdout.len() < 200_000);
}

#[test]
fn wrong_arguments_end_with_64_and_help_with_0() {
    let room = alone();
    let wrong: [&[&str]; 14] = [
        &["plna"],
        &["help"],
        &["plan", "--jason"],
        &["plan", "--format", "yaml"],
        &["plan", "--config"],
        &["explain"],
        &["explain", "not-a-code-at-all"],
        &["policy"],
        &["audit", "show"],
        &["audit", "show", "1", "--user", "2"],
        &["audit", "show", "--kind", "nonsense"],
        &["simulator", "--listen", "0.0.0.0:0"],
        &["simulator", "--fault", "locusts=1"],
        &["simulator", "--world", "w", "--staff", "3"],
    ];
    for arguments in wrong {
        let ran = room.run(arguments).says(64, &[]);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{ran:?}");
    }
    room.run(&["simulator", "--write-config", "token/x/evictd.toml"]).says(64, &["cannot write the configuration"]);
    let commands = [
        "",
        "demo",
        "plan",
        "apply",
        "explain",
        "status",
        "simulator",
        "policy",
        "policy check",
        "policy test",
        "policy facts",
        "audit",
        "audit verify",
        "audit tail",
        "audit show",
    ];
    for command in commands {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let ran = room.run(&arguments).says(0, &[&format!("Usage: evictd {command}")]);
        assert!(ran.stderr.is_empty() && ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
    }
    room.run(&[]).says(0, &["evictd demo"]);
    room.run(&["--version"]).says(0, &["evictd 0.1.0"]);
}

#[test]
fn a_score_tells_precision_and_recall_for_each_kind_that_is_labelled() {
    let room = Room::new();
    let rows = [
        r#"{"ua": "curl/8.9.1", "class": "library"}"#,
        "",
        r#"{"ua": "Wget/1.21.4", "class": "bot"}"#,
        r#"{"ua": "Twitterbot/1.0", "class": "bot"}"#,
    ];
    room.write("labelled.jsonl", rows.join("\n"));
    let score = room.run(&["clients", "score", "labelled.jsonl", "--format", "json"]).says(0, &[]).json();
    let figures = |kind: &str| {
        let kind = &score["kinds"][kind];
        (kind["precision"].as_f64().unwrap(), kind["recall"].as_f64().unwrap())
    };
    assert_eq!(score["schema"], 1);
    assert_eq!(score["kinds"].as_object().unwrap().len(), 2, "{score}");
    assert_eq!((figures("script"), figures("bot")), ((0.5, 1.0), (1.0, 0.5)));
    room.run(&["clients", "score", "labelled.jsonl", "--misses"])
        .says(0, &["50.0 %", "line 3: bot, told script: Wget/1.21.4"]);
    room.write("hostile.jsonl", r#"{"ua": "a\u202eb\u009b2J", "class": "bot"}"#);
    for format in ["text", "json"] {
        let ran = room.run(&["clients", "score", "hostile.jsonl", "--misses", "--format", format]);
        is_harmless(format, &ran.says(0, &["unknown"]).stdout);
    }
    let examples = root().join("data/clients/examples.jsonl");
    room.run(&["clients", "score", examples.to_str().unwrap()]).says(0, &["100.0 %"]);
}

#[test]
fn a_file_that_labels_nothing_is_no_score() {
    let room = Room::new();
    room.write("empty.jsonl", "\n \n");
    room.write("rubbish.jsonl", "{\"ua\": \"a\", \"class\": \"bot\"}\n\x1b[2J\n");
    room.write("class.jsonl", r#"{"ua": "a", "class": "robot"}"#);
    room.write("marked.jsonl", "\u{feff}{\"ua\": \"curl/8.9.1\", \"class\": \"library\"}");
    room.run(&["clients", "score", "marked.jsonl"]).says(0, &["1 labelled agent string\n"]);
    for (file, why) in [
        ("missing.jsonl", "there is no such file"),
        ("empty.jsonl", "it holds no labelled agent string"),
        ("rubbish.jsonl", "line 2 is no JSON"),
        ("class.jsonl", "line 1 has the unknown class `robot`"),
    ] {
        room.run(&["clients", "score", file]).says(78, &[why]);
    }
}
