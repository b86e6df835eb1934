//! The real [`Medium`]: a folder on disk.
//!
//! A file that was appended to stays open until it is synced, so that a failed write-back is reported to us and not
//! lost with the handle.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
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

    /// As [`Medium::replace`], for what is too large to be in memory as a whole: `write` puts it in the file.
    ///
    /// # Errors
    ///
    /// Those of `write`, and what the system says; the file is then what it was.
    pub fn replace_by(&self, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let path = self.path(name)?;
        let aside = self.path(&format!("{name}{UNFINISHED}"))?;
        self.appended.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        // What a crash left, or somebody laid there: it is neither written into nor followed.
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// Gives what was just made to the owner of the folder it stands in, as far as the system lets us: what root wrote by
/// hand is read by a daemon that is not root. A link that was laid in its place meanwhile is not followed.
pub fn belong(path: &Path, folder: &Path) {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    if let Ok(owner) = fs::metadata(folder) {
        lchown(path, Some(owner.uid()), Some(owner.gid())).unwrap_or_default();
    }
}

/// An error if there is something at the path that is no regular file. Asked before opening: opening a pipe would wait
/// for its other end.
pub(crate) fn must_be_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(io::Error::other("is not a file")),
    }
}

impl Medium for Disk {
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let mut appended = self.appended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = appended.get_mut(name) {
            return open.file.write_all(bytes);
        }
        must_be_regular(&path)?;
        let mut options = OpenOptions::new();
        options.append(true).mode(if is_shared(&self.folder) { 0o640 } else { 0o600 });
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
            must_be_regular(&path)?;
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
        let path = self.path(name)?;
        must_be_regular(&path)?;
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            let what = format!("is larger than {} MiB", FILE_BYTES_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        Ok(bytes)
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        match std::fs::symlink_metadata(self.path(name)?) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
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
        must_be_regular(&path)?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.replace_by(name, |file| file.write_all(bytes))
    }
}

/// Whether the folder hands its group on to what is made in it, and that group may read it: whoever set it up so wants that
/// group to read what lies there too.
fn is_shared(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o2050 == 0o2050)
}

/// Makes the folder and its parents, each durable in its own parent: 0700, or 0750 in a folder that is shared with a group.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_folder(parent)?;
    }
    let mode = if parent.is_some_and(is_shared) { 0o750 } else { 0o700 };
    match DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        other => other?,
    }
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
pub(super) mod tests {

    use super::*;
    use crate::files::MemoryMedium;

    /// Makes a named pipe, which hangs whoever opens it.
    pub(in crate::files) fn make_pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn a_pipe_or_a_device_in_place_of_a_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        make_pipe(&folder.path().join("a"));
        std::os::unix::fs::symlink("/dev/null", folder.path().join("b")).unwrap();
        let disk = Disk::at(folder.path());
        for name in ["a", "b"] {
            let refused = [disk.read(name).map(drop), disk.append(name, b"x"), disk.sync(name), disk.truncate(name, 0)];
            for refused in refused {
                assert_eq!(refused.unwrap_err().to_string(), "is not a file", "{name}");
            }
        }
    }

    #[test]
    fn what_lies_in_the_way_of_a_replacement_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, b"dear").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("a.unfinished")).unwrap();
        make_pipe(&folder.path().join("b.unfinished"));
        let disk = Disk::at(folder.path());
        for name in ["a", "b"] {
            disk.replace(name, b"new").unwrap();
            assert_eq!(disk.read(name).unwrap(), b"new");
        }
        assert_eq!(fs::read(&victim).unwrap(), b"dear");
        assert!(fs::symlink_metadata(folder.path().join("a")).unwrap().is_file());
    }

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

    /// As the trail's folder is set up, so that auditors read it without being anybody else.
    #[test]
    fn what_is_made_in_a_folder_that_hands_its_group_on_is_read_by_that_group_and_never_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o2750)).unwrap();
        let disk = Disk::make(&path.join("acme")).unwrap();
        disk.append("a", b"x").unwrap();
        let whole = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!([whole(&path.join("acme")), whole(&path.join("acme/a"))], [0o2750, 0o640]);
        disk.replace("b", b"x").unwrap();
        assert_eq!(whole(&path.join("acme/b")), 0o600, "what is replaced is nobody else's");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        Disk::make(&path.join("other")).unwrap();
        assert_eq!(whole(&path.join("other")), 0o700, "a group that may read by chance is not meant");
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
