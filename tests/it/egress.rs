//! `evictd egress suggest` as a shell sees it: nothing before a cycle has seen anything, then a policy file that checks,
//! tests and can be put in force as it is.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::{Desk, Ran, Room};

/// A rule that needs to know where sessions are used, so that logs are read.
const PLACES: &str = "schema = 1\n[[rule]]\nid = \"abroad\"\ntitle = \"Abroad\"\naction = \"revoke-session\"\n\
    mode = \"report\"\nwhen.network.country.in = [\"ZA\"]\n";

/// All addresses as a list of this class.
fn everything(class: &str) -> String {
    let entries = "[\"0.0.0.0/1\", \"128.0.0.0/1\", \"::/1\", \"8000::/1\"]";
    format!("schema = 1\n[list.all-{class}]\nclass = \"{class}\"\nentries = {entries}\n")
}

fn suggest(room: &Room, format: &str) -> Ran {
    room.run(&["egress", "suggest", "--config", "evictd.toml", "--format", format]).says(0, &[])
}

/// An account with logs, of which a cycle has seen what they tell.
fn seen() -> Desk {
    let desk = Desk::with(Room::new(), &["--staff", "60", "--end-users", "10"]);
    desk.room.write("policies/places.toml", PLACES);
    desk.apply().says(0, &[]);
    desk
}

fn strings<'v>(values: &'v Value, key: &str) -> BTreeSet<&'v str> {
    values.as_array().unwrap().iter().map(|value| value[key].as_str().unwrap()).collect()
}

#[test]
fn before_anything_is_remembered_nothing_is_proposed() {
    let desk = Desk::new();
    let ran = suggest(&desk.room, "text").says(0, &["# Nothing is remembered", "note: logs and feeds are read by"]);
    assert!(!ran.stdout.contains("[list."), "{ran:?}");
    let document = suggest(&desk.room, "json").json();
    assert_eq!((&document["schema"], &document["domains"]), (&1.into(), &Value::Array(Vec::new())));
    assert_eq!(document["sightings"]["from"], Value::Null);
}

#[test]
fn what_is_proposed_can_be_put_in_force_as_it_is() {
    let desk = seen();
    let before = desk.requests().len();
    let document = suggest(&desk.room, "json").json();
    assert_eq!(document["account"], "simulated");
    let domains = document["domains"].as_array().unwrap();
    assert!(!domains.is_empty(), "{document:#}");
    for domain in domains {
        assert!(domain["people"].as_u64().unwrap() >= 3, "{domain:#}");
        assert!(domain["percent"].as_u64().unwrap() >= 95, "{domain:#}");
        let policy = domain["policy"].as_str().unwrap();
        assert!(strings(&domain["networks"], "network").iter().all(|network| policy.contains(network)), "{domain:#}");
        assert!(policy.contains(&format!("[\"{}\"]", domain["domain"].as_str().unwrap())), "{policy}");
    }
    let (from, to) = (&document["sightings"]["from"], &document["sightings"]["to"]);
    let instant = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(instant(from) < instant(to), "{document:#}");
    let text = suggest(&desk.room, "text").stdout;
    assert!(text.contains("person-days") && text.contains("mode     = \"report\""), "{text}");
    desk.room.write("policies/egress.toml", &text);
    desk.room.run(&["policy", "check", "policies/egress.toml"]).says(0, &[]);
    let tested = desk.room.run(&["policy", "test", "policies/egress.toml"]).says(0, &[]);
    assert!(tested.stdout.contains(&format!("{} passed", 2 * domains.len())), "{tested:?}");
    assert_eq!(desk.requests().len(), before);
    desk.plan().says(0, &[]);
}

#[test]
fn without_the_lists_of_policies_nothing_is_proposed() {
    let desk = seen();
    desk.room.write("policies/egress.toml", "");
    let ran = desk.room.run(&["egress", "suggest", "--config", "evictd.toml"]).says(78, &["`schema` is missing"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_lists_call_a_cloud_is_told_apart_and_not_proposed() {
    let desk = seen();
    desk.room.write("policies/clouds.toml", everything("hosting"));
    let document = suggest(&desk.room, "json").json();
    for domain in document["domains"].as_array().unwrap() {
        assert_eq!((&domain["networks"], &domain["policy"]), (&Value::Array(Vec::new()), &Value::Null), "{domain:#}");
        let refused = domain["not_suggested"].as_array().unwrap();
        let is_cloud = |one: &Value| one["why"].as_array().unwrap().contains(&"hosting".into());
        assert!(!refused.is_empty() && refused.iter().all(is_cloud), "{domain:#}");
    }
    suggest(&desk.room, "text").says(0, &["# Not suggested: ", "because: hosting.", "# No network is proposed."]);
    // A company's gateway may stand in a cloud.
    desk.room.write("policies/gateways.toml", everything("corporate"));
    let document = suggest(&desk.room, "json").json();
    assert!(document["domains"].as_array().unwrap().iter().all(|domain| domain["policy"].is_string()), "{document:#}");
}
