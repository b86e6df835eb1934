//! Loading: configuration, policies and secrets from the disk, every fault shown at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::signatures::admit;
use super::{Exit, Failure, Where, screen::Screen};
use crate::clock::{Clock, SystemChance, SystemClock};
use crate::config::{self, Account, Auth, FilePattern, Revoker, SecretReference, Settings};
use crate::daemon::{LAST_SNAPSHOT, Setup, Ways};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, Style, quoted, render};
use crate::files::{FileFault, FileTrouble, matching_files, read_credential, read_secret, read_text};
use crate::model::Mode;
use crate::places::OpenFiles;
use crate::policy::{self, PolicySet};
use crate::record::sha256_hex;
use crate::zendesk::{Access, BaseUrl, BudgetLimits, Credential, Hands, HttpsTransport, Zendesk};

/// A configuration or policy file that is larger is none.
pub(super) const TEXT_BYTES_MAX: u64 = 4 << 20;

/// One account with everything that was read for it.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) settings: Settings,
    pub(super) account: Account,
    /// The configuration file.
    pub(super) config: Source,
    /// SHA-256 of its text, hexadecimal.
    pub(super) config_digest: String,
}

impl Loaded {
    /// The account's folder of state.
    pub(super) fn state(&self) -> PathBuf {
        self.settings.state.join(self.account.name.as_str())
    }

    /// The account's folder of the trail.
    pub(super) fn trail(&self) -> PathBuf {
        self.settings.trail.join(self.account.name.as_str())
    }

    /// The last snapshot's file.
    pub(super) fn last_snapshot(&self) -> PathBuf {
        self.state().join(LAST_SNAPSHOT)
    }
}

/// Reads the configuration and picks the account.
pub(super) fn load(place: &Where, screen: Screen) -> Result<Loaded, Failure> {
    let (config, settings, findings) = read_config(&place.config)?;
    show(&findings, screen);
    let settings = settings.ok_or(Failure::told(Exit::Config))?;
    let account = pick(&settings, place.account.as_deref())?;
    Ok(loaded(account, &config, &settings))
}

/// This account of this configuration.
pub(super) fn loaded(account: &Account, config: &Source, settings: &Settings) -> Loaded {
    Loaded {
        account: account.clone(),
        settings: settings.clone(),
        config_digest: sha256_hex(config.text.as_bytes()),
        config: config.clone(),
    }
}

/// A configuration's text, the settings unless an error is among the findings, and the findings.
pub(super) type ReadConfig = (Source, Option<Settings>, Findings);

/// Reads the configuration; findings are told to the caller.
pub(super) fn read_config(path: &Path) -> Result<ReadConfig, Failure> {
    let text = read_text(path, TEXT_BYTES_MAX).map_err(|trouble| {
        let failure = Failure::of_file(&trouble);
        if failure.help.is_some() { failure } else { failure.help("name the file with `--config FILE`") }
    })?;
    Ok(settings_of(path, Source::new(path.display().to_string(), text)))
}

/// The settings of this text, as if it stood in the file at this path.
pub(super) fn settings_of(path: &Path, config: Source) -> ReadConfig {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut findings = Findings::default();
    let settings = config::read(&config, &folder, &mut findings);
    (config, settings, findings)
}

pub(super) fn pick<'s>(settings: &'s Settings, wanted: Option<&str>) -> Result<&'s Account, Failure> {
    let names = || settings.accounts.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let found = match wanted {
        Some(name) => settings.accounts.values().find(|account| account.name.as_str() == name),
        None if settings.accounts.len() == 1 => settings.accounts.values().next(),
        None => {
            let failure = Failure::new(Exit::Usage, "the configuration has several accounts and none was named");
            return Err(failure.help(format!("add `--account NAME` with one of {}", names())));
        }
    };
    found.ok_or_else(|| {
        let failure = Failure::new(Exit::Usage, format!("there is no account `{}`", wanted.unwrap_or_default()));
        failure.help(format!("the configuration has {}", names()))
    })
}

/// Reads the account's policies for a command that ends nothing, and shows what is wrong with them. What is not signed
/// yet may be looked at all the same: whoever is to sign it wants to see what it does.
pub(super) fn policies(loaded: &Loaded, screen: Screen) -> Result<PolicySet, Failure> {
    let set = policies_as_read(loaded, screen)?;
    let admitted = admit(loaded, set.clone(), &mut Findings::default());
    if admitted.is_none() {
        screen.note(
            "note: these policies are not signed as they must be, and would not be in force: `evictd policy verify` says why",
        );
    }
    Ok(admitted.unwrap_or(set))
}

