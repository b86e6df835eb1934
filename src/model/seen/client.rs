//! What is known about a program from its user-agent string: family, version, system, kind.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A program that talked to Zendesk, as its agent string tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name, such as `Firefox`; none if the string does not tell.
    pub family: Option<Box<str>>,
    /// Its version, as far as the string can be believed.
    pub version: Option<Version>,
    /// The operating system, such as `Windows`.
    pub system: Option<Box<str>>,
    /// The system's version, as far as the string can be believed.
    pub system_version: Option<Version>,
    /// What kind of program it is.
    pub kind: ClientKind,
}

impl Client {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self { family: None, version: None, system: None, system_version: None, kind: ClientKind::Unknown }
    }
}

/// What kind of program a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientKind {
    /// A browser that somebody sits at.
    Browser,
    /// An app on a phone or tablet.
    MobileApp,
    /// An HTTP client that nobody sits at: a library, a command line tool.
    Script,
    /// A browser driven by a program.
    Headless,
    /// A crawler, monitor or feed reader that says so.
    Bot,
    /// None of these can be told from the string, or there is none.
    Unknown,
}

impl ClientKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Browser, Self::MobileApp, Self::Script, Self::Headless, Self::Bot, Self::Unknown];

    /// The word in policies and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::MobileApp => "mobile-app",
            Self::Script => "script",
            Self::Headless => "headless",
            Self::Bot => "bot",
            Self::Unknown => "unknown-agent",
        }
    }

    /// The kind with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

/// A version of at most four numbers, such as `120.0.6099.71`. It says as much as it has numbers: `120` may be any `120.x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    parts: [u32; 4],
    known: u8,
}

impl Version {
    /// The version with these numbers; none if there are none. Numbers after the fourth are left out.
    pub fn new(parts: &[u32]) -> Option<Self> {
        let mut version = Self { parts: [0; 4], known: u8::try_from(parts.len().min(4)).ok()? };
        for (place, part) in version.parts.iter_mut().zip(parts) {
            *place = *part;
        }
        (version.known > 0).then_some(version)
    }

    /// The numbers that are known.
    pub fn parts(&self) -> &[u32] {
        self.parts.get(..usize::from(self.known)).unwrap_or_default()
    }

    /// The version with at most this many of its numbers, at least one.
    #[must_use]
    pub fn truncated(self, known: u8) -> Self {
        Self::new(self.parts().get(..usize::from(known.clamp(1, self.known))).unwrap_or_default()).unwrap_or(self)
    }

    /// How it compares to a limit that is written out: none if that depends on numbers it does not have. What the limit
    /// leaves out is zero.
    pub fn compared_to(&self, limit: &Self) -> Option<Ordering> {
        let known = usize::from(self.known);
        for (at, (own, other)) in self.parts.iter().zip(&limit.parts).enumerate() {
            if at >= known {
                // Its own numbers end here, all alike so far: what follows is at least zero.
                let rest_is_zero = limit.parts.iter().skip(at).all(|part| *part == 0);
                return rest_is_zero.then_some(Ordering::Equal);
            }
            match own.cmp(other) {
                Ordering::Equal => {}
                unequal => return Some(unequal),
            }
        }
        Some(Ordering::Equal)
    }
}

impl FromStr for Version {
    type Err = ();

    /// Reads one to four whole numbers with dots between.
    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        parts.filter(|parts| parts.len() <= 4).and_then(|parts| Self::new(&parts)).ok_or(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts().iter().map(ToString::to_string).collect();
        out.pad(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &str, limit: &str, expected: Option<Ordering>) {
        let read = |text: &str| text.parse::<Version>().unwrap();
        assert_eq!(read(own).compared_to(&read(limit)), expected, "{own} to {limit}");
    }

    #[test]
    fn a_version_compares_as_far_as_it_is_known() {
        check("119", "120", Some(Ordering::Less));
        check("119.9", "120", Some(Ordering::Less));
        check("120", "119.5", Some(Ordering::Greater));
        check("120", "120.1", None);
        check("120", "120", Some(Ordering::Equal));
        check("120", "120.0.0", Some(Ordering::Equal));
        check("120.0.1", "120", Some(Ordering::Greater));
        check("8.9.1", "8.10", Some(Ordering::Less));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", ".", "1.", "a", "1.2.3.4.5", "-1", "4294967296", " 1"] {
            assert_eq!(text.parse::<Version>(), Err(()), "{text}");
        }
        assert_eq!("17.4.1".parse::<Version>().unwrap().truncated(1).to_string(), "17");
    }
}
