//! Lists in CSV: entries in one or several columns, named by a header or by number.
//!
//! A record over several lines is none here: a quote that nobody closed would swallow the rest of the list unnoticed.

use csv::{ReaderBuilder, StringRecord};

use super::ListFault;
use super::gathered::Gathered;
use crate::address::{Column, ListKind};

const DELIMITERS: &[u8] = b",;\t";

/// Where entries stand, from 0, and how wide a record is.
struct Layout {
    delimiter: u8,
    columns: Vec<usize>,
    width: usize,
    /// Whether the first record names columns and holds no entry.
    has_header: bool,
}

/// Reads the entries of these columns, of the first one if none is named.
pub(super) fn read(text: &str, columns: &[Column], gathered: &mut Gathered) -> Result<(), ListFault> {
    let Some(first) = text.lines().find(|line| is_record(line)) else { return Ok(()) };
    let layout = layout(first, columns, gathered.kind())?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(layout.delimiter)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let (mut at, mut line, mut is_header) = (0, 1, layout.has_header);
    while reader.read_record(&mut record).unwrap_or(false) {
        let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
        let span = text.get(at..end).unwrap_or_default();
        // What was skipped before the record belongs to its span.
        let remarks = span.lines().take_while(|line| !is_record(line)).count();
        let breaks = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        let (start, lines) = (line + remarks, breaks(span.trim_end()).saturating_sub(remarks) + 1);
        (at, line) = (end, line + breaks(span));
        if std::mem::take(&mut is_header) {
            continue;
        }
        if lines > 1 {
            (start..start + lines).try_for_each(|line| gathered.refuse(line, "its record goes over several lines"))?;
        } else {
            take(&layout, &record, start, gathered)?;
        }
    }
    Ok(())
}

/// Whether this line begins a record.
fn is_record(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with('#')
}

fn take(layout: &Layout, record: &StringRecord, line: usize, gathered: &mut Gathered) -> Result<(), ListFault> {
    // A field too many or too few before a column would have its neighbour read as this one.
    let has_extra = record.iter().skip(layout.width).any(|field| !field.trim().is_empty());
    if layout.columns.iter().any(|column| *column > 0) && (record.len() < layout.width || has_extra) {
        return gathered.refuse(line, "it has another number of fields than the first line");
    }
    let cells = layout.columns.iter().filter_map(|column| record.get(*column)).map(str::trim);
    let mut cells = cells.filter(|cell| !cell.is_empty()).peekable();
    if cells.peek().is_none() {
        return gathered.refuse(line, "its column is empty");
    }
    cells.try_for_each(|cell| gathered.take(line, cell))
}

/// The delimiter that parts the first line into the most fields, of those that leave every column in its place, is the
/// one that was meant.
fn layout(first: &str, columns: &[Column], kind: ListKind) -> Result<Layout, ListFault> {
    let mut best = Err(ListFault::Empty);
    for delimiter in DELIMITERS {
        let record = fields(first, *delimiter);
        let layout = places(&record, columns).map(|columns| Layout {
            delimiter: *delimiter,
            has_header: columns.iter().all(|column| record.get(*column).is_some_and(|cell| is_title(cell, kind))),
            columns,
            width: record.len(),
        });
        let is_wider = |best: &Layout| layout.as_ref().is_ok_and(|layout| layout.width > best.width);
        if best.as_ref().map_or(layout.is_ok() || matches!(best, Err(ListFault::Empty)), is_wider) {
            best = layout;
        }
    }
    let is_named = columns.iter().any(|column| matches!(column, Column::Name(_)));
    best.map(|layout| Layout { has_header: layout.has_header || is_named, ..layout })
}

fn fields(line: &str, delimiter: u8) -> StringRecord {
    let mut record = StringRecord::new();
    let mut reader = ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line.as_bytes());
    // Reading text from memory does not fail.
    reader.read_record(&mut record).unwrap_or_default();
    record
}

fn places(header: &StringRecord, columns: &[Column]) -> Result<Vec<usize>, ListFault> {
    if columns.is_empty() {
        return Ok(vec![0]);
    }
    let place = |column: &Column| match column {
        Column::Number(number) => number
            .checked_sub(1)
            .filter(|at| *at < header.len())
            .ok_or_else(|| ListFault::NoColumn { name: number.to_string() }),
        Column::Name(name) => header
            .iter()
            .position(|field| field.trim().eq_ignore_ascii_case(name))
            .ok_or_else(|| ListFault::NoColumn { name: name.clone() }),
    };
    columns.iter().map(place).collect()
}

/// Whether a cell is no entry, not even a damaged one: what has to be told where columns are numbered. Any text could be
/// an entry.
fn is_title(cell: &str, kind: ListKind) -> bool {
    match kind {
        ListKind::Address => !cell.contains(['.', ':', '/']),
        ListKind::Asn => !cell.bytes().any(|byte| byte.is_ascii_digit()),
        ListKind::Text => false,
    }
}
