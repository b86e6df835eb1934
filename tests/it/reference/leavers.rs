//! People who have left, as memory and lists tell it: random traces and lists, and the plain reading of their facts.
//!
//! A sign is there only where its source is. What rests on nothing but the absence of a trace is *assumed*, since the
//! trace may have been lost: it counts as it stands until a claim would fire by it or a spare would be lifted by it.

use std::collections::BTreeSet;
use std::sync::Arc;

use evictd::model::{Cause, ListStanding, ListTrouble, Listed, Role, Stratum, Traces};
use fastrand::Rng;

use super::judge::Fact;
use super::world::{DAY, Human, LENGTHS, MINUTE, SECOND, World, instant};
use super::{chance, pick};

/// What earlier cycles saw of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    pub user: u64,
    pub admin: Option<i64>,
    pub agent: Option<i64>,
    pub deleted: Option<i64>,
    pub suspended: Option<i64>,
    pub lost: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub name: &'static str,
    pub trouble: Option<Cause>,
    /// Rows of which nobody knows yet whom they mean.
    pub unasked: usize,
    pub unreadable: usize,
    /// People, and since when they have left.
    pub rows: Vec<(u64, i64)>,
}

impl Trace {
    pub fn traces(&self) -> Traces {
        Traces {
            admin_at: self.admin.map(instant),
            agent_at: self.agent.map(instant),
            deleted_since: self.deleted.map(instant),
            suspended_since: self.suspended.map(instant),
            staff_lost_since: self.lost.map(instant),
        }
    }

    /// The highest role of staff in the last 90 days.
    fn staff(&self, now: i64) -> Option<Role> {
        let lately = |at: Option<i64>| at.is_some_and(|at| now - at <= 90 * DAY);
        match (lately(self.admin), lately(self.agent)) {
            (true, _) => Some(Role::Admin),
            (false, true) => Some(Role::Agent),
            (false, false) => None,
        }
    }
}

impl List {
    pub fn standing(&self) -> ListStanding {
        let trouble = |cause| ListTrouble { cause, why: "as the test says".into(), help: None };
        ListStanding {
            rows: self.rows.len() + self.unasked,
            unasked: self.unasked,
            unreadable: self.unreadable,
            unknown: self.trouble.map(trouble),
            ..ListStanding::default()
        }
    }

    /// Whom it names; nobody while it cannot be used.
    pub fn listed(&self, read: i64) -> Vec<(u64, Listed)> {
        let row = |(user, since): &(u64, i64)| {
            let listed = Listed { list: Arc::from(self.name), since: instant(*since), as_of: instant(read) };
            (*user, listed)
        };
        if self.trouble.is_some() { Vec::new() } else { self.rows.iter().map(row).collect() }
    }

    /// Whether it says that this person has left; `None` if it cannot say.
    fn names(&self, user: u64, now: i64) -> Option<bool> {
        if self.trouble.is_some() { None } else { Some(self.rows.iter().any(|row| row.0 == user && row.1 <= now)) }
    }
}

impl World {
    fn trace(&self, user: u64) -> Option<&Trace> {
        self.traces.iter().find(|trace| trace.user == user)
    }

    fn remembered_role(&self, user: u64) -> Option<Role> {
        self.trace(user).and_then(|trace| trace.staff(self.now))
    }

    /// The highest role of today and of the last 90 days; whose record could not be read counts among end users.
    pub fn stratum(&self, user: u64) -> Stratum {
        let Some(human) = self.human(user) else { return Stratum::EndUsers };
        let today = human.role.unwrap_or(Role::EndUser);
        let roles = [today, self.remembered_role(user).unwrap_or(Role::EndUser)];
        if roles.contains(&Role::Admin) {
            Stratum::Admins
        } else if roles.contains(&Role::Agent) {
            Stratum::Agents
        } else {
            Stratum::EndUsers
        }
    }
}

pub fn fact(world: &World, user: u64, fact: &str) -> Option<Fact> {
    match fact {
        "user.downgraded" => downgraded(world, world.human(user)?).map(Fact::Truth),
        "user.listed" => listed(world, user),
        "user.offboarded" => offboarded(world, user),
        "user.offboarded-for" => offboarded_for(world, world.human(user)?).map(Fact::AtLeast),
        _ => panic!("no fact about leaving: {fact}"),
    }
}

/// Today's staff has lost no role; of others only memory can say whether they were staff.
fn downgraded(world: &World, human: &Human) -> Option<bool> {
    match human.role? {
        Role::Admin | Role::Agent => Some(false),
        Role::EndUser if !world.trusted => None,
        Role::EndUser => world.remembered_role(human.id).map(|_| true),
    }
}

/// Yes if one list says yes, unknown if one cannot say, else no; and assumed if rows are left that nobody could match.
fn listed(world: &World, user: u64) -> Option<Fact> {
    if world.lists.is_empty() || !world.trusted {
        return None;
    }
    let says: Vec<Option<bool>> = world.lists.iter().map(|list| list.names(user, world.now)).collect();
    let is_whole = world.lists.iter().all(|list| list.unasked == 0 && list.unreadable == 0);
    if says.contains(&Some(true)) {
        Some(Fact::Truth(true))
    } else if says.contains(&None) {
        None
    } else if is_whole {
        Some(Fact::Truth(false))
    } else {
        Some(Fact::Assumed(false))
    }
}

