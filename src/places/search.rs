//! Where place databases are looked for: what was installed by hand, and the usual folders.

use std::path::{Path, PathBuf};

/// Where `geoipupdate` and distributions put databases.
pub const USUAL_FOLDERS: &[&str] = &["/usr/share/GeoIP", "/var/lib/GeoIP", "/usr/local/share/GeoIP"];

/// The same as paths.
pub fn usual_folders() -> Vec<PathBuf> {
    USUAL_FOLDERS.iter().map(PathBuf::from).collect()
}

/// The databases looked for there, in order of preference.
const USUAL_NAMES: &[&str] = &[
    "GeoIP2-Enterprise",
    "GeoIP2-City",
    "GeoLite2-City",
    "GeoIP2-Country",
    "GeoLite2-Country",
    "GeoIP2-ISP",
    "GeoIP2-ASN",
    "GeoLite2-ASN",
    "GeoIP2-Anonymous-IP",
    "GeoIP2-Connection-Type",
];

/// The databases that a human installed, by name.
pub(super) fn installed(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "mmdb")).collect();
    found.sort();
    found
}

/// The databases in the usual folders: of two of one name the first.
pub(super) fn usual(folders: &[PathBuf]) -> Vec<PathBuf> {
    let first = |name: &&str| {
        let paths = folders.iter().map(|folder| folder.join(format!("{name}.mmdb")));
        paths.into_iter().find(|path| path.exists())
    };
    USUAL_NAMES.iter().filter_map(first).collect()
}
