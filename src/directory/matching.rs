//! Whom rows mean: matched once, by name, against known people and then by asking Zendesk; pinned to the id for good.
//!
//! A later change of an e-mail address changes nothing, and somebody who comes back under a new id is not the one who
//! left. `gather` does the asking, so that this stays a step machine: [`Roll::match_known`], [`Roll::to_ask`],
//! [`Roll::answered`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::roll::Roll;
use super::row::{Names, same};
use crate::model::{Foreign, Listed, Person, UserId};

/// No more e-mail addresses are looked up in a cycle: each costs a call.
pub const EMAILS_PER_CYCLE_MAX: usize = 50;
/// No more external ids are looked up in a cycle: a hundred cost a call.
const EXTERNAL_IDS_PER_CYCLE_MAX: usize = 1_000;
/// A row that matches nobody is asked about again after so long.
const ASKED_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A row that Zendesk has to be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    key: String,
    /// The e-mail address or external id to look up.
    pub text: String,
}

/// What Zendesk has to be asked in this cycle, longest waiting first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asks {
    /// One call each.
    pub emails: Vec<Ask>,
    /// Up to a hundred in a call.
    pub external_ids: Vec<Ask>,
}

impl Roll {
    /// Matches rows that mean nobody yet against everybody known. To be called with all of them at once: a name that
    /// several of them have pins nobody.
    pub fn match_known<'p>(&mut self, people: impl IntoIterator<Item = &'p Person>) {
        let open: BTreeMap<&String, &Names> = self.names.iter().filter(|(key, _)| self.is_open(key)).collect();
        let index = |name: fn(&Names) -> Option<&String>| {
            let mut keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for (key, names) in &open {
                if let Some(name) = name(names) {
                    keys.entry(name.to_lowercase()).or_default().push(key.as_str());
                }
            }
            keys
        };
        let (emails, externals) = (index(|names| names.email.as_ref()), index(|names| names.external_id.as_ref()));
        let mut found: BTreeMap<String, BTreeSet<UserId>> = BTreeMap::new();
        for person in people {
            let keys = |index: &BTreeMap<String, Vec<&str>>, name: Option<&Foreign>| {
                name.and_then(|name| index.get(&name.raw().to_lowercase()))
                    .into_iter()
                    .flatten()
                    .map(|key| (*key).to_owned())
                    .collect::<Vec<_>>()
            };
            for key in
                keys(&emails, person.email.as_ref()).into_iter().chain(keys(&externals, person.external_id.as_ref()))
            {
                found.entry(key).or_default().insert(person.id);
            }
        }
        for (key, users) in found {
            self.pin(&key, &users);
        }
    }

    /// What to ask Zendesk now. Rows that wait to be accepted cost no call.
    pub fn to_ask(&self, emails_max: usize) -> Asks {
        let due = |asked: Option<Timestamp>| asked.is_none_or(|at| at.duration_until(self.now) >= ASKED_AGAIN_AFTER);
        let mut waiting: Vec<_> = self
            .rows_in_force()
            .filter(|(key, row)| self.is_open(key) && !self.ambiguous.contains(*key) && due(row.asked_at))
            .map(|(key, row)| (row.asked_at, key))
            .collect();
        waiting.sort_unstable();
        let mut asks = Asks::default();
        for (_, key) in waiting {
            let Some(names) = self.names.get(key) else { continue };
            let (asks, max, text) = match (&names.email, &names.external_id) {
                (Some(email), _) => (&mut asks.emails, emails_max.min(EMAILS_PER_CYCLE_MAX), email),
                (None, Some(external)) => (&mut asks.external_ids, EXTERNAL_IDS_PER_CYCLE_MAX, external),
                (None, None) => continue,
            };
            if asks.len() < max {
                asks.push(Ask { key: key.to_owned(), text: text.clone() });
            }
        }
        asks
    }

    /// Takes in what Zendesk said about these rows: everybody it found for any of them. To be called only when it
    /// answered; what it did not answer stays to be asked.
    pub fn answered(&mut self, asks: &[Ask], people: &[Person]) {
        for ask in asks {
            let Some(names) = self.names.get(&ask.key) else { continue };
            let raw = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_owned());
            let means = |person: &&Person| match &names.email {
                Some(email) => same(Some(email), raw(&person.email).as_deref()),
                None => same(names.external_id.as_deref(), raw(&person.external_id).as_deref()),
            };
            let users = people.iter().filter(means).map(|person| person.id).collect();
            self.pin(&ask.key, &users);
            if let Some(row) = self.memory.as_mut().and_then(|memory| memory.rows.get_mut(&ask.key)) {
                row.asked_at = Some(self.now);
                self.learned = true;
            }
        }
    }

    /// Who is listed, each person once with the earliest date. Nobody if the list cannot be used.
    pub fn listed(&self) -> BTreeMap<UserId, Listed> {
        let mut all: BTreeMap<UserId, Listed> = BTreeMap::new();
        if self.standing.unknown.is_some() {
            return all;
        }
        for (_, row) in self.rows_in_force() {
            let Some(user) = row.user else { continue };
            let since = row.since.unwrap_or(row.first_seen);
            let listed = Listed { list: self.list.clone(), since, as_of: self.as_of };
            let known = all.entry(user).or_insert(listed);
            known.since = known.since.min(since);
        }
        all
    }

    /// Everybody that a row is pinned to and who is to be looked at for it, even while the list cannot be used: then
    /// their sign is unknown, and that is to be said.
    pub fn people(&self) -> BTreeSet<UserId> {
        self.rows_in_force().filter_map(|(_, row)| row.user).collect()
    }

    /// Names of rows that mean nobody or several people: personal data.
    pub fn doubtful(&self) -> Vec<Foreign> {
        let open = self
            .rows_in_force()
            .filter(|(key, row)| row.user.is_none() && (row.asked_at.is_some() || self.ambiguous.contains(*key)));
        open.map(|(key, _)| Foreign::new(key)).collect()
    }

    fn is_open(&self, key: &str) -> bool {
        let row = self.memory.as_ref().and_then(|memory| memory.rows.get(key));
        row.is_some_and(|row| row.user.is_none())
    }

    fn pin(&mut self, key: &str, users: &BTreeSet<UserId>) {
        let Some(row) = self.memory.as_mut().and_then(|memory| memory.rows.get_mut(key)) else { return };
        match users.first() {
            Some(user) if users.len() == 1 => {
                row.user = Some(*user);
                self.learned = true;
                self.ambiguous.remove(key);
            }
            Some(_) => drop(self.ambiguous.insert(key.to_owned())),
            None => {}
        }
    }
}
