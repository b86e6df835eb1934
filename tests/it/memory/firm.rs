//! A firm: staff and customers who sign in, leave and come back, and the truth about who has left.

use std::collections::{BTreeMap, BTreeSet};

use evictd::cycle::Cycle;
use evictd::gather::ListRead;
use evictd::model::{Foreign, Role, Scope, SessionId};
use evictd::simulator::{Options, World};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::Process;
use super::rows::{self, By, Row};
use crate::enforcement::{Stage, WIDE, session, user};

/// Whoever has left loses every session.
pub const LEFT: &str = r#"
schema = 1
[[rule]]
id = "left"
title = "Has left"
action = "revoke-user"
mode = "enforce"
severity = "high"
when.user.offboarded = true
"#;

pub const OWN: u64 = 360_000_000_001;
const FIRST_CUSTOMER: u64 = 1_001;
const FIRST_TWIN: u64 = 50_001;
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How many there are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub staff: u64,
    pub customers: u64,
}

pub struct Firm {
    pub stage: Stage,
    pub seed: u64,
    pub rng: Rng,
    pub scope: Scope,
    pub rows: Vec<Row>,
    /// When a cycle last saw each of them as staff.
    pub seen: BTreeMap<u64, Timestamp>,
    /// Whose records cycles have read.
    pub known: BTreeSet<u64>,
    /// Who was deleted, and under which id they were hired again with the same address.
    pub twins: BTreeMap<u64, u64>,
    /// Customers who were made staff.
    pub hired: BTreeSet<u64>,
    /// What last happened to somebody since the last cycle.
    pub events: BTreeMap<u64, String>,
    /// What happened to people, and what became of their sessions.
    pub told: BTreeSet<String>,
    /// How many in a hundred of those in good standing leave between two cycles.
    pub restless: u32,
    next_session: u64,
}

impl Firm {
    /// A firm of that size, with `scope = "…"` as configured.
    pub fn new(seed: u64, scope: &str, size: Size) -> Self {
        Self::under(LEFT, seed, scope, size)
    }

    pub fn under(policies: &str, seed: u64, scope: &str, size: Size) -> Self {
        let options = Options { seed, requests_per_minute: None, ..Options::default() };
        let stage = Stage::with(policies, &format!("scope = \"{scope}\"\n{WIDE}"), options);
        let mut firm = Self {
            scope: stage.policies.scope(stage.account.scope),
            stage,
            seed,
            rng: Rng::with_seed(seed),
            rows: Vec::new(),
            seen: BTreeMap::new(),
            known: BTreeSet::new(),
            twins: BTreeMap::new(),
            hired: BTreeSet::new(),
            events: BTreeMap::new(),
            told: BTreeSet::new(),
            restless: 30,
            next_session: 10_000,
        };
        let staff: Vec<u64> = (1..=size.staff).collect();
        let customers: Vec<u64> = (0..size.customers).map(|number| FIRST_CUSTOMER + number).collect();
        firm.change(|world| {
            for person in &staff {
                add(world, *person, role_of(*person));
            }
            for person in &customers {
                add(world, *person, Role::EndUser);
            }
        });
        for person in staff {
            let devices = firm.rng.u32(1..=3);
            (0..devices).for_each(|_| firm.signs_in(person));
        }
        for person in customers {
            let devices = firm.rng.u32(0..=2);
            (0..devices).for_each(|_| firm.signs_in(person));
        }
        firm
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.stage.simulator.world(change)
    }

    pub fn world(&self) -> World {
        self.change(|world| world.clone())
    }

    pub fn signs_in(&mut self, person: u64) {
        self.next_session = self.next_session.max(self.change(|world| world.last_session.0)) + 1;
        let hours = self.rng.i64(0..300);
        self.stage.signs_in(self.next_session, person, hours);
    }

