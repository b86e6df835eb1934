//! Judging by the letter of the documentation: facts, conditions, claims, verdicts. Belts come after it.
//!
//! Each fact is looked up anew for each line, by walking the whole world: slow and plain.

use std::collections::{BTreeMap, BTreeSet};

use evictd::model::{Action, Mode, Role, Severity, Stratum, Strength};

use super::law::{Exception, Item, Law, Line, Node, Rule, Table, Value};
use super::leavers;
use super::logic::{Answer, and, compares_length, compares_number, compares_text, is_named, matches, not, or};
use super::places::{Seen, asks, is_at_places, is_of_place};
use super::sights;
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
    let ways = world.scenery.ways(world, row).into_iter().filter_map(|way| state_by(world, law, rule, (row, way)));
    // Whichever sign-in is taken for its own: what is worst counts.
    ways.min_by_key(|(state, _)| match state {
        State::Fired => 0,
        State::Undecided => 1,
        State::SparedByUnknown => 2,
        State::Spared => 3,
    })
}

fn state_by(
    world: &World,
    law: &Law,
    rule: &Rule,
    (row, way): (&Row, Option<usize>),
) -> Option<(State, BTreeSet<&'static str>)> {
    let at = |trust: Trust| Place { world, law, row, way, trust };
    let (assuming, doubting) = (holds(at(Trust::Assuming), &rule.when), holds(at(Trust::Doubting), &rule.when));
    match (assuming.truth, doubting.truth) {
        (Some(false), _) => None,
        (None, _) | (_, None) => Some((State::Undecided, BTreeSet::new())),
        (Some(true), _) => {
            let naming = law.exceptions.iter().filter(|exception| is_in_force(exception, rule, world));
            let spares: Vec<_> = naming.map(|exception| holds(at(Trust::Doubting), &exception.when).truth).collect();
            let state = if spares.contains(&Some(true)) {
                State::Spared
            } else if spares.contains(&None) {
                State::SparedByUnknown
            } else {
                State::Fired
            };
            Some((state, doubting.facts))
        }
    }
}

/// Where clocks disagree nobody can say that its last day has passed.
fn is_in_force(exception: &Exception, rule: &Rule, world: &World) -> bool {
    let names = exception.rules.iter().any(|glob| is_named(glob, &rule.id));
    names && (!world.trusted || world.now < (exception.last_day + 1) * DAY)
}

/// What becomes of what is only assumed: it counts as it stands, or as unknown. A claim fires if it does both ways, and
/// exceptions are asked with doubt, so that no assumption ends a session or lifts a spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Assuming,
    Doubting,
}

/// Where a condition is asked.
#[derive(Clone, Copy)]
struct Place<'a> {
    world: &'a World,
    law: &'a Law,
    row: &'a Row,
    /// Which sign-in is taken for the session's own, where several could be.
    way: Option<usize>,
    trust: Trust,
}

fn holds(at: Place<'_>, table: &Table) -> Answer {
    let all = |tables: &[Table]| tables.iter().map(|table| holds(at, table)).collect::<Vec<_>>();
    let about_places: Vec<&Line> = table.iter().filter_map(Node::line).filter(|line| is_at_places(line.fact)).collect();
    let at_places = (!about_places.is_empty()).then(|| at_a_place(at, &about_places));
    let rest = table.iter().filter(|node| !node.line().is_some_and(|line| is_at_places(line.fact)));
    and(rest
        .map(|node| match node {
            Node::Line(line) => {
                let sure =
                    if is_of_place(line.fact) && at.way.is_some() { Strength::Ambiguous } else { Strength::Exact };
                Answer { truth: answer(at, line), facts: [line.fact].into(), sure }
            }
            Node::All(tables) => and(all(tables)),
            Node::Any(tables) => or(all(tables)),
            Node::Not(table) => not(holds(at, table)),
        })
        .chain(at_places)
        .collect())
}

/// There is a place of the session of which all of these hold.
fn at_a_place(at: Place<'_>, lines: &[&Line]) -> Answer {
    let Some(user) = at.row.user else { panic!("nobody's session is judged") };
    let scenery = &at.world.scenery;
    let places = scenery.places_of(at.world, at.row);
    let of_place = |place: &Seen| {
        let told = |fact: &str| match fact {
            "network.staff" => sights::staff(at.world, place),
            _ => scenery.fact(at.law, place, fact),
        };
        let truths: Vec<_> = lines.iter().map(|line| asks(at.law, scenery, line, told(line.fact))).collect();
        match () {
            () if truths.contains(&Some(false)) => Some(false),
            () if truths.contains(&None) => None,
            () => Some(true),
        }
    };
    let truths: Vec<Option<bool>> = places.iter().map(of_place).collect();
    let own = scenery.own_rows(at.world, at.row);
    let asks_program = lines.iter().any(|line| line.fact.starts_with("client."));
    let sure =
        own.iter().zip(&places).zip(&truths).filter(|(_, truth)| **truth == Some(true)).map(|((bare, told), _)| {
            // A program that is only concluded is as sure as the first row that tells it.
            let teller = own.iter().find(|other| other.address == bare.address && other.agent.is_some());
            let concluded = teller.filter(|_| asks_program && bare.agent.is_none() && told.agent.is_some());
            concluded
                .map_or(Strength::Exact, |teller| sights::strength(at.world, teller))
                .min(sights::strength(at.world, bare))
        });
    let sure = sure.max().unwrap_or(Strength::Exact);
    let truth = if truths.contains(&Some(true)) {
        Some(true)
    } else if truths.contains(&None)
        || !scenery.is_whole(at.world, at.row)
        || at.world.stratum(user) == Stratum::EndUsers
    {
        None
    } else {
        Some(false)
    };
    Answer { truth, facts: lines.iter().map(|line| line.fact).collect(), sure }
}

