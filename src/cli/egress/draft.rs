//! A proposal as entries of a policy file: a list of networks and a rule that only reports, with two cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use super::suggest::{Network, Suggestions};

/// Bytes of a domain in a name; names of lists have 64 at most.
const NAME_BYTES_MAX: usize = 48;

/// Addresses for documentation, which are nobody's: one that is not proposed serves in a case.
const ELSEWHERE: [&str; 3] = ["192.0.2.1", "198.51.100.1", "203.0.113.1"];

/// The drafts of all domains for which something is proposed and whose names can stand in a file as they are.
pub(super) fn drafts(suggestions: &Suggestions) -> BTreeMap<String, Draft> {
    let mut taken = BTreeSet::new();
    let mut drafts = BTreeMap::new();
    for (domain, suggestion) in &suggestions.domains {
        if is_plain(domain) && !suggestion.networks.is_empty() {
            let name = name_of(domain, &mut taken);
            let text = draft(domain, &name, &suggestion.networks);
            drafts.insert(domain.clone(), Draft { name, text });
        }
    }
    drafts
}

/// A list and a rule, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    /// What names of lists and rules begin with.
    pub(super) name: String,
    /// What stands in the file.
    pub(super) text: String,
}

/// Domains come from others: what is no plain host name is not put into a file.
fn is_plain(domain: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    !domain.is_empty() && domain.len() <= 253 && domain.bytes().all(is_letter)
}

/// The domain as a name, with a number if another has the same.
fn name_of(domain: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = domain.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let plain: String = plain.take(NAME_BYTES_MAX).collect();
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let mut free = std::iter::once(plain.clone()).chain(numbered).filter(|name| !taken.contains(name));
    let name = free.next().unwrap_or(plain);
    taken.insert(name.clone());
    name
}

fn draft(domain: &str, name: &str, networks: &[Network]) -> String {
    let entries: Vec<String> = networks.iter().map(|network| format!("  \"{}\",\n", network.block)).collect();
    let entries = entries.concat();
    let mut text = format!(
        "[list.{name}-egress]\nentries = [\n{entries}]\n\n[[rule]]\nid       = \"{name}-elsewhere\"\n\
         title    = \"Session of {domain} used outside the networks its people come from\"\n\
         action   = \"revoke-session\"\nseverity = \"high\"\nmode     = \"report\"\n\n[rule.when]\n\
         user.role.in           = [\"agent\", \"admin\"]\nuser.email-domain.in   = [\"{domain}\"]\n\
         network.address.not-in = [\"@{name}-egress\"]\n"
    );
    let is_outside = |address: &IpAddr| networks.iter().all(|network| !network.block.contains(*address));
    let outside = ELSEWHERE.iter().filter_map(|address| address.parse().ok()).find(is_outside);
    let inside = networks.first().map(|network| network.block.first());
    let cases = [("from one of these networks stays", inside, "keep"), ("somewhere else goes", outside, "revoke")];
    for (title, address, expect) in cases {
        if let Some(address) = address {
            let written = write!(
                text,
                "\n[[rule.case]]\ntitle  = \"{title}\"\ngiven  = {{ user.role = \"agent\", user.email = \"a@{domain}\", \
                 network.address = \"{address}\" }}\nexpect = \"{expect}\"\n"
            );
            debug_assert!(written.is_ok());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_host_names_are_put_into_a_file() {
        for (domain, plain) in [
            ("vendor.example", true),
            ("a-b_c.example", true),
            ("", false),
            ("Vendor.example", false),
            ("a\"b", false),
            ("a\nb", false),
            ("b\u{fc}cher.example", false),
        ] {
            assert_eq!(is_plain(domain), plain, "{domain}");
        }
        assert!(!is_plain(&"a".repeat(254)));
    }

    #[test]
    fn names_are_short_and_no_two_are_the_same() {
        let mut taken = BTreeSet::new();
        let long = "a".repeat(200);
        let names = ["a.b.example", "a-b.example", "a_b.example", &long].map(|domain| name_of(domain, &mut taken));
        assert_eq!(names[..3], ["a-b-example", "a-b-example-2", "a-b-example-3"]);
        assert_eq!(names[3].len(), NAME_BYTES_MAX);
    }
}
