//! What humans command beside the cycles: pause and resume, release and discard holds, end somebody's sessions now.
//!
//! One function obeys a command, whoever carries it: a process that the shell started and that holds the account itself,
//! or the daemon, for a caller at its socket. Nothing is judged here.

mod command;
mod door;
mod held;
mod hold;
mod pause;
mod peer;
mod revoke;
mod wire;

use std::path::Path;

use jiff::Timestamp;

pub use command::{Answer, Caller, Command, NOT_OURS, Refusal, Role, Wanted};
pub use door::{Call, Door, Reply};
pub use held::{Held, PostTrouble};
pub use hold::{hold, holds};
pub use pause::{PAUSE_MAX, PAUSE_USUAL, Told, lapse, pause_at_once, pause_until, reconcile};
pub use peer::{Peer, caller_of, own_name, unknown_groups};
pub use revoke::{ASKED_FROM, PEOPLE_MAX, look};
pub use wire::{REQUEST_BYTES_MAX, Request, ask};

use crate::clock::Clock;
use crate::config::Account;
use crate::enforce::Brakes;
use crate::files::Disk;
use crate::trail::Trail;
use crate::zendesk::Zendesk;

/// What a command works with. Whoever has it holds the account.
pub struct Ground<'a> {
    /// The account's trail.
    pub trail: &'a mut Trail,
    /// The account.
    pub account: &'a Account,
    /// Its Zendesk, for commands that ask it.
    pub zendesk: Option<&'a Zendesk>,
    /// Its folder of state.
    pub state: &'a Path,
    /// Its folder of the trail.
    pub records: &'a Path,
    /// The host's clocks.
    pub clock: &'a dyn Clock,
    /// When it was commanded, on the host's clock.
    pub asked: Timestamp,
    /// What a human can stop it by.
    pub brakes: &'a dyn Brakes,
}

/// Does what is commanded, if the caller may. What changes something is in the trail before this returns.
///
/// # Errors
///
/// Why it was not done.
pub async fn obey(command: &Command, caller: &Caller, mut ground: Ground<'_>) -> Result<Answer, Refusal> {
    caller.must_be_allowed(command)?;
    let now = ground.asked;
    let disk = Disk::at(ground.records);
    match command {
        // These are no matter of the trail alone.
        Command::Status | Command::Apply { .. } | Command::Why { .. } | Command::Selftest { .. } => {
            Err(Refusal::usage("there is nothing to say of it here"))
        }
        Command::HoldList => holds(&disk, &ground.account.name, now).map(Answer::of),
        Command::HoldShow { id } => hold(&disk, &ground.account.name, now, *id).map(Answer::of),
        Command::HoldRelease { id, digest } => hold::release(ground.trail, (*id, digest), caller, now),
        Command::HoldDiscard { id } => hold::discard(ground.trail, *id, caller, now),
        Command::Pause { lasts, reason } => pause::begin(&mut ground, (lasts.as_deref(), reason), caller),
        Command::Resume => pause::end(&mut ground, caller),
        Command::RevokeLook(wanted) => look(wanted, revoke::known(&ground)?, (ground.account, ground.clock)).await,
        Command::Revoke(wanted) => Box::pin(revoke::revoke(wanted, caller, ground)).await,
    }
}
