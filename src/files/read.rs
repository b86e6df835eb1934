//! Reading what people keep in files: configuration, policies, snapshots, secrets. Every failure names the file, what
//! is wrong with it and, where there is one, the way out.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use crate::model::Foreign;

/// No secret is longer, in bytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// The system lets us not.
    #[error("permission denied")]
    Denied,
    /// A folder, a device, a pipe.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is larger than what may be read.
    #[error("it is larger than {max} bytes")]
    TooLarge {
        /// The cap.
        max: u64,
    },
    /// It is not UTF-8.
    #[error("it is not UTF-8 text from byte {offset} on")]
    NotText {
        /// Offset of the first wrong byte, from 0.
        offset: usize,
    },
    /// Others than its owner can get at a secret.
    #[error("its mode {mode:03o} lets others than its owner in")]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no secret.
    #[error("it is empty")]
    Empty,
    /// A secret of several lines, or with control characters in it.
    #[error("it holds more than one line of plain text")]
    NotOneLine,
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// A file that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{}`: {fault}", Foreign::new(path.to_string_lossy()))]
pub struct FileTrouble {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: FileFault,
}

impl FileTrouble {
    pub(super) fn new(path: &Path, fault: FileFault) -> Self {
        Self { path: path.to_owned(), fault }
    }

    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        let fault = match error.kind() {
            io::ErrorKind::NotFound => FileFault::Missing,
            io::ErrorKind::PermissionDenied => FileFault::Denied,
            io::ErrorKind::IsADirectory => FileFault::NotAFile,
            _ => FileFault::Other(error.to_string()),
        };
        Self::new(path, fault)
    }

    /// What to type next, if anything plain helps.
    pub fn help(&self) -> Option<String> {
        let path = Foreign::new(self.path.to_string_lossy());
        match self.fault {
            FileFault::Exposed { .. } => Some(format!("chmod 600 {path}")),
            FileFault::Empty => Some(format!("put the secret into {path}, on one line")),
            FileFault::Denied => Some(format!("let the user that runs evictd read it: ls -l {path}")),
            _ => None,
        }
    }
}

/// Reads a regular file of at most this many bytes.
///
/// # Errors
///
/// When it is missing, not a file, too large or cannot be read.
pub fn read_bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileTrouble> {
    read_with_metadata(path, bytes_max).map(|(bytes, _)| bytes)
}

/// Reads a UTF-8 file of at most this many bytes.
///
/// # Errors
///
/// As [`read_bytes`], and when it is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, FileTrouble> {
    text_of(path, read_bytes(path, bytes_max)?)
}

/// Reads a secret from a file that only its owner can get at, without its trailing newline.
///
/// # Errors
///
/// As [`read_text`], and when group or others have any permission, or it is empty or not one line.
pub fn read_secret(path: &Path) -> Result<SecretString, FileTrouble> {
    let (bytes, metadata) = read_with_metadata(path, SECRET_BYTES_MAX)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileTrouble::new(path, FileFault::Exposed { mode }));
    }
    secret_of(path, bytes)
}

/// Reads a credential that systemd passed, from its folder of credentials. Modes are not looked at: systemd lets the
/// unit's user in by an access list, which shows as group permission.
///
/// # Errors
///
/// As [`read_secret`], but for modes; and when the name is not a plain file name.
pub fn read_credential(folder: &Path, name: &str) -> Result<SecretString, FileTrouble> {
    let path = folder.join(name);
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(FileTrouble::new(&path, FileFault::Other("a credential has a plain name".to_owned())));
    }
    let bytes = read_bytes(&path, SECRET_BYTES_MAX)?;
    secret_of(&path, bytes)
}

fn secret_of(path: &Path, bytes: Vec<u8>) -> Result<SecretString, FileTrouble> {
    let text = SecretString::from(text_of(path, bytes)?);
    let line = text.expose_secret();
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() {
        return Err(FileTrouble::new(path, FileFault::Empty));
    }
    if line.chars().any(char::is_control) {
        return Err(FileTrouble::new(path, FileFault::NotOneLine));
    }
    Ok(SecretString::from(line))
}

fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, FileTrouble> {
    String::from_utf8(bytes)
        .map_err(|error| FileTrouble::new(path, FileFault::NotText { offset: error.utf8_error().valid_up_to() }))
}

/// Opens a regular file for reading, with what the system says of the very file that was opened.
///
/// # Errors
///
/// When it is missing, not a file or cannot be opened.
pub fn open_regular(path: &Path) -> Result<(File, Metadata), FileTrouble> {
    let io = |error: io::Error| FileTrouble::io(path, &error);
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(FileTrouble::new(path, FileFault::NotAFile));
    }
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    Ok((file, metadata))
}

/// Reads a regular file of at most this many bytes, with what the system says of the very file that was read.
///
/// # Errors
///
/// As [`read_bytes`].
pub fn read_with_metadata(path: &Path, bytes_max: u64) -> Result<(Vec<u8>, Metadata), FileTrouble> {
    let (file, metadata) = open_regular(path)?;
    let mut bytes = Vec::new();
    // What is too large from the start is not read at all; what grows meanwhile is cut off.
    let is_small = metadata.len() <= bytes_max;
    if is_small {
        let read = file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| FileTrouble::io(path, &error))?;
    }
    if !is_small || bytes.len() as u64 > bytes_max {
        return Err(FileTrouble::new(path, FileFault::TooLarge { max: bytes_max }));
    }
    Ok((bytes, metadata))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn with_file<T>(bytes: &[u8], mode: u32, test: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        test(&path)
    }

    fn secret(bytes: &[u8], mode: u32) -> Result<String, FileFault> {
        with_file(bytes, mode, read_secret)
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|trouble| trouble.fault)
    }

    #[test]
    fn a_secret_loses_one_newline_and_nothing_else() {
        assert_eq!(secret(b"s3cret\n", 0o600).unwrap(), "s3cret");
        assert_eq!(secret(b"s3cret\r\n", 0o400).unwrap(), "s3cret");
        assert_eq!(secret(b" s3cret ", 0o600).unwrap(), " s3cret ");
        assert_eq!(secret(b"a\n\n", 0o600), Err(FileFault::NotOneLine));
        assert_eq!(secret(b"\n", 0o600), Err(FileFault::Empty));
        assert_eq!(secret(b"", 0o600), Err(FileFault::Empty));
        assert_eq!(secret(b"a\xffb", 0o600), Err(FileFault::NotText { offset: 1 }));
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_way_out() {
        for mode in [0o640, 0o604, 0o620, 0o777] {
            assert_eq!(secret(b"s", mode), Err(FileFault::Exposed { mode }));
        }
        let trouble = with_file(b"s", 0o644, read_secret).unwrap_err();
        assert!(trouble.help().unwrap().starts_with("chmod 600 /"));
        assert!(trouble.to_string().ends_with("its mode 644 lets others than its owner in"), "{trouble}");
    }

    #[test]
    fn a_credential_may_show_an_access_list_as_group_permission() {
        with_file(b"s\n", 0o440, |path| {
            let folder = path.parent().unwrap();
            assert_eq!(read_credential(folder, "file").unwrap().expose_secret(), "s");
            for name in ["", "..", "../file", "/etc/passwd"] {
                assert!(matches!(read_credential(folder, name).unwrap_err().fault, FileFault::Other(_)), "{name}");
            }
        });
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() {
        let fault = |path: &Path, max| read_text(path, max).unwrap_err().fault;
        with_file(b"ten bytes!", 0o600, |path| {
            assert_eq!(read_text(path, 10).unwrap(), "ten bytes!");
            assert_eq!(fault(path, 9), FileFault::TooLarge { max: 9 });
            assert_eq!(fault(path.parent().unwrap(), 9), FileFault::NotAFile);
            assert_eq!(fault(&path.with_file_name("none"), 9), FileFault::Missing);
        });
        assert_eq!(fault(Path::new("/dev/zero"), 9), FileFault::NotAFile);
        let folder = tempfile::tempdir().unwrap();
        crate::files::disk::tests::make_pipe(&folder.path().join("pipe"));
        assert_eq!(fault(&folder.path().join("pipe"), 9), FileFault::NotAFile);
    }
}
