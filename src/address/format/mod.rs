//! The bytes of a list as entries: which format they are in, what each entry says, which cannot be read.
//!
//! An entry that cannot be read never voids the others: it is told with its place, and the list is then partial. What is
//! wrong with the whole is a [`ListFault`]. Time is linear in the bytes, memory bounded by the limits below.

mod columns;
mod gathered;
mod json;
mod lines;

use gathered::Gathered;
pub use gathered::{ENTRIES_MAX, EntryFault, FAULTS_KEPT, Reading};

use super::{Column, Form, Format, ListKind};

/// No list is larger, in bytes.
pub const LIST_BYTES_MAX: usize = 16 << 20;

/// What is wrong with a list as a whole. Repeats nothing of it but the name of a column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ListFault {
    #[error("it is larger than {} MiB", LIST_BYTES_MAX >> 20)]
    TooLarge,
    #[error("it is UTF-16 text, not UTF-8")]
    Utf16,
    #[error("it is not text: it has NUL bytes")]
    Binary,
    #[error("it is not UTF-8 text from byte {offset} on")]
    NotText { offset: usize },
    #[error("it is a web page, not a list")]
    WebPage,
    #[error("it has no entries")]
    Empty,
    #[error("it has more than {ENTRIES_MAX} entries or networks")]
    TooManyEntries,
    #[error("more of it is unreadable than readable, first {first}")]
    MostlyUnreadable { first: EntryFault },
    #[error("it is not JSON in line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("it has no column or key `{}`", crate::model::Foreign::new(name.as_str()))]
    NoColumn { name: String },
    #[error("it has several sets")]
    SeveralSets,
    #[error("its set is of another type than `hash:ip`, `hash:net` and `bitmap:ip`")]
    SetType,
    #[error("it has `nomatch` entries, which say what is not meant")]
    Nomatch,
}

impl ListFault {
    /// What to do, if anything plain helps.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::TooLarge | Self::TooManyEntries => "split it into several lists",
            Self::Utf16 | Self::NotText { .. } => "export it as UTF-8",
            Self::WebPage => "look at what the download gave: it may be an error page",
            Self::Empty => "a list that is meant to be empty is removed from the policy instead",
            Self::MostlyUnreadable { .. } => {
                "say how it is written with `format`, and where entries stand with `column`"
            }
            Self::NotJson { .. } => "write `format = \"json-lines\"` if each line is a value of its own",
            Self::NoColumn { .. } => {
                "correct `column`: a name of the header, a number from 1, or keys with dots between"
            }
            Self::SeveralSets => "write one set to a file of its own: `ipset save NAME`",
            Self::SetType | Self::Nomatch => "export it as plain networks, one on each line",
            Self::Binary => return None,
        })
    }
}

/// Reads a list of this kind. Where the form leaves the format open, the extension of the file's name and the first
/// bytes decide.
///
/// # Errors
///
/// When no sense can be made of the whole, or it has no entry: a list that is empty by mistake would deny everything.
pub fn read_entries(bytes: &[u8], kind: ListKind, form: &Form, extension: Option<&str>) -> Result<Reading, ListFault> {
    let text = text_of(bytes)?;
    let format = form.format.unwrap_or_else(|| format_of(text, form, extension));
    let mut gathered = Gathered::new(kind);
    match format {
        Format::Plain => lines::read_plain(text, &mut gathered)?,
        Format::Ipset => lines::read_ipset(text, &mut gathered)?,
        Format::Csv => columns::read(text, &form.columns, &mut gathered)?,
        Format::Json => json::read(text, &form.columns, &mut gathered)?,
        Format::Misp => json::read(text, &[Column::Name(json::MISP_KEY.to_owned())], &mut gathered)?,
        Format::JsonLines => json::read_lines(text, &form.columns, &mut gathered)?,
    }
    gathered.finish(format)
}

fn text_of(bytes: &[u8]) -> Result<&str, ListFault> {
    if bytes.len() > LIST_BYTES_MAX {
        return Err(ListFault::TooLarge);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ListFault::Utf16);
    }
    if bytes.contains(&0) {
        return Err(ListFault::Binary);
    }
    let text = str::from_utf8(bytes).map_err(|error| ListFault::NotText { offset: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') { Err(ListFault::WebPage) } else { Ok(text) }
}

fn format_of(text: &str, form: &Form, extension: Option<&str>) -> Format {
    let text = text.trim_start();
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("csv" | "tsv") => return Format::Csv,
        Some("jsonl" | "ndjson") => return Format::JsonLines,
        Some("ipset") => return Format::Ipset,
        _ => {}
    }
    if text.starts_with(['{', '[']) {
        return if json::is_by_lines(text) { Format::JsonLines } else { Format::Json };
    }
    match lines::filled(text).next().and_then(|(_, line)| line.split_whitespace().next()) {
        Some("create" | "add") => Format::Ipset,
        _ if form.columns.is_empty() => Format::Plain,
        _ => Format::Csv,
    }
}

#[cfg(test)]
mod tests;
