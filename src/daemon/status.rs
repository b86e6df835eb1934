//! How an account stands: armed, watching, blind or disarmed, and why; and the file in which that is told.
//!
//! The daemon replaces the file after each cycle and change; `evictd status` reads it beside what it sees itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::files::{Disk, Medium as _};
use crate::model::{ListStanding, Mode, Outcome};
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::zendesk::Pace;

use super::rhythm::Rhythm;
use super::scarce::Exposure;
use super::setup::Setup;

/// The name of the file in an account's folder of state.
pub const STATUS_FILE: &str = "status.json";

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It would not end a session, whatever it saw.
    Disarmed,
    /// It does not see, or not all of it.
    Blind,
    /// It sees and reports; nothing enforces.
    Watching,
    /// It sees and acts.
    Armed,
}

impl Standing {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disarmed => "disarmed",
            Self::Blind => "blind",
            Self::Watching => "watching",
            Self::Armed => "armed",
        }
    }
}

/// What the last turn came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Turn {
    /// There was none yet.
    #[default]
    None,
    /// A cycle was finished.
    Swept,
    /// Zendesk showed nothing that could be judged.
    Blind(String),
    /// The account is not to be acted on: its trail, its lock or its protection does not allow it.
    Shut(String),
}

/// The last finished cycle, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCycle {
    /// Its id.
    pub cycle: String,
    /// Zendesk's clock.
    pub at: String,
    /// Whether everything in scope was seen.
    pub complete: bool,
    /// Whether Zendesk's clock and the host's agree.
    pub clocks_agree: bool,
    /// Sessions listed.
    pub sessions_seen: usize,
    /// Sessions it ended.
    pub revoked: usize,
    /// Sessions that Zendesk refused to end.
    #[serde(default)]
    pub refused: usize,
    /// Claims that a belt holds.
    pub withheld: usize,
    /// Sessions that some rule could not decide, by rule.
    pub undecided: BTreeMap<String, usize>,
    /// What its report warns of.
    pub warnings: Vec<String>,
    /// Of these, whose evidence has fallen.
    #[serde(default)]
    pub fallen: Vec<String>,
    /// Offboarding lists, by name.
    pub offboarding: BTreeMap<String, ListStatus>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl LastCycle {
    /// The numbers of this report.
    pub fn of(report: &Report, snapshot: &Snapshot, took: Duration) -> Self {
        let became = |outcome| report.revoke.iter().filter(|row| row.outcome == Some(outcome)).count();
        let undecided = report.rules.iter().filter(|row| row.undecided > 0);
        Self {
            cycle: report.cycle.to_string(),
            at: report.now.clone(),
            complete: report.complete,
            clocks_agree: snapshot.clocks.trusted,
            sessions_seen: report.sessions_seen,
            revoked: became(Outcome::Revoked),
            refused: became(Outcome::Refused),
            withheld: report.withheld.len(),
            undecided: undecided.map(|row| (row.rule.to_string(), row.undecided)).collect(),
            warnings: report.warnings.clone(),
            fallen: Vec::new(),
            offboarding: snapshot.lists.iter().map(|(name, list)| (name.clone(), list.into())).collect(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The document. Ids and instants are texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of this form.
    pub schema: u32,
    /// The account.
    pub account: String,
    /// The process that wrote it.
    pub pid: u32,
    /// When, on the host's clock.
    pub at: String,
    /// In one word.
    pub standing: Standing,
    /// Why not better; empty if armed.
    pub why: Vec<String>,
    /// The account's mode.
    pub mode: String,
    /// Whose sessions are listed.
    pub scope: String,
    /// The same as configured.
    pub scope_configured: String,
    /// The schedule, as written.
    pub sweep: String,
    /// When the next sweep is due; null while one is at work and at the end of the calendar.
    pub next_sweep: Option<String>,
    /// Sweeps that the schedule wanted since the daemon began and that found no time.
    pub missed_sweeps: u64,
    /// The share of the account's requests that may be used.
    pub budget: BudgetStatus,
    /// About how long a bad session could live.
    #[serde(default)]
    pub exposure: Option<Exposure>,
    /// SHA-256 over the policies in force.
    pub policy: String,
    /// What stands on the disk and is not in force, if so.
    pub rejected: Option<RejectedStatus>,
    /// Requests whose end Zendesk does not tell.
    pub unsettled: usize,
    /// The last finished cycle.
    pub last_cycle: Option<LastCycle>,
}

/// The budget as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// Requests a minute that a sweep may use.
    pub requests_per_minute: u32,
    /// The account's own limit, once Zendesk named it.
    pub account_limit: Option<u32>,
    /// Requests of the last minute.
    pub used: u32,
    /// Why nothing may leave for now, if so.
    pub held: Option<String>,
}

/// What was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedStatus {
    /// How many errors.
    pub errors: usize,
    /// What they are.
    pub text: String,
}

/// One offboarding list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStatus {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that wait for `offboard accept`.
    pub pending: usize,
    /// Rows that match nobody.
    pub unmatched: usize,
    /// Rows that match several people.
    pub ambiguous: usize,
    /// Rows that could not be read.
    pub unreadable: usize,
    /// Why nobody can say who is on it, if so.
    pub unknown: Option<String>,
}

