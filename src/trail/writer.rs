//! The writer: opens a trail after whatever happened to it, and adds records.
//!
//! A record's personal part is written before its line, and both are durable when `sync` returns. The order makes every
//! byte a safe place to crash: what is torn is the end of the newest segment, what is lost was never announced.

use std::sync::Arc;

use super::past::Memory;
use super::reading::{Reading, names, sidecar_bytes};
use super::{Past, TrailTrouble};
use crate::clock::{Chance, Clock};
use crate::files::Medium;
use crate::model::{AccountName, CycleId};
use crate::record::{
    Entry, Head, Line, Personal, SALT_BYTES, Sealed, TrailCut, line_bytes, seal, segment_name, sha256_hex,
    sidecar_length_up_to, sidecar_name, sidecar_of,
};

/// A segment or sidecar that would grow beyond this many bytes is followed by the next.
pub const SEGMENT_BYTES_MAX: usize = 16 << 20;

/// An open trail. The caller holds the account's lock for as long as it lives.
pub struct Trail {
    medium: Arc<dyn Medium>,
    account: AccountName,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    segment_bytes_max: usize,
    segment: Option<Segment>,
    next_seq: u64,
    prev: String,
    /// What its records say, those of this process included.
    memory: Memory,
    poisoned: bool,
}

/// The segment that is written to, and how much of it is on the medium.
#[derive(Debug, Clone, Copy)]
struct Segment {
    first_seq: u64,
    lines: Written,
    sidecar: Written,
}

#[derive(Debug, Clone, Copy, Default)]
struct Written {
    bytes: usize,
    is_durable: bool,
}

