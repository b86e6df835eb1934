//! What a document reports, and that hostile text harms no reader.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::diagnostic::{Style, render};

fn read(text: &str) -> (Findings, bool) {
    let source = Source::new("a.toml", text);
    let mut findings = Findings::default();
    let is_read = Document::read(&source, &mut findings).is_some();
    (findings, is_read)
}

fn shown(text: &str) -> String {
    render(&read(text).0, Style::Plain, 100)
}

/// The codes of the findings with the text each points at, and whether the document can be judged.
fn check(text: &str, wanted: &[(&str, &str)], is_read: bool) {
    let (findings, got) = read(text);
    let faults = findings.sorted();
    let found: Vec<_> =
        faults.iter().map(|fault| (fault.code.word(), text.get(fault.labels[0].span.clone()).unwrap())).collect();
    assert_eq!(found, wanted, "{text}");
    assert_eq!(got, is_read, "{text}");
}

/// Runs a reader on the file's own table, and finishes it.
fn with_root(text: &str, reader: impl FnOnce(&mut Table<'_>, &mut Findings)) -> String {
    let source = Source::new("a.toml", text);
    let mut findings = Findings::default();
    let document = Document::read(&source, &mut findings).unwrap();
    let mut root = document.root();
    reader(&mut root, &mut findings);
    root.finish(&mut findings);
    render(&findings, Style::Plain, 100)
}

#[test]
fn every_conflict_is_reported_and_the_file_still_judged() {
    check("a = 1\na = 2\nb = 1\nb = 2\n", &[("duplicate-key", "a"), ("duplicate-key", "b")], true);
    check(
        "[t]\na = 1\n[t]\na = 2\n[t]\n",
        &[("duplicate-key", "t"), ("duplicate-key", "a"), ("duplicate-key", "t")],
        true,
    );
    check("[a.b]\nc = 1\n[a]\nb.d = 2\n", &[("duplicate-key", "b")], true);
    check("a = [1]\n[[a]]\n", &[("duplicate-key", "a")], true);
    check("a = 1\n[a.b]\nc = 1\n", &[("duplicate-key", "a")], true);
    check("a = { b = 1, b = 2 }\n", &[("duplicate-key", "b")], true);
    check("[[r]]\nid = 1\n[[r]]\nid = 2\n", &[], true);
}

#[test]
fn conflict_shows_both_places() {
    insta::assert_snapshot!(shown("a.x = 1\nb.x = 2\na.x = 3\n[[r]]\nid = 1\n[[r]]\nid = 2\nid = 3\n[b]\n"), @r"
    error[duplicate-key]: `x` is defined twice
     --> a.toml:3:3
      |
    1 | a.x = 1
      |   - defined here first
    2 | b.x = 2
    3 | a.x = 3
      |   ^

    error[duplicate-key]: `id` is defined twice
     --> a.toml:8:1
      |
    7 | id = 2
      | -- defined here first
    8 | id = 3
      | ^^

    error[duplicate-key]: `b` is defined twice
     --> a.toml:9:2
      |
    2 | b.x = 2
      | - defined here first
    ...
    9 | [b]
      |  ^
    ");
}

#[test]
fn of_broken_syntax_only_the_first_is_reported() {
    check("a = \nb = \nc = 1\nc = 2\n", &[("syntax", "")], false);
    check("c = 1\nc = 2\na = \n", &[("duplicate-key", "c"), ("syntax", "")], false);
    check("a = { b = 1\n[c]\nd = 1\n", &[("toml-1-1", "{")], false);
    check("a = \"\\q\"\nb = 07\n", &[("syntax", "")], false);
    check("é = 1\n", &[("syntax", "é")], false);
    check("a = 1 # \u{1}\n", &[("syntax", "")], false);
    insta::assert_snapshot!(shown("[rule\nid = 1\n"), @r"
    error[syntax]: unclosed table, expected `]`
     --> a.toml:1:6
      |
    1 | [rule
      |      ^
    ");
}

#[test]
fn what_only_toml_1_1_allows_is_refused() {
    check("a = {\n b = 1 }\n", &[("toml-1-1", "{")], true);
    check("a = {\n b = 1,\n }\n", &[("toml-1-1", "{")], true);
    check("a = { b = 1, }\n", &[("toml-1-1", ",")], true);
    check("a = { b = { c = 1 , } }\n", &[("toml-1-1", ",")], true);
    check("a = \"\\e \\\\e \\x41\"\n", &[("toml-1-1", "\\e"), ("toml-1-1", "\\x")], true);
    check("\"\\x41\" = 1\n", &[("toml-1-1", "\\x")], true);
    check("a = \"\"\"\n\\e\"\"\"\n", &[("toml-1-1", "\\e")], true);
    for time in ["07:32", "2027-01-31T07:32Z", "2027-01-31 07:32", "2027-01-31T07:32+01:00"] {
        check(&format!("a = {time}\n"), &[("toml-1-1", time)], true);
    }
    check("a = { b = [\n1,\n] }\nc = '\\e'\nd = 07:32:00\ne = 2027-01-31T07:32:00+01:00\nf = [\n1,\n]\n", &[], true);
    insta::assert_snapshot!(shown("a = {\n  b = 1,\n}\nc = \"\\e\"\n"), @r#"
    error[toml-1-1]: an inline table over several lines is not allowed in TOML 1.0
     --> a.toml:1:5
      |
    1 | a = {
      |     ^
      |
      = help: close it on its line, or write it as a table with a header of its own

    error[toml-1-1]: this escape is not allowed in TOML 1.0
     --> a.toml:4:6
      |
    4 | c = "\e"
      |      ^^
      |
      = help: write `\u001b`
    "#);
}

#[test]
fn tables_apart_from_their_entry_are_refused() {
    check("[[rule]]\n[rule.when]\n[[rule.case]]\n[rule.case.given]\n[[rule.case]]\n[[rule]]\n[rule.when]\n", &[], true);
    check("[[rule]]\n[list.a]\n[rule.when]\n", &[("misplaced-table", "rule.when")], true);
    check("[[rule]]\n[[exception]]\n[[rule.case]]\n", &[("misplaced-table", "rule.case")], true);
    check("[[r]]\n[[r.case]]\n[r.when]\n[r.case.given]\n", &[("misplaced-table", "r.case.given")], true);
    insta::assert_snapshot!(shown("[[rule]]\nid = 1\n[[exception]]\n[rule.when]\n"), @r"
    error[misplaced-table]: table `rule.when` stands apart from the `[[rule]]` it belongs to
     --> a.toml:4:2
      |
    1 | [[rule]]
      |   ---- it belongs to this one
    ...
    4 | [rule.when]
      |  ^^^^^^^^^
      |
      = help: put it directly under that header, before any other
    ");
}

#[test]
fn nesting_is_bounded() {
    for text in [
        format!("a = {}1{}", "[".repeat(33), "]".repeat(33)),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("{} = 1", vec!["a"; 33].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
    ] {
        let (findings, is_read) = read(&text);
        assert!(!is_read && findings.errors() == 1);
        assert!(findings.sorted()[0].message.contains("32 levels"));
    }
    let keys = vec!["a"; 32].join(".");
    // Braces and dots together: 3 keys and the brace before the next at each level.
    let both = |levels: usize| format!("{}x = 1{}", "a.b.c = { ".repeat(levels), "}".repeat(levels));
    check(&both(23), &[], true);
    let (findings, is_read) = read(&both(24));
    assert!(!is_read && findings.sorted()[0].message.contains("96 levels"));
    let deepest = format!("{keys} = {}1{}", "[".repeat(32), "]".repeat(32));
    check(&deepest, &[], true);
}

#[test]
fn entries_come_in_file_order() {
    let source = Source::new("a.toml", "z = 1\n[m]\n[b.y]\n[[a]]\n[[a]]\n[b.x]\nq.w = 1\n");
    let document = Document::read(&source, &mut Findings::default()).unwrap();
    let keys: Vec<_> = document.root().entries().iter().map(Item::key).collect();
    assert_eq!(keys, ["z", "m", "b", "a"]);
}

#[test]
fn missing_and_unknown_keys_are_reported_at_their_places() {
    let text = "schemma = 1\n[account]\nmoed = \"off\"\nzzz = 1\n";
    let shown = with_root(text, |root, findings| {
        root.required("schema", findings);
        let mut account = root.required("account", findings).unwrap().table(findings).unwrap();
        account.required("scope", findings);
        account.optional("mode");
        account.finish(findings);
    });
    insta::assert_snapshot!(shown, @r#"
    error[missing-key]: `schema` is missing
     --> a.toml:1:1
      |
    1 | schemma = 1
      | ^
      |
      = help: add `schema = …` here, or as a table of that name

    error[unknown-key]: `schemma` is not known here
     --> a.toml:1:1
      |
    1 | schemma = 1
      | ^^^^^^^
      |
      = help: did you mean `schema`?

    error[missing-key]: `scope` is missing
     --> a.toml:2:1
      |
    2 | [account]
      | ^^^^^^^^^
      |
      = help: add `scope = …` here, or as a table of that name

    error[unknown-key]: `moed` is not known here
     --> a.toml:3:1
      |
    3 | moed = "off"
      | ^^^^
      |
      = help: did you mean `mode`?

    error[unknown-key]: `zzz` is not known here
     --> a.toml:4:1
      |
    4 | zzz = 1
      | ^^^
      |
      = help: known here: `scope`, `mode`
    "#);
}

/// Reads the value of `a` as one kind, which must fail.
fn refused(value: &str, reads: impl FnOnce(Item<'_>, &mut Findings) -> bool) -> String {
    let shown = with_root(&format!("a = {value}\n"), |root, findings| {
        let item = root.required("a", findings).unwrap();
        assert!(!reads(item, findings));
    });
    shown
        .lines()
        .filter(|line| line.starts_with("error") || line.contains('^') || line.contains("help"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn values_of_another_kind_are_reported() {
    insta::assert_snapshot!(refused("1", |item, findings| item.text(findings).is_some()), @r"
    error[wrong-kind]: `a` must be a text, not a whole number
      |     ^
    ");
    insta::assert_snapshot!(refused("\"x\"", |item, findings| item.table(findings).is_some()), @r"
    error[wrong-kind]: `a` must be a table, not a text
      |     ^^^
    ");
    insta::assert_snapshot!(refused("[1, \"x\"]", |item, findings| item.texts(findings).unwrap().len() > 1), @r"
    error[wrong-kind]: each of `a` must be a text, not a whole number
      |      ^
    ");
    insta::assert_snapshot!(refused("[1]", |item, findings| !item.tables(findings).unwrap().is_empty()), @r"
    error[wrong-kind]: each of `a` must be a table, not a whole number
      |      ^
    ");
    insta::assert_snapshot!(refused("1.5", |item, findings| item.integer(findings).is_some()), @r"
    error[wrong-kind]: `a` must be a whole number, not a number with a fraction
      |     ^^^
    ");
    insta::assert_snapshot!(refused("99999999999999999999", |item, findings| item.integer(findings).is_some()), @r"
    error[out-of-range]: `a` is too large a number
      |     ^^^^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(refused("7", |item, findings| item.integer_in(1..=6, findings).is_some()), @r"
    error[out-of-range]: `a` must lie between 1 and 6
      |     ^
    ");
    let is_word =
        |item: Item<'_>, findings: &mut Findings| item.word(&["report", "enforce"], |_| None::<()>, findings).is_some();
    insta::assert_snapshot!(refused("\"enfroce\"", is_word), @r"
    error[unknown-value]: `a` cannot be `enfroce`
      |     ^^^^^^^^^
      = help: did you mean `enforce`?
    ");
}

#[test]
fn quantities_without_their_units_are_reported() {
    insta::assert_snapshot!(refused("10", |item, findings| item.duration(findings).is_some()), @r#"
    error[bad-duration]: `a` needs a unit
      |     ^^
      = help: write whole numbers with units, as in `"90s"`, `"10m"`, `"1h30m"`, `"2d"`, `"1w"`
    "#);
    insta::assert_snapshot!(refused("\"10 min\"", |item, findings| item.duration(findings).is_some()), @r#"
    error[bad-duration]: `10 min` is not a length of time
      |     ^^^^^^^^
      = help: write whole numbers with units, as in `"90s"`, `"10m"`, `"1h30m"`, `"2d"`, `"1w"`
    "#);
    insta::assert_snapshot!(refused("true", |item, findings| item.duration(findings).is_some()), @r"
    error[wrong-kind]: `a` must be a length of time in quotes, not true or false
      |     ^^^^
    ");
    insta::assert_snapshot!(refused("5", |item, findings| item.percentage(findings).is_some()), @r#"
    error[bad-percentage]: `a` needs a percent sign
      |     ^
      = help: write a whole number and a percent sign, as in `"5%"`
    "#);
    insta::assert_snapshot!(refused("\"101%\"", |item, findings| item.percentage(findings).is_some()), @r#"
    error[bad-percentage]: `101%` is not a share from 0% to 100%
      |     ^^^^^^
      = help: write a whole number and a percent sign, as in `"5%"`
    "#);
    insta::assert_snapshot!(refused("\"2027-01-31\"", |item, findings| item.day(findings).is_some()), @r"
    error[bad-date]: `a` must be a day
      |     ^^^^^^^^^^^^
      = help: write a day without quotes, as in `2027-01-31`
    ");
    insta::assert_snapshot!(refused("2027-01-31T10:00:00", |item, findings| item.instant(findings).is_some()), @r"
    error[bad-date]: `a` must be an instant
      |     ^^^^^^^^^^^^^^^^^^^
      = help: write an instant with its offset and without quotes, as in `2027-01-31T12:00:00Z`
    ");
    let hour = SignedDuration::from_hours(1);
    insta::assert_snapshot!(refused("\"2h\"", |item, findings| item.duration_in(SignedDuration::ZERO..=hour, findings).is_some()), @r"
    error[out-of-range]: `a` must lie between 0s and 1h
      |     ^^^^
    ");
}

#[test]
fn values_of_the_right_kind_are_read() {
    let text = "a = \"x\"\nb = 0x1F\nc = \"1h30m\"\nd = \"5%\"\ne = 2027-01-31\nf = 2027-01-31 12:00:00+01:00\ng = [{ h = true }]\n";
    let findings = &mut Findings::default();
    let source = Source::new("a.toml", text);
    let document = Document::read(&source, findings).unwrap();
    let mut root = document.root();
    let mut ask = |key| root.optional(key).unwrap();
    assert_eq!(ask("a").text(findings), Some("x"));
    assert_eq!(ask("b").integer_in(0..=31, findings), Some(31));
    assert_eq!(ask("c").duration(findings).map(|length| length.as_secs()), Some(5_400));
    assert_eq!(ask("d").percentage(findings), Some(5));
    assert_eq!(ask("e").day(findings), Some(jiff::civil::date(2027, 1, 31)));
    assert_eq!(ask("f").instant(findings).map(|at| at.to_string()), Some("2027-01-31T11:00:00Z".to_owned()));
    let mut tables = ask("g").tables(findings).unwrap();
    assert_eq!(tables[0].optional("h").unwrap().boolean(findings), Some(true));
    assert_eq!(findings.errors(), 0);
}

#[test]
fn misspelt_words_find_what_was_meant() {
    let facts = ["session.age", "session.idle", "user.email", "user.email-domain", "is", "in"];
    for (word, meant) in [
        ("sesion.age", Some("session.age")),
        ("user.e-mail", Some("user.email")),
        ("user.email_domain", Some("user.email-domain")),
        ("IS", None),
        ("xyz", None),
        ("", None),
    ] {
        assert_eq!(nearest(word, facts), meant, "{word}");
    }
    assert_eq!(nearest(&"a".repeat(1_000_000), facts), None);
}

/// Lines that conflict with one another in every order.
const LINES: &[&str] = &[
    "a = 1",
    "a.b = 1",
    "a.b.c = 2",
    "a = { b = 1 }",
    "a = [{ b = 1 }]",
    "[a]",
    "[a.b]",
    "[[a]]",
    "[[a.b]]",
    "[a.b.c]",
    "b = 1",
    "[b]",
    "[[b]]",
    "[b.a]",
    "a = {",
    "}",
    "[",
    "\"",
    "a = {\nb = 1,}",
    "'''",
    "x = [{ a.b = 1, a = 2 },",
];

proptest! {
    #[test]
    fn no_text_harms_the_reader(lines in prop::collection::vec(prop::sample::select(LINES), 0..12), noise in ".{0,20}") {
        for text in [lines.join("\n"), format!("{}\n{noise}", lines.join("\n"))] {
            let (findings, is_read) = read(&text);
            prop_assert!(is_read || findings.has_errors());
            // What the parser objects to, we object to.
            prop_assert!(findings.has_errors() || DeTable::parse(&text).is_ok());
            prop_assert!(!findings.has_errors() || !render(&findings, Style::Plain, 80).is_empty());
        }
    }
}
