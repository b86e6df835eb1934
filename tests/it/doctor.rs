//! `evictd doctor` as a shell sees it: what is well, what is wrong, what to do, and that looking changes nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use evictd::clock::{Clock as _, SystemClock};
use evictd::files::Lock;
use serde_json::Value;

use crate::places::mmdb::{Map, Mmdb, Text};
use crate::program::{Desk, Ran, Room};

const CONFIG: [&str; 2] = ["--config", "evictd.toml"];

/// The checks of an account where nothing is found that has to be named apart, in their order.
const CHECKS: [&str; 25] = [
    "reach",
    "egress",
    "credential",
    "user",
    "token",
    "scopes",
    "revoker",
    "sessions",
    "own-user",
    "audit-log",
    "access-log",
    "ticket-audits",
    "timeouts",
    "clock",
    "policies",
    "places",
    "places",
    "offboarding",
    "files",
    "lock",
    "state",
    "trail",
    "budget",
    "exposure",
    "protected",
];

fn mode(room: &Room, name: &str, mode: u32) {
    fs::set_permissions(room.path(name), Permissions::from_mode(mode)).unwrap();
}

/// A desk on which nothing is wrong, whatever modes new files get here.
fn desk() -> Desk {
    settled(Desk::new())
}

fn settled(desk: Desk) -> Desk {
    for (name, bits) in [("", 0o700), ("policies", 0o755), ("evictd.toml", 0o644), ("policies/simulated.toml", 0o644)] {
        mode(&desk.room, name, bits);
    }
    desk
}

fn doctor(room: &Room) -> Ran {
    room.run(&[&["doctor"], &CONFIG[..]].concat())
}

fn rows(room: &Room, code: i32) -> Vec<Value> {
    let document = room.run(&[&["doctor", "--format", "json"], &CONFIG[..]].concat()).says(code, &[]).json();
    document["rows"].as_array().unwrap().clone()
}

fn is(row: &Value, check: &str, state: &str) -> bool {
    row["check"] == check && row["state"] == state
}

/// There is a row of this check that stands so and says this, with help if it is bad.
fn check(rows: &[Value], check: &str, state: &str, part: &str) {
    let said = |row: &Value| row["what"].as_str().unwrap().contains(part);
    let found = rows.iter().find(|row| is(row, check, state) && said(row));
    let row = found.unwrap_or_else(|| panic!("no {state} {check} `{part}` in {rows:#?}"));
    assert!(state != "bad" || row["help"].is_string(), "{row:#}");
}

fn bad(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter(|row| row["state"] == "bad").map(|row| row["check"].as_str().unwrap()).collect()
}

