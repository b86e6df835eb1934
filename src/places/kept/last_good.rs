//! What was in force of each database file when evictd last looked: a new process holds what it finds against that, so
//! that a restart lets nothing in and forgets nothing.
//!
//! A small document beside the account's state, without any content of the databases.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{read_kept, write_kept};
use crate::model::Database;

/// The name of the file in an account's folder of state.
const LAST_GOOD: &str = "places-in-force.json";

const SCHEMA: u32 = 1;

/// Database files in order of preference, each with what was in force of it.
pub type LastGood = Vec<(PathBuf, Database)>;

#[derive(Serialize, Deserialize)]
struct Wire {
    schema: u32,
    files: Vec<WireFile>,
}

#[derive(Serialize, Deserialize)]
struct WireFile {
    path: PathBuf,
    name: String,
    kind: String,
    built: String,
    digest: String,
}

/// What was in force; nothing if nothing was written yet.
///
/// # Errors
///
/// When the file is there and cannot be used.
pub fn read_last_good(state: &Path) -> Result<LastGood, String> {
    let Some(text) = read_kept(state, LAST_GOOD)? else { return Ok(LastGood::new()) };
    let told = |why: String| format!("`{}` is not what evictd wrote: {why}", state.join(LAST_GOOD).display());
    let wire: Wire = serde_json::from_str(&text).map_err(|error| told(error.to_string()))?;
    if wire.schema != SCHEMA {
        return Err(told(format!("its schema is {}, not {SCHEMA}", wire.schema)));
    }
    let back = |WireFile { path, name, kind, built, digest }| {
        let built = built.parse().map_err(|error: jiff::Error| told(error.to_string()))?;
        Ok((path, Database { name, kind, built, digest }))
    };
    wire.files.into_iter().map(back).collect()
}

/// Writes down what is in force.
///
/// # Errors
///
/// When the file cannot be written.
pub fn keep_last_good(state: &Path, last_good: &LastGood) -> Result<(), String> {
    let wire = |(path, database): &(PathBuf, Database)| {
        let Database { name, kind, built, digest } = database.clone();
        WireFile { path: path.clone(), name, kind, built: built.to_string(), digest }
    };
    let wire = Wire { schema: SCHEMA, files: last_good.iter().map(wire).collect() };
    let text = serde_json::to_string_pretty(&wire).map_err(|error| error.to_string())?;
    write_kept(state, LAST_GOOD, &(text + "\n"))
}
