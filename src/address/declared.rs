//! Lists as policies declare them: what they hold, what they are for, where their entries come from.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Contents, ListKind};
use crate::model::NetworkClass;

/// A `[list.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDecl {
    /// Its name, unique over the policy set.
    pub name: Arc<str>,
    /// What its entries are.
    pub kind: ListKind,
    /// The network class that it supplies; of lists of addresses and AS numbers only, never *private*.
    pub class: Option<NetworkClass>,
    /// Where its entries come from.
    pub from: ListSource,
}

/// Where the entries of a list come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListSource {
    /// The policy itself: always at hand.
    Inline(Arc<Contents>),
    /// A file, which may change, grow old or be gone.
    File(ListFile),
}

/// The file of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFile {
    /// Where it lies: as written, from the folder of the policy file on.
    pub path: PathBuf,
    /// How it is written.
    pub form: Form,
    /// It must not be older than this; absent: any age will do.
    pub older_than_max: Option<SignedDuration>,
    /// It must not have fewer entries than this, nor lose more than a fifth of them at once; absent: neither is asked.
    pub entries_min: Option<usize>,
    /// Whether it is signed with the policies, where those are signed: not if somebody delivers it on their own.
    pub is_signed: bool,
    /// SHA-256 of the only file that may be taken, hexadecimal; absent: any.
    pub pinned: Option<String>,
}

/// How the file of a list is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// Its format; absent: told by its name and its first bytes.
    pub format: Option<Format>,
    /// Where entries stand, in CSV and JSON; none: in the first column, in the root or under `list`.
    pub columns: Vec<Column>,
}

/// A format of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One entry on each line.
    Plain,
    /// Fields with `,`, `;` or a tab between them.
    Csv,
    /// One JSON document.
    Json,
    /// A JSON value on each line.
    JsonLines,
    /// What `ipset save` prints.
    Ipset,
    /// A warning list of MISP: a JSON object with its entries under `list`.
    Misp,
}

/// Where entries stand in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Under this name: of a header, or of keys with dots between them.
    Name(String),
    /// In this column, from 1.
    Number(usize),
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Plain, Self::Csv, Self::Json, Self::JsonLines, Self::Ipset, Self::Misp];

    /// The word in policies.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::JsonLines => "json-lines",
            Self::Ipset => "ipset",
            Self::Misp => "misp",
        }
    }

    /// The format with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}
