//! Reports: what a cycle found and did, as data, JSON and text.
//!
//! A report is built from a cycle's stages or rebuilt from the trail; both give the same document, but for the
//! examples of what could not be decided, of which the trail keeps counts only.

mod build;
mod claims;
mod explain;
mod grid;
mod json;
mod places;
mod reference;
mod replay;
mod sheets;
mod text;

use crate::guard::Gauge;
use crate::model::{AccountName, Stratum, UserId, human_duration};
use crate::model::{
    Action, Cause, CycleId, Exposure, Exposures, Foreign, Grade, Mode, Outcome, RuleId, Scope, SessionId, Severity,
    Strength,
};
use crate::record::TokenHeld;
use jiff::SignedDuration;

pub use build::{Stages, full_name, person_of, report};
pub use explain::{Explanation, explain};
pub use json::to_json;
pub use reference::{facts_json, facts_markdown, facts_text};
pub use replay::{NoSuchCycle, Recorded, replay};
pub use sheets::belts::{belt_lines, gauge_of};
pub use sheets::controls::Controls;
pub use sheets::leavers::{Leavers, LeaversTold};
pub use sheets::why::{Loss, Why, would_end};
pub use text::{Look, counted, gist, revoked, to_text};

/// One cycle, as people and programs read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which account.
    pub account: AccountName,
    /// Which cycle.
    pub cycle: CycleId,
    /// Zendesk's clock, RFC 3339.
    pub now: String,
    /// The account's mode.
    pub mode: Mode,
    /// Whose sessions were listed.
    pub scope: Scope,
    /// Whether the listing is whole.
    pub complete: bool,
    /// Digest of the policy set.
    pub policy: String,
    /// Sessions listed.
    pub sessions_seen: usize,
    /// People with sessions, by stratum.
    pub people_seen: Vec<(Stratum, usize)>,
    /// The place databases that were asked, in order of preference.
    pub databases: Vec<DatabaseRow>,
    /// What a reader has to know before the rest.
    pub warnings: Vec<String>,
    /// Sessions that every belt lets go, in the plan's order.
    pub revoke: Vec<RevokeRow>,
    /// Who came back after a session of theirs was ended, and is told of now.
    pub came_back: Vec<ReturnRow>,
    /// Claims that a belt holds, in the plan's order.
    pub withheld: Vec<WithheldRow>,
    /// OAuth tokens that people hold who just lost a session or have left, if it was asked: by person and number.
    pub tokens: Vec<TokenRow>,
    /// What could not be decided, by rule and cause.
    pub undecided: Vec<UndecidedRow>,
    /// How near each belt is that counts people.
    pub belts: Vec<Gauge>,
    /// What each rule found, by id.
    pub rules: Vec<RuleRow>,
}

/// A place database that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRow {
    /// Its file's name.
    pub name: Foreign,
    /// What it says it is.
    pub kind: Foreign,
    /// The instant it was built, RFC 3339, as it says itself.
    pub built: String,
}

/// A session that every belt lets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeRow {
    /// The session.
    pub session: SessionId,
    /// Its person.
    pub user: UserId,
    /// The person's name and e-mail.
    pub person: Foreign,
    /// The person's stratum.
    pub stratum: Stratum,
    /// The highest severity of these rules.
    pub severity: Severity,
    /// Enforce if one of these rules enforces.
    pub mode: Mode,
    /// The widest action of these rules.
    pub action: Action,
    /// The rules whose claims are clear.
    pub rules: Vec<RuleId>,
    /// The facts they rest on, in words.
    pub reasons: Vec<String>,
    /// How surely these are of this very session: as surely as the surest of the rules of this mode says.
    pub strength: Strength,
    /// What became of it, if it was acted on.
    pub outcome: Option<Outcome>,
    /// What the person's listing said afterwards.
    pub grade: Option<Grade>,
    /// How long it could be used where a rule will not have it, if it ended and places tell.
    pub exposure: Option<Exposure>,
}

/// Somebody who came back: a rule fires on a session that they opened soon after another of theirs was ended for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRow {
    /// The session that was ended.
    pub session: SessionId,
    /// The person.
    pub user: UserId,
    /// The person's name and e-mail.
    pub person: Foreign,
    /// The rule.
    pub rule: RuleId,
    /// The new session.
    pub new: SessionId,
    /// From the end of the one to the opening of the other.
    pub after: SignedDuration,
}

