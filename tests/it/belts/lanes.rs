//! Belts through the daemon's real lane: what stands in the trail outlives the state, and a host's clock that somebody sets
//! frees nothing.

use std::fs;
use std::sync::Arc;

use evictd::clock::{Clock as _, SeededChance};
use evictd::control::{Answer, Caller, Command, Ground, Held, Refusal, holds, obey};
use evictd::daemon::FileBrakes;
use evictd::daemon::{Loader as _, Stop};
use evictd::files::Disk;
use evictd::model::{AccountName, Role};
use evictd::record::Entry;
use jiff::SignedDuration;
use serde_json::Value;

use crate::daemon::looks::has;
use crate::daemon::{Site, Stage, minutes, wait};
use crate::enforcement::{session, tag, user};

/// Rules on whoever wears their tag; no condition of them asks for the time.
fn tagged(rules: &[(&str, &str)]) -> String {
    let rule = |(id, severity): &(&str, &str)| {
        format!(
            "[[rule]]\nid = \"{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
             severity = \"{severity}\"\nwhen.user.tags.contains = \"{id}\"\n"
        )
    };
    format!("schema = 1\n{}", rules.iter().map(rule).collect::<String>())
}

const EVERY_FIVE: &str = "sweep = { every = \"5m\" }\n";

fn stage(lines: &str, rules: &[(&str, &str)]) -> Stage {
    let stage = Stage::new(&[("acme", &format!("{EVERY_FIVE}{lines}"))]);
    *stage.site("acme").policies.lock().unwrap() = tagged(rules);
    stage
}

/// Somebody with a session and this tag.
fn wears(site: &Site, number: u64, of: &str) {
    site.agent(number, 1);
    site.simulator.world(|world| tag(world, number, of));
}

/// Somebody signs in anew.
fn returns(site: &Site, number: u64, of: &str, round: u64) {
    let now = site.simulator.now();
    site.simulator.world(|world| {
        world.add_person(user(number), Role::Agent);
        world.add_session(session(number * 1_000 + round), user(number), now, now);
        tag(world, number, of);
    });
}

/// Who of these has a session.
fn present(site: &Site, people: impl IntoIterator<Item = u64>) -> Vec<u64> {
    people.into_iter().filter(|number| site.has_session(*number)).collect()
}

/// A human's command while no daemon runs.
async fn pull(stage: &Stage, command: Command) -> Result<Answer, Refusal> {
    let site = stage.site("acme");
    let setup = stage.load(&stage.pulses).unwrap().remove(0);
    let seams = (stage.clock.clone() as Arc<_>, Arc::new(SeededChance::new(3)) as Arc<_>);
    let mut held = Held::open(&AccountName::new("acme"), (&site.state(), &site.trail()), seams).unwrap();
    let stop = Stop::default();
    let (state, expires_after) = (site.state(), setup.account.belts.pause_expires_after);
    let brakes = FileBrakes { state: state.clone(), expires_after, clock: stage.clock.clone(), stop };
    let ground = Ground {
        trail: &mut held.trail,
        account: &setup.account,
        zendesk: None,
        state: &state,
        records: &setup.trail,
        clock: &*stage.clock,
        asked: stage.clock.now(),
        brakes: &brakes,
    };
    let answer = obey(&command, &Caller::with_all("olivia (uid 1000)"), ground).await;
    held.close(0).unwrap();
    answer
}

fn pause(lasts: &str) -> Command {
    Command::Pause { lasts: Some(lasts.to_owned()), reason: "drill".to_owned() }
}

/// Holds as a human is shown them: number, rule, belt, state, people, digest.
fn shown(stage: &Stage) -> Vec<[String; 6]> {
    let site = stage.site("acme");
    let now = stage.clock.now();
    let seen = holds(&Disk::at(&site.trail()), &AccountName::new("acme"), now).unwrap();
    let text = |hold: &Value, key: &str| hold[key].to_string().replace('"', "");
    let row = |hold: &Value| ["id", "rule", "belt", "state", "number", "digest"].map(|key| text(hold, key));
    seen["holds"].as_array().unwrap().iter().map(row).collect()
}

async fn run(stage: &Stage, length: u64) {
    assert_eq!(stage.run(async |_| wait(minutes(length)).await).await, Ok(()));
}

