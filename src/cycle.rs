//! One cycle: eight stages in order, from a look at the account to a report. `plan` and `apply` are this one function.

use std::time::Duration;

use crate::address::Lists;
use crate::chronicle::{Asked, Chronicle, Effort, finished, habits};
use crate::clock::Clock;
use crate::config::Account;
use crate::enforce::{Bench, Brakes, enforce};
use crate::evaluate::evaluate;
use crate::evidence::Dossier;
use crate::gather::{Gathered, Instants, Known, gather};
use crate::guard::guard;
use crate::model::{CycleKind, Lesson, Mode};
use crate::plan::plan;
use crate::policy::PolicySet;
use crate::report::{Report, Stages, report};
use crate::snapshot::Snapshot;
use crate::trail::{Trail, TrailTrouble};
use crate::watch;
use crate::zendesk::{Trouble, Zendesk};

/// What a cycle works with.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The account.
    pub account: &'a Account,
    /// The policies in force.
    pub policies: &'a PolicySet,
    /// Their named lists as they stand.
    pub lists: &'a Lists,
    /// The account's Zendesk.
    pub zendesk: &'a Zendesk,
    /// The host's clocks.
    pub clock: &'a dyn Clock,
    /// What a human can stop it by.
    pub brakes: &'a dyn Brakes,
}

/// Where a cycle that may act writes.
pub struct Books<'a> {
    /// The account's trail.
    pub trail: &'a mut Trail,
    /// What the trail knows to stand.
    pub chronicle: &'a mut Chronicle,
    /// Sweeps that the schedule wanted since the last cycle and that found no time.
    pub missed: u64,
    /// When logs were asked before.
    pub asked: Asked,
}

