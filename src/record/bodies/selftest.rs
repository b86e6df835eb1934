//! What a self-test came to, as records tell it.

use serde::{Deserialize, Serialize};

/// A self-test ended. Its cycle stands before it, with intent, outcome and grade.
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
    /// From the beginning to the end, in milliseconds.
    pub took_ms: String,
}
