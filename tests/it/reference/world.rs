//! Small random worlds that sit on the boundaries: just at a threshold, a millisecond beside it, null, future, missing.
//!
//! Times are milliseconds since 1970. A world lists rows as a careless listing would, shuffled and with duplicates; its
//! [`Snapshot`] is what gather is to make of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evictd::model::{
    AccountName, Cause, Completeness, CycleId, Ended, Foreign, History, Listed, Mode, Outcome, Pause, Person, Role,
    RoleType, RuleId, Scope, Session, SessionId, Stratum, UserId,
};
use evictd::snapshot::{Clocks, Protected, Snapshot};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::leavers::{List, Trace, lists, trace};
use super::places::Scenery;
use super::{chance, pick};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Lengths that rules ask about and around which sessions gather.
pub const LENGTHS: &[i64] = &[MINUTE, 10 * MINUTE, 15 * MINUTE, HOUR, 90 * MINUTE, 4 * HOUR, 10 * HOUR];
pub const EMAILS: &[&str] = &["ann@example.com", "Bob@Vendors.example", "c.d@example.com", "eve@mail.example.com"];
/// Groups of staff.
pub const GROUPS: &[u64] = &[41, 42, 43];
pub const TAGS: &[&str] = &["vip", "night", "contractor"];
pub const EXTERNAL_IDS: &[&str] = &["E-17", "e-17", "@home", "x9"];
pub const ORGANIZATIONS: &[u64] = &[7, 77];
pub const CUSTOM_ROLES: &[u64] = &[360, 361];
/// Ids of rules that a law may have and a history may remember.
pub const RULES: &[&str] = &["age-long", "age-short", "idle", "crowd", "leaver", "odd"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: u64,
    pub user: Option<u64>,
    pub opened: Option<i64>,
    pub used: Option<i64>,
    pub seen: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Human {
    pub id: u64,
    pub seen: i64,
    pub email: Option<String>,
    pub role: Option<Role>,
    pub role_type: Option<RoleType>,
    pub custom_role: Option<u64>,
    pub deleted: Option<bool>,
    pub suspended: Option<bool>,
    pub two_factor: Option<bool>,
    pub verified: Option<bool>,
    pub chat_only: Option<bool>,
    pub tags: Vec<String>,
    pub organization: Option<u64>,
    pub external_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub session: u64,
    pub user: u64,
    pub stratum: Stratum,
    pub rules: Vec<String>,
    pub at: i64,
    pub outcome: Outcome,
}

/// The account's numbers, in the units of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub rule_cycle: u64,
    pub rule_hour: u64,
    pub rule_day: u64,
    /// What single rules have instead a cycle, an hour, a day.
    pub own: BTreeMap<String, [Option<u64>; 3]>,
    /// Per cent of the roster.
    pub part_hour: u64,
    /// Per cent of the roster.
    pub part_day: u64,
    pub floor: u64,
    pub just_revoked_for: i64,
    pub evidence_age_max: i64,
}

