//! Whether a session is used where no source sees it: Zendesk says that it was, and logs that tell everything do not.

use jiff::{SignedDuration, Timestamp};

use super::spot::View;
use super::{Finding, is_future};
use crate::model::{Act, Cause, Causes, Sighting, SourceStanding, Strength};

/// A use that no source tells of has to be this long after the last one that some source does.
const SILENCE: SignedDuration = SignedDuration::from_mins(30);

/// A use by the person, on Zendesk's clock.
struct Use {
    first: Timestamp,
    last: Timestamp,
    /// Whether it may be of this session.
    may_be_own: bool,
}

impl View<'_> {
    /// Causes for which no source can know this person are the caller's.
    pub(super) fn dark(&self, unlogged: Causes) -> Result<Finding, Causes> {
        let (snapshot, row) = (self.scene.snapshot, self.row);
        let (Some(opened), Some(used)) = (row.authenticated_at, row.last_seen_at) else {
            return Err(unlogged.with(Cause::Null.into()));
        };
        let (opened, used) = (opened.at(), used.at());
        if !snapshot.clocks.trusted || [opened, used].iter().any(|at| is_future(*at, row.seen.at())) {
            return Err(unlogged.with(Cause::ClockSkew.into()));
        }
        let sources: Vec<&SourceStanding> = snapshot.sources.values().filter(|one| one.tells == Act::Use).collect();
        let Some(as_of) = sources.iter().map(|source| source.as_of).min() else {
            return Err(unlogged.with(Cause::NoSource.into()));
        };
        if unlogged != Causes::default() {
            return Err(unlogged);
        }
        let found = |holds| Ok(Finding { holds, as_of, strength: Strength::Exact });
        let uses = self.uses();
        let is_near = |last: Timestamp| last.duration_until(used) < SILENCE;
        // Rows that were lost can only be more of these.
        if is_near(opened) || uses.iter().any(|one| is_near(one.last) && (one.may_be_own || one.first <= used)) {
            return found(false);
        }
        let told = uses.iter().filter(|one| one.may_be_own).map(|one| one.last).fold(opened, Timestamp::max);
        let flaws = sources.iter().filter_map(|source| self.silence_flaw(source, told, used)).chain(self.use_doubt());
        let flaws = flaws.fold(Causes::default(), |all, cause| all.with(cause.into()));
        if flaws != Causes::default() {
            return Err(flaws);
        }
        found(!uses.iter().any(|one| one.last > told && one.first <= used))
    }

    /// Why it says nothing that this source has no row from the one instant to the other.
    fn silence_flaw(&self, source: &SourceStanding, told: Timestamp, used: Timestamp) -> Option<Cause> {
        let is_begun = source.since.is_some_and(|since| since <= told);
        match source.unknown {
            Some(cause) => Some(cause),
            None if is_future(source.as_of, self.scene.snapshot.now) => Some(Cause::ClockSkew),
            None if used.duration_until(source.as_of) < source.within => Some(Cause::Stale),
            None => (!is_begun).then_some(Cause::Partial),
        }
    }

    /// Why some row of a use may be this session's and does not say so.
    fn use_doubt(&self) -> Option<Cause> {
        let now = self.scene.snapshot.now;
        let is_to_come = |row: &Sighting| row.act == Act::Use && is_future(row.last.at(), now);
        if self.scene.rows_of(self.row.user).iter().any(is_to_come) {
            return Some(Cause::ClockSkew);
        }
        self.scene.joined.is_contradicted(self.row.user, Act::Use).then_some(Cause::Ambiguous)
    }

    /// What the person used, as sources tell whose clocks are known.
    fn uses(&self) -> Vec<Use> {
        let snapshot = self.scene.snapshot;
        let rows = self.scene.rows_of(self.row.user).iter().filter(|row| row.act == Act::Use);
        let told = rows.filter(|row| !is_future(row.last.at(), snapshot.now));
        told.filter_map(|row| {
            let skew = snapshot.sources.get(&row.source)?.skew;
            let [first, last] = [row.first, row.last].map(|at| at.at().checked_sub(skew).unwrap_or(at.at()));
            Some(Use { first, last, may_be_own: row.session.is_none_or(|session| session == self.row.id) })
        })
        .collect()
    }
}