#[test]
fn nothing_is_wrong_and_nothing_is_changed() {
    let desk = desk();
    let document = desk.room.run(&[&["doctor", "--format", "json"], &CONFIG[..]].concat()).says(0, &[]).json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&document), ["account", "rows", "schema"]);
    assert_eq!((&document["schema"], &document["account"]), (&1.into(), &"simulated".into()));
    let rows = document["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| keys(row) == ["check", "help", "state", "what"]), "{rows:#?}");
    let checks: Vec<&str> = rows.iter().map(|row| row["check"].as_str().unwrap()).collect();
    assert_eq!(checks, CHECKS);
    assert_eq!(bad(rows), [""; 0], "{rows:#?}");
    check(rows, "reach", "good", "answers, without TLS, on this machine");
    check(rows, "egress", "good", "does not restrict addresses");
    check(rows, "user", "good", "is an admin");
    check(rows, "scopes", "good", "`read write`");
    check(rows, "revoker", "note", "one credential reads and ends sessions");
    check(rows, "timeouts", "good", "ends staff sessions after 12h");
    check(rows, "clock", "good", "apart");
    check(rows, "policies", "good", "8 rules, of which 8 may enforce");
    check(rows, "protected", "good", "1 admin who can sign in");
    let page = doctor(&desk.room).says(0, &["good reach", "nothing is wrong", "                   help: "]);
    assert!(!page.stdout.contains('✓') && page.stderr.is_empty(), "{page:?}");
    let is_reading = |(method, path, _): &(String, String, _)| method == "GET" || path == "/oauth/tokens";
    assert!(desk.requests().iter().all(is_reading), "{:?}", desk.requests());
    for folder in ["state", "trail"] {
        assert_eq!(fs::read_dir(desk.room.path(folder)).unwrap().count(), 0, "{folder}");
    }
}

#[test]
fn after_a_cycle_its_age_and_its_needs_are_told() {
    let desk = desk();
    desk.apply().says(0, &[]);
    let rows = rows(&desk.room, 0);
    check(&rows, "lock", "good", "no daemon runs");
    check(&rows, "state", "good", "people are remembered");
    check(&rows, "trail", "good", "the last cycle was ");
    check(&rows, "budget", "good", "the schedule gives 5m; sweeps may send 54000 calls a minute, and 10 %");
    check(&rows, "exposure", "good", "a bad session could live 6m at worst");
    check(&rows, "exposure", "good", "at this budget and is due each 5m)");
}

#[test]
fn whoever_holds_the_account_is_named_and_not_disturbed() {
    let desk = desk();
    let lock = Lock::take(&desk.room.path("state/simulated")).unwrap();
    check(&rows(&desk.room, 0), "lock", "good", &format!("process {} holds the account", std::process::id()));
    drop(lock);
    check(&rows(&desk.room, 0), "lock", "good", "nobody holds the account");
}

#[test]
fn a_trail_that_was_changed_is_wrong() {
    let desk = desk();
    desk.apply().says(0, &[]);
    let folder = desk.room.path("trail/simulated");
    let mut names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    let is_personal = |path: &PathBuf| path.to_str().unwrap().contains("personal");
    let segment = names.find(|path| is_segment(path) && !is_personal(path)).unwrap();
    let text = fs::read_to_string(&segment).unwrap().replacen("\"seq\":2", "\"seq\":3", 1);
    fs::write(&segment, text).unwrap();
    check(&rows(&desk.room, 1), "trail", "bad", "jsonl");
}

#[test]
fn a_schedule_that_is_too_fast_is_wrong() {
    let desk = desk();
    desk.apply().says(0, &[]);
    desk.room.edit("evictd.toml", "requests-per-minute-max = 60000", "requests-per-minute-max = 30");
    let text = desk.room.read("evictd.toml");
    desk.room.write("evictd.toml", text + "sweep = { every = \"30s\" }\n");
    check(&rows(&desk.room, 1), "budget", "bad", "the schedule gives 30s");
}

#[test]
fn a_wrong_token_is_named_and_the_rest_is_looked_at() {
    let desk = desk();
    desk.room.write("client-secret", "wrong-secret");
    let found = rows(&desk.room, 1);
    assert_eq!(bad(&found), ["credential"], "{found:#?}");
    check(&found, "credential", "bad", "invalid_client");
    check(&found, "reach", "good", "answers");
    check(&found, "clock", "good", "apart");
    check(&found, "policies", "good", "8 rules");
    check(&found, "protected", "note", "not looked at");
    let page = doctor(&desk.room).says(1, &["bad  credential", "1 thing is wrong"]);
    assert!(!format!("{page:?}").contains("wrong-secret"));
    desk.room.edit("evictd.toml", "auth.oauth-client.id", "# auth.oauth-client.id");
    desk.room.edit("evictd.toml", "auth.oauth-client.secret", "auth.token");
    desk.room.write("client-secret", desk.ready["expired_token"].as_str().unwrap());
    check(&rows(&desk.room, 1), "credential", "bad", "valid credentials");
    desk.room.write("client-secret", desk.ready["token"].as_str().unwrap());
    check(&rows(&desk.room, 0), "token", "good", "no end is named");
    fs::remove_file(desk.room.path("client-secret")).unwrap();
    check(&rows(&desk.room, 1), "credential", "bad", "there is no such file");
}

#[test]
fn scopes_that_were_not_granted_are_named() {
    let desk = desk();
    let text = desk.room.read("evictd.toml");
    desk.room.write("evictd.toml", text + "auth.oauth-client.scope = \"read\"\n");
    check(&rows(&desk.room, 1), "scopes", "bad", "`read` is not enough");
    desk.room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"");
    check(&rows(&desk.room, 0), "scopes", "note", "enough to report");
}

