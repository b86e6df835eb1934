//! Why state cannot be used, by what the caller does next. None of it stops a cycle: it only stops learning.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::Foreign;

/// What stands between us and what is remembered.
#[derive(Debug, thiserror::Error)]
pub enum StateTrouble {
    /// Another process is at it, or has to finish a write that was interrupted: try again later.
    #[error("`{}` is in use: {what}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What it waits for.
        what: Foreign,
    },
    /// The disk or its modes stand in the way: an operator must look; the file itself may be whole.
    #[error("cannot use `{}`: {what}", path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: Foreign,
    },
    /// It is not what was written: [`super::set_aside`] and begin anew.
    #[error("`{}` is broken: {what}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: Foreign,
    },
    /// A newer evictd wrote it. It was left as it is: run that version, or move the file away.
    #[error("`{}` has version {found}, and this evictd knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version known here.
        known: u64,
    },
    /// An older evictd wrote it, and who only looks does not bring it up: whoever writes next will.
    #[error("`{}` has version {found} until the daemon brings it to version {known}", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version needed.
        known: u64,
    },
}

impl StateTrouble {
    pub(super) fn broken(path: &Path, what: &str) -> Self {
        Self::Broken { path: path.to_owned(), what: Foreign::new(what) }
    }

    pub(super) fn local(path: &Path, error: &io::Error) -> Self {
        Self::Local { path: path.to_owned(), what: Foreign::new(error.to_string()) }
    }
}
