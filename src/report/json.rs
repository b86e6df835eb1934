//! The report as one versioned JSON document. Ids are strings: a reader's numbers may be doubles.

use serde::Serialize;

use crate::record::{BeltUsed, ExposureSplit, TokenHeld};

use super::{DatabaseRow, Report, ReturnRow, RevokeRow, TokenRow, UndecidedRow, WithheldRow};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    account: &'a str,
    cycle: &'a str,
    now: &'a str,
    mode: &'static str,
    scope: &'static str,
    complete: bool,
    policy: &'a str,
    sessions_seen: usize,
    databases: Vec<Database<'a>>,
    warnings: &'a [String],
    revoke: Vec<Revoke<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    came_back: Vec<CameBack<'a>>,
    withheld: Vec<Withheld<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<Token<'a>>,
    undecided: Vec<Undecided<'a>>,
    belts: Vec<BeltUsed>,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Database<'a> {
    name: String,
    kind: String,
    built: &'a str,
}

#[derive(Serialize)]
struct Revoke<'a> {
    session_id: String,
    user_id: String,
    person: String,
    stratum: &'static str,
    severity: &'static str,
    mode: &'static str,
    action: &'static str,
    rules: Vec<&'a str>,
    reasons: &'a [String],
    strength: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<ExposureSplit>,
}

#[derive(Serialize)]
struct CameBack<'a> {
    session_id: String,
    user_id: String,
    person: String,
    rule: &'a str,
    new_session_id: String,
    after_ms: String,
}

#[derive(Serialize)]
struct Withheld<'a> {
    session_id: String,
    user_id: String,
    person: String,
    stratum: &'static str,
    rule: &'a str,
    severity: &'static str,
    mode: &'static str,
    belt: &'a str,
    limit: Option<u64>,
    count: Option<u64>,
    reasons: &'a [String],
    strength: &'static str,
}

#[derive(Serialize)]
struct Token<'a> {
    user_id: String,
    person: String,
    #[serde(flatten)]
    token: &'a TokenHeld,
}

#[derive(Serialize)]
struct Undecided<'a> {
    rule: &'a str,
    cause: &'static str,
    sessions: usize,
    people: usize,
    examples: Vec<String>,
}

#[derive(Serialize)]
struct Rule<'a> {
    rule: &'a str,
    title: &'a str,
    severity: &'static str,
    mode: &'static str,
    fired: usize,
    spared: usize,
    spared_by_unknown: usize,
    clear: usize,
    withheld: usize,
    undecided: usize,
}

/// The document, with a newline at its end.
///
/// # Errors
///
/// Never for a report; the signature is that of the serializer.
pub fn to_json(report: &Report) -> Result<String, serde_json::Error> {
    let document = Document {
        schema: 1,
        account: report.account.as_str(),
        cycle: report.cycle.as_str(),
        now: &report.now,
        mode: report.mode.word(),
        scope: report.scope.word(),
        complete: report.complete,
        policy: &report.policy,
        sessions_seen: report.sessions_seen,
        databases: report.databases.iter().map(database).collect(),
        warnings: &report.warnings,
        revoke: report.revoke.iter().map(revoke).collect(),
        came_back: report.came_back.iter().map(came_back).collect(),
        withheld: report.withheld.iter().map(withheld).collect(),
        tokens: report.tokens.iter().map(token).collect(),
        undecided: report.undecided.iter().map(undecided).collect(),
        belts: report.belts.iter().map(BeltUsed::from).collect(),
        rules: report.rules.iter().map(rule).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn database(row: &DatabaseRow) -> Database<'_> {
    Database { name: row.name.to_string(), kind: row.kind.to_string(), built: &row.built }
}

fn revoke(row: &RevokeRow) -> Revoke<'_> {
    Revoke {
        session_id: row.session.to_string(),
        user_id: row.user.to_string(),
        person: row.person.to_string(),
        stratum: row.stratum.word(),
        severity: row.severity.word(),
        mode: row.mode.word(),
        action: row.action.word(),
        rules: row.rules.iter().map(crate::model::RuleId::as_str).collect(),
        reasons: &row.reasons,
        strength: row.strength.word(),
        outcome: row.outcome.map(crate::model::Outcome::word),
        grade: row.grade.map(crate::model::Grade::word),
        exposure: row.exposure.as_ref().map(ExposureSplit::from),
    }
}

fn came_back(row: &ReturnRow) -> CameBack<'_> {
    CameBack {
        session_id: row.session.to_string(),
        user_id: row.user.to_string(),
        person: row.person.to_string(),
        rule: row.rule.as_str(),
        new_session_id: row.new.to_string(),
        after_ms: row.after.as_millis().to_string(),
    }
}

fn withheld(row: &WithheldRow) -> Withheld<'_> {
    Withheld {
        session_id: row.session.to_string(),
        user_id: row.user.to_string(),
        person: row.person.to_string(),
        stratum: row.stratum.word(),
        rule: row.rule.as_str(),
        severity: row.severity.word(),
        mode: row.mode.word(),
        belt: &row.belt,
        limit: row.limit,
        count: row.count,
        reasons: &row.reasons,
        strength: row.strength.word(),
    }
}

fn token(row: &TokenRow) -> Token<'_> {
    Token { user_id: row.user.to_string(), person: row.person.to_string(), token: &row.token }
}

fn undecided(row: &UndecidedRow) -> Undecided<'_> {
    Undecided {
        rule: row.rule.as_str(),
        cause: row.cause.word(),
        sessions: row.sessions,
        people: row.people,
        examples: row.examples.iter().map(ToString::to_string).collect(),
    }
}

fn rule(row: &super::RuleRow) -> Rule<'_> {
    Rule {
        rule: row.rule.as_str(),
        title: &row.title,
        severity: row.severity.word(),
        mode: row.mode.word(),
        fired: row.fired,
        spared: row.spared,
        spared_by_unknown: row.spared_by_unknown,
        clear: row.clear,
        withheld: row.withheld,
        undecided: row.undecided,
    }
}
