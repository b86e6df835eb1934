//! What verifying a whole trail found, and its JSON form.
//!
//! Memory stays bounded: of many faults only the first are kept, all are counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Fault, instant_text};
use crate::model::AccountName;

/// At most this many faults are listed.
pub const FAULTS_LISTED_MAX: usize = 1_000;

/// What verifying a trail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whose trail it is.
    pub account: AccountName,
    /// Segments there are.
    pub segments: usize,
    /// Records that could be read.
    pub records: u64,
    /// The host's clock in the first of them.
    pub first: Option<Timestamp>,
    /// The host's clock in the last of them.
    pub last: Option<Timestamp>,
    /// How many of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// Personal parts that are no longer there.
    pub erased: u64,
    /// Bytes of a last record that is not whole, be it in its line or in a personal part that has no line yet: a writer
    /// at work, or a crash; the next start cuts them.
    pub unfinished_bytes: usize,
    /// The first faults, in order.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub faults_total: u64,
}

impl Verification {
    /// Nothing found yet.
    pub fn of(account: AccountName) -> Self {
        Self {
            account,
            segments: 0,
            records: 0,
            first: None,
            last: None,
            kinds: BTreeMap::new(),
            erased: 0,
            unfinished_bytes: 0,
            faults: Vec::new(),
            faults_total: 0,
        }
    }

    /// Whether nothing is wrong.
    pub fn is_verified(&self) -> bool {
        self.faults_total == 0
    }

    /// Adds faults.
    pub fn found(&mut self, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            self.faults_total += 1;
            if self.faults.len() < FAULTS_LISTED_MAX {
                self.faults.push(fault);
            }
        }
    }

    /// Adds a fault of a whole file.
    pub fn found_in_file(&mut self, segment: String, what: String) {
        self.found([Fault { segment, line: 0, what }]);
    }

    /// The document of `audit verify --format json`, on one line.
    pub fn json(&self) -> String {
        let faults =
            self.faults.iter().map(|fault| FoundFault { segment: &fault.segment, line: fault.line, what: &fault.what });
        let document = Document {
            schema: 1,
            account: self.account.as_str(),
            verified: self.is_verified(),
            records: self.records,
            segments: self.segments,
            first: self.first.map(instant_text),
            last: self.last.map(instant_text),
            kinds: &self.kinds,
            erased: self.erased,
            unfinished_bytes: self.unfinished_bytes,
            faults: faults.collect(),
            faults_total: self.faults_total,
        };
        // Texts and numbers always have a JSON form.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u64,
    account: &'a str,
    verified: bool,
    records: u64,
    segments: usize,
    first: Option<String>,
    last: Option<String>,
    kinds: &'a BTreeMap<String, u64>,
    erased: u64,
    unfinished_bytes: usize,
    faults: Vec<FoundFault<'a>>,
    faults_total: u64,
}

#[derive(Serialize)]
struct FoundFault<'a> {
    segment: &'a str,
    line: u64,
    what: &'a str,
}
