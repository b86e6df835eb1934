//! Taking a list over: what its rows count for, given what is remembered of it. No file, no clock, no network.
//!
//! A file that cannot be used changes nothing that is remembered, and its old rows are not an answer either. New rows
//! come into force a day's growth at a time; a batch that goes over it waits as a whole, and waiting never ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::accepted::Acceptance;
use super::file::{ListFault, ListFile};
use super::row::Names;
use crate::config::OffboardingList;
use crate::model::{Cause, ListChange, ListMemory, ListStanding, ListTrouble, RowMemory, UserId, human_duration};
use crate::record::OffboardingChanged;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A file from further ahead than this would not grow stale in time.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);
/// From so many rows in force on, losing more than half of them at once is a torn file before it is news.
const HALVED_FROM: usize = 4;
/// So many unreadable lines are told one by one.
const FAULTS_TOLD_MAX: usize = 5;

/// What a list is taken over in.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The cycle's *now*, on Zendesk's clock.
    pub now: Timestamp,
    /// The host's clock when the file was read: what the file's own time is compared with.
    pub host_now: Timestamp,
    /// The trail's last record about this list, if any.
    pub last: Option<&'a OffboardingChanged>,
    /// What a human last accepted of this list, if anything.
    pub accepted: Option<&'a Acceptance>,
}

/// A list in one cycle.
#[derive(Debug, Clone)]
pub struct Roll {
    pub(super) list: Arc<str>,
    pub(super) now: Timestamp,
    /// When its file was last seen to say this.
    pub(super) as_of: Timestamp,
    /// What is to be remembered; none if no file was ever taken over.
    pub(super) memory: Option<ListMemory>,
    /// Whom the rows name, by key; empty if the file cannot be used.
    pub(super) names: BTreeMap<String, Names>,
    /// Rows that match several people.
    pub(super) ambiguous: BTreeSet<String>,
    pub(super) standing: ListStanding,
    /// Whether something is to be remembered that was not.
    pub(super) learned: bool,
}

/// Takes a list over as it was just read.
pub fn take_over(
    list: &OffboardingList,
    read: Result<ListFile, ListFault>,
    memory: Option<&ListMemory>,
    circumstances: &Circumstances<'_>,
) -> Roll {
    let mut roll = Roll {
        list: Arc::from(list.name.as_str()),
        now: circumstances.now,
        as_of: circumstances.now,
        memory: None,
        names: BTreeMap::new(),
        ambiguous: BTreeSet::new(),
        standing: ListStanding::default(),
        learned: false,
    };
    let mut change = ListChange::default();
    if let Ok(file) = &read {
        roll.standing.unreadable = file.faults.len();
        let told = file.faults.iter().take(FAULTS_TOLD_MAX);
        roll.standing.faults = told.map(|fault| format!("line {}: {}", fault.line, fault.what)).collect();
    }
    roll.standing.unknown = trouble_of(list, &read, circumstances.host_now);
    if let (None, Ok(file)) = (&roll.standing.unknown, read) {
        let rows = fold(&file);
        let taken = TakeIn { list, digest: &file.digest, memory, circumstances }.take_in(&rows);
        if taken.is_accepted || !is_halved(memory, &taken.memory) {
            change = taken.change;
            roll.standing.accepted_by = taken.accepted_by;
            roll.names = rows.into_iter().map(|(key, row)| (key, row.names)).collect();
            if in_force(&taken.memory) == 0 {
                roll.standing.unknown = Some(all_waiting());
            }
            roll.learned = memory != Some(&taken.memory);
            roll.memory = Some(taken.memory);
        } else {
            roll.standing.unknown = Some(halved(memory, &taken.memory));
        }
    }
    roll.memory = roll.memory.or_else(|| memory.cloned());
    roll.count(circumstances.last, change);
    roll
}

impl Roll {
    /// Takes in that the file was read once more, at this instant: if it is what it was, so is what it says. A sweep may
    /// last longer than evidence stays young.
    pub fn read_again(&mut self, read: &Result<ListFile, ListFault>, at: Timestamp) {
        let digest = self.memory.as_ref().map(|memory| &memory.digest);
        if read.as_ref().is_ok_and(|file| Some(&file.digest) == digest) {
            self.as_of = self.as_of.max(at);
        }
    }

    /// The list's name in the configuration.
    pub fn list(&self) -> &str {
        &self.list
    }

    /// Whom rows mean that come into force with this file, or from another day on: nobody while it cannot be used.
    pub fn news(&self, before: Option<&ListMemory>) -> BTreeSet<UserId> {
        let old = |key: &str| before.and_then(|before| before.rows.get(key));
        let is_new = |key: &str, row: &RowMemory| old(key).is_none_or(|old| old.pending || old.since != row.since);
        let rows = self.rows_in_force().filter(|(key, row)| self.standing.unknown.is_none() && is_new(key, row));
        rows.filter_map(|(_, row)| row.user).collect()
    }