/// An OAuth token that somebody holds. Ending a session ends none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Whose it is.
    pub user: UserId,
    /// The person's name and e-mail.
    pub person: Foreign,
    /// Its numbers, scopes and instants.
    pub token: TokenHeld,
}

/// A claim that a belt holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithheldRow {
    /// The session.
    pub session: SessionId,
    /// Its person.
    pub user: UserId,
    /// The person's name and e-mail.
    pub person: Foreign,
    /// The person's stratum.
    pub stratum: Stratum,
    /// The rule.
    pub rule: RuleId,
    /// The rule's severity.
    pub severity: Severity,
    /// The lower of the account's and the rule's mode.
    pub mode: Mode,
    /// The belt's name.
    pub belt: String,
    /// How many people it lets through, if it counts people.
    pub limit: Option<u64>,
    /// How many there are.
    pub count: Option<u64>,
    /// The facts the claim rests on, in words.
    pub reasons: Vec<String>,
    /// How surely these are of this very session.
    pub strength: Strength,
}

/// What a rule could not decide for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndecidedRow {
    /// The rule.
    pub rule: RuleId,
    /// The cause.
    pub cause: Cause,
    /// Sessions.
    pub sessions: usize,
    /// People.
    pub people: usize,
    /// A few of the sessions.
    pub examples: Vec<SessionId>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// The rule.
    pub rule: RuleId,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: Severity,
    /// The lower of the account's and the rule's mode.
    pub mode: Mode,
    /// Sessions it fires on.
    pub fired: usize,
    /// Of these, spared by an exception that says yes.
    pub spared: usize,
    /// Of these, spared by an exception that cannot tell.
    pub spared_by_unknown: usize,
    /// Of these, clear of every belt.
    pub clear: usize,
    /// Of these, withheld by a belt.
    pub withheld: usize,
    /// Sessions it cannot decide.
    pub undecided: usize,
}

impl RuleRow {
    /// The part of so many sessions that it could decide, in hundredths, cut: all only if it is all. None of none.
    pub fn decides(&self, sessions: usize) -> Option<usize> {
        sessions.saturating_sub(self.undecided).saturating_mul(100).checked_div(sessions)
    }
}

/// Whom a page names: the e-mail address, or whatever there is instead of it, short enough for a line.
fn who(person: &Foreign) -> String {
    const LETTERS_MAX: usize = 36;
    let shown = person.to_string();
    let short = shown.rsplit_once('<').map_or(shown.as_str(), |(_, email)| email.trim_end_matches('>'));
    if short.chars().count() <= LETTERS_MAX {
        return short.to_owned();
    }
    short.chars().take(LETTERS_MAX - 1).chain(['…']).collect()
}

/// Reasons in one line; that they may be another session's is said.
fn why(reasons: &[String], strength: Strength) -> String {
    let reasons = reasons.join(", ");
    if strength == Strength::Exact { reasons } else { format!("{reasons} ({}: {})", strength.word(), strength.text()) }
}

impl RevokeRow {
    /// How it ended, in words.
    fn end(&self) -> String {
        match (self.outcome, self.grade) {
            (Some(outcome), Some(grade)) => format!("{}, {}", outcome.word(), grade.word()),
            (Some(outcome), None) => outcome.word().to_owned(),
            (None, _) => "report only".to_owned(),
        }
    }

    fn who(&self) -> String {
        who(&self.person)
    }
}

impl WithheldRow {
    fn who(&self) -> String {
        who(&self.person)
    }
}

/// In a line: how long, and where the time of the longest went.
pub fn exposure_line(exposures: &Exposures) -> String {
    let Exposures { number, middle, p95, worst } = exposures;
    let long = |part: SignedDuration| human_duration(part);
    let parts = worst.parts().map(|(word, part)| format!("{word} {}", long(part))).join(", ");
    let worst = long(worst.total());
    if *number == 1 {
        return format!("{worst} from the first bad sign-in or use to the end ({parts})");
    }
    format!(
        "{} in the middle, {} at p95, {worst} at worst ({parts}), from the first bad sign-in or use to the end of {number} sessions",
        long(*middle),
        long(*p95),
    )
}

impl Report {
    /// How long the sessions that this cycle ended could be used; none where no place of any was bad.
    pub fn exposures(&self) -> Option<Exposures> {
        Exposures::of(self.revoke.iter().filter_map(|row| row.exposure))
    }

    /// How many sessions this cycle ended or would end: rows that enforce.
    pub fn enforcing(&self) -> usize {
        self.revoke.iter().filter(|row| row.mode == Mode::Enforce).count()
    }
}
