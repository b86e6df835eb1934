//! What a rule rests on beside what is seen of sessions: the team's own inputs. When something unusual happens, the first
//! question is whether one of these changed.

use std::fmt;
use std::str::FromStr;

/// Something that the team, and not the world, can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// The rule's text, its exceptions, and the lists that are written in the policies.
    Rule,
    /// Lists in files, and offboarding lists.
    Lists,
    /// Place databases.
    Places,
    /// evictd itself.
    Engine,
    /// Whose sessions are listed.
    Scope,
    /// The belts, and the account's mode.
    Belts,
}

impl Input {
    /// Every input, in the order of a basis.
    pub const ALL: [Self; 6] = [Self::Rule, Self::Lists, Self::Places, Self::Engine, Self::Scope, Self::Belts];

    /// The word in reports and the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Lists => "lists",
            Self::Places => "places",
            Self::Engine => "engine",
            Self::Scope => "scope",
            Self::Belts => "belts",
        }
    }

    /// The input with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|input| input.word() == word)
    }
}

/// A short digest of each input of one rule; zero where the rule asks nothing of it. Written as six numbers of eight
/// hexadecimal digits with `-` between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Basis([u32; Input::ALL.len()]);

impl Basis {
    /// The same with this input, of which this is the SHA-256, hexadecimal.
    #[must_use]
    pub fn with(mut self, input: Input, sha256: &str) -> Self {
        let short = sha256.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
        if let Some((digest, _)) = self.0.iter_mut().zip(Input::ALL).find(|(_, one)| *one == input) {
            *digest = short;
        }
        self
    }

    /// What is not the same in both.
    pub fn differing(self, other: Self) -> Vec<Input> {
        let pairs = self.0.into_iter().zip(other.0).zip(Input::ALL);
        pairs.filter(|((one, other), _)| one != other).map(|(_, input)| input).collect()
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, digest) in self.0.iter().enumerate() {
            let dash = if place == 0 { "" } else { "-" };
            write!(out, "{dash}{digest:08x}")?;
        }
        Ok(())
    }
}

/// A text that is no basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBasis;

impl FromStr for Basis {
    type Err = NoBasis;

    fn from_str(text: &str) -> Result<Self, NoBasis> {
        let number = |part: &str| u32::from_str_radix(part, 16).ok().ok_or(NoBasis);
        let numbers = text.split('-').map(number).collect::<Result<Vec<_>, _>>()?;
        numbers.try_into().ok().map(Self).ok_or(NoBasis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_tells_what_differs() {
        let basis = Basis::default().with(Input::Places, "0123456789").with(Input::Belts, "ffffffffff");
        assert_eq!(basis.to_string(), "00000000-00000000-01234567-00000000-00000000-ffffffff");
        assert_eq!(basis.to_string().parse(), Ok(basis));
        assert_eq!(basis.differing(Basis::default()), [Input::Places, Input::Belts]);
        assert_eq!(basis.differing(basis), []);
        for wrong in ["", "1-2-3-4-5", "1-2-3-4-5-6-7", "1-2-3-4-5-g", "100000000-0-0-0-0-0"] {
            assert_eq!(wrong.parse::<Basis>(), Err(NoBasis), "{wrong}");
        }
        assert!(Input::ALL.into_iter().all(|input| Input::from_word(input.word()) == Some(input)));
    }
}
