//! What the trail is to say of evidence: that a source is lost, that there is much less than usual, and that it is over.
//! Each is told once, when it begins and when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Told;
use crate::model::{Cause, SourceStanding, Watched};
use crate::record::{Entry, EvidenceBack, EvidenceFell, SourceBack, SourceLost};
use crate::report::Stages;
use crate::watch::{measures, watched};

/// What stands, as it was last told.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    /// Sources that cannot be relied on.
    pub(super) lost: BTreeSet<Arc<str>>,
    /// Whose evidence has fallen.
    pub(super) fallen: BTreeSet<Watched>,
}

impl Alarms {
    /// Which sources can no longer be relied on, and which can again. That a plan lacks a log is no loss of it.
    pub(super) fn of_sources(&mut self, sources: &BTreeMap<Arc<str>, SourceStanding>) -> Vec<Told> {
        let mut told = Vec::new();
        for (name, source) in sources {
            let lost = source.unknown.filter(|cause| *cause != Cause::PlanLacks);
            let before = self.lost.contains(name);
            let (source_name, tells) = (name.to_string(), source.tells.word().to_owned());
            let as_of = source.as_of.to_string();
            let entry: Entry = match (before, lost) {
                (false, Some(cause)) => {
                    self.lost.insert(Arc::clone(name));
                    SourceLost { source: source_name, tells, unknown: cause.word().to_owned(), as_of }.into()
                }
                (true, None) => {
                    self.lost.remove(name);
                    SourceBack { source: source_name, tells, as_of }.into()
                }
                _ => continue,
            };
            told.push(Told { entry, personal: None });
        }
        told
    }

    /// Whose evidence has fallen, and whose is back. Of what cannot be measured now nothing is new, unless it is gone.
    pub(super) fn of_evidence(&mut self, stages: Stages<'_>) -> Vec<Told> {
        let mut told: Vec<Entry> = Vec::new();
        for measure in measures(stages.dossier, stages.policies, stages.judgement) {
            let (of, name) = (measure.watched.kind().to_owned(), measure.watched.name().to_owned());
            let (share, is_fallen) = (measure.share, measure.is_fallen());
            match (self.fallen.contains(&measure.watched), measure.usual) {
                (false, Some(usual)) if is_fallen => {
                    self.fallen.insert(measure.watched);
                    told.push(EvidenceFell { of, name, share, usual }.into());
                }
                (true, usual) if !is_fallen => {
                    self.fallen.remove(&measure.watched);
                    told.push(EvidenceBack { of, name, share: Some(share), usual }.into());
                }
                _ => {}
            }
        }
        let watched = watched(stages.dossier.snapshot(), stages.policies);
        let (standing, gone) = std::mem::take(&mut self.fallen).into_iter().partition(|one| watched.contains(one));
        self.fallen = standing;
        let over = |one: &Watched| {
            let (of, name) = (one.kind().to_owned(), one.name().to_owned());
            EvidenceBack { of, name, share: None, usual: None }.into()
        };
        let gone: BTreeSet<Watched> = gone;
        told.extend(gone.iter().map(over));
        told.into_iter().map(|entry| Told { entry, personal: None }).collect()
    }
}
