//! One record as bytes, and back.
//!
//! A line's first keys are always `v, seq, at, kind, account, cycle, prev`, then come the body and, if the record has a
//! personal part, `personal`. `seq` is a plain JSON number: it counts records from 1 and stays far below 2^53.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Entry;
use crate::model::{AccountName, CycleId, Outcome};

/// The version of the line format that is written and read here.
pub const VERSION: u64 = 1;

/// `prev` of the very first record: there is no line before it.
pub const FIRST_PREV: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// No line may be longer, in bytes: it would have to be held in memory to be verified.
pub const LINE_BYTES_MAX: usize = 32 << 20;

/// What stands before the body of a record.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Its number, from 1.
    pub seq: u64,
    /// The host's wall clock.
    pub at: Timestamp,
    /// Whose trail it is.
    pub account: &'a AccountName,
    /// The cycle it belongs to, if any.
    pub cycle: Option<&'a CycleId>,
    /// SHA-256 of the line before, hexadecimal; [`FIRST_PREV`] for the first.
    pub prev: &'a str,
}

#[derive(Serialize)]
struct Written<'a> {
    v: u64,
    seq: u64,
    at: String,
    kind: &'static str,
    account: &'a str,
    cycle: Option<&'a str>,
    prev: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<&'a str>,
}

/// The bytes of a record's line, without its newline. `personal` is the digest of its personal part.
///
/// # Errors
///
/// When the line would be longer than [`LINE_BYTES_MAX`].
pub fn line_bytes(head: &Head<'_>, entry: &Entry, personal: Option<&str>) -> Result<Vec<u8>, String> {
    let written = Written {
        v: VERSION,
        seq: head.seq,
        at: instant_text(head.at),
        kind: entry.kind(),
        account: head.account.as_str(),
        cycle: head.cycle.map(CycleId::as_str),
        prev: head.prev,
        entry,
        personal,
    };
    let bytes = serde_json::to_vec(&written).map_err(|error| error.to_string())?;
    if bytes.len() > LINE_BYTES_MAX {
        return Err(format!(
            "a `{}` record would take {} bytes, more than {LINE_BYTES_MAX}",
            entry.kind(),
            bytes.len()
        ));
    }
    Ok(bytes)
}

/// An instant as records have it: RFC 3339, UTC, microseconds.
pub fn instant_text(instant: Timestamp) -> String {
    format!("{instant:.6}")
}

/// SHA-256 of these bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// One digest over several files of a set: of the SHA-256 of each text in order of the names, so that neither the folder
/// nor the order of arguments counts.
pub fn digest_of_files<'t>(files: impl Iterator<Item = (&'t str, &'t str)>) -> String {
    let mut files: Vec<(&str, &str)> = files.collect();
    files.sort_by_key(|(name, _)| *name);
    sha256_hex(files.iter().map(|(_, text)| sha256_hex(text.as_bytes())).collect::<String>().as_bytes())
}

/// The lines that end in a newline, without it, and the bytes after the last newline.
pub fn whole_lines(bytes: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let (whole, torn) = bytes.split_at(end);
    (whole.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line)), torn)
}

/// A record as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// The host's wall clock when it was written.
    pub at: Timestamp,
    /// The word for its kind.
    pub kind: String,
    /// Whose trail it is.
    pub account: AccountName,
    /// The cycle it belongs to, if any.
    pub cycle: Option<CycleId>,
    /// SHA-256 of the line before, hexadecimal.
    pub prev: String,
    /// Digest of its personal part, if it has one: SHA-256 of salt and bytes, hexadecimal.
    pub personal: Option<String>,
    /// The body.
    pub entry: Entry,
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

#[derive(Deserialize)]
struct Read {
    seq: u64,
    at: String,
    kind: String,
    account: String,
    cycle: Option<String>,
    prev: String,
    personal: Option<String>,
}

impl Line {
    /// Whether it is an outcome that a later one may still settle: what a cycle found unclear. Whoever settles writes
    /// outside of any cycle, and that is the last word.
    pub fn leaves_intent_open(&self) -> bool {
        let unclear = matches!(&self.entry, Entry::RevocationOutcome(body) if body.outcome == Outcome::Unclear.word());
        unclear && self.cycle.is_some()
    }

