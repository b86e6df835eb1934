//! What cannot wait until somebody looks: which records of the trail are alerts, what becomes one by the passing of
//! time, and in which words.
//!
//! The words are fixed. They name accounts, rules, belts, lists and sources, and count; they name no person, not even
//! by id, and nothing in them came from Zendesk: whoever is under suspicion may read them.

mod due;
mod letter;
mod of_record;
mod sentry;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::json;

pub use due::Around;
pub use sentry::Sentry;

use crate::model::{AccountName, Foreign, Severity};
use crate::record::hmac_sha256_hex;

/// The version of the form of an alert.
const VERSION: u32 = 1;

/// A name that is longer is cut, in letters.
const NAME_LETTERS_MAX: usize = 80;

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// A belt withheld people, and a human is asked.
    Hold,
    /// Policies, configuration or scope changed, or could not.
    Changed,
    /// A change makes, or may make, protection weaker.
    Weakening,
    /// Nothing has seen everything for some sweeps.
    Blind,
    /// Zendesk does not let evictd do what it has to.
    Credential,
    /// A pause began or is over.
    Pause,
    /// A rule asks for somebody protected.
    Protected,
    /// Somebody who was ended comes back again and again.
    Loop,
    /// Evidence fails, or requests do not suffice to gather it.
    Evidence,
    /// What is to prove that sessions can be ended did not.
    Selftest,
    /// Somebody tries whether alerts arrive.
    Test,
}

impl AlertKind {
    /// The word in the body.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Changed => "changed",
            Self::Weakening => "weakening",
            Self::Blind => "blind",
            Self::Credential => "credential",
            Self::Pause => "pause",
            Self::Protected => "protected",
            Self::Loop => "loop",
            Self::Evidence => "evidence",
            Self::Selftest => "selftest",
            Self::Test => "test",
        }
    }
}

/// What must be noted once an alert was delivered, so that it is not sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// That its record was told.
    Record,
    /// That this id was told, for as long as its cause stands.
    Told,
    /// Whether the last word about a pause was that there is one.
    Pause(bool),
}

/// Something a human is told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The same for the same alert, however often it is sent: the record's number, and what else tells it apart.
    pub id: String,
    /// Whose.
    pub account: AccountName,
    /// What it is about.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: Severity,
    /// When, on the host's clock.
    pub at: Timestamp,
    /// What happened, and what to do.
    pub text: String,
    /// The record it comes from; 0 if there is none.
    pub seq: u64,
    /// What a human names who answers, if there is something to answer.
    pub digest: Option<String>,
    /// What is noted once it was delivered.
    pub mark: Mark,
}

impl Alert {
    /// One that only tries whether it arrives.
    pub fn test(account: &AccountName, at: Timestamp) -> Self {
        Self {
            id: format!("test-{}", at.as_second()),
            account: account.clone(),
            kind: AlertKind::Test,
            severity: Severity::Info,
            at,
            text: "somebody ran `evictd alerts test`. Do: nothing, it arrived".to_owned(),
            seq: 0,
            digest: None,
            mark: Mark::Record,
        }
    }

    /// The body that is posted: one JSON object.
    pub fn body(&self) -> String {
        let mut body = json!({
            "v": VERSION,
            "id": self.id,
            "account": self.account.as_str(),
            "kind": self.kind.word(),
            "severity": self.severity.word(),
            "at": format!("{:.0}", self.at),
            "text": self.text,
            "seq": self.seq,
        });
        if let (Some(digest), Some(body)) = (&self.digest, body.as_object_mut()) {
            body.insert("digest".to_owned(), digest.as_str().into());
        }
        body.to_string()
    }
}

/// The value of `X-Evictd-Signature`: when, and the HMAC-SHA256 over that instant, a dot and the body.
pub fn signature(secret: &[u8], at: Timestamp, body: &str) -> String {
    let at = at.as_second();
    format!("t={at},v1={}", hmac_sha256_hex(secret, format!("{at}.{body}").as_bytes()))
}

/// A name of ours as alerts show it: nothing that could move a cursor, and not long.
fn name(text: &str) -> String {
    let short: String = text.chars().take(NAME_LETTERS_MAX).collect();
    format!("`{}`", Foreign::new(short).to_string().replace('`', "'"))
}
