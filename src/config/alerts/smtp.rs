//! The mail server that alerts are handed to, from whom and to whom.
//!
//! Addresses are narrower than the standard, so that no two readers can disagree about where one leads. None may be in
//! a guarded account, the sender's neither: what cannot be delivered comes back to it.

use core::net::IpAddr;
use std::fmt;
use std::path::PathBuf;

use super::super::auth::secret;
use super::super::{SecretReference, filled, host};
use super::{Around, is_zendesk};
use crate::diagnostic::{Code, Findings};
use crate::document::{Item, Table};
use crate::model::is_harmful;

/// What subjects begin with unless the configuration says otherwise.
const SUBJECT_PREFIX: &str = "evictd:";

/// No prefix is longer, in bytes.
const PREFIX_BYTES_MAX: usize = 64;

/// Whoever has more recipients has a list at a mail server.
const RECIPIENTS_MAX: usize = 20;

/// No local part is longer, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;

/// A user name that is longer is none, in bytes.
const USER_BYTES_MAX: usize = 254;

/// Where alerts are handed over, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// The mail server, a name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// Who vouches for the server, in place of the host's own store: a file of certificates, PEM.
    pub ca: Option<PathBuf>,
    /// How evictd signs in, if it does.
    pub login: Option<Login>,
    /// Who writes.
    pub from: MailAddress,
    /// Who is written to; never empty, each once.
    pub to: Vec<MailAddress>,
    /// What each subject begins with; may be empty.
    pub subject_prefix: String,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte on.
    Implicit,
    /// Plain at first; nothing but the wish for TLS is said before it.
    Starttls,
    /// Not at all: only ever to this very machine.
    None,
}

impl SmtpTls {
    const WORDS: [&'static str; 3] = ["implicit", "starttls", "none"];

    fn read(word: &str) -> Option<Self> {
        match word {
            "implicit" => Some(Self::Implicit),
            "starttls" => Some(Self::Starttls),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The port where a server expects it (RFC 8314, section 3; RFC 6409, section 3.1; RFC 5321, section 4.5.4.2).
    fn port(self) -> u16 {
        match self {
            Self::Implicit => 465,
            Self::Starttls => 587,
            Self::None => 25,
        }
    }
}

/// A name and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// Where the password is found.
    pub password: SecretReference,
}

/// An address of one mailbox, in ASCII, its domain in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress {
    local: String,
    domain: String,
}

impl MailAddress {
    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands behind it.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    fn read(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let domain = domain.to_ascii_lowercase();
        // What an atom holds (RFC 5322, section 3.2.3).
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        let is_local = local.len() <= LOCAL_BYTES_MAX
            && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(allowed));
        (is_local && host::is_name(&domain)).then(|| Self { local: local.to_owned(), domain })
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.local, self.domain)
    }
}

pub(super) fn read(item: &Item<'_>, around: Around<'_>, findings: &mut Findings) -> Option<SmtpSettings> {
    let mut table = item.table(findings)?;
    let tls = table.optional("tls");
    let protection =
        tls.as_ref().map_or(Some(SmtpTls::Implicit), |item| item.word(&SmtpTls::WORDS, SmtpTls::read, findings));
    let host = table.required("host", findings).and_then(|item| server(&item, protection, around, findings));
    let port = table.optional("port").map(|item| item.integer_in(1..=65_535, findings));
    let ca = table.optional("ca");
    if let Some(item) = ca.as_ref().filter(|_| protection == Some(SmtpTls::None)) {
        let fault = item.fault_at_key(Code::Contradiction, "`ca` does nothing without TLS");
        findings.push(fault.help("remove it, or write `tls = \"implicit\"` or `\"starttls\"`"));
    }
    let ca = ca.and_then(|item| filled(&item, findings)).map(|path| around.0.join(path));
    let login = login(&mut table, around, findings);
    let from = table.required("from", findings).and_then(|item| {
        let text = item.text(findings)?;
        address(&item, text, around, findings)
    });
    let to = table.required("to", findings).and_then(|item| recipients(&item, around, findings));
    let prefix = table.optional("subject-prefix").map(|item| prefix(&item, findings));
    table.finish(findings);
    let protection = protection?;
    let port = port.map_or(Some(protection.port()), |port| u16::try_from(port?).ok());
    let subject_prefix = prefix.unwrap_or_else(|| Some(SUBJECT_PREFIX.to_owned()));
    Some(SmtpSettings {
        host: host?,
        port: port?,
        tls: protection,
        ca,
        login: login?,
        from: from?,
        to: to?,
        subject_prefix: subject_prefix?,
    })
}

