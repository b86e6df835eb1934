//! From which networks the people of each e-mail domain come: the fewest that hold nearly all of it. Nothing is read or
//! printed here; where an address is comes in as a function.
//!
//! What is counted is person-days: a person on a day at a network is one, however much they worked there. A network
//! with any address that ordinary people and thieves share, such as a relay's, is never proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::address::Block;
use crate::model::{ClassSet, Classes, NetworkClass, UserId};

/// Fewer people of a domain say nothing about their employer.
pub(super) const PEOPLE_MIN: usize = 3;

/// What is proposed holds at least this much of all person-days at networks that may be proposed, in percent.
pub(super) const COVERED_PERCENT: usize = 95;

/// Classes whose addresses anybody can have, or nobody outside: none of them says who somebody works for.
const SHARED: [NetworkClass; 6] = [
    NetworkClass::Tor,
    NetworkClass::Vpn,
    NetworkClass::Proxy,
    NetworkClass::Relay,
    NetworkClass::Hosting,
    NetworkClass::Private,
];

/// Somebody was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spotting {
    pub(super) user: UserId,
    /// Of their e-mail, in lower case.
    pub(super) domain: String,
    /// Of UTC, counted from 1970.
    pub(super) day: i64,
    pub(super) address: IpAddr,
}

/// Whose an address is and what kind of network that is, as far as it is known.
#[derive(Debug, Clone)]
pub(super) struct Whereabouts {
    pub(super) system: Option<System>,
    pub(super) classes: Classes,
}

/// An autonomous system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct System {
    pub(super) asn: u32,
    /// Who runs it, if that is known.
    pub(super) organization: Option<Arc<str>>,
}

/// How much was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Tally {
    pub(super) person_days: usize,
    pub(super) people: usize,
    pub(super) sightings: usize,
}

/// A network: a /24 in IPv4, a /48 in IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) block: Block,
    pub(super) system: Option<System>,
    pub(super) tally: Tally,
    /// Why it is not proposed; empty for one that may be.
    pub(super) shared: ClassSet,
}

/// What is proposed for the people of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Suggestion {
    pub(super) people: usize,
    /// The fewest networks that hold enough, most first.
    pub(super) networks: Vec<Network>,
    /// Percent of person-days that they hold, of those at networks that may be proposed.
    pub(super) percent: usize,
    /// The fewest autonomous systems that hold enough; none if too much is at addresses whose system is not known.
    pub(super) systems: Vec<(System, Tally)>,
    /// Networks that might have been proposed and are not needed.
    pub(super) left_out: Tally,
    /// How many these are.
    pub(super) networks_left_out: usize,
    /// Networks that are never proposed.
    pub(super) refused: Vec<Network>,
    /// People who were seen at proposed networks and nowhere else.
    pub(super) inside: usize,
    /// Classes of which it is not known whether a proposed network is one of them.
    pub(super) untold: ClassSet,
}

/// What is proposed, by domain, and what is too little to propose anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Suggestions {
    pub(super) domains: BTreeMap<String, Suggestion>,
    /// Domains with fewer people than it takes.
    pub(super) domains_too_few: usize,
    /// The people of those.
    pub(super) people_too_few: usize,
}

/// Proposes networks.
pub(super) fn suggest(spottings: &[Spotting], place_of: impl Fn(IpAddr) -> Whereabouts) -> Suggestions {
    let mut by_domain: BTreeMap<&str, Vec<&Spotting>> = BTreeMap::new();
    for spotting in spottings {
        by_domain.entry(&spotting.domain).or_default().push(spotting);
    }
    let addresses: BTreeSet<IpAddr> = spottings.iter().map(|spotting| spotting.address).collect();
    let places = addresses.into_iter().map(|address| (address, place_of(address))).collect();
    let mut suggestions = Suggestions::default();
    for (domain, spottings) in by_domain {
        let people = spottings.iter().map(|spotting| spotting.user).collect::<BTreeSet<_>>().len();
        if people < PEOPLE_MIN {
            suggestions.domains_too_few += 1;
            suggestions.people_too_few += people;
        } else {
            suggestions.domains.insert(domain.to_owned(), of_domain(people, &spottings, &places));
        }
    }
    suggestions
}

