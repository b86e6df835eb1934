//! How somebody came back after a session of theirs was ended, as records tell it.

use serde::{Deserialize, Serialize};

/// A session that was opened soon after another one was ended, and the rule that fires on both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComeBack {
    /// The rule.
    pub rule: String,
    /// The new session.
    pub session: String,
    /// From the end of the one to the opening of the other, in milliseconds.
    pub after_ms: String,
}
