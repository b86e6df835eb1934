//! `evictd schedule next`: when a crontab line fires, clock changes included. Needs no account and no Zendesk.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::load::show;
use super::{Exit, Failure, Format, screen::Screen};
use crate::calendar::{self, BadSchedule, Schedule};
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::{Code, Diagnostic, Findings, Source};

#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// The next firings of a crontab line
    Next(NextArgs),
}

#[derive(Debug, Args)]
pub(super) struct NextArgs {
    /// Minute, hour, day of the month, month and day of the week, in one argument, as in '*/5 * * * *'
    #[arg(value_name = "EXPR")]
    line: String,
    /// Firings later than this instant, as in 2027-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    from: Option<Timestamp>,
    /// Whose clocks the line means, as in Europe/Berlin
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    zone: String,
    /// How many, 1 to 10000
    #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 5,
        value_parser = clap::value_parser!(u16).range(1..=10_000))]
    count: u16,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(command: &ScheduleCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        ScheduleCommand::Next(args) => next(args, screen),
    }
}

fn next(args: &NextArgs, screen: Screen) -> Result<Exit, Failure> {
    let schedule = Schedule::crontab(&args.line).map_err(|bad| {
        show(&finding(&args.line, &bad), screen);
        Failure::told(Exit::Usage)
    })?;
    let zone = calendar::zone(&args.zone)
        .map_err(|unknown| Failure::new(Exit::Usage, unknown.to_string()).help(unknown.help()))?;
    let from = args.from.unwrap_or_else(|| SystemClock.now());
    let first = schedule.next_after(from, &zone);
    let all = std::iter::successors(first, |last| schedule.next_after(*last, &zone));
    let next: Vec<Timestamp> = all.take(args.count.into()).collect();
    match args.format {
        Format::Text => screen.out(&text(&next, &zone)),
        Format::Json => screen.out(&json(&next)),
    }
    Ok(Exit::Done)
}

/// What is wrong with the line, with its place in it.
fn finding(line: &str, bad: &BadSchedule) -> Findings {
    let mut findings = Findings::default();
    let fault = Diagnostic::new(Code::BadSchedule, bad.to_string()).at(&Source::new("EXPR", line), bad.at(), "");
    findings.push(fault.help(bad.help()));
    findings
}

fn text(next: &[Timestamp], zone: &TimeZone) -> String {
    let line = |instant: &Timestamp| {
        let local = instant.to_zoned_datetime(zone.clone());
        format!("{}  {instant}\n", local.strftime("%a %Y-%m-%d %H:%M:%S %:z"))
    };
    next.iter().map(line).collect()
}

/// `{"next":[…]}` on one line, instants in UTC.
fn json(next: &[Timestamp]) -> String {
    let instants: Vec<String> = next.iter().map(ToString::to_string).collect();
    format!("{}\n", json!({ "next": instants }))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().or(Err("write an instant with its offset, as in `2027-01-31T12:00:00Z`".to_owned()))
}
