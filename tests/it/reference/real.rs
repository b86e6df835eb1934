//! The real evaluator, plan and guard on the same worlds: they must say what the second reading says.
//!
//! The law goes in as policy text and the world as a snapshot, so the policy reader is held against it too. Lists are
//! compared sorted, but for the acts, whose order is part of the promise.

use std::collections::BTreeMap;
use std::fmt::Debug;

use evictd::config::{Belts, RuleBelts};
use evictd::diagnostic::{Findings, Source};
use evictd::evaluate::{self, claim_of, evaluate};
use evictd::evidence::Dossier;
use evictd::guard::{self, Gauge, Guarded, guard};
use evictd::model::{Action, CycleKind, RuleId, SessionId, UserId};
use evictd::plan::{Plan, plan};
use evictd::policy::{PolicySet, read};
use evictd::snapshot::Snapshot;
use jiff::SignedDuration;

use super::belts::{Spared, Undecided, Withheld};
use super::{Act, Belt, Expected, Law, Revoke, State, Verdict, World, expect, scene};

/// How many worlds both sides judge.
const SEEDS: u64 = 1_000;

/// The law as the real reader understands it.
pub fn policies(world: &World, law: &Law) -> PolicySet {
    let mut findings = Findings::default();
    let text = law.to_toml();
    let set = read(&[Source::new("law.toml", text.as_str())], Some(world.snapshot().now), &mut findings);
    let faults: Vec<_> = findings.sorted().into_iter().map(|fault| fault.message.clone()).collect();
    set.unwrap_or_else(|| panic!("{faults:?}\n{text}"))
}

/// The account's numbers in the configuration's type.
pub fn belts(world: &World) -> Belts {
    let limits = &world.limits;
    let number = |number: u64| u32::try_from(number).unwrap();
    let part = |part: u64| u8::try_from(part).unwrap();
    Belts {
        people_per_rule_max: number(limits.rule_cycle),
        people_per_rule_and_hour_max: number(limits.rule_hour),
        people_per_rule_and_day_max: number(limits.rule_day),
        roster_part_per_hour_max: part(limits.part_hour),
        roster_part_per_day_max: part(limits.part_day),
        roster_floor: number(limits.floor),
        rules: limits.own.iter().map(|(id, own)| (RuleId::new(id.as_str()), own_belts(*own))).collect(),
        just_revoked_for: SignedDuration::from_millis(limits.just_revoked_for),
        evidence_age_max: SignedDuration::from_millis(limits.evidence_age_max),
        ..Belts::default()
    }
}

fn own_belts(own: [Option<u64>; 3]) -> RuleBelts {
    let [cycle, hour, day] = own.map(|limit| limit.map(|number| u32::try_from(number).unwrap()));
    RuleBelts {
        people_per_rule_max: cycle,
        people_per_rule_and_hour_max: hour,
        people_per_rule_and_day_max: day,
        span: 0..0,
    }
}

/// All stages of one cycle.
struct Stages {
    claims: Vec<(String, u64, State)>,
    verdicts: Vec<(Verdict, usize)>,
    plan: Plan,
    guarded: Guarded,
}

fn stages(world: &World, law: &Law, snapshot: &Snapshot, kind: CycleKind) -> Stages {
    let set = policies(world, law);
    let lists = world.scenery.lists(&set);
    let dossier = Dossier::new(snapshot, &lists, SignedDuration::from_millis(world.idle_slack));
    let judgement = evaluate(&dossier, &set);
    let mut claims = Vec::new();
    for (rule, evidence) in set.rules.iter().flat_map(|rule| dossier.iter().map(move |evidence| (rule, evidence))) {
        let state = match claim_of(rule, &set, &evidence) {
            None => continue,
            Some(evaluate::Claim::Fired(_)) => State::Fired,
            Some(evaluate::Claim::Spared(_)) => State::Spared,
            Some(evaluate::Claim::SparedByUnknown(_)) => State::SparedByUnknown,
            Some(evaluate::Claim::Undecided(_)) => State::Undecided,
        };
        claims.push((rule.id.to_string(), evidence.session.id.0, state));
    }
    claims.sort();
    let verdicts = judgement.verdicts.iter().map(|(verdict, count)| (of_verdict(*verdict), *count)).collect();
    let plan = plan(&dossier, &set, &judgement, world.mode);
    let guarded = guard(&plan, &set, &dossier, &belts(world), kind);
    let named = name_rules(plan, &set);
    Stages { claims, verdicts, plan: named, guarded }
}

