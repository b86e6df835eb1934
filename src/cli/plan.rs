//! `evictd plan`: one dry cycle, live or from a snapshot. Takes no lock and writes no record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::load::{Loaded, connect, load, policies};
use super::{Exit, Failure, Format, Where, account, screen::Screen};
use crate::address::Lists;
use crate::clock::{Clock as _, SystemChance, SystemClock};
use crate::cycle::{Cycle, Setting, dry, judge};
use crate::daemon::{Stop, cycle_id, keep_snapshot, read_lists};
use crate::enforce::Brakes as _;
use crate::files::{Disk, read_bytes};
use crate::gather::{Known, locate, read_feeds};
use crate::library::{Consulted, Library, Look};
use crate::model::{History, Memory, Pause, harmless_json};
use crate::places::usual_folders;
use crate::policy::PolicySet;
use crate::report::{Report, to_json, to_text};
use crate::snapshot::{self, Snapshot};
use crate::state::{STATE_FILE, Sqlite, State as _};
use crate::trail;

/// A snapshot file that is larger is none.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    place: Where,
    /// Plan from this snapshot instead of asking Zendesk
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// End with 1 if something would end
    #[arg(long)]
    exit_code: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: &PlanArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let set = policies(&loaded, screen)?;
    let report = if let Some(path) = &args.snapshot {
        let (lists, snapshot) = offline(path, &loaded, &set, screen)?;
        judge(&loaded.account, &set, &lists, &snapshot)
    } else {
        let cycle = live(&loaded, &set, screen).await?;
        keep(&loaded.state(), &cycle.snapshot, screen);
        name_unresolved(&cycle.snapshot, screen);
        cycle.report
    };
    print(&report, args.format, screen)?;
    Ok(if !report.complete {
        Exit::Unavailable
    } else if args.exit_code && report.enforcing() > 0 {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// One dry cycle against Zendesk.
pub(super) async fn live(loaded: &Loaded, set: &PolicySet, screen: Screen) -> Result<Cycle, Failure> {
    let zendesk = connect(&loaded.account, false, |transport| transport)?;
    let past = trail::look(&Disk::at(&loaded.trail()), &loaded.account.name)?;
    let brakes = account::brakes(loaded, Stop::default());
    let cycle = cycle_id(&SystemClock, &SystemChance).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    let memory = remembered(loaded, screen);
    let scope = set.scope(loaded.account.scope);
    let lists = read_lists(&loaded.account, &loaded.state(), &past, SystemClock.now());
    let told = past.pause.as_ref().filter(|told| told.lasts(SystemClock.now()));
    let pause = told.map(|told| Pause { until: told.until }).or_else(|| brakes.pause());
    let weakened = past.weakened_line();
    let history = History { habits: memory.habits.clone(), ..past.history };
    let consulted = consulted(loaded, set, screen);
    let databases = Arc::clone(&consulted.databases);
    let unasked = weakened.into_iter().chain(consulted.unasked.iter().cloned()).collect();
    let feeds = read_feeds(&loaded.account.feeds, &memory, SystemClock.now());
    let known = Known {
        cycle,
        history,
        pause,
        scope,
        memory: &memory,
        lists,
        databases,
        unasked,
        look: None,
        only: None,
        listed: None,
        needs: set.needs(),
        feeds,
        asks_tokens: true,
    };
    let bar = screen.progress("sessions listed");
    let (account, clock) = (&loaded.account, &SystemClock);
    let setting =
        Setting { account, policies: set, lists: &consulted.lists, zendesk: &zendesk, clock, brakes: &brakes };
    let cycle = dry(setting, known, &mut |rows| bar.set_position(rows as u64)).await;
    bar.finish_and_clear();
    Ok(cycle?)
}

/// Lists and place databases as they stand; what is wrong with them is said.
fn consulted(loaded: &Loaded, set: &PolicySet, screen: Screen) -> Consulted {
    let (places, decls, state) = (&loaded.settings.places, set.lists.as_slice(), loaded.state());
    let (last_snapshot, now) = (&loaded.last_snapshot(), SystemClock.now());
    let look = Look { places, decls, state: &state, last_snapshot, keeps: false, now };
    let consulted = Library::new(Arc::default(), &usual_folders()).consult(look);
    for news in consulted.news.iter().filter(|news| news.is_bad) {
        screen.note(&format!("warning: {}", news.text));
    }
    consulted
}

/// Prints a report in the form asked for.
pub(super) fn print(report: &Report, format: Format, screen: Screen) -> Result<(), Failure> {
    match format {
        Format::Text => screen.out(&to_text(report, screen.look())),
        Format::Json => {
            let json = to_json(report).map_err(|error| Failure::new(Exit::Bug, format!("the report: {error}")))?;
            screen.out(&harmless_json(&json));
        }
    }
    Ok(())
}

/// What earlier cycles learned; nothing if it cannot be read, and then that is said.
pub(super) fn remembered(loaded: &Loaded, screen: Screen) -> Memory {
    let looked = Sqlite::look(&loaded.state().join(STATE_FILE));
    let memory = looked.and_then(|state| state.map_or(Ok(Memory::default()), |state| state.load(&loaded.account.name)));
    memory.unwrap_or_else(|trouble| {
        screen.note(&format!("note: nothing is remembered of earlier cycles: {trouble}"));
        Memory::default()
    })
}

/// Leaves the cycle's snapshot where the next command finds it. Without a place for it the report still counts.
pub(super) fn keep(state: &Path, snapshot: &Snapshot, screen: Screen) {
    if let Err(why) = keep_snapshot(state, snapshot) {
        screen.note(&format!("note: the snapshot was not kept in `{}`: {why}", state.display()));
    }
}

/// Names, for the operator alone, the protected entries that matched nobody or several.
pub(super) fn name_unresolved(snapshot: &Snapshot, screen: Screen) {
    for entry in &snapshot.protected.unresolved {
        screen.note(&format!("note: the protected entry `{entry}` matches nobody, or several people"));
    }
}

/// Lists as they stand, and a snapshot of this account. A world written by hand need not say what databases know of its
/// addresses: without any database in it they are asked now.
pub(super) fn offline(
    path: &Path,
    loaded: &Loaded,
    set: &PolicySet,
    screen: Screen,
) -> Result<(Lists, Snapshot), Failure> {
    let mut snapshot = read_snapshot(path, loaded)?;
    let Consulted { lists, databases, .. } = consulted(loaded, set, screen);
    if snapshot.databases.is_empty() {
        locate(&mut snapshot, &databases);
    }
    Ok((lists, snapshot))
}

/// Reads a snapshot, whosever it is.
pub(super) fn read_any_snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let bytes = read_bytes(path, SNAPSHOT_BYTES_MAX).map_err(|trouble| Failure::of_file(&trouble))?;
    snapshot::from_bytes(&bytes).map_err(|fault| {
        Failure::new(Exit::Config, format!("`{}`: {fault}", path.display()))
            .help("a snapshot is what a cycle leaves as `last-snapshot.json.gz` in the account's folder of state")
    })
}

/// Reads a snapshot of this account.
fn read_snapshot(path: &Path, loaded: &Loaded) -> Result<Snapshot, Failure> {
    let snapshot = read_any_snapshot(path)?;
    if snapshot.account != loaded.account.name {
        let failure = Failure::new(
            Exit::Config,
            format!("the snapshot is of account `{}`, not of `{}`", snapshot.account, loaded.account.name),
        );
        return Err(failure.help("name the account with `--account NAME`"));
    }
    Ok(snapshot)
}