fn server(item: &Item<'_>, tls: Option<SmtpTls>, (_, accounts): Around<'_>, findings: &mut Findings) -> Option<String> {
    let text = filled(item, findings)?;
    if !host::is_name(text) && text.parse::<IpAddr>().is_err() {
        let message = format!("{} is not a mail server", item.subject());
        let help = "write a name or an address alone, as in `smtp.example.com`, in small letters; the port is `port`";
        findings.push(item.fault(Code::BadHost, message).help(help));
        return None;
    }
    let loopback = host::is_loopback(text);
    if tls == Some(SmtpTls::None) && !loopback {
        let message = format!("{} would be used without TLS", item.subject());
        let help = "write `tls = \"implicit\"` or `\"starttls\"`: without TLS mail goes to this machine only";
        findings.push(item.fault(Code::BadHost, message).help(help));
        return None;
    }
    if !loopback && is_zendesk(text, accounts) {
        let message = format!("{} leads into Zendesk, where those read it whom it is about", item.subject());
        findings.push(item.fault(Code::BadHost, message).help("name a server that has nothing to do with the account"));
        return None;
    }
    Some(text.to_owned())
}

/// `user` and `password`, both or neither; the outer nothing is a fault.
#[expect(clippy::option_option, reason = "no login is fine, a broken one is not")]
fn login(table: &mut Table<'_>, around: Around<'_>, findings: &mut Findings) -> Option<Option<Login>> {
    match (table.optional("user"), table.optional("password")) {
        (None, None) => Some(None),
        (Some(user), Some(password)) => {
            let name = filled(&user, findings).filter(|name| {
                let is_plain = name.len() <= USER_BYTES_MAX && !name.chars().any(is_harmful);
                if !is_plain {
                    let message = format!("{} is not a name to sign in with", user.subject());
                    findings.push(user.fault(Code::BadName, message).help("write what the mail server calls evictd"));
                }
                is_plain
            });
            let password = secret(&password, around.0, findings);
            Some(Some(Login { user: name?.to_owned(), password: password? }))
        }
        (Some(alone), None) | (None, Some(alone)) => {
            let message =
                format!("{} stands without the other: signing in takes `user` and `password`", alone.subject());
            findings.push(alone.fault_at_key(Code::BadSecret, message).help("add the other one, or remove both"));
            None
        }
    }
}

fn recipients(item: &Item<'_>, around: Around<'_>, findings: &mut Findings) -> Option<Vec<MailAddress>> {
    let elements = item.array(findings)?;
    let number = elements.len();
    if number == 0 {
        findings.push(item.fault(Code::EmptySet, "`to` is empty: nobody would be told anything"));
        return None;
    }
    if number > RECIPIENTS_MAX {
        let message = format!("`to` has more than {RECIPIENTS_MAX} addresses");
        findings.push(item.fault(Code::OutOfRange, message).help("make a list at the mail server, and name that"));
        return None;
    }
    let mut to: Vec<MailAddress> = Vec::new();
    for element in &elements {
        let read = element.text(findings).and_then(|text| address(element, text, around, findings));
        if let Some(read) = read {
            if to.contains(&read) {
                findings
                    .push(element.fault(Code::Contradiction, "`to` has an address twice").help("remove one of them"));
            }
            to.push(read);
        }
    }
    (to.len() == number).then_some(to)
}

