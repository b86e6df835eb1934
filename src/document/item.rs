//! One entry of a table or element of an array, read as the kind its reader wants.
//!
//! Every reader returns the value, or reports what is wrong and returns nothing.

use std::ops::Range;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use toml::Spanned;
use toml::de::{DeInteger, DeString, DeValue};

use super::{Table, did_you_mean};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::model::{human_duration, parse_duration};

/// The kinds of values TOML has, as far as readers tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `"…"`
    Text,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A date, a time or both.
    Date,
    /// `[…]`, or tables under `[[…]]` headers.
    Array,
    /// `{…}`, a header, or the beginning of a dotted key.
    Table,
}

impl Kind {
    /// The kind with its article.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Float => "a number with a fraction",
            Self::Boolean => "true or false",
            Self::Date => "a date",
            Self::Array => "a list",
            Self::Table => "a table",
        }
    }
}

/// A value with its key and the places of both. An element of an array has the array's key.
#[derive(Debug, Clone)]
pub struct Item<'d> {
    source: &'d Source,
    key: &'d Spanned<DeString<'d>>,
    value: &'d Spanned<DeValue<'d>>,
    is_element: bool,
}

impl<'d> Item<'d> {
    pub(super) fn new(source: &'d Source, key: &'d Spanned<DeString<'d>>, value: &'d Spanned<DeValue<'d>>) -> Self {
        Self { source, key, value, is_element: false }
    }

