//! Up to where one channel has told one account's alerts, as a file in the account's folder of state.
//!
//! Lost or broken it costs repetition: the last day is told again, under the same ids.

use std::collections::BTreeSet;
use std::io;

use serde::{Deserialize, Serialize};

use crate::files::Medium;

/// The kinds of channels. Each goes its own way: none waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelKind {
    /// An address at which alerts are posted.
    Webhook,
    /// A mail server.
    Smtp,
}

impl ChannelKind {
    /// Its key under `alerts`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Smtp => "smtp",
        }
    }

    /// The file of its cursor.
    pub fn file(self) -> &'static str {
        match self {
            Self::Webhook => "alerts-webhook.json",
            Self::Smtp => "alerts-smtp.json",
        }
    }
}

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// All alerts of records up to this one.
    pub seq: u64,
    /// Ids of what came due by time and still stands.
    #[serde(default)]
    pub told: BTreeSet<String>,
    /// Whether the last word about a pause was that there is one.
    #[serde(default)]
    pub pause: bool,
    /// Since when nothing can be delivered, if so, on the host's clock.
    #[serde(default)]
    pub failing_since: Option<String>,
}

impl Cursor {
    /// The cursor of this channel; none if there is none that can be used.
    pub fn read(state: &dyn Medium, channel: ChannelKind) -> Option<Self> {
        let file = channel.file();
        match state.read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => {
                let read = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
                read.map_err(|error| {
                    tracing::warn!("`{file}` cannot be read, the last day's alerts are repeated: {error}");
                })
                .ok()
            }
        }
    }

    /// Replaces the file, durably.
    pub fn write(&self, state: &dyn Medium, channel: ChannelKind) {
        let file = channel.file();
        let written = serde_json::to_vec(self).map_err(io::Error::other).and_then(|bytes| state.replace(file, &bytes));
        if let Err(error) = written {
            tracing::warn!("`{file}` cannot be written, alerts may be repeated: {error}");
        }
    }
}
