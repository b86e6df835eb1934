//! What really reached evictd in one cycle: it sits at the wire and reads every answer that arrived whole. From it, and
//! from what the simulator was asked, it can be told whether a sweep was cut short, without asking evictd.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use evictd::cycle::Cycle;
use evictd::model::{Role, Scope};
use evictd::simulator::{LoggedRequest, World};
use serde_json::Value;

use super::Firm;

/// An answer: path and query, status, and its body if it is JSON.
type Answer = (String, u16, Value);

/// Everything that arrived since it was last cleared.
#[derive(Default)]
pub struct Ear {
    answers: Arc<Mutex<Vec<Answer>>>,
    asked_before: usize,
}

impl Ear {
    pub fn at(firm: &Firm) -> Self {
        let ear = Self::default();
        let answers = Arc::clone(&ear.answers);
        *firm.stage.wire().edit.lock().unwrap() = Some(Box::new(move |path, answer| {
            let body = serde_json::from_slice(&answer.body).unwrap_or_default();
            answers.lock().unwrap().push((path.to_owned(), answer.status, body));
        }));
        ear
    }

    /// A cycle begins.
    pub fn listens(&mut self, firm: &Firm) {
        self.answers.lock().unwrap().clear();
        self.asked_before = firm.stage.simulator.requests().len();
    }

    /// How many requests got no answer, or half of one.
    pub fn lost(&self, firm: &Firm) -> usize {
        let asked = firm.stage.simulator.requests().len() - self.asked_before;
        asked.saturating_sub(self.answers.lock().unwrap().len())
    }

    fn sweep(&self, firm: &Firm) -> Sweep {
        let asked: Vec<LoggedRequest> = firm.stage.simulator.requests().split_off(self.asked_before);
        let asked: Vec<String> = asked.into_iter().map(|request| request.path).collect();
        let asked = asked.into_iter().take_while(|path| !is_show(path)).collect();
        let answers = self.answers.lock().unwrap();
        let answers = answers.iter().take_while(|(path, ..)| !is_show(path)).cloned().collect();
        Sweep { asked, answers }
    }

    /// Whether a finished cycle says truly if it saw everything; `before` is the world that it began in.
    pub fn check(&self, firm: &Firm, before: &World, cycle: &Cycle) {
        let sweep = self.sweep(firm);
        let (seed, complete) = (firm.seed, cycle.report.complete);
        let cut = sweep.cut(firm, before);
        if complete {
            assert_eq!(cut, None, "seed {seed}: a sweep that was cut is called complete");
        } else {
            let is_known = cut.is_some() || sweep.has_unanswered_records();
            assert!(is_known, "seed {seed}: nothing was cut: {:?}", cycle.report.warnings);
        }
        if complete && firm.scope == Scope::Staff {
            let after = firm.world();
            for row in before.sessions.values().filter(|row| after.sessions.contains_key(&row.id)) {
                let is_staff = is_staff_now(before, row.user.unwrap().get());
                let is_listed = cycle.snapshot.sessions.iter().any(|listed| listed.id == row.id);
                assert!(!is_staff || is_listed, "seed {seed}: {row:?} is missing in a complete sweep");
            }
        }
    }
}

/// What was asked and answered before the first session was read back.
struct Sweep {
    asked: Vec<String>,
    answers: Vec<Answer>,
}

impl Sweep {
    /// What of the listing never arrived.
    fn cut(&self, firm: &Firm, before: &World) -> Option<String> {
        if firm.scope == Scope::Everyone {
            return (!self.is_whole("/api/v2/sessions?")).then(|| "the listing of everyone".to_owned());
        }
        let asks_roll = self.asked.iter().any(|path| path.starts_with("/api/v2/users?"));
        if asks_roll && !self.is_whole("/api/v2/users?") {
            return Some("the roll".to_owned());
        }
        let asked: BTreeSet<u64> = self.asked.iter().filter_map(|path| listed_person(path)).collect();
        let is_missing = |person: &u64| !asked.contains(person);
        if let Some(person) =
            before.people.keys().map(|id| id.get()).find(|id| is_staff_now(before, *id) && is_missing(id))
        {
            return Some(format!("nobody asked for {person}"));
        }
        let is_cut = |person: &&u64| {
            let path = format!("/api/v2/users/{person}/sessions?");
            let not_found = self.answers.iter().any(|(asked, status, _)| asked.starts_with(&path) && *status == 404);
            !self.is_whole(&path) && !not_found
        };
        asked.iter().find(is_cut).map(|person| format!("the listing of {person}"))
    }

    /// The last page that arrived says that it is the last.
    fn is_whole(&self, path: &str) -> bool {
        let mut pages = self.answers.iter().filter(|(asked, status, _)| asked.starts_with(path) && *status == 200);
        pages.next_back().is_some_and(|(_, _, page)| page["meta"]["has_more"] == false)
    }

    /// Some people's records were asked for and never came.
    fn has_unanswered_records(&self) -> bool {
        let of_records = |path: &&String| path.starts_with("/api/v2/users/show_many?");
        let is_answered = |path: &String| self.answers.iter().any(|(asked, status, _)| asked == path && *status == 200);
        self.asked.iter().filter(of_records).any(|path| !is_answered(path))
    }
}

fn is_staff_now(world: &World, person: u64) -> bool {
    let record = &world.people[&crate::enforcement::user(person)];
    record.role != Some(Role::EndUser) && record.deleted != Some(true)
}

fn parts(path: &str) -> Vec<&str> {
    path.split('?').next().unwrap_or_default().trim_start_matches('/').split('/').collect()
}

/// `/api/v2/users/7/sessions/8`.
fn is_show(path: &str) -> bool {
    matches!(parts(path).as_slice(), ["api", "v2", "users", _, "sessions", _])
}

/// The 7 of `/api/v2/users/7/sessions`.
fn listed_person(path: &str) -> Option<u64> {
    match parts(path).as_slice() {
        ["api", "v2", "users", person, "sessions"] => person.parse().ok(),
        _ => None,
    }
}
