//! Lists in JSON. A document is walked once and nothing of it is kept but entries, so that memory stays that of the
//! entries whatever else is in it.
//!
//! A path is the keys that lead to the entries; arrays on the way are walked through. Every object on the way must have
//! a key of a path: one that has not would be entries lost unnoticed.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ListFault;
use super::gathered::Gathered;
use super::lines::filled;
use crate::address::Column;

/// Where a MISP warning list has its entries.
pub(super) const MISP_KEY: &str = "list";

/// Reads one document: without columns an array of entries, or an object with that array under `list`.
pub(super) fn read(text: &str, columns: &[Column], gathered: &mut Gathered) -> Result<(), ListFault> {
    gathered.by_lines = false;
    let mut paths = paths_of(columns);
    if columns.is_empty() && text.trim_start().starts_with('{') {
        paths = vec![vec![MISP_KEY.to_owned()]];
    }
    let mut walk = Walk { gathered, found: vec![false; paths.len()], stopped: None, line: None };
    walk.document(text, &paths).unwrap_or_else(|error| {
        walk.stopped.get_or_insert(ListFault::NotJson { line: error.line(), column: error.column() });
    });
    walk.finish(&paths)
}

/// Reads a value from each line: entries themselves, or objects that have them under a path.
pub(super) fn read_lines(text: &str, columns: &[Column], gathered: &mut Gathered) -> Result<(), ListFault> {
    let paths = paths_of(columns);
    let mut walk = Walk { gathered, found: vec![false; paths.len()], stopped: None, line: None };
    for (number, line) in filled(text) {
        walk.line = Some(number);
        let read = walk.document(line, &paths);
        if walk.stopped.is_some() {
            break;
        }
        if read.is_err() {
            walk.gathered.refuse(number, "it is not one JSON value")?;
        }
    }
    walk.finish(&paths)
}

/// Whether each line is a value of its own, as far as the first two tell.
pub(super) fn is_by_lines(text: &str) -> bool {
    let mut lines = filled(text).map(|(_, line)| serde_json::from_str::<IgnoredAny>(line).is_ok());
    lines.next() == Some(true) && lines.next().is_some()
}

fn paths_of(columns: &[Column]) -> Vec<Vec<String>> {
    if columns.is_empty() {
        return vec![Vec::new()];
    }
    let path = |column: &Column| match column {
        Column::Name(name) => name.split('.').map(str::to_owned).collect(),
        Column::Number(number) => vec![number.to_string()],
    };
    columns.iter().map(path).collect()
}

/// What a walk knows wherever it stands.
struct Walk<'g> {
    gathered: &'g mut Gathered,
    /// Which paths led to something.
    found: Vec<bool>,
    /// The fault that ended the walk.
    stopped: Option<ListFault>,
    /// The line, where each is a document.
    line: Option<usize>,
}

impl Walk<'_> {
    fn document(&mut self, text: &str, paths: &[Vec<String>]) -> serde_json::Result<()> {
        let rests = paths.iter().enumerate().map(|(path, keys)| Rest { path, keys }).collect();
        let mut document = serde_json::Deserializer::from_str(text);
        Step { walk: self, rests }.deserialize(&mut document)?;
        document.end()
    }

    fn finish(self, paths: &[Vec<String>]) -> Result<(), ListFault> {
        if let Some(fault) = self.stopped {
            return Err(fault);
        }
        let missing = paths.iter().zip(&self.found).find(|(path, found)| !path.is_empty() && !**found);
        missing.map_or(Ok(()), |(path, _)| Err(ListFault::NoColumn { name: path.join(".") }))
    }

    /// Takes in what stands where an entry is expected; none: something that is no entry.
    fn entry<E: Error>(&mut self, text: Option<&str>) -> Result<(), E> {
        let place = self.line.unwrap_or(self.gathered.seen() + 1);
        let taken = match text {
            Some(text) => self.gathered.take(place, text.trim()),
            None => self.gathered.refuse(place, "it is neither a text nor a whole number"),
        };
        taken.map_err(|fault| {
            self.stopped = Some(fault);
            E::custom("the list is too long")
        })
    }
}

/// What is left of a path.
#[derive(Clone, Copy)]
struct Rest<'p> {
    path: usize,
    keys: &'p [String],
}

/// One value of the document, and the paths that lead on from it.
struct Step<'w, 'g, 'p> {
    walk: &'w mut Walk<'g>,
    rests: Vec<Rest<'p>>,
}

impl Step<'_, '_, '_> {
    /// A value without anything inside: an entry if a path ends here, else a path that leads nowhere.
    fn leaf<E: Error>(self, text: Option<&str>) -> Result<(), E> {
        let is_end = self.rests.iter().any(|rest| rest.keys.is_empty());
        self.walk.entry(text.filter(|_| is_end))
    }
}

impl<'de> DeserializeSeed<'de> for Step<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("entries of a list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.leaf(Some(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.leaf(Some(&number.to_string()))
    }

    fn visit_i64<E: Error>(self, _number: i64) -> Result<(), E> {
        self.leaf(None)
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<(), E> {
        self.leaf(None)
    }

    fn visit_bool<E: Error>(self, _truth: bool) -> Result<(), E> {
        self.leaf(None)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.leaf(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { walk, rests } = self;
        while elements.next_element_seed(Step { walk: &mut *walk, rests: rests.clone() })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { walk, rests } = self;
        let mut leads_on = false;
        while let Some(key) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
            let on = |rest: &Rest<'_>| rest.keys.first().is_some_and(|first| **first == *key);
            let further: Vec<Rest<'_>> = rests
                .iter()
                .filter(|rest| on(rest))
                .map(|rest| Rest { keys: rest.keys.get(1..).unwrap_or_default(), ..*rest })
                .collect();
            if further.is_empty() {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            leads_on = true;
            for rest in further.iter().filter(|rest| rest.keys.is_empty()) {
                walk.found.iter_mut().skip(rest.path).take(1).for_each(|found| *found = true);
            }
            entries.next_value_seed(Step { walk: &mut *walk, rests: further })?;
        }
        if leads_on { Ok(()) } else { walk.entry(None) }
    }
}
