//! `evictd lookup`, `places` and `about` as a shell sees them.

use std::os::unix::fs::PermissionsExt as _;

use evictd::clock::{Clock as _, SystemClock};
use evictd::config::PlacesSettings;
use evictd::files::Disk;
use evictd::library::{Library, Look};
use evictd::lists::{Circumstances, Shelf};
use serde_json::Value as Json;

use super::mmdb::{Double, Map, Mmdb, Text, Truth, U16, U32};
use super::{all_in, country};
use crate::hostile::shown::is_harmless;
use crate::program::{Ran, Room};

const CONFIG: &str = r#"schema = 1
paths = { state = "state", trail = "trail" }
places.databases = ["city.mmdb", "anonymous.mmdb"]
[accounts.one]
base-url = "http://127.0.0.1:9"
scope = "everyone"
policies = ["policies/*.toml"]
auth.token = { file = "token" }
"#;

const POLICY: &str = r#"schema = 1
[list.office]
entries = ["81.2.69.0/24", "2001:db8::/32"]
[list.partners]
type = "asn"
entries = [64500]
[list.relays]
file = "relays.txt"
class = "relay"
[[rule]]
id = "outside"
title = "Outside of the office"
action = "revoke-session"
when.network.address.not-in = ["@office"]
"#;

/// As new as the clock of this machine, which these commands go by.
fn fresh() -> u64 {
    u64::try_from(SystemClock.now().as_second()).unwrap() - 3_600
}

fn city() -> Vec<u8> {
    let record = Map(vec![
        ("country", Map(vec![("iso_code", Text("GB"))])),
        ("location", Map(vec![("latitude", Double(51.5)), ("longitude", Double(-0.25)), ("accuracy_radius", U16(20))])),
        ("autonomous_system_number", U32(64_500)),
        ("autonomous_system_organization", Text("Example\u{1b}[2J Ltd")),
    ]);
    Mmdb::new("GeoIP2-City", fresh()).with("81.2.0.0/16", &record).bytes()
}

fn anonymous() -> Vec<u8> {
    Mmdb::new("GeoIP2-Anonymous-IP", fresh())
        .with("81.2.69.7/32", &Map(vec![("is_anonymous_vpn", Truth(true))]))
        .bytes()
}

fn room() -> Room {
    let room = Room::new();
    room.write("evictd.toml", CONFIG);
    room.write("policies/a.toml", POLICY);
    room.write("policies/relays.txt", "81.2.69.7\n");
    room.write("city.mmdb", city());
    room.write("anonymous.mmdb", anonymous());
    room
}

fn lookup(room: &Room, arguments: &[&str]) -> Ran {
    room.run(&[&["lookup"], arguments, &["--config", "evictd.toml"]].concat())
}

fn json(ran: &Ran) -> Json {
    ran.json()
}

#[test]
fn lookup_shows_all_that_is_known_and_from_where() {
    let room = room();
    let ran = lookup(&room, &["81.2.69.7", "::ffff:81.2.69.142", "10.0.0.1", "100.64.0.1", "2001:db8::1"]);
    let ran = ran.says(
        0,
        &[
            "United Kingdom (GB)       city.mmdb, built ",
            "0 days old",
            "51.5000, -0.2500 ± 20 km",
            "AS64500",
            "class         relay",
            "list          office: 81.2.69.0/24, entry 1",
            "list          partners: AS64500, entry 1",
            "list          relays: 81.2.69.7, entry 1, class relay",
            "81.2.69.142, written as IPv6: ::ffff:81.2.69.142",
            "range         private use (10.0.0.0/8)",
            "range         carrier-grade NAT (100.64.0.0/10)",
            "range         documentation (2001:db8::/32)",
            "unknown: the address is in no database",
        ],
    );
    assert!(!ran.stdout.contains('\u{1b}'), "what a database says is escaped");
}

