//! The last good set: configuration or policies as they were last in force, kept so that a start with a broken set can
//! run on them instead, loudly.
//!
//! One file for each kind, replaced whole: a first line with the SHA-256 of everything after it, then each document with
//! its lengths before it. The digest finds damage, not forgery: whoever uses a kept set says its digest in the trail,
//! where it can be compared with that of the set that came into force.

use std::io;

use super::Medium;
use crate::record::{digest_of_files, sha256_hex};

/// How the first line begins; the number is the version of the form.
const MARK: &str = "evictd-good 1 ";

/// Documents that were in force together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodSet {
    /// Name, as it is shown in findings, and text of each.
    pub files: Vec<(String, String)>,
}

impl GoodSet {
    /// The digest by which records name a set of policies ([`digest_of_files`]). Those name a configuration by the
    /// SHA-256 of its one text instead.
    pub fn digest(&self) -> String {
        digest_of_files(self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }
}

/// Why there is no last good set to be had, although there is a file.
#[derive(Debug, thiserror::Error)]
pub enum GoodTrouble {
    /// The medium did not give it.
    #[error("cannot read the last good set in `{name}`: {error}")]
    Unreadable {
        /// The file.
        name: String,
        /// What the medium says.
        error: io::Error,
    },
    /// It is not as it was written, and nothing of it is used.
    #[error("the last good set in `{name}` is damaged: {what}")]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Keeps the set as the last good one of its kind (`config`, `policies`), durably, and gives its digest. A set that is
/// kept already is not written again.
///
/// # Errors
///
/// When the medium fails, which leaves the set kept before, or when the set is empty.
pub fn keep(medium: &dyn Medium, what: &str, set: &GoodSet) -> io::Result<String> {
    if set.files.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty set is not kept"));
    }
    let (name, bytes) = (name_of(what), bytes_of(set));
    if medium.read(&name).ok().as_ref() != Some(&bytes) {
        medium.replace(&name, &bytes)?;
    }
    Ok(set.digest())
}

/// The last good set of this kind with its digest; none if none was ever kept.
///
/// # Errors
///
/// When there is one that cannot be read, or that is damaged.
pub fn kept(medium: &dyn Medium, what: &str) -> Result<Option<(String, GoodSet)>, GoodTrouble> {
    let name = name_of(what);
    let bytes = match medium.read(&name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(GoodTrouble::Unreadable { name, error }),
        Ok(bytes) => bytes,
    };
    match set_of(&bytes) {
        Ok(set) => Ok(Some((set.digest(), set))),
        Err(what) => Err(GoodTrouble::Damaged { name, what }),
    }
}

fn name_of(what: &str) -> String {
    format!("good-{what}")
}

fn bytes_of(set: &GoodSet) -> Vec<u8> {
    let mut body = String::new();
    for (name, text) in &set.files {
        body += &format!("{} {}\n{name}\n{text}\n", name.len(), text.len());
    }
    format!("{MARK}{}\n{body}", sha256_hex(body.as_bytes())).into_bytes()
}

fn set_of(bytes: &[u8]) -> Result<GoodSet, &'static str> {
    let text = str::from_utf8(bytes).map_err(|_error| "it is not UTF-8")?;
    let (first, mut body) = text.split_once('\n').ok_or("it has no first line")?;
    let digest = first.strip_prefix(MARK).ok_or("its first line is not that of a set of this version")?;
    if sha256_hex(body.as_bytes()) != digest {
        return Err("its digest is another");
    }
    let mut files = Vec::new();
    while !body.is_empty() {
        files.push(file_of(&mut body).ok_or("its lengths do not fit")?);
    }
    if files.is_empty() { Err("it holds nothing") } else { Ok(GoodSet { files }) }
}

