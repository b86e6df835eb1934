//! The personal part of a record: kept apart in the segment's sidecar, bound to its line by a salted digest.
//!
//! The line carries SHA-256 of salt and bytes. Whoever deletes the sidecar's entry erases the person and breaks no
//! proof; without the salt the digest cannot be guessed back.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{LINE_BYTES_MAX, whole_lines};

/// Names, e-mails, addresses and whatever else must stay erasable.
pub type Personal = serde_json::Value;

/// Length of a salt.
pub const SALT_BYTES: usize = 16;

/// A personal part, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What the record's line carries, hexadecimal.
    pub digest: String,
    /// The sidecar's line, without its newline.
    pub line: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    seq: u64,
    salt: String,
    bytes: String,
}

/// Binds a personal part to the record of this number.
///
/// # Errors
///
/// When its sidecar line would be longer than [`LINE_BYTES_MAX`].
pub fn seal(seq: u64, personal: &Personal, salt: [u8; SALT_BYTES]) -> Result<Sealed, String> {
    let bytes = personal.to_string();
    let digest = digest_of(&salt, &bytes);
    let line = serde_json::to_vec(&Kept { seq, salt: hex::encode(salt), bytes }).map_err(|error| error.to_string())?;
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("a personal part would take {} bytes, more than {LINE_BYTES_MAX}", line.len()));
    }
    Ok(Sealed { digest, line })
}

fn digest_of(salt: &[u8], bytes: &str) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(bytes).finalize())
}

/// What a segment's sidecar still holds.
#[derive(Debug, Default)]
pub struct Sidecar {
    kept: BTreeMap<u64, Kept>,
    faults: Vec<(u64, String)>,
}

impl Sidecar {
    /// Reads a whole sidecar; a torn last line is passed over.
    pub fn read(bytes: &[u8]) -> Self {
        let mut sidecar = Self::default();
        let (lines, _) = whole_lines(bytes);
        for (number, line) in (1_u64..).zip(lines) {
            match serde_json::from_slice::<Kept>(line) {
                Ok(kept) if sidecar.kept.contains_key(&kept.seq) => {
                    sidecar.faults.push((number, format!("a second personal part for record {}", kept.seq)));
                }
                Ok(kept) => {
                    sidecar.kept.insert(kept.seq, kept);
                }
                Err(error) => sidecar.faults.push((number, format!("not a personal part: {error}"))),
            }
        }
        sidecar
    }

    /// The personal part of this record as it was written, if it was not erased.
    pub fn text(&self, seq: u64) -> Option<&str> {
        self.kept.get(&seq).map(|kept| kept.bytes.as_str())
    }

    /// Lines that are no entry: number from 1, and what is wrong.
    pub(super) fn faults(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.faults)
    }

    /// Takes out the entry of this record: whether its salt and bytes have the digest; `None` if it was erased.
    pub(super) fn take(&mut self, seq: u64, digest: &str) -> Option<bool> {
        let kept = self.kept.remove(&seq)?;
        Some(
            hex::decode(&kept.salt)
                .is_ok_and(|salt| salt.len() == SALT_BYTES && digest_of(&salt, &kept.bytes) == digest),
        )
    }

    /// The records up to this one whose entry nobody took.
    pub(super) fn left_up_to(&self, seq: u64) -> Vec<u64> {
        self.kept.range(..=seq).map(|(seq, _)| *seq).collect()
    }
}

/// The records beyond this one that a sidecar has entries for, ascending. A personal part is written before its record,
/// one after the other.
pub fn personal_beyond(bytes: &[u8], seq: u64) -> Vec<u64> {
    let beyond = (Bound::Excluded(seq), Bound::Unbounded);
    Sidecar::read(bytes).kept.range(beyond).map(|(seq, _)| *seq).collect()
}

/// How many of the sidecar's bytes belong to records up to this one: whole lines before the first entry beyond it.
pub fn sidecar_length_up_to(bytes: &[u8], seq: u64) -> usize {
    let (lines, _) = whole_lines(bytes);
    lines
        .take_while(|line| serde_json::from_slice::<Kept>(line).map_or(true, |kept| kept.seq <= seq))
        .map(|line| line.len() + 1)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_part_opens_and_a_changed_one_does_not() {
        let personal = serde_json::json!({ "email": "zoë@example.com\n" });
        let sealed = seal(7, &personal, [9; SALT_BYTES]).unwrap();
        let file = [sealed.line.as_slice(), b"\n{\"seq\":9,"].concat();
        let mut sidecar = Sidecar::read(&file);
        assert_eq!(sidecar.text(7), Some(personal.to_string().as_str()));
        assert_eq!(sidecar.take(7, &sealed.digest), Some(true));
        assert_eq!(sidecar.take(7, &sealed.digest), None);

        let changed = String::from_utf8(file).unwrap().replace("example.com", "example.org");
        assert_eq!(Sidecar::read(changed.as_bytes()).take(7, &sealed.digest), Some(false));
    }

    #[test]
    fn only_entries_of_written_records_count_into_the_length() {
        let line = |seq| [seal(seq, &Personal::Null, [0; SALT_BYTES]).unwrap().line, b"\n".to_vec()].concat();
        let file = [line(3), line(5), b"{\"seq\"".to_vec()].concat();
        assert_eq!(sidecar_length_up_to(&file, 5), line(3).len() + line(5).len());
        assert_eq!(sidecar_length_up_to(&file, 4), line(3).len());
        assert_eq!(sidecar_length_up_to(&file, 2), 0);
    }
}
