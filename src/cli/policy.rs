//! `evictd policy`: check, test and describe policies. Needs no account and no Zendesk; what is about signatures needs a
//! configuration and is in `signatures`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::load::{read_policies, shown, source_of};
use super::signatures::{ManifestArgs, VerifyArgs, print_manifest, verify};
use super::{Exit, Failure, Format, screen::Screen};
use crate::address::Lists;
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::{Source, quoted_list, to_json};
use crate::evaluate::{Claim, claim_of_case, fires_in_case, verdict_of_case};
use crate::files::matching_files;
use crate::library::said_of;
use crate::lists::{Circumstances, Shelf};
use crate::model::Foreign;
use crate::policy::{Case, PolicySet, Rule};
use crate::report::{counted, facts_json, facts_markdown, facts_text};

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Every fault of a policy set, at its place
    Check(Files),
    /// The policies' own test cases
    Test(Files),
    /// What is to be signed of an account's policies
    Manifest(ManifestArgs),
    /// Who signed an account's policies, and whether that is enough for them to be in force
    Verify(VerifyArgs),
    /// Every fact a rule can ask about, with its operators
    Facts(Facts),
}

#[derive(Debug, Args)]
pub(super) struct Files {
    /// Policy files, folders of them, or patterns; together they are one set
    #[arg(value_name = "PATH", default_value = "policies")]
    paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Facts {
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Page,
}

/// How the reference is printed.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Page {
    /// For people, aligned to the terminal's width
    #[default]
    Text,
    /// One versioned JSON document
    Json,
    /// The page of the documentation
    Markdown,
}

pub(super) fn run(command: &PolicyCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Check(files) => check(files, screen),
        PolicyCommand::Test(files) => test(files, screen),
        PolicyCommand::Manifest(args) => print_manifest(args, screen),
        PolicyCommand::Verify(args) => verify(args, screen),
        PolicyCommand::Facts(facts) => Ok(describe(facts.format, screen)),
    }
}

fn sources(files: &Files) -> Result<Vec<Source>, Failure> {
    let mut sources: Vec<Source> = Vec::new();
    for path in &files.paths {
        let found = if path.is_dir() {
            matching_files(path, "*.toml").map_err(|trouble| Failure::of_file(&trouble))?
        } else if path.exists() {
            vec![path.clone()]
        } else {
            matching_files(Path::new(""), &path.to_string_lossy()).unwrap_or_default()
        };
        if found.is_empty() {
            return Err(Failure::new(Exit::Config, format!("there is no policy file at `{}`", path.display()))
                .help("name policy files, folders of them, or patterns such as `policies/*.toml`"));
        }
        for one in found {
            let source = source_of(&one)?;
            if !sources.iter().any(|known| known.name == source.name) {
                sources.push(source);
            }
        }
    }
    Ok(sources)
}

fn check(files: &Files, screen: Screen) -> Result<Exit, Failure> {
    let sources = sources(files)?;
    let (set, findings) = read_policies(&sources);
    let unusable = set.as_ref().map(|set| unusable_lists(set, screen)).unwrap_or_default();
    match files.format {
        Format::Json => {
            let mut json = to_json(&findings);
            if let Some(document) = json.as_object_mut() {
                document.insert("errors".to_owned(), (findings.errors() + unusable.len()).into());
                document.insert("unusable_lists".to_owned(), unusable.clone().into());
            }
            screen.json(&json);
        }
        Format::Text => {
            screen.out(&shown(&findings, screen));
            let read = counted(sources.len(), "file", "files");
            screen.out(&match &set {
                Some(set) => format!(
                    "{read}: {}, {}, {}\n",
                    counted(set.rules.len(), "rule", "rules"),
                    counted(set.exceptions.len(), "exception", "exceptions"),
                    match unusable.len() {
                        0 => counted(findings.warnings(), "warning", "warnings"),
                        number => format!(
                            "{}, {} that cannot be used",
                            counted(findings.warnings(), "warning", "warnings"),
                            counted(number, "list", "lists")
                        ),
                    },
                ),
                None => format!(
                    "{read}: {}, {}; a set with an error is not in force\n",
                    counted(findings.errors(), "error", "errors"),
                    counted(findings.warnings(), "warning", "warnings"),
                ),
            });
        }
    }
    Ok(if findings.has_errors() || !unusable.is_empty() { Exit::Findings } else { Exit::Done })
}

