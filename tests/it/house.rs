//! The architecture as a gate: which room may name which, which crate lives where, and what pure rooms never touch.
//!
//! The checker is a function over texts, so that every rule of it is proved by a planted fault. What it guards is
//! described in `docs/architecture.md`; the ranks below are the ones that count.

use crate::source::{File, Named, paths, tokens, tree};

/// Rooms that decide, with their ranks: they know neither file, socket, clock, environment, task nor log.
const PURE: &[(&str, u8)] = &[
    ("model", 0),
    ("diagnostic", 0),
    ("document", 1),
    ("calendar", 1),
    ("address", 1),
    ("clients", 1),
    ("record", 1),
    ("snapshot", 2),
    ("config", 2),
    ("memory", 3),
    ("evidence", 3),
    ("facts", 4),
    ("policy", 5),
    ("change", 6),
    ("evaluate", 6),
    ("plan", 7),
    ("signatures", 7),
    ("guard", 8),
    ("grade", 9),
    ("watch", 9),
    ("report", 10),
    ("chronicle", 11),
    ("alert", 11),
];

/// Rooms that touch the world, with their ranks.
const EFFECTS: &[(&str, u8)] = &[
    ("clock", 12),
    ("files", 13),
    ("zendesk", 14),
    ("trail", 14),
    ("directory", 14),
    ("lists", 14),
    ("feeds", 14),
    ("state", 14),
    ("places", 14),
    ("courier", 15),
    ("library", 15),
    ("gather", 15),
    ("enforce", 15),
    ("cycle", 16),
    ("control", 16),
    ("daemon", 17),
    ("simulator", 17),
    ("cli", 18),
    ("main", 19),
];

/// What a pure room never names.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "tracing",
];

/// Addresses are plain values: what opens a socket with them is not.
const HARMLESS: &[&str] = &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"];

/// A foreign crate is named in its rooms and nowhere else. HTTP has two rooms, so that what carries alerts to a host of the
/// operator's choice shares neither a client nor a host with what carries an account's credential.
const CRATES: &[(&str, &[&str])] = &[
    ("reqwest", &["zendesk", "courier"]),
    ("lettre", &["courier"]),
    ("backon", &["zendesk", "courier"]),
    ("toml", &["document"]),
    ("toml_parser", &["document"]),
    ("sha2", &["record"]),
    ("cron", &["calendar"]),
    ("chrono", &["calendar"]),
    ("rusqlite", &["state"]),
    ("csv", &["address", "directory"]),
    ("ipnet", &["address"]),
    ("maxminddb", &["places"]),
    ("ua_parser", &["clients"]),
    ("sd_notify", &["daemon"]),
    ("regex", &["policy", "facts", "clients"]),
    ("axum", &["simulator"]),
    ("tower", &["simulator"]),
    ("clap", &["cli"]),
    ("comfy_table", &["report"]),
    ("annotate_snippets", &["diagnostic"]),
    ("ssh_key", &["signatures"]),
    ("aws_lc_rs", &["signatures"]),
    ("flate2", &["snapshot"]),
    ("getrandom", &["clock"]),
    ("globset", &["files", "policy"]),
];

/// A room names rooms of lower rank only, and `model`.
fn rank(room: &str) -> Option<u8> {
    PURE.iter().chain(EFFECTS).find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

/// Everything in these files that the house does not allow.
fn faults(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Some(code) = file.shipped_code() else { continue };
        let inside = file.path.trim_start_matches("src/").trim_end_matches(".rs");
        let room = inside.split('/').next().unwrap_or(inside);
        if room == "lib" {
            continue;
        }
        let Some(rank) = rank(room) else {
            found.push(format!("{}: the room `{room}` has no rank", file.path));
            continue;
        };
        let depth = inside.split('/').filter(|part| *part != "mod").count();
        let tokens = tokens(&code);
        for named in paths(&tokens) {
            let here = format!("{}:{}", file.path, named.line);
            let wrongs = [wrong_room(room, rank, &named, depth), wrong_crate(room, &named), impurity(room, &named)];
            found.extend(wrongs.into_iter().flatten().map(|wrong| format!("{here}: {wrong}")));
        }
        let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        found.extend(cleared(room, &words).map(|wrong| format!("{}: {wrong}", file.path)));
    }
    found
}

