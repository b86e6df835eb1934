//! Claims as rows, from which both halves of a report are put together: what goes and what is withheld.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{RevokeRow, RuleRow, WithheldRow};
use crate::grade::Fate;
use crate::model::{
    Action, Exposure, Foreign, Grade, Mode, Outcome, RuleId, SessionId, Severity, Stratum, Strength, UserId,
};

/// A claim that fired and that nothing spares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClaimRow {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    pub(super) person: Foreign,
    pub(super) stratum: Stratum,
    pub(super) rule: RuleId,
    pub(super) severity: Severity,
    pub(super) mode: Mode,
    pub(super) action: Action,
    pub(super) reasons: Vec<String>,
    pub(super) strength: Strength,
    pub(super) held: Option<HeldRow>,
}

/// The belt that holds a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeldRow {
    pub(super) belt: String,
    pub(super) limit: Option<u64>,
    pub(super) count: Option<u64>,
}

/// What became of sessions that were acted on.
pub(super) type Fates = BTreeMap<SessionId, Became>;

/// Outcome and grade of a session, and how long it could be used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Became {
    pub(super) outcome: Option<Outcome>,
    pub(super) grade: Option<Grade>,
    pub(super) exposure: Option<Exposure>,
}

/// Puts the claims into the plan's order: severity of the session (highest first), to which hearsay adds nothing, person,
/// session, rule.
pub(super) fn order(claims: &mut [ClaimRow]) {
    let mut severities: BTreeMap<SessionId, Severity> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.strength != Strength::Hearsay) {
        severities.entry(claim.session).and_modify(|most| *most = claim.severity.max(*most)).or_insert(claim.severity);
    }
    claims.sort_by(|left, right| key(&severities, left).cmp(&key(&severities, right)));
}

type Key<'a> = (Reverse<Severity>, UserId, SessionId, &'a RuleId);

fn key<'a>(severities: &BTreeMap<SessionId, Severity>, claim: &'a ClaimRow) -> Key<'a> {
    (Reverse(severities.get(&claim.session).copied().unwrap_or(Severity::Info)), claim.user, claim.session, &claim.rule)
}

/// Marks what enforcement kept back after all, and gathers what became of the rest.
pub(super) fn apply(claims: &mut [ClaimRow], fates: &[Fate]) -> Fates {
    for fate in fates {
        for kept in &fate.kept {
            let held =
                HeldRow { belt: kept.held.belt.word().to_owned(), limit: kept.held.limit, count: kept.held.count };
            hold(claims, fate.session, &kept.rule, held);
        }
    }
    let became = |fate: &Fate| Became { outcome: fate.outcome, grade: fate.grade, exposure: fate.exposure };
    fates.iter().map(|fate| (fate.session, became(fate))).collect()
}

/// Marks one claim as held.
pub(super) fn hold(claims: &mut [ClaimRow], session: SessionId, rule: &RuleId, held: HeldRow) {
    if let Some(claim) = claims.iter_mut().find(|claim| claim.session == session && claim.rule == *rule) {
        claim.held = Some(held);
    }
}

/// What goes: a row for every session with a claim that nothing holds.
pub(super) fn revoke_rows(claims: &[ClaimRow], fates: &Fates) -> Vec<RevokeRow> {
    claims
        .chunk_by(|left, right| left.session == right.session)
        .filter_map(|of_session| {
            let clear: Vec<&ClaimRow> = of_session.iter().filter(|claim| claim.held.is_none()).collect();
            let first = clear.first()?;
            let mut reasons: Vec<String> = Vec::new();
            for reason in clear.iter().flat_map(|claim| &claim.reasons) {
                if !reasons.contains(reason) {
                    reasons.push(reason.clone());
                }
            }
            let Became { outcome, grade, exposure } = fates.get(&first.session).copied().unwrap_or_default();
            let mode = clear.iter().map(|claim| claim.mode).max()?;
            let of_mode = clear.iter().filter(|claim| claim.mode == mode);
            Some(RevokeRow {
                session: first.session,
                user: first.user,
                person: first.person.clone(),
                stratum: first.stratum,
                severity: clear.iter().map(|claim| claim.severity).max()?,
                mode,
                action: clear.iter().map(|claim| claim.action).max()?,
                rules: clear.iter().map(|claim| claim.rule.clone()).collect(),
                reasons,
                strength: of_mode.map(|claim| claim.strength).max()?,
                outcome,
                grade,
                exposure,
            })
        })
        .collect()
}

/// What is withheld: a row for every claim that a belt holds.
pub(super) fn withheld_rows(claims: &[ClaimRow]) -> Vec<WithheldRow> {
    claims
        .iter()
        .filter_map(|claim| {
            let held = claim.held.as_ref()?;
            Some(WithheldRow {
                session: claim.session,
                user: claim.user,
                person: claim.person.clone(),
                stratum: claim.stratum,
                rule: claim.rule.clone(),
                severity: claim.severity,
                mode: claim.mode,
                belt: held.belt.clone(),
                limit: held.limit,
                count: held.count,
                reasons: claim.reasons.clone(),
                strength: claim.strength,
            })
        })
        .collect()
}

/// Counts what belts hold and what they let go, rule by rule.
pub(super) fn count(claims: &[ClaimRow], rules: &mut [RuleRow]) {
    for row in rules {
        let of_rule = || claims.iter().filter(|claim| claim.rule == row.rule);
        row.withheld = of_rule().filter(|claim| claim.held.is_some()).count();
        row.clear = of_rule().count() - row.withheld;
    }
}
