//! The report as a page for a terminal: what goes first, then what is held, what cannot be told, and the rules.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Report, UndecidedRow, WithheldRow};
use crate::model::{Mode, UserId};

/// Rows of one rule and belt that the page shows; JSON has them all.
const WITHHELD_ROWS_MAX: usize = 12;

/// What the page is shown on.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns.
    pub width: u16,
    /// Whether it may use colour.
    pub colour: bool,
}

/// The page.
pub fn to_text(report: &Report, look: Look) -> String {
    let mut page = head(report, look);
    for warning in &report.warnings {
        page += &format!("{} {warning}\n", painted("warning:", AnsiColor::Yellow, look));
    }
    page += &revoked(report, look);
    page += &withheld(report, look);
    page += &undecided(report, look);
    page += &rules(report, look);
    page
}

fn head(report: &Report, look: Look) -> String {
    let people: usize = report.people_seen.iter().map(|(_, count)| count).sum();
    let strata: Vec<String> =
        report.people_seen.iter().map(|(stratum, count)| format!("{count} {}", stratum.word())).collect();
    let seen = if report.complete {
        format!("{} of {} ({})", sessions(report.sessions_seen), counted(people, "person", "people"), strata.join(", "))
    } else {
        format!("{} seen, the listing is partial", sessions(report.sessions_seen))
    };
    format!(
        "{}  account {}, mode {}, {seen}\n{}\n",
        bold("evictd", look),
        report.account,
        report.mode.word(),
        dim(&format!("cycle {} at {} (Zendesk's clock)", report.cycle, report.now), look),
    )
}

fn revoked(report: &Report, look: Look) -> String {
    let acted = report.revoke.iter().any(|row| row.outcome.is_some());
    let title = if acted { "REVOKED" } else { "WOULD BE REVOKED" };
    let summary = summary(report.revoke.iter().map(|row| row.user));
    let mut table = table(look);
    let mut header = vec!["SEVERITY", "RULE", "PERSON", "SESSION", "WHY", "MODE"];
    if acted {
        header.push("OUTCOME");
    }
    table.set_header(header);
    for row in &report.revoke {
        let rules: Vec<&str> = row.rules.iter().map(crate::model::RuleId::as_str).collect();
        let mut cells = vec![
            row.severity.word().to_owned(),
            rules.join(", "),
            row.person.to_string(),
            row.session.to_string(),
            row.reasons.join("; "),
            row.mode.word().to_owned(),
        ];
        if acted {
            cells.push(match (row.outcome, row.grade) {
                (Some(outcome), Some(grade)) => format!("{}, {}", outcome.word(), grade.word()),
                (Some(outcome), None) => outcome.word().to_owned(),
                (None, _) => "report only".to_owned(),
            });
        }
        table.add_row(cells);
    }
    let reported = report.revoke.len() - report.enforcing();
    let note =
        if reported > 0 && !acted { format!(", of these {reported} by rules that only report") } else { String::new() };
    section(title, AnsiColor::Red, &format!("{summary}{note}"), &table, report.revoke.is_empty(), look)
}

fn withheld(report: &Report, look: Look) -> String {
    let summary = summary(report.withheld.iter().map(|row| row.user));
    let mut rows: Vec<&WithheldRow> = report.withheld.iter().collect();
    rows.sort_by(|left, right| (&left.belt, &left.rule).cmp(&(&right.belt, &right.rule)));
    let mut table = table(look);
    table.set_header(["BELT", "RULE", "PERSON", "SESSION", "WHY"]);
    for group in rows.chunk_by(|left, right| left.belt == right.belt && left.rule == right.rule) {
        for row in group.iter().take(WITHHELD_ROWS_MAX) {
            table.add_row([
                belt_of(row),
                row.rule.to_string(),
                row.person.to_string(),
                row.session.to_string(),
                row.reasons.join("; "),
            ]);
        }
        if let Some(more) = group.len().checked_sub(WITHHELD_ROWS_MAX).filter(|more| *more > 0) {
            table.add_row([String::new(), String::new(), format!("… and {more} more")]);
        }
    }
    section("WITHHELD", AnsiColor::Yellow, &summary, &table, report.withheld.is_empty(), look)
}

fn belt_of(row: &WithheldRow) -> String {
    match (row.count, row.limit) {
        (Some(count), Some(limit)) => format!("{} ({count} > {limit})", row.belt),
        _ => row.belt.clone(),
    }
}

fn undecided(report: &Report, look: Look) -> String {
    let mut table = table(look);
    table.set_header(["RULE", "CAUSE", "SESSIONS", "PEOPLE", "FOR INSTANCE"]);
    for UndecidedRow { rule, cause, sessions, people, examples } in &report.undecided {
        let examples: Vec<String> = examples.iter().take(3).map(ToString::to_string).collect();
        table.add_row([
            rule.to_string(),
            format!("{}: {}", cause.word(), cause.text()),
            sessions.to_string(),
            people.to_string(),
            examples.join(" "),
        ]);
    }
    align_right(&mut table, &[2, 3]);
    let summary = counted(report.undecided.len(), "cause", "causes");
    section("UNDECIDED", AnsiColor::Cyan, &summary, &table, report.undecided.is_empty(), look)
}

fn rules(report: &Report, look: Look) -> String {
    let mut table = table(look);
    table.set_header(["RULE", "MODE", "SEVERITY", "FIRES", "SPARED", "CLEAR", "WITHHELD", "UNDECIDED"]);
    for row in &report.rules {
        if row.mode == Mode::Off {
            table.add_row([row.rule.as_str(), "off"]);
            continue;
        }
        let spared = match row.spared_by_unknown {
            0 => row.spared.to_string(),
            unknown => format!("{} + {unknown} by unknown", row.spared),
        };
        table.add_row([
            row.rule.to_string(),
            row.mode.word().to_owned(),
            row.severity.word().to_owned(),
            row.fired.to_string(),
            spared,
            row.clear.to_string(),
            row.withheld.to_string(),
            row.undecided.to_string(),
        ]);
    }
    align_right(&mut table, &[3, 4, 5, 6, 7]);
    let summary = counted(report.rules.len(), "rule", "rules");
    section("RULES", AnsiColor::Green, &summary, &table, report.rules.is_empty(), look)
}

fn table(look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(look.width);
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn section(title: &str, colour: AnsiColor, summary: &str, table: &Table, empty: bool, look: Look) -> String {
    let mut page = format!("\n{}  {}\n", painted(title, colour, look), if empty { "nothing" } else { summary });
    if !empty {
        page += &table.trim_fmt();
        page.push('\n');
    }
    page
}

fn summary(users: impl Iterator<Item = UserId>) -> String {
    let mut users: Vec<UserId> = users.collect();
    let rows = users.len();
    users.sort_unstable();
    users.dedup();
    format!("{} of {}", sessions(rows), counted(users.len(), "person", "people"))
}

fn sessions(number: usize) -> String {
    counted(number, "session", "sessions")
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn styled(text: &str, style: Style, look: Look) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let written = if look.colour { write!(out, "{style}{text}{style:#}") } else { write!(out, "{text}") };
    written.map_or_else(|_| text.to_owned(), |()| out)
}

fn painted(text: &str, colour: AnsiColor, look: Look) -> String {
    styled(text, Style::new().bold().fg_color(Some(colour.into())), look)
}

fn bold(text: &str, look: Look) -> String {
    styled(text, Style::new().bold(), look)
}

fn dim(text: &str, look: Look) -> String {
    styled(text, Style::new().dimmed(), look)
}
