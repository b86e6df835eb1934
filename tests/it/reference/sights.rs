//! The plain reading of facts that all sightings of a session make out together.

use std::collections::BTreeSet;

use evictd::model::{Act, Role, Stratum, Strength, UserId};
use evictd::snapshot::Neighbours;
use fastrand::Rng;

use super::places::{ADDRESSES, AGENTS, Scenery, Seen, Told};
use super::world::{HOUR, MINUTE, Row, SECOND, World, instant};
use super::{chance, pick};

/// Whether two places of the session differ in the program's family or system, and in block and AS number.
pub fn changed(world: &World, row: &Row) -> Option<bool> {
    let scenery = &world.scenery;
    let bare = scenery.own_rows(world, row);
    let told = scenery.places_of(world, row);
    let mut is_open = !scenery.is_whole(world, row) || world.stratum(row.user?) == Stratum::EndUsers;
    for one in 0..told.len() {
        for other in one + 1..told.len() {
            // Which program a sign-in came from that does not say so is only concluded: that shows no change.
            match (differ(scenery, &bare[one], &bare[other]), differ(scenery, &told[one], &told[other])) {
                (Some(true), _) if shows(world, &bare[one], &bare[other]) => return Some(true),
                (_, Some(false)) => {}
                _ => is_open = true,
            }
        }
    }
    (!is_open).then_some(false)
}

/// One that may be of several sessions shows a change only if it is strange to what is sure of each of them.
fn shows(world: &World, one: &Seen, other: &Seen) -> bool {
    let scenery = &world.scenery;
    let is_strange = |seen: &Seen| {
        Scenery::sessions_of(world, seen).into_iter().all(|session| {
            let row = world.sessions().into_iter().find(|row| row.id == session).unwrap();
            let own = scenery.own_rows(world, row).into_iter().filter(|own| is_sure(world, own));
            own.map(|own| differ(scenery, &own, seen)).any(|differ| differ == Some(true))
        })
    };
    match (is_sure(world, one), is_sure(world, other)) {
        (true, true) => true,
        (true, false) => is_strange(other),
        (false, true) => is_strange(one),
        (false, false) => false,
    }
}

fn differ(scenery: &Scenery, one: &Seen, other: &Seen) -> Option<bool> {
    let both = |network: Option<bool>, program: Option<bool>| match (network, program) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    let asn = |seen: &Seen| scenery.said.iter().find(|(address, _)| Some(*address) == seen.address)?.1.asn.ok();
    let number = || Some(asn(one)? != asn(other)?);
    let block = || Some(block(one.address?) != block(other.address?));
    // Without an address nothing is known of the network at all.
    let network = block().and_then(|block| both(Some(block), number()));
    both(network, other_program(one.agent, other.agent))
}

/// How many other staff were seen in a place's block, and whether that is all of them.
pub fn staff(world: &World, place: &Seen) -> Option<Told> {
    let scenery = &world.scenery;
    let here = block(place.address?);
    let role = |user: u64| world.human(user).and_then(|human| human.role);
    let of_listed = scenery.seen.iter().filter(|seen| world.rows.iter().any(|row| row.user == Some(seen.user)));
    let reaches_back = scenery.since.is_some_and(|since| world.now - since >= 26 * HOUR);
    let is_kept = scenery.kept.is_some_and(|kept| world.now - kept >= 30 * 24 * HOUR);
    let (mut others, mut is_all) = (BTreeSet::new(), reaches_back && is_kept);
    for (user, address) in scenery.haunts.iter().filter(|(user, _)| *user != place.user) {
        match address {
            None => is_all = false,
            Some(address) if block(address) == here => _ = others.insert(*user),
            Some(_) => {}
        }
    }
    for seen in of_listed.filter(|seen| role(seen.user) != Some(Role::EndUser)) {
        match seen.address.filter(|_| role(seen.user).is_some() && seen.at <= world.now + MINUTE) {
            // Nobody makes their own number unsure, or greater.
            _ if seen.user == place.user => {}
            None => is_all = false,
            Some(address) if block(address) == here => _ = others.insert(seen.user),
            Some(_) => {}
        }
    }
    let tells = |act| scenery.sources.iter().any(|(_, tells, _)| *tells == act);
    let is_told = tells(Act::SignIn) && tells(Act::Use) && scenery.sources.iter().all(|(_, _, why)| why.is_none());
    let is_read = (world.now - 10 * MINUTE..=world.now + MINUTE).contains(&scenery.read_at);
    let is_all = is_all && is_told && is_read && world.complete && world.cut.is_empty();
    Some(Told::Staff(others.len() as u64, is_all))
}

/// Whom earlier cycles saw where.
pub fn haunts(rng: &mut Rng, world: &World) -> Vec<(u64, Option<&'static str>)> {
    let staff = world.people.iter().filter(|human| matches!(human.role, Some(Role::Agent | Role::Admin)));
    let ids: Vec<u64> = staff.map(|human| human.id).chain([770_001, 770_002]).collect();
    let count = rng.usize(..4);
    let address = |rng: &mut Rng| chance(rng, 85).then(|| pick(rng, ADDRESSES));
    (0..count).map(|_| (pick(rng, &ids), address(rng))).collect()
}

