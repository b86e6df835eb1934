//! `evictd why`: whether a person was signed out, when, why, and whom to ask: for whoever answers them.

use clap::Args;
use jiff::SignedDuration;
use serde_json::Value;

use super::account::trail_of;
use super::control::ask_daemon;
use super::load::{Loaded, policies};
use super::loader::load_to_look;
use super::plan::offline;
use super::report::since;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::control::Command;
use crate::daemon::{Inquiry, why};

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// The person: an e-mail address, or a user id
    #[arg(long, value_name = "WHO")]
    user: String,
    /// How far back to look, as in `2h` or `3d` [default: 24h]
    #[arg(long, value_name = "LENGTH")]
    since: Option<String>,
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: &WhyArgs, screen: Screen) -> Result<Exit, Failure> {
    let since = since(args.since.as_deref(), DAY)?;
    let loaded = load_to_look(&args.place, screen)?;
    // Who can read the trail and the last look needs nobody for it; a service desk asks the daemon.
    if std::fs::read_dir(loaded.trail()).is_ok() && std::fs::read_dir(loaded.state()).is_ok() {
        by_oneself(args, since, &loaded, screen)?;
        return Ok(Exit::Done);
    }
    let command = Command::Why { user: args.user.clone(), since: since.to_string() };
    let Some(answered) = ask_daemon(&loaded, &command).await else {
        // Without a daemon it is said what cannot be read, or that there is nothing yet.
        if !matches!(loaded.trail().try_exists(), Ok(false)) {
            trail_of(&loaded)?;
        }
        by_oneself(args, since, &loaded, screen)?;
        return Ok(Exit::Done);
    };
    let document = answered?.document;
    match args.format {
        Format::Text => screen.out(document.get("text").and_then(Value::as_str).unwrap_or_default()),
        Format::Json => screen.json(document.get("document").unwrap_or(&Value::Null)),
    }
    Ok(Exit::Done)
}

fn by_oneself(args: &WhyArgs, since: jiff::Timestamp, loaded: &Loaded, screen: Screen) -> Result<(), Failure> {
    let set = policies(loaded, screen)?;
    let file = loaded.last_snapshot();
    // What is there and cannot be read is not the same as nothing.
    let seen = if matches!(file.try_exists(), Ok(false)) { None } else { Some(offline(&file, loaded, &set, screen)?) };
    let nothing = crate::address::Lists::default();
    let (lists, snapshot) = seen.as_ref().map_or((&nothing, None), |(lists, snapshot)| (lists, Some(snapshot)));
    let records = loaded.trail();
    let inquiry = Inquiry { account: &loaded.account, policies: &set, lists, snapshot, records: &records };
    let why = why(inquiry, &args.user, since)?;
    match args.format {
        Format::Text => screen.out(&why.text()),
        Format::Json => screen.json(&why.json()),
    }
    Ok(())
}
