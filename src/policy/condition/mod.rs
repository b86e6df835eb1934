//! Conditions: a tree of lines that a witness answers with yes, no or unknown.

mod line;

use jiff::Timestamp;

pub(super) use line::folded;
pub use line::{Bound, Line, Test, TextTest, Words, shown};

use crate::facts::{FactSpec, Witness};
use crate::model::{Answer, Causes, Fact, Known, Source, Strength};

/// What a rule or an exception asks.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Every one must hold.
    All(Vec<Self>),
    /// One must hold.
    Any(Vec<Self>),
    /// It must not hold.
    Not(Box<Self>),
    /// One fact, one operator, one operand.
    Line(Line),
    /// There is a place of the session of which every one of these lines holds.
    Place(Vec<Line>),
}

/// One line that made a condition hold, in a form that outlives the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The fact.
    pub fact: &'static FactSpec,
    /// Where its value came from.
    pub source: Source,
    /// When the source said so.
    pub as_of: Timestamp,
    /// How surely it belongs to the session.
    pub strength: Strength,
    /// The reason in words, safe to show.
    pub reason: String,
    /// At which place of the session it was told, from 0; none if it is of no one place.
    pub spot: Option<usize>,
}

/// One node of a condition and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// How deep it is nested; 0 is the outermost.
    pub depth: usize,
    /// What it asks.
    pub text: String,
    /// What it answered.
    pub answer: Answer,
    /// What a line was told, if that is known.
    pub told: Option<Told>,
}

/// A known fact in a form that outlives the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its value, safe to show.
    pub value: String,
    /// Where it came from.
    pub source: Source,
    /// When the source said so.
    pub as_of: Timestamp,
    /// How surely it belongs to the session.
    pub strength: Strength,
}

impl Condition {
    /// Asks the witness.
    pub fn answer(&self, witness: &dyn Witness) -> Answer {
        match self {
            Self::All(parts) => {
                parts.iter().fold(Answer::Yes(Strength::Exact), |sum, part| match sum {
                    // A no of full strength is the end of it: nothing can change the answer.
                    Answer::No(Strength::Exact) => sum,
                    _ => sum.and(part.answer(witness)),
                })
            }
            Self::Any(parts) => parts.iter().fold(Answer::No(Strength::Exact), |sum, part| match sum {
                Answer::Yes(Strength::Exact) => sum,
                _ => sum.or(part.answer(witness)),
            }),
            Self::Not(part) => part.answer(witness).not(),
            Self::Line(line) => line.answer(&witness.tell(line.fact), witness.lists()),
            Self::Place(lines) => {
                let spots = witness.spots();
                (0..spots.known).fold(elsewhere(spots.missing), |sum, spot| match sum {
                    Answer::Yes(Strength::Exact) => sum,
                    _ => sum.or(answer_at(lines, spot, witness)),
                })
            }
        }
    }

