//! One line of a condition: a fact, an operator and an operand.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::Ground;
use crate::address::{Contents, ListNow, Lists};
use crate::facts::{FactSpec, Operator, Witness};
use crate::model::{Answer, Cause, ClassSet, Fact, Foreign, Known, Source, Strength, Value, Version, human_duration};

/// `fact.operator = operand`.
#[derive(Debug, Clone)]
pub struct Line {
    /// The fact asked about.
    pub fact: &'static FactSpec,
    /// How it is asked.
    pub operator: Operator,
    /// The compiled operand.
    pub test: Test,
    /// The operand as it stands in the policy.
    pub written: String,
}

/// A compiled operand.
#[derive(Debug, Clone)]
pub enum Test {
    /// On lengths of time.
    Duration(Bound, SignedDuration),
    /// On counts; `None` asks for equality.
    Number(Option<Bound>, u64),
    /// On truths.
    Truth(bool),
    /// On texts.
    Text(TextTest),
    /// On sets: shares a member.
    SharesMember(Words),
    /// On sets: shares none.
    SharesNone(Words),
    /// On addresses, AS numbers and texts: whether it is among the elements written and those of the lists named.
    Among {
        /// Whether it has to be, or has not to be.
        wanted: bool,
        /// The elements written.
        written: ListNow,
        /// Places of the lists among the set's.
        lists: Vec<usize>,
    },
    /// On the classes of a network: whether it is in one of these, or in none.
    Classes {
        /// Whether it has to be, or has not to be.
        wanted: bool,
        /// The classes asked about.
        asked: ClassSet,
    },
    /// On versions: before or after this one.
    Version(Ordering, Version),
}

/// A bound of an ordered value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the operators")]
pub enum Bound {
    Over,
    Under,
    AtLeast,
    AtMost,
}

/// A compiled operand on texts, in lower case where the fact folds case.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the operators")]
pub enum TextTest {
    In(Words),
    NotIn(Words),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    Matches(Regex),
}

/// A set of texts: those written in the line, and those of the lists it names.
pub type Words = Arc<BTreeSet<String>>;

impl Line {
    /// The line as policies write it.
    pub fn text(&self) -> String {
        format!("{} {} {}", self.fact.name, self.operator.word(), self.written)
    }

    /// Asks one fact.
    pub fn answer(&self, fact: &Fact<'_>, lists: &Lists) -> Answer {
        let known = match fact {
            Fact::Known(known) => known,
            Fact::Unknown(causes) => return Answer::Unknown(*causes),
        };
        let holds = match (&self.test, &known.value) {
            (Test::Duration(bound, limit), Value::Duration { low, high }) => match bound.holds(*low, *high, *limit) {
                Some(holds) => holds,
                None => return Answer::unknown(Cause::Slack),
            },
            (Test::Number(Some(bound), limit), Value::Number(number)) => {
                bound.holds(*number, *number, *limit).unwrap_or(false)
            }
            (Test::Number(None, limit), Value::Number(number)) => number == limit,
            // More is certain; that it is no more is not.
            (Test::Number(Some(bound), limit), Value::AtLeast(number)) => {
                match bound.holds(*number, u64::MAX, *limit) {
                    Some(holds) => holds,
                    None => return Answer::unknown(Cause::Partial),
                }
            }
            (Test::Number(None, limit), Value::AtLeast(number)) if number > limit => false,
            (Test::Number(None, _), Value::AtLeast(_)) => return Answer::unknown(Cause::Partial),
            (Test::Truth(wanted), Value::Truth(truth)) => truth == wanted,
            (Test::Text(test), Value::Text(text)) => test.holds(text.as_deref(), self.fact.folds_case),
            (Test::Among { wanted, written, lists: named }, value) => {
                return toned(self.among(value, written, named, lists), *wanted, known.strength);
            }
            (Test::Classes { wanted, asked }, Value::Classes(classes)) => {
                return toned(classes.any_of(*asked), *wanted, known.strength);
            }
            (Test::Version(ordering, limit), Value::Version(version)) => match version.compared_to(limit) {
                Some(found) => found == *ordering,
                None => return Answer::unknown(Cause::NotTold),
            },
            (Test::SharesMember(words), Value::Set(members)) => shares(words, members, self.fact.folds_case),
            (Test::SharesNone(words), Value::Set(members)) => !shares(words, members, self.fact.folds_case),
            // The reader only builds tests of the fact's own kind; anything else cannot be told.
            _ => return Answer::unknown(Cause::NoSource),
        };
        let strength = self.proven(known.strength, holds);
        if holds { Answer::Yes(strength) } else { Answer::No(strength) }
    }

