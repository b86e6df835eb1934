//! Bodies of the records about evictd's own credentials. No secret stands here, nor what one belongs to.

use serde::{Deserialize, Serialize};

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
