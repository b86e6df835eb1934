//! What a rule usually does in a stratum, by which its next cycle is held unusual or not.

use std::collections::BTreeSet;

use super::Basis;
use crate::model::UserId;

/// So many complete cycles are remembered of a rule (design §6).
pub const HABIT_CYCLES_MAX: u32 = 100;

/// The last complete cycles of one rule in one stratum in which none of its claims was withheld for being too many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Habit {
    /// Oldest first; cycles that came to the same stand together.
    pub runs: Vec<Run>,
    /// Whom it claimed in the last complete cycle, whatever came of it, less those withheld for being too many.
    pub claimed: BTreeSet<UserId>,
}

/// Cycles in a row that came to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// People it claimed and had not claimed in the complete cycle before.
    pub new_people: u32,
    /// What the rule rested on.
    pub basis: Basis,
    /// How many cycles; at least 1.
    pub times: u32,
}

/// One complete cycle, to be added to a habit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HabitCycle {
    /// People it claimed and had not claimed in the complete cycle before, and what it rested on; none if claims were
    /// withheld for being too many: nothing is usual about that.
    pub usual: Option<(u32, Basis)>,
    /// Whom it claimed, less those withheld for being too many.
    pub claimed: BTreeSet<UserId>,
}

impl Habit {
    /// Adds a cycle; the oldest beyond [`HABIT_CYCLES_MAX`] are forgotten.
    pub fn learn(&mut self, cycle: HabitCycle) {
        self.claimed = cycle.claimed;
        let Some((new_people, basis)) = cycle.usual else { return };
        match self.runs.last_mut() {
            Some(run) if (run.new_people, run.basis) == (new_people, basis) => run.times = run.times.saturating_add(1),
            _ => self.runs.push(Run { new_people, basis, times: 1 }),
        }
        let mut beyond = self.cycles().saturating_sub(HABIT_CYCLES_MAX);
        for run in &mut self.runs {
            let cut = run.times.min(beyond);
            (run.times, beyond) = (run.times - cut, beyond - cut);
        }
        self.runs.retain(|run| run.times > 0);
    }

    /// How many cycles it remembers.
    pub fn cycles(&self) -> u32 {
        self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.times))
    }

    /// How many of them rested on this.
    pub fn quiet(&self, basis: Basis) -> u32 {
        let same = self.runs.iter().filter(|run| run.basis == basis);
        same.fold(0, |sum, run| sum.saturating_add(run.times))
    }

    /// So many new people come in a cycle at most, but for one cycle of twenty.
    pub fn p95(&self) -> u32 {
        let mut runs: Vec<(u32, u32)> = self.runs.iter().map(|run| (run.new_people, run.times)).collect();
        runs.sort_unstable();
        // The nearest rank.
        let mut rank = u64::from(self.cycles()).saturating_mul(95).div_ceil(100);
        for (new_people, times) in runs {
            match rank.checked_sub(u64::from(times)).filter(|rest| *rest > 0) {
                Some(rest) => rank = rest,
                None => return new_people,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Input;

    fn learned(cycles: impl IntoIterator<Item = u32>) -> Habit {
        let mut habit = Habit::default();
        for new_people in cycles {
            habit.learn(HabitCycle { usual: Some((new_people, Basis::default())), claimed: BTreeSet::new() });
        }
        habit
    }

    #[test]
    fn p95_is_the_nearest_rank() {
        assert_eq!(learned([]).p95(), 0);
        assert_eq!(learned([7]).p95(), 7);
        assert_eq!(learned((1..=20).rev()).p95(), 19);
        assert_eq!(learned(1..=100).p95(), 95);
        assert_eq!(learned([0; 94].into_iter().chain([9; 6])).p95(), 9);
        assert_eq!(learned([0; 95].into_iter().chain([9; 5])).p95(), 0);
    }

    #[test]
    fn only_the_last_hundred_count() {
        let habit = learned([9; 50].into_iter().chain([0; 80]).chain([1; 3]));
        let runs: Vec<_> = habit.runs.iter().map(|run| (run.new_people, run.times)).collect();
        assert_eq!((runs, habit.cycles()), (vec![(9, 17), (0, 80), (1, 3)], HABIT_CYCLES_MAX));
        assert_eq!(learned([0; 1_000]).runs.len(), 1);
    }

    #[test]
    fn what_was_withheld_is_not_usual_and_another_basis_counts_for_itself() {
        let mut habit = learned([0; 60]);
        let user = UserId::new(7).unwrap();
        habit.learn(HabitCycle { usual: None, claimed: BTreeSet::from([user]) });
        assert_eq!((habit.cycles(), habit.claimed.len()), (60, 1));
        let basis = Basis::default().with(Input::Rule, "00000001");
        habit.learn(HabitCycle { usual: Some((0, basis)), claimed: BTreeSet::new() });
        assert_eq!((habit.quiet(basis), habit.quiet(Basis::default()), habit.cycles()), (1, 60, 61));
    }
}
