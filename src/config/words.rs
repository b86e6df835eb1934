//! What a text of the configuration has to look like, wherever it stands: not empty, a name, an e-mail address.

use crate::diagnostic::{Code, Findings, quoted};
use crate::document::Item;

/// A text that is not empty.
pub(super) fn filled<'d>(item: &Item<'d>, findings: &mut Findings) -> Option<&'d str> {
    let text = item.text(findings)?;
    if text.trim().is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("{} must not be empty", item.subject())));
        return None;
    }
    Some(text)
}

/// A key that names something, here `what`: it goes into paths, reports and records.
pub(super) fn plain_name<'d>(entry: &Item<'d>, what: &str, findings: &mut Findings) -> Option<&'d str> {
    let text = entry.key();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-') {
        return Some(text);
    }
    let help = "write 1 to 64 letters, digits, `-` and `_`, not beginning with `-`: it stands in paths and records too";
    findings.push(entry.fault_at_key(Code::BadName, format!("{} cannot name {what}", quoted(text))).help(help));
    None
}

/// One `@` with something on both sides and nothing that cannot be in an address: a typing aid, not a proof. At most
/// 254 bytes (RFC 5321, section 4.5.3.1.3, without its brackets).
pub fn looks_like_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let plausible = |part: &str| {
        !part.is_empty()
            && !part.contains(['@', ',', ';', '<', '>'])
            && !part.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    };
    text.len() <= 254 && parts.is_some_and(|(local, domain)| plausible(local) && plausible(domain))
}