/// Reads the account's policies for a command that acts by them: they must be signed where that is asked for.
pub(super) fn policies_in_force(loaded: &Loaded, screen: Screen) -> Result<PolicySet, Failure> {
    let set = policies_as_read(loaded, screen)?;
    let mut findings = Findings::default();
    let admitted = admit(loaded, set, &mut findings);
    if admitted.is_none() {
        show(&findings, screen);
    }
    admitted.ok_or_else(|| Failure::told(Exit::Config))
}

/// The policies as they stand on the disk, signed or not.
pub(super) fn policies_as_read(loaded: &Loaded, screen: Screen) -> Result<PolicySet, Failure> {
    let mut findings = Findings::default();
    let set = read_policies_of(loaded, &mut findings)?;
    if findings.has_errors() {
        show(&findings, screen);
        return Err(Failure::told(Exit::Config));
    }
    set.ok_or_else(|| Failure::told(Exit::Config))
}

/// Reads the account's policies; findings are told to the caller. A pattern that matches nothing is a fault of the
/// configuration, at its place there.
pub(super) fn read_policies_of(loaded: &Loaded, findings: &mut Findings) -> Result<Option<PolicySet>, Failure> {
    let paths = policy_files(loaded, findings)?;
    let sources: Vec<Source> = paths.iter().map(|path| source_of(path)).collect::<Result<_, _>>()?;
    let set = policy::read(&sources, Some(SystemClock.now()), findings);
    Ok(set.filter(|set| has_rules_of_belts(set, loaded, findings)))
}

/// Whether every rule that has belts of its own is there: a limit on a misspelt rule would be none.
fn has_rules_of_belts(set: &PolicySet, loaded: &Loaded, findings: &mut Findings) -> bool {
    let strangers = loaded.account.belts.rules.iter().filter(|(id, _)| set.rules.iter().all(|rule| rule.id != **id));
    let mut is_whole = true;
    for (id, own) in strangers {
        let message = format!("no policy has the rule {}, whose belts stand here", quoted(id.as_str()));
        let fault = Diagnostic::new(Code::UnknownRule, message).at(&loaded.config, own.span.clone(), "");
        findings.push(fault.help("correct its id, or remove its belts with the rule"));
        is_whole = false;
    }
    is_whole
}

/// The account's policy files, each once.
pub(super) fn policy_files(loaded: &Loaded, findings: &mut Findings) -> Result<Vec<PathBuf>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for pattern in &loaded.account.policies {
        paths.extend(files_of(pattern, loaded, findings)?);
    }
    // Two patterns may name one file.
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn files_of(pattern: &FilePattern, loaded: &Loaded, findings: &mut Findings) -> Result<Vec<PathBuf>, Failure> {
    let text = quoted(&pattern.text);
    let fault = |code, message: String| Diagnostic::new(code, message).at(&loaded.config, pattern.span.clone(), "");
    match matching_files(&loaded.settings.folder, &pattern.text) {
        Ok(found) => {
            if found.is_empty() {
                let help =
                    "correct the pattern, or bring the files back: a folder that moved must not turn all rules off";
                findings.push(fault(Code::UnmatchedGlob, format!("no policy file matches {text}")).help(help));
            }
            Ok(found)
        }
        Err(FileTrouble { fault: FileFault::Other(why), .. }) => {
            findings.push(fault(Code::BadGlob, format!("{text} is not a pattern of files")).help(why));
            Ok(Vec::new())
        }
        Err(trouble) => Err(Failure::of_file(&trouble)),
    }
}

/// Reads a policy set; findings are told to the caller.
pub(super) fn read_policies(sources: &[Source]) -> (Option<PolicySet>, Findings) {
    let mut findings = Findings::default();
    let set = policy::read(sources, Some(SystemClock.now()), &mut findings);
    (set, findings)
}

/// One policy file.
pub(super) fn source_of(path: &Path) -> Result<Source, Failure> {
    let text = read_text(path, TEXT_BYTES_MAX).map_err(|trouble| Failure::of_file(&trouble))?;
    Ok(Source::new(path.display().to_string(), text))
}

