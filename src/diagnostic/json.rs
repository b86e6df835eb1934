//! Findings as one JSON document, for editors and pipelines; and their places alone, for logs.
//!
//! Lines and columns count from 1, columns in characters; the end is the place just behind the last character.

use serde_json::{Value, json};

use super::{Diagnostic, Findings, Label, Level};

/// `{"schema":1,"errors":N,"warnings":N,"left_out":N,"findings":[…]}`; each finding has `code, severity, message, help,
/// file, line, column, end_line, end_column`, the last five null where it has no place.
pub fn to_json(findings: &Findings) -> Value {
    json!({
        "schema": 1,
        "errors": findings.errors(),
        "warnings": findings.warnings(),
        "left_out": findings.left_out().map(|(_, count)| count).sum::<usize>(),
        "findings": findings.sorted().into_iter().map(one).collect::<Vec<_>>(),
    })
}

/// `file:line:column: code` of every error, in order: nothing of the text itself, which may name people.
pub fn error_places(findings: &Findings) -> Vec<String> {
    let errors = findings.sorted().into_iter().filter(|one| one.code.level() == Level::Error);
    let place = |one: &Diagnostic| match one.labels.first() {
        Some(label) => {
            let (line, column) = position(label, label.span.start);
            format!("{}:{line}:{column}: {}", label.source.name, one.code.word())
        }
        None => one.code.word().to_owned(),
    };
    errors.map(place).collect()
}

fn one(diagnostic: &Diagnostic) -> Value {
    let label = diagnostic.labels.first();
    let start = label.map(|label| position(label, label.span.start));
    let end = label.map(|label| position(label, label.span.end));
    json!({
        "code": diagnostic.code.word(),
        "severity": diagnostic.code.level().word(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "file": label.map(|label| &*label.source.name),
        "line": start.map(|(line, _)| line),
        "column": start.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
    })
}

/// Line and column of this byte.
pub(super) fn position(label: &Label, byte: usize) -> (usize, usize) {
    let byte = byte.min(label.source.text.len());
    let line = label.source.line(byte);
    let before = label.source.text.get(label.source.line_start(line)..byte).unwrap_or_default();
    (line, before.chars().count() + 1)
}
