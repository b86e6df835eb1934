//! `evictd hold`: what belts withheld and a human is asked about: shown, let go, or refused.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::control::carry;
use super::loader::load_to_look;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::control::{Answer, Command};
use crate::model::{Foreign, human_duration};

#[derive(Debug, Subcommand)]
pub(super) enum HoldCommand {
    /// The holds that stand
    List(ListArgs),
    /// One of them: who is under it, why, and what they have in common
    Show(OneArgs),
    /// Let it go: the next complete cycle judges its people anew, without its belt
    Release(ReleaseArgs),
    /// Say no: its people stay, while it lasts
    Discard(OneArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct OneArgs {
    #[command(flatten)]
    place: Where,
    /// The hold, by its number
    #[arg(value_name = "ID")]
    id: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The digest that `hold show` printed, or its first 8 digits: so that nobody else goes
    #[arg(long, value_name = "DIGEST")]
    digest: String,
}

pub(super) async fn run(command: &HoldCommand, screen: Screen) -> Result<Exit, Failure> {
    let (place, format, command) = match command {
        HoldCommand::List(args) => (&args.place, args.format, Command::HoldList),
        HoldCommand::Show(args) => (&args.place, args.format, Command::HoldShow { id: args.id }),
        HoldCommand::Discard(args) => (&args.place, args.format, Command::HoldDiscard { id: args.id }),
        HoldCommand::Release(args) => {
            let command = Command::HoldRelease { id: args.one.id, digest: args.digest.clone() };
            (&args.one.place, args.one.format, command)
        }
    };
    let Answer { document, .. } = carry(&load_to_look(place, screen)?, &command, screen).await?;
    match format {
        Format::Json => screen.json(&document),
        Format::Text => screen.out(&match command {
            Command::HoldList => list(&document),
            Command::HoldShow { .. } => page(&document),
            _ => done(&document),
        }),
    }
    Ok(Exit::Done)
}

/// A value as a terminal may have it.
fn shown(document: &Value, key: &str) -> String {
    match document.get(key) {
        Some(Value::String(text)) => Foreign::new(text.as_str()).to_string(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

fn age(document: &Value) -> String {
    let seconds = document.get("age_seconds").and_then(Value::as_i64).unwrap_or_default();
    human_duration(jiff::SignedDuration::from_secs(seconds))
}

fn rows<'d>(document: &'d Value, key: &str) -> &'d [Value] {
    document.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn list(document: &Value) -> String {
    let holds = rows(document, "holds");
    if holds.is_empty() {
        return "no hold stands\n".to_owned();
    }
    let mut text = String::new();
    for hold in holds {
        let of = |key| shown(hold, key);
        text.push_str(&format!(
            "hold {:<6} {:<9} {} of rule {}, {} people, {} old, until {}{}\n",
            of("id"),
            of("state"),
            of("belt"),
            of("rule"),
            of("number"),
            age(hold),
            of("expires_at"),
            if of("mode") == "enforce" { "" } else { " (its rule only reports)" },
        ));
    }
    text
}

fn page(document: &Value) -> String {
    let of = |key| shown(document, key);
    let mut text = String::new();
    let mut row = |key: &str, value: String| text.push_str(&format!("{key:<12}{value}\n"));
    row("hold", format!("{}, {}", of("id"), of("state")));
    row("rule", format!("{}, severity {}, mode {}", of("rule"), of("severity"), of("mode")));
    row("belt", format!("{}: {} people, {} at most", of("belt"), of("count"), of("limit")));
    row("opened", format!("{}, {} ago", of("opened_at"), age(document)));
    row("expires", of("expires_at"));
    let strata = document.get("strata").and_then(Value::as_object).into_iter().flatten();
    let strata: Vec<String> = strata.map(|(stratum, count)| format!("{count} {}", Foreign::new(&**stratum))).collect();
    row("people", format!("{}: {}", of("number"), strata.join(", ")));
    row("sessions", format!("{}, {} of them opened in the last hour", of("sessions"), of("young")));
    let changed: Vec<String> =
        rows(document, "changed").iter().filter_map(Value::as_str).map(|word| Foreign::new(word).to_string()).collect();
    row(
        "changed",
        if changed.is_empty() {
            "nothing of ours that is known; the rule may be too new, or had fewer than 50 quiet cycles".to_owned()
        } else {
            changed.join(", ")
        },
    );
    for key in ["network", "client"] {
        if let Some(common) = document.pointer(&format!("/common/{key}")).filter(|common| common.is_object()) {
            let of = |part| shown(common, part);
            row(key, format!("{}, {} of {} people", of("what"), of("people"), of("of")));
        }
    }
    row("digest", of("digest"));
    for person in rows(document, "people") {
        let of = |key| shown(person, key);
        text.push_str(&format!("  {:<14} {:<10} {}\n", of("user"), of("stratum"), of("person")));
    }
    text
}

fn done(document: &Value) -> String {
    let of = |key| shown(document, key);
    let then = if of("state") == "released" { "the next complete cycle judges them anew" } else { "they stay" };
    format!("hold {} {}, {} people: {then}\n", of("hold"), of("state"), of("people"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_hold_names_reaches_the_terminal_as_it_is() {
        let bad = "\u{1b}[31mred\u{7}\nline";
        let document = serde_json::json!({
            "id": 7, "state": bad, "rule": bad, "belt": bad, "digest": bad, "strata": { bad: 1 }, "changed": [bad],
            "common": { "network": { "what": bad }, "client": { "what": bad } },
            "people": [{ "user": bad, "person": bad }], "holds": [{ "rule": bad, "state": bad }],
        });
        for text in [page(&document), list(&document), done(&document)] {
            assert!(!text.contains(['\u{1b}', '\u{7}']) && !text.contains("\nline"), "{text}");
        }
    }
}
