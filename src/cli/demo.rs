//! `evictd demo`: the main job from end to end, against the built-in simulator on loopback. Nothing leaves this machine.

use std::path::Path;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use clap::Args;
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::load::{Loaded, load, policies, read_policies};
use super::{Exit, Failure, Where, apply, audit, plan, screen::Screen};
use crate::address::Lists;
use crate::clock::{Clock, SystemClock};
use crate::cycle::judge;
use crate::diagnostic::Source;
use crate::files::Disk;
use crate::gather::locate;
use crate::model::{Grade, History, Outcome, Role, Session, SessionId};
use crate::places::Databases;
use crate::policy::PolicySet;
use crate::report::{Report, revoked, to_text};
use crate::simulator::{Options, Seed, Simulator, World, desk_of, see_staff, write_config};
use crate::snapshot::{self, Snapshot};

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
    let bug = |what: &str, error: std::io::Error| Failure::new(Exit::Bug, format!("{what}: {error}"));
    let folder = tempfile::tempdir().map_err(|error| bug("no temporary folder", error))?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| bug("no loopback port", error))?;
    let address = listener.local_addr().map_err(|error| bug("no loopback port", error))?;
    let seed = Seed { number: args.seed, staff: args.staff, end_users: args.end_users };
    let options = Options { seed: args.seed, base_url: format!("http://{address}"), ..Options::default() };
    let simulator = Simulator::new(World::seeded(seed, SystemClock.now()), options, Arc::new(SystemClock));
    let config = folder.path().join("evictd.toml");
    write_config(&simulator, &config, false).map_err(|error| bug("the configuration", error))?;
    tokio::select! {
        served = simulator.serve(listener, std::future::pending()) => {
            Err(served.map_or_else(|error| bug("the simulator", error), |()| Failure::new(Exit::Bug, "the simulator stopped")))
        }
        told = story(&simulator, &config, screen) => told,
    }
}

async fn story(simulator: &Simulator, config: &Path, screen: Screen) -> Result<Exit, Failure> {
    let place = Where { config: config.to_owned(), account: None };
    let loaded = load(&place, screen)?;
    let set = policies(&loaded, screen)?;
    chapter(screen, "1  A Zendesk account to protect, simulated on this machine");
    screen.out(&format!("{}, {} rules that enforce, belts at their defaults\n", loaded.account.host, set.rules.len()));
    chapter(screen, "2  Dry run: what would end, and why");
    let dry = plan::live(&loaded, &set, screen).await?.report;
    screen.out(&to_text(&dry, screen.look()));
    screen.out(&format!("\n{}\n", sent(simulator)));
    chapter(screen, "3  Enforcement: the same plan, each act written down before it happens");
    let done = apply::apply_now(&loaded, set.clone(), screen).await?.report;
    screen.out(&revoked(&done, screen.look()));
    screen.out(&format!("\n{} claims stay withheld\n", done.withheld.len()));
    chapter(screen, "4  Dry run again: what was ended is gone, what was withheld waits for a human");
    let after = plan::live(&loaded, &set, screen).await?.report;
    screen.out(&format!(
        "of {} revoked sessions {} are still listed; {} claims wait for a human\n",
        ended(&done).len(),
        again(&done, &after),
        after.withheld.len()
    ));
    chapter(screen, "5  The trail, verified from its first record to its last");
    let verified = verify(&loaded, screen);
    screen.out(&closing(&set));
    chapter(screen, "6  Where sessions are used: networks, places and clients, from a snapshot");
    simulator.world(|world| befall(world, SystemClock.now()));
    let seen = plan::live(&loaded, &set, screen).await?.snapshot;
    let placed = places(&seen, simulator, &loaded, screen)?;
    let whole = placed
        && verified
        && again(&done, &after) == 0
        && !ended(&done).is_empty()
        && dry.revoke.len() == done.revoke.len();
    if whole { Ok(Exit::Done) } else { Err(Failure::new(Exit::Bug, "the demonstration did not come out as it should")) }
}

/// The shipped rules about places and clients, which only report.
const ABOUT_PLACES: &[(&str, &str)] = &[
    ("geography.toml", include_str!("../../policies/geography.toml")),
    ("networks.toml", include_str!("../../policies/networks.toml")),
    ("clients.toml", include_str!("../../policies/clients.toml")),
];

/// A cookie is carried off from a desk that is no Linux, a colleague is phished, another has a script.
fn befall(world: &mut World, now: Timestamp) {
    let is_agent = |session: &&Session| {
        let user = session.user.and_then(|user| world.people.get(&user));
        user.is_some_and(|user| user.role == Some(Role::Agent) && user.suspended == Some(false))
    };
    let agents: Vec<_> = world.sessions.values().filter(is_agent).filter_map(|one| Some((one.id, one.user?))).collect();
    let stolen = agents.iter().find(|(_, user)| desk_of(*user).contains("Windows"));
    let others: Vec<_> = agents.iter().filter(|one| Some(one) != stolen.as_ref()).collect();
    if let Some((session, _)) = stolen {
        world.steal_cookie(*session, now);
    }
    if let [(_, phished), .., (scripted, _)] = others.as_slice() {
        world.phish(*phished, now);
        world.script_in_session(*scripted);
    }
}

/// Zendesk's rows say neither where a session is used nor with what. Here a snapshot is told what its logs saw,
/// written, read again, and judged by the shipped rules about places.
fn places(seen: &Snapshot, simulator: &Simulator, loaded: &Loaded, screen: Screen) -> Result<bool, Failure> {
    let bug = |what: &str, error: String| Failure::new(Exit::Bug, format!("{what}: {error}"));
    // What was ended a moment ago is another story: here the account is as before any rule acted.
    let mut seen = Snapshot { history: History::default(), ..seen.clone() };
    simulator.world(|world| see_staff(&mut seen, world));
    locate(&mut seen, &Databases::shipped());
    let bytes = snapshot::to_bytes(&seen).map_err(|error| bug("the snapshot", error.to_string()))?;
    let seen = snapshot::from_bytes(&bytes).map_err(|fault| bug("the snapshot", fault.to_string()))?;
    let sources: Vec<Source> = ABOUT_PLACES.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    let (set, findings) = read_policies(&sources);
    let set = set.ok_or_else(|| bug("the shipped policies", format!("{findings:?}")))?;
    let report = judge(&loaded.account, &set, &Lists::of(&set.lists), &seen);
    screen.out(&to_text(&report, screen.look()));
    let fires = |id: &str| report.rules.iter().any(|row| row.rule.as_str() == id && row.fired > 0);
    Ok(DEMONSTRATED.iter().all(|id| fires(id)) && !report.undecided.is_empty())
}

/// A rule about countries, one about networks, one about clients.
const DEMONSTRATED: &[&str] = &["staff-abroad-without-browser", "carried-to-a-server", "script-in-agent-session"];

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
    let mut page = Vec::new();
    let disk = Disk::at(&loaded.trail());
    let verified = audit::verify(&disk, &loaded.account.name, audit::Form::Text, &mut page);
    screen.out(&String::from_utf8_lossy(&page));
    verified.is_ok_and(|exit| exit == 0)
}

fn closing(set: &PolicySet) -> String {
    let withheld =
        "eleven people are more than one rule may reach in a cycle (`belts.people-per-rule-max`), so none went";
    format!("\nWhy some were withheld: {withheld}.\n{} rules, one cycle, every act on record.\n", set.rules.len())
}
