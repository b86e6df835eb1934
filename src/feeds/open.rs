//! A feed's file as it is opened, and the place in it that was read up to.
//!
//! A file is known again by its first bytes, as far as they were read, since deliveries may copy or replace it; only
//! where nothing was read of it, by its number on its device.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use jiff::Timestamp;

use super::FeedTrouble;
use crate::files::{FileFault, open_regular};
use crate::record::sha256_hex;

/// So many of a file's first bytes tell it from others.
const HEAD_BYTES_MAX: u64 = 1024;

/// Permission bits that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Up to where a feed was read. Kept by the caller, it lets the next process go on there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPlace {
    /// The device that the file is on.
    pub device: u64,
    /// The file's number there.
    pub inode: u64,
    /// Bytes from the file's start; a line begins there, unless `inside_long`.
    pub offset: u64,
    /// SHA-256 of the file's first 1024 bytes, or of those before `offset` if they are fewer; hexadecimal.
    pub head: String,
    /// The place is inside of a line that is too long to be read, and was counted.
    pub inside_long: bool,
}

/// A file that may be read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) size: u64,
    /// When it was last written, on the host's clock.
    pub(super) written_at: Timestamp,
    device: u64,
    inode: u64,
}

impl Opened {
    /// Opens the file at this path.
    pub(super) fn open(path: &Path) -> Result<Self, FeedTrouble> {
        let (file, metadata) = open_regular(path).map_err(|trouble| FeedTrouble::File(trouble.fault))?;
        Self::new(file, &metadata)
    }

    /// The same file as it is now.
    pub(super) fn again(file: &File) -> Result<Self, FeedTrouble> {
        let file = file.try_clone().map_err(|error| other(&error))?;
        let metadata = file.metadata().map_err(|error| other(&error))?;
        Self::new(file, &metadata)
    }

    fn new(file: File, metadata: &Metadata) -> Result<Self, FeedTrouble> {
        let mode = metadata.permissions().mode() & 0o777;
        if mode & OTHERS_WRITE != 0 {
            return Err(FeedTrouble::Writable { mode });
        }
        let written_at = metadata.modified().map_err(|error| other(&error))?;
        let written_at =
            Timestamp::try_from(written_at).map_err(|error| FeedTrouble::File(FileFault::Other(error.to_string())))?;
        let (device, inode) = (metadata.dev(), metadata.ino());
        Ok(Self { file, size: metadata.len(), written_at, device, inode })
    }

    /// The place so far into it.
    pub(super) fn place(&self, offset: u64, inside_long: bool) -> io::Result<FeedPlace> {
        let head = self.head(offset)?;
        Ok(FeedPlace { device: self.device, inode: self.inode, offset, head, inside_long })
    }

    /// Whether it is the very file that the place is in.
    pub(super) fn is_file_of(&self, place: &FeedPlace) -> bool {
        (self.device, self.inode) == (place.device, place.inode)
    }

    /// Whether it begins with what was read of the file that the place is in: it is that file, or a copy of it.
    pub(super) fn goes_on_from(&self, place: &FeedPlace) -> bool {
        let is_known = place.offset > 0 || self.is_file_of(place);
        is_known && self.size >= place.offset && self.head(place.offset).is_ok_and(|head| head == place.head)
    }

    fn head(&self, offset: u64) -> io::Result<String> {
        let size = usize::try_from(offset.min(HEAD_BYTES_MAX)).map_err(io::Error::other)?;
        let mut head = vec![0; size];
        self.file.read_exact_at(&mut head, 0)?;
        Ok(sha256_hex(&head))
    }
}

pub(super) fn other(error: &io::Error) -> FeedTrouble {
    FeedTrouble::File(FileFault::Other(error.to_string()))
}
