//! A file that is replaced: taken over after a check, or the last good one stays; what waits, and how it is let in.

use evictd::model::{Cause, Country};

use super::mmdb::{Mmdb, Value};
use super::{BUILT, Desk, address, all_in, country, found};

/// A hundred addresses in 81.2.0.0/24, all in one country when they were seen.
fn seen(desk: &mut Desk, code: &str) {
    let country = Country::from_code(code);
    assert!(country.is_some());
    desk.live = (0..100).map(|last| (address(&format!("81.2.0.{last}")), country)).collect();
}

/// A database of that network, in which so many of those addresses are elsewhere.
fn edition(built: u64, moved: u32) -> Vec<u8> {
    let file = Mmdb::new("GeoLite2-Country", built).with("81.2.0.0/16", &country("SE"));
    (0..moved).fold(file, |file, last| file.with(&format!("81.2.0.{last}/32"), &country("NO"))).bytes()
}

#[test]
fn a_new_edition_is_taken_over() {
    let mut desk = Desk::new(&["a.mmdb"]);
    desk.put("a.mmdb", edition(BUILT - 1, 0));
    assert_eq!(desk.told(), ["place database `a.mmdb` (GeoLite2-Country, built on 2026-11-17) is in force"]);
    assert_eq!(desk.told(), Vec::<String>::new());
    seen(&mut desk, "SE");
    desk.put("a.mmdb", edition(BUILT, 2));
    let told = desk.told();
    assert!(told[0].ends_with("is in force in place of the one of 2026-11-17"), "{told:?}");
    assert_eq!(desk.country("81.2.0.1"), found("NO", "a.mmdb"));
}

#[test]
fn an_edition_that_moves_too_many_waits_for_a_human() {
    let mut desk = Desk::new(&["a.mmdb"]);
    desk.put("a.mmdb", edition(BUILT - 1, 0));
    desk.refresh();
    seen(&mut desk, "SE");
    desk.put("a.mmdb", edition(BUILT, 3));
    assert_eq!(
        desk.told(),
        [
            "place database `a.mmdb` is not used: it moves 3 of 100 addresses seen lately to another country or to none; \
          the one built on 2026-11-17 stays in force"
        ]
    );
    assert_eq!(desk.told(), Vec::<String>::new(), "said once");
    assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
    let standing = desk.atlas.standing();
    assert_eq!(standing.waiting[0].database.digest, desk.digest("a.mmdb"));
    assert_ne!(standing.databases[0].database.digest, desk.digest("a.mmdb"));
    desk.accepted.insert("0".repeat(64));
    assert_eq!(desk.told(), Vec::<String>::new(), "another digest lets nothing in");
    desk.accepted.insert(desk.digest("a.mmdb"));
    assert_eq!(desk.refresh().len(), 1);
    assert_eq!(desk.country("81.2.0.1"), found("NO", "a.mmdb"));
    assert!(desk.atlas.standing().waiting.is_empty() && desk.atlas.standing().troubles.is_empty());
}

#[test]
fn an_address_that_loses_its_country_has_moved() {
    let mut desk = Desk::new(&["a.mmdb"]);
    desk.put("a.mmdb", edition(BUILT - 1, 0));
    desk.refresh();
    desk.live = (1..10).map(|last| (address(&format!("10.0.0.{last}")), Country::from_code("SE"))).collect();
    desk.put("a.mmdb", edition(BUILT, 0));
    assert!(desk.told()[0].contains("it moves 9 of 9 addresses"));
    // One always may, and one that had no country has nothing to lose.
    desk.live.values_mut().skip(1).for_each(|country| *country = None);
    desk.put("a.mmdb", edition(BUILT, 1));
    assert!(desk.told()[0].contains("is in force in place"));
}