#[test]
fn lookup_gives_programs_the_same() {
    let room = room();
    let all = json(&lookup(&room, &["81.2.69.7", "81.2.69.142", "41.0.0.1", "--format", "json"]));
    let database =
        |fact: &Json| all["databases"][usize::try_from(fact["database"].as_u64().unwrap()).unwrap()]["name"].clone();
    let at = |number: usize| &all["addresses"][number];
    assert_eq!((&at(0)["country"]["value"]["code"], database(&at(0)["country"])), (&"GB".into(), "city.mmdb".into()));
    assert_eq!(
        (&at(2)["country"]["value"]["code"], database(&at(2)["country"])),
        (&"ZA".into(), "shipped country".into())
    );
    assert_eq!(at(0)["coordinates"]["value"]["radius_km"], 20);
    // A relay is no VPN, although the database says so.
    assert_eq!(
        (&at(0)["classes"]["yes"], &at(0)["classes"]["no"]),
        (&serde_json::json!(["relay"]), &serde_json::json!(["tor", "vpn", "proxy", "hosting", "private"]))
    );
    assert_eq!(at(1)["classes"]["yes"], serde_json::json!([]));
    assert_eq!(at(1)["classes"]["unknown"]["satellite"], serde_json::json!(["no-source"]));
    assert_eq!(
        (&at(2)["mapped"], &at(2)["range"], &at(2)["lists"]),
        (&false.into(), &Json::Null, &serde_json::json!([]))
    );
    let old = |name: &str| {
        all["databases"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["old"].clone()
    };
    assert_eq!(old("city.mmdb"), false);
}

#[test]
fn what_a_database_says_of_itself_harms_no_terminal() {
    let room = room();
    room.write("city.mmdb", Mmdb::new("Geo\u{1b}[2J\nIP\u{202e}", fresh()).with("81.2.0.0/16", &Map(vec![])).bytes());
    for arguments in [&["places"][..], &["places", "--format", "json"], &["lookup", "81.2.69.7"]] {
        let ran = room.run(&[arguments, &["--config", "evictd.toml"]].concat()).says(0, &["tells nothing of places"]);
        is_harmless(arguments[0], &(ran.stdout + &ran.stderr));
    }
}

#[test]
fn rubbish_is_told_for_each_and_the_others_are_shown() {
    let room = room();
    let ran = lookup(&room, &["rubbish", "81.2.69.7", "1.2.3.4:80", "", "010.0.0.1"]);
    ran.says(64, &["`rubbish` is no address", "it has a port", "it is empty", "leading zeros", "United Kingdom"]);
    let ran = lookup(&room, &["x\u{1b}[2J", "81.2.69.7", "--format", "json"]);
    assert_eq!((json(&ran)["errors"][0]["why"].as_str(), ran.code), (Some("it is no address"), 64));
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains("\u{1b}[2J"));
    room.run(&["lookup"]).says(64, &["ADDRESS"]);
}

#[test]
fn lookup_needs_no_configuration_and_says_so() {
    let room = Room::new();
    room.run(&["lookup", "8.8.8.8", "5.255.255.5"]).says(
        0,
        &[
            "there is no /etc/evictd/evictd.toml",
            "United States (US)",
            "Google LLC",
            "Russia (RU)",
            "shipped country, built 20",
        ],
    );
    room.run(&["lookup", "8.8.8.8", "--config", "none.toml"]).says(78, &["there is no such file"]);
}

#[test]
fn a_database_that_is_missing_is_told_and_nothing_is_made_up() {
    let room = room();
    std::fs::remove_file(room.path("city.mmdb")).unwrap();
    lookup(&room, &["41.0.0.1"]).says(
        0,
        &["country       unknown: its source did not answer", "city.mmdb` is not used: there is no such file"],
    );
}

#[test]
fn places_shows_what_is_in_force_and_what_waits_and_accept_lets_it_in() {
    let room = room();
    room.write("city.mmdb", all_in("SE", fresh()).bytes());
    let on = |arguments: &[&str]| room.run(&[&["places"], arguments, &["--config", "evictd.toml"]].concat());
    on(&[]).says(
        0,
        &[
            "  anonymous.mmdb\n    type      GeoIP2-Anonymous-IP\n",
            "supplies  tor, vpn, proxy, hosting",
            "supplies  country, continent",
            "waits for `evictd places accept`",
            "because   it is wrong about 14 of 14 addresses",
        ],
    );
    let page = json(&on(&["show", "--format", "json"]));
    assert_eq!(page["waiting"][0]["database"]["name"], "city.mmdb");
    assert_eq!(page["databases"].as_array().unwrap().len(), 3);
    on(&["accept"]).says(0, &["let in ", "city.mmdb as it stands", "from the next cycle on"]);
    on(&["accept"]).says(0, &["nothing waits"]);
    lookup(&room, &["41.0.0.1"]).says(0, &["Sweden (SE)"]);
    let accepted = room.path("state/one/places-accepted");
    assert_eq!(std::fs::metadata(&accepted).unwrap().permissions().mode() & 0o777, 0o600);
    // Others could have let in what they like.
    std::fs::set_permissions(&accepted, std::fs::Permissions::from_mode(0o622)).unwrap();
    on(&[]).says(0, &["others can write to", "waits for `evictd places accept`"]);
}

