//! What is in force for one account, as it was read from the disk; and the seam through which it is read again.

use std::path::PathBuf;
use std::sync::Arc;

use super::pulse::{Pulse, Pulses};
use crate::config::{Account, PlacesSettings};
use crate::model::Scope;
use crate::places::OpenFiles;
use crate::policy::PolicySet;
use crate::zendesk::Zendesk;

/// The name of the last snapshot in an account's folder of state.
pub const LAST_SNAPSHOT: &str = "last-snapshot.json.gz";

/// Everything one account works by.
pub struct Setup {
    /// The account, as configured.
    pub account: Account,
    /// The policies in force.
    pub policies: PolicySet,
    /// Whose sessions are listed, as decided from both.
    pub scope: Scope,
    /// Its Zendesk, signed in with the secret as it was read.
    pub zendesk: Arc<Zendesk>,
    /// The configuration's text.
    pub config: String,
    /// SHA-256 of that text, hexadecimal.
    pub config_digest: String,
    /// Which place databases are asked.
    pub places: PlacesSettings,
    /// Opened databases, which accounts share.
    pub files: Arc<OpenFiles>,
    /// Its folder of state.
    pub state: PathBuf,
    /// Its folder of the trail.
    pub trail: PathBuf,
    /// Errors in what was to be in force instead: the last good set stands in for it; none if it is in force itself.
    pub rejected: Option<Rejected>,
}

/// Why what stands on the disk is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejected {
    /// How many errors there are.
    pub errors: usize,
    /// What they are, as people read them; lines of policies may name people.
    pub text: String,
    /// Where and of which kind each is, one a line, naming nobody: for logs.
    pub places: String,
    /// Whether, of a set that is to be signed, too few people signed what it changes.
    pub unsigned: bool,
}

impl Rejected {
    /// What either of them says.
    pub fn both(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(one), Some(other)) = (&one, &other) else { return one.or(other) };
        Some(Self {
            errors: one.errors + other.errors,
            text: format!("{}{}", one.text, other.text),
            places: format!("{}{}", one.places, other.places),
            unsigned: one.unsigned || other.unsigned,
        })
    }

    /// How many errors there are, in words.
    pub fn counted(&self) -> String {
        if self.errors == 1 { "1 error".to_owned() } else { format!("{} errors", self.errors) }
    }
}

/// Reads configuration, policies and secrets.
pub trait Loader {
    /// Everything anew: all accounts, or what is wrong with any of it. A request through a setup is a sign of life for
    /// its account's pulse.
    ///
    /// # Errors
    ///
    /// When anything of it cannot be in force: then nothing of it is.
    fn load(&self, pulses: &Pulses) -> Result<Vec<Setup>, Rejected>;

    /// A client of the account that can end sessions, whatever the account's mode: for what a human commands.
    ///
    /// # Errors
    ///
    /// When the credential for it cannot be had.
    fn armed(&self, setup: &Setup, pulse: &Arc<Pulse>) -> Result<Zendesk, String>;

    /// Keeps what is in force now, for a start that finds it broken.
    fn keep(&self, setup: &Setup);
}
