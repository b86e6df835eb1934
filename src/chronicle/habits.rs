//! What a complete cycle adds to what rules usually do.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Habit, HabitCycle, Mode, RuleId, Stratum, Strength, UserId};
use crate::policy::Rule;
use crate::report::Stages;

/// Habits of rules that did otherwise than before, and those to forget. Nothing of a cycle that did not see everything, nor
/// of one in a pause, which withholds what would be too many before anybody counts it.
pub fn habits(stages: Stages<'_>) -> (BTreeMap<Key, Habit>, Vec<Key>) {
    let snapshot = stages.dossier.snapshot();
    if snapshot.looked.is_some() || !snapshot.is_complete() || !snapshot.clocks.trusted || snapshot.pause.is_some() {
        return Default::default();
    }
    let before = &snapshot.history.habits;
    let now = learned(stages);
    let gone = before.keys().filter(|key| !now.contains_key(*key)).cloned().collect();
    (now.into_iter().filter(|(key, habit)| before.get(key) != Some(habit)).collect(), gone)
}

type Key = (RuleId, Stratum);

/// Of every rule that is not off, and every stratum.
fn learned(stages: Stages<'_>) -> BTreeMap<Key, Habit> {
    let mut claimed: BTreeMap<(usize, Stratum), BTreeSet<UserId>> = BTreeMap::new();
    let mut unusual: BTreeSet<(usize, Stratum)> = BTreeSet::new();
    for (intention, held) in stages.plan.intentions.iter().zip(&stages.guarded.held) {
        let known = intention.claims.iter().zip(held).filter(|(claim, _)| claim.strength > Strength::Hearsay);
        for (claim, held) in known {
            let place = (claim.rule, intention.stratum);
            let is_core = stages.guarded.core.contains(&(claim.rule, intention.user));
            let is_many = held.is_some_and(|held| held.belt.counts_people());
            if is_core || is_many {
                unusual.insert(place);
            }
            if !is_many {
                claimed.entry(place).or_default().insert(intention.user);
            }
        }
    }
    let rules = stages.policies.rules.iter().enumerate().filter(|(_, rule)| rule.mode != Mode::Off);
    let places = rules.flat_map(|(place, rule)| Stratum::ALL.iter().map(move |stratum| (place, rule, *stratum)));
    let habit = |(place, rule, stratum): (usize, &Rule, Stratum)| {
        let key = (rule.id.clone(), stratum);
        let claimed = claimed.remove(&(place, stratum)).unwrap_or_default();
        let mut habit = stages.dossier.snapshot().history.habits.get(&key).cloned().unwrap_or_default();
        let new = claimed.iter().filter(|user| !habit.claimed.contains(user)).count();
        let basis = stages.guarded.bases.get(place).copied().unwrap_or_default();
        let usual = (!unusual.contains(&(place, stratum))).then(|| (u32::try_from(new).unwrap_or(u32::MAX), basis));
        habit.learn(HabitCycle { usual, claimed });
        (key, habit)
    };
    places.map(habit).collect()
}
