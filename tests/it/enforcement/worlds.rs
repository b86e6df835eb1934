//! Random worlds, belts, faults and crashes, cycle after cycle: what must hold whatever happens.
//!
//! The losses are those that the simulated account really saw, not those that evictd tells of. A seed that fails is
//! printed, and is the whole world.

use std::collections::BTreeSet;
use std::sync::Arc;

use evictd::model::{Foreign, Mode, Role, Stratum};
use evictd::report::{Report, replay, to_json};
use evictd::simulator::{Effect, Odds, Script};
use evictd::zendesk::Method;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::stage::recorded;
use super::{Cut, LIST, Loss, PEOPLE, SHOW, Stage, session, user};

const SEEDS: u64 = 12;
const PEOPLE_MAX: u64 = 24;
const OWN: u64 = 360_000_000_001;
const PROTECTED: u64 = 90;

const RULES: &str = r#"
schema = 1
[[rule]]
id = "a"
title = "A"
action = "revoke-session"
mode = "enforce"
when = { user.tags.contains = "a", session.age.over = "1h" }

[[rule]]
id = "b"
title = "B"
action = "revoke-user"
mode = "enforce"
severity = "high"
when = { user.tags.contains = "b", session.age.over = "1h" }

[[rule]]
id = "crowd"
title = "Crowd"
action = "revoke-session"
mode = "enforce"
when = { session.count.over = 3, session.rank.over = 3 }

[[rule]]
id = "watched"
title = "Watched"
action = "revoke-user"
mode = "report"
when.user.tags.contains = "watched"

[[exception]]
id = "spared"
rules = ["*"]
when.user.tags.contains = "spared"
owner = "secops@example.com"
reason = "a reason"
expires = 2027-12-31
"#;

/// The numbers of the belts, per stratum.
#[derive(Debug, Clone, Copy)]
struct Limits {
    rule: [u64; 3],
    part: [u64; 2],
    floor: u64,
}

fn pick(rng: &mut Rng, all: &[u64]) -> u64 {
    all[rng.usize(..all.len())]
}

/// People of all strata, some protected, and the belts that hold for them.
struct Scene {
    stage: Stage,
    limits: Limits,
    people: Vec<u64>,
    next: u64,
    rng: Rng,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let limits = Limits {
            rule: [pick(&mut rng, &[0, 1, 2, 5]), pick(&mut rng, &[1, 2, 4, 9]), pick(&mut rng, &[2, 5, 12])],
            part: [pick(&mut rng, &[0, 10, 25, 100]), pick(&mut rng, &[10, 30, 100])],
            floor: pick(&mut rng, &[0, 1, 3]),
        };
        let lines = format!(
            "protected = [{PROTECTED}]\nbelts.people-per-rule-max = {}\nbelts.people-per-rule-and-hour-max = {}\n\
             belts.people-per-rule-and-day-max = {}\nbelts.dangerous-roster-part-per-hour-max = \"{}%\"\n\
             belts.dangerous-roster-part-per-day-max = \"{}%\"\nbelts.roster-floor = {}\n",
            limits.rule[0], limits.rule[1], limits.rule[2], limits.part[0], limits.part[1], limits.floor
        );
        let stage = Stage::new(RULES, &lines);
        let mut people: Vec<u64> = (1..=rng.u64(6..=PEOPLE_MAX)).collect();
        people.extend([PROTECTED, OWN]);
        for person in &people {
            let role = match *person {
                PROTECTED | OWN => Role::Admin,
                number => [Role::Agent, Role::EndUser, Role::Admin][usize::try_from(number % 3).unwrap()],
            };
            let tags = ["a", "b", "watched", "spared"].into_iter().zip([40, 15, 15, 15]);
            let tags: Vec<Foreign> =
                tags.filter(|(_, odds)| rng.u32(..100) < *odds).map(|(tag, _)| Foreign::new(tag)).collect();
            stage.person(*person, role);
            stage.simulator.world(|world| world.people.get_mut(&user(*person)).unwrap().tags = tags);
        }
        let mut scene = Self { stage, limits, people, next: 1000, rng };
        scene.everybody_is_there();
        scene
    }

    /// Everybody has a young session, so that rosters stay as they are; some have older ones too.
    fn everybody_is_there(&mut self) {
        for person in self.people.clone() {
            let there = self.stage.simulator.world(|world| world.sessions_of(user(person)).count());
            let older = if self.rng.u32(..100) < 30 { self.rng.u64(1..=3) } else { 0 };
            for _ in 0..older {
                self.signs_in(person, 2);
            }
            if there == 0 || self.rng.u32(..100) < 20 {
                self.signs_in(person, 0);
            }
        }
    }

    fn signs_in(&mut self, person: u64, hours: i64) {
        self.next += 1;
        self.stage.signs_in(self.next, person, hours);
    }

    fn tags(&self, person: u64) -> Vec<String> {
        let tags = self.stage.simulator.world(|world| world.people[&user(person)].tags.clone());
        tags.iter().map(|tag| tag.raw().to_owned()).collect()
    }

    /// The most people of the stratum that all rules may reach in an hour and in a day.
    fn account_limits(&self, stratum: Stratum) -> [u64; 2] {
        let of_stratum =
            |person: &&u64| self.stage.simulator.world(|world| world.people[&user(**person)].stratum()) == stratum;
        let roster = self.people.iter().filter(of_stratum).count() as u64;
        self.limits.part.map(|part| if part == 0 { 0 } else { (roster * part / 100).max(self.limits.floor) })
    }

    /// INVARIANTS 2 and 4, over everything that was lost so far. `starts` are the beginnings of the cycles.
    fn check_losses(&self, starts: &[Timestamp], seed: u64) {
        let losses = self.stage.losses();
        for loss in &losses {
            let tags = self.tags(loss.user.get());
            assert!(![OWN, PROTECTED].contains(&loss.user.get()), "seed {seed}: {loss:?}");
            assert!(!tags.iter().any(|tag| tag == "spared"), "seed {seed}: {loss:?} is spared");
        }
        for (number, start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(Timestamp::MAX);
            for stratum in Stratum::ALL {
                let account = self.account_limits(*stratum);
                let mut limits = vec![(None, 1, account[0]), (None, 24, account[1])];
                for rule in ["a", "b", "crowd"] {
                    let [cycle, hour, day] = self.limits.rule;
                    limits.extend([(Some(rule), 0, cycle), (Some(rule), 1, hour), (Some(rule), 24, day)]);
                }
                for (rule, hours, limit) in limits {
                    let since = |begin: Timestamp| people(&losses, (begin, end), *stratum, rule);
                    let acts = since(*start) > 0;
                    let count = since(*start - SignedDuration::from_hours(hours));
                    let what = format!("{stratum:?} {rule:?} {hours} h before {start}: {:?}", self.limits);
                    assert!(!acts || count <= limit, "seed {seed}: {count} of {limit}, {what}");
                }
            }
        }
    }
}

