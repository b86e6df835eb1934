//! The examples and boundaries of the documentation, one by one: what the reference itself is held against.
//!
//! Worlds here are written by hand and tiny, so that each expectation can be read off the documentation's sentence.

use evictd::model::{Action, Mode, Outcome, Pause, Role, Scope, Severity, Stratum};

use super::law::{Exception, Item, Law, Line, Node, Piece, Rule, Table, Value};
use super::world::{DAY, HOUR, Human, Limits, MINUTE, Past, Row, SECOND, World};
use super::{Act, Belt, Expected, State, Verdict, expect};

const NOW: i64 = 1_795_392_000_000;

pub fn row(id: u64, user: u64) -> Row {
    Row { id, user: Some(user), opened: Some(NOW - HOUR), used: Some(NOW - MINUTE), seen: NOW }
}

pub fn human(id: u64, role: Role) -> Human {
    Human {
        id,
        seen: NOW,
        email: Some(format!("Person{id}@Example.com")),
        role: Some(role),
        role_type: None,
        custom_role: None,
        deleted: Some(false),
        suspended: Some(false),
        two_factor: None,
        verified: Some(true),
        chat_only: Some(false),
        tags: Vec::new(),
        organization: None,
        external_id: None,
    }
}

/// Agents 1 to `people`, one session each, numbered from 101.
pub fn world(people: u64) -> World {
    World {
        now: NOW,
        mode: Mode::Enforce,
        idle_slack: 10 * MINUTE,
        limits: Limits { floor: 100, ..Limits::documented() },
        trusted: true,
        complete: true,
        rows: (1..=people).map(|user| row(100 + user, user)).collect(),
        people: (1..=people).map(|user| human(user, Role::Agent)).collect(),
        missing: Vec::new(),
        protected: Vec::new(),
        own: 900,
        history: Vec::new(),
        roster: None,
        pause: None,
        scope: Scope::Everyone,
        cut: Vec::new(),
        people_as_of: None,
        traces: Vec::new(),
        groups: None,
        lists: Vec::new(),
        lists_read: NOW,
        scenery: super::places::Scenery::default(),
        week: None,
    }
}

pub fn line(fact: &'static str, operator: &'static str, value: Value) -> Node {
    Node::Line(Line { fact, operator, value })
}

pub fn texts(all: &[&str]) -> Value {
    Value::Texts(all.iter().map(|text| Item::Text((*text).to_owned())).collect())
}

pub fn rule(id: &str, when: Table) -> Rule {
    Rule { id: id.into(), action: Action::RevokeSession, severity: None, mode: Some(Mode::Enforce), when }
}

pub fn law(rules: Vec<Rule>) -> Law {
    Law { rules, exceptions: Vec::new(), lists: Vec::new(), networks: Vec::new() }
}

/// A rule that fires on everybody.
pub fn everybody() -> Law {
    law(vec![rule("age-long", vec![line("session.age", "over", Value::Length(MINUTE))])])
}

/// What one condition says of session 101.
pub fn says(world: &World, node: Node) -> Option<bool> {
    let found = expect(world, &law(vec![rule("odd", vec![node])]));
    match found.claims.iter().find(|claim| claim.session == 101).map(|claim| claim.state) {
        Some(State::Fired) => Some(true),
        Some(State::Undecided) => None,
        Some(other) => panic!("{other:?} without an exception"),
        None => Some(false),
    }
}

#[test]
fn idle_is_known_only_beyond_its_slack() {
    let idle = |minutes: i64, operator: &'static str, limit: i64| {
        let mut world = world(1);
        world.rows[0].used = Some(NOW - minutes * MINUTE);
        says(&world, line("session.idle", operator, Value::Length(limit * MINUTE)))
    };
    let table = [(30, None, None), (31, None, None), (40, None, Some(true)), (41, Some(true), Some(true))];
    for (observed, over, at_least) in table {
        assert_eq!(idle(observed, "over", 30), if observed == 30 { Some(false) } else { over }, "{observed}");
        assert_eq!(idle(observed, "at-least", 30), at_least, "{observed}");
        assert_eq!(idle(observed, "under", 30), at_least.map(|truth| !truth), "{observed}");
    }
    assert_eq!(idle(29, "at-least", 30), Some(false));
    assert_eq!(idle(30, "at-most", 30), Some(true));
}

#[test]
fn instants_ahead_are_nothing_for_a_minute_and_then_unknown() {
    let age = |ahead: i64| {
        let mut world = world(1);
        world.rows[0].opened = Some(NOW + ahead);
        says(&world, line("session.age", "under", Value::Length(SECOND)))
    };
    assert_eq!([age(MINUTE), age(MINUTE + 1), age(-SECOND)], [Some(true), None, Some(false)]);
}

