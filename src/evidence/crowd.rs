//! Who else is seen where somebody is: an office is a block of addresses from which many work.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::is_future;
use crate::address::prefix_of;
use crate::model::{Act, Completeness, HAUNTS_REMEMBERED, Person, Role, Session, Sighting, SourceStanding, UserId};
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

/// Which staff was seen in which block: whoever is signed in by what sources tell, and everybody by what is remembered of
/// the last thirty days.
#[derive(Debug)]
pub(super) struct Crowd {
    blocks: BTreeMap<IpAddr, BTreeSet<UserId>>,
    /// Who may have been anywhere, or may be staff.
    astray: BTreeSet<UserId>,
    is_all: bool,
    as_of: Timestamp,
}

impl Crowd {
    pub(super) fn new(snapshot: &Snapshot, listed: &[&Session]) -> Self {
        let signed_in: BTreeSet<UserId> = listed.iter().filter_map(|session| session.user).collect();
        let neighbours = &snapshot.neighbours;
        let (mut blocks, mut astray) = (neighbours.blocks.clone(), neighbours.astray.clone());
        let is_kept = |since: Timestamp| since.duration_until(snapshot.now) >= HAUNTS_REMEMBERED;
        let is_all = is_whole(snapshot) && neighbours.since.is_some_and(is_kept);
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
                (None, _) | (_, None) => _ = astray.insert(row.user),
            }
        }
        let as_of = snapshot.sources.values().map(|source| source.as_of).min().unwrap_or(snapshot.now);
        Self { blocks, astray, is_all, as_of }
    }

    /// Those in this block without this person: nothing that they do themselves adds to it or makes it unsure.
    pub(super) fn others(&self, user: UserId, prefix: IpAddr) -> Staff {
        let seen = self.blocks.get(&prefix);
        let others = seen.map_or(0, |seen| seen.len() - usize::from(seen.contains(&user)));
        let is_all = self.is_all && self.astray.iter().all(|one| *one == user);
        Staff { others: u64::try_from(others).unwrap_or(u64::MAX), is_all, as_of: self.as_of }
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
