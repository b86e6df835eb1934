//! `evictd apply`: one enforcing cycle now, under the account's lock, written down before anything happens.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::control::{self, ask_daemon};
use super::load::{Loaded, load, policies_in_force, setup};
use super::loader::keep_in_force;
use super::plan::{keep, name_unresolved, print};
use super::stop::asked_to_stop;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::clock::{Clock as _, SystemChance, SystemClock};
use crate::control::{Answer, Command, own_name};
use crate::cycle::Cycle;
use crate::daemon::{FileBrakes, Post, STOP_WITHIN, Setup, Stop, exit_of};
use crate::model::Mode;
use crate::policy::PolicySet;

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
    let asks = !args.yes && loaded.account.mode == Mode::Enforce;
    // A daemon that holds the account sweeps itself, by what is in force there.
    if ask_daemon(&loaded, &Command::Status).await.is_some() {
        if asks && !ask("the daemon sweeps now, by the policies in force there", &loaded, screen)? {
            screen.note("nothing was revoked");
            return Ok(Exit::Done);
        }
        let command = Command::Apply { width: screen.look().width };
        let answered = ask_daemon(&loaded, &command).await;
        let gone = || Failure::new(Exit::Unavailable, "the daemon has gone meanwhile");
        let Answer { exit, document } = answered.ok_or_else(gone)??;
        return told(exit, &document, (&loaded, args.format, screen));
    }
    let set = policies_in_force(&loaded, screen)?;
    let enforcing = set.rules.iter().filter(|rule| rule.mode == Mode::Enforce).count();
    let what = format!("{enforcing} of {} rules enforce; `evictd plan` shows what would end", set.rules.len());
    if asks && !ask(&what, &loaded, screen)? {
        screen.note("nothing was revoked");
        return Ok(Exit::Done);
    }
    let cycle = Box::pin(apply_now(&loaded, set, screen)).await?;
    print(&cycle.report, args.format, screen)?;
    note_mode(&loaded, loaded.account.mode.word(), screen);
    if let Some(trouble) = cycle.disarmed {
        return Err(trouble.into());
    }
    Ok(control::exit_of(exit_of(&cycle.report)))
}

fn note_mode(loaded: &Loaded, mode: &str, screen: Screen) {
    if mode != Mode::Enforce.word() {
        let name = &loaded.account.name;
        screen.note(&format!("note: account `{name}` is in mode `{mode}`: nothing was revoked"));
    }
}

/// What the daemon's sweep came to.
fn told(exit: u8, document: &Value, (loaded, format, screen): (&Loaded, Format, Screen)) -> Result<Exit, Failure> {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    match format {
        Format::Text => screen.out(text("page").unwrap_or_default()),
        Format::Json => screen.json(document.get("report").unwrap_or(&Value::Null)),
    }
    note_mode(loaded, text("mode").unwrap_or_default(), screen);
    match text("disarmed") {
        Some(why) => Err(Failure::new(control::exit_of(exit), why)),
        None => Ok(control::exit_of(exit)),
    }
}

/// One enforcing cycle under the account's lock.
pub(super) async fn apply_now(loaded: &Loaded, set: PolicySet, screen: Screen) -> Result<Cycle, Failure> {
    let setup = setup(loaded, set)?;
    let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
    let mut post = Post::open(&setup, clock, chance)?;
    if let Some(why) = &post.forgetful {
        screen.note(&format!("note: nothing is remembered of earlier cycles: {why}"));
    }
    post.begin(&setup, "apply", &own_name())?;
    let cycle = sweep(&setup, &mut post, screen).await;
    let exit = match &cycle {
        Ok(cycle) => control::exit_of(exit_of(&cycle.report)),
        Err(failure) => failure.exit,
    };
    let closed = post.close(exit.code());
    let cycle = cycle?;
    closed?;
    keep_in_force(Path::new(&*loaded.config.name), &setup);
    keep(&setup.state, &cycle.snapshot, screen);
    name_unresolved(&cycle.snapshot, screen);
    Ok(cycle)
}

fn ask(what: &str, loaded: &Loaded, screen: Screen) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::new(Exit::Usage, "there is nobody to ask").help("look at `evictd plan` first, then add `--yes`")
        );
    }
    let account = &loaded.account;
    screen.note(&format!("account `{}` is in mode `{}`, {what}", account.name, account.mode.word()));
    drop(write!(anstream::stderr(), "revoke now? type yes: "));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == "yes")
}

async fn sweep(setup: &Setup, post: &mut Post, screen: Screen) -> Result<Cycle, Failure> {
    let brakes = FileBrakes {
        state: setup.state.clone(),
        expires_after: setup.account.belts.pause_expires_after,
        clock: Arc::new(SystemClock),
        stop: Stop::default(),
    };
    let bar = screen.progress("sessions listed");
    let mut on_page = |rows: usize| bar.set_position(rows as u64);
    let work = Box::pin(post.sweep(setup, &brakes, 0, &mut on_page));
    let cycle = until_done(work, &brakes.stop, screen).await;
    bar.finish_and_clear();
    if post.unsettled > 0 {
        screen.note(&format!("note: {} earlier requests are still unclear: Zendesk did not say", post.unsettled));
    }
    Ok(cycle??)
}

/// The first signal raises the flag, and the call in flight is finished. A second one, or a call that takes too long,
/// ends it: what was asked for last is then an open intent, which the next cycle looks up.
pub(super) async fn until_done<T>(work: impl Future<Output = T>, stop: &Stop, screen: Screen) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    let Ok(asked) = asked_to_stop() else { return Ok(work.await) };
    tokio::select! {
        done = &mut work => return Ok(done),
        () = asked => {}
    }
    stop.raise();
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
