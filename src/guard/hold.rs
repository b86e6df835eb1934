//! Holds as the guard sees them: who is set aside, who was let go, and who comes under one now.

use std::collections::BTreeMap;

use super::{Belt, Circumstances, Held, Standing};
use crate::model::{Hold, HoldState, Input, Mode, Stratum, UserId};

/// People that a belt withheld in this cycle and a human is to be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Place of the rule in its set.
    pub rule: usize,
    /// The belt, and what it counted.
    pub held: Held,
    /// The rule's effective mode.
    pub mode: Mode,
    /// Those who are under no hold yet.
    pub people: BTreeMap<UserId, Stratum>,
    /// The open hold that they come under; none: a new one.
    pub hold: Option<u64>,
    /// Which of the team's own inputs changed, if that is why nobody went; empty if none is known to have.
    pub changed: Vec<Input>,
}

impl Belt {
    /// Whether a human is asked about whoever it withholds.
    pub fn asks(self) -> bool {
        self == Self::Protected || self == Self::Loop || self.counts_people()
    }

    /// Whether it withholds people for being too many.
    pub fn counts_people(self) -> bool {
        self.is_of_rule() || self.is_of_account()
    }

    /// Whether it counts the people of one rule.
    pub(super) fn is_of_rule(self) -> bool {
        let rule = [Self::PeoplePerRule, Self::PeoplePerRuleAndHour, Self::PeoplePerRuleAndDay, Self::Jump];
        rule.contains(&self)
    }

    /// Whether it counts people over all rules.
    pub(super) fn is_of_account(self) -> bool {
        matches!(self, Self::RosterPerHour | Self::RosterPerDay)
    }

    /// Whether a human who let go what the other belt withheld also overrules this one: belts that count the same people
    /// are one question.
    fn is_waived_with(self, other: Self) -> bool {
        self == other || self.is_of_rule() && other.is_of_rule() || self.is_of_account() && other.is_of_account()
    }
}

/// The holds of this claim that last. One that only showed what would be asked nobody: it is none of a rule that enforces.
fn holds_of<'a>(standing: &Standing<'_>, around: Circumstances<'a>) -> impl Iterator<Item = (&'a Hold, Belt)> {
    let rule = around.policies.rules.get(standing.claim.rule).map(|rule| &rule.id);
    let user = standing.user();
    let now = around.snapshot.now;
    let lasting = around.snapshot.history.holds.iter().filter(move |hold| hold.lasts(now));
    let mode = standing.claim.mode;
    let own =
        lasting.filter(move |hold| Some(&hold.rule) == rule && hold.mode == mode && hold.people.contains_key(&user));
    own.filter_map(|hold| Some((hold, Belt::from_word(&hold.belt)?)))
}

/// Whether a human let go what this belt withholds.
pub(super) fn is_released(standing: &Standing<'_>, belt: Belt, around: Circumstances<'_>) -> bool {
    holds_of(standing, around).any(|(hold, of)| hold.state == HoldState::Released && belt.is_waived_with(of))
}

/// What sets a claim aside: a hold that waits, or one that a human discarded.
pub(super) fn aside<'a>(standing: &Standing<'_>, around: Circumstances<'a>) -> Option<(&'a Hold, Held)> {
    let (hold, belt) = holds_of(standing, around).find(|(hold, _)| hold.state != HoldState::Released)?;
    Some((hold, Held { belt, limit: hold.limit, count: hold.count }))
}

/// Who comes under a hold now: whoever a belt withholds that asks, and who is under none for it.
pub(super) fn holdings(
    claims: &[Standing<'_>],
    changed: &BTreeMap<(usize, Stratum), Vec<Input>>,
    around: Circumstances<'_>,
) -> Vec<Holding> {
    let mut holdings: BTreeMap<(usize, Belt), Holding> = BTreeMap::new();
    for standing in claims {
        let Some(held) = standing.held.filter(|held| held.belt.asks()) else { continue };
        let is_under = holds_of(standing, around).any(|(_, belt)| belt == held.belt);
        if is_under {
            continue;
        }
        let (rule, mode) = (standing.claim.rule, standing.claim.mode);
        let holding = holdings.entry((rule, held.belt)).or_insert_with(|| Holding {
            rule,
            held,
            mode,
            people: BTreeMap::new(),
            hold: open_hold((rule, mode), held.belt, around),
            changed: Vec::new(),
        });
        holding.people.insert(standing.user(), standing.stratum());
        for input in changed.get(&(rule, standing.stratum())).into_iter().flatten() {
            if !holding.changed.contains(input) {
                holding.changed.push(*input);
            }
        }
    }
    holdings.into_values().collect()
}

fn open_hold((rule, mode): (usize, Mode), belt: Belt, around: Circumstances<'_>) -> Option<u64> {
    let id = &around.policies.rules.get(rule)?.id;
    let holds = around.snapshot.history.holds.iter();
    let mut open = holds.filter(|hold| hold.state == HoldState::Open && hold.lasts(around.snapshot.now));
    open.find(|hold| hold.rule == *id && hold.mode == mode && hold.belt == belt.word()).map(|hold| hold.id)
}
