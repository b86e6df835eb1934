//! `evictd snapshot redact`: a snapshot that can be given away. Needs no configuration, no account and no Zendesk.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::plan::read_any_snapshot;
use super::{Exit, Failure, screen::Screen};
use crate::clock::{Chance, SystemChance};
use crate::files::Disk;
use crate::gather::locate;
use crate::model::Foreign;
use crate::places::Databases;
use crate::report::counted;
use crate::snapshot;

#[derive(Debug, Subcommand)]
pub(super) enum SnapshotCommand {
    /// Other people, addresses and texts, judged the same by policies that name none; nothing can be undone
    Redact(RedactArgs),
}

#[derive(Debug, Args)]
pub(super) struct RedactArgs {
    /// The snapshot, such as `last-snapshot.json.gz` in the account's folder of state
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write the redacted one; nothing may be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(command: &SnapshotCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        SnapshotCommand::Redact(args) => redact(args, &SystemChance, screen),
    }
}

fn redact(args: &RedactArgs, chance: &dyn Chance, screen: Screen) -> Result<Exit, Failure> {
    let out = Foreign::new(args.out.to_string_lossy());
    if args.out.symlink_metadata().is_ok() {
        let failure = Failure::new(Exit::Usage, format!("`{out}` is there already"));
        return Err(failure.help("name a new file: nothing is overwritten, least of all what is redacted"));
    }
    let mut whole = read_any_snapshot(&args.file)?;
    // A world written by hand leaves its places to whoever reads it, who could not tell them from redacted addresses.
    if whole.databases.is_empty() {
        locate(&mut whole, &Databases::shipped());
    }
    let mut key = [0; 32];
    chance.fill(&mut key).map_err(|why| Failure::new(Exit::Bug, why.to_string()))?;
    let redacted = snapshot::redact(&whole, &key);
    let unwritten = |why: String| Failure::new(Exit::Usage, format!("cannot write `{out}`: {why}"));
    let name = args.out.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| unwritten("it names no file".to_owned()))?;
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Disk::at(folder)
        .replace_by(name, |file| snapshot::write(&redacted, file))
        .map_err(|error| unwritten(error.to_string()))?;
    let sessions = counted(redacted.sessions.len(), "session", "sessions");
    let people = counted(redacted.people.len(), "person", "people");
    screen.note(&format!("`{out}`: {sessions} and {people}, redacted; it is of an account `{}`", redacted.account));
    Ok(Exit::Done)
}
