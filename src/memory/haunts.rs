//! Where staff was seen in the last thirty days: what logs add to it, and what it says of whoever else was near.
//!
//! What is counted later is people, and nobody counts for themselves: so an address is kept however little was done from
//! it. Whoever was seen in more places than are kept, or where nobody knows, may have been anywhere; that is kept as a
//! place without an address.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::address::prefix_of;
use crate::model::{
    HAUNTS_MAX, HAUNTS_REMEMBERED, Haunt, HauntKey, HauntLesson, Lesson, LogMemory, Memory, Remembered, Role, SeenKey,
    Sighting, Span, Stratum, UserId, stratum_of,
};
use crate::snapshot::{Neighbours, Snapshot};

/// That somebody is still there is renewed this rarely: a quiet cycle then changes next to nothing.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// What is dated further ahead says nothing.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(60);

/// What logs add, as they are remembered and as this lesson adds to them, for whoever is staff by then.
pub fn haunts(memory: &Memory, lesson: &Lesson, now: Timestamp) -> HauntLesson {
    let mut added = Added { memory, seen: BTreeMap::new(), now };
    let mut staff: BTreeMap<UserId, bool> = BTreeMap::new();
    let new = lesson.logs.iter().flat_map(|(name, log)| log.seen.iter().map(move |row| (name, row)));
    let old = memory.logs.iter().flat_map(|(name, log)| log.seen.iter().map(move |row| (name, row)));
    for (_, (key, span)) in old.chain(new).filter(|(name, _)| &***name != Sighting::HEARSAY) {
        let is_staff = || known(memory, lesson, key.user).is_some_and(|one| is_staff(one, now));
        if *staff.entry(key.user).or_insert_with(is_staff) {
            added.add(key, *span);
        }
    }
    let (seen, forgotten) = added.bounded();
    // A log that is read anew from some instant on has told nothing of the time before.
    let begins = |name: &str, log: Option<&LogMemory>| {
        let place = lesson.logs.get(name).and_then(|log| log.place.as_ref());
        place.or(log.and_then(|log| log.place.as_ref())).map(|place| place.since)
    };
    let logs = lesson.logs.keys().chain(memory.logs.keys()).filter(|name| &***name != Sighting::HEARSAY);
    let before = memory.haunts.since;
    let since = logs.filter_map(|name| begins(name, memory.logs.get(name))).fold(before.unwrap_or(now), Timestamp::max);
    HauntLesson { since: (before != Some(since)).then_some(since), seen, forgotten }
}

/// Who else of staff was seen near these sightings, as this lesson leaves it.
pub fn neighbours(memory: &Memory, lesson: &Lesson, snapshot: &Snapshot) -> Neighbours {
    let asked: BTreeSet<IpAddr> = snapshot.sightings.iter().filter_map(|row| row.address).map(prefix_of).collect();
    let since = lesson.haunts.since.or(memory.haunts.since);
    let mut near = Neighbours { since, ..Neighbours::default() };
    if asked.is_empty() {
        return near;
    }
    let forgotten: BTreeSet<&HauntKey> = lesson.haunts.forgotten.iter().collect();
    let kept = memory.haunts.seen.iter().filter(|(key, _)| !forgotten.contains(key));
    for (key, haunt) in kept.chain(&lesson.haunts.seen) {
        let block = key.address.map(prefix_of);
        let is_asked = block.is_none_or(|block| asked.contains(&block));
        if !is_asked || is_old(haunt, snapshot.now) {
            continue;
        }
        let Some(one) = known(memory, lesson, key.user).filter(|one| is_staff_today(one)) else { continue };
        match block {
            Some(block) => _ = near.blocks.entry(block).or_default().insert(key.user),
            // Programs that work with an agent's token never have a session.
            None if one.session_at.is_some_and(|at| at.duration_until(snapshot.now) <= HAUNTS_REMEMBERED) => {
                near.astray.insert(key.user);
            }
            None => {}
        }
    }
    near
}

fn known<'m>(memory: &'m Memory, lesson: &'m Lesson, user: UserId) -> Option<&'m Remembered> {
    lesson.people.get(&user).or_else(|| memory.people.get(&user))
}

fn is_staff(one: &Remembered, now: Timestamp) -> bool {
    stratum_of(&one.person, one.traces.as_deref(), now) != Stratum::EndUsers
}

fn is_staff_today(one: &Remembered) -> bool {
    matches!(one.person.role, Some(Role::Admin | Role::Agent))
}

