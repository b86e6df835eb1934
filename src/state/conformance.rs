//! What every implementation of `State` must do, as one suite: what is loaded is what `Memory::learn` says.
//!
//! The lessons are random, and reach for what breaks stores: ids of 64 bits, instants of every year and to the
//! nanosecond, texts with zeros and quotes in them, the same person kept and forgotten at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::State;
use crate::model::{
    AccountName, Act, Basis, Foreign, Habit, Haunt, HauntKey, HauntLesson, Input, KnownSession, Lesson, ListMemory,
    LogLesson, LogPlace, Memory, Person, Remembered, Role, RoleType, RowMemory, RuleId, Run, SHARES_MAX, SeenKey,
    SessionId, Share, Stratum, Traces, UserId, UsersCursor, Watched,
};

const CASES: u32 = 32;

/// Runs the suite; `fresh` gives a state without anything in it.
pub(super) fn check<S: State>(fresh: impl Fn() -> S) {
    nothing_is_known_of_an_account_before_its_first_lesson(fresh());
    only_the_last_shares_are_kept(fresh());
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let lessons = vec((any::<bool>(), lesson()), 1..6);
    TestRunner::new_with_rng(config, rng)
        .run(&lessons, |lessons| what_is_loaded_was_learned(fresh(), lessons))
        .unwrap();
}

fn account(name: &str) -> AccountName {
    AccountName::new(name)
}

fn nothing_is_known_of_an_account_before_its_first_lesson(mut state: impl State) {
    assert_eq!(state.load(&account("acme")).unwrap(), Memory::default());
    state.save(&account("acme"), &Lesson::default()).unwrap();
    assert_eq!(state.load(&account("acme")).unwrap(), Memory::default());
    assert_eq!(state.load(&account("")).unwrap(), Memory::default());
}

fn only_the_last_shares_are_kept(mut state: impl State) {
    let (acme, watched) = (account("acme"), Watched::Source("okta".into()));
    let mut memory = Memory::default();
    for thousandths in 0..u16::try_from(SHARES_MAX).unwrap() + 3 {
        let share = Share { at: Timestamp::UNIX_EPOCH, thousandths };
        let lesson = Lesson { shares: BTreeMap::from([(watched.clone(), share)]), ..Lesson::default() };
        state.save(&acme, &lesson).unwrap();
        memory.learn(lesson);
    }
    let loaded = state.load(&acme).unwrap();
    assert_eq!(loaded.shares[&watched].first().unwrap().thousandths, 3);
    assert_eq!(loaded, memory);
}

/// Lessons of two accounts in turn: each has its own, whatever the other learns.
fn what_is_loaded_was_learned(mut state: impl State, lessons: Vec<(bool, Lesson)>) -> Result<(), TestCaseError> {
    let accounts = [account("acme"), account("acme-2")];
    let mut memories = [Memory::default(), Memory::default()];
    for (second, lesson) in lessons {
        let one = usize::from(second);
        state.save(&accounts[one], &lesson).unwrap();
        memories[one].learn(lesson);
        for (account, memory) in accounts.iter().zip(&memories) {
            prop_assert_eq!(&state.load(account).unwrap(), memory);
        }
    }
    Ok(())
}

fn instant() -> impl Strategy<Value = Timestamp> {
    let all = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    let seconds = (1_700_000_000..1_900_000_000_i64).prop_map(|second| Timestamp::from_second(second).unwrap());
    let near = any::<i64>().prop_map(|nanosecond| Timestamp::from_nanosecond(i128::from(nanosecond)).unwrap());
    let ends = select(vec![Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH]);
    prop_oneof![6 => seconds, 1 => near, 1 => all.prop_map(|at| Timestamp::from_nanosecond(at).unwrap()), 1 => ends]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 1..6_u64, 1 => 1..=u64::MAX, 1 => select(vec![1 << 63, (1 << 63) - 1, u64::MAX])]
}

fn user() -> impl Strategy<Value = UserId> {
    number().prop_map(|number| UserId::new(number).unwrap())
}

fn session() -> impl Strategy<Value = SessionId> {
    prop_oneof![number(), Just(0)].prop_map(SessionId)
}

fn text() -> impl Strategy<Value = String> {
    let nasty = ["", "\0", "a\0b", "'; DROP TABLE person; --", "\"]", "null", "Zoë \u{202e}x", "1e400", " "];
    prop_oneof![3 => "[a-z]{1,4}", 1 => any::<String>(), 1 => select(nasty.map(str::to_owned).to_vec())]
}

fn foreign() -> impl Strategy<Value = Foreign> {
    text().prop_map(Foreign::new)
}

prop_compose! {
    fn person()(
        (seen, name, email, external_id) in (instant(), foreign(), of(foreign()), of(foreign())),
        (role, role_type) in (of(select(Role::ALL)), of(select(RoleType::ALL))),
        (custom_role_id, organization_id) in (of(number()), of(number())),
        (deleted, suspended, two_factor) in (any::<Option<bool>>(), any::<Option<bool>>(), any::<Option<bool>>()),
        (verified, chat_only) in (any::<Option<bool>>(), any::<Option<bool>>()),
        tags in vec(foreign(), 0..3),
    ) -> Person {
        let id = UserId::new(1).unwrap();
        Person {
            id, seen, name, email, role, role_type, custom_role_id, deleted, suspended, two_factor, verified, chat_only,
            tags, organization_id, external_id,
        }
    }
}