/// Prints findings for people, on stderr.
pub(super) fn show(findings: &Findings, screen: Screen) {
    let text = shown(findings, screen);
    if !text.is_empty() {
        screen.note(text.trim_end());
    }
}

/// Findings as people read them; empty if there are none.
pub(super) fn shown(findings: &Findings, screen: Screen) -> String {
    render(findings, Style::Colour, screen.width())
}

/// Everything one account works by.
pub(super) fn setup(loaded: &Loaded, policies: PolicySet) -> Result<Setup, Failure> {
    let zendesk = connect(&loaded.account, acts(&loaded.account), |ways| ways)?;
    Ok(setup_of(loaded, policies, zendesk, &Arc::default()))
}

/// Whether cycles of this account may act.
pub(super) fn acts(account: &Account) -> bool {
    account.mode == Mode::Enforce
}

/// The same, with this client, and databases that others may have opened.
pub(super) fn setup_of(loaded: &Loaded, policies: PolicySet, zendesk: Zendesk, files: &Arc<OpenFiles>) -> Setup {
    Setup {
        zendesk: Arc::new(zendesk),
        scope: policies.scope(loaded.account.scope),
        policies,
        config: loaded.config.text.to_string(),
        config_digest: loaded.config_digest.clone(),
        places: loaded.settings.places.clone(),
        files: Arc::clone(files),
        state: loaded.state(),
        trail: loaded.trail(),
        account: loaded.account.clone(),
        rejected: None,
    }
}

/// Signs in to the account's Zendesk over a transport and by a clock, dressed as the caller wants them; nothing is sent
/// yet. A credential that only ends sessions is fetched where something may act, and nowhere else.
pub(super) fn connect(account: &Account, may_act: bool, dress: impl FnOnce(Ways) -> Ways) -> Result<Zendesk, Failure> {
    let credential = credential(&account.auth)?;
    let hands = match &account.revoker {
        Revoker::Reader => Hands::Reader,
        Revoker::Own(auth) if may_act => Hands::Own(self::credential(auth)?),
        Revoker::Own(_) | Revoker::None => Hands::None,
    };
    let budget = BudgetLimits {
        requests_per_minute_max: account.budget.requests_per_minute_max,
        part_of_limit_max_percent: account.budget.part_of_limit_max_percent,
        reserve_percent: account.budget.reserve_percent,
    };
    let (transport, clock) = dress((Arc::new(transport_of(account)?), Arc::new(SystemClock)));
    Ok(Zendesk::new(Access { credential, budget }, transport, clock, Arc::new(SystemChance)).with_hands(hands))
}

fn credential(auth: &Auth) -> Result<Credential, Failure> {
    let secret = secret(auth.secret())?;
    Ok(match auth {
        Auth::Token(_) => Credential::Token(secret),
        Auth::OauthClient { id, scope, .. } => Credential::OauthClient { id: id.clone(), secret, scope: scope.clone() },
        Auth::ApiToken { email, .. } => Credential::ApiToken { email: email.clone(), token: secret },
    })
}

/// The way to the account's host, and to no other.
pub(super) fn transport_of(account: &Account) -> Result<HttpsTransport, Failure> {
    // `config` has judged already whether the host may be used.
    let base = BaseUrl::dangerous(account.host.base_url());
    let base = base.map_err(|why| Failure::new(Exit::Config, format!("`{}`: {why}", account.host)))?;
    HttpsTransport::new(base).map_err(|why| Failure::new(Exit::Bug, why.to_string()))
}

/// Fetches a secret from where the configuration says it is.
#[expect(clippy::disallowed_methods, reason = "the command line is the room that reads the environment")]
pub(super) fn secret(reference: &SecretReference) -> Result<SecretString, Failure> {
    match reference {
        SecretReference::File(path) => read_secret(path).map_err(|trouble| Failure::of_file(&trouble)),
        SecretReference::Env(name) => match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
            _ => Err(Failure::new(Exit::Config, format!("the environment has no `{name}`"))
                .help("export the variable, or keep the secret in a file")),
        },
        SecretReference::Credential(name) => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                Failure::new(Exit::Config, format!("there is no credential `{name}` outside of the systemd unit"))
                    .help(format!("run it with `systemd-run -p LoadCredential={name}:PATH`, or name a file instead"))
            })?;
            read_credential(Path::new(&folder), name).map_err(|trouble| Failure::of_file(&trouble))
        }
    }
}
