//! A human stops it: a pause or a stop that comes between two calls ends nobody any more, and says whom it kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use evictd::address::Lists;
use evictd::chronicle::{Asked, Chronicle};
use evictd::clock::{Clock, Pending};
use evictd::cycle::{self, Books, Cycle, Halt, Setting};
use evictd::enforce::Brakes;
use evictd::files::read_pause;
use evictd::gather::Known;
use evictd::model::{CycleId, Memory, Pause, Role};
use evictd::record::Entry;
use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::acts::{LEFT, alter, tag};
use super::stage::{lines, told, withheld};
use super::{Cut, Handbrake, OLD, SHOW, Stage, WIDE, Wire};

type Pull = fn(&Handbrake);

const PULLS: [(Pull, &str); 2] = [
    (|brake| brake.paused.store(true, Ordering::Relaxed), "pause"),
    (|brake| brake.stopping.store(true, Ordering::Relaxed), "stopping"),
];

/// Pulls the brake right before that call is answered.
fn pull(stage: &Stage, pull: Pull, script: impl Fn(Effect) -> Script) {
    let brake = Arc::clone(&stage.brake);
    stage.script(script(alter(move |_| pull(&brake))));
}

fn withheld_records(stage: &Stage) -> Vec<(String, String)> {
    let records = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::Withheld(body) => Some((body.session, body.held.belt)),
        _ => None,
    });
    records.collect()
}

#[tokio::test]
async fn a_brake_between_two_calls_stops_the_next_delete_and_tells_the_rest() {
    for (how, belt) in PULLS {
        let stage = Stage::new(OLD, WIDE).with_old_sessions(5);
        pull(&stage, how, |effect| Script::on_method(Method::Delete, effect).after(1));
        let report = stage.apply().await.report;
        assert_eq!(told(&report), [(101, "revoked"), (102, "revoked")], "what was under way is finished: {belt}");
        assert_eq!(withheld(&report), [(103, "old", belt), (104, "old", belt), (105, "old", belt)]);
        assert_eq!(stage.deletes(), 2);
        let rest = ["103", "104", "105"].map(|session| (session.to_owned(), belt.to_owned()));
        assert_eq!(withheld_records(&stage), rest);
        assert_eq!(stage.simulator.calls()[&format!("GET {SHOW}")], 2, "who is kept is not read again either");
    }
}

#[tokio::test]
async fn a_brake_between_read_back_and_delete_stops_that_delete() {
    for (how, belt) in PULLS {
        let stage = Stage::new(OLD, WIDE).with_old_sessions(2);
        pull(&stage, how, |effect| Script::on(Method::Get, SHOW, effect));
        let report = stage.apply().await.report;
        assert_eq!(withheld(&report), [(101, "old", belt), (102, "old", belt)]);
        assert_eq!(stage.deletes(), 0);
        assert_eq!(withheld_records(&stage).len(), 2);
        assert!(stage.verified().iter().all(|line| line.kind != "revocation.intended"), "nothing was intended");
    }
}

#[tokio::test]
async fn a_brake_while_an_answer_is_missing_stops_the_second_request() {
    for (how, belt) in PULLS {
        let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
        stage.script(Script::on_method(Method::Delete, Effect::LoseRequest));
        pull(&stage, how, |effect| Script::on(Method::Get, SHOW, effect).after(1));
        assert_eq!(told(&stage.apply().await.report), [(101, "unclear")], "{belt}");
        assert_eq!(stage.deletes(), 1, "{belt}");
    }
}

#[tokio::test]
async fn a_brake_is_not_outwaited() {
    for (how, belt) in PULLS {
        let stage = Stage::new(OLD, WIDE).with_old_sessions(2);
        stage.script(Script::on_method(Method::Delete, Effect::RateLimit(60)));
        pull(&stage, how, |effect| Script::on_method(Method::Delete, effect));
        let report = stage.apply().await.report;
        assert_eq!((told(&report), stage.deletes()), (vec![(101, "unclear")], 1), "{belt}");
        assert_eq!(withheld(&report), [(102, "old", belt)]);
        assert_eq!(stage.losses(), []);
    }
}

#[tokio::test]
async fn evidence_that_grew_old_while_the_request_waited_ends_nothing() {
    for (seconds, outcome) in [(50, "revoked"), (70, "unclear")] {
        let stage = Stage::new(OLD, &format!("belts.evidence-age-max = \"1m\"\n{WIDE}")).with_old_sessions(1);
        stage.script(Script::on_method(Method::Delete, Effect::RateLimit(seconds)));
        assert_eq!(told(&stage.apply().await.report), [(101, outcome)], "{seconds} s");
        assert_eq!(stage.losses().len(), usize::from(outcome == "revoked"), "{seconds} s");
    }
}

