//! The twins with eyes: a transport that watches every DELETE, a medium that fails on one chosen step, and brakes that
//! a test pulls.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use evictd::clock::Pending;
use evictd::enforce::Brakes;
use evictd::files::{Medium, MemoryMedium};
use evictd::model::{Pause, Session, SessionId, Stratum, UserId};
use evictd::record::Entry;
use evictd::simulator::{Simulator, World};
use evictd::zendesk::{Lost, Method, Request, Response, Transport};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::stage::{lines, lines_with, open_intents};

/// Somebody lost a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    pub at: Timestamp,
    pub user: UserId,
    pub stratum: Stratum,
    pub session: SessionId,
    /// The rules that the intent names.
    pub rules: Vec<String>,
}

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the request of this number, from 0, reaches Zendesk.
    Before(usize),
    /// After Zendesk carried it out, before the answer.
    After(usize),
}

type Edit = Box<dyn Fn(&str, &mut Response) + Send>;

/// Watches what passes between evictd and the simulator.
pub struct Wire {
    inner: Arc<dyn Transport>,
    simulator: Simulator,
    medium: Arc<Frail>,
    pub cut: Mutex<Option<Cut>>,
    pub crashed: Notify,
    pub edit: Mutex<Option<Edit>>,
    pub losses: Mutex<Vec<Loss>>,
    requests: AtomicUsize,
}

impl Wire {
    pub fn new(simulator: Simulator, medium: Arc<Frail>) -> Self {
        Self {
            inner: simulator.transport(),
            simulator,
            medium,
            cut: Mutex::new(None),
            crashed: Notify::new(),
            edit: Mutex::new(None),
            losses: Mutex::new(Vec::new()),
            requests: AtomicUsize::new(0),
        }
    }

    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let path = request.path.clone();
        let intended = (request.method == Method::Delete).then(|| intent_of(&self.medium, &path));
        if request.method == Method::Post && path.contains("logout_many") {
            all_intended(&self.medium, &path);
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let cut = *self.cut.lock().unwrap();
        if cut == Some(Cut::Before(number)) {
            self.crash().await;
        }
        let before = intended.as_ref().map(|_| self.simulator.world(|world| world.clone()));
        let mut answer = self.inner.send(request).await;
        if let (Some(before), Some(rules)) = (before, intended) {
            self.note(&before, &path, &rules);
        }
        if cut == Some(Cut::After(number)) {
            self.crash().await;
        }
        if let (Some(edit), Ok(answer)) = (&*self.edit.lock().unwrap(), &mut answer) {
            edit(&path, answer);
        }
        answer
    }

    async fn crash(&self) {
        self.crashed.notify_one();
        std::future::pending::<()>().await;
    }

    /// What a DELETE ended that was carried out, whether its answer arrived or not. Whatever else ended at that moment
    /// ended by itself.
    fn note(&self, before: &World, path: &str, rules: &[String]) {
        if self.simulator.requests().last().is_none_or(|request| request.status != 204) {
            return;
        }
        let now = self.simulator.now();
        let left = self.simulator.world(|world| world.sessions.clone());
        let is_meant = |row: &&Session| {
            let all = row.user.map(|user| format!("/api/v2/users/{user}/sessions"));
            all.is_some_and(|all| path == all || path == format!("{all}/{}", row.id))
        };
        let gone = before.sessions.values().filter(|row| !left.contains_key(&row.id)).filter(is_meant);
        self.losses.lock().unwrap().extend(gone.filter_map(|session| {
            let user = session.user?;
            let stratum = before.people.get(&user).map_or(Stratum::EndUsers, evictd::model::Person::stratum);
            Some(Loss { at: now, user, stratum, session: session.id, rules: rules.to_vec() })
        }));
    }
}

impl Transport for Wire {
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>> {
        Box::pin(self.carry(request))
    }
}

/// INVARIANT 3: whatever a crash at this instant left of the trail holds an intent that names what is about to end. The
/// rules it names.
fn intent_of(medium: &Frail, path: &str) -> Vec<String> {
    assert!(!medium.failed(), "`DELETE {path}` left after a write to the trail had failed");
    let left = medium.memory.copy();
    left.crash(|_, _| None);
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let whose = format!("\"user\":\"{}\"", segments.get(3).unwrap_or(&""));
    let open = open_intents(&lines_with(&left, &["\"kind\":\"revocation.", &whose]));
    let named = open.into_iter().find(|intent| match (segments.as_slice(), intent.action.as_str()) {
        (["api", "v2", "users", user, "sessions", session], "revoke-session") => {
            intent.user == *user && intent.sessions == [*session]
        }
        (["api", "v2", "users", user, "sessions"], "revoke-user") => {
            intent.user == *user && (!intent.sessions.is_empty() || intent.by != "policy")
        }
        _ => false,
    });
    named.unwrap_or_else(|| panic!("`DELETE {path}` left without a durable intent")).rules
}

/// The same of a request that names many people: each has an intent of their own.
fn all_intended(medium: &Frail, path: &str) {
    let left = medium.memory.copy();
    left.crash(|_, _| None);
    let open = open_intents(&lines_with(&left, &["\"kind\":\"revocation."]));
    for user in path.split_once("ids=").unwrap().1.split(',') {
        let named = open.iter().any(|intent| intent.user == user && intent.action == "revoke-user");
        assert!(named, "`POST {path}` left without a durable intent for {user}");
    }
}

/// A folder in memory whose changing calls fail once, at a chosen one.
#[derive(Debug, Default)]
pub struct Frail {
    pub memory: MemoryMedium,
    calls: AtomicUsize,
    fail_at: Mutex<Option<usize>>,
    failed: AtomicBool,
}

impl Frail {
    pub fn of(memory: MemoryMedium) -> Self {
        Self { memory, ..Self::default() }
    }

    /// The changing call of this number, from 0, finds the disk full; no other does.
    pub fn fail_at(&self, call: usize) {
        *self.fail_at.lock().unwrap() = Some(call);
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let done = if *self.fail_at.lock().unwrap() == Some(number) {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        } else {
            change()
        };
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl Medium for Frail {
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|| self.memory.append(name, bytes))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.change(|| self.memory.sync(name))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.memory.read(name)
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        self.memory.length(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.memory.list()
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        self.change(|| self.memory.truncate(name, length))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|| self.memory.replace(name, bytes))
    }
}

/// Brakes in a test's hand.
#[derive(Debug, Default)]
pub struct Handbrake {
    pub paused: AtomicBool,
    pub stopping: AtomicBool,
}

impl Brakes for Handbrake {
    fn pause(&self) -> Option<Pause> {
        self.paused.load(Ordering::Relaxed).then_some(Pause { until: None })
    }

    fn stop(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The words of all records, in order: what happened, at a glance.
pub fn kinds(medium: &MemoryMedium) -> Vec<String> {
    lines(medium).iter().map(|line| Entry::kind(&line.entry).to_owned()).collect()
}
