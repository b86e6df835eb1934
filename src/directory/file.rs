//! Reading a list's file: who may have written it, when it was changed, what is wrong with the whole of it.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::contents::{Contents, ROWS_MAX, Row, RowFault, read_contents};
use crate::files::{FileFault, read_with_metadata};
use crate::model::Foreign;
use crate::record::sha256_hex;

/// No list is larger, in bytes.
pub const LIST_BYTES_MAX: u64 = 4 << 20;

/// Permission bits that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// A list's file, read and whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFile {
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
    /// When it was last changed, on the host's clock.
    pub modified: Timestamp,
    /// Its rows, duplicates and all.
    pub rows: Vec<Row>,
    /// Its unreadable lines.
    pub faults: Vec<RowFault>,
}

/// What is wrong with a list's file as a whole. Names neither the file nor anything in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    File(FileFault),
    /// Others than its owner can write to it.
    #[error("others than its owner can write to the file: its mode is {mode:03o}")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// It is UTF-16.
    #[error("the file is UTF-16 text, not UTF-8")]
    Utf16,
    /// It is CSV, and no column names people, or two columns have the same name.
    #[error("the file's first line is no header with `email`, `id` or `external_id`, each at most once")]
    NoHeader,
    /// It has too many rows.
    #[error("the file has more than {ROWS_MAX} rows")]
    TooManyRows,
}

impl ListFault {
    /// What to type next, if anything plain helps.
    pub fn help(&self, file: &Path) -> Option<String> {
        let shown = Foreign::new(file.to_string_lossy());
        match self {
            Self::File(FileFault::Denied) => Some(format!("let the user that runs evictd read it: ls -l {shown}")),
            Self::File(FileFault::Missing) => Some(format!("put the list at {shown}, or correct `file`")),
            Self::File(_) | Self::TooManyRows => None,
            Self::Writable { .. } => Some(format!("chmod go-w {shown}")),
            Self::Utf16 => Some("export it as UTF-8".to_owned()),
            Self::NoHeader => Some("begin it with a line such as `email,since`".to_owned()),
        }
    }
}

/// Reads a list; days end in this zone.
///
/// # Errors
///
/// When the file is missing, no regular file, too large, writable by others, or cannot be made sense of.
pub fn read_list(file: &Path, zone: &TimeZone) -> Result<ListFile, ListFault> {
    let (bytes, metadata) = read_bytes(file)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS_WRITE != 0 {
        return Err(ListFault::Writable { mode });
    }
    let modified = modified(&metadata)?;
    let Contents { rows, faults, .. } = read_contents(&bytes, extension(file), zone)?;
    Ok(ListFile { digest: sha256_hex(&bytes), modified, rows, faults })
}

pub(super) fn read_bytes(file: &Path) -> Result<(Vec<u8>, Metadata), ListFault> {
    read_with_metadata(file, LIST_BYTES_MAX).map_err(|trouble| ListFault::File(trouble.fault))
}

pub(super) fn extension(file: &Path) -> Option<&str> {
    file.extension()?.to_str()
}

fn modified(metadata: &Metadata) -> Result<Timestamp, ListFault> {
    let other = |error: String| ListFault::File(FileFault::Other(error));
    let modified = metadata.modified().map_err(|error| other(error.to_string()))?;
    Timestamp::try_from(modified).map_err(|error| other(error.to_string()))
}
