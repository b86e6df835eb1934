//! Where alerts go, and where a sign of life goes after each complete sweep.
//!
//! An address may hold a secret in its path, so that it is never shown, and neither are the lines around it. None may
//! lead into a guarded account: whoever holds a session there would read what evictd knows of it.

mod smtp;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use smtp::{Login, MailAddress, SmtpSettings, SmtpTls};

use super::auth::secret;
use super::{Account, SecretReference, filled, host};
use crate::diagnostic::{Code, Findings};
use crate::document::{Item, Table};
use crate::model::AccountName;

/// No address is longer, in bytes.
const ADDRESS_BYTES_MAX: usize = 2048;

/// The table `[alerts]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertSettings {
    /// Where alerts are posted.
    pub webhook: Option<WebhookSettings>,
    /// Where alerts are handed over as mail.
    pub smtp: Option<SmtpSettings>,
    /// What is asked for after each complete sweep of every account.
    pub heartbeat: Option<WebAddress>,
}

/// Where alerts are posted, and what signs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The address.
    pub url: WebAddress,
    /// Where the key of the signature is found.
    pub secret: SecretReference,
}

/// An address over TLS, or on this very machine. Shown without its path, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress {
    url: String,
    origin: String,
    loopback: bool,
}

impl WebAddress {
    /// All of it: for the request alone.
    pub fn whole(&self) -> &str {
        &self.url
    }

    /// Whether it is on this very machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.origin)
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WebAddress({self})")
    }
}

/// Reads `alerts`. The accounts are those of the same text.
pub(super) fn read(
    root: &mut Table<'_>,
    folder: &Path,
    accounts: &BTreeMap<AccountName, Account>,
    findings: &mut Findings,
) -> AlertSettings {
    let mut concealed = Findings::default();
    let read = root.optional("alerts").and_then(|item| table(&item, (folder, accounts), &mut concealed));
    for fault in concealed.into_kept() {
        findings.push(fault.conceal());
    }
    read.unwrap_or_default()
}

type Around<'a> = (&'a Path, &'a BTreeMap<AccountName, Account>);

fn table(item: &Item<'_>, around: Around<'_>, findings: &mut Findings) -> Option<AlertSettings> {
    let mut table = item.table(findings)?;
    if table.is_empty() {
        let help = "add `webhook.url` and `webhook.secret`, or `smtp`, or remove the table";
        findings.push(item.fault(Code::EmptySet, "`alerts` is empty: nobody would be told anything").help(help));
    }
    let webhook = table.optional("webhook").and_then(|item| webhook(&item, around, findings));
    let smtp = table.optional("smtp").and_then(|item| smtp::read(&item, around, findings));
    let heartbeat = table.optional("heartbeat").and_then(|item| {
        let mut table = item.table(findings)?;
        let url = table.required("url", findings).and_then(|item| address(&item, around, findings));
        table.finish(findings);
        url
    });
    table.finish(findings);
    Some(AlertSettings { webhook, smtp, heartbeat })
}

fn webhook(item: &Item<'_>, around: Around<'_>, findings: &mut Findings) -> Option<WebhookSettings> {
    let mut table = item.table(findings)?;
    let url = table.required("url", findings).and_then(|item| address(&item, around, findings));
    let secret = table.required("secret", findings).and_then(|item| secret(&item, around.0, findings));
    table.finish(findings);
    Some(WebhookSettings { url: url?, secret: secret? })
}

/// A scheme, a host, perhaps a port, and a path. It is not repeated: it may be as good as a password.
fn address(item: &Item<'_>, (_, accounts): Around<'_>, findings: &mut Findings) -> Option<WebAddress> {
    let text = filled(item, findings)?;
    let Some((secure, host, origin)) = parts(text) else {
        let message = format!("{} is not an address", item.subject());
        let help = "write it as in `https://alerts.example.com/path`, the host in small letters, without user or `#`";
        findings.push(item.fault(Code::BadHost, message).help(help));
        return None;
    };
    let loopback = host::is_loopback(host);
    if !secure && !loopback {
        let message = format!("{} would be used without TLS", item.subject());
        findings.push(item.fault(Code::BadHost, message).help("write `https://`"));
        return None;
    }
    let is_own = accounts.values().any(|account| account.host.base_url() == origin);
    if is_own || !loopback && is_zendesk(host, accounts) {
        let message = format!("{} leads into Zendesk, where those read it whom it is about", item.subject());
        findings.push(item.fault(Code::BadHost, message).help("name a host that has nothing to do with the account"));
        return None;
    }
    Some(WebAddress { url: text.to_owned(), origin: origin.to_owned(), loopback })
}

