//! Which place databases are asked, and in which order.
//!
//! Nothing is opened here: databases are replaced while evictd runs, and one that cannot be used makes what it could
//! have supplied unknown instead of stopping anything.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::filled;
use crate::diagnostic::{Code, Findings, quoted};
use crate::document::{Item, Table};

/// So many databases at most: places name them by a small number.
pub const DATABASES_MAX: usize = 32;

/// The table `[places]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacesSettings {
    /// The files in order of preference; without them, those in the usual folders.
    pub databases: Option<Vec<PathBuf>>,
    /// A database built longer ago says nothing; without it, age is only told.
    pub older_than_max: Option<SignedDuration>,
    /// Where `evictd places update` puts databases: in the folder of state, for all accounts.
    pub installed: PathBuf,
}

/// Reads `places`. State lies in `state`.
pub(super) fn read(root: &mut Table<'_>, folder: &Path, state: &Path, findings: &mut Findings) -> PlacesSettings {
    let mut settings = PlacesSettings { databases: None, older_than_max: None, installed: state.join("places") };
    let Some(mut table) = root.optional("places").and_then(|item| item.table(findings)) else { return settings };
    settings.databases = table.optional("databases").map(|item| databases(&item, folder, findings));
    let (day, years) = (SignedDuration::from_hours(24), SignedDuration::from_hours(10 * 366 * 24));
    settings.older_than_max = table.optional("older-than-max").and_then(|item| item.duration_in(day..=years, findings));
    table.finish(findings);
    settings
}

fn databases(item: &Item<'_>, folder: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let Some(elements) = item.array(findings) else { return Vec::new() };
    if elements.is_empty() {
        let help =
            "name the files in order of preference, or remove the line: then those in the usual folders are used";
        findings.push(item.fault(Code::EmptySet, "`databases` is empty").help(help));
    }
    if elements.len() > DATABASES_MAX {
        let message = format!("`databases` names {} files, and {DATABASES_MAX} are the most", elements.len());
        findings.push(item.fault(Code::OutOfRange, message));
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for element in &elements {
        let Some(text) = filled(element, findings) else { continue };
        let path = folder.join(text);
        if paths.contains(&path) {
            let message = format!("{} is named twice", quoted(text));
            findings.push(element.fault(Code::Contradiction, message).help("keep the first of the two"));
        }
        paths.push(path);
    }
    paths
}
