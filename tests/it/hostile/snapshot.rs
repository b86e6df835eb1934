//! A snapshot's file: whatever its bytes, it is refused with a reason or read, written again the same, and judged.

use std::sync::OnceLock;

use evictd::diagnostic::{Findings, Source};
use evictd::policy::{self, PolicySet};
use evictd::snapshot::{self, Snapshot, SnapshotFault};

use super::policies::judges;

/// The bytes of one file, packed or plain.
pub fn survives(bytes: &[u8]) {
    match read(bytes) {
        Ok(snapshot) => {
            let again = snapshot::from_bytes(&snapshot::to_bytes(&snapshot).unwrap());
            assert_eq!(again.as_ref(), Ok(&snapshot));
            judges(&snapshot, shipped());
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// Reads a snapshot.
pub fn read(bytes: &[u8]) -> Result<Snapshot, SnapshotFault> {
    snapshot::from_bytes(bytes)
}

/// The policies that evictd ships with.
fn shipped() -> &'static PolicySet {
    static SHIPPED: OnceLock<PolicySet> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let sources = [
            Source::new("age.toml", include_str!("../../../policies/age.toml")),
            Source::new("clients.toml", include_str!("../../../policies/clients.toml")),
            Source::new("concurrent.toml", include_str!("../../../policies/concurrent.toml")),
            Source::new("exceptions.toml", include_str!("../../../policies/exceptions.toml")),
            Source::new("geography.toml", include_str!("../../../policies/geography.toml")),
            Source::new("idle.toml", include_str!("../../../policies/idle.toml")),
            Source::new("networks.toml", include_str!("../../../policies/networks.toml")),
            Source::new("offboarded.toml", include_str!("../../../policies/offboarded.toml")),
            Source::new("vendors.toml", include_str!("../../../policies/vendors.toml")),
        ];
        policy::read(&sources, None, &mut Findings::default()).unwrap()
    })
}