    /// The key.
    pub fn key(&self) -> &'d str {
        self.key.get_ref()
    }

    /// Where the key stands.
    pub fn key_span(&self) -> Range<usize> {
        self.key.span()
    }

    /// Where the value stands; of a table from headers or dotted keys see [`Table::span`].
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The file it is in.
    pub fn source(&self) -> &'d Source {
        self.source
    }

    /// What kind of value it is.
    pub fn kind(&self) -> Kind {
        match self.value.get_ref() {
            DeValue::String(_) => Kind::Text,
            DeValue::Integer(_) => Kind::Integer,
            DeValue::Float(_) => Kind::Float,
            DeValue::Boolean(_) => Kind::Boolean,
            DeValue::Datetime(_) => Kind::Date,
            DeValue::Array(_) => Kind::Array,
            DeValue::Table(_) => Kind::Table,
        }
    }

    /// A finding about the value.
    pub fn fault(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, message).at(self.source, self.span(), "")
    }

    /// A finding about the key.
    pub fn fault_at_key(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, message).at(self.source, self.key_span(), "")
    }

    /// The key as messages name it.
    pub fn subject(&self) -> String {
        if self.is_element { format!("each of {}", quoted(self.key())) } else { quoted(self.key()) }
    }

    /// Reports that the value has not the kind wanted, such as `a text`.
    pub fn wrong(&self, wanted: &str, findings: &mut Findings) {
        let message = format!("{} must be {wanted}, not {}", self.subject(), self.kind().words());
        findings.push(self.fault(Code::WrongKind, message));
    }

    /// A text.
    pub fn text(&self, findings: &mut Findings) -> Option<&'d str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.refuse(Kind::Text, findings),
        }
    }

    /// A text that is one of these words, as `read` understands them.
    pub fn word<T>(
        &self,
        words: &[&'static str],
        read: impl Fn(&str) -> Option<T>,
        findings: &mut Findings,
    ) -> Option<T> {
        let text = self.text(findings)?;
        let value = read(text);
        if value.is_none() {
            let fault = self.fault(Code::UnknownValue, format!("{} cannot be {}", self.subject(), quoted(text)));
            let help = did_you_mean(text, words.iter().copied()).unwrap_or_default();
            findings.push(fault.help(help));
        }
        value
    }

    /// A whole number.
    pub fn integer(&self, findings: &mut Findings) -> Option<i64> {
        let DeValue::Integer(number) = self.value.get_ref() else { return self.refuse(Kind::Integer, findings) };
        let value = small(number);
        if value.is_none() {
            findings.push(self.fault(Code::OutOfRange, format!("{} is too large a number", self.subject())));
        }
        value
    }

    /// A whole number in this range.
    pub fn integer_in(&self, range: RangeInclusive<i64>, findings: &mut Findings) -> Option<i64> {
        let value = self.integer(findings)?;
        if !range.contains(&value) {
            self.out_of_range(&range.start().to_string(), &range.end().to_string(), findings);
            return None;
        }
        Some(value)
    }

    /// True or false.
    pub fn boolean(&self, findings: &mut Findings) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.refuse(Kind::Boolean, findings),
        }
    }

    /// A length of time, such as `"1h30m"`.
    pub fn duration(&self, findings: &mut Findings) -> Option<SignedDuration> {
        const EXAMPLES: &str =
            "write whole numbers with units, as in `\"90s\"`, `\"10m\"`, `\"1h30m\"`, `\"2d\"`, `\"1w\"`";
        let fault = match self.value.get_ref() {
            DeValue::String(text) => match parse_duration(text) {
                Some(length) => return Some(length),
                None => format!("{} is not a length of time", quoted(text)),
            },
            DeValue::Integer(_) | DeValue::Float(_) => format!("{} needs a unit", self.subject()),
            _ => return self.refuse_for("a length of time in quotes", findings),
        };
        findings.push(self.fault(Code::BadDuration, fault).help(EXAMPLES));
        None
    }

    /// A length of time in this range.
    pub fn duration_in(
        &self,
        range: RangeInclusive<SignedDuration>,
        findings: &mut Findings,
    ) -> Option<SignedDuration> {
        let value = self.duration(findings)?;
        if !range.contains(&value) {
            self.out_of_range(&human_duration(*range.start()), &human_duration(*range.end()), findings);
            return None;
        }
        Some(value)
    }

    /// A share from `"0%"` to `"100%"`, in whole hundredths.
    pub fn percentage(&self, findings: &mut Findings) -> Option<u8> {
        let fault = match self.value.get_ref() {
            DeValue::String(text) => {
                let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                match digits.and_then(|digits| digits.parse().ok()).filter(|share| *share <= 100) {
                    Some(share) => return Some(share),
                    None => format!("{} is not a share from 0% to 100%", quoted(text)),
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) => format!("{} needs a percent sign", self.subject()),
            _ => return self.refuse_for("a share in quotes", findings),
        };
        findings.push(
            self.fault(Code::BadPercentage, fault).help("write a whole number and a percent sign, as in `\"5%\"`"),
        );
        None
    }

    /// A share in this range, both ends in hundredths.
    pub fn percentage_in(&self, range: RangeInclusive<u8>, findings: &mut Findings) -> Option<u8> {
        let value = self.percentage(findings)?;
        if !range.contains(&value) {
            self.out_of_range(&format!("{}%", range.start()), &format!("{}%", range.end()), findings);
            return None;
        }
        Some(value)
    }

    /// A day, such as `2027-01-31`, without quotes.
    pub fn day(&self, findings: &mut Findings) -> Option<Date> {
        const EXAMPLE: &str = "write a day without quotes, as in `2027-01-31`";
        let day = match self.value.get_ref() {
            DeValue::Datetime(date) if date.time.is_none() => date.date.and_then(|date| date.to_string().parse().ok()),
            DeValue::Datetime(_) | DeValue::String(_) => None,
            _ => return self.refuse_for("a day", findings),
        };
        if day.is_none() {
            findings.push(self.fault(Code::BadDate, format!("{} must be a day", self.subject())).help(EXAMPLE));
        }
        day
    }

    /// An instant with its offset, such as `2027-01-31T12:00:00Z`, without quotes.
    pub fn instant(&self, findings: &mut Findings) -> Option<Timestamp> {
        const EXAMPLE: &str = "write an instant with its offset and without quotes, as in `2027-01-31T12:00:00Z`";
        let instant = match self.value.get_ref() {
            DeValue::Datetime(date) => date.to_string().parse().ok(),
            DeValue::String(_) => None,
            _ => return self.refuse_for("an instant", findings),
        };
        if instant.is_none() {
            findings.push(self.fault(Code::BadDate, format!("{} must be an instant", self.subject())).help(EXAMPLE));
        }
        instant
    }

    /// A table.
    pub fn table(&self, findings: &mut Findings) -> Option<Table<'d>> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Some(Table::new(self.source, self.span(), entries)),
            _ => self.refuse(Kind::Table, findings),
        }
    }

    /// The elements of a list, in order; it may be empty.
    pub fn array(&self, findings: &mut Findings) -> Option<Vec<Item<'d>>> {
        match self.value.get_ref() {
            DeValue::Array(elements) => {
                Some(elements.iter().map(|value| Item { value, is_element: true, ..self.clone() }).collect())
            }
            _ => self.refuse(Kind::Array, findings),
        }
    }

    /// The tables of a list: those under `[[…]]` headers, or written inline. Elements that are none are left out.
    pub fn tables(&self, findings: &mut Findings) -> Option<Vec<Table<'d>>> {
        Some(self.array(findings)?.iter().filter_map(|element| element.table(findings)).collect())
    }

    /// The texts of a list, each with its item. Elements that are none are left out.
    pub fn texts(&self, findings: &mut Findings) -> Option<Vec<(Item<'d>, &'d str)>> {
        let elements = self.array(findings)?.into_iter();
        Some(elements.filter_map(|element| element.text(findings).map(|text| (element, text))).collect())
    }

    fn refuse<T>(&self, wanted: Kind, findings: &mut Findings) -> Option<T> {
        self.refuse_for(wanted.words(), findings)
    }

    fn refuse_for<T>(&self, wanted: &str, findings: &mut Findings) -> Option<T> {
        self.wrong(wanted, findings);
        None
    }

    fn out_of_range(&self, least: &str, most: &str, findings: &mut Findings) {
        let message = format!("{} must lie between {least} and {most}", self.subject());
        findings.push(self.fault(Code::OutOfRange, message));
    }
}

fn small(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
