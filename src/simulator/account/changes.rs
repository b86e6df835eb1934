//! When each person's record last changed, whoever changed it: tests have their hands on the world itself.
//!
//! Before the first such hand a copy is taken, and after each the world is compared with it. An account that nobody
//! touches keeps no copy.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;

use crate::model::{Person, UserId};

/// A place in the order of changes: second and id.
pub(in crate::simulator) type Place = (i64, u64);

/// What is known about changes of people.
#[derive(Debug, Default)]
pub(super) struct Changes {
    before: Option<BTreeMap<UserId, Person>>,
    at: BTreeMap<UserId, Timestamp>,
    order: Option<BTreeMap<Place, UserId>>,
}

impl Changes {
    /// To be called before anybody may change people.
    pub(super) fn prepare(&mut self, people: &BTreeMap<UserId, Person>) {
        self.before.get_or_insert_with(|| people.clone());
    }

    /// To be called after somebody may have changed people.
    pub(super) fn notice(&mut self, people: &BTreeMap<UserId, Person>, now: Timestamp) {
        let before = self.before.get_or_insert_default();
        let moved: Vec<_> = people.iter().filter(|(id, person)| before.get(id) != Some(person)).collect();
        if moved.is_empty() && before.len() == people.len() {
            return;
        }
        for (id, person) in moved {
            before.insert(*id, person.clone());
            self.at.insert(*id, now);
        }
        before.retain(|id, _| people.contains_key(id));
        self.order = None;
    }

    /// When this person's record last changed.
    pub(super) fn updated_at(&self, id: UserId) -> Timestamp {
        self.at.get(&id).copied().unwrap_or_else(|| created_at(id))
    }

    /// Whoever changed at this place of the order or after it, and no later than `until`: by time, then by id.
    pub(super) fn since(
        &mut self,
        people: &BTreeMap<UserId, Person>,
        from: Bound<Place>,
        until: i64,
    ) -> impl Iterator<Item = (Place, UserId)> {
        if self.order.is_none() {
            let place = |id: UserId| (self.updated_at(id).as_second(), id.get());
            self.order = Some(people.keys().map(|id| (place(*id), *id)).collect());
        }
        let all = self.order.iter().flat_map(move |order| order.range((from, Bound::Unbounded)));
        all.map(|(place, id)| (*place, *id)).take_while(move |((second, _), _)| *second <= until)
    }
}

/// When the record was made. Nobody asks, but clients read it: any instant in the past will do, the same for each
/// answer.
pub(in crate::simulator) fn created_at(id: UserId) -> Timestamp {
    let spread = i64::try_from(id.get() % 200_000_000).unwrap_or(0);
    Timestamp::from_second(1_500_000_000 + spread).unwrap_or_default()
}