/// The same as a snapshot has it.
pub fn neighbours(scenery: &Scenery) -> Neighbours {
    let mut near = Neighbours { since: scenery.kept.map(instant), ..Neighbours::default() };
    for (user, address) in &scenery.haunts {
        let user = UserId::new(*user).unwrap();
        match address.map(block) {
            None => near.astray.insert(user),
            Some(block) => {
                let first = if block.contains(':') { format!("{block}::") } else { format!("{block}.0") };
                near.blocks.entry(first.parse().unwrap()).or_default().insert(user)
            }
        };
    }
    near
}

/// What a line says of such a number.
pub fn compares_staff(operator: &str, (known, is_all): (u64, bool), limit: u64) -> Option<bool> {
    let compares = |number| super::logic::compares_number(operator, number, limit);
    // However many more there are.
    let answers: BTreeSet<bool> = (known..=if is_all { known } else { known.max(limit) + 2 }).map(compares).collect();
    (answers.len() == 1).then(|| answers.contains(&true))
}

/// The block that an address is in, told from its text.
pub fn block(address: &str) -> &str {
    assert!(ADDRESSES.contains(&address));
    if address.contains(':') { "2001:4860:4860" } else { address.rsplit_once('.').unwrap().0 }
}

fn other_program(one: Option<&str>, other: Option<&str>) -> Option<bool> {
    let of = |text: &str| AGENTS.iter().find(|(known, ..)| *known == text).unwrap();
    let (one, other) = (of(one?), of(other?));
    let differ = |one: Option<&str>, other: Option<&str>| Some(one? != other?);
    match (differ(one.2, other.2), differ(one.4, other.4)) {
        _ if one.0 == other.0 => Some(false),
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Whether it was used half an hour after the last use that is told, though all sources of use were read up to then.
pub fn dark(world: &World, row: &Row) -> Option<bool> {
    let scenery = &world.scenery;
    let (opened, used, user) = (row.opened?, row.used?, row.user?);
    let has_source = scenery.sources.iter().any(|(_, tells, _)| *tells == Act::Use);
    let is_skewed = !world.trusted || opened.max(used) > row.seen + MINUTE;
    if is_skewed || !has_source || world.stratum(user) == Stratum::EndUsers {
        return None;
    }
    let uses: Vec<&Seen> = scenery.seen.iter().filter(|seen| seen.user == user && seen.act == Act::Use).collect();
    let (to_come, uses): (Vec<&Seen>, Vec<&Seen>) = uses.into_iter().partition(|seen| seen.at > world.now + MINUTE);
    let of_another = |seen: &Seen| seen.session.is_some_and(|session| session != row.id);
    let since = used - 30 * MINUTE;
    if opened > since || uses.iter().any(|seen| seen.at > since && (seen.at <= used || !of_another(seen))) {
        return Some(false);
    }
    let told = uses.iter().filter(|seen| !of_another(seen)).map(|seen| seen.at).chain([opened]).max()?;
    let is_whole = scenery.sources.iter().all(|(_, tells, unknown)| *tells == Act::SignIn || unknown.is_none())
        && (used + 10 * SECOND..=world.now + MINUTE).contains(&scenery.read_at)
        && scenery.since.is_some_and(|since| since <= told);
    let is_clear = to_come.is_empty() && !scenery.is_contradicted(world, user, &[Act::Use]);
    (is_whole && is_clear).then(|| uses.iter().all(|seen| seen.at <= told || seen.at > used))
}

/// Whether a row is of one session and could be of no other.
fn is_sure(world: &World, seen: &Seen) -> bool {
    strength(world, seen) > Strength::Ambiguous
}

/// How surely a row is of a session: its own, the only one, or one of several.
pub fn strength(world: &World, seen: &Seen) -> Strength {
    let is_one = Scenery::sessions_of(world, seen).len() == 1;
    match seen.act {
        _ if seen.session.is_some() => Strength::Exact,
        Act::SignIn if is_one => Strength::Exact,
        Act::Use if is_one && are_sign_ins_known(world, seen) => Strength::Only,
        Act::SignIn | Act::Use => Strength::Ambiguous,
    }
}

/// Whether everything that could have opened another session is known, and opened one that is.
fn are_sign_ins_known(world: &World, seen: &Seen) -> bool {
    let scenery = &world.scenery;
    let since = seen.at - 12 * HOUR - 30 * MINUTE;
    let mut sources = scenery.sources.iter().filter(|(_, tells, _)| *tells == Act::SignIn).peekable();
    let is_read =
        scenery.since.is_some_and(|from| from <= since) && (seen.at..=world.now + MINUTE).contains(&scenery.read_at);
    let is_homeless = |other: &Seen| {
        other.user == seen.user
            && (other.session, other.act) == (None, Act::SignIn)
            && (since..=seen.at).contains(&other.at)
            && Scenery::sessions_of(world, other).is_empty()
    };
    sources.peek().is_some()
        && sources.all(|(_, _, unknown)| unknown.is_none())
        && is_read
        && world.is_whole_of(seen.user)
        && !scenery.seen.iter().any(is_homeless)
}