fn is_old(haunt: &Haunt, now: Timestamp) -> bool {
    haunt.last.duration_until(now) > HAUNTS_REMEMBERED
}

/// What is added, while rows are gone through.
struct Added<'m> {
    memory: &'m Memory,
    seen: BTreeMap<HauntKey, Haunt>,
    now: Timestamp,
}

impl Added<'_> {
    fn add(&mut self, key: &SeenKey, (first, last): Span) {
        let haunt = Haunt::of(first.at(), last.at());
        if self.now.duration_until(haunt.last) > AHEAD_MAX || is_old(&haunt, self.now) {
            return;
        }
        let key = HauntKey { user: key.user, act: key.act, address: key.address };
        let before = self.seen.get(&key).or_else(|| self.memory.haunts.seen.get(&key)).copied();
        let now = before.map_or(haunt, |before| before.with(haunt));
        let is_news = |before: Haunt| {
            let is_later = before.last.duration_until(now.last) >= RENEWED_AFTER;
            is_later || before.first != now.first || !before.days().eq(now.days())
        };
        if before.is_none_or(is_news) {
            self.seen.insert(key, now);
        }
    }

    /// What is to be kept and what to be forgotten: what is old, and of each person the oldest of what is too much.
    fn bounded(self) -> (BTreeMap<HauntKey, Haunt>, Vec<HauntKey>) {
        let Self { memory, mut seen, now } = self;
        let old = memory.haunts.seen.iter().filter(|(key, haunt)| !seen.contains_key(key) && is_old(haunt, now));
        let mut forgotten: Vec<HauntKey> = old.map(|(key, _)| *key).collect();
        let people: BTreeSet<UserId> = seen.keys().map(|key| key.user).collect();
        for user in people {
            let is_left =
                |key: &HauntKey| key.user == user && key.address.is_some() && forgotten.binary_search(key).is_err();
            let own = |from: &BTreeMap<HauntKey, Haunt>| -> BTreeMap<HauntKey, Haunt> {
                let rows = from.range(first_of(user)..).take_while(|(key, _)| key.user == user);
                rows.filter(|(key, _)| is_left(key)).map(|(key, haunt)| (*key, *haunt)).collect()
            };
            let mut all = own(&memory.haunts.seen);
            all.extend(own(&seen));
            if all.len() <= HAUNTS_MAX {
                continue;
            }
            let mut all: Vec<(HauntKey, Haunt)> = all.into_iter().collect();
            all.sort_by_key(|(key, haunt)| (Reverse(haunt.last), *key));
            for (key, haunt) in all.into_iter().skip(HAUNTS_MAX) {
                seen.remove(&key);
                forgotten.push(key);
                let somewhere = HauntKey { address: None, ..key };
                let before = seen.get(&somewhere).or_else(|| memory.haunts.seen.get(&somewhere));
                let now = before.map_or(haunt, |before| before.with(haunt));
                seen.insert(somewhere, now);
            }
            forgotten.sort_unstable();
        }
        (seen, forgotten)
    }
}

