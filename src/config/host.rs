//! The one host an account's credentials may go to.
//!
//! Written by hand and stricter than any URL: what is not plainly a scheme, a host and a port is refused, so that no
//! two readers can disagree about where a credential goes.

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;

use super::filled;
use crate::diagnostic::{Code, Diagnostic, Findings, quoted};
use crate::document::{Item, Table};

/// Scheme, host and port; no path. TLS unless it is this very machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    origin: String,
    loopback: bool,
}

impl Host {
    /// The beginning of every URL, without a slash at its end: `https://acme.zendesk.com`.
    pub fn base_url(&self) -> &str {
        &self.origin
    }

    /// Whether it is this very machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.origin)
    }
}

/// Reads `subdomain` or `base-url`, exactly one, with `dangerous-base-url`.
pub(super) fn read(table: &mut Table<'_>, findings: &mut Findings) -> Option<Host> {
    let subdomain = table.optional("subdomain");
    let base_url = table.optional("base-url");
    let dangerous = table.optional("dangerous-base-url");
    let allowed = dangerous.as_ref().and_then(|item| item.boolean(findings)).unwrap_or(false);
    match (subdomain, base_url) {
        (Some(subdomain), None) => {
            if let Some(item) = dangerous.filter(|_| allowed) {
                let message = "`dangerous-base-url` does nothing without `base-url`";
                findings.push(item.fault_at_key(Code::DangerousSetting, message).help("remove it"));
            }
            from_subdomain(&subdomain, findings)
        }
        (None, Some(base_url)) => from_base_url(&base_url, allowed, findings),
        (Some(_), Some(base_url)) => {
            let message = "`base-url` stands beside `subdomain`";
            findings.push(base_url.fault_at_key(Code::BadHost, message).help("keep one of the two"));
            None
        }
        (None, None) => {
            let help = "add `subdomain = \"…\"`, the first part of the account's address at zendesk.com";
            findings.push(table.fault(Code::BadHost, "`subdomain` is missing").help(help));
            None
        }
    }
}

fn from_subdomain(item: &Item<'_>, findings: &mut Findings) -> Option<Host> {
    let text = item.text(findings)?;
    if is_label(text) {
        return Some(Host { origin: format!("https://{text}.zendesk.com"), loopback: false });
    }
    let fault = item.fault(Code::BadHost, format!("{} is not a subdomain", quoted(text)));
    let bare = text.trim_start_matches("https://").split('.').next().filter(|part| is_label(part));
    findings.push(fault.help(match bare {
        Some(bare) if bare != text => format!("write only `{bare}`"),
        _ => "write 1 to 63 small letters, digits and `-`, beginning and ending with a letter or digit".to_owned(),
    }));
    None
}

/// One label of a host name, in small letters (RFC 1123, section 2.1).
fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}

fn from_base_url(item: &Item<'_>, dangerous: bool, findings: &mut Findings) -> Option<Host> {
    let text = filled(item, findings)?;
    let refuse = |message: String, help: &str| -> Diagnostic {
        let fault = item.fault(Code::BadHost, message).help(help);
        if text.contains('@') { fault.conceal() } else { fault }
    };
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    let Some((secure, host)) = parts(trimmed) else {
        findings.push(refuse(
            "`base-url` is not a scheme, a host and perhaps a port".to_owned(),
            "write it as in `http://127.0.0.1:8080`, in small letters, without path, user or query",
        ));
        return None;
    };
    let loopback = is_loopback(host);
    let origin = trimmed.to_owned();
    if loopback || (secure && dangerous) {
        return Some(Host { origin, loopback });
    }
    findings.push(if secure {
        refuse(
            format!("credentials would go to {}, which is not this machine", quoted(host)),
            "name the account by `subdomain`; only for a proxy of your own set `dangerous-base-url = true`",
        )
    } else {
        refuse(format!("credentials would go to {} without TLS", quoted(host)), "write `https://`")
    });
    None
}

/// Whether it is TLS, and the host.
pub(super) fn parts(url: &str) -> Option<(bool, &str)> {
    let (scheme, authority) = url.split_once("://")?;
    let secure = match scheme {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']')?;
            inside.parse::<Ipv6Addr>().ok()?;
            (authority.get(..inside.len() + 2)?, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_host = address(host).is_some() || is_name(host);
    (is_host && port.is_none_or(is_port)).then_some((secure, host))
}

/// Whether it is the name of a host, in small letters (RFC 1123, section 2.1).
pub(super) fn is_name(host: &str) -> bool {
    host.len() <= 253 && host.split('.').all(is_label)
}

/// Whether it is this very machine. Names but `localhost` are not, wherever they may point.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}
