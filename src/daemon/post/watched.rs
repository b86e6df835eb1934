//! Who just lost a session: for a while they are looked at whether or not anybody names them, since they may come back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Post;
use crate::daemon::setup::Setup;
use crate::gather::{Heard, Named};
use crate::model::{Stratum, UserId};
use crate::trail::Past;

/// Where sweeps are further apart than this, they come too late to see who comes back.
const SEEN_BY_SWEEPS: SignedDuration = SignedDuration::from_mins(5);

/// Somebody whose session was ended.
pub(super) struct Watched {
    user: UserId,
    stratum: Stratum,
    until: Timestamp,
}

/// Whom the trail tells to watch.
pub(super) fn watched(past: &Past) -> Vec<Watched> {
    let ended = past.history.ended.iter().filter(|ended| ended.is_watched());
    ended.map(|ended| Watched { user: ended.user, stratum: ended.stratum, until: ended.watched_until() }).collect()
}

impl Post {
    /// Whether somebody who just lost a session may come back, and sweeps are too far apart to see it.
    pub fn is_watching(&self, setup: &Setup) -> bool {
        let now = self.clock.now();
        let interval = setup.account.sweep.interval(now, &setup.account.time_zone);
        interval > SEEN_BY_SWEEPS && self.watched.iter().any(|one| now < one.until)
    }

    /// Who is watched, and would not be named by what was just heard. Staff who come back sign in, and the log of sign-ins
    /// names them where it is read: to look at them each minute as well would take requests from others.
    pub(super) fn returning(&self, setup: &Setup, heard: &Heard) -> BTreeMap<UserId, Named> {
        if !self.is_watching(setup) {
            return BTreeMap::new();
        }
        let now = self.clock.now();
        let is_named = |one: &Watched| heard.tells_sign_ins && one.stratum != Stratum::EndUsers;
        let returning = self.watched.iter().filter(|one| now < one.until && !is_named(one));
        returning.map(|one| (one.user, Named { stratum: one.stratum, is_elsewhere: false })).collect()
    }
}