/// How many people of the stratum lost a session in that time by this rule, or by any.
fn people(losses: &[Loss], (begin, end): (Timestamp, Timestamp), stratum: Stratum, rule: Option<&str>) -> u64 {
    let counts = |loss: &&Loss| {
        let by_rule = rule.is_none_or(|rule| loss.rules.iter().any(|name| name == rule));
        loss.stratum == stratum && begin <= loss.at && loss.at < end && by_rule
    };
    losses.iter().filter(counts).map(|loss| loss.user).collect::<BTreeSet<_>>().len() as u64
}

/// INVARIANT 14.
fn check_replay(stage: &Stage, live: &Report, seed: u64) {
    let rebuilt = replay(&live.account, &live.cycle, recorded(&stage.memory)).unwrap();
    let mut live = live.clone();
    live.undecided.iter_mut().for_each(|row| row.examples.clear());
    assert_eq!(to_json(&rebuilt).unwrap(), to_json(&live).unwrap(), "seed {seed}");
}

/// INVARIANT 8: nothing that counts sessions is known of a listing that was cut short.
fn check_partial(report: &Report, seed: u64) {
    let crowd = report.rules.iter().find(|row| row.rule.as_str() == "crowd").unwrap();
    assert!(report.complete || crowd.fired == 0, "seed {seed}");
}

/// INVARIANT 1.
async fn check_dry(scene: &Scene, seed: u64) -> Report {
    let stage = &scene.stage;
    let before = (stage.simulator.requests().len(), stage.medium().calls(), stage.sessions());
    let report = stage.plan().await.report;
    for request in stage.simulator.requests().split_off(before.0) {
        let allowed =
            request.method == "GET" || (request.method.as_str(), request.path.as_str()) == ("POST", "/oauth/tokens");
        assert!(allowed, "seed {seed}: {request:?}");
    }
    assert_eq!((stage.medium().calls(), stage.sessions()), (before.1, before.2), "seed {seed}: it changed something");
    report
}

/// INVARIANTS 1 and 10.
#[tokio::test]
async fn a_dry_run_sends_only_questions_and_enforcement_plans_the_same() {
    for seed in 0..SEEDS {
        let mut scene = Scene::new(seed);
        for _ in 0..3 {
            let mut dry = check_dry(&scene, seed).await;
            let mut wet = scene.stage.apply().await.report;
            dry.cycle = wet.cycle.clone();
            wet.revoke.iter_mut().for_each(|row| (row.outcome, row.grade) = (None, None));
            assert_eq!(to_json(&dry).unwrap(), to_json(&wet).unwrap(), "seed {seed}");
            scene.stage.wait(scene.rng.u64(1..=50));
            scene.everybody_is_there();
        }
    }
}

