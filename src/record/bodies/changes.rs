//! What a change of policies or configuration did.

use serde::{Deserialize, Serialize};

/// One item that changed; never with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeTold {
    /// `rule`, `exception`, `list` or `key`.
    pub item: String,
    /// Its id, name or key.
    pub name: String,
    /// `added`, `removed`, or what of it differs.
    pub what: Vec<String>,
    /// `neutral`, `widens`, `weakens`, or `unclear`, which counts as both.
    pub class: String,
}

impl ChangeTold {
    /// Whether it makes, or may make, protection weaker.
    pub fn weakens(&self) -> bool {
        self.class != "neutral" && self.class != "widens"
    }
}

impl Changed {
    /// Whether any of it makes, or may make, protection weaker.
    pub fn weakens(&self) -> bool {
        self.changes.iter().any(ChangeTold::weakens)
    }
}

/// No serial of a signed set is greater: a date with an hour fits, and so does any counter.
pub const SERIAL_MAX: u64 = 999_999_999_999;

/// Which signed set it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSigned {
    /// Its serial, which grows with every set.
    pub serial: u64,
    /// SHA-256 of the manifest that was signed, hexadecimal.
    pub manifest: String,
    /// SHA-256 of the file of those who may sign, hexadecimal.
    pub allowed_signers: String,
}

/// What is known of a change as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changed {
    /// Digest of what was in force before; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The class of all items together; absent if nothing was in force before. What was in force and cannot be read any
    /// more makes it `unclear`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Every item that differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeTold>,
    /// The commit that is checked out where the files lie, if that is a working copy of git. Whether the files are as they
    /// stand in it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}
