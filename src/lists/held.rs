//! One list's file: whether it changed, whether what it says now may take the place of what it said before, and keeping
//! the latter over a restart.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::trouble::Trouble;
use super::{Circumstances, ListNews};
use crate::address::{
    Contents, EntryFault, FileNow, Form, LIST_BYTES_MAX, ListDecl, ListFile, ListKind, ListNow, Reading, read_entries,
};
use crate::files::{FileFault, GoodSet, keep_good, kept_good, read_with_metadata};
use crate::model::{Cause, ListTrouble, human_duration};
use crate::record::sha256_hex;

/// Permission bits that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Clocks of file servers may be ahead by this much.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Which version of a file was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What makes the same bytes the same list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    kind: ListKind,
    path: PathBuf,
    form: Form,
    pinned: Option<String>,
}

impl Shape {
    fn of(kind: ListKind, file: &ListFile) -> Self {
        Self { kind, path: file.path.clone(), form: file.form.clone(), pinned: file.pinned.clone() }
    }

    fn read(&self, bytes: &[u8]) -> Result<Reading, Trouble> {
        if self.pinned.as_ref().is_some_and(|pinned| *pinned != sha256_hex(bytes)) {
            return Err(Trouble::Unsigned);
        }
        let extension = self.path.extension().and_then(|extension| extension.to_str());
        read_entries(bytes, self.kind, &self.form, extension).map_err(Trouble::List)
    }
}

/// What was good in a file.
#[derive(Debug, Clone)]
struct Good {
    contents: Arc<Contents>,
    digest: String,
    modified: Timestamp,
    entries: usize,
    unreadable: usize,
    faults: Vec<EntryFault>,
    had_host_bits: usize,
}

impl Good {
    fn new(reading: Reading, digest: String, modified: Timestamp) -> Self {
        Self {
            contents: Arc::new(reading.contents),
            digest,
            modified,
            entries: reading.entries,
            unreadable: reading.unreadable,
            faults: reading.faults,
            had_host_bits: reading.had_host_bits,
        }
    }
}

/// A list's file, and what is in force of it.
#[derive(Debug)]
pub(super) struct Held {
    shape: Shape,
    entries_min: Option<usize>,
    /// The version that was judged last; none if it is to be judged again.
    seen: Option<Stamp>,
    good: Option<Good>,
    /// Whether the state was asked for what was good before this process began.
    asked_state: bool,
    trouble: Option<Trouble>,
    /// SHA-256 of the file that was refused because it shrank.
    waits: Option<String>,
}

impl Held {
    pub(super) fn new(kind: ListKind, file: &ListFile) -> Self {
        Self {
            shape: Shape::of(kind, file),
            entries_min: file.entries_min,
            seen: None,
            good: None,
            asked_state: false,
            trouble: None,
            waits: None,
        }
    }

    /// Looks at the file, and takes over what it says if that may be.
    pub(super) fn refresh(&mut self, decl: &ListDecl, file: &ListFile, at: Circumstances<'_>) -> ListNews {
        if self.shape != Shape::of(decl.kind, file) {
            *self = Self::new(decl.kind, file);
        } else if self.entries_min != file.entries_min {
            (self.entries_min, self.seen) = (file.entries_min, None);
        }
        let before = self.good.as_ref().map(|good| good.digest.clone());
        let mut unkept = None;
        match self.look(&decl.name, at) {
            Ok(None) => {}
            Ok(Some((text, good))) => {
                self.trouble = None;
                unkept = self.keep(&decl.name, text, &good, at);
                if unkept.is_some() {
                    // The next look tries again.
                    self.seen = None;
                }
                self.good = Some(good);
            }
            Err(trouble) => {
                if trouble.can_pass() {
                    self.seen = None;
                }
                self.trouble = Some(trouble);
                self.ask_state(&decl.name, at);
            }
        }
        let good = self.good.as_ref();
        ListNews {
            name: Arc::clone(&decl.name),
            path: file.path.clone(),
            trouble: self.told(file, at.now),
            is_last_good: self.trouble.is_some() && good.is_some(),
            is_new: before != good.map(|good| good.digest.clone()),
            waits: self.waits.clone(),
            unreadable: good.map_or(0, |good| good.unreadable),
            faults: good.map_or_else(Vec::new, |good| good.faults.clone()),
            had_host_bits: good.map_or(0, |good| good.had_host_bits),
            unkept,
        }
    }

    /// The list as it stands, whatever its age.
    pub(super) fn now(&self, decl: &ListDecl, file: &ListFile) -> ListNow {
        let empty = ListNow::of(decl);
        let Some(good) = &self.good else {
            let cause = self.trouble.as_ref().map_or(Cause::Down, |trouble| trouble.told(&file.path).cause);
            return ListNow { unknown: Some(cause), ..empty };
        };
        let file = FileNow {
            digest: good.digest.clone(),
            entries: good.entries,
            as_of: good.modified,
            older_than_max: file.older_than_max,
            stands_in: self.trouble.as_ref().map(Trouble::to_string),
        };
        let unknown = (good.unreadable > 0).then_some(Cause::Partial);
        ListNow { contents: Some(Arc::clone(&good.contents)), unknown, file: Some(file), ..empty }
    }

