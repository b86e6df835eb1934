//! What records tell of the process itself: that it began or ended, what it found of its trail, and whether its own
//! credentials are accepted. No secret stands here, nor what one belongs to.

use serde::{Deserialize, Serialize};

/// A process that may act began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStarted {
    /// The command, such as `apply`.
    pub command: String,
    /// evictd's version.
    pub engine: String,
    /// Process id.
    pub pid: u32,
    /// The Unix user that started it, as number.
    pub by: String,
}

/// A process ended of its own accord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStopped {
    /// Its exit code.
    pub exit: u8,
}

/// A torn last line was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailCut {
    /// The segment.
    pub segment: String,
    /// How many bytes.
    pub bytes: usize,
    /// Their SHA-256, hexadecimal.
    pub sha256: String,
}

/// Zendesk does not accept a credential. Its words are in the personal part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRefused {
    /// `reader` or `revoker`; one that does both is the reader.
    pub which: String,
}

/// Zendesk accepts it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialBack {
    /// `reader` or `revoker`.
    pub which: String,
}
