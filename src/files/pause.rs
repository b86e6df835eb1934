//! The pause file: `pause` in an account's state folder, written by a person or by the lever, read before every
//! request that changes something.
//!
//! Doubt pauses: a file that is there and cannot be understood stops evictd until somebody looks.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{Disk, Medium as _, belong};
use crate::model::Pause;

/// The file in an account's folder of state.
const PAUSE: &str = "pause";

/// An instant needs far fewer bytes.
const FIRST_LINE_BYTES_MAX: u64 = 256;

/// The pause in force at `now`, if any. The file's first line says until when; an empty one means until its last
/// change plus `expires_after`.
pub fn read_pause(folder: &Path, now: Timestamp, expires_after: SignedDuration) -> Option<Pause> {
    match until(&folder.join(PAUSE), expires_after) {
        Ok(until) if now < until => Some(Pause { until: Some(until) }),
        Ok(_) | Err(Doubt::Missing) => None,
        Err(Doubt::Unreadable) => Some(Pause { until: None }),
    }
}

/// Pauses until then, for whoever reads the file; what follows its first line is for people.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_pause(folder: &Path, until: Timestamp, note: &str) -> io::Result<()> {
    let disk = Disk::make(folder)?;
    disk.replace(PAUSE, format!("{until}\n{}\n", note.replace(['\n', '\r'], " ")).as_bytes())?;
    belong(&folder.join(PAUSE), folder);
    Ok(())
}

/// Takes the pause file away, if there is one.
///
/// # Errors
///
/// When it is still there.
pub fn remove_pause(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(folder.join(PAUSE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

enum Doubt {
    Missing,
    Unreadable,
}

impl From<io::Error> for Doubt {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Unreadable }
    }
}

fn until(path: &Path, expires_after: SignedDuration) -> Result<Timestamp, Doubt> {
    // A link into nowhere is there, although what it names is not.
    let metadata = match std::fs::metadata(path) {
        Err(_) if std::fs::symlink_metadata(path).is_ok() => return Err(Doubt::Unreadable),
        other => other?,
    };
    if !metadata.is_file() {
        return Err(Doubt::Unreadable);
    }
    let mut start = Vec::new();
    File::open(path)?.take(FIRST_LINE_BYTES_MAX).read_to_end(&mut start)?;
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = std::str::from_utf8(first).ok().ok_or(Doubt::Unreadable)?.trim();
    if !first.is_empty() {
        return first.parse().ok().ok_or(Doubt::Unreadable);
    }
    let changed = Timestamp::try_from(metadata.modified()?).ok().ok_or(Doubt::Unreadable)?;
    changed.checked_add(expires_after).ok().ok_or(Doubt::Unreadable)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;

    const FOUR_HOURS: SignedDuration = SignedDuration::from_hours(4);

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The pause that a file with these bytes, last changed at 1970-01-02T00:00Z, makes at `now`.
    fn pause(bytes: &[u8], now: &str) -> Option<Pause> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pause");
        fs::write(&path, bytes).unwrap();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
        read_pause(folder.path(), instant(now), FOUR_HOURS)
    }

    #[test]
    fn a_pause_lasts_until_the_instant_in_its_first_line() {
        let until = Some(Pause { until: Some(instant("2026-11-23T10:00:00Z")) });
        assert_eq!(pause(b"2026-11-23T11:00:00+01:00\nby olivia\n", "2026-11-23T09:59:59Z"), until);
        assert_eq!(pause(b"2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"), None);
    }

    #[test]
    fn an_empty_pause_file_expires_after_its_last_change() {
        let until = Some(Pause { until: Some(instant("1970-01-02T04:00:00Z")) });
        assert_eq!(pause(b"", "1970-01-02T03:59:59Z"), until);
        assert_eq!(pause(b"\n", "1970-01-02T03:59:59Z"), until);
        assert_eq!(pause(b"", "1970-01-02T04:00:00Z"), None);
    }

    #[test]
    fn what_cannot_be_understood_pauses_without_end() {
        for bytes in [&b"tomorrow"[..], b"2026-11-23", b"\xff", b"\0\0\0\0", &[b'9'; 10_000]] {
            assert_eq!(pause(bytes, "2026-11-23T10:00:00Z"), Some(Pause { until: None }), "{bytes:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let read = || read_pause(folder.path(), Timestamp::UNIX_EPOCH, FOUR_HOURS);
        assert_eq!(read(), None);
        std::os::unix::fs::symlink("nowhere", folder.path().join("pause")).unwrap();
        assert_eq!(read(), Some(Pause { until: None }));
        fs::remove_file(folder.path().join("pause")).unwrap();
        fs::create_dir(folder.path().join("pause")).unwrap();
        assert_eq!(read(), Some(Pause { until: None }));
    }
}
