//! Who else is seen where somebody is: an office is a block of addresses from which many work.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use super::is_future;
use crate::model::{Act, Completeness, Person, Role, Session, Sighting, SourceStanding, UserId};
use crate::snapshot::Snapshot;

/// Rows of sources are remembered for so long: only one whose rows reach back to then tells of everybody.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(26);

/// A source that was not read up to so long ago may have seen others since.
const READ_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How many other staff were seen in one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staff {
    /// How many are known.
    pub others: u64,
    /// Whether there can be no more.
    pub is_all: bool,
    /// Up to when all sources were read.
    pub as_of: Timestamp,
}

/// Which staff was seen in which block. People without a listed session are not asked for, and not counted.
#[derive(Debug)]
pub(super) struct Crowd {
    blocks: BTreeMap<IpAddr, BTreeSet<UserId>>,
    is_all: bool,
    as_of: Timestamp,
}

impl Crowd {
    pub(super) fn new(snapshot: &Snapshot, listed: &[&Session]) -> Self {
        let signed_in: BTreeSet<UserId> = listed.iter().filter_map(|session| session.user).collect();
        let mut blocks: BTreeMap<IpAddr, BTreeSet<UserId>> = BTreeMap::new();
        let mut is_all = is_whole(snapshot);
        // That a session's own row leaves out the address is not that its person may have been anywhere.
        let is_told = |row: &&Sighting| row.address.is_some() || *row.source != *Sighting::SESSION_ROW;
        for row in snapshot.sightings.iter().filter(|row| signed_in.contains(&row.user)).filter(is_told) {
            let role = snapshot.people.get(&row.user).and_then(|person: &std::sync::Arc<Person>| person.role);
            let address = row.address.filter(|_| !is_future(row.last.at(), snapshot.now));
            match (role, address) {
                (Some(Role::EndUser), _) => {}
                (Some(Role::Admin | Role::Agent), Some(address)) => {
                    blocks.entry(prefix_of(address)).or_default().insert(row.user);
                }
                // Somebody who may be staff, or staff that may have been anywhere.
                (None, _) | (_, None) => is_all = false,
            }
        }
        let as_of = snapshot.sources.values().map(|source| source.as_of).min().unwrap_or(snapshot.now);
        Self { blocks, is_all, as_of }
    }

    /// Those in this block without this person.
    pub(super) fn others(&self, user: UserId, prefix: IpAddr) -> Staff {
        let seen = self.blocks.get(&prefix);
        let others = seen.map_or(0, |seen| seen.len() - usize::from(seen.contains(&user)));
        Staff { others: u64::try_from(others).unwrap_or(u64::MAX), is_all: self.is_all, as_of: self.as_of }
    }
}

/// Whether everybody is listed, and everything that was done lately is told.
fn is_whole(snapshot: &Snapshot) -> bool {
    let is_read = |source: &SourceStanding| {
        let told = source.as_of.checked_add(source.late).unwrap_or(source.as_of);
        let reaches_back = |since: Timestamp| since.duration_until(snapshot.now) >= REMEMBERED;
        source.unknown.is_none()
            && source.since.is_some_and(reaches_back)
            && told.duration_until(snapshot.now) <= READ_WITHIN
            && !is_future(source.as_of, snapshot.now)
    };
    let is_told = |act: Act| snapshot.sources.values().any(|source| source.tells == act);
    snapshot.listing == Completeness::Complete
        && snapshot.cut.is_empty()
        && Act::ALL.iter().all(|act| is_told(*act))
        && snapshot.sources.values().all(is_read)
}

/// The block of addresses that one household or office has: a /24, or a /48 of IPv6.
pub(super) fn prefix_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (!0 << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 80)).into(),
    }
}
