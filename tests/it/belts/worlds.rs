//! Random worlds for the belts: up to sixty people in three strata, up to six rules, belts drawn at random, and what
//! befalls them over thirty cycles. How a world goes on depends on its seed and on who was signed out.
//!
//! Only what is true of a world lives here, and how it is shown to the guard. What the guard may make of it is `judge`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evictd::config::{Belts, RuleBelts};
use evictd::model::{Foreign, HoldState, Mode, Pause, Person, Role, RuleId, Session, SessionId, Stratum, UserId};
use evictd::policy::PolicySet;
use evictd::snapshot::Snapshot;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::{Play, set, user};

/// evictd's own user, an admin as everywhere.
pub const OWN: u64 = 1;

/// One of these.
fn pick<T: Clone>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())].clone()
}

/// True so many times in a hundred.
pub fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(..100) < percent
}

/// A rule on whoever wears its tag and is suspended, or whose session is some minutes old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    pub mode: Mode,
    pub is_severe: bool,
    pub is_wide: bool,
    /// Grows with each edit: so many minutes.
    pub edition: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Human {
    pub id: u64,
    pub role: Role,
    /// The rules whose tags they wear, by their places.
    pub rules: BTreeSet<usize>,
    /// Zendesk says that they are suspended: with that a claim is sure.
    pub is_sure: bool,
    /// They come back whenever they are signed out.
    pub is_stubborn: bool,
    /// Their record cannot be had.
    pub is_unread: bool,
    /// Number, and when it was opened.
    pub sessions: BTreeMap<u64, Timestamp>,
}

impl Human {
    /// Of which nobody knows more than they may: no record, no role.
    pub fn stratum(&self) -> Stratum {
        match self.role {
            _ if self.is_unread => Stratum::EndUsers,
            Role::Admin => Stratum::Admins,
            Role::Agent => Stratum::Agents,
            Role::EndUser => Stratum::EndUsers,
        }
    }
}

/// What is so in a cycle.
#[derive(Debug, Clone)]
pub struct World {
    pub people: Vec<Human>,
    pub laws: Vec<Law>,
    pub belts: Belts,
    pub protected: BTreeSet<u64>,
    /// For so many cycles more.
    pub paused: u32,
    pub is_skewed: bool,
    /// At whom a look looks, if it is no sweep.
    pub looked: Option<BTreeSet<u64>>,
    next_session: u64,
}

/// What befell a world between two cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Befell {
    /// The rule that we edited, or all, if we changed belts.
    pub edited: Option<usize>,
    pub belts_changed: bool,
    pub state_lost: bool,
    pub released: usize,
    pub discarded: usize,
}

impl World {
    pub fn random(rng: &mut Rng) -> Self {
        let laws: Vec<Law> = (0..rng.usize(1..=6)).map(|place| law(rng, place)).collect();
        let people = (0..rng.u64(6..=60)).map(|number| human(rng, 100 + number)).collect();
        let belts = belts(rng, laws.len());
        let mut world = Self {
            people,
            laws,
            belts,
            protected: BTreeSet::new(),
            paused: 0,
            is_skewed: false,
            looked: None,
            next_session: 1,
        };
        let own = Human { id: OWN, role: Role::Admin, ..human(rng, OWN) };
        world.people.insert(0, own);
        for _ in 0..rng.usize(..3) {
            world.protected.insert(pick(rng, &world.people).id);
        }
        world
    }

    pub fn policies(&self) -> PolicySet {
        let rule = |(place, law): (usize, &Law)| {
            format!(
                "[[rule]]\nid = \"r{place}\"\ntitle = \"T\"\naction = \"{}\"\nmode = \"{}\"\nseverity = \"{}\"\n\
                 [rule.when]\nuser.tags.contains = \"r{place}\"\n\
                 any = [{{ user.suspended.is = true }}, {{ session.age.over = \"{}m\" }}]\n",
                if law.is_wide { "revoke-user" } else { "revoke-session" },
                law.mode.word(),
                if law.is_severe { "high" } else { "medium" },
                law.edition,
            )
        };
        set(&self.laws.iter().enumerate().map(rule).collect::<String>())
    }

