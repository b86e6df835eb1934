//! What one read of a feed gave, and what may be claimed of it.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{FeedPlace, FeedRow};
use crate::config::FeedSettings;
use crate::files::FileFault;
use crate::model::{Cause, Foreign};

/// A file that seems to be written later than this from now would never grow old.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);

/// Why a feed cannot be said to have told everything. Names neither the file nor anything in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedTrouble {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    File(FileFault),
    /// Others than its owner can write to it.
    #[error("others than its owner can write to the file: its mode is {mode:03o}")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing was ever in it.
    #[error("the file is empty, and nothing was read before")]
    Empty,
    /// The file that was read before is gone, or cut, and what was added to it may be lost.
    #[error("the file is another than before, and the end of that one was not found")]
    Gap,
    /// There is more than is read at once.
    #[error("there is more in the file than is read at once")]
    More,
}

impl FeedTrouble {
    /// What to type next, if anything plain helps.
    pub fn help(&self, file: &Path) -> Option<String> {
        let shown = Foreign::new(file.to_string_lossy());
        match self {
            Self::File(FileFault::Denied) => Some(format!("let the user that runs evictd read it: ls -l {shown}")),
            Self::File(FileFault::Missing) => Some(format!("have it delivered at {shown}, or correct `file`")),
            Self::Writable { .. } => Some(format!("chmod go-w {shown}")),
            Self::Empty => Some(format!("see whether whoever delivers {shown} runs")),
            Self::Gap => Some(format!("keep one rotated file beside it, not compressed, as {shown}.1")),
            Self::File(_) | Self::More => None,
        }
    }

    fn cause(&self) -> Cause {
        match self {
            Self::File(_) | Self::Writable { .. } | Self::Empty => Cause::Down,
            Self::Gap | Self::More => Cause::Partial,
        }
    }
}

/// What was added to a feed since the last read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedReading {
    /// Its rows, in the order of the file.
    pub rows: Vec<FeedRow>,
    /// How many lines could not be read.
    pub unreadable: usize,
    /// What is wrong with the first of those, and where it begins; repeats nothing of it.
    pub first_fault: Option<String>,
    /// How many lines are not of what the feed tells: failures, other applications, other events.
    pub skipped: usize,
    /// When the file was last written, on the host's clock; none if it cannot be read.
    pub written_at: Option<Timestamp>,
    /// Why it cannot be said to have told everything, if the file as a whole is why.
    pub trouble: Option<FeedTrouble>,
    /// Up to where it was read; none if it never was.
    pub place: Option<FeedPlace>,
}

impl FeedReading {
    /// Up to when the feed has told everything, and why that cannot be said, if it cannot; now is on the host's clock.
    /// What this read may have missed, no later one brings: whoever remembers rows remembers that too.
    pub fn standing(&self, settings: &FeedSettings, now: Timestamp) -> (Timestamp, Option<Cause>) {
        let trouble = self.trouble.as_ref().map(FeedTrouble::cause);
        let Some(written_at) = self.written_at else {
            return (Timestamp::UNIX_EPOCH, Some(trouble.unwrap_or(Cause::Down)));
        };
        let as_of = written_at.min(now).saturating_sub(settings.late).unwrap_or(Timestamp::UNIX_EPOCH);
        let age = now.duration_since(written_at);
        let unknown = match trouble {
            Some(Cause::Down) => trouble,
            _ if age < -AHEAD_MAX => Some(Cause::ClockSkew),
            _ if age > settings.older_than_max => Some(Cause::Stale),
            None if self.unreadable > 0 => Some(Cause::Partial),
            _ => trouble,
        };
        (as_of, unknown)
    }

    pub(super) fn fault(&mut self, start: u64, what: &str) {
        self.unreadable += 1;
        self.first_fault.get_or_insert_with(|| format!("the line from byte {start} on: {what}"));
    }

    /// What is said first counts: a read ends with what is worst.
    pub(super) fn say(&mut self, trouble: FeedTrouble) {
        self.trouble.get_or_insert(trouble);
    }
}
