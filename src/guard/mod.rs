//! The guard: which claims of a plan may act. Every belt is judged for every claim, whatever its mode.
//!
//! Only this room makes a [`Cleared`]. Belts count people who would lose a session, per stratum; what an earlier belt
//! withholds counts in no later one. Report-mode claims are judged on top of the enforcing ones and never use up
//! their room, so that a dry run shows exactly what enforcement would do.

mod belt;
mod cleared;
mod count;

use crate::config::Belts;
use crate::model::{CycleKind, Mode, Stratum, UserId};
use crate::plan::{Intention, Plan, Planned};
use crate::policy::PolicySet;
use crate::snapshot::Snapshot;

pub use belt::{Belt, Held};
pub use cleared::{Cleared, ClearedSession};
pub use count::people_seen;

/// What the guard made of a plan.
#[derive(Debug)]
pub struct Guarded {
    /// For every intention of the plan, for every claim of it: the belt that holds it, or none.
    pub held: Vec<Vec<Option<Held>>>,
    /// What may be spent, in the plan's order; empty in a dry run.
    pub cleared: Vec<Cleared>,
}

/// One claim while it is being judged.
#[derive(Debug)]
struct Standing<'p> {
    intention: &'p Intention,
    claim: &'p Planned,
    held: Option<Held>,
}

/// What belts are judged against.
#[derive(Debug, Clone, Copy)]
struct Circumstances<'a> {
    snapshot: &'a Snapshot,
    policies: &'a PolicySet,
    belts: &'a Belts,
}

/// Judges every belt for every claim, and clears what is clear, enforcing, and of a kind of cycle that may act.
pub fn guard(plan: &Plan, policies: &PolicySet, snapshot: &Snapshot, belts: &Belts, kind: CycleKind) -> Guarded {
    let around = Circumstances { snapshot, policies, belts };
    let mut claims: Vec<Standing<'_>> = plan
        .intentions
        .iter()
        .flat_map(|intention| intention.claims.iter().map(move |claim| Standing { intention, claim, held: None }))
        .collect();
    for standing in &mut claims {
        standing.held = belt::of_person(standing.intention, standing.claim, around);
    }
    count::per_rule(&mut claims, around);
    count::per_account(&mut claims, around);
    let mut held = Vec::with_capacity(plan.intentions.len());
    let mut rest = claims.into_iter();
    for intention in &plan.intentions {
        held.push(rest.by_ref().take(intention.claims.len()).map(|standing| standing.held).collect::<Vec<_>>());
    }
    let cleared = match kind {
        CycleKind::Dry => Vec::new(),
        CycleKind::Enforcing => cleared::clear(plan, &held),
    };
    Guarded { held, cleared }
}

impl Standing<'_> {
    fn is_clear(&self, mode: Option<Mode>) -> bool {
        self.held.is_none() && mode.is_none_or(|mode| self.claim.mode == mode)
    }

    fn user(&self) -> UserId {
        self.intention.user
    }

    fn stratum(&self) -> Stratum {
        self.intention.stratum
    }
}
