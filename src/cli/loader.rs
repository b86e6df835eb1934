//! What the daemon works by, read from the disk: all of it or nothing. At the start the last good set stands in for a
//! broken one; without any the process does not begin.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::alerts::errands;
use super::load::{Loaded, acts, connect, load, loaded, pick, read_config, read_policies_of, settings_of, setup_of};
use super::signatures::{KEPT, admit, admit_kept};
use super::{Exit, Failure, Where, screen::Screen};
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, state_folder};
use crate::courier::Tray;
use crate::daemon::{Loader, Pulse, Pulses, Rejected, Setup};
use crate::diagnostic::{Code, Findings, Source, Style, error_places, render};
use crate::files::{Disk, GoodSet, keep_good, kept_good, read_text};
use crate::places::OpenFiles;
use crate::policy::{self, PolicySet};
use crate::signatures::MANIFEST;
use crate::zendesk::Zendesk;

/// The kinds of last good sets.
const CONFIG: &str = "config";
const POLICIES: &str = "policies";

/// Columns of findings in logs and records.
const WIDTH: usize = 120;

/// Where state lies if nobody says: the same as in `config`.
const STATE: &str = "/var/lib/evictd";

/// Reads everything from the disk.
pub(super) struct DiskLoader {
    /// The configuration file.
    pub(super) config: PathBuf,
    /// Where a person is told why nothing can begin.
    pub(super) screen: Screen,
    /// Opened place databases, which accounts share.
    pub(super) files: Arc<OpenFiles>,
    /// Where whoever carries alerts finds what to carry.
    pub(super) tray: Tray,
}

/// What is wrong with what stands on the disk.
#[derive(Default)]
struct Faults {
    errors: usize,
    text: String,
    places: String,
    unsigned: bool,
}

impl Faults {
    fn find(&mut self, findings: &Findings) {
        self.errors += findings.errors();
        self.unsigned |= findings.sorted().iter().any(|fault| fault.code == Code::NotSigned);
        self.text.push_str(&render(findings, Style::Plain, WIDTH));
        for place in error_places(findings) {
            self.places.push_str(&format!("{place}\n"));
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.errors += 1;
        let help = failure.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        self.text.push_str(&format!("error: {}{help}\n", failure.title));
        self.places.push_str(&format!("{}\n", failure.title));
    }

    fn add(&mut self, more: &Rejected) {
        self.errors += more.errors;
        self.unsigned |= more.unsigned;
        self.text.push_str(&more.text);
        self.places.push_str(&more.places);
    }

    fn rejected(self) -> Option<Rejected> {
        let Self { errors, text, places, unsigned } = self;
        (errors > 0).then_some(Rejected { errors, text, places, unsigned })
    }

    /// Why there is nothing to run. A person at a terminal reads all of it, a journal only where it is wrong.
    fn failure(self, screen: Screen) -> Failure {
        let rejected = self.rejected().unwrap_or_default();
        let what = if std::io::stderr().is_terminal() { &rejected.text } else { &rejected.places };
        screen.note(what.trim_end());
        Failure::new(Exit::Config, format!("{}, and there is no last good set to run instead", rejected.counted()))
            .help("mend what is named above; `evictd plan --config FILE` shows each fault at its place")
    }
}

impl Loader for DiskLoader {
    fn load(&self, pulses: &Pulses) -> Result<Vec<Setup>, Rejected> {
        let mut faults = Faults::default();
        let mut setups = Vec::new();
        if let Some((config, settings)) = self.config(&mut faults) {
            for loaded in accounts(&config, &settings) {
                let set = policies(&loaded, &mut faults);
                setups.extend(set.and_then(|set| self.built(&loaded, set, pulses, &mut faults)));
            }
            let (errands, failures) = errands(&settings);
            for failure in &failures {
                faults.fail(failure);
            }
            if faults.errors == 0 {
                self.tray.put(errands);
            }
        }
        if let Some(rejected) = faults.rejected() {
            return Err(rejected);
        }
        Ok(setups)
    }

    fn armed(&self, setup: &Setup, pulse: &Arc<Pulse>) -> Result<Zendesk, String> {
        let dress = |(transport, clock)| pulse.dress(transport, clock);
        connect(&setup.account, true, dress).map_err(|failure| failure.title)
    }

