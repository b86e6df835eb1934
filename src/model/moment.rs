//! An instant in eight bytes, for what there may be a million of.

use std::fmt;
use std::num::NonZeroI64;
use std::str::FromStr;

use jiff::Timestamp;

/// Microseconds of a second.
const MICROS: i64 = 1_000_000;

/// An instant to the microsecond; none takes no more room than one. Zendesk tells whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(NonZeroI64);

impl Moment {
    /// The instant.
    pub fn at(self) -> Timestamp {
        let stored = self.0.get();
        let micros = if stored > 0 { stored - 1 } else { stored };
        let rest = i32::try_from(micros.rem_euclid(MICROS) * 1_000).unwrap_or_default();
        // It came from one, so that it always is one.
        Timestamp::new(micros.div_euclid(MICROS), rest).unwrap_or_default()
    }
}

impl From<Timestamp> for Moment {
    /// What is finer than a microsecond is cut.
    fn from(at: Timestamp) -> Self {
        let micros = at.as_microsecond();
        // Zero stands for none: from the epoch on everything is one more.
        let stored = if micros < 0 { micros } else { micros + 1 };
        Self(NonZeroI64::new(stored).unwrap_or(NonZeroI64::MIN))
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at().fmt(out)
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at().fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_come_back_to_the_microsecond_and_in_order() {
        let [before, at, after] =
            ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000001Z"]
                .map(|text| text.parse::<Timestamp>().unwrap());
        let mut last = Moment::from(Timestamp::MIN);
        for instant in [before, at, after, Timestamp::MAX] {
            let moment = Moment::from(instant);
            assert!(moment > last, "{instant}");
            assert_eq!(moment.at().as_microsecond(), instant.as_microsecond());
            last = moment;
        }
        assert_eq!(Moment::from(at).to_string(), at.to_string());
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }
}
