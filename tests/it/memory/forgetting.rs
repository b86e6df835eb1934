//! What is forgotten in time, by whole cycles: a staff role after ninety days, people after the same, sessions after a
//! day. And what is never learned while clocks disagree.

use evictd::clock::Clock as _;
use evictd::model::{Role, Stratum};
use jiff::SignedDuration;

use super::{Firm, Process, Size};
use crate::enforcement::{session, user};

const DAY: u64 = 24 * 60;

async fn sweep(firm: &Firm, process: &mut Process) -> evictd::cycle::Cycle {
    process.cycle(&firm.stage, firm.list()).await.unwrap()
}

fn sessions_of(firm: &Firm, person: u64) -> usize {
    firm.change(|world| world.sessions_of(user(person)).count())
}

/// Signed in as a customer so many days after the staff role was last seen: whether the session ends.
async fn check(scope: &str, days: u64, ends: bool) {
    let mut firm = Firm::new(1, scope, Size { staff: 6, customers: 3 });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.sqlite");
    let mut process = Process::with_file(&firm.stage, &file);
    sweep(&firm, &mut process).await;
    firm.change(|world| world.sign_out(user(2)));
    firm.leaves(2, "downgraded");
    for day in (0..days).step_by(10) {
        firm.stage.wait(DAY * (days - day).min(10));
        sweep(&firm, &mut process).await;
    }
    process = process.restarted(&firm.stage, &file);
    firm.signs_in(2);
    let cycle = sweep(&firm, &mut process).await;
    assert_eq!(sessions_of(&firm, 2) == 0, ends, "scope {scope}, {days} days");
    let is_looked_at = cycle.snapshot.people.contains_key(&user(2));
    assert_eq!(is_looked_at, ends || scope == "everyone", "scope {scope}, {days} days");
    if is_looked_at {
        let stratum = if ends { Stratum::Agents } else { Stratum::EndUsers };
        assert_eq!(cycle.snapshot.stratum_of(user(2)), stratum, "scope {scope}, {days} days");
    }
}

#[tokio::test]
async fn a_downgraded_person_is_known_as_staff_for_ninety_days_and_not_on_the_ninety_first() {
    for scope in ["staff", "everyone"] {
        check(scope, 1, true).await;
        check(scope, 89, true).await;
        check(scope, 91, false).await;
    }
}

#[tokio::test]
async fn people_and_sessions_of_long_ago_are_no_longer_kept() {
    let mut firm = Firm::new(2, "staff", Size { staff: 6, customers: 0 });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.sqlite");
    let mut process = Process::with_file(&firm.stage, &file);
    sweep(&firm, &mut process).await;
    firm.leaves(2, "downgraded");
    firm.stage.wait(10);
    sweep(&firm, &mut process).await;
    firm.stage.wait(10);
    sweep(&firm, &mut process).await;
    let gone = process.memory.sessions.values().filter(|known| known.gone_at.is_some()).count();
    assert!(gone > 0 && process.memory.sessions.values().all(|known| known.user != user(2) || known.gone_at.is_some()));
    firm.stage.wait(2 * DAY);
    sweep(&firm, &mut process).await;
    assert!(process.memory.sessions.values().all(|known| known.user != user(2)), "a day is enough");
    assert!(process.memory.people.contains_key(&user(2)));
    for _ in 0..19 {
        firm.stage.wait(5 * DAY);
        sweep(&firm, &mut process).await;
    }
    assert!(!process.memory.people.contains_key(&user(2)), "nobody remembers them");
    assert!(process.memory.people.contains_key(&user(3)));
    process.restarted(&firm.stage, &file);
}

/// A host whose clock is ten minutes off sees everybody, remembers nothing and ends nothing.
#[tokio::test]
async fn while_clocks_disagree_nothing_is_learned_and_nobody_goes() {
    let mut firm = Firm::new(3, "staff", Size { staff: 6, customers: 3 });
    let mut process = firm.process();
    sweep(&firm, &mut process).await;
    let clock = std::sync::Arc::clone(&firm.stage.clock);
    let off = |minutes: i64| clock.set(clock.now() + SignedDuration::from_mins(minutes));
    firm.stage.simulator.set_now(firm.stage.now());
    off(10);
    let before = process.memory.clone();
    firm.leaves(2, "downgraded");
    firm.leaves(3, "suspended");
    firm.change(|world| world.promote(user(1_001), Role::Agent));
    let cycle = sweep(&firm, &mut process).await;
    assert!(!cycle.snapshot.clocks.trusted);
    assert_eq!(before, process.memory);
    assert!(sessions_of(&firm, 2) > 0 && sessions_of(&firm, 3) > 0, "nothing is revoked");
    let withheld: Vec<_> = cycle.report.withheld.iter().map(|row| (row.user, row.belt.as_str())).collect();
    assert!(!withheld.is_empty() && withheld.iter().all(|row| *row == (user(3), "clock")), "{withheld:?}");
    off(-10);
    firm.stage.wait(3);
    let cycle = sweep(&firm, &mut process).await;
    assert!(cycle.snapshot.clocks.trusted);
    assert_eq!((sessions_of(&firm, 2), sessions_of(&firm, 3)), (0, 0));
    assert!(process.memory.people.contains_key(&user(1_001)));
}

/// A listing that was cut tells nothing of what has ended.
#[tokio::test]
async fn a_session_is_gone_once_a_whole_listing_of_its_person_no_longer_has_it() {
    use evictd::simulator::{Effect, Script};
    let firm = Firm::new(4, "staff", Size { staff: 3, customers: 0 });
    let mut process = firm.process();
    sweep(&firm, &mut process).await;
    let ended = *process.memory.sessions.iter().find(|(_, known)| known.user == user(2)).unwrap().0;
    let is_gone = |process: &Process| process.memory.sessions[&ended].gone_at.is_some();
    firm.change(|world| world.sessions.remove(&session(ended.0)));
    let path = "/api/v2/users/{id}/sessions";
    let cut = Script::on(evictd::zendesk::Method::Get, path, Effect::Cut).after(1).times(u32::MAX);
    firm.stage.script(cut);
    firm.stage.wait(5);
    assert!(!sweep(&firm, &mut process).await.report.complete);
    assert!(!is_gone(&process), "its listing was cut");
    firm.stage.simulator.forget_scripts();
    firm.stage.wait(5);
    assert!(sweep(&firm, &mut process).await.report.complete);
    assert!(is_gone(&process));
}