/// The room that a path leads to: by `crate::`, by the crate's own name, or up through every `super`.
fn target(named: &Named, depth: usize) -> Option<&str> {
    let supers = named.segments.iter().take_while(|segment| *segment == "super").count();
    let at = match named.segments.first()?.as_str() {
        "crate" | "evictd" => 1,
        "super" if supers == depth => supers,
        _ => return None,
    };
    named.segments.get(at).map(String::as_str)
}

fn wrong_room(room: &str, own: u8, named: &Named, depth: usize) -> Option<String> {
    let other = target(named, depth)?;
    if other == "*" {
        return Some("takes everything from the crate's root".into());
    }
    let theirs = rank(other)?;
    if room == "main" && other != "cli" {
        return Some(format!("`main` names `{other}` and may name `cli` only"));
    }
    (other != room && other != "model" && theirs >= own).then(|| format!("`{room}` ({own}) names `{other}` ({theirs})"))
}

fn wrong_crate(room: &str, named: &Named) -> Option<String> {
    let first = named.segments.first()?;
    let (name, rooms) = CRATES.iter().find(|(name, _)| name == first)?;
    let is_path = named.segments.len() > 1 || named.after == "use";
    (is_path && !rooms.contains(&room)).then(|| format!("`{room}` names the crate `{name}`"))
}

fn impurity(room: &str, named: &Named) -> Option<String> {
    let is_pure = PURE.iter().any(|(name, _)| *name == room);
    let path = named.segments.join("::");
    let full = if path.starts_with("time::") { format!("std::{path}") } else { path };
    let is = |name: &&&str| full == **name || full.starts_with(&format!("{name}::"));
    let is_path = named.segments.len() > 1 || named.after == "use";
    (is_pure && is_path && !HARMLESS.contains(&full.as_str()))
        .then(|| IMPURE.iter().find(is))?
        .map(|name| format!("a pure room names `{name}`"))
}

/// Only `guard` makes a `Cleared`, and it gives nobody a second way to have one.
fn cleared(room: &str, words: &[&str]) -> Option<String> {
    let at = |at: usize| words.get(at).copied().unwrap_or_default();
    for (here, _) in words.iter().enumerate().filter(|(_, word)| **word == "Cleared") {
        let before = here.checked_sub(1).map_or("", at);
        let makes = ["{", "("].contains(&at(here + 1)) && !["->", "for", "impl", "&", "fn"].contains(&before);
        if makes && room != "guard" {
            return Some(format!("`{room}` makes a `Cleared`"));
        }
        if before == "struct" && room == "guard" {
            let end = words.iter().skip(here).position(|word| ["}", ";"].contains(word)).unwrap_or_default();
            let attributes = words[..here].iter().rev().skip(1).take_while(|word| ![";", "}"].contains(word));
            let copies = ["Clone", "Copy", "Default", "Deserialize"];
            if words[here..here + end].contains(&"pub") || attributes.clone().any(|word| copies.contains(word)) {
                return Some("`Cleared` can be had without the guard's judgement".into());
            }
        }
    }
    None
}

