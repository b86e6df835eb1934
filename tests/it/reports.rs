//! `evictd report` as a shell sees it: who is out, and how the control was kept.

use std::fs;

use serde_json::{Value, json};

use crate::offboard::room;
use crate::program::{Desk, Ran};

fn report(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.room.run(&[&["report"], arguments, &["--config", "evictd.toml"]].concat())
}

#[test]
fn whoever_left_is_followed_until_nothing_is_left() {
    let desk = Desk::new();
    let planned = desk.plan().json();
    let agent = planned["revoke"].as_array().unwrap().iter().find(|row| row["stratum"] == "agents").unwrap();
    let agent = agent["user_id"].as_str().unwrap().to_owned();
    let config = desk.room.read("evictd.toml").replace("mode = \"enforce\"", "mode = \"report\"");
    desk.room.write("evictd.toml", format!("{config}offboarding.hr.file = \"left.csv\"\n"));
    desk.room.write("left.csv", format!("id,email,since\n{agent},,2026-01-31\n,nobody@example.com,\n"));
    report(&desk, &["leavers"]).says(0, &["0 rows", "no cycle has taken it over yet", "tokens as of never"]);
    desk.apply().says(0, &[]);
    let row = |json: &Value, key: &str| -> Value {
        let rows = json["rows"].as_array().unwrap();
        rows.iter().find(|row| row["user_id"] == agent.as_str()).unwrap()[key].clone()
    };
    let before = report(&desk, &["leavers", "--format", "json"]).says(0, &[]).json();
    assert_eq!(
        (&before["matched"], &before["unmatched"], row(&before, "access")),
        (&json!(1), &json!(1), json!("sessions"))
    );
    assert!(row(&before, "sessions").as_u64() > Some(0) && row(&before, "last_session_gone_at").is_null(), "{before}");
    desk.room.run(&["revoke", "--config", "evictd.toml", "--user", &agent, "--reason", "left", "--yes"]).says(0, &[]);
    desk.apply().says(0, &[]);
    let after = report(&desk, &["leavers", "--format", "json"]).says(0, &[]).json();
    assert_eq!(row(&after, "sessions"), 0);
    assert!(row(&after, "last_session_gone_at").is_string() && after["tokens_as_of"].is_string(), "{after}");
    match row(&after, "tokens").as_u64().unwrap() {
        0 => assert!(row(&after, "seconds_to_zero_access").as_u64() > Some(86_400), "{after}"),
        _ => assert_eq!(row(&after, "access"), "tokens"),
    }
    report(&desk, &["leavers"]).says(0, &["1 matched, 1 unmatched", "last session gone", "2026-02-01T00:00:00Z"]);
}

#[test]
fn how_the_control_was_kept_is_told_and_what_made_it_weaker_stands_first() {
    let desk = Desk::new();
    report(&desk, &["controls"]).says(0, &["nothing made protection weaker", "holds     none"]);
    desk.apply().says(0, &[]);
    desk.room.edit("evictd.toml", "mode = \"enforce\"", "mode = \"report\"");
    desk.apply().says(0, &[]);
    let json = report(&desk, &["controls", "--since", "2d", "--format", "json"]).says(0, &[]).json();
    assert_eq!((&json["sweeps"]["complete"], &json["weakened"][0]["name"]), (&json!(2), &json!("mode")));
    assert!(json["seconds"]["armed"].is_i64() && json["seconds_told"].as_i64() < Some(3_600), "{json}");
    report(&desk, &["controls"])
        .says(0, &["WHAT MADE, OR MAY HAVE MADE, PROTECTION WEAKER", "key mode", "2 that saw everything"]);
    assert_eq!(json["unread_lines"], 0);
    // What the trail does not tell any more is said, and not passed over.
    let (folder, name) = (desk.room.path("trail/simulated"), desk.segments().remove(0));
    let whole = fs::read_to_string(folder.join(&name)).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let junk = [&lines[..3], &["{}\n"], &lines[4..7], &lines[8..]].concat().concat();
    fs::write(folder.join(&name), junk).unwrap();
    let torn = report(&desk, &["controls", "--format", "json"]).says(0, &[]).json();
    assert_eq!(torn["unread_lines"], 2);
    report(&desk, &["controls"]).says(0, &["warning: 2 lines of the trail cannot be read"]);
    // A number that nothing can follow is no reason to fall over.
    let seq = |line: &str| line.replacen("\"seq\":9,", "\"seq\":18446744073709551615,", 1);
    fs::write(folder.join(&name), lines.iter().map(|line| seq(line)).collect::<Vec<_>>().concat()).unwrap();
    report(&desk, &["controls"]).says(0, &["cannot be read"]);
    fs::write(folder.join(&name), whole).unwrap();
    // On the first screen of the reports of cycles too, of dry ones as of those that act, and rebuilt from the trail alike.
    let page = desk.room.run(&["plan", "--config", "evictd.toml"]).says(0, &[]).stdout;
    let first = page.lines().find(|line| line.starts_with("warning:")).unwrap();
    assert!(first.contains("protection became weaker, or may have, since") && first.contains("key `mode`"), "{page}");
    let warned = |ran: Ran| ran.says(0, &[]).json()["warnings"].to_string().contains("became weaker");
    assert!(warned(desk.apply()) && warned(desk.plan()));
}

#[test]
fn a_report_that_cannot_be_says_why() {
    let desk = Desk::new();
    for length in ["", "x", "-1d", "99999999w"] {
        report(&desk, &["controls", &format!("--since={length}")]).says(64, &["look back"]);
    }
    report(&desk, &["leavers"]).says(78, &["has no offboarding list", "offboarding.left"]);
    report(&desk, &["losers"]).says(64, &["losers"]);
    let room = room(&[]);
    room.run(&["report", "controls", "--config", "evictd.toml"]).says(0, &["the trail tells of 0s"]);
    room.run(&["report", "controls", "--config", "none.toml"]).says(78, &["none.toml"]);
}
