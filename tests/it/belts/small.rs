//! All small worlds: invariants 16 to 19 of the belts, on every world of four people, three rules and four cycles up to
//! what makes no difference, with narrow belts and wide ones, and with and without a change of our own.
//!
//! A world says for each of two agents and two end users from which cycle on which rules claim them, and how surely.
//! Whoever loses their sessions is gone. People of one stratum can be exchanged for each other, so that pairs are counted
//! once.

use std::collections::{BTreeMap, BTreeSet};

use evictd::config::Belts;
use evictd::model::{Role, Stratum, UserId};
use jiff::SignedDuration;

use super::{Play, Somebody, rules, set, user, wide};

const CYCLES: usize = 4;

/// One person's part: from which cycle on which rules, and how surely.
type Part = Option<(usize, &'static [usize], bool)>;

fn parts() -> Vec<Part> {
    let mut parts = vec![None];
    for from in [0, 1] {
        for rules in [&[1][..], &[2], &[1, 2], &[1, 2, 3]] {
            for is_sure in [false, true] {
                parts.push(Some((from, rules, is_sure)));
            }
        }
    }
    parts
}

/// Every pair, whoever is first.
fn pairs() -> Vec<[Part; 2]> {
    let parts = parts();
    let pairs =
        parts.iter().enumerate().flat_map(|(place, one)| parts[place..].iter().map(move |other| [*one, *other]));
    pairs.collect()
}

fn somebody(id: u64, role: Role, part: Part, cycle: usize) -> Option<Somebody> {
    let (from, rules, is_sure) = part?;
    (from <= cycle).then(|| Somebody { is_sure, ..Somebody::new(id, role, rules) })
}

fn people(world: &[[Part; 2]; 2], cycle: usize, gone: &BTreeSet<UserId>) -> Vec<Somebody> {
    let [agents, customers] = world;
    let all = [
        somebody(11, Role::Agent, agents[0], cycle),
        somebody(12, Role::Agent, agents[1], cycle),
        somebody(21, Role::EndUser, customers[0], cycle),
        somebody(22, Role::EndUser, customers[1], cycle),
    ];
    all.into_iter().flatten().filter(|one| !gone.contains(&user(one.id))).collect()
}

/// Belts under which two are too many.
fn narrow() -> Belts {
    Belts { people_per_rule_max: 1, people_per_rule_and_hour_max: 1, people_per_rule_and_day_max: 2, ..wide() }
}

fn narrow_account() -> Belts {
    Belts { roster_part_per_hour_max: 5, roster_part_per_day_max: 10, roster_floor: 1, ..wide() }
}

/// What went in one world, cycle by cycle, checked as it goes.
struct Check<'w> {
    world: &'w [[Part; 2]; 2],
    play: Play,
    is_ours: bool,
    gone: BTreeSet<UserId>,
    went: Vec<BTreeMap<UserId, Vec<String>>>,
    first_claimed: BTreeMap<UserId, usize>,
}

