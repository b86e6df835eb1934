//! Labelled agent strings, and how often what is told about them is right. The labels are those of the public suites
//! that people collect; nothing is read from a file or printed here.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clients::client_of;
use crate::model::{ClientKind, Foreign, Version};

/// What a line says about an agent string.
#[derive(Debug)]
pub(super) struct Labelled {
    agent: String,
    label: Label,
}

#[derive(Debug)]
enum Label {
    /// By its class; and by its tag, if that says something else.
    Kind(ClientKind, Option<ClientKind>),
    /// No name: there is none to tell.
    Family(String, Option<Version>),
    System(String, Option<Version>),
}

impl Labelled {
    /// Reads a line; else what is wrong with it, to be said behind its number.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let row: Value = serde_json::from_str(line).ok().ok_or("is no JSON")?;
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let agent = row.get("ua").and_then(Value::as_str).ok_or("has no text `ua`")?.to_owned();
        let class = row.get("class").and_then(Value::as_str).ok_or("has no text `class`")?;
        let label = match class {
            "uap_ua" => Label::Family(text("family").replace("Other", ""), version(&row)),
            "uap_os" => Label::System(system(text("family")).replace("Other", ""), version(&row)),
            "os" => Label::System(system(text("name")).to_owned(), version(&row)),
            class => {
                let kind = kind(class).ok_or_else(|| format!("has the unknown class `{}`", Foreign::new(class)))?;
                Label::Kind(kind, tagged(&row).filter(|tagged| *tagged != kind))
            }
        };
        Ok(Self { agent, label })
    }
}

/// Our own words, and those of the suites.
fn kind(class: &str) -> Option<ClientKind> {
    match class {
        "library" => Some(ClientKind::Script),
        "feed_reader" => Some(ClientKind::Bot),
        "mobile_app" => Some(ClientKind::MobileApp),
        word => ClientKind::from_word(word),
    }
}

/// crawler-user-agents lists whatever is not a person under one heading, and tells libraries and driven browsers by tag.
fn tagged(row: &Value) -> Option<ClientKind> {
    row.get("tags")?.as_array()?.iter().find_map(|tag| match tag.as_str()? {
        "http-library" => Some(ClientKind::Script),
        "browser-automation" => Some(ClientKind::Headless),
        _ => None,
    })
}

/// The suites' other names for what is told under one.
fn system(name: &str) -> &str {
    match name {
        "Mac" | "Mac OS X" | "Mac OS" => "macOS",
        "GNU/Linux" => "Linux",
        "iPadOS" => "iOS",
        "ATV OS X" => "tvOS",
        name => name,
    }
}

/// As far as it is made of numbers.
fn version(row: &Value) -> Option<Version> {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let written = match row.get("major") {
        Some(_) => [text("major"), text("minor")].join("."),
        None => text("version"),
    };
    let numbers: Vec<u32> = written.split('.').map_while(|part| part.parse().ok()).collect();
    Version::new(&numbers)
}

/// How often what was told is right.
#[derive(Debug, Default)]
pub(super) struct Score {
    pub(super) rows: usize,
    /// Right where class or tag says so.
    pub(super) kinds: Kinds,
    /// Right where the class says so.
    pub(super) by_class: Kinds,
    pub(super) family: Named,
    pub(super) system: Named,
    pub(super) misses: Vec<Miss>,
}

/// Labelled kind, told kind, how often.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    cells: BTreeMap<(ClientKind, ClientKind), u32>,
}

/// One kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) labelled: u32,
    pub(super) told: u32,
    pub(super) right: u32,
}

/// Families, or systems.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) rows: u32,
    pub(super) right: u32,
    /// Of the right ones with a labelled version: it agrees as far as both are known.
    pub(super) versions_right: u32,
    pub(super) versions_wrong: u32,
    pub(super) versions_untold: u32,
}

/// A kind that was told wrong.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) line: usize,
    pub(super) labelled: ClientKind,
    pub(super) told: ClientKind,
    pub(super) agent: String,
}

impl Score {
    /// Tells the client and compares it.
    pub(super) fn add(&mut self, line: usize, labelled: &Labelled) {
        let client = client_of(&labelled.agent);
        self.rows += 1;
        match &labelled.label {
            Label::Kind(by_class, by_tag) => {
                let told = client.kind;
                let right = if *by_tag == Some(told) { told } else { *by_class };
                self.kinds.add(right, told);
                self.by_class.add(*by_class, told);
                if right != told {
                    self.misses.push(Miss { line, labelled: right, told, agent: labelled.agent.clone() });
                }
            }
            Label::Family(name, version) => self.family.add((name, *version), client.family.as_deref(), client.version),
            Label::System(name, version) => {
                self.system.add((name, *version), client.system.as_deref(), client.system_version);
            }
        }
    }
}

