//! Rows under a header: a table where there is room, else a few lines for each row. Ids, names and rules are never
//! broken in two, since people copy them.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};

use super::Look;

/// From this many columns on there is room for a table.
const WIDTH_MIN: u16 = 100;

/// Columns whose texts may wrap.
const WRAPS: &[&str] = &["WHY", "CAUSE", "EXAMPLE SESSIONS", "RULES"];

/// Reasons have this many letters at least to wrap in, if they need them.
const WHY_MIN: usize = 28;

/// The same of what else may wrap.
const WRAP_MIN: usize = 14;

/// What stands between two columns.
const GAP: usize = 2;

/// Rows under a header.
pub(super) struct Grid<'a> {
    header: &'a [&'a str],
    rows: Vec<Vec<String>>,
}

impl<'a> Grid<'a> {
    pub(super) fn new(header: &'a [&'a str]) -> Self {
        Self { header, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, without a newline at the end.
    pub(super) fn text(&self, look: Look) -> String {
        if look.width >= WIDTH_MIN && self.has_room(look) { self.table(look) } else { self.lines() }
    }

    /// Whether what may wrap has room beside what may not: a column of a few letters is harder to read than lines.
    fn has_room(&self, look: Look) -> bool {
        let needed = |(place, title): (usize, &&str)| {
            let cells = self.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count());
            let longest = cells.max().unwrap_or_default().max(title.len());
            let least = self.longest_word(place);
            GAP + match *title {
                "WHY" | "RULES" => longest.min(WHY_MIN).max(least),
                title if WRAPS.contains(&title) => longest.min(WRAP_MIN).max(least),
                _ => longest,
            }
        };
        self.header.iter().enumerate().map(needed).sum::<usize>() <= usize::from(look.width)
    }

    /// The longest word of a column, in letters: it is not broken in two.
    fn longest_word(&self, place: usize) -> usize {
        let words = self.rows.iter().filter_map(|row| row.get(place)).flat_map(|cell| cell.split_whitespace());
        words.map(|word| word.chars().count()).max().unwrap_or_default()
    }

    fn table(&self, look: Look) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(look.width);
        table.set_header(self.header);
        for row in &self.rows {
            table.add_row(row);
        }
        for (place, title) in self.header.iter().enumerate() {
            let Some(column) = table.column_mut(place) else { continue };
            if WRAPS.contains(title) {
                let least = u16::try_from(self.longest_word(place) + GAP).unwrap_or(u16::MAX);
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
            } else {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            if self.counts(place) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }

    /// Whether a column holds small numbers: those stand at its right.
    fn counts(&self, place: usize) -> bool {
        let is_count = |cell: &String| cell.len() < 10 && cell.parse::<u64>().is_ok();
        self.rows.iter().filter_map(|row| row.get(place)).all(is_count)
    }

    fn lines(&self) -> String {
        let mut lines = Vec::new();
        // A number tells nothing without its title.
        let head = if self.counts(1) { 1 } else { 2 };
        for row in &self.rows {
            let cells = || self.header.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            let (long, short): (Vec<_>, Vec<_>) = cells().skip(head).partition(|(title, _)| WRAPS.contains(title));
            lines
                .push(format!(" {}", cells().take(head).map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join("  ")));
            if !short.is_empty() {
                let told = short.iter().map(|(title, cell)| format!("{} {cell}", title.to_lowercase()));
                lines.push(format!("     {}", told.collect::<Vec<_>>().join(", ")));
            }
            lines.extend(long.iter().map(|(_, cell)| format!("     {cell}")));
        }
        lines.join("\n")
    }
}