#[test]
fn what_a_daemon_had_in_force_is_what_commands_hold_files_against() {
    let room = room();
    let settings = PlacesSettings {
        databases: Some(vec![room.path("city.mmdb"), room.path("anonymous.mmdb")]),
        older_than_max: None,
        installed: room.path("state/places"),
    };
    let state = room.path("state/one");
    std::fs::create_dir_all(&state).unwrap();
    let look = Look {
        places: &settings,
        decls: &[],
        state: &state,
        last_snapshot: &room.path("none"),
        keeps: true,
        now: SystemClock.now(),
    };
    assert_eq!(Library::new(std::sync::Arc::default(), &[]).consult(look).unasked, Vec::<String>::new());
    room.write("city.mmdb", Mmdb::new("GeoIP2-City", fresh() - 86_400).with("95.0.0.0/8", &country("TR")).bytes());
    let on = |command: &str| room.run(&["places", command, "--config", "evictd.toml"]);
    on("show").says(0, &["waits for `evictd places accept`", "before the one in force of"]);
    lookup(&room, &["95.1.1.1"]).says(0, &["country       unknown: its source did not answer"]);
    on("accept").says(0, &["city.mmdb as it stands"]);
    lookup(&room, &["95.1.1.1"]).says(0, &["Turkey (TR)"]);
    // What somebody else wrote there counts for nothing, and is told.
    room.write("state/one/places-in-force.json", "{}");
    on("show").says(0, &["which place databases were in force cannot be told: ", "is not what evictd wrote"]);
}

#[test]
fn a_shrunk_list_is_let_in_by_the_same_command() {
    let room = room();
    room.write("policies/a.toml", POLICY.replace("class = \"relay\"", "class = \"relay\"\nentries-min = 1"));
    room.write("policies/relays.txt", "81.2.69.7\n81.2.69.8\n81.2.69.9\n");
    // What a daemon did before: it took the list over, and kept it.
    let source = evictd::diagnostic::Source::new(
        room.path("policies/a.toml").display().to_string(),
        room.read("policies/a.toml"),
    );
    let set = evictd::policy::read(&[source], None, &mut evictd::diagnostic::Findings::default()).unwrap();
    let state = Disk::make(&room.path("state/one")).unwrap();
    let accepted = std::collections::BTreeSet::new();
    let at = Circumstances { state: Some(&state), keeps: true, accepted: &accepted, now: SystemClock.now() };
    Shelf::default().refresh(&set.lists, at);
    room.write("policies/relays.txt", "81.2.69.7\n");
    let config = room.path("evictd.toml");
    let on = |command: &str| room.run(&["places", command, "--config", config.to_str().unwrap()]);
    on("show").says(0, &["waits for `evictd places accept`: list `relays`"]);
    on("accept").says(0, &["relays.txt as it stands"]);
    on("accept").says(0, &["nothing waits"]);
    room.write("policies/relays.txt", "81.2.69.8\n");
    on("show").says(0, &["waits for `evictd places accept`: list `relays`"]);
}

#[test]
fn update_installs_what_passes_the_checks_and_nothing_else() {
    let room = room();
    let update = |file: &str| room.run(&["places", "update", "--from", file, "--config", "evictd.toml"]);
    let edition = |built: u64, code| Mmdb::new("GeoLite2-Country", built).with("95.0.0.0/8", &country(code)).bytes();
    let now = fresh();
    room.write("new/x.mmdb", edition(now - 86_400, "TR"));
    update("new/x.mmdb")
        .says(0, &["installed ", "state/places/x.mmdb, built ", "are asked before it", "checks it again"]);
    lookup(&room, &["95.1.1.1"]).says(0, &["Turkey (TR)", "x.mmdb, built "]);
    room.write("new/x.mmdb", edition(now, "GE"));
    update("new/x.mmdb").says(0, &["in place of the one of "]);
    lookup(&room, &["95.1.1.1"]).says(0, &["Georgia (GE)"]);
    for (bytes, why) in [
        (edition(now - 86_400, "TR"), "before the one in force"),
        (edition(now + 90_000_000, "TR"), "which is to come"),
        (all_in("SE", fresh()).bytes(), "it is wrong about 14 of 14"),
        (b"<html>".to_vec(), "it is no place database"),
    ] {
        room.write("new/x.mmdb", bytes);
        update("new/x.mmdb").says(1, &["was not installed", why]);
    }
    update("none.mmdb").says(1, &["there is no such file"]);
    update("evictd.toml").says(64, &["its name does not end with `.mmdb`"]);
    lookup(&room, &["95.1.1.1"]).says(0, &["Georgia (GE)"]);
    let names: Vec<_> =
        std::fs::read_dir(room.path("state/places")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["x.mmdb"]);
}

#[test]
fn about_names_whoever_asks_to_be_named() {
    let room = Room::new();
    let named =
        ["nro.net", "routeviews.org", "https://db-ip.com", "CC BY 4.0", "uap-core", "MIT", env!("CARGO_PKG_VERSION")];
    room.run(&["about"]).says(0, &named);
    room.run(&["about"]).says(0, &["shipped country  Country-CCBY4, built 20", "shipped asn"]);
    let page = json(&room.run(&["about", "--format", "json"]));
    assert_eq!(page["databases"][1]["name"], "shipped asn");
    let sums = include_str!("../../../data/places/SHA256SUMS");
    assert!(sums.contains(page["databases"][0]["digest"].as_str().unwrap()));
}
