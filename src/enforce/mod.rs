//! Enforcing: spends what the guard cleared. Read back, judge again, write the intent, act, write the outcome, grade.
//!
//! Nothing is asked of Zendesk that the trail does not already hold. One failure does not stop the rest, but a trail
//! that cannot be written stops everything.

mod act;
mod exposure;
mod lever;
mod read_back;
mod settle;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::chronicle::Chronicle;
use crate::clock::{Clock, Pending};
use crate::config::Account;
use crate::evidence::Dossier;
use crate::grade::{Fate, Kept, grade};
use crate::guard::{Belt, Cleared, ClearedSession};
use crate::model::{Action, CycleId, Grade, Outcome, Pause, Person, Stratum, UserId};
use crate::policy::PolicySet;
use crate::record::{Entry, HeldBy, RevocationGraded, RevocationOutcome, Withheld};
use crate::trail::{Trail, TrailTrouble};
use crate::zendesk::{PEOPLE_PER_CALL_MAX, Purpose, Zendesk};

pub use lever::{Aimed, LeverBench, Lost, revoke_people};
use read_back::Stands;
pub use settle::settle;

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
    /// The host's clocks.
    pub clock: &'a dyn Clock,
    /// The monotonic clock at the snapshot's *now*.
    pub gathered: Duration,
    /// Since when claims stand.
    pub chronicle: &'a Chronicle,
    /// How long this cycle has waited for requests that the account could spare.
    pub waited: &'a dyn Fn() -> Duration,
    /// The same when it judged.
    pub waited_to_judge: Duration,
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
    /// The cycle's *now*, run on by the host's monotonic clock: no later answer can move it.
    fn now(&self) -> Timestamp {
        let elapsed = self.clock.monotonic().saturating_sub(self.gathered);
        self.dossier.snapshot().now.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    async fn read_people(&self, batch: &[Cleared]) -> BTreeMap<UserId, Person> {
        let users: Vec<UserId> = turns(batch).into_keys().collect();
        match self.unless_stopped(self.zendesk.people(&users, Purpose::Act)).await {
            Some(Ok(answer)) => answer.value.into_iter().map(|person| (person.id, person)).collect(),
            Some(Err(_)) | None => BTreeMap::new(),
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
        let mut swallowed = Vec::new();
        for session in cleared.spend() {
            if standing.iter().any(is_wide) {
                // One claim on the whole person stands: what that ends need not be read one by one.
                swallowed.push(session);
                continue;
            }
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
        if standing.iter().any(is_wide) {
            self.revoke(Action::RevokeUser, whose, standing, &mut fates).await?;
            self.keep_swallowed(&swallowed, whose, &mut fates)?;
        } else {
            for one in standing {
                self.revoke(Action::RevokeSession, whose, vec![one], &mut fates).await?;
            }
        }
        Ok(fates)
    }

    /// If the wide request was kept back, so are the sessions that it would have ended along with the others.
    fn keep_swallowed(
        &mut self,
        swallowed: &[ClearedSession],
        whose: Whose,
        fates: &mut Vec<Fate>,
    ) -> Result<(), TrailTrouble> {
        for session in swallowed {
            if fates.iter().any(|fate| fate.session == session.session) {
                continue;
            }
            let kept = fates.iter().rev().find_map(|fate| fate.kept.last());
            let Some((held, why)) = kept.map(|kept| (kept.held, kept.why.clone())) else { continue };
            let mut fate = Fate::of(session.session, whose.user);
            all_kept(&mut fate, self.rules_of(session), held.belt, &why);
            self.write_kept(&fate)?;
            fates.push(fate);
        }
        self.trail.sync()
    }

    /// What this comes to, unless the process is asked to stop first. Only for what asks and waits: a request that changes
    /// something is never left while it is on its way.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.brakes.stopping() => None,
        }
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
                answered_at: self.now().to_string(),
                detail: None,
                exposure: None,
                answered_after_ms: None,
            };
            self.write(record.into(), fate.detail.as_deref())?;
        }
        Ok(fate)
    }

    /// Writes an outcome. What Zendesk said may name people, so that it goes into the personal part.
    fn write(&mut self, entry: Entry, said: Option<&str>) -> Result<u64, TrailTrouble> {
        self.trail.write_durably(Some(self.cycle), entry, said.map(|said| json!({ "detail": said })))
    }

    /// Reads the person's listing once and grades everything that was asked for.
    async fn grade(&mut self, user: UserId, fates: &mut [Fate]) -> Result<(), TrailTrouble> {
        let asked = |fate: &&mut Fate| fate.user == user && fate.outcome.is_some_and(|one| one != Outcome::Refused);
        if !fates.iter_mut().any(|fate| asked(&fate)) {
            return Ok(());
        }
        let listing = self.unless_stopped(self.zendesk.sessions_of(user, Purpose::Act)).await;
        for fate in fates.iter_mut().filter(asked) {
            let seen = listing.as_ref().map(|listing| grade(fate.session, &listing.rows, &listing.completeness));
            let grade = seen.unwrap_or(Grade::Unknown);
            fate.grade = Some(grade);
            let record = RevocationGraded {
                session: fate.session.to_string(),
                user: user.to_string(),
                grade: grade.word().to_owned(),
                back: None,
            };
            self.trail.append(Some(self.cycle), record.into(), None)?;
        }
        self.trail.sync()
    }
}

fn is_wide((stands, _): &(Stands, Fate)) -> bool {
    stands.cleared.action() == Some(Action::RevokeUser)
}

/// Every claim of a session kept back for one reason.
fn all_kept(fate: &mut Fate, rules: impl Iterator<Item = crate::model::RuleId>, belt: Belt, why: &str) {
    fate.kept.extend(rules.map(|rule| Kept { rule, held: belt.holds(), why: why.to_owned() }));
}
