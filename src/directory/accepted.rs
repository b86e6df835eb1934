//! What a human accepted: a line for each list in a file beside the account's state.
//!
//! It names a digest, so that what was not looked at is not accepted, however soon after the file changes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::files::{Disk, Medium as _, belong, read_with_metadata};

/// The name of the file in an account's folder of state.
pub const ACCEPTED: &str = "offboarding-accepted";

const BYTES_MAX: u64 = 1 << 20;

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
    use std::os::unix::fs::PermissionsExt as _;
    let path = state.join(ACCEPTED);
    let (bytes, metadata) = match read_with_metadata(&path, BYTES_MAX) {
        Ok(read) => read,
        Err(trouble) if trouble.fault == crate::files::FileFault::Missing => return Ok(BTreeMap::new()),
        Err(trouble) => return Err(trouble.to_string()),
    };
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(format!("others can write to `{}`, so that it accepts nothing", path.display()));
    }
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(read_line).collect())
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
    let shown = |error: io::Error| format!("`{}` cannot be written: {error}", state.join(ACCEPTED).display());
    let is_new = !state.is_dir();
    let disk = Disk::make(state).map_err(shown)?;
    disk.replace(ACCEPTED, text.as_bytes()).map_err(shown)?;
    if let (true, Some(parent)) = (is_new, state.parent()) {
        belong(state, parent);
    }
    belong(&state.join(ACCEPTED), state);
    Ok(())
}