/// Rules of a plan are places in the set, and the set is sorted by id: so are the places here.
fn name_rules(plan: Plan, set: &PolicySet) -> Plan {
    assert!(set.rules.is_sorted_by(|one, two| one.id < two.id));
    plan
}

fn of_verdict(verdict: evaluate::Verdict) -> Verdict {
    match verdict {
        evaluate::Verdict::Revoke => Verdict::Revoke,
        evaluate::Verdict::Spare => Verdict::Spare,
        evaluate::Verdict::Undecided => Verdict::Undecided,
        evaluate::Verdict::Keep => Verdict::Keep,
    }
}

fn of_belt(belt: guard::Belt) -> Belt {
    match belt {
        guard::Belt::OwnUser => Belt::OwnUser,
        guard::Belt::Protected => Belt::Protected,
        guard::Belt::Pause => Belt::Pause,
        guard::Belt::Clock => Belt::Clock,
        guard::Belt::JustRevoked => Belt::JustRevoked,
        guard::Belt::EvidenceAge => Belt::EvidenceAge,
        guard::Belt::PeoplePerRule => Belt::RuleCycle,
        guard::Belt::PeoplePerRuleAndHour => Belt::RuleHour,
        guard::Belt::PeoplePerRuleAndDay => Belt::RuleDay,
        guard::Belt::RosterPerHour => Belt::AccountHour,
        guard::Belt::RosterPerDay => Belt::AccountDay,
        guard::Belt::Hearsay
        | guard::Belt::Loop
        | guard::Belt::Jump
        | guard::Belt::Ambiguous
        | guard::Belt::ReadBack
        | guard::Belt::Unreachable
        | guard::Belt::Stopping => {
            panic!("`{}` is none that these laws can bring about", belt.word())
        }
    }
}

/// The ids of a law's rules in the order in which the real set has them.
fn ids(law: &Law) -> Vec<String> {
    let mut ids: Vec<String> = law.rules.iter().map(|rule| rule.id.clone()).collect();
    ids.sort();
    ids
}

fn revoke(stages: &Stages, ids: &[String]) -> Vec<Revoke> {
    let mut found = Vec::new();
    for (intention, held) in stages.plan.intentions.iter().zip(&stages.guarded.held) {
        let clear: Vec<_> =
            intention.claims.iter().zip(held).filter(|(_, held)| held.is_none()).map(|(claim, _)| claim).collect();
        if let Some(mode) = clear.iter().map(|claim| claim.mode).max() {
            let rules = clear.iter().map(|claim| ids[claim.rule].clone()).collect();
            found.push(Revoke { session: intention.session.0, user: intention.user.get(), mode, rules });
        }
    }
    found.sort();
    found
}

fn withheld(stages: &Stages, ids: &[String]) -> Vec<Withheld> {
    let mut found = Vec::new();
    for (intention, held) in stages.plan.intentions.iter().zip(&stages.guarded.held) {
        for (claim, held) in intention.claims.iter().zip(held).filter_map(|(claim, held)| Some((claim, (*held)?))) {
            found.push(Withheld {
                session: intention.session.0,
                user: intention.user.get(),
                rule: ids[claim.rule].clone(),
                belt: of_belt(held.belt),
                count: held.limit.zip(held.count),
            });
        }
    }
    found.sort();
    found
}

