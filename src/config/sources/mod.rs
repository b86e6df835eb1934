//! Where evidence of sign-ins and of use comes from: Zendesk's own logs, and feeds that others write.

pub(super) mod feeds;
mod mapping;

use jiff::SignedDuration;

pub use feeds::{FeedFormat, FeedSettings, JsonPath, Mapping, PersonIs, Where};

use super::limits::Limits;
use crate::diagnostic::Findings;
use crate::document::Table;
use crate::model::SourceStanding;

/// The table `sources` of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// The audit log: sign-ins of staff, on Enterprise plans.
    pub audit_log: Wanted,
    /// The access log: what staff asks Zendesk for, with the add-on for data privacy.
    pub access_log: Wanted,
    /// Ticket audits: who wrote on tickets, on any plan, end users too. They can be forged, and decide nothing alone.
    pub ticket_audits: Wanted,
    /// A session that looks idle for this long may have been used just now: Zendesk writes `last_seen_at` so rarely.
    pub idle_slack: SignedDuration,
    /// A sign-in row and the session it opened are at most this far apart.
    pub sign_in_window: SignedDuration,
}

/// Whether a log is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// If the account has it, and a rule asks for what it tells.
    #[default]
    Auto,
    /// If a rule asks for what it tells; that the account does not have it is trouble.
    On,
    /// Never.
    Off,
}

impl Wanted {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Auto, Self::On, Self::Off];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            audit_log: Wanted::Auto,
            access_log: Wanted::Auto,
            ticket_audits: Wanted::Auto,
            idle_slack: SignedDuration::from_mins(10),
            sign_in_window: SourceStanding::WITHIN,
        }
    }
}

/// Reads `sources`.
pub(super) fn read(account: &mut Table<'_>, findings: &mut Findings) -> Sources {
    let mut sources = Sources::default();
    let Some(mut table) = account.optional("sources").and_then(|item| item.table(findings)) else { return sources };
    sources.audit_log = wanted(&mut table, "audit-log", findings);
    sources.access_log = wanted(&mut table, "access-log", findings);
    sources.ticket_audits = wanted(&mut table, "ticket-audits", findings);
    let mut limits = Limits { table: &mut table, findings };
    let longest = SignedDuration::from_hours(2);
    sources.idle_slack = limits.length("idle-slack", SignedDuration::ZERO..=longest, sources.idle_slack);
    let widest = SignedDuration::from_mins(5);
    sources.sign_in_window = limits.length("sign-in-window", SignedDuration::ZERO..=widest, sources.sign_in_window);
    table.finish(findings);
    sources
}

fn wanted(table: &mut Table<'_>, key: &'static str, findings: &mut Findings) -> Wanted {
    let words: Vec<_> = Wanted::ALL.iter().map(|wanted| wanted.word()).collect();
    let of_word = |word: &str| Wanted::ALL.iter().copied().find(|wanted| wanted.word() == word);
    table.optional(key).and_then(|item| item.word(&words, of_word, findings)).unwrap_or_default()
}
