//! Enforcing: spends what the guard cleared. Read back, judge again, write the intent, act, write the outcome, grade.
//!
//! Nothing is asked of Zendesk that the trail does not already hold. One failure does not stop the rest, but a trail
//! that cannot be written stops everything.

mod act;
mod read_back;
mod settle;

use std::collections::BTreeMap;

use crate::clock::Pending;
use crate::config::Account;
use crate::evidence::Dossier;
use crate::grade::{Fate, Kept, grade};
use crate::guard::{Belt, Cleared};
use crate::model::{Action, CycleId, Outcome, Pause, Person, Stratum, UserId};
use crate::policy::PolicySet;
use crate::record::{Entry, HeldBy, RevocationGraded, RevocationOutcome, Withheld};
use crate::trail::{Trail, TrailTrouble};
use crate::zendesk::Zendesk;

pub use settle::settle;

/// `show_many` takes this many ids (Zendesk's documentation).
const PEOPLE_PER_CALL_MAX: usize = 100;

/// What enforcement works with.
pub struct Bench<'a> {
    /// The account's Zendesk.
    pub zendesk: &'a Zendesk,
    /// Where everything is written first.
    pub trail: &'a mut Trail,
    /// The evidence the plan was made from.
    pub dossier: &'a Dossier<'a>,
    /// The policies it was judged by.
    pub policies: &'a PolicySet,
    /// The account.
    pub account: &'a Account,
    /// The cycle.
    pub cycle: &'a CycleId,
    /// What a human can stop it by.
    pub brakes: &'a dyn Brakes,
}

/// What a human can stop enforcement by; looked at before every changing call.
pub trait Brakes {
    /// The pause in force, if any.
    fn pause(&self) -> Option<Pause>;

    /// Whether the process was asked to stop.
    fn stop(&self) -> bool;

    /// Ends once the process is asked to stop: while nothing but reading goes on, that need not be finished.
    fn stopping(&self) -> Pending<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// A person as a [`Cleared`] names them.
#[derive(Debug, Clone, Copy)]
struct Whose {
    user: UserId,
    stratum: Stratum,
}

/// Ends what was cleared, in order, and grades it.
///
/// # Errors
///
/// When the trail cannot be written: nothing is asked of Zendesk after that.
pub async fn enforce(cleared: Vec<Cleared>, bench: &mut Bench<'_>) -> Result<Vec<Fate>, TrailTrouble> {
    let mut fates = Vec::new();
    let mut rest = cleared.into_iter();
    loop {
        let batch: Vec<Cleared> = rest.by_ref().take(PEOPLE_PER_CALL_MAX).collect();
        if batch.is_empty() {
            return Ok(fates);
        }
        let people = bench.read_people(&batch).await;
        let mut left = turns(&batch);
        for cleared in batch {
            let whose = Whose { user: cleared.user(), stratum: cleared.stratum() };
            let ended = bench.spend(cleared, whose, people.get(&whose.user)).await?;
            fates.extend(ended);
            if is_last_turn(&mut left, whose.user) {
                bench.grade(whose.user, &mut fates).await?;
            }
        }
    }
}

/// How often each person comes up: their listing is read once, after the last act.
fn turns(batch: &[Cleared]) -> BTreeMap<UserId, usize> {
    let mut turns = BTreeMap::new();
    for cleared in batch {
        *turns.entry(cleared.user()).or_insert(0) += 1;
    }
    turns
}

fn is_last_turn(turns: &mut BTreeMap<UserId, usize>, user: UserId) -> bool {
    turns.get_mut(&user).is_some_and(|count| {
        *count -= 1;
        *count == 0
    })
}

impl Bench<'_> {
    async fn read_people(&self, batch: &[Cleared]) -> BTreeMap<UserId, Person> {
        let users: Vec<UserId> = turns(batch).into_keys().collect();
        match self.zendesk.people(&users).await {
            Ok(answer) => answer.value.into_iter().map(|person| (person.id, person)).collect(),
            Err(_) => BTreeMap::new(),
        }
    }

