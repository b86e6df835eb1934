//! The command line: the only room that prints, reads arguments or the environment. One file per command.
//!
//! What a command reports goes to stdout; everything else, progress and errors included, goes to stderr.

mod about;
mod account;
mod alerts;
mod apply;
pub mod audit;
mod clients;
mod control;
mod demo;
mod doctor;
mod egress;
mod exit;
mod explain;
mod hold;
mod load;
mod loader;
mod lookup;
mod offboard;
mod pause;
mod places;
mod plan;
mod policy;
mod report;
mod revoke;
mod run;
mod schedule;
mod score;
mod screen;
mod selftest;
mod signatures;
pub mod simulator;
mod snapshot;
mod status;
mod stop;
mod why;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use exit::{Exit, Failure};
use screen::Screen;

/// Revokes risky Zendesk sessions by policy, and leaves a trail that an outsider can verify.
#[derive(Debug, Parser)]
#[command(name = "evictd", version, disable_help_subcommand = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show one cycle end to end against a built-in simulator: dry run, enforcement, verified trail
    Demo(demo::DemoArgs),
    /// The daemon: sweeps on schedule, until it is told to stop
    Run(run::RunArgs),
    /// One dry-run cycle: name every session that would end, why, and what is withheld or undecided
    Plan(plan::PlanArgs),
    /// One enforcing cycle, within modes and belts; asks first unless --yes
    Apply(apply::ApplyArgs),
    /// End all sessions of people now, whatever rules and modes say; asks first unless --yes
    Revoke(revoke::RevokeArgs),
    /// End nothing for a while
    Pause(pause::PauseArgs),
    /// End a pause
    Resume(pause::ResumeArgs),
    /// What belts withheld and a human is asked about
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// Why a session is judged as it is, or what a diagnostic code means
    Explain(explain::ExplainArgs),
    /// Whether a person was signed out, why and whom to ask: one paragraph for the service desk
    Why(why::WhyArgs),
    /// Check, test and describe policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// What the trail tells over a time: who is out, and how the control was kept
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Verify and read the trail
    #[command(subcommand)]
    Audit(account::AuditCommand),
    /// People who have left: edit, show and accept offboarding lists
    #[command(subcommand)]
    Offboard(offboard::OffboardCommand),
    /// All that is known of addresses: where they are, whose they are, which lists they are on
    Lookup(lookup::LookupArgs),
    /// From which networks people come: lists and rules to start from
    #[command(subcommand)]
    Egress(egress::EgressCommand),
    /// Place databases: which are asked, how old they are, what waits; let that in, install one
    Places(places::PlacesArgs),
    /// What an account's evictd did last, and whether it is paused or running
    Status(status::StatusArgs),
    /// Who is told of what cannot wait: try whether it arrives
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// What is well and what is not with an account's setup, and what to do about it
    Doctor(doctor::DoctorArgs),
    /// End the newest session of one agreed person, from end to end, and say what took how long
    Selftest(selftest::SelftestArgs),
    /// What a cycle saw, as a file: redact it, to give it away
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    /// How well agent strings are told apart
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
    /// When a crontab line fires, clock changes included
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// The Zendesk simulator alone, on a loopback address
    Simulator(simulator::SimulatorArgs),
    /// Version, licences, whose data ships and how old it is
    About(about::AboutArgs),
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people, aligned to the terminal's width
    #[default]
    Text,
    /// One versioned JSON document
    Json,
}

/// Which configuration and which account of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Where {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/evictd/evictd.toml")]
    pub(crate) config: PathBuf,
    /// The account; required if the configuration has several
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
}

