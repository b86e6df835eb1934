//! Findings about text that a person wrote: what is wrong, where exactly, what to do about it.
//!
//! Here are the findings, their codes and their two forms, text with carets and JSON. What counts as wrong is decided
//! by the rooms that read; nothing here opens a file or prints.

mod code;
mod json;
mod render;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use code::{Code, Level};
pub use json::{error_places, to_json};
pub use render::{Style, render};

use crate::model::{Foreign, is_harmful};

/// Of one file this many findings are kept and shown; the rest are counted.
pub const FINDINGS_PER_FILE_MAX: usize = 200;

/// One file as it was read. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as it is shown.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    /// Where each line after the first begins: a file may ask for as many lines as it has.
    line_starts: Arc<[usize]>,
}

impl Source {
    /// A file with this name and text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// The line, from 1, in which this byte stands.
    pub fn line(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte) + 1
    }

    /// Where this line, counted from 1, begins; the end of the text if there is none.
    pub fn line_start(&self, line: usize) -> usize {
        match line.checked_sub(2) {
            None => 0,
            Some(index) => self.line_starts.get(index).copied().unwrap_or(self.text.len()),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

/// A place in a file, and what is to be said about it there.
#[derive(Debug, Clone)]
pub struct Label {
    /// The file.
    pub source: Source,
    /// Bytes from the start of the text.
    pub span: Range<usize>,
    /// A few words that stand beside the carets; may be empty.
    pub text: String,
}

/// One thing that is wrong, or looks it.
///
/// The message is one sentence with a small first letter and without full stop, text of the user in backticks (see
/// [`quoted`]); advice belongs into the help line.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What kind of thing; decides whether it is an error.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where: the first is the place itself, the others explain it.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// The lines may hold a secret: their places are named, they themselves are not shown.
    pub concealed: bool,
}

impl Diagnostic {
    /// A finding that has no place yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), labels: Vec::new(), help: None, concealed: false }
    }

    /// Adds a place: the first one added is where the fault is, later ones explain it.
    #[must_use]
    pub fn at(mut self, source: &Source, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: source.clone(), span, text: text.into() });
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Keeps the lines from being shown: they may hold a secret.
    #[must_use]
    pub fn conceal(mut self) -> Self {
        self.concealed = true;
        self
    }

    fn place(&self) -> (&str, usize, usize) {
        self.labels.first().map_or(("", 0, 0), |label| (&label.source.name, label.span.start, label.span.end))
    }
}

/// Everything found so far, in all files.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    kept: Vec<Diagnostic>,
    /// For each file: how many are kept, how many were left out.
    files: BTreeMap<Arc<str>, (usize, usize)>,
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Adds one. Past [`FINDINGS_PER_FILE_MAX`] in one file it is only counted.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        match diagnostic.code.level() {
            Level::Error => self.errors += 1,
            Level::Warning => self.warnings += 1,
        }
        let name = diagnostic.labels.first().map_or_else(|| Arc::from(""), |label| Arc::clone(&label.source.name));
        let (kept, left_out) = self.files.entry(name).or_default();
        if *kept == FINDINGS_PER_FILE_MAX {
            *left_out += 1;
            return;
        }
        *kept += 1;
        diagnostic.message = harmless(&diagnostic.message);
        diagnostic.help = diagnostic.help.as_deref().map(harmless);
        for label in &mut diagnostic.labels {
            label.text = harmless(&label.text);
        }
        self.kept.push(diagnostic);
    }

    /// Whether a finding in this file would be kept: if not, nobody will read its advice.
    pub fn has_room_for(&self, source: &Source) -> bool {
        self.files.get(&source.name).is_none_or(|(kept, _)| *kept < FINDINGS_PER_FILE_MAX)
    }

    /// Whether any is an error: then what was read must not be used.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors, those left out included.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings, those left out included.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// What was kept, by file and place.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.kept.iter().collect();
        all.sort_by(|a, b| (a.place(), a.code.word(), &a.message).cmp(&(b.place(), b.code.word(), &b.message)));
        all
    }

    /// What was kept, in the order it came, to be looked at or added elsewhere.
    pub fn into_kept(self) -> Vec<Diagnostic> {
        self.kept
    }

    /// The files of which findings were left out, and how many.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, usize)> {
        self.files.iter().filter(|(_, (_, left_out))| *left_out > 0).map(|(name, (_, left_out))| (&**name, *left_out))
    }
}

/// The user's text as it stands in messages: in backticks, escaped, cut after 80 characters.
pub fn quoted(text: &str) -> String {
    const LETTERS_MAX: usize = 80;
    let cut: String = text.chars().take(LETTERS_MAX).collect();
    let ellipsis = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{ellipsis}`", harmless(&cut))
}

/// Several words in backticks, with commas between them.
pub fn quoted_list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The text with whatever could harm a terminal escaped.
pub fn harmless(text: &str) -> String {
    if !text.chars().any(is_harmful) {
        return text.to_owned();
    }
    text.chars().map(|letter| Foreign::new(letter.to_string()).to_string()).collect()
}

#[cfg(test)]
mod tests;