#[test]
fn nobody_counts_on_a_listing_cut_short() {
    let mut world = world(1);
    world.rows.push(row(102, 1));
    let count = |world: &World| says(world, line("session.count", "is", Value::Number(2)));
    assert_eq!(count(&world), Some(true));
    world.complete = false;
    assert_eq!(count(&world), None);
}

#[test]
fn rank_goes_by_opening_then_by_higher_id() {
    let mut world = world(1);
    world.rows.push(row(102, 1));
    let rank = |world: &World, rank| says(world, line("session.rank", "is", Value::Number(rank)));
    assert_eq!([rank(&world, 1), rank(&world, 2)], [Some(false), Some(true)]);
    world.rows[1].opened = world.rows[1].opened.map(|opened| opened - 1);
    assert_eq!([rank(&world, 1), rank(&world, 2)], [Some(true), Some(false)]);
    world.rows[1].opened = None;
    assert_eq!(rank(&world, 1), None);
}

#[test]
fn null_texts_are_empty_and_null_truths_unknown() {
    let mut world = world(1);
    world.people[0].email = None;
    assert_eq!(says(&world, line("user.email", "in", texts(&["a@b.c"]))), Some(false));
    assert_eq!(says(&world, line("user.email", "not-in", texts(&["a@b.c"]))), Some(true));
    let anything = Value::Pattern(vec![vec![Piece::Anything]]);
    assert_eq!(says(&world, line("user.email", "matches", anything)), Some(false));
    assert_eq!(says(&world, line("user.tags", "not-in", texts(&["vip"]))), Some(true));
    assert_eq!(says(&world, line("user.two-factor", "is", Value::Truth(false))), None);
    world.people.clear();
    assert_eq!(says(&world, line("user.id", "in", texts(&["1"]))), None);
}

#[test]
fn patterns_match_the_whole_text_without_regard_to_case() {
    let email = |pattern| says(&world(1), line("user.email", "matches", Value::Pattern(pattern)));
    let literal = |text: &str| Piece::Literal(text.into());
    assert_eq!(email(vec![vec![literal("person1@example.com")]]), Some(true));
    assert_eq!(email(vec![vec![literal("person1")], vec![literal(".com")]]), Some(false));
    assert_eq!(email(vec![vec![literal("person1")], vec![Piece::Anything, literal(".com")]]), Some(true));
}

#[test]
fn unknown_stays_unknown_under_not_and_loses_to_what_decides() {
    let unknown = || line("user.two-factor", "is", Value::Truth(true));
    let yes = || line("user.verified", "is", Value::Truth(true));
    let no = || line("user.verified", "is", Value::Truth(false));
    let world = world(1);
    assert_eq!(says(&world, Node::Not(vec![unknown()])), None);
    assert_eq!(says(&world, Node::All(vec![vec![unknown()], vec![no()]])), Some(false));
    assert_eq!(says(&world, Node::Any(vec![vec![unknown()], vec![yes()]])), Some(true));
    assert_eq!(says(&world, Node::Any(vec![vec![unknown()], vec![no()]])), None);
    assert_eq!(says(&world, Node::Not(vec![yes(), no()])), Some(true));
}

#[test]
fn exceptions_spare_to_the_end_of_their_day_and_when_they_cannot_tell() {
    let state = |when: Node, last_day: i64| {
        let mut law = everybody();
        let exception = Exception { id: "spare".into(), rules: vec!["age-*".into()], when: vec![when], last_day };
        law.exceptions.push(exception);
        let found = expect(&world(1), &law);
        (found.claims[0].state, found.verdicts[&101])
    };
    let today = NOW / DAY;
    let yes = || line("user.verified", "is", Value::Truth(true));
    let unknown = || line("user.two-factor", "is", Value::Truth(true));
    assert_eq!(state(yes(), today), (State::Spared, Verdict::Spare));
    assert_eq!(state(yes(), today - 1), (State::Fired, Verdict::Revoke));
    assert_eq!(state(unknown(), today), (State::SparedByUnknown, Verdict::Spare));
    assert_eq!(state(Node::Not(vec![yes()]), today), (State::Fired, Verdict::Revoke));
}

/// The belts that hold session 101, all of them being the same.
pub fn held(world: &World, law: &Law) -> Option<Belt> {
    let found: Expected = expect(world, law);
    found.withheld.iter().find(|row| row.session == 101).map(|row| row.belt)
}

#[test]
fn belts_of_one_person_hold_in_their_order() {
    let mut world = world(1);
    assert_eq!(held(&world, &everybody()), None);
    world.people.clear();
    assert_eq!(held(&world, &everybody()), Some(Belt::EvidenceAge));
    world.history.push(past(101, 1, NOW));
    assert_eq!(held(&world, &everybody()), Some(Belt::JustRevoked));
    world.pause = Some(Pause { until: None });
    assert_eq!(held(&world, &everybody()), Some(Belt::Pause));
    world.protected.push(1);
    assert_eq!(held(&world, &everybody()), Some(Belt::Protected));
    world.own = 1;
    assert_eq!(held(&world, &everybody()), Some(Belt::OwnUser));
}

