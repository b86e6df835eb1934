//! Reading what was added: where to go on, which files come between, when to stop.
//!
//! A file is left only once the next one has something in it: while a new file is empty, its writer may still be busy
//! with the old one.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lines::{LINE_BYTES_MAX, Lines, Piece};
use super::open::{Opened, other};
use super::{FeedPlace, FeedReading, FeedTrouble, row_of};
use crate::config::{FeedFormat, FeedSettings};

/// No more is read at once, in bytes; what is larger when it is first read is begun so far before its end.
pub const READ_BYTES_MAX: u64 = 64 << 20;

/// Rotated files that are looked at: `FILE.1` to `FILE.9`.
const ROTATED_MAX: u32 = 9;

/// One feed, over a process's life.
#[derive(Debug)]
pub struct Feed {
    name: Arc<str>,
    settings: FeedSettings,
    place: Option<FeedPlace>,
    /// The file that the place is in: found again whatever it is called now.
    held: Option<File>,
    pub(super) bytes_max: u64,
}

/// A file to be read from here on.
struct Stop {
    opened: Opened,
    offset: u64,
    inside_long: bool,
}

impl Stop {
    fn begin(opened: Opened) -> Self {
        Self { opened, offset: 0, inside_long: false }
    }

    fn at(opened: Opened, place: &FeedPlace) -> Self {
        Self { opened, offset: place.offset, inside_long: place.inside_long }
    }
}

