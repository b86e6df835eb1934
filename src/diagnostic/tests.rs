//! What findings look like, and that no file can make them harmful or huge.

use std::collections::BTreeSet;

use super::*;

fn shown(findings: &Findings) -> String {
    render(findings, Style::Plain, 100)
}

fn one(diagnostic: Diagnostic) -> Findings {
    let mut findings = Findings::default();
    findings.push(diagnostic);
    findings
}

#[test]
fn codes_are_unique_words_and_explain_themselves() {
    let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(
            code.word().chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        );
        assert!(code.explanation().ends_with('.'), "{}", code.word());
        assert_eq!(Code::from_word(code.word()), Some(*code));
    }
}

#[test]
fn finding_shows_its_line_carets_and_advice() {
    let source = Source::new("policies/age.toml", "schema = 1\n\n[[rule]]\nid = \"a\"\n# …\nid = \"b\"\n");
    let findings = one(Diagnostic::new(Code::DuplicateKey, "`id` is defined twice")
        .at(&source, 36..38, "again here")
        .at(&source, 21..23, "first here")
        .help("remove one"));
    insta::assert_snapshot!(shown(&findings), @r#"
    error[duplicate-key]: `id` is defined twice
     --> policies/age.toml:6:1
      |
    4 | id = "a"
      | -- first here
    5 | # …
    6 | id = "b"
      | ^^ again here
      |
      = help: remove one
    "#);
}

#[test]
fn places_in_two_files_are_both_shown() {
    let one_file = Source::new("a.toml", "id = \"x\"\n");
    let other_file = Source::new("b.toml", "\nid = \"x\"");
    let findings = one(Diagnostic::new(Code::DuplicateId, "two rules have the id `x`").at(&other_file, 6..9, "").at(
        &one_file,
        5..8,
        "the other one",
    ));
    insta::assert_snapshot!(shown(&findings), @r#"
    error[duplicate-id]: two rules have the id `x`
     --> b.toml:2:6
      |
    2 | id = "x"
      |      ^^^
      |
     ::: a.toml:1:6
      |
    1 | id = "x"
      |      --- the other one
    "#);
}

#[test]
fn every_byte_has_its_line() {
    let source = Source::new("a.toml", "é\n\nb");
    let lines: Vec<usize> = (0..=source.text.len() + 1).map(|byte| source.line(byte)).collect();
    assert_eq!(lines, [1, 1, 1, 2, 3, 3, 3]);
    let starts: Vec<usize> = (0..=5).map(|line| source.line_start(line)).collect();
    assert_eq!(starts, [0, 0, 3, 4, 5, 5]);
}

#[test]
fn there_is_room_for_as_many_findings_as_are_kept() {
    let source = Source::new("a.toml", "a = 1\n");
    let mut findings = Findings::default();
    for _ in 0..FINDINGS_PER_FILE_MAX {
        assert!(findings.has_room_for(&source));
        findings.push(Diagnostic::new(Code::Syntax, "something is missing").at(&source, 0..1, ""));
    }
    assert!(!findings.has_room_for(&source) && findings.has_room_for(&Source::new("b.toml", "")));
}

#[test]
fn places_at_the_very_end_or_nowhere_are_shown() {
    let empty = Source::new("empty.toml", "");
    let ended = Source::new("ended.toml", "a = 1\n");
    let mut findings = one(Diagnostic::new(Code::MissingKey, "`schema` is missing").at(&empty, 0..0, ""));
    findings.push(Diagnostic::new(Code::Syntax, "something is missing").at(&ended, 6..6, ""));
    findings.push(Diagnostic::new(Code::Syntax, "beyond the end").at(&ended, 60..90, ""));
    findings.push(Diagnostic::new(Code::NoAccount, "no place at all"));
    insta::assert_snapshot!(shown(&findings), @r"
    error[no-account]: no place at all

    error[missing-key]: `schema` is missing
     --> empty.toml:1:1
      |
    1 |
      | ^

    error[syntax]: something is missing
     --> ended.toml:2:1
      |
    2 |
      | ^

    error[syntax]: beyond the end
     --> ended.toml:2:1
      |
    2 |
      | ^
    ");
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{7}\r\u{e0041}";
    let source = Source::new(format!("{evil}.toml"), format!("a = \"{evil}\"\nb = 2\r\n"));
    let findings = one(Diagnostic::new(Code::UnknownKey, format!("this {} is bad", quoted(evil)))
        .at(&source, 5..7, evil)
        .help(format!("raw {evil}")));
    let text = shown(&findings);
    assert!(text.chars().all(|letter| letter == '\n' || !is_harmful(letter)), "{text:?}");
    assert!(text.contains("`\\u{1b}[2J"), "{text}");
}

#[test]
fn long_lines_are_named_but_not_shown() {
    let source = Source::new("long.toml", format!("\na = [{}]", "1,".repeat(1_000_000)));
    let findings = one(Diagnostic::new(Code::WrongKind, "no").at(&source, 1_500_000..1_500_001, ""));
    insta::assert_snapshot!(shown(&findings), @r"
    error[wrong-kind]: no
    --> long.toml:2:1500000
    ");
}

#[test]
fn lines_with_secrets_are_named_but_not_shown() {
    for line in ["auth.token = \"hunter2", "a = { id = \"x\", \"secret\" = \"hunter2\" }", "api_token='hunter2'"] {
        let source = Source::new("secret.toml", line);
        let text = shown(&one(Diagnostic::new(Code::Syntax, "no").at(&source, 0..1, "")));
        assert!(text.contains("secret.toml:1:1") && !text.contains("hunter2"), "{text}");
    }
    let source = Source::new("plain.toml", "title = \"stolen token\"\nauth.token = { file = \"x\" }");
    let text = shown(&one(Diagnostic::new(Code::Syntax, "no").at(&source, 0..1, "").at(&source, 30..31, "")));
    assert!(text.contains("stolen") && text.contains("file = "), "{text}");
    let text = shown(&one(Diagnostic::new(Code::Syntax, "no").at(&source, 0..1, "").conceal()));
    assert!(!text.contains("stolen"), "{text}");
    let source = Source::new("between.toml", "a = 1\ntoken = \"hunter2\"\na = 2");
    let text = shown(&one(Diagnostic::new(Code::Syntax, "no").at(&source, 24..25, "here").at(&source, 0..1, "first")));
    assert!(text.contains("a = 2") && !text.contains("hunter2"), "{text}");
    let source = Source::new("plain.toml", "title = \"stolen token\"");
    let text = shown(&one(Diagnostic::new(Code::Syntax, "no").at(&source, 0..1, "").conceal()));
    assert!(!text.contains("stolen"), "{text}");
}

#[test]
fn spans_over_many_lines_show_their_first_line() {
    let source = Source::new("many.toml", format!("a = [\n{}]", "1,\n".repeat(100_000)));
    insta::assert_snapshot!(shown(&one(Diagnostic::new(Code::WrongKind, "no").at(&source, 4..300_000, "all of it"))), @r"
    error[wrong-kind]: no
     --> many.toml:1:5
      |
    1 | a = [
      |     ^ all of it
    ");
}

#[test]
fn many_findings_are_counted_and_cut() {
    let source = Source::new("many.toml", "a = 1\n".repeat(10_000));
    let mut findings = Findings::default();
    for line in (0..10_000).rev() {
        findings.push(Diagnostic::new(Code::UnknownKey, "no").at(&source, line * 6..line * 6 + 1, ""));
    }
    findings.push(Diagnostic::new(Code::NoCase, "a warning elsewhere"));
    let text = shown(&findings);
    assert!(text.ends_with("\n\n9800 more findings in many.toml\n"));
    assert_eq!(text.matches("error[unknown-key]").count(), FINDINGS_PER_FILE_MAX);
    assert_eq!((findings.errors(), findings.warnings()), (10_000, 1));
}

#[test]
fn json_gives_places_as_lines_and_columns() {
    let source = Source::new("ü.toml", "ü = 1\nö = [\n1]\n");
    let mut findings = one(Diagnostic::new(Code::WrongKind, "no").at(&source, 12..16, "").help("do"));
    findings.push(Diagnostic::new(Code::NoCase, "nowhere"));
    assert_eq!(
        to_json(&findings),
        serde_json::json!({"schema": 1, "errors": 1, "warnings": 1, "left_out": 0, "findings": [
            {"code": "no-case", "severity": "warning", "message": "nowhere", "help": null,
             "file": null, "line": null, "column": null, "end_line": null, "end_column": null},
            {"code": "wrong-kind", "severity": "error", "message": "no", "help": "do",
             "file": "ü.toml", "line": 2, "column": 5, "end_line": 3, "end_column": 3},
        ]})
    );
}

#[test]
fn findings_come_by_file_and_place() {
    let (a, b) = (Source::new("a", "xxxx"), Source::new("b", "xxxx"));
    let mut findings = Findings::default();
    for (source, at) in [(&b, 1), (&a, 2), (&b, 0), (&a, 1)] {
        findings.push(Diagnostic::new(Code::Syntax, format!("{}{at}", source.name)).at(source, at..at + 1, ""));
    }
    let order: Vec<_> = findings.sorted().iter().map(|finding| finding.message.clone()).collect();
    assert_eq!(order, ["a1", "a2", "b0", "b1"]);
}
