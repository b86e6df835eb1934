//! Records about levers: what a human commanded. A pause is derived from the trail, so that losing state ends none.

use serde::{Deserialize, Serialize};

/// From now on nothing is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseBegan {
    /// Until when, on this host's clock; absent for a pause file that cannot be read, which has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, in the caller's words.
    pub reason: String,
    /// Who; `file` for a pause file that was put there by hand.
    pub by: String,
}

/// The pause is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseEnded {
    /// Who ended it; `file` if a pause file that was put there by hand was taken away; absent if its time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A human's command to end sessions, before anything of it is done. Names and e-mails are in the personal part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeverUsed {
    /// Which: `revoke`.
    pub lever: String,
    /// The people, by id.
    pub people: Vec<String>,
    /// Why, in the caller's words.
    pub reason: String,
    /// Who.
    pub by: String,
    /// The ticket or incident it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}
