//! Records about holds: people whom a belt withheld, kept for a human. A hold is named by the number of the record that
//! opened it, as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A belt withheld people of a rule, and a human is asked. What they have in common that names a network or a program is
/// in the personal part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldOpened {
    /// The rule.
    pub rule: String,
    /// Its severity.
    pub severity: String,
    /// The belt.
    pub belt: String,
    /// How many people the belt lets through, if it counts people.
    pub limit: Option<u64>,
    /// How many there were.
    pub count: Option<u64>,
    /// `enforce`, or `report`: then nobody is asked, and it only shows what would be.
    pub mode: String,
    /// The cycle's *now*, on Zendesk's clock.
    pub opened_at: String,
    /// When it is over.
    pub expires_at: String,
    /// The people, by id, with their strata.
    pub people: BTreeMap<String, String>,
    /// SHA-256 over rule, belt and people, hexadecimal: who releases names it, so that nobody else goes.
    pub digest: String,
    /// How many sessions of theirs the rule claims.
    pub sessions: usize,
    /// How many of these were opened in the last hour.
    pub young: usize,
    /// Which of the team's own inputs changed within a day, or since when there were not enough quiet cycles: `rule`,
    /// `lists`, `places`, `engine`, `scope`, `belts`; empty if none is known to have.
    pub changed: Vec<String>,
}

/// More people came under a hold that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldGrew {
    /// The hold.
    pub hold: String,
    /// The people who came, by id, with their strata.
    pub people: BTreeMap<String, String>,
    /// The digest over everybody who is under it now.
    pub digest: String,
}

/// A human let it go: its belt does not count these people in the next complete cycle, which judges them anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReleased {
    /// The hold.
    pub hold: String,
    /// The digest that was looked at.
    pub digest: String,
    /// Who.
    pub by: String,
}

/// A human said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldDiscarded {
    /// The hold.
    pub hold: String,
    /// Who.
    pub by: String,
}

/// Nobody answered in time. Whoever is still claimed comes under a new hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldExpired {
    /// The hold.
    pub hold: String,
    /// The rule.
    pub rule: String,
    /// How many people were under it.
    pub people: usize,
}
