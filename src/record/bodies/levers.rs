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
    /// Which: `revoke`, or `apply` for a sweep now, which names nobody and needs no reason.
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

/// A human commanded a self-test; on disk before anything of it is done. Its cycle follows, with intent, outcome and grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelftestBegan {
    /// Whose session.
    pub user: String,
    /// The session.
    pub session: String,
    /// The digest of its policy set, which is no set of the account: by it its cycle is told from others.
    pub policy: String,
    /// That set: one rule.
    pub rule: String,
    /// Who commanded it.
    pub by: String,
}

/// A self-test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelftestFinished {
    /// Whether the session ended, as its person's listing shows.
    pub ok: bool,
    /// Whose session.
    pub user: String,
    /// The session.
    pub session: String,
    /// What became of the request; absent if none left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What the person's listing said; absent if it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// The belt that held it back; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// From the beginning to the end, in milliseconds.
    pub took_ms: String,
}
