//! What the operator wants, read from one file and validated into another type.
//!
//! Nothing here opens a file: secrets are only named, paths only joined. Whatever is wrong with the text is in the
//! findings, and then there are no settings at all.

mod account;
mod alerts;
mod auth;
mod control;
mod host;
mod limits;
mod offboarding;
mod places;
mod sources;
mod sweep;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

pub use account::SignatureSettings;
pub use alerts::{AlertSettings, Login, MailAddress, SmtpSettings, SmtpTls, WebAddress, WebhookSettings};
pub use control::ControlSettings;
pub use host::Host;
pub use limits::{Belts, Budget, RuleBelts, RuleLimit};
pub use offboarding::OffboardingList;
pub use places::{DATABASES_MAX, PlacesSettings};
pub use sources::{FeedFormat, FeedSettings, JsonPath, Mapping, PersonIs, Sources, Wanted, Where};
pub use words::looks_like_email;
use words::{filled, plain_name};

use crate::calendar::Schedule;
use crate::diagnostic::{Code, Findings, Source, quoted};
use crate::document::{Document, Table};
use crate::model::{AccountName, Mode, Person, Scope, UserId};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of the configuration file: patterns of policy files start from it.
    pub folder: PathBuf,
    /// Where state lives, one folder for each account.
    pub state: PathBuf,
    /// Where the trail lives, one folder for each account.
    pub trail: PathBuf,
    /// Place databases: one set for all accounts.
    pub places: PlacesSettings,
    /// Where humans command the daemon, and who may.
    pub control: ControlSettings,
    /// Where alerts go.
    pub alerts: AlertSettings,
    /// The accounts; never empty.
    pub accounts: BTreeMap<AccountName, Account>,
}

/// One Zendesk account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in the configuration, in paths and in reports.
    pub name: AccountName,
    /// The only host its credentials go to.
    pub host: Host,
    /// Time conditions hold even if this host's clock differs from Zendesk's; only ever true with a loopback host.
    pub ignore_host_clock: bool,
    /// How far its rules may go at most.
    pub mode: Mode,
    /// Whose sessions are listed.
    pub scope: ScopeChoice,
    /// When everybody in scope is looked at.
    pub sweep: Schedule,
    /// Whose clocks the schedule means.
    pub time_zone: TimeZone,
    /// Patterns of policy files, from [`Settings::folder`]; never empty.
    pub policies: Vec<FilePattern>,
    /// Who must have signed them; none if nobody need have.
    pub signatures: Option<Box<SignatureSettings>>,
    /// Who never loses a session without a named human's release; not empty in mode enforce.
    pub protected: Vec<ProtectedEntry>,
    /// How evictd signs in.
    pub auth: Auth,
    /// Who ends sessions.
    pub revoker: Revoker,
    /// Whose session `evictd selftest` ends, by e-mail or id, if that is agreed.
    pub selftest_user: Option<String>,
    /// What share of the account's API limit may be used.
    pub budget: Budget,
    /// What holds intentions back.
    pub belts: Belts,
    /// Where evidence of sign-ins and of use comes from.
    pub sources: Sources,
    /// Lists of people who have left, by name.
    pub offboarding: BTreeMap<String, OffboardingList>,
    /// Files into which others write who signed in, by name.
    pub feeds: BTreeMap<String, FeedSettings>,
}

impl Account {
    /// Whether this person may not be touched. E-mail addresses are compared without case.
    pub fn protects(&self, person: &Person) -> bool {
        let email = person.email.as_ref().map(|email| email.raw().to_lowercase());
        self.protected.iter().any(|entry| match entry {
            ProtectedEntry::Id(user) => *user == person.id,
            ProtectedEntry::Email(entry) => Some(entry.to_lowercase()) == email,
        })
    }
}

/// A pattern of file names, and where it stands: whether it matches any is only seen on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern {
    /// The pattern.
    pub text: String,
    /// Bytes from the start of the configuration.
    pub span: Range<usize>,
}

/// Whose sessions are to be listed, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeChoice {
    /// This scope.
    Of(Scope),
    /// Everyone if a rule that is not off can match somebody who is not staff, else staff.
    Auto,
}

impl ScopeChoice {
    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Of(scope) => scope.word(),
            Self::Auto => "auto",
        }
    }
}

/// Somebody protected, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtectedEntry {
    /// Whoever has this e-mail address: to be resolved to exactly one person.
    Email(String),
    /// The person with this id.
    Id(UserId),
}

