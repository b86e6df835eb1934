//! What commands on one account share: brakes, who called, the trail's folder, and the audit commands over it.

use std::str::FromStr as _;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::load::Loaded;
use super::loader::load_to_look;
use super::{Exit, Failure, Format, Where, audit, screen::Screen};
use crate::clock::SystemClock;
use crate::daemon::{FileBrakes, Stop};
use crate::files::Disk;
use crate::model::{SessionId, UserId};
use crate::record::Entry;

/// The brakes of an account for a process that the shell started.
pub(super) fn brakes(loaded: &Loaded, stop: Stop) -> FileBrakes {
    let expires_after = loaded.account.belts.pause_expires_after;
    FileBrakes { state: loaded.state(), expires_after, clock: Arc::new(SystemClock), stop }
}

/// The Unix user, as number; none if the system does not tell.
pub(super) fn uid() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next())?.parse().ok()
}

/// The Unix user, as number; for a login through `sudo`, whoever logged in.
pub(super) fn caller() -> String {
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let uid = uid().map_or("?".to_owned(), |uid| uid.to_string());
    let unset = u32::MAX.to_string();
    match login.trim() {
        "" => format!("uid={uid}"),
        login if login == unset => format!("uid={uid}"),
        login => format!("uid={uid} login={login}"),
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
            let loaded = load_to_look(&args.place, screen)?;
            let disk = trail_of(&loaded)?;
            let verified = audit::verify(&disk, &loaded.account.name, form(args.format), &mut out);
            read(verified.map_err(audit::AuditTrouble::Output))
        }
        AuditCommand::Tail(args) => {
            let disk = trail_of(&load_to_look(&args.place, screen)?)?;
            read(audit::tail(&disk, args.lines, form(args.format), &mut out))
        }
        AuditCommand::Show(args) => {
            let which = which(&args.which)?;
            let disk = trail_of(&load_to_look(&args.place, screen)?)?;
            read(audit::show(&disk, &which, form(args.format), &mut out))
        }
    }
}

/// The account's trail; a folder that is not there is a mistake, not an empty trail.
pub(super) fn trail_of(loaded: &Loaded) -> Result<Disk, Failure> {
    let folder = loaded.trail();
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(Disk::at(&folder)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let failure = Failure::new(Exit::Config, format!("there is no trail at `{}`", folder.display()));
            Err(failure
                .help("it begins with the first `evictd run` or `evictd apply`; check `paths.trail` and `--account`"))
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