/// A pause in force, three holds open, two people in a loop: all of it is the trail's.
#[tokio::test(start_paused = true)]
async fn a_pause_holds_and_loops_outlive_the_loss_of_the_state() {
    for whole_folder in [false, true] {
        let stage = stage(
            "belts.rule.a.people-per-rule-max = 1\nbelts.rule.b.people-per-rule-max = 1\n\
             belts.rule.c.people-per-rule-max = 1\n",
            &[("a", "medium"), ("b", "medium"), ("c", "medium"), ("again", "medium"), ("severe", "high")],
        );
        let site = stage.site("acme");
        for (number, rule) in (11..).zip(["a", "a", "b", "b", "b", "c", "c"]) {
            wears(site, number, rule);
        }
        let done = stage.run(async |_| {
            for round in 0..3 {
                returns(site, 1, "again", round);
                returns(site, 2, "again", round);
                wait(minutes(6)).await;
                assert_eq!(present(site, [1, 2]), [] as [u64; 0], "round {round}");
            }
        });
        assert_eq!(done.await, Ok(()));
        let before = shown(&stage);
        let open: Vec<_> = before.iter().map(|[_, rule, belt, state, people, _]| [rule, belt, state, people]).collect();
        let three =
            [("a", "2"), ("b", "3"), ("c", "2")].map(|(rule, people)| [rule, "people-per-rule", "open", people]);
        assert_eq!(open, three);
        pull(&stage, pause("2h")).await.unwrap();

        if whole_folder {
            fs::remove_dir_all(site.state()).unwrap();
        } else {
            fs::remove_file(site.state().join("state.sqlite")).unwrap();
        }
        // Both come back while it is paused, and so does somebody new.
        returns(site, 1, "again", 3);
        returns(site, 2, "again", 3);
        wears(site, 21, "severe");
        let deletes = site.count("revocation.intended");
        run(&stage, 11).await;
        site.stands("disarmed", "paused until");
        assert!(site.state().join("pause").exists() && site.state().join("state.sqlite").exists());
        assert_eq!((shown(&stage), site.count("revocation.intended")), (before.clone(), deletes));
        assert_eq!((site.count("pause.began"), site.count("pause.ended")), (1, 0));

        // They can be answered, by the digests that were shown before.
        let [a, c] = [&before[0], &before[2]];
        let id = |hold: &[String; 6]| hold[0].parse().unwrap();
        pull(&stage, Command::HoldDiscard { id: id(a) }).await.unwrap();
        let wrong = Command::HoldRelease { id: id(c), digest: before[1][5].clone() };
        assert_eq!(pull(&stage, wrong).await.unwrap_err().exit, 64);
        pull(&stage, Command::HoldRelease { id: id(c), digest: c[5].clone() }).await.unwrap();

        // Still in the pause a release waits, and after it goes; what was held or is in a loop does not.
        run(&stage, 60).await;
        assert_eq!(present(site, 11..=17), (11..=17).collect::<Vec<_>>());
        run(&stage, 70).await;
        assert_eq!(site.count("pause.ended"), 1);
        assert_eq!(present(site, 11..=17), [11, 12, 13, 14, 15], "only what was released went");
        assert_eq!(present(site, [1, 2, 21]), [1, 2], "loops still decide, and what is severe goes");
        let loops: Vec<_> = shown(&stage).into_iter().filter(|[_, _, belt, ..]| belt == "loop").collect();
        assert_eq!(loops.len(), 1);
        // A release counts once: whoever comes back is asked about anew.
        returns(site, 16, "c", 9);
        returns(site, 17, "c", 9);
        run(&stage, 11).await;
        assert_eq!(present(site, [16, 17]), [16, 17]);
        assert_eq!((loops[0][1].as_str(), loops[0][4].as_str()), ("again", "2"));
    }
}

/// Somebody sets the host's clock by half a day and an hour, and back: nothing goes meanwhile, no window is free of what it
/// counted, no pause is over, holds stay, and afterwards what must go goes. All of it is in the trail, which verifies.
#[tokio::test(start_paused = true)]
async fn moving_the_hosts_clock_by_half_a_day_frees_nothing() {
    for hours in [13, -13] {
        for is_paused in [false, true] {
            check_clock_set(SignedDuration::from_hours(hours), is_paused).await;
        }
    }
}

async fn check_clock_set(by: SignedDuration, is_paused: bool) {
    let what = format!("{by:#}, paused: {is_paused}");
    let lines = "belts.rule.window.people-per-rule-and-hour-max = 2\nbelts.rule.window.people-per-rule-and-day-max = 2\n\
                 belts.rule.many.people-per-rule-max = 1\n";
    let stage = stage(lines, &[("window", "medium"), ("many", "medium"), ("must", "medium")]);
    let site = stage.site("acme");
    wears(site, 1, "window");
    wears(site, 11, "many");
    wears(site, 12, "many");
    run(&stage, 6).await;
    assert_eq!(present(site, [1, 11, 12]), [11, 12], "{what}: a window partly used, and a hold");
    let before = shown(&stage);
    assert_eq!(before.len(), 1);
    if is_paused {
        pull(&stage, pause("30m")).await.unwrap();
    }
    let done = stage.run(async |_| {
        wait(minutes(2)).await;
        stage.clock.set_by(by);
        // One more than the window has room for, and one whom nothing holds.
        wears(site, 2, "window");
        wears(site, 3, "window");
        wears(site, 21, "must");
        wait(minutes(15)).await;
        assert_eq!(present(site, [2, 3, 11, 12, 21]), [2, 3, 11, 12, 21], "{what}: nobody goes meanwhile");
        assert_eq!(shown(&stage), before, "{what}: the hold waits");
        assert_eq!(site.count("pause.ended"), 0, "{what}");
        stage.clock.set_by(-by);
        wait(minutes(7)).await;
        let expected = if is_paused { vec![2, 3, 11, 12, 21] } else { vec![2, 3, 11, 12] };
        assert_eq!(present(site, [2, 3, 11, 12, 21]), expected, "{what}: once the clocks agree");
        wait(minutes(20)).await;
        assert_eq!(present(site, [2, 3, 11, 12, 21]), [2, 3, 11, 12], "{what}: and once the pause is over");
        assert_eq!(site.count("pause.ended"), usize::from(is_paused), "{what}");
    });
    assert_eq!(done.await, Ok(()), "{what}");
    let held: Vec<(String, String)> = shown(&stage).into_iter().map(|[_, rule, belt, ..]| (rule, belt)).collect();
    let expected = [("many", "people-per-rule"), ("window", "people-per-rule-and-hour")];
    assert_eq!(held, expected.map(|(rule, belt)| (rule.to_owned(), belt.to_owned())), "{what}");
    let record = |entry: &Entry| match entry {
        Entry::CycleFinished(body) => Some(body.clock_trusted),
        _ => None,
    };
    let trusted: Vec<bool> = site.records().iter().filter_map(|line| record(&line.entry)).collect();
    assert!(trusted.contains(&false) && trusted.first() == Some(&true) && trusted.last() == Some(&true), "{what}");
    assert!(told_of_clock(site, is_paused), "{what}: that claims were withheld is told");
}