/// How evictd signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// OAuth client credentials.
    OauthClient {
        /// The client's identifier: not a secret.
        id: String,
        /// Where its secret is found.
        secret: SecretReference,
        /// The scopes to ask for, separated by blanks.
        scope: String,
    },
    /// A ready bearer token.
    Token(SecretReference),
    /// A legacy API token. Zendesk ends all of them on 2027-04-30.
    ApiToken {
        /// The address of the user that it is used for.
        email: String,
        /// Where the token is found.
        token: SecretReference,
    },
}

/// Who ends sessions, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Revoker {
    /// The one who reads: one credential does both.
    #[default]
    Reader,
    /// A credential of its own, with which nothing else is done. It is fetched only where something may act.
    Own(Auth),
    /// Nobody, so that nothing can act.
    None,
}

impl Auth {
    /// Where its secret is found.
    pub fn secret(&self) -> &SecretReference {
        match self {
            Self::OauthClient { secret, .. } | Self::Token(secret) | Self::ApiToken { token: secret, .. } => secret,
        }
    }
}

/// Where a secret is found; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// A systemd credential of this name.
    Credential(String),
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// Reads the configuration. Relative paths start from `folder`, the file's own.
///
/// Returns nothing if any finding is an error.
pub fn read(source: &Source, folder: &Path, findings: &mut Findings) -> Option<Settings> {
    let errors_before = findings.errors();
    let document = Document::read(source, findings)?;
    let mut root = document.root();
    schema(&mut root, findings);
    let (state, trail) = paths(&mut root, folder, findings);
    let places = places::read(&mut root, folder, &state, findings);
    let control = control::read(&mut root, folder, findings);
    let accounts = accounts(&mut root, folder, findings);
    let alerts = alerts::read(&mut root, folder, &accounts, findings);
    root.finish(findings);
    let settings = Settings { folder: folder.to_owned(), state, trail, places, control, alerts, accounts };
    (findings.errors() == errors_before).then_some(settings)
}

/// Where this text says that state lives, whatever else is wrong with it: if it is no TOML, its table `[paths]` may be.
pub fn state_folder(text: &str) -> Option<PathBuf> {
    state_of(text).or_else(|| {
        let from_paths = text.lines().skip_while(|line| !line.starts_with("[paths]"));
        let is_paths = |(number, line): &(usize, &str)| *number == 0 || !line.starts_with('[');
        let lines: Vec<&str> = from_paths.enumerate().take_while(is_paths).map(|(_, line)| line).collect();
        state_of(&lines.join("\n"))
    })
}

fn state_of(text: &str) -> Option<PathBuf> {
    let source = Source::new("", text);
    let mut findings = Findings::default();
    let document = Document::read(&source, &mut findings)?;
    let item = document.root().optional("paths")?;
    let state = item.table(&mut findings)?.optional("state")?;
    filled(&state, &mut findings).map(PathBuf::from)
}

fn schema(root: &mut Table<'_>, findings: &mut Findings) {
    let Some(item) = root.required("schema", findings) else { return };
    let Some(version) = item.integer(findings) else { return };
    if version != 1 {
        let message = format!("schema {version} is not one this version reads");
        findings.push(item.fault(Code::UnsupportedSchema, message).help("write `schema = 1`"));
    }
}

fn paths(root: &mut Table<'_>, folder: &Path, findings: &mut Findings) -> (PathBuf, PathBuf) {
    let mut table = root.optional("paths").and_then(|item| item.table(findings));
    let mut path = |key, default: &str| {
        let item = table.as_mut().and_then(|table| table.optional(key));
        folder.join(item.and_then(|item| filled(&item, findings)).unwrap_or(default))
    };
    let both = (path("state", "/var/lib/evictd"), path("trail", "/var/log/evictd"));
    if let Some(table) = table {
        table.finish(findings);
    }
    both
}

fn accounts(root: &mut Table<'_>, folder: &Path, findings: &mut Findings) -> BTreeMap<AccountName, Account> {
    let mut accounts: BTreeMap<AccountName, Account> = BTreeMap::new();
    let whole = root.fault(Code::NoAccount, "no account is configured").help("add a table `[accounts.NAME]`");
    let Some(item) = root.optional("accounts") else {
        findings.push(whole);
        return accounts;
    };
    let Some(table) = item.table(findings) else { return accounts };
    if table.is_empty() {
        findings.push(whole);
    }
    for entry in table.entries() {
        let Some(account) = account::read(&entry, folder, findings) else { continue };
        if let Some(same) = accounts.values().find(|other| other.host == account.host) {
            let message =
                format!("{} and {} are the same Zendesk account", quoted(same.name.as_str()), quoted(entry.key()));
            let help = "configure it once: each entry would have belts and a trail of its own";
            findings.push(entry.fault_at_key(Code::Contradiction, message).help(help));
        }
        accounts.insert(account.name.clone(), account);
    }
    accounts
}

#[cfg(test)]
mod tests;