fn probed(room: &Room, code: i32) -> Vec<Value> {
    let args = [&["doctor", "--probe-scopes", "--format", "json"], &CONFIG[..]].concat();
    let document = room.run(&args).says(code, &[]).json();
    document["rows"].as_array().unwrap().clone()
}

#[test]
fn what_the_token_may_is_tried_and_ends_nothing() {
    let desk = desk();
    let sessions = |desk: &Desk| {
        desk.room.run(&[&["plan", "--format", "json"], &CONFIG[..]].concat()).json()["sessions_seen"].clone()
    };
    let before = sessions(&desk);
    let rows = probed(&desk.room, 0);
    check(&rows, "probe", "good", "list sessions: granted, needed");
    check(&rows, "probe", "good", "end sessions: granted, needed");
    assert_eq!(bad(&rows), [""; 0]);
    let changing = |desk: &Desk| {
        let is_changing = |(method, path, _): &(String, String, _)| method != "GET" && path != "/oauth/tokens";
        let found: Vec<_> = desk.requests().into_iter().filter(is_changing).collect();
        found.into_iter().map(|(method, path, _)| format!("{method} {path}")).collect::<Vec<_>>()
    };
    let sent = changing(&desk);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].starts_with("DELETE ") && sent[0].ends_with("/sessions/1"), "{sent:?}");
    assert_eq!(sessions(&desk), before);
    assert_eq!(fs::read_dir(desk.room.path("trail")).unwrap().count(), 0, "it is no act");
    // A token that may not write is wrong where it is to enforce, and right where it only reports.
    let text = desk.room.read("evictd.toml");
    desk.room.write("evictd.toml", text + "auth.oauth-client.scope = \"read\"\n");
    check(&probed(&desk.room, 1), "probe", "bad", "end sessions: not granted, needed: Forbidden");
    desk.room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"");
    check(&probed(&desk.room, 0), "probe", "note", "end sessions: not granted, not needed now");
    // While the account is paused nothing that changes is sent.
    let sent = changing(&desk).len();
    fs::create_dir_all(desk.room.path("state/simulated")).unwrap();
    desk.room.write("state/simulated/pause", "");
    check(&probed(&desk.room, 0), "probe", "note", "not tried, since the account is paused");
    assert_eq!(changing(&desk).len(), sent);
}

#[test]
fn a_host_clock_that_is_off_is_wrong() {
    let desk =
        settled(Desk::with(Room::new(), &["--staff", "20", "--end-users", "30", "--now", "2026-01-01T00:00:00Z"]));
    check(&rows(&desk.room, 0), "clock", "note", "which `dangerous-ignore-host-clock` allows");
    desk.room.edit("evictd.toml", "dangerous-ignore-host-clock = true\n", "");
    let found = rows(&desk.room, 1);
    assert_eq!(bad(&found), ["clock"]);
    check(&found, "clock", "bad", "conditions on time are unknown");
}

#[test]
fn policies_that_cannot_be_in_force_are_wrong() {
    let desk = desk();
    desk.room.write("policies/b.toml", b"\xff");
    mode(&desk.room, "policies/b.toml", 0o644);
    let found = rows(&desk.room, 1);
    assert_eq!(bad(&found), ["policies"], "{found:#?}");
    check(&found, "policies", "bad", "not UTF-8");
    desk.room.write("policies/b.toml", "schema = 1\n[[rule]]\nid = \"deleted-user\"\ntitel = \"x\"\n");
    check(&rows(&desk.room, 1), "policies", "bad", "a set with an error is not in force");
    desk.room.edit("evictd.toml", "policies/*.toml", "polices/*.toml");
    check(&rows(&desk.room, 1), "policies", "bad", "evictd.toml:");
}

