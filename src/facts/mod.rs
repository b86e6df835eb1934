//! The registry of facts: what rules can ask, in one table. One file per family.
//!
//! The policy reader, `evictd policy facts`, `explain` and the completeness test all read this table. Adding a family
//! is one file and one line in [`FAMILIES`]; `docs/adding-a-fact.md` has the steps.

mod client;
mod network;
mod session;
mod sign_in;
mod user;

use crate::address::Lists;
use crate::evidence::{Evidence, Spot, Spots};
use crate::model::{Act, Cause, Fact, Known, Source, Value};

/// Every family, in the order in which references list them.
pub const FAMILIES: &[Family] = &[session::FAMILY, user::FAMILY, sign_in::FAMILY, network::FAMILY, client::FAMILY];

/// Facts that ask about the same thing.
#[derive(Debug)]
pub struct Family {
    /// The part before the dot.
    pub name: &'static str,
    /// What the family asks, in a few words.
    pub asks: &'static str,
    /// Its facts.
    pub facts: &'static [FactSpec],
}

/// One row of the registry.
#[derive(Debug)]
pub struct FactSpec {
    /// Full name, such as `session.age`.
    pub name: &'static str,
    /// What kind of value it has: this decides the operators.
    pub kind: Kind,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// Where its value comes from on live evidence.
    pub source: Source,
    /// Who can make it come out otherwise.
    pub controlled_by: Controller,
    /// Whether its value must stay out of the trail's lines.
    pub personal: bool,
    /// Whether texts compare without regard to case.
    pub folds_case: bool,
    /// The only values there are; empty if any text may come.
    pub vocabulary: &'static [&'static str],
    /// Whether it always has a value where it is known.
    pub never_empty: bool,
    /// Where its value is read.
    pub reading: Reading,
}

/// What kind of value a fact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Duration,
    Number,
    Truth,
    Text,
    Set,
    Address,
    Asn,
    Version,
    Classes,
}

/// Who can make a fact come out otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Zendesk and the account's admins.
    Platform,
    /// The person whose session it is.
    Person,
    /// Whoever chooses the network.
    Network,
    /// Whoever writes the client.
    Client,
}

/// How a fact's value is found.
#[derive(Clone, Copy)]
pub enum Reading {
    /// Off the evidence.
    Row(for<'a> fn(&Evidence<'a>) -> Fact<'a>),
    /// A pure function of other facts, the same on live evidence and in test cases.
    Derived(for<'a> fn(&'a dyn Witness) -> Fact<'a>),
    /// Off the place where the session was opened.
    SignIn(for<'a> fn(&Spot<'a>) -> Fact<'a>),
    /// Off each place of the session: a session has several.
    Place(for<'a> fn(&Spot<'a>) -> Fact<'a>),
}

/// What a condition asks of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it; `policy facts` explains them")]
pub enum Operator {
    Over,
    Under,
    AtLeast,
    AtMost,
    Is,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    OlderThan,
    NewerThan,
}

/// Whoever can tell facts: live evidence, or the `given` of a test case.
pub trait Witness {
    /// What it knows of this fact. Of facts about places it knows nothing: those are told place by place.
    fn tell(&self, fact: &'static FactSpec) -> Fact<'_>;

    /// How many places of the session it knows.
    fn spots(&self) -> Spots;

    /// What it knows of this fact at one of them, from 0.
    fn tell_at(&self, spot: usize, fact: &'static FactSpec) -> Fact<'_>;

    /// One of them in words, for people.
    fn name_of(&self, spot: usize) -> String;

    /// The named lists as they stand.
    fn lists(&self) -> &Lists;
}

impl Witness for Evidence<'_> {
    fn tell(&self, fact: &'static FactSpec) -> Fact<'_> {
        match fact.reading {
            Reading::Row(read) => read(self),
            Reading::Derived(derive) => derive(self),
            Reading::SignIn(read) => of_sign_in(self, read),
            Reading::Place(_) => Fact::unknown(Cause::NoSource),
        }
    }

    fn spots(&self) -> Spots {
        Evidence::spots(self)
    }

    fn tell_at(&self, spot: usize, fact: &'static FactSpec) -> Fact<'_> {
        match (fact.reading, self.spot(spot)) {
            (Reading::Place(read), Some(spot)) => read(&spot),
            _ => Fact::unknown(Cause::NoSource),
        }
    }

    fn name_of(&self, spot: usize) -> String {
        let Some(spot) = self.spot(spot) else { return String::new() };
        let address = spot.network.ok().map(|network| format!(" from {}", network.address));
        let seen =
            spot.seen.map(
                |(first, last)| {
                    if first == last { format!(" at {first}") } else { format!(" from {first} to {last}") }
                },
            );
        let did = match spot.act {
            Act::SignIn => "opened",
            Act::Use => "used",
        };
        format!("{did}{}{}", address.unwrap_or_default(), seen.unwrap_or_default())
    }

    fn lists(&self) -> &Lists {
        self.lists
    }
}

/// Out of line, so that facts of other kinds, which are asked far more often, do not pay for its frame.
#[inline(never)]
fn of_sign_in<'e>(evidence: &Evidence<'e>, read: for<'a> fn(&Spot<'a>) -> Fact<'a>) -> Fact<'e> {
    evidence.sign_in().map_or_else(Fact::Unknown, |spot| read(&spot))
}

/// Every fact.
pub fn all() -> impl Iterator<Item = &'static FactSpec> + Clone {
    FAMILIES.iter().flat_map(|family| family.facts)
}

/// The fact with this full name.
pub fn find(name: &str) -> Option<&'static FactSpec> {
    all().find(|fact| fact.name == name)
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Duration,
        Self::Number,
        Self::Truth,
        Self::Text,
        Self::Set,
        Self::Address,
        Self::Asn,
        Self::Version,
        Self::Classes,
    ];

    /// The word in references.
    pub fn word(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Number => "number",
            Self::Truth => "truth",
            Self::Text => "text",
            Self::Set => "set",
            Self::Address => "address",
            Self::Asn => "AS number",
            Self::Version => "version",
            Self::Classes => "classes",
        }
    }

    /// The operators that ask something of it.
    pub fn operators(self) -> &'static [Operator] {
        use Operator::{
            AtLeast, AtMost, Contains, EndsWith, In, Is, Matches, NewerThan, NotIn, OlderThan, Over, StartsWith, Under,
        };
        match self {
            Self::Duration => &[Over, Under, AtLeast, AtMost],
            Self::Number => &[Over, Under, AtLeast, AtMost, Is],
            Self::Truth => &[Is],
            Self::Text => &[Is, In, NotIn, Contains, StartsWith, EndsWith, Matches],
            Self::Set | Self::Classes => &[In, NotIn, Contains],
            Self::Address => &[In, NotIn],
            Self::Asn => &[Is, In, NotIn],
            Self::Version => &[OlderThan, NewerThan],
        }
    }
}

