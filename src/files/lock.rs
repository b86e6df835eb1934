//! One writer per account: an exclusive lock on a file that also tells who holds it.
//!
//! The lock is the kernel's, on the open file: it ends with the process, however that ends, and a stale file locks
//! nobody out. So the file is never deleted.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::disk::{make_folder, must_be_regular};

/// Held for as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockTrouble {
    /// Another process has it.
    #[error("another process {}holds the lock `{}`", pid.map(|pid| format!("({pid}) ")).unwrap_or_default(), path.display())]
    Held {
        /// Its process id, if it wrote it already.
        pid: Option<u32>,
        /// The lock's file.
        path: PathBuf,
    },
    /// The file cannot be made, opened or written.
    #[error("cannot lock `{}`: {error}", path.display())]
    Local {
        /// The lock's file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Lock {
    /// Takes the lock of the account with this state folder, which is made if it is missing. Never waits.
    ///
    /// # Errors
    ///
    /// [`LockTrouble::Held`] while another process has it.
    pub fn take(folder: &Path) -> Result<Self, LockTrouble> {
        let path = folder.join("lock");
        let local = |error| LockTrouble::Local { path: path.clone(), error };
        make_folder(folder).map_err(local)?;
        let mut file = Self::locked(&path)?;
        if !is_at(&file, &path).map_err(local)? {
            // Somebody deleted it in between, which others may have locked anew: once more, on what is there now.
            file = Self::locked(&path)?;
            if !is_at(&file, &path).map_err(local)? {
                return Err(local(io::Error::other("somebody keeps deleting it")));
            }
        }
        file.set_len(0).map_err(local)?;
        writeln!(file, "{}", std::process::id()).map_err(local)?;
        Ok(Self { file })
    }

    /// The file at this path, locked; by now it may no longer be the one at the path.
    fn locked(path: &Path) -> Result<File, LockTrouble> {
        let local = |error| LockTrouble::Local { path: path.to_owned(), error };
        must_be_regular(path).map_err(local)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(local)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(LockTrouble::Held { pid: pid_in(&file), path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(local(error)),
        }
    }
}

/// Whether this open file is the one at the path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        there => there.map(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())),
    }
}

impl Lock {
    /// Whether a process holds the account's lock, without taking it even for a moment: what the kernel lists in
    /// `/proc/locks` (proc(5)), by the file's inode. `Some(0)` if the holder has not written its process id.
    pub fn holder(folder: &Path) -> Option<u32> {
        let path = folder.join("lock");
        must_be_regular(&path).ok()?;
        let file = File::open(path).ok()?;
        let inode = file.metadata().ok()?.ino().to_string();
        let held = std::fs::read_to_string("/proc/locks").ok()?;
        let is_ours = |line: &str| {
            let mut words = line.split_whitespace();
            let place = words.by_ref().find(|word| word.matches(':').count() == 2);
            line.contains(" FLOCK ") && place.is_some_and(|place| place.rsplit(':').next() == Some(inode.as_str()))
        };
        held.lines().any(is_ours).then(|| pid_in(&file).unwrap_or(0))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A pid left behind misleads nobody who asks the lock; closing the file releases it.
        drop(self.file.set_len(0));
    }
}

fn pid_in(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_with_the_first_ones_pid() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state/acme");
        let lock = Lock::take(&state).unwrap();
        let refused = Lock::take(&state).unwrap_err();
        assert!(matches!(refused, LockTrouble::Held { pid: Some(pid), .. } if pid == std::process::id()));
        assert!(refused.to_string().contains(&format!("another process ({}) holds", std::process::id())));
        assert_eq!(Lock::holder(&state), Some(std::process::id()));
        drop(lock);
        assert_eq!(Lock::holder(&state), None);
        Lock::take(&state).unwrap();
    }

    #[test]
    fn a_locked_file_is_ours_only_while_it_stands_at_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let file = Lock::locked(&path).unwrap();
        assert!(is_at(&file, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path).unwrap());
        let other = Lock::locked(&path).unwrap();
        assert!(is_at(&other, &path).unwrap() && !is_at(&file, &path).unwrap());
    }

    #[test]
    fn a_pipe_in_place_of_a_lock_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        crate::files::disk::tests::make_pipe(&folder.path().join("lock"));
        assert!(matches!(Lock::take(folder.path()), Err(LockTrouble::Local { .. })));
        assert_eq!(Lock::holder(folder.path()), None);
    }

    #[test]
    fn a_lock_that_cannot_be_made_says_where() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lock")).unwrap();
        let trouble = Lock::take(folder.path()).unwrap_err();
        assert!(matches!(trouble, LockTrouble::Local { .. }) && trouble.to_string().contains("lock`"), "{trouble}");
    }
}
