//! An account held by a process for one command: its locks and its trail, without its policies. A human must be able to
//! pause while the policies are broken.

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Chance, Clock};
use crate::files::{Disk, Lock, LockTrouble};
use crate::model::AccountName;
use crate::record::{DaemonStarted, DaemonStopped};
use crate::trail::{Past, Trail, TrailTrouble};

/// Why an account cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum PostTrouble {
    /// Another process holds it, or its lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockTrouble),
    /// The trail's folder cannot be made.
    #[error("the trail's folder `{folder}` cannot be made: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The trail cannot be read or written.
    #[error(transparent)]
    Trail(#[from] TrailTrouble),
}

/// An account's locks and its trail.
pub struct Held {
    /// The trail.
    pub trail: Trail,
    /// What it remembers.
    pub past: Past,
    /// Given back when they are dropped.
    pub locks: Vec<Lock>,
}

impl Held {
    /// Takes the account's locks and opens its trail.
    ///
    /// # Errors
    ///
    /// When somebody else holds the account, or its trail cannot be used.
    pub fn open(
        account: &AccountName,
        (state, records): (&Path, &Path),
        (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>),
    ) -> Result<Self, PostTrouble> {
        let lock = Lock::take(state)?;
        let disk = Self::folder(records)?;
        // Another configuration may name the same trail with a state of its own: one trail has one writer all the same.
        let trail_lock = Lock::take(records)?;
        let (trail, past) = Trail::open(Arc::new(disk), account.clone(), clock, chance)?;
        Ok(Self { trail, past, locks: vec![lock, trail_lock] })
    }

    /// The trail's folder, made if it is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn folder(records: &Path) -> Result<Disk, PostTrouble> {
        Disk::make(records).map_err(|error| PostTrouble::Folder { folder: records.display().to_string(), error })
    }

    /// Writes who began.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn begin(&mut self, command: &str, by: &str) -> Result<(), TrailTrouble> {
        self.trail.write_durably(None, started(command, by).into(), None).map(drop)
    }

    /// Writes that this process ends, and gives the account back.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn close(mut self, exit: u8) -> Result<(), TrailTrouble> {
        self.trail.write_durably(None, DaemonStopped { exit }.into(), None).map(drop)
    }
}

/// That this process began.
fn started(command: &str, by: &str) -> DaemonStarted {
    DaemonStarted {
        command: command.to_owned(),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        by: by.to_owned(),
    }
}
