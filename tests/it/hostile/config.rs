//! The configuration: whatever it says, reading ends in settings or in findings, and a schedule can be asked when.

use std::path::Path;

use evictd::config::{self, Settings};
use evictd::diagnostic::{Findings, Source};

use super::shown::are_harmless;

/// The text of one file.
pub fn survives(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    config::state_folder(text);
    let mut findings = Findings::default();
    let settings = read(&Source::new("evictd.toml", text), &mut findings);
    assert_eq!(settings.is_some(), !findings.has_errors(), "{findings:?}");
    are_harmless(&findings, 1);
    for account in settings.iter().flat_map(|settings| settings.accounts.values()) {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let next = account.sweep.next_after(now, &account.time_zone);
        assert!(next.is_none_or(|next| next > now), "{:?}", account.sweep);
        account.sweep.interval(now, &account.time_zone);
    }
}

/// Reads a configuration as if it lay where the unit expects it.
pub fn read(source: &Source, findings: &mut Findings) -> Option<Settings> {
    config::read(source, Path::new("/etc/evictd"), findings)
}
