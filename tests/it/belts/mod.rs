//! Belts over many cycles: the guard with everything that it remembers, on worlds that are nothing but people and rules.
//!
//! What the trail and the state remember between cycles is kept here by the same rules, so that a world of a thousand
//! cycles costs no files.

mod attacks;
mod judge;
mod lanes;
mod plays;
mod random;
mod small;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evictd::address::Lists;
use evictd::chronicle::habits;
use evictd::config::Belts;
use evictd::diagnostic::{Findings, Source, Style, render};
use evictd::evaluate::evaluate;
use evictd::evidence::Dossier;
use evictd::guard::{Belt, Guarded, guard, people_seen};
use evictd::model::{
    AccountName, CycleId, CycleKind, Ended, Foreign, History, Hold, HoldState, Mode, Person, Rest, Role, Session,
    SessionId, Stratum, UserId,
};
use evictd::plan::{Plan, plan};
use evictd::policy::{self, PolicySet};
use evictd::report::Stages;
use evictd::simulator::World;
use evictd::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

/// Rules on whoever wears their tag: known of one family only, or of two where Zendesk says that the person is suspended.
pub fn rules(number: usize) -> PolicySet {
    let rule = |rule: usize| {
        format!(
            "[[rule]]\nid = \"r{rule}\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n[rule.when]\n\
             user.tags.contains = \"r{rule}\"\n\
             any = [{{ user.suspended.is = true }}, {{ session.age.over = \"1m\" }}]\n"
        )
    };
    set(&(1..=number).map(rule).collect::<String>())
}

pub fn set(rules: &str) -> PolicySet {
    let mut findings = Findings::default();
    let text = format!("schema = 1\n{rules}");
    let set = policy::read(&[Source::new("a.toml", text.as_str())], None, &mut findings);
    set.unwrap_or_else(|| panic!("{}", render(&findings, Style::Plain, 100)))
}

/// Somebody signed in, whom rules claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Somebody {
    pub id: u64,
    pub role: Role,
    /// The rules that claim them.
    pub rules: Vec<usize>,
    /// Whether two families say so.
    pub is_sure: bool,
    /// How many sessions they have.
    pub sessions: u64,
}

impl Somebody {
    pub fn new(id: u64, role: Role, rules: &[usize]) -> Self {
        Self { id, role, rules: rules.to_vec(), is_sure: false, sessions: 1 }
    }

    pub fn sure(self) -> Self {
        Self { is_sure: true, ..self }
    }

    fn stratum(&self) -> Stratum {
        match self.role {
            Role::Admin => Stratum::Admins,
            Role::Agent => Stratum::Agents,
            Role::EndUser => Stratum::EndUsers,
        }
    }
}

/// An account's belts and what they remember.
#[derive(Clone)]
pub struct Play {
    pub set: PolicySet,
    pub belts: Belts,
    pub now: Timestamp,
    pub history: History,
    /// People without any claim, so that there is a roster.
    pub quiet: u64,
    /// Sessions are opened anew each cycle if somebody comes back.
    generation: u64,
    next_hold: u64,
    template: Person,
}

/// What one cycle came to.
pub struct Outcome {
    /// Who lost sessions, and by which rules of the core.
    pub gone: BTreeMap<UserId, Vec<String>>,
    pub guarded: Guarded,
    /// Of each claim that was withheld: rule, person, belt.
    pub held: Held,
    /// Of each claim that no belt withheld: rule, person.
    pub clear: Clear,
    /// What was ended, session by session.
    pub ended: Vec<Ended>,
}

pub fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub const SWEEP: SignedDuration = SignedDuration::from_mins(5);

impl Play {
    pub fn new(set: PolicySet, belts: Belts) -> Self {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let template = World::default().add_person(user(1), Role::Agent).clone();
        Self { set, belts, now, history: History::default(), quiet: 0, generation: 0, next_hold: 1, template }
    }

