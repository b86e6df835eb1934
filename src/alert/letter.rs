//! An alert as a letter: its subject, its text and its Message-ID. How it is encoded and carried is decided elsewhere.

use super::{Alert, Mark};
use crate::record::sha256_hex;

/// So much of a digest tells two alerts apart, in hexadecimal digits.
const DIGEST_DIGITS: usize = 32;

impl Alert {
    /// What it is about in one line, behind this prefix: how bad, of which kind, of which account.
    pub fn subject(&self, prefix: &str) -> String {
        let line = format!("{prefix} {} {}, account {}", self.severity.word(), self.kind.word(), self.account);
        line.trim_start().to_owned()
    }

    /// The text: what happened, then line by line what the body of a webhook has.
    pub fn letter(&self) -> String {
        let record = if self.seq == 0 { "none".to_owned() } else { self.seq.to_string() };
        let mut letter = format!(
            "{}\n\nseverity: {}\nkind: {}\naccount: {}\nat: {:.0}\nrecord: {record}\nid: {}\n",
            self.text,
            self.severity.word(),
            self.kind.word(),
            self.account,
            self.at,
            self.id
        );
        if let Some(digest) = &self.digest {
            letter.push_str(&format!("digest: {digest}\n"));
        }
        letter
    }

    /// The Message-ID at this domain, without brackets: the same for the same alert, however often it is sent.
    ///
    /// An id begins anew with each trail, and mailboxes that hide repetitions remember for years. So that no alert passes
    /// for an earlier one, what else is known of it and stays the same is in there too.
    pub fn message_id(&self, domain: &str) -> String {
        let at = if self.mark == Mark::Record { self.at.to_string() } else { String::new() };
        let digest = self.digest.as_deref().unwrap_or_default();
        let whole = format!("{}\n{}\n{}\n{at}\n{}\n{digest}", self.account, self.id, self.kind.word(), self.text);
        let told: String = sha256_hex(whole.as_bytes()).chars().take(DIGEST_DIGITS).collect();
        format!("{}.{told}@{domain}", self.id)
    }
}
