//! The core: where a rule reaches too many people and nothing of the team's own changed, the surest few go all the same,
//! so that nobody can shield himself in a crowd.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Circumstances, Standing};
use crate::facts::{Controller, FactSpec};
use crate::model::{Basis, Habit, Input, Stratum, Strength, UserId};
use crate::plan::grounds_in;
use crate::policy::Ground;

/// So many people of a rule and stratum in a cycle, and in any 60 minutes (design §6).
const PER_CYCLE_MAX: usize = 3;
const PER_HOUR_MAX: usize = 10;

/// So many quiet complete cycles a rule needs on what it rests on now.
const QUIET_MIN: u32 = 50;

/// What changed counts as changed for so long.
const CHANGED_FOR: SignedDuration = SignedDuration::from_hours(24);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Why nothing of a rule goes when it reaches too many: which of the team's own inputs changed lately, or were not quiet
/// for long enough. None if it was the world that changed.
pub(super) fn changed(rule: usize, basis: Basis, stratum: Stratum, around: Circumstances<'_>) -> Option<Vec<Input>> {
    let history = &around.snapshot.history;
    let id = &around.policies.rules.get(rule)?.id;
    let Some(rest) = history.rests.get(id) else { return Some(Vec::new()) };
    let differing = basis.differing(rest.basis);
    if !differing.is_empty() {
        return Some(differing);
    }
    if rest.since.duration_until(around.snapshot.now) < CHANGED_FOR {
        return Some(rest.changed.clone());
    }
    let quiet = history.habits.get(&(id.clone(), stratum)).map_or(0, |habit: &Habit| habit.quiet(basis));
    (quiet < QUIET_MIN).then(Vec::new)
}

/// Whoever of these goes all the same: the surest first.
pub(super) fn pick(
    rule: usize,
    stratum: Stratum,
    claims: &[&Standing<'_>],
    around: Circumstances<'_>,
) -> BTreeSet<UserId> {
    let Some(law) = around.policies.rules.get(rule) else { return BTreeSet::new() };
    let history = &around.snapshot.history;
    let went = history
        .ended
        .iter()
        .filter(|past| past.stratum == stratum && past.core.contains(&law.id) && past.outcome.counts_in_windows());
    let mut last: BTreeMap<UserId, Timestamp> = BTreeMap::new();
    for past in went {
        let at = last.entry(past.user).or_insert(past.at);
        *at = past.at.max(*at);
    }
    let is_lately = |at: &Timestamp| at.duration_until(around.snapshot.now) <= HOUR;
    let room = PER_HOUR_MAX.saturating_sub(last.values().filter(|at| is_lately(at)).count());
    let mut people: BTreeMap<UserId, Surety> = BTreeMap::new();
    for standing in claims {
        if let Some(surety) = surety(standing, rule, around) {
            let best = people.entry(standing.user()).or_insert(surety);
            *best = surety.min(*best);
        }
    }
    // Whoever went already and came back lets those go first who wait: three who come back each time would shield all others.
    let mut order: Vec<(Option<Timestamp>, Surety, UserId)> =
        people.into_iter().map(|(user, surety)| (last.get(&user).copied(), surety, user)).collect();
    order.sort_unstable();
    // The hour has room for so many people, and whoever is among them already takes up none of it.
    let (again, others): (Vec<_>, Vec<_>) = order.into_iter().partition(|(at, ..)| at.as_ref().is_some_and(is_lately));
    let of_hour = others.into_iter().take(room).chain(again);
    of_hour.take(PER_CYCLE_MAX).map(|(.., user)| user).collect()
}

/// How much speaks for a claim; what is less comes first.
type Surety = (Reverse<usize>, Reverse<Option<Timestamp>>);

/// None if too little does: it needs what two families say of this very person, or Zendesk's own word that the person
/// is deleted or suspended.
fn surety(standing: &Standing<'_>, rule: usize, around: Circumstances<'_>) -> Option<Surety> {
    let evidence = around.dossier.get(standing.intention.place)?;
    let grounds = grounds_in(&evidence, around.policies.rules.get(rule)?);
    let sure = grounds.iter().filter(|ground| ground.strength >= Strength::Only);
    let families: BTreeSet<Family> = sure.filter_map(|ground: &Ground| family(ground.fact)).collect();
    let is_marked = evidence.person.is_ok_and(|person| person.deleted == Some(true) || person.suspended == Some(true));
    let is_told = is_marked && families.contains(&Family::Leaving);
    let is_sure = standing.claim.strength >= Strength::Only;
    let opened = evidence.session.authenticated_at.map(crate::model::Moment::at);
    (is_told || is_sure && families.len() >= 2).then_some((Reverse(families.len()), Reverse(opened)))
}

/// Kinds of evidence that one event, or one trick, makes all say the same. What only tells who somebody is speaks for
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// Whatever follows from an address.
    Address,
    /// Whatever a program says of itself.
    Client,
    /// Instants and numbers of sessions.
    Session,
    /// That the person left.
    Leaving,
}

fn family(fact: &FactSpec) -> Option<Family> {
    match fact.controlled_by {
        _ if is_of_leaving(fact) => Some(Family::Leaving),
        // It takes another network as well as another program.
        _ if fact.name == "session.changed" => Some(Family::Address),
        Controller::Network => Some(Family::Address),
        Controller::Client => Some(Family::Client),
        Controller::Platform | Controller::Person => fact.name.starts_with("session.").then_some(Family::Session),
    }
}

/// Whether it says that somebody left.
pub(super) fn is_of_leaving(fact: &FactSpec) -> bool {
    const SIGNS: [&str; 6] =
        ["user.suspended", "user.deleted", "user.downgraded", "user.listed", "user.offboarded", "user.offboarded-for"];
    SIGNS.contains(&fact.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{all, find};

    #[test]
    fn every_family_has_facts_and_who_somebody_is_is_none() {
        let of = |name: &str| family(find(name).unwrap());
        assert_eq!(of("network.class"), Some(Family::Address));
        assert_eq!(of("sign-in.country"), Some(Family::Address));
        assert_eq!(of("session.changed"), Some(Family::Address));
        assert_eq!(of("sign-in.user-agent"), Some(Family::Client));
        assert_eq!(of("client.kind"), Some(Family::Client));
        assert_eq!(of("session.idle"), Some(Family::Session));
        assert_eq!(of("user.offboarded"), Some(Family::Leaving));
        for name in ["user.role", "user.email", "user.tags", "user.two-factor"] {
            assert_eq!(of(name), None, "{name}");
        }
        let signs = all().filter(|fact| is_of_leaving(fact)).count();
        assert_eq!(signs, 6);
    }
}
