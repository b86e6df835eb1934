//! `evictd apply`: one enforcing cycle now, under the account's lock, written down before anything happens.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::account::{FileBrakes, new_cycle};
use super::load::{Loaded, connect, load, policies};
use super::plan::{keep_snapshot, name_unresolved, print};
use super::stop::asked_to_stop;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::chronicle::Chronicle;
use crate::clock::{Clock as _, SystemChance, SystemClock};
use crate::cycle::{Books, Cycle, Setting, run as run_cycle};
use crate::enforce::settle;
use crate::files::{Disk, Lock, LockTrouble};
use crate::gather::Known;
use crate::guard::Belt;
use crate::model::{Mode, Outcome};
use crate::policy::PolicySet;
use crate::record::{ConfigLoaded, DaemonStarted, DaemonStopped, PolicyLoaded};
use crate::report::Report;
use crate::trail::{Past, Trail, TrailTrouble};
use crate::zendesk::Zendesk;

/// How long the call in flight may take once the process was asked to stop.
const STOP_WITHIN: Duration = Duration::from_secs(45);

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    place: Where,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: &ApplyArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let set = policies(&loaded, screen)?;
    if !args.yes && loaded.account.mode == Mode::Enforce && !ask(&loaded, &set, screen)? {
        screen.note("nothing was revoked");
        return Ok(Exit::Done);
    }
    let cycle = apply_now(&loaded, &set, screen).await?;
    print(&cycle.report, args.format, screen)?;
    if loaded.account.mode != Mode::Enforce {
        screen.note(&format!(
            "note: account `{}` is in mode `{}`: nothing was revoked",
            loaded.account.name,
            loaded.account.mode.word()
        ));
    }
    Ok(exit_of(&cycle.report))
}

/// One enforcing cycle under the account's lock.
pub(super) async fn apply_now(loaded: &Loaded, set: &PolicySet, screen: Screen) -> Result<Cycle, Failure> {
    let zendesk = connect(&loaded.account)?;
    let lock = Lock::take(&loaded.state()).map_err(|trouble| locked(&trouble))?;
    let applied = locked_apply(loaded, set, &zendesk, screen).await;
    drop(lock);
    let cycle = applied?;
    keep_snapshot(loaded, &cycle.snapshot, screen);
    name_unresolved(&cycle.snapshot, screen);
    Ok(cycle)
}

/// 77 if Zendesk refused anything, 69 if anything ended unclear or was not seen whole.
fn exit_of(report: &Report) -> Exit {
    let unreachable = report.withheld.iter().any(|row| row.belt == Belt::Unreachable.word());
    let stopped = report.withheld.iter().any(|row| row.belt == Belt::Stopping.word());
    let any = |outcome| report.revoke.iter().any(|row| row.outcome == Some(outcome));
    if any(Outcome::Refused) {
        Exit::Refused
    } else if any(Outcome::Unclear) || unreachable || stopped || !report.complete {
        Exit::Unavailable
    } else {
        Exit::Done
    }
}

fn ask(loaded: &Loaded, set: &PolicySet, screen: Screen) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::new(Exit::Usage, "there is nobody to ask").help("look at `evictd plan` first, then add `--yes`")
        );
    }
    let enforcing = set.rules.iter().filter(|rule| rule.mode == Mode::Enforce).count();
    screen.note(&format!(
        "account `{}` is in mode `{}`, {enforcing} of {} rules enforce; `evictd plan` shows what would end",
        loaded.account.name,
        loaded.account.mode.word(),
        set.rules.len()
    ));
    drop(write!(anstream::stderr(), "revoke now? type yes: "));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == "yes")
}

fn locked(trouble: &LockTrouble) -> Failure {
    match trouble {
        LockTrouble::Held { .. } => Failure::new(Exit::Locked, trouble.to_string())
            .help("one process at a time acts on an account: wait for it, or stop it"),
        LockTrouble::Local { .. } => Failure::new(Exit::Trail, trouble.to_string())
            .help("the account's folder under `paths.state` must be writable for this user"),
    }
}