/// INVARIANTS 2, 3, 4, 8, 13 and 14.
#[tokio::test]
async fn no_more_people_lose_sessions_than_the_belts_allow_whatever_happens() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut scene = Scene::new(seed);
        let mut starts = Vec::new();
        for _ in 0..8 {
            disturb(&mut scene);
            starts.push(scene.stage.now());
            if let Some(report) = one_process(&mut scene).await {
                check_replay(&scene.stage, &report, seed);
                check_partial(&report, seed);
                seen.extend(report.withheld.iter().map(|row| row.belt.clone()));
                seen.extend(report.revoke.iter().filter_map(|row| Some(row.outcome?.word().to_owned())));
                seen.insert(format!("complete {}", report.complete));
            } else {
                seen.insert("crash".to_owned());
            }
            let minutes = pick(&mut scene.rng, &[3, 16, 40, 61, 400]);
            scene.stage.wait(minutes);
            scene.everybody_is_there();
        }
        scene.check_losses(&starts, seed);
        scene.stage.verified();
    }
    let wanted = [
        "revoked",
        "unclear",
        "already-gone",
        "own-user",
        "protected",
        "people-per-rule",
        "people-per-rule-and-hour",
        "people-per-rule-and-day",
        "roster-part-per-hour",
        "roster-part-per-day",
        "complete true",
        "complete false",
        "crash",
        "unreachable",
    ];
    let missed: Vec<_> = wanted.iter().filter(|word| !seen.contains(**word)).collect();
    assert!(missed.is_empty(), "{missed:?} never happened: {seen:?}");
}

/// Faults for the next process, from none at all to plenty.
fn disturb(scene: &mut Scene) {
    let stage = &scene.stage;
    stage.simulator.forget_scripts();
    let odds = ["", "", "server-error=0.1", "cut=0.1,rate-limit=0.05", "server-error=0.3,cut=0.2", "repeat-cursor=0.3"];
    stage.simulator.set_faults(Odds::parse(odds[scene.rng.usize(..odds.len())]).unwrap());
    match scene.rng.u32(..8) {
        0 => drop(stage.script(Script::on(Method::Get, LIST, Effect::Status(500)).after(1).times(u32::MAX))),
        1 => drop(stage.script(Script::on(Method::Get, PEOPLE, Effect::Status(500)).after(1).times(u32::MAX))),
        2 => drop(stage.script(Script::on_method(Method::Delete, Effect::LoseAnswer).times(3))),
        3 => drop(stage.script(Script::on_method(Method::Delete, Effect::LoseRequest).times(3))),
        4 => {
            let gone = Effect::Alter(Arc::new(|world| world.sessions.clear()));
            stage.script(Script::on(Method::Get, SHOW, gone));
        }
        _ => {}
    }
}

/// One process, which may die anywhere; its report if it came to one.
async fn one_process(scene: &mut Scene) -> Option<Report> {
    let dies = scene.rng.u32(..4) == 0;
    if dies {
        let cut = Cut::After(scene.rng.usize(2..30));
        let kept = scene.rng.usize(..3);
        if scene.stage.apply_until_halt(cut).await.is_none() {
            scene.stage.lose_power(|_, unsynced| [None, Some(unsynced), Some(unsynced / 2)][kept]);
            return None;
        }
    }
    // A new machine, so that a cut that was never reached is forgotten.
    scene.stage.lose_power(|_, unsynced| Some(unsynced));
    let report = scene.stage.try_apply().await.ok().map(|cycle| cycle.report);
    // The process ends in order: what it wrote stays.
    scene.stage.lose_power(|_, unsynced| Some(unsynced));
    report
}

/// INVARIANT 9.
#[tokio::test]
async fn no_session_is_asked_for_twice_in_a_world_that_stands_still() {
    for seed in 0..SEEDS {
        let scene = Scene::new(seed);
        for _ in 0..4 {
            scene.stage.apply().await;
        }
        let asked = scene.stage.requests(Method::Delete);
        let distinct: BTreeSet<&String> = asked.iter().collect();
        assert_eq!(distinct.len(), asked.len(), "seed {seed}: {asked:?}");
        let gone = scene.stage.losses();
        assert!(gone.iter().all(|loss| !scene.stage.sessions().contains(&loss.session.0)), "seed {seed}");
    }
}

#[tokio::test]
async fn an_account_in_mode_report_ends_nothing_in_any_world() {
    for seed in 0..SEEDS {
        let mut scene = Scene::new(seed);
        scene.stage.account.mode = Mode::Report;
        scene.stage.apply().await;
        assert_eq!(scene.stage.deletes(), 0, "seed {seed}");
    }
}

#[tokio::test]
async fn a_session_without_a_person_or_times_ends_for_nobody() {
    let scene = Scene::new(7);
    scene.stage.simulator.world(|world| {
        for row in world.sessions.values_mut() {
            (row.user, row.authenticated_at) = (None, None);
        }
    });
    let report = scene.stage.apply().await.report;
    assert_eq!((scene.stage.deletes(), report.revoke.len()), (0, 0));
    assert!(report.undecided.iter().any(|row| row.sessions == scene.stage.sessions().len()), "{:?}", report.undecided);
    assert!(scene.stage.simulator.world(|world| world.sessions.contains_key(&session(1001))));
}