#[test]
fn without_a_last_good_one_what_is_held_back_is_unknown() {
    let mut desk = Desk::new(&["a.mmdb"]);
    seen(&mut desk, "GB");
    desk.put("a.mmdb", edition(BUILT, 0));
    assert!(desk.told()[0].ends_with("what it could supply is unknown"));
    assert_eq!(desk.place("41.0.0.1").country.unwrap_err(), Cause::Down);
    assert!(desk.place("41.0.0.1").asn.is_ok());
    desk.accepted.insert(desk.digest("a.mmdb"));
    desk.restart();
    desk.refresh();
    assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
}

#[test]
fn of_several_new_files_only_the_one_that_moves_people_waits() {
    let mut desk = Desk::new(&["a.mmdb", "b.mmdb", "c.mmdb"]);
    let asn: Value = super::mmdb::Map(vec![("autonomous_system_number", super::mmdb::U32(64_500))]);
    seen(&mut desk, "SE");
    desk.put("a.mmdb", Mmdb::new("GeoLite2-Country", BUILT).with("95.0.0.0/8", &country("TR")).bytes());
    desk.put("b.mmdb", edition(BUILT, 50));
    desk.put("c.mmdb", Mmdb::new("GeoLite2-ASN", BUILT).with("81.2.0.0/16", &asn).bytes());
    let told = desk.told();
    assert_eq!(told.len(), 3, "{told:?}");
    let waiting = desk.atlas.standing().waiting;
    assert_eq!(waiting.iter().map(|one| one.database.name.as_str()).collect::<Vec<_>>(), ["b.mmdb"]);
    assert_eq!(desk.country("95.1.1.1"), found("TR", "a.mmdb"));
    assert_eq!(desk.place("81.2.0.1").country.unwrap_err(), Cause::Down);
    assert_eq!(desk.place("81.2.0.1").asn.unwrap().value, 64_500);
}

#[test]
fn an_older_edition_one_from_the_future_and_one_that_is_wrong_wait() {
    let mut desk = Desk::new(&["a.mmdb"]);
    desk.put("a.mmdb", edition(BUILT, 0));
    desk.refresh();
    let mut check = |bytes: &[u8], why: &str| {
        desk.put("a.mmdb", bytes);
        let told = desk.told();
        assert!(told.len() == 1 && told[0].contains(why), "{why}: {told:?}");
        assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
        let digest = desk.digest("a.mmdb");
        assert_eq!(desk.atlas.standing().waiting[0].database.digest, digest);
    };
    check(&edition(BUILT - 86_400, 1), "it was built on 2026-11-16, before the one in force of 2026-11-17");
    check(&edition(BUILT + 3 * 86_400, 1), "it says it was built on 2026-11-20, which is to come");
    check(&all_in("SE", BUILT).bytes(), "it is wrong about 14 of 14 addresses whose place is beyond doubt");
    // Putting the old file back ends it.
    desk.put("a.mmdb", edition(BUILT, 0));
    assert_eq!(
        desk.told(),
        ["place database `a.mmdb` (GeoLite2-Country, built on 2026-11-17) stands again as what is in force"]
    );
    assert!(desk.atlas.standing().troubles.is_empty());
}

#[test]
fn a_broken_replacement_is_told_once_and_the_last_good_one_stays() {
    let mut desk = Desk::new(&["a.mmdb"]);
    let whole = edition(BUILT, 0);
    desk.put("a.mmdb", &whole);
    desk.refresh();
    for broken in [&whole[..whole.len() / 2], b"", b"<html>504 Gateway Time-out</html>"] {
        desk.put("a.mmdb", broken);
        let told = desk.told();
        assert!(told.len() == 1 && told[0].contains("it is no place database"), "{told:?}");
        assert_eq!(desk.told(), Vec::<String>::new());
        assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
    }
    desk.remove("a.mmdb");
    assert!(desk.told()[0].contains("there is no such file"));
    assert_eq!(desk.told(), Vec::<String>::new());
    assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
    std::fs::create_dir(desk.folder.path().join("a.mmdb")).unwrap();
    assert!(desk.told()[0].contains("it is not a regular file"));
    std::fs::remove_dir(desk.folder.path().join("a.mmdb")).unwrap();
    desk.put("a.mmdb", edition(BUILT, 1));
    assert_eq!(desk.refresh().len(), 1);
    assert_eq!(desk.country("81.2.0.0"), found("NO", "a.mmdb"));
}

