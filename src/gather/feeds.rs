//! Feeds of identity providers, as they were just read: whom their rows mean, and what they add to what is remembered.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::records::Records;
use crate::config::FeedSettings;
use crate::feeds::{Feed, FeedPlace, FeedReading, FeedRow, PersonKey};
use crate::model::{Foreign, LogLesson, LogMemory, LogPlace, Memory, Seen, SourceStanding, UserId};

/// A feed as it was just read.
#[derive(Debug, Clone)]
pub struct FeedRead {
    /// Its name.
    pub name: Arc<str>,
    /// How it is configured.
    pub settings: FeedSettings,
    /// What was added since it was read last.
    pub reading: FeedReading,
    /// The host's clock then.
    pub at: Timestamp,
}

/// Where a feed goes on, as it is remembered.
#[derive(Serialize, Deserialize)]
struct Place {
    device: u64,
    inode: u64,
    offset: u64,
    head: String,
    inside_long: bool,
}

/// Reads what was added to each feed since what is remembered of it.
pub fn read_feeds(feeds: &BTreeMap<String, FeedSettings>, memory: &Memory, now: Timestamp) -> Vec<FeedRead> {
    let read = |(name, settings): (&String, &FeedSettings)| {
        let name: Arc<str> = name.as_str().into();
        let place = memory.logs.get(&name).and_then(|log| place_of(log.place.as_ref()?.file.as_ref()?));
        let reading = Feed::begin(Arc::clone(&name), settings.clone(), place).read();
        FeedRead { name, settings: settings.clone(), reading, at: now }
    };
    feeds.iter().map(read).collect()
}

fn place_of(text: &str) -> Option<FeedPlace> {
    let Place { device, inode, offset, head, inside_long } = serde_json::from_str(text).ok()?;
    Some(FeedPlace { device, inode, offset, head, inside_long })
}

fn text_of(place: &FeedPlace) -> Option<String> {
    let FeedPlace { device, inode, offset, head, inside_long } = place.clone();
    serde_json::to_string(&Place { device, inode, offset, head, inside_long }).ok()
}

/// What a feed adds, how it stands, and what is wrong with it.
pub(super) struct Fed {
    pub(super) lesson: LogLesson,
    pub(super) standing: SourceStanding,
    pub(super) troubles: Vec<String>,
}

/// Takes a feed in; Zendesk's clock is so far ahead of the host's.
pub(super) fn take(
    feed: &FeedRead,
    people: &People,
    memory: Option<&LogMemory>,
    (ahead, within): (SignedDuration, SignedDuration),
) -> Fed {
    let FeedRead { settings, reading, .. } = feed;
    let mut lesson = LogLesson::default();
    for row in &reading.rows {
        if let Some(user) = people.find(&row.person) {
            lesson.add(memory, row.act, &seen(row, user));
        }
    }
    let on_zendesk = |at: Timestamp| at.checked_add(ahead).unwrap_or(at);
    let (as_of, unknown) = reading.standing(settings, feed.at);
    let before = memory.and_then(|memory| memory.place.as_ref());
    let as_of = on_zendesk(as_of);
    let earliest = || reading.rows.iter().map(|row| row.at).min().map_or(as_of, on_zendesk);
    // What one read missed, no later one brings.
    let has_missed = reading.unreadable > 0 || reading.trouble.is_some() && reading.written_at.is_some();
    let since = match before {
        _ if has_missed => as_of,
        Some(before) => before.since,
        None => earliest(),
    };
    let skew = before.map_or(SignedDuration::ZERO, |place| place.skew);
    let file = reading.place.as_ref().and_then(text_of);
    lesson.place = file.is_some().then_some(LogPlace { since, as_of, skew, file });
    let standing = SourceStanding {
        unknown,
        since: Some(since),
        skew,
        within,
        late: settings.late,
        ..SourceStanding::whole(settings.format.tells(), as_of)
    };
    Fed { lesson, standing, troubles: troubles(feed) }
}

fn troubles(feed: &FeedRead) -> Vec<String> {
    let FeedRead { name, settings, reading, .. } = feed;
    let name = Foreign::new(&**name);
    let of_file = reading.trouble.as_ref().map(|trouble| {
        let help = trouble.help(&settings.file).map(|help| format!(" ({help})")).unwrap_or_default();
        format!("feed `{name}`: {trouble}{help}")
    });
    let of_lines = reading.first_fault.as_ref().map(|fault| {
        format!(
            "feed `{name}`: {} lines cannot be read, the first: {}",
            reading.unreadable,
            Foreign::new(fault.as_str())
        )
    });
    of_file.into_iter().chain(of_lines).collect()
}

fn seen(row: &FeedRow, user: UserId) -> Seen {
    Seen { user, at: row.at.into(), address: row.address, agent: row.agent.clone() }
}

/// Whom the words of a feed mean: nobody where two people share them.
#[derive(Default)]
pub(super) struct People(BTreeMap<PersonKey, Option<UserId>>);

impl People {
    /// Everybody whose record is known; looked through only if somebody is to be found.
    pub(super) fn of(records: &Records<'_>, feeds: &[FeedRead]) -> Self {
        let mut people = Self::default();
        if feeds.iter().all(|feed| feed.reading.rows.is_empty()) {
            return people;
        }
        for person in records.known() {
            let email = person.email.as_ref().map(|email| PersonKey::Email(email.raw().to_lowercase()));
            let external = person.external_id.as_ref().map(|id| PersonKey::ExternalId(id.raw().to_lowercase()));
            for key in email.into_iter().chain(external) {
                let meant = people.0.entry(key).or_insert(Some(person.id));
                *meant = meant.filter(|user| *user == person.id);
            }
        }
        people
    }

    fn find(&self, key: &PersonKey) -> Option<UserId> {
        let key = match key {
            PersonKey::ExternalId(id) => PersonKey::ExternalId(id.to_lowercase()),
            other => other.clone(),
        };
        self.0.get(&key).copied().flatten()
    }
}
