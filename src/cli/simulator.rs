//! `evictd simulator`: the Zendesk simulator alone, on loopback, until it is told to stop.
//!
//! Arguments become a world and options here; what the account then does is the simulator's.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::stop::asked_to_stop;
use crate::clock::{Clock, SystemClock};
use crate::simulator::{
    LogSettings, Odds, Options, Paging, REQUESTS_PER_MINUTE, Seed, ShowShape, Simulator, World, write_config,
};
use crate::snapshot;

/// How long open answers may take once it is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// Exit codes: all well; wrong arguments; a broken snapshot file.
const OK: u8 = 0;
const USAGE: u8 = 64;
const BROKEN_INPUT: u8 = 78;

/// What the control address does, for `--help`.
const CONTROL: &str = r#"While it runs, its `control_url` takes, without a credential:
  POST world     a snapshot file: people, sessions and clock become the snapshot's
  POST people    a list of changes, made all or none:
                   [{"user": "35436", "change": "rehire", "role": "agent"}]
                 user: an id or an e-mail; change: downgrade, promote, suspend, unsuspend,
                 delete, rehire, sign-in, sign-out, of which only sign-out ends sessions;
                 and what logs tell of: use, steal-cookie, script-in-session, scrape (all of
                 the person's newest session), open-second, phish;
                 it answers with the ids of the sessions that were opened
  POST now       an instant (RFC 3339) for the account's clock
  POST advance   a length of time such as 10m, by which the account's clock moves on
  POST faults    as for --fault; an empty body ends them
  POST logs      as for --logs; what is not named stays
  POST paging    cursor or offset
  GET  calls     how often each verb and route was asked for"#;

/// Plays a Zendesk account on this machine, until SIGINT or SIGTERM.
///
/// When it is ready it prints one line of JSON: where it listens, and every credential it accepts.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = CONTROL)]
pub struct SimulatorArgs {
    /// Address and port to listen on: loopback only; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    pub listen: SocketAddr,
    /// Same seed and numbers, same people, ids, secrets and faults.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    pub seed: u64,
    /// How many agents and admins; 18 is the least, smaller numbers grow to it.
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    pub staff: usize,
    /// How many end users.
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000)]
    pub end_users: usize,
    /// What the account's clock shows at the start (RFC 3339); it runs on from there. Default: this machine's clock, or
    /// the snapshot's time.
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    /// A snapshot file to take people and sessions from.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["staff", "end_users"])]
    pub world: Option<PathBuf>,
    /// No limit on requests a minute, nor on incremental exports.
    #[arg(long)]
    pub no_rate_limit: bool,
    /// Sessions of agents and admins do not end by themselves after 12 hours.
    #[arg(long)]
    pub endless_sessions: bool,
    /// Whether listings are paged by `cursor` where one is asked for, or always by number (`offset`).
    #[arg(long, value_name = "WAY", default_value = "cursor", value_parser = paging)]
    pub paging: Paging,
    /// Whether a shown session is an `object`, an `array`, or an array that is empty when it is gone
    /// (`array-or-empty`).
    #[arg(long, value_name = "SHAPE", default_value = "object", value_parser = shape)]
    pub show_shape: ShowShape,
    /// Faults and how likely each is per request: rate-limit, server-error, html-error, slow, cut, repeat-cursor,
    /// move-rows, vanish, appear, skew, lag.
    #[arg(long, value_name = "NAME=CHANCE,…", default_value = "", value_parser = Odds::parse, hide_default_value = true)]
    pub fault: Odds,
    /// How the logs behave: audit-log=on|absent, access-log=on|off|absent, lag=10m, late=20m (every third row),
    /// skew=-3s (the rows' clock), user-ids=number|text.
    #[arg(long, value_name = "NAME=VALUE,…", default_value = "", value_parser = LogSettings::parse, hide_default_value = true)]
    pub logs: LogSettings,
    /// A file that gets one line of JSON per request: time (the account's clock), method, path with query, status.
    #[arg(long, value_name = "FILE")]
    pub request_log: Option<PathBuf>,
    /// Leaves a configuration here, and policies, secret, state and trail beside it, ready for `plan` and `apply`.
    #[arg(long, value_name = "FILE")]
    pub write_config: Option<PathBuf>,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().ok().ok_or("an address and a port are needed, as in 127.0.0.1:0")?;
    if address.ip().is_loopback() { Ok(address) } else { Err("only loopback addresses are allowed".to_owned()) }
}

