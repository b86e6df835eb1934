//! `evictd alerts test`, and what the daemon carries: channels with their secrets, one for each account.

use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::load::{load, secret};
use super::{Exit, Failure, Where, screen::Screen};
use crate::alert::{Alert, Around};
use crate::clock::{Clock, SystemChance, SystemClock};
use crate::config::{Account, AlertSettings, Settings, WebhookSettings};
use crate::courier::{Backlog, Beat, CURSOR_WEBHOOK, Channel, Errands, Heartbeat, Route, Tail, Webhook, Witness as _};
use crate::files::{Disk, Medium, read_pause};

/// A key that is shorter, in bytes, can be guessed.
const SECRET_BYTES_MIN: usize = 16;

#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// Send a test alert on each channel, and say what came of it
    Test(TestArgs),
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    place: Where,
}

pub(super) async fn run(command: &AlertsCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        AlertsCommand::Test(args) => test(args, screen).await,
    }
}

async fn test(args: &TestArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let AlertSettings { webhook: settings, heartbeat } = &loaded.settings.alerts;
    let mut tried = Vec::new();
    if let Some(settings) = settings {
        let alert = Alert::test(&loaded.account.name, SystemClock.now());
        tried.push(("webhook", settings.url.to_string(), webhook(settings)?.send(&alert).await));
    }
    if let Some(address) = heartbeat {
        let beat = Beat::new(address).map_err(|why| Failure::new(Exit::Bug, why))?;
        tried.push(("heartbeat", address.to_string(), beat.tell().await));
    }
    if tried.is_empty() {
        let failure = Failure::new(Exit::Config, "nobody is told anything: the configuration has no `[alerts]`");
        return Err(failure.help("add `webhook.url` and `webhook.secret` under `[alerts]`"));
    }
    for (channel, address, taken) in &tried {
        let what = taken.as_ref().map_or_else(|why| format!("not taken: {why}"), |()| "taken".to_owned());
        screen.out(&format!("{channel:<11}{address}: {what}\n"));
    }
    let is_taken = tried.iter().all(|(_, _, taken)| taken.is_ok());
    if is_taken { Ok(Exit::Done) } else { Err(Failure::new(Exit::Unavailable, "not everything was taken")) }
}

fn webhook(settings: &WebhookSettings) -> Result<Webhook, Failure> {
    let secret = secret(&settings.secret)?;
    if secret.expose_secret().len() < SECRET_BYTES_MIN {
        let failure = Failure::new(Exit::Config, "the secret of `webhook` is too short to sign with");
        return Err(failure.help(format!("make one of {SECRET_BYTES_MIN} bytes or more, as by `openssl rand -hex 32`")));
    }
    Webhook::new(&settings.url, secret, Arc::new(SystemClock)).map_err(|why| Failure::new(Exit::Bug, why))
}

/// Everything that these settings want carried.
pub(super) fn errands(settings: &Settings) -> Result<Errands, Failure> {
    let mut errands = Errands::default();
    if let Some(wanted) = &settings.alerts.webhook {
        let channel: Arc<dyn Channel> = Arc::new(webhook(wanted)?);
        let route = |account| {
            let backlog = backlog(settings, account);
            Route::new(backlog, Arc::clone(&channel), Arc::new(SystemClock), Arc::new(SystemChance))
        };
        errands.routes = settings.accounts.values().map(route).collect();
    }
    if let Some(address) = &settings.alerts.heartbeat {
        let beat = Beat::new(address).map_err(|why| Failure::new(Exit::Bug, why))?;
        let now = SystemClock.now();
        let tails = settings.accounts.values().map(|account| Tail::since(trail(settings, account), now, u64::MAX));
        errands.heartbeat =
            Some(Heartbeat::new(tails.collect::<Result<_, _>>()?, Arc::new(beat), Arc::new(SystemClock)));
    }
    Ok(errands)
}

fn trail(settings: &Settings, account: &Account) -> Arc<dyn Medium> {
    Arc::new(Disk::at(&settings.trail.join(account.name.as_str())))
}

fn backlog(settings: &Settings, account: &Account) -> Backlog {
    let state = settings.state.join(account.name.as_str());
    let (schedule, zone) = (account.sweep.clone(), account.time_zone.clone());
    let (folder, expires) = (state.clone(), account.belts.pause_expires_after);
    let around = move |now: Timestamp| Around {
        now,
        interval: schedule.interval(now, &zone),
        pause: read_pause(&folder, now, expires),
        pause_told: false,
    };
    Backlog {
        account: account.name.clone(),
        trail: trail(settings, account),
        state: Arc::new(Disk::at(&state)),
        file: CURSOR_WEBHOOK,
        around: Box::new(around),
    }
}
