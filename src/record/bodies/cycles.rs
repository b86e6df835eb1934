//! What a cycle counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DatabaseUsed, OffboardingChanged, SetSigned};
use crate::model::Scope;

/// A cycle ended; what it counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleFinished {
    /// Zendesk's clock.
    pub now: String,
    /// The account's mode.
    pub mode: String,
    /// Digest of the policy set.
    pub policy: String,
    /// Which signed set that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SetSigned>,
    /// Whether the listing was whole.
    pub complete: bool,
    /// Whom it looked at, if it was a look at these alone: of claims on others it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Vec<String>>,
    /// Sessions listed.
    pub sessions_seen: usize,
    /// People with sessions, by stratum; the roster of belts if `complete` and not a look.
    pub people_seen: BTreeMap<String, usize>,
    /// Zendesk's clock minus the host's, in milliseconds, as text.
    pub clock_offset_ms: String,
    /// Whether Zendesk's and the host's clock agreed; otherwise `now` is not to be believed.
    pub clock_trusted: bool,
    /// Whose sessions were listed: `staff` or `everyone`.
    #[serde(default = "everyone")]
    pub scope: String,
    /// API requests sent.
    pub calls: u64,
    /// Sweeps that the schedule wanted since the last cycle and that found no time.
    #[serde(default)]
    pub missed: u64,
    /// How each offboarding list stands.
    #[serde(default)]
    pub offboarding: Vec<OffboardingChanged>,
    /// The place databases that were asked, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseUsed>,
    /// When it was asked who holds OAuth tokens, on Zendesk's clock; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_asked: Option<String>,
    /// What each rule found.
    pub rules: Vec<RuleCount>,
    /// How near belts are that count people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub belts: Vec<BeltUsed>,
    /// What could not be decided.
    pub undecided: Vec<UndecidedCount>,
    /// What a reader of the report was warned of.
    pub warnings: Vec<String>,
}

/// The only scope there was before records named it.
fn everyone() -> String {
    Scope::Everyone.word().to_owned()
}

/// What one rule found in one cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// The lower of the account's and the rule's mode.
    pub mode: String,
    /// Its severity.
    pub severity: String,
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
    /// Short digests of what it rests on: rule, lists, places, engine, scope, belts; absent in older records.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basis: String,
}

/// What one rule could not decide for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndecidedCount {
    /// The rule.
    pub rule: String,
    /// The cause.
    pub cause: String,
    /// Sessions.
    pub sessions: usize,
    /// People.
    pub people: usize,
}

/// One belt of one stratum, with what it counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeltUsed {
    /// The belt's word.
    pub belt: String,
    /// The rule whose people it counts; absent: those of all rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The stratum.
    pub stratum: String,
    /// How many people it counts.
    pub used: u64,
    /// How many it lets through.
    pub limit: u64,
    /// The limit is the rule's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// The limit is beyond what is usual.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dangerous: bool,
}