async fn locked_apply(loaded: &Loaded, set: &PolicySet, zendesk: &Zendesk, screen: Screen) -> Result<Cycle, Failure> {
    let folder = loaded.trail();
    let disk = Disk::make(&folder).map_err(|error| {
        Failure::new(Exit::Trail, format!("the trail's folder `{}` cannot be made: {error}", folder.display()))
            .help("nothing is revoked without a trail: make the folder writable for this user")
    })?;
    // Another configuration may name the same trail with a state of its own: one trail has one writer all the same.
    let lock = Lock::take(&folder).map_err(|trouble| locked(&trouble))?;
    let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
    let (mut trail, past) = Trail::open(Arc::new(disk), loaded.account.name.clone(), clock, chance)?;
    begin(&mut trail, loaded, set, &past)?;
    let cycle = cycle(loaded, set, zendesk, (&mut trail, past), screen).await;
    let exit = match &cycle {
        Ok(cycle) => exit_of(&cycle.report),
        Err(failure) => failure.exit,
    };
    let stopped = trail.write_durably(None, DaemonStopped { exit: exit.code() }.into(), None);
    drop(lock);
    let cycle = cycle?;
    stopped?;
    Ok(cycle)
}

/// What is in force comes first in the trail: a text once per digest.
fn begin(trail: &mut Trail, loaded: &Loaded, set: &PolicySet, past: &Past) -> Result<(), TrailTrouble> {
    let started = DaemonStarted {
        command: "apply".to_owned(),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        by: caller(),
    };
    trail.append(None, started.into(), None)?;
    if past.config_digest.as_deref() != Some(&loaded.config_digest) {
        let record = ConfigLoaded { digest: loaded.config_digest.clone() };
        trail.append(None, record.into(), Some(json!({ "text": &*loaded.config.text })))?;
    }
    if past.policy_digest.as_deref() != Some(&set.digest) {
        let rules = set.rules.iter().filter(|rule| rule.mode != Mode::Off);
        let rules = rules.map(|rule| (rule.id.to_string(), rule.mode.word().to_owned())).collect();
        let files: serde_json::Map<String, serde_json::Value> =
            set.files.iter().map(|file| (file.name.clone(), file.text.clone().into())).collect();
        let record = PolicyLoaded { digest: set.digest.clone(), rules };
        trail.append(None, record.into(), Some(json!({ "files": files })))?;
    }
    trail.sync()
}

/// The Unix user, as number; for a login through `sudo`, whoever logged in.
fn caller() -> String {
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next());
    let unset = u32::MAX.to_string();
    match login.trim() {
        "" => format!("uid={}", uid.unwrap_or("?")),
        login if login == unset => format!("uid={}", uid.unwrap_or("?")),
        login => format!("uid={} login={login}", uid.unwrap_or("?")),
    }
}

async fn cycle(
    loaded: &Loaded,
    set: &PolicySet,
    zendesk: &Zendesk,
    (trail, past): (&mut Trail, Past),
    screen: Screen,
) -> Result<Cycle, Failure> {
    let open = settle(past.open_intents, zendesk, trail).await?;
    if open > 0 {
        screen.note(&format!("note: {open} earlier requests are still unclear: Zendesk did not say"));
    }
    let brakes = FileBrakes::of(loaded);
    let known = Known { cycle: new_cycle()?, history: past.history, pause: brakes.pause_now() };
    let bar = screen.progress("sessions listed");
    let last =
        past.last_cycle.filter(|last| last.finished.clock_trusted).and_then(|last| last.finished.now.parse().ok());
    let mut chronicle = Chronicle::since(last);
    let setting = Setting { account: &loaded.account, policies: set, zendesk, clock: &SystemClock, brakes: &brakes };
    let books = Books { trail, chronicle: &mut chronicle };
    let mut on_page = |rows: usize| bar.set_position(rows as u64);
    let work = run_cycle(setting, known, books, &mut on_page);
    let cycle = until_done(work, &brakes, screen).await;
    bar.finish_and_clear();
    Ok(cycle??)
}

/// The first signal raises the flag, and the call in flight is finished. A second one, or a call that takes too long,
/// ends it: what was asked for last is then an open intent, which the next cycle looks up.
async fn until_done<T>(work: impl Future<Output = T>, brakes: &FileBrakes, screen: Screen) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    let Ok(asked) = asked_to_stop() else { return Ok(work.await) };
    tokio::select! {
        done = &mut work => return Ok(done),
        () = asked => {}
    }
    brakes.raise();
    screen.note("stopping after the call in flight; what is left is withheld");
    let Ok(again) = asked_to_stop() else { return Ok(work.await) };
    tokio::select! {
        done = work => Ok(done),
        () = again => Err(cut_short("asked twice")),
        () = SystemClock.sleep(STOP_WITHIN) => Err(cut_short("the call in flight took too long")),
    }
}

fn cut_short(why: &str) -> Failure {
    Failure::new(Exit::Unavailable, format!("stopped at once: {why}"))
        .help("if a request was on its way, its intent stays open, and the next `evictd apply` looks it up first")
}