    /// What is to be remembered of the list, if it is different from what was.
    pub fn lesson(&self) -> Option<&ListMemory> {
        self.memory.as_ref().filter(|_| self.learned)
    }

    /// How the list stands.
    pub fn standing(&self) -> ListStanding {
        let mut standing = self.standing.clone();
        for (key, row) in self.rows_in_force().filter(|(_, row)| row.user.is_none()) {
            let count = match row.asked_at {
                _ if self.ambiguous.contains(key) => &mut standing.ambiguous,
                Some(_) => &mut standing.unmatched,
                None => &mut standing.unasked,
            };
            *count += 1;
        }
        standing
    }

    /// Rows that count, whether or not the list can be used now.
    pub(super) fn rows_in_force(&self) -> impl Iterator<Item = (&str, &RowMemory)> {
        let rows = self.memory.iter().flat_map(|memory| &memory.rows);
        rows.filter(|(_, row)| !row.pending).map(|(key, row)| (key.as_str(), row))
    }

    fn count(&mut self, last: Option<&OffboardingChanged>, change: ListChange) {
        let standing = &mut self.standing;
        if let Some(memory) = &self.memory {
            standing.digest = Some(memory.digest.clone());
            standing.rows = memory.rows.len();
            standing.pending = memory.rows.len() - in_force(memory);
        } else if let Some(last) = last {
            // What was forgotten is not what never was: the trail goes on saying which file is in force.
            (standing.digest, standing.rows, standing.pending) = (last.digest.clone(), last.rows, last.pending);
        }
        let why = standing.unknown.as_ref().map(|trouble| trouble.why.as_str());
        let same = last.is_some_and(|last| {
            (last.digest.as_deref(), last.pending, last.unknown.as_deref())
                == (standing.digest.as_deref(), standing.pending, why)
        });
        standing.change = (!same).then_some(change);
    }
}

/// Why a file cannot be used, whatever is remembered of it.
pub fn trouble_of(
    list: &OffboardingList,
    read: &Result<ListFile, ListFault>,
    host_now: Timestamp,
) -> Option<ListTrouble> {
    let trouble = |cause, why: String, help: Option<String>| Some(ListTrouble { cause, why, help });
    let file = match read {
        Ok(file) => file,
        Err(fault) => return trouble(Cause::Down, fault.to_string(), fault.help(&list.file)),
    };
    let age = file.modified.duration_until(host_now);
    if age < -AHEAD_MAX {
        let help = "set the host's clock right, or touch the file".to_owned();
        return trouble(Cause::ClockSkew, "the file was changed in the future".to_owned(), Some(help));
    }
    if age > list.older_than_max {
        let why = format!("the file was not changed for more than {}", human_duration(list.older_than_max));
        let help = "see why it is no longer delivered; for a list kept by hand, raise `older-than-max`".to_owned();
        return trouble(Cause::ListStale, why, Some(help));
    }
    let (rows, bad) = (file.rows.len(), file.faults.len());
    if bad > rows {
        let why = format!("{bad} of {} rows cannot be read", bad + rows);
        return trouble(Cause::Down, why, Some("`evictd offboard list` shows the first of them".to_owned()));
    }
    if rows == 0 {
        let help = "a list of nobody looks like an export that failed: deliver it again, or take it out of the \
                    configuration";
        return trouble(Cause::Down, "the file has no rows".to_owned(), Some(help.to_owned()));
    }
    None
}

fn all_waiting() -> ListTrouble {
    let why = "every row waits to be accepted".to_owned();
    ListTrouble { cause: Cause::Learning, why, help: Some(ACCEPT_HELP.to_owned()) }
}

const ACCEPT_HELP: &str = "look at `evictd offboard list`, then `evictd offboard accept` if it is right";

fn is_halved(before: Option<&ListMemory>, after: &ListMemory) -> bool {
    let before = before.map_or(0, in_force);
    before >= HALVED_FROM && in_force(after) * 2 < before
}

fn halved(before: Option<&ListMemory>, after: &ListMemory) -> ListTrouble {
    let (before, after) = (before.map_or(0, in_force), in_force(after));
    let why = format!("{after} rows would be in force, fewer than half of the {before} before");
    ListTrouble { cause: Cause::Down, why, help: Some(ACCEPT_HELP.to_owned()) }
}

fn in_force(memory: &ListMemory) -> usize {
    memory.rows.values().filter(|row| !row.pending).count()
}

/// Rows with the same key as one.
#[derive(Debug, Default)]
struct Folded {
    names: Names,
    /// The earliest date that one of them has.
    dated: Option<Timestamp>,
    /// One of them has none.
    undated: bool,
}

impl Folded {
    /// The date to remember, for a row first seen then; none if that is the date.
    fn since(&self, first_seen: Timestamp) -> Option<Timestamp> {
        self.dated.filter(|dated| !self.undated || *dated < first_seen)
    }
}

