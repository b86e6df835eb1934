//! Leavers are found however the stream of changes and the question who is staff fare, and what a lost memory costs.

use std::collections::BTreeSet;
use std::time::Duration;

use evictd::model::{Memory, Role};
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::{By, Firm, Row, Size};
use crate::enforcement::user;

const STREAM: &str = "/api/v2/incremental/users/cursor";
const ROLL: &str = "/api/v2/users";

/// What is wrong with one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    StreamRefused,
    StreamFailing,
    StreamOfHtml,
    StreamCut,
    StreamUnreachable,
    StreamSlow,
    /// Zendesk leaves deleted people out of it.
    StreamWithoutDeleted,
    RollFailing,
    RollCut,
    StreamAndRollFailing,
}

const ALL: [Trouble; 10] = [
    Trouble::StreamRefused,
    Trouble::StreamFailing,
    Trouble::StreamOfHtml,
    Trouble::StreamCut,
    Trouble::StreamUnreachable,
    Trouble::StreamSlow,
    Trouble::StreamWithoutDeleted,
    Trouble::RollFailing,
    Trouble::RollCut,
    Trouble::StreamAndRollFailing,
];

impl Trouble {
    fn begins(self, firm: &Firm) {
        let stage = &firm.stage;
        let on = |route: &str, effect: Effect| {
            stage.script(Script::on(Method::Get, route, effect).times(u32::MAX));
        };
        match self {
            Self::StreamRefused => on(STREAM, Effect::Status(403)),
            Self::StreamFailing => on(STREAM, Effect::Status(500)),
            Self::StreamOfHtml => on(STREAM, Effect::Html(403)),
            Self::StreamCut => on(STREAM, Effect::Cut),
            Self::StreamUnreachable => on(STREAM, Effect::Unreachable),
            Self::StreamSlow => on(STREAM, Effect::Slow(Duration::from_secs(50))),
            Self::StreamWithoutDeleted => leave_out_deleted(firm),
            Self::RollFailing => on(ROLL, Effect::Status(500)),
            Self::RollCut => on(ROLL, Effect::Cut),
            Self::StreamAndRollFailing => {
                on(STREAM, Effect::Status(502));
                on(ROLL, Effect::Status(503));
            }
        }
    }

    fn is_of_roll(self) -> bool {
        matches!(self, Self::RollFailing | Self::RollCut | Self::StreamAndRollFailing)
    }
}

/// What the stream tells of people no longer has those who are deleted.
fn leave_out_deleted(firm: &Firm) {
    *firm.stage.wire().edit.lock().unwrap() = Some(Box::new(|path, answer| {
        if !path.starts_with(STREAM) {
            return;
        }
        let mut page: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        page["users"].as_array_mut().unwrap().retain(|row| row["active"] == true);
        answer.body = serde_json::to_vec(&page).unwrap();
    }));
}

fn all_is_well_again(firm: &Firm) {
    firm.stage.simulator.forget_scripts();
    *firm.stage.wire().edit.lock().unwrap() = None;
}

/// Staff leave and come back; of customers, some are listed. (A customer whose record changes while nothing tells of it
/// is found within a day: their records are trusted that long.)
fn staff_moves(firm: &mut Firm, staff: u64) {
    let ways = ["downgraded", "suspended", "deleted", "downgraded, suspended", "listed always", "listed past"];
    for person in 1..=staff {
        if firm.rng.u32(..100) < 45 {
            let how = ways[firm.rng.usize(..ways.len())];
            firm.leaves(person, how);
            if firm.rng.u32(..100) < 25 {
                firm.comes_back(person);
            }
        }
    }
    for customer in 1_001..1_020 {
        if firm.rng.u32(..100) < 20 {
            firm.leaves(customer, "listed past");
        }
    }
}

async fn check(scope: &str, trouble: Trouble, seed: u64) -> BTreeSet<String> {
    let staff = 20 + seed * 11 % 41;
    let mut firm = Firm::new(seed, scope, Size { staff, customers: 60 });
    let mut process = firm.process();
    firm.cycle(&mut process).await;
    staff_moves(&mut firm, staff);
    firm.stage.wait(25);
    let asked_before = firm.stage.requests(Method::Get).len();
    trouble.begins(&firm);
    let cycle = firm.cycle(&mut process).await;
    let asked = firm.stage.requests(Method::Get).split_off(asked_before);
    assert!(asked.iter().any(|path| path == STREAM), "{trouble:?}");
    let is_staff = scope == "staff";
    assert_eq!(asked.iter().any(|path| path == ROLL), is_staff, "{trouble:?}");
    let is_told = is_staff && trouble.is_of_roll();
    assert_eq!(cycle.report.complete, !is_told, "{trouble:?}, seed {seed}: {:?}", cycle.report.warnings);
    all_is_well_again(&firm);
    firm.stage.wait(25);
    let cycle = firm.cycle(&mut process).await;
    assert!(cycle.report.complete && cycle.report.revoke.is_empty(), "{trouble:?}, seed {seed}");
    firm.check_trail();
    firm.told
}