fn past(session: u64, user: u64, at: i64) -> Past {
    let rules = vec!["age-long".into()];
    Past { session, user, stratum: Stratum::Agents, rules, at, outcome: Outcome::Revoked }
}

#[test]
fn what_was_answered_goes_once_more_and_then_rests_a_day() {
    let after = |ago: &[i64]| {
        let mut world = world(1);
        world.history = ago.iter().map(|ago| past(101, 1, NOW - ago)).collect();
        held(&world, &everybody())
    };
    assert_eq!(after(&[15 * MINUTE - 1]), Some(Belt::JustRevoked));
    assert_eq!(after(&[15 * MINUTE]), None);
    assert_eq!(after(&[DAY, DAY - 1]), Some(Belt::JustRevoked));
    assert_eq!(after(&[DAY + 1, DAY - 1]), None);
}

#[test]
fn old_rows_hold_only_what_counts() {
    let held_by = |fact: &'static str, value: Value, ago: i64| {
        let mut world = world(1);
        world.rows[0].seen = NOW - ago;
        held(&world, &law(vec![rule("odd", vec![line(fact, "at-least", value)])]))
    };
    let count = || Value::Number(1);
    assert_eq!(held_by("session.count", count(), 10 * MINUTE), None);
    assert_eq!(held_by("session.count", count(), 10 * MINUTE + 1), Some(Belt::EvidenceAge));
    assert_eq!(held_by("session.age", Value::Length(MINUTE), 10 * MINUTE + 1), None);
}

#[test]
fn rules_count_people_of_one_stratum_with_their_windows() {
    let mut world = world(10);
    world.rows.push(row(500, 1));
    assert_eq!(held(&world, &everybody()), None);
    world.rows.push(row(501, 11));
    world.people.push(human(11, Role::Admin));
    assert_eq!(held(&world, &everybody()), None);
    world.people[10].role = Some(Role::Agent);
    assert_eq!(held(&world, &everybody()), Some(Belt::RuleCycle));
    world.people[10].role = Some(Role::Admin);
    world.history = (20..31).map(|user| past(900 + user, user, NOW - HOUR)).collect();
    assert_eq!(held(&world, &everybody()), Some(Belt::RuleHour));
    world.history[0].at -= 1;
    assert_eq!(held(&world, &everybody()), None);
    world.history.extend((40..70).map(|user| past(900 + user, user, NOW - DAY)));
    assert_eq!(held(&world, &everybody()), Some(Belt::RuleDay));
}

#[test]
fn the_account_counts_a_part_of_the_roster_but_never_less_than_the_floor() {
    let mut world = world(4);
    world.limits.floor = 3;
    assert_eq!(held(&world, &everybody()), Some(Belt::AccountHour));
    world.rows.truncate(3);
    assert_eq!(held(&world, &everybody()), None);
    world.limits.part_day = 0;
    assert_eq!(held(&world, &everybody()), Some(Belt::AccountDay));
    world.limits = Limits::documented();
    world.rows = (1..=7).map(|user| row(100 + user, user)).collect();
    world.people = (1..=7).map(|user| human(user, Role::Agent)).collect();
    world.complete = false;
    world.roster = Some(vec![(Stratum::Agents, 139)]);
    assert_eq!(held(&world, &everybody()), Some(Belt::AccountHour));
    world.roster = Some(vec![(Stratum::Agents, 140)]);
    assert_eq!(held(&world, &everybody()), None);
}

#[test]
fn what_only_reports_takes_no_room() {
    let mut world = world(4);
    world.limits.floor = 3;
    let mut all = everybody();
    all.rules[0].mode = None;
    all.rules.push(rule("odd", vec![line("user.id", "in", texts(&["1", "2", "3"]))]));
    let found = expect(&world, &all);
    assert_eq!(found.acts.len(), 3);
    assert_eq!(found.withheld.iter().filter(|row| row.rule == "age-long").count(), 4);
    assert_eq!(found.withheld.len(), 4);
}

#[test]
fn ending_a_person_swallows_what_else_was_planned_for_it() {
    let mut world = world(2);
    world.rows.push(row(103, 1));
    let mut all = everybody();
    let mut whole =
        rule("odd", vec![line("user.id", "is", Value::Text("1".into())), line("session.rank", "is", Value::Number(1))]);
    whole.action = Action::RevokeUser;
    whole.severity = Some(Severity::Low);
    all.rules.push(whole);
    let found = expect(&world, &all);
    let act = |user, session, rules: &[&str]| Act {
        user,
        session,
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
    };
    assert_eq!(found.acts, [act(1, None, &["age-long", "odd"]), act(2, Some(102), &["age-long"])]);
    assert_eq!(found.revoke.len(), 3);
}