impl From<&ListStanding> for ListStatus {
    fn from(list: &ListStanding) -> Self {
        Self {
            rows: list.rows,
            pending: list.pending,
            unmatched: list.unmatched,
            ambiguous: list.ambiguous,
            unreadable: list.unreadable,
            unknown: list.unknown.as_ref().map(|trouble| trouble.why.clone()),
        }
    }
}

/// What an account's standing is judged by.
pub struct Circumstances<'a> {
    /// What is in force.
    pub setup: &'a Setup,
    /// The last turn.
    pub turn: &'a Turn,
    /// The last cycle that was finished.
    pub last: Option<&'a LastCycle>,
    /// Whether a pause is in force, and until when.
    pub paused: Option<String>,
    /// Why nothing is remembered beyond this process, if so.
    pub forgetful: Option<&'a str>,
    /// That the request budget does not suffice, if so.
    pub scarcity: Option<String>,
    /// Why no session could be ended, if so: who ends them is refused, or could not be asked for.
    pub disarmed: Option<&'a str>,
}

/// How the account stands, and why not better.
pub fn standing(around: &Circumstances<'_>) -> (Standing, Vec<String>) {
    let mode = around.setup.account.mode;
    let (mut standing, mut why) = (Standing::Armed, Vec::new());
    let mut worse = |than: Standing, reason: String| {
        standing = standing.min(than);
        why.push(reason);
    };
    match around.turn {
        Turn::Shut(reason) => worse(Standing::Disarmed, reason.clone()),
        Turn::Blind(reason) => worse(Standing::Blind, reason.clone()),
        Turn::None => worse(Standing::Blind, "no cycle was finished yet".to_owned()),
        Turn::Swept if around.last.is_some_and(|last| !last.clocks_agree) => {
            worse(Standing::Blind, "this host's clock and Zendesk's disagree: set this host's clock".to_owned());
        }
        Turn::Swept if around.last.is_some_and(|last| !last.complete) => {
            worse(Standing::Blind, "the last cycle did not see everything in scope".to_owned());
        }
        Turn::Swept => {}
    }
    if let Some(until) = &around.paused {
        worse(Standing::Disarmed, format!("paused {until}"));
    }
    if let Some(why) = around.disarmed {
        worse(Standing::Disarmed, format!("no session can be ended: {why}"));
    }
    if let Some(refused) = around.last.map(|last| last.refused).filter(|refused| *refused > 0) {
        worse(Standing::Disarmed, format!("Zendesk refused to end {refused} of the sessions that were to end"));
    }
    match mode {
        Mode::Off => worse(Standing::Disarmed, "the account's mode is `off`".to_owned()),
        Mode::Report => worse(Standing::Watching, "the account's mode is `report`".to_owned()),
        Mode::Enforce if !around.setup.policies.rules.iter().any(|rule| rule.mode == Mode::Enforce) => {
            worse(Standing::Watching, "no rule's mode is `enforce`".to_owned());
        }
        Mode::Enforce => {}
    }
    why.extend(around.last.iter().flat_map(|last| last.fallen.clone()));
    if let Some(rejected) = &around.setup.rejected {
        why.push(format!("what stands on the disk has {}: the last good set is in force", rejected.counted()));
    }
    if let Some(forgetful) = around.forgetful {
        why.push(format!("what is learned is not kept: {forgetful}"));
    }
    why.extend(around.scarcity.clone());
    (standing, why)
}

impl Status {
    /// The document of an account that stands so.
    pub fn of(around: &Circumstances<'_>, now: Timestamp, rhythm: Rhythm, missed_sweeps: u64, pace: Pace) -> Self {
        let (standing, why) = standing(around);
        let setup = around.setup;
        Self {
            schema: 1,
            account: setup.account.name.to_string(),
            pid: std::process::id(),
            at: format!("{now:.0}"),
            standing,
            why,
            mode: setup.account.mode.word().to_owned(),
            scope: setup.scope.word().to_owned(),
            scope_configured: setup.account.scope.word().to_owned(),
            sweep: setup.account.sweep.to_string(),
            next_sweep: rhythm.due.map(|due| format!("{due:.0}")),
            missed_sweeps,
            budget: BudgetStatus {
                requests_per_minute: pace.requests_per_minute,
                account_limit: pace.account_limit,
                used: pace.used_in_last_minute,
                held: pace.held.map(|(wait, why)| format!("{} s more: {why}", wait.as_secs())),
            },
            exposure: None,
            policy: setup.policies.digest.clone(),
            rejected: setup.rejected.as_ref().map(|one| RejectedStatus { errors: one.errors, text: one.text.clone() }),
            unsettled: 0,
            last_cycle: around.last.cloned(),
        }
    }

    /// Puts the document in the account's folder of state.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn write(&self, state: &Path) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Disk::make(state)?.replace(STATUS_FILE, &bytes)
    }

    /// The document that lies in this folder; nothing if there is none.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    pub fn read(state: &Path) -> std::io::Result<Option<Self>> {
        match Disk::at(state).read(STATUS_FILE) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(serde_json::from_slice(&read?)?)),
        }
    }
}
