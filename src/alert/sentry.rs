//! What must be remembered of earlier records to tell what a later one means: holds that wait, who was ended how often,
//! when everything was last seen. Never more than a day of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Alert;
use crate::model::{AccountName, Mode};
use crate::record::{CycleFinished, Entry, Line};

/// Holds are over after a day, and episodes count within one.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Somebody who was ended in more cycles than this within a day came back after each of them.
const EPISODES: usize = 3;

/// A sweep takes no longer than this; where it seems to, nothing was seen meanwhile.
const GAP_MAX: SignedDuration = SignedDuration::from_hours(1);

/// So many people are remembered at most; beyond it the belts have long held everything.
const PEOPLE_MAX: usize = 100_000;

/// A hold that waits for a human.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) at: Timestamp,
    pub(super) rule: String,
    pub(super) belt: String,
    pub(super) people: usize,
    pub(super) digest: String,
}

/// A sweep that saw everything in scope, or the start of the process that is to do one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    /// How long it was after the one before.
    pub(super) gap: SignedDuration,
}

/// Hears one account's records in order and tells which of them are alerts.
#[derive(Debug)]
pub struct Sentry {
    pub(super) account: AccountName,
    /// Holds that wait, by the number of the record that opened them.
    pub(super) holds: BTreeMap<u64, Waiting>,
    /// Holds of rules that only report: nobody is asked.
    shown: BTreeSet<u64>,
    /// The cycles in which each person was ended, with when.
    ended: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// The newest digests of policies and configuration.
    pub(super) policy: Option<String>,
    pub(super) config: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) seen: Option<Seen>,
    /// The last cycle of which a refusal, or a session that is still there, was told.
    told: BTreeSet<(&'static str, String)>,
}

impl Sentry {
    /// One that has heard nothing yet.
    pub fn of(account: AccountName) -> Self {
        Self {
            account,
            holds: BTreeMap::new(),
            shown: BTreeSet::new(),
            ended: BTreeMap::new(),
            policy: None,
            config: None,
            scope: None,
            seen: None,
            told: BTreeSet::new(),
        }
    }

    /// Hears the next record; the alert that it is, if it is one.
    pub fn hear(&mut self, line: &Line) -> Option<Alert> {
        let alert = self.alert_of(line);
        self.remember(line);
        alert
    }

    fn remember(&mut self, line: &Line) {
        match &line.entry {
            Entry::HoldOpened(body) if body.mode == Mode::Enforce.word() => {
                let waiting = Waiting {
                    at: line.at,
                    rule: body.rule.clone(),
                    belt: body.belt.clone(),
                    people: body.people.len(),
                    digest: body.digest.clone(),
                };
                self.holds.insert(line.seq, waiting);
            }
            Entry::HoldOpened(_) => {
                self.shown.insert(line.seq);
            }
            Entry::HoldGrew(body) => {
                if let Some(hold) = body.hold.parse().ok().and_then(|seq: u64| self.holds.get_mut(&seq)) {
                    hold.people += body.people.len();
                    hold.digest.clone_from(&body.digest);
                }
            }
            Entry::HoldReleased(body) => self.close(&body.hold),
            Entry::HoldDiscarded(body) => self.close(&body.hold),
            Entry::HoldExpired(body) => self.close(&body.hold),
            Entry::PolicyLoaded(body) => self.policy = Some(body.digest.clone()),
            Entry::ConfigLoaded(body) => self.config = Some(body.digest.clone()),
            Entry::ScopeChanged(body) => self.scope = Some(body.scope.clone()),
            Entry::DaemonStarted(body) if body.command == "run" => {
                self.seen = Some(Seen { seq: line.seq, at: line.at, gap: SignedDuration::ZERO });
            }
            Entry::CycleFinished(body) => self.finished(line, body),
            _ => {}
        }
    }

    fn close(&mut self, hold: &str) {
        if let Ok(seq) = hold.parse() {
            self.holds.remove(&seq);
            self.shown.remove(&seq);
        }
    }

    fn finished(&mut self, line: &Line, body: &CycleFinished) {
        if body.complete && body.clock_trusted && body.looked.is_none() {
            let gap = self.seen.map_or(SignedDuration::ZERO, |seen| seen.at.duration_until(line.at)).min(GAP_MAX);
            self.seen = Some(Seen { seq: line.seq, at: line.at, gap });
        }
        let is_recent = |at: &Timestamp| at.duration_until(line.at) <= DAY;
        self.holds.retain(|_, hold| is_recent(&hold.at));
        for cycles in self.ended.values_mut() {
            cycles.retain(|_, at| is_recent(at));
        }
        self.ended.retain(|_, cycles| !cycles.is_empty());
        self.told.clear();
    }

    /// Whether this hold only shows what would be.
    pub(super) fn only_shows(&self, hold: &str) -> bool {
        hold.parse().is_ok_and(|seq: u64| self.shown.contains(&seq))
    }

    /// Whether this is the first word of its kind in its cycle.
    pub(super) fn is_first(&mut self, kind: &'static str, line: &Line) -> bool {
        self.told.insert((kind, cycle_of(line)))
    }

    /// Whether by this the person was ended once more than a loop takes, and came back after each time.
    pub(super) fn comes_back(&mut self, user: &str, line: &Line) -> bool {
        if self.ended.len() >= PEOPLE_MAX && !self.ended.contains_key(user) {
            return false;
        }
        let cycles = self.ended.entry(user.to_owned()).or_default();
        cycles.retain(|_, at| at.duration_until(line.at) <= DAY);
        let is_new = cycles.insert(cycle_of(line), line.at).is_none();
        is_new && cycles.len() == EPISODES + 1
    }
}

/// What was settled outside of any cycle is an episode of its own.
fn cycle_of(line: &Line) -> String {
    line.cycle.as_ref().map_or_else(|| line.seq.to_string(), ToString::to_string)
}
