//! The real [`Medium`]: a folder on disk.
//!
//! A file that was appended to stays open until it is synced, so that a failed write-back is reported to us and not
//! lost with the handle.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Medium;

/// No file is read that is larger, in bytes: what evictd writes stays far below.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// Names of files that [`Medium::replace`] has not finished end so; they are never listed.
const UNFINISHED: &str = ".unfinished";

/// A folder on disk.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    appended: Mutex<BTreeMap<String, Appended>>,
}

#[derive(Debug)]
struct Appended {
    file: File,
    made: bool,
}

impl Disk {
    /// The folder at this path, made (0700, parents too) if it is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn make(folder: &Path) -> io::Result<Self> {
        make_folder(folder)?;
        Ok(Self::at(folder))
    }

    /// The folder at this path, which is only looked at and need not exist.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), appended: Mutex::default() }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name is not a plain file name"));
        }
        Ok(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

impl Medium for Disk {
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let mut appended = self.appended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = appended.get_mut(name) {
            return open.file.write_all(bytes);
        }
        let mut options = OpenOptions::new();
        options.append(true).mode(0o600);
        let (mut file, made) = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (options.create_new(true).open(&path)?, true),
            other => (other?, false),
        };
        let written = file.write_all(bytes);
        appended.insert(name.to_owned(), Appended { file, made });
        written
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        let mut appended = self.appended.lock().unwrap_or_else(PoisonError::into_inner);
        let made = if let Some(open) = appended.get(name) {
            open.file.sync_all()?;
            open.made
        } else {
            // Somebody else may have appended and crashed before its sync: then the name is not durable either.
            File::open(path)?.sync_all()?;
            true
        };
        if made {
            self.sync_folder()?;
        }
        appended.remove(name);
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(name)?)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("is not a file"));
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            let what = format!("is larger than {} MiB", FILE_BYTES_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        Ok(bytes)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            if let Ok(name) = entry?.file_name().into_string()
                && !name.ends_with(UNFINISHED)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let path = self.path(name)?;
        self.appended.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let aside = self.path(&format!("{name}{UNFINISHED}"))?;
        self.appended.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        self.sync_folder()
    }
}

/// Makes the folder and its parents, 0700, each durable in its own parent.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        other => other?,
    }
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::files::MemoryMedium;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// What every medium must do, whether or not it is real.
    fn check(medium: &dyn Medium) {
        assert_eq!(medium.list().unwrap(), Vec::<String>::new());
        assert_eq!(medium.read("a").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(medium.sync("a").is_err());
        assert!(medium.truncate("a", 0).is_err());
        medium.append("b", b"one").unwrap();
        medium.append("b", b"two").unwrap();
        medium.sync("b").unwrap();
        medium.append("a", b"x").unwrap();
        assert_eq!(medium.list().unwrap(), ["a", "b"]);
        assert_eq!(medium.read("b").unwrap(), b"onetwo");
        medium.truncate("b", 4).unwrap();
        medium.append("b", b"!").unwrap();
        assert_eq!(medium.read("b").unwrap(), b"onet!");
        medium.replace("b", b"new").unwrap();
        medium.append("b", b"er").unwrap();
        medium.sync("b").unwrap();
        assert_eq!(medium.read("b").unwrap(), b"newer");
        for name in ["", ".", "..", "../b", "a/b", "/etc/passwd", "a\0b"] {
            assert!(medium.append(name, b"x").is_err(), "{name:?}");
            assert!(medium.read(name).is_err(), "{name:?}");
            assert!(medium.replace(name, b"x").is_err(), "{name:?}");
        }
    }

    #[test]
    fn disk_and_its_twin_do_the_same() {
        let folder = tempfile::tempdir().unwrap();
        check(&Disk::make(&folder.path().join("deep/er")).unwrap());
        check(&MemoryMedium::default());
    }

    #[test]
    fn files_and_folders_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/acme");
        let disk = Disk::make(&path).unwrap();
        disk.append("a", b"x").unwrap();
        disk.replace("b", b"x").unwrap();
        assert_eq!([mode(&path), mode(&folder.path().join("state"))], [0o700, 0o700]);
        assert_eq!([mode(&path.join("a")), mode(&path.join("b"))], [0o600, 0o600]);
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let disk = Disk::at(folder.path());
        assert_eq!(disk.read("a").unwrap_err().to_string(), "is not a file");
        assert!(disk.append("a", b"x").is_err());
        assert!(Disk::make(&folder.path().join("a/../a")).is_ok());
    }
}