#[test]
fn rules_that_nothing_here_can_decide_are_named() {
    let without_logs = ["--staff", "20", "--end-users", "30", "--logs", "audit-log=absent,access-log=absent"];
    let desk = settled(Desk::with(Room::new(), &without_logs));
    let rule = |id: &str, when: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"report\"\n[rule.when]\n{when}\n"
        )
    };
    let spare = "[[exception]]\nid = \"office\"\nrules = [\"*\"]\nowner = \"o\"\nreason = \"r\"\nexpires = 2099-01-01\n\
                 when.sign-in.country.in = [\"DE\"]\n";
    let rules = rule("scripts", "client.kind.in = [\"script\"]")
        + &rule("either", "any = [{ user.listed = true }, { user.suspended = true }]")
        + &rule("old", "user.role.is = \"agent\"\nsession.idle.over = \"9h\"");
    desk.room.write("policies/b.toml", format!("schema = 1\n{rules}{spare}"));
    mode(&desk.room, "policies/b.toml", 0o644);
    let found = rows(&desk.room, 1);
    check(&found, "policies", "bad", "rule `scripts` can never fire here: nothing tells `client.kind`");
    check(&found, "policies", "note", "rule `either` does without what nothing here tells: `user.listed`");
    check(&found, "policies", "bad", "exception `office` spares all that its rules claim");
    check(&found, "timeouts", "note", "rule `old` never fires");
    assert_eq!(bad(&found), ["policies", "policies"]);
    desk.room.edit("policies/b.toml", "mode = \"report\"", "mode = \"off\"");
    desk.room.edit("policies/b.toml", "when.sign-in.country.in = [\"DE\"]", "when.user.role.is = \"admin\"");
    assert_eq!(bad(&rows(&desk.room, 0)), [""; 0]);
}

#[test]
fn files_that_others_can_write_to_are_wrong() {
    let desk = desk();
    let one = |name: &str, bits: u32, checks: &[&str], part: &str| {
        let before = fs::metadata(desk.room.path(name)).unwrap().permissions();
        mode(&desk.room, name, bits);
        let found = rows(&desk.room, 1);
        assert_eq!(bad(&found), checks, "{name}: {found:#?}");
        check(&found, "files", "bad", part);
        fs::set_permissions(desk.room.path(name), before).unwrap();
    };
    one("client-secret", 0o620, &["credential", "files"], "its mode is 620");
    one("client-secret", 0o604, &["credential", "files"], "can get at the secret");
    one("policies/simulated.toml", 0o646, &["files"], "simulated.toml`: its mode is 646");
    one("evictd.toml", 0o664, &["files"], "evictd.toml`: its mode is 664");
    one("policies", 0o777, &["files"], "policies`: its mode is 777");
    one("trail", 0o722, &["files"], "trail`: its mode is 722");
    assert_eq!(bad(&rows(&desk.room, 0)), [""; 0]);
    let text = desk.room.read("evictd.toml");
    let smtp = "[alerts.smtp]\nhost = \"smtp.example.com\"\nuser = \"u\"\npassword = { file = \"password\" }\n\
                ca = \"mail.pem\"\nfrom = \"evictd@example.com\"\nto = [\"soc@example.com\"]\n";
    let webhook = "[alerts.webhook]\nurl = \"https://alerts.example.com/\"\nsecret = { file = \"key\" }\n";
    desk.room.write("evictd.toml", format!("{text}{webhook}{smtp}"));
    for name in ["password", "key", "mail.pem"] {
        desk.room.write(name, "s3cret\n");
        mode(&desk.room, name, 0o600);
    }
    one("password", 0o640, &["files"], "password`: its mode is 640");
    one("key", 0o604, &["files"], "can get at the secret");
    one("mail.pem", 0o646, &["files"], "can write to");
    assert_eq!(bad(&rows(&desk.room, 0)), [""; 0]);
}

