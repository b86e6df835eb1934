//! `evictd status`: how an account stands, from what its daemon last wrote, the lock, the pause file and the trail.
//! Locks nothing, asks nobody.

use std::collections::BTreeMap;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::account::brakes;
use super::control::ask_daemon;
use super::load::Loaded;
use super::loader::load_to_look;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::clock::{Clock as _, SystemClock};
use crate::config::AlertSettings;
use crate::control::Command;
use crate::courier::{ChannelKind, Cursor};
use crate::daemon::{Standing, Status, Stop};
use crate::enforce::Brakes as _;
use crate::files::{Disk, Lock};
use crate::guard::Gauge;
use crate::model::{Exposures, Foreign, HoldState, Mode, Outcome, Pause, RuleId};
use crate::record::{ChangeTold, ExposureSplit};
use crate::report::{belt_lines, counted, exposure_line, gauge_of};
use crate::trail::{self, Past};

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What there is to say of an account.
struct Sight {
    loaded: Loaded,
    /// Who holds the account, if anybody does.
    holder: Option<u32>,
    paused: Option<String>,
    /// What the daemon last wrote.
    daemon: Option<Status>,
    past: Past,
    /// Channels that take no alert, with since when.
    alerts_fail: Vec<(ChannelKind, String)>,
}

pub(super) async fn run(args: &StatusArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load_to_look(&args.place, screen)?;
    let denied = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    if std::fs::read_dir(loaded.trail()).is_err_and(denied) {
        return told(&loaded, args.format, screen).await;
    }
    let daemon = Status::read(&loaded.state()).unwrap_or_else(|error| {
        screen.note(&format!("note: the daemon's status cannot be read: {error}"));
        None
    });
    let past = trail::look(&Disk::at(&loaded.trail()), &loaded.account.name)?;
    let told = past.pause.as_ref().filter(|told| told.lasts(SystemClock.now()));
    let told = told.map(|told| (Pause { until: told.until }, format!(" by {}: {}", told.by, told.reason)));
    let paused = told.or_else(|| Some((brakes(&loaded, Stop::default()).pause()?, String::new())));
    let sight = Sight {
        holder: Lock::holder(&loaded.state()),
        paused: paused.map(|(pause, told)| {
            pause.until.map_or("without end".to_owned(), |until| format!("until {until:.0}")) + &told
        }),
        daemon,
        alerts_fail: alerts_fail(&loaded),
        past,
        loaded,
    };
    match args.format {
        Format::Text => screen.out(&text(&sight)),
        Format::Json => screen.json(&to_json(&sight)),
    }
    Ok(Exit::Done)
}

/// What the daemon itself says, for whoever may not read its folders.
async fn told(loaded: &Loaded, format: Format, screen: Screen) -> Result<Exit, Failure> {
    let told = ask_daemon(loaded, &Command::Status).await.ok_or_else(|| {
        Failure::new(Exit::Config, "its folders cannot be read, and no daemon listens")
            .help("run it as evictd's own user, or as one who may read them")
    })??;
    let word = |key: &str| told.document.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let mut page = Page(String::new());
    page.row("account", loaded.account.name.as_str());
    page.row("standing", &word("standing"));
    for reason in told.document.get("why").and_then(Value::as_array).into_iter().flatten() {
        page.row("  because", reason.as_str().unwrap_or("?"));
    }
    match format {
        Format::Text => screen.out(&page.0),
        Format::Json => screen.json(&json!({
            "schema": 1, "account": loaded.account.name.as_str(), "standing": word("standing"),
            "why": told.document.get("why"), "daemon": told.document,
        })),
    }
    Ok(Exit::Done)
}

impl Sight {
    /// The daemon's own word, if it is the one that holds the account.
    fn running(&self) -> Option<&Status> {
        self.daemon.as_ref().filter(|status| self.holder == Some(status.pid))
    }

    /// How the account stands, whatever the daemon wrote before it went.
    fn standing(&self) -> (Standing, Vec<String>) {
        let (mut standing, mut why) = match (self.running(), self.holder) {
            (Some(status), _) => (status.standing, status.why.clone()),
            (None, Some(pid)) => {
                (Standing::Blind, vec![format!("process {pid} holds the account and said nothing yet")])
            }
            (None, None) => (Standing::Disarmed, vec!["no daemon runs".to_owned()]),
        };
        // The pause file is looked at anew: it may be younger than the daemon's word.
        why.retain(|reason| !reason.starts_with("paused "));
        if let Some(until) = &self.paused {
            standing = Standing::Disarmed;
            why.push(format!("paused {until}"));
        }
        (standing, why)
    }

