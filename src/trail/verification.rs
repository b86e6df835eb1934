//! Verifying a whole trail, segment after segment: for auditors, who read all of it.

use std::collections::BTreeSet;

use super::past::Memory;
use super::reading::{names, read_segment, read_sidecar, segments, sidecar_bytes};
use crate::files::Medium;
use crate::model::AccountName;
use crate::record::{
    Fault, Sidecar, Verification, Verifier, personal_beyond, segment_name, sidecar_length_up_to, sidecar_name,
    sidecar_of, whole_lines,
};

/// Verifies the whole trail of this account. What cannot be read is a fault; so is a trail without records, since a
/// deleted one looks the same.
pub fn verify(medium: &dyn Medium, account: &AccountName) -> Verification {
    let mut found = Verification::of(account.clone());
    // Read before any record: a writer at work is then never ahead of its records by more than one personal part.
    let sidecars = newest_sidecars(medium);
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
    check_end(&sidecars, verifier.last_seq(), &mut found);
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

/// The last two sidecars, newest first: the newest record's own, and one whose segment was not begun or is gone. What
/// cannot be read is told with its segment.
fn newest_sidecars(medium: &dyn Medium) -> Vec<(u64, Vec<u8>)> {
    let mut numbers: Vec<u64> = names(medium).unwrap_or_default().iter().filter_map(|name| sidecar_of(name)).collect();
    numbers.sort_unstable();
    let newest = numbers.into_iter().rev().take(2);
    newest.filter_map(|first_seq| Some((first_seq, sidecar_bytes(medium, first_seq).ok()?))).collect()
}

/// One personal part beyond the last record is what a crash leaves between the two. More of them had records.
fn check_end(sidecars: &[(u64, Vec<u8>)], last_seq: u64, found: &mut Verification) {
    let mut beyond = BTreeSet::new();
    let mut bytes_beyond = 0;
    for (_, bytes) in sidecars {
        let parts = personal_beyond(bytes, last_seq);
        if !parts.is_empty() {
            bytes_beyond += bytes.len().saturating_sub(sidecar_length_up_to(bytes, last_seq));
        }
        beyond.extend(parts);
    }
    match (beyond.first(), beyond.last(), sidecars.first()) {
        (Some(first), Some(last), Some((newest, _))) if first != last => {
            let what = format!("personal parts for records {first} to {last}, which were cut off the end");
            found.found_in_file(sidecar_name(*newest), what);
        }
        _ => found.unfinished_bytes += bytes_beyond,
    }
}