#[test]
fn databases_and_lists_that_cannot_be_asked_are_wrong() {
    let desk = desk();
    let days = |days: u64| u64::try_from(SystemClock.now().as_second()).unwrap() - days * 24 * 3_600;
    let record = Map(vec![("country", Map(vec![("iso_code", Text("GB"))]))]);
    let database = |built: u64| Mmdb::new("GeoIP2-Country", built).with("81.2.0.0/16", &record).bytes();
    let text = desk.room.read("evictd.toml");
    let places = "[places]\ndatabases = [\"country.mmdb\"]\nolder-than-max = \"9000d\"\n";
    let offboarding = "[accounts.simulated.offboarding.hr]\nfile = \"left.csv\"\n";
    desk.room.write("evictd.toml", format!("{text}{offboarding}{places}"));
    desk.room.edit("evictd.toml", "9000d", "3000d");
    desk.room.write("country.mmdb", database(days(1)));
    desk.room.write("left.csv", "email\nada@example.com\n");
    mode(&desk.room, "left.csv", 0o644);
    let found = rows(&desk.room, 0);
    check(&found, "places", "good", "`country.mmdb` is 1 day old: country");
    check(&found, "offboarding", "good", "list `hr`: 1 row");
    desk.room.edit("evictd.toml", "3000d", "30d");
    desk.room.write("country.mmdb", database(days(40)));
    check(&rows(&desk.room, 1), "places", "bad", "`country.mmdb` is 40 days old, older than `places.older-than-max`");
    desk.room.write("country.mmdb", "no database");
    check(&rows(&desk.room, 1), "places", "bad", "is not used");
    desk.room.edit("evictd.toml", "30d", "3000d");
    desk.room.write("country.mmdb", database(days(60)));
    check(&rows(&desk.room, 0), "places", "note", "`country.mmdb` is 60 days old");
    mode(&desk.room, "left.csv", 0o666);
    check(&rows(&desk.room, 1), "offboarding", "bad", "its mode is 666");
    fs::remove_file(desk.room.path("left.csv")).unwrap();
    check(&rows(&desk.room, 1), "offboarding", "bad", "there is no such file");
}

#[test]
fn who_is_protected_must_be_found() {
    let desk = desk();
    let text = desk.room.read("evictd.toml");
    let (before, rest) = text.split_once("protected = [").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    let with = |entries: &str| desk.room.write("evictd.toml", format!("{before}protected = [{entries}]{after}"));
    with("\"nobody@example.com\"");
    let found = rows(&desk.room, 1);
    check(&found, "protected", "bad", "`nobody@example.com` matches nobody");
    check(&found, "protected", "bad", "no admin among them");
    let own = rows(&desk.room, 1).iter().find_map(|row| is(row, "user", "good").then(|| row["what"].clone())).unwrap();
    with(own.as_str().unwrap().split(' ').nth(1).unwrap());
    check(&rows(&desk.room, 0), "protected", "note", "the only admin is evictd's own user");
}

#[test]
fn a_zendesk_that_is_not_there_is_one_thing_wrong() {
    let desk = desk();
    desk.room.edit("evictd.toml", desk.ready["base_url"].as_str().unwrap(), "http://127.0.0.1:9");
    let found = rows(&desk.room, 1);
    assert_eq!(bad(&found), ["reach"], "{found:#?}");
    check(&found, "reach", "bad", "cannot reach the host");
    for one in ["credential", "sources", "timeouts", "clock", "budget", "protected"] {
        check(&found, one, "note", "not looked at");
    }
}

#[test]
fn without_a_configuration_there_is_nothing_to_look_at() {
    let desk = desk();
    desk.room.run(&["doctor", "--config", "none.toml"]).says(78, &["there is no such file"]);
    desk.room.run(&["doctor", "--config", "evictd.toml", "--account", "two"]).says(64, &["there is no account `two`"]);
    desk.room.edit("evictd.toml", "scope", "scpoe");
    doctor(&desk.room).says(78, &["did you mean `scope`?"]);
}
