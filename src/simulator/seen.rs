//! What logs saw of a world's staff: where sessions were opened and used, and with what. Zendesk's session rows carry
//! neither, so that a snapshot has to be told.
//!
//! All of it comes from the world's logs, each row in the session to which it really belongs.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Act, SessionId, Sighting, SourceStanding};
use crate::snapshot::Snapshot;

use super::world::{AccessRow, World};

/// The log of sign-ins.
const SIGN_INS: &str = "sign-in log";

/// The log of use.
const USES: &str = "access log";

/// Puts into the snapshot what a log of sign-ins and one of use have told of the world's staff.
///
/// The log of sign-ins is an identity provider's: it tells the program too, which is that of the session's first request.
pub fn see_staff(snapshot: &mut Snapshot, world: &World) {
    let as_of = snapshot.now;
    for (name, tells) in [(SIGN_INS, Act::SignIn), (USES, Act::Use)] {
        snapshot.sources.insert(name.into(), SourceStanding::whole(tells, as_of));
    }
    let listed: BTreeSet<SessionId> = snapshot.sessions.iter().map(|session| session.id).collect();
    let is_listed = |session: Option<SessionId>| session.filter(|id| listed.contains(id));
    let mut uses: BTreeMap<SessionId, Vec<&AccessRow>> = BTreeMap::new();
    for row in &world.logs.accesses {
        if let Some(session) = is_listed(row.session) {
            uses.entry(session).or_default().push(row);
        }
    }
    for rows in uses.values_mut() {
        rows.sort_by_key(|row| row.at);
    }
    let sign_ins = world.logs.sign_ins.iter().filter_map(|row| {
        let session = is_listed(row.session)?;
        let first = uses.get(&session).and_then(|rows| rows.first());
        Some(Sighting {
            user: row.user,
            session: Some(session),
            act: Act::SignIn,
            address: Some(row.address),
            agent: first.and_then(|row| row.agent.clone()),
            first: row.at.into(),
            last: row.at.into(),
            source: SIGN_INS.into(),
        })
    });
    let mut seen: Vec<Sighting> = sign_ins.collect();
    seen.extend(uses.values().flat_map(|rows| condensed(rows)));
    seen.sort();
    snapshot.sightings = seen;
}

/// The requests of one session, by time, as one sighting for each address and program.
fn condensed(rows: &[&AccessRow]) -> Vec<Sighting> {
    let mut found: BTreeMap<_, Sighting> = BTreeMap::new();
    for row in rows {
        let at = row.at.into();
        let one = found.entry((row.address, row.agent.clone())).or_insert_with(|| Sighting {
            user: row.user,
            session: row.session,
            act: Act::Use,
            address: Some(row.address),
            agent: row.agent.clone(),
            first: at,
            last: at,
            source: USES.into(),
        });
        one.last = at;
    }
    found.into_values().collect()
}
