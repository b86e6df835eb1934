//! Exit codes and the failures that lead to them.

use crate::cycle::Halt;
use crate::daemon::PostTrouble;
use crate::files::{FileTrouble, LockTrouble};
use crate::trail::TrailTrouble;
use crate::zendesk::Trouble;

/// How the program ended. The numbers from 64 on are those of sysexits.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, whatever a report found.
    Done = 0,
    /// A check found something.
    Findings = 1,
    /// The command line is wrong.
    Usage = 64,
    /// Zendesk is unavailable, or its listing partial.
    Unavailable = 69,
    /// A bug of evictd.
    Bug = 70,
    /// The trail, or the state beside it, cannot be written.
    Trail = 74,
    /// Another process holds the account's lock.
    Locked = 75,
    /// Zendesk refused.
    Refused = 77,
    /// Configuration or policies are broken where they are needed.
    Config = 78,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command could not do its work: what happened, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, in one sentence; empty if it was said already.
    pub title: String,
    /// What to do.
    pub help: Option<String>,
}

impl Failure {
    /// A failure without advice.
    pub fn new(exit: Exit, title: impl Into<String>) -> Self {
        Self { exit, title: title.into(), help: None }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What happened has been printed already.
    pub fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// What was asked for could not be printed: whoever waits for it must not believe that all is well.
    pub fn unprinted(error: &std::io::Error) -> Self {
        Self::new(Exit::Trail, format!("cannot print: {error}"))
    }

    /// A file that is needed to know what to do.
    pub fn of_file(trouble: &FileTrouble) -> Self {
        Self { exit: Exit::Config, title: trouble.to_string(), help: trouble.help() }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let title = trouble.to_string();
        match trouble {
            Trouble::Denied { .. } => Self::new(Exit::Refused, title)
                .help("check the credential, its scopes (`read write`) and that its user is an admin"),
            Trouble::Nonsense(_) => Self::new(Exit::Unavailable, title)
                .help("check that the account's address is Zendesk's, and that no proxy answers in its place"),
            _ => Self::new(Exit::Unavailable, title)
                .help("nothing was counted as gone; try again, and see status.zendesk.com if it lasts"),
        }
    }
}

impl From<TrailTrouble> for Failure {
    fn from(trouble: TrailTrouble) -> Self {
        let help = match &trouble {
            TrailTrouble::Broken(_) => {
                "`evictd audit verify` shows every fault; keep the folder as evidence and move it aside: a new trail \
                 begins empty, and with it the memory of the belts"
            }
            TrailTrouble::Lost { .. } => "put its files back as they were: nothing is revoked until they are",
            _ => "nothing more is revoked without a trail: mend the folder named in `paths.trail`, then try again",
        };
        Self::new(Exit::Trail, trouble.to_string()).help(help)
    }
}

impl From<LockTrouble> for Failure {
    fn from(trouble: LockTrouble) -> Self {
        match trouble {
            LockTrouble::Held { .. } => Self::new(Exit::Locked, trouble.to_string())
                .help("one process at a time acts on an account: wait for it, or stop it"),
            LockTrouble::Local { .. } => Self::new(Exit::Trail, trouble.to_string())
                .help("the account's folder under `paths.state` must be writable for this user"),
        }
    }
}

impl From<PostTrouble> for Failure {
    fn from(trouble: PostTrouble) -> Self {
        match trouble {
            PostTrouble::Lock(trouble) => trouble.into(),
            PostTrouble::Folder { .. } => Self::new(Exit::Trail, trouble.to_string())
                .help("nothing is revoked without a trail: make the folder writable for this user"),
            PostTrouble::Trail(trouble) => trouble.into(),
        }
    }
}

impl From<Halt> for Failure {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Zendesk(trouble) => trouble.into(),
            Halt::Trail(trouble) => trouble.into(),
            Halt::Stopped => Self::new(Exit::Unavailable, halt.to_string()).help("nothing was revoked; run it again"),
            Halt::Unprotected(why) => Self::new(Exit::Config, format!("enforcement is refused: {why}")).help(
                "list at least one admin in the account's `protected`, each by an e-mail or id that Zendesk knows",
            ),
        }
    }
}
