//! Files that are cut, flipped, circular, deep or huge: an error or an answer, never a panic, a hang or much memory.

use std::time::{Duration, Instant};

use evictd::model::Cause;
use evictd::places::Databases;

use super::mmdb::{Double, List, Map, Mmdb, Pointer, Raw, Text, Truth, U16, U32, U64, Value};
use super::{BUILT, Desk, address};

const ASKED: &[&str] = &["81.2.69.142", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::1", "ffff::", "8.8.8.8"];

/// Everything that may be done with a file, and none of it may take long.
#[expect(clippy::disallowed_methods, reason = "what must not hang is measured on the real clock")]
fn survive(bytes: Vec<u8>) -> bool {
    let began = Instant::now();
    let opened = Databases::of_bytes(bytes, "x.mmdb");
    if let Ok(databases) = &opened {
        for text in ASKED {
            databases.place_of(address(text));
        }
    }
    assert!(began.elapsed() < Duration::from_secs(20));
    opened.is_ok()
}

fn rich() -> Mmdb {
    let part = |entries: &[(&'static str, Value)]| Map(entries.to_vec());
    let record = part(&[
        ("country", part(&[("iso_code", Text("SE")), ("names", part(&[("en", Text("Sweden"))]))])),
        ("continent", part(&[("code", Text("EU"))])),
        ("location", part(&[("latitude", Double(59.0)), ("longitude", Double(18.0)), ("accuracy_radius", U16(10))])),
        ("traits", part(&[("is_tor_exit_node", Truth(true)), ("autonomous_system_number", U32(64_500))])),
        ("subdivisions", List(vec![part(&[("iso_code", Text("AB"))])])),
    ]);
    Mmdb::new("GeoIP2-Enterprise", BUILT).with("81.2.69.0/24", &record).with("2001:db8::/32", &record)
}

#[test]
fn a_file_cut_anywhere_is_survived() {
    let whole = rich().bytes();
    assert!(survive(whole.clone()));
    let opened = (0..whole.len()).filter(|end| survive(whole[..*end].to_vec())).count();
    assert_eq!(opened, 0, "the metadata stands at the end");
    for from in 1..whole.len() {
        survive(whole[from..].to_vec());
    }
}

#[test]
fn thousands_of_flipped_bits_are_survived() {
    for (bits, seed) in [(24, 1), (28, 2), (32, 3)] {
        let whole = rich().record_size(bits).bytes();
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut opened = 0;
        for _ in 0..1_500 {
            let mut bytes = whole.clone();
            for _ in 0..chance.usize(1..6) {
                let at = chance.usize(..bytes.len());
                bytes[at] ^= 1 << chance.u8(..8);
            }
            opened += usize::from(survive(bytes));
        }
        assert!(opened > 500, "most flips leave a file that opens: {opened}");
    }
}

#[test]
fn every_single_byte_may_be_anything() {
    let whole = rich().bytes();
    // The data and the metadata; the tree is a thousand bytes of the same.
    for at in whole.len() - 700..whole.len() {
        for byte in [0, 0x3f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            survive(bytes);
        }
    }
}

#[test]
fn a_tree_that_leads_in_a_circle_ends() {
    for bits in [24, 28, 32] {
        let file = Mmdb::new("GeoLite2-Country", BUILT).record_size(bits).in_a_circle();
        assert!(survive(file.bytes()), "by its type it supplies countries");
        assert!(survive(file.v4_only().bytes()));
    }
}

/// A database whose one record is these bytes of the data section.
fn with_data(data: Vec<u8>) -> Vec<u8> {
    Mmdb::new("GeoLite2-Country", BUILT).with("0.0.0.0/1", &Map(vec![])).data(data).bytes()
}

#[test]
fn records_that_unfold_without_end_are_unknown() {
    let data = |value: &Value| {
        let mut data = Vec::new();
        value.write(&mut data);
        data
    };
    let key = |name: &'static str| data(&Text(name));
    let nest = |count: usize| [b"\xe1".to_vec(), key("country")].concat().repeat(count);
    let hostile = [
        ("a pointer to itself", data(&Pointer(0))),
        (
            "a key that points to itself",
            data(&Map(vec![])).into_iter().take(0).chain([0xe1, 0x38, 0, 0, 0, 1]).collect(),
        ),
        ("maps without end", nest(100_000)),
        ("a map of sixteen million", vec![0xff, 0xff, 0xff, 0xff]),
        ("a list of sixteen million", vec![0x1f, 0x04, 0xff, 0xff, 0xff]),
        ("a text of sixteen million", [b"\xe1".to_vec(), key("country"), vec![0x5f, 0xff, 0xff, 0xff]].concat()),
        ("a pointer beyond the end", data(&Pointer(u32::MAX))),
        ("an unknown type", data(&Raw(vec![0x00, 0xff]))),
    ];
    for (what, record) in hostile {
        let file = with_data(record);
        assert!(survive(file.clone()), "{what}");
        let databases = Databases::of_bytes(file, "x.mmdb").unwrap();
        let place = databases.place_of(address("8.8.8.8"));
        assert_eq!(place.country, Err(Cause::Down), "{what}: nobody speaks for a damaged record");
        assert!(place.asn.is_ok(), "{what}");
    }
    // What is in a part that nobody asks for is not unfolded: a map in itself is an empty one.
    let circle = [b"\xe1".to_vec(), key("country"), data(&Pointer(0))].concat();
    let place = Databases::of_bytes(with_data(circle), "x.mmdb").unwrap().place_of(address("8.8.8.8"));
    assert_eq!(place.country.map(|found| found.value.code()), Ok("US"));
}

/// Many pointers to one large list, in each other: small in the file, without end when it is unfolded.
#[test]
fn a_record_that_multiplies_is_not_held_in_memory() {
    let mut data = Vec::new();
    List(vec![Text("x"); 5_000]).write(&mut data);
    let mut last = 0;
    for _ in 0..20 {
        let list = List(vec![Pointer(last); 5_000]);
        last = u32::try_from(data.len()).unwrap();
        list.write(&mut data);
    }
    for key in ["country_code", "country", "asn", "traits", "x"] {
        let record = Map(vec![(key, Pointer(last)), ("continent_code", Text("AS"))]);
        let mut data = data.clone();
        let at = data.len();
        record.write(&mut data);
        let file = Mmdb::new("GeoLite2-Country", BUILT).data(vec![0; at]).with("0.0.0.0/1", &record);
        assert!(survive(file.data(data).bytes()), "{key}");
    }
}

#[test]
fn metadata_that_lies_is_refused_or_survived() {
    let file = rich();
    let check = |key: &'static str, value: Value| {
        let bytes = file.with_metadata(|metadata| {
            metadata.retain(|(name, _)| *name != key);
            metadata.push((key, value));
        });
        survive(bytes)
    };
    for count in [0, 1, 1 << 24, u32::MAX] {
        check("node_count", U32(count));
    }
    assert!(!check("node_count", U32(u32::MAX)));
    for size in [0, 1, 23, 25, 64, u16::MAX] {
        assert!(!check("record_size", U16(size)), "{size}");
    }
    for version in [0, 5, 7, u16::MAX] {
        assert!(!check("ip_version", U16(version)), "{version}");
    }
    for built in [u64::MAX, 1 << 62, i64::MAX as u64] {
        assert!(!check("build_epoch", U64(built)), "{built}");
    }
    assert!(!check("database_type", U16(1)));
    assert!(!check("description", Pointer(0)));
    check("description", Map(vec![("en", Text("x")); 60_000]));
    check("languages", List(vec![List(vec![]); 60_000]));
}

#[test]
fn a_file_larger_than_any_database_is_not_read() {
    let mut desk = Desk::new(&["a.mmdb"]);
    let file = std::fs::File::create(desk.folder.path().join("a.mmdb")).unwrap();
    file.set_len(evictd::places::BYTES_MAX + 1).unwrap();
    assert!(desk.told()[0].contains("it is larger than 536870912 bytes"));
}