    /// Reads every session of the permission back and ends those whose claims still stand.
    async fn spend(
        &mut self,
        cleared: Cleared,
        whose: Whose,
        person: Option<&Person>,
    ) -> Result<Vec<Fate>, TrailTrouble> {
        let mut fates = Vec::new();
        let mut standing = Vec::new();
        for session in cleared.spend() {
            let (stands, fate) = match self.braked() {
                None => self.read_back(session, whose, person).await,
                Some((belt, why)) => {
                    let mut fate = Fate::of(session.session, whose.user);
                    all_kept(&mut fate, self.rules_of(&session), belt, why);
                    (None, fate)
                }
            };
            self.write_kept(&fate)?;
            match stands {
                Some(stands) => standing.push((stands, fate)),
                None => fates.push(self.write_unasked(whose, fate)?),
            }
        }
        let wide = standing.iter().any(|(stands, _)| stands.cleared.action() == Some(Action::RevokeUser));
        if wide {
            self.revoke(Action::RevokeUser, whose, standing, &mut fates).await?;
        } else {
            for one in standing {
                self.revoke(Action::RevokeSession, whose, vec![one], &mut fates).await?;
            }
        }
        Ok(fates)
    }

    /// The belt a human put on meanwhile.
    fn braked(&self) -> Option<(Belt, &'static str)> {
        if self.brakes.stop() {
            Some((Belt::Stopping, "the process was asked to stop"))
        } else if self.brakes.pause().is_some() {
            Some((Belt::Pause, "the account was paused meanwhile"))
        } else {
            None
        }
    }

    fn write_kept(&mut self, fate: &Fate) -> Result<(), TrailTrouble> {
        for kept in &fate.kept {
            let held =
                HeldBy { belt: kept.held.belt.word().to_owned(), limit: kept.held.limit, count: kept.held.count };
            let record = Withheld {
                session: fate.session.to_string(),
                user: fate.user.to_string(),
                rule: kept.rule.to_string(),
                held,
                why: kept.why.clone(),
            };
            self.trail.append(Some(self.cycle), record.into(), None)?;
        }
        Ok(())
    }

    /// Writes the outcome of a session for which nothing had to be asked: gone before, or refused at the read-back.
    fn write_unasked(&mut self, whose: Whose, fate: Fate) -> Result<Fate, TrailTrouble> {
        if let Some(outcome) = fate.outcome {
            let record = RevocationOutcome {
                intent: None,
                sessions: vec![fate.session.to_string()],
                user: whose.user.to_string(),
                stratum: whose.stratum.word().to_owned(),
                rules: Vec::new(),
                outcome: outcome.word().to_owned(),
                answered_at: self.dossier.snapshot().now.to_string(),
                detail: fate.detail.clone(),
            };
            self.write(record.into())?;
        }
        Ok(fate)
    }

    fn write(&mut self, entry: Entry) -> Result<u64, TrailTrouble> {
        self.trail.write_durably(Some(self.cycle), entry, None)
    }

    /// Reads the person's listing once and grades everything that was asked for.
    async fn grade(&mut self, user: UserId, fates: &mut [Fate]) -> Result<(), TrailTrouble> {
        let asked = |fate: &&mut Fate| fate.user == user && fate.outcome.is_some_and(|one| one != Outcome::Refused);
        if !fates.iter_mut().any(|fate| asked(&fate)) {
            return Ok(());
        }
        let listing = self.zendesk.sessions_of(user).await;
        for fate in fates.iter_mut().filter(asked) {
            let grade = grade(fate.session, &listing.rows, &listing.completeness);
            fate.grade = Some(grade);
            let record = RevocationGraded {
                session: fate.session.to_string(),
                user: user.to_string(),
                grade: grade.word().to_owned(),
            };
            self.trail.append(Some(self.cycle), record.into(), None)?;
        }
        self.trail.sync()
    }
}

/// Every claim of a session kept back for one reason.
fn all_kept(fate: &mut Fate, rules: impl Iterator<Item = crate::model::RuleId>, belt: Belt, why: &str) {
    fate.kept.extend(rules.map(|rule| Kept { rule, held: belt.holds(), why: why.to_owned() }));
}
