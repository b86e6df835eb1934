//! Who speaks when a database has no row, and that nobody speaks for one that should answer and cannot.

use evictd::model::{Cause, ClassSet, NetworkClass};
use jiff::SignedDuration;

use super::mmdb::{Map, Mmdb, Text, Truth, U32};
use super::{BUILT, Desk, all_in, country, found};

#[test]
fn an_absent_row_lets_the_next_database_speak() {
    let mut desk = Desk::new(&["a.mmdb", "b.mmdb"]);
    desk.put("a.mmdb", Mmdb::new("GeoLite2-Country", BUILT).with("81.2.0.0/16", &country("SE")).bytes());
    desk.put("b.mmdb", Mmdb::new("GeoLite2-Country", BUILT).with("81.0.0.0/8", &country("NO")).bytes());
    desk.refresh();
    assert_eq!(desk.country("81.2.69.142"), found("SE", "a.mmdb"));
    assert_eq!(desk.country("81.3.1.1"), found("NO", "b.mmdb"));
    assert_eq!(desk.country("41.0.0.1"), found("ZA", "shipped country"));
    assert_eq!(desk.country("10.0.0.1"), Err(Cause::NotInDatabase));
}

#[test]
fn the_first_in_order_counts() {
    let mut desk = Desk::new(&["b.mmdb", "a.mmdb"]);
    desk.put("a.mmdb", all_in("SE", BUILT).bytes());
    desk.put("b.mmdb", all_in("NO", BUILT).bytes());
    desk.refresh();
    assert_eq!(desk.country("41.0.0.1"), Err(Cause::Down), "neither is right about the canaries");
    desk.accepted.extend(["a.mmdb", "b.mmdb"].map(|name| desk.digest(name)));
    desk.refresh();
    assert_eq!(desk.country("41.0.0.1"), found("NO", "b.mmdb"));
}

#[test]
fn files_split_by_family_answer_for_their_own_only() {
    let mut desk = Desk::new(&["four.mmdb", "six.mmdb"]);
    desk.put("four.mmdb", Mmdb::new("x", BUILT).v4_only().with("81.0.0.0/8", &country("SE")).bytes());
    desk.put("six.mmdb", Mmdb::new("x", BUILT).with("2a00::/16", &country("NO")).bytes());
    desk.refresh();
    assert_eq!(desk.country("81.2.69.142"), found("SE", "four.mmdb"));
    assert_eq!(desk.country("2a00::1"), found("NO", "six.mmdb"));
    assert_eq!(desk.country("2001:4860:4860::8888"), found("US", "shipped country"));
    // One that is about IPv6 and nothing else says of no IPv4 address that it is not in it.
    let anonymous =
        Mmdb::new("GeoIP2-Anonymous-IP", BUILT).with("2a00::/16", &Map(vec![("is_tor_exit_node", Truth(true))]));
    desk.put("six.mmdb", anonymous.bytes());
    desk.refresh();
    let no = |text: &str| desk.place(text).classes.no.has(NetworkClass::Vpn);
    assert_eq!(["2a00::1", "2a02::1", "9.9.9.9"].map(no), [true, true, false]);
}

#[test]
fn a_database_that_is_not_there_is_not_spoken_for() {
    let mut desk = Desk::new(&["none.mmdb", "b.mmdb"]);
    desk.put("b.mmdb", all_in("NO", BUILT).bytes());
    desk.refresh();
    let place = desk.place("41.0.0.1");
    assert_eq!(place.country.unwrap_err(), Cause::Down);
    assert_eq!(place.continent.unwrap_err(), Cause::Down);
    assert_eq!((place.asn.unwrap_err(), place.organization.unwrap_err()), (Cause::Down, Cause::Down));
    assert_eq!(
        (place.classes.yes, place.classes.no, place.classes.unknown),
        (ClassSet::NONE, ClassSet::NONE, Cause::Down)
    );
}

#[test]
fn a_silent_database_leaves_alone_what_it_never_supplied() {
    let mut desk = Desk::new(&["asn.mmdb", "gone.mmdb"]);
    // Held back, so that what it supplies is known though it is not in force.
    let wrong = Map(vec![("autonomous_system_number", U32(1)), ("autonomous_system_organization", Text("x"))]);
    let file = Mmdb::new("GeoLite2-ASN", BUILT).with("0.0.0.0/1", &wrong).with("128.0.0.0/1", &wrong);
    desk.put("asn.mmdb", file.bytes());
    desk.put("gone.mmdb", Mmdb::new("x", BUILT).with("81.0.0.0/8", &country("SE")).bytes());
    desk.refresh();
    assert_eq!(desk.country("41.0.0.1"), found("ZA", "shipped country"));
    assert_eq!(desk.place("41.0.0.1").asn.unwrap_err(), Cause::Down);
}

#[test]
fn a_silent_database_turns_no_into_unknown_and_leaves_yes() {
    let flag = |name| Map(vec![(name, Truth(true))]);
    let mut desk = Desk::new(&["a.mmdb"]);
    let file = Mmdb::new("GeoIP2-Anonymous-IP", BUILT).with("81.0.0.0/8", &flag("is_tor_exit_node"));
    desk.put("a.mmdb", file.bytes());
    desk.refresh();
    assert!(desk.place("81.2.69.142").classes.yes.has(NetworkClass::Tor));
    assert!(desk.place("9.9.9.9").classes.no.has(NetworkClass::Tor));
    desk.settings.databases.as_mut().unwrap().push(desk.folder.path().join("b.mmdb"));
    desk.restart();
    desk.refresh();
    assert!(desk.place("81.2.69.142").classes.yes.has(NetworkClass::Tor));
    let classes = desk.place("9.9.9.9").classes;
    assert_eq!((classes.no, classes.unknown), (ClassSet::NONE, Cause::Down));
}

#[test]
fn a_database_that_is_too_old_says_nothing_and_nobody_speaks_for_it() {
    let mut desk = Desk::new(&["a.mmdb"]);
    desk.settings.older_than_max = Some(SignedDuration::from_hours(48));
    desk.restart();
    desk.put("a.mmdb", Mmdb::new("GeoLite2-Country", BUILT - 90_000).with("81.0.0.0/8", &country("SE")).bytes());
    let told = desk.told();
    assert!(told[1].contains("a.mmdb") && told[1].contains("older than `places.older-than-max` allows"), "{told:?}");
    assert_eq!(desk.told(), Vec::<String>::new(), "said once");
    assert_eq!(desk.place("81.2.69.142").country.unwrap_err(), Cause::Stale);
    assert_eq!(desk.place("41.0.0.1").country.unwrap_err(), Cause::Stale);
    assert!(desk.place("41.0.0.1").asn.is_ok());
    desk.put("a.mmdb", Mmdb::new("GeoLite2-Country", BUILT).with("81.0.0.0/8", &country("NO")).bytes());
    desk.refresh();
    assert_eq!(desk.country("81.2.69.142"), found("NO", "a.mmdb"));
}
