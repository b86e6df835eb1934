//! An account's offboarding lists: where each stands, how old it may grow, how fast it may grow.
//!
//! What stands in the files is not looked at here: they change while evictd runs, and a list that cannot be used makes
//! its sign unknown instead of stopping anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::limits::Limits;
use super::{filled, plain_name};
use crate::diagnostic::{Code, Findings, quoted};
use crate::document::{Item, Table};

/// One offboarding list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffboardingList {
    /// Its name in the configuration, in reports and in records.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// A file that was last changed longer ago says nothing.
    pub older_than_max: SignedDuration,
    /// Rows that may come into force in any 24 hours before a human has accepted them.
    pub growth_per_day_max: u32,
}

/// A week outlives a weekend and a holiday of whoever delivers the list, and not a delivery that has stopped: a key
/// that was forgotten neither refuses the list nor trusts it for ever.
const OLDER_THAN_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
const GROWTH_PER_DAY_MAX: u32 = 20;

/// Reads `offboarding`; without it there are no lists.
pub(super) fn read(
    account: &mut Table<'_>,
    folder: &Path,
    findings: &mut Findings,
) -> BTreeMap<String, OffboardingList> {
    let mut lists: BTreeMap<String, OffboardingList> = BTreeMap::new();
    let Some(table) = account.optional("offboarding").and_then(|item| item.table(findings)) else { return lists };
    for entry in table.entries() {
        let Some(list) = list(&entry, folder, findings) else { continue };
        if let Some(same) = lists.values().find(|other| other.file == list.file) {
            let message = format!("lists {} and {} are the same file", quoted(&same.name), quoted(&list.name));
            findings.push(entry.fault_at_key(Code::Contradiction, message).help("configure each file once"));
        }
        lists.insert(list.name.clone(), list);
    }
    lists
}

fn list(entry: &Item<'_>, folder: &Path, findings: &mut Findings) -> Option<OffboardingList> {
    let name = plain_name(entry, "a list", findings);
    let mut table = entry.table(findings)?;
    let file = table.required("file", findings).and_then(|item| filled(&item, findings).map(|file| folder.join(file)));
    let mut limits = Limits { table: &mut table, findings };
    let (minute, year) = (SignedDuration::from_mins(1), SignedDuration::from_hours(366 * 24));
    let older_than_max = limits.length("older-than-max", minute..=year, OLDER_THAN_MAX);
    let growth_per_day_max = limits.number("growth-per-day-max", 0..=1_000, GROWTH_PER_DAY_MAX);
    table.finish(findings);
    Some(OffboardingList { name: name?.to_owned(), file: file?, older_than_max, growth_per_day_max })
}
