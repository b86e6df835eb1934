//! Listing whoever is in scope: the whole account in one listing, or each person alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Completeness, Session, UserId};
use crate::zendesk::{Denial, Purpose, Trouble, Zendesk};

/// After so many people in a row without an answer nobody else is asked for: each would wait as long.
const SILENT_MAX: usize = 3;

/// What was listed.
pub(super) struct Sweep {
    /// The rows; one may appear twice.
    pub(super) rows: Vec<Session>,
    /// Whether everybody in scope was listed.
    pub(super) listing: Completeness,
    /// People whose own listing was cut short, and by what.
    pub(super) cut: BTreeMap<UserId, String>,
    /// Zendesk's clock at the last page that was read.
    pub(super) date: Option<Timestamp>,
}

impl Sweep {
    /// The whole account.
    ///
    /// # Errors
    ///
    /// When not even a first row could be read.
    pub(super) async fn of_everyone(zendesk: &Zendesk, on_page: &mut dyn FnMut(usize)) -> Result<Self, Trouble> {
        let listing = zendesk.sessions(on_page).await;
        match listing.trouble {
            Some(trouble) if listing.rows.is_empty() || listing.date.is_none() => Err(trouble),
            _ => {
                let (rows, date) = (listing.rows, listing.date);
                Ok(Self { rows, listing: listing.completeness, cut: BTreeMap::new(), date })
            }
        }
    }

    /// Each of these people; `roll` says whether they are all there are.
    ///
    /// # Errors
    ///
    /// When Zendesk does not accept the credential, or nobody could be listed.
    pub(super) async fn of(
        zendesk: &Zendesk,
        people: &BTreeSet<UserId>,
        roll: Completeness,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Self, Trouble> {
        let mut sweep = Self { rows: Vec::new(), listing: roll, cut: BTreeMap::new(), date: None };
        let mut silent = Vec::new();
        for user in people {
            if silent.len() >= SILENT_MAX {
                sweep.cut.insert(*user, "Zendesk no longer answered when it was their turn".to_owned());
                continue;
            }
            let listing = zendesk.sessions_of(*user, Purpose::Sweep).await;
            sweep.date = listing.date.or(sweep.date);
            sweep.rows.extend(listing.rows);
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