    fn keep(&self, setup: &Setup) {
        keep_in_force(&self.config, setup);
    }
}

/// Keeps what is in force: what a start that finds it broken stands in by, and what the next change is held against.
pub(super) fn keep_in_force(config: &Path, setup: &Setup) {
    let root = setup.state.parent().unwrap_or(&setup.state);
    let text = GoodSet { files: vec![(whole(config), setup.config.clone())] };
    let files = setup.policies.files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    let manifest = setup.policies.signed.iter().map(|signed| (MANIFEST.to_owned(), signed.manifest.clone())).collect();
    let mut sets = vec![(root, CONFIG, text), (&*setup.state, POLICIES, GoodSet { files })];
    if setup.policies.signed.is_some() {
        sets.push((&setup.state, KEPT, GoodSet { files: manifest }));
    }
    for (folder, what, set) in sets {
        let kept = Disk::make(folder).and_then(|disk| keep_good(&disk, what, &set));
        if let Err(error) = kept {
            tracing::warn!("the last good {what} cannot be kept in `{}`: {error}", folder.display());
        }
    }
}

impl DiskLoader {
    /// Everything for the start: what is broken is stood in for by what was last in force.
    pub(super) fn begin(&self, pulses: &Pulses) -> Result<Vec<Setup>, Failure> {
        let mut faults = Faults::default();
        let read = self.config(&mut faults).or_else(|| {
            let kept = kept_config(&self.config)?;
            tracing::error!("the configuration cannot be in force: the last good one is");
            Some(kept)
        });
        let Some((config, settings)) = read else { return Err(faults.failure(self.screen)) };
        let of_config = faults.rejected();
        let (errands, failures) = errands(&settings);
        for failure in failures {
            tracing::error!("alerts are not sent as they should be: {}", failure.title);
        }
        self.tray.put(errands);
        let mut setups = Vec::new();
        let mut lost = Faults::default();
        for loaded in accounts(&config, &settings) {
            let mut faults = Faults::default();
            let set = policies(&loaded, &mut faults).or_else(|| kept_policies(&loaded));
            let setup = set.and_then(|set| self.built(&loaded, set, pulses, &mut faults));
            let rejected = faults.rejected();
            let Some(mut setup) = setup else {
                let rejected = rejected.unwrap_or_default();
                tracing::error!(account = %loaded.account.name, "the account cannot begin:\n{}", rejected.places.trim_end());
                lost.add(&rejected);
                continue;
            };
            setup.rejected = Rejected::both(of_config.clone(), rejected);
            if let Some(rejected) = &setup.rejected {
                tracing::error!(
                    account = %setup.account.name,
                    "{}: the last good set is in force\n{}", rejected.counted(), rejected.places.trim_end()
                );
            }
            setups.push(setup);
        }
        if setups.is_empty() { Err(lost.failure(self.screen)) } else { Ok(setups) }
    }

    fn config(&self, faults: &mut Faults) -> Option<(Source, Settings)> {
        match read_config(&self.config) {
            Ok((config, settings, findings)) => {
                faults.find(&findings);
                settings.map(|settings| (config, settings))
            }
            Err(failure) => {
                faults.fail(&failure);
                None
            }
        }
    }

    fn built(&self, loaded: &Loaded, set: PolicySet, pulses: &Pulses, faults: &mut Faults) -> Option<Setup> {
        let pulse = pulses.of(&loaded.account.name);
        match connect(&loaded.account, acts(&loaded.account), |(transport, clock)| pulse.dress(transport, clock)) {
            Ok(zendesk) => Some(setup_of(loaded, set, zendesk, &self.files)),
            Err(failure) => {
                faults.fail(&failure);
                None
            }
        }
    }
}

/// Loads an account for a command that only looks: where the configuration is broken, what it says is shown, and the
/// last good one stands in for it, as it does for the daemon.
pub(super) fn load_to_look(place: &Where, screen: Screen) -> Result<Loaded, Failure> {
    load(place, screen).or_else(|failure| {
        let kept = if failure.exit == Exit::Config { kept_config(&place.config) } else { None };
        let Some((config, settings)) = kept else { return Err(failure) };
        if !failure.title.is_empty() {
            screen.note(&failure.title);
        }
        screen.note("note: the configuration cannot be in force: this is by the last good one");
        let account = pick(&settings, place.account.as_deref())?;
        Ok(loaded(account, &config, &settings))
    })
}

/// The last configuration of this file that was in force. Where it lies the broken one may still say.
fn kept_config(path: &Path) -> Option<(Source, Settings)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let broken = read_text(path, super::load::TEXT_BYTES_MAX).unwrap_or_default();
    let named = state_folder(&broken).map(|state| folder.join(state));
    let (_, set) = kept(&named.unwrap_or_else(state_of_unit), CONFIG)?;
    let (name, text) = set.files.into_iter().next()?;
    if name != whole(path) {
        tracing::error!("the last good configuration kept there is that of `{name}`: it is not used");
        return None;
    }
    let (config, settings, _) = settings_of(path, Source::new("the last good configuration", text));
    settings.map(|settings| (config, settings))
}

/// Which configuration it is: several may name one folder of state.
fn whole(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The folder that systemd made for the unit's state, or the usual one.
#[expect(clippy::disallowed_methods, reason = "the command line is the room that reads the environment")]
fn state_of_unit() -> PathBuf {
    std::env::var_os("STATE_DIRECTORY").map_or_else(|| PathBuf::from(STATE), PathBuf::from)
}

fn accounts(config: &Source, settings: &Settings) -> Vec<Loaded> {
    settings.accounts.values().map(|account| loaded(account, config, settings)).collect()
}

fn policies(loaded: &Loaded, faults: &mut Faults) -> Option<PolicySet> {
    let mut findings = Findings::default();
    let set = read_policies_of(loaded, &mut findings).map(|set| set.and_then(|set| admit(loaded, set, &mut findings)));
    faults.find(&findings);
    set.unwrap_or_else(|failure| {
        faults.fail(&failure);
        None
    })
}

/// The policies of this account that were last in force.
fn kept_policies(loaded: &Loaded) -> Option<PolicySet> {
    let (_, set) = kept(&loaded.state(), POLICIES)?;
    let sources: Vec<Source> = set.files.into_iter().map(|(name, text)| Source::new(name, text)).collect();
    let set = policy::read(&sources, Some(SystemClock.now()), &mut Findings::default())?;
    admit_kept(loaded, set)
}

fn kept(folder: &Path, what: &str) -> Option<(String, GoodSet)> {
    match kept_good(&Disk::at(folder), what) {
        Ok(kept) => kept,
        Err(trouble) => {
            tracing::error!("{trouble}");
            None
        }
    }
}
