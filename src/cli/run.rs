//! `evictd run`: the daemon, in the foreground; logs on stderr, for a person or for a program.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::control::default_socket;
use super::load::read_config;
use super::loader::DiskLoader;
use super::stop::SIGTERM;
use super::{Exit, Failure, screen::Screen};
use crate::clock::{Pending, SystemChance, SystemClock};
use crate::control::{Door, own_name, unknown_groups};
use crate::courier::{Tray, carry};
use crate::daemon::{Daemon, End, Pulses, Start, Systemd, Wish, Wishes};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/evictd/evictd.toml")]
    config: std::path::PathBuf,
    /// The form of the logs on stderr
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// What is logged: off, error, warn, info, debug or trace, for all or by part, as in `info,evictd::zendesk=debug`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

/// The words that `--log` knows.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The form of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum LogFormat {
    /// For people and journals
    #[default]
    Plain,
    /// One JSON object a line
    Json,
}

pub(super) async fn run(args: &RunArgs, screen: Screen) -> Result<Exit, Failure> {
    log_to_stderr(args)?;
    let mut signals = Signals::new().map_err(|error| Failure::new(Exit::Bug, format!("no signals: {error}")))?;
    let pulses = Pulses::default();
    let tray = Tray::default();
    let loader = DiskLoader { config: args.config.clone(), screen, files: Arc::default(), tray: tray.clone() };
    let setups = loader.begin(&pulses)?;
    let door = door(args);
    let daemon = Daemon {
        loader: &loader,
        herald: &Systemd,
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        pulses: &pulses,
        by: own_name(),
    };
    carry_apart(tray)?;
    match daemon.run_with(setups, &mut signals, door).await {
        Ok(()) => Ok(Exit::Done),
        Err(End::CutShort) => Err(Failure::new(Exit::Unavailable, "stopped at once, before the call in flight ended")
            .help("its intent stays open, and the next start looks up what became of it")),
        Err(End::NoneStarts(start)) => Err(none_starts(start)),
    }
}

/// Alerts are carried on a thread of their own, which ends with the process.
fn carry_apart(tray: Tray) -> Result<(), Failure> {
    let bug = |error: &std::io::Error| Failure::new(Exit::Bug, format!("nobody can carry alerts: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| bug(&error))?;
    let carrying = move || runtime.block_on(carry(&tray));
    std::thread::Builder::new().name("courier".to_owned()).spawn(carrying).map_err(|error| bug(&error))?;
    Ok(())
}

/// The socket at which humans command, if there is a folder for it. It is nobody's failure if not: signals and files
/// remain.
fn door(args: &RunArgs) -> Option<Door> {
    let settings = read_config(&args.config).ok()?.1?.control;
    for group in unknown_groups(&settings) {
        tracing::warn!("nobody has a role by the group `{group}`: this host has no such group");
    }
    let path = settings.socket.clone().unwrap_or_else(default_socket);
    let is_asked_for = settings.socket.is_some();
    if !is_asked_for && !path.parent().is_some_and(std::path::Path::is_dir) {
        return None;
    }
    match Door::open(&path, settings, Arc::new(SystemClock)) {
        Ok(door) => Some(door),
        Err(error) => {
            tracing::warn!("there is no control socket at `{}`: {error}", path.display());
            None
        }
    }
}

fn none_starts(start: Start) -> Failure {
    let (exit, help) = match start {
        Start::Locked => (Exit::Locked, "one process at a time acts on an account: stop the other one"),
        Start::Refused => {
            (Exit::Refused, "check the credential, its scopes (`read write`) and that its user is an admin")
        }
        Start::Unwritable => (Exit::Trail, "`paths.state` and `paths.trail` must be whole, and writable for this user"),
        Start::Open | Start::Done => (Exit::Unavailable, "see the lines above"),
    };
    Failure::new(exit, "no account can begin: the lines above say why").help(help)
}

fn log_to_stderr(args: &RunArgs) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&args.log).ok().filter(|_| is_filter(&args.log)).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`--log {}` is no filter", crate::model::Foreign::new(&*args.log)))
            .help("write a level, such as `info`, or levels by part, such as `info,evictd::zendesk=debug`")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = match args.log_format {
        // A journal has the time, and shows colour as garbage.
        LogFormat::Plain => builder.with_target(false).with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    done.map_err(|error| Failure::new(Exit::Bug, format!("cannot log: {error}")))
}

/// Whether each part is a level or a part's level. A word that is neither would be taken for the name of a part, and a
/// misspelt level would silence everything.
fn is_filter(text: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    text.split(',').all(|part| is_level(part.split_once('=').map_or(part, |(_, level)| level).trim()))
}

/// What the process is told by signals: SIGHUP reloads, SIGTERM and SIGINT stop.
struct Signals {
    hangup: Signal,
    end: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            end: signal(SignalKind::from_raw(SIGTERM))?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

impl Wishes for Signals {
    fn next(&mut self) -> Pending<'_, Wish> {
        Box::pin(async move {
            tokio::select! {
                _ = self.hangup.recv() => Wish::Reload,
                _ = self.end.recv() => Wish::Stop,
                _ = self.interrupt.recv() => Wish::Stop,
            }
        })
    }
}