/// Whether this host, in small letters, is Zendesk's or an account's.
fn is_zendesk(host: &str, accounts: &BTreeMap<AccountName, Account>) -> bool {
    let is_own = |account: &Account| host::parts(account.host.base_url()).is_some_and(|(_, own)| own == host);
    host == "zendesk.com" || host.ends_with(".zendesk.com") || accounts.values().any(is_own)
}

/// Whether it is TLS, the host, and all that stands before the path.
fn parts(text: &str) -> Option<(bool, &str, &str)> {
    let after = text.find("://")? + 3;
    let end = text.get(after..)?.find(['/', '?']).map_or(text.len(), |at| after + at);
    let (origin, path) = text.split_at_checked(end)?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'`');
    let (secure, host) = host::parts(origin)?;
    (text.len() <= ADDRESS_BYTES_MAX && path.bytes().all(is_plain)).then_some((secure, host, origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::diagnostic::{Source, Style, render};

    const ACCOUNT: &str = "schema = 1\n[accounts.a]\nsubdomain = \"acme\"\npolicies = [\"p\"]\nauth.token = { env = \"T\" }\n\
                           [accounts.b]\nbase-url = \"https://proxy.example.com:8443\"\ndangerous-base-url = true\n\
                           policies = [\"p\"]\nauth.token = { env = \"T\" }\n\
                           [accounts.c]\nbase-url = \"http://127.0.0.1:8080\"\npolicies = [\"p\"]\nauth.token = { env = \"T\" }\n";

    pub(super) fn read_with(lines: &str) -> Result<Settings, String> {
        let mut findings = Findings::default();
        let source = Source::new("evictd.toml", format!("{ACCOUNT}{lines}"));
        let settings = crate::config::read(&source, Path::new("/etc/evictd"), &mut findings);
        settings.ok_or_else(|| render(&findings, Style::Plain, 200))
    }

    #[test]
    fn alerts_go_where_the_file_says_and_a_path_is_never_shown() {
        let lines = "[alerts]\nwebhook = { url = \"https://hooks.example.com:444/s3cret?x=1\", secret = { file = \"k\" } }\n\
                     heartbeat.url = \"http://[::1]:9/ping\"\n";
        let alerts = read_with(lines).unwrap().alerts;
        let webhook = alerts.webhook.clone().unwrap();
        assert_eq!(webhook.url.whole(), "https://hooks.example.com:444/s3cret?x=1");
        assert_eq!(webhook.url.to_string(), "https://hooks.example.com:444");
        assert_eq!(webhook.secret, SecretReference::File("/etc/evictd/k".into()));
        assert!(!webhook.url.is_loopback() && alerts.heartbeat.as_ref().unwrap().is_loopback());
        assert!(!format!("{alerts:?}").contains("s3cret"));
        assert_eq!(read_with("").unwrap().alerts, AlertSettings::default());
    }

    #[test]
    fn what_leads_into_zendesk_or_has_no_tls_is_refused_and_not_repeated() {
        for (url, why) in [
            ("https://acme.zendesk.com/s3cret", "leads into Zendesk"),
            ("https://other.zendesk.com/s3cret", "leads into Zendesk"),
            ("https://zendesk.com/s3cret", "leads into Zendesk"),
            ("https://proxy.example.com/s3cret", "leads into Zendesk"),
            ("http://127.0.0.1:8080/s3cret", "leads into Zendesk"),
            ("http://hooks.example.com/s3cret", "without TLS"),
            ("https://ACME.zendesk.com/s3cret", "is not an address"),
            ("https://acme.zendesk.com./s3cret", "is not an address"),
            ("https://u:s3cret@hooks.example.com/", "is not an address"),
            ("https://hooks.example.com\\\\@acme.zendesk.com/s3cret", "is not an address"),
            ("https://hooks.example.com/s3cret#x", "is not an address"),
            ("https://hooks.example.com/s3cret x", "is not an address"),
            ("ftp://hooks.example.com/s3cret", "is not an address"),
            ("hooks.example.com/s3cret", "is not an address"),
            ("", "must not be empty"),
        ] {
            for key in ["heartbeat.url", "webhook.url"] {
                let said = read_with(&format!("[alerts]\n{key} = \"{url}\"\n")).unwrap_err();
                assert!(said.contains(why) && !said.contains("s3cret"), "{url}: {said}");
            }
        }
        assert!(
            read_with("[alerts]\nheartbeat.url = \"http://127.0.0.1:8081/\"\n").is_ok(),
            "another port is another host"
        );
        assert!(read_with("[alerts]\n").unwrap_err().contains("is empty"));
        let without = read_with("[alerts]\nwebhook.url = \"https://hooks.example.com/\"\n").unwrap_err();
        assert!(without.contains("`secret`"), "{without}");
    }
}
