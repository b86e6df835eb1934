//! How near belts were when a cycle closed.

use serde::{Deserialize, Serialize};

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