    /// Puts everybody into the snapshot.
    pub fn show(&self, (now, template): (Timestamp, &Person), snapshot: &mut Snapshot) {
        let is_seen = |one: &&Human| self.looked.as_ref().is_none_or(|looked| looked.contains(&one.id));
        for one in self.people.iter().filter(is_seen) {
            let id = user(one.id);
            snapshot.sessions.extend(one.sessions.iter().map(|(number, opened)| Session {
                id: SessionId(*number),
                user: Some(id),
                authenticated_at: Some((*opened).into()),
                last_seen_at: Some(now.into()),
                seen: now.into(),
            }));
            if !one.is_unread {
                let tags = one.rules.iter().map(|rule| Foreign::new(format!("r{rule}"))).collect();
                let suspended = Some(one.is_sure);
                let person = Person { id, role: Some(one.role), seen: now, tags, suspended, ..template.clone() };
                snapshot.people.insert(id, Arc::new(person));
            }
        }
        snapshot.sessions.sort_by_key(|session| session.id);
        snapshot.protected.people = self.protected.iter().map(|id| user(*id)).collect();
        snapshot.pause = (self.paused > 0).then_some(Pause { until: None });
        snapshot.clocks.trusted = !self.is_skewed;
        snapshot.looked = self.looked.as_ref().map(|looked| looked.iter().map(|id| user(*id)).collect());
    }

    /// Whether a rule that is not off claims a session.
    pub fn claims(&self, rule: usize, (one, opened): (&Human, Timestamp), now: Timestamp) -> bool {
        let law = self.laws[rule];
        let is_old = opened.duration_until(now) > SignedDuration::from_mins(law.edition);
        law.mode != Mode::Off && !one.is_unread && one.rules.contains(&rule) && (one.is_sure || is_old)
    }

    /// One more session of this person.
    pub fn sign_in(&mut self, place: usize, opened: Timestamp) {
        self.people[place].sessions.insert(self.next_session, opened);
        self.next_session += 1;
    }

    /// Sessions that were ended are no longer there, but for some that are listed all the same.
    pub fn lose(&mut self, rng: &mut Rng, ended: &BTreeSet<SessionId>) {
        for one in &mut self.people {
            one.sessions.retain(|number, _| !ended.contains(&SessionId(*number)) || chance(rng, 8));
        }
    }

    /// What happens before the next cycle, which is due now.
    pub fn go_on(&mut self, rng: &mut Rng, play: &mut Play) -> Befell {
        if chance(rng, 15) {
            play.now += SignedDuration::from_mins(pick(rng, &[5, 10, 30, 55, 55, 300, 1_440]));
        }
        self.come_and_go(rng, play.now);
        if chance(rng, 18) {
            self.crowd(rng, play.now);
        }
        self.paused = match self.paused {
            0 if chance(rng, 4) => rng.u32(1..=4),
            left => left.saturating_sub(1),
        };
        self.is_skewed = chance(rng, 4);
        let is_look = chance(rng, 8);
        self.looked = is_look.then(|| self.people.iter().map(|one| one.id).filter(|_| chance(rng, 30)).collect());
        let befell = Befell { state_lost: chance(rng, 2), ..self.edit(rng) };
        self.answer(rng, play, befell)
    }

    fn come_and_go(&mut self, rng: &mut Rng, now: Timestamp) {
        for place in 0..self.people.len() {
            let one = &mut self.people[place];
            if chance(rng, 4) {
                one.sessions.pop_first();
            }
            one.is_unread = chance(rng, 1);
            if chance(rng, 2) {
                one.rules.clear();
            } else if chance(rng, 1) {
                one.rules.insert(rng.usize(..self.laws.len()));
            }
            let comes = if one.sessions.is_empty() { one.is_stubborn || chance(rng, 12) } else { chance(rng, 3) };
            if comes {
                let age = if one.is_stubborn { 240 } else { pick(rng, &[20, 100, 150, 240, 3_600, 40_000]) };
                self.sign_in(place, now - SignedDuration::from_secs(age));
            }
        }
    }

    /// Many people of a stratum come under a rule at once.
    fn crowd(&mut self, rng: &mut Rng, now: Timestamp) {
        let (role, rule) =
            (pick(rng, &[Role::Admin, Role::Agent, Role::Agent, Role::EndUser]), rng.usize(..self.laws.len()));
        let (mut left, sure) = (rng.usize(2..=25), pick(rng, &[0, 30, 100]));
        for place in 0..self.people.len() {
            if self.people[place].role == role && left > 0 {
                left -= 1;
                self.people[place].rules.insert(rule);
                self.people[place].is_sure = chance(rng, sure);
                if self.people[place].sessions.is_empty() {
                    let age = rng.i64(240..40_000);
                    self.sign_in(place, now - SignedDuration::from_secs(age));
                }
            }
        }
    }

    /// We edit the first rule.
    pub fn edit_one(&mut self, play: &mut Play) -> Befell {
        self.laws[0].edition += 1;
        play.set = self.policies();
        Befell { edited: Some(0), ..Befell::default() }
    }

    /// Changes of ours.
    fn edit(&mut self, rng: &mut Rng) -> Befell {
        if chance(rng, 2) {
            self.belts = belts(rng, self.laws.len());
            return Befell { belts_changed: true, ..Befell::default() };
        }
        if !chance(rng, 3) {
            return Befell::default();
        }
        let place = rng.usize(..self.laws.len());
        if chance(rng, 50) {
            self.laws[place].edition += 1;
        } else {
            self.laws[place].mode = if self.laws[place].mode == Mode::Enforce { Mode::Report } else { Mode::Enforce };
        }
        Befell { edited: Some(place), ..Befell::default() }
    }

