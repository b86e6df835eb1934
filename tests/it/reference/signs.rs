//! The examples of the documentation about people who have left, one by one: signs, their times, and what follows from
//! a source that is not there.

use evictd::model::{Cause, Role, Scope, Stratum};

use super::expect;
use super::law::{Exception, Node, Value};
use super::leavers::{List, Trace};
use super::spots::{everybody, held, human, law, line, row, rule, says, world};
use super::world::{DAY, HOUR, MINUTE, World};
use super::{Belt, State};

/// Person 1, an end user today, with this trace and these lists.
fn leaver(trace: Option<Trace>, lists: Vec<List>) -> World {
    let mut world = world(1);
    world.people = vec![human(1, Role::EndUser)];
    world.traces = trace.into_iter().collect();
    world.lists = lists;
    world
}

fn was_agent(world: &World, ago: i64) -> Trace {
    Trace { user: 1, agent: Some(world.now - ago), lost: Some(world.now - HOUR), ..Trace::default() }
}

fn list(trouble: Option<Cause>, rows: &[(u64, i64)]) -> List {
    List { name: "hr", trouble, unasked: 0, unreadable: 0, rows: rows.to_vec() }
}

fn truth(world: &World, fact: &'static str) -> Option<bool> {
    let [yes, no] = [true, false].map(|truth| says(world, line(fact, "is", Value::Truth(truth))));
    assert!(yes.is_none() || no.is_none() || yes != no, "{fact}: {yes:?}, {no:?}");
    yes
}

#[test]
fn a_staff_role_that_was_seen_in_90_days_and_is_gone_is_a_sign() {
    let now = world(1).now;
    let signs = |ago: i64| {
        let world = leaver(Some(was_agent(&world(1), ago)), Vec::new());
        (truth(&world, "user.downgraded"), truth(&world, "user.offboarded"))
    };
    assert_eq!(signs(90 * DAY), (Some(true), Some(true)));
    assert_eq!(signs(90 * DAY + 1), (None, Some(false)));
    let mut back = leaver(Some(was_agent(&world(1), DAY)), Vec::new());
    back.people[0].role = Some(Role::Agent);
    assert_eq!((truth(&back, "user.downgraded"), truth(&back, "user.offboarded")), (Some(false), Some(false)));
    let mut skewed = leaver(Some(was_agent(&world(1), DAY)), Vec::new());
    skewed.trusted = false;
    assert_eq!((now, truth(&skewed, "user.downgraded")), (skewed.now, None));
}

#[test]
fn without_memory_nobody_is_a_leaver_for_it_and_nobody_is_none() {
    let forgotten = leaver(None, Vec::new());
    assert_eq!(truth(&forgotten, "user.offboarded"), Some(false));
    // What is only assumed fires nothing, however it is asked for.
    assert_eq!(says(&forgotten, line("user.offboarded", "is", Value::Truth(false))), None);
    assert_eq!(says(&forgotten, Node::Not(vec![line("user.offboarded", "is", Value::Truth(true))])), None);
    let mut staff = forgotten.clone();
    staff.people[0].role = Some(Role::Agent);
    assert_eq!(says(&staff, line("user.offboarded", "is", Value::Truth(false))), Some(true));
}

#[test]
fn without_memory_an_exception_for_leavers_spares() {
    let state = |trace: Option<Trace>, truth: bool| {
        let mut law = everybody();
        let when = vec![line("user.offboarded", "is", Value::Truth(truth))];
        let last_day = world(1).now / DAY;
        law.exceptions.push(Exception { id: "spare".into(), rules: vec!["*".into()], when, last_day });
        expect(&leaver(trace, Vec::new()), &law).claims[0].state
    };
    assert_eq!(state(Some(was_agent(&world(1), DAY)), true), State::Spared);
    assert_eq!(state(Some(was_agent(&world(1), DAY)), false), State::Fired);
    assert_eq!(state(None, true), State::SparedByUnknown);
    assert_eq!(state(None, false), State::SparedByUnknown);
}

#[test]
fn a_list_names_whom_it_names_from_their_day_on() {
    let now = world(1).now;
    let says = |lists: Vec<List>| {
        let world = leaver(None, lists);
        (truth(&world, "user.listed"), truth(&world, "user.offboarded"))
    };
    assert_eq!(says(Vec::new()), (None, Some(false)));
    assert_eq!(says(vec![list(None, &[(2, now - DAY)])]), (Some(false), Some(false)));
    assert_eq!(says(vec![list(None, &[(1, now)])]), (Some(true), Some(true)));
    assert_eq!(says(vec![list(None, &[(1, now + 1)])]), (Some(false), Some(false)));
}

#[test]
fn a_list_that_cannot_be_used_is_unknown_for_everybody_that_nothing_else_decides() {
    let now = world(1).now;
    let stale = || list(Some(Cause::ListStale), &[(1, now - DAY)]);
    let mut world = leaver(None, vec![stale()]);
    assert_eq!([truth(&world, "user.listed"), truth(&world, "user.offboarded")], [None, None]);
    world.people[0].suspended = Some(true);
    assert_eq!([truth(&world, "user.listed"), truth(&world, "user.offboarded")], [None, Some(true)]);
    world.lists.push(List { name: "vendors", ..list(None, &[(1, now - DAY)]) });
    assert_eq!(truth(&world, "user.listed"), Some(true));
}

