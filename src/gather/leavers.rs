//! Whom offboarding lists mean: matched against everybody known, then Zendesk is asked about the rest, a few a cycle.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::records::Records;
use crate::config::OffboardingList;
use crate::directory::{
    Acceptance, Ask, Circumstances, EMAILS_PER_CYCLE_MAX, ListFault, ListFile, Roll, read_list, take_over,
};
use crate::model::{ListMemory, ListStanding, Listed, Memory, Person, UserId};
use crate::record::OffboardingChanged;
use crate::zendesk::{Denial, PEOPLE_PER_CALL_MAX, Trouble, Zendesk};

/// An offboarding list as it was just read, and what is known of it from before.
#[derive(Debug, Clone)]
pub struct ListRead {
    /// The list, as configured.
    pub list: OffboardingList,
    /// Its file.
    pub read: Result<ListFile, ListFault>,
    /// The host's clock when the file was read.
    pub at: Timestamp,
    /// The trail's last word about it.
    pub last: Option<OffboardingChanged>,
    /// What a human last accepted of it.
    pub accepted: Option<Acceptance>,
}

impl ListRead {
    /// What taking the list over hangs on: its file, and what a human accepted of it. None if it cannot be read.
    pub fn mark(&self) -> Option<String> {
        let file = self.read.as_ref().ok()?;
        let accepted = self.accepted.as_ref().map(|accepted| accepted.at.to_string());
        Some(format!("{} {}", file.digest, accepted.unwrap_or_default()))
    }

    /// Whether taking it over may change what is remembered of it.
    pub fn is_new(&self, memory: &Memory) -> bool {
        let known = memory.lists.get(&self.list.name);
        let is_same = |file: &ListFile| known.is_some_and(|known| known.digest == file.digest);
        let spent = known.and_then(|known| known.accepted_at);
        let is_accepted = self.accepted.as_ref().is_some_and(|accepted| spent.is_none_or(|spent| accepted.at > spent));
        self.read.as_ref().is_ok_and(|file| !is_same(file) || is_accepted)
    }
}

/// How these lists stand at this instant, by name, before anybody is asked whom their rows mean.
pub fn standings(lists: Vec<ListRead>, memory: &Memory, now: Timestamp) -> BTreeMap<String, ListStanding> {
    Leavers::of(lists, memory, now).standings()
}

/// All lists of the account in this cycle, and what was configured of each.
pub(super) struct Leavers(Vec<(OffboardingList, Roll)>);

impl Leavers {
    pub(super) fn of(lists: Vec<ListRead>, memory: &Memory, now: Timestamp) -> Self {
        let roll = |one: ListRead| {
            let (last, accepted) = (one.last.as_ref(), one.accepted.as_ref());
            let circumstances = Circumstances { now, host_now: one.at, last, accepted };
            let known = memory.lists.get(&one.list.name);
            let roll = take_over(&one.list, one.read, known, &circumstances);
            (one.list, roll)
        };
        Self(lists.into_iter().map(roll).collect())
    }

    /// Finds the people that rows mean. A row that Zendesk does not answer for is asked about in a later cycle.
    ///
    /// # Errors
    ///
    /// When Zendesk does not accept the credential.
    pub(super) async fn find(&mut self, zendesk: &Zendesk, records: &mut Records<'_>) -> Result<(), Trouble> {
        for (_, roll) in &mut self.0 {
            roll.match_known(records.known());
            let asks = roll.to_ask(EMAILS_PER_CYCLE_MAX);
            for ask in &asks.emails {
                let found = zendesk.person_by_email(&ask.text, records.purpose).await;
                let found = found.map(|answer| answer.value.into_iter().collect());
                if !take_in(roll, std::slice::from_ref(ask), found, records)? {
                    return Ok(());
                }
            }
            for chunk in asks.external_ids.chunks(PEOPLE_PER_CALL_MAX) {
                let ids: Vec<&str> = chunk.iter().map(|ask| ask.text.as_str()).collect();
                let found = zendesk.people_by_external_id(&ids, records.purpose).await.map(|answer| answer.value);
                if !take_in(roll, chunk, found, records)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads the files once more, when everything else is read.
    pub(super) fn read_again(&mut self, zone: &TimeZone, now: Timestamp) {
        for (list, roll) in &mut self.0 {
            roll.read_again(&read_list(&list.file, zone), now);
        }
    }

    /// Whom rows mean that come into force now.
    pub(super) fn news(&self, memory: &Memory) -> BTreeSet<UserId> {
        self.rolls().flat_map(|roll| roll.news(memory.lists.get(roll.list()))).collect()
    }

    fn rolls(&self) -> impl Iterator<Item = &Roll> {
        self.0.iter().map(|(_, roll)| roll)
    }

    /// Everybody that a row means: they are looked at, whatever they are now.
    pub(super) fn people(&self) -> BTreeSet<UserId> {
        self.rolls().flat_map(Roll::people).collect()
    }

    pub(super) fn standings(&self) -> BTreeMap<String, ListStanding> {
        self.rolls().map(|roll| (roll.list().to_owned(), roll.standing())).collect()
    }

    pub(super) fn listed(&self) -> BTreeMap<UserId, Vec<Listed>> {
        let mut all: BTreeMap<UserId, Vec<Listed>> = BTreeMap::new();
        for (user, listed) in self.rolls().flat_map(Roll::listed) {
            all.entry(user).or_default().push(listed);
        }
        all
    }

    /// What is to be remembered of lists that changed.
    pub(super) fn lessons(&self) -> BTreeMap<String, ListMemory> {
        self.rolls().filter_map(|roll| Some((roll.list().to_owned(), roll.lesson()?.clone()))).collect()
    }
}

/// Takes in what Zendesk said about these rows; false once it has no time for more.
fn take_in(
    roll: &mut Roll,
    asks: &[Ask],
    found: Result<Vec<Person>, Trouble>,
    records: &mut Records<'_>,
) -> Result<bool, Trouble> {
    match found {
        Ok(people) => {
            roll.answered(asks, &people);
            for person in people {
                records.keep(person);
            }
            Ok(true)
        }
        Err(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => Err(trouble),
        // What cannot be asked for by this name is nobody's.
        Err(Trouble::Nonsense(_) | Trouble::NotFound) => {
            roll.answered(asks, &[]);
            Ok(true)
        }
        Err(trouble) => {
            tracing::warn!(list = roll.list(), "rows of the list are matched in a later cycle: {trouble}");
            Ok(false)
        }
    }
}
