//! What came into force, or could not, and what that changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A configuration came into force. Its text is in the personal part, once per digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigLoaded {
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    /// What it changes.
    #[serde(flatten)]
    pub changed: Changed,
}

/// A policy set came into force. Its texts are in the personal part, once per digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLoaded {
    /// SHA-256 over all files, hexadecimal.
    pub digest: String,
    /// Ids of the rules that are not off, with their modes.
    pub rules: BTreeMap<String, String>,
    /// Which signed set it is; absent if nobody need have signed it. Who did is in the personal part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SetSigned>,
    /// Fingerprints of the keys whose signatures count, one of each person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// What it changes.
    #[serde(flatten)]
    pub changed: Changed,
}

/// What was to come into force and did not: the last good set stays. What is wrong with it is in the personal part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRejected {
    /// How many errors it has.
    pub errors: usize,
    /// Digest of the policy set that stays in force.
    pub kept: String,
    /// Why it was read: `start` or `reload`. Not `at`: a body must not use a key that every line begins with.
    pub during: String,
    /// Whether, of a set that is to be signed, too few people signed what it changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsigned: bool,
}

/// Whose sessions are listed from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChanged {
    /// `staff` or `everyone`.
    pub scope: String,
    /// The word in the configuration: `staff`, `everyone` or `auto`.
    pub configured: String,
}

/// An exception's last day has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionExpired {
    /// The exception.
    pub exception: String,
    /// Its last day.
    pub expires: String,
}

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

    /// What makes, or may make, protection weaker; and at least that something may have, if what was in force before cannot
    /// be read.
    pub fn weaker(&self) -> Vec<ChangeTold> {
        if self.changes.is_empty() && self.class.as_deref().is_some_and(|class| class != "neutral") {
            let class = self.class.clone().unwrap_or_default();
            let (item, name) = ("set".to_owned(), "what was in force before cannot be read".to_owned());
            return vec![ChangeTold { item, name, what: Vec::new(), class }];
        }
        self.changes.iter().filter(|change| change.weakens()).cloned().collect()
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
