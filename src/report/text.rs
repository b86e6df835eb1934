//! The report as a page for a terminal: what goes first, then what is held, what cannot be told, and the rules.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::grid::Grid;
use super::{Report, TokenRow, UndecidedRow, WithheldRow, exposure_line, who, why};
use crate::model::{Foreign, Mode, UserId, human_duration};

/// Rows of one rule and belt that the page shows; `--format json` has them all.
const WITHHELD_ROWS_MAX: usize = 5;

/// Whose data the shipped place databases are.
const ATTRIBUTION: &str = "shipped place data: NRO, RouteViews, DB-IP (CC BY 4.0); `evictd about` has the notices";

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
    page += &came_back(report, look);
    page += &withheld(report, look);
    page += &tokens(report, look);
    page += &undecided(report, look);
    page += &belts(report, look);
    page += &rules(report, look);
    page += &databases(report, look);
    page
}

/// What went and what could not be decided, without the rest of the page.
pub fn gist(report: &Report, look: Look) -> String {
    revoked(report, look) + &undecided(report, look) + &databases(report, look)
}

/// Which databases said where addresses are, and whose data the shipped ones are: their licence asks for that.
fn databases(report: &Report, look: Look) -> String {
    if report.databases.is_empty() {
        return String::new();
    }
    let day = |built: &str| built.split('T').next().unwrap_or_default().to_owned();
    let told: Vec<String> = report.databases.iter().map(|one| format!("{} of {}", one.name, day(&one.built))).collect();
    let lines = format!(
        "places by {}
{ATTRIBUTION}",
        told.join(", ")
    );
    format!("\n{}\n", dim(&lines, look))
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
        "{}  account {}, mode {}, scope {}, {seen}\n{}\n",
        bold("evictd", look),
        report.account,
        report.mode.word(),
        report.scope.word(),
        dim(&format!("cycle {} at {} (Zendesk's clock)", report.cycle, report.now), look),
    )
}

/// What goes, as a section of its own.
pub fn revoked(report: &Report, look: Look) -> String {
    let acted = report.revoke.iter().any(|row| row.outcome.is_some());
    let enforcing = report.enforcing();
    let mut summary = summary(report.revoke.iter().map(|row| row.user));
    let mut header = vec!["SEVERITY", "RULE", "PERSON", "SESSION", "WHY"];
    match report.revoke.len() - enforcing {
        _ if acted => header.push("OUTCOME"),
        0 => {}
        _ if enforcing == 0 => summary += ", all by rules that only report",
        reported => {
            summary += &format!(", {reported} of them by rules that only report");
            header.push("MODE");
        }
    }
    let mut grid = Grid::new(&header);
    for row in &report.revoke {
        let rules: Vec<&str> = row.rules.iter().map(crate::model::RuleId::as_str).collect();
        let mut cells = vec![
            row.severity.word().to_owned(),
            rules.join(", "),
            row.who(),
            row.session.to_string(),
            why(&row.reasons, row.strength),
        ];
        if header.len() > cells.len() {
            cells.push(if acted { row.end() } else { row.mode.word().to_owned() });
        }
        grid.add(cells);
    }
    let title = if acted { "REVOKED" } else { "WOULD BE REVOKED" };
    let exposure = report.exposures().map(|exposures| format!("exposure: {}\n", exposure_line(&exposures)));
    section((title, AnsiColor::Red), &summary, &grid, look) + &exposure.unwrap_or_default()
}

/// Who came back, if anybody did.
fn came_back(report: &Report, look: Look) -> String {
    if report.came_back.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(&["RULE", "PERSON", "ENDED", "NEW SESSION", "AFTER"]);
    for row in &report.came_back {
        let after = human_duration(row.after);
        grid.add([row.rule.to_string(), who(&row.person), row.session.to_string(), row.new.to_string(), after]);
    }
    section(("CAME BACK", AnsiColor::Red), &summary(report.came_back.iter().map(|row| row.user)), &grid, look)
}

fn withheld(report: &Report, look: Look) -> String {
    let mut rows: Vec<&WithheldRow> = report.withheld.iter().collect();
    rows.sort_by(|left, right| (&left.belt, &left.rule).cmp(&(&right.belt, &right.rule)));
    let mut grid = Grid::new(&["BELT", "RULE", "PERSON", "SESSION", "WHY"]);
    for group in rows.chunk_by(|left, right| left.belt == right.belt && left.rule == right.rule) {
        for row in group.iter().take(WITHHELD_ROWS_MAX) {
            let why = why(&row.reasons, row.strength);
            grid.add([belt_of(row), row.rule.to_string(), row.who(), row.session.to_string(), why]);
        }
        if let Some(more) = group.len().checked_sub(WITHHELD_ROWS_MAX).filter(|more| *more > 0) {
            grid.add([String::new(), String::new(), format!("… and {more} more")]);
        }
    }
    section(("WITHHELD", AnsiColor::Yellow), &summary(report.withheld.iter().map(|row| row.user)), &grid, look)
}

