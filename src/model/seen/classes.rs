//! What is known about the network classes of one address: of each a yes, a no, or why it cannot be told.

use super::{ClassSet, NetworkClass};
use crate::model::{Answer, Cause, Causes, Strength};

/// How many classes there are.
const COUNT: usize = NetworkClass::ALL.len();

/// The classes of an address. A set with known members: one that is there answers yes; one that is not answers no only
/// where everything that could supply it was at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    yes: ClassSet,
    no: ClassSet,
    /// For each class that is in neither set.
    causes: [Causes; COUNT],
}

impl Classes {
    /// Nothing is known, because of this.
    pub fn unknown(cause: Cause) -> Self {
        Self { yes: ClassSet::NONE, no: ClassSet::NONE, causes: [cause.into(); COUNT] }
    }

    /// In exactly these, and in no other.
    pub fn exactly(classes: ClassSet) -> Self {
        let others = NetworkClass::ALL.iter().copied().filter(|class| !classes.has(*class)).collect();
        Self { yes: classes, no: others, causes: [Causes::default(); COUNT] }
    }

    /// With this answer for a class. Of its strength nothing is kept: how surely a session was seen at an address is
    /// known elsewhere.
    #[must_use]
    pub fn with(mut self, class: NetworkClass, answer: Answer) -> Self {
        (self.yes, self.no) = (self.yes.without(class), self.no.without(class));
        match answer {
            Answer::Yes(_) => self.yes = self.yes.with(class),
            Answer::No(_) => self.no = self.no.with(class),
            Answer::Unknown(causes) => {
                if let Some(of_class) = self.causes.get_mut(class as usize) {
                    *of_class = causes;
                }
            }
        }
        self
    }

    /// The classes that it is known to be in.
    pub fn yes(&self) -> ClassSet {
        self.yes
    }

    /// The classes that it is known not to be in.
    pub fn no(&self) -> ClassSet {
        self.no
    }

    /// Why nothing is known of those among these classes of which nothing is known.
    pub fn causes_of(&self, asked: ClassSet) -> Causes {
        let open = asked.iter().filter(|class| !self.yes.has(*class) && !self.no.has(*class));
        open.fold(Causes::default(), |sum, class| {
            sum.with(self.causes.get(class as usize).copied().unwrap_or_default())
        })
    }

    /// Whether it is in any of these classes: yes if it is in one; no if it is in none; else unknown, with the causes of
    /// exactly those asked that are unknown.
    pub fn any_of(&self, asked: ClassSet) -> Answer {
        if self.yes.meets(asked) {
            return Answer::Yes(Strength::Exact);
        }
        if asked.iter().all(|class| self.no.has(class)) {
            return Answer::No(Strength::Exact);
        }
        Answer::Unknown(self.causes_of(asked))
    }
}