    /// Whether the value is among these elements; what a list cannot say is unknown.
    fn among(&self, value: &Value<'_>, written: &ListNow, named: &[usize], lists: &Lists) -> Answer {
        let folds = self.fact.folds_case;
        let of_list = |list: &ListNow| match value {
            Value::Address(address) => list.has_address(*address),
            Value::Number(number) => u32::try_from(*number).map_or(truth(false), |number| list.has_asn(number)),
            Value::Text(Some(text)) => self.sure_of(list, list.has_text(&folded(text, folds), folds)),
            Value::Set(members) => {
                let answers = members.iter().map(|member| list.has_text(&folded(member, folds), folds));
                answers.fold(truth(false), Answer::or)
            }
            // A null is known to be empty: it is among nothing.
            _ => truth(false),
        };
        let of_lists = named.iter().map(|place| lists.get(*place).map_or(Answer::unknown(Cause::NoSource), of_list));
        of_lists.fold(of_list(written), Answer::or)
    }

    /// An entry that the fact can never be may be a misspelt one: what is not on the list may have been meant by it.
    fn sure_of(&self, list: &ListNow, answer: Answer) -> Answer {
        let known = self.fact.vocabulary;
        let is_never = |text: &str| !known.contains(&folded(text, self.fact.folds_case).as_ref());
        match list.contents.as_deref() {
            Some(Contents::Texts(texts)) if !answer.is_yes() && !known.is_empty() && texts.iter().any(is_never) => {
                Answer::unknown(Cause::Partial)
            }
            _ => answer,
        }
    }

    pub(super) fn ground_at(&self, spot: usize, witness: &dyn Witness) -> Option<Ground> {
        let ground = self.ground(&witness.tell_at(spot, self.fact), true)?;
        Some(Ground { spot: Some(spot), ..ground })
    }

    /// That it holds of no place.
    pub(super) fn ground_nowhere(&self, as_of: Timestamp) -> Ground {
        let reason = format!("no place with {} {} {}", self.fact.name, self.operator.sign(), self.written);
        Ground { fact: self.fact, source: Source::Sighting, as_of, strength: Strength::Exact, reason, spot: None }
    }

    /// How surely this fact gives this answer. An assumed length is at least what it says: that it is longer than a
    /// limit is certain, that it is shorter is not.
    fn proven(&self, strength: Strength, holds: bool) -> Strength {
        match (&self.test, strength) {
            (Test::Duration(Bound::Over | Bound::AtLeast, _), Strength::Assumed) if holds => Strength::Exact,
            (Test::Duration(Bound::Under | Bound::AtMost, _), Strength::Assumed) if !holds => Strength::Exact,
            _ => strength,
        }
    }

    pub(super) fn ground(&self, fact: &Fact<'_>, holds: bool) -> Option<Ground> {
        let Fact::Known(Known { value, source, as_of, strength }) = fact else { return None };
        let name = self.fact.name;
        let reason = match (&self.test, value) {
            (test, _) if !holds && !matches!(test, Test::Truth(_)) => {
                format!("{name} {} not {} {}", shown(value), self.operator.sign(), self.written)
            }
            (Test::Truth(_), _) => format!("{name} is {}", shown(value)),
            (Test::Classes { wanted: false, .. }, _) => format!("{name} not {}", self.written),
            // The value says by itself that it is the one, or one of those, that were asked for.
            (Test::Text(TextTest::In(_)), Value::Text(Some(_))) | (Test::Among { wanted: true, .. }, _) => {
                format!("{name} {}", shown(value))
            }
            (Test::Classes { wanted: true, asked }, Value::Classes(classes)) => {
                format!("{name} has {}", words_of(classes.yes().and(*asked)))
            }
            (Test::SharesMember(words), Value::Set(members)) => {
                let is_shared = |member: &&Cow<'_, str>| words.contains(folded(member, self.fact.folds_case).as_ref());
                let shared = members.iter().filter(is_shared).cloned().collect();
                format!("{name} has {}", shown(&Value::Set(shared)))
            }
            _ => format!("{name} {} {} {}", shown(value), self.operator.sign(), self.written),
        };
        let strength = self.proven(*strength, holds);
        Some(Ground { fact: self.fact, source: *source, as_of: *as_of, strength, reason, spot: None })
    }
}

