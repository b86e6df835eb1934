//! `evictd explain`: why a session is judged as it is, from a snapshot; or what a diagnostic code means.

use std::path::PathBuf;
use std::str::FromStr as _;

use clap::Args;

use super::load::{load, policies};
use super::plan::offline;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::cycle::staged;
use crate::diagnostic::Code;
use crate::document::did_you_mean;
use crate::guard::Belt;
use crate::model::{Cause, SessionId};
use crate::report::explain;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A session's id, a diagnostic code such as `unknown-key`, or a belt or cause of a report
    #[arg(value_name = "SESSION|CODE")]
    what: String,
    #[command(flatten)]
    place: Where,
    /// Explain from this snapshot instead of the last cycle's
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &ExplainArgs, screen: Screen) -> Result<Exit, Failure> {
    if let Some(code) = Code::from_word(&args.what) {
        explain_code(code, args.format, screen);
        return Ok(Exit::Done);
    }
    if let Some(text) = word_of_reports(&args.what) {
        screen.out(&format!("{}: {text}\n", args.what));
        return Ok(Exit::Done);
    }
    let Ok(session) = SessionId::from_str(&args.what) else {
        let what = crate::diagnostic::quoted(&args.what);
        let failure = Failure::new(Exit::Usage, format!("{what} is neither a session's id nor a diagnostic code"));
        let nearest = did_you_mean(&args.what, Code::ALL.iter().map(|code| code.word()));
        return Err(
            failure.help(nearest.unwrap_or_else(|| "ids are whole numbers, as `evictd plan` prints them".to_owned()))
        );
    };
    let loaded = load(&args.place, screen)?;
    let set = policies(&loaded, screen)?;
    let file = args.snapshot.clone().unwrap_or_else(|| loaded.last_snapshot());
    let (lists, snapshot) = offline(&file, &loaded, &set, screen)?;
    let explanation = staged((&loaded.account, &set, &lists), &snapshot, |stages| explain(stages, session));
    let explanation = explanation.ok_or_else(|| {
        Failure::new(Exit::Findings, format!("the snapshot `{}` has no session {session}", file.display()))
            .help("`evictd plan` takes a new one")
    })?;
    match args.format {
        Format::Text => screen.out(&explanation.text()),
        Format::Json => screen.json(&explanation.json()),
    }
    Ok(Exit::Done)
}

/// Causes and belts, as reports print them.
fn word_of_reports(word: &str) -> Option<&'static str> {
    Cause::from_word(word).map(Cause::text).or_else(|| Belt::from_word(word).map(Belt::text))
}

fn explain_code(code: Code, format: Format, screen: Screen) {
    let (word, level, text) = (code.word(), code.level().word(), code.explanation());
    match format {
        Format::Text => screen.out(&format!("{word} ({level})\n{text}\n")),
        Format::Json => {
            let json = serde_json::json!({ "schema": 1, "code": word, "severity": level, "explanation": text });
            screen.json(&json);
        }
    }
}
