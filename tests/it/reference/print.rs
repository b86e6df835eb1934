//! Laws as policy files: TOML 1.0, every string escaped, nested tables inline on one line.

use std::fmt::Write as _;

use evictd::model::{Action, Mode, Severity};
use jiff::Timestamp;

use super::law::{Exception, Item, Law, Line, Node, Piece, Rule, Table, Value};
use super::world::{DAY, SECOND};

impl Law {
    pub fn to_toml(&self) -> String {
        let mut text = "schema = 1\n".to_owned();
        for rule in &self.rules {
            text += &of_rule(rule);
        }
        for exception in &self.exceptions {
            text += &of_exception(exception);
        }
        for list in &self.lists {
            let entries: Vec<String> = list.entries.iter().map(|entry| quoted(entry)).collect();
            write!(text, "\n[list.{}]\ntype = \"text\"\nentries = [{}]\n", list.name, entries.join(", ")).unwrap();
        }
        for list in &self.networks {
            let entries: Vec<String> = list.entries.iter().map(|entry| quoted(entry)).collect();
            let (name, kind, entries) = (list.name, quoted(list.kind), entries.join(", "));
            write!(text, "\n[list.{name}]\ntype = {kind}\nentries = [{entries}]\n").unwrap();
            if let Some(class) = list.class {
                writeln!(text, "class = {}", quoted(class)).unwrap();
            }
        }
        text
    }
}

fn of_rule(rule: &Rule) -> String {
    let action = quoted(Action::word(rule.action));
    let mut text = format!("\n[[rule]]\nid = {}\ntitle = \"Rule {}\"\naction = {action}\n", quoted(&rule.id), rule.id);
    if let Some(severity) = rule.severity {
        writeln!(text, "severity = {}", quoted(Severity::word(severity))).unwrap();
    }
    if let Some(mode) = rule.mode {
        writeln!(text, "mode = {}", quoted(Mode::word(mode))).unwrap();
    }
    text += "[rule.when]\n";
    for entry in entries(&rule.when) {
        writeln!(text, "{entry}").unwrap();
    }
    text
}

fn of_exception(exception: &Exception) -> String {
    let rules: Vec<String> = exception.rules.iter().map(|rule| quoted(rule)).collect();
    let mut text = format!("\n[[exception]]\nid = {}\nrules = [{}]\n", quoted(&exception.id), rules.join(", "));
    for entry in entries(&exception.when) {
        writeln!(text, "when.{entry}").unwrap();
    }
    let midnight = Timestamp::from_millisecond(exception.last_day * DAY).unwrap().to_string();
    let (day, _) = midnight.split_once('T').unwrap();
    text + &format!("owner = \"qa@example.com\"\nreason = \"a test\"\nexpires = {day}\n")
}

/// The entries of a table, `key = value` each.
fn entries(table: &Table) -> Vec<String> {
    let inline = |table: &Table| format!("{{ {} }}", entries(table).join(", "));
    let array = |tables: &[Table]| tables.iter().map(inline).collect::<Vec<_>>().join(", ");
    let entry = |node: &Node| match node {
        Node::Line(Line { fact, operator, value }) => format!("{fact}.{operator} = {}", of_value(value)),
        Node::All(tables) => format!("all = [{}]", array(tables)),
        Node::Any(tables) => format!("any = [{}]", array(tables)),
        Node::Not(table) => format!("not = {}", inline(table)),
    };
    table.iter().map(entry).collect()
}

fn of_value(value: &Value) -> String {
    match value {
        Value::Length(ms) => quoted(&length(ms / SECOND)),
        Value::Number(number) => number.to_string(),
        Value::Truth(truth) => truth.to_string(),
        Value::Text(text) => quoted(text),
        Value::Texts(items) => format!("[{}]", items.iter().map(of_item).collect::<Vec<_>>().join(", ")),
        Value::Pattern(pattern) => {
            let alternatives: Vec<String> = pattern.iter().map(|one| one.iter().map(of_piece).collect()).collect();
            quoted(&alternatives.join("|"))
        }
    }
}

fn of_item(item: &Item) -> String {
    match item {
        Item::Text(text) if text.starts_with('@') => quoted(&format!("@{text}")),
        Item::Text(text) => quoted(text),
        Item::Number(number) => number.to_string(),
        Item::List(name) => quoted(&format!("@{name}")),
    }
}

fn of_piece(piece: &Piece) -> String {
    match piece {
        Piece::Literal(text) => text.replace('.', "\\."),
        Piece::Anything => ".*".into(),
        Piece::Letters => "[a-z]+".into(),
    }
}

/// In the largest units that fit, as a person would write it.
fn length(seconds: i64) -> String {
    let units = [(3_600, 'h'), (60, 'm'), (1, 's')];
    let mut rest = seconds;
    let mut text = String::new();
    for (unit, letter) in units {
        if rest >= unit {
            write!(text, "{}{letter}", rest / unit).unwrap();
            rest %= unit;
        }
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
