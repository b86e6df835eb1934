//! What kind of program: decided by the marks in an agent string, the surest first.
//!
//! A wrong `script`, `headless` or `bot` signs a person out, so each of these needs a mark of its own; nothing is one of
//! them for want of something better. What bears no mark at all is an unknown agent.

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::marks::{Mark, ROWS, Row};
use crate::model::ClientKind;

/// Names of crawlers, one pattern a line.
const CRAWLERS: &str = include_str!("../../data/clients/crawlers.txt");

/// What the patterns may take up compiled, in bytes: several times what they do.
const COMPILED_BYTES_MAX: usize = 32 << 20;

pub(super) struct Kinds {
    marks: RegexSet,
    crawlers: Regex,
}

impl Kinds {
    pub(super) fn load() -> Option<Self> {
        let patterns = ROWS.iter().map(Row::pattern);
        let marks = RegexSetBuilder::new(patterns).unicode(false).size_limit(COMPILED_BYTES_MAX).build().ok()?;
        let names: Vec<&str> = CRAWLERS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let crawlers = RegexBuilder::new(&format!("(?:^|[^0-9A-Za-z])(?:{})", names.join("|")))
            .unicode(false)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .ok()?;
        Some(Self { marks, crawlers })
    }

    pub(super) fn kind_of(&self, agent: &str) -> ClientKind {
        let agent = without_model(agent);
        let agent = agent.as_bytes();
        let marks: Vec<Mark> =
            self.marks.matches(agent).iter().filter_map(|at| ROWS.get(at)).map(|row| row.mark).collect();
        let has = |mark| marks.contains(&mark);
        let mozilla = has(Mark::Mozilla);
        let named = !has(Mark::Nameless);
        let phone_app = named && !mozilla && has(Mark::Phone);
        let app = named && (has(Mark::App) || !mozilla && has(Mark::AppLine));
        let browser = mozilla && has(Mark::Engine);
        let robot = has(Mark::Crawler)
            || self.crawlers.is_match(agent)
            || has(Mark::Compatible) && !has(Mark::OldBrowser)
            || has(Mark::Modern) && !has(Mark::Engine) && !has(Mark::Device) && !has(Mark::NamedBrowser);
        let robotic = has(Mark::Robotic) && !browser && !app && !phone_app && !has(Mark::NamedBrowser);
        if has(Mark::Ours) {
            ClientKind::MobileApp
        } else if has(Mark::Library) && !has(Mark::Contact) {
            ClientKind::Script
        } else if has(Mark::Contact) && !phone_app || (robot || robotic) && !(has(Mark::NamedApp) && has(Mark::Device))
        {
            ClientKind::Bot
        } else if has(Mark::Driven) {
            ClientKind::Headless
        } else if has(Mark::NamedApp) {
            ClientKind::MobileApp
        } else if has(Mark::NamedBrowser) {
            ClientKind::Browser
        } else if app {
            ClientKind::MobileApp
        } else if has(Mark::BuiltWith) && !browser {
            ClientKind::Script
        } else if browser || has(Mark::Engine) && has(Mark::Device) || mozilla && has(Mark::Phone) {
            ClientKind::Browser
        } else if phone_app {
            ClientKind::MobileApp
        } else {
            ClientKind::Unknown
        }
    }
}

/// The string without the model that stands in parentheses behind `Android`: phones are called whatever their makers
/// like, `Cubot` and `Discovery` too. Behind its build others may have added a name.
fn without_model(agent: &str) -> Cow<'_, str> {
    let model = agent.split_once("Android").and_then(|(before, after)| {
        let inside = before.rfind('(') > before.rfind(')');
        let end = after.find(')')?;
        let built = after.find("Build/").and_then(|at| Some(at + after.get(at..)?.find([';', ')'])?));
        let rest = after.get(built.unwrap_or(end).min(end)..)?;
        inside.then(|| format!("{before}Android{rest}").into())
    });
    model.unwrap_or(agent.into())
}
