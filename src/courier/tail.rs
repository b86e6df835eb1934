//! Reads a trail as it grows, whole lines only, each once. It looks and locks nothing; whether links hold is verified
//! elsewhere, and a line that cannot be read is passed over with a warning.

use std::sync::Arc;

use jiff::Timestamp;

use crate::files::Medium;
use crate::record::{Line, segment_name, whole_lines};
use crate::trail::{TrailTrouble, read_segment, segments};

/// So many lines are read at once: more are for the next time.
const LINES_MAX: usize = 2_000;

/// A place in a trail.
pub struct Tail {
    medium: Arc<dyn Medium>,
    segment: Option<u64>,
    offset: usize,
}

impl Tail {
    /// The beginning of the newest segment that begins before this instant and not after this record.
    ///
    /// # Errors
    ///
    /// When the trail cannot be read.
    pub fn since(medium: Arc<dyn Medium>, at: Timestamp, seq: u64) -> Result<Self, TrailTrouble> {
        let segments = segments(&*medium)?;
        let mut from = segments.first().copied();
        for segment in segments.into_iter().rev() {
            let bytes = read_segment(&*medium, segment)?;
            let first = whole_lines(&bytes).0.next().and_then(|line| Line::read(line).ok());
            if segment <= seq && first.is_some_and(|first| first.at <= at) {
                from = Some(segment);
                break;
            }
        }
        Ok(Self { medium, segment: from, offset: 0 })
    }

    /// The lines that came since, no more than some; none if there are none.
    ///
    /// # Errors
    ///
    /// When the trail cannot be read. The same lines come again.
    pub fn lines(&mut self) -> Result<Vec<Line>, TrailTrouble> {
        let Some(segment) = self.segment.or(segments(&*self.medium)?.first().copied()) else { return Ok(Vec::new()) };
        self.segment = Some(segment);
        let file = segment_name(segment);
        let length = self.medium.length(&file).map_err(|error| TrailTrouble::Unreadable { file, error })?;
        let mut read = Vec::new();
        if length.is_some_and(|length| length > self.offset as u64) {
            let bytes = read_segment(&*self.medium, segment)?;
            let (lines, _) = whole_lines(bytes.get(self.offset..).unwrap_or_default());
            for line in lines.take(LINES_MAX) {
                self.offset += line.len() + 1;
                if let Ok(line) = Line::read(line) {
                    read.push(line);
                } else {
                    tracing::warn!("a record cannot be read, and is told to nobody: `evictd audit verify`");
                }
            }
        }
        if read.is_empty() {
            let later = segments(&*self.medium)?.into_iter().find(|later| *later > segment);
            if let Some(later) = later {
                (self.segment, self.offset) = (Some(later), 0);
                return self.lines();
            }
        }
        Ok(read)
    }
}
