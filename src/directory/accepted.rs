//! What a human accepted: a line for each list in a file beside the account's state.
//!
//! It names a digest, so that what was not looked at is not accepted, however soon after the file changes.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::files::{read_kept, write_kept};

/// The name of the file in an account's folder of state.
pub const ACCEPTED: &str = "offboarding-accepted";

/// A list that somebody accepted as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// SHA-256 of the list's file, hexadecimal.
    pub digest: String,
    /// When, on the host's clock.
    pub at: Timestamp,
    /// Who: the Unix user.
    pub by: String,
}

/// What was accepted, by list. No file is nothing; a line that is none of ours accepts nothing.
///
/// # Errors
///
/// When the file is there and cannot be read, or others than its owner can write to it.
pub fn read_acceptances(state: &Path) -> Result<BTreeMap<String, Acceptance>, String> {
    Ok(read_kept(state, ACCEPTED)?.unwrap_or_default().lines().filter_map(read_line).collect())
}

fn read_line(line: &str) -> Option<(String, Acceptance)> {
    let mut words = line.splitn(4, ' ');
    let (list, digest, at) = (words.next()?, words.next()?, words.next()?);
    let by = words.next().filter(|by| !by.is_empty())?;
    let acceptance = Acceptance { digest: digest.to_owned(), at: at.parse().ok()?, by: by.to_owned() };
    Some((list.to_owned(), acceptance))
}

/// Writes down that this list is accepted, in place of what was accepted of it before.
///
/// # Errors
///
/// When the file cannot be read or written.
pub fn accept(state: &Path, list: &str, acceptance: Acceptance) -> Result<(), String> {
    let mut all = read_acceptances(state)?;
    all.insert(list.to_owned(), acceptance);
    let line = |(list, one): (&String, &Acceptance)| format!("{list} {} {} {}\n", one.digest, one.at, one.by);
    let text: String = all.iter().map(line).collect();
    write_kept(state, ACCEPTED, &text)
}