    fn snapshot(&self, people: &[Somebody]) -> Snapshot {
        let cycle = CycleId::new(format!("cycle-{}", self.now.as_second()));
        let mut snapshot = Snapshot::empty(AccountName::new("acme"), cycle, self.now, user(1));
        let opened = self.now - SignedDuration::from_mins(4);
        let mut add = |one: &Somebody| {
            for number in 0..one.sessions {
                snapshot.sessions.push(Session {
                    id: SessionId(one.id * 100_000 + self.generation % 1_000 * 100 + number),
                    user: Some(user(one.id)),
                    authenticated_at: Some(opened.into()),
                    last_seen_at: Some(self.now.into()),
                    seen: self.now.into(),
                });
            }
            let tags = one.rules.iter().map(|rule| Foreign::new(format!("r{rule}"))).collect();
            let (id, role) = (user(one.id), Some(one.role));
            let person =
                Person { id, role, seen: self.now, tags, suspended: Some(one.is_sure), ..self.template.clone() };
            snapshot.people.insert(user(one.id), Arc::new(person));
        };
        people.iter().for_each(&mut add);
        for number in 0..self.quiet {
            add(&Somebody::new(900_000 + number, Role::Agent, &[]));
        }
        snapshot.sessions.sort_by_key(|session| session.id);
        snapshot.history = self.history.clone();
        snapshot
    }

    /// What a cycle over these people would clear, without doing it.
    pub fn would_clear(&self, people: &[Somebody]) -> BTreeSet<UserId> {
        self.would_clear_of(&self.snapshot(people))
    }

    fn would_clear_of(&self, snapshot: &Snapshot) -> BTreeSet<UserId> {
        self.judge(snapshot).cleared.iter().map(evictd::guard::Cleared::user).collect()
    }

    fn judge(&self, snapshot: &Snapshot) -> Guarded {
        let lists = Lists::of(&self.set.lists);
        let dossier = Dossier::new(snapshot, &lists, SignedDuration::ZERO);
        let judgement = evaluate(&dossier, &self.set);
        let plan = plan(&dossier, &self.set, &judgement, Mode::Enforce);
        guard(&plan, &self.set, &dossier, &self.belts, CycleKind::Enforcing)
    }

    /// One complete cycle over these people, in which everybody who is cleared loses their sessions.
    pub fn cycle(&mut self, people: &[Somebody]) -> Outcome {
        self.cycle_with(people, |_| ())
    }

    /// The same in a world that is otherwise in something.
    pub fn cycle_with(&mut self, people: &[Somebody], change: impl FnOnce(&mut Snapshot)) -> Outcome {
        let mut snapshot = self.snapshot(people);
        change(&mut snapshot);
        let lists = Lists::of(&self.set.lists);
        let dossier = Dossier::new(&snapshot, &lists, SignedDuration::ZERO);
        let judgement = evaluate(&dossier, &self.set);
        let plan = plan(&dossier, &self.set, &judgement, Mode::Enforce);
        let mut guarded = guard(&plan, &self.set, &dossier, &self.belts, CycleKind::Enforcing);
        let (held, clear) = told_of(&plan, &guarded, &self.set);
        let cleared = std::mem::take(&mut guarded.cleared);
        let stages = Stages {
            dossier: &dossier,
            policies: &self.set,
            judgement: &judgement,
            plan: &plan,
            guarded: &guarded,
            mode: Mode::Enforce,
        };
        let (learned, gone) = habits(stages);
        self.history.habits.extend(learned);
        self.history.habits.retain(|key, _| !gone.contains(key));
        let mut lost: BTreeMap<UserId, Vec<String>> = BTreeMap::new();
        let mut ended = Vec::new();
        for one in cleared {
            let (user, stratum) = (one.user(), one.stratum());
            for session in one.spend() {
                let id = |place: &usize| self.set.rules[*place].id.clone();
                let core: Vec<_> = session.core.iter().map(id).collect();
                lost.entry(user).or_default().extend(core.iter().map(ToString::to_string));
                ended.push(Ended {
                    session: session.session,
                    user,
                    stratum,
                    rules: session.claims.iter().map(|claim| id(&claim.rule)).collect(),
                    at: self.now,
                    outcome: evictd::model::Outcome::Revoked,
                    cycle: Some(snapshot.cycle.clone()),
                    core,
                    came_back: Vec::new(),
                });
            }
        }
        self.history.ended.extend(ended.iter().cloned());
        // As the trail does: only what saw everything, by clocks that agree, says what rules rest on, and uses up a release
        // unless it is paused.
        let is_whole = snapshot.looked.is_none() && snapshot.is_complete() && snapshot.clocks.trusted;
        if snapshot.clocks.trusted {
            self.keep_holds(&guarded);
        }
        if is_whole && snapshot.pause.is_none() {
            self.history.holds.retain(|hold| hold.state != HoldState::Released);
        }
        if is_whole {
            self.keep_rests(&guarded);
            self.history.roster = people_seen(&snapshot);
        }
        self.now += SWEEP;
        self.generation += 1;
        self.history.ended.retain(|one| one.at.duration_until(self.now) <= SignedDuration::from_hours(25));
        Outcome { gone: lost, guarded, held, clear, ended }
    }

