//! What a cycle adds to what is remembered, and what is remembered says about the people it saw.
//!
//! Pure: the memory comes in, a lesson goes out; `state` keeps it. While clocks disagree nothing is learned, since every
//! instant that is kept here would be wrong.

mod haunts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    KnownSession, Lesson, Memory, Moment, Person, Remembered, Role, Roster, STAFF_REMEMBERED, Session, SessionId,
    Stratum, Traces, UserId, Walk, stratum_of, usual,
};
use crate::snapshot::Snapshot;
pub use haunts::{haunts, neighbours};

/// Whoever was seen with a session this lately counts for the roster (design §6).
const ROSTER_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Instants that only say *lately* are renewed this rarely: a quiet cycle then changes next to nothing.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// Sessions that ended are remembered this long: late evidence may still speak of them.
const GONE_REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Records read in a cycle, of whoever is worth remembering.
pub type Fresh = BTreeMap<UserId, Arc<Person>>;

/// What this snapshot teaches. Its traces, bygone sessions, roster and what is usual are filled in from
/// what was remembered and what it adds.
pub fn learn(memory: &Memory, snapshot: &mut Snapshot, fresh: &Fresh) -> Lesson {
    let mut lesson = Lesson::default();
    if snapshot.clocks.trusted {
        lesson.people = people(memory, snapshot, fresh);
        lesson.people_gone = people_gone(memory, snapshot);
        (lesson.sessions, lesson.sessions_gone) = sessions(memory, &lesson, snapshot);
    }
    let traced = beside(memory, snapshot.people.iter())
        .filter_map(|(user, _, before)| Some((*user, **lesson.people.get(user).or(before)?.traces.as_ref()?)));
    snapshot.traces = traced.collect();
    snapshot.bygone = bygone(memory, &lesson, snapshot);
    let usual =
        memory.shares.iter().filter_map(|(watched, history)| Some((watched.clone(), usual(history, snapshot.now)?)));
    snapshot.usual = usual.collect();
    snapshot.roster = snapshot.clocks.trusted.then(|| roster(memory, &lesson, snapshot.now)).flatten();
    lesson
}

/// What these records alone teach, of whomever was read before anybody was listed.
pub fn learn_records(memory: &Memory, fresh: &Fresh, now: Timestamp) -> BTreeMap<UserId, Remembered> {
    let learned = beside(memory, fresh.iter()).filter_map(|(user, person, before)| {
        let session_at = before.and_then(|before| before.session_at);
        let traces = traces(before.and_then(|before| before.traces.as_deref()), person, now).map(Box::new);
        let now = Remembered { person: Arc::clone(person), session_at, traces };
        (before != Some(&now)).then_some((*user, now))
    });
    learned.collect()
}

fn people(memory: &Memory, snapshot: &Snapshot, fresh: &Fresh) -> BTreeMap<UserId, Remembered> {
    let mut seen: Vec<UserId> = snapshot.sessions.iter().filter_map(|session| session.user).collect();
    seen.sort_unstable();
    seen.dedup();
    let known = snapshot.people.iter().filter(|(user, _)| !fresh.contains_key(user));
    // Built at once, its nodes are full: of the first cycle it is what is kept.
    let learned = beside(memory, fresh.iter()).chain(beside(memory, known)).filter_map(|(user, person, before)| {
        let session_at = before.and_then(|before| before.session_at);
        let has_session = seen.binary_search(user).is_ok();
        let session_at = if has_session { Some(renewed(session_at, snapshot.now)) } else { session_at };
        if before.is_some_and(|before| before.session_at == session_at && says_no_more(before, person)) {
            return None;
        }
        let traces = traces(before.and_then(|before| before.traces.as_deref()), person, snapshot.now).map(Box::new);
        let now = Remembered { person: Arc::clone(person), session_at, traces };
        (before != Some(&now)).then_some((*user, now))
    });
    learned.collect()
}

/// Each of these people, who come in order, and what is remembered of them.
fn beside<'p>(
    memory: &'p Memory,
    people: impl Iterator<Item = (&'p UserId, &'p Arc<Person>)>,
) -> impl Iterator<Item = (&'p UserId, &'p Arc<Person>, Option<&'p Remembered>)> {
    let mut before = Walk::along(&memory.people);
    people.map(move |(user, person)| (user, person, before.find(*user)))
}

/// The very record that left no traces leaves none now.
fn says_no_more(before: &Remembered, person: &Arc<Person>) -> bool {
    before.traces.is_none() && Arc::ptr_eq(&before.person, person)
}

fn renewed(before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    before.filter(|before| before.duration_until(now).abs() < RENEWED_AFTER).unwrap_or(now)
}