/// Whether the trail tells that the claim on the one whom nothing else holds was withheld.
fn told_of_clock(site: &Site, is_paused: bool) -> bool {
    let belt = if is_paused { "pause" } else { "clock" };
    site.records().iter().any(|line| match &line.entry {
        Entry::ClaimBegan(body) => body
            .claims
            .iter()
            .any(|claim| claim.key.rule == "must" && claim.belt.as_ref().is_some_and(|held| held.belt == belt)),
        _ => false,
    })
}

/// A daemon that starts while the clock is wrong has only Zendesk's to go by.
#[tokio::test(start_paused = true)]
async fn a_start_beside_a_clock_that_is_wrong_ends_no_pause_and_loses_no_hold() {
    let stage = stage("belts.rule.many.people-per-rule-max = 1\n", &[("many", "medium"), ("must", "medium")]);
    let site = stage.site("acme");
    wears(site, 11, "many");
    wears(site, 12, "many");
    run(&stage, 6).await;
    let before = shown(&stage);
    pull(&stage, pause("4h")).await.unwrap();
    wears(site, 21, "must");
    stage.clock.set_by(SignedDuration::from_hours(30));
    run(&stage, 11).await;
    assert_eq!((site.count("pause.ended"), present(site, [11, 12, 21])), (0, vec![11, 12, 21]));
    // By the host's clock the hold would be over.
    assert_eq!(shown(&stage), before);
    let digest = before[0][5].clone();
    pull(&stage, Command::HoldRelease { id: before[0][0].parse().unwrap(), digest }).await.unwrap();
    stage.clock.set_by(SignedDuration::from_hours(-30));
    run(&stage, 11).await;
    site.stands("disarmed", "paused until");
    assert_eq!(present(site, [11, 12, 21]), [11, 12, 21]);
    run(&stage, 4 * 60).await;
    assert_eq!((site.count("pause.ended"), present(site, [11, 12, 21])), (1, vec![]), "what was released goes too");
}

/// Whoever two belts withhold, one of the rule and one of the account, goes once a human has let both go, one after the other:
/// the second question does not undo the answer to the first.
#[tokio::test(start_paused = true)]
async fn who_is_withheld_by_two_belts_goes_after_two_answers() {
    let lines = "belts.rule.a.people-per-rule-max = 2\nbelts.roster-part-per-hour-max = \"5%\"\n";
    let stage = stage(lines, &[("a", "medium")]);
    let acme = stage.site("acme");
    (20..40).for_each(|number| acme.agent(number, 1));
    (1..=5).for_each(|number| wears(acme, number, "a"));
    let release = async |belt: &str| {
        let shown = shown(&stage);
        let open: Vec<_> = shown.iter().filter(|row| row[3] == "open").collect();
        let [row] = open[..] else { panic!("{shown:?}") };
        assert_eq!((row[2].as_str(), row[4].as_str()), (belt, "5"), "{shown:?}");
        let (id, digest) = (row[0].parse().unwrap(), row[5].clone());
        pull(&stage, Command::HoldRelease { id, digest }).await.unwrap();
    };
    run(&stage, 6).await;
    release("people-per-rule").await;
    run(&stage, 6).await;
    assert_eq!(present(acme, 1..=5).len(), 5, "the account's belt holds them still");
    release("roster-part-per-hour").await;
    run(&stage, 6).await;
    assert!(present(acme, 1..=5).is_empty(), "{:?}", shown(&stage));
    // Both answers are used up: whoever comes back is asked about anew.
    (1..=5).for_each(|number| returns(acme, number, "a", 2));
    run(&stage, 6).await;
    assert_eq!((1..=5).filter(|number| has(acme, session(number * 1_000 + 2))).count(), 5);
}
