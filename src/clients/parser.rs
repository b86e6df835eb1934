//! Family, version and system: by the patterns of uap-core, which ship as JSON (`data/clients`), and by a few rules of
//! our own for what those do not know. The names are uap-core's but for `macOS`, which it calls by its old names.

use ua_parser::{Regexes, os, user_agent};

use super::belief;
use crate::model::{Client, ClientKind, Version};

const PATTERNS: &str = include_str!("../../data/clients/agents.json");

/// Families that uap-core does not know, by what stands before their version.
const OWN: &[(&str, &str)] = &[
    ("Zendesk-SDK/", "Zendesk SDK"),
    ("Zendesk/", "Zendesk Support"),
    ("Zendesk Support/", "Zendesk Support"),
    ("Zendesk%20Support/", "Zendesk Support"),
    ("com.zendesk.agent", "Zendesk Support"),
    ("com.zendesk.android", "Zendesk Support"),
    ("WindowsPowerShell/", "PowerShell"),
    ("PowerShell/", "PowerShell"),
];

/// No program's name is longer, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A name and as much of the version as stands there.
type Named = (Box<str>, Option<Version>);

pub(super) struct Parser {
    programs: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
}

impl Parser {
    pub(super) fn load() -> Option<Self> {
        let patterns: Regexes<'static> = serde_json::from_str(PATTERNS).ok()?;
        let programs = user_agent::Builder::new().push_all(patterns.user_agent_parsers).ok()?.build().ok()?;
        let systems = os::Builder::new().push_all(patterns.os_parsers).ok()?.build().ok()?;
        Some(Self { programs, systems })
    }

    /// Everything but the kind.
    pub(super) fn client(&self, agent: &str) -> Client {
        let (family, version) = own(agent).or_else(|| self.program(agent)).or_else(|| first(agent)).unzip();
        let (system, system_version) = self.system(agent).unzip();
        Client {
            version: version.flatten().map(|version| belief::version(family.as_deref().unwrap_or(""), version)),
            family,
            system_version: system_version.flatten(),
            system,
            kind: ClientKind::Unknown,
        }
    }

    fn program(&self, agent: &str) -> Option<Named> {
        let told = self.programs.extract(agent)?;
        // A library or web view in somebody's app: the app stands first, and is what was asked for.
        let inside = match &*told.family {
            "okhttp" => !agent.starts_with("okhttp"),
            "Mobile Safari UI/WKWebView" => !agent.starts_with("Mozilla"),
            _ => false,
        };
        if inside && let Some(app) = first(agent) {
            return Some(app);
        }
        let version = numbers([told.major, told.minor, told.patch, told.patch_minor]);
        Some((known(&told.family)?.replace("%20", " ").into(), version))
    }

    fn system(&self, agent: &str) -> Option<Named> {
        // Apple's network library says the kernel's version; only a Mac's is followed by an Intel machine.
        if agent.contains("Darwin") && (agent.contains("(x86_64") || !agent.contains("CFNetwork/") && is_mac(agent)) {
            return Some(("macOS".into(), None));
        }
        let told = self.systems.extract(agent)?;
        let name = match known(&told.os)? {
            "Mac OS X" | "Mac OS" => "macOS",
            "ATV OS X" => "tvOS",
            "WatchOS" => "watchOS",
            "Web0S" => "webOS",
            name => name,
        };
        let parts = [&told.major, &told.minor, &told.patch, &told.patch_minor];
        let version = numbers(parts.map(Option::as_deref));
        Some((name.into(), version.and_then(|version| belief::system_version(agent, name, version))))
    }
}

/// Whether nothing says that a Darwin system is a telephone or a watch.
fn is_mac(agent: &str) -> bool {
    !["iPhone", "iPad", "iOS", "Watch", "tvOS"].iter().any(|device| agent.contains(device))
}

fn own(agent: &str) -> Option<Named> {
    let (before, family) = OWN.iter().find(|(before, _)| agent.contains(before))?;
    let (_, version) = agent.split_once(before)?;
    Some(((*family).into(), leading(version.trim_start_matches('/'))))
}

/// The first product, as in `name/1.2 …`, of a string that does not pretend to be a browser.
fn first(agent: &str) -> Option<Named> {
    let (name, version) = agent.split_once('/')?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " ._-+".contains(letter);
    let is_name = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.chars().all(plain)
        && !name.eq_ignore_ascii_case("mozilla");
    is_name.then(|| (name.into(), leading(version)))
}

/// The version that a text begins with.
fn leading(text: &str) -> Option<Version> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let mut parts = text.get(..end)?.split('.').map(Some);
    numbers(std::array::from_fn(|_| parts.next().flatten()))
}

/// The numbers up to the first part that is none, such as `0a2`.
fn numbers(parts: [Option<&str>; 4]) -> Option<Version> {
    let numbers: Vec<u32> = parts.into_iter().map_while(|part| part?.parse().ok()).collect();
    Version::new(&numbers)
}

/// A name, unless it says that there is none.
fn known(name: &str) -> Option<&str> {
    (!name.trim().is_empty() && name != "Other").then_some(name)
}
