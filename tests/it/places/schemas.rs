//! What records say in every schema that is met: nested, flat, with integers as text, with countries that are none.

use evictd::model::{Cause, ClassSet, NetworkClass, Place};

use super::mmdb::{Double, Float, I32, List, Map, Mmdb, Text, Truth, U16, U32, U64, U128, Value};
use super::{BUILT, Desk, country};

/// What a database of this type with this one record says of an address in it.
fn place(kind: &'static str, record: Vec<(&'static str, Value)>) -> Place {
    let mut desk = Desk::new(&["one.mmdb"]);
    desk.put("one.mmdb", Mmdb::new(kind, BUILT).with("81.2.69.0/24", &Map(record)).bytes());
    desk.refresh();
    desk.place("81.2.69.142")
}

/// Country, continent, AS number and organisation, with a dash for what is not from this database.
fn facts(place: &Place) -> String {
    let dash = || "-".to_owned();
    let country = place.country.map_or_else(|_| dash(), |found| found.value.code().to_owned());
    let continent = place.continent.map_or_else(|_| dash(), |found| found.value.code().to_owned());
    let asn = place.asn.ok().filter(|found| found.database == 0).map_or_else(dash, |found| found.value.to_string());
    let organization = place.organization.as_ref().ok().filter(|found| found.database == 0);
    format!("{country} {continent} {asn} {}", organization.map_or_else(dash, |found| found.value.to_string()))
}

fn check(kind: &'static str, record: Vec<(&'static str, Value)>, wanted: &str) {
    assert_eq!(facts(&place(kind, record)), wanted);
}

