//! A command, who gives it, and what comes back: the same in a process of one's own and over the daemon's socket.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trail::TrailTrouble;
use crate::zendesk::Trouble;

/// Bytes of a reason.
const REASON_BYTES_MAX: usize = 500;

/// What a human wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// How the account stands.
    Status,
    /// The holds that stand.
    HoldList,
    /// One of them, with the people under it.
    HoldShow {
        /// The number of the record that opened it.
        id: u64,
    },
    /// Let it go: the next complete cycle judges its people anew, without its belt.
    HoldRelease {
        /// Which.
        id: u64,
        /// The digest that was looked at, or its first 8 digits at least.
        digest: String,
    },
    /// Say no: its people stay, while it lasts.
    HoldDiscard {
        /// Which.
        id: u64,
    },
    /// End nothing for a while.
    Pause {
        /// For how long, such as `4h`.
        #[serde(default)]
        lasts: Option<String>,
        /// Why.
        reason: String,
    },
    /// Go on.
    Resume,
    /// Whose sessions a revocation would end; ends nothing.
    RevokeLook(Wanted),
    /// One sweep now, as ever; the answer waits for its end.
    Apply {
        /// How many columns the caller's page has.
        width: u16,
    },
    /// End all sessions of these people.
    Revoke(Wanted),
    /// Why somebody was signed out, to be read out to them; ends nothing.
    Why {
        /// An e-mail address or id.
        user: String,
        /// From when on, an instant.
        since: String,
    },
    /// Prove on one session that ending works.
    Selftest {
        /// An e-mail address or id.
        user: String,
        /// Which of their sessions, if not the newest.
        #[serde(default)]
        session: Option<u64>,
    },
}

/// Whose sessions are to end, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// E-mail addresses or ids.
    pub people: Vec<String>,
    /// Why.
    pub reason: String,
    /// How many people the caller expects.
    #[serde(default)]
    pub expect: Option<usize>,
    /// Whether a pause does not matter.
    #[serde(default)]
    pub despite_pause: bool,
    /// The ticket or incident it belongs to.
    #[serde(default)]
    pub ticket: Option<String>,
}

/// What somebody may do. Root and evictd's own user may all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at the account and at its holds, without the people in them.
    Read,
    /// Look at everything.
    Audit,
    /// Pause, resume, discard holds, end somebody's sessions.
    Operate,
    /// Release holds, and end the pause of somebody else.
    Approve,
}

impl Role {
    /// Every role.
    pub const ALL: &[Self] = &[Self::Read, Self::Audit, Self::Operate, Self::Approve];

    /// The key in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Audit => "audit",
            Self::Operate => "operate",
            Self::Approve => "approve",
        }
    }
}

impl Command {
    /// The roles of which one is needed.
    pub fn roles(&self) -> &'static [Role] {
        match self {
            Self::Status | Self::HoldList | Self::Why { .. } => Role::ALL,
            Self::HoldShow { .. } => &[Role::Audit, Role::Operate, Role::Approve],
            Self::HoldRelease { .. } => &[Role::Approve],
            // Whose pause it is, is looked at where it is known.
            Self::Resume => &[Role::Operate, Role::Approve],
            Self::Apply { .. }
            | Self::HoldDiscard { .. }
            | Self::Pause { .. }
            | Self::RevokeLook(_)
            | Self::Revoke(_)
            | Self::Selftest { .. } => &[Role::Operate],
        }
    }

    /// Whether sessions may end by it, so that the credential for that is needed, whatever the account's mode.
    pub fn needs_hands(&self) -> bool {
        matches!(self, Self::RevokeLook(_) | Self::Revoke(_) | Self::Selftest { .. })
    }

    /// What it is called on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::HoldList => "hold list",
            Self::HoldShow { .. } => "hold show",
            Self::HoldRelease { .. } => "hold release",
            Self::HoldDiscard { .. } => "hold discard",
            Self::Pause { .. } => "pause",
            Self::Resume => "resume",
            Self::RevokeLook(_) | Self::Revoke(_) => "revoke",
            Self::Apply { .. } => "apply",
            Self::Why { .. } => "why",
            Self::Selftest { .. } => "selftest",
        }
    }
}

/// Who commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As records have it, such as `olivia (uid 1000, login 1001)`.
    pub who: String,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

impl Caller {
    /// Somebody who can hold the account without asking: root, or evictd's own user.
    pub fn with_all(who: impl Into<String>) -> Self {
        Self { who: who.into(), roles: Role::ALL.iter().copied().collect() }
    }

    /// An error unless one of their roles covers it.
    ///
    /// # Errors
    ///
    /// Which role is needed.
    pub fn must_be_allowed(&self, command: &Command) -> Result<(), Refusal> {
        self.must_be(command.roles(), command.name())
    }

    pub(super) fn must_be(&self, roles: &[Role], what: &str) -> Result<(), Refusal> {
        if roles.iter().any(|role| self.roles.contains(role)) {
            return Ok(());
        }
        let words: Vec<String> = roles.iter().map(|role| format!("`{}`", role.word())).collect();
        let title = format!("{} may not: `{what}` needs the role {}", self.who, words.join(" or "));
        Err(Refusal::new(77, title).help("the groups of roles stand in the table `[control]` of the configuration"))
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The exit code of whoever asked.
    pub exit: u8,
    /// What there is to say.
    pub document: Value,
}

impl Answer {
    /// All is well.
    pub fn of(document: Value) -> Self {
        Self { exit: 0, document }
    }
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The exit code of whoever asked.
    pub exit: u8,
    /// What is the matter.
    pub title: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Refusal {
    /// Without advice.
    pub fn new(exit: u8, title: impl Into<String>) -> Self {
        Self { exit, title: title.into(), help: None }
    }

    /// The command itself is wrong.
    pub fn usage(title: impl Into<String>) -> Self {
        Self::new(64, title)
    }

    /// Zendesk did not answer, or refused, before anything was done.
    pub fn unanswered(trouble: &Trouble) -> Self {
        let exit = if matches!(trouble, Trouble::Denied { .. }) { 77 } else { 69 };
        Self::new(exit, format!("{trouble}: nobody lost a session"))
    }

    /// There is nobody who could do it.
    pub fn no_hands() -> Self {
        Self::new(78, "`auth.revoker` is `none`: nobody ends sessions on this account")
            .help("write `auth.revoker` as `auth` is written")
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Of a refusal that says only that the daemon knows nothing of the account: no exit code of any command.
pub const NOT_OURS: u8 = 68;

impl From<TrailTrouble> for Refusal {
    fn from(trouble: TrailTrouble) -> Self {
        Self::new(74, format!("{trouble}: nothing is done that is not written down"))
    }
}

/// A reason as records can have it: not empty, one line, not too long.
pub(super) fn reasonable(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::usage("a reason is needed").help("say in a few words why: it is kept in the trail"));
    }
    if reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
        return Err(Refusal::usage(format!("a reason is one line of {REASON_BYTES_MAX} bytes at most")));
    }
    Ok(reason.to_owned())
}