impl Feed {
    /// The feed of this name, to be read from this place on, or for the first time.
    pub fn begin(name: impl Into<Arc<str>>, settings: FeedSettings, place: Option<FeedPlace>) -> Self {
        Self { name: name.into(), settings, place, held: None, bytes_max: READ_BYTES_MAX }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How it is configured.
    pub fn settings(&self) -> &FeedSettings {
        &self.settings
    }

    /// Reads what was added since the last read.
    pub fn read(&mut self) -> FeedReading {
        let mut reading = FeedReading::default();
        if let Err(trouble) = self.read_into(&mut reading) {
            // Troubles of the file outrank those of its contents.
            reading.trouble = Some(trouble);
        }
        reading.place.clone_from(&self.place);
        reading
    }

    fn read_into(&mut self, reading: &mut FeedReading) -> Result<(), FeedTrouble> {
        let current = Opened::open(&self.settings.file)?;
        let mut stops = self.stops(current, reading);
        while stops.len() > 1 && stops.back().is_some_and(|last| last.opened.size == 0) {
            stops.pop_back();
        }
        // A file that was only made tells of nothing, not even that there is nothing to tell.
        if stops.iter().all(|stop| stop.opened.size == 0) {
            return Err(if self.place.is_none() { FeedTrouble::Empty } else { FeedTrouble::Gap });
        }
        let written_at = stops.back().map(|last| last.opened.written_at);
        let mut left = self.bytes_max;
        while let Some(stop) = stops.pop_front() {
            let (offset, is_finished) = (stop.offset, !stops.is_empty());
            let end = stop.opened.size.min(offset.saturating_add(left));
            left = left.saturating_sub(end.saturating_sub(offset));
            let is_whole = end == stop.opened.size;
            self.read_stop(stop, end, is_finished && is_whole, reading)?;
            if !is_whole {
                reading.say(FeedTrouble::More);
                break;
            }
        }
        reading.written_at = written_at;
        Ok(())
    }

    /// The files to be read in turn, the current one last.
    fn stops(&self, current: Opened, reading: &mut FeedReading) -> VecDeque<Stop> {
        let Some(place) = &self.place else {
            let offset = current.size.saturating_sub(self.bytes_max);
            // The line that it is inside of is left out like one that is too long.
            return [Stop { opened: current, offset, inside_long: offset > 0 }].into();
        };
        let goes_on = current.goes_on_from(place);
        if goes_on && current.is_file_of(place) {
            return [Stop::at(current, place)].into();
        }
        if let Some(stops) = self.rotated(place, Opened::is_file_of) {
            return stops.into_iter().chain([Stop::begin(current)]).collect();
        }
        // Replaced by itself and what was added.
        if goes_on {
            return [Stop::at(current, place)].into();
        }
        // Copied and cut.
        if let Some(stops) = self.rotated(place, |_, _| true) {
            return stops.into_iter().chain([Stop::begin(current)]).collect();
        }
        let held = self.held.as_ref().and_then(|file| Opened::again(file).ok());
        if let Some(held) = held.filter(|held| held.goes_on_from(place)) {
            return [Stop::at(held, place), Stop::begin(current)].into();
        }
        reading.say(FeedTrouble::Gap);
        [Stop::begin(current)].into()
    }

    /// The rotated file that the place is in and that passes, and those that came after it.
    fn rotated(&self, place: &FeedPlace, passes: impl Fn(&Opened, &FeedPlace) -> bool) -> Option<Vec<Stop>> {
        let mut later = Vec::new();
        for number in 1..=ROTATED_MAX {
            let opened = Opened::open(&rotated(&self.settings.file, number)).ok()?;
            if opened.goes_on_from(place) && passes(&opened, place) {
                later.push(Stop::at(opened, place));
                later.reverse();
                return Some(later);
            }
            later.push(Stop::begin(opened));
        }
        None
    }

    /// Reads one file up to there. If it is finished, its last line needs no line break.
    fn read_stop(
        &mut self,
        stop: Stop,
        end: u64,
        is_finished: bool,
        reading: &mut FeedReading,
    ) -> Result<(), FeedTrouble> {
        let Stop { opened, offset, inside_long } = stop;
        let mut file = &opened.file;
        file.seek(SeekFrom::Start(offset)).map_err(|error| other(&error))?;
        let stretch = BufReader::with_capacity(LINE_BYTES_MAX, file.take(end.saturating_sub(offset)));
        let told = tell(&self.settings.format, Lines::new(stretch, offset, inside_long), is_finished, reading);
        self.place = Some(opened.place(told.offset, told.inside_long).map_err(|error| other(&error))?);
        self.held = Some(opened.file);
        told.trouble.map_or(Ok(()), Err)
    }
}

/// Up to where lines were told.
struct Told {
    offset: u64,
    inside_long: bool,
    trouble: Option<FeedTrouble>,
}

/// Tells the lines. If they are finished, the last one needs no line break.
fn tell<R: BufRead>(format: &FeedFormat, mut lines: Lines<R>, is_finished: bool, reading: &mut FeedReading) -> Told {
    // The line that we began inside of was counted before.
    let mut was_counted = lines.is_inside_long();
    loop {
        let start = lines.start();
        let inside_long = was_counted;
        match lines.next() {
            Err(error) => return Told { offset: start, inside_long, trouble: Some(other(&error)) },
            Ok(Piece::Line(line)) => tell_line(format, line, start, reading),
            Ok(Piece::TooLong) if was_counted => {}
            Ok(Piece::TooLong) => reading.fault(start, TOO_LONG),
            Ok(Piece::Rest(line)) if is_finished => {
                tell_line(format, line, start, reading);
                return Told { offset: lines.start(), inside_long: false, trouble: None };
            }
            Ok(Piece::Rest(_)) => return Told { offset: start, inside_long: false, trouble: None },
            Ok(Piece::LongRest) => {
                if !was_counted {
                    reading.fault(start, TOO_LONG);
                }
                return Told { offset: lines.start(), inside_long: !is_finished, trouble: None };
            }
        }
        was_counted = false;
    }
}

const TOO_LONG: &str = "it is too long";

fn tell_line(format: &FeedFormat, line: &[u8], start: u64, reading: &mut FeedReading) {
    if line.trim_ascii().is_empty() {
        return;
    }
    match row_of(format, line) {
        Ok(Some(row)) => reading.rows.push(row),
        Ok(None) => reading.skipped += 1,
        Err(what) => reading.fault(start, what),
    }
}

fn rotated(file: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(format!(".{number}"));
    name.into()
}
