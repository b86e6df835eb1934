//! `Medium`: one folder of files, with the few verbs that durable records need.

use std::io;

/// A flat folder. Names are plain file names without separators.
///
/// Nothing is durable before [`Medium::sync`] or [`Medium::replace`] returned: the twin forgets the rest on a crash.
pub trait Medium: Send + Sync {
    /// Adds bytes at the end of the file, which is made if it is missing.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was appended to the file, and its name.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// The whole file; `NotFound` if there is none.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// How many bytes the file has; none if there is no such file.
    fn length(&self, name: &str) -> io::Result<Option<u64>>;

    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Cuts the file to this many bytes, durably.
    fn truncate(&self, name: &str, length: u64) -> io::Result<()>;

    /// Puts these bytes in the file's place, durably and all at once (write aside, sync, rename).
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}
