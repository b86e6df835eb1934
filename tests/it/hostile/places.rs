//! Place databases: whatever a file's bytes are, it is refused, or each address gets a place.

use std::net::IpAddr;

use evictd::places::Databases;

const ASKED: &[&str] = &["81.2.69.142", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::1", "ffff::", "::ffff:8.8.8.8"];

/// The bytes of one file.
pub fn survives(bytes: &[u8]) {
    let Ok(databases) = Databases::of_bytes(bytes.to_vec(), "x.mmdb") else { return };
    for address in ASKED {
        let address: IpAddr = address.parse().unwrap();
        let place = databases.place_of(address);
        assert_eq!(place, databases.place_of(address), "{address}");
    }
    assert!(databases.list().len() <= 3);
}
