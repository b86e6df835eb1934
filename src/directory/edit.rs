//! Editing a list: one row more or less, and every other byte as it was. Format, comments, mode and owner stay.
//!
//! Two edits exclude each other by a lock on the folder; whoever delivers the list does not know that lock, so that the
//! file is compared once more right before it is replaced.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::contents::{Contents, Format, read_contents};
use super::file::{ListFault, extension, read_bytes};
use super::row::{Cells, EXTERNAL_PREFIX, Names};
use crate::files::FileFault;
use crate::model::Foreign;

/// The mode of a list that is made.
const NEW_MODE: u32 = 0o640;
/// The header of a CSV list that is made.
const NEW_HEADER: &str = "email,id,external_id,since";

/// What an edit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// So many rows were added or taken out.
    Rows(usize),
    /// There was nothing to do: somebody to add stands there already, or somebody to take out does not.
    Nothing,
}

/// Why a list was not edited; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditTrouble {
    /// The file cannot be read as a list.
    #[error("{0}")]
    Unusable(ListFault),
    /// Its rows have no place for what is to be added.
    #[error("the list has no column `{0}`")]
    NoColumn(&'static str),
    /// A plain list parts its words by blanks.
    #[error("a plain list has no place for an external id with blanks in it")]
    Blanks,
    /// A plain list takes it for a comment.
    #[error("in a plain list a line that begins with `#` is a comment")]
    Comment,
    /// Somebody else changed it meanwhile.
    #[error("the list was changed by somebody else at the same moment")]
    Changed,
    /// The file would come to belong to somebody else.
    #[error("the list belongs to another user (uid {0}), and would no longer")]
    Owner(u32),
    /// The system refuses.
    #[error("the list cannot be written: {0}")]
    Local(#[from] io::Error),
}

impl EditTrouble {
    /// What to do, if anything plain helps.
    pub fn help(&self, file: &Path) -> Option<String> {
        match self {
            Self::Unusable(fault) => fault.help(file),
            Self::NoColumn(column) => Some(format!("add `{column}` to the header, and a field to every row")),
            Self::Blanks | Self::Comment => Some("keep the list as CSV or JSON lines".to_owned()),
            Self::Changed => Some("try again".to_owned()),
            Self::Owner(_) => Some("run it as that user, or as root".to_owned()),
            Self::Local(_) => Some(format!(
                "run it as a user who may write to the folder of {}",
                Foreign::new(file.to_string_lossy())
            )),
        }
    }
}

/// Adds a row, unless one with any of these names is there. A file that is missing is made.
///
/// # Errors
///
/// When the list cannot be read, has no place for what is to be added, or cannot be replaced.
pub fn add(file: &Path, names: &Names, since: Option<&str>) -> Result<Edited, EditTrouble> {
    let file = &resolved(file);
    let folder = locked_folder(file)?;
    let before = Before::read(file)?;
    let contents = before.contents(file)?;
    if contents.rows.iter().any(|row| row.names.shares(names)) {
        return Ok(Edited::Nothing);
    }
    let line_break = if before.bytes.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
    let mut bytes = before.bytes.clone();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.extend_from_slice(line_break.as_bytes());
    }
    let format = match contents.format {
        // It is empty: begin as its name says.
        Format::Csv(columns) if columns.width == 0 => {
            bytes.extend_from_slice(format!("{NEW_HEADER}{line_break}").as_bytes());
            read_contents(NEW_HEADER.as_bytes(), Some("csv"), &TimeZone::UTC).map_err(EditTrouble::Unusable)?.format
        }
        format => format,
    };
    bytes.extend_from_slice(&line(&format, names, since, line_break)?);
    before.replace(file, &bytes, &folder)?;
    Ok(Edited::Rows(1))
}

/// Takes out every row with any of these names.
///
/// # Errors
///
/// When the list cannot be read or replaced.
pub fn remove(file: &Path, names: &Names) -> Result<Edited, EditTrouble> {
    let file = &resolved(file);
    let folder = locked_folder(file)?;
    let before = Before::read(file)?;
    let contents = before.contents(file)?;
    let mut bytes = before.bytes.clone();
    let mut count = 0;
    for row in contents.rows.iter().rev().filter(|row| row.names.shares(names)) {
        bytes.drain(row.range.clone());
        count += 1;
    }
    if count == 0 {
        return Ok(Edited::Nothing);
    }
    before.replace(file, &bytes, &folder)?;
    Ok(Edited::Rows(count))
}

