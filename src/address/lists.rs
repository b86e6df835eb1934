//! The lists of a policy set as they stand in one cycle, and what they say of an address, an AS number, a text.
//!
//! A member that is there answers yes. One that is not answers no only if the list is whole and fresh; whatever else
//! may be wrong with a list only ever turns answers into unknown.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Contents, ListDecl, ListKind, ListSource, special_range};
use crate::model::{Answer, Cause, ClassAnswers, Classes, NetworkClass, Strength};

/// A list as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListNow {
    /// Its name.
    pub name: Arc<str>,
    /// What its entries are.
    pub kind: ListKind,
    /// The network class that it supplies.
    pub class: Option<NetworkClass>,
    /// Its entries; absent: nothing can be said of anything.
    pub contents: Option<Arc<Contents>>,
    /// Why it cannot be said of something that it is not in the list; absent where that can be said.
    pub unknown: Option<Cause>,
    /// Of a file: what was read of it.
    pub file: Option<FileNow>,
}

/// What was read of a list's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNow {
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
    /// How many entries could be read, duplicates included.
    pub entries: usize,
    /// When the file was last changed, on the host's clock.
    pub as_of: Timestamp,
    /// It must not be older than this.
    pub older_than_max: Option<SignedDuration>,
    /// Why what the file says now is not in force but what it last said when all was well; none if it is.
    pub stands_in: Option<String>,
}

impl ListNow {
    /// The list as it is declared: at hand if it is written in the policy, else without entries.
    pub fn of(decl: &ListDecl) -> Self {
        let (contents, unknown) = match &decl.from {
            ListSource::Inline(contents) => (Some(Arc::clone(contents)), None),
            ListSource::File(_) => (None, Some(Cause::Down)),
        };
        Self { name: Arc::clone(&decl.name), kind: decl.kind, class: decl.class, contents, unknown, file: None }
    }

    /// Whether an address is in this list of addresses.
    pub fn has_address(&self, address: IpAddr) -> Answer {
        self.answer(|contents| match contents {
            Contents::Addresses(networks) => Some(networks.contains(address)),
            Contents::Asns(_) | Contents::Texts(_) => None,
        })
    }

    /// Whether an AS number is in this list of such.
    pub fn has_asn(&self, number: u32) -> Answer {
        self.answer(|contents| match contents {
            Contents::Asns(numbers) => Some(numbers.find(number).is_some()),
            Contents::Addresses(_) | Contents::Texts(_) => None,
        })
    }

    /// Whether a text is in this list of texts; where case does not count the text is in lower case already.
    pub fn has_text(&self, text: &str, folds_case: bool) -> Answer {
        self.answer(|contents| match contents {
            Contents::Texts(texts) if folds_case => Some(texts.has_folded(text)),
            Contents::Texts(texts) => Some(texts.has(text)),
            Contents::Addresses(_) | Contents::Asns(_) => None,
        })
    }

    /// Something that a list of this kind cannot hold is not denied either: that question never had a source.
    fn answer(&self, is_member: impl FnOnce(&Contents) -> Option<bool>) -> Answer {
        let Some(contents) = &self.contents else { return Answer::unknown(self.unknown.unwrap_or(Cause::Down)) };
        match (is_member(contents), self.unknown) {
            (None, _) => Answer::unknown(Cause::NoSource),
            (Some(true), _) => Answer::Yes(Strength::Exact),
            (Some(false), Some(cause)) => Answer::unknown(cause),
            (Some(false), None) => Answer::No(Strength::Exact),
        }
    }

    /// The list at this instant: one that is too old says nothing any more, not even of its members.
    fn at(mut self, now: Timestamp) -> Self {
        let too_old = self
            .file
            .as_ref()
            .is_some_and(|file| file.older_than_max.is_some_and(|max| file.as_of.duration_until(now) > max));
        if too_old && self.contents.is_some() {
            (self.contents, self.unknown) = (None, Some(Cause::ListStale));
        }
        self
    }
}

/// All lists of a policy set as they stand now, in the order in which it declares them. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lists(Arc<[ListNow]>);

impl Lists {
    /// These lists.
    pub fn new(lists: Vec<ListNow>) -> Self {
        Self(lists.into())
    }

    /// The lists as they are declared: those written in policies are at hand, those in files have no entries yet.
    pub fn of(decls: &[Arc<ListDecl>]) -> Self {
        decls.iter().map(|decl| ListNow::of(decl)).collect()
    }

    /// The lists at this instant on the host's clock: those that are too old say nothing any more.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        self.0.iter().map(|list| list.clone().at(now)).collect()
    }

    /// The list at this place.
    pub fn get(&self, at: usize) -> Option<&ListNow> {
        self.0.get(at)
    }

    /// The list of this name.
    pub fn by_name(&self, name: &str) -> Option<&ListNow> {
        self.0.iter().find(|list| &*list.name == name)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ListNow> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What lists and databases together make of an address.
    ///
    /// Of each class: yes if a list or the databases say so; no only if something supplies the class and all of it
    /// says no. *Private* follows from the address alone, unless its place says that it is not: a redacted address stands
    /// where none is routed. Privacy relays are listed as VPN services and stand in
    /// clouds, and companies' gateways stand there too, so that *vpn* is without relay, *hosting* without relay and
    /// corporate: these are unknown for want of what they lack, too.
    pub fn classes_of(&self, address: IpAddr, asn: Result<u32, Cause>, databases: ClassAnswers) -> Classes {
        use NetworkClass::{Corporate, Hosting, Private, Relay, Vpn};
        let told = |class| self.supplied(class, address, asn, databases);
        let (no_relay, no_corporate) = (told(Relay).not(), told(Corporate).not());
        NetworkClass::ALL.iter().fold(Classes::unknown(Cause::NoSource), |classes, class| {
            let answer = match class {
                Private if databases.no.has(Private) => Answer::No(Strength::Exact),
                Private if special_range(address).is_some_and(|range| range.is_private) => Answer::Yes(Strength::Exact),
                Private => Answer::No(Strength::Exact),
                Vpn => told(Vpn).and(no_relay),
                Hosting => told(Hosting).and(no_corporate).and(no_relay),
                other => told(*other),
            };
            classes.with(*class, answer)
        })
    }

    /// What all sources of a class say, before anything is taken away.
    fn supplied(
        &self,
        class: NetworkClass,
        address: IpAddr,
        asn: Result<u32, Cause>,
        databases: ClassAnswers,
    ) -> Answer {
        let lists = self.0.iter().filter(|list| list.class == Some(class)).map(|list| match (list.kind, asn) {
            (ListKind::Asn, Ok(number)) => list.has_asn(number),
            (ListKind::Asn, Err(cause)) => Answer::unknown(cause),
            (ListKind::Address | ListKind::Text, _) => list.has_address(address),
        });
        lists.chain(of_databases(class, databases)).reduce(Answer::or).unwrap_or(Answer::unknown(Cause::NoSource))
    }
}

/// What databases say of a class; nothing where none supplies it.
fn of_databases(class: NetworkClass, databases: ClassAnswers) -> Option<Answer> {
    if databases.yes.has(class) {
        return Some(Answer::Yes(Strength::Exact));
    }
    if databases.no.has(class) {
        return Some(Answer::No(Strength::Exact));
    }
    (databases.unknown != Cause::NoSource).then_some(Answer::unknown(databases.unknown))
}

impl FromIterator<ListNow> for Lists {
    fn from_iter<I: IntoIterator<Item = ListNow>>(lists: I) -> Self {
        Self(lists.into_iter().collect())
    }
}
