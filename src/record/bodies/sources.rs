//! Records about what facts come from: sources of sign-ins and of use, how much evidence there is beside what is usual,
//! requests that suffice or not, named lists, offboarding lists, place databases.

use serde::{Deserialize, Serialize};

/// A source cannot be said to have told everything any more: what it does not tell is unknown from now on. Written by each
/// process when it first finds it so, and whenever it becomes so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLost {
    /// `audit-log`, `access-log`, or the name of a feed.
    pub source: String,
    /// What it tells of: `sign-in` or `use`.
    pub tells: String,
    /// The cause, such as `source-down`, `partial` or `stale`.
    pub unknown: String,
    /// Up to when it told everything, on Zendesk's clock.
    pub as_of: String,
}

/// A source that was lost tells everything again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBack {
    /// `audit-log`, `access-log`, or the name of a feed.
    pub source: String,
    /// What it tells of: `sign-in` or `use`.
    pub tells: String,
    /// Up to when it told everything, on Zendesk's clock.
    pub as_of: String,
}

/// There is half as much evidence as usual, or less. Told once, when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFell {
    /// `rule` or `source`.
    pub of: String,
    /// The rule's id, or the source's name.
    pub name: String,
    /// The part of sessions that the rule decides or the source tells of, in thousandths.
    pub share: u16,
    /// The same as it usually is.
    pub usual: u16,
}

/// That is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceBack {
    /// `rule` or `source`.
    pub of: String,
    /// The rule's id, or the source's name.
    pub name: String,
    /// The part of sessions that the rule decides or the source tells of, in thousandths; absent if the rule or the source
    /// is no longer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u16>,
    /// The same as it usually is; absent if that is too long ago to be usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<u16>,
}

/// The account's requests have not sufficed for some minutes. Written by each process when it first finds it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStarved {
    /// What was lacking: `looks` that leave people waiting, `logs` cut short, `sweeps` missed, requests `refused`.
    pub why: Vec<String>,
    /// Since when, on the host's clock.
    pub since: String,
    /// People who wait to be looked at.
    pub waiting: usize,
}

/// They suffice again, and have for some minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetBack {
    /// Since when they had not sufficed, on the host's clock.
    pub since: String,
}

/// What named lists in files and place databases say from now on. Written by each process when it first judges by them,
/// and whenever any of them changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupsChanged {
    /// The place databases that were asked, in order of preference; empty if nobody was seen at any address.
    pub databases: Vec<DatabaseUsed>,
    /// The named lists that stand in files, in order of name.
    pub lists: Vec<ListUsed>,
}

/// A place database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseUsed {
    /// Its file's name.
    pub name: String,
    /// What it says it is.
    pub kind: String,
    /// When it was built, as it says itself.
    pub built: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
}

/// A named list in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListUsed {
    /// Its name in the policies.
    pub list: String,
    /// SHA-256 of what is in force of it, hexadecimal; absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How many entries could be read, duplicates included.
    pub entries: usize,
    /// When the file was last changed, on the host's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Why it cannot say of everything whether it is on it; absent if it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// An offboarding list came to say something else. Rows name people, so that only their number stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffboardingChanged {
    /// Its name in the configuration.
    pub list: String,
    /// SHA-256 of the file that is in force, hexadecimal; absent if none ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Rows of that file.
    pub rows: usize,
    /// Of these, rows that wait for `offboard accept`.
    pub pending: usize,
    /// Rows that it has and its predecessor had not.
    pub added: usize,
    /// Rows that its predecessor had and it has not.
    pub removed: usize,
    /// Why its sign is unknown; absent while it can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Who accepted rows that were pending, as `offboard accept` noted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
}
