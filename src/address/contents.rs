//! What a list holds: networks, AS numbers or texts, each entry with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Match, Networks};

/// What the entries of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ListKind {
    /// Addresses, networks, ranges.
    #[default]
    Address,
    /// Numbers of autonomous systems.
    Asn,
    /// Texts.
    Text,
}

impl ListKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Address, Self::Asn, Self::Text];

    /// The word in policies.
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Asn => "asn",
            Self::Text => "text",
        }
    }

    /// The kind with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

/// The entries of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Of a list of addresses.
    Addresses(Networks),
    /// Of a list of AS numbers.
    Asns(Numbers),
    /// Of a list of texts.
    Texts(Texts),
}

/// AS numbers, each with its first place in the list, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbers(BTreeMap<u32, u32>);

/// Texts, as they are written and as they compare where case does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    written: BTreeSet<String>,
    folded: BTreeSet<String>,
}

impl Contents {
    /// Nothing of this kind.
    pub fn empty(kind: ListKind) -> Self {
        match kind {
            ListKind::Address => Self::Addresses(Networks::default()),
            ListKind::Asn => Self::Asns(Numbers::default()),
            ListKind::Text => Self::Texts(Texts::default()),
        }
    }

    /// What its entries are.
    pub fn kind(&self) -> ListKind {
        match self {
            Self::Addresses(_) => ListKind::Address,
            Self::Asns(_) => ListKind::Asn,
            Self::Texts(_) => ListKind::Text,
        }
    }

    /// How many different entries it has; a range counts as the networks that make it up.
    pub fn len(&self) -> usize {
        match self {
            Self::Addresses(networks) => networks.len(),
            Self::Asns(numbers) => numbers.0.len(),
            Self::Texts(texts) => texts.written.len(),
        }
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The narrowest network around an address; none in a list of anything else.
    pub fn find(&self, address: IpAddr) -> Option<Match> {
        match self {
            Self::Addresses(networks) => networks.find(address),
            Self::Asns(_) | Self::Texts(_) => None,
        }
    }
}

impl FromIterator<(u32, u32)> for Numbers {
    /// Of numbers with their places; of one that is there twice the first place counts.
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(numbers: I) -> Self {
        let mut sorted: Vec<(u32, u32)> = numbers.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(number, _)| *number);
        Self(sorted.into_iter().collect())
    }
}

impl Numbers {
    /// The place of a number in the list, if it is there.
    pub fn find(&self, number: u32) -> Option<u32> {
        self.0.get(&number).copied()
    }
}

impl FromIterator<String> for Texts {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        let written: BTreeSet<String> = texts.into_iter().collect();
        let folded = written.iter().map(|text| text.to_lowercase()).collect();
        Self { written, folded }
    }
}

impl Texts {
    /// Whether this very text is there.
    pub fn has(&self, text: &str) -> bool {
        self.written.contains(text)
    }

    /// Whether this text, which is in lower case already, is there in any case.
    pub fn has_folded(&self, text: &str) -> bool {
        self.folded.contains(text)
    }

    /// The texts as they are written, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }
}
