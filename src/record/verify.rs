//! Verification: is every record there, in order, unchanged, and does each outcome have its intent?
//!
//! Fed segment by segment and line by line, so that memory stays bounded by one segment and the open intents. What it
//! cannot see is a trail whose newest records were cut off whole: that takes an anchor outside the host.

use std::collections::BTreeSet;

use super::{Entry, FIRST_PREV, Line, Sidecar, segment_name, sha256_hex, sidecar_name};
use crate::model::AccountName;

/// Something in the trail that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub segment: String,
    /// The line in it, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong, in one sentence. May quote the line, so show it as foreign text.
    pub what: String,
}

/// Checks a trail's lines as they are fed to it.
#[derive(Debug)]
pub struct Verifier {
    account: AccountName,
    /// Number and digest the next line must link to; no digest where the line before was not read.
    last_seq: u64,
    last_digest: Option<String>,
    /// Intents before this record were not read.
    read_from: u64,
    open_intents: BTreeSet<u64>,
    segment: u64,
    line: u64,
    sidecar: Sidecar,
    erased: u64,
}

impl Verifier {
    /// For a whole trail of this account, from its first record.
    pub fn of_whole(account: AccountName) -> Self {
        Self::beginning(account, 1)
    }

    /// For the part of a trail that begins with the segment of this first record; what came before is taken on trust.
    pub fn beginning(account: AccountName, first_seq: u64) -> Self {
        Self {
            account,
            last_seq: first_seq.saturating_sub(1),
            last_digest: (first_seq <= 1).then(|| FIRST_PREV.to_owned()),
            read_from: first_seq,
            open_intents: BTreeSet::new(),
            segment: first_seq,
            line: 0,
            sidecar: Sidecar::default(),
            erased: 0,
        }
    }

    /// The number of the last record; one less than the first to come if there was none yet.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// What the next record's `prev` must be; `None` where the line before was not read.
    pub fn next_prev(&self) -> Option<&str> {
        self.last_digest.as_deref()
    }

    /// Records with a personal part that is no longer there.
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// Begins the segment of this first record.
    pub fn begin(&mut self, first_seq: u64, mut sidecar: Sidecar) -> Vec<Fault> {
        let sidecar_file = sidecar_name(first_seq);
        let mut faults: Vec<Fault> = sidecar
            .faults()
            .into_iter()
            .map(|(line, what)| Fault { segment: sidecar_file.clone(), line, what })
            .collect();
        self.segment = first_seq;
        self.line = 0;
        self.sidecar = sidecar;
        let expected = self.next_seq();
        if first_seq != expected {
            faults
                .push(self.fault(format!("the segment begins at record {first_seq}, record {expected} should follow")));
            self.last_seq = first_seq.saturating_sub(1);
            self.last_digest = None;
            self.read_from = first_seq;
        }
        faults
    }

    /// Takes one line without its newline. A line that is no record comes back as `None`, with a fault.
    pub fn line(&mut self, bytes: &[u8]) -> (Option<Line>, Vec<Fault>) {
        self.line += 1;
        let digest = sha256_hex(bytes);
        let (line, faults) = match Line::read(bytes) {
            Ok(line) => {
                let wrong = self.wrong_with(&line);
                self.last_seq = line.seq;
                (Some(line), wrong.into_iter().map(|what| self.fault(what)).collect())
            }
            Err(what) => {
                self.last_seq = self.next_seq();
                (None, vec![self.fault(what)])
            }
        };
        self.last_digest = Some(digest);
        (line, faults)
    }

    /// Ends the segment: every personal part left over must belong to a record that is still to come.
    pub fn end(&mut self) -> Vec<Fault> {
        let segment = sidecar_name(self.segment);
        let left = self.sidecar.left_up_to(self.last_seq);
        self.sidecar = Sidecar::default();
        left.into_iter()
            .map(|seq| Fault {
                segment: segment.clone(),
                line: 0,
                what: format!("a personal part for record {seq}, which has none"),
            })
            .collect()
    }

    fn next_seq(&self) -> u64 {
        self.last_seq.saturating_add(1)
    }

    fn fault(&self, what: String) -> Fault {
        Fault { segment: segment_name(self.segment), line: self.line, what }
    }

    fn wrong_with(&mut self, line: &Line) -> Vec<String> {
        let mut wrong = Vec::new();
        let expected = self.next_seq();
        if line.seq > expected {
            wrong.push(format!("record {expected} is missing, record {} stands in its place", line.seq));
        } else if line.seq < expected {
            wrong.push(format!("record {} comes again where record {expected} should follow", line.seq));
        }
        if self.last_digest.as_ref().is_some_and(|digest| *digest != line.prev) {
            wrong.push(format!("record {} does not link to the line before: one of the two was changed", line.seq));
        }
        if line.account != self.account {
            wrong.push(format!("record {} belongs to account `{}`", line.seq, line.account));
        }
        if let Some(digest) = &line.personal {
            match self.sidecar.take(line.seq, digest) {
                None => self.erased += 1,
                Some(true) => {}
                Some(false) => wrong.push(format!("the personal part of record {} was changed", line.seq)),
            }
        }
        wrong.extend(self.wrong_with_intents(line));
        wrong
    }

    fn wrong_with_intents(&mut self, line: &Line) -> Option<String> {
        match &line.entry {
            Entry::RevocationIntended(_) => {
                self.open_intents.insert(line.seq);
                None
            }
            Entry::RevocationOutcome(outcome) => {
                let named = outcome.intent.as_ref()?;
                match named.parse::<u64>() {
                    Ok(intent) if intent < self.read_from || self.open_intents.remove(&intent) => None,
                    _ => Some(format!("the outcome names record `{named}`, which is no intent still without one")),
                }
            }
            _ => None,
        }
    }
}
