//! What ships; that the addresses beyond doubt are; what a value is read as. Everything else is tested from outside.

use super::*;
use crate::model::ClassAnswers;

#[test]
fn the_shipped_databases_answer_out_of_the_box() {
    let databases = Databases::shipped();
    let kinds: Vec<&str> = databases.list().iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["Country-CCBY4", "ip-location-db-ASN"]);
    let check = |address: &str, country: &str, asn: u32| {
        let place = databases.place_of(address.parse().unwrap());
        assert_eq!((place.country.unwrap().value.code(), place.asn.unwrap().value), (country, asn), "{address}");
    };
    check("8.8.8.8", "US", 15169);
    check("41.0.0.1", "ZA", 36994);
    check("::ffff:41.0.0.1", "ZA", 36994);
    check("5.255.255.5", "RU", 13238);
    check("2001:4860:4860::8888", "US", 15169);
    let place = databases.place_of("10.0.0.1".parse().unwrap());
    assert_eq!((place.country.unwrap_err(), place.asn.unwrap_err()), (Cause::NotInDatabase, Cause::NotInDatabase));
    assert_eq!(place.classes, ClassAnswers::unknown(Cause::NoSource));
}

#[test]
fn the_shipped_databases_are_what_is_written_down_of_them() {
    let files: [(&[u8], &str); 2] = [
        (include_bytes!("../../data/places/country.mmdb"), "country"),
        (include_bytes!("../../data/places/asn.mmdb"), "asn"),
    ];
    for ((bytes, name), opened) in files.into_iter().zip(shipped()) {
        assert_eq!(sha256_hex(bytes), digest(name));
        assert_eq!(opened.database.digest, digest(name));
        // What is known of them in advance is what a look at them finds.
        let found = Opened::read(bytes.to_vec(), name, "").unwrap();
        assert_eq!((found.supplies, found.covers), (opened.supplies, opened.covers), "{name}");
        let notice = include_str!("../../data/places/NOTICE.md");
        assert!(notice.contains(&opened.database.built.strftime("%Y-%m-%d").to_string()), "{name}");
    }
}

#[test]
fn every_canary_sings_in_the_shipped_databases() {
    let sings = |opened: &Opened| check::canaries(opened).collect::<Vec<bool>>();
    assert_eq!(shipped().iter().map(|one| sings(one)).collect::<Vec<_>>(), [vec![true; 22], vec![true; 12]]);
}
