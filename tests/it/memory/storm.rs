//! A thousand cycles in which every fault of the simulator is on at once, two accounts by turns: nobody loses a session
//! who has not left, what was cut says so, the trail verifies, and once the weather clears nothing is stuck.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use evictd::cycle::{Cycle, Halt};
use evictd::model::{AccountName, Role, Scope};
use evictd::record::Entry;
use evictd::simulator::{Effect, Odds, Script, World};
use evictd::zendesk::Method;

use super::firm::OWN;
use super::oracle::Ear;
use super::{Firm, Process, Size};
use crate::enforcement::{PEOPLE, user};

/// The chance of each fault, call by call; each cycle draws one of them.
const CHANCES: [f64; 4] = [0.01, 0.02, 0.03, 0.05];

/// A firm in bad weather, and what was seen of it.
struct Account {
    firm: Firm,
    process: Process,
    ear: Ear,
    /// Sessions that ended although no listing had shown them: they were opened after it, by somebody who had left.
    unlisted: BTreeSet<u64>,
    /// What each cycle said about itself.
    complete: BTreeMap<String, bool>,
    seen: BTreeMap<String, usize>,
}

impl Account {
    fn new(name: &str, seed: u64, scope: &str, file: &Path) -> Self {
        let (staff, customers) = if scope == "staff" { (28, 25) } else { (30, 85) };
        let mut firm = Firm::new(seed, scope, Size { staff, customers });
        firm.stage.account.name = AccountName::new(name);
        firm.restless = 7;
        let process = Process::with_file(&firm.stage, file);
        let ear = Ear::at(&firm);
        Self { firm, process, ear, unlisted: BTreeSet::new(), complete: BTreeMap::new(), seen: BTreeMap::new() }
    }

    fn saw(&mut self, what: &str) {
        *self.seen.entry(what.to_owned()).or_default() += 1;
    }

    /// Somebody who has left is hired again just before records are read back; their sessions have to stay.
    fn hires_meanwhile(&mut self) -> Option<u64> {
        let (world, now, which) = (self.firm.world(), self.firm.stage.now(), self.firm.rng.usize(..3));
        let is_listed = |person: u64| self.firm.rows.iter().any(|row| row.of == person);
        let may = |person: &u64| {
            let is_due = *person < 1_000 && self.firm.has_left(&world, *person, now);
            is_due && !is_listed(*person) && !self.firm.twins.contains_key(person)
        };
        let with_session = world.sessions.values().map(|row| row.user.unwrap().get());
        let person = with_session.filter(may).nth(which)?;
        let hire = Effect::Alter(Arc::new(move |world| world.rehire(user(person), Role::Agent)));
        self.firm.stage.script(Script::on(Method::Get, PEOPLE, hire));
        Some(person)
    }

    /// People move, time passes, and a cycle runs in this weather.
    async fn round(&mut self, odds: Odds) -> Result<Cycle, Halt> {
        self.firm.lives();
        let minutes = self.firm.rng.u64(2..40);
        self.firm.stage.wait(minutes);
        self.firm.stage.simulator.set_faults(odds);
        self.process.settle().await;
        let (before, lost_before) = (self.firm.world(), self.firm.stage.losses().len());
        self.ear.listens(&self.firm);
        let hired = self.hires_meanwhile();
        let cycle = self.process.cycle(&self.firm.stage, self.firm.list()).await;
        self.firm.stage.simulator.forget_scripts();
        assert!(!matches!(cycle, Err(Halt::Trail(_))), "seed {}: {cycle:?}", self.firm.seed);
        self.check_losses(lost_before, cycle.as_ref().ok());
        let world = self.firm.world();
        if hired.is_some_and(|person| !self.firm.has_truly_left(&world, person, self.firm.stage.now())) {
            self.saw("hired again meanwhile");
        }
        if self.ear.lost(&self.firm) > 0 {
            self.saw("an answer was lost");
        }
        match &cycle {
            Err(_) => self.saw("halted"),
            Ok(cycle) => self.note(&before, cycle),
        }
        cycle
    }