/// Before every key of this person.
fn first_of(user: UserId) -> HauntKey {
    HauntKey { user, act: crate::model::Act::SignIn, address: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::{after, cycle, person, user};
    use crate::model::{Act, LogLesson, LogPlace, Seen, Sighting};

    const DAY: i64 = 24 * 60;

    /// A memory in which 1 and 2 are agents and 3 is not, and `since` of the log.
    fn memory() -> Memory {
        let mut memory = Memory::default();
        for (number, role) in [(1, Role::Agent), (2, Role::Agent), (3, Role::EndUser)] {
            let person = person(number, Some(role), 0).into();
            memory.people.insert(user(number), Remembered { person, session_at: Some(after(0)), traces: None });
        }
        memory
    }

    /// Takes in rows of a log, each of somebody from somewhere so many minutes after the start, and tells what is near.
    fn hears(memory: &mut Memory, name: &str, now: i64, rows: &[(u64, i64, Option<&str>)]) -> Neighbours {
        let mut lesson = Lesson::default();
        let log = lesson.logs.entry(name.into()).or_insert_with(LogLesson::default);
        for (who, at, address) in rows {
            let address = address.map(|address| address.parse().unwrap());
            log.add(None, Act::Use, &Seen { user: user(*who), at: after(*at).into(), address, agent: None });
        }
        let place = LogPlace { since: after(-60), as_of: after(now), skew: SignedDuration::ZERO, file: None };
        log.place = Some(place);
        lesson.haunts = haunts(memory, &lesson, after(now));
        let mut snapshot = cycle(now, &[]);
        snapshot.sightings.push(Sighting {
            user: user(9),
            session: None,
            act: Act::Use,
            address: Some("192.0.2.200".parse().unwrap()),
            agent: None,
            first: after(now).into(),
            last: after(now).into(),
            source: name.into(),
        });
        let near = neighbours(memory, &lesson, &snapshot);
        memory.learn(lesson);
        // Rows themselves are gone after a day.
        memory.logs.values_mut().for_each(|log| log.seen.clear());
        near
    }

    fn ids(users: impl IntoIterator<Item = UserId>) -> Vec<u64> {
        users.into_iter().map(UserId::get).collect()
    }

    fn here(near: &Neighbours) -> Vec<u64> {
        ids(near.blocks.values().flatten().copied())
    }

    #[test]
    fn staff_is_remembered_for_thirty_days_and_others_never() {
        let mut memory = memory();
        let rows = [
            (1, 0, Some("192.0.2.1")),
            (2, 0, Some("198.51.100.1")),
            (3, 0, Some("192.0.2.3")),
            (4, 0, Some("192.0.2.4")),
        ];
        let near = hears(&mut memory, "log", 0, &rows);
        assert_eq!((here(&near), near.since), (vec![1], Some(after(0))), "only the block that is asked about");
        assert_eq!(memory.haunts.seen.len(), 2);
        assert_eq!(here(&hears(&mut memory, "log", 30 * DAY, &[])), [1]);
        let near = hears(&mut memory, "log", 30 * DAY + 1, &[]);
        assert_eq!((here(&near), near.since), (vec![], Some(after(0))));
        assert_eq!(memory.haunts.seen.len(), 0);
    }

    #[test]
    fn what_may_be_stated_by_anybody_or_lies_ahead_is_no_place() {
        let mut memory = memory();
        assert_eq!(here(&hears(&mut memory, Sighting::HEARSAY, 0, &[(1, 0, Some("192.0.2.1"))])), [0; 0]);
        assert_eq!(here(&hears(&mut memory, "log", 0, &[(1, 2, Some("192.0.2.1"))])), [0; 0]);
        assert_eq!(memory.haunts.seen.len(), 0);
    }

    #[test]
    fn whoever_is_seen_where_nobody_knows_may_have_been_anywhere() {
        let mut memory = memory();
        let near = hears(&mut memory, "log", 0, &[(1, 0, None)]);
        assert_eq!((here(&near), ids(near.astray)), (vec![], vec![1]));
        // A program that works with an agent's token has no session.
        memory.people.get_mut(&user(1)).unwrap().session_at = None;
        assert_eq!(ids(hears(&mut memory, "log", 1, &[]).astray), [0; 0]);
    }

    #[test]
    fn of_one_person_so_many_addresses_are_kept_and_the_rest_is_anywhere() {
        let mut memory = memory();
        let address = |number: usize| format!("10.{}.{}.1", number / 256, number % 256);
        let addresses: Vec<String> = (0..HAUNTS_MAX + 5).map(address).collect();
        let rows: Vec<_> = (0..).zip(&addresses).map(|(minute, text)| (1, minute, Some(text.as_str()))).collect();
        let near = hears(&mut memory, "log", 300, &rows);
        assert_eq!(ids(near.astray), [1]);
        assert_eq!(memory.haunts.seen.len(), HAUNTS_MAX + 1);
        let oldest = memory.haunts.seen.values().map(|haunt| haunt.last).min();
        assert_eq!(oldest, Some(after(4)), "the place that is none, and then the sixth");
    }

    #[test]
    fn a_gap_in_a_log_begins_it_anew_and_what_is_still_there_is_no_news() {
        let mut memory = memory();
        hears(&mut memory, "log", 0, &[(1, 0, Some("192.0.2.1"))]);
        let mut lesson = Lesson::default();
        let log = lesson.logs.entry("log".into()).or_insert_with(LogLesson::default);
        let seen = |at| Seen { user: user(1), at: after(at).into(), address: "192.0.2.1".parse().ok(), agent: None };
        log.add(None, Act::Use, &seen(30));
        assert_eq!(haunts(&memory, &lesson, after(30)), HauntLesson::default());
        let log = lesson.logs.entry("log".into()).or_insert_with(LogLesson::default);
        log.add(None, Act::Use, &seen(90));
        log.place = Some(LogPlace { since: after(80), as_of: after(90), skew: SignedDuration::ZERO, file: None });
        let again = haunts(&memory, &lesson, after(90));
        assert_eq!((again.since, again.seen.len()), (Some(after(80)), 1));
    }
}