/// An address, which is not repeated: it may be anything, in the wrong place.
fn address(item: &Item<'_>, text: &str, (_, accounts): Around<'_>, findings: &mut Findings) -> Option<MailAddress> {
    let Some(address) = MailAddress::read(text) else {
        let message = format!("{} must be an e-mail address", item.subject());
        let help = "write the address alone, as in `soc@example.com`, in ASCII: without a name, `<`, quotes or blanks";
        findings.push(item.fault(Code::BadEmail, message).help(help));
        return None;
    };
    if is_zendesk(&address.domain, accounts) {
        let message = format!("{} leads into Zendesk, where those read it whom it is about", item.subject());
        let help = "name a mailbox that has nothing to do with the account";
        findings.push(item.fault(Code::BadEmail, message).help(help));
        return None;
    }
    Some(address)
}

fn prefix(item: &Item<'_>, findings: &mut Findings) -> Option<String> {
    let text = item.text(findings)?;
    if text.len() > PREFIX_BYTES_MAX || text.chars().any(is_harmful) {
        let message = format!("{} cannot begin a subject", item.subject());
        let help = format!("write at most {PREFIX_BYTES_MAX} bytes in one line");
        findings.push(item.fault(Code::BadName, message).help(help));
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_with;
    use super::*;

    const WHOLE: &str = "host = \"smtp.example.com\"\nfrom = \"evictd@example.com\"\nto = [\"soc@example.com\"]\n";

    fn smtp(lines: &str) -> Result<SmtpSettings, String> {
        read_with(&format!("[alerts.smtp]\n{lines}")).map(|settings| settings.alerts.smtp.unwrap())
    }

    /// The whole settings with this line in place of the one for the same key, or added.
    fn with(line: &str) -> Result<SmtpSettings, String> {
        let key = line.split_once(" = ").unwrap().0;
        let kept: Vec<_> = WHOLE.lines().filter(|kept| !kept.starts_with(&format!("{key} = "))).collect();
        smtp(&format!("{}\n{line}\n", kept.join("\n")))
    }

    #[test]
    fn three_keys_suffice_and_all_are_read() {
        let least = smtp(WHOLE).unwrap();
        assert_eq!((least.host.as_str(), least.port, least.tls), ("smtp.example.com", 465, SmtpTls::Implicit));
        assert_eq!((least.login, least.ca, least.subject_prefix.as_str()), (None, None, "evictd:"));
        let lines = "host = \"::1\"\nport = 2525\ntls = \"none\"\nuser = \"u\"\npassword = { file = \"s3cret\" }\n\
                     from = \"a+b.c@Example.COM\"\nto = [\"root@localhost\", \"soc@xn--mnchen-3ya.example\"]\n\
                     subject-prefix = \"[Büro]\"\n";
        let all = smtp(lines).unwrap();
        assert_eq!((all.host.as_str(), all.port, all.tls), ("::1", 2525, SmtpTls::None));
        assert_eq!(all.login.unwrap().password, SecretReference::File("/etc/evictd/s3cret".into()));
        assert_eq!(all.from.to_string(), "a+b.c@example.com");
        assert_eq!(all.to.iter().map(MailAddress::domain).collect::<Vec<_>>(), ["localhost", "xn--mnchen-3ya.example"]);
        assert_eq!(all.subject_prefix, "[Büro]");
        assert_eq!((with("tls = \"starttls\"").unwrap().port, with("subject-prefix = \"\"").is_ok()), (587, true));
        let own = with("ca = \"mail.pem\"").unwrap().ca;
        assert_eq!(own, Some(PathBuf::from("/etc/evictd/mail.pem")));
    }

    #[test]
    fn what_leads_into_zendesk_has_no_tls_or_is_no_address_is_refused_and_not_repeated() {
        for domain in ["acme.zendesk.com", "other.zendesk.com", "ZENDESK.com", "Proxy.example.com"] {
            for line in
                [format!("to = [\"soc@example.com\", \"s3cret@{domain}\"]"), format!("from = \"s3cret@{domain}\"")]
            {
                let said = with(&line).unwrap_err();
                assert!(said.contains("leads into Zendesk") && !said.contains("s3cret"), "{line}: {said}");
            }
        }
        for address in [
            "s3cret",
            "@example.com",
            "s3cret@",
            "a@s3cret@example.com",
            "s3cret <a@example.com>",
            "s3cret@acme.zendesk.com.",
            "s3cret@[127.0.0.1]",
            "\\\"s3cret\\\"@example.com",
            "s3cret @example.com",
            "s3cret@example.com\\r\\nBcc: x@y.z",
            "s3cret\\u0000@example.com",
            "s3crét@example.com",
            "s3cret@exämple.com",
            "s3cret.@example.com",
            "s3cret@exam_ple.com",
            "s3cret@example.com,b@example.com",
            "",
        ] {
            for line in [format!("to = [\"{address}\"]"), format!("from = \"{address}\"")] {
                let said = with(&line).unwrap_err();
                assert!(said.contains("must be an e-mail address") && !said.contains("s3cr"), "{line}: {said}");
            }
        }
        for host in ["acme.zendesk.com", "zendesk.com", "proxy.example.com"] {
            assert!(with(&format!("host = \"{host}\"")).unwrap_err().contains("leads into Zendesk"), "{host}");
        }
        for host in ["smtp.example.com:25", "smtp://x", "[::1]", "u:s3cret@x", "SMTP.example.com", "a b"] {
            let said = with(&format!("host = \"{host}\"")).unwrap_err();
            assert!(said.contains("is not a mail server") && !said.contains("s3cret"), "{host}: {said}");
        }
        assert!(with("tls = \"none\"").unwrap_err().contains("without TLS"));
        let inline = format!(
            "[alerts]\nsmtp = {{ {} }}\n",
            WHOLE.trim_end().replace('\n', ", ").replace("\"soc@", "\"soc@acme.")
        );
        assert!(read_with(&inline).is_ok(), "a domain that only looks like it is another");
    }

    #[test]
    fn other_faults_are_said_with_what_to_do() {
        for (line, why) in [
            ("to = []", "is empty"),
            ("to = \"soc@example.com\"", "must be a list"),
            ("to = [1]", "must be a text"),
            ("to = [\"a@example.com\", \"a@EXAMPLE.com\"]", "twice"),
            ("port = 0", "between 1 and 65535"),
            ("tls = \"maybe\"", "`tls` cannot be `maybe`"),
            ("user = \"u\"", "takes `user` and `password`"),
            ("password = { env = \"P\" }", "takes `user` and `password`"),
            ("user = \"a\\u0000b\"\npassword = { env = \"P\" }", "not a name to sign in with"),
            ("user = \"u\"\npassword = \"s3cret\"", "must say where the secret is found"),
            ("subject-prefix = \"a\\r\\nBcc: x@example.com\"", "cannot begin a subject"),
            ("host = \"localhost\"\ntls = \"none\"\nca = \"x\"", "does nothing without TLS"),
            ("pasword = 1", "did you mean `password`"),
        ] {
            let said = with(line).unwrap_err();
            assert!(said.contains(why) && !said.contains("s3cret"), "{line}: {said}");
        }
        let many: Vec<String> = (0..21).map(|number| format!("\"a{number}@example.com\"")).collect();
        assert!(with(&format!("to = [{}]", many.join(", "))).unwrap_err().contains("more than 20"));
        let none = smtp("").unwrap_err();
        assert!(["`host`", "`from`", "`to`"].iter().all(|key| none.contains(key)), "{none}");
    }
}
