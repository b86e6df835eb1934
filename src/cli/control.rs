//! How commands of humans are carried out: by this process, under the account's lock, unless the daemon has it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::account::brakes;
use super::apply::until_done;
use super::load::{Loaded, connect};
use super::{Exit, Failure, screen::Screen};
use crate::clock::{Clock as _, SystemChance, SystemClock};
use crate::control::{
    Answer, Caller, Command, Ground, Held, NOT_OURS, Refusal, Request, Told, ask, hold, holds, obey, own_name,
    reconcile,
};
use crate::daemon::Stop;
use crate::files::Disk;
use crate::state::STATE_FILE;
use crate::zendesk::Zendesk;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { exit, title, help } = refusal;
        Self { exit: exit_of(exit), title, help }
    }
}

/// The exit code of this number.
pub(super) fn exit_of(code: u8) -> Exit {
    match code {
        0 => Exit::Done,
        1 => Exit::Findings,
        64 => Exit::Usage,
        69 => Exit::Unavailable,
        74 => Exit::Trail,
        75 => Exit::Locked,
        77 => Exit::Refused,
        78 => Exit::Config,
        _ => Exit::Bug,
    }
}

/// Carries the command out, and brings what came of it.
pub(super) async fn carry(loaded: &Loaded, command: &Command, screen: Screen) -> Result<Answer, Failure> {
    let disk = Disk::at(&loaded.trail());
    let (account, now) = (&loaded.account.name, SystemClock.now());
    // Who can read the trail needs nobody for what only looks there; all else is the daemon's, if there is one.
    let is_at_hand = std::fs::read_dir(loaded.trail()).is_ok();
    if !(is_at_hand && matches!(command, Command::HoldList | Command::HoldShow { .. }))
        && let Some(answered) = ask_daemon(loaded, command).await
    {
        return Ok(answered?);
    }
    match command {
        Command::HoldList => Ok(Answer::of(holds(&disk, account, now)?)),
        Command::HoldShow { id } => Ok(Answer::of(hold(&disk, account, now, *id)?)),
        // Nothing is written, so that nothing is locked either.
        Command::RevokeLook(_) => Ok(look(loaded, command).await?),
        _ => act(loaded, command, screen).await,
    }
}

/// What the daemon says, if one listens and has the account.
pub(super) async fn ask_daemon(loaded: &Loaded, command: &Command) -> Option<Result<Answer, Refusal>> {
    let socket = loaded.settings.control.socket.clone().unwrap_or_else(default_socket);
    let answered = ask(&socket, &Request::new(loaded.account.name.as_str(), command)).await;
    // A daemon of another configuration holds nothing of this account.
    answered.filter(|answered| !answered.as_ref().is_err_and(|refusal| refusal.exit == NOT_OURS))
}

/// The socket in the folder that systemd made for the unit, or in the usual one.
#[expect(clippy::disallowed_methods, reason = "the command line is the room that reads the environment")]
pub(super) fn default_socket() -> PathBuf {
    let folder = std::env::var_os("RUNTIME_DIRECTORY").map_or_else(|| PathBuf::from("/run/evictd"), PathBuf::from);
    folder.join("control.sock")
}

fn zendesk_for(loaded: &Loaded, command: &Command) -> Result<Option<Zendesk>, Failure> {
    if command.needs_hands() { connect(&loaded.account, true, |ways| ways).map(Some) } else { Ok(None) }
}

async fn look(loaded: &Loaded, command: &Command) -> Result<Answer, Failure> {
    let Command::RevokeLook(wanted) = command else { return Err(Failure::new(Exit::Bug, "it is no look")) };
    let zendesk = connect(&loaded.account, true, |ways| ways)?;
    Ok(crate::control::look(wanted, &zendesk, (&loaded.account, &SystemClock)).await?)
}

/// The exit code of a command that was carried out, refused, or cut off.
pub(super) fn exit_code(done: &Result<Result<Answer, Refusal>, Failure>) -> u8 {
    match done {
        Ok(Ok(answer)) => answer.exit,
        Ok(Err(refusal)) => refusal.exit,
        Err(failure) => failure.exit.code(),
    }
}

/// Under the account's lock.
async fn act(loaded: &Loaded, command: &Command, screen: Screen) -> Result<Answer, Failure> {
    let (state, records) = (loaded.state(), loaded.trail());
    let zendesk = zendesk_for(loaded, command)?;
    let (clock, stop, who) = (Arc::new(SystemClock), Stop::default(), own_name());
    let anew = !state.join(STATE_FILE).exists();
    let mut held = Held::open(&loaded.account.name, (&state, &records), (clock, Arc::new(SystemChance)))?;
    held.begin(command.name(), &who)?;
    let now = SystemClock.now();
    reconcile(&mut held.trail, &state, (now, loaded.account.belts.pause_expires_after), anew)?;
    let file = brakes(loaded, stop.clone());
    // By Zendesk's clock, where it is asked: to set this host's ends no pause.
    let clock = match &zendesk {
        Some(zendesk) => zendesk.me().await.map_or(Timestamp::MIN, |me| me.date),
        None => now,
    };
    let lasting = held.trail.past().pause.filter(|told| told.lasts(clock));
    let told = Told { brakes: &file, told: lasting };
    let ground = Ground {
        trail: &mut held.trail,
        account: &loaded.account,
        zendesk: zendesk.as_ref(),
        state: &state,
        records: &records,
        clock: &SystemClock,
        asked: now,
        brakes: &told,
    };
    let caller = Caller::with_all(who);
    let done = until_done(Box::pin(obey(command, &caller, ground)), &stop, screen).await;
    let closed = held.close(exit_code(&done));
    let answer = done??;
    closed?;
    Ok(answer)
}