/// Kleene's *or* of the signs that there are. Of a record that could not be read none is known, but lists go by id.
fn offboarded(world: &World, user: u64) -> Option<Fact> {
    let of_record = |human: &Human| {
        let memory = downgraded(world, human).map(Fact::Truth);
        let can_say = human.role.is_some() && (world.trusted || world.trace(user).is_none());
        // An end user without a trace of having been staff: no such sign.
        let memory = if can_say { memory.or(Some(Fact::Assumed(false))) } else { memory };
        vec![human.deleted.map(Fact::Truth), human.suspended.map(Fact::Truth), memory]
    };
    let mut signs = world.human(user).map_or(vec![None], of_record);
    if !world.lists.is_empty() {
        signs.push(listed(world, user));
    }
    if signs.iter().any(|sign| matches!(sign, Some(Fact::Truth(true)))) {
        Some(Fact::Truth(true))
    } else if signs.iter().any(Option::is_none) {
        None
    } else if signs.iter().any(|sign| matches!(sign, Some(Fact::Assumed(_)))) {
        Some(Fact::Assumed(false))
    } else {
        Some(Fact::Truth(false))
    }
}

/// Whether a claim that rests on these facts rests on what a list says, which is as old as its reading.
pub fn rests_on_lists(world: &World, user: u64, facts: &BTreeSet<&str>) -> bool {
    let is_listed = matches!(listed(world, user), Some(Fact::Truth(true)));
    let other_signs = world.human(user).is_some_and(|human| {
        human.deleted == Some(true) || human.suspended == Some(true) || downgraded(world, human) == Some(true)
    });
    let is_earliest = || {
        let mut without = world.clone();
        without.lists.iter_mut().for_each(|list| list.rows.clear());
        let length = |world: &World| world.human(user).and_then(|human| offboarded_for(world, human));
        let row = world.lists.iter().flat_map(|list| &list.rows).filter(|row| row.0 == user && row.1 <= world.now);
        row.map(|row| row.1).min().is_some_and(|since| length(&without).is_none_or(|seen| world.now - since >= seen))
    };
    is_listed && facts.contains("user.listed")
        || is_listed && !other_signs && facts.contains("user.offboarded")
        || facts.contains("user.offboarded-for") && is_earliest()
}

/// From the earliest sign that says yes and whose beginning is known; unknown if a list cannot say.
fn offboarded_for(world: &World, human: &Human) -> Option<i64> {
    if !world.trusted || world.lists.iter().any(|list| list.trouble.is_some()) {
        return None;
    }
    let trace = world.trace(human.id).cloned().unwrap_or_default();
    let mut since: Vec<Option<i64>> = Vec::new();
    if human.deleted == Some(true) {
        since.push(trace.deleted);
    }
    if human.suspended == Some(true) {
        since.push(trace.suspended);
    }
    if downgraded(world, human) == Some(true) {
        since.push(trace.lost);
    }
    let rows = world.lists.iter().flat_map(|list| &list.rows);
    since.extend(rows.filter(|row| row.0 == human.id && row.1 <= world.now).map(|row| Some(row.1)));
    let earliest = since.into_iter().flatten().min()?;
    (earliest - world.now <= MINUTE).then(|| (world.now - earliest).max(0))
}

/// A beginning near the lengths that rules ask about; seldom one that lies ahead.
fn since(rng: &mut Rng, now: i64) -> i64 {
    match rng.u32(..20) {
        0 => now + pick(rng, &[SECOND, MINUTE, MINUTE + 1, DAY]),
        1 => now,
        _ => now - pick(rng, LENGTHS) + pick(rng, &[0, 0, 1, -1, SECOND]),
    }
}

pub fn trace(rng: &mut Rng, human: &Human, now: i64) -> Trace {
    let mut staff = |percent: u32| {
        let ago = pick(rng, &[0, DAY, 89 * DAY, 90 * DAY, 90 * DAY + 1, 90 * DAY - 1, 91 * DAY]);
        chance(rng, percent).then_some(now - ago)
    };
    let (admin, agent) = match human.role {
        Some(Role::Admin) => (Some(now), staff(20)),
        Some(Role::Agent) => (staff(20), Some(now)),
        Some(Role::EndUser) | None => (staff(25), staff(50)),
    };
    let mut sign = |is_there: bool| (is_there && !chance(rng, 10)).then(|| since(rng, now));
    let deleted = sign(human.deleted == Some(true));
    let suspended = sign(human.suspended == Some(true));
    let lost = sign(human.role == Some(Role::EndUser) && (admin.is_some() || agent.is_some()));
    Trace { user: human.id, admin, agent, deleted, suspended, lost }
}

pub fn lists(rng: &mut Rng, people: u64, now: i64) -> Vec<List> {
    let count = pick(rng, &[0, 0, 1, 1, 2]);
    ["hr", "vendors"].into_iter().take(count).map(|name| list(rng, name, people, now)).collect()
}

fn list(rng: &mut Rng, name: &'static str, people: u64, now: i64) -> List {
    let mut users: Vec<u64> = (1..=people).collect();
    rng.shuffle(&mut users);
    users.truncate(rng.usize(0..=3));
    List {
        name,
        trouble: chance(rng, 20).then(|| pick(rng, &[Cause::Down, Cause::ListStale, Cause::Learning])),
        unasked: pick(rng, &[0, 0, 0, 2]),
        unreadable: pick(rng, &[0, 0, 0, 0, 1]),
        rows: users.into_iter().map(|user| (user, since(rng, now))).collect(),
    }
}
