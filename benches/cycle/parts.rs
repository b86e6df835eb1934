//! What the parts of a cycle cost by themselves, on what the daemon left behind: its last snapshot and what it remembers.
//! Reading answers is measured on one page; what fetching costs is the bare fetch.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evictd::address::Lists;
use evictd::clock::{Clock as _, SystemClock};
use evictd::config::Belts;
use evictd::daemon::LAST_SNAPSHOT;
use evictd::evaluate::evaluate;
use evictd::evidence::Dossier;
use evictd::guard::guard;
use evictd::memory::learn;
use evictd::model::{AccountName, CycleKind, Mode};
use evictd::plan::plan;
use evictd::report::{Stages, report};
use evictd::snapshot::{from_bytes, to_bytes};
use evictd::state::{STATE_FILE, Sqlite, State as _};
use jiff::SignedDuration;

use super::daemon::{ACCOUNT, policies};

const RUNS: usize = 5;

/// Each part's name and its best time.
pub fn measure(folder: &Path) -> Result<Vec<(String, Duration)>, Box<dyn Error>> {
    let state = folder.join("state").join(ACCOUNT);
    let snapshot = from_bytes(&std::fs::read(state.join(LAST_SNAPSHOT))?)?;
    let file = Sqlite::look(&state.join(STATE_FILE))?.ok_or("nothing is remembered")?;
    let mut memory = file.load(&AccountName::new(ACCOUNT))?;
    // In a daemon that runs on, what is remembered and what a cycle sees are the same records.
    for (remembered, person) in
        memory.people.iter_mut().filter_map(|(user, one)| Some((one, snapshot.people.get(user)?)))
    {
        remembered.person = Arc::clone(person);
    }
    let policies = policies()?;
    let slack = SignedDuration::from_mins(10);
    let lists = Lists::of(&policies.lists);
    let dossier = Dossier::new(&snapshot, &lists, slack);
    let judgement = evaluate(&dossier, &policies);
    let plan_ = plan(&dossier, &policies, &judgement, Mode::Report);
    let guarded = guard(&plan_, &policies, &dossier, &Belts::default(), CycleKind::Enforcing);
    let stages = Stages {
        dossier: &dossier,
        policies: &policies,
        judgement: &judgement,
        plan: &plan_,
        guarded: &guarded,
        mode: Mode::Report,
    };
    let mut learning = snapshot.clone();
    let none = evictd::memory::Fresh::new();
    let parts: [(&str, &mut dyn FnMut() -> usize); 6] = [
        ("learn", &mut || learn(&memory, &mut learning, &none).people.len()),
        ("evidence", &mut || Dossier::new(&snapshot, &lists, slack).len()),
        ("evaluate", &mut || evaluate(&dossier, &policies).fired.len()),
        ("plan and guard", &mut || {
            let plan = plan(&dossier, &policies, &judgement, Mode::Report);
            guard(&plan, &policies, &dossier, &Belts::default(), CycleKind::Enforcing).held.len()
        }),
        ("report", &mut || report(stages, &[]).withheld.len()),
        ("snapshot's file form", &mut || to_bytes(&snapshot).map(|bytes| bytes.len()).unwrap_or_default()),
    ];
    Ok(parts.into_iter().map(|(name, work)| (name.to_owned(), best(work))).collect())
}

fn best(work: &mut dyn FnMut() -> usize) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let began = SystemClock.monotonic();
        std::hint::black_box(work());
        best = best.min(SystemClock.monotonic().saturating_sub(began));
    }
    best
}
