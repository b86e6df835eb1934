//! Listing whoever is in scope: the whole account in one listing, or each person alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Act, Completeness, Session, Sighting, UserId};
use crate::zendesk::{Denial, Listing, Purpose, RowPlace, Trouble, Zendesk};

/// After so many people in a row without an answer nobody else is asked for: each would wait as long.
const SILENT_MAX: usize = 3;

/// What was listed.
pub(super) struct Sweep {
    /// The rows; one may appear twice.
    pub(super) rows: Vec<Session>,
    /// What rows tell of where they are used.
    pub(super) places: Vec<RowPlace>,
    /// Whether everybody in scope was listed.
    pub(super) listing: Completeness,
    /// People whose own listing was cut short, and by what.
    pub(super) cut: BTreeMap<UserId, String>,
    /// Zendesk's clock at the last page that was read.
    pub(super) date: Option<Timestamp>,
}

impl Sweep {
    /// Each of these people, or the whole account; `roll` says whether they are all there are.
    ///
    /// # Errors
    ///
    /// When Zendesk does not accept the credential, or nobody could be listed.
    pub(super) async fn over(
        zendesk: &Zendesk,
        people: Option<&BTreeSet<UserId>>,
        roll: Completeness,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Self, Trouble> {
        match people {
            Some(people) => Self::of(zendesk, people, roll, on_page).await,
            None => Self::of_everyone(zendesk, on_page).await,
        }
    }

    async fn of_everyone(zendesk: &Zendesk, on_page: &mut dyn FnMut(usize)) -> Result<Self, Trouble> {
        let listing = zendesk.sessions(on_page).await;
        match listing.trouble {
            Some(trouble) if listing.rows.is_empty() || listing.date.is_none() => Err(trouble),
            _ => {
                let Listing { rows, places, completeness, date, .. } = listing;
                Ok(Self { rows, places, listing: completeness, cut: BTreeMap::new(), date })
            }
        }
    }

    async fn of(
        zendesk: &Zendesk,
        people: &BTreeSet<UserId>,
        roll: Completeness,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Self, Trouble> {
        let mut sweep = Self { rows: Vec::new(), places: Vec::new(), listing: roll, cut: BTreeMap::new(), date: None };
        let mut silent = Vec::new();
        for user in people {
            if silent.len() >= SILENT_MAX {
                sweep.cut.insert(*user, "Zendesk no longer answered when it was their turn".to_owned());
                continue;
            }
            let listing = zendesk.sessions_of(*user, Purpose::Sweep).await;
            sweep.date = listing.date.or(sweep.date);
            sweep.rows.extend(listing.rows);
            sweep.places.extend(listing.places);
            on_page(sweep.rows.len());
            match listing.trouble {
                // Whom Zendesk does not have has no sessions.
                None | Some(Trouble::NotFound) => silent.clear(),
                Some(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => return Err(trouble),
                Some(trouble) => {
                    sweep.cut.insert(*user, trouble.to_string());
                    if matches!(trouble, Trouble::Unreachable(_) | Trouble::Later { .. }) {
                        silent.push(trouble);
                    }
                }
            }
        }
        match silent.pop() {
            Some(trouble) if sweep.cut.len() == people.len() && sweep.rows.is_empty() => Err(trouble),
            _ => Ok(sweep),
        }
    }
}

/// What rows tell of where these sessions are used, which are in order of their ids. Of a row that another came after with
/// somebody else's name nothing is taken.
pub(super) fn sightings(places: Vec<RowPlace>, sessions: &[Session]) -> Vec<Sighting> {
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
    use super::*;
    use crate::model::SessionId;

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
            sightings(vec![place.clone(), place], &[kept])
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
