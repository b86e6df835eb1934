//! Lists of people who have left, in each of their formats: rows and unreadable lines lie in order within the file.

use evictd::directory::{ROWS_MAX, read_contents};
use jiff::tz::TimeZone;

/// The bytes of one list, read as if its name had each extension that decides.
pub fn survives(bytes: &[u8]) {
    for extension in [None, Some("csv"), Some("jsonl")] {
        let Ok(contents) = read_contents(bytes, extension, &TimeZone::UTC) else { continue };
        assert!(contents.rows.len() + contents.faults.len() <= ROWS_MAX);
        let mut end = 0;
        for row in &contents.rows {
            assert!(row.range.start >= end && row.range.end > row.range.start, "{extension:?}: {row:?}");
            end = row.range.end;
        }
        assert!(end <= bytes.len(), "{extension:?}");
    }
}