#[test]
fn every_room_keeps_to_its_rank() {
    let found = faults(&tree());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_room_is_described() {
    let page = tree().into_iter().find(|file| file.path == "docs/architecture.md").unwrap();
    let rooms = tree().into_iter().filter_map(|file| {
        let inside = file.path.strip_prefix("src/")?.trim_end_matches(".rs");
        Some(inside.split('/').next().unwrap_or(inside).to_owned())
    });
    let mut missing: Vec<String> = rooms
        .filter(|room| !["lib", "main"].contains(&room.as_str()) && !page.text.contains(&format!("\n| `{room}` |")))
        .collect();
    missing.dedup();
    assert!(missing.is_empty(), "docs/architecture.md lacks {missing:?}");
}

fn check(path: &str, text: &str, fault: &str) {
    let found = faults(&[File::new(path, text)]).join("\n");
    assert!(if fault.is_empty() { found.is_empty() } else { found.contains(fault) }, "{path}: {text}\n{found}");
}

#[test]
fn rooms_name_lower_rooms_only() {
    check("src/plan/mod.rs", "use crate::{model::Session, evaluate::{self, Verdict}};", "");
    check("src/plan/order.rs", "use super::Plan; use crate::plan::Plan;", "");
    check("src/plan/order.rs", "fn f() { super::super::guard::judge() }", "`plan` (7) names `guard` (8)");
    check("src/diagnostic/mod.rs", "use crate::model::Foreign;", "");
    check("src/model/mod.rs", "use crate::diagnostic::Finding;", "`model` (0) names `diagnostic` (0)");
    check("src/plan.rs", "use super::guard;", "`plan` (7) names `guard` (8)");
    check("src/plan/mod.rs", "use crate::{model::Session, cycle};", "`plan` (7) names `cycle` (16)");
    check("src/guard/mod.rs", "use crate::{\n  model,\n  grade::{Grade},\n};", "src/guard/mod.rs:3: `guard` (8)");
    check("src/trail/mod.rs", "fn f() -> crate::zendesk::Trouble {}", "`trail` (14) names `zendesk` (14)");
    check("src/plan/mod.rs", "use crate::*;", "takes everything");
    check("src/plan/mod.rs", "//! `crate::cli`\n#[cfg(test)]\nmod tests { use crate::cli; }", "");
    check("src/gossip/mod.rs", "", "the room `gossip` has no rank");
    check("src/main.rs", "fn main() { evictd::cli::run(); }", "");
    check("src/main.rs", "fn main() { evictd::cycle::run(); }", "`cli` only");
}

#[test]
fn only_cli_and_tests_name_the_simulator() {
    check("src/cli/demo.rs", "use crate::simulator::World;", "");
    check("src/daemon/mod.rs", "use crate::simulator::World;", "`daemon` (17) names `simulator` (17)");
    check("src/enforce/mod.rs", "#[cfg(test)]\nmod tests { use crate::simulator::World; }", "");
}

#[test]
fn crates_stay_in_their_rooms() {
    for (name, rooms) in CRATES {
        check("src/cycle/mod.rs", &format!("use {name}::Thing;"), &format!("`cycle` names the crate `{name}`"));
        check("src/cycle/mod.rs", &format!("use {name} as x;"), &format!("`cycle` names the crate `{name}`"));
        for room in *rooms {
            check(&format!("src/{room}/mod.rs"), &format!("use {name}::Thing;"), "");
        }
    }
    check("src/cycle/mod.rs", "let regex = 1; f(regex);", "");
}

#[test]
fn pure_rooms_touch_nothing() {
    for name in IMPURE {
        check("src/guard/belts.rs", &format!("use {name};"), &format!("a pure room names `{name}`"));
        check("src/report/mod.rs", &format!("fn f() {{ {name}::x() }}"), &format!("a pure room names `{name}`"));
        check("src/gather/mod.rs", &format!("use {name};"), "");
    }
    check("src/config/host.rs", "use std::net::{IpAddr, Ipv6Addr};", "");
    check("src/config/host.rs", "use std::net::{IpAddr, TcpStream};", "a pure room names `std::net`");
    check("src/guard/mod.rs", "use std::{fmt, fs::File};", "a pure room names `std::fs`");
    check("src/guard/mod.rs", "use std::time; fn f(x: time::Instant) {}", "a pure room names `std::time::Instant`");
    check("src/guard/mod.rs", "use std::time::Duration; enum Value { Instant(u8) }", "");
}

#[test]
fn only_the_guard_makes_a_cleared() {
    let own = "#[must_use] #[derive(Debug)] pub struct Cleared { plan: Plan } fn f() -> Cleared { Cleared { plan } }";
    check("src/guard/mod.rs", own, "");
    check("src/guard/mod.rs", "pub struct Cleared(pub Plan);", "without the guard's judgement");
    check("src/guard/mod.rs", "#[derive(Clone)] pub struct Cleared { plan: Plan }", "without the guard's judgement");
    check("src/enforce/mod.rs", "fn f(x: Cleared) -> Cleared { x } impl Spend for Cleared {}", "");
    check("src/enforce/mod.rs", "fn f() { g(Cleared { plan }) }", "`enforce` makes a `Cleared`");
    check("src/cli/mod.rs", "let x = guard::Cleared(plan);", "`cli` makes a `Cleared`");
}
