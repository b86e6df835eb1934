//! Between two sweeps: whom to look at, since something was heard of them. A person is named by a sign-in, by a place
//! where nobody had seen them lately, by a record that says something else of them than before, and by a row that is new
//! on an offboarding list.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Known;
use super::feeds::People;
use super::leavers::Leavers;
use super::logs::{AUDIT_LOG, Logs};
use super::records::Records;
use crate::config::Account;
use crate::model::{Act, History, Lesson, LogLesson, LogMemory, Memory, Person, SeenKey, Span, Stratum, UserId};
use crate::snapshot::Snapshot;
use crate::zendesk::{Purpose, Trouble, Zendesk};

/// Of a log that is read for the first time only sign-ins as fresh as this name anybody: a sweep sees to the rest.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// Why to look at somebody, and before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Admins are looked at first.
    pub stratum: Stratum,
    /// Whether they were seen where nobody had seen them lately: such people go before their like.
    pub is_elsewhere: bool,
}

/// What was heard since the last cycle.
#[derive(Debug, Default)]
pub struct Heard {
    /// When it was asked, on Zendesk's clock; none if nothing was.
    pub at: Option<Timestamp>,
    /// Whom to look at.
    pub people: BTreeMap<UserId, Named>,
    /// What it teaches, so that nobody is named twice for it.
    pub lesson: Lesson,
    /// Whether a log could not be read to its end: a limit is used up, or there is more than one reading takes.
    pub is_cut: bool,
    /// Whether Zendesk's log of sign-ins was read, so that whoever of staff signs in is named.
    pub tells_sign_ins: bool,
}

/// Asks for what is new: changed records, what logs tell, and whom the lists mean that are known to have changed. A few
/// requests, whatever the account's size. Taking lists over is left to the look itself, which tells of it.
///
/// # Errors
///
/// When Zendesk does not accept the credential.
pub async fn hear(zendesk: &Zendesk, account: &Account, known: &Known<'_>) -> Result<Heard, Trouble> {
    let own = zendesk.me().await?;
    let memory = known.memory;
    let mut records = Records::of(memory, Purpose::Look);
    records.follow(zendesk).await?;
    let mut logs = Logs::of(&memory.logs);
    logs.read(zendesk, &account.sources, known.needs, (own.date, own.value)).await?;
    let people = People::of(&records, &known.feeds);
    let ahead = |host: Timestamp| host.duration_until(own.date);
    let ahead = known.feeds.first().map_or(SignedDuration::ZERO, |feed| ahead(feed.at));
    logs.take(&known.feeds, &people, &account.sources, (own.date, ahead));
    let is_cut = logs.is_cut;
    let tells_sign_ins = logs.standings().get(AUDIT_LOG).is_some_and(|log| log.unknown.is_none());
    let lesson = Lesson { logs: logs.lessons(&[], &[]), ..Lesson::default() };
    let is_meant = |key: &SeenKey, last: Timestamp, is_first: bool| {
        !is_first || key.act == Act::SignIn && is_fresh(last, own.date)
    };
    let mut names = Before::of(memory, &known.history).names(&lesson, is_meant);
    for person in records.changed().filter(|person| is_news(person, memory)) {
        names.entry(person.id).or_insert(false);
    }
    if !known.lists.is_empty() {
        let mut leavers = Leavers::of(known.lists.clone(), memory, own.date);
        leavers.find(zendesk, &mut records).await?;
        // Who has left and is signed in does not wait for others.
        names.extend(leavers.news(memory).into_iter().map(|user| (user, true)));
    }
    names.remove(&own.value);
    let people = with_turns(names, &records, own.date);
    Ok(Heard { at: Some(own.date), people, lesson, is_cut, tells_sign_ins })
}

/// Whom a cycle's own reading of the logs names: by what it taught they would never be named again. Whoever was listed after
/// what the log says of them was judged by it, and is left out.
pub fn named_late(cycle: &Snapshot, lesson: &Lesson, memory: &Memory) -> BTreeMap<UserId, Named> {
    let began = cycle.sessions.iter().map(|row| row.seen.at()).min().unwrap_or(cycle.now);
    let was_listed = |user| cycle.looked.as_ref().is_none_or(|looked| looked.contains(&user));
    let is_meant = |key: &SeenKey, last: Timestamp, _: bool| last > began || !was_listed(key.user);
    let mut names = Before::of(memory, &cycle.history).names(lesson, is_meant);
    names.remove(&cycle.own);
    with_turns(names, &Records::of(memory, Purpose::Look), cycle.now)
}

fn is_fresh(last: Timestamp, now: Timestamp) -> bool {
    last.duration_until(now) <= FRESH
}

fn with_turns(names: BTreeMap<UserId, bool>, records: &Records<'_>, now: Timestamp) -> BTreeMap<UserId, Named> {
    let named = |(user, is_elsewhere)| (user, Named { stratum: records.turn_of(user, now), is_elsewhere });
    names.into_iter().map(named).collect()
}

/// What logs had told before. Of whoever lost a session since, nothing: who took it once comes from the same place again.
struct Before<'m> {
    memory: &'m Memory,
    ended: BTreeMap<UserId, Timestamp>,
}