/// What was seen at one network, or in one system.
#[derive(Default)]
struct Heap {
    person_days: BTreeSet<(UserId, i64)>,
    people: BTreeSet<UserId>,
    sightings: usize,
    system: Option<System>,
    shared: ClassSet,
    untold: ClassSet,
}

impl Heap {
    fn add(&mut self, spotting: &Spotting) {
        self.person_days.insert((spotting.user, spotting.day));
        self.people.insert(spotting.user);
        self.sightings += 1;
    }

    fn tally(&self) -> Tally {
        Tally { person_days: self.person_days.len(), people: self.people.len(), sightings: self.sightings }
    }
}

fn of_domain(people: usize, spottings: &[&Spotting], places: &BTreeMap<IpAddr, Whereabouts>) -> Suggestion {
    let mut heaps: BTreeMap<Block, Heap> = BTreeMap::new();
    for spotting in spottings {
        let Some(block) = block_of(spotting.address) else { continue };
        let heap = heaps.entry(block).or_default();
        heap.add(spotting);
        if let Some(place) = places.get(&spotting.address) {
            let shared: ClassSet = SHARED.into_iter().collect();
            heap.system = heap.system.take().or_else(|| place.system.clone());
            heap.shared = heap.shared.or(place.classes.yes().and(shared));
            let known = place.classes.yes().or(place.classes.no());
            heap.untold = heap.untold.or(SHARED.into_iter().filter(|class| !known.has(*class)).collect());
        }
    }
    let network = |(block, heap): (&Block, &Heap)| Network {
        block: *block,
        system: heap.system.clone(),
        tally: heap.tally(),
        shared: heap.shared,
    };
    let all = heaps.iter().map(network);
    let (open, mut refused): (Vec<_>, Vec<_>) = all.partition(|network| network.shared == ClassSet::NONE);
    refused.sort_by_key(|network| (std::cmp::Reverse(network.tally), network.block));
    let total = open.iter().map(|network| network.tally.person_days).sum();
    let (networks, others) = fewest(open, total, |network| network.tally);
    let held: usize = networks.iter().map(|network| network.tally.person_days).sum();
    let proposed: BTreeSet<Block> = networks.iter().map(|network| network.block).collect();
    let away = spottings.iter().filter(|one| block_of(one.address).is_none_or(|block| !proposed.contains(&block)));
    let away: BTreeSet<UserId> = away.map(|spotting| spotting.user).collect();
    let untold = proposed.iter().filter_map(|block| heaps.get(block)).map(|heap| heap.untold);
    Suggestion {
        people,
        percent: (held * 100).checked_div(total).unwrap_or_default(),
        systems: systems(&heaps, spottings),
        left_out: together(&heaps, &others),
        networks_left_out: others.len(),
        refused,
        inside: people - away.len(),
        untold: untold.fold(ClassSet::NONE, ClassSet::or),
        networks,
    }
}

/// The systems of networks that may be proposed, the fewest that hold enough.
fn systems(heaps: &BTreeMap<Block, Heap>, spottings: &[&Spotting]) -> Vec<(System, Tally)> {
    let mut systems: BTreeMap<Option<u32>, Heap> = BTreeMap::new();
    for spotting in spottings {
        let heap = block_of(spotting.address).and_then(|block| heaps.get(&block));
        if let Some(of_block) = heap.filter(|heap| heap.shared == ClassSet::NONE) {
            let heap = systems.entry(of_block.system.as_ref().map(|system| system.asn)).or_default();
            heap.system = heap.system.take().or_else(|| of_block.system.clone());
            heap.add(spotting);
        }
    }
    let total = systems.values().map(|heap| heap.person_days.len()).sum();
    let known = systems.into_values().filter_map(|heap| Some((heap.system.clone()?, heap.tally()))).collect();
    let (systems, _) = fewest(known, total, |(_, tally)| *tally);
    let held: usize = systems.iter().map(|(_, tally)| tally.person_days).sum();
    if held * 100 >= total * COVERED_PERCENT { systems } else { Vec::new() }
}

