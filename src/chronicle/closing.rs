//! The closing count of a cycle.

use super::{databases_used, offboarding};
use crate::model::RuleId;
use crate::record::{BeltUsed, CycleFinished, RuleCount, UndecidedCount};
use crate::report::{Report, Stages};

/// What a cycle cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Requests to Zendesk.
    pub calls: u64,
    /// Sweeps that the schedule wanted since the last cycle and that found no time.
    pub missed: u64,
}

/// The closing count of a cycle.
pub fn finished(report: &Report, stages: Stages<'_>, effort: Effort) -> CycleFinished {
    let snapshot = stages.dossier.snapshot();
    let basis = |rule: &RuleId| {
        let rules = stages.policies.rules.iter().zip(&stages.guarded.bases);
        rules.filter(|(one, _)| one.id == *rule).map(|(_, basis)| basis.to_string()).next().unwrap_or_default()
    };
    let clocks = snapshot.clocks;
    CycleFinished {
        now: report.now.clone(),
        mode: report.mode.word().to_owned(),
        policy: report.policy.clone(),
        signed: stages.policies.signed.as_ref().map(|signed| signed.set.clone()),
        complete: report.complete,
        looked: snapshot.looked.as_ref().map(|users| users.iter().map(ToString::to_string).collect()),
        sessions_seen: report.sessions_seen,
        people_seen: report.people_seen.iter().map(|(stratum, count)| (stratum.word().to_owned(), *count)).collect(),
        clock_offset_ms: clocks.host_offset.as_millis().to_string(),
        clock_trusted: clocks.trusted,
        calls: effort.calls,
        missed: effort.missed,
        databases: databases_used(&snapshot.databases),
        offboarding: snapshot.lists.iter().map(|(name, list)| offboarding(name, list)).collect(),
        scope: report.scope.word().to_owned(),
        tokens_asked: snapshot.tokens.as_ref().map(|seen| seen.as_of.to_string()),
        rules: report
            .rules
            .iter()
            .map(|row| RuleCount {
                rule: row.rule.to_string(),
                title: row.title.clone(),
                mode: row.mode.word().to_owned(),
                severity: row.severity.word().to_owned(),
                fired: row.fired,
                spared: row.spared,
                spared_by_unknown: row.spared_by_unknown,
                clear: row.clear,
                withheld: row.withheld,
                undecided: row.undecided,
                basis: basis(&row.rule),
            })
            .collect(),
        belts: report.belts.iter().map(BeltUsed::from).collect(),
        undecided: report
            .undecided
            .iter()
            .map(|row| UndecidedCount {
                rule: row.rule.to_string(),
                cause: row.cause.word().to_owned(),
                sessions: row.sessions,
                people: row.people,
            })
            .collect(),
        warnings: report.warnings.clone(),
    }
}
