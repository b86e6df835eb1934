//! An account's feeds: files into which others write who signed in, how each is read, how late it may be.
//!
//! What stands in the files is not looked at here: they grow while evictd runs, and one that cannot be used makes what
//! it could have told unknown instead of stopping anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

pub use mapping::{JsonPath, Mapping, PersonIs, Where};

use super::mapping;
use crate::config::limits::Limits;
use crate::config::{filled, plain_name};
use crate::diagnostic::{Code, Findings, quoted};
use crate::document::{Item, Table};
use crate::model::{Act, Sighting};

/// One feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// The file.
    pub file: PathBuf,
    /// What its lines look like.
    pub format: FeedFormat,
    /// A row may be written so long after its instant.
    pub late: SignedDuration,
    /// A file that was last written longer ago says nothing.
    pub older_than_max: SignedDuration,
}

/// What the lines of a feed look like, and which of them are sign-ins into Zendesk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedFormat {
    /// Events of Okta's System Log.
    Okta {
        /// The application's name or label contains this, without regard to case.
        app: String,
    },
    /// Sign-in logs of Microsoft Entra.
    Entra {
        /// The application's name contains this, without regard to case.
        app: String,
    },
    /// Activities of Google Workspace's SAML log.
    GoogleWorkspace {
        /// The application's name contains this, without regard to case.
        app: String,
    },
    /// Events of Keycloak's users.
    Keycloak {
        /// The client's id is exactly this.
        app: String,
    },
    /// Whatever the operator says.
    Mapping(Mapping),
}

impl FeedFormat {
    /// What its rows tell of.
    pub fn tells(&self) -> Act {
        match self {
            Self::Mapping(mapping) => mapping.act,
            _ => Act::SignIn,
        }
    }
}

/// The words for formats.
const FORMATS: [&str; 5] = ["okta", "entra", "google-workspace", "keycloak", "mapping"];

/// Sources of evictd's own, whose names no feed may take.
const TAKEN: [&str; 4] = ["audit-log", "access-log", Sighting::HEARSAY, Sighting::SESSION_ROW];

const LATE: SignedDuration = SignedDuration::from_mins(1);
const OLDER_THAN_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Reads `feeds`; without it there are none.
pub(in crate::config) fn read(
    account: &mut Table<'_>,
    folder: &Path,
    findings: &mut Findings,
) -> BTreeMap<String, FeedSettings> {
    let mut feeds: BTreeMap<String, FeedSettings> = BTreeMap::new();
    let Some(table) = account.optional("feeds").and_then(|item| item.table(findings)) else { return feeds };
    for entry in table.entries() {
        let name = name(&entry, findings);
        let (Some(feed), Some(name)) = (feed(&entry, folder, findings), name) else { continue };
        // One file may be read twice in different ways: its sign-ins as one feed, its uses as another.
        let is_same = |other: &FeedSettings| other.file == feed.file && other.format == feed.format;
        if let Some((same, _)) = feeds.iter().find(|(_, other)| is_same(other)) {
            let message = format!("feeds {} and {} read the same rows", quoted(same), quoted(name));
            findings.push(entry.fault_at_key(Code::Contradiction, message).help("configure each feed once"));
        }
        feeds.insert(name.to_owned(), feed);
    }
    feeds
}

fn name<'d>(entry: &Item<'d>, findings: &mut Findings) -> Option<&'d str> {
    let name = plain_name(entry, "a feed", findings)?;
    if TAKEN.contains(&name) {
        let message = format!("{} is the name of a source that evictd has itself", quoted(name));
        findings.push(entry.fault_at_key(Code::BadName, message).help("choose another name, such as the provider's"));
        return None;
    }
    Some(name)
}

fn feed(entry: &Item<'_>, folder: &Path, findings: &mut Findings) -> Option<FeedSettings> {
    let mut table = entry.table(findings)?;
    let file = table.required("file", findings).and_then(|item| filled(&item, findings).map(|file| folder.join(file)));
    let format = format(&mut table, findings);
    let mut limits = Limits { table: &mut table, findings };
    let (minute, day) = (SignedDuration::from_mins(1), SignedDuration::from_hours(24));
    let late = limits.length("late", SignedDuration::ZERO..=day, LATE);
    let older_than_max = limits.length("older-than-max", minute..=day * 31, OLDER_THAN_MAX);
    table.finish(findings);
    Some(FeedSettings { file: file?, format: format?, late, older_than_max })
}

fn format(table: &mut Table<'_>, findings: &mut Findings) -> Option<FeedFormat> {
    let known = |word: &str| FORMATS.iter().copied().find(|format| *format == word);
    let word = table.required("format", findings).and_then(|item| item.word(&FORMATS, known, findings));
    let mut keyed = |key, needed_by| {
        if word == Some(needed_by) { table.required(key, findings) } else { table.optional(key) }
    };
    // Keycloak's client for Zendesk is named by its address: no default would ever be right.
    let (mapping, app) = (keyed("mapping", "mapping"), keyed("app", "keycloak"));
    let word = word?;
    let stray = if word == "mapping" { &app } else { &mapping };
    if let Some(item) = stray {
        let message = format!("{} does nothing with the format `{word}`", item.subject());
        findings.push(item.fault_at_key(Code::Contradiction, message).help("remove it, or choose another format"));
    }
    let app = match app {
        Some(item) => filled(&item, findings)?.to_owned(),
        None => "Zendesk".to_owned(),
    };
    match word {
        "okta" => Some(FeedFormat::Okta { app }),
        "entra" => Some(FeedFormat::Entra { app }),
        "google-workspace" => Some(FeedFormat::GoogleWorkspace { app }),
        "keycloak" => Some(FeedFormat::Keycloak { app }),
        _ => mapping::read(&mapping?, findings).map(FeedFormat::Mapping),
    }
}
