//! One value of a database, of whatever type it was written in.
//!
//! Databases write the same thing as integers of any width, as text and as floating point numbers. What cannot be read
//! as what is asked for is not there; only a broken file is an error.

/// A value that is neither list nor map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'d> {
    Text(&'d str),
    Whole(u64),
    Real(f64),
    Truth(bool),
    /// A list, a map, bytes, a negative number: nothing that any field is.
    Other,
}

impl<'d> Scalar<'d> {
    /// A text that says something.
    pub(super) fn text(self) -> Option<&'d str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// A number that may have a fraction or a sign.
    #[expect(clippy::cast_precision_loss, reason = "degrees and kilometres are small")]
    pub(super) fn real(self) -> Option<f64> {
        let real = match self {
            Self::Real(real) => Some(real),
            Self::Whole(whole) => Some(whole as f64),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Truth(_) | Self::Other => None,
        };
        real.filter(|real| real.is_finite())
    }

    /// The number of an autonomous system: as a number, as its digits, or as in `AS15169`. 0 is none (RFC 7607).
    pub(super) fn asn(self) -> Option<u32> {
        let number = match self {
            Self::Whole(whole) => u32::try_from(whole).ok(),
            Self::Text(text) => {
                let text = text.trim();
                let is_prefixed = text.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("AS"));
                let digits = if is_prefixed { text.get(2..).unwrap_or_default() } else { text };
                let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
                if only_digits { digits.parse().ok() } else { None }
            }
            Self::Real(_) | Self::Truth(_) | Self::Other => None,
        };
        number.filter(|number| *number != 0)
    }

    /// Yes or no. IPinfo writes an empty text for no.
    pub(super) fn truth(self) -> Option<bool> {
        match self {
            Self::Truth(truth) => Some(truth),
            Self::Whole(1) => Some(true),
            Self::Whole(0) => Some(false),
            Self::Text(text) => match text.trim() {
                "true" | "1" => Some(true),
                "" | "false" | "0" => Some(false),
                _ => None,
            },
            Self::Whole(_) | Self::Real(_) | Self::Other => None,
        }
    }
}