impl Operator {
    /// Every operator.
    pub const ALL: &[Self] = &[
        Self::Over,
        Self::Under,
        Self::AtLeast,
        Self::AtMost,
        Self::Is,
        Self::In,
        Self::NotIn,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Matches,
        Self::OlderThan,
        Self::NewerThan,
    ];

    /// The key in policies.
    pub fn word(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Under => "under",
            Self::AtLeast => "at-least",
            Self::AtMost => "at-most",
            Self::Is => "is",
            Self::In => "in",
            Self::NotIn => "not-in",
            Self::Contains => "contains",
            Self::StartsWith => "starts-with",
            Self::EndsWith => "ends-with",
            Self::Matches => "matches",
            Self::OlderThan => "older-than",
            Self::NewerThan => "newer-than",
        }
    }

    /// The operator between a value and its operand, as people write it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Over => ">",
            Self::Under => "<",
            Self::AtLeast => "≥",
            Self::AtMost => "≤",
            Self::Is => "=",
            Self::OlderThan => "older than",
            Self::NewerThan => "newer than",
            other => other.word(),
        }
    }

    /// The operator with this key.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }

    /// What it asks, for `policy facts`.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Over => "more than this",
            Self::Under => "less than this",
            Self::AtLeast => "this or more",
            Self::AtMost => "this or less",
            Self::Is => "exactly this",
            Self::In => "one of these; on a set: shares a member with these",
            Self::NotIn => "none of these",
            Self::Contains => "has this substring; on a set: has this member",
            Self::StartsWith => "starts with this",
            Self::EndsWith => "ends with this",
            Self::Matches => "this regular expression matches the whole text",
            Self::OlderThan => "a version before this; what is left out of it is zero",
            Self::NewerThan => "a version after this; what is left out of it is zero",
        }
    }
}

impl Controller {
    /// The word in references.
    pub fn word(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Person => "person",
            Self::Network => "network",
            Self::Client => "client",
        }
    }
}

/// Names are unique: a test sees to it.
impl PartialEq for FactSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FactSpec {}

impl std::fmt::Debug for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Row(_) => "Row",
            Self::Derived(_) => "Derived",
            Self::SignIn(_) => "SignIn",
            Self::Place(_) => "Place",
        })
    }
}

/// A row with the most common properties, for families to vary.
const fn plain(name: &'static str, kind: Kind, source: Source, reading: Reading) -> FactSpec {
    FactSpec {
        name,
        kind,
        doc: "",
        source,
        reading,
        controlled_by: Controller::Platform,
        personal: false,
        folds_case: false,
        vocabulary: &[],
        never_empty: false,
    }
}

/// A value of this place, with its provenance.
fn at<'a>(spot: &Spot<'a>, value: Value<'a>) -> Fact<'a> {
    let source = match spot.act {
        Act::SignIn => Source::SignIn,
        Act::Use => Source::Sighting,
    };
    Fact::Known(Known { value, source, as_of: spot.as_of, strength: spot.strength })
}
