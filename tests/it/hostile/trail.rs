//! A trail that others had in their hands: verifying, looking, showing and resuming it end in faults and not worse.

use std::sync::Arc;

use evictd::clock::{ManualClock, SeededChance};
use evictd::files::{Medium, MemoryMedium};
use evictd::model::AccountName;
use evictd::record::{Line, Sidecar, json_of, one_line, page, segment_name, sidecar_name, whole_lines};
use evictd::trail::{self, Trail};

use super::CUT;
use super::shown::is_harmless;

/// The first segment of a trail and, after [`CUT`], the personal parts beside it.
pub fn survives(bytes: &[u8]) {
    let cut = bytes.windows(CUT.len()).position(|part| part == CUT.as_bytes());
    let (segment, sidecar) = match cut {
        Some(at) => (&bytes[..=at], &bytes[at + CUT.len()..]),
        None => (bytes, &[][..]),
    };
    let medium = Arc::new(MemoryMedium::default());
    medium.append(&segment_name(1), segment).unwrap();
    medium.append(&sidecar_name(1), sidecar).unwrap();
    let account = AccountName::new("acme");

    let found = trail::verify(&*medium, &account);
    is_harmless("a verification", &evictd::model::harmless_json(&found.json()));
    let looked = trail::look(&*medium, &account);
    let personal = Sidecar::read(sidecar);
    for line in whole_lines(segment).0 {
        let Ok(read) = Line::read(line) else { continue };
        is_harmless("a line", &one_line(&read));
        is_harmless("a page", &page(&read, line, personal.text(read.seq)));
        json_of(line, personal.text(read.seq));
    }

    let clock = Arc::new(ManualClock::at("2026-11-23T12:00:00Z".parse().unwrap()));
    let opened = Trail::open(medium.clone(), account.clone(), clock, Arc::new(SeededChance::new(7)));
    if found.is_verified() {
        assert!(looked.is_ok() && opened.is_ok(), "{looked:?}");
        let after = trail::verify(&*medium, &account);
        assert!(after.is_verified() && after.unfinished_bytes == 0, "{after:?}");
    }
}
