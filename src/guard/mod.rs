//! The guard: which claims of a plan may act. Every belt is judged for every claim, whatever its mode.
//!
//! Only this room makes a [`Cleared`]. Belts count people who would lose a session, per stratum; what an earlier belt
//! withholds counts in no later one, nor does whoever is under a hold. Report-mode claims are judged on top of the
//! enforcing ones and never use up their room, so that a dry run shows exactly what enforcement would do.
//!
//! Where a rule reaches too many, the first question is whether the team changed something: then nothing of it goes.
//! Else the world changed, and the surest few go all the same.

mod basis;
mod belt;
mod cleared;
mod core;
mod count;
mod gauge;
mod hold;

use std::collections::BTreeSet;

use crate::address::Lists;
use crate::config::Belts;
use crate::evidence::Dossier;
use crate::model::{Basis, CycleKind, Mode, Stratum, UserId};
use crate::plan::{Intention, Plan, Planned};
use crate::policy::PolicySet;
use crate::snapshot::Snapshot;

pub use belt::{Belt, Held};
pub use cleared::{Cleared, ClearedSession};
pub use count::people_seen;
pub use gauge::Gauge;
pub use hold::Holding;

/// What the guard made of a plan.
#[derive(Debug)]
pub struct Guarded {
    /// For every intention of the plan, for every claim of it: the belt that holds it, or none.
    pub held: Vec<Vec<Option<Held>>>,
    /// What may be spent, in the plan's order; empty in a dry run.
    pub cleared: Vec<Cleared>,
    /// Who comes under a hold now, in order of rule and belt.
    pub holdings: Vec<Holding>,
    /// Of which rule whose claims go although there are too many.
    pub core: BTreeSet<(usize, UserId)>,
    /// Who comes back again and again, of which rule, and is ended all the same.
    pub looping: BTreeSet<(usize, UserId)>,
    /// What each rule rests on, by its place.
    pub bases: Vec<Basis>,
    /// How near each belt that counts people is.
    pub gauges: Vec<Gauge>,
}

/// One claim while it is being judged.
#[derive(Debug)]
struct Standing<'p> {
    intention: &'p Intention,
    claim: &'p Planned,
    held: Option<Held>,
    /// It is under a hold, and counts nowhere.
    is_aside: bool,
    /// It goes although there are too many.
    is_core: bool,
}

/// What belts are judged against.
#[derive(Debug, Clone, Copy)]
struct Circumstances<'a> {
    dossier: &'a Dossier<'a>,
    snapshot: &'a Snapshot,
    policies: &'a PolicySet,
    lists: &'a Lists,
    belts: &'a Belts,
}

/// Judges every belt for every claim, and clears what is clear, enforcing, and of a kind of cycle that may act.
pub fn guard(plan: &Plan, policies: &PolicySet, dossier: &Dossier<'_>, belts: &Belts, kind: CycleKind) -> Guarded {
    let around = Circumstances { dossier, snapshot: dossier.snapshot(), policies, lists: dossier.lists(), belts };
    let bases = basis::bases(around, plan.mode);
    let mut claims: Vec<Standing<'_>> = plan
        .intentions
        .iter()
        .flat_map(|intention| intention.claims.iter().map(move |claim| Standing::of(intention, claim)))
        .collect();
    let mut looping = BTreeSet::new();
    for standing in &mut claims {
        standing.held = belt::of_person(standing, around, &mut looping);
        if standing.held.is_none()
            && let Some((_, held)) = hold::aside(standing, around)
        {
            (standing.held, standing.is_aside) = (Some(held), true);
        }
    }
    let changed = count::per_rule(&mut claims, &bases, around);
    count::per_account(&mut claims, around);
    let holdings = hold::holdings(&claims, &changed, around);
    let gauges = gauge::gauges(&claims, around);
    let core = claims.iter().filter(|one| one.is_core && one.held.is_none());
    let core: BTreeSet<(usize, UserId)> = core.map(|one| (one.claim.rule, one.user())).collect();
    let mut held = Vec::with_capacity(plan.intentions.len());
    let mut rest = claims.into_iter();
    for intention in &plan.intentions {
        held.push(rest.by_ref().take(intention.claims.len()).map(|standing| standing.held).collect::<Vec<_>>());
    }
    let cleared = match kind {
        CycleKind::Dry => Vec::new(),
        CycleKind::Enforcing => cleared::clear(plan, &held, &core),
    };
    Guarded { held, cleared, holdings, core, looping, bases, gauges }
}

impl<'p> Standing<'p> {
    fn of(intention: &'p Intention, claim: &'p Planned) -> Self {
        Self { intention, claim, held: None, is_aside: false, is_core: false }
    }

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
