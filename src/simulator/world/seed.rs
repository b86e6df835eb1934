//! Seeding: a believable account in which few people offend the starter rules, and one rule overflows.
//!
//! Ids and shape depend on the seed and the numbers asked for; only times depend on `now`. Ordinary people stay well
//! under every limit, so a world may run on for an hour before time alone makes offenders of them.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::names::{FAMILY, GIVEN, HOSTILE};
use crate::model::{Foreign, Person, Role, RoleType, SessionId, UserId};

/// How many contractors there are: one more than a rule may take in a cycle.
pub const CONTRACTORS: usize = 11;

/// Fewer staff cannot play all parts: smaller numbers grow to this one.
pub const STAFF_MIN: usize = ADMINS_MIN + AGENTS_APART + CONTRACTORS;

/// The own admin, one who offends nothing, and two who do.
const ADMINS_MIN: usize = 4;

/// Agents who offend.
const AGENTS_APART: usize = 3;

/// Length of an hour and a day in minutes, the unit of seeded times.
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// What world to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Same numbers, same world.
    pub number: u64,
    /// Agents and admins; at least [`STAFF_MIN`] are made.
    pub staff: usize,
    /// Customers; the first three offend.
    pub end_users: usize,
}

impl World {
    /// The world of this seed, as it stands at `now`.
    ///
    /// Offenders are at most two admins, three agents and three end users; [`CONTRACTORS`] agents have the tag
    /// `contractor` and offend nothing else. One session belongs to nobody whose record could be had.
    /// The logs hold what ordinary people left in them, and no attacker.
    pub fn seeded(seed: Seed, now: Timestamp) -> Self {
        let staff = seed.staff.max(STAFF_MIN);
        let admins = (staff / 20).max(ADMINS_MIN);
        let mut sower = Sower {
            draws: fastrand::Rng::with_seed(seed.number),
            now: Timestamp::from_second(now.as_second()).unwrap_or(now),
            emails: BTreeSet::new(),
            world: World::default(),
        };
        sower.world.people.clear();
        for place in 0..admins {
            sower.sow_admin(place);
        }
        for place in 0..staff - admins {
            sower.sow_agent(place);
        }
        for place in 0..seed.end_users {
            sower.sow_end_user(place);
        }
        sower.sow_orphan();
        sower.world.fill_logs();
        sower.world
    }
}

/// The world half made.
struct Sower {
    draws: fastrand::Rng,
    now: Timestamp,
    emails: BTreeSet<String>,
    world: World,
}

impl Sower {
    fn sow_admin(&mut self, place: usize) {
        let id = self.add(Role::Admin);
        match place {
            0 => {
                self.world.own = id;
                self.edit(id, |own| own.name = Foreign::new("evictd"));
                self.session(id, 5..=60, 0..=5);
            }
            1 => self.session(id, 5 * HOUR..=8 * HOUR, 0..=20),
            2 => self.session(id, 225..=235, 200..=215),
            _ => self.session(id, 5..=150, 0..=25),
        }
    }

    fn sow_agent(&mut self, place: usize) {
        let id = self.add(Role::Agent);
        match place {
            0 => {
                self.session(id, 640..=690, 5..=40);
                self.session(id, 5..=60, 0..=5);
            }
            1 => {
                self.edit(id, |agent| agent.suspended = Some(true));
                self.session(id, 10..=5 * HOUR, 0..=45);
            }
            2 => {
                for _ in 0..7 {
                    self.session(id, 10..=7 * HOUR, 0..=45);
                }
            }
            _ if place < AGENTS_APART + CONTRACTORS => self.sow_contractor(id, place),
            _ => self.sow_ordinary_agent(id),
        }
    }

    fn sow_contractor(&mut self, id: UserId, place: usize) {
        self.edit(id, |agent| {
            let email = agent.email.as_ref().map_or("", Foreign::raw).replace("@acme.example", "@nightdesk.example");
            agent.email = Some(Foreign::new(email));
            agent.tags.push(Foreign::new("contractor"));
            if place == AGENTS_APART {
                agent.name = Foreign::new("Night \u{1b}[7mDesk\u{1b}[0m \u{202e}ecivreS");
            }
        });
        self.session(id, 10..=7 * HOUR, 0..=45);
    }

    /// Mostly one session, sometimes two or three; a few have left and are deleted or suspended without any.
    fn sow_ordinary_agent(&mut self, id: UserId) {
        let devices = match self.draws.u32(0..100) {
            0 => return self.edit(id, |agent| agent.deleted = Some(true)),
            1 => return self.edit(id, |agent| agent.suspended = Some(true)),
            2..=79 => 1,
            80..=93 => 2,
            _ => 3,
        };
        for _ in 0..devices {
            self.session(id, 5..=8 * HOUR, 0..=45);
        }
    }

