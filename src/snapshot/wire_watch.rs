//! The part of the document about what is remembered of earlier cycles and only compared with: who else of staff was near,
//! and how much evidence there usually is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Neighbours;
use super::back::{maybe, read};
use super::wire_places::address_of;
use crate::model::{RuleId, UserId, Watched};

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WireNeighbours {
    since: Option<String>,
    blocks: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    astray: Vec<String>,
}

/// In thousandths, by id of the rule and by name of the source.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WireUsual {
    #[serde(default)]
    rules: BTreeMap<String, u16>,
    #[serde(default)]
    sources: BTreeMap<String, u16>,
}

impl WireNeighbours {
    pub(super) fn is_empty(&self) -> bool {
        self.since.is_none() && self.blocks.is_empty() && self.astray.is_empty()
    }
}

impl From<&Neighbours> for WireNeighbours {
    fn from(neighbours: &Neighbours) -> Self {
        let ids = |users: &BTreeSet<UserId>| users.iter().map(ToString::to_string).collect();
        Self {
            since: neighbours.since.map(|since| since.to_string()),
            blocks: neighbours.blocks.iter().map(|(block, users)| (block.to_string(), ids(users))).collect(),
            astray: ids(&neighbours.astray),
        }
    }
}

impl TryFrom<WireNeighbours> for Neighbours {
    type Error = String;

    fn try_from(wire: WireNeighbours) -> Result<Self, String> {
        let ids = |users: &[String]| -> Result<BTreeSet<UserId>, String> {
            users.iter().map(|user| read("neighbours", user)).collect()
        };
        let block = |(block, users): (&String, &Vec<String>)| Ok((address_of("neighbours", block)?, ids(users)?));
        Ok(Self {
            since: maybe("neighbours.since", wire.since.as_deref())?,
            blocks: wire.blocks.iter().map(block).collect::<Result<_, String>>()?,
            astray: ids(&wire.astray)?,
        })
    }
}

impl WireUsual {
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.sources.is_empty()
    }

    pub(super) fn of(usual: &BTreeMap<Watched, u16>) -> Self {
        let mut wire = Self::default();
        for (watched, thousandths) in usual {
            let table = match watched {
                Watched::Rule(_) => &mut wire.rules,
                Watched::Source(_) => &mut wire.sources,
            };
            table.insert(watched.name().to_owned(), *thousandths);
        }
        wire
    }

    pub(super) fn usual(self) -> BTreeMap<Watched, u16> {
        let rules = self.rules.into_iter().map(|(rule, usual)| (Watched::Rule(RuleId::new(rule)), usual));
        let sources = self.sources.into_iter().map(|(source, usual)| (Watched::Source(source.into()), usual));
        rules.chain(sources).collect()
    }
}