/// The lists of a set whose files cannot be used as they stand; what is wrong with each is said.
fn unusable_lists(set: &PolicySet, screen: Screen) -> Vec<String> {
    let accepted = BTreeSet::new();
    let circumstances = Circumstances { state: None, keeps: false, accepted: &accepted, now: SystemClock.now() };
    let (_, news) = Shelf::default().refresh(&set.lists, circumstances);
    let wrong = news.iter().filter(|one| one.trouble.is_some() || one.unreadable > 0);
    let said = wrong.inspect(|one| screen.note(&format!("error: list `{}`: {}", one.name, said_of(one))));
    said.map(|one| one.name.to_string()).collect()
}

/// What one case came to.
struct Tried<'p> {
    rule: &'p Rule,
    case: &'p Case,
    faults: Vec<String>,
}

fn test(files: &Files, screen: Screen) -> Result<Exit, Failure> {
    let (set, findings) = read_policies(&sources(files)?);
    let Some(set) = set else {
        screen.out(&shown(&findings, screen));
        return Ok(Exit::Findings);
    };
    // Cases must come out the same wherever they are run: what stands in files is not theirs.
    let lists = Lists::of(&set.lists);
    let tried: Vec<Tried<'_>> = set
        .rules
        .iter()
        .flat_map(|rule| rule.cases.iter().map(move |case| (rule, case)))
        .map(|(rule, case)| Tried { rule, case, faults: faults_of(case, rule, &set, &lists) })
        .collect();
    let failed = tried.iter().filter(|one| !one.faults.is_empty()).count();
    let uncovered: Vec<&str> =
        set.rules.iter().filter(|rule| rule.cases.is_empty()).map(|rule| rule.id.as_str()).collect();
    match files.format {
        Format::Json => screen.json(&tests_json(&tried, failed, &uncovered)),
        Format::Text => screen.out(&tests_text(&tried, failed, &uncovered)),
    }
    Ok(if failed > 0 { Exit::Findings } else { Exit::Done })
}

fn faults_of(case: &Case, rule: &Rule, set: &PolicySet, lists: &Lists) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(expected) = case.expect {
        let came = verdict_of_case(case, rule, set, lists);
        if came != expected {
            let fault = format!("expected {}, came to {}", expected.word(), came.word());
            faults.push(fault + &doubt_of(case, rule, set, lists));
        }
    }
    if let Some(expected) = &case.fires {
        let fired = fires_in_case(case, set, lists);
        let missing = expected.iter().filter(|id| !fired.contains(id)).map(|id| format!("`{id}` does not fire"));
        let surplus = fired.iter().filter(|id| !expected.contains(id)).map(|id| format!("`{id}` fires too"));
        faults.extend(missing.chain(surplus));
    }
    faults
}

/// An exception that cannot tell spares: the case then has to state what the exception asks.
fn doubt_of(case: &Case, rule: &Rule, set: &PolicySet, lists: &Lists) -> String {
    let Some(Claim::SparedByUnknown(place)) = claim_of_case(case, rule, set, lists) else { return String::new() };
    set.exceptions.get(place).map_or_else(String::new, |exception| {
        let mut asked: Vec<&str> = exception.when.lines().iter().map(|line| line.fact.name).collect();
        asked.dedup();
        format!(": exception `{}` cannot tell, so state {} in `given`", exception.id, quoted_list(asked))
    })
}

fn tests_text(tried: &[Tried<'_>], failed: usize, uncovered: &[&str]) -> String {
    let mut page = String::new();
    for one in tried {
        let mark = if one.faults.is_empty() { "ok    " } else { "FAILED" };
        page += &format!("{mark}  {}: {}\n", one.rule.id, Foreign::new(one.case.title.as_str()));
        for fault in &one.faults {
            page += &format!("        {fault} ({}:{})\n", one.rule.place.0, one.case.line);
        }
    }
    if !uncovered.is_empty() {
        page += &format!("no case: {}\n", uncovered.join(", "));
    }
    page + &format!("{} passed, {failed} failed\n", tried.len() - failed)
}

fn tests_json(tried: &[Tried<'_>], failed: usize, uncovered: &[&str]) -> Value {
    let cases: Vec<Value> = tried
        .iter()
        .map(|one| {
            json!({
                "rule": one.rule.id.as_str(),
                "case": one.case.title,
                "file": one.rule.place.0,
                "line": one.case.line,
                "passed": one.faults.is_empty(),
                "faults": one.faults,
            })
        })
        .collect();
    json!({
        "schema": 1,
        "passed": tried.len() - failed,
        "failed": failed,
        "rules_without_case": uncovered,
        "cases": cases,
    })
}

fn describe(format: Page, screen: Screen) -> Exit {
    match format {
        Page::Json => screen.json(&facts_json()),
        Page::Text => screen.out(&facts_text(screen.look())),
        Page::Markdown => screen.out(&facts_markdown()),
    }
    Exit::Done
}