fn fold(file: &ListFile) -> BTreeMap<String, Folded> {
    let mut rows: BTreeMap<String, Folded> = BTreeMap::new();
    for row in &file.rows {
        let folded = rows.entry(row.names.key()).or_default();
        folded.names.complete(row.names.clone());
        folded.dated = [folded.dated, row.since].into_iter().flatten().min();
        folded.undated |= row.since.is_none();
    }
    rows
}

/// The comparison of a file that can be used with what is remembered.
struct TakeIn<'a> {
    list: &'a OffboardingList,
    digest: &'a str,
    memory: Option<&'a ListMemory>,
    circumstances: &'a Circumstances<'a>,
}

/// What came of it.
struct Taken {
    memory: ListMemory,
    change: ListChange,
    is_accepted: bool,
    accepted_by: Option<String>,
}

impl TakeIn<'_> {
    fn take_in(&self, rows: &BTreeMap<String, Folded>) -> Taken {
        let Circumstances { now, accepted, .. } = *self.circumstances;
        let spent = self.memory.and_then(|memory| memory.accepted_at);
        let accepted =
            accepted.filter(|accepted| accepted.digest == self.digest && spent.is_none_or(|spent| accepted.at > spent));
        let known = |key: &String| self.memory.and_then(|memory| memory.rows.get(key));
        let new: BTreeSet<&String> = rows
            .iter()
            .filter(|(key, row)| known(key).is_none_or(|old| is_forward(old, row, now)))
            .map(|(key, _)| key)
            .collect();
        let mut grown = self.grown();
        let new_wait = accepted.is_none() && self.new_rows_wait(new.len(), &mut grown);
        let mut released = false;
        let mut remembered = BTreeMap::new();
        for (key, row) in rows {
            let old = known(key);
            let first_seen = old.map_or(now, |old| old.first_seen);
            let waits = old.is_some_and(|old| old.pending) || new.contains(key) && new_wait;
            released |= accepted.is_some() && (new.contains(key) || waits);
            let next = RowMemory {
                first_seen,
                pending: waits && accepted.is_none(),
                user: row.names.id.or(old.and_then(|old| old.user)),
                asked_at: old.and_then(|old| old.asked_at),
                since: row.since(first_seen),
            };
            remembered.insert(key.clone(), next);
        }
        let gone = |memory: &ListMemory| memory.rows.keys().filter(|key| !rows.contains_key(*key)).count();
        let change = ListChange {
            added: rows.keys().filter(|key| known(key).is_none()).count(),
            removed: self.memory.map_or(0, gone),
        };
        let same = self.memory.filter(|memory| memory.digest == self.digest);
        let accepted_at = accepted.map(|accepted| accepted.at).or(spent);
        let taken_at = same.map_or(now, |memory| memory.taken_at);
        let memory = ListMemory { digest: self.digest.to_owned(), taken_at, rows: remembered, grown, accepted_at };
        let accepted_by = accepted.filter(|_| released).map(|accepted| accepted.by.clone());
        Taken { memory, change, is_accepted: accepted.is_some(), accepted_by }
    }

    /// What grew in the last 24 hours. Where that was forgotten, a whole day's growth is taken to have happened.
    fn grown(&self) -> BTreeMap<Timestamp, u32> {
        let now = self.circumstances.now;
        match (self.memory, self.circumstances.last) {
            (Some(memory), _) => {
                let recent = |(at, _): &(&Timestamp, &u32)| at.duration_until(now) < DAY;
                memory.grown.iter().filter(recent).map(|(at, rows)| (*at, *rows)).collect()
            }
            (None, Some(last)) if last.digest.is_some() => BTreeMap::from([(now, self.list.growth_per_day_max)]),
            (None, _) => BTreeMap::new(),
        }
    }

    /// Whether new rows have to wait; if not, they are counted as today's growth.
    fn new_rows_wait(&self, new: usize, grown: &mut BTreeMap<Timestamp, u32>) -> bool {
        if self.memory.is_none() {
            // The very first file is the operator's word. One whose memory was lost is as good as the trail says.
            return self.circumstances.last.is_some_and(|last| {
                last.digest.is_some() && (last.digest.as_deref() != Some(self.digest) || last.pending > 0)
            });
        }
        let room =
            self.list.growth_per_day_max.saturating_sub(grown.values().fold(0, |sum, rows| rows.saturating_add(sum)));
        match u32::try_from(new) {
            Ok(0) => false,
            Ok(new) if new <= room => {
                *grown.entry(self.circumstances.now).or_default() += new;
                false
            }
            _ => true,
        }
    }
}

/// Whether a row that said of a day to come now names an earlier one: that is as good as a new row.
fn is_forward(old: &RowMemory, row: &Folded, now: Timestamp) -> bool {
    let from = |since: Option<Timestamp>| since.unwrap_or(old.first_seen);
    let (before, after) = (from(old.since), from(row.since(old.first_seen)));
    !old.pending && before > now && after < before
}
