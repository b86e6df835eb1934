//! Agent strings and what they tell, written from public knowledge. Those of each kind are in
//! `data/clients/examples.jsonl`, which `evictd clients score` reads as well.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{AGENT_BYTES_MAX, READER, client_of};
use crate::model::{Client, ClientKind};

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";

/// The shipped examples: class and agent string.
fn examples() -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = include_str!("../../data/clients/examples.jsonl").lines().map(|row| serde_json::from_str(row).unwrap());
    rows.map(|row: Value| (text(&row, "class"), text(&row, "ua"))).collect()
}

/// Family, version, system, its version; a dash for what is not told.
fn check(agent: &str, expected: &str) {
    let Client { family, version, system, system_version, .. } = client_of(agent);
    let or_dash = |told: Option<String>| told.unwrap_or("-".into());
    let told = [
        or_dash(family.map(String::from)),
        or_dash(version.map(|version| version.to_string())),
        or_dash(system.map(String::from)),
        or_dash(system_version.map(|version| version.to_string())),
    ];
    assert_eq!(told.join(", "), expected, "{agent}");
}

#[test]
fn the_patterns_that_ship_load() {
    assert!(READER.is_some());
}

#[test]
fn every_example_is_of_its_kind_and_every_kind_has_some() {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (class, agent) in examples() {
        assert_eq!(client_of(&agent).kind.word(), class, "{agent}");
        *counts.entry(class).or_default() += 1;
    }
    for kind in ClientKind::ALL {
        assert!(counts[kind.word()] >= 10, "{kind:?}");
    }
}

#[test]
fn a_browser_says_its_name_and_as_much_of_its_version_as_is_meant() {
    check(&format!("{WINDOWS} Chrome/131.0.0.0 Safari/537.36"), "Chrome, 131, Windows, -");
    check(&format!("{WINDOWS} Chrome/100.0.4896.127 Safari/537.36"), "Chrome, 100.0.4896.127, Windows, -");
    check(&format!("{WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"), "Edge, 131, Windows, -");
    check(&format!("{WINDOWS} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0"), "Opera, 115, Windows, -");
    check(&format!("{WINDOWS} HeadlessChrome/131.0.0.0 Safari/537.36"), "HeadlessChrome, 131, Windows, -");
    check("Mozilla/5.0 (Windows NT 6.1; rv:115.0) Gecko/20100101 Firefox/115.0", "Firefox, 115, Windows, 7");
    check("Mozilla/5.0 (X11; Linux i686; rv:109.0) Gecko/20100101 Firefox/119.0", "Firefox, 119, Linux, -");
    check("Mozilla/5.0 (X11; U; Linux i686; rv:1.9.2) Gecko/20100101 Firefox/3.6", "Firefox, 3.6, Linux, -");
    check(&format!("{MAC} Version/17.5 Safari/605.1.15"), "Safari, 17.5, macOS, -");
}

#[test]
fn a_frozen_system_version_is_not_told() {
    let mac = |version: &str| MAC.replace("10_15_7", version) + " Version/17.5 Safari/605.1.15";
    check(&mac("10_14_6"), "Safari, 17.5, macOS, 10.14.6");
    check(&mac("10.15"), "Safari, 17.5, macOS, -");
    let android = |platform: &str| {
        format!(
            "Mozilla/5.0 (Linux; {platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
        )
    };
    check(&android("Android 10; K"), "Chrome Mobile, 131, Android, -");
    check(&android("Android 10; SM-G970F"), "Chrome Mobile, 131, Android, 10");
    check("Mozilla/5.0 (Android 10; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0", "Firefox Mobile, 130, Android, -");
    check("Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0", "Firefox Mobile, 130, Android, 14");
    let phone = |system: &str, version: &str| {
        format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/{version} Mobile/15E148 Safari/604.1"
        )
    };
    check(&phone("17_5_1", "17.5"), "Mobile Safari, 17.5, iOS, 17.5.1");
    check(&phone("18_5", "18.5"), "Mobile Safari, 18.5, iOS, 18.5");
    check(&phone("18_6", "26.0"), "Mobile Safari, 26.0, iOS, -");
    check(&phone("18_7", "26.3"), "Mobile Safari, 26.3, iOS, -");
    check(
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        "Chrome, 131, Chrome OS, -",
    );
}

#[test]
fn scripts_and_apps_have_a_family_too() {
    check(
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621",
        "PowerShell, 5.1.22621, Windows, -",
    );
    check("Mozilla/5.0 (Macintosh; Darwin 23.5.0; en-US) PowerShell/7.4.2", "PowerShell, 7.4.2, macOS, -");
    check("Zenpy/2.0.49", "Zenpy, 2.0.49, -, -");
    check("HTTPie/3.2.2", "HTTPie, 3.2.2, -, -");
    check("Zendesk/8.2.1 Android/14 okhttp/4.12.0", "Zendesk Support, 8.2.1, Android, 14");
    check("Zendesk-SDK/5.1.2 Android/33 Variant/Support", "Zendesk SDK, 5.1.2, Android, -");
    check("Zendesk%20Support/1432 CFNetwork/1496.0.7 Darwin/23.5.0", "Zendesk Support, 1432, iOS, -");
    check("Example/4.1 (Android 14; Pixel 8) okhttp/4.12.0", "Example, 4.1, Android, 14");
    check("Example/3.2 CFNetwork/1240.0.4 Darwin/20.6.0 (x86_64)", "Example, 3.2, macOS, -");
    check("", "-, -, -, -");
}

#[test]
fn what_stands_behind_the_cap_is_not_looked_at() {
    let filler = "a".repeat(AGENT_BYTES_MAX);
    assert_eq!(client_of(&format!("{filler} Googlebot/2.1 (+http://www.google.com/bot.html)")), client_of(&filler));
    assert_eq!(client_of(&format!("curl/8.9.1 {filler}")).kind, ClientKind::Script);
    // A letter of several bytes across the cap.
    assert_eq!(client_of(&"é".repeat(AGENT_BYTES_MAX)), client_of(&"é".repeat(AGENT_BYTES_MAX / 2)));
}

#[test]
fn a_hostile_string_is_read_like_any_other() {
    let repeated =
        ["(", "Mozilla/5.0 (compatible; ", "Android ", "\0", "Build/;)", "bot", "http client ", "\u{202e}", "9.", "/"];
    for piece in repeated {
        let agent = piece.repeat(10_000_000 / piece.len());
        assert_eq!(client_of(&agent), client_of(&agent), "{piece:?}");
    }
    check("Example/99999999999.1", "Example, -, -, -");
    check("Mozilla/5.0 (Windows NT 10.0\0) AppleWebKit/537.36 Chrome/\0 Safari/537.36", "Safari, -, Windows, -");
}