#[test]
fn maxminds_nested_records_are_read() {
    let part = |entries: &[(&'static str, Value)]| Map(entries.to_vec());
    check(
        "GeoLite2-City",
        vec![
            ("city", part(&[("names", part(&[("en", Text("Boxford"))]))])),
            ("continent", part(&[("code", Text("EU")), ("geoname_id", U32(6_255_148))])),
            ("country", part(&[("geoname_id", U32(2_635_167)), ("iso_code", Text("FR"))])),
            ("registered_country", part(&[("iso_code", Text("US"))])),
        ],
        "FR EU - -",
    );
    // The country of whoever holds the addresses is not where they are.
    check("GeoLite2-Country", vec![("registered_country", part(&[("iso_code", Text("US"))]))], "GB EU - -");
    check(
        "GeoLite2-ASN",
        vec![("autonomous_system_number", U32(64_500)), ("autonomous_system_organization", Text("Example"))],
        "GB EU 64500 Example",
    );
    let traits = part(&[("autonomous_system_number", U32(64_501)), ("autonomous_system_organization", Text("Two"))]);
    check("GeoIP2-Enterprise", vec![("traits", traits)], "GB EU 64501 Two");
}

#[test]
fn flat_records_are_read() {
    let flat = "DBIP-City-Lite";
    check(flat, vec![("country_code", Text("DE")), ("city", Text("Berlin"))], "DE EU - -");
    check(flat, vec![("country", Text("jp")), ("country_name", Text("Japan"))], "JP AS - -");
    let full = vec![
        ("country", Text("Japan")),
        ("country_code", Text("JP")),
        ("continent", Text("Asia")),
        ("continent_code", Text("AS")),
        ("asn", Text("AS64502")),
        ("as_name", Text("Three")),
    ];
    check("ipinfo generic_lite", full, "JP AS 64502 Three");
    check("ipinfo asn", vec![("asn", Text("AS64503")), ("name", Text("Four"))], "GB EU 64503 Four");
    // A name means whoever runs the network only beside its number.
    check("other", vec![("country_code", Text("IT")), ("name", Text("Somewhere"))], "IT EU - -");
}

#[test]
fn numbers_are_read_in_every_width() {
    let wide = [U16(777), U32(777), U64(777), U128(777), I32(777), Text("777"), Text("AS777"), Text(" as777 ")];
    for number in wide {
        check("x", vec![("asn", number)], "GB EU 777 -");
    }
    let wrong =
        [U32(0), I32(-777), U64(1 << 32), U128(u128::MAX), Text("AS"), Text("AS-1"), Text("7e2"), Double(777.0)];
    for number in wrong.into_iter().chain([Truth(true), Map(vec![]), List(vec![U16(1)]), Text("AS4294967296")]) {
        check("x", vec![("country_code", Text("ES")), ("asn", number)], "ES EU - -");
    }
    let coordinates = |latitude, longitude, radius| {
        let record = vec![("latitude", latitude), ("longitude", longitude), ("accuracy_radius", radius)];
        place("x-city", [vec![("country_code", Text("ES"))], record].concat())
            .coordinates
            .map(|found| (found.value.latitude.to_string(), found.value.longitude.to_string(), found.value.radius_km))
    };
    let madrid = |radius| Some(("40.5".to_owned(), "-3.75".to_owned(), radius));
    assert_eq!(coordinates(Double(40.5), Double(-3.75), U16(100)), madrid(Some(100)));
    assert_eq!(coordinates(Float(40.5), Float(-3.75), U32(1)), madrid(Some(1)));
    assert_eq!(coordinates(Text("40.5"), Text("-3.75"), Text("50.2")), madrid(Some(51)));
    assert_eq!(coordinates(Double(40.5), Double(-3.75), U32(70_000)), madrid(None));
    for (latitude, longitude) in [
        (Double(0.0), Double(0.0)),
        (Double(91.0), Double(0.5)),
        (Double(1.0), Double(-180.5)),
        (Double(f64::NAN), Double(1.0)),
        (Double(f64::INFINITY), Double(1.0)),
        (Text("north"), Double(1.0)),
        (Double(1.0), Truth(true)),
    ] {
        assert_eq!(coordinates(latitude, longitude, U16(1)), None);
    }
    assert_ne!(coordinates(I32(40), I32(-3), U16(1)), None);
}

#[test]
fn what_is_no_country_leaves_the_word_to_the_next_database() {
    for code in ["EU", "AP", "XX", "ZZ", "A1", "A2", "O1", "UK", "", "G", "GBR", "*"] {
        check("GeoLite2-Country", vec![("country", Map(vec![("iso_code", Text(code))]))], "GB EU - -");
        check("flat", vec![("country_code", Text(code)), ("asn", U32(5))], "GB EU 5 -");
    }
    // The continent of a group of countries is known, where the database says it.
    let record = vec![("continent", Map(vec![("code", Text("AS"))])), ("country", Map(vec![("iso_code", Text("AP"))]))];
    check("GeoLite2-Country", record, "GB AS - -");
    check("GeoLite2-Country", vec![("country", Map(vec![("iso_code", Text("XK"))]))], "XK EU - -");
}

/// The classes that a database says yes and no to, of an address in it and of one that it has no record of.
fn classes(kind: &'static str, record: Vec<(&'static str, Value)>) -> [(String, String); 2] {
    let mut desk = Desk::new(&["one.mmdb"]);
    desk.put("one.mmdb", Mmdb::new(kind, BUILT).with("81.2.69.0/24", &Map(record)).bytes());
    desk.refresh();
    let words = |set: ClassSet| set.iter().map(NetworkClass::word).collect::<Vec<_>>().join(" ");
    ["81.2.69.142", "9.9.9.9"].map(|text| {
        let classes = desk.place(text).classes;
        assert_eq!(classes.unknown, Cause::NoSource);
        (words(classes.yes), words(classes.no))
    })
}

#[test]
fn classes_are_read_in_the_words_of_each_maker() {
    let check = |kind, record: &[(&'static str, Value)], inside: (&str, &str), outside: &str| {
        let wanted = [(inside.0.to_owned(), inside.1.to_owned()), (String::new(), outside.to_owned())];
        assert_eq!(classes(kind, record.to_vec()), wanted, "{kind}");
    };
    let all = "tor vpn proxy hosting";
    let anonymous = "GeoIP2-Anonymous-IP";
    check(
        anonymous,
        &[("is_anonymous", Truth(true)), ("is_tor_exit_node", Truth(true))],
        ("tor", "vpn proxy hosting"),
        all,
    );
    check(
        anonymous,
        &[("is_anonymous_vpn", Truth(true)), ("is_hosting_provider", Truth(true))],
        ("vpn hosting", "tor proxy"),
        all,
    );
    check(
        anonymous,
        &[("is_residential_proxy", Truth(true)), ("is_public_proxy", Truth(false))],
        ("proxy", "tor vpn hosting"),
        all,
    );
    let privacy: &[(&'static str, Value)] = &[
        ("hosting", Text("true")),
        ("proxy", Text("")),
        ("relay", Text("")),
        ("service", Text("")),
        ("tor", Text("")),
        ("vpn", Text("true")),
    ];
    check("ipinfo standard_privacy", privacy, ("vpn hosting", "tor proxy relay"), "tor vpn proxy relay hosting");
    check("ipinfo standard_privacy", &[("vpn", Text("Some Name")), ("tor", Truth(true))], ("tor", ""), "tor");
    // Not a list of all that are: whoever is not in it may be one.
    let traits = |entries: &[(&'static str, Value)]| [("traits", Map(entries.to_vec())), ("country", Text("GB"))];
    let enterprise = "GeoIP2-Enterprise";
    check(enterprise, &traits(&[("is_satellite_provider", Truth(true))]), ("satellite", ""), "");
    check(enterprise, &traits(&[("connection_type", Text("Cellular"))]), ("mobile", "satellite"), "");
    check(enterprise, &traits(&[("user_type", Text("hosting"))]), ("hosting", ""), "");
    check(enterprise, &traits(&[("user_type", Text("residential"))]), ("", ""), "");
    check(enterprise, &traits(&[("is_legitimate_proxy", Truth(true))]), ("corporate", ""), "");
    check("GeoIP2-Connection-Type", &[("connection_type", Text("Cable/DSL"))], ("", "mobile satellite"), "");
    check("GeoIP2-Connection-Type", &[("connection_type", Text("Satellite"))], ("satellite", "mobile"), "");
}

#[test]
fn every_size_of_record_and_narrower_networks_are_found() {
    for bits in [24, 28, 32] {
        let mut desk = Desk::new(&["one.mmdb"]);
        let file = Mmdb::new("GeoLite2-Country", BUILT).record_size(bits);
        let file = file.with("81.0.0.0/8", &country("SE")).with("81.2.69.142/32", &country("NO"));
        desk.put("one.mmdb", file.with("2001:db8::/32", &country("FI")).bytes());
        desk.refresh();
        let code = |text: &str| desk.country(text).map(|(code, _)| code);
        assert_eq!(["81.2.69.142", "81.2.69.143", "::ffff:81.2.69.142"].map(code), [Ok("NO"), Ok("SE"), Ok("NO")]);
        assert_eq!(code("2001:db8::1"), Ok("FI"), "{bits}");
    }
}

#[test]
fn a_file_that_tells_nothing_of_places_is_refused() {
    let mut desk = Desk::new(&["one.mmdb"]);
    let file = Mmdb::new("GeoIP2-Domain", BUILT).with("81.2.69.0/24", &Map(vec![("domain", Text("example.com"))]));
    desk.put("one.mmdb", file.bytes());
    assert!(desk.told()[0].contains("its type `GeoIP2-Domain` tells nothing of places"));
    assert_eq!(desk.country("81.2.69.142"), Err(Cause::Down));
}
