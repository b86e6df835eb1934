//! Named lists: sets of texts that several conditions share.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::document::{Item, did_you_mean};

/// The lists of a policy set, by name.
#[derive(Debug, Default)]
pub struct Lists {
    known: BTreeMap<String, List>,
}

#[derive(Debug)]
struct List {
    entries: Option<BTreeSet<String>>,
    place: (Source, Range<usize>),
    used: bool,
}

impl Lists {
    /// Reads one `[list.NAME]`.
    pub(super) fn read(&mut self, item: &Item<'_>, findings: &mut Findings) {
        let name = item.key();
        let Some(mut table) = item.table(findings) else { return };
        if let Some(list) = self.known.get(name) {
            let fault = item.fault_at_key(Code::DuplicateId, format!("another list has the name {}", quoted(name)));
            findings.push(fault.at(&list.place.0, list.place.1.clone(), "first used here"));
            return;
        }
        let kind = table.required("type", findings);
        let is_text = kind.is_some_and(|kind| match kind.text(findings) {
            Some("text") => true,
            Some(other @ ("address" | "asn")) => {
                let message = format!("lists of type {} come with the facts about addresses", quoted(other));
                findings.push(kind.fault(Code::NotYet, message));
                false
            }
            Some(other) => {
                findings.push(kind.fault(Code::UnknownValue, format!("`type` cannot be {}", quoted(other))));
                false
            }
            None => false,
        });
        let entries = table.required("entries", findings).and_then(|item| {
            let texts = item.texts(findings)?;
            if texts.is_empty() {
                findings.push(item.fault(Code::EmptySet, format!("list {} has no entries", quoted(name))));
                return None;
            }
            Some(texts.into_iter().map(|(_, text)| text.to_owned()).collect())
        });
        let place = (item.source().clone(), item.key_span());
        self.known.insert(name.to_owned(), List { entries: entries.filter(|_| is_text), place, used: false });
        table.finish(findings);
    }

    /// The entries of the list that this element names; a finding if there is no such list.
    pub(super) fn entries(&mut self, name: &str, element: &Item<'_>, findings: &mut Findings) -> Vec<String> {
        if let Some(list) = self.known.get_mut(name) {
            list.used = true;
            return list.entries.iter().flatten().cloned().collect();
        }
        let fault = element.fault(Code::UnknownList, format!("there is no list {}", quoted(name)));
        let nearest = did_you_mean(name, self.known.keys().map(String::as_str));
        let advice = "define `[list.NAME]` in any file of the set; a text that starts with @ is written `@@…`";
        findings.push(fault.help(nearest.unwrap_or_else(|| advice.to_owned())));
        Vec::new()
    }

    pub(super) fn report_unused(&self, findings: &mut Findings) {
        for (name, list) in self.known.iter().filter(|(_, list)| !list.used) {
            let fault = Diagnostic::new(Code::UnusedList, format!("no condition uses list {}", quoted(name)));
            findings.push(fault.at(&list.place.0, list.place.1.clone(), ""));
        }
    }
}
