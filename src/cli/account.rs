//! What commands on one account share: ids, brakes, the trail's folder, and the audit commands over it.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use tokio::sync::Notify;

use super::load::{Loaded, load};
use super::{Exit, Failure, Format, Where, audit, screen::Screen};
use crate::clock::{Chance, Clock, Pending, SystemChance, SystemClock};
use crate::enforce::Brakes;
use crate::files::{Disk, read_pause};
use crate::model::{CycleId, Pause, SessionId, UserId};
use crate::record::Entry;

/// A new cycle's id: a UUID of version 7, from the host's clock.
pub(super) fn new_cycle() -> Result<CycleId, Failure> {
    let mut random = [0; 10];
    SystemChance.fill(&mut random).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    let millis = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default();
    Ok(CycleId::new(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()))
}

/// The pause file, and a flag that the process's signals raise.
#[derive(Debug)]
pub(super) struct FileBrakes {
    state: PathBuf,
    expires_after: SignedDuration,
    /// Raised once the process was asked to stop.
    stop: AtomicBool,
    raised: Notify,
}

impl FileBrakes {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let expires_after = loaded.account.belts.pause_expires_after;
        Self { state: loaded.state(), expires_after, stop: AtomicBool::new(false), raised: Notify::new() }
    }

    /// The process was asked to stop.
    pub(super) fn raise(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.raised.notify_one();
    }

    pub(super) fn pause_now(&self) -> Option<Pause> {
        read_pause(&self.state, SystemClock.now(), self.expires_after)
    }
}

impl Brakes for FileBrakes {
    fn pause(&self) -> Option<Pause> {
        self.pause_now()
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn stopping(&self) -> Pending<'_, ()> {
        Box::pin(self.raised.notified())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Whether the trail is whole: every record linked to the one before, every outcome to its intent
    Verify(VerifyArgs),
    /// The last records, one line each
    Tail(TailArgs),
    /// Some records whole, with their personal part if it is still there
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct TailArgs {
    #[command(flatten)]
    place: Where,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20)]
    lines: usize,
    /// How to print; json gives the lines as they are
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// How to print; json gives one line per record
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The record with this number
    #[arg(value_name = "SEQ")]
    seq: Option<u64>,
    /// All that speak of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// All that speak of this person
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// All of this kind, such as `revocation.intended`
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(Entry::KINDS))]
    kind: Option<String>,
}

pub(super) fn audit(command: &AuditCommand, screen: Screen) -> Result<Exit, Failure> {
    let mut out = anstream::stdout();
    match command {
        AuditCommand::Verify(args) => {
            let loaded = load(&args.place, screen)?;
            let disk = trail_of(&loaded)?;
            let verified = audit::verify(&disk, &loaded.account.name, form(args.format), &mut out);
            read(verified.map_err(audit::AuditTrouble::Output))
        }
        AuditCommand::Tail(args) => {
            let disk = trail_of(&load(&args.place, screen)?)?;
            read(audit::tail(&disk, args.lines, form(args.format), &mut out))
        }
        AuditCommand::Show(args) => {
            let which = which(&args.which)?;
            let disk = trail_of(&load(&args.place, screen)?)?;
            read(audit::show(&disk, &which, form(args.format), &mut out))
        }
    }
}

/// The account's trail; a folder that is not there is a mistake, not an empty trail.
fn trail_of(loaded: &Loaded) -> Result<Disk, Failure> {
    let folder = loaded.trail();
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(Disk::at(&folder)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let failure = Failure::new(Exit::Config, format!("there is no trail at `{}`", folder.display()));
            Err(failure.help("it begins with the first `evictd apply`; check `paths.trail` and `--account`"))
        }
        Err(error) => {
            Err(Failure::new(Exit::Config, format!("cannot read the trail at `{}`: {error}", folder.display()))
                .help("run it as evictd's own user, or as one who may read that folder"))
        }
    }
}

fn form(format: Format) -> audit::Form {
    match format {
        Format::Text => audit::Form::Text,
        Format::Json => audit::Form::Json,
    }
}

fn read(done: Result<u8, audit::AuditTrouble>) -> Result<Exit, Failure> {
    match done {
        Ok(0) => Ok(Exit::Done),
        Ok(_) => Ok(Exit::Findings),
        // A reader that hung up is nobody's failure.
        Err(audit::AuditTrouble::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(audit::AuditTrouble::Output(error)) => Err(Failure::unprinted(&error)),
        Err(audit::AuditTrouble::Trail(trouble)) => Err(trouble.into()),
    }
}

fn which(args: &Which) -> Result<audit::Which, Failure> {
    let wrong = |text: &str| {
        Failure::new(Exit::Usage, format!("`{}` is not an id", crate::model::Foreign::new(text)))
            .help("ids are whole numbers, as `evictd plan` prints them")
    };
    Ok(match args {
        Which { seq: Some(seq), .. } => audit::Which::Seq(*seq),
        Which { session: Some(id), .. } => {
            audit::Which::Session(SessionId::from_str(id).ok().ok_or_else(|| wrong(id))?)
        }
        Which { user: Some(id), .. } => audit::Which::User(UserId::from_str(id).ok().ok_or_else(|| wrong(id))?),
        Which { kind, .. } => audit::Which::Kind(kind.clone().unwrap_or_default()),
    })
}