    fn sow_end_user(&mut self, place: usize) {
        let id = self.add(Role::EndUser);
        match place {
            0 => {
                self.edit(id, |customer| customer.deleted = Some(true));
                self.session(id, DAY..=20 * DAY, 0..=DAY);
            }
            1 => self.session(id, 35 * DAY..=90 * DAY, 0..=2 * DAY),
            2 => {
                self.offboard(id);
                self.session(id, 10..=6 * HOUR, 0..=45);
            }
            _ => self.sow_ordinary_end_user(id, place),
        }
    }

    fn sow_ordinary_end_user(&mut self, id: UserId, place: usize) {
        if let Some(name) = HOSTILE.get(place - 3) {
            self.edit(id, |customer| customer.name = Foreign::new(*name));
        } else if place == 3 + HOSTILE.len() {
            self.edit(id, |customer| customer.name = Foreign::new("Ä very long name ".repeat(200)));
        }
        let sessions = match self.draws.u32(0..1_000) {
            0..=9 => return self.edit(id, |customer| customer.deleted = Some(true)),
            10..=19 => return self.edit(id, |customer| customer.suspended = Some(true)),
            20..=24 => return self.offboard(id),
            25..=399 => 0,
            400..=949 => 1,
            _ => 2,
        };
        for _ in 0..sessions {
            self.session(id, 5..=25 * DAY, 0..=5 * DAY);
        }
    }

    /// A session of somebody whose record is gone for good: what evictd cannot judge.
    fn sow_orphan(&mut self) {
        let id = self.add(Role::EndUser);
        self.session(id, HOUR..=DAY, 0..=HOUR);
        self.world.people.remove(&id);
    }

    /// A former agent, as Zendesk's own guide leaves one: downgraded, then suspended.
    fn offboard(&mut self, id: UserId) {
        let email = self.email("acme.example").1;
        self.edit(id, |leaver| {
            leaver.email = Some(Foreign::new(email));
            leaver.suspended = Some(true);
            leaver.tags.push(Foreign::new("offboarded"));
        });
    }

    fn edit(&mut self, id: UserId, change: impl FnOnce(&mut Person)) {
        if let Some(person) = self.world.people.get_mut(&id) {
            change(person);
        }
    }

    /// Adds a person with a fresh id, a name and what goes with the role.
    fn add(&mut self, role: Role) -> UserId {
        let id = loop {
            let number = self.draws.u64(360_000_000_000..40_000_000_000_000);
            let id = UserId::from(NonZeroU64::MIN.saturating_add(number));
            if !self.world.people.contains_key(&id) {
                break id;
            }
        };
        let is_staff = role != Role::EndUser;
        let domain = match (is_staff, self.draws.u32(0..3)) {
            (true, _) => "acme.example",
            (false, 0) => "mail.example",
            (false, 1) => "post.example",
            (false, _) => "letters.example",
        };
        let (name, email) = self.email(domain);
        let dice = self.draws.u64(0..100);
        let person = self.world.add_person(id, role);
        person.name = Foreign::new(name);
        person.email = Some(Foreign::new(email));
        person.two_factor = Some(is_staff && dice < 90);
        person.verified = Some(is_staff || dice < 95);
        if role == Role::Agent {
            person.role_type = Some(if dice < 15 { RoleType::Light } else { RoleType::Custom });
            person.custom_role_id = Some(360_000_000_100 + dice % 3);
            person.tags = vec![Foreign::new(if dice.is_multiple_of(2) { "tier-1" } else { "tier-2" })];
        } else if role == Role::EndUser && dice < 30 {
            person.organization_id = Some(370_000_000_000 + dice);
            person.external_id = Some(Foreign::new(format!("crm-{id}")));
        }
        id
    }

    /// A name, and an e-mail address that nobody else has.
    fn email(&mut self, domain: &str) -> (String, String) {
        let given = GIVEN.get(self.draws.usize(0..GIVEN.len())).unwrap_or(&("Sam", "sam"));
        let family = FAMILY.get(self.draws.usize(0..FAMILY.len())).unwrap_or(&("Smith", "smith"));
        let mut email = format!("{}.{}@{domain}", given.1, family.1);
        if !self.emails.insert(email.clone()) {
            email = format!("{}.{}{}@{domain}", given.1, family.1, self.world.people.len());
        }
        (format!("{} {}", given.0, family.0), email)
    }