    /// Reads a line without its newline.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one sentence; parts of the line may be quoted in it, so show it as foreign text.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LINE_BYTES_MAX {
            return Err(format!("the line has {} bytes, more than {LINE_BYTES_MAX}", bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
        let Version { v } = serde_json::from_str(text).map_err(|error| format!("not a record: {error}"))?;
        if v != VERSION {
            return Err(format!("written in version {v} of the format, this program reads version {VERSION}"));
        }
        let read: Read = serde_json::from_str(text).map_err(|error| format!("not a record: {error}"))?;
        let entry =
            Entry::from_line(&read.kind, text).map_err(|error| format!("not a `{}` record: {error}", read.kind))?;
        let at = read.at.parse().map_err(|error| format!("`at` is no instant: {error}"))?;
        Ok(Self {
            seq: read.seq,
            at,
            kind: read.kind,
            account: AccountName::new(read.account),
            cycle: read.cycle.map(CycleId::new),
            prev: read.prev,
            personal: read.personal,
            entry,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{DaemonStopped, PolicyRejected};

    fn stopped(cycle: Option<&CycleId>, personal: Option<&str>) -> Vec<u8> {
        let account = AccountName::new("acme");
        let at = "2026-11-23T08:00:00.5Z".parse().unwrap();
        let head = Head { seq: 1, at, account: &account, cycle, prev: FIRST_PREV };
        line_bytes(&head, &DaemonStopped { exit: 0 }.into(), personal).unwrap()
    }

    #[test]
    fn a_line_has_its_keys_in_the_published_order() {
        let cycle = CycleId::new("0198-x");
        let text = String::from_utf8(stopped(Some(&cycle), Some("ab"))).unwrap();
        let expected = [
            r#"{"v":1,"seq":1,"at":"2026-11-23T08:00:00.500000Z","kind":"daemon.stopped","account":"acme","#,
            r#""cycle":"0198-x","prev":""#,
            FIRST_PREV,
            r#"","exit":0,"personal":"ab"}"#,
        ]
        .concat();
        assert_eq!(text, expected);
        assert!(String::from_utf8(stopped(None, None)).unwrap().contains(r#""cycle":null,"prev""#));
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let line = Line::read(&stopped(None, Some("ab"))).unwrap();
        assert_eq!((line.seq, line.kind.as_str(), line.personal.as_deref()), (1, "daemon.stopped", Some("ab")));
        assert_eq!(line.entry, DaemonStopped { exit: 0 }.into());
    }

    /// A body that used one of the first keys again would make the line unreadable, and with it the trail.
    #[test]
    fn a_rejected_set_reads_back_as_it_was_written() {
        let rejected =
            PolicyRejected { errors: 2, kept: "ab".to_owned(), during: "reload".to_owned(), unsigned: false };
        let head = Head {
            seq: 1,
            at: "2026-11-23T08:00:00.5Z".parse().unwrap(),
            account: &AccountName::new("acme"),
            cycle: None,
            prev: FIRST_PREV,
        };
        let line = Line::read(&line_bytes(&head, &rejected.clone().into(), Some("ab")).unwrap()).unwrap();
        assert_eq!((line.at.to_string().as_str(), line.entry), ("2026-11-23T08:00:00.5Z", rejected.into()));
    }

    #[test]
    fn what_is_no_record_says_why() {
        let check = |bytes: &[u8], part: &str| {
            let error = Line::read(bytes).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        let good = String::from_utf8(stopped(None, None)).unwrap();
        check(b"", "not a record");
        check(b"{", "not a record");
        check(b"\xff\xfe", "not UTF-8");
        check(b"\0\0\0", "not a record");
        check(good.replace("\"v\":1", "\"v\":2").as_bytes(), "version 2");
        check(good.replace("daemon.stopped", "daemon.exploded").as_bytes(), "unknown kind");
        check(good.replace("\"exit\":0", "\"exit\":\"x\"").as_bytes(), "not a `daemon.stopped` record");
        check(good.replace("2026-11", "2026-13").as_bytes(), "`at` is no instant");
        check(good.replace("\"seq\":1", "\"seq\":1,\"seq\":2").as_bytes(), "duplicate field `seq`");
        check(&vec![b'['; LINE_BYTES_MAX + 1], "more than");
        check(&[b"{\"x\":".as_slice(), &vec![b'['; 100_000]].concat(), "not a record");
    }

    #[test]
    fn bytes_split_into_whole_lines_and_a_torn_rest() {
        let split = |text: &'static str| {
            let (lines, torn) = whole_lines(text.as_bytes());
            (lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>(), torn)
        };
        assert_eq!(split(""), (vec![], &b""[..]));
        assert_eq!(split("a"), (vec![], &b"a"[..]));
        assert_eq!(split("a\n\nb"), (vec!["a".into(), String::new()], &b"b"[..]));
        assert_eq!(split("a\nb\n"), (vec!["a".into(), "b".into()], &b""[..]));
    }
}
