//! Why a trail cannot be written, or its past not be trusted. Every one of them means: do not act.

use std::io;

use crate::clock::NoChance;
use crate::model::Foreign;
use crate::record::Fault;

/// What stands between us and the trail.
#[derive(Debug, thiserror::Error)]
pub enum TrailTrouble {
    /// The medium took no write, or did not make it durable.
    #[error("cannot write `{file}` of the trail: {error}")]
    Unwritable {
        /// The file.
        file: String,
        /// What the medium says.
        error: io::Error,
    },
    /// The medium gave no file or no list of files.
    #[error("cannot read `{file}` of the trail: {error}")]
    Unreadable {
        /// The file, or `.` for the folder.
        file: String,
        /// What the medium says.
        error: io::Error,
    },
    /// The trail is not as it was written: a human must look before anything is added.
    #[error("the trail does not verify: `{}` line {}: {}", .0.segment, .0.line, Foreign::new(.0.what.as_str()))]
    Broken(Fault),
    /// Records that this process wrote are gone: a human must look before anything is added.
    #[error("the trail ends with record {found}, and record {written} was written: records are lost")]
    Lost {
        /// The last record that was written.
        written: u64,
        /// The last record that stands there.
        found: u64,
    },
    /// An earlier write failed, so it is not known what stands on the medium.
    #[error("an earlier write to the trail failed")]
    Poisoned,
    /// The record is too large for a line; nothing was written.
    #[error("{0}")]
    TooLarge(String),
    /// There is no salt for a personal part; nothing was written.
    #[error(transparent)]
    NoChance(#[from] NoChance),
}
