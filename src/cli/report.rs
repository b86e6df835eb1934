//! `evictd report`: what the trail tells over a time, for whoever audits it or sees people off.

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::account::trail_of;
use super::load::{Loaded, policies};
use super::loader::load_to_look;
use super::offboard::configured;
use super::plan::{offline, remembered};
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::quoted;
use crate::model::parse_duration;
use crate::record::{Line, whole_lines};
use crate::report::{Controls, Leavers, LeaversTold};
use crate::trail;

const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// Who has left, when their last session was gone, and which tokens they still hold
    Leavers(LeaversArgs),
    /// How long it was armed, watching, blind or paused; holds and who answered them; what made protection weaker
    Controls(ControlsArgs),
}

#[derive(Debug, Args)]
pub(super) struct LeaversArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ControlsArgs {
    /// How far back, as in `7d` or `12w` [default: 30d]
    #[arg(long, value_name = "LENGTH")]
    since: Option<String>,
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(command: &ReportCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        ReportCommand::Leavers(args) => run_leavers(args, screen)?,
        ReportCommand::Controls(args) => run_controls(args, screen)?,
    }
    Ok(Exit::Done)
}

fn run_leavers(args: &LeaversArgs, screen: Screen) -> Result<(), Failure> {
    let loaded = load_to_look(&args.place, screen)?;
    let lists = configured(&loaded)?;
    let memory = remembered(&loaded, screen);
    let file = loaded.last_snapshot();
    // What is there and cannot be read is not the same as nothing.
    let seen = match file.try_exists() {
        Ok(false) => None,
        _ => Some(offline(&file, &loaded, &policies(&loaded, screen)?, screen)?.1),
    };
    for name in lists.keys().filter(|name| !memory.lists.contains_key(*name)) {
        screen.note(&format!("note: nothing is remembered of list `{name}`: no cycle has taken it over yet"));
    }
    let rows = memory.lists.iter().filter(|(name, _)| lists.contains_key(*name));
    let now = SystemClock.now();
    let name = &loaded.account.name;
    let mut told = LeaversTold::default();
    hear(&loaded, |line| told.hear(name, line))?;
    let leavers = Leavers::of(name, rows, (seen.as_ref(), now), &told);
    match args.format {
        Format::Text => screen.out(&leavers.text(screen.look())),
        Format::Json => screen.json(&leavers.json()),
    }
    Ok(())
}

fn run_controls(args: &ControlsArgs, screen: Screen) -> Result<(), Failure> {
    let now = SystemClock.now();
    let since = since(args.since.as_deref(), MONTH)?;
    let loaded = load_to_look(&args.place, screen)?;
    let account = &loaded.account;
    let interval = account.sweep.interval(now, &account.time_zone);
    let mut controls = Controls::of(&account.name, (since, now), interval);
    hear(&loaded, |line| controls.hear(line))?;
    let controls = controls.whole();
    match args.format {
        Format::Text => screen.out(&controls.text(screen.look())),
        Format::Json => screen.json(&controls.json()),
    }
    Ok(())
}

/// The instant that lies so far back, or as far as usual.
pub(super) fn since(length: Option<&str>, usual: SignedDuration) -> Result<Timestamp, Failure> {
    let back = length.map_or(Some(usual), parse_duration);
    let since = back.and_then(|back| SystemClock.now().checked_sub(back).ok());
    since.filter(|since| *since >= Timestamp::UNIX_EPOCH).ok_or_else(|| {
        let what = quoted(length.unwrap_or_default());
        Failure::new(Exit::Usage, format!("{what} is not a length of time that one can look back"))
            .help("write `2h`, `30d` or `12w`; nothing is told of before 1970")
    })
}

/// Hears all records in order, a segment at a time; none for a line that cannot be read. A trail that was never written has
/// none.
fn hear(loaded: &Loaded, mut each: impl FnMut(Option<&Line>)) -> Result<(), Failure> {
    if matches!(loaded.trail().try_exists(), Ok(false)) {
        return Ok(());
    }
    let medium = trail_of(loaded)?;
    let mut last = 0_u64;
    for first in trail::segments(&medium)? {
        for line in whole_lines(&trail::read_segment(&medium, first)?).0 {
            let line = Line::read(line).ok();
            // What is missing cannot be read either.
            if line.as_ref().is_some_and(|line| last > 0 && line.seq > last.saturating_add(1)) {
                each(None);
            }
            last = line.as_ref().map_or(last.saturating_add(1), |line| line.seq);
            each(line.as_ref());
        }
    }
    Ok(())
}
