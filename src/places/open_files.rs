//! Where opened databases stand, so that accounts share them and each file is held in memory once.
//!
//! Files are read whole, never mapped: whoever replaces one under a map would take us down with it. A file that changes
//! while it is read is not taken; `geoipupdate` replaces by rename, so that the next look finds a whole one.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::database::Opened;
use crate::files::{FileTrouble, read_with_metadata};
use crate::model::Foreign;
use crate::record::sha256_hex;

/// A database file that is larger is none: the largest that are sold have some 300 MB.
pub const BYTES_MAX: u64 = 512 << 20;

/// Tells one content of a file from the next: device, inode, size, instant of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp([i128; 4]);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let changed = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self([metadata.dev().into(), metadata.ino().into(), metadata.size().into(), changed])
    }

    /// That of the file at this path; none if there is none that can be looked at.
    pub(super) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}

/// Why a file cannot be opened as a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unopened {
    /// It cannot be read.
    #[error("{0}")]
    File(FileTrouble),
    /// It changed while it was read: to be looked at again.
    #[error("it changed while it was read")]
    Changing,
    /// It is no database that says anything of places.
    #[error("it is no place database: {0}")]
    NotOne(String),
}

/// Opened databases, by file.
#[derive(Default)]
pub struct OpenFiles {
    open: Mutex<BTreeMap<PathBuf, (Stamp, Weak<Opened>)>>,
}

impl OpenFiles {
    /// The database in this file, opened by whoever came first.
    pub(super) fn open(&self, path: &Path) -> Result<Arc<Opened>, Unopened> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = open.get(path).filter(|(stamp, _)| Stamp::at(path) == Some(*stamp));
        if let Some(opened) = standing.and_then(|(_, opened)| opened.upgrade()) {
            return Ok(opened);
        }
        let (opened, stamp) = read(path)?;
        let opened = Arc::new(opened);
        open.retain(|_, (_, opened)| opened.strong_count() > 0);
        open.insert(path.to_owned(), (stamp, Arc::downgrade(&opened)));
        Ok(opened)
    }
}

fn read(path: &Path) -> Result<(Opened, Stamp), Unopened> {
    let (bytes, metadata) = read_with_metadata(path, BYTES_MAX).map_err(Unopened::File)?;
    let stamp = Stamp::of(&metadata);
    // Written into while it was read, or replaced: in both cases there is something newer to look at.
    if metadata.size() != bytes.len() as u64 || Stamp::at(path) != Some(stamp) {
        return Err(Unopened::Changing);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digest = sha256_hex(&bytes);
    let opened = Opened::read(bytes, &name, &digest);
    // What a file says of itself is whatever its writer liked.
    let opened = opened.map_err(|why| Unopened::NotOne(Foreign::new(why).to_string()))?;
    Ok((opened, stamp))
}