    /// What humans say of holds, what became of our own inputs, and a restart without the state.
    fn answer(&self, rng: &mut Rng, play: &mut Play, mut befell: Befell) -> Befell {
        for hold in play.history.holds.iter_mut().filter(|hold| hold.state == HoldState::Open) {
            if chance(rng, 12) {
                hold.state = HoldState::Released;
                befell.released += 1;
            } else if chance(rng, 6) {
                hold.state = HoldState::Discarded;
                befell.discarded += 1;
            }
        }
        if befell.edited.is_some() {
            play.set = self.policies();
        }
        if befell.belts_changed {
            play.belts = self.belts.clone();
        }
        if befell.state_lost {
            play.history.habits.clear();
        }
        befell
    }

    /// The same with other people only in this stratum: nobody else is there.
    pub fn only(&self, stratum: Stratum) -> Self {
        let people = self.people.iter().filter(|one| one.stratum() == stratum).cloned().collect();
        Self { people, ..self.clone() }
    }

    /// The same with a crowd of strangers in another stratum, whom every rule claims.
    pub fn with_crowd(&self, role: Role, now: Timestamp) -> Self {
        let opened = now - SignedDuration::from_hours(1);
        let everywhere: BTreeSet<usize> = (0..self.laws.len()).collect();
        let stranger = |number: u64| Human {
            id: 9_000 + number,
            role,
            rules: everywhere.clone(),
            is_sure: number.is_multiple_of(2),
            is_stubborn: false,
            is_unread: false,
            sessions: BTreeMap::from([(900_000 + number, opened)]),
        };
        let mut world = self.clone();
        world.looked.iter_mut().for_each(|looked| looked.extend((0..30).map(|number| 9_000 + number)));
        world.people.extend((0..30).map(stranger));
        world
    }

    /// The same with more sessions of this person, whom every rule claims now.
    pub fn with_more_of(&self, id: UserId, now: Timestamp) -> Self {
        let mut world = self.clone();
        let place = world.people.iter().position(|one| user(one.id) == id).unwrap();
        world.people[place].rules = (0..self.laws.len()).collect();
        for seconds in [1, 100, 300, 50_000] {
            world.sign_in(place, now - SignedDuration::from_secs(seconds));
        }
        world
    }
}

fn law(rng: &mut Rng, place: usize) -> Law {
    let modes = [Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Report, Mode::Off];
    let mode = if place == 0 { Mode::Enforce } else { pick(rng, &modes) };
    Law { mode, is_severe: chance(rng, 30), is_wide: chance(rng, 30), edition: 1 }
}

fn human(rng: &mut Rng, id: u64) -> Human {
    let role = pick(rng, &[Role::Admin, Role::Agent, Role::Agent, Role::Agent, Role::EndUser, Role::EndUser]);
    let (is_sure, is_stubborn) = (chance(rng, 40), chance(rng, 15));
    Human { id, role, rules: BTreeSet::new(), is_sure, is_stubborn, is_unread: false, sessions: BTreeMap::new() }
}

/// Belts as somebody might write them: half of them wide over all rules, some wide for each rule, some with zeros.
fn belts(rng: &mut Rng, rules: usize) -> Belts {
    let (wide, loose) = (chance(rng, 50), chance(rng, 35));
    let part = |rng: &mut Rng| if wide { 100 } else { pick(rng, &[0, 5, 10, 25, 50]) };
    let people = |rng: &mut Rng, all: &[u32]| if loose { 100 } else { pick(rng, all) };
    let mut belts = Belts {
        people_per_rule_max: people(rng, &[0, 1, 2, 3, 5, 10]),
        people_per_rule_and_hour_max: people(rng, &[1, 2, 3, 5, 10, 20]),
        people_per_rule_and_day_max: people(rng, &[0, 2, 4, 8, 20, 40]),
        roster_part_per_hour_max: part(rng),
        roster_part_per_day_max: part(rng),
        roster_floor: if wide { 60 } else { pick(rng, &[0, 1, 3, 8]) },
        ..Belts::default()
    };
    for place in 0..rules {
        if chance(rng, 15) {
            let mut own = || pick(rng, &[None, Some(0), Some(1), Some(3), Some(40)]);
            let own = RuleBelts {
                people_per_rule_max: own(),
                people_per_rule_and_hour_max: own(),
                people_per_rule_and_day_max: own(),
                ..RuleBelts::default()
            };
            belts.rules.insert(RuleId::new(format!("r{place}")), own);
        }
    }
    belts
}