impl Check<'_> {
    fn run(&mut self) {
        for cycle in 0..CYCLES {
            if self.is_ours && cycle == 1 {
                self.play.set = edited();
            }
            let people = people(self.world, cycle, &self.gone);
            for one in &people {
                self.first_claimed.entry(user(one.id)).or_insert(cycle);
            }
            let would = self.play.would_clear(&people);
            self.nobody_shields_himself(&people, &would);
            self.no_stratum_shields_another(&people, &would);
            let outcome = self.play.cycle(&people);
            assert_eq!(outcome.gone.keys().copied().collect::<BTreeSet<_>>(), would, "{:?}", self.world);
            self.windows(&people, &outcome.gone);
            self.gone.extend(outcome.gone.keys().copied());
            self.went.push(outcome.gone);
        }
        if !self.is_ours && self.play.belts.roster_floor > 2 {
            self.nobody_of_the_core_waits();
        }
    }

    /// 16: more sessions take nobody out of what is cleared.
    fn nobody_shields_himself(&self, people: &[Somebody], would: &BTreeSet<UserId>) {
        for user in would {
            let more = |one: &Somebody| {
                let sessions = if super::user(one.id) == *user { 5 } else { one.sessions };
                Somebody { sessions, ..one.clone() }
            };
            let more: Vec<Somebody> = people.iter().map(more).collect();
            assert!(self.play.would_clear(&more).contains(user), "{user} of {:?}", self.world);
        }
    }

    /// 17: whatever is in the other stratum, what goes in this one is the same.
    fn no_stratum_shields_another(&self, people: &[Somebody], would: &BTreeSet<UserId>) {
        for stratum in [Stratum::Agents, Stratum::EndUsers] {
            let own: Vec<Somebody> = people.iter().filter(|one| one.stratum() == stratum).cloned().collect();
            let of_own = own.iter().map(|one| user(one.id)).filter(|user| would.contains(user)).collect();
            assert_eq!(self.play.would_clear(&own), of_own, "{stratum:?} of {:?}", self.world);
        }
    }

    /// 19, and 2: no more people than the belts say, and the core's.
    fn windows(&self, people: &[Somebody], gone: &BTreeMap<UserId, Vec<String>>) {
        let belts = &self.play.belts;
        for stratum in [Stratum::Agents, Stratum::EndUsers] {
            let is_here =
                |user: &&UserId| people.iter().any(|one| super::user(one.id) == **user && one.stratum() == stratum);
            for rule in ["r1", "r2", "r3"] {
                let core =
                    gone.iter().filter(|(user, core)| is_here(user) && core.iter().any(|one| one == rule)).count();
                assert!(core <= 3, "{:?}", self.world);
                let by_rule = self.play.history.ended.iter().filter(|one| {
                    one.stratum == stratum
                        && one.rules.iter().any(|of| of.as_str() == rule)
                        && !one.core.iter().any(|of| of.as_str() == rule)
                        && one.at.duration_until(self.play.now) <= SignedDuration::from_hours(1)
                });
                let by_rule: BTreeSet<UserId> = by_rule.map(|one| one.user).collect();
                let max = usize::try_from(belts.people_per_rule_and_hour_max).unwrap();
                assert!(by_rule.len() <= max, "{rule} {by_rule:?} of {:?}", self.world);
            }
            let of_account = self.play.history.ended.iter().filter(|one| one.stratum == stratum);
            let of_account: BTreeSet<UserId> = of_account.map(|one| one.user).collect();
            assert!(of_account.len() <= usize::try_from(belts.roster_floor).unwrap(), "{:?}", self.world);
        }
    }

    /// 18: of k in the core of a rule and stratum nobody waits more than ⌈k/3⌉ cycles: here never more than one.
    fn nobody_of_the_core_waits(&self) {
        for (user, from) in &self.first_claimed {
            let [agents, customers] = self.world;
            let part = match user.get() {
                11 => agents[0],
                12 => agents[1],
                21 => customers[0],
                _ => customers[1],
            };
            if part.is_some_and(|(_, _, is_sure)| is_sure) {
                assert!(self.went[*from].contains_key(user), "{user} of {:?}", self.world);
            }
        }
    }
}

/// The three rules, each edited by us: nothing else about them differs.
fn edited() -> evictd::policy::PolicySet {
    let rule = |rule: usize| {
        format!(
            "[[rule]]\nid = \"r{rule}\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
             severity = \"low\"\n[rule.when]\nuser.tags.contains = \"r{rule}\"\n\
             any = [{{ user.suspended.is = true }}, {{ session.age.over = \"1m\" }}]\n"
        )
    };
    set(&(1..=3).map(rule).collect::<String>())
}

#[expect(clippy::print_stdout, reason = "how much was looked at is part of what is shown")]
fn check_all(belts: Belts) {
    let (pairs, mut worlds, mut cleared) = (pairs(), 0_u64, 0_u64);
    let mut begun = Play::new(rules(3), belts);
    begun.settle();
    for (number, agents) in pairs.iter().enumerate() {
        for (place, customers) in pairs.iter().enumerate() {
            let mut check = Check {
                world: &[*agents, *customers],
                play: begun.clone(),
                is_ours: (place + number) % 3 == 0,
                gone: BTreeSet::new(),
                went: Vec::new(),
                first_claimed: BTreeMap::new(),
            };
            check.run();
            worlds += 1;
            cleared += check.gone.len() as u64;
        }
    }
    println!("{worlds} small worlds, {} cycles, {cleared} people lost their sessions", worlds * CYCLES as u64);
    assert!(worlds > 20_000 && cleared > 5_000);
}

#[test]
fn belts_of_rules_hold_on_all_small_worlds() {
    check_all(narrow());
}

#[test]
fn belts_of_the_account_hold_on_all_small_worlds() {
    check_all(narrow_account());
}
