//! Place databases from outside: every schema, silence and absence, taking over, hostile files, the commands.

mod commands;
mod hostile;
pub mod mmdb;
mod schemas;
mod silence;
mod takeover;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use evictd::config::PlacesSettings;
use evictd::model::{Cause, Country, Place};
use evictd::places::{Atlas, LastGood, OpenFiles, PlaceNews};
use jiff::{SignedDuration, Timestamp};

use mmdb::{Map, Mmdb, Text, Value};

/// When tests take place.
const NOW: i64 = 1_795_000_000;

/// A second of the day before.
const BUILT: u64 = 1_794_900_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A folder of files and one account's databases over them.
struct Desk {
    folder: tempfile::TempDir,
    settings: PlacesSettings,
    atlas: Atlas,
    live: BTreeMap<IpAddr, Option<Country>>,
    accepted: BTreeSet<String>,
}

impl Desk {
    /// With these files configured, in this order. None is there yet.
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let databases = names.iter().map(|name| folder.path().join(name)).collect();
        Self::of(folder, Some(databases), None)
    }

    fn of(folder: tempfile::TempDir, databases: Option<Vec<PathBuf>>, older_than_max: Option<SignedDuration>) -> Self {
        let settings = PlacesSettings { databases, older_than_max, installed: folder.path().join("installed") };
        let usual = [folder.path().join("usual"), folder.path().join("other")];
        let atlas = Atlas::begin(&settings, &usual, Arc::new(OpenFiles::default()), &LastGood::new());
        Self { folder, settings, atlas, live: BTreeMap::new(), accepted: BTreeSet::new() }
    }

    /// The same files, by a process that starts anew and knows what was in force.
    fn restart(&mut self) {
        let usual = [self.folder.path().join("usual"), self.folder.path().join("other")];
        self.atlas = Atlas::begin(&self.settings, &usual, Arc::new(OpenFiles::default()), &self.atlas.last_good());
    }

    /// Replaces a file as `geoipupdate` does.
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let (aside, path) = (self.folder.path().join("aside"), self.folder.path().join(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&aside, bytes).unwrap();
        std::fs::rename(aside, path).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    fn refresh(&mut self) -> Vec<PlaceNews> {
        self.atlas.refresh(&self.live, &self.accepted, now())
    }

    /// What a look at the files says, without the folder's name.
    fn told(&mut self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        self.refresh().iter().map(|news| news.to_string().replace(&folder, "")).collect()
    }

    fn place(&self, text: &str) -> Place {
        self.atlas.place_of(address(text))
    }

    /// The country of an address and the database it is from, or why there is none.
    fn country(&self, text: &str) -> Result<(&'static str, String), Cause> {
        let found = self.place(text).country?;
        let databases = self.atlas.databases();
        Ok((found.value.code(), databases.list()[usize::from(found.database)].name.clone()))
    }

    fn digest(&self, name: &str) -> String {
        let bytes = std::fs::read(self.folder.path().join(name)).unwrap();
        evictd::record::sha256_hex(&bytes)
    }
}

/// A country and where it is from, as [`Desk::country`] tells it.
#[expect(clippy::unnecessary_wraps, reason = "it stands beside answers that may be none")]
fn found(code: &'static str, database: &str) -> Result<(&'static str, String), Cause> {
    Ok((code, database.to_owned()))
}

/// MaxMind's record of a country.
fn country(code: &'static str) -> Value {
    Map(vec![("country", Map(vec![("iso_code", Text(code))]))])
}

/// A country database that says the same of everything.
fn all_in(code: &'static str, built: u64) -> Mmdb {
    Mmdb::new("GeoLite2-Country", built).with("0.0.0.0/1", &country(code)).with("128.0.0.0/1", &country(code))
}
