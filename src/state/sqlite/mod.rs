//! State in a file of `SQLite`, opened to write by the one who holds the account's lock, or only looked at by others.
//!
//! A rollback journal and no write-ahead log: a log needs a second and a third file that readers write too, so that
//! whoever only looks would leave files of their own user in the daemon's folder, or could not read at all. With a
//! journal a reader takes a shared lock and nothing else; while a lesson is being put in place it waits, at most
//! [`PATIENCE`], and sees the last whole one. Every commit is synced: one a cycle costs milliseconds, and no loss of power
//! breaks the file.

mod column;
mod fault;
mod load;
mod migrate;
mod save;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result as SqlResult, TransactionBehavior};

use self::fault::told;
use crate::files::{Disk, must_be_regular};
use crate::model::{AccountName, Lesson, Memory};
use crate::state::{State, StateTrouble};

/// The name of the file in an account's folder of state.
pub const STATE_FILE: &str = "state.sqlite";

/// How long anybody waits for the file while another process has it.
const PATIENCE: Duration = Duration::from_secs(2);

/// No more broken files than this are kept beside each other; then the last makes room for the next.
const BROKEN_MAX: u32 = 9;

/// State in one file, 0600.
#[derive(Debug)]
pub struct Sqlite {
    file: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the file to read and write, made with its folder if it is missing, brought to the newest version if it is
    /// older. The caller holds the account's lock.
    ///
    /// # Errors
    ///
    /// [`StateTrouble::Broken`] if what is there is not what was written; [`StateTrouble::Newer`] if it is a later
    /// version's, which stays untouched.
    pub fn open(path: &Path) -> Result<Self, StateTrouble> {
        make(path).map_err(|error| StateTrouble::local(path, &error))?;
        Self::opened(path, PATIENCE)
    }

    pub(super) fn opened(path: &Path, patience: Duration) -> Result<Self, StateTrouble> {
        let told = |error| told(path, &error);
        let mut file = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, patience).map_err(told)?;
        migrate::migrate(&mut file, path, migrate::STEPS)?;
        file.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(told)?;
        file.pragma_update(None, "synchronous", "FULL").map_err(told)?;
        // Damage shows now, where the file can be set aside, rather than in the middle of a cycle.
        let found: String = file.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(told)?;
        if found != "ok" {
            return Err(StateTrouble::broken(path, &found));
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// Opens the file only to read: nothing is made, changed or brought up. None if there is no file, or nothing in it
    /// yet.
    ///
    /// # Errors
    ///
    /// As [`Sqlite::open`]; [`StateTrouble::Busy`] also while an interrupted write waits to be undone, and
    /// [`StateTrouble::Older`] if the file needs to be brought up first.
    pub fn look(path: &Path) -> Result<Option<Self>, StateTrouble> {
        Self::looked(path, PATIENCE)
    }

    pub(super) fn looked(path: &Path, patience: Duration) -> Result<Option<Self>, StateTrouble> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| StateTrouble::local(path, &error))?,
        };
        must_be_regular(path).map_err(|error| StateTrouble::local(path, &error))?;
        let file = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, patience);
        let file = file.map_err(|error| told(path, &error))?;
        let known = migrate::STEPS.len();
        match migrate::version(&file, path, known)? {
            0 => Ok(None),
            found if found < known => {
                Err(StateTrouble::Older { path: path.to_owned(), found: found as u64, known: known as u64 })
            }
            _ => Ok(Some(Self { file, path: path.to_owned() })),
        }
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.file
    }
}

impl State for Sqlite {
    fn load(&self, account: &AccountName) -> Result<Memory, StateTrouble> {
        let loaded = || {
            let view = self.file.unchecked_transaction()?;
            load::memory(&view, account)
        };
        let memory = loaded();
        self.rest();
        memory.map_err(|error| told(&self.path, &error))
    }

    fn save(&mut self, account: &AccountName, lesson: &Lesson) -> Result<(), StateTrouble> {
        let saved = |file: &mut Connection| {
            let change = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
            save::lesson(&change, account, lesson)?;
            change.commit()
        };
        let done = saved(&mut self.file);
        self.rest();
        done.map_err(|error| told(&self.path, &error))
    }
}

impl Sqlite {
    /// Gives back the memory that pages took: until the next cycle nobody needs them. If it cannot, nothing is lost.
    fn rest(&self) {
        drop(self.file.release_memory());
    }
}

fn connect(path: &Path, mode: OpenFlags, patience: Duration) -> SqlResult<Connection> {
    let file = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    file.busy_timeout(patience)?;
    // The file may have been changed by anybody: pages are looked at before use, its schema runs nothing, and nothing
    // goes to other folders.
    file.execute_batch("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")?;
    Ok(file)
}

/// Makes an empty file, 0600, which the database takes as one of its own without anything in it.
fn make(path: &Path) -> io::Result<()> {
    must_be_regular(path)?;
    if let Some(folder) = path.parent() {
        Disk::make(folder)?;
    }
    // An existing file is not opened: closing it would release the locks that this process has on it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other?.sync_all(),
    }
}

/// Moves a broken file and its journal out of the way, to the first free of `state.sqlite.broken-1`, `-2` and so on, and
/// says where to. The caller holds the account's lock and has closed the file.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let is_free = |number: &u32| fs::symlink_metadata(beside(&format!(".broken-{number}"))).is_err();
    let number = (1..=BROKEN_MAX).find(is_free).unwrap_or(BROKEN_MAX);
    // The file itself goes last: a journal left behind would be played back into the new file.
    for part in ["-journal", "-wal", "-shm", ""] {
        let aside = beside(&format!(".broken-{number}{part}"));
        match fs::rename(beside(part), &aside) {
            // Nor must an earlier file's journal stay beside this one.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !part.is_empty() => drop(fs::remove_file(aside)),
            other => other?,
        }
    }
    File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(beside(&format!(".broken-{number}")))
}