impl Trail {
    /// Opens the account's trail: cuts a torn last line and says so in a record, drops personal parts whose record never
    /// came to be, and tells the past.
    ///
    /// # Errors
    ///
    /// When the trail cannot be read or written, or its newest part does not verify.
    pub fn open(
        medium: Arc<dyn Medium>,
        account: AccountName,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<(Self, Past), TrailTrouble> {
        Self::open_with_segments_of(SEGMENT_BYTES_MAX, medium, account, (clock, chance))
    }

    /// As [`Trail::open`], with segments of another size.
    ///
    /// # Errors
    ///
    /// As [`Trail::open`].
    pub fn open_with_segments_of(
        segment_bytes_max: usize,
        medium: Arc<dyn Medium>,
        account: AccountName,
        (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>),
    ) -> Result<(Self, Past), TrailTrouble> {
        let reading = Reading::of(&*medium, &account)?;
        let (next_seq, prev) = (reading.last_seq.saturating_add(1), reading.prev);
        let mut trail = Self {
            medium,
            account,
            clock,
            chance,
            segment_bytes_max,
            segment: None,
            next_seq,
            prev,
            memory: reading.memory,
            poisoned: false,
        };
        trail.drop_unwritten_personal(reading.last_seq)?;
        if let Some(tail) = reading.tail {
            trail.resume(tail.first_seq, &tail.whole, &tail.torn)?;
        }
        let past = trail.past();
        Ok((trail, past))
    }

    /// Opens it once more, on this medium, if a write has failed: then it is not known what stands there. An open trail
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Trail::open`]; [`TrailTrouble::Lost`] if what was written before is not there. It stays closed then.
    pub fn mend(&mut self, medium: Arc<dyn Medium>) -> Result<(), TrailTrouble> {
        if !self.poisoned {
            return Ok(());
        }
        // Before it is opened, which drops personal parts of records that are not there.
        let (written, found) = (self.next_seq.saturating_sub(1), Reading::of(&*medium, &self.account)?.last_seq);
        if found < written {
            return Err(TrailTrouble::Lost { written, found });
        }
        let seams = (Arc::clone(&self.clock), Arc::clone(&self.chance));
        (*self, _) = Self::open_with_segments_of(self.segment_bytes_max, medium, self.account.clone(), seams)?;
        Ok(())
    }

    /// What the trail remembers by now, the records of this process included: what the next start would read.
    pub fn past(&self) -> Past {
        self.memory.past()
    }

    /// Adds a record, its personal part first; its number. Durable only after [`Trail::sync`], but with a personal part
    /// at once: so a crash never leaves two personal parts without their records, and two tell of records cut off.
    ///
    /// # Errors
    ///
    /// When it was not written. After a failed write every later call fails too; a record that is too large, or for
    /// which there is no salt, leaves the trail as it was.
    #[expect(clippy::needless_pass_by_value, reason = "a record is made to be written, and once")]
    pub fn append(
        &mut self,
        cycle: Option<&CycleId>,
        entry: Entry,
        personal: Option<Personal>,
    ) -> Result<u64, TrailTrouble> {
        if self.poisoned {
            return Err(TrailTrouble::Poisoned);
        }
        let seq = self.next_seq;
        let sealed = personal.map(|personal| self.sealed(seq, &personal)).transpose()?;
        let line = self.line(cycle, &entry, sealed.as_ref().map(|sealed| sealed.digest.as_str()))?;
        let is_personal = sealed.is_some();
        let written = self.write(&line, sealed).and_then(|()| if is_personal { self.sync_segment() } else { Ok(()) });
        self.poisoned = written.is_err();
        written?;
        self.remember(&line);
        Ok(seq)
    }

    /// Makes everything durable that was added.
    ///
    /// # Errors
    ///
    /// When the medium does not; then every later call fails too.
    pub fn sync(&mut self) -> Result<(), TrailTrouble> {
        if self.poisoned {
            return Err(TrailTrouble::Poisoned);
        }
        let synced = self.sync_segment();
        self.poisoned = synced.is_err();
        synced
    }

    /// Adds a record and makes it durable: for what must stand before an act.
    ///
    /// # Errors
    ///
    /// As [`Trail::append`] and [`Trail::sync`].
    pub fn write_durably(
        &mut self,
        cycle: Option<&CycleId>,
        entry: Entry,
        personal: Option<Personal>,
    ) -> Result<u64, TrailTrouble> {
        let seq = self.append(cycle, entry, personal)?;
        self.sync()?;
        Ok(seq)
    }

    /// Takes in what was just written, as a reader would. Our own lines always read.
    fn remember(&mut self, line: &[u8]) {
        let taken = Line::read(line).and_then(|line| self.memory.take_in(&line));
        if let Err(what) = taken {
            tracing::error!("a record that was just written does not read: {what}");
            self.poisoned = true;
        }
    }

    fn sealed(&self, seq: u64, personal: &Personal) -> Result<Sealed, TrailTrouble> {
        let mut salt = [0; SALT_BYTES];
        self.chance.fill(&mut salt)?;
        seal(seq, personal, salt).map_err(TrailTrouble::TooLarge)
    }

    fn line(&self, cycle: Option<&CycleId>, entry: &Entry, personal: Option<&str>) -> Result<Vec<u8>, TrailTrouble> {
        let (account, prev) = (&self.account, self.prev.as_str());
        let head = Head { seq: self.next_seq, at: self.clock.now(), account, cycle, prev };
        line_bytes(&head, entry, personal).map_err(TrailTrouble::TooLarge)
    }

    fn write(&mut self, line: &[u8], sealed: Option<Sealed>) -> Result<(), TrailTrouble> {
        let sidecar_line = sealed.map(|sealed| [sealed.line.as_slice(), b"\n"].concat()).unwrap_or_default();
        let mut segment = self.segment_for(line.len() + 1, sidecar_line.len())?;
        self.must_stand(&segment)?;
        if !sidecar_line.is_empty() {
            self.append_to(&sidecar_name(segment.first_seq), &sidecar_line, &mut segment.sidecar)?;
        }
        self.append_to(&segment_name(segment.first_seq), &[line, b"\n"].concat(), &mut segment.lines)?;
        self.segment = Some(segment);
        self.prev = sha256_hex(line);
        self.next_seq = self.next_seq.saturating_add(1);
        Ok(())
    }

    /// A file that was cut, replaced or taken away under this process has lost records: nothing is done after that.
    fn must_stand(&self, segment: &Segment) -> Result<(), TrailTrouble> {
        let file = segment_name(segment.first_seq);
        let stands = self.medium.length(&file).map_err(|error| unwritable(&file, error))?.unwrap_or_default();
        if usize::try_from(stands) == Ok(segment.lines.bytes) {
            return Ok(());
        }
        let lost = format!("it has {stands} bytes where {} were written", segment.lines.bytes);
        Err(unwritable(&file, std::io::Error::other(lost)))
    }

    fn append_to(&self, file: &str, bytes: &[u8], written: &mut Written) -> Result<(), TrailTrouble> {
        self.medium.append(file, bytes).map_err(|error| unwritable(file, error))?;
        *written = Written { bytes: written.bytes + bytes.len(), is_durable: false };
        Ok(())
    }

    /// The segment with room for this; a full one is made durable before the next begins, so that a crash can tear the
    /// newest segment only.
    fn segment_for(&mut self, line: usize, sidecar_line: usize) -> Result<Segment, TrailTrouble> {
        if let Some(segment) = self.segment {
            let room = self.segment_bytes_max;
            let fits = segment.lines.bytes + line <= room && segment.sidecar.bytes + sidecar_line <= room;
            if fits || segment.lines.bytes == 0 {
                return Ok(segment);
            }
            self.sync_segment()?;
        }
        let written = Written { bytes: 0, is_durable: true };
        Ok(Segment { first_seq: self.next_seq, lines: written, sidecar: written })
    }

    fn sync_segment(&mut self) -> Result<(), TrailTrouble> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        let files = [
            (sidecar_name(segment.first_seq), &mut segment.sidecar),
            (segment_name(segment.first_seq), &mut segment.lines),
        ];
        for (file, written) in files {
            if !written.is_durable {
                self.medium.sync(&file).map_err(|error| unwritable(&file, error))?;
                written.is_durable = true;
            }
        }
        Ok(())
    }

    /// Drops personal parts beyond the last record, and torn ones: their numbers will be given again.
    fn drop_unwritten_personal(&self, last_seq: u64) -> Result<(), TrailTrouble> {
        let sidecars: Vec<u64> = names(&*self.medium)?.iter().filter_map(|name| sidecar_of(name)).collect();
        // Older sidecars were durable, with all their records, before the newest began.
        for first_seq in sidecars.iter().rev().take(2) {
            let bytes = sidecar_bytes(&*self.medium, *first_seq)?;
            let length = sidecar_length_up_to(&bytes, last_seq);
            if length < bytes.len() {
                let file = sidecar_name(*first_seq);
                self.medium.truncate(&file, length as u64).map_err(|error| unwritable(&file, error))?;
            }
        }
        Ok(())
    }

    /// Goes on with the newest segment: what a crash left of a last line gives way, in one step, to a record of it.
    fn resume(&mut self, first_seq: u64, whole: &[u8], torn: &[u8]) -> Result<(), TrailTrouble> {
        let file = segment_name(first_seq);
        let sidecar = sidecar_bytes(&*self.medium, first_seq)?.len();
        let mut bytes = whole.len();
        if !torn.is_empty() {
            let cut = TrailCut { segment: file.clone(), bytes: torn.len(), sha256: sha256_hex(torn) };
            let line = self.line(None, &cut.into(), None)?;
            let replaced = [whole, &line, b"\n"].concat();
            self.medium.replace(&file, &replaced).map_err(|error| unwritable(&file, error))?;
            self.prev = sha256_hex(&line);
            self.next_seq = self.next_seq.saturating_add(1);
            bytes = replaced.len();
        }
        // What was read may not have been durable when its writer ended; what follows will rest on it.
        let lines = Written { bytes, is_durable: false };
        let sidecar = Written { bytes: sidecar, is_durable: sidecar == 0 };
        self.segment = Some(Segment { first_seq, lines, sidecar });
        self.sync_segment()
    }
}

fn unwritable(file: &str, error: std::io::Error) -> TrailTrouble {
    TrailTrouble::Unwritable { file: file.to_owned(), error }
}