impl Kinds {
    fn add(&mut self, labelled: ClientKind, told: ClientKind) {
        *self.cells.entry((labelled, told)).or_default() += 1;
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = ((ClientKind, ClientKind), u32)> {
        self.cells.iter().map(|(cell, count)| (*cell, *count))
    }

    /// Every kind that a row is labelled with: of others a file says nothing.
    pub(super) fn figures(&self) -> impl Iterator<Item = (ClientKind, Figures)> {
        let figures = |kind: &ClientKind| {
            let sum = |wanted: &dyn Fn(ClientKind, ClientKind) -> bool| {
                self.cells().filter(|((labelled, told), _)| wanted(*labelled, *told)).map(|(_, count)| count).sum()
            };
            let labelled = sum(&|labelled, _| labelled == *kind);
            let told = sum(&|_, told| told == *kind);
            (*kind, Figures { labelled, told, right: sum(&|labelled, told| labelled == *kind && told == *kind) })
        };
        ClientKind::ALL.iter().map(figures).filter(|(_, one)| one.labelled > 0)
    }
}

impl Named {
    fn add(&mut self, labelled: (&str, Option<Version>), told: Option<&str>, version: Option<Version>) {
        let (name, labelled_version) = labelled;
        self.rows += 1;
        if !told.unwrap_or_default().eq_ignore_ascii_case(name) {
            return;
        }
        self.right += 1;
        match (labelled_version, version) {
            (None, _) => {}
            (Some(_), None) => self.versions_untold += 1,
            (Some(labelled), Some(told)) if labelled.parts().iter().zip(told.parts()).all(|(a, b)| a == b) => {
                self.versions_right += 1;
            }
            _ => self.versions_wrong += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(lines: &[&str]) -> Score {
        let mut score = Score::default();
        for (number, line) in (1..).zip(lines) {
            score.add(number, &Labelled::read(line).unwrap());
        }
        score
    }

    fn figures(kinds: &Kinds) -> Vec<(&'static str, u32, u32, u32)> {
        kinds.figures().map(|(kind, one)| (kind.word(), one.labelled, one.told, one.right)).collect()
    }

    #[test]
    fn precision_and_recall_count_what_was_labelled_and_what_was_told() {
        let score = scored(&[
            r#"{"ua": "curl/8.9.1", "class": "library"}"#,
            r#"{"ua": "Googlebot/2.1 (+http://www.google.com/bot.html)", "class": "feed_reader"}"#,
            r#"{"ua": "curl/8.9.1", "class": "bot"}"#,
            r#"{"ua": "", "class": "mobile_app"}"#,
        ]);
        assert_eq!(figures(&score.kinds), [("mobile-app", 1, 0, 0), ("script", 1, 2, 1), ("bot", 2, 1, 1)]);
        assert_eq!(score.misses.iter().map(|miss| miss.line).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn a_tag_that_says_another_kind_than_the_class_is_right_too() {
        let tagged = r#"{"ua": "curl/8.9.1", "class": "bot", "tags": ["http-library"]}"#;
        let score = scored(&[tagged]);
        assert_eq!(figures(&score.kinds), [("script", 1, 1, 1)]);
        assert_eq!(figures(&score.by_class), [("bot", 1, 0, 0)]);
    }

    #[test]
    fn a_version_that_is_known_less_far_than_its_label_agrees_with_it() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
        let row = |class: &str, rest: &str| format!(r#"{{"ua": "{firefox}", "class": "{class}", {rest}}}"#);
        let score = scored(&[
            &row("uap_ua", r#""family": "Firefox", "major": "130", "minor": "0""#),
            &row("uap_ua", r#""family": "Firefox", "major": "131", "minor": "0""#),
            &row("uap_ua", r#""family": "Chrome", "major": "130""#),
            &row("os", r#""name": "GNU/Linux", "version": "5""#),
            r#"{"ua": "", "class": "uap_os", "family": "Other", "major": null}"#,
        ]);
        let Named { rows, right, versions_right, versions_wrong, versions_untold } = score.family;
        assert_eq!((rows, right, versions_right, versions_wrong, versions_untold), (3, 2, 1, 1, 0));
        let Named { rows, right, versions_untold, .. } = score.system;
        assert_eq!((rows, right, versions_untold), (2, 2, 1));
    }

    #[test]
    fn a_line_that_says_nothing_is_refused() {
        for (line, why) in [
            ("{", "is no JSON"),
            ("[]", "has no text `ua`"),
            (r#"{"ua": 1, "class": "bot"}"#, "has no text `ua`"),
            (r#"{"ua": "a"}"#, "has no text `class`"),
            (r#"{"ua": "a", "class": "robot"}"#, "has the unknown class `robot`"),
        ] {
            assert_eq!(Labelled::read(line).unwrap_err(), why, "{line}");
        }
    }
}
