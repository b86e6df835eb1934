//! How place databases stand, and what became of them in a cycle: for logs, status and the trail.

use std::fmt;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::Supplies;
use crate::model::{Database, Foreign};

/// A database older than this is worth a warning: what it says of addresses that changed hands is no longer so.
pub const OLD_AFTER: SignedDuration = SignedDuration::from_hours(45 * 24);

/// Why a database that can be opened waits for a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It says it was built more than a day from now.
    BuiltInFuture {
        /// When, as it says.
        built: Timestamp,
    },
    /// It is older than the one it would replace.
    OlderThanBefore {
        /// When it was built.
        built: Timestamp,
        /// When the one in force was built.
        before: Timestamp,
    },
    /// It is wrong about addresses whose place is beyond doubt.
    Canaries {
        /// About so many.
        wrong: usize,
        /// Of those it knows.
        of: usize,
    },
    /// It moves more of the addresses seen lately to another country than a new edition does.
    Moved {
        /// So many.
        moved: usize,
        /// Of those that had a country.
        of: usize,
    },
    /// It was in force and is gone.
    Gone,
}

impl fmt::Display for Doubt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltInFuture { built } => write!(out, "it says it was built on {}, which is to come", day(*built)),
            Self::OlderThanBefore { built, before } => {
                write!(out, "it was built on {}, before the one in force of {}", day(*built), day(*before))
            }
            Self::Canaries { wrong, of } => {
                write!(out, "it is wrong about {wrong} of {of} addresses whose place is beyond doubt")
            }
            Self::Moved { moved, of } => {
                write!(out, "it moves {moved} of {of} addresses seen lately to another country or to none")
            }
            Self::Gone => out.write_str("it is gone; accepting that lets the others speak in its place"),
        }
    }
}

/// Day of an instant, in UTC.
fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d").to_string()
}

/// A file that is not in force as it stands, and why. What it could supply is unknown if nothing stands in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacesTrouble {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, in one sentence without its name.
    pub why: String,
    /// What to do.
    pub help: String,
    /// The last good one, if that is in force in its place.
    pub in_force: Option<Database>,
}

impl fmt::Display for PlacesTrouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "place database `{}` is not used: {}", Foreign::new(self.path.to_string_lossy()), self.why)?;
        match &self.in_force {
            Some(before) => write!(out, "; the one built on {} stays in force", day(before.built)),
            None => write!(out, "; what it could supply is unknown"),
        }
    }
}

/// A database that waits for `evictd places accept`, or one whose absence does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The file.
    pub path: PathBuf,
    /// What waits, with the digest that lets it in.
    pub database: Database,
    /// Why.
    pub doubt: Doubt,
}

/// A database in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// What it says it is.
    pub database: Database,
    /// What it can supply.
    pub supplies: Supplies,
    /// Its file; none for those compiled in.
    pub path: Option<PathBuf>,
    /// It is older than the configuration allows, so that what it could supply is unknown.
    pub is_stale: bool,
}

/// How one account's databases stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlacesStanding {
    /// In order of preference.
    pub databases: Vec<InForce>,
    /// Files that are not in force as they stand.
    pub troubles: Vec<PlacesTrouble>,
    /// Those of them that a human may let in.
    pub waiting: Vec<Waiting>,
}

/// What a look at the files changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceNews {
    /// A database came into force.
    Taken {
        /// This one.
        database: Database,
        /// In place of this one.
        before: Option<Database>,
    },
    /// A file is not taken; said once for each content of it.
    NotTaken(PlacesTrouble),
    /// A file that could not be used stands again as what is in force already.
    Back(Database),
    /// A database in force has grown older than the configuration allows.
    Stale(Database),
    /// A file is gone that was never in force, or that a human let go.
    Gone(PathBuf),
}

impl PlaceNews {
    /// Whether it is worth a warning.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::NotTaken(_) | Self::Stale(_))
    }
}

impl fmt::Display for PlaceNews {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |database: &Database| {
            let (name, kind) = (Foreign::new(&*database.name), Foreign::new(&*database.kind));
            format!("place database `{name}` ({kind}, built on {})", day(database.built))
        };
        match self {
            Self::Taken { database, before: None } => write!(out, "{} is in force", named(database)),
            Self::Taken { database, before: Some(before) } => {
                write!(out, "{} is in force in place of the one of {}", named(database), day(before.built))
            }
            Self::NotTaken(trouble) => trouble.fmt(out),
            Self::Back(database) => write!(out, "{} stands again as what is in force", named(database)),
            Self::Stale(database) => {
                write!(
                    out,
                    "{} is older than `places.older-than-max` allows: what it could supply is unknown",
                    named(database)
                )
            }
            Self::Gone(path) => {
                write!(out, "place database `{}` is gone", Foreign::new(path.to_string_lossy()))
            }
        }
    }
}