#[tokio::test]
async fn all_leavers_among_staff_are_found_however_the_stream_and_the_roll_fare() {
    for trouble in ALL {
        let mut told = BTreeSet::new();
        for seed in 0..4 {
            told.extend(check("staff", trouble, 100 + seed).await);
        }
        for wanted in ["downgraded: ended", "deleted: ended", "suspended: ended", "given the role back: stays"] {
            assert!(told.contains(wanted), "{trouble:?}: {wanted}: {told:?}");
        }
    }
}

/// A fault on the second page: whoever stands there is known from before.
#[tokio::test]
async fn a_roll_that_is_cut_half_way_hides_nobody_who_was_seen_before() {
    for seed in 0..2 {
        let mut firm = Firm::new(seed, "staff", Size { staff: 130, customers: 20 });
        let mut process = firm.process();
        firm.cycle(&mut process).await;
        staff_moves(&mut firm, 130);
        firm.stage.wait(25);
        firm.stage.script(Script::on(Method::Get, ROLL, Effect::Status(500)).after(1).times(u32::MAX));
        let cycle = firm.cycle(&mut process).await;
        assert!(!cycle.report.complete, "seed {seed}");
        firm.check_trail();
    }
}

/// Over everyone nobody asks who is staff: staff are known from before, and read anew whenever changes may be missed.
#[tokio::test]
async fn over_everyone_a_broken_stream_hides_nobody_of_staff_either() {
    for trouble in ALL.into_iter().filter(|trouble| *trouble != Trouble::StreamWithoutDeleted) {
        for seed in 0..2 {
            check("everyone", trouble, 300 + seed).await;
        }
    }
}

/// A stream that leaves deleted people out: over staff the roll call tells of them, over everyone a record of staff is
/// read anew a day after it was.
#[tokio::test]
async fn deleted_staff_whom_the_stream_leaves_out_are_found_at_once_or_within_a_day() {
    for (scope, found_at_once) in [("staff", true), ("everyone", false)] {
        let mut firm = Firm::new(3, scope, Size { staff: 10, customers: 5 });
        let mut process = firm.process();
        firm.cycle(&mut process).await;
        leave_out_deleted(&firm);
        firm.leaves(4, "deleted");
        firm.leaves(5, "suspended");
        let sessions_of = |firm: &Firm, person| firm.change(|world| world.sessions_of(user(person)).count());
        for minutes in [60, 660, 660] {
            firm.stage.wait(minutes);
            process.cycle(&firm.stage, firm.list()).await.unwrap();
            assert_eq!(sessions_of(&firm, 5), 0, "{scope}");
            assert_eq!(sessions_of(&firm, 4) == 0, found_at_once, "{scope}");
        }
        firm.stage.wait(61);
        process.cycle(&firm.stage, firm.list()).await.unwrap();
        assert_eq!(sessions_of(&firm, 4), 0, "{scope}: a day is over");
    }
}

/// The stream goes on where it was last read to its end, however long it was broken: that long, a customer's record was
/// taken for what it was.
#[tokio::test]
async fn what_happened_while_the_stream_was_broken_is_told_once_it_flows_again() {
    for broken_at_first in [true, false] {
        let mut firm = Firm::new(5, "everyone", Size { staff: 8, customers: 40 });
        let mut process = firm.process();
        process.cycle(&firm.stage, firm.list()).await.unwrap();
        if !broken_at_first {
            firm.stage.wait(10);
            process.cycle(&firm.stage, firm.list()).await.unwrap();
        }
        let customer =
            firm.change(|world| world.sessions.values().find_map(|row| row.user.filter(|id| id.get() > 1_000)));
        let customer = customer.unwrap().get();
        let is_in = |firm: &Firm| firm.change(|world| world.sessions_of(user(customer)).next().is_some());
        firm.leaves(customer, "suspended");
        Trouble::StreamRefused.begins(&firm);
        for _ in 0..3 {
            firm.stage.wait(10);
            process.cycle(&firm.stage, firm.list()).await.unwrap();
        }
        assert!(is_in(&firm), "nobody told");
        all_is_well_again(&firm);
        firm.stage.wait(10);
        process.cycle(&firm.stage, firm.list()).await.unwrap();
        assert!(!is_in(&firm), "broken at first: {broken_at_first}");
    }
}