prop_compose! {
    fn traces()(at in [of(instant()), of(instant()), of(instant()), of(instant()), of(instant())]) -> Traces {
        let [admin_at, agent_at, deleted_since, suspended_since, staff_lost_since] = at;
        Traces { admin_at, agent_at, deleted_since, suspended_since, staff_lost_since }
    }
}

fn people() -> impl Strategy<Value = BTreeMap<UserId, Remembered>> {
    btree_map(user(), (person(), of(instant()), of(traces())), 0..4).prop_map(|people| {
        let remembered = |(id, (person, session_at, traces)): (UserId, (Person, _, Option<Traces>))| {
            (id, Remembered { person: Arc::new(Person { id, ..person }), session_at, traces: traces.map(Box::new) })
        };
        people.into_iter().map(remembered).collect()
    })
}

prop_compose! {
    fn known_session()(user in user(), at in [of(instant()), of(instant()), of(instant())]) -> KnownSession {
        let [authenticated_at, last_seen_at, gone_at] = at;
        KnownSession { user, authenticated_at, last_seen_at, gone_at }
    }
}

prop_compose! {
    fn list()(
        (digest, taken_at, accepted_at) in (text(), instant(), of(instant())),
        grown in btree_map(instant(), any::<u32>(), 0..3),
        rows in btree_map(text(), (instant(), any::<bool>(), of(user()), of(instant()), of(instant())), 0..4),
    ) -> ListMemory {
        let row = |(first_seen, pending, user, asked_at, since)| RowMemory { first_seen, pending, user, asked_at, since };
        let rows = rows.into_iter().map(|(key, told)| (key, row(told))).collect();
        ListMemory { digest, taken_at, rows, grown, accepted_at }
    }
}

prop_compose! {
    fn seen_key()(
        (user, act, time) in (user(), select(Act::ALL), any::<i64>()),
        (address, agent) in (of(any::<std::net::IpAddr>()), of(text())),
    ) -> SeenKey {
        SeenKey { user, act, time, address, agent: agent.map(Into::into) }
    }
}

prop_compose! {
    fn log()(
        place in of((instant(), instant(), any::<i64>(), of(text()))),
        seen in btree_map(seen_key(), (instant(), instant()), 0..4),
        forgotten in vec(seen_key(), 0..3),
    ) -> LogLesson {
        let place = place.map(|(since, as_of, skew, file)| {
            LogPlace { since, as_of, skew: SignedDuration::from_nanos(skew), file }
        });
        let seen = seen.into_iter().map(|(key, (first, last))| (key, (first.into(), last.into()))).collect();
        LogLesson { place, seen, forgotten }
    }
}

fn habit_key() -> impl Strategy<Value = (RuleId, Stratum)> {
    (text().prop_map(RuleId::new), select(Stratum::ALL))
}

prop_compose! {
    fn habit()(
        runs in vec((any::<u32>(), any::<u32>(), any::<u32>()), 0..3),
        claimed in btree_set(user(), 0..3),
    ) -> Habit {
        let basis = |digest: u32| Basis::default().with(Input::Places, &format!("{digest:08x}"));
        let run = |(new_people, digest, times)| Run { new_people, basis: basis(digest), times };
        Habit { runs: runs.into_iter().map(run).collect(), claimed }
    }
}

fn watched() -> impl Strategy<Value = Watched> {
    (select(Watched::KINDS), text()).prop_map(|(kind, name)| Watched::from_words(kind, &name).unwrap())
}

fn share() -> impl Strategy<Value = Share> {
    (instant(), any::<u16>()).prop_map(|(at, thousandths)| Share { at, thousandths })
}

prop_compose! {
    fn haunt_key()(user in user(), act in select(Act::ALL), address in of(any::<std::net::IpAddr>())) -> HauntKey {
        HauntKey { user, act, address }
    }
}

fn haunts() -> impl Strategy<Value = HauntLesson> {
    let haunt = (instant(), instant(), any::<u32>()).prop_map(|(first, last, days)| Haunt { first, last, days });
    (of(instant()), btree_map(haunt_key(), haunt, 0..4), vec(haunt_key(), 0..3))
        .prop_map(|(since, seen, forgotten)| HauntLesson { since, seen, forgotten })
}

prop_compose! {
    /// A lesson of anything.
    pub(super) fn lesson()(
        (people, people_gone) in (people(), vec(user(), 0..3)),
        (sessions, sessions_gone) in (btree_map(session(), known_session(), 0..4), vec(session(), 0..3)),
        users in of((text(), instant()).prop_map(|(cursor, as_of)| UsersCursor { cursor, as_of })),
        lists in btree_map(text(), list(), 0..3),
        logs in btree_map(text().prop_map(Into::into), log(), 0..3),
        (habits, habits_gone) in (btree_map(habit_key(), habit(), 0..3), vec(habit_key(), 0..3)),
        (shares, haunts) in (btree_map(watched(), share(), 0..3), haunts()),
    ) -> Lesson {
        Lesson {
            people, people_gone, sessions, sessions_gone, users, lists, logs, habits, habits_gone, shares, haunts,
        }
    }
}
