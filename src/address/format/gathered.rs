//! Entries while they are read: each as its list's kind wants it, what could not be read, and the limits on both.

use std::fmt;

use super::ListFault;
use crate::address::{Block, Contents, Format, ListKind, Networks, Numbers, Texts, parse_asn, parse_networks};

/// No list has more entries, unreadable ones included, and no more networks than this once ranges are split.
pub const ENTRIES_MAX: usize = 1_000_000;

/// Of the unreadable entries this many are told.
pub const FAULTS_KEPT: usize = 20;

/// No text in a list is longer, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// An entry that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFault {
    /// Its line; in a JSON document its number among the entries; from 1.
    pub place: u32,
    /// Whether the place is a line.
    pub is_line: bool,
    /// What is wrong, in words that repeat nothing of it.
    pub what: String,
}

impl fmt::Display for EntryFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", if self.is_line { "line" } else { "entry" }, self.place, self.what)
    }
}

/// A list as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it holds.
    pub contents: Contents,
    /// How it is written.
    pub format: Format,
    /// How many entries could be read, duplicates included.
    pub entries: usize,
    /// How many networks had bits set behind their prefix and were taken without them.
    pub had_host_bits: usize,
    /// How many entries could not be read.
    pub unreadable: usize,
    /// The first of those.
    pub faults: Vec<EntryFault>,
}

/// The entries so far.
pub(super) struct Gathered {
    kind: ListKind,
    /// Whether places are lines.
    pub(super) by_lines: bool,
    blocks: Vec<(Block, u32)>,
    numbers: Vec<(u32, u32)>,
    texts: Vec<String>,
    entries: usize,
    had_host_bits: usize,
    unreadable: usize,
    faults: Vec<EntryFault>,
}

impl Gathered {
    pub(super) fn new(kind: ListKind) -> Self {
        Self {
            kind,
            by_lines: true,
            blocks: Vec::new(),
            numbers: Vec::new(),
            texts: Vec::new(),
            entries: 0,
            had_host_bits: 0,
            unreadable: 0,
            faults: Vec::new(),
        }
    }

    /// What the entries are.
    pub(super) fn kind(&self) -> ListKind {
        self.kind
    }

    /// How many there were, unreadable ones included.
    pub(super) fn seen(&self) -> usize {
        self.entries + self.unreadable
    }

    /// Takes in one entry.
    pub(super) fn take(&mut self, place: usize, text: &str) -> Result<(), ListFault> {
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        match self.kind {
            ListKind::Address => match parse_networks(text) {
                Ok(said) => {
                    self.had_host_bits += usize::from(said.had_host_bits);
                    self.blocks.extend(said.blocks.into_iter().map(|block| (block, number)));
                }
                Err(fault) => return self.refuse(place, &fault.to_string()),
            },
            ListKind::Asn => match parse_asn(text) {
                Some(asn) => self.numbers.push((asn, number)),
                None => return self.refuse(place, "it is no AS number such as `AS64500`"),
            },
            ListKind::Text if text.is_empty() => return self.refuse(place, "it is empty"),
            ListKind::Text if text.len() > TEXT_BYTES_MAX => return self.refuse(place, "it is longer than 1024 bytes"),
            ListKind::Text => self.texts.push(text.to_owned()),
        }
        self.entries += 1;
        self.check_size()
    }

    /// Counts one that cannot be read.
    pub(super) fn refuse(&mut self, place: usize, what: &str) -> Result<(), ListFault> {
        self.unreadable += 1;
        if self.faults.len() < FAULTS_KEPT {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            self.faults.push(EntryFault { place, is_line: self.by_lines, what: what.to_owned() });
        }
        self.check_size()
    }

    fn check_size(&self) -> Result<(), ListFault> {
        let fits = self.seen() <= ENTRIES_MAX && self.blocks.len() <= ENTRIES_MAX;
        if fits { Ok(()) } else { Err(ListFault::TooManyEntries) }
    }

    pub(super) fn finish(self, format: Format) -> Result<Reading, ListFault> {
        if self.unreadable > self.entries
            && let Some(first) = self.faults.first()
        {
            return Err(ListFault::MostlyUnreadable { first: first.clone() });
        }
        if self.entries == 0 {
            return Err(ListFault::Empty);
        }
        let contents = match self.kind {
            ListKind::Address => Contents::Addresses(self.blocks.into_iter().collect::<Networks>()),
            ListKind::Asn => Contents::Asns(self.numbers.into_iter().collect::<Numbers>()),
            ListKind::Text => Contents::Texts(self.texts.into_iter().collect::<Texts>()),
        };
        Ok(Reading {
            contents,
            format,
            entries: self.entries,
            had_host_bits: self.had_host_bits,
            unreadable: self.unreadable,
            faults: self.faults,
        })
    }
}
