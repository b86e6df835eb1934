//! The operator's own mapping: where in a line of JSON the person, the instant and the rest stand.

use std::fmt;

use crate::config::filled;
use crate::diagnostic::{Code, Findings, quoted};
use crate::document::{Item, Table};
use crate::model::Act;

/// No path is longer, in bytes.
const PATH_BYTES_MAX: usize = 256;
/// No path has more parts.
const PARTS_MAX: usize = 16;

/// Where in a line of JSON a value stands: keys of objects, and numbers of elements from 0, such as `user.email`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath(Vec<String>);

impl JsonPath {
    /// Reads parts with dots between them; none if a part is empty, or there are too many.
    pub fn new(text: &str) -> Option<Self> {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let is_good = text.len() <= PATH_BYTES_MAX && parts.len() <= PARTS_MAX;
        (is_good && parts.iter().all(|part| !part.trim().is_empty())).then_some(Self(parts))
    }

    /// Its parts, outermost first; never empty.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0.join("."))
    }
}

/// What the text for a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonIs {
    /// Their e-mail address.
    Email,
    /// The external id in their Zendesk record.
    ExternalId,
    /// The identity provider's own id of them.
    Subject,
}

impl PersonIs {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Email, Self::ExternalId, Self::Subject];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::ExternalId => "external-id",
            Self::Subject => "subject",
        }
    }
}

/// Which lines count: those that have one of these values in this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where {
    /// Where the value stands.
    pub path: JsonPath,
    /// The values; never empty. Whole numbers and `true` and `false` are written as texts.
    pub values: Vec<String>,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The instant.
    pub time: JsonPath,
    /// The person.
    pub person: JsonPath,
    /// What the text for the person is.
    pub person_is: PersonIs,
    /// The address.
    pub address: Option<JsonPath>,
    /// The agent string.
    pub agent: Option<JsonPath>,
    /// What the rows tell of.
    pub act: Act,
    /// Which lines count; without it all do.
    pub only: Option<Where>,
}

/// Reads `mapping`.
pub(super) fn read(item: &Item<'_>, findings: &mut Findings) -> Option<Mapping> {
    let mut table = item.table(findings)?;
    let time = table.required("time", findings).and_then(|item| path(&item, findings));
    let person = table.required("person", findings).and_then(|item| path(&item, findings));
    let person_is = table.required("person-is", findings).and_then(|item| {
        let words: Vec<_> = PersonIs::ALL.iter().map(|one| one.word()).collect();
        item.word(&words, |word| PersonIs::ALL.iter().copied().find(|one| one.word() == word), findings)
    });
    // What is there and cannot be read is in the findings: then nothing of this is used.
    let address = table.optional("address").and_then(|item| path(&item, findings));
    let agent = table.optional("agent").and_then(|item| path(&item, findings));
    let act = act(&mut table, findings);
    let only = table.optional("where").and_then(|item| only(&item, findings));
    table.finish(findings);
    Some(Mapping { time: time?, person: person?, person_is: person_is?, address, agent, act, only })
}

fn act(table: &mut Table<'_>, findings: &mut Findings) -> Act {
    let Some(item) = table.optional("act") else { return Act::SignIn };
    let words: Vec<_> = Act::ALL.iter().map(|act| act.word()).collect();
    let act = |word: &str| Act::ALL.iter().copied().find(|act| act.word() == word);
    item.word(&words, act, findings).unwrap_or(Act::SignIn)
}

fn only(item: &Item<'_>, findings: &mut Findings) -> Option<Where> {
    let mut table = item.table(findings)?;
    let path = table.required("path", findings).and_then(|item| path(&item, findings));
    let values = table.required("in", findings).and_then(|item| {
        let elements = item.array(findings)?;
        if elements.is_empty() {
            findings.push(item.fault(Code::EmptySet, "`in` is empty").help("name the values, as in `[\"login\"]`"));
        }
        Some(elements.iter().filter_map(|element| filled(element, findings).map(str::to_owned)).collect())
    });
    table.finish(findings);
    Some(Where { path: path?, values: values? })
}

fn path(item: &Item<'_>, findings: &mut Findings) -> Option<JsonPath> {
    let text = filled(item, findings)?;
    let path = JsonPath::new(text);
    if path.is_none() {
        let message = format!("{} is no path into a line of JSON", quoted(text));
        let help = format!("write keys with dots between them, as in `user.email`, {PARTS_MAX} at most");
        findings.push(item.fault(Code::BadPath, message).help(help));
    }
    path
}