#[test]
fn without_configuration_the_usual_folders_and_what_was_installed_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::of(folder, None, None);
    let says = |code| Mmdb::new("GeoLite2-City", BUILT).with("81.0.0.0/8", &country(code)).bytes();
    assert_eq!(desk.told(), Vec::<String>::new());
    desk.put("usual/GeoLite2-Country.mmdb", says("SE"));
    desk.put("other/GeoLite2-Country.mmdb", says("NO"));
    desk.put("usual/Strange.mmdb", says("TR"));
    desk.refresh();
    assert_eq!(desk.country("81.2.0.0"), found("SE", "GeoLite2-Country.mmdb"));
    desk.put("other/GeoLite2-City.mmdb", says("FI"));
    desk.refresh();
    assert_eq!(desk.country("81.2.0.0"), found("FI", "GeoLite2-City.mmdb"));
    desk.put("installed/x.mmdb", says("DK"));
    desk.put("installed/x.txt", "nothing");
    desk.refresh();
    assert_eq!(desk.country("81.2.0.0"), found("DK", "x.mmdb"));
    // What was in force stays; what never was is forgotten.
    desk.remove("installed/x.mmdb");
    assert!(desk.told()[0].contains("there is no such file"));
    assert_eq!(desk.country("81.2.0.0"), found("DK", "x.mmdb"));
    desk.put("installed/y.mmdb", "nonsense");
    desk.refresh();
    assert_eq!(desk.place("81.2.0.0").country.unwrap().value.code(), "DK");
    desk.remove("installed/y.mmdb");
    assert_eq!(desk.told(), ["place database `installed/y.mmdb` is gone"]);
    // Nor does another one speak for it after a restart, until a human lets it go.
    desk.restart();
    desk.refresh();
    assert_eq!(desk.place("81.2.0.0").country.unwrap_err(), Cause::Down);
    let waiting = desk.atlas.standing().waiting;
    assert_eq!((waiting.len(), waiting[0].path.file_name().unwrap().to_str()), (1, Some("x.mmdb")));
    desk.accepted.insert(waiting[0].database.digest.clone());
    assert_eq!(desk.told(), ["place database `installed/x.mmdb` is gone"]);
    assert_eq!(desk.country("81.2.0.0"), found("FI", "GeoLite2-City.mmdb"));
    assert_eq!((desk.told(), desk.atlas.standing().waiting.len()), (Vec::new(), 0));
}

#[test]
fn a_restart_lets_in_what_was_in_force_and_nothing_that_waited() {
    let mut desk = Desk::new(&["a.mmdb"]);
    desk.put("a.mmdb", edition(BUILT, 0));
    desk.refresh();
    // It would not be let in today: the same bytes need not be judged twice.
    seen(&mut desk, "GB");
    desk.restart();
    assert_eq!(desk.told(), ["place database `a.mmdb` (GeoLite2-Country, built on 2026-11-17) is in force"]);
    assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
    desk.put("a.mmdb", edition(BUILT - 86_400, 0));
    for _ in 0..2 {
        desk.restart();
        let told = desk.told();
        assert!(told[0].contains("before the one in force of 2026-11-17"), "{told:?}");
        assert_eq!(desk.place("81.2.0.1").country.unwrap_err(), Cause::Down);
    }
    desk.put("a.mmdb", edition(BUILT, 0));
    desk.refresh();
    assert_eq!(desk.country("81.2.0.1"), found("SE", "a.mmdb"));
}