    /// As records of holds are read back.
    fn keep_holds(&mut self, guarded: &Guarded) {
        let now = self.now;
        self.history.holds.retain(|hold| hold.lasts(now) || hold.state == HoldState::Released);
        for holding in &guarded.holdings {
            if let Some(hold) = self.history.holds.iter_mut().find(|hold| Some(hold.id) == holding.hold) {
                hold.people.extend(holding.people.clone());
                continue;
            }
            assert_eq!(holding.hold, None);
            self.history.holds.push(Hold {
                id: self.next_hold,
                rule: self.set.rules[holding.rule].id.clone(),
                belt: holding.held.belt.word().to_owned(),
                limit: holding.held.limit,
                count: holding.held.count,
                mode: holding.mode,
                opened_at: now,
                people: holding.people.clone(),
                state: HoldState::Open,
            });
            self.next_hold += 1;
        }
    }

    /// As the closing counts of cycles are read back.
    fn keep_rests(&mut self, guarded: &Guarded) {
        let mut before = std::mem::take(&mut self.history.rests);
        for (rule, basis) in self.set.rules.iter().zip(&guarded.bases) {
            let rest = match before.remove(&rule.id) {
                Some(same) if same.basis == *basis => same,
                Some(other) => Rest { basis: *basis, since: self.now, changed: basis.differing(other.basis) },
                None => Rest { basis: *basis, since: self.now, changed: Vec::new() },
            };
            self.history.rests.insert(rule.id.clone(), rest);
        }
    }

    /// So many cycles in which nobody is claimed.
    pub fn idle(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle(&[]);
        }
    }

    /// A day and more in which nothing happens, so that nothing of the team's own has changed lately.
    pub fn settle(&mut self) {
        self.idle(300);
    }

    pub fn release_all(&mut self) {
        self.history.holds.iter_mut().for_each(|hold| hold.state = HoldState::Released);
    }
}

/// Belts so wide that only the one under test holds.
pub fn wide() -> Belts {
    Belts {
        people_per_rule_max: 100_000,
        people_per_rule_and_hour_max: 100_000,
        people_per_rule_and_day_max: 100_000,
        roster_part_per_hour_max: 100,
        roster_part_per_day_max: 100,
        roster_floor: 100_000,
        ..Belts::default()
    }
}

/// Agents from this id on, all claimed by rule 1.
pub fn agents(from: u64, number: u64) -> Vec<Somebody> {
    (from..from + number).map(|id| Somebody::new(id, Role::Agent, &[1])).collect()
}

type Held = BTreeSet<(String, UserId, Belt)>;
type Clear = BTreeSet<(String, UserId)>;

/// What became of each claim.
fn told_of(plan: &Plan, guarded: &Guarded, set: &PolicySet) -> (Held, Clear) {
    let (mut held, mut clear) = (BTreeSet::new(), BTreeSet::new());
    for (intention, belts) in plan.intentions.iter().zip(&guarded.held) {
        for (claim, belt) in intention.claims.iter().zip(belts) {
            let rule = set.rules[claim.rule].id.to_string();
            match belt {
                Some(belt) => drop(held.insert((rule, intention.user, belt.belt))),
                None => drop(clear.insert((rule, intention.user))),
            }
        }
    }
    (held, clear)
}