#[tokio::test]
async fn a_wide_request_that_is_kept_back_keeps_all_that_it_would_have_ended() {
    for (how, belt) in PULLS {
        let stage = Stage::new(LEFT, WIDE);
        stage.person(1, Role::Agent).signs_in(101, 1, 11).signs_in(102, 1, 5);
        stage.simulator.world(|world| tag(world, 1, "left"));
        pull(&stage, how, |effect| Script::on(Method::Get, SHOW, effect));
        let report = stage.apply().await.report;
        assert_eq!(withheld(&report), [(101, "left", belt), (101, "old", belt), (102, "left", belt)]);
        let records = [("101", belt), ("101", belt), ("102", belt)];
        assert_eq!(withheld_records(&stage), records.map(|(id, belt)| (id.to_owned(), belt.to_owned())));
        assert_eq!(stage.deletes(), 0);
    }
}

/// Asked to stop once Zendesk no longer answers.
struct Impatient(Arc<Wire>);

impl Brakes for Impatient {
    fn pause(&self) -> Option<Pause> {
        None
    }

    fn stop(&self) -> bool {
        false
    }

    fn stopping(&self) -> Pending<'_, ()> {
        Box::pin(self.0.crashed.notified())
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_what_only_reads() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    // The token, evictd's own user, the listing.
    *stage.wire().cut.lock().unwrap() = Some(Cut::Before(2));
    let brakes = Impatient(stage.wire());
    let halt = tokio::select! {
        biased;
        halt = cycle_with(&stage, &brakes) => halt,
        () = turns(1000) => panic!("it waits for an answer that never comes"),
    };
    assert!(matches!(halt, Err(Halt::Stopped)), "{halt:?}");
    assert_eq!((stage.deletes(), lines(&stage.memory).len()), (0, 0));
}

/// Lets others go on so many times.
async fn turns(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// One cycle under these brakes.
async fn cycle_with(stage: &Stage, brakes: &dyn Brakes) -> Result<Cycle, Halt> {
    let (mut trail, past) = stage.open();
    let zendesk = stage.zendesk();
    let (account, policies) = (&stage.account, &stage.policies);
    let lists = Lists::of(&policies.lists);
    let setting = Setting { account, policies, lists: &lists, zendesk: &zendesk, clock: &*stage.clock, brakes };
    let memory = Memory::default();
    let known = Known { history: past.history, pause: brakes.pause(), ..Known::first(CycleId::new("c"), &memory) };
    let books = Books { trail: &mut trail, chronicle: &mut Chronicle::default(), missed: 0, asked: Asked::default() };
    cycle::run(setting, known, books, &mut |_| ()).await
}

#[tokio::test]
async fn an_account_that_is_paused_clears_nothing() {
    let stage = Stage::new(OLD, WIDE).with_old_sessions(2);
    stage.brake.paused.store(true, Ordering::Relaxed);
    let report = stage.apply().await.report;
    assert_eq!(withheld(&report), [(101, "old", "pause"), (102, "old", "pause")]);
    assert_eq!(stage.deletes(), 0);
    assert!(report.warnings.iter().any(|line| line.contains("paused")), "{:?}", report.warnings);
    stage.brake.paused.store(false, Ordering::Relaxed);
    assert_eq!(told(&stage.apply().await.report), [(101, "revoked"), (102, "revoked")]);
}

/// The pause file itself, as the command line watches it.
struct PauseFile {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Brakes for PauseFile {
    fn pause(&self) -> Option<Pause> {
        read_pause(&self.folder, self.clock.now(), jiff::SignedDuration::from_hours(4))
    }

    fn stop(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_pause_file_written_between_two_calls_is_seen_before_the_next_delete() {
    for text in ["2026-11-23T13:00:00Z\n", "until somebody looked\n"] {
        let stage = Stage::new(OLD, WIDE).with_old_sessions(3);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pause");
        let write = alter(move |_| std::fs::write(&path, text).unwrap());
        stage.script(Script::on_method(Method::Delete, write));
        let brakes = PauseFile { folder: folder.path().to_owned(), clock: stage.clock.clone() };
        let report = cycle_with(&stage, &brakes).await.unwrap().report;
        assert_eq!(told(&report), [(101, "revoked")], "{text}");
        assert_eq!(withheld(&report), [(102, "old", "pause"), (103, "old", "pause")], "{text}");
        assert_eq!(stage.sessions(), [102, 103, 199], "{text}");
    }
}
