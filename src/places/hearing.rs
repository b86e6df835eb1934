//! Asking databases one after the other: for each fact the first answer counts, an absent row lets the next one speak,
//! and one that should answer and cannot ends it as unknown.
//!
//! Of classes every database is heard: a yes of any is a yes, a no needs that none that could say yes is silent.

use std::sync::Arc;

use super::database::{Record, Supplies, Supply};
use crate::model::{Cause, ClassAnswers, ClassSet, Continent, Coordinates, Country, Found, Place};

/// An organisation's name is cut to so many bytes at most.
const NAME_BYTES_MAX: usize = 256;

/// How far asking for one fact has come.
#[derive(Clone)]
enum Line<T> {
    /// No answer yet; whether any database was asked.
    Open { asked: bool },
    /// The answer.
    Closed(Result<Found<T>, Cause>),
}

impl<T> Line<T> {
    const NEW: Self = Self::Open { asked: false };

    fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    fn hear(&mut self, database: u8, value: Option<T>) {
        if self.is_open() {
            let found = value.map(|value| Self::Closed(Ok(Found { value, database })));
            *self = found.unwrap_or(Self::Open { asked: true });
        }
    }

    fn close(&mut self, cause: Cause) {
        if self.is_open() {
            *self = Self::Closed(Err(cause));
        }
    }

    fn answer(self) -> Result<Found<T>, Cause> {
        match self {
            Self::Closed(answer) => answer,
            Self::Open { asked: true } => Err(Cause::NotInDatabase),
            Self::Open { asked: false } => Err(Cause::NoSource),
        }
    }
}

/// What was heard about one address so far.
pub(super) struct Hearing {
    country: Line<Country>,
    continent: Line<Continent>,
    asn: Line<u32>,
    organization: Line<Arc<str>>,
    coordinates: Line<Coordinates>,
    yes: ClassSet,
    no: ClassSet,
    /// Classes of which somebody should have spoken and could not.
    unheard: ClassSet,
    /// Why nothing is known of the classes that nobody spoke of.
    unknown: Cause,
}

impl Hearing {
    pub(super) fn new() -> Self {
        Self {
            country: Line::NEW,
            continent: Line::NEW,
            asn: Line::NEW,
            organization: Line::NEW,
            coordinates: Line::NEW,
            yes: ClassSet::NONE,
            no: ClassSet::NONE,
            unheard: ClassSet::NONE,
            unknown: Cause::NoSource,
        }
    }

    /// Whether a database that supplies this can still add anything.
    pub(super) fn wants(&self, supplies: Supplies) -> bool {
        let is_open = |fact: &Supply| match fact {
            Supply::Country => self.country.is_open(),
            Supply::Continent => self.continent.is_open(),
            Supply::Asn => self.asn.is_open(),
            Supply::Organization => self.organization.is_open(),
            Supply::Coordinates => self.coordinates.is_open(),
        };
        !supplies.classes.is_empty() || Supply::ALL.iter().any(|fact| supplies.has(*fact) && is_open(fact))
    }

    /// A database's record; an empty one if it has none.
    pub(super) fn hear(&mut self, database: u8, record: &Record<'_>, supplies: Supplies) {
        let has = |fact| supplies.has(fact);
        if has(Supply::Country) {
            self.country.hear(database, record.country);
        }
        if has(Supply::Continent) {
            self.continent.hear(database, record.continent);
        }
        if has(Supply::Asn) {
            self.asn.hear(database, record.asn);
        }
        if has(Supply::Organization) && self.organization.is_open() {
            self.organization.hear(database, record.organization.map(name));
        }
        if has(Supply::Coordinates) {
            self.coordinates.hear(database, record.coordinates);
        }
        self.yes = self.yes.or(record.yes);
        self.no = self.no.or(record.no).or(supplies.whole);
    }

    /// A database that should answer and cannot.
    pub(super) fn silent(&mut self, cause: Cause, supplies: Supplies) {
        let has = |fact| supplies.has(fact);
        if has(Supply::Country) {
            self.country.close(cause);
        }
        if has(Supply::Continent) {
            self.continent.close(cause);
        }
        if has(Supply::Asn) {
            self.asn.close(cause);
        }
        if has(Supply::Organization) {
            self.organization.close(cause);
        }
        if has(Supply::Coordinates) {
            self.coordinates.close(cause);
        }
        if !supplies.classes.is_empty() {
            self.unheard = self.unheard.or(supplies.classes);
            self.unknown = cause;
        }
    }

    pub(super) fn place(self) -> Place {
        let no = self.yes.or(self.unheard).iter().fold(self.no, ClassSet::without);
        Place {
            country: self.country.answer(),
            continent: self.continent.answer(),
            asn: self.asn.answer(),
            organization: self.organization.answer(),
            coordinates: self.coordinates.answer().ok(),
            classes: ClassAnswers { yes: self.yes, no, unknown: self.unknown },
        }
    }
}

fn name(text: &str) -> Arc<str> {
    text.get(..text.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default().into()
}