/// The value of a fact; `None` is unknown.
pub enum Fact {
    /// Between the two.
    Length(i64, i64),
    /// This length, assuming that nothing earlier was forgotten.
    AtLeast(i64),
    /// A truth, assuming the same.
    Assumed(bool),
    Number(u64),
    Truth(bool),
    /// Nothing, one text, or the members of a set.
    Texts(Vec<String>),
}

fn answer(at: Place<'_>, line: &Line) -> Option<bool> {
    let Place { world, law, row, way, trust } = at;
    if is_of_place(line.fact) {
        let place = world.scenery.sign_in(world, row, way)?;
        return asks(law, &world.scenery, line, world.scenery.fact(law, &place, line.fact));
    }
    let fact = if line.fact.starts_with("session.") {
        session_fact(world, row, line.fact)?
    } else {
        user_fact(world, row.user?, line.fact)?
    };
    let longest = |low: i64| if trust == Trust::Assuming { low } else { i64::MAX };
    match (fact, &line.value) {
        (Fact::AtLeast(low), Value::Length(limit)) => compares_length(line.operator, (low, longest(low)), *limit),
        (Fact::Assumed(_), Value::Truth(_)) if trust == Trust::Doubting => None,
        (Fact::Length(low, high), Value::Length(limit)) => compares_length(line.operator, (low, high), *limit),
        (Fact::Number(number), Value::Number(limit)) => Some(compares_number(line.operator, number, *limit)),
        (Fact::Truth(truth) | Fact::Assumed(truth), Value::Truth(wanted)) => Some(truth == *wanted),
        (Fact::Texts(texts), value) => Some(of_texts(law, line, &texts, value)),
        _ => panic!("{line:?} asks for another kind of value"),
    }
}

/// No text at all answers every positive operator no, and `not-in` yes.
pub fn of_texts(law: &Law, line: &Line, texts: &[String], value: &Value) -> bool {
    let fold = |text: &str| if ignores_case(line.fact) { text.to_lowercase() } else { text.to_owned() };
    let texts: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    match value {
        Value::Texts(items) => {
            let members: Vec<String> = items.iter().flat_map(|item| members(law, item)).collect();
            let shares = members.iter().any(|member| texts.contains(&fold(member)));
            if line.operator == "not-in" { !shares } else { shares }
        }
        Value::Text(member) if ["user.tags", "user.group"].contains(&line.fact) => texts.contains(&fold(member)),
        Value::Text(other) => texts.iter().any(|text| compares_text(line.operator, text, &fold(other))),
        Value::Pattern(pattern) => texts.iter().any(|text| matches(pattern, text)),
        _ => panic!("{line:?} asks for another kind of value"),
    }
}

fn ignores_case(fact: &str) -> bool {
    ["user.email", "user.email-domain", "user.role", "user.external-id", "client.family", "sign-in.family"]
        .contains(&fact)
}

pub fn members(law: &Law, item: &Item) -> Vec<String> {
    match item {
        Item::Text(text) => vec![text.clone()],
        Item::Number(number) => vec![number.to_string()],
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
        "session.count" if world.is_whole_of(row.user?) => Some(Fact::Number(of_same_person.len() as u64)),
        "session.rank" if world.is_whole_of(row.user?) => {
            for other in &of_same_person {
                since(world.now, other.opened?)?;
            }
            let before = of_same_person.iter().filter(|other| (other.opened, other.id) > (row.opened, row.id));
            Some(Fact::Number(before.count() as u64 + 1))
        }
        "session.changed" => sights::changed(world, row).map(Fact::Truth),
        "session.dark" => sights::dark(world, row).map(Fact::Truth),
        "session.age" | "session.idle" | "session.count" | "session.rank" => None,
        _ => panic!("no fact of a session: {fact}"),
    }
}

/// How long ago; unknown if it is more than 60 seconds ahead, nothing if it is less.
fn since(now: i64, then: i64) -> Option<i64> {
    (then - now <= MINUTE).then(|| (now - then).max(0))
}

fn user_fact(world: &World, user: u64, fact: &str) -> Option<Fact> {
    if ["user.downgraded", "user.listed", "user.offboarded", "user.offboarded-for"].contains(&fact) {
        return leavers::fact(world, user, fact);
    }
    let human = world.human(user)?;
    if fact == "user.group" {
        // End users are in no group, whether groups were read or not.
        if human.role == Some(Role::EndUser) {
            return Some(Fact::Texts(Vec::new()));
        }
        let own = world.groups.as_ref()?.iter().filter(|(id, _)| *id == user).flat_map(|(_, ids)| ids);
        return Some(Fact::Texts(own.map(u64::to_string).collect()));
    }
    record_fact(human, fact)
}

fn record_fact(human: &Human, fact: &str) -> Option<Fact> {
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
        _ => panic!("no fact of a person: {fact}"),
    }
}
