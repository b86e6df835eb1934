//! A table of a document that remembers what it was asked for.

use std::ops::Range;

use toml::de::DeTable;

use super::{Item, did_you_mean};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};

/// A table: from a header, from dotted keys, or written inline.
#[derive(Debug, Clone)]
pub struct Table<'d> {
    source: &'d Source,
    span: Range<usize>,
    entries: &'d DeTable<'d>,
    asked: Vec<&'static str>,
}

impl<'d> Table<'d> {
    pub(super) fn new(source: &'d Source, span: Range<usize>, entries: &'d DeTable<'d>) -> Self {
        Self { source, span, entries, asked: Vec::new() }
    }

    /// The file it is in.
    pub fn source(&self) -> &'d Source {
        self.source
    }

    /// Where it begins: its header, its braces, or the key that made it. The file's own table: the very start.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether it has no keys at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key that must be there: a finding if it is not.
    pub fn required(&mut self, key: &'static str, findings: &mut Findings) -> Option<Item<'d>> {
        let item = self.optional(key);
        if item.is_none() {
            let fault = self.fault(Code::MissingKey, format!("{} is missing", quoted(key)));
            findings.push(fault.help(format!("add `{key} = …` here, or as a table of that name")));
        }
        item
    }

    /// The value of a key that may be there.
    pub fn optional(&mut self, key: &'static str) -> Option<Item<'d>> {
        self.asked.push(key);
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Item::new(self.source, key, value))
    }

    /// All entries, in file order, whether asked for or not.
    pub fn entries(&self) -> Vec<Item<'d>> {
        let mut all: Vec<_> = self.entries.iter().map(|(key, value)| Item::new(self.source, key, value)).collect();
        all.sort_by_key(|item| item.key_span().start);
        all
    }

    /// The entries nobody asked for, in file order.
    pub fn rest(&self) -> Vec<Item<'d>> {
        let mut all = self.entries();
        all.retain(|item| !self.asked.contains(&item.key()));
        all
    }

    /// Reports every entry nobody asked for as an unknown key.
    pub fn finish(self, findings: &mut Findings) {
        for item in self.rest() {
            let fault = item.fault_at_key(Code::UnknownKey, format!("{} is not known here", quoted(item.key())));
            let advice =
                findings.has_room_for(self.source).then(|| did_you_mean(item.key(), self.asked.iter().copied()));
            findings.push(match advice.flatten() {
                Some(help) => fault.help(help),
                None => fault,
            });
        }
    }

    /// A finding about the table as a whole.
    pub fn fault(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, message).at(self.source, self.span.clone(), "")
    }
}
