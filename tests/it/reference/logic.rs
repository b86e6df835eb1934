//! Yes, no and unknown, with the facts that made it so; and what operators say of a value.
//!
//! Written as tables of cases rather than cleverly: this is the side that should be easy to believe.

use std::collections::BTreeSet;

use evictd::model::Strength;

use super::law::{Pattern, Piece};

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `None` is unknown.
    pub truth: Option<bool>,
    /// The facts whose lines made it yes or no; of several that would do alone, the first of the surest.
    pub facts: BTreeSet<&'static str>,
    /// How surely they are of this session, if it is yes or no.
    pub sure: Strength,
}

/// No if one is no, else unknown if one is unknown, else yes. A yes rests on all, a no on the first of the surest.
pub fn and(answers: Vec<Answer>) -> Answer {
    let noes = || answers.iter().filter(|answer| answer.truth == Some(false));
    let surest = noes().map(|answer| answer.sure).max();
    if let Some(first) = noes().find(|answer| Some(answer.sure) == surest) {
        return first.clone();
    }
    let truth = if answers.iter().any(|answer| answer.truth.is_none()) { None } else { Some(true) };
    let sure = answers.iter().map(|answer| answer.sure).min().unwrap_or(Strength::Exact);
    Answer { truth, facts: answers.into_iter().flat_map(|answer| answer.facts).collect(), sure }
}

/// Yes if one is yes, else unknown if one is unknown, else no. A yes rests on the first of the surest, a no on all.
pub fn or(answers: Vec<Answer>) -> Answer {
    not(and(answers.into_iter().map(not).collect()))
}

pub fn not(answer: Answer) -> Answer {
    Answer { truth: answer.truth.map(|truth| !truth), ..answer }
}

/// A length known to lie between two, against a limit.
pub fn compares_length(operator: &str, (low, high): (i64, i64), limit: i64) -> Option<bool> {
    match operator {
        "over" if low > limit => Some(true),
        "over" if high <= limit => Some(false),
        "at-least" if low >= limit => Some(true),
        "at-least" if high < limit => Some(false),
        "under" => compares_length("at-least", (low, high), limit).map(|truth| !truth),
        "at-most" => compares_length("over", (low, high), limit).map(|truth| !truth),
        "over" | "at-least" => None,
        _ => panic!("no operator of lengths: {operator}"),
    }
}

pub fn compares_number(operator: &str, number: u64, limit: u64) -> bool {
    match operator {
        "over" => number > limit,
        "under" => number < limit,
        "at-least" => number >= limit,
        "at-most" => number <= limit,
        "is" => number == limit,
        _ => panic!("no operator of numbers: {operator}"),
    }
}

/// A text that is there, against one text.
pub fn compares_text(operator: &str, text: &str, other: &str) -> bool {
    match operator {
        "is" => text == other,
        "contains" => text.contains(other),
        "starts-with" => text.starts_with(other),
        "ends-with" => text.ends_with(other),
        _ => panic!("no operator of texts: {operator}"),
    }
}

/// Whether the whole text is one of the alternatives.
pub fn matches(pattern: &Pattern, text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    pattern.iter().any(|pieces| sequence(pieces, &letters))
}

fn sequence(pieces: &[Piece], letters: &[char]) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return letters.is_empty() };
    (0..=letters.len()).any(|taken| {
        let (head, tail) = letters.split_at(taken);
        let fits = match first {
            Piece::Literal(text) => head.iter().collect::<String>() == text.to_lowercase(),
            Piece::Anything => true,
            Piece::Letters => taken > 0 && head.iter().all(char::is_ascii_lowercase),
        };
        fits && sequence(rest, tail)
    })
}

/// `*` stands for any letters, `?` for one.
pub fn is_named(glob: &str, name: &str) -> bool {
    match (glob.chars().next(), name.chars().next()) {
        (None, end) => end.is_none(),
        (Some('*'), None) => is_named(&glob[1..], name),
        (Some('*'), Some(_)) => is_named(&glob[1..], name) || is_named(glob, &name[1..]),
        (Some(_), None) => false,
        (Some(one), Some(other)) => (one == '?' || one == other) && is_named(&glob[1..], &name[1..]),
    }
}