#[test]
fn rows_that_are_not_read_or_not_asked_about_yet_leave_it_open_whom_a_list_does_not_name() {
    let now = world(1).now;
    for (unasked, unreadable) in [(1, 0), (0, 1)] {
        let mut world = leaver(None, vec![List { unasked, unreadable, ..list(None, &[(2, now - DAY)]) }]);
        world.people[0].role = Some(Role::Agent);
        for fact in ["user.listed", "user.offboarded"] {
            assert_eq!(truth(&world, fact), Some(false));
            assert_eq!(says(&world, line(fact, "is", Value::Truth(false))), None);
        }
    }
}

#[test]
fn they_have_left_since_the_earliest_sign_and_perhaps_for_longer() {
    let now = world(1).now;
    let mut world = leaver(Some(was_agent(&world(1), DAY)), vec![list(None, &[(1, now - 3 * HOUR)])]);
    world.people[0].suspended = Some(true);
    world.traces[0].suspended = Some(now - 2 * HOUR);
    let left_for =
        |world: &World, operator, length| says(world, line("user.offboarded-for", operator, Value::Length(length)));
    assert_eq!(left_for(&world, "at-least", 3 * HOUR), Some(true));
    assert_eq!(left_for(&world, "over", 3 * HOUR), Some(false));
    // An earlier sign may have been forgotten: that it is short is shown to nobody.
    assert_eq!(left_for(&world, "under", 4 * HOUR), None);
    assert_eq!(left_for(&world, "at-most", 2 * HOUR), Some(false));
    world.lists[0].trouble = Some(Cause::Down);
    assert_eq!(left_for(&world, "at-least", MINUTE), None);
    world.lists.clear();
    assert_eq!(left_for(&world, "at-least", 2 * HOUR), Some(true));
    world.traces.clear();
    assert_eq!(left_for(&world, "at-least", MINUTE), None);
}

#[test]
fn belts_count_leavers_among_what_they_were() {
    let mut world = leaver(Some(was_agent(&world(1), 90 * DAY)), Vec::new());
    assert_eq!(world.stratum(1), Stratum::Agents);
    world.traces[0].admin = Some(world.now - DAY);
    assert_eq!(world.stratum(1), Stratum::Admins);
    world.traces.clear();
    assert_eq!(world.stratum(1), Stratum::EndUsers);
}

#[test]
fn each_listing_of_staff_counts_for_itself() {
    let mut world = world(1);
    world.scope = Scope::Staff;
    world.complete = false;
    let counts = |world: &World| says(world, line("session.count", "is", Value::Number(1)));
    assert_eq!(counts(&world), Some(true));
    world.cut = vec![1];
    assert_eq!(counts(&world), None);
    world.cut = vec![2];
    assert_eq!(counts(&world), Some(true));
}

#[test]
fn the_roster_is_that_of_the_week_if_it_is_remembered() {
    let mut world = world(4);
    world.limits.floor = 3;
    assert_eq!(held(&world, &everybody()), Some(Belt::AccountHour));
    world.week = Some(vec![(Stratum::Agents, 80)]);
    assert_eq!(held(&world, &everybody()), None);
    // A sweep in which one listing was cut short is no complete one.
    world.week = None;
    world.rows = (1..=80).map(|user| row(100 + user, user)).collect();
    world.people = (1..=80).map(|user| human(user, Role::Agent)).collect();
    let some = law(vec![rule("odd", vec![line("user.id", "in", super::spots::texts(&["1", "2", "3", "4"]))])]);
    assert_eq!(held(&world, &some), None);
    world.scope = Scope::Staff;
    world.cut = vec![90];
    assert_eq!(held(&world, &some), Some(Belt::AccountHour));
}

#[test]
fn what_a_list_said_too_long_ago_ends_nothing_that_rests_on_it() {
    let now = world(1).now;
    let mut world = leaver(None, vec![list(None, &[(1, now - DAY)])]);
    let held_by = |world: &World, fact: &'static str, value: Value| {
        let operator = if fact == "user.offboarded-for" { "over" } else { "is" };
        held(world, &law(vec![rule("odd", vec![line(fact, operator, value)])]))
    };
    let all = |world: &World| {
        [
            held_by(world, "user.listed", Value::Truth(true)),
            held_by(world, "user.offboarded", Value::Truth(true)),
            held_by(world, "user.offboarded-for", Value::Length(HOUR)),
        ]
    };
    world.lists_read = now - 10 * MINUTE;
    assert_eq!(all(&world), [None; 3]);
    world.lists_read -= 1;
    assert_eq!(all(&world), [Some(Belt::EvidenceAge); 3]);
    // Zendesk's own word is read again right before the act.
    world.people[0].suspended = Some(true);
    assert_eq!(all(&world), [Some(Belt::EvidenceAge), None, Some(Belt::EvidenceAge)]);
}
