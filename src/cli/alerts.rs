//! `evictd alerts test`, and what the daemon carries: channels with their secrets, one for each account.

use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::load::{TEXT_BYTES_MAX, load, secret};
use super::{Exit, Failure, Where, screen::Screen};
use crate::alert::{Alert, Around};
use crate::clock::{Clock, SystemChance, SystemClock};
use crate::config::{Account, AlertSettings, Settings, SmtpSettings, WebAddress, WebhookSettings};
use crate::courier::{
    Backlog, Beat, Channel, ChannelKind, Errands, Heartbeat, Mail, Passed, Route, Tail, Webhook, Witness as _,
};
use crate::files::{Disk, Medium, read_pause, read_text};

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

/// What became of one attempt: which, where, and in which words; whether all of it was taken.
struct Tried {
    what: &'static str,
    place: String,
    words: String,
    is_taken: bool,
}

impl Tried {
    fn of(what: &'static str, place: String, taken: Result<String, String>) -> Self {
        let is_taken = taken.is_ok();
        Self { what, place, words: taken.unwrap_or_else(|why| format!("not taken: {why}")), is_taken }
    }

    /// A mail that somebody did not get is not all of it.
    fn of_mail(place: String, passed: Result<Passed, String>) -> Self {
        let is_whole = passed.as_ref().is_ok_and(|passed| passed.refused.is_empty());
        let tried = Self::of("smtp", place, passed.map(|passed| passed.to_string()));
        Self { is_taken: is_whole, ..tried }
    }
}

async fn test(args: &TestArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let AlertSettings { webhook: posted, smtp, heartbeat } = &loaded.settings.alerts;
    let taken = || "taken".to_owned();
    let alert = Alert::test(&loaded.account.name, SystemClock.now());
    // What cannot be tried at all is found before anything is sent.
    let (posted, smtp) = (both(posted.as_ref(), webhook)?, both(smtp.as_ref(), mail)?);
    let mut tried = Vec::new();
    if let Some((settings, webhook)) = posted {
        let sent = webhook.send(&alert).await.map(|()| taken());
        tried.push(Tried::of("webhook", settings.url.to_string(), sent));
    }
    if let Some((settings, mail)) = smtp {
        let place = format!("{} port {}", settings.host, settings.port);
        tried.push(Tried::of_mail(place, mail.hand_over(&alert).await));
    }
    if let Some(address) = heartbeat {
        let beat = Beat::new(address).map_err(|why| Failure::new(Exit::Bug, why))?;
        tried.push(Tried::of("heartbeat", address.to_string(), beat.tell().await.map(|()| taken())));
    }
    if tried.is_empty() {
        let failure = Failure::new(Exit::Config, "nobody is told anything: the configuration has no `[alerts]`");
        return Err(failure.help("add `webhook.url` and `webhook.secret`, or `smtp`, under `[alerts]`"));
    }
    for Tried { what, place, words, .. } in &tried {
        screen.out(&format!("{what:<11}{place}: {words}\n"));
    }
    let is_taken = tried.iter().all(|tried| tried.is_taken);
    if is_taken { Ok(Exit::Done) } else { Err(Failure::new(Exit::Unavailable, "not everything was taken")) }
}

/// Settings with what is made of them, if there are any.
fn both<S, C>(settings: Option<&S>, make: impl Fn(&S) -> Result<C, Failure>) -> Result<Option<(&S, C)>, Failure> {
    settings.map(|settings| Ok((settings, make(settings)?))).transpose()
}

fn webhook(settings: &WebhookSettings) -> Result<Webhook, Failure> {
    let secret = secret(&settings.secret)?;
    if secret.expose_secret().len() < SECRET_BYTES_MIN {
        let failure = Failure::new(Exit::Config, "the secret of `webhook` is too short to sign with");
        return Err(failure.help(format!("make one of {SECRET_BYTES_MIN} bytes or more, as by `openssl rand -hex 32`")));
    }
    Webhook::new(&settings.url, secret, Arc::new(SystemClock)).map_err(|why| Failure::new(Exit::Bug, why))
}

fn mail(settings: &SmtpSettings) -> Result<Mail, Failure> {
    let password = settings.login.as_ref().map(|login| secret(&login.password)).transpose()?;
    let authority = settings.ca.as_ref().map(|path| read_text(path, TEXT_BYTES_MAX)).transpose();
    let authority = authority.map_err(|trouble| Failure::of_file(&trouble))?;
    let mail = Mail::new(settings, password, authority.as_deref(), Arc::new(SystemClock));
    mail.map_err(|why| Failure::new(Exit::Config, why).help("see `smtp` under `[alerts]`"))
}

/// Everything that these settings want carried, and what of it cannot be: a channel that is not right leaves the others.
pub(super) fn errands(settings: &Settings) -> (Errands, Vec<Failure>) {
    let AlertSettings { webhook: posted, smtp, heartbeat: address } = &settings.alerts;
    let posted = posted.as_ref().map(|wanted| (ChannelKind::Webhook, webhook(wanted).map(shared)));
    let smtp = smtp.as_ref().map(|wanted| (ChannelKind::Smtp, mail(wanted).map(shared)));
    let mut errands = Errands::default();
    let mut failures = Vec::new();
    for (kind, channel) in posted.into_iter().chain(smtp) {
        match channel {
            Ok(channel) => errands.routes.extend(settings.accounts.values().map(|account| {
                let backlog = backlog(settings, account, kind);
                Route::new(backlog, Arc::clone(&channel), Arc::new(SystemClock), Arc::new(SystemChance))
            })),
            Err(failure) => failures.push(failure),
        }
    }
    match address.as_ref().map(|address| heartbeat(settings, address)).transpose() {
        Ok(heartbeat) => errands.heartbeat = heartbeat,
        Err(failure) => failures.push(failure),
    }
    (errands, failures)
}

fn shared(channel: impl Channel + 'static) -> Arc<dyn Channel> {
    Arc::new(channel)
}

fn heartbeat(settings: &Settings, address: &WebAddress) -> Result<Heartbeat, Failure> {
    let beat = Beat::new(address).map_err(|why| Failure::new(Exit::Bug, why))?;
    let now = SystemClock.now();
    let tails = settings.accounts.values().map(|account| Tail::since(trail(settings, account), now, u64::MAX));
    Ok(Heartbeat::new(tails.collect::<Result<_, _>>()?, Arc::new(beat), Arc::new(SystemClock)))
}

fn trail(settings: &Settings, account: &Account) -> Arc<dyn Medium> {
    Arc::new(Disk::at(&settings.trail.join(account.name.as_str())))
}

fn backlog(settings: &Settings, account: &Account, channel: ChannelKind) -> Backlog {
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
        channel,
        around: Box::new(around),
    }
}
