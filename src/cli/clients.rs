//! `evictd clients score`: how well agent strings are told apart, measured on a file of labelled ones. Needs no account
//! and no Zendesk. What is right is decided in `score`; here it is read and printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::score::{Figures, Kinds, Labelled, Miss, Named, Score};
use super::{Exit, Failure, Format, screen::Screen};
use crate::files::read_text;
use crate::model::{ClientKind, Foreign};
use crate::report::counted;

/// A larger file is no list of labelled agent strings: this is some 200,000 of them.
const LABELS_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum ClientsCommand {
    /// Precision and recall per kind on a file of labelled agent strings
    Score(ScoreArgs),
}

#[derive(Debug, Args)]
pub(super) struct ScoreArgs {
    /// JSON lines with `ua` and `class`, as in docs/clients.md
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name every agent string whose kind was told wrong, too
    #[arg(long)]
    misses: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(command: &ClientsCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        ClientsCommand::Score(args) => score(args, screen),
    }
}

fn score(args: &ScoreArgs, screen: Screen) -> Result<Exit, Failure> {
    let text = read_text(&args.file, LABELS_BYTES_MAX).map_err(|trouble| Failure::of_file(&trouble))?;
    let mut score = Score::default();
    for (number, line) in
        (1..).zip(text.trim_start_matches('\u{feff}').lines()).filter(|(_, line)| !line.trim().is_empty())
    {
        let labelled = Labelled::read(line).map_err(|why| unusable(&args.file, &format!("line {number} {why}")))?;
        score.add(number, &labelled);
    }
    if score.rows == 0 {
        return Err(unusable(&args.file, "it holds no labelled agent string"));
    }
    match args.format {
        Format::Text => screen.out(&text_of(&score, args.misses)),
        Format::Json => screen.json(&json_of(&score, args.misses)),
    }
    Ok(Exit::Done)
}

fn unusable(file: &Path, what: &str) -> Failure {
    let title = format!("cannot read `{}`: {what}", Foreign::new(file.to_string_lossy()));
    Failure::new(Exit::Config, title)
        .help(r#"each line is a JSON object such as {"ua": "curl/8.9.1", "class": "script"}; see docs/clients.md"#)
}

fn text_of(score: &Score, misses: bool) -> String {
    let mut lines = vec![counted(score.rows, "labelled agent string", "labelled agent strings"), String::new()];
    lines.extend(table(&score.kinds));
    if score.kinds != score.by_class {
        lines.extend([String::new(), "by the rows' classes alone, without their tags".to_owned(), String::new()]);
        lines.extend(table(&score.by_class));
    }
    lines.push(String::new());
    lines.extend([("family", &score.family), ("system", &score.system)].into_iter().filter_map(named_text));
    if misses {
        lines.extend(score.misses.iter().map(|miss| {
            let (labelled, told) = (miss.labelled.word(), miss.told.word());
            format!("line {}: {labelled}, told {told}: {}", miss.line, Foreign::new(miss.agent.as_str()))
        }));
    }
    let mut text = lines.join("\n").trim_end().to_owned();
    text.push('\n');
    text
}

fn table(kinds: &Kinds) -> Vec<String> {
    let mut lines = vec!["KIND           PRECISION   RECALL  LABELLED   TOLD  RIGHT".to_owned()];
    lines.extend(kinds.figures().map(|(kind, Figures { labelled, told, right })| {
        let (precision, recall) = (percent(right, told), percent(right, labelled));
        format!("{:14} {precision:>9} {recall:>8} {labelled:>9} {told:>6} {right:>6}", kind.word())
    }));
    lines
}

fn named_text((name, named): (&str, &Named)) -> Option<String> {
    let Named { rows, right, versions_right, versions_wrong, versions_untold } = named;
    (*rows > 0).then(|| {
        format!(
            "{name}: {right} of {rows} right ({}); of their versions {versions_right} right, {versions_wrong} wrong, \
             {versions_untold} not told",
            percent(*right, *rows)
        )
    })
}

/// A share in percent with one digit, rounded down so that nothing looks better than it is; a dash of nothing.
fn percent(part: u32, whole: u32) -> String {
    let thousandths = (u64::from(part) * 1000).checked_div(whole.into());
    thousandths.map_or("-".to_owned(), |share| format!("{}.{} %", share / 10, share % 10))
}

fn json_of(score: &Score, misses: bool) -> Value {
    let miss = |miss: &Miss| json!({ "line": miss.line, "labelled": miss.labelled.word(), "told": miss.told.word(), "ua": miss.agent });
    let mut document = Map::new();
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    put("schema", json!(1));
    put("rows", json!(score.rows));
    put("kinds", kinds_json(&score.kinds));
    put("kinds_by_class", kinds_json(&score.by_class));
    put("confusion", confusion(&score.kinds));
    put("family", named_json(&score.family));
    put("system", named_json(&score.system));
    if misses {
        put("misses", score.misses.iter().map(miss).collect());
    }
    Value::Object(document)
}

fn kinds_json(kinds: &Kinds) -> Value {
    let row = |(kind, Figures { labelled, told, right }): (ClientKind, Figures)| {
        let (precision, recall) = (share(right, told), share(right, labelled));
        let figures =
            json!({ "precision": precision, "recall": recall, "labelled": labelled, "told": told, "right": right });
        (kind.word().to_owned(), figures)
    };
    Value::Object(kinds.figures().map(row).collect())
}

/// Labelled kind, told kind, how often.
fn confusion(kinds: &Kinds) -> Value {
    let mut rows: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for ((labelled, told), count) in kinds.cells() {
        rows.entry(labelled.word()).or_default().insert(told.word().to_owned(), count.into());
    }
    json!(rows)
}

fn named_json(named: &Named) -> Value {
    let Named { rows, right, versions_right, versions_wrong, versions_untold } = *named;
    json!({
        "rows": rows,
        "right": right,
        "accuracy": share(right, rows),
        "versions": { "right": versions_right, "wrong": versions_wrong, "not_told": versions_untold },
    })
}

/// None of nothing.
fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}