fn shape(text: &str) -> Result<ShowShape, String> {
    let known = || ShowShape::ALL.iter().map(|shape| shape.word()).collect::<Vec<_>>().join(", ");
    let found = ShowShape::ALL.iter().find(|shape| shape.word() == text);
    found.copied().ok_or_else(|| format!("the known shapes are {}", known()))
}

fn paging(text: &str) -> Result<Paging, String> {
    let found = Paging::ALL.iter().find(|paging| paging.word() == text);
    found.copied().ok_or_else(|| "the known ways are cursor and offset".to_owned())
}

/// Why it does not start: the exit code, and a sentence.
struct Refusal(u8, String);

/// Runs the command; returns the exit code.
pub async fn run(args: &SimulatorArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match serve(args, out).await {
        Ok(()) => OK,
        Err(Refusal(code, text)) => {
            // Where standard error is gone as well there is nobody left to tell.
            writeln!(err, "error: {text}").map_or(code, |()| code)
        }
    }
}

async fn serve(args: &SimulatorArgs, out: &mut dyn Write) -> Result<(), Refusal> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (mut world, now) = world(args, &*clock)?;
    world.logs.settings = args.logs.clone();
    let usage = |text: String| Refusal(USAGE, text);
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| usage(format!("cannot listen on `{}`: {error}", args.listen)))?;
    let address = listener.local_addr().map_err(|error| usage(format!("cannot tell the port: {error}")))?;
    let options = Options {
        seed: args.seed,
        now,
        requests_per_minute: (!args.no_rate_limit).then_some(REQUESTS_PER_MINUTE),
        show: args.show_shape,
        paging: args.paging,
        staff_sessions_end: !args.endless_sessions,
        odds: args.fault.clone(),
        base_url: format!("http://{address}"),
        request_log: request_log(args)?,
        remember: false,
    };
    let simulator = Simulator::new(world, options, Arc::clone(&clock));
    if let Some(file) = &args.write_config {
        write_config(&simulator, file, now.is_some())
            .map_err(|error| usage(format!("cannot write the configuration `{}`: {error}", file.display())))?;
    }
    let stop = asked_to_stop().map_err(|error| usage(format!("cannot wait for signals: {error}")))?;
    writeln!(out, "{}", simulator.ready_line())
        .and_then(|()| out.flush())
        .map_err(|error| usage(format!("cannot print: {error}")))?;
    until_stopped(&simulator, listener, stop, &*clock)
        .await
        .map_err(|error| usage(format!("the listener failed: {error}")))
}

/// The world, and what its clock shows at the start unless it is the host's.
fn world(args: &SimulatorArgs, clock: &dyn Clock) -> Result<(World, Option<Timestamp>), Refusal> {
    let Some(file) = &args.world else {
        let seed = Seed { number: args.seed, staff: args.staff, end_users: args.end_users };
        return Ok((World::seeded(seed, args.now.unwrap_or_else(|| clock.now())), args.now));
    };
    let broken = |text: String| Refusal(BROKEN_INPUT, format!("cannot use `{}`: {text}", file.display()));
    let bytes = fs::read(file).map_err(|error| broken(error.to_string()))?;
    let snapshot = snapshot::from_bytes(&bytes).map_err(|fault| broken(fault.to_string()))?;
    Ok((World::from_snapshot(&snapshot), Some(args.now.unwrap_or(snapshot.now))))
}

fn request_log(args: &SimulatorArgs) -> Result<Option<Box<dyn Write + Send>>, Refusal> {
    let Some(file) = &args.request_log else {
        return Ok(None);
    };
    let open = File::options().create(true).append(true).open(file);
    let open = open.map_err(|error| Refusal(USAGE, format!("cannot write `{}`: {error}", file.display())))?;
    Ok(Some(Box::new(open)))
}

async fn until_stopped(
    simulator: &Simulator,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    clock: &dyn Clock,
) -> std::io::Result<()> {
    let (raise, mut raised) = watch::channel(());
    let stopping = async move { raised.changed().await.unwrap_or_default() };
    let patience = async {
        stop.await;
        drop(raise);
        clock.sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        served = simulator.serve(listener, stopping) => served,
        () = patience => Ok(()),
    }
}
