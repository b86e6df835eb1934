//! Files of lists: read when they change, and what was last good in them kept.
//!
//! A file that cannot be used never empties a list: what was last read of it stays in force, with its own age, and says
//! so. What entries look like and what a list answers is `address`' business; who is told of trouble is decided by those
//! who ask.

mod held;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::address::{EntryFault, ListDecl, ListNow, ListSource, Lists};
use crate::files::Medium;
use crate::model::ListTrouble;
use held::Held;

/// What was last read of each file of a policy set's lists. One for each account.
#[derive(Debug, Default)]
pub struct Shelf {
    held: BTreeMap<Arc<str>, Held>,
}

/// What a look at files goes by.
#[derive(Clone, Copy)]
pub struct Circumstances<'c> {
    /// The account's folder of state, where the last good contents are; none if there is none.
    pub state: Option<&'c dyn Medium>,
    /// Whether new contents are kept there: not by commands that only look.
    pub keeps: bool,
    /// SHA-256 of the files that a human accepted although they shrank, hexadecimal.
    pub accepted: &'c BTreeSet<String>,
    /// Now, on the host's clock, by which files are dated.
    pub now: Timestamp,
}

/// What there is to say of a list's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListNews {
    /// The list.
    pub name: Arc<str>,
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with the file, or with what is in force of it.
    pub trouble: Option<ListTrouble>,
    /// Whether what is in force is not what the file says now but what it last said when all was well.
    pub is_last_good: bool,
    /// Whether what is in force changed with this look.
    pub is_new: bool,
    /// SHA-256 of the file as it is now, if a human can accept it as it is.
    pub waits: Option<String>,
    /// How many entries in force could not be read, so that the list denies nothing.
    pub unreadable: usize,
    /// The first of those.
    pub faults: Vec<EntryFault>,
    /// How many networks in force were written with bits behind their prefix, and were taken without them.
    pub had_host_bits: usize,
    /// Why new contents could not be kept for the next start, if they could not.
    pub unkept: Option<String>,
}

impl Shelf {
    /// Looks at the file of every list, reads those that changed, and says how all lists stand, in the order of their
    /// declarations, and what there is to say of each that has a file. How old they are counts where they are asked:
    /// [`Lists::at`].
    pub fn refresh(&mut self, decls: &[Arc<ListDecl>], circumstances: Circumstances<'_>) -> (Lists, Vec<ListNews>) {
        self.held.retain(|name, _| decls.iter().any(|decl| decl.name == *name));
        let mut news = Vec::new();
        let mut now = Vec::new();
        for decl in decls {
            let ListSource::File(file) = &decl.from else {
                now.push(ListNow::of(decl));
                continue;
            };
            let held = self.held.entry(Arc::clone(&decl.name)).or_insert_with(|| Held::new(decl.kind, file));
            news.push(held.refresh(decl, file, circumstances));
            now.push(held.now(decl, file));
        }
        (Lists::new(now), news)
    }
}

#[cfg(test)]
mod tests;