/// What `evictd` alone prints.
const GUIDE: &str = "\
evictd revokes risky Zendesk sessions by policy, and leaves a trail that an outsider can verify.

  evictd demo                            one cycle against a built-in simulator, end to end
  evictd policy check policies/*.toml    every fault of a policy set
  evictd policy test policies/*.toml     the policies' own test cases
  evictd doctor --config FILE            whether everything is set up as it should be
  evictd plan   --config FILE            what would end, and why; sends no changing request
  evictd apply  --config FILE            one enforcing cycle, within modes and belts
  evictd run    --config FILE            the daemon: sweeps on schedule
  evictd explain SESSION --config FILE   why a session is judged as it is
  evictd why --user WHO --config FILE    what to tell somebody who was signed out
  evictd audit verify --config FILE      whether the trail is whole

  evictd revoke --user WHO --reason WHY  an incident: end all sessions of somebody now
  evictd pause --reason WHY              end nothing for four hours; `evictd resume` goes on
  evictd hold list --config FILE         what belts withheld, to release or discard

  evictd offboard add WHO --config FILE  somebody has left: put them on the list
  evictd lookup ADDRESS                  where an address is, whose it is, how old that is
  evictd status --config FILE            what happened last, whether it is paused or running
  evictd selftest --user CANARY          ends one agreed session, and says what took how long
  evictd schedule next '*/5 * * * *'     when a crontab line fires
  evictd simulator                       a Zendesk to try things on

`evictd COMMAND --help` says more.
";

/// Runs the program with these arguments and tells its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let screen = Screen::of_process();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(told) => {
            let usage = told.use_stderr();
            // Nothing can be done about a terminal that takes no more.
            drop(told.print());
            return if usage { Exit::Usage.code() } else { Exit::Done.code() };
        }
    };
    let Some(command) = arguments.command else {
        screen.out(GUIDE);
        return Exit::Done.code();
    };
    let done = run(command, screen);
    let done = match screen.unprinted() {
        Some(error) => done.and(Err(Failure::unprinted(&error))),
        None => done,
    };
    match done {
        Ok(exit) => exit.code(),
        Err(failure) => {
            screen.failure(&failure);
            failure.exit.code()
        }
    }
}

fn run(command: Command, screen: Screen) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => block_on(demo::run(&args, screen)),
        Command::Run(args) => block_on(run::run(&args, screen)),
        Command::Plan(args) => block_on(plan::run(&args, screen)),
        Command::Apply(args) => block_on(apply::run(&args, screen)),
        Command::Revoke(args) => block_on(revoke::run(&args, screen)),
        Command::Pause(args) => block_on(pause::pause(&args, screen)),
        Command::Resume(args) => block_on(pause::resume(&args, screen)),
        Command::Hold(command) => block_on(hold::run(&command, screen)),
        Command::Explain(args) => explain::run(&args, screen),
        Command::Why(args) => block_on(why::run(&args, screen)),
        Command::Report(command) => report::run(&command, screen),
        Command::Policy(command) => policy::run(&command, screen),
        Command::Audit(command) => account::audit(&command, screen),
        Command::Offboard(command) => offboard::run(&command, screen),
        Command::Lookup(args) => lookup::run(&args, screen),
        Command::Egress(command) => egress::run(&command, screen),
        Command::Places(args) => places::run(&args, screen),
        Command::Status(args) => block_on(status::run(&args, screen)),
        Command::Alerts(command) => block_on(alerts::run(&command, screen)),
        Command::Doctor(args) => block_on(doctor::run(&args, screen)),
        Command::Selftest(args) => block_on(selftest::run(&args, screen)),
        Command::Snapshot(command) => snapshot::run(&command, screen),
        Command::Clients(command) => clients::run(&command, screen),
        Command::Schedule(command) => schedule::run(&command, screen),
        Command::Simulator(args) => block_on(simulate(&args)),
        Command::About(args) => Ok(about::run(&args, screen)),
    }
}

async fn simulate(args: &simulator::SimulatorArgs) -> Result<Exit, Failure> {
    let code = simulator::run(args, &mut std::io::stdout(), &mut anstream::stderr()).await;
    match code {
        0 => Ok(Exit::Done),
        64 => Err(Failure::told(Exit::Usage)),
        _ => Err(Failure::told(Exit::Config)),
    }
}

/// One current-thread runtime carries everything that waits.
fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Bug, format!("cannot start the runtime: {error}")))?;
    let done = runtime.block_on(work);
    // What is still read for somebody is of no use any more.
    runtime.shutdown_background();
    done
}