/// What was seen at these networks, each person and each of their days once.
fn together(heaps: &BTreeMap<Block, Heap>, networks: &[Network]) -> Tally {
    let mut whole = Heap::default();
    for heap in networks.iter().filter_map(|network| heaps.get(&network.block)) {
        whole.person_days.extend(&heap.person_days);
        whole.people.extend(&heap.people);
        whole.sightings += heap.sightings;
    }
    whole.tally()
}

/// The fewest that hold enough of all person-days, and the others: no person-day at one of them is at another, so that
/// the largest first are the fewest.
fn fewest<T>(mut all: Vec<T>, total: usize, tally: impl Fn(&T) -> Tally) -> (Vec<T>, Vec<T>) {
    // Stable: what is as large stays in its own order.
    all.sort_by_key(|one| std::cmp::Reverse(tally(one)));
    let mut held = 0;
    let is_needed = |one: &T| {
        let is_needed = held * 100 < total * COVERED_PERCENT;
        held += tally(one).person_days;
        is_needed
    };
    all.into_iter().partition(is_needed)
}

/// The network of an address that is as large as one is usually given out.
fn block_of(address: IpAddr) -> Option<Block> {
    Block::around(address, if address.is_ipv4() { 24 } else { 48 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer, Cause, Strength};

    /// People of `vendor.example` on the first day, by address.
    fn seen(rows: &[(u64, &str)]) -> Vec<Spotting> {
        on(1, "vendor.example", rows)
    }

    fn on(day: i64, domain: &str, rows: &[(u64, &str)]) -> Vec<Spotting> {
        let spotting = |(user, address): &(u64, &str)| Spotting {
            user: UserId::new(*user).unwrap(),
            domain: domain.to_owned(),
            day,
            address: address.parse().unwrap(),
        };
        rows.iter().map(spotting).collect()
    }

    /// The first byte of an address is its system, 66 a cloud in a system that holds others, and 99 is in none.
    fn place_of(address: IpAddr) -> Whereabouts {
        let first = match address {
            IpAddr::V4(address) => u32::from(address.octets()[0]),
            IpAddr::V6(_) => 6,
        };
        let known = Classes::exactly(ClassSet::NONE).with(NetworkClass::Relay, Answer::unknown(Cause::NoSource));
        let classes = match first {
            66 => known.with(NetworkClass::Hosting, Answer::Yes(Strength::Exact)),
            _ => known,
        };
        let system = (first != 99).then(|| System { asn: first, organization: Some(format!("org {first}").into()) });
        Whereabouts { system, classes }
    }

    fn of_vendor(spottings: &[Spotting]) -> Suggestion {
        suggest(spottings, place_of).domains.remove("vendor.example").unwrap()
    }

    fn blocks(networks: &[Network]) -> Vec<String> {
        networks.iter().map(|network| network.block.to_string()).collect()
    }

    #[test]
    fn fewer_than_three_people_are_too_few() {
        let rows = [
            seen(&[(1, "8.0.0.1"), (2, "8.0.0.1"), (3, "8.0.0.1")]),
            on(1, "two.example", &[(4, "8.0.0.1"), (5, "8.0.0.1"), (5, "8.0.1.1")]),
            on(1, "one.example", &[(6, "8.0.0.1")]),
        ];
        let found = suggest(&rows.concat(), place_of);
        assert_eq!(found.domains.keys().collect::<Vec<_>>(), ["vendor.example"]);
        assert_eq!((found.domains_too_few, found.people_too_few), (2, 3));
    }

    #[test]
    fn the_fewest_networks_that_hold_enough_are_proposed() {
        let mut rows = Vec::new();
        for day in 1..=10 {
            rows.extend(on(
                day,
                "vendor.example",
                &[(1, "8.0.0.1"), (2, "8.0.0.2"), (3, "2a00:1:2:3::1"), (3, "2a00:1:2:4::1")],
            ));
        }
        // 30 person-days at two networks; one more is 97 %, two are 94 %.
        rows.extend(seen(&[(1, "9.0.0.1"), (1, "9.0.0.1"), (1, "9.0.0.7")]));
        let found = of_vendor(&rows);
        assert_eq!(blocks(&found.networks), ["8.0.0.0/24", "2a00:1:2::/48"]);
        let tallies =
            [(20, 2, 20), (10, 1, 20)].map(|(person_days, people, sightings)| Tally { person_days, people, sightings });
        assert_eq!(found.networks.iter().map(|network| network.tally).collect::<Vec<_>>(), tallies);
        assert_eq!((found.percent, found.networks_left_out, found.inside), (96, 1, 2));
        assert_eq!(found.left_out, Tally { person_days: 1, people: 1, sightings: 3 });
        rows.extend(seen(&[(1, "10.0.0.1")]));
        let found = of_vendor(&rows);
        assert_eq!(blocks(&found.networks), ["8.0.0.0/24", "2a00:1:2::/48", "9.0.0.0/24"]);
        assert_eq!((found.percent, found.networks_left_out, found.inside), (96, 1, 2));
    }

    #[test]
    fn what_anybody_can_have_is_never_proposed_however_much_is_seen_there() {
        let rows = [(1, "8.0.0.1"), (2, "8.0.0.1"), (3, "66.0.0.1"), (3, "66.0.0.1"), (1, "66.0.0.1"), (2, "66.0.0.9")];
        let found = of_vendor(&seen(&rows));
        assert_eq!(
            (blocks(&found.networks), blocks(&found.refused)),
            (vec!["8.0.0.0/24".into()], vec!["66.0.0.0/24".into()])
        );
        assert_eq!(found.refused[0].shared.iter().collect::<Vec<_>>(), [NetworkClass::Hosting]);
        assert_eq!(found.refused[0].tally, Tally { person_days: 3, people: 3, sightings: 4 });
        assert_eq!((found.percent, found.inside, found.people), (100, 0, 3));
        assert_eq!(found.systems.iter().map(|(system, _)| system.asn).collect::<Vec<_>>(), [8]);
        assert_eq!(found.untold.iter().collect::<Vec<_>>(), [NetworkClass::Relay]);
    }

    #[test]
    fn one_shared_address_spoils_its_network() {
        let spoilt = |address: IpAddr| {
            let place = place_of(address);
            let is_exit = address.to_string() == "8.0.0.66";
            let tor = |classes: Classes| classes.with(NetworkClass::Tor, Answer::Yes(Strength::Exact));
            Whereabouts { classes: if is_exit { tor(place.classes) } else { place.classes }, ..place }
        };
        let rows = [(1, "8.0.0.1"), (2, "8.0.0.1"), (3, "8.0.0.66"), (3, "9.0.0.1")];
        let found = suggest(&seen(&rows), spoilt).domains.remove("vendor.example").unwrap();
        assert_eq!(
            (blocks(&found.networks), blocks(&found.refused)),
            (vec!["9.0.0.0/24".into()], vec!["8.0.0.0/24".into()])
        );
    }

    #[test]
    fn where_nothing_may_be_proposed_nothing_is() {
        let found = of_vendor(&seen(&[(1, "66.0.0.1"), (2, "66.0.0.1"), (3, "66.0.1.1")]));
        assert_eq!((found.networks.len(), found.systems.len(), found.refused.len()), (0, 0, 2));
        assert_eq!((found.percent, found.inside, found.untold), (0, 0, ClassSet::NONE));
    }

    #[test]
    fn systems_count_a_day_once_and_need_to_be_known() {
        let rows = [(1, "8.0.0.1"), (1, "8.0.1.1"), (2, "8.0.1.1"), (3, "8.0.2.1")];
        let found = of_vendor(&seen(&rows));
        let systems: Vec<_> =
            found.systems.iter().map(|(system, tally)| (system.asn, tally.person_days, tally.sightings)).collect();
        assert_eq!((found.networks.len(), systems), (3, vec![(8, 3, 4)]));
        let found = of_vendor(&[seen(&rows), seen(&[(2, "99.0.0.1")])].concat());
        assert_eq!((found.systems.len(), found.networks.len()), (0, 4));
        assert!(found.networks.iter().any(|network| network.system.is_none()));
    }
}
