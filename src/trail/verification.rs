//! Verifying a whole trail, segment after segment: for auditors, who read all of it.

use super::past::Memory;
use super::reading::{read_segment, read_sidecar, segments};
use crate::files::Medium;
use crate::model::AccountName;
use crate::record::{Fault, Sidecar, Verification, Verifier, segment_name, sidecar_name, whole_lines};

/// Verifies the whole trail of this account. What cannot be read is a fault; so is a trail without records, since a
/// deleted one looks the same.
pub fn verify(medium: &dyn Medium, account: &AccountName) -> Verification {
    let mut found = Verification::of(account.clone());
    let segments = match segments(medium) {
        Ok(segments) => segments,
        Err(trouble) => {
            found.found_in_file(".".to_owned(), trouble.to_string());
            return found;
        }
    };
    found.segments = segments.len();
    let mut verifier = Verifier::of_whole(account.clone());
    for (index, first_seq) in segments.iter().enumerate() {
        let torn = verify_segment(medium, *first_seq, &mut verifier, &mut found);
        if index + 1 == segments.len() {
            found.unfinished_bytes = torn;
        } else if torn > 0 {
            found.found_in_file(segment_name(*first_seq), "the last line is not whole".to_owned());
        }
    }
    found.erased = verifier.erased();
    if found.records == 0 && found.faults_total == 0 {
        found.found_in_file(".".to_owned(), "there are no records".to_owned());
    }
    found
}

/// The number of bytes after the last whole line.
fn verify_segment(medium: &dyn Medium, first_seq: u64, verifier: &mut Verifier, found: &mut Verification) -> usize {
    let sidecar = match read_sidecar(medium, first_seq) {
        Ok(sidecar) => sidecar,
        Err(trouble) => {
            found.found_in_file(sidecar_name(first_seq), trouble.to_string());
            Sidecar::default()
        }
    };
    found.found(verifier.begin(first_seq, sidecar));
    let bytes = match read_segment(medium, first_seq) {
        Ok(bytes) => bytes,
        Err(trouble) => {
            found.found_in_file(segment_name(first_seq), trouble.to_string());
            return 0;
        }
    };
    let (lines, torn) = whole_lines(&bytes);
    for (number, bytes) in (1_u64..).zip(lines) {
        let (line, faults) = verifier.line(bytes);
        found.found(faults);
        let Some(line) = line else { continue };
        if let Err(what) = Memory::default().take_in(&line) {
            found.found([Fault { segment: segment_name(first_seq), line: number, what }]);
        }
        found.records += 1;
        found.first = found.first.or(Some(line.at));
        found.last = Some(line.at);
        *found.kinds.entry(line.kind).or_default() += 1;
    }
    found.found(verifier.end());
    torn.len()
}
