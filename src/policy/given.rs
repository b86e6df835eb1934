//! The facts that a test case states: a witness without a snapshot.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::facts::{FactSpec, Kind, Reading, Witness};
use crate::model::{Cause, Fact, Known, Source, Strength, Value};

/// Stated facts by name. What is not stated and cannot be derived is unknown.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Values as stated, durations as observed.
    pub values: BTreeMap<&'static str, Value<'static>>,
    /// By how much a stated `session.idle` may lag behind the truth.
    pub idle_slack: SignedDuration,
}

impl Given {
    /// What the other stated facts make of this one, whatever it was stated to be.
    pub fn derived(&self, fact: &'static FactSpec) -> Option<Fact<'_>> {
        match fact.reading {
            Reading::Row(_) => None,
            Reading::Derived(derive) => Some(derive(self)),
        }
    }

    fn lagging<'a>(&self, fact: &FactSpec, value: &'a Value<'static>) -> Value<'a> {
        match value {
            Value::Duration { high, .. } if fact.name == "session.idle" => {
                Value::Duration { low: high.saturating_sub(self.idle_slack), high: *high }
            }
            Value::Duration { low, high } => Value::Duration { low: *low, high: *high },
            Value::Number(number) => Value::Number(*number),
            Value::Truth(truth) => Value::Truth(*truth),
            Value::Text(text) => Value::Text(text.as_deref().map(Cow::Borrowed)),
            Value::Set(members) => Value::Set(members.iter().map(|one| Cow::Borrowed(one.as_ref())).collect()),
        }
    }
}

impl Witness for Given {
    fn tell(&self, fact: &'static FactSpec) -> Fact<'_> {
        match self.values.get(fact.name) {
            Some(value) => Fact::Known(Known {
                value: self.lagging(fact, value),
                source: Source::Case,
                as_of: Timestamp::UNIX_EPOCH,
                strength: strength_of(fact),
            }),
            None => self.derived(fact).unwrap_or(Fact::unknown(Cause::NotStated)),
        }
    }
}

/// As sure as on live evidence: a length that memory gives is only ever a least one.
fn strength_of(fact: &FactSpec) -> Strength {
    if fact.source == Source::Memory && fact.kind == Kind::Duration { Strength::Assumed } else { Strength::Exact }
}
