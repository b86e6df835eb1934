//! `evictd revoke`: the incident lever. All sessions of named people end now; who they are is shown first.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::control::{carry, exit_of};
use super::loader::load_to_look;
use super::{Exit, Failure, Format, Where, load::TEXT_BYTES_MAX, screen::Screen};
use crate::control::{ASKED_FROM, Answer, Command, Wanted};
use crate::files::read_text;
use crate::model::Foreign;
use crate::report::counted;

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    place: Where,
    /// Whose sessions end: an e-mail address or an id; may be given several times
    #[arg(long = "user", value_name = "WHO", required_unless_present = "from_file")]
    users: Vec<String>,
    /// More of them, one a line; what follows `#` is passed over
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Why: one line, kept in the trail
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket or incident it belongs to
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
    /// How many people are meant; required above 10
    #[arg(long, value_name = "N")]
    expect: Option<usize>,
    /// Even while the account is paused
    #[arg(long)]
    despite_pause: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: &RevokeArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load_to_look(&args.place, screen)?;
    let wanted = Wanted {
        people: named(args)?,
        reason: args.reason.clone(),
        expect: args.expect,
        despite_pause: args.despite_pause,
        ticket: args.ticket.clone(),
    };
    let look = carry(&loaded, &Command::RevokeLook(wanted.clone()), screen).await?;
    let people = rows(&look.document);
    screen.note(&format!(
        "account `{}`: all sessions of {} end:",
        loaded.account.name,
        counted(people.len(), "person", "people")
    ));
    for person in people {
        screen.note(&line(person, "sessions", "sessions"));
    }
    if people.len() > ASKED_FROM && args.expect.is_none() {
        return Err(Failure::new(Exit::Usage, format!("that is more than {ASKED_FROM} people: nobody lost a session"))
            .help(format!("add `--expect {}` if these are the people that are meant", people.len())));
    }
    if !args.yes && !ask()? {
        screen.note("nobody lost a session");
        return Ok(Exit::Done);
    }
    // Those who were shown, by id: an address may have changed hands meanwhile.
    let people: Vec<String> = people.iter().map(|person| text(person, "user")).collect();
    let Answer { document, exit } = carry(&loaded, &Command::Revoke(Wanted { people, ..wanted }), screen).await?;
    match args.format {
        Format::Json => screen.json(&document),
        Format::Text => {
            let lines: Vec<String> = rows(&document).iter().map(done).collect();
            screen.out(&format!("{}\n", lines.join("\n")));
        }
    }
    Ok(exit_of(exit))
}

/// Everybody who is named, on the command line and in the file.
fn named(args: &RevokeArgs) -> Result<Vec<String>, Failure> {
    let mut people = args.users.clone();
    if let Some(path) = &args.from_file {
        let text = read_text(path, TEXT_BYTES_MAX).map_err(|trouble| Failure::of_file(&trouble))?;
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        people.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(people)
}

fn ask() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "there is nobody to ask: nobody lost a session").help("add `--yes`"));
    }
    drop(write!(anstream::stderr(), "revoke now? type yes: "));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == "yes")
}

fn rows(document: &Value) -> &[Value] {
    document.get("people").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A value as a terminal may have it.
fn text(row: &Value, key: &str) -> String {
    match row.get(key) {
        Some(Value::String(text)) => Foreign::new(text.as_str()).to_string(),
        Some(Value::Null) | None => "?".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// What became of somebody's sessions.
fn done(row: &Value) -> String {
    let number = |key: &str| row.get(key).and_then(Value::as_u64).unwrap_or_default();
    let present = match number("still_present") {
        0 => String::new(),
        left => format!(", {left} still present"),
    };
    let detail = row.get("detail").and_then(Value::as_str).map(|detail| format!(" ({})", Foreign::new(detail)));
    let ended = format!("{} ended{present}", number("ended"));
    let (user, outcome, person) = (text(row, "user"), text(row, "outcome"), text(row, "person"));
    format!("  {user:<14} {outcome:<12} sessions: {ended}   {person}{}", detail.unwrap_or_default())
}

fn line(row: &Value, key: &str, unit: &str) -> String {
    let detail = row.get("detail").and_then(Value::as_str).map(|detail| format!(" ({})", Foreign::new(detail)));
    let line = format!(
        "  {:<14} {:<10} {} {unit} {}",
        text(row, "user"),
        if row.get("stratum").is_some() { text(row, "stratum") } else { String::new() },
        text(row, key),
        text(row, "person")
    );
    format!("{}{}", line.trim_end(), detail.unwrap_or_default())
}