    /// What the file says now, if it has to be taken over: its text and its entries.
    fn look(&mut self, name: &str, at: Circumstances<'_>) -> Result<Option<(String, Good)>, Trouble> {
        let path = self.shape.path.clone();
        let stamp = |path: &Path| std::fs::metadata(path).ok().as_ref().map(Stamp::of);
        let is_accepted = self.waits.as_ref().is_some_and(|waits| at.accepted.contains(waits));
        if self.seen.is_some() && self.seen == stamp(&path) && !is_accepted {
            return Ok(None);
        }
        (self.seen, self.waits) = (None, None);
        let (bytes, metadata) =
            read_with_metadata(&path, LIST_BYTES_MAX as u64).map_err(|trouble| Trouble::File(trouble.fault))?;
        self.seen = Some(Stamp::of(&metadata));
        if self.seen != stamp(&path) {
            return Err(Trouble::Unsettled);
        }
        let modified = dated(&metadata, at.now)?;
        let digest = sha256_hex(&bytes);
        let reading = self.shape.read(&bytes)?;
        if self.entries_min.is_some() {
            self.ask_state(name, at);
        }
        self.check_size(reading.entries, &digest, at)?;
        // What was read is text.
        let text = String::from_utf8(bytes).unwrap_or_default();
        Ok(Some((text, Good::new(reading, digest, modified))))
    }

    /// Whether so many entries may take the place of those in force, or of those before this process began.
    fn check_size(&mut self, entries: usize, digest: &str, at: Circumstances<'_>) -> Result<(), Trouble> {
        let Some(least) = self.entries_min else { return Ok(()) };
        if entries < least {
            return Err(Trouble::TooFew { entries, least });
        }
        let before = self.good.as_ref().map_or(0, |good| good.entries);
        if entries * 5 < before * 4 && !at.accepted.contains(digest) {
            self.waits = Some(digest.to_owned());
            return Err(Trouble::Shrunk { before, after: entries });
        }
        Ok(())
    }

    /// Why the list is not as it should be: the file as it is now, or what is in force of it.
    fn told(&self, file: &ListFile, now: Timestamp) -> Option<ListTrouble> {
        if let Some(trouble) = &self.trouble {
            return Some(trouble.told(&file.path));
        }
        let (good, max) = (self.good.as_ref()?, file.older_than_max?);
        (good.modified.duration_until(now) > max).then(|| ListTrouble {
            cause: Cause::ListStale,
            why: format!("the file was not changed for more than {}", human_duration(max)),
            help: Some("see why it is no longer delivered".to_owned()),
        })
    }
}

/// When the file was last changed; trouble if it cannot be trusted.
fn dated(metadata: &Metadata, now: Timestamp) -> Result<Timestamp, Trouble> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS_WRITE != 0 {
        return Err(Trouble::Writable { mode });
    }
    let other = |error: String| Trouble::File(FileFault::Other(error));
    let modified = metadata.modified().map_err(|error| other(error.to_string()))?;
    let modified = Timestamp::try_from(modified).map_err(|error| other(error.to_string()))?;
    if now.duration_until(modified) > AHEAD_MAX { Err(Trouble::Future) } else { Ok(modified) }
}

/// Over a restart: a set of two documents in the account's folder of state, the file as it was, by its path, and when it
/// was changed.
impl Held {
    fn keep(&self, name: &str, text: String, good: &Good, at: Circumstances<'_>) -> Option<String> {
        let state = at.state.filter(|_| at.keeps)?;
        let path = self.shape.path.to_string_lossy().into_owned();
        let files = vec![(path, text), (MODIFIED.to_owned(), good.modified.to_string())];
        keep_good(state, &format!("list-{name}"), &GoodSet { files }).err().map(|error| error.to_string())
    }

    /// Takes what was kept, unless something is in force already, or it was another file that was kept. What is damaged
    /// is none.
    fn ask_state(&mut self, name: &str, at: Circumstances<'_>) {
        if self.good.is_some() || std::mem::replace(&mut self.asked_state, true) {
            return;
        }
        let kept = at.state.and_then(|state| kept_good(state, &format!("list-{name}")).ok().flatten());
        let Some((_, GoodSet { files })) = kept else { return };
        let [(path, text), (mark, modified)] = files.as_slice() else { return };
        if *path != self.shape.path.to_string_lossy() || mark != MODIFIED {
            return;
        }
        if let (Ok(modified), Ok(reading)) = (modified.parse(), self.shape.read(text.as_bytes())) {
            self.good = Some(Good::new(reading, sha256_hex(text.as_bytes()), modified));
        }
    }
}

/// What the date is kept under.
const MODIFIED: &str = "modified";