/// The stream never serves its last minute, the roll call does.
#[tokio::test]
async fn a_change_of_the_last_minute_is_found_at_once() {
    let mut firm = Firm::new(1, "staff", Size { staff: 8, customers: 3 });
    let mut process = firm.process();
    firm.cycle(&mut process).await;
    firm.stage.wait(10);
    for (person, how) in [(2, "downgraded"), (3, "suspended"), (4, "deleted")] {
        firm.leaves(person, how);
    }
    firm.cycle(&mut process).await;
    for person in [2, 3, 4] {
        assert_eq!(firm.change(|world| world.sessions_of(user(person)).count()), 0, "person {person}");
    }
}

/// Without memory a downgraded person is a customer like any other, and a deleted one is on no roll: only suspended
/// staff, who are, and whoever is listed by a name that Zendesk still finds, are known to have left.
#[tokio::test]
async fn a_lost_memory_costs_those_whom_only_it_knew_and_nobody_else() {
    let mut told = BTreeSet::new();
    for seed in 0..16 {
        let staff = 20 + seed * 13 % 41;
        let scope = if seed % 4 == 3 { "everyone" } else { "staff" };
        let mut firm = Firm::new(seed, scope, Size { staff, customers: 60 });
        for person in 1..=staff {
            if firm.rng.u32(..100) < 20 {
                firm.leaves(person, "listed ahead");
            }
        }
        let mut process = firm.process();
        firm.cycle(&mut process).await;
        for person in 1..=staff {
            let how = ["downgraded", "suspended", "deleted", "downgraded, suspended", "stays", "stays"];
            let how = how[firm.rng.usize(..how.len())];
            let listed = firm.rows.iter().any(|row| row.of == person);
            if how != "stays" {
                firm.leaves(person, how);
                let by = firm.rows.iter().find(|row| row.of == person).map(|row| row.by);
                firm.events.insert(person, format!("{how}, listed {by:?}"));
            } else if listed {
                firm.events.insert(person, "only listed".to_owned());
            }
        }
        firm.stage.wait(40 * 60);
        process.memory = Memory::default();
        firm.is_forgotten();
        firm.cycle(&mut process).await;
        // Whoever is staff is remembered again from here on.
        firm.change(|world| world.promote(user(1), Role::Agent));
        firm.comes_back(1);
        firm.stage.wait(3);
        firm.cycle(&mut process).await;
        firm.leaves(1, "downgraded");
        firm.stage.wait(3);
        firm.cycle(&mut process).await;
        firm.check_trail();
        if scope == "staff" {
            told.extend(firm.told);
        }
    }
    for wanted in [
        "downgraded, listed None: stays",
        "deleted, listed None: stays",
        "downgraded, suspended, listed None: stays",
        "suspended, listed None: ended",
        "downgraded, listed Some(Email): ended",
        "deleted, listed Some(Email): stays",
        "deleted, listed Some(Id): ended",
        "deleted, listed Some(ExternalId): ended",
        "only listed: ended",
        "downgraded: ended",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told:#?}");
    }
}

/// A row once matched means the person it matched, whoever has the address by now.
#[tokio::test]
async fn the_address_of_somebody_listed_does_not_follow_who_is_hired_under_it() {
    for scope in ["staff", "everyone"] {
        let mut firm = Firm::new(8, scope, Size { staff: 8, customers: 4 });
        let mut process = firm.process();
        firm.rows.push(Row::of(2, By::Email, "always", firm.stage.now()));
        firm.cycle(&mut process).await;
        assert_eq!(firm.change(|world| world.sessions_of(user(2)).count()), 0);
        firm.leaves(2, "deleted");
        firm.stage.wait(5);
        firm.cycle(&mut process).await;
        firm.comes_back_as_twin(2);
        firm.stage.wait(5);
        firm.cycle(&mut process).await;
        assert!(firm.told.contains("hired under a new id: stays"), "{scope}: {:?}", firm.told);
    }
}

/// Listed, deleted and hired again under another id, all between two cycles: the address is that of two, and means
/// neither. Who was deleted goes for that alone.
#[tokio::test]
async fn an_address_that_two_have_means_neither() {
    for (scope, trouble) in [("staff", None), ("everyone", None), ("everyone", Some(Trouble::StreamRefused))] {
        let mut firm = Firm::new(9, scope, Size { staff: 8, customers: 4 });
        let mut process = firm.process();
        firm.cycle(&mut process).await;
        firm.rows.push(Row::of(2, By::Email, "past", firm.stage.now()));
        firm.leaves(2, "deleted");
        firm.comes_back_as_twin(2);
        firm.stage.wait(5);
        if let Some(trouble) = trouble {
            trouble.begins(&firm);
        }
        let cycle = firm.cycle(&mut process).await;
        assert_eq!(cycle.snapshot.lists["hr"].ambiguous, usize::from(trouble.is_none()), "{scope}");
        assert!(firm.told.contains("hired under a new id: stays") && firm.told.contains("deleted: ended"), "{scope}");
        all_is_well_again(&firm);
        firm.stage.wait(5);
        firm.cycle(&mut process).await;
    }
}
