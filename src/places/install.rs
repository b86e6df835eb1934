//! Installing a database by hand: checked as one that is taken over, then put where every account looks for it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::check::doubt_of;
use super::open_files::{BYTES_MAX, OpenFiles};
use super::standing::Doubt;
use crate::files::{Disk, belong, read_bytes};
use crate::model::Database;
use crate::record::sha256_hex;

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The database.
    pub database: Database,
    /// The one of the same name that it replaced.
    pub before: Option<Database>,
    /// Where it stands now.
    pub path: PathBuf,
}

/// Why a database was not installed.
#[derive(Debug, thiserror::Error)]
pub enum NotInstalled {
    /// It is named otherwise than `NAME.mmdb`.
    #[error("its name does not end with `.mmdb`")]
    Name,
    /// It cannot be opened.
    #[error("{0}")]
    Unopened(String),
    /// It is one that a human should look at.
    #[error("{0}")]
    Doubtful(Doubt),
    /// The folder cannot be written.
    #[error("it cannot be written to `{}`: {error}", folder.display())]
    Local {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Checks the database in `from` and puts it into the folder `installed`, whole or not at all.
///
/// # Errors
///
/// When it is none, is held back by a check, or cannot be written; what was installed before then stays.
pub fn install(from: &Path, installed: &Path, now: Timestamp) -> Result<Installed, NotInstalled> {
    let is_named = from.extension().is_some_and(|end| end == "mmdb");
    let name = from.file_name().and_then(|name| name.to_str()).filter(|_| is_named).ok_or(NotInstalled::Name)?;
    let files = OpenFiles::default();
    let unopened = |why: &dyn ToString| NotInstalled::Unopened(why.to_string());
    let opened = files.open(from).map_err(|why| unopened(&why))?;
    let path = installed.join(name);
    let before = files.open(&path).ok().map(|before| before.database.clone());
    if let Some(doubt) = doubt_of(&opened, before.as_ref(), now) {
        return Err(NotInstalled::Doubtful(doubt));
    }
    let database = opened.database.clone();
    drop(opened);
    let bytes = read_bytes(from, BYTES_MAX).map_err(|why| unopened(&why))?;
    if sha256_hex(&bytes) != database.digest {
        return Err(NotInstalled::Unopened("it changed while it was read".to_owned()));
    }
    put(&bytes, name, installed).map_err(|error| NotInstalled::Local { folder: installed.to_owned(), error })?;
    Ok(Installed { database, before, path })
}

fn put(bytes: &[u8], name: &str, folder: &Path) -> io::Result<()> {
    let disk = Disk::make(folder)?;
    disk.replace_by(name, |file| file.write_all(bytes))?;
    if let Some(parent) = folder.parent() {
        belong(folder, parent);
    }
    belong(&folder.join(name), folder);
    Ok(())
}