/// A row in this format.
fn line(format: &Format, names: &Names, since: Option<&str>, line_break: &str) -> Result<Vec<u8>, EditTrouble> {
    let id = names.id.map(|id| id.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (email, external_id, since) = (text(&names.email), text(&names.external_id), since.unwrap_or_default());
    Ok(match format {
        Format::Csv(columns) => {
            let cells = Cells { id: &id, email: &email, external_id: &external_id, since };
            columns.row(cells, line_break).map_err(EditTrouble::NoColumn)?
        }
        Format::JsonLines => {
            let fields = [("id", id.as_str()), ("email", &email), ("external_id", &external_id), ("since", since)];
            let filled = fields.into_iter().filter(|(_, text)| !text.is_empty());
            let row: Map<String, Value> = filled.map(|(key, text)| (key.to_owned(), text.into())).collect();
            format!("{}{line_break}", Value::Object(row)).into_bytes()
        }
        Format::Text if external_id.contains(char::is_whitespace) => return Err(EditTrouble::Blanks),
        Format::Text if email.starts_with('#') => return Err(EditTrouble::Comment),
        Format::Text => {
            let external = names.external_id.as_ref().map(|external| format!("{EXTERNAL_PREFIX}{external}"));
            let name = [Some(email), Some(id), external].into_iter().flatten().find(|name| !name.is_empty());
            let parts = [name.unwrap_or_default(), since.to_owned()];
            format!("{}{line_break}", parts.join(" ").trim_end()).into_bytes()
        }
    })
}

/// The file as it was when the edit began; no metadata if there was none.
struct Before {
    bytes: Vec<u8>,
    metadata: Option<Metadata>,
}

impl Before {
    fn read(file: &Path) -> Result<Self, EditTrouble> {
        match read_bytes(file) {
            Ok((bytes, metadata)) => Ok(Self { bytes, metadata: Some(metadata) }),
            Err(ListFault::File(FileFault::Missing)) => Ok(Self { bytes: Vec::new(), metadata: None }),
            Err(fault) => Err(EditTrouble::Unusable(fault)),
        }
    }

    fn contents(&self, file: &Path) -> Result<Contents, EditTrouble> {
        // Dates are kept as written, so that the zone makes no difference here.
        read_contents(&self.bytes, extension(file), &TimeZone::UTC).map_err(EditTrouble::Unusable)
    }

    /// Writes the new file aside and renames it over the old one, if that is still the same.
    fn replace(&self, file: &Path, bytes: &[u8], folder: &File) -> Result<(), EditTrouble> {
        let aside = aside(file);
        let written = self.write_aside(&aside, bytes).and_then(|()| {
            let now = Self::read(file)?;
            if now.bytes != self.bytes || now.metadata.is_some() != self.metadata.is_some() {
                return Err(EditTrouble::Changed);
            }
            fs::rename(&aside, file)?;
            Ok(folder.sync_all()?)
        });
        if written.is_err() {
            // It may not even be there.
            fs::remove_file(&aside).unwrap_or_default();
        }
        written
    }

    fn write_aside(&self, aside: &Path, bytes: &[u8]) -> Result<(), EditTrouble> {
        // What a crash left, or somebody laid there: it is neither written into nor followed.
        match fs::remove_file(aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside)?;
        file.write_all(bytes)?;
        let made = file.metadata()?;
        let mode = if let Some(old) = &self.metadata {
            let differs = (old.uid(), old.gid()) != (made.uid(), made.gid());
            if differs && fchown(&file, Some(old.uid()), Some(old.gid())).is_err() {
                return Err(EditTrouble::Owner(old.uid()));
            }
            old.permissions().mode() & 0o7777
        } else {
            // The group that may read the folder may read the list: among them is the daemon, if we are root.
            let group = aside.parent().and_then(|folder| fs::metadata(folder).ok()).map(|folder| folder.gid());
            fchown(&file, None, group).unwrap_or_default();
            NEW_MODE
        };
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        Ok(file.sync_all()?)
    }
}

/// Beside the file, in the same folder: another file system could not rename it into place.
fn aside(file: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(".unfinished");
    file.with_file_name(name)
}

/// What a link leads to: the link stays one.
fn resolved(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_missing| file.to_owned())
}

/// The folder of the file, locked against other edits until it is dropped.
fn locked_folder(file: &Path) -> io::Result<File> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")))?;
    folder.lock()?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_does_not_undo_what_somebody_else_delivered_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("left.txt");
        let lock = locked_folder(&file).unwrap();
        let edit = |meanwhile: Option<&str>| {
            let before = Before::read(&file).unwrap();
            if let Some(text) = meanwhile {
                fs::write(&file, text).unwrap();
            }
            before.replace(&file, b"ours\n", &lock)
        };
        assert!(matches!(edit(Some("theirs\n")), Err(EditTrouble::Changed)));
        assert!(matches!(edit(Some("theirs, newer\n")), Err(EditTrouble::Changed)));
        assert_eq!(fs::read_to_string(&file).unwrap(), "theirs, newer\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // What lies in the way of the new file is not written into.
        let victim = folder.path().join("victim");
        fs::write(&victim, "dear").unwrap();
        std::os::unix::fs::symlink(&victim, aside(&file)).unwrap();
        edit(None).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "dear");
        assert_eq!(fs::read_to_string(&file).unwrap(), "ours\n");
    }
}
