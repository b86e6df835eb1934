//! The simulated [`State`]: memories in memory, which fail when told to.
//!
//! Clones share what they hold, so that a test can stop a daemon and hand its state to the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{State, StateTrouble};
use crate::model::{AccountName, Foreign, Lesson, Memory};

/// State without a file.
#[derive(Debug, Clone, Default)]
pub struct StateTwin {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    memories: BTreeMap<AccountName, Memory>,
    fails: bool,
}

impl StateTwin {
    /// From now on nothing can be loaded or saved, until told otherwise.
    pub fn fail(&self, fails: bool) {
        self.kept().fails = fails;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<MutexGuard<'_, Kept>, StateTrouble> {
        let kept = self.kept();
        if kept.fails {
            let what = Foreign::new("the twin was told to fail");
            return Err(StateTrouble::Local { path: PathBuf::from("twin"), what });
        }
        Ok(kept)
    }
}

impl State for StateTwin {
    fn load(&self, account: &AccountName) -> Result<Memory, StateTrouble> {
        Ok(self.working()?.memories.get(account).cloned().unwrap_or_default())
    }

    fn save(&mut self, account: &AccountName, lesson: &Lesson) -> Result<(), StateTrouble> {
        self.working()?.memories.entry(account.clone()).or_default().learn(lesson.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::conformance;

    #[test]
    fn the_twin_remembers_what_was_learned() {
        conformance::check(StateTwin::default);
    }

    #[test]
    fn a_twin_that_fails_says_so_and_learns_nothing() {
        let (acme, mut twin) = (AccountName::new("acme"), StateTwin::default());
        let other = twin.clone();
        other.fail(true);
        assert!(matches!(twin.save(&acme, &Lesson::default()), Err(StateTrouble::Local { .. })));
        assert!(twin.load(&acme).is_err());
        other.fail(false);
        assert_eq!(twin.load(&acme).unwrap(), Memory::default());
    }
}
