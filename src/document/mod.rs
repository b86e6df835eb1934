//! One TOML 1.0 text as tables that know their places.
//!
//! A reader asks a [`Table`] for the keys it knows and reads each [`Item`] as the kind it wants; every fault goes to the
//! findings, and what was not asked for is an unknown key. The only room that names the TOML crates. What the keys mean
//! is decided by `config` and `policy`.

mod item;
mod keys;
mod scan;
mod table;

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

pub use item::{Item, Kind};
pub use table::Table;

use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};

/// A file that could be read as TOML, perhaps with faults that are in the findings.
#[derive(Debug)]
pub struct Document<'s> {
    source: &'s Source,
    root: Spanned<DeTable<'s>>,
}

impl<'s> Document<'s> {
    /// Reads the text. Duplicate and conflicting keys, tables out of place and what only TOML 1.1 allows are all
    /// reported and the document is still returned; of other syntax faults only the first, and then nothing is returned.
    pub fn read(source: &'s Source, findings: &mut Findings) -> Option<Self> {
        let scan = scan::scan(source);
        if let Some(fault) = scan.too_deep {
            findings.push(fault);
            return None;
        }
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        let (conflicts, broken): (Vec<_>, Vec<_>) = errors.iter().partition(|error| is_conflict(error.message()));
        let first_broken = broken.into_iter().min_by_key(|error| place(error).start);
        let limit = first_broken.map_or(usize::MAX, |error| place(error).start);
        for (span, extended) in distinct(&conflicts) {
            if span.start <= limit {
                findings.push(conflict(source, &span, extended, &scan.keys));
            }
        }
        let Some(error) = first_broken else {
            scan.too_new
                .into_iter()
                .map(|(_, fault)| fault)
                .chain(scan.misplaced)
                .for_each(|fault| findings.push(fault));
            return Some(Self { source, root });
        };
        // An inline table that is never closed looks like one over several lines: that is then the better report.
        let too_new = scan.too_new.into_iter().next().filter(|(at, _)| *at < limit);
        findings.push(too_new.map_or_else(
            || Diagnostic::new(Code::Syntax, error.message().to_owned()).at(source, place(error), ""),
            |(_, fault)| fault,
        ));
        None
    }

    /// The table of the keys that stand before any header, and of all headers.
    pub fn root(&self) -> Table<'_> {
        Table::new(self.source, self.root.span(), self.root.get_ref())
    }
}

fn is_conflict(message: &str) -> bool {
    message == "duplicate key" || message.starts_with("cannot extend value of type")
}

fn place(error: &toml::de::Error) -> Range<usize> {
    error.span().unwrap_or(0..0)
}

/// The places of conflicts, in order, each once: the parser reports a header twice when it opens and when it closes.
fn distinct(errors: &[&toml::de::Error]) -> Vec<(Range<usize>, bool)> {
    let mut all: Vec<_> = errors.iter().map(|error| (place(error), error.message() != "duplicate key")).collect();
    all.sort_by_key(|(span, extended)| (span.start, span.end, *extended));
    all.dedup_by_key(|(span, _)| span.clone());
    all
}

fn conflict(source: &Source, span: &Range<usize>, extended: bool, keys: &keys::Keys) -> Diagnostic {
    let key = quoted(source.text.get(span.clone()).unwrap_or_default());
    let message = if extended {
        format!("{key} already has a value and cannot be a table as well")
    } else {
        format!("{key} is defined twice")
    };
    let diagnostic = Diagnostic::new(Code::DuplicateKey, message).at(source, span.clone(), "");
    match keys.earlier(span.start) {
        Some(first) => diagnostic.at(source, first, "defined here first"),
        None => diagnostic,
    }
}

/// The candidate that was probably meant by a misspelt word: one that differs in at most a third of its letters.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LETTERS_MAX: usize = 64;
    let letters = word.chars().count();
    if letters > LETTERS_MAX {
        return None;
    }
    let distances = candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= letters.max(candidate.chars().count()) / 3);
    distances.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Advice after a misspelt word: the one probably meant, else all that are known.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> Option<String> {
    if let Some(meant) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean {}?", quoted(meant)));
    }
    let known = crate::diagnostic::quoted_list(candidates);
    (!known.is_empty()).then(|| format!("known here: {known}"))
}

#[cfg(test)]
mod tests;
