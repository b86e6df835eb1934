//! `evictd pause` and `evictd resume`: nothing is ended for a while, by a human's word.

use clap::Args;

use super::control::carry;
use super::loader::load_to_look;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::control::{Answer, Command};
use crate::model::Foreign;

#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    place: Where,
    /// Why: one line, kept in the trail
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long, 24h at most [default: 4h]
    #[arg(long = "for", value_name = "LENGTH")]
    lasts: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn pause(args: &PauseArgs, screen: Screen) -> Result<Exit, Failure> {
    let command = Command::Pause { lasts: args.lasts.clone(), reason: args.reason.clone() };
    let Answer { document, .. } = carry(&load_to_look(&args.place, screen)?, &command, screen).await?;
    match args.format {
        Format::Json => screen.json(&document),
        Format::Text => {
            let until = document.get("until").and_then(serde_json::Value::as_str).unwrap_or_default();
            screen.out(&format!("paused until {}: nothing is ended\n", Foreign::new(until)));
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn resume(args: &ResumeArgs, screen: Screen) -> Result<Exit, Failure> {
    let Answer { document, .. } = carry(&load_to_look(&args.place, screen)?, &Command::Resume, screen).await?;
    match args.format {
        Format::Json => screen.json(&document),
        Format::Text => screen.out("resumed: the pause is over\n"),
    }
    Ok(Exit::Done)
}