/// What is to be remembered of this person beyond the record; nothing if there is nothing to say.
fn traces(before: Option<&Traces>, person: &Person, now: Timestamp) -> Option<Traces> {
    let before = before.copied().unwrap_or_default();
    let since = |sign: Option<bool>, since: Option<Timestamp>| match sign {
        Some(true) => Some(since.unwrap_or(now)),
        Some(false) => None,
        None => since,
    };
    let mut traces = Traces {
        deleted_since: since(person.deleted, before.deleted_since),
        suspended_since: since(person.suspended, before.suspended_since),
        ..before
    };
    match person.role {
        Some(Role::Admin) => traces.admin_at = Some(renewed(before.admin_at, now)),
        Some(Role::Agent) => traces.agent_at = Some(renewed(before.agent_at, now)),
        Some(Role::EndUser) | None => {}
    }
    let lost = person.role.map(|role| role == Role::EndUser && before.staff_role(now).is_some());
    traces.staff_lost_since = since(lost, before.staff_lost_since);
    (traces != Traces::default()).then_some(traces)
}

/// People that nothing recent is known of.
fn people_gone(memory: &Memory, snapshot: &Snapshot) -> Vec<UserId> {
    let is_old = |at: Option<Timestamp>| at.is_none_or(|at| at.duration_until(snapshot.now) > STAFF_REMEMBERED);
    let is_bygone = |one: &Remembered| {
        let was_staff = || one.traces.as_ref().is_some_and(|traces| traces.staff_role(snapshot.now).is_some());
        is_old(one.session_at) && is_old(Some(one.person.seen)) && !was_staff()
    };
    let bygone = memory.people.iter().filter(|(user, one)| is_bygone(one) && !snapshot.people.contains_key(user));
    bygone.map(|(user, _)| *user).collect()
}

type Sessions = (BTreeMap<SessionId, KnownSession>, Vec<SessionId>);

/// Sessions of staff: new ones, those that were used since, those that ended, and those to forget.
fn sessions(memory: &Memory, lesson: &Lesson, snapshot: &Snapshot) -> Sessions {
    let (mut changed, mut forgotten) = (BTreeMap::new(), Vec::new());
    let staff = staff(memory, lesson, snapshot);
    for row in &snapshot.sessions {
        let Some(user) = row.user.filter(|user| staff.contains(user)) else { continue };
        if let Some(known) = known_session(memory.sessions.get(&row.id), row, user) {
            changed.insert(row.id, known);
        }
    }
    for (id, known) in &memory.sessions {
        let is_old = |gone: Timestamp| gone.duration_until(snapshot.now) > GONE_REMEMBERED;
        let is_listed = || snapshot.sessions.binary_search_by_key(id, |row| row.id).is_ok();
        match known.gone_at {
            Some(gone) if is_old(gone) && !is_listed() => forgotten.push(*id),
            None if snapshot.listing.is_complete() && snapshot.is_whole_of(known.user) && !is_listed() => {
                changed.insert(*id, KnownSession { gone_at: Some(snapshot.now), ..*known });
            }
            _ => {}
        }
    }
    (changed, forgotten)
}

/// Sessions that are remembered and not listed, as this lesson leaves them.
fn bygone(memory: &Memory, lesson: &Lesson, snapshot: &Snapshot) -> BTreeMap<SessionId, KnownSession> {
    let is_listed = |id: &SessionId| snapshot.sessions.binary_search_by_key(id, |row| row.id).is_ok();
    let is_forgotten = |id: &SessionId| lesson.sessions_gone.binary_search(id).is_ok();
    let remembered = memory.sessions.iter().filter(|(id, _)| !is_listed(id) && !is_forgotten(id));
    remembered.map(|(id, known)| (*id, *lesson.sessions.get(id).unwrap_or(known))).collect()
}

/// Whoever is staff in this cycle or was lately: few of many.
fn staff(memory: &Memory, lesson: &Lesson, snapshot: &Snapshot) -> BTreeSet<UserId> {
    let is_staff = |(user, person, before): &(&UserId, &Arc<Person>, Option<&Remembered>)| {
        let traces = lesson.people.get(user).or(*before).and_then(|one| one.traces.as_deref());
        stratum_of(person, traces, snapshot.now) != Stratum::EndUsers
    };
    beside(memory, snapshot.people.iter()).filter(is_staff).map(|(user, ..)| *user).collect()
}

/// What is to be kept of a listed session, if it is new or says something else by now.
fn known_session(before: Option<&KnownSession>, row: &Session, user: UserId) -> Option<KnownSession> {
    let [authenticated_at, last_seen_at] = [row.authenticated_at, row.last_seen_at].map(|at| at.map(Moment::at));
    let now = KnownSession { user, authenticated_at, last_seen_at, gone_at: None };
    (before != Some(&now)).then_some(now)
}

/// People with sessions in the last seven days, by stratum; nothing if no earlier cycle left anything.
fn roster(memory: &Memory, lesson: &Lesson, now: Timestamp) -> Option<Roster> {
    if memory.people.is_empty() {
        return None;
    }
    let mut roster: Roster = Stratum::ALL.iter().map(|stratum| (*stratum, 0)).collect();
    let untouched = memory.people.iter().filter(|(user, _)| !lesson.people.contains_key(user));
    for (_, one) in untouched.chain(&lesson.people) {
        if one.session_at.is_some_and(|at| at.duration_until(now) <= ROSTER_WINDOW) {
            *roster.entry(stratum_of(&one.person, one.traces.as_deref(), now)).or_insert(0) += 1;
        }
    }
    Some(roster)
}

#[cfg(test)]
mod tests;
