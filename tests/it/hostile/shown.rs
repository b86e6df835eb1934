//! What people are shown of hostile bytes: nothing in it may harm a terminal, and little input gives little output.

use evictd::diagnostic::{Findings, Style, render, to_json};
use evictd::model::is_harmful;

/// Bytes that the findings of one file may take: 200 of them, each with a few lines of a thousand bytes.
const SHOWN_BYTES_MAX: usize = 2 << 20;

/// No letter that could harm a terminal; the ends of lines are ours.
pub fn is_harmless(what: &str, text: &str) {
    let harmful = text.chars().find(|letter| is_harmful(*letter) && *letter != '\n');
    assert!(harmful.is_none(), "{what} shows {harmful:?}: {text}");
}

/// Findings about so many files: both forms are harmless and bounded.
pub fn are_harmless(findings: &Findings, files: usize) {
    let text = render(findings, Style::Plain, 100);
    // Tabs and returns of the user's own line are shown as they stand: they cannot leave it.
    is_harmless("a finding", &text.replace(['\t', '\r'], " "));
    let json = to_json(findings).to_string();
    let bytes_max = files * SHOWN_BYTES_MAX;
    assert!(text.len() <= bytes_max && json.len() <= bytes_max, "{} and {} bytes", text.len(), json.len());
}
