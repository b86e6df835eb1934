//! What can be wrong with a schedule or the name of a time zone, where in the text, and what would be right.

use std::ops::Range;

use super::Field;
use crate::diagnostic::quoted;

/// A text that is no crontab line, or one that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    /// There are more or fewer than five fields.
    #[error("a crontab line has five fields, this has {found}")]
    Count {
        /// How many.
        found: usize,
        /// The first one too many, or all of the text.
        at: Range<usize>,
    },
    /// It begins with `@` and is none of the known words.
    #[error("{} is not a schedule", quoted(text))]
    Word {
        /// The word.
        text: String,
        /// The word.
        at: Range<usize>,
    },
    /// `@reboot`.
    #[error("`@reboot` names no time that comes again")]
    Reboot {
        /// The word.
        at: Range<usize>,
    },
    /// Something that no field, or not this one, may hold.
    #[error("the {} cannot be {}", field.name(), quoted(text))]
    Value {
        /// In which field.
        field: Field,
        /// What stands there.
        text: String,
        /// The part of the field.
        at: Range<usize>,
    },
    /// A number that the field does not have.
    #[error("the {} must lie between {} and {}, not {}", field.name(), field.range().start(), field.range().end(),
        quoted(text))]
    Range {
        /// In which field.
        field: Field,
        /// The number.
        text: String,
        /// The number.
        at: Range<usize>,
    },
    /// A step that is no whole number from 1 on.
    #[error("the step of the {} must be a whole number from 1 on, not {}", field.name(), quoted(text))]
    Step {
        /// In which field.
        field: Field,
        /// What stands behind the `/`.
        text: String,
        /// What stands behind the `/`.
        at: Range<usize>,
    },
    /// Two commas, or one at an end.
    #[error("the list of the {} has an empty place", field.name())]
    Gap {
        /// In which field.
        field: Field,
        /// The field.
        at: Range<usize>,
    },
    /// None of the months has any of the days.
    #[error("the line can never fire: none of its months has such a day")]
    Never {
        /// Day and month.
        at: Range<usize>,
    },
    /// It was understood here and refused by the iterator beneath.
    #[error("the line cannot be iterated: {why}")]
    Beneath {
        /// In its own words.
        why: String,
        /// All of the text.
        at: Range<usize>,
    },
}

impl BadSchedule {
    /// Where it is, in bytes from the start of the text.
    pub fn at(&self) -> Range<usize> {
        match self {
            Self::Count { at, .. }
            | Self::Word { at, .. }
            | Self::Reboot { at }
            | Self::Value { at, .. }
            | Self::Range { at, .. }
            | Self::Step { at, .. }
            | Self::Gap { at, .. }
            | Self::Never { at }
            | Self::Beneath { at, .. } => at.clone(),
        }
    }

    /// What to write.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Count { .. } => {
                "write minute, hour, day of the month, month and day of the week, as in `*/5 * * * *`; there are no \
                 fields for seconds, years or a command"
            }
            Self::Word { .. } => {
                "write five fields, or one of `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, \
                 `@annually`"
            }
            Self::Reboot { .. } => "write when to fire; a start looks at everything anyway",
            Self::Value { field, .. } | Self::Range { field, .. } | Self::Gap { field, .. } => field.allowed(),
            Self::Step { .. } => {
                "write a whole number from 1 on, as in `*/5`; it counts anew in each hour, day or month"
            }
            Self::Never { .. } => "correct the day or the month; `L` is the last day of any month",
            Self::Beneath { .. } => "write it with fewer values, and report it: the line looks good",
        }
    }
}

/// No time zone has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a time zone", quoted(name))]
pub struct UnknownZone {
    /// The name as written.
    pub name: String,
    /// The one probably meant.
    pub nearest: Option<String>,
}

impl UnknownZone {
    /// What to write.
    pub fn help(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("did you mean {}?", quoted(nearest)),
            None => "write a name of the IANA time zone database, as in `Europe/Berlin` or `UTC`".to_owned(),
        }
    }
}
