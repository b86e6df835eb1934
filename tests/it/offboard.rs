//! `evictd offboard` as a shell sees it: what is edited and what is left alone, what is refused and what is said.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::program::{Ran, Room};

const CONFIG: &str = r#"schema = 1
paths = { state = "state", trail = "trail" }
[accounts.one]
base-url = "http://127.0.0.1:9"
scope = "everyone"
policies = ["policies/*.toml"]
auth.token = { file = "token" }
"#;

/// An account with these lists, each with its file.
pub(super) fn room(lists: &[(&str, &str)]) -> Room {
    let room = Room::new();
    let mut config = CONFIG.to_owned();
    for (name, file) in lists {
        config += &format!("offboarding.{name}.file = \"{file}\"\n");
    }
    room.write("evictd.toml", config);
    room
}

fn offboard(room: &Room, arguments: &[&str]) -> Ran {
    room.run(&[&["offboard"], arguments, &["--config", "evictd.toml"]].concat())
}

fn mode(room: &Room, name: &str) -> u32 {
    fs::metadata(room.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_list_is_edited_row_by_row_and_keeps_everything_else() {
    let room = room(&[("hr", "left.csv")]);
    room.write("left.csv", "# from HR\r\nName;E-Mail;since\r\n\"Lovelace; Ada\";ada@example.com;2026-01-31\r\n");
    fs::set_permissions(room.path("left.csv"), fs::Permissions::from_mode(0o604)).unwrap();
    let before = room.read("left.csv");
    offboard(&room, &["add", "bo@example.com", "--since", "2026-11-23T17:00:00+01:00"])
        .says(0, &["added bo@example.com to list `hr`"]);
    assert_eq!(room.read("left.csv"), format!("{before};bo@example.com;2026-11-23T17:00:00+01:00\r\n"));
    assert_eq!(mode(&room, "left.csv"), 0o604);
    offboard(&room, &["add", "BO@example.com"]).says(0, &["stands on list `hr` already", "offboard remove"]);
    offboard(&room, &["add", "35436"]).says(78, &["the list has no column `id`", "to the header"]);
    let page =
        offboard(&room, &["list"]).says(0, &["list      hr", "rows      2", "ada@example.com", "2026-02-01T00:00:00Z"]);
    assert!(page.stdout.contains("2026-11-23T16:00:00Z"), "{page:?}");
    offboard(&room, &["remove", "Bo@Example.com"]).says(0, &["took Bo@Example.com off list `hr`"]);
    assert_eq!(room.read("left.csv"), before);
    offboard(&room, &["remove", "bo@example.com"]).says(0, &["is not on list `hr`: nothing changed"]);
    let names: Vec<_> = fs::read_dir(room.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "only the list was touched: {names:?}");
}

#[test]
fn a_list_that_is_not_there_yet_is_made() {
    let room = room(&[("hr", "left.txt")]);
    offboard(&room, &["list"])
        .says(0, &["unknown   the file cannot be read: there is no such file", "help      put the list at left.txt"]);
    offboard(&room, &["add", "external:E-7"]).says(0, &["added external:E-7"]);
    offboard(&room, &["add", "35436", "--since", "2027-01-31"]).says(0, &[]);
    assert_eq!(room.read("left.txt"), "external-id:E-7\n35436 2027-01-31\n");
    assert_eq!(mode(&room, "left.txt"), 0o640);
    let list = offboard(&room, &["list", "--format", "json"]).says(0, &[]).json();
    let rows = &list["lists"][0]["rows"];
    assert_eq!((&list["account"], &list["lists"][0]["unknown"]), (&"one".into(), &serde_json::Value::Null));
    assert_eq!((&rows[0]["external_id"], &rows[1]["id"]), (&"E-7".into(), &"35436".into()));
    assert_eq!(rows[1]["since"], "2027-02-01T00:00:00Z");
    offboard(&room, &["remove", "35436"]).says(0, &[]);
    offboard(&room, &["remove", "external:e-7"]).says(0, &["note: list `hr` cannot be used", "the file has no rows"]);
}

#[test]
fn who_and_when_and_which_must_make_sense() {
    let room = room(&[("hr", "hr.csv"), ("it", "it.txt")]);
    for who in ["Ada Lovelace", "ada", "@", "0", "", "external:"] {
        offboard(&room, &["add", who, "--list", "hr"])
            .says(64, &["help: write an e-mail address, a Zendesk user id, or"]);
    }
    for since in ["soon", "2026-11-23T17:00:00", "23.11.2026"] {
        offboard(&room, &["add", "a@b.c", "--list", "hr", "--since", since]).says(64, &["with its offset"]);
    }
    offboard(&room, &["add", "a@b.c"]).says(64, &["several lists", "`hr`", "`it`"]);
    offboard(&room, &["accept"]).says(64, &["several lists"]);
    offboard(&room, &["add", "a@b.c", "--list", "hrr"]).says(64, &["there is no list `hrr`", "did you mean `hr`?"]);
    assert!(!room.path("hr.csv").exists() && !room.path("it.txt").exists());
    for list in ["hr", "it"] {
        offboard(&room, &["add", "a@b.c", "--list", list]).says(0, &[]);
    }
    offboard(&room, &["remove", "a@b.c"]).says(0, &["off list `hr`", "off list `it`"]);
    room.write("evictd.toml", CONFIG);
    for command in [&["list"][..], &["accept"], &["add", "a@b.c"], &["remove", "a@b.c"]] {
        offboard(&room, command)
            .says(78, &["account `one` has no offboarding list", "[accounts.one.offboarding.left]"]);
    }
}

#[test]
fn what_keeps_a_list_from_being_used_is_said_with_the_way_out() {
    let room = room(&[("hr", "hr.csv")]);
    room.write("hr.csv", "email,since\na@b.c,2026-11-23T17:00\nb@b.c,\n\u{1b}[2J,\nc@b.c,\n");
    offboard(&room, &["list"]).says(0, &["rows      2", "line 2: `since` is a time without its offset", "line 4: "]);
    fs::set_permissions(room.path("hr.csv"), fs::Permissions::from_mode(0o666)).unwrap();
    offboard(&room, &["list"]).says(0, &["its mode is 666", "chmod go-w hr.csv"]);
    offboard(&room, &["add", "d@b.c"]).says(0, &["note: list `hr` cannot be used", "chmod go-w hr.csv"]);
    offboard(&room, &["accept"]).says(78, &["cannot be accepted", "chmod go-w hr.csv"]);
    fs::set_permissions(room.path("hr.csv"), fs::Permissions::from_mode(0o644)).unwrap();
    let file = fs::File::options().append(true).open(room.path("hr.csv")).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written - Duration::from_hours(10 * 24)).unwrap();
    offboard(&room, &["list"]).says(0, &["unknown   the file was not changed for more than 7d"]);
    offboard(&room, &["add", "e@b.c"]).says(0, &["note: nobody had changed list `hr` for 10d"]);
    room.write("hr.csv", "name\nx\n");
    offboard(&room, &["list"]).says(0, &["no header"]);
    offboard(&room, &["add", "e@b.c"]).says(78, &["was not changed", "begin it with a line such as"]);
    assert_eq!(room.read("hr.csv"), "name\nx\n");
}

#[test]
fn accepting_names_the_file_as_it_stands() {
    let room = room(&[("hr", "hr.txt")]);
    room.write("hr.txt", "a@b.c\n7\n");
    offboard(&room, &["accept"]).says(0, &["accepted list `hr` as it stands, 2 rows", "from the next cycle on"]);
    let accepted = room.read("state/one/offboarding-accepted");
    let words: Vec<&str> = accepted.trim_end().splitn(4, ' ').collect();
    assert_eq!((words[0], words[1].len()), ("hr", 64), "{accepted}");
    assert!(words[2].parse::<jiff::Timestamp>().is_ok() && words[3].starts_with("uid="), "{accepted}");
    offboard(&room, &["list"]).says(0, &["accepted  ", " by uid="]);
    room.write("hr.txt", "a@b.c\n8\n");
    assert!(!offboard(&room, &["list"]).says(0, &[]).stdout.contains("accepted"));
    room.write("hr.txt", "");
    offboard(&room, &["accept"]).says(78, &["list `hr` cannot be accepted: the file has no rows"]);
}

#[test]
fn two_edits_at_once_lose_nothing() {
    let room = room(&[("hr", "hr.txt")]);
    let config = ["--config", "evictd.toml"];
    let who: Vec<String> = (0..12).map(|n| format!("p{n}@b.c")).collect();
    let runs: Vec<_> = who.iter().map(|who| room.start(&[&["offboard", "add", who][..], &config].concat())).collect();
    for run in runs {
        run.end().says(0, &["added"]);
    }
    let text = room.read("hr.txt");
    let mut rows: Vec<&str> = text.lines().collect();
    rows.sort_unstable();
    let mut wanted: Vec<&str> = who.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(rows, wanted);
}