    /// Opens a session so many minutes ago, last seen so many minutes ago, though never before it was opened.
    fn session(&mut self, user: UserId, age: RangeInclusive<i64>, idle: RangeInclusive<i64>) {
        let id = loop {
            let id = SessionId(self.draws.u64(10_000_000_000..90_000_000_000_000));
            if !self.world.sessions.contains_key(&id) {
                break id;
            }
        };
        let seconds = self.draws.i64(0..60);
        let age = self.draws.i64(age) * 60 + seconds;
        let idle = (self.draws.i64(idle) * 60 + seconds / 2).min(age);
        let ago = |seconds| self.now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(self.now);
        let (opened, seen) = (ago(age), ago(idle));
        self.world.add_session(id, user, opened, seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    const NOW: i64 = 1_800_000_000;

    fn seeded(seed: u64, staff: usize, end_users: usize) -> World {
        World::seeded(Seed { number: seed, staff, end_users }, Timestamp::from_second(NOW).unwrap())
    }

    /// The starter rules, written from their documentation: who may be touched by any of them after `later` minutes.
    fn offends(world: &World, person: &Person, later: i64) -> bool {
        let minutes = |then: Option<Moment>| then.map_or(0, |then| (NOW - then.at().as_second()) / 60 + later);
        let sessions: Vec<_> = world.sessions_of(person.id).collect();
        let role = person.role.unwrap();
        !sessions.is_empty()
            && (person.deleted == Some(true)
                || person.suspended == Some(true)
                || (role != Role::EndUser && sessions.len() > 5)
                || sessions.iter().any(|session| match role {
                    Role::Admin => minutes(session.authenticated_at) > 240 || minutes(session.last_seen_at) > 60,
                    Role::Agent => minutes(session.authenticated_at) > 600 || minutes(session.last_seen_at) > 180,
                    Role::EndUser => minutes(session.authenticated_at) > 30 * 24 * 60,
                }))
    }

    #[test]
    fn every_seeded_world_has_few_offenders_and_one_overflow() {
        for seed in 0..60 {
            for (staff, end_users) in [(0, 0), (3, 1), (18, 3), (40, 40), (200, 300)] {
                let world = seeded(seed, staff, end_users);
                for later in [0, 20] {
                    let mut bad = Vec::new();
                    for role in Role::ALL {
                        let of_role: Vec<_> = world
                            .people
                            .values()
                            .filter(|person| person.role == Some(*role) && offends(&world, person, later))
                            .collect();
                        assert!(of_role.len() <= 3, "seed {seed}, {staff} staff: {role:?}");
                        bad.extend(of_role);
                    }
                    assert!(bad.len() >= 2, "seed {seed}");
                    let quiet = world.quiet_admin(Timestamp::from_second(NOW).unwrap());
                    assert!(bad.iter().all(|person| person.id != world.own && person.id != quiet));
                    assert!(quiet != world.own, "a second admin offends nothing, seed {seed}");
                    assert!(bad.iter().all(|person| person.tags.iter().all(|tag| tag.raw() != "contractor")));
                }
                let contractors = world.people.values().filter(|person| {
                    person.tags.iter().any(|tag| tag.raw() == "contractor")
                        && person.role == Some(Role::Agent)
                        && world.sessions_of(person.id).count() > 0
                });
                assert_eq!(contractors.count(), CONTRACTORS);
            }
        }
    }

    #[test]
    fn a_seed_grows_one_world_and_only_its_times_follow_now() {
        assert_eq!(seeded(7, 50, 50), seeded(7, 50, 50));
        assert_ne!(seeded(7, 50, 50).people, seeded(8, 50, 50).people);
        let later =
            World::seeded(Seed { number: 7, staff: 50, end_users: 50 }, Timestamp::from_second(NOW + 3_600).unwrap());
        let world = seeded(7, 50, 50);
        assert_eq!(later.people, world.people);
        assert!(later.sessions.keys().eq(world.sessions.keys()));
        for (id, session) in &world.sessions {
            let moved = later.sessions[id].authenticated_at.unwrap();
            assert_eq!(moved.at().as_second() - session.authenticated_at.unwrap().at().as_second(), 3_600);
        }
    }

    #[test]
    fn seeded_people_are_whole_and_their_sessions_possible() {
        let world = seeded(3, 120, 400);
        assert_eq!(world.people.len(), 520);
        let emails: BTreeSet<_> = world.people.values().map(|person| person.email.clone().unwrap()).collect();
        assert_eq!(emails.len(), 520, "everybody has an own address");
        for id in world.people.keys().map(|id| id.get()).chain(world.sessions.keys().map(|id| id.0)) {
            assert!((10..=15).contains(&id.to_string().len()) && id < 1 << 53);
        }
        let now = Timestamp::from_second(NOW).unwrap();
        for session in world.sessions.values() {
            let opened = session.authenticated_at.unwrap().at();
            assert!(session.last_seen_at.is_none_or(|seen| seen.at() >= opened && seen.at() <= now));
            let role = world.people.get(&session.user.unwrap()).map_or(Some(Role::EndUser), |person| person.role);
            assert!(role == Some(Role::EndUser) || now.duration_since(opened) < SignedDuration::from_hours(12));
        }
        let lost = world.sessions.values().filter(|session| !world.people.contains_key(&session.user.unwrap()));
        assert_eq!(lost.count(), 1);
        let gone = |flag: fn(&Person) -> Option<bool>| {
            world.people.values().filter(|person| flag(person) == Some(true)).count()
        };
        assert!(gone(|person| person.deleted) > 2 && gone(|person| person.suspended) > 3);
    }
}