impl Bound {
    /// Whether a value between `low` and `high` is within the bound; `None` if that depends on where it lies.
    fn holds<T: PartialOrd>(self, low: T, high: T, limit: T) -> Option<bool> {
        match self {
            Self::Over if low > limit => Some(true),
            Self::Over if high <= limit => Some(false),
            Self::AtLeast if low >= limit => Some(true),
            Self::AtLeast if high < limit => Some(false),
            Self::Over | Self::AtLeast => None,
            Self::Under => Self::AtLeast.holds(low, high, limit).map(|holds| !holds),
            Self::AtMost => Self::Over.holds(low, high, limit).map(|holds| !holds),
        }
    }
}

impl TextTest {
    /// The only texts that can give this answer, if the test lists them.
    pub(in crate::policy) fn words(&self, wanted: bool) -> Option<&Words> {
        match (self, wanted) {
            (Self::In(words), true) | (Self::NotIn(words), false) => Some(words),
            _ => None,
        }
    }

    /// A null is known to be empty: no positive question holds of it.
    pub(in crate::policy) fn holds(&self, text: Option<&str>, folds_case: bool) -> bool {
        let Some(text) = text else { return matches!(self, Self::NotIn(_)) };
        let text = folded(text, folds_case);
        match self {
            Self::In(words) => words.contains(text.as_ref()),
            Self::NotIn(words) => !words.contains(text.as_ref()),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::StartsWith(part) => text.starts_with(part.as_str()),
            Self::EndsWith(part) => text.ends_with(part.as_str()),
            Self::Matches(pattern) => pattern.is_match(&text),
        }
    }
}

fn truth(holds: bool) -> Answer {
    if holds { Answer::Yes(Strength::Exact) } else { Answer::No(Strength::Exact) }
}

/// The answer to whether it is, or is not, as surely as the fact is known.
fn toned(answer: Answer, wanted: bool, strength: Strength) -> Answer {
    match answer {
        Answer::Unknown(causes) => Answer::Unknown(causes),
        _ if answer.is_yes() == wanted => Answer::Yes(strength),
        _ => Answer::No(strength),
    }
}

fn shares(words: &Words, members: &[Cow<'_, str>], folds_case: bool) -> bool {
    members.iter().any(|member| words.contains(folded(member, folds_case).as_ref()))
}

/// The text as it compares: in lower case where the fact folds case.
pub(in crate::policy) fn folded(text: &str, folds_case: bool) -> Cow<'_, str> {
    if !folds_case || text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

fn words_of(classes: ClassSet) -> String {
    classes.iter().map(|class| format!("`{}`", class.word())).collect::<Vec<_>>().join(", ")
}

/// A value as people read it; texts pass through [`Foreign`].
pub fn shown(value: &Value<'_>) -> String {
    let quoted = |text: &str| format!("`{}`", Foreign::new(text));
    match value {
        Value::Duration { high, .. } => human_duration(*high),
        Value::Number(number) => number.to_string(),
        Value::AtLeast(number) => format!("{number} or more"),
        Value::Truth(truth) => truth.to_string(),
        Value::Text(None) => "empty".to_owned(),
        Value::Text(Some(text)) => quoted(text),
        Value::Set(members) if members.is_empty() => "empty".to_owned(),
        Value::Set(members) => members.iter().map(|member| quoted(member)).collect::<Vec<_>>().join(", "),
        Value::Address(address) => address.to_string(),
        Value::Version(version) => version.to_string(),
        Value::Classes(classes) if classes.yes().is_empty() => "no class known".to_owned(),
        Value::Classes(classes) => words_of(classes.yes()),
    }
}
