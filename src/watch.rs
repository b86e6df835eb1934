//! The evidence watch: whether there is as much evidence as there usually is.
//!
//! Unknown ends no session, so whoever can make evidence unknown is safe from every rule. That a source fails is told by
//! its standing; that it goes silent about some, or that rules can decide less and less, shows only beside what is usual.
//! While it is fallen nothing enters the history: a fall is not what is usual tomorrow.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::evaluate::{Judgement, Tally};
use crate::evidence::Dossier;
use crate::model::{
    Act, Cause, Foreign, Mode, Moment, Session, Share, Sighting, SourceStanding, Stratum, UserId, Watched,
};
use crate::policy::PolicySet;
use crate::snapshot::Snapshot;

/// Of fewer sessions nothing is said: at night one of two is no fall.
const SESSIONS_MIN: usize = 10;

/// Sessions used this lately have left a row by now.
const USED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// Rows of sign-ins are remembered for little longer.
const OPENED_WITHIN: SignedDuration = SignedDuration::from_hours(25);

/// How much evidence there is in one complete sweep, and how much there usually is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Of what.
    pub watched: Watched,
    /// The part of sessions that the rule decides or the source tells of, in thousandths.
    pub share: u16,
    /// The same as it usually is, where that is known.
    pub usual: Option<u16>,
    /// What the source tells; none of a rule.
    tells: Option<Act>,
}

impl Measure {
    /// Whether it has fallen to half of what is usual, or below.
    pub fn is_fallen(&self) -> bool {
        self.usual.is_some_and(|usual| usual > 0 && u32::from(self.share) * 2 <= u32::from(usual))
    }

    /// The fall in a line that names nobody.
    pub fn text(&self) -> String {
        let name = Foreign::new(self.watched.name());
        let (share, usual) = (percent(self.share), percent(self.usual.unwrap_or_default()));
        match self.tells {
            None => format!("evidence fell: rule `{name}` decides {share} of sessions, and usually {usual}"),
            Some(Act::SignIn) => {
                format!("evidence fell: source `{name}` tells how {share} of sessions were opened, and usually {usual}")
            }
            Some(Act::Use) => {
                format!("evidence fell: source `{name}` tells how {share} of sessions are used, and usually {usual}")
            }
        }
    }
}

fn percent(thousandths: u16) -> String {
    match (thousandths / 10, thousandths % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

/// What can be measured now. Nothing of a look, of an incomplete sweep, or while clocks disagree.
pub fn measures(dossier: &Dossier<'_>, policies: &PolicySet, judgement: &Judgement) -> Vec<Measure> {
    let snapshot = dossier.snapshot();
    if snapshot.looked.is_some() || !snapshot.is_complete() || !snapshot.clocks.trusted {
        return Vec::new();
    }
    let rules = policies.rules.iter().zip(&judgement.tallies).filter(|(rule, _)| rule.mode != Mode::Off);
    let rules = rules.filter_map(|(rule, tally)| {
        Some((Watched::Rule(rule.id.clone()), None, share_of(decided(tally, dossier.len()))?))
    });
    let sources =
        snapshot.sources.iter().filter(|(name, source)| source.unknown.is_none() && &***name != Sighting::HEARSAY);
    let sources = sources.filter_map(|(name, source)| {
        let told = told(snapshot, name, source);
        Some((Watched::Source(name.clone()), Some(source.tells), share_of(told)?))
    });
    let measure = |(watched, tells, share): (Watched, Option<Act>, u16)| {
        let usual = snapshot.usual.get(&watched).copied();
        Measure { watched, share, usual, tells }
    };
    rules.chain(sources).map(measure).collect()
}

/// Lines about what has fallen.
pub fn falls(measures: &[Measure]) -> Vec<String> {
    measures.iter().filter(|one| one.is_fallen()).map(Measure::text).collect()
}

/// What the sweep adds to what is usual.
pub fn lesson(measures: &[Measure], now: Timestamp) -> BTreeMap<Watched, Share> {
    let standing = measures.iter().filter(|one| !one.is_fallen());
    standing.map(|one| (one.watched.clone(), Share { at: now, thousandths: one.share })).collect()
}

/// What can be watched at all: of anything else a fall is over.
pub fn watched(snapshot: &Snapshot, policies: &PolicySet) -> BTreeSet<Watched> {
    let rules = policies.rules.iter().filter(|rule| rule.mode != Mode::Off).map(|rule| Watched::Rule(rule.id.clone()));
    rules.chain(snapshot.sources.keys().cloned().map(Watched::Source)).collect()
}

/// So many of so many, if these are enough.
fn share_of((some, all): (usize, usize)) -> Option<u16> {
    let thousandths = some.saturating_mul(1_000).checked_div(all).filter(|_| all >= SESSIONS_MIN)?;
    u16::try_from(thousandths).ok()
}

/// Sessions that a rule decides, of those that evidence could decide: no log has end users, and by night there are more
/// of them.
fn decided(tally: &Tally, sessions: usize) -> (usize, usize) {
    let unlogged = tally.causes.get(&Cause::EndUser).map_or(0, |unsettled| unsettled.sessions);
    (sessions.saturating_sub(tally.undecided), sessions.saturating_sub(unlogged))
}

/// Sessions of staff that a source tells of, of those that it should tell of by now.
fn told(snapshot: &Snapshot, name: &str, source: &SourceStanding) -> (usize, usize) {
    let mut rows: BTreeMap<UserId, Vec<&Sighting>> = BTreeMap::new();
    for row in snapshot.sightings.iter().filter(|row| *row.source == *name && row.act == source.tells) {
        rows.entry(row.user).or_default().push(row);
    }
    let (mut some, mut all) = (0, 0);
    for session in &snapshot.sessions {
        let Some(user) = session.user.filter(|user| !snapshot.is_own(*user)) else { continue };
        if snapshot.stratum_of(user) == Stratum::EndUsers || !is_due(session, source, snapshot.now) {
            continue;
        }
        let own = rows.get(&user).map_or(&[][..], Vec::as_slice);
        all += 1;
        some += usize::from(own.iter().any(|row| tells_of(row, session, source, snapshot.now)));
    }
    (some, all)
}

/// Whether the source was read over what it should tell of this session.
fn is_due(session: &Session, source: &SourceStanding, now: Timestamp) -> bool {
    let Some(opened) = session.authenticated_at.map(Moment::at) else { return false };
    match source.tells {
        Act::SignIn => {
            let begins = now.checked_sub(OPENED_WITHIN).unwrap_or(now).max(source.since.unwrap_or(now));
            let ends = source.as_of.checked_sub(source.within).unwrap_or(source.as_of);
            (begins..=ends).contains(&opened)
        }
        Act::Use => session.last_seen_at.map(Moment::at).is_some_and(|used| {
            opened <= source.as_of && used <= source.as_of && used.duration_until(now) <= USED_WITHIN
        }),
    }
}

fn tells_of(row: &Sighting, session: &Session, source: &SourceStanding, now: Timestamp) -> bool {
    let on_zendesk = |at: Timestamp| at.checked_sub(source.skew).unwrap_or(at);
    match source.tells {
        Act::SignIn => session.authenticated_at.is_some_and(|opened| {
            let apart = opened.at().duration_until(on_zendesk(row.first.at())).abs();
            row.session == Some(session.id) || apart <= source.within
        }),
        Act::Use => on_zendesk(row.last.at()).duration_until(now) <= USED_WITHIN,
    }
}

#[cfg(test)]
mod tests;