impl<'m> Before<'m> {
    fn of(memory: &'m Memory, history: &History) -> Self {
        let mut ended: BTreeMap<UserId, Timestamp> = BTreeMap::new();
        for one in history.ended.iter().filter(|one| one.outcome.is_answered()) {
            let last = ended.entry(one.user).or_insert(one.at);
            *last = one.at.max(*last);
        }
        Self { memory, ended }
    }

    fn of_log(&self, log: &'m LogMemory) -> impl Iterator<Item = &'m SeenKey> {
        let counts = |(key, span): &(&SeenKey, &Span)| self.ended.get(&key.user).is_none_or(|at| span.1.at() > *at);
        log.seen.iter().filter(counts).map(|(key, _)| key)
    }

    /// Whom this lesson names, and whether by an address that nobody had seen of them lately, or by a program other than
    /// theirs. Asked of each row is when it was, and whether its log is read for the first time.
    fn names(&self, lesson: &Lesson, is_meant: impl Fn(&SeenKey, Timestamp, bool) -> bool) -> BTreeMap<UserId, bool> {
        let mut names: BTreeMap<UserId, bool> = BTreeMap::new();
        let seen = || self.memory.logs.values().flat_map(|log| self.of_log(log));
        let addresses: BTreeSet<(UserId, IpAddr)> = seen().filter_map(|key| Some((key.user, key.address?))).collect();
        let agents: BTreeSet<(UserId, &str)> =
            seen().filter_map(|key| Some((key.user, key.agent.as_deref()?))).collect();
        let have_agents: BTreeSet<UserId> = agents.iter().map(|(user, _)| *user).collect();
        let is_other = |user, agent| have_agents.contains(&user) && !agents.contains(&(user, agent));
        for (name, log) in &lesson.logs {
            let memory = self.memory.logs.get(name);
            let is_first = memory.is_none_or(|log| log.place.is_none());
            for key in
                self.news(log, memory).filter(|(key, span)| is_meant(key, span.1.at(), is_first)).map(|(key, _)| key)
            {
                let is_elsewhere = key.address.is_some_and(|address| !addresses.contains(&(key.user, address)))
                    || key.agent.as_deref().is_some_and(|agent| is_other(key.user, agent));
                *names.entry(key.user).or_default() |= is_elsewhere && !is_first;
            }
        }
        names
    }

    /// What a log says that names somebody: a sign-in, and a use from where, or with what, they had not been seen before.
    fn news<'l>(
        &self,
        lesson: &'l LogLesson,
        memory: Option<&'m LogMemory>,
    ) -> impl Iterator<Item = (&'l SeenKey, &'l Span)> + use<'l, 'm> {
        let known = |key: &SeenKey| (key.user, key.address, key.agent.clone());
        let uses = memory.into_iter().flat_map(|log| self.of_log(log)).filter(|key| key.act == Act::Use);
        let before: BTreeSet<(UserId, Option<IpAddr>, Option<Arc<str>>)> = uses.map(known).collect();
        lesson.seen.iter().filter(move |(key, _)| match key.act {
            Act::SignIn => memory.is_none_or(|memory| !memory.seen.contains_key(*key)),
            Act::Use => !before.contains(&known(key)),
        })
    }
}

/// Whether the record says what rules may ask about otherwise than before; that it was read again is no news.
fn is_news(person: &Person, memory: &Memory) -> bool {
    let before = memory.people.get(&person.id).map(|one| &one.person);
    before.is_none_or(|before| Person { seen: person.seen, ..Person::clone(before) } != *person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountName, CycleId, Seen, Session, SessionId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn user(number: u64) -> UserId {
        UserId::new(number).unwrap()
    }

    /// A cycle that listed somebody at this second, and the people it was a look at, if it was one; whether it names
    /// person 7, who signed in at second 50.
    fn check(listed: i64, looked: Option<&[u64]>, expected: bool) {
        let own = user(1);
        let mut cycle = Snapshot::empty(AccountName::new("acme"), CycleId::new("c".to_owned()), at(90), own);
        let seen = at(listed).into();
        let row = Session { id: SessionId(5), user: None, authenticated_at: None, last_seen_at: None, seen };
        cycle.sessions.push(row);
        cycle.looked = looked.map(|people| people.iter().map(|person| user(*person)).collect());
        let mut log = LogLesson::default();
        for person in [own, user(7)] {
            let seen = Seen { user: person, at: at(50).into(), address: None, agent: None };
            log.add(None, Act::SignIn, &seen);
        }
        let lesson = Lesson { logs: [("audit-log".into(), log)].into(), ..Lesson::default() };
        let named = named_late(&cycle, &lesson, &Memory::default());
        let expected: Vec<UserId> = expected.then_some(user(7)).into_iter().collect();
        assert_eq!(named.into_keys().collect::<Vec<_>>(), expected, "{listed} {looked:?}");
    }

    #[test]
    fn whom_a_cycle_reads_of_without_having_listed_them_since_is_named() {
        check(40, None, true);
        check(60, None, false);
        check(40, Some(&[7]), true);
        check(60, Some(&[7]), false);
        check(60, Some(&[8]), true);
    }
}
