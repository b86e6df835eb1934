//! Bytes as lines, never holding more than one of bounded length.

use std::io::{self, BufRead};

/// No longer line is read, its line break included, in bytes.
pub const LINE_BYTES_MAX: usize = 256 << 10;

/// What was read.
pub(super) enum Piece<'b> {
    /// A line, with its line break.
    Line(&'b [u8]),
    /// The end of a line that is too long to be read.
    TooLong,
    /// What stands behind the last line break; empty if nothing does.
    Rest(&'b [u8]),
    /// The same, and already too long to be read.
    LongRest,
}

/// Lines of a stretch of a file.
pub(super) struct Lines<R> {
    from: R,
    text: Vec<u8>,
    at: u64,
    is_long: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines from here on, which is so many bytes from the file's start. Whether that is inside of a line that is
    /// too long to be read.
    pub(super) fn new(from: R, at: u64, is_long: bool) -> Self {
        Self { from, text: Vec::new(), at, is_long }
    }

    /// Where the next piece begins.
    pub(super) fn start(&self) -> u64 {
        self.at
    }

    /// Whether the next piece is the end of a line that is too long to be read.
    pub(super) fn is_inside_long(&self) -> bool {
        self.is_long
    }

    /// The next piece; after the rest nothing else comes.
    pub(super) fn next(&mut self) -> io::Result<Piece<'_>> {
        self.text.clear();
        let mut ended = false;
        while !ended {
            let seen = self.from.fill_buf()?;
            if seen.is_empty() {
                return Ok(if self.is_long { Piece::LongRest } else { Piece::Rest(&self.text) });
            }
            let line_break = seen.iter().position(|byte| *byte == b'\n');
            ended = line_break.is_some();
            let size = line_break.map_or(seen.len(), |at| at + 1);
            self.is_long |= self.text.len() + size > LINE_BYTES_MAX;
            if self.is_long {
                self.text.clear();
            } else {
                self.text.extend(seen.iter().take(size));
            }
            self.from.consume(size);
            self.at += size as u64;
        }
        Ok(if std::mem::take(&mut self.is_long) { Piece::TooLong } else { Piece::Line(&self.text) })
    }
}