    /// Whether it can give this answer where only the facts of `can_tell` are ever known.
    pub fn can_answer(&self, wanted: bool, can_tell: &dyn Fn(&'static FactSpec) -> bool) -> bool {
        let can = |line: &Line| can_tell(line.fact);
        match (self, wanted) {
            (Self::Line(line), _) => can(line),
            (Self::Not(part), _) => part.can_answer(!wanted, can_tell),
            (Self::All(parts), true) | (Self::Any(parts), false) => {
                parts.iter().all(|part| part.can_answer(wanted, can_tell))
            }
            (Self::All(parts), false) | (Self::Any(parts), true) => {
                parts.iter().any(|part| part.can_answer(wanted, can_tell))
            }
            (Self::Place(lines), true) => lines.iter().all(can),
            (Self::Place(lines), false) => lines.iter().any(can),
        }
    }

    /// Every line of the tree, in the order written.
    pub fn lines(&self) -> Vec<&Line> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::lines).collect(),
            Self::Not(part) => part.lines(),
            Self::Line(line) => vec![line],
            Self::Place(lines) => lines.iter().collect(),
        }
    }

    /// The lines that make it hold; empty if it does not. Of several branches that would do, the strongest counts.
    pub fn grounds(&self, witness: &dyn Witness) -> Vec<Ground> {
        if self.answer(witness).is_yes() { self.grounds_of(witness, true) } else { Vec::new() }
    }

    /// Every node of the tree with what it answers, outermost first.
    pub fn trace(&self, witness: &dyn Witness) -> Vec<TraceLine> {
        let mut lines = Vec::new();
        self.trace_into(witness, 0, &mut lines);
        lines
    }

    fn trace_into(&self, witness: &dyn Witness, depth: usize, lines: &mut Vec<TraceLine>) {
        let (text, parts, told) = match self {
            // A table of one line is the line.
            Self::All(parts) if parts.len() == 1 => {
                return parts.iter().for_each(|part| part.trace_into(witness, depth, lines));
            }
            Self::All(parts) => ("all of".to_owned(), parts.as_slice(), None),
            Self::Any(parts) => ("any of".to_owned(), parts.as_slice(), None),
            Self::Not(part) => ("not".to_owned(), std::slice::from_ref(&**part), None),
            Self::Line(line) => (line.text(), [].as_slice(), told(&witness.tell(line.fact))),
            Self::Place(_) => ("at a place of the session".to_owned(), [].as_slice(), None),
        };
        lines.push(TraceLine { depth, text, answer: self.answer(witness), told });
        for part in parts {
            part.trace_into(witness, depth + 1, lines);
        }
        if let Self::Place(asked) = self {
            trace_places(asked, witness, depth + 1, lines);
        }
    }

    fn grounds_of(&self, witness: &dyn Witness, wanted: bool) -> Vec<Ground> {
        let agrees = |part: &&Self| match part.answer(witness) {
            Answer::Yes(strength) if wanted => Some(strength),
            Answer::No(strength) if !wanted => Some(strength),
            _ => None,
        };
        match (self, wanted) {
            (Self::All(parts), true) | (Self::Any(parts), false) => {
                parts.iter().flat_map(|part| part.grounds_of(witness, wanted)).collect()
            }
            (Self::All(parts), false) | (Self::Any(parts), true) => {
                // The first of the strongest: `max_by_key` would take the last.
                let strongest = parts.iter().filter_map(|part| agrees(&part)).max();
                let branch = parts.iter().find(|part| strongest.is_some() && agrees(part) == strongest);
                branch.map(|part| part.grounds_of(witness, wanted)).unwrap_or_default()
            }
            (Self::Not(part), _) => part.grounds_of(witness, !wanted),
            (Self::Line(line), _) => line.ground(&witness.tell(line.fact), wanted).into_iter().collect(),
            (Self::Place(lines), true) => {
                let strongest = |spot: &usize| match answer_at(lines, *spot, witness) {
                    Answer::Yes(strength) => Some(strength),
                    _ => None,
                };
                let spots = 0..witness.spots().known;
                let best = spots.clone().filter_map(|spot| strongest(&spot)).max();
                let spot = spots.into_iter().find(|spot| best.is_some() && strongest(spot) == best);
                spot.iter().flat_map(|spot| lines.iter().filter_map(|line| line.ground_at(*spot, witness))).collect()
            }
            (Self::Place(lines), false) => {
                let as_of = witness.spots().as_of;
                lines.iter().map(|line| line.ground_nowhere(as_of)).collect()
            }
        }
    }
}

/// What is answered before any place is looked at: no, unless there are places that nobody knows.
fn elsewhere(missing: Causes) -> Answer {
    if missing == Causes::default() { Answer::No(Strength::Exact) } else { Answer::Unknown(missing) }
}

/// Whether every line holds of this one place. That it does not is as sure as can be, whosesoever the place is.
fn answer_at(lines: &[Line], spot: usize, witness: &dyn Witness) -> Answer {
    let answer = lines.iter().fold(Answer::Yes(Strength::Exact), |sum, line| match sum {
        Answer::No(_) => sum,
        _ => sum.and(line.answer(&witness.tell_at(spot, line.fact), witness.lists())),
    });
    if matches!(answer, Answer::No(_)) { Answer::No(Strength::Exact) } else { answer }
}

/// Each known place, and what every line was told there.
fn trace_places(asked: &[Line], witness: &dyn Witness, depth: usize, lines: &mut Vec<TraceLine>) {
    let spots = witness.spots();
    for spot in 0..spots.known {
        let (text, answer) = (name_at(spot, witness), answer_at(asked, spot, witness));
        lines.push(TraceLine { depth, text, answer, told: None });
        for line in asked {
            let fact = witness.tell_at(spot, line.fact);
            let answer = line.answer(&fact, witness.lists());
            lines.push(TraceLine { depth: depth + 1, text: line.text(), answer, told: told(&fact) });
        }
    }
    let rest = elsewhere(spots.missing);
    if spots.known == 0 || matches!(rest, Answer::Unknown(_)) {
        let text = "anywhere else".to_owned();
        lines.push(TraceLine { depth, text, answer: rest, told: None });
        let asked = asked.iter().map(Line::text);
        lines.extend(asked.map(|text| TraceLine { depth: depth + 1, text, answer: rest, told: None }));
    }
}

/// A place by its number, from 1, and in words.
fn name_at(spot: usize, witness: &dyn Witness) -> String {
    format!("place {}: {}", spot + 1, witness.name_of(spot))
}

fn told(fact: &Fact<'_>) -> Option<Told> {
    match fact {
        Fact::Unknown(_) => None,
        Fact::Known(Known { value, source, as_of, strength }) => {
            Some(Told { value: shown(value), source: *source, as_of: *as_of, strength: *strength })
        }
    }
}