/// Who would be reached by what, in order: every session of the person, or this one.
fn acts(stages: Stages, ids: &[String]) -> Vec<(u64, Option<u64>, Vec<String>)> {
    let mut found = Vec::new();
    for cleared in stages.guarded.cleared {
        let user = UserId::get(cleared.user());
        let sessions = cleared.spend();
        let whole = sessions.iter().any(|one| one.action() == Some(Action::RevokeUser));
        let mut rules: Vec<String> =
            sessions.iter().flat_map(|one| &one.claims).map(|claim| ids[claim.rule].clone()).collect();
        rules.sort();
        rules.dedup();
        let SessionId(first) = sessions[0].session;
        assert!(whole || sessions.len() == 1);
        found.push((user, (!whole).then_some(first), rules));
    }
    found
}

/// What is on one side only.
fn same<T: PartialEq + Debug>(what: &str, is: &[T], should: &[T]) -> Result<(), String> {
    if is == should {
        return Ok(());
    }
    let only =
        |one: &[T], other: &[T]| format!("{:?}", one.iter().filter(|row| !other.contains(row)).collect::<Vec<_>>());
    Err(format!("{what}: real only {}, reference only {}", only(is, should), only(should, is)))
}

/// Whatever a belt counted when it held a claim, its gauge shows; over all rules with those on top that only report.
fn gauges(stages: &Stages) -> Result<(), String> {
    let gauges = &stages.guarded.gauges;
    for held in stages.guarded.held.iter().flatten().flatten() {
        let Some((limit, count)) = held.limit.zip(held.count) else { continue };
        let is_it = |gauge: &&Gauge| {
            let counts = gauge.used == count || gauge.rule.is_none() && gauge.used > count;
            gauge.belt == held.belt && gauge.limit == limit && counts
        };
        if gauges.iter().filter(is_it).count() == 0 {
            return Err(format!("no gauge shows {held:?}: {gauges:?}"));
        }
    }
    Ok(())
}

fn agrees(world: &World, law: &Law) -> Result<(), String> {
    let expected: Expected = expect(world, law);
    let snapshot = world.snapshot();
    let ids = ids(law);
    let dry = stages(world, law, &snapshot, CycleKind::Dry);
    let claims: Vec<_> = expected.claims.iter().map(|claim| (claim.rule.clone(), claim.session, claim.state)).collect();
    same("claims", &dry.claims, &claims)?;
    let undecided: Vec<_> = dry.claims.iter().filter(|claim| claim.2 == State::Undecided).collect();
    let undecided: Vec<_> =
        undecided.into_iter().map(|(rule, session, _)| Undecided { rule: rule.clone(), session: *session }).collect();
    same("undecided", &undecided, &expected.undecided)?;
    let spared = dry.claims.iter().filter(|claim| matches!(claim.2, State::Spared | State::SparedByUnknown));
    let spared: Vec<_> = spared
        .map(|(rule, session, state)| {
            let by_unknown = *state == State::SparedByUnknown;
            Spared { rule: rule.clone(), session: *session, by_unknown }
        })
        .collect();
    same("spared", &spared, &expected.spared)?;
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for verdict in expected.verdicts.values() {
        *verdicts.entry(*verdict).or_default() += 1;
    }
    same("verdicts", &dry.verdicts, &verdicts.into_iter().collect::<Vec<_>>())?;
    same("revoke", &revoke(&dry, &ids), &expected.revoke)?;
    same("withheld", &withheld(&dry, &ids), &expected.withheld)?;
    gauges(&dry)?;
    if !dry.guarded.cleared.is_empty() {
        return Err("a dry cycle cleared something".into());
    }
    let enforcing = stages(world, law, &snapshot, CycleKind::Enforcing);
    same("plan", &enforcing.plan.intentions, &dry.plan.intentions)?;
    let should: Vec<_> =
        expected.acts.iter().map(|Act { user, session, rules, .. }| (*user, *session, rules.clone())).collect();
    same("acts", &acts(enforcing, &ids), &should)
}

#[test]
fn the_real_cycle_says_what_the_second_reading_says() {
    let mut faults = Vec::new();
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        if let Err(fault) = agrees(&world, &law) {
            faults.push(format!("seed {seed}: {fault}\n{}", law.to_toml()));
        }
    }
    let first: Vec<String> = faults.iter().take(5).cloned().collect();
    assert!(faults.is_empty(), "{} of {SEEDS} worlds differ\n{}", faults.len(), first.join("\n"));
}
