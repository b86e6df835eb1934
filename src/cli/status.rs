//! `evictd status`: what an account's evictd did last, from trail and state alone. Locks nothing, asks nobody.

use clap::Args;
use serde_json::json;

use super::account::brakes;
use super::load::load;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::daemon::Stop;
use crate::enforce::Brakes as _;
use crate::files::{Disk, Lock};
use crate::model::Outcome;
use crate::trail::{self, Past};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a status says.
struct Status {
    account: String,
    mode: &'static str,
    running: Option<u32>,
    paused: Option<String>,
    past: Past,
}

pub(super) fn run(args: &StatusArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let paused = brakes(&loaded, Stop::default()).pause();
    let status = Status {
        account: loaded.account.name.to_string(),
        mode: loaded.account.mode.word(),
        running: Lock::holder(&loaded.state()),
        paused: paused.map(|pause| pause.until.map_or("without end".to_owned(), |until| format!("until {until:.0}"))),
        past: trail::look(&Disk::at(&loaded.trail()), &loaded.account.name)?,
    };
    match args.format {
        Format::Text => screen.out(&text(&status)),
        Format::Json => screen.json(&to_json(&status)),
    }
    Ok(Exit::Done)
}

fn ended(past: &Past) -> usize {
    past.history.ended.iter().filter(|one| one.outcome == Outcome::Revoked).count()
}

fn text(status: &Status) -> String {
    let mut page = format!("account       {}\nmode          {}\n", status.account, status.mode);
    page += &match &status.running {
        Some(pid) => format!("running       yes, process {pid}\n"),
        None => "running       no\n".to_owned(),
    };
    page += &format!("paused        {}\n", status.paused.as_deref().unwrap_or("no"));
    match &status.past.last_cycle {
        None => page += "last cycle    none in the trail\n",
        Some(last) => {
            let withheld: usize = last.finished.rules.iter().map(|rule| rule.withheld).sum();
            page += &format!("last cycle    {}\n", last.at);
            page += &format!("complete      {}\n", if last.finished.complete { "yes" } else { "no" });
            page += &format!("sessions      {}\nwithheld      {withheld}\n", last.finished.sessions_seen);
            for warning in &last.finished.warnings {
                page += &format!("it warned     {warning}\n");
            }
        }
    }
    page += &format!("ended in 24 h {}\n", ended(&status.past));
    page += &format!("unsettled     {}\n", status.past.open_intents.len());
    page + &format!("policies      {}\n", status.past.policy_digest.as_deref().unwrap_or("none yet"))
}

fn to_json(status: &Status) -> serde_json::Value {
    let last = status.past.last_cycle.as_ref();
    json!({
        "schema": 1,
        "account": status.account,
        "mode": status.mode,
        "running_pid": status.running.map(|pid| pid.to_string()),
        "paused": status.paused,
        "last_cycle": last.map(|last| json!({
            "at": last.at.to_string(),
            "cycle": last.cycle.as_ref().map(ToString::to_string),
            "complete": last.finished.complete,
            "sessions_seen": last.finished.sessions_seen,
            "withheld": last.finished.rules.iter().map(|rule| rule.withheld).sum::<usize>(),
            "warnings": last.finished.warnings,
        })),
        "ended_in_24_hours": ended(&status.past),
        "unsettled": status.past.open_intents.len(),
        "policy": status.past.policy_digest,
    })
}
