//! Sessions that have ended and are still listed: what a lagging copy of the account would show.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::faults::Lag;
use super::index::Span;
use crate::model::{Session, SessionId};

/// One such session, and how much longer it is listed.
#[derive(Debug)]
struct Shade {
    session: Session,
    pages: u32,
    until: Timestamp,
}

/// All of them, by id.
#[derive(Debug, Default)]
pub(super) struct Lagging(BTreeMap<SessionId, Shade>);

impl Lagging {
    /// This session has ended just now, and stays listed.
    pub(super) fn keep(&mut self, session: Session, lag: Lag, now: Timestamp) {
        let until = now.saturating_add(SignedDuration::from_secs(lag.seconds.into())).unwrap_or(Timestamp::MAX);
        self.0.insert(session.id, Shade { session, pages: lag.pages, until });
    }

    /// Drops those whose time is over.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.0.retain(|_, shade| shade.pages > 0 && now < shade.until);
    }

    /// One more page of some listing was answered.
    pub(super) fn count_page(&mut self) {
        for shade in self.0.values_mut() {
            shade.pages = shade.pages.saturating_sub(1);
        }
    }

    /// Those in this span, by id.
    pub(super) fn range(&self, (from, to): Span) -> impl DoubleEndedIterator<Item = &Session> {
        self.0.range((from.map(SessionId), to.map(SessionId))).map(|(_, shade)| &shade.session)
    }
}