    fn ended(&self) -> usize {
        self.past.history.ended.iter().filter(|one| one.outcome == Outcome::Revoked).count()
    }

    /// How long sessions could be used that ended in the last day.
    fn exposures(&self) -> Option<Exposures> {
        let past = &self.past;
        let newest =
            past.exposures.iter().map(|(at, _)| *at).max()?.max(past.last_cycle_at().unwrap_or(Timestamp::MIN));
        let of_day = past.exposures.iter().filter(|(at, _)| at.duration_until(newest) <= DAY);
        Exposures::of(of_day.map(|(_, exposure)| *exposure))
    }

    /// How near belts were when the last sweep closed; a rule that is not told reached nobody for a day.
    fn belts(&self) -> Vec<String> {
        let [cycle, hour, day] = self.loaded.account.belts.of_rule(&RuleId::new("")).map(|limit| limit.people);
        let every = format!("every rule: {cycle} a cycle, {hour} an hour, {day} in 24 h, unless it is told below");
        let last = self.past.last_sweep.as_ref().map(|last| last.finished.belts.as_slice()).unwrap_or_default();
        let gauges: Vec<Gauge> = last.iter().filter_map(gauge_of).collect();
        [every].into_iter().chain(belt_lines(&gauges)).collect()
    }

    /// Holds of enforcing rules that nobody answered.
    fn holds_waiting(&self) -> usize {
        let holds = self.past.history.holds.iter();
        let now = self.past.on_zendesks_clock(SystemClock.now());
        holds.filter(|hold| hold.state == HoldState::Open && hold.mode == Mode::Enforce && hold.lasts(now)).count()
    }

    /// What made protection weaker in the last day, or may have.
    fn weakened(&self) -> Vec<String> {
        let line = |(at, change): &(Timestamp, ChangeTold)| {
            let what = change.what.join(", ");
            format!("{at:.0}  {} {}: {what} ({})", change.item, change.name, change.class)
        };
        self.past.weakened.iter().map(line).collect()
    }

    fn open(&self) -> usize {
        self.past.open_intents.len()
    }
}

/// Lines of a key and a value.
struct Page(String);

impl Page {
    fn row(&mut self, key: &str, value: &str) {
        self.0.push_str(&format!("{key:<14}{}\n", Foreign::new(value)));
    }
}

fn text(sight: &Sight) -> String {
    let account = &sight.loaded.account;
    let (standing, why) = sight.standing();
    let mut page = Page(String::new());
    page.row("account", account.name.as_str());
    page.row("standing", standing.word());
    for reason in &why {
        page.row("  because", &Foreign::new(reason.as_str()).to_string());
    }
    page.row("mode", account.mode.word());
    match sight.holder {
        Some(pid) => page.row("running", &format!("yes, process {pid}")),
        None => page.row("running", "no"),
    }
    page.row("paused", sight.paused.as_deref().unwrap_or("no"));
    for (channel, since) in &sight.alerts_fail {
        page.row("alerts", &format!("{} took none since {since}", channel.word()));
    }
    if let Some(status) = sight.running() {
        of_daemon(&mut page, status);
    }
    match &sight.past.last_sweep {
        None => page.row("last cycle", "none in the trail"),
        Some(last) => {
            let withheld: usize = last.finished.rules.iter().map(|rule| rule.withheld).sum();
            page.row("last cycle", &last.at.to_string());
            page.row("complete", if last.finished.complete { "yes" } else { "no" });
            page.row("sessions", &last.finished.sessions_seen.to_string());
            page.row("withheld", &withheld.to_string());
            for warning in &last.finished.warnings {
                page.row("it warned", &Foreign::new(warning.as_str()).to_string());
            }
        }
    }
    page.row("ended in 24 h", &sight.ended().to_string());
    if let Some(exposures) = sight.exposures() {
        page.row("exposure", &exposure_line(&exposures));
    }
    let waiting = sight.holds_waiting();
    if waiting > 0 {
        page.row("holds", &format!("{} for a human: `evictd hold list`", counted(waiting, "waits", "wait")));
    }
    for line in sight.belts() {
        page.row("belt", &line);
    }
    for line in sight.weakened() {
        page.row("weakened", &line);
    }
    page.row("unsettled", &sight.open().to_string());
    page.row("policies", sight.past.policy_digest.as_deref().unwrap_or("none yet"));
    if let Some(set) = &sight.past.signed {
        page.row("signed", &format!("the last signed set has serial {}", set.serial));
    }
    page.0
}

