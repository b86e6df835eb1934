//! What an account's folder of state keeps between processes: what was learned, and the last cycle's snapshot.

use std::path::Path;

use crate::daemon::LAST_SNAPSHOT;
use crate::files::{Disk, read_bytes};
use crate::model::{AccountName, Memory};
use crate::snapshot::{self, SNAPSHOT_BYTES_MAX, Snapshot};
use crate::state::{Sqlite, State, StateTrouble, StateTwin, set_aside};

/// What earlier processes learned of the account, and where this one keeps what it learns. A broken file is set aside.
pub(super) fn remembered(file: &Path, account: &AccountName) -> (Box<dyn State>, Memory, Option<String>) {
    let opened = open_state(file, account).or_else(|trouble| match trouble {
        StateTrouble::Broken { .. } => {
            tracing::error!("{trouble}: it is set aside, and learning begins anew");
            let aside = set_aside(file);
            aside.map_err(|error| tracing::error!("it cannot be set aside: {error}")).ok();
            open_state(file, account)
        }
        other => Err(other),
    });
    match opened {
        Ok((state, memory)) => (Box::new(state), memory, None),
        Err(trouble) => {
            tracing::error!("{trouble}: what is learned now is forgotten with this process");
            (Box::new(StateTwin::default()), Memory::default(), Some(trouble.to_string()))
        }
    }
}

fn open_state(file: &Path, account: &AccountName) -> Result<(Sqlite, Memory), StateTrouble> {
    let state = Sqlite::open(file)?;
    let memory = state.load(account)?;
    Ok((state, memory))
}

/// What the last sweep saw, if there was one.
pub(super) fn last_snapshot(state: &Path) -> Result<Option<Snapshot>, String> {
    let file = state.join(LAST_SNAPSHOT);
    if matches!(file.try_exists(), Ok(false)) {
        return Ok(None);
    }
    let bytes = read_bytes(&file, SNAPSHOT_BYTES_MAX).map_err(|trouble| trouble.to_string())?;
    snapshot::from_bytes(&bytes).map(Some).map_err(|fault| format!("the last snapshot: {fault}"))
}

/// Leaves the cycle's snapshot where the next command finds it; the error says why it was not kept.
///
/// # Errors
///
/// When the folder cannot be written.
pub fn keep_snapshot(state: &Path, snapshot: &Snapshot) -> Result<(), String> {
    let disk = Disk::make(state).map_err(|error| error.to_string())?;
    let kept = disk.replace_by(LAST_SNAPSHOT, |file| snapshot::write(snapshot, file));
    kept.map_err(|error| error.to_string())
}
