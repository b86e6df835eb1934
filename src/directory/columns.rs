//! Lists in CSV: a header that names the columns, in any order and case, and rows of as many fields. The only place
//! that names the crate for it.

use std::ops::Range;

use csv::{ByteRecord, QuoteStyle, ReaderBuilder, Terminator, WriterBuilder};
use jiff::tz::TimeZone;

use super::ListFault;
use super::contents::{Contents, Format, Line, NOT_TEXT, Said, lines, said};
use super::row::Cells;

/// Where the columns stand that mean something here, and what parts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// What stands between fields: `,`, `;` or a tab.
    pub delimiter: u8,
    /// How many there are.
    pub width: usize,
    /// E-mail addresses.
    pub email: Option<usize>,
    /// Zendesk's ids.
    pub id: Option<usize>,
    /// Another system's ids.
    pub external_id: Option<usize>,
    /// From when on.
    pub since: Option<usize>,
}

const DELIMITERS: &[u8] = b",;\t";

impl Columns {
    /// The columns under this header; none if it names no column that names people, or one twice.
    fn of(header: &ByteRecord, delimiter: u8) -> Option<Self> {
        let mut columns =
            Self { delimiter, width: header.len(), email: None, id: None, external_id: None, since: None };
        for (at, name) in header.iter().enumerate() {
            let place = match name.trim_ascii().to_ascii_lowercase().as_slice() {
                b"email" | b"e-mail" => &mut columns.email,
                b"id" => &mut columns.id,
                b"external_id" | b"external-id" => &mut columns.external_id,
                b"since" => &mut columns.since,
                _ => continue,
            };
            if place.replace(at).is_some() {
                return None;
            }
        }
        let names_people = columns.email.or(columns.id).or(columns.external_id);
        names_people.map(|_| columns)
    }

    fn said(&self, record: &ByteRecord, zone: &TimeZone) -> Result<Said, &'static str> {
        // A field too many or too few would have the next column's text read as this one's.
        let extra = record.iter().skip(self.width).any(|field| !field.trim_ascii().is_empty());
        if record.len() < self.width || extra {
            return Err("it has another number of fields than the header");
        }
        let text = |at: Option<usize>| {
            let field = at.and_then(|at| record.get(at)).unwrap_or_default();
            std::str::from_utf8(field).map(str::trim).map_err(|_not_text| NOT_TEXT)
        };
        let (id, email) = (text(self.id)?, text(self.email)?);
        said(Cells { id, email, external_id: text(self.external_id)?, since: text(self.since)? }, zone)
    }

    /// A row with these texts, with this line break; none if there is no column for one of them.
    pub(super) fn row(&self, cells: Cells<'_>, line_break: &str) -> Result<Vec<u8>, &'static str> {
        let mut fields = vec![""; self.width];
        let filled = [
            ("id", self.id, cells.id),
            ("email", self.email, cells.email),
            ("external_id", self.external_id, cells.external_id),
            ("since", self.since, cells.since),
        ];
        for (name, at, text) in filled.into_iter().filter(|(.., text)| !text.is_empty()) {
            *at.and_then(|at| fields.get_mut(at)).ok_or(name)? = text;
        }
        let terminator = if line_break == "\r\n" { Terminator::CRLF } else { Terminator::Any(b'\n') };
        // Unquoted it would be a comment.
        let is_comment = fields.first().is_some_and(|first| first.starts_with('#'));
        let style = if is_comment { QuoteStyle::Always } else { QuoteStyle::Necessary };
        let mut writer = WriterBuilder::new()
            .quote_style(style)
            .delimiter(self.delimiter)
            .terminator(terminator)
            .from_writer(Vec::new());
        // Writing into memory does not fail.
        writer.write_record(fields).unwrap_or_default();
        Ok(writer.into_inner().unwrap_or_default())
    }
}

/// Whether this line can be a list's header.
pub(super) fn is_header(line: &[u8]) -> bool {
    header(line).is_some()
}

fn header(line: &[u8]) -> Option<Columns> {
    DELIMITERS.iter().find_map(|delimiter| {
        let mut record = ByteRecord::new();
        let mut reader = ReaderBuilder::new().has_headers(false).delimiter(*delimiter).from_reader(line);
        let read = reader.read_byte_record(&mut record).unwrap_or(false);
        read.then(|| Columns::of(&record, *delimiter)).flatten()
    })
}

/// Reads a list from this byte on.
pub(super) fn read(bytes: &[u8], from: usize, zone: &TimeZone) -> Result<Contents, ListFault> {
    let Some(first) = lines(bytes, from).find(Line::is_filled) else {
        // Nothing but blanks and comments: that is an empty list, not a wrong one.
        let columns = Columns { delimiter: b',', width: 0, email: None, id: None, external_id: None, since: None };
        return Ok(Contents::new(Format::Csv(columns)));
    };
    let columns = header(first.text).ok_or(ListFault::NoHeader)?;
    let start = first.range.end;
    let rest = bytes.get(start..).unwrap_or_default();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(columns.delimiter)
        .comment(Some(b'#'))
        .from_reader(rest);
    let mut contents = Contents::new(Format::Csv(columns.clone()));
    let mut record = ByteRecord::new();
    let mut line = first.number + 1;
    let mut at = start;
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let end = start + usize::try_from(reader.position().byte()).unwrap_or(rest.len());
        let span = at..after_line_break(bytes, end.min(bytes.len()));
        let (skipped, range) = without_remarks(bytes, span.clone());
        let first_line = line + skipped;
        (line, at) = (line + line_breaks(bytes, span), range.end);
        if record.iter().all(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        let said = columns.said(&record, zone);
        if let Err(what) = said {
            // A quote that nobody closed swallows every line after it: each of them is a row lost.
            (first_line..line.max(first_line + 1)).for_each(|line| contents.push((line, 0..0), Err(what)));
        } else {
            contents.push((first_line, range), said);
        }
        contents.check_size()?;
    }
    Ok(contents)
}

/// Without the comments and blank lines before the record itself, and how many lines they are.
fn without_remarks(bytes: &[u8], span: Range<usize>) -> (usize, Range<usize>) {
    let inside = bytes.get(..span.end).unwrap_or_default();
    let remarks: Vec<_> = lines(inside, span.start).take_while(|line| !line.is_filled()).collect();
    let start = remarks.last().map_or(span.start, |line| line.range.end);
    (remarks.len(), start.min(span.end)..span.end)
}

/// The reader stops between the two bytes of a line break.
fn after_line_break(bytes: &[u8], end: usize) -> usize {
    let split = bytes.get(..end).is_some_and(|read| read.ends_with(b"\r")) && bytes.get(end) == Some(&b'\n');
    end + usize::from(split)
}

fn line_breaks(bytes: &[u8], span: Range<usize>) -> usize {
    bytes.get(span).unwrap_or_default().split(|byte| *byte == b'\n').skip(1).count()
}