fn of_daemon(page: &mut Page, status: &Status) {
    page.row("scope", &scope(status));
    page.row("sweep", &status.sweep);
    page.row("next sweep", status.next_sweep.as_deref().unwrap_or("at work, or never"));
    page.row("missed", &format!("{} sweeps since it began", status.missed_sweeps));
    let budget = &status.budget;
    let limit = budget.account_limit.map(|limit| format!(" of the account's {limit}")).unwrap_or_default();
    page.row("budget", &format!("{} calls a minute{limit}, {} used", budget.requests_per_minute, budget.used));
    if let Some(exposure) = &status.exposure {
        page.row("exposure", &exposure.to_string());
    }
    if let Some(held) = &budget.held {
        page.row("held", &Foreign::new(held.as_str()).to_string());
    }
    if let Some(rejected) = &status.rejected {
        page.row("rejected", "what stands on the disk; the last good set is in force");
        for line in rejected.text.lines() {
            page.row("", &Foreign::new(line).to_string());
        }
    }
}

fn scope(status: &Status) -> String {
    if status.scope == status.scope_configured {
        return status.scope.clone();
    }
    format!("{} (configured as {})", status.scope, status.scope_configured)
}

/// Of channels that are configured: what was noted of others is past.
fn alerts_fail(loaded: &Loaded) -> Vec<(ChannelKind, String)> {
    let AlertSettings { webhook, smtp, .. } = &loaded.settings.alerts;
    let kinds = [webhook.as_ref().map(|_| ChannelKind::Webhook), smtp.as_ref().map(|_| ChannelKind::Smtp)];
    let state = Disk::at(&loaded.state());
    let failing = |kind| Some((kind, Cursor::read(&state, kind)?.failing_since?));
    kinds.into_iter().flatten().filter_map(failing).collect()
}

fn to_json(sight: &Sight) -> Value {
    let last = sight.past.last_sweep.as_ref();
    let (standing, why) = sight.standing();
    let alerts_fail: BTreeMap<_, _> =
        sight.alerts_fail.iter().map(|(channel, since)| (channel.word(), since)).collect();
    json!({
        "schema": 1,
        "account": sight.loaded.account.name.as_str(),
        "standing": standing.word(),
        "why": why,
        "mode": sight.loaded.account.mode.word(),
        "running_pid": sight.holder.map(|pid| pid.to_string()),
        "paused": sight.paused,
        "alerts_fail_since": alerts_fail,
        "daemon": sight.running(),
        "last_cycle": last.map(|last| json!({
            "at": last.at.to_string(),
            "cycle": last.cycle.as_ref().map(ToString::to_string),
            "complete": last.finished.complete,
            "sessions_seen": last.finished.sessions_seen,
            "withheld": last.finished.rules.iter().map(|rule| rule.withheld).sum::<usize>(),
            "warnings": last.finished.warnings,
            "belts": last.finished.belts,
        })),
        "ended_in_24_hours": sight.ended(),
        "exposure_in_24_hours": sight.exposures().as_ref().map(exposures_json),
        "weakened_in_24_hours": sight.past.weakened.iter().map(|(at, change)| json!({
            "at": at.to_string(),
            "change": change,
        })).collect::<Vec<_>>(),
        "unsettled": sight.open(),
        "holds_waiting": sight.holds_waiting(),
        "policy": sight.past.policy_digest,
        "signed": sight.past.signed.as_ref().map(|set| json!({ "serial": set.serial, "manifest": set.manifest })),
    })
}

fn exposures_json(exposures: &Exposures) -> Value {
    json!({
        "sessions": exposures.number,
        "middle_ms": exposures.middle.as_millis().to_string(),
        "p95_ms": exposures.p95.as_millis().to_string(),
        "worst_ms": exposures.worst.total().as_millis().to_string(),
        "worst": ExposureSplit::from(&exposures.worst),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another user's process writes the status that root reads.
    #[test]
    fn no_value_reaches_the_terminal_as_it_is() {
        let mut page = Page(String::new());
        page.row("sweep", "\u{1b}[31mred\u{1b}]0;own\u{7}\nstanding      armed");
        assert!(!page.0.contains(['\u{1b}', '\u{7}']) && page.0.lines().count() == 1, "{}", page.0);
    }
}
