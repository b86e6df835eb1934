//! By how much a source's clock is off: a sign-in row and the one session that it can have opened say it.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::model::{Act, Moment, Session, Sighting, UserId};

/// A clock that is further off is none that anything can be joined by.
const OFF_MAX: SignedDuration = SignedDuration::from_secs(120);

/// So many pairs at least say it: fewer may be chance.
const PAIRS_MIN: usize = 5;

/// The median of what the sign-ins of this source say, if enough do.
pub(super) fn of(source: &str, sessions: &[Session], sightings: &[Sighting]) -> Option<SignedDuration> {
    let mut people: BTreeMap<UserId, (Vec<Moment>, Vec<Moment>)> = BTreeMap::new();
    let is_sign_in = |row: &&Sighting| row.act == Act::SignIn && *row.source == *source && row.session.is_none();
    for row in sightings.iter().filter(is_sign_in) {
        people.entry(row.user).or_default().0.push(row.first);
    }
    for session in sessions {
        let of_person = session.user.and_then(|user| people.get_mut(&user));
        if let (Some((_, opened)), Some(at)) = (of_person, session.authenticated_at) {
            opened.push(at);
        }
    }
    let mut off: Vec<SignedDuration> = people.values().flat_map(|(rows, opened)| pairs(rows, opened)).collect();
    off.sort_unstable();
    off.get(off.len() / 2).copied().filter(|_| off.len() >= PAIRS_MIN)
}

/// Rows and sessions that can only mean each other.
fn pairs(rows: &[Moment], opened: &[Moment]) -> impl Iterator<Item = SignedDuration> {
    let off = |row: Moment, opened: Moment| opened.at().duration_until(row.at());
    let is_near = move |row: Moment, opened: Moment| off(row, opened).abs() <= OFF_MAX;
    rows.iter().filter_map(move |row| {
        let mut near = opened.iter().filter(|opened| is_near(*row, **opened));
        let (first, other) = (near.next()?, near.next());
        let is_shared = rows.iter().filter(|row| is_near(**row, *first)).count() > 1;
        (other.is_none() && !is_shared).then(|| off(*row, *first))
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::SessionId;

    fn at(second: i64) -> Moment {
        Timestamp::from_second(1_795_000_000 + second).unwrap().into()
    }

    fn world(offs: &[i64]) -> (Vec<Session>, Vec<Sighting>) {
        let user = |number: usize| UserId::new(number as u64 + 1).unwrap();
        let session = |number: usize| Session {
            id: SessionId(number as u64),
            user: Some(user(number)),
            authenticated_at: Some(at(0)),
            last_seen_at: None,
            seen: at(600),
        };
        let row = |(number, off): (usize, &i64)| Sighting {
            user: user(number),
            session: None,
            act: Act::SignIn,
            address: None,
            agent: None,
            first: at(*off),
            last: at(*off),
            source: "idp".into(),
        };
        ((0..offs.len()).map(session).collect(), offs.iter().enumerate().map(row).collect())
    }

    #[test]
    fn the_middle_of_what_pairs_say_counts_if_there_are_enough() {
        let measured = |offs: &[i64]| {
            let (sessions, rows) = world(offs);
            of("idp", &sessions, &rows).map(|off| off.as_secs())
        };
        assert_eq!(measured(&[40, 41, 39, 40, 44]), Some(40));
        assert_eq!(measured(&[40, 41, 39, 40]), None);
        assert_eq!(measured(&[40, 41, 39, 40, 121]), None);
        assert_eq!(measured(&[-90, -91, -89, -90, 120]), Some(-90));
        let (sessions, rows) = world(&[40; 5]);
        assert_eq!(of("audit-log", &sessions, &rows), None);
    }

    #[test]
    fn what_can_mean_two_says_nothing() {
        let (mut sessions, rows) = world(&[40; 5]);
        sessions.push(Session { id: SessionId(9), authenticated_at: Some(at(100)), ..sessions[0] });
        assert_eq!(of("idp", &sessions, &rows), None);
        let (sessions, mut rows) = world(&[40; 5]);
        rows.push(Sighting { first: at(-60), ..rows[0].clone() });
        assert_eq!(of("idp", &sessions, &rows), None);
    }
}