    fn draws(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.rng.usize(..all.len())]
    }

    /// Somebody leaves, in one of the ways in which people do.
    pub fn leaves(&mut self, person: u64, how: &str) {
        let now = self.stage.now();
        self.change(|world| match how {
            "downgraded" => world.downgrade(user(person)),
            "suspended" => world.suspend(user(person)),
            "deleted" => world.delete(user(person)),
            "downgraded, suspended" => {
                world.downgrade(user(person));
                world.suspend(user(person));
            }
            _ => {}
        });
        self.events.insert(person, how.to_owned());
        let Some(when) = how.strip_prefix("listed ") else { return };
        let by = if person >= FIRST_TWIN { By::Id } else { self.pick(&[By::Email, By::Id, By::ExternalId]) };
        self.events.insert(person, format!("{how} {by:?}"));
        self.rows.push(Row::of(person, by, when, now));
    }

    fn leaves_somehow(&mut self, person: u64) {
        let ways = ["downgraded", "suspended", "deleted", "downgraded, suspended"];
        let when = ["listed always", "listed past", "listed today", "listed ahead", "listed far"];
        let how = if self.draws(60) { self.pick(&ways) } else { self.pick(&when) };
        self.leaves(person, how);
    }

    /// Somebody is hired again: under their old id, or a deleted one under another id with the old address.
    pub fn comes_back(&mut self, person: u64) {
        let world = self.world();
        let record = &world.people[&user(person)];
        if record.deleted == Some(true) && person < FIRST_CUSTOMER && self.seen.contains_key(&person) && self.draws(50)
        {
            return self.comes_back_as_twin(person);
        }
        let words = [
            (record.deleted == Some(true), "restored"),
            (record.suspended == Some(true), "unsuspended"),
            (record.role == Some(Role::EndUser), "given the role back"),
            (self.rows.iter().any(|row| row.of == person), "unlisted"),
        ];
        let words: Vec<&str> = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        self.events.insert(person, words.join(", "));
        let role = if (FIRST_CUSTOMER..FIRST_TWIN).contains(&person) { record.role.unwrap() } else { role_of(person) };
        self.rows.retain(|row| row.of != person);
        self.change(|world| world.rehire(user(person), role));
        self.signs_in(person);
    }

    pub fn comes_back_as_twin(&mut self, person: u64) {
        let twin = FIRST_TWIN + self.twins.len() as u64;
        self.twins.insert(person, twin);
        self.change(|world| {
            let email = world.people[&user(person)].email.clone();
            add(world, twin, Role::Agent);
            world.people.get_mut(&user(twin)).unwrap().email = email;
        });
        self.events.insert(twin, "hired under a new id".to_owned());
        self.signs_in(twin);
    }

    /// Between two cycles people leave and come back.
    pub fn lives(&mut self) {
        let world = self.world();
        for person in world.people.keys().map(|id| id.get()) {
            if person == OWN || self.twins.contains_key(&person) {
                continue;
            }
            let is_customer = (FIRST_CUSTOMER..FIRST_TWIN).contains(&person);
            let standing = self.standing(&world, person);
            match (is_customer, standing) {
                (false, "good") if self.draws(self.restless) => self.leaves_somehow(person),
                (false, "good") if self.draws(self.restless / 3) => {
                    self.leaves_somehow(person);
                    self.comes_back(person);
                }
                (false, _) if standing != "good" && self.draws(30) => self.comes_back(person),
                (false, "able") if self.draws(40) => self.signs_in(person),
                (true, "good") if self.draws(self.restless / 4) => self.customer_moves(person),
                (true, "able" | "unable") if self.draws(20) => self.comes_back(person),
                _ => {}
            }
        }
    }

    fn customer_moves(&mut self, person: u64) {
        let how = self.pick(&["suspended", "deleted", "listed always", "listed today", "suspended", "hired"]);
        if how == "hired" {
            self.change(|world| world.promote(user(person), Role::Agent));
            self.hired.insert(person);
            self.signs_in(person);
            self.events.insert(person, how.to_owned());
        } else {
            self.leaves(person, how);
        }
    }

    /// `good`; else `able` or `unable` to sign in.
    fn standing(&self, world: &World, person: u64) -> &'static str {
        let record = &world.people[&user(person)];
        let lost = record.role == Some(Role::EndUser) && self.seen.contains_key(&person);
        let listed = self.rows.iter().any(|row| row.of == person);
        match (record.deleted == Some(true) || record.suspended == Some(true), lost || listed) {
            (true, _) => "unable",
            (false, true) => "able",
            (false, false) => "good",
        }
    }

    /// Everything that was remembered is lost.
    pub fn is_forgotten(&mut self) {
        self.seen.clear();
        self.known.clear();
        self.rows.iter_mut().for_each(|row| row.pinned = false);
    }

    pub fn list(&self) -> Vec<ListRead> {
        vec![rows::read(&self.rows, self.stage.now())]
    }

    /// A row means whom it was written for, unless it is an address that two have, or one of a deleted stranger.
    pub fn match_rows(&mut self, world: &World) {
        for row in &mut self.rows {
            let is_deleted = world.people[&user(row.of)].deleted == Some(true);
            let is_lost = is_deleted && !self.known.contains(&row.of);
            row.pinned |= row.by != By::Email || !(self.twins.contains_key(&row.of) || is_lost);
        }
    }

    pub fn was_seen_lately(&self, person: u64, now: Timestamp) -> bool {
        self.seen.get(&person).is_some_and(|seen| seen.duration_until(now) <= REMEMBERED)
    }

    /// Whether they have left, as far as anybody can know who looked at each cycle.
    pub fn has_left(&self, world: &World, person: u64, now: Timestamp) -> bool {
        let record = &world.people[&user(person)];
        let is_due = |row: &&Row| row.of == person && row.pinned && row.since.is_none_or(|since| since <= now);
        record.deleted == Some(true)
            || record.suspended == Some(true)
            || (record.role == Some(Role::EndUser) && self.was_seen_lately(person, now))
            || self.rows.iter().any(|row| is_due(&row))
    }

    pub fn is_in_scope(&self, world: &World, person: u64, now: Timestamp) -> bool {
        let record = &world.people[&user(person)];
        self.scope == Scope::Everyone
            || (record.role != Some(Role::EndUser) && record.deleted != Some(true))
            || self.was_seen_lately(person, now)
            || self.rows.iter().any(|row| row.of == person && row.pinned)
    }

    /// Whether they have left, known to anybody or not.
    pub fn has_truly_left(&self, world: &World, person: u64, now: Timestamp) -> bool {
        let record = &world.people[&user(person)];
        let was_staff = !(FIRST_CUSTOMER..FIRST_TWIN).contains(&person) || self.hired.contains(&person);
        record.deleted == Some(true)
            || record.suspended == Some(true)
            || (record.role == Some(Role::EndUser) && was_staff)
            || self.rows.iter().any(|row| row.of == person && row.since.is_none_or(|since| since <= now))
    }

    /// The sessions that have to end now, and no others.
    pub fn due(&self, world: &World, now: Timestamp) -> BTreeSet<u64> {
        let is_due =
            |person: u64| person != OWN && self.is_in_scope(world, person, now) && self.has_left(world, person, now);
        let sessions = world.sessions.values().filter(|row| is_due(row.user.unwrap().get()));
        sessions.map(|row| row.id.0).collect()
    }

    /// One cycle; exactly the sessions of those who have left end by it.
    pub async fn cycle(&mut self, process: &mut Process) -> Cycle {
        let (world, now, lost_before) = (self.world(), self.stage.now(), self.stage.losses().len());
        self.match_rows(&world);
        let due = self.due(&world, now);
        let cycle = process.cycle(&self.stage, self.list()).await.unwrap();
        let losses: Vec<_> = self.stage.losses().split_off(lost_before);
        let lost: BTreeSet<u64> = losses.iter().map(|loss| loss.session.0).collect();
        let seed = self.seed;
        if let Some(id) = lost.symmetric_difference(&due).next() {
            let row = &world.sessions[&session(*id)];
            let person = row.user.unwrap().get();
            let rows: Vec<_> = self.rows.iter().filter(|row| row.of == person).collect();
            let (record, event) = (&world.people[&user(person)], self.events.get(&person));
            let wrong = if due.contains(id) { "should have ended" } else { "should have stayed" };
            panic!("seed {seed}: session {id} {wrong} at {now}: {event:?}, {record:?}, {rows:?}, {:?}", cycle.report);
        }
        let left: BTreeSet<u64> = self.stage.sessions().into_iter().collect();
        let gone: BTreeSet<u64> = world.sessions.keys().map(|id| id.0).filter(|id| !left.contains(id)).collect();
        assert_eq!(gone, lost, "seed {seed}: nothing else ended");
        self.note_events(&world, &lost);
        self.learns(&world, now);
        cycle
    }

    fn note_events(&mut self, world: &World, lost: &BTreeSet<u64>) {
        for (person, event) in std::mem::take(&mut self.events) {
            let sessions: Vec<SessionId> = world.sessions_of(user(person)).map(|row| row.id).collect();
            if let Some(first) = sessions.first() {
                let word = if lost.contains(&first.0) { "ended" } else { "stays" };
                self.told.insert(format!("{event}: {word}"));
            }
        }
    }

    /// What a cycle that saw everything has seen.
    pub fn learns(&mut self, world: &World, now: Timestamp) {
        for (id, record) in &world.people {
            let has_session = world.sessions_of(*id).next().is_some();
            let is_staff = record.role != Some(Role::EndUser);
            let is_looked_at = match self.scope {
                Scope::Everyone => has_session,
                Scope::Staff => is_staff && record.deleted != Some(true),
            };
            if is_looked_at && is_staff {
                self.seen.insert(id.get(), now);
            }
            let is_listed = self.rows.iter().any(|row| row.of == id.get() && row.pinned && has_session);
            if is_looked_at || is_listed {
                self.known.insert(id.get());
            }
        }
    }

    /// What the trail says of outcomes is what really happened.
    pub fn check_trail(&self) {
        let mut told = self.stage.outcomes();
        told.sort();
        let mut lost: Vec<_> = self.stage.losses().iter().map(|loss| (loss.session.0, "revoked".to_owned())).collect();
        lost.sort();
        assert_eq!(told, lost, "seed {}", self.seed);
    }

    /// A process on this firm.
    pub fn process(&self) -> Process {
        Process::start(&self.stage)
    }
}

fn role_of(person: u64) -> Role {
    if person.is_multiple_of(6) { Role::Admin } else { Role::Agent }
}

fn add(world: &mut World, person: u64, role: Role) {
    world.add_person(user(person), role).external_id = Some(Foreign::new(format!("hr-{person}")));
}
