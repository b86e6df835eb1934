//! The bytes of a list as rows: which format they are in, what each row says, which rows cannot be read.
//!
//! A row that cannot be read never voids the others: it is told with its line, and too many of them are a list that
//! cannot be used, which is judged elsewhere.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::ListFault;
use super::columns::{self, Columns};
use super::row::{Cells, Names, since_of};

/// A list has no more rows, unreadable ones included.
pub const ROWS_MAX: usize = 100_000;

/// How a list is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A name on each line, and `since` after it if need be.
    Text,
    /// Columns under a header.
    Csv(Columns),
    /// A JSON object on each line.
    JsonLines,
}

/// A row that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its first line, from 1.
    pub line: usize,
    /// Its bytes in the file, with the line break.
    pub range: Range<usize>,
    /// Whom it names.
    pub names: Names,
    /// From when on they have left; absent: from when on the row is there.
    pub since: Option<Timestamp>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in words that repeat nothing of the row.
    pub what: &'static str,
}

/// A list as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How it is written.
    pub format: Format,
    /// Its rows, in file order, duplicates and all.
    pub rows: Vec<Row>,
    /// Its unreadable lines, in file order.
    pub faults: Vec<RowFault>,
}

impl Contents {
    pub(super) fn new(format: Format) -> Self {
        Self { format, rows: Vec::new(), faults: Vec::new() }
    }

    /// Takes in one record, which begins in this line and has these bytes.
    pub(super) fn push(&mut self, (line, range): (usize, Range<usize>), read: Result<Said, &'static str>) {
        match read {
            Ok((names, since)) => self.rows.push(Row { line, range, names, since }),
            Err(what) => self.faults.push(RowFault { line, what }),
        }
    }

    pub(super) fn check_size(&self) -> Result<(), ListFault> {
        let rows = self.rows.len() + self.faults.len();
        if rows > ROWS_MAX { Err(ListFault::TooManyRows) } else { Ok(()) }
    }
}

/// What a row says: whom it names, and from when on they have left.
pub(super) type Said = (Names, Option<Timestamp>);

/// What these cells say.
pub(super) fn said(cells: Cells<'_>, zone: &TimeZone) -> Result<Said, &'static str> {
    let names = cells.names()?;
    let since = (!cells.since.is_empty()).then(|| since_of(cells.since, zone)).transpose()?;
    Ok((names, since))
}

/// The byte order mark that some programs put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a list. The extension of its name decides between CSV and JSON lines where it says so, else its first line.
///
/// # Errors
///
/// When the whole cannot be made sense of: UTF-16, CSV without a column that names people, too many rows.
pub fn read_contents(bytes: &[u8], extension: Option<&str>, zone: &TimeZone) -> Result<Contents, ListFault> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ListFault::Utf16);
    }
    let from = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
    let first = lines(bytes, from).find(Line::is_filled);
    let first = first.map_or(&b""[..], |line| line.text);
    let contents = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("csv" | "tsv") => columns::read(bytes, from, zone)?,
        Some("json" | "jsonl" | "ndjson") => by_lines(Format::JsonLines, (bytes, from), zone, json_said)?,
        _ if first.starts_with(b"{") => by_lines(Format::JsonLines, (bytes, from), zone, json_said)?,
        _ if columns::is_header(first) => columns::read(bytes, from, zone)?,
        _ => by_lines(Format::Text, (bytes, from), zone, text_said)?,
    };
    contents.check_size()?;
    Ok(contents)
}

type Reading = fn(&str, &TimeZone) -> Result<Said, &'static str>;

fn by_lines(
    format: Format,
    (bytes, from): (&[u8], usize),
    zone: &TimeZone,
    read: Reading,
) -> Result<Contents, ListFault> {
    let mut contents = Contents::new(format);
    for line in lines(bytes, from).filter(Line::is_filled) {
        let said = std::str::from_utf8(line.text).map_err(|_not_text| NOT_TEXT).and_then(|text| read(text, zone));
        contents.push((line.number, line.range), said);
        contents.check_size()?;
    }
    Ok(contents)
}

/// What is wrong with a row that is not UTF-8.
pub(super) const NOT_TEXT: &str = "it is not UTF-8 text";

/// One line of a file.
pub(super) struct Line<'b> {
    /// From 1.
    pub(super) number: usize,
    /// Its bytes in the file, with the line break.
    pub(super) range: Range<usize>,
    /// Its text without blanks around it.
    pub(super) text: &'b [u8],
}

impl Line<'_> {
    /// Whether it is neither blank nor a comment.
    pub(super) fn is_filled(&self) -> bool {
        !self.text.is_empty() && !self.text.starts_with(b"#")
    }
}

/// The lines from this byte on.
pub(super) fn lines(bytes: &[u8], from: usize) -> impl Iterator<Item = Line<'_>> {
    let rest = bytes.get(from..).unwrap_or_default();
    (1..).zip(rest.split_inclusive(|byte| *byte == b'\n')).scan(from, |at, (number, line)| {
        let range = *at..*at + line.len();
        *at = range.end;
        Some(Line { number, range, text: line.trim_ascii() })
    })
}

/// A name, `since` if need be, and a comment if need be.
fn text_said(line: &str, zone: &TimeZone) -> Result<Said, &'static str> {
    let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
    let (name, since) = (words.next().unwrap_or_default(), words.next());
    if words.next().is_some() {
        return Err("there is more on the line than a name and `since`");
    }
    let names = Names::of_word(name)?;
    let since = since.map(|since| since_of(since, zone)).transpose()?;
    Ok((names, since))
}

fn json_said(line: &str, zone: &TimeZone) -> Result<Said, &'static str> {
    let row: Map<String, Value> = serde_json::from_str(line).map_err(|_other| "it is not one JSON object")?;
    let text = |key: &str| match row.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(Value::Number(number)) if number.is_u64() && ["id", "external_id"].contains(&key) => {
            Ok(number.to_string())
        }
        Some(_) => Err("a value is neither a text nor a whole number"),
    };
    let (id, email, external_id, since) = (text("id")?, text("email")?, text("external_id")?, text("since")?);
    said(Cells { id: &id, email: &email, external_id: &external_id, since: &since }, zone)
}