    /// Everybody who lost a session had left, whatever evictd believed.
    fn check_losses(&mut self, lost_before: usize, cycle: Option<&Cycle>) {
        let world = self.firm.world();
        for loss in self.firm.stage.losses().split_off(lost_before) {
            let (person, seed) = (loss.user.get(), self.firm.seed);
            let has_left = self.firm.has_truly_left(&world, person, loss.at);
            assert!(person != OWN && has_left, "seed {seed}: {loss:?}: {:?}", world.people[&loss.user]);
            assert_eq!(loss.rules, ["left"], "seed {seed}: {loss:?}");
            let listed = cycle.is_some_and(|cycle| cycle.snapshot.sessions.iter().any(|row| row.id == loss.session));
            if !listed {
                self.unlisted.insert(loss.session.0);
            }
        }
    }

    fn note(&mut self, before: &World, cycle: &Cycle) {
        let (report, trusted) = (&cycle.report, cycle.snapshot.clocks.trusted);
        self.ear.check(&self.firm, before, cycle);
        self.complete.insert(report.cycle.to_string(), report.complete);
        self.saw(if report.complete { "complete" } else { "partial" });
        self.saw(if trusted { "clocks agree" } else { "clocks disagree" });
        for row in &report.revoke {
            let is_there = self.firm.change(|world| world.sessions.contains_key(&row.session));
            let is_told_gone = row.outcome.is_some_and(evictd::model::Outcome::is_answered);
            assert!(!(is_there && is_told_gone), "seed {}: {row:?} is not gone", self.firm.seed);
            self.saw(row.outcome.map_or("nothing asked", evictd::model::Outcome::word));
        }
        let rows_are_asked = cycle.snapshot.lists["hr"].unasked == 0;
        if report.complete && trusted {
            if rows_are_asked {
                self.firm.match_rows(before);
            }
            // Whoever had a session then and there was seen.
            self.firm.learns(before, cycle.snapshot.now);
        }
    }

    /// The weather clears: two cycles later nobody who has left is signed in, and nothing is open.
    async fn clears_up(&mut self) {
        for _ in 0..2 {
            self.firm.stage.wait(16);
            self.firm.stage.simulator.set_faults(Odds::default());
            self.process.settle().await;
            let before = self.firm.world();
            self.ear.listens(&self.firm);
            let lost_before = self.firm.stage.losses().len();
            let cycle = self.process.cycle(&self.firm.stage, self.firm.list()).await.unwrap();
            assert!(cycle.report.complete, "seed {}: {:?}", self.firm.seed, cycle.report.warnings);
            self.check_losses(lost_before, Some(&cycle));
            self.note(&before, &cycle);
        }
        let (world, now, seed) = (self.firm.world(), self.firm.stage.now(), self.firm.seed);
        let stuck: Vec<_> = self.firm.due(&world, now).into_iter().collect();
        assert_eq!(stuck, [0; 0], "seed {seed}: sessions of people who have left");
        assert_eq!(self.process.open_intents(), 0, "seed {seed}");
    }

    /// The trail verifies, and says of each session and each cycle what really was.
    fn check_trail(&self) {
        let (seed, stage) = (self.firm.seed, &self.firm.stage);
        let mut outcomes: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
        for (session, outcome) in stage.outcomes() {
            outcomes.entry(session).or_default().insert(outcome);
        }
        let living = stage.sessions();
        for (session, words) in &outcomes {
            let is_gone = !living.contains(session);
            assert!(
                is_gone || !(words.contains("revoked") || words.contains("already-gone")),
                "seed {seed}: {session}"
            );
        }
        let mut lost = BTreeSet::new();
        for loss in stage.losses() {
            let told = outcomes.get(&loss.session.0).is_some_and(|words| words.contains("revoked"));
            assert!(told || self.unlisted.contains(&loss.session.0), "seed {seed}: {loss:?}, {outcomes:?}");
            lost.insert(loss.session.0);
        }
        // What is called revoked and was not lost by our hand had ended by itself while nobody could tell.
        let by_itself = outcomes.iter().filter(|(id, words)| words.contains("revoked") && !lost.contains(id)).count();
        assert!(by_itself * 10 <= lost.len(), "seed {seed}: {by_itself} of {}", lost.len());
        for line in stage.verified() {
            if let (Entry::CycleFinished(body), Some(cycle)) = (&line.entry, &line.cycle) {
                assert_eq!(Some(&body.complete), self.complete.get(&cycle.to_string()), "seed {seed}");
            }
        }
    }
}

