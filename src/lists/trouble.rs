//! Why a list's file cannot be used as it is now, in words that stay the same while the trouble does.

use std::path::Path;

use crate::address::ListFault;
use crate::files::FileFault;
use crate::model::{Cause, Foreign, ListTrouble};

/// What is wrong with a file as it is now. Names neither the file nor anything in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    File(FileFault),
    /// Others than its owner can write to it.
    #[error("others than its owner can write to the file: its mode is {mode:03o}")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// It is dated in the future.
    #[error("the file was changed in the future")]
    Future,
    /// It was written to while it was read.
    #[error("the file was changed while it was read")]
    Unsettled,
    /// It is not the file that was signed with the policies.
    #[error("the file is not the one that was signed with the policies")]
    Unsigned,
    /// No sense can be made of what is in it.
    #[error("the file is no list: {0}")]
    List(ListFault),
    /// It is smaller than the policy allows.
    #[error("the file has {entries} entries, fewer than `entries-min = {least}`")]
    TooFew {
        /// How many it has.
        entries: usize,
        /// How many it must have.
        least: usize,
    },
    /// It is much smaller than it was.
    #[error("the file has {after} entries, over 20 % fewer than the {before} before")]
    Shrunk {
        /// How many the last good content has.
        before: usize,
        /// How many it has.
        after: usize,
    },
}

impl Trouble {
    /// Whether it can pass without the file being changed.
    pub(super) fn can_pass(&self) -> bool {
        matches!(self, Self::File(_) | Self::Future | Self::Unsettled)
    }

    /// For people, with what to do.
    pub(super) fn told(&self, path: &Path) -> ListTrouble {
        let cause = if *self == Self::Future { Cause::ClockSkew } else { Cause::Down };
        ListTrouble { cause, why: self.to_string(), help: self.help(path) }
    }

    fn help(&self, path: &Path) -> Option<String> {
        let shown = Foreign::new(path.to_string_lossy());
        Some(match self {
            Self::File(FileFault::Denied) => format!("let the user that runs evictd read it: ls -l {shown}"),
            Self::File(FileFault::Missing) => format!("put the list at {shown}, or correct `file`"),
            Self::File(_) => return None,
            Self::Writable { .. } => format!("chmod go-w {shown}"),
            Self::Future => "set the host's clock right, or touch the file".to_owned(),
            Self::Unsettled => "write it aside and rename it into place".to_owned(),
            Self::Unsigned => "put the signed file back, or have the changed one signed".to_owned(),
            Self::List(fault) => fault.help()?.to_owned(),
            Self::TooFew { .. } => "look at what the download gave, or lower `entries-min`".to_owned(),
            Self::Shrunk { .. } => "look at the file, then `evictd places accept` if it is right".to_owned(),
        })
    }
}
