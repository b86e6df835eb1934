//! What a human let in although a check held it back: place databases, and lists in files that shrank.
//!
//! A line for each in a file beside the account's state. It names a digest and nothing else, so that what was not looked
//! at is not let in, however soon after the file changes; and it holds for that content for as long as it stands there.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use crate::files::{read_kept, write_kept};

/// The name of the file in an account's folder of state.
pub const ACCEPTED: &str = "places-accepted";

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
    write_kept(state, ACCEPTED, &text)
}

fn lines(state: &Path) -> Result<Vec<String>, String> {
    Ok(read_kept(state, ACCEPTED)?.unwrap_or_default().lines().map(str::to_owned).collect())
}

/// The digest of a line `DIGEST INSTANT WHO`.
fn digest_of(line: &str) -> Option<&str> {
    let mut words = line.splitn(3, ' ');
    let (digest, at, by) = (words.next()?, words.next()?, words.next()?);
    let is_whole = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_whole && at.parse::<Timestamp>().is_ok() && !by.is_empty()).then_some(digest)
}