fn draw(account: &mut Account) -> Odds {
    let chance = CHANCES[account.firm.rng.usize(..CHANCES.len())];
    // One listing of everyone is a few calls, of which few would be hit.
    Odds::all(if account.firm.scope == Scope::Everyone { chance * 3.0 } else { chance })
}

/// So many cycles of each of two accounts by turns, in one file of state.
async fn check(seed: u64, scopes: [&str; 2], rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.sqlite");
    let mut accounts = [Account::new("one", seed, scopes[0], &file), Account::new("two", seed + 1, scopes[1], &file)];
    for round in 0..rounds {
        for account in &mut accounts {
            let odds = draw(account);
            drop(account.round(odds).await);
        }
        if round % 40 == 39 {
            accounts = accounts.map(|account| {
                let process = account.process.restarted(&account.firm.stage, &file);
                Account { process, ..account }
            });
        }
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for account in &mut accounts {
        account.clears_up().await;
        account.check_trail();
        account.seen.iter().for_each(|(what, count)| *seen.entry(what.clone()).or_default() += count);
        let statuses = account.firm.stage.simulator.requests().into_iter().map(|request| request.status);
        statuses.for_each(|status| *seen.entry(status.to_string()).or_default() += 1);
    }
    let wanted = "complete partial revoked already-gone 403 429 500 502 503 520 522 204";
    let missed: Vec<_> = wanted.split(' ').filter(|word| !seen.contains_key(*word)).collect();
    assert!(missed.is_empty(), "seed {seed}: {missed:?} never happened: {seen:?}");
    assert!(seen["complete"] * 4 > rounds, "seed {seed}: it hardly ever saw everything: {seen:?}");
    for what in ["clocks disagree", "an answer was lost", "hired again meanwhile"] {
        assert!(seen.contains_key(what), "seed {seed}: {what}: {seen:?}");
    }
}

#[tokio::test]
async fn a_storm_over_staff_and_everyone_revokes_nobody_wrongly_and_leaves_nothing_stuck() {
    Box::pin(check(1, ["staff", "everyone"], 125)).await;
}

#[tokio::test]
async fn a_storm_over_two_accounts_of_staff_does_not_either() {
    Box::pin(check(4, ["staff", "staff"], 125)).await;
}

#[tokio::test]
async fn a_storm_over_two_accounts_of_everyone_does_not_either() {
    Box::pin(check(6, ["everyone", "everyone"], 125)).await;
}

#[tokio::test]
async fn another_storm_over_everyone_and_staff_does_not_either() {
    Box::pin(check(10, ["everyone", "staff"], 125)).await;
}

/// One account has every fault and the other none: the other never notices.
#[tokio::test]
async fn an_account_in_trouble_never_touches_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.sqlite");
    let mut stormy = Account::new("stormy", 20, "staff", &file);
    let mut calm = Firm::new(21, "staff", Size { staff: 25, customers: 20 });
    calm.stage.account.name = AccountName::new("calm");
    let mut process = Process::with_file(&calm.stage, &file);
    for _ in 0..20 {
        let odds = draw(&mut stormy);
        drop(stormy.round(odds).await);
        calm.lives();
        calm.stage.wait(20);
        let cycle = calm.cycle(&mut process).await;
        assert!(cycle.report.complete && cycle.snapshot.clocks.trusted);
        process = process.restarted(&calm.stage, &file);
    }
    calm.check_trail();
    stormy.clears_up().await;
    stormy.check_trail();
}
