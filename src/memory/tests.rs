//! What a snapshot teaches: by single lessons, and by laws over random histories.

use std::num::NonZeroU64;

use proptest::prelude::*;

use super::*;
use crate::model::{AccountName, Completeness, CycleId, Foreign, Scope};
use crate::snapshot::Clocks;

const START: &str = "2026-11-23T12:00:00Z";
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

pub(super) fn user(number: u64) -> UserId {
    NonZeroU64::new(number).unwrap().into()
}

pub(super) fn after(minutes: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

pub(super) fn person(number: u64, role: Option<Role>, at: i64) -> Person {
    Person {
        name: Foreign::new("Ann"),
        role,
        deleted: Some(false),
        suspended: Some(false),
        ..Person::blank(user(number), after(at))
    }
}

/// A cycle so many minutes after the first one, which saw these people, each with these sessions.
pub(super) fn cycle(at: i64, seen: &[(Person, &[u64])]) -> Snapshot {
    let mut snapshot =
        Snapshot::empty(AccountName::new("acme"), CycleId::new("cycle"), after(at), user(360_000_000_001));
    for (person, sessions) in seen {
        snapshot.people.insert(person.id, Arc::new(person.clone()));
        snapshot.sessions.extend(sessions.iter().map(|id| Session {
            id: SessionId(*id),
            user: Some(person.id),
            authenticated_at: Some(after(0).into()),
            last_seen_at: Some(after(at).into()),
            seen: after(at).into(),
        }));
    }
    snapshot.sessions.sort_unstable_by_key(|row| row.id);
    snapshot
}

/// Learns from the cycle, and shows what is known by it.
fn taught(memory: &mut Memory, mut snapshot: Snapshot) -> Snapshot {
    let lesson = learn(memory, &mut snapshot, &Fresh::new());
    memory.learn(lesson);
    snapshot
}

fn traces_of(memory: &Memory, number: u64) -> Traces {
    memory.people[&user(number)].traces.as_deref().copied().unwrap_or_default()
}

#[test]
fn a_sign_is_dated_by_the_first_cycle_that_saw_it_and_ends_with_it() {
    type Mark = fn(&mut Person, Option<bool>);
    type Since = fn(&Traces) -> Option<Timestamp>;
    let signs: [(Mark, Since); 2] = [
        (|person, is| person.deleted = is, |traces| traces.deleted_since),
        (|person, is| person.suspended = is, |traces| traces.suspended_since),
    ];
    for (mark, since) in signs {
        let mut memory = Memory::default();
        let mut check = |at: i64, is: Option<bool>, expected: Option<i64>| {
            let mut one = person(1, Some(Role::EndUser), at);
            mark(&mut one, is);
            let snapshot = taught(&mut memory, cycle(at, &[(one, &[1])]));
            assert_eq!(since(&traces_of(&memory, 1)), expected.map(after), "after {at} minutes");
            assert_eq!(snapshot.traces.get(&user(1)).and_then(since), expected.map(after));
        };
        check(0, Some(false), None);
        check(10, Some(true), Some(10));
        check(20, Some(true), Some(10));
        // A null says neither that it ended nor that it goes on.
        check(30, None, Some(10));
        check(40, Some(true), Some(10));
        check(50, Some(false), None);
        check(60, Some(true), Some(60));
    }
}

#[test]
fn a_lost_staff_role_is_dated_by_the_first_cycle_without_it() {
    let mut memory = Memory::default();
    let mut check = |at: i64, role: Option<Role>, expected: Option<i64>| {
        taught(&mut memory, cycle(at, &[(person(1, role, at), &[1])]));
        assert_eq!(traces_of(&memory, 1).staff_lost_since, expected.map(after), "after {at} minutes");
    };
    check(0, Some(Role::Admin), None);
    check(10, Some(Role::Agent), None);
    check(20, Some(Role::EndUser), Some(20));
    check(30, Some(Role::EndUser), Some(20));
    check(40, None, Some(20));
    check(50, Some(Role::Agent), None);
    check(60, Some(Role::EndUser), Some(60));
}

#[test]
fn who_was_never_seen_as_staff_has_lost_nothing() {
    let mut memory = Memory::default();
    taught(&mut memory, cycle(0, &[(person(1, Some(Role::EndUser), 0), &[1])]));
    assert_eq!(memory.people[&user(1)].traces, None);
}

#[test]
fn a_staff_role_is_remembered_for_ninety_days_and_the_higher_one_counts() {
    let check = |at: i64, role: Option<Role>, stratum: Stratum| {
        let mut memory = Memory::default();
        taught(&mut memory, cycle(0, &[(person(1, Some(Role::Admin), 0), &[])]));
        taught(&mut memory, cycle(30 * DAY, &[(person(1, Some(Role::Agent), 30 * DAY), &[])]));
        let snapshot = taught(&mut memory, cycle(at, &[(person(1, Some(Role::EndUser), at), &[1])]));
        assert_eq!(traces_of(&memory, 1).staff_role(after(at)), role, "after {at} minutes");
        assert_eq!(snapshot.stratum_of(user(1)), stratum, "after {at} minutes");
    };
    check(31 * DAY, Some(Role::Admin), Stratum::Admins);
    check(90 * DAY, Some(Role::Admin), Stratum::Admins);
    check(90 * DAY + 1, Some(Role::Agent), Stratum::Agents);
    check(120 * DAY, Some(Role::Agent), Stratum::Agents);
    check(120 * DAY + 1, None, Stratum::EndUsers);
}

#[test]
fn a_quiet_cycle_teaches_nothing_new_about_anybody() {
    let mut memory = Memory::default();
    let staff = person(1, Some(Role::Agent), 0);
    taught(&mut memory, cycle(0, &[(staff.clone(), &[1])]));
    let mut again = cycle(5 * HOUR, &[(staff.clone(), &[1])]);
    again.sessions.iter_mut().for_each(|row| row.last_seen_at = Some(after(0).into()));
    assert_eq!(learn(&memory, &mut again, &Fresh::new()), Lesson::default());
    let mut later = cycle(6 * HOUR, &[(staff, &[1])]);
    let lesson = learn(&memory, &mut later, &Fresh::new());
    let renewed = &lesson.people[&user(1)];
    assert_eq!(renewed.session_at, Some(after(6 * HOUR)));
    assert_eq!(renewed.traces.as_ref().unwrap().agent_at, Some(after(6 * HOUR)));
}

#[test]
fn while_clocks_disagree_nothing_is_learned_and_what_is_known_is_still_shown() {
    let mut memory = Memory::default();
    taught(&mut memory, cycle(0, &[(person(1, Some(Role::Agent), 0), &[1])]));
    let mut astray = cycle(9_999 * DAY, &[(person(1, Some(Role::EndUser), 9), &[2]), (person(2, None, 9), &[3])]);
    astray.clocks = Clocks { trusted: false, ..astray.clocks };
    let lesson = learn(&memory, &mut astray, &Fresh::new());
    assert_eq!(lesson, Lesson::default());
    assert_eq!(astray.traces[&user(1)].agent_at, Some(after(0)));
    assert_eq!(astray.roster, None);
}

#[test]
fn a_record_read_for_another_reason_is_learned_too_and_the_fresh_one_counts() {
    let memory = Memory::default();
    let fresh: Fresh =
        [person(1, Some(Role::Agent), 3), person(2, Some(Role::Agent), 3)].map(|one| (one.id, Arc::new(one))).into();
    let mut snapshot = cycle(5, &[(person(1, Some(Role::EndUser), 1), &[1])]);
    let lesson = learn(&memory, &mut snapshot, &fresh);
    assert_eq!(lesson.people[&user(1)].person.role, Some(Role::Agent));
    let other = &lesson.people[&user(2)];
    assert_eq!((other.session_at, other.traces.as_ref().unwrap().agent_at), (None, Some(after(5))));
}

#[test]
fn the_roster_counts_who_had_a_session_in_seven_days_by_remembered_stratum() {
    let mut memory = Memory::default();
    let first = cycle(0, &[(person(1, Some(Role::Admin), 0), &[1]), (person(2, Some(Role::Agent), 0), &[2])]);
    assert_eq!(taught(&mut memory, first).roster, None, "nothing was remembered");
    let check = |memory: &Memory, at: i64, expected: [usize; 3]| {
        let mut snapshot = cycle(at, &[(person(3, Some(Role::EndUser), at), &[3])]);
        learn(memory, &mut snapshot, &Fresh::new());
        let roster: Vec<usize> = snapshot.roster.unwrap().into_values().collect();
        assert_eq!(roster, expected, "after {at} minutes");
    };
    check(&memory, 10, [1, 1, 1]);
    check(&memory, 7 * DAY, [1, 1, 1]);
    check(&memory, 7 * DAY + 1, [0, 0, 1]);
    let downgraded = cycle(DAY, &[(person(1, Some(Role::EndUser), DAY), &[1])]);
    taught(&mut memory, downgraded);
    check(&memory, 7 * DAY + 1, [1, 0, 1]);
}

/// Staff with session 1 in the first cycle; in the second, ten minutes later, it is not listed.
fn without_session(change: impl Fn(&mut Snapshot)) -> (Memory, Option<Timestamp>) {
    let mut memory = Memory::default();
    let staff = person(1, Some(Role::Agent), 0);
    taught(&mut memory, cycle(0, &[(staff.clone(), &[1, 2])]));
    let mut second = cycle(10, &[(staff, &[2])]);
    change(&mut second);
    taught(&mut memory, second);
    let gone = memory.sessions[&SessionId(1)].gone_at;
    (memory, gone)
}

#[test]
fn a_session_is_gone_only_by_a_complete_listing() {
    let partial = || Completeness::Partial("cut".to_owned());
    let cut = |number: u64| {
        move |snapshot: &mut Snapshot| {
            snapshot.scope = Scope::Staff;
            snapshot.cut.insert(user(number), "cut".to_owned());
        }
    };
    assert_eq!(without_session(|_| ()).1, Some(after(10)));
    assert_eq!(without_session(|snapshot| snapshot.scope = Scope::Staff).1, Some(after(10)));
    assert_eq!(without_session(|snapshot| snapshot.listing = partial()).1, None);
    assert_eq!(without_session(cut(1)).1, None);
    assert_eq!(without_session(cut(2)).1, Some(after(10)), "somebody else's listing was cut");
    assert_eq!(without_session(|snapshot| snapshot.clocks.trusted = false).1, None);
}

#[test]
fn a_session_that_ended_is_forgotten_after_a_day_and_lives_again_if_it_is_listed() {
    let staff = |at| person(1, Some(Role::Agent), at);
    let (mut memory, _) = without_session(|_| ());
    taught(&mut memory, cycle(10 + DAY, &[(staff(DAY), &[2])]));
    assert_eq!(memory.sessions[&SessionId(1)].gone_at, Some(after(10)));
    let mut forgetting = memory.clone();
    taught(&mut forgetting, cycle(11 + DAY, &[(staff(DAY), &[2])]));
    assert!(!forgetting.sessions.contains_key(&SessionId(1)));
    taught(&mut memory, cycle(11 + DAY, &[(staff(DAY), &[1, 2])]));
    assert_eq!(memory.sessions[&SessionId(1)].gone_at, None);
}

#[test]
fn sessions_of_customers_are_not_kept_and_those_of_lost_staff_are() {
    let mut memory = Memory::default();
    taught(&mut memory, cycle(0, &[(person(1, Some(Role::Agent), 0), &[]), (person(2, Some(Role::EndUser), 0), &[2])]));
    taught(&mut memory, cycle(5, &[(person(1, Some(Role::EndUser), 5), &[1])]));
    assert_eq!(memory.sessions.keys().copied().collect::<Vec<_>>(), [SessionId(1)]);
}

#[test]
fn people_are_forgotten_ninety_days_after_they_were_last_of_interest() {
    let check = |role: Role, sessions: &[u64], at: i64, is_kept: bool| {
        let mut memory = Memory::default();
        taught(&mut memory, cycle(0, &[(person(1, Some(role), 0), sessions)]));
        let (traces, remembered) = (memory.people[&user(1)].traces.clone(), memory.people[&user(1)].session_at);
        taught(&mut memory, cycle(at, &[]));
        let what = format!("{role:?}, {remembered:?}, {traces:?}, after {at} minutes");
        assert_eq!(memory.people.contains_key(&user(1)), is_kept, "{what}");
    };
    for (role, sessions) in [(Role::EndUser, &[1][..]), (Role::EndUser, &[]), (Role::Agent, &[1]), (Role::Admin, &[])] {
        check(role, sessions, 90 * DAY, true);
        check(role, sessions, 90 * DAY + 1, false);
    }
}

/// What happens to one person, cycle by cycle: minutes since the last one, role, deleted, suspended, whether a session
/// is listed, whether clocks agree.
type Step = (i64, Option<Role>, Option<bool>, Option<bool>, bool, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let role = prop_oneof![Just(None), Just(Some(Role::EndUser)), Just(Some(Role::Agent)), Just(Some(Role::Admin))];
    let truth = || proptest::option::of(any::<bool>());
    let minutes = prop_oneof![1..HOUR, HOUR..DAY, DAY..60 * DAY];
    let step = (minutes, role, truth(), truth(), any::<bool>(), proptest::bool::weighted(0.8));
    proptest::collection::vec(step, 1..20)
}

proptest! {
    /// The same said naively, over the whole history at once.
    #[test]
    fn what_is_remembered_of_a_person_is_what_their_history_says(steps in steps()) {
        let mut memory = Memory::default();
        let mut now = 0;
        let mut told: Vec<(i64, Step)> = Vec::new();
        for step in steps {
            now += step.0;
            let mut one = person(1, step.1, now);
            (one.deleted, one.suspended) = (step.2, step.3);
            let mut snapshot = cycle(now, &[(one, if step.4 { &[1] } else { &[] })]);
            snapshot.clocks.trusted = step.5;
            taught(&mut memory, snapshot);
            if step.5 {
                told.push((now, step));
            }
            let Some(known) = memory.people.get(&user(1)) else { prop_assert!(told.is_empty()); continue };
            let traces = known.traces.as_deref().copied().unwrap_or_default();
            prop_assert_eq!(traces.suspended_since, since(&told, |step| step.3).map(after));
            prop_assert_eq!(traces.deleted_since, since(&told, |step| step.2).map(after));
            near(traces.admin_at, last(&told, |step| step.1 == Some(Role::Admin)))?;
            near(traces.agent_at, last(&told, |step| step.1 == Some(Role::Agent)))?;
            near(known.session_at, last(&told, |step| step.4))?;
            let role = told.iter().rev().find_map(|(_, step)| step.1);
            let is_lost = traces.staff_lost_since.is_some() && traces.staff_role(after(now)).is_some();
            prop_assert!(!is_lost || role == Some(Role::EndUser));
        }
    }

    /// A lesson holds what is different and nothing else: learned a second time it is empty.
    #[test]
    fn the_same_cycle_twice_teaches_once(steps in steps()) {
        let mut memory = Memory::default();
        let mut now = 0;
        for step in steps {
            now += step.0;
            let snapshot = cycle(now, &[(person(1, step.1, now), if step.4 { &[1] } else { &[] })]);
            taught(&mut memory, snapshot.clone());
            prop_assert_eq!(learn(&memory, &mut snapshot.clone(), &Fresh::new()), Lesson::default());
        }
    }
}

/// When the sign that holds now began to hold: a null leaves it as it was.
fn since(told: &[(i64, Step)], sign: fn(&Step) -> Option<bool>) -> Option<i64> {
    let said: Vec<(i64, bool)> = told.iter().filter_map(|(at, step)| Some((*at, sign(step)?))).collect();
    let run = said.iter().rev().take_while(|(_, is)| *is);
    run.last().map(|(at, _)| *at)
}

fn last(told: &[(i64, Step)], is: impl Fn(&Step) -> bool) -> Option<i64> {
    told.iter().rev().find(|(_, step)| is(step)).map(|(at, _)| *at)
}

/// Instants that only say *lately* lag by less than six hours.
fn near(kept: Option<Timestamp>, truth: Option<i64>) -> Result<(), TestCaseError> {
    prop_assert_eq!(kept.is_some(), truth.is_some());
    if let (Some(kept), Some(truth)) = (kept, truth) {
        let lag = kept.duration_until(after(truth));
        prop_assert!(SignedDuration::ZERO <= lag && lag < SignedDuration::from_hours(6), "{lag:?}");
    }
    Ok(())
}
