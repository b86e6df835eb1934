//! Reading the trail: which segments there are, and as much of the newest as belts and restarts need, verified.

use std::io;

use jiff::Timestamp;

use super::past::{Memory, memory_begins, zendesk_instant};
use super::{Past, TrailTrouble};
use crate::files::Medium;
use crate::model::AccountName;
use crate::record::{FIRST_PREV, Fault, Line, Sidecar, Verifier, segment_name, segment_of, sidecar_name, whole_lines};

/// The first records of all segments, ascending. A folder that is not there has none.
///
/// # Errors
///
/// When the folder cannot be listed.
pub fn segments(medium: &dyn Medium) -> Result<Vec<u64>, TrailTrouble> {
    let mut segments: Vec<u64> = names(medium)?.iter().filter_map(|name| segment_of(name)).collect();
    segments.sort_unstable();
    Ok(segments)
}

pub(super) fn names(medium: &dyn Medium) -> Result<Vec<String>, TrailTrouble> {
    match medium.list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|error| TrailTrouble::Unreadable { file: ".".to_owned(), error }),
    }
}

/// The bytes of the segment with this first record.
///
/// # Errors
///
/// When the medium does not give them.
pub fn read_segment(medium: &dyn Medium, first_seq: u64) -> Result<Vec<u8>, TrailTrouble> {
    let file = segment_name(first_seq);
    medium.read(&file).map_err(|error| TrailTrouble::Unreadable { file, error })
}

/// What the sidecar of that segment still holds; nothing if there is none.
///
/// # Errors
///
/// When it is there and the medium does not give it.
pub fn read_sidecar(medium: &dyn Medium, first_seq: u64) -> Result<Sidecar, TrailTrouble> {
    sidecar_bytes(medium, first_seq).map(|bytes| Sidecar::read(&bytes))
}

pub(super) fn sidecar_bytes(medium: &dyn Medium, first_seq: u64) -> Result<Vec<u8>, TrailTrouble> {
    let file = sidecar_name(first_seq);
    match medium.read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| TrailTrouble::Unreadable { file, error }),
    }
}

/// The segments that tell of what was written from this instant on, and of a little before.
///
/// # Errors
///
/// When the folder or a segment cannot be read.
pub fn segments_since(medium: &dyn Medium, since: Timestamp) -> Result<Vec<u64>, TrailTrouble> {
    let mut needed = Vec::new();
    for first_seq in segments(medium)?.into_iter().rev() {
        needed.push(first_seq);
        let bytes = read_segment(medium, first_seq)?;
        let first = whole_lines(&bytes).0.next().and_then(|line| Line::read(line).ok());
        if first.is_some_and(|first| first.at < since) {
            break;
        }
    }
    needed.reverse();
    Ok(needed)
}

/// The past of an account, for commands that only look: nothing is locked, cut or written. A torn last line is passed
/// over, since a writer may be at work.
///
/// # Errors
///
/// When the newest part cannot be read or does not verify.
pub fn look(medium: &dyn Medium, account: &AccountName) -> Result<Past, TrailTrouble> {
    Ok(Reading::of(medium, account)?.memory.past())
}

/// The newest part of a trail, verified.
pub(super) struct Reading {
    pub memory: Memory,
    /// The last record; 0 if there is none.
    pub last_seq: u64,
    /// Digest of its line.
    pub prev: String,
    /// The newest segment.
    pub tail: Option<Tail>,
}

pub(super) struct Tail {
    /// Its first record.
    pub first_seq: u64,
    /// Its whole lines.
    pub whole: Vec<u8>,
    /// What a crash left of one more.
    pub torn: Vec<u8>,
}

impl Reading {
    pub(super) fn of(medium: &dyn Medium, account: &AccountName) -> Result<Self, TrailTrouble> {
        let mut segments = segments(medium)?;
        let Some(&newest) = segments.last() else {
            let prev = FIRST_PREV.to_owned();
            return Ok(Self { memory: Memory::default(), last_seq: 0, prev, tail: None });
        };
        segments.drain(..first_needed(medium, &segments)?);
        let oldest = segments.first().copied().unwrap_or(newest);
        let mut verifier = Verifier::beginning(account.clone(), oldest);
        let mut memory = Memory::default();
        let mut tail = None;
        for first_seq in segments {
            let bytes = read_segment(medium, first_seq)?;
            let sidecar = read_sidecar(medium, first_seq)?;
            let torn = take_in(&mut verifier, &mut memory, first_seq, (&bytes, sidecar))?;
            if first_seq == newest {
                let (whole, torn) = bytes.split_at(bytes.len() - torn);
                tail = Some(Tail { first_seq, whole: whole.to_vec(), torn: torn.to_vec() });
            } else if torn > 0 {
                let what = "the last line is not whole".to_owned();
                return Err(TrailTrouble::Broken(Fault { segment: segment_name(first_seq), line: 0, what }));
            }
        }
        let prev = verifier.next_prev().unwrap_or(FIRST_PREV).to_owned();
        Ok(Self { memory, last_seq: verifier.last_seq(), prev, tail })
    }
}

/// Verifies one segment and remembers it; the number of bytes after its last whole line.
fn take_in(
    verifier: &mut Verifier,
    memory: &mut Memory,
    first_seq: u64,
    (bytes, sidecar): (&[u8], Sidecar),
) -> Result<usize, TrailTrouble> {
    let broken =
        |faults: Vec<Fault>| faults.into_iter().next().map_or(Ok(()), |fault| Err(TrailTrouble::Broken(fault)));
    broken(verifier.begin(first_seq, sidecar))?;
    let (lines, torn) = whole_lines(bytes);
    for (number, bytes) in (1_u64..).zip(lines) {
        let (line, faults) = verifier.line(bytes);
        broken(faults)?;
        if let Some(Err(what)) = line.map(|line| memory.take_in(&line)) {
            return broken(vec![Fault { segment: segment_name(first_seq), line: number, what }]).map(|()| 0);
        }
    }
    broken(verifier.end())?;
    Ok(torn.len())
}

/// The index of the oldest segment that must be read: back to one that begins before belts remember, on Zendesk's
/// clock, and to one that holds a record at all.
fn first_needed(medium: &dyn Medium, segments: &[u64]) -> Result<usize, TrailTrouble> {
    let mut newest = None;
    for (index, first_seq) in segments.iter().enumerate().rev() {
        let bytes = read_segment(medium, *first_seq)?;
        let (lines, _) = whole_lines(&bytes);
        // A line that cannot be read is reported by the verification that follows.
        let instants: Vec<_> = lines
            .filter_map(|line| Line::read(line).ok())
            .filter_map(|line| zendesk_instant(&line.entry).ok().flatten())
            .collect();
        newest = newest.max(instants.iter().max().copied());
        let needed = newest.map(memory_begins);
        if needed.is_some_and(|needed| instants.first().is_some_and(|oldest| *oldest <= needed)) {
            return Ok(index);
        }
    }
    Ok(0)
}