/// Why a cycle ended without a report.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// Zendesk showed nothing that could be judged.
    #[error(transparent)]
    Zendesk(#[from] Trouble),
    /// The trail cannot be written: nothing more is done.
    #[error(transparent)]
    Trail(#[from] TrailTrouble),
    /// The process was asked to stop before anything was judged.
    #[error("stopped before anything was judged")]
    Stopped,
    /// The account is to be enforced and its protection does not hold.
    #[error("{0}")]
    Unprotected(String),
}

/// What a cycle saw and told.
#[derive(Debug)]
pub struct Cycle {
    /// What it saw.
    pub snapshot: Snapshot,
    /// What it tells.
    pub report: Report,
    /// What it teaches, to be remembered.
    pub lesson: Lesson,
    /// Whose evidence has fallen, in lines that name nobody.
    pub fallen: Vec<String>,
    /// Why nothing could be ended, whatever was cleared, if so: who ends sessions is refused, or could not be asked for.
    pub disarmed: Option<Trouble>,
    /// Why it is not known who holds OAuth tokens, though it was asked.
    pub tokens_unknown: Option<Trouble>,
    /// Requests sent for it.
    pub calls: u64,
    /// The snapshot's *now* on all clocks.
    pub at: Instants,
}

/// A dry cycle: clears nothing, writes nothing.
///
/// # Errors
///
/// When Zendesk showed nothing that could be judged.
pub async fn dry(setting: Setting<'_>, known: Known<'_>, on_page: &mut dyn FnMut(usize)) -> Result<Cycle, Halt> {
    let effort = Calls::before(setting.zendesk, &known);
    let gathered = Box::pin(gather(setting.zendesk, setting.clock, setting.account, known, on_page)).await?;
    let Gathered { snapshot, lesson, at, tokens_unknown, .. } = gathered;
    let report = judge(setting.account, setting.policies, setting.lists, &snapshot);
    let (fallen, calls) = (Vec::new(), effort.since(setting.zendesk));
    Ok(Cycle { snapshot, report, lesson, fallen, disarmed: None, tokens_unknown, calls, at })
}

/// Counts the requests of a cycle, and how long they waited. Beside a look the listing of a sweep may go on, which is
/// counted with that sweep.
struct Calls {
    is_look: bool,
    before: u64,
    /// Those of a listing ahead of the cycle.
    ahead: u64,
    waited_before: Duration,
}

impl Calls {
    fn before(zendesk: &Zendesk, known: &Known<'_>) -> Self {
        let calls = Self {
            is_look: known.look.is_some(),
            before: 0,
            ahead: known.listed.as_ref().map_or(0, |listed| listed.calls),
            waited_before: Duration::ZERO,
        };
        Self { before: calls.so_far(zendesk), waited_before: calls.waited_so_far(zendesk), ..calls }
    }

    fn so_far(&self, zendesk: &Zendesk) -> u64 {
        let others = if self.is_look { zendesk.calls_of_sweeps() } else { 0 };
        zendesk.calls().saturating_sub(others)
    }

    fn since(&self, zendesk: &Zendesk) -> u64 {
        self.so_far(zendesk).saturating_sub(self.before).saturating_add(self.ahead)
    }

    /// How long its requests have waited for what the account could spare.
    fn waited(&self, zendesk: &Zendesk) -> Duration {
        self.waited_so_far(zendesk).saturating_sub(self.waited_before)
    }

    fn waited_so_far(&self, zendesk: &Zendesk) -> Duration {
        let others = if self.is_look { zendesk.waited_for_sweeps() } else { Duration::ZERO };
        zendesk.waited().saturating_sub(others)
    }
}

/// The dry report of a snapshot: pure, so that it says the same whenever it is asked.
pub fn judge(account: &Account, policies: &PolicySet, lists: &Lists, snapshot: &Snapshot) -> Report {
    staged((account, policies, lists), snapshot, |stages| report(stages, &[]))
}

/// Takes a snapshot through all pure stages and shows them.
pub fn staged<T>(
    (account, policies, lists): (&Account, &PolicySet, &Lists),
    snapshot: &Snapshot,
    look: impl FnOnce(Stages<'_>) -> T,
) -> T {
    let lists = lists.at(snapshot.on_host());
    let dossier = Dossier::new(snapshot, &lists, account.sources.idle_slack);
    let judgement = evaluate(&dossier, policies);
    let plan = plan(&dossier, policies, &judgement, account.mode);
    let guarded = guard(&plan, policies, &dossier, &account.belts, CycleKind::Dry);
    let mode = account.mode;
    let (judgement, plan, guarded) = (&judgement, &plan, &guarded);
    look(Stages { dossier: &dossier, policies, judgement, plan, guarded, mode })
}

/// A cycle that may act, as far as modes and belts let it, and that writes the trail either way.
///
/// # Errors
///
/// When Zendesk showed nothing that could be judged, the trail cannot be written, or an account that is to be
/// enforced protects nobody who could mend a mistake.
pub async fn run(
    setting: Setting<'_>,
    known: Known<'_>,
    books: Books<'_>,
    on_page: &mut dyn FnMut(usize),
) -> Result<Cycle, Halt> {
    let Setting { account, policies, zendesk, .. } = setting;
    let effort = Calls::before(zendesk, &known);
    // Nothing has changed yet, so that reading may be dropped; from here on every call is finished.
    let Gathered { snapshot, at, mut lesson, tokens_unknown, disarmed } = tokio::select! {
        gathered = Box::pin(gather(zendesk, setting.clock, account, known, on_page)) => gathered?,
        () = setting.brakes.stopping() => return Err(Halt::Stopped),
    };
    if account.mode == Mode::Enforce {
        protects(&snapshot).map_err(Halt::Unprotected)?;
    }
    let waited_to_judge = effort.waited(zendesk);
    let lists = setting.lists.at(snapshot.on_host());
    let dossier = Dossier::new(&snapshot, &lists, account.sources.idle_slack);
    let judgement = evaluate(&dossier, policies);
    let plan = plan(&dossier, policies, &judgement, account.mode);
    // INVARIANT: whoever is not known to be evictd's own user is not told apart from others, so that nobody is ended.
    let kind = if disarmed.is_some() || !zendesk.has_hands() { CycleKind::Dry } else { CycleKind::Enforcing };
    let mut guarded = guard(&plan, policies, &dossier, &account.belts, kind);
    let cleared = std::mem::take(&mut guarded.cleared);
    let (mode, judgement, plan, guarded) = (account.mode, &judgement, &plan, &guarded);
    let stages = Stages { dossier: &dossier, policies, judgement, plan, guarded, mode };
    (lesson.habits, lesson.habits_gone) = habits(stages);
    let measures = watch::measures(&dossier, policies, judgement);
    lesson.shares = watch::lesson(&measures, snapshot.now);
    let fallen = watch::falls(&measures);
    for told in books.chronicle.tell(stages, &books.asked) {
        books.trail.append(Some(&snapshot.cycle), told.entry, told.personal)?;
    }
    books.trail.sync()?;
    let (cycle, brakes, trail) = (&snapshot.cycle, setting.brakes, &mut *books.trail);
    let clock = setting.clock;
    let mut bench = Bench {
        zendesk,
        trail,
        dossier: &dossier,
        policies,
        account,
        cycle,
        brakes,
        clock,
        gathered: at.monotonic,
        chronicle: books.chronicle,
        waited: &|| effort.waited(zendesk),
        waited_to_judge,
    };
    let fates = enforce(cleared, &mut bench).await?;
    let report = report(stages, &fates);
    let calls = effort.since(zendesk);
    let closing = finished(&report, stages, Effort { calls, missed: books.missed });
    books.trail.write_durably(Some(&snapshot.cycle), closing.into(), None)?;
    Ok(Cycle { snapshot, report, lesson, fallen, disarmed, tokens_unknown, calls, at })
}

/// Enforcing needs every protected entry resolved, and an admin among them who can undo a mistake.
fn protects(snapshot: &Snapshot) -> Result<(), String> {
    if let Some(entry) = snapshot.protected.unresolved.first() {
        return Err(format!("the protected entry `{entry}` matches nobody, or several people"));
    }
    if snapshot.protects_admin() { Ok(()) } else { Err("`protected` names no admin".to_owned()) }
}
