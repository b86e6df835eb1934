//! Place databases: where an address is and whose network it is in, from files in MaxMind's format.
//!
//! Two databases are compiled in and asked last; customers' own come first. This is the only room that knows the format.
//! Falling back is for absent rows, not for absent sources: a database that should answer and cannot makes what it could
//! have said unknown. Which files are in force over a process's life is for `atlas`.

mod atlas;
mod check;
mod database;
mod hearing;
mod install;
mod kept;
mod open_files;
mod search;
mod standing;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

pub use atlas::Atlas;
use database::{Covers, Damaged, Opened};
pub use database::{Supplies, Supply};
use hearing::Hearing;
pub use install::{Installed, NotInstalled, install};
pub use kept::{ACCEPTED, LastGood, accept, keep_last_good, read_accepted, read_last_good};
pub use open_files::{BYTES_MAX, OpenFiles};
pub use search::{USUAL_FOLDERS, usual_folders};
pub use standing::{Doubt, InForce, OLD_AFTER, PlaceNews, PlacesStanding, PlacesTrouble, Waiting};

use crate::model::{Cause, Database, Place};
use crate::record::sha256_hex;

/// Databases in order of preference, as they are at one moment.
pub struct Databases {
    /// Each with its number in the list, which is that of the next one for those that do not answer.
    entries: Vec<(u8, Entry)>,
    list: Vec<Database>,
}

/// One database in its place of the order.
enum Entry {
    Answers(Arc<Opened>),
    /// It should answer and cannot, because of this.
    Silent {
        cause: Cause,
        supplies: Supplies,
        covers: Covers,
    },
}

impl Entry {
    fn supplies(&self) -> Supplies {
        match self {
            Self::Answers(opened) => opened.supplies,
            Self::Silent { supplies, .. } => *supplies,
        }
    }

    fn covers(&self, address: IpAddr) -> bool {
        match self {
            Self::Answers(opened) => opened.covers.covers(address),
            Self::Silent { covers, .. } => covers.covers(address),
        }
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(&self.list).finish()
    }
}

impl Databases {
    /// The two that are compiled in, alone.
    pub fn shipped() -> Self {
        Self::of(Vec::new())
    }

    /// This one before those compiled in, whatever a check would say of it: for whoever looks at a file by itself.
    ///
    /// # Errors
    ///
    /// When it is no place database, in words.
    pub fn of_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, String> {
        let digest = sha256_hex(&bytes);
        Opened::read(bytes, name, &digest).map(|opened| Self::of(vec![Entry::Answers(Arc::new(opened))]))
    }

    /// These first, the compiled-in ones last.
    fn of(first: Vec<Entry>) -> Self {
        let mut databases = Self { entries: Vec::new(), list: Vec::new() };
        for entry in first.into_iter().chain(shipped().iter().cloned().map(Entry::Answers)) {
            // The configuration allows far fewer than this.
            let Ok(number) = u8::try_from(databases.list.len()) else { break };
            if let Entry::Answers(opened) = &entry {
                databases.list.push(opened.database.clone());
            }
            databases.entries.push((number, entry));
        }
        databases
    }

    /// Those that answer; the number in [`Found`](crate::model::Found) counts in this list.
    pub fn list(&self) -> &[Database] {
        &self.list
    }

    /// What they say of this address. An IPv4 address written as IPv6 is that IPv4 address.
    pub fn place_of(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        let mut hearing = Hearing::new();
        for (number, entry) in &self.entries {
            let supplies = entry.supplies();
            if !entry.covers(address) || !hearing.wants(supplies) {
                continue;
            }
            match entry {
                Entry::Silent { cause, .. } => hearing.silent(*cause, supplies),
                Entry::Answers(opened) => match opened.ask(address) {
                    Ok(record) => hearing.hear(*number, &record.unwrap_or_default(), supplies),
                    Err(Damaged) => hearing.silent(Cause::Down, supplies),
                },
            }
        }
        hearing.place()
    }
}

/// The databases that are compiled in, opened once for the whole process.
fn shipped() -> &'static [Arc<Opened>] {
    static SHIPPED: OnceLock<Vec<Arc<Opened>>> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let country = Supplies::default().with(Supply::Country).with(Supply::Continent);
        let asn = Supplies::default().with(Supply::Asn).with(Supply::Organization);
        let opened = [
            Opened::shipped(
                include_bytes!("../../data/places/country.mmdb"),
                "shipped country",
                digest("country"),
                country,
            ),
            Opened::shipped(include_bytes!("../../data/places/asn.mmdb"), "shipped asn", digest("asn"), asn),
        ];
        // A test opens them: they are part of the program.
        opened.into_iter().flatten().map(Arc::new).collect()
    })
}

/// The digest of a compiled-in database, which `make places` writes down, so that no start has to hash 16 MB.
fn digest(name: &str) -> &'static str {
    const SUMS: &str = include_str!("../../data/places/SHA256SUMS");
    let file = format!("{name}.mmdb");
    let line = SUMS.lines().find_map(|line| line.split_once("  ").filter(|(_, named)| *named == file));
    line.map_or("", |(digest, _)| digest)
}

#[cfg(test)]
mod tests;
