//! What a human let in although a check held it back: place databases, and lists in files that shrank.
//!
//! A line for each in a file beside the account's state. It names a digest and nothing else, so that what was not looked
//! at is not let in, however soon after the file changes; and it holds for that content for as long as it stands there.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;

use crate::files::{Disk, FileFault, Medium as _, belong, read_with_metadata};

/// The name of the file in an account's folder of state.
pub const ACCEPTED: &str = "places-accepted";

const BYTES_MAX: u64 = 1 << 20;

/// So many are kept, the newest: what they let in is in force or gone long before.
const KEPT: usize = 500;

/// The digests that were let in. No file is none; a line that is none of ours lets nothing in.
///
/// # Errors
///
/// When the file is there and cannot be read, or others than its owner can write to it.
pub fn read_accepted(state: &Path) -> Result<BTreeSet<String>, String> {
    Ok(lines(state)?.iter().filter_map(|line| digest_of(line)).map(str::to_owned).collect())
}

/// Writes down that these digests are let in, at this instant by this Unix user.
///
/// # Errors
///
/// When the file cannot be read or written.
pub fn accept(state: &Path, digests: &[String], at: Timestamp, by: &str) -> Result<(), String> {
    let mut all: Vec<String> = lines(state)?.into_iter().filter(|line| digest_of(line).is_some()).collect();
    all.retain(|line| digest_of(line).is_none_or(|digest| digests.iter().all(|new| new != digest)));
    all.extend(digests.iter().map(|digest| format!("{digest} {at} {by}")));
    let text: String = all.iter().skip(all.len().saturating_sub(KEPT)).flat_map(|line| [line, "\n"]).collect();
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

fn lines(state: &Path) -> Result<Vec<String>, String> {
    let path = state.join(ACCEPTED);
    let (bytes, metadata) = match read_with_metadata(&path, BYTES_MAX) {
        Ok(read) => read,
        Err(trouble) if trouble.fault == FileFault::Missing => return Ok(Vec::new()),
        Err(trouble) => return Err(trouble.to_string()),
    };
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(format!("others can write to `{}`, so that it lets nothing in", path.display()));
    }
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// The digest of a line `DIGEST INSTANT WHO`.
fn digest_of(line: &str) -> Option<&str> {
    let mut words = line.splitn(3, ' ');
    let (digest, at, by) = (words.next()?, words.next()?, words.next()?);
    let is_whole = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_whole && at.parse::<Timestamp>().is_ok() && !by.is_empty()).then_some(digest)
}