/// Takes one document off the front.
fn file_of(body: &mut &str) -> Option<(String, String)> {
    let (lengths, rest) = body.split_once('\n')?;
    let (name, text) = lengths.split_once(' ')?;
    let (name, rest) = rest.split_at_checked(name.parse().ok()?)?;
    let (text, rest) = rest.strip_prefix('\n')?.split_at_checked(text.parse().ok()?)?;
    *body = rest.strip_prefix('\n')?;
    Some((name.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::MemoryMedium;

    fn set(files: &[(&str, &str)]) -> GoodSet {
        GoodSet { files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect() }
    }

    fn check(files: &[(&str, &str)]) {
        let (medium, set) = (MemoryMedium::default(), set(files));
        let digest = keep(&medium, "policies", &set).unwrap();
        medium.crash(|_, _| None);
        assert_eq!(kept(&medium, "policies").unwrap(), Some((digest, set)));
    }

    #[test]
    fn what_was_kept_comes_back_as_it_was() {
        check(&[("a.toml", "schema = 1\n")]);
        check(&[("", ""), ("b\n1 1\n", "Zoë\0\r\n\n"), ("a", "3 4\nabc\ndefg\n")]);
        assert_eq!(kept(&MemoryMedium::default(), "policies").unwrap(), None);
    }

    #[test]
    fn policies_are_kept_by_the_digest_that_records_say() {
        let files = [("b.toml", "schema = 1\n"), ("a.toml", "schema = 1 # first\n")];
        let sources = files.map(|(name, text)| crate::diagnostic::Source::new(name, text));
        let read = crate::policy::read(&sources, None, &mut crate::diagnostic::Findings::default()).unwrap();
        assert_eq!(keep(&MemoryMedium::default(), "policies", &set(&files)).unwrap(), read.digest);
    }

    #[test]
    fn an_empty_set_is_not_kept() {
        let medium = MemoryMedium::default();
        assert_eq!(keep(&medium, "policies", &set(&[])).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(kept(&medium, "policies").unwrap(), None);
        for empty in [Vec::new(), format!("{MARK}{}\n", sha256_hex(b"")).into_bytes()] {
            medium.replace("good-policies", &empty).unwrap();
            assert!(matches!(kept(&medium, "policies"), Err(GoodTrouble::Damaged { .. })), "{empty:?}");
        }
    }

    #[test]
    fn a_set_is_written_once_and_kinds_are_apart() {
        let medium = MemoryMedium::default();
        let (one, two) = (set(&[("a", "1")]), set(&[("b", "1")]));
        keep(&medium, "policies", &one).unwrap();
        keep(&medium, "policies", &one).unwrap();
        keep(&medium, "config", &two).unwrap();
        assert_eq!(medium.calls(), 2);
        // The same texts under other names have the same digest, and yet the names are to be right.
        keep(&medium, "policies", &two).unwrap();
        assert_eq!(medium.calls(), 3);
        assert_eq!(kept(&medium, "policies").unwrap().unwrap().1, two);
        assert_eq!(medium.list().unwrap(), ["good-config", "good-policies"]);
    }

    #[test]
    fn a_set_that_could_not_be_kept_leaves_the_one_before() {
        let medium = MemoryMedium::default();
        let (one, two) = (set(&[("a", "1")]), set(&[("a", "2")]));
        keep(&medium, "config", &one).unwrap();
        medium.fail_after(0);
        assert_eq!(keep(&medium, "config", &two).unwrap_err().kind(), io::ErrorKind::StorageFull);
        medium.crash(|_, _| None);
        assert_eq!(kept(&medium, "config").unwrap(), Some((one.digest(), one)));
    }

    #[test]
    fn a_damaged_set_is_never_used_and_makes_room_for_the_next() {
        let (medium, set) = (MemoryMedium::default(), set(&[("a.toml", "schema = 1\n"), ("b.toml", "x = 2\n")]));
        keep(&medium, "policies", &set).unwrap();
        let whole = medium.read("good-policies").unwrap();
        let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                damaged.push(bytes);
            }
        }
        damaged.push([whole.as_slice(), b"0 0\n\n\n"].concat());
        let body = "1 999\na\nb\n";
        damaged.push(format!("{MARK}{}\n{body}", sha256_hex(body.as_bytes())).into_bytes());
        for bytes in damaged {
            medium.replace("good-policies", &bytes).unwrap();
            let found = kept(&medium, "policies");
            assert!(matches!(found, Err(GoodTrouble::Damaged { .. })), "{:?}", String::from_utf8_lossy(&bytes));
        }
        keep(&medium, "policies", &set).unwrap();
        assert_eq!(medium.read("good-policies").unwrap(), whole);
    }

    #[test]
    fn a_set_that_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("good-config")).unwrap();
        let told = kept(&crate::files::Disk::at(folder.path()), "config").unwrap_err();
        assert_eq!(told.to_string(), "cannot read the last good set in `good-config`: is not a file");
    }
}
