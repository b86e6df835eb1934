//! `evictd demo`: the main job from end to end, against the built-in simulator on loopback. Nothing leaves this machine.

mod stolen;

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use clap::Args;
use tokio::net::TcpListener;

use super::load::{Loaded, load, policies};
use super::{Exit, Failure, Where, apply, audit, plan, screen::Screen};
use crate::clock::{Clock, SystemClock};
use crate::files::Disk;
use crate::model::{Grade, Outcome, SessionId};
use crate::policy::PolicySet;
use crate::report::{Report, revoked, to_text};
use crate::simulator::{Options, Seed, Simulator, World, write_config};

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Same seed, same people
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many agents and admins
    #[arg(long, value_name = "NUMBER", default_value_t = 40)]
    staff: usize,
    /// How many end users
    #[arg(long, value_name = "NUMBER", default_value_t = 160)]
    end_users: usize,
}

pub(super) async fn run(args: &DemoArgs, screen: Screen) -> Result<Exit, Failure> {
    let folder = tempfile::tempdir().map_err(|error| bug("no temporary folder", error))?;
    let config = folder.path().join("evictd.toml");
    let told = on_account(args, &config, async |simulator| {
        Box::pin(story(simulator, &loaded_from(&config, screen)?, screen)).await
    });
    let told = Box::pin(told).await?;
    chapter(screen, "6  A stolen cookie, from the first sighting to the end of the session");
    // The same people before any rule acted: what belts let through in a day is not used up.
    let fresh = folder.path().join("fresh");
    std::fs::create_dir(&fresh).map_err(|error| bug("no temporary folder", error))?;
    let config = fresh.join("evictd.toml");
    let caught = on_account(args, &config, async |simulator| {
        Box::pin(stolen::told(simulator, &loaded_from(&config, screen)?, screen)).await
    });
    if caught.await? && told {
        Ok(Exit::Done)
    } else {
        Err(Failure::new(Exit::Bug, "the demonstration did not come out as it should"))
    }
}

/// Serves an account on loopback, with its configuration in this file, for as long as the work takes.
async fn on_account<T>(
    args: &DemoArgs,
    config: &Path,
    work: impl AsyncFnOnce(&Simulator) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| bug("no loopback port", error))?;
    let address = listener.local_addr().map_err(|error| bug("no loopback port", error))?;
    let seed = Seed { number: args.seed, staff: args.staff, end_users: args.end_users };
    let base_url = format!("http://{address}");
    // Whose session ends here, it was ended.
    let options = Options { seed: args.seed, base_url, staff_sessions_end: false, ..Options::default() };
    let simulator = Simulator::new(World::seeded(seed, SystemClock.now()), options, Arc::new(SystemClock));
    write_config(&simulator, config, false).map_err(|error| bug("the configuration", error))?;
    tokio::select! {
        served = simulator.serve(listener, std::future::pending()) => {
            Err(served.map_or_else(|error| bug("the simulator", error), |()| bug("the simulator", "it stopped")))
        }
        done = work(&simulator) => done,
    }
}

fn loaded_from(config: &Path, screen: Screen) -> Result<Loaded, Failure> {
    load(&Where { config: config.to_owned(), account: None }, screen)
}

async fn story(simulator: &Simulator, loaded: &Loaded, screen: Screen) -> Result<bool, Failure> {
    let set = policies(loaded, screen)?;
    chapter(screen, "1  A Zendesk account to protect, simulated on this machine");
    screen.out(&format!("{}, {} rules that enforce, belts at their defaults\n", loaded.account.host, set.rules.len()));
    chapter(screen, "2  Dry run: what would end, and why");
    let dry = plan::live(loaded, &set, screen).await?.report;
    screen.out(&to_text(&dry, screen.look()));
    screen.out(&format!("\n{}\n", sent(simulator)));
    chapter(screen, "3  Enforcement: the same plan, each act written down before it happens");
    let done = Box::pin(apply::apply_now(loaded, set.clone(), screen)).await?.report;
    screen.out(&revoked(&done, screen.look()));
    screen.out(&format!("\n{} claims stay withheld\n", done.withheld.len()));
    chapter(screen, "4  Dry run again: what was ended is gone, what was withheld waits for a human");
    let after = plan::live(loaded, &set, screen).await?.report;
    screen.out(&format!(
        "of {} revoked sessions {} are still listed; {} claims wait for a human\n",
        ended(&done).len(),
        again(&done, &after),
        after.withheld.len()
    ));
    chapter(screen, "5  The trail, verified from its first record to its last");
    let verified = verify(loaded, screen);
    screen.out(&closing(&set));
    Ok(verified && again(&done, &after) == 0 && !ended(&done).is_empty() && dry.revoke.len() == done.revoke.len())
}

/// What cannot be.
fn bug(what: &str, why: impl Display) -> Failure {
    Failure::new(Exit::Bug, format!("{what}: {why}"))
}

fn chapter(screen: Screen, title: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Blue.into()));
    screen.out(&format!("\n{style}── {title}{style:#}\n\n"));
}

/// What a dry run sent: it must be nothing that changes anything.
fn sent(simulator: &Simulator) -> String {
    let requests = simulator.requests();
    let gets = requests.iter().filter(|request| request.method == "GET").count();
    let tokens = requests.iter().filter(|request| request.path.starts_with("/oauth/tokens")).count();
    let others = requests.len() - gets - tokens;
    format!("sent so far: {gets} GET, {tokens} token request, {others} requests that change anything")
}

fn ended(report: &Report) -> Vec<SessionId> {
    let is_ended =
        |row: &&crate::report::RevokeRow| row.outcome == Some(Outcome::Revoked) && row.grade == Some(Grade::Ended);
    report.revoke.iter().filter(is_ended).map(|row| row.session).collect()
}

fn again(done: &Report, after: &Report) -> usize {
    let ended = ended(done);
    after.revoke.iter().filter(|row| ended.contains(&row.session)).count()
}

fn verify(loaded: &Loaded, screen: Screen) -> bool {
    let (page, is_verified) = verified(loaded);
    screen.out(&page);
    is_verified
}

/// The last word on the trail.
fn audit_says(loaded: &Loaded) -> String {
    verified(loaded).0.lines().last().unwrap_or_default().to_owned()
}

fn verified(loaded: &Loaded) -> (String, bool) {
    let mut page = Vec::new();
    let disk = Disk::at(&loaded.trail());
    let verified = audit::verify(&disk, &loaded.account.name, audit::Form::Text, &mut page);
    (String::from_utf8_lossy(&page).into_owned(), verified.is_ok_and(|exit| exit == 0))
}

fn closing(set: &PolicySet) -> String {
    let withheld =
        "eleven people are more than one rule may reach in a cycle (`belts.people-per-rule-max`), so none went";
    format!("\nWhy some were withheld: {withheld}.\n{} rules, one cycle, every act on record.\n", set.rules.len())
}
