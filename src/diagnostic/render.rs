//! Findings as text: the line, carets under the place, advice below it.
//!
//! The only file that names `annotate-snippets`. What stands in the user's file is shown, so that nothing of it may
//! reach a terminal raw, and no file, however large, may make the text large.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet};

use super::json::position;
use super::{Diagnostic, Findings, Label, Level, harmless};
use crate::model::is_harmful;

/// A line longer than this many bytes is named but not shown.
const LINE_BYTES_MAX: usize = 1_000;

/// Whether the text may carry colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    Plain,
    /// With terminal colours.
    Colour,
}

/// All findings, by file and place, each followed by an empty line; what was left out is counted at the end.
///
/// `width` is the terminal's, in columns.
pub fn render(findings: &Findings, style: Style, width: usize) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    }
    .term_width(width);
    let mut out = String::new();
    for diagnostic in findings.sorted() {
        out.push_str(&renderer.render(&[group(diagnostic)]));
        out.push_str("\n\n");
    }
    for (name, count) in findings.left_out() {
        let things = if count == 1 { "finding" } else { "findings" };
        for part in [&count.to_string(), " more ", things, " in ", &harmless(name), "\n"] {
            out.push_str(part);
        }
    }
    out
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.code.level() {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code.word()));
    let mut rest: Vec<&Label> = diagnostic.labels.iter().collect();
    let mut kind = AnnotationKind::Primary;
    while let Some(first) = rest.first().copied() {
        let (here, elsewhere): (Vec<&Label>, _) =
            rest.into_iter().partition(|label| Arc::ptr_eq(&label.source.text, &first.source.text));
        rest = elsewhere;
        group = excerpt(group, &here, kind, diagnostic.concealed);
        kind = AnnotationKind::Context;
    }
    match &diagnostic.help {
        Some(help) => group.element(Title::HELP.message(help)),
        None => group,
    }
}

/// Adds the lines of one file that these labels point at; the first label is of the kind given.
fn excerpt<'a>(group: Group<'a>, labels: &[&'a Label], mut kind: AnnotationKind, concealed: bool) -> Group<'a> {
    let lines: Vec<Range<usize>> = labels.iter().map(|label| line_of(label)).collect();
    let (Some(first), Some(start), Some(end)) =
        (labels.first(), lines.iter().map(|line| line.start).min(), lines.iter().map(|line| line.end).max())
    else {
        return group;
    };
    let text: &'a str = &first.source.text;
    let name = harmless(&first.source.name);
    let (line, column) = position(first, first.span.start);
    if concealed || lines.iter().any(|line| is_hidden(text.get(line.clone()).unwrap_or_default())) {
        return group.element(Origin::path(name).line(line).char_column(column));
    }
    let shown_between = |from: usize, to: usize| visible(text.get(from..to).unwrap_or_default());
    let annotations = labels.iter().zip(&lines).map(|(label, line)| {
        let from = label.span.start.clamp(line.start, line.end);
        let to = label.span.end.clamp(from, line.end);
        let shown_from = shown_between(start, from).len();
        let shown_to = shown_from + shown_between(from, to).len();
        let annotation: Annotation<'a> = kind.span(shown_from..shown_to);
        kind = AnnotationKind::Context;
        if label.text.is_empty() { annotation } else { annotation.label(&label.text) }
    });
    let annotations: Vec<_> = annotations.collect();
    let snippet = Snippet::source(shown_between(start, end)).path(name).line_start(first.source.line(start));
    group.element(snippet.annotations(annotations))
}

/// The line that the label starts on, without its end.
fn line_of(label: &Label) -> Range<usize> {
    let text = &label.source.text;
    let at = label.span.start.min(text.len());
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = at + after.find('\n').unwrap_or(after.len());
    start..end
}

/// Whether a line is named but not shown.
fn is_hidden(line: &str) -> bool {
    line.len() > LINE_BYTES_MAX || holds_secret(line)
}

/// Whether the line gives a value to something named like a secret; a reference such as `{ file = "…" }` is none.
fn holds_secret(line: &str) -> bool {
    line.match_indices('=').any(|(at, _)| {
        let (key, value) = line.split_at_checked(at).unwrap_or((line, ""));
        let key = key.trim_end_matches([' ', '\t', '"', '\'']).to_ascii_lowercase();
        let is_reference = value.trim_start_matches(['=', ' ', '\t']).starts_with('{');
        !is_reference && ["secret", "token", "password"].iter().any(|word| key.ends_with(word))
    })
}

/// The text with every harmful letter replaced by a mark of one column; the ends of lines stay. Whole lines between
/// those that are pointed at give way to a mark if they are not to be shown.
fn visible(text: &str) -> String {
    let replaced = |letter| is_harmful(letter) && !matches!(letter, '\n' | '\r' | '\t');
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.ends_with('\n') && is_hidden(line) {
            out.push_str("…\n");
        } else {
            out.extend(line.chars().map(|letter| if replaced(letter) { '\u{fffd}' } else { letter }));
        }
    }
    out
}
