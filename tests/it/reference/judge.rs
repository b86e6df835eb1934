//! Judging by the letter of the documentation: facts, conditions, claims, verdicts. Belts come after it.
//!
//! Each fact is looked up anew for each line, by walking the whole world: slow and plain.

use std::collections::{BTreeMap, BTreeSet};

use evictd::model::{Action, Mode, Severity};

use super::law::{Exception, Item, Law, Line, Node, Rule, Table, Value};
use super::logic::{Answer, and, compares_length, compares_number, compares_text, is_named, matches, not, or};
use super::world::{DAY, Human, MINUTE, Row, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Fired,
    Spared,
    SparedByUnknown,
    Undecided,
}

/// One rule on one session, where it is not a plain no.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub rule: String,
    pub session: u64,
    /// Nobody only if it is undecided.
    pub user: Option<u64>,
    pub state: State,
    /// The lower of account and rule.
    pub mode: Mode,
    pub severity: Severity,
    pub action: Action,
    /// The facts it rests on.
    pub facts: BTreeSet<&'static str>,
    /// Session facts come from this instant's row.
    pub seen: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Revoke,
    Spare,
    Undecided,
    Keep,
}

/// Every claim, by rule and session.
pub fn judge(world: &World, law: &Law) -> Vec<Claim> {
    let mut claims = Vec::new();
    for rule in &law.rules {
        let mode = rule.mode.unwrap_or(Mode::Report).min(world.mode);
        for row in world.sessions().into_iter().filter(|_| mode != Mode::Off) {
            let Some((state, facts)) = state(world, law, rule, row) else { continue };
            claims.push(Claim {
                rule: rule.id.clone(),
                session: row.id,
                user: row.user,
                state,
                mode,
                severity: rule.severity.unwrap_or(Severity::Medium),
                action: rule.action,
                facts,
                seen: row.seen,
            });
        }
    }
    claims.sort();
    claims
}

/// What becomes of each session: the strongest of its claims, or nothing; undecided if it names no user.
pub fn verdicts(world: &World, claims: &[Claim]) -> BTreeMap<u64, Verdict> {
    let of = |row: &Row| {
        let states = claims.iter().filter(|claim| claim.session == row.id).map(|claim| match claim.state {
            State::Fired => Verdict::Revoke,
            State::Spared | State::SparedByUnknown => Verdict::Spare,
            State::Undecided => Verdict::Undecided,
        });
        if row.user.is_none() { Verdict::Undecided } else { states.min().unwrap_or(Verdict::Keep) }
    };
    world.sessions().into_iter().map(|row| (row.id, of(row))).collect()
}

fn state(world: &World, law: &Law, rule: &Rule, row: &Row) -> Option<(State, BTreeSet<&'static str>)> {
    if row.user.is_none() {
        return Some((State::Undecided, BTreeSet::new()));
    }
    let answer = holds(world, law, row, &rule.when);
    match answer.truth {
        Some(false) => None,
        None => Some((State::Undecided, BTreeSet::new())),
        Some(true) => {
            let naming = law.exceptions.iter().filter(|exception| is_in_force(exception, rule, world));
            let spares: Vec<_> = naming.map(|exception| holds(world, law, row, &exception.when).truth).collect();
            let state = if spares.contains(&Some(true)) {
                State::Spared
            } else if spares.contains(&None) {
                State::SparedByUnknown
            } else {
                State::Fired
            };
            Some((state, answer.facts))
        }
    }
}

/// Where clocks disagree nobody can say that its last day has passed.
fn is_in_force(exception: &Exception, rule: &Rule, world: &World) -> bool {
    let names = exception.rules.iter().any(|glob| is_named(glob, &rule.id));
    names && (!world.trusted || world.now < (exception.last_day + 1) * DAY)
}

fn holds(world: &World, law: &Law, row: &Row, table: &Table) -> Answer {
    let all = |tables: &[Table]| tables.iter().map(|table| holds(world, law, row, table)).collect::<Vec<_>>();
    and(table
        .iter()
        .map(|node| match node {
            Node::Line(line) => Answer { truth: answer(world, law, row, line), facts: [line.fact].into() },
            Node::All(tables) => and(all(tables)),
            Node::Any(tables) => or(all(tables)),
            Node::Not(table) => not(holds(world, law, row, table)),
        })
        .collect())
}

/// The value of a fact; `None` is unknown.
enum Fact {
    /// Between the two.
    Length(i64, i64),
    Number(u64),
    Truth(bool),
    /// Nothing, one text, or the members of a set.
    Texts(Vec<String>),
}

