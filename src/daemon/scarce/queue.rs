//! Who is named and was not looked at yet: admins first, then agents, then others; among them whoever was seen where
//! nobody had seen them lately, then whoever waits longest. None is forgotten: who is last here is in the next sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::gather::Named;
use crate::model::{Stratum, UserId};

/// Where somebody stands; the least is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stand {
    stratum: Stratum,
    is_at_usual_place: bool,
    /// On the monotonic clock.
    since: Duration,
}

/// People who wait for a look.
#[derive(Debug, Default)]
pub struct Queue(BTreeMap<UserId, Stand>);

impl Queue {
    /// Whoever is named now waits; who waited already goes on waiting, and never further back than before.
    pub fn name(&mut self, people: impl IntoIterator<Item = (UserId, Named)>, now: Duration) {
        for (user, named) in people {
            let stand = Stand { stratum: named.stratum, is_at_usual_place: !named.is_elsewhere, since: now };
            self.0
                .entry(user)
                .and_modify(|before| {
                    before.stratum = before.stratum.min(stand.stratum);
                    before.is_at_usual_place &= stand.is_at_usual_place;
                })
                .or_insert(stand);
        }
    }

    /// The next ones, so many at most. They wait on until they were [`Self::looked_at`].
    pub fn next(&self, number: usize) -> BTreeSet<UserId> {
        self.first(number, |_| true)
    }

    /// The next of those who are not to wait for others: admins, and whoever was seen elsewhere.
    pub fn urgent(&self, number: usize) -> BTreeSet<UserId> {
        self.first(number, |stand| stand.stratum == Stratum::Admins || !stand.is_at_usual_place)
    }

    fn first(&self, number: usize, is_meant: impl Fn(&Stand) -> bool) -> BTreeSet<UserId> {
        let meant = self.0.iter().filter(|(_, stand)| is_meant(stand));
        let mut all: Vec<(Stand, UserId)> = meant.map(|(user, stand)| (*stand, *user)).collect();
        all.sort_unstable();
        all.into_iter().take(number).map(|(_, user)| user).collect()
    }

    /// These wait no longer.
    pub fn looked_at(&mut self, people: &BTreeSet<UserId>) {
        self.0.retain(|user, _| !people.contains(user));
    }

    /// Whoever waited before this instant waits no longer: a sweep that began then has seen them.
    pub fn swept_since(&mut self, began: Duration) {
        self.0.retain(|_, stand| stand.since > began);
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn name(queue: &mut Queue, number: u64, stratum: Stratum, is_elsewhere: bool, second: u64) {
        queue.name([(user(number), Named { stratum, is_elsewhere })], Duration::from_secs(second));
    }

    fn order(queue: &mut Queue) -> Vec<u64> {
        let mut order = Vec::new();
        while queue.len() > 0 {
            let next = queue.next(1);
            order.extend(next.iter().map(|user| user.get()));
            queue.looked_at(&next);
        }
        order
    }

    #[test]
    fn admins_go_first_then_who_is_elsewhere_then_who_waits_longest() {
        let mut queue = Queue::default();
        name(&mut queue, 1, Stratum::EndUsers, true, 0);
        name(&mut queue, 2, Stratum::Agents, false, 1);
        name(&mut queue, 3, Stratum::Agents, false, 0);
        name(&mut queue, 4, Stratum::Agents, true, 2);
        name(&mut queue, 5, Stratum::Admins, false, 3);
        assert_eq!(queue.urgent(9), [1, 4, 5].map(user).into());
        assert_eq!(queue.urgent(2), [4, 5].map(user).into());
        assert_eq!(order(&mut queue), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn who_is_named_again_keeps_the_better_place() {
        let mut queue = Queue::default();
        name(&mut queue, 1, Stratum::Agents, true, 0);
        name(&mut queue, 2, Stratum::Agents, true, 1);
        name(&mut queue, 1, Stratum::Agents, false, 9);
        name(&mut queue, 3, Stratum::Agents, false, 2);
        name(&mut queue, 3, Stratum::Admins, false, 9);
        assert_eq!(order(&mut queue), [3, 1, 2]);
    }

    #[test]
    fn a_sweep_has_seen_whoever_was_named_before_it_began() {
        let mut queue = Queue::default();
        name(&mut queue, 1, Stratum::Agents, true, 4);
        name(&mut queue, 2, Stratum::Agents, true, 6);
        queue.swept_since(Duration::from_secs(5));
        assert_eq!(order(&mut queue), [2]);
    }
}