/// Who still holds OAuth tokens, if anybody does of whom it was asked.
fn tokens(report: &Report, look: Look) -> String {
    if report.tokens.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(&["PERSON", "TOKEN", "CLIENT", "SCOPES", "CREATED", "LAST USED", "EXPIRES"]);
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "not told".to_owned());
    for TokenRow { person, token, .. } in &report.tokens {
        // They may come from a trail that somebody wrote.
        let cells = [
            token.id.clone(),
            told(&token.client),
            token.scopes.join(" "),
            told(&token.created),
            told(&token.last_used),
            token.expires.clone().unwrap_or_else(|| "never, or not told".to_owned()),
        ];
        grid.add([who(person)].into_iter().chain(cells.map(|cell| Foreign::new(cell).to_string())));
    }
    let summary = format!("{}: ending a session ends no token", counted(report.tokens.len(), "token", "tokens"));
    section(("TOKENS", AnsiColor::Yellow), &summary, &grid, look)
}

fn belt_of(row: &WithheldRow) -> String {
    match (row.count, row.limit) {
        (Some(count), Some(limit)) => format!("{} ({count} > {limit})", row.belt),
        _ => row.belt.clone(),
    }
}

/// Rules that cannot decide the same sessions for the same cause stand in one row: a source that is missing is missing
/// once.
fn undecided(report: &Report, look: Look) -> String {
    let mut grid = Grid::new(&["CAUSE", "SESSIONS", "PEOPLE", "EXAMPLE SESSIONS", "RULES"]);
    let alike = |row: &UndecidedRow| (row.cause, row.sessions, row.people, row.examples.clone());
    let mut rows: Vec<&UndecidedRow> = report.undecided.iter().collect();
    rows.sort_by_key(|row| (row.cause, std::cmp::Reverse(row.sessions), alike(row), row.rule.clone()));
    for group in rows.chunk_by(|left, right| alike(left) == alike(right)) {
        let Some(UndecidedRow { cause, sessions, people, examples, .. }) = group.first() else { continue };
        let examples: Vec<String> = examples.iter().take(3).map(ToString::to_string).collect();
        let why = format!("{}: {}", cause.word(), cause.text());
        let rules: Vec<&str> = group.iter().map(|row| row.rule.as_str()).collect();
        grid.add([why, sessions.to_string(), people.to_string(), examples.join(" "), rules.join(", ")]);
    }
    let mut rules: Vec<_> = report.undecided.iter().map(|row| &row.rule).collect();
    rules.dedup();
    section(("UNDECIDED", AnsiColor::Cyan), &format!("by {}", counted(rules.len(), "rule", "rules")), &grid, look)
}

fn belts(report: &Report, look: Look) -> String {
    let mut grid = Grid::new(&["RULE", "STRATUM", "CYCLE", "HOUR", "24 H", "JUMP"]);
    for row in super::sheets::belts::rows(&report.belts) {
        grid.add(row);
    }
    section(("BELTS", AnsiColor::Blue), "people counted of people let through", &grid, look)
}

fn rules(report: &Report, look: Look) -> String {
    let mut grid =
        Grid::new(&["RULE", "MODE", "SEVERITY", "FIRES", "SPARED", "CLEAR", "WITHHELD", "UNDECIDED", "DECIDES"]);
    for row in &report.rules {
        if row.mode == Mode::Off {
            grid.add([row.rule.to_string(), "off".to_owned()]);
            continue;
        }
        let spared = match row.spared_by_unknown {
            0 => row.spared.to_string(),
            unknown => format!("{} + {unknown} by unknown", row.spared),
        };
        grid.add([
            row.rule.to_string(),
            row.mode.word().to_owned(),
            row.severity.word().to_owned(),
            row.fired.to_string(),
            spared,
            row.clear.to_string(),
            row.withheld.to_string(),
            row.undecided.to_string(),
            row.decides(report.sessions_seen).map_or(String::new(), |part| format!("{part} %")),
        ]);
    }
    section(("RULES", AnsiColor::Green), &counted(report.rules.len(), "rule", "rules"), &grid, look)
}

fn section((title, colour): (&str, AnsiColor), summary: &str, grid: &Grid<'_>, look: Look) -> String {
    if grid.is_empty() {
        return format!("\n{}  nothing\n", painted(title, colour, look));
    }
    format!("\n{}  {summary}\n{}\n", painted(title, colour, look), grid.text(look))
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

/// A number with its noun.
pub fn counted(number: usize, one: &str, many: &str) -> String {
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

pub(super) fn bold(text: &str, look: Look) -> String {
    styled(text, Style::new().bold(), look)
}

fn dim(text: &str, look: Look) -> String {
    styled(text, Style::new().dimmed(), look)
}