fn answer(world: &World, law: &Law, row: &Row, line: &Line) -> Option<bool> {
    let fact = if line.fact.starts_with("session.") {
        session_fact(world, row, line.fact)?
    } else {
        user_fact(world.human(row.user?)?, line.fact)?
    };
    match (fact, &line.value) {
        (Fact::Length(low, high), Value::Length(limit)) => compares_length(line.operator, (low, high), *limit),
        (Fact::Number(number), Value::Number(limit)) => Some(compares_number(line.operator, number, *limit)),
        (Fact::Truth(truth), Value::Truth(wanted)) => Some(truth == *wanted),
        (Fact::Texts(texts), value) => Some(of_texts(law, line, &texts, value)),
        _ => panic!("{line:?} asks for another kind of value"),
    }
}

/// No text at all answers every positive operator no, and `not-in` yes.
fn of_texts(law: &Law, line: &Line, texts: &[String], value: &Value) -> bool {
    let fold = |text: &str| if ignores_case(line.fact) { text.to_lowercase() } else { text.to_owned() };
    let texts: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    match value {
        Value::Texts(items) => {
            let members: Vec<String> = items.iter().flat_map(|item| members(law, item)).collect();
            let shares = members.iter().any(|member| texts.contains(&fold(member)));
            if line.operator == "not-in" { !shares } else { shares }
        }
        Value::Text(member) if line.fact == "user.tags" => texts.contains(&fold(member)),
        Value::Text(other) => texts.iter().any(|text| compares_text(line.operator, text, &fold(other))),
        Value::Pattern(pattern) => texts.iter().any(|text| matches(pattern, text)),
        _ => panic!("{line:?} asks for another kind of value"),
    }
}

fn ignores_case(fact: &str) -> bool {
    ["user.email", "user.email-domain", "user.role", "user.external-id"].contains(&fact)
}

fn members(law: &Law, item: &Item) -> Vec<String> {
    match item {
        Item::Text(text) => vec![text.clone()],
        Item::List(name) => law.lists.iter().find(|list| list.name == *name).unwrap().entries.clone(),
    }
}

fn session_fact(world: &World, row: &Row, fact: &str) -> Option<Fact> {
    let of_same_person: Vec<&Row> = world.sessions().into_iter().filter(|other| other.user == row.user).collect();
    match fact {
        "session.age" if world.trusted => {
            let age = since(world.now, row.opened?)?;
            Some(Fact::Length(age, age))
        }
        "session.idle" if world.trusted => {
            let observed = since(row.seen, row.used?)?;
            Some(Fact::Length(observed - world.idle_slack, observed))
        }
        "session.count" if world.complete => Some(Fact::Number(of_same_person.len() as u64)),
        "session.rank" if world.complete => {
            for other in &of_same_person {
                since(world.now, other.opened?)?;
            }
            let before = of_same_person.iter().filter(|other| (other.opened, other.id) > (row.opened, row.id));
            Some(Fact::Number(before.count() as u64 + 1))
        }
        "session.age" | "session.idle" | "session.count" | "session.rank" => None,
        _ => panic!("no fact of a session: {fact}"),
    }
}

/// How long ago; unknown if it is more than 60 seconds ahead, nothing if it is less.
fn since(now: i64, then: i64) -> Option<i64> {
    (then - now <= MINUTE).then(|| (now - then).max(0))
}

fn user_fact(human: &Human, fact: &str) -> Option<Fact> {
    let text = |text: Option<String>| Some(Fact::Texts(text.into_iter().collect()));
    let truth = |truth: Option<bool>| truth.map(Fact::Truth);
    match fact {
        "user.id" => text(Some(human.id.to_string())),
        "user.email" => text(human.email.clone()),
        "user.email-domain" => {
            text(human.email.as_ref().and_then(|email| email.split_once('@')).map(|(_, domain)| domain.to_owned()))
        }
        // Zendesk never leaves a role out: none is one that we do not know, not an empty text.
        "user.role" => human.role.map(|role| Fact::Texts(vec![role.word().to_owned()])),
        "user.role-type" => text(human.role_type.map(|role| role.word().to_owned())),
        "user.custom-role-id" => text(human.custom_role.map(|id| id.to_string())),
        "user.organization-id" => text(human.organization.map(|id| id.to_string())),
        "user.external-id" => text(human.external_id.clone()),
        "user.tags" => Some(Fact::Texts(human.tags.clone())),
        "user.suspended" => truth(human.suspended),
        "user.deleted" => truth(human.deleted),
        "user.two-factor" => truth(human.two_factor),
        "user.verified" => truth(human.verified),
        "user.chat-only" => truth(human.chat_only),
        // Without lists and without memory these two are all its signs.
        "user.offboarded" => match (human.deleted, human.suspended) {
            (Some(true), _) | (_, Some(true)) => Some(Fact::Truth(true)),
            (Some(false), Some(false)) => Some(Fact::Truth(false)),
            _ => None,
        },
        _ => panic!("no fact of a person: {fact}"),
    }
}
