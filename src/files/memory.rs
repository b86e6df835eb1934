//! The simulated [`Medium`]: a folder in memory that forgets on a crash what was not synced, and fails when told to.
//!
//! Clones share the folder, so that a test can crash it under a writer and hand it to the next.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Medium;

/// A folder in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryMedium {
    folder: Arc<Mutex<Folder>>,
}

#[derive(Debug, Default)]
struct Folder {
    files: BTreeMap<String, Bytes>,
    calls_left: Option<usize>,
    syncs_fail: bool,
    calls: usize,
}

#[derive(Debug, Clone, Default)]
struct Bytes {
    now: Vec<u8>,
    /// What a crash leaves; `None` while even the name is not durable.
    durable: Option<Vec<u8>>,
}

impl MemoryMedium {
    /// Lets this many changing calls (append, sync, truncate, replace) succeed; all later ones find the disk full.
    pub fn fail_after(&self, calls: usize) {
        self.folder().calls_left = Some(calls);
    }

    /// From now on every sync fails.
    pub fn fail_syncs(&self) {
        self.folder().syncs_fail = true;
    }

    /// Takes back [`Self::fail_after`] and [`Self::fail_syncs`].
    pub fn heal(&self) {
        let mut folder = self.folder();
        folder.calls_left = None;
        folder.syncs_fail = false;
    }

    /// How many changing calls succeeded so far.
    pub fn calls(&self) -> usize {
        self.folder().calls
    }

    /// A folder of its own with the same files, durable or not, and nothing failing.
    #[must_use]
    pub fn copy(&self) -> Self {
        let files = self.folder().files.clone();
        Self { folder: Arc::new(Mutex::new(Folder { files, ..Folder::default() })) }
    }

    /// Loses power. Of each file with unsynced bytes, `keep` says how many of them (given their number) survive: a torn
    /// write. `None` loses them all, and the file itself if its name was never made durable.
    pub fn crash(&self, mut keep: impl FnMut(&str, usize) -> Option<usize>) {
        let mut folder = self.folder();
        folder.files.retain(|name, file| {
            let synced = file.durable.as_ref().map_or(0, Vec::len);
            let kept = keep(name, file.now.len().saturating_sub(synced));
            if file.durable.is_none() && kept.is_none() {
                return false;
            }
            file.now.truncate(synced + kept.unwrap_or(0));
            file.durable = Some(file.now.clone());
            true
        });
    }

    fn folder(&self) -> MutexGuard<'_, Folder> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &str) -> io::Result<MutexGuard<'_, Folder>> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name is not a plain file name"));
        }
        let mut folder = self.folder();
        if let Some(left) = &mut folder.calls_left {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        }
        folder.calls += 1;
        Ok(folder)
    }
}

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Medium for MemoryMedium {
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(name)?.files.entry(name.to_owned()).or_default().now.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut folder = self.change(name)?;
        if folder.syncs_fail {
            return Err(io::Error::other("the disk does not answer"));
        }
        let file = folder.files.get_mut(name).ok_or_else(missing)?;
        file.durable = Some(file.now.clone());
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.folder().files.get(name).map(|file| file.now.clone()).ok_or_else(missing)
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.folder().files.get(name).map(|file| file.now.len() as u64))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.folder().files.keys().cloned().collect())
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let mut folder = self.change(name)?;
        let file = folder.files.get_mut(name).ok_or_else(missing)?;
        file.now.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        file.durable = Some(file.now.clone());
        Ok(())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = Bytes { now: bytes.to_vec(), durable: Some(bytes.to_vec()) };
        self.change(name)?.files.insert(name.to_owned(), file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_forgets_what_was_not_synced() {
        let medium = MemoryMedium::default();
        medium.append("a", b"kept").unwrap();
        medium.sync("a").unwrap();
        medium.append("a", b"torn").unwrap();
        medium.append("b", b"gone").unwrap();
        medium.clone().crash(|name, unsynced| (name == "a" && unsynced == 4).then_some(2));
        assert_eq!(medium.list().unwrap(), ["a"]);
        assert_eq!(medium.read("a").unwrap(), b"keptto");
        medium.crash(|_, unsynced| Some(unsynced));
        assert_eq!(medium.read("a").unwrap(), b"keptto");
    }

    #[test]
    fn a_full_disk_and_a_failing_sync_say_so() {
        let medium = MemoryMedium::default();
        medium.fail_after(1);
        medium.append("a", b"x").unwrap();
        assert_eq!(medium.append("a", b"y").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(medium.replace("a", b"y").unwrap_err().kind(), io::ErrorKind::StorageFull);
        medium.heal();
        medium.fail_syncs();
        assert!(medium.sync("a").is_err());
        medium.crash(|_, _| None);
        assert!(medium.list().unwrap().is_empty());
    }
}
