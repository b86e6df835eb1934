//! What rows of sessions tell of where they are used, should they ever tell it.

use std::sync::Arc;

use crate::model::{Act, Session, Sighting};
use crate::zendesk::RowPlace;

/// What rows tell of where these sessions are used, which are in order of their ids. Of a row that another came after with
/// somebody else's name nothing is taken.
pub(in crate::gather) fn sightings_of_rows(places: Vec<RowPlace>, sessions: &[Session]) -> Vec<Sighting> {
    let source: Arc<str> = Sighting::SESSION_ROW.into();
    let is_kept = |row: &Session| {
        let at = sessions.binary_search_by_key(&row.id, |kept| kept.id).ok();
        at.and_then(|at| sessions.get(at)).is_some_and(|kept| kept.user == row.user)
    };
    let told = places.into_iter().filter(|place| is_kept(&place.session));
    let mut sightings: Vec<Sighting> = told.filter_map(|place| sighting(place, &source)).collect();
    sightings.sort();
    sightings.dedup();
    sightings
}

/// Nobody was seen later than the row was.
fn sighting(RowPlace { session, address, agent }: RowPlace, source: &Arc<str>) -> Option<Sighting> {
    let at = session.last_seen_at.unwrap_or(session.seen).min(session.seen);
    let (user, source) = (session.user?, Arc::clone(source));
    Some(Sighting { user, session: Some(session.id), act: Act::Use, address, agent, first: at, last: at, source })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{SessionId, UserId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn row(user: Option<u64>, used: Option<i64>) -> Session {
        let user = user.and_then(UserId::new);
        let last_seen_at = used.map(|second| at(second).into());
        Session { id: SessionId(1), user, authenticated_at: None, last_seen_at, seen: at(0).into() }
    }

    #[test]
    fn a_row_tells_of_its_own_session_and_of_no_time_to_come() {
        let told = |own: Session, kept: Session| {
            let place = RowPlace { session: own, address: "203.0.113.9".parse().ok(), agent: None };
            sightings_of_rows(vec![place.clone(), place], &[kept])
        };
        for (used, seen) in [(Some(-60), -60), (None, 0), (Some(3_600), 0)] {
            let own = row(Some(2), used);
            let [one] = told(own, own).try_into().unwrap();
            assert_eq!(
                (one.session, one.act, one.first, one.last),
                (Some(own.id), Act::Use, one.last, at(seen).into())
            );
        }
        // The row was given to somebody else while pages were read.
        assert_eq!(told(row(Some(2), None), row(Some(3), None)), []);
        assert_eq!(told(row(None, None), row(None, None)), []);
        let other = Session { id: SessionId(2), ..row(Some(2), None) };
        assert_eq!(told(row(Some(2), None), other), []);
    }
}
