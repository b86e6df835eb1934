//! Between two sweeps: whom to look at, since something was heard of them. A person is named by a sign-in, by a place
//! where nobody had seen them lately, by a record that says something else of them than before, and by a row that is new
//! on an offboarding list.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Known;
use super::feeds::People;
use super::leavers::Leavers;
use super::logs::Logs;
use super::records::Records;
use crate::config::Account;
use crate::model::{Act, Lesson, LogLesson, LogMemory, Memory, Person, SeenKey, UserId};
use crate::zendesk::{Trouble, Zendesk};

/// What was heard since the last cycle.
#[derive(Debug, Default)]
pub struct Heard {
    /// When it was asked, on Zendesk's clock; none if nothing was.
    pub at: Option<Timestamp>,
    /// Whom to look at.
    pub people: BTreeSet<UserId>,
    /// What it teaches, so that nobody is named twice for it.
    pub lesson: Lesson,
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
    let mut records = Records::of(memory);
    records.follow(zendesk).await?;
    let mut logs = Logs::of(&memory.logs);
    logs.read(zendesk, &account.sources, known.needs, (own.date, own.value)).await?;
    let people = People::of(&records, &known.feeds);
    let ahead = |host: Timestamp| host.duration_until(own.date);
    let ahead = known.feeds.first().map_or(SignedDuration::ZERO, |feed| ahead(feed.at));
    logs.take(&known.feeds, &people, &account.sources, (own.date, ahead));
    let lesson = Lesson { logs: logs.lessons(&[], &[]), ..Lesson::default() };
    let mut heard = Heard { at: Some(own.date), people: BTreeSet::new(), lesson };
    for (name, log) in &heard.lesson.logs {
        heard.people.extend(named(log, memory.logs.get(name)));
    }
    heard.people.extend(records.changed().filter(|person| is_news(person, memory)).map(|person| person.id));
    if !known.lists.is_empty() {
        let mut leavers = Leavers::of(known.lists.clone(), memory, own.date);
        leavers.find(zendesk, &mut records).await?;
        heard.people.extend(leavers.news(memory));
    }
    heard.people.remove(&own.value);
    Ok(heard)
}

/// Whom a log names: who signed in, and whoever was seen where they had not been seen before.
fn named(lesson: &LogLesson, memory: Option<&LogMemory>) -> BTreeSet<UserId> {
    let known = |key: &SeenKey| (key.user, key.address, key.agent.clone());
    let before: BTreeSet<(UserId, Option<IpAddr>, Option<Arc<str>>)> =
        memory.into_iter().flat_map(|memory| memory.seen.keys()).filter(|key| key.act == Act::Use).map(known).collect();
    let is_new = |key: &&SeenKey| match key.act {
        Act::SignIn => memory.is_none_or(|memory| !memory.seen.contains_key(*key)),
        Act::Use => !before.contains(&known(key)),
    };
    lesson.seen.keys().filter(is_new).map(|key| key.user).collect()
}

/// Whether the record says what rules may ask about otherwise than before; that it was read again is no news.
fn is_news(person: &Person, memory: &Memory) -> bool {
    let before = memory.people.get(&person.id).map(|one| &one.person);
    before.is_none_or(|before| Person { seen: person.seen, ..Person::clone(before) } != *person)
}
