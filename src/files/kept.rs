//! Small files beside an account's state that say what a human let in, or what was in force: read only if nobody but
//! evictd's user and root can have written them.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Disk, FileFault, Medium as _, belong, read_with_metadata};

const BYTES_MAX: u64 = 1 << 20;

/// The text of this file in the account's folder of state; none if there is no such file.
///
/// # Errors
///
/// When the file is there and cannot be read, or others could have written it.
pub fn read_kept(state: &Path, name: &str) -> Result<Option<String>, String> {
    let path = state.join(name);
    let (bytes, metadata) = match read_with_metadata(&path, BYTES_MAX) {
        Ok(read) => read,
        Err(trouble) if trouble.fault == FileFault::Missing => return Ok(None),
        Err(trouble) => return Err(trouble.to_string()),
    };
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(format!("others can write to `{}`, so that it counts for nothing", path.display()));
    }
    let owner = std::fs::metadata(state).map_err(|error| format!("`{}`: {error}", state.display()))?.uid();
    if ![0, owner].contains(&metadata.uid()) {
        return Err(format!("`{}` is of another user than its folder, so that it counts for nothing", path.display()));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Puts this text there, whole or not at all; the folder is made if it is missing.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_kept(state: &Path, name: &str, text: &str) -> Result<(), String> {
    let shown = |error: io::Error| format!("`{}` cannot be written: {error}", state.join(name).display());
    let is_new = !state.is_dir();
    let disk = Disk::make(state).map_err(shown)?;
    disk.replace(name, text.as_bytes()).map_err(shown)?;
    if let (true, Some(parent)) = (is_new, state.parent()) {
        belong(state, parent);
    }
    belong(&state.join(name), state);
    Ok(())
}
