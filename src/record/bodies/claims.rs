//! Claims as they stand, and what they rest on.

use serde::{Deserialize, Serialize};

/// Claims that stand now and did not before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimBegan {
    /// The claims.
    pub claims: Vec<StandingClaim>,
}

/// Claims that stand otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimChanged {
    /// The claims, as they stand now.
    pub claims: Vec<StandingClaim>,
}

/// Claims that no longer stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimEnded {
    /// Rule and session of each.
    pub claims: Vec<ClaimKey>,
}

/// Which claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimKey {
    /// The rule.
    pub rule: String,
    /// The session.
    pub session: String,
}

/// A fired, unspared claim as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingClaim {
    /// Which claim.
    #[serde(flatten)]
    pub key: ClaimKey,
    /// The person.
    pub user: String,
    /// The person's stratum.
    pub stratum: String,
    /// The lower of the account's and the rule's mode.
    pub mode: String,
    /// What the rule asks for.
    pub action: String,
    /// The rule's severity.
    pub severity: String,
    /// The belt that holds it; absent if it is clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belt: Option<HeldBy>,
    /// The facts that made it fire.
    pub facts: Vec<FactUsed>,
}

/// The belt that holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// Its name.
    pub belt: String,
    /// Its limit, if it counts.
    pub limit: Option<u64>,
    /// What it counted.
    pub count: Option<u64>,
}

/// One fact a claim rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactUsed {
    /// The fact's name.
    pub fact: String,
    /// Where its value came from.
    pub source: String,
    /// When the source said so, on Zendesk's clock.
    pub as_of: String,
    /// How surely it belongs to the session.
    pub strength: String,
    /// The reason in words; absent if it is personal, and then in the personal part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The key under which a personal reason stands in the personal part of a record about claims.
pub fn reason_key(claim: &ClaimKey, number: usize) -> String {
    format!("{}/{}/{number}", claim.rule, claim.session)
}