impl Limits {
    /// The defaults of the documentation.
    pub fn documented() -> Self {
        Self {
            rule_cycle: 10,
            rule_hour: 20,
            rule_day: 40,
            own: BTreeMap::new(),
            part_hour: 5,
            part_day: 10,
            floor: 3,
            just_revoked_for: 15 * MINUTE,
            evidence_age_max: 10 * MINUTE,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    pub now: i64,
    pub mode: Mode,
    pub idle_slack: i64,
    pub limits: Limits,
    pub trusted: bool,
    pub complete: bool,
    pub rows: Vec<Row>,
    pub people: Vec<Human>,
    /// People with sessions whose record was asked for and not had.
    pub missing: Vec<(u64, Cause)>,
    pub protected: Vec<u64>,
    pub own: u64,
    pub history: Vec<Past>,
    /// How many people each stratum had in the last complete sweep.
    pub roster: Option<Vec<(Stratum, usize)>>,
    pub pause: Option<Pause>,
    pub scope: Scope,
    /// People whose own listing was cut short; in scope staff only.
    pub cut: Vec<u64>,
    /// Every change of a record up to here was read.
    pub people_as_of: Option<i64>,
    pub traces: Vec<Trace>,
    /// The groups of each person, if this cycle could read them.
    pub groups: Option<Vec<(u64, Vec<u64>)>>,
    pub lists: Vec<List>,
    /// When this cycle read them.
    pub lists_read: i64,
    /// Where people were seen, and what is known of those addresses.
    pub scenery: Scenery,
    /// How many people each stratum had in the last seven days, if that is remembered.
    pub week: Option<Vec<(Stratum, usize)>>,
}

impl World {
    pub fn random(rng: &mut Rng) -> Self {
        let midnight = (1_795_392_000_000 / DAY) * DAY + rng.i64(0..30) * DAY;
        let now = midnight + pick(rng, &[0, 1, -1, HOUR + 17, 13 * HOUR + 250]);
        let people: Vec<Human> = (1..=rng.u64(1..=12)).map(|id| human(rng, id, now)).collect();
        let idle_slack = pick(rng, &[10 * MINUTE, 10 * MINUTE, MINUTE, 0]);
        let ids: Vec<u64> = (0..rng.u64(0..=25)).map(|index| 100 + index * 3).collect();
        let mut rows: Vec<Row> = ids.iter().map(|id| row(rng, *id, now, people.len() as u64, idle_slack)).collect();
        let history = (0..rng.usize(0..=8)).map(|_| past(rng, now, &rows)).collect();
        for _ in 0..rng.usize(0..=2) {
            if !rows.is_empty() {
                rows.push(pick(rng, &rows));
            }
        }
        rng.shuffle(&mut rows);
        let mut world = Self {
            now,
            mode: pick(rng, &[Mode::Enforce, Mode::Enforce, Mode::Report]),
            idle_slack,
            limits: limits(rng),
            trusted: !chance(rng, 10),
            complete: !chance(rng, 20),
            rows,
            people,
            missing: Vec::new(),
            protected: Vec::new(),
            own: 900,
            history,
            roster: chance(rng, 60)
                .then(|| Stratum::ALL.iter().map(|stratum| (*stratum, pick(rng, &[0, 9, 40, 120]))).collect()),
            pause: chance(rng, 5).then(|| Pause { until: chance(rng, 50).then(|| instant(now + HOUR)) }),
            scope: Scope::Everyone,
            cut: Vec::new(),
            people_as_of: None,
            traces: Vec::new(),
            groups: None,
            lists: Vec::new(),
            lists_read: now,
            scenery: Scenery::default(),
            week: None,
        };
        world.scenery = Scenery::random(rng, &world);
        world.remember(rng);
        world.lose_and_protect(rng);
        world.groups = groups(&world);
        world
    }

    /// What earlier cycles and lists add to what is seen.
    fn remember(&mut self, rng: &mut Rng) {
        let traces: Vec<Trace> = self.people.iter().map(|human| trace(rng, human, self.now)).collect();
        self.traces = traces.into_iter().filter(|_| chance(rng, 70)).collect();
        self.lists = lists(rng, self.people.len() as u64, self.now);
        self.lists_read = self.now - pick(rng, &[0, 0, 0, MINUTE, 10 * MINUTE, 10 * MINUTE + 1]);
        self.people_as_of = chance(rng, 50).then(|| self.now - pick(rng, &[0, MINUTE, HOUR, DAY]));
        if chance(rng, 40) {
            self.week = Some(Stratum::ALL.iter().map(|stratum| (*stratum, pick(rng, &[0, 9, 40, 120]))).collect());
        }
        if chance(rng, 40) {
            self.scope = Scope::Staff;
            self.cut = self.people.iter().map(|human| human.id).filter(|_| chance(rng, 15)).collect();
        }
    }

    fn lose_and_protect(&mut self, rng: &mut Rng) {
        let users: BTreeSet<u64> = self.rows.iter().filter_map(|row| row.user).collect();
        let lost = |rng: &mut Rng| pick(rng, &[Cause::NoRow, Cause::Down, Cause::Partial]);
        self.missing = users.into_iter().map(|user| (user, lost(rng))).collect();
        self.missing.retain(|_| chance(rng, 8));
        self.people.retain(|human| self.missing.iter().all(|(user, _)| *user != human.id));
        self.protected = self.people.iter().map(|human| human.id).filter(|_| chance(rng, 8)).collect();
        if chance(rng, 30) && !self.people.is_empty() {
            self.own = pick(rng, &self.people).id;
        }
    }

    /// Whom evictd ends sessions as, where that is another user than the one who reads.
    pub fn revoker(&self) -> Option<u64> {
        self.people.iter().map(|human| human.id).max().filter(|id| id % 3 == 0)
    }

    /// The listed sessions, each once.
    pub fn sessions(&self) -> Vec<&Row> {
        let mut found: Vec<&Row> = Vec::new();
        for row in &self.rows {
            if found.iter().all(|other| other.id != row.id) {
                found.push(row);
            }
        }
        found.sort_by_key(|row| row.id);
        found
    }

    pub fn human(&self, user: u64) -> Option<&Human> {
        self.people.iter().find(|human| human.id == user)
    }

    /// Whether all sessions of this person were listed: with those of everybody, or alone.
    pub fn is_whole_of(&self, user: u64) -> bool {
        match self.scope {
            Scope::Everyone => self.complete,
            Scope::Staff => !self.cut.contains(&user),
        }
    }

    /// What gather would make of it.
    pub fn snapshot(&self) -> Snapshot {
        let mut history: Vec<&Past> = self.history.iter().collect();
        history.sort_by_key(|past| past.at);
        let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
        let people = self.people.iter().map(|human| (user(human.id), Arc::new(human.person())));
        let mut listed: BTreeMap<UserId, Vec<Listed>> = BTreeMap::new();
        for (id, row) in self.lists.iter().flat_map(|list| list.listed(self.lists_read)) {
            listed.entry(user(id)).or_default().push(row);
        }
        let counted = |roster: &Vec<(Stratum, usize)>| roster.iter().copied().collect::<BTreeMap<_, _>>();
        Snapshot {
            clocks: Clocks {
                host_offset: SignedDuration::from_secs(if self.trusted { 1 } else { 31 }),
                drift: SignedDuration::ZERO,
                trusted: self.trusted,
            },
            listing: if self.complete { Completeness::Complete } else { Completeness::Partial("page 3: 429".into()) },
            sessions: self.sessions().into_iter().map(Row::session).collect(),
            people: people.collect(),
            unread: self.missing.iter().map(|(id, cause)| (user(*id), *cause)).collect(),
            protected: Protected { people: self.protected.iter().copied().map(user).collect(), unresolved: Vec::new() },
            history: History {
                ended: history.into_iter().map(Past::ended).collect(),
                roster: self.roster.as_ref().map(counted),
                ..History::default()
            },
            pause: self.pause.clone(),
            scope: self.scope,
            cut: self.cut.iter().map(|id| (user(*id), "page 2: 503".to_owned())).collect(),
            people_as_of: self.people_as_of.map(instant),
            traces: self.traces.iter().map(|trace| (user(trace.user), trace.traces())).collect(),
            groups: self.groups.as_ref().map_or(Err(Cause::Down), |groups| {
                let members = groups.iter().filter(|(_, ids)| !ids.is_empty());
                Ok(members.map(|(id, ids)| (user(*id), ids.clone())).collect())
            }),
            lists: self.lists.iter().map(|list| (list.name.to_owned(), list.standing())).collect(),
            listed,
            sources: self.scenery.sources(),
            sightings: self.scenery.sightings(),
            neighbours: super::sights::neighbours(&self.scenery),
            places: self.scenery.places(),
            roster: self.week.as_ref().map(counted),
            revoker: self.revoker().map(user),
            ..Snapshot::empty(AccountName::new("acme"), cycle, instant(self.now), user(self.own))
        }
    }
}

/// Of everybody, end users too: what is left over from better days counts for nothing.
fn groups(world: &World) -> Option<Vec<(u64, Vec<u64>)>> {
    let mut rng = Rng::with_seed(world.rows.iter().map(|row| row.seen).sum::<i64>().unsigned_abs());
    let mut some = || GROUPS.iter().copied().filter(|_| chance(&mut rng, 40)).collect();
    let groups = world.people.iter().map(|human| (human.id, some())).collect();
    chance(&mut rng, 80).then_some(groups)
}

impl Row {
    fn session(&self) -> Session {
        Session {
            id: SessionId(self.id),
            user: self.user.map(user),
            authenticated_at: self.opened.map(|at| instant(at).into()),
            last_seen_at: self.used.map(|at| instant(at).into()),
            seen: instant(self.seen).into(),
        }
    }
}

impl Human {
    fn person(&self) -> Person {
        Person {
            id: user(self.id),
            seen: instant(self.seen),
            name: Foreign::new(format!("Person {}\u{202e}\u{1b}[1m", self.id)),
            email: self.email.clone().map(Foreign::new),
            role: self.role,
            role_type: self.role_type,
            custom_role_id: self.custom_role,
            deleted: self.deleted,
            suspended: self.suspended,
            two_factor: self.two_factor,
            verified: self.verified,
            chat_only: self.chat_only,
            tags: self.tags.iter().cloned().map(Foreign::new).collect(),
            organization_id: self.organization,
            external_id: self.external_id.clone().map(Foreign::new),
        }
    }
}

impl Past {
    fn ended(&self) -> Ended {
        Ended {
            session: SessionId(self.session),
            user: user(self.user),
            stratum: self.stratum,
            rules: self.rules.iter().map(|rule| RuleId::new(rule.as_str())).collect(),
            at: instant(self.at),
            outcome: self.outcome,
            cycle: None,
            core: Vec::new(),
            came_back: Vec::new(),
        }
    }
}

pub fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

/// At, or just beside.
fn near(rng: &mut Rng) -> i64 {
    pick(rng, &[0, 0, 1, -1, SECOND, -SECOND, 5 * MINUTE, -5 * MINUTE])
}

fn row(rng: &mut Rng, id: u64, now: i64, people: u64, slack: i64) -> Row {
    let seen = now - pick(rng, &[0, 0, 0, SECOND, 30 * SECOND, 10 * MINUTE, 10 * MINUTE + 1, 10 * MINUTE - 1]);
    let future = pick(rng, &[30 * SECOND, MINUTE, MINUTE + 1, MINUTE + SECOND, HOUR]);
    let opened = now - pick(rng, LENGTHS) + near(rng);
    let used = seen - pick(rng, LENGTHS) - pick(rng, &[0, slack, slack]) + near(rng);
    Row {
        id,
        user: (!chance(rng, 5)).then(|| rng.u64(1..=people)),
        opened: instant_or_not(rng, opened, now + future),
        used: instant_or_not(rng, used, seen + future),
        seen,
    }
}

fn instant_or_not(rng: &mut Rng, past: i64, future: i64) -> Option<i64> {
    match rng.u32(..100) {
        0..8 => None,
        8..16 => Some(future),
        _ => Some(past),
    }
}

fn human(rng: &mut Rng, id: u64, now: i64) -> Human {
    let mut truth = |percent: u32| (!chance(rng, 15)).then(|| chance(rng, percent));
    let (deleted, suspended) = (truth(15), truth(20));
    let (two_factor, verified, chat_only) = (truth(60), truth(80), truth(20));
    let email = pick(rng, EMAILS).to_owned();
    Human {
        id,
        seen: now - rng.i64(0..20) * SECOND,
        email: (!chance(rng, 10)).then_some(email),
        role: (!chance(rng, 5)).then(|| pick(rng, &[Role::EndUser, Role::Agent, Role::Agent, Role::Admin])),
        role_type: (!chance(rng, 30)).then(|| pick(rng, RoleType::ALL)),
        custom_role: (!chance(rng, 50)).then(|| pick(rng, CUSTOM_ROLES)),
        deleted,
        suspended,
        two_factor,
        verified,
        chat_only,
        tags: TAGS.iter().filter(|_| chance(rng, 30)).map(|tag| (*tag).to_owned()).collect(),
        organization: (!chance(rng, 40)).then(|| pick(rng, ORGANIZATIONS)),
        external_id: (!chance(rng, 40)).then(|| pick(rng, EXTERNAL_IDS).to_owned()),
    }
}

fn past(rng: &mut Rng, now: i64, rows: &[Row]) -> Past {
    let ago = match rng.u32(..8) {
        0 => -30 * SECOND,
        1..4 => pick(rng, &[HOUR, DAY, 15 * MINUTE]) + pick(rng, &[0, 1, -1]),
        _ => rng.i64(0..26 * HOUR),
    };
    let listed = chance(rng, 40).then(|| rows.iter().find(|row| row.user.is_some() && chance(rng, 30))).flatten();
    Past {
        session: listed.map_or(5_000 + rng.u64(..4), |row| row.id),
        user: listed.and_then(|row| row.user).unwrap_or_else(|| rng.u64(1..=15)),
        stratum: pick(rng, Stratum::ALL),
        rules: (0..rng.usize(1..=3))
            .map(|_| pick(rng, RULES).to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        at: now - ago,
        outcome: pick(rng, Outcome::ALL),
    }
}

fn limits(rng: &mut Rng) -> Limits {
    if chance(rng, 30) {
        return Limits::documented();
    }
    Limits {
        rule_cycle: pick(rng, &[0, 1, 2, 3, 10]),
        rule_hour: pick(rng, &[0, 1, 2, 4, 20]),
        rule_day: pick(rng, &[0, 2, 3, 5, 40]),
        own: BTreeMap::new(),
        part_hour: pick(rng, &[0, 5, 30, 100]),
        part_day: pick(rng, &[0, 10, 50, 100]),
        floor: pick(rng, &[0, 1, 2, 3]),
        just_revoked_for: pick(rng, &[15 * MINUTE, 0]),
        evidence_age_max: pick(rng, &[10 * MINUTE, 10 * MINUTE, MINUTE]),
    }
}
