//! What belts do over hundreds of cycles.

use std::collections::{BTreeMap, BTreeSet};

use evictd::config::Belts;
use evictd::guard::Belt;
use evictd::model::{Input, Mode, Pause, Role, UserId};

use super::{Play, Somebody, agents, rules, set, user, wide};

fn core(people: Vec<Somebody>) -> Vec<Somebody> {
    people.into_iter().map(Somebody::sure).collect()
}

fn remaining(people: &[Somebody], play: &mut Play) -> (Vec<Somebody>, usize) {
    let outcome = play.cycle(people);
    let left = people.iter().filter(|one| !outcome.gone.contains_key(&user(one.id))).cloned().collect();
    (left, outcome.gone.len())
}

#[test]
fn the_first_match_of_a_rule_that_was_quiet_for_a_thousand_cycles_goes_at_once() {
    let mut play = Play { quiet: 40, ..Play::new(rules(1), Belts::default()) };
    play.idle(1_000);
    let outcome = play.cycle(&agents(100, 1));
    assert_eq!((outcome.gone.len(), outcome.held.len()), (1, 0));
}

#[test]
fn a_rule_that_suddenly_matches_half_of_a_stratum_stays_held_for_a_thousand_cycles() {
    let mut play = Play { quiet: 40, ..Play::new(rules(1), Belts::default()) };
    play.settle();
    let half = agents(100, 40);
    for cycle in 0..1_000 {
        let outcome = play.cycle(&half);
        assert_eq!(outcome.gone.len(), 0, "cycle {cycle}");
        assert_eq!(outcome.held.len(), 40, "cycle {cycle}");
        assert_eq!(play.history.holds.len(), 1, "cycle {cycle}");
    }
}

#[test]
fn what_we_changed_is_named_and_nothing_goes_while_the_same_without_a_change_lets_the_core_go() {
    let half = core(agents(100, 40));
    let mut ours = Play { quiet: 40, ..Play::new(rules(2), wide_but_cycle()) };
    ours.settle();
    let mut theirs = ours.clone();
    // We edit the rule: it has matched nobody so far, and now it matches half of them.
    ours.set = set(
        "[[rule]]\nid = \"r1\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\nseverity = \"high\"\n\
         [rule.when]\nuser.tags.contains = \"r1\"\n\
         any = [{ user.suspended.is = true }, { session.age.over = \"1m\" }]\n",
    );
    for cycle in 0..60 {
        let outcome = ours.cycle(&half);
        assert_eq!((outcome.gone.len(), outcome.held.len()), (0, 40), "cycle {cycle}");
        if cycle == 0 {
            assert_eq!(outcome.guarded.holdings[0].changed, [Input::Rule]);
        }
    }
    // The world changed: of ten in the core and thirty others ten go, three a cycle.
    let people: Vec<Somebody> = core(agents(100, 10)).into_iter().chain(agents(200, 30)).collect();
    let (mut left, mut went) = (people, Vec::new());
    for _ in 0..4 {
        let (rest, gone) = remaining(&left, &mut theirs);
        (left, went) = (rest, went.into_iter().chain([gone]).collect());
    }
    assert_eq!(went, [3, 3, 3, 1]);
    assert!(left.iter().all(|one| !one.is_sure) && left.len() == 30);
}

/// The account's belts wide: what the core may do is under test.
fn wide_but_cycle() -> Belts {
    Belts { people_per_rule_max: 10, people_per_rule_and_hour_max: 20, people_per_rule_and_day_max: 40, ..wide() }
}

#[test]
fn the_core_has_ten_an_hour() {
    let mut play = Play::new(rules(1), wide_but_cycle());
    play.settle();
    let mut left = core(agents(100, 30));
    let mut went = Vec::new();
    for _ in 0..20 {
        let (rest, gone) = remaining(&left, &mut play);
        left = rest;
        went.push(gone);
    }
    // Twelve cycles are an hour: what went in the first four leaves room again after that.
    assert_eq!(went[..5], [3, 3, 3, 1, 0]);
    assert_eq!(went.iter().sum::<usize>(), 20);
    for hour in went.windows(13) {
        assert!(hour.iter().sum::<usize>() <= 13);
    }
}

#[test]
fn a_rule_has_to_be_quiet_for_fifty_cycles_on_what_it_rests_on() {
    let people = core(agents(100, 30));
    for (quiet, expected) in [(49, 0), (50, 3)] {
        let mut play = Play::new(rules(1), wide_but_cycle());
        // A sweep an hour: a day has passed long before.
        for _ in 0..quiet {
            play.cycle(&[]);
            play.now += jiff::SignedDuration::from_mins(55);
        }
        assert_eq!(play.cycle(&people).gone.len(), expected, "{quiet}");
    }
}

/// What changed less than a day ago is a change of ours, however often the rule was quiet since.
#[test]
fn for_a_day_after_a_change_nothing_goes_of_an_overflow() {
    let people = core(agents(100, 30));
    for (cycles, expected) in [(285, 0), (289, 3)] {
        let mut play = Play::new(rules(1), wide_but_cycle());
        play.idle(cycles);
        assert_eq!(play.cycle(&people).gone.len(), expected, "{cycles}");
    }
}

#[test]
fn the_core_passes_no_belt_of_the_account() {
    let narrow =
        Belts { roster_part_per_hour_max: 5, roster_part_per_day_max: 10, roster_floor: 2, ..wide_but_cycle() };
    let mut play = Play::new(rules(1), narrow);
    play.settle();
    let outcome = play.cycle(&core(agents(100, 30)));
    assert_eq!(outcome.gone.len(), 0);
    let belts: BTreeSet<Belt> = outcome.held.into_iter().map(|(_, _, belt)| belt).collect();
    assert_eq!(belts, [Belt::PeoplePerRule, Belt::RosterPerHour].into());
}

/// Zero means none at all, and the surest are no exception.
#[test]
fn the_core_passes_no_zero() {
    for (narrow, expected) in [
        (Belts { people_per_rule_max: 0, ..wide() }, 0),
        (Belts { people_per_rule_and_hour_max: 0, ..wide() }, 0),
        (Belts { people_per_rule_and_day_max: 0, ..wide() }, 0),
        (Belts { people_per_rule_max: 1, ..wide() }, 3),
    ] {
        let mut play = Play::new(rules(1), narrow.clone());
        play.settle();
        assert_eq!(play.cycle(&core(agents(100, 30))).gone.len(), expected, "{narrow:?}");
        assert_eq!(play.history.holds.iter().map(|hold| hold.people.len()).sum::<usize>(), 30 - expected, "{narrow:?}");
    }
}

/// Three who sign in again each time shield nobody who waits, and do not use up the hour of the others.
#[test]
fn whoever_comes_back_to_the_core_goes_after_those_who_wait() {
    let severe = "[[rule]]\nid = \"r1\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
                  severity = \"high\"\nwhen.user.suspended.is = true\n";
    let mut play = Play::new(set(severe), Belts { people_per_rule_max: 1, ..wide() });
    play.settle();
    let everybody = core(agents(100, 9));
    let mut went: BTreeMap<UserId, usize> = BTreeMap::new();
    for cycle in 1..=9 {
        for user in play.cycle(&everybody).gone.into_keys() {
            *went.entry(user).or_default() += 1;
        }
        let turns: BTreeSet<usize> = went.values().copied().collect();
        assert_eq!((went.len(), turns.len()), (9.min(cycle * 3), if cycle < 3 || cycle % 3 == 0 { 1 } else { 2 }));
    }
    assert!(went.values().all(|turns| *turns == 3), "{went:?}");
}

#[test]
fn many_new_people_at_once_are_a_jump_and_a_few_each_cycle_are_none() {
    let mut play = Play::new(rules(1), wide());
    play.settle();
    let outcome = play.cycle(&agents(100, 6));
    assert_eq!(outcome.held.iter().map(|(_, _, belt)| *belt).collect::<Vec<_>>(), [Belt::Jump; 6]);
    assert_eq!(outcome.gone.len(), 0);
    // However long it lasts, and when the hold is over.
    for _ in 0..400 {
        assert_eq!(play.cycle(&agents(100, 6)).gone.len(), 0);
    }
    let mut usual = Play::new(rules(1), wide());
    for cycle in 0..60 {
        assert_eq!(usual.cycle(&agents(1_000 + cycle * 10, 4)).gone.len(), 4);
    }
    // Three times what is usual is not much, and one more is.
    assert_eq!(usual.clone().cycle(&agents(5_000, 12)).gone.len(), 12);
    assert_eq!(usual.cycle(&agents(5_000, 13)).gone.len(), 0);
}

#[test]
fn whoever_is_under_a_hold_counts_nowhere_and_disarms_no_rule() {
    let mut play = Play { quiet: 40, ..Play::new(rules(1), Belts::default()) };
    play.settle();
    let many = agents(100, 20);
    play.cycle(&many);
    let more: Vec<Somebody> = many.iter().cloned().chain(agents(200, 2)).collect();
    let outcome = play.cycle(&more);
    assert_eq!(outcome.gone.keys().map(|user| user.get()).collect::<Vec<_>>(), [200, 201]);
}

/// What a rule would have held while it only reported asked nobody: once it enforces, a human is asked.
#[test]
fn a_rule_that_comes_to_enforce_asks_about_whom_it_only_showed() {
    let rule = |mode: &str| {
        set(&format!(
            "[[rule]]\nid = \"r1\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"{mode}\"\n\
             when.user.tags.contains = \"r1\"\n"
        ))
    };
    let mut play = Play { quiet: 40, ..Play::new(rule("report"), Belts::default()) };
    let many = agents(100, 20);
    play.cycle(&many);
    play.set = rule("enforce");
    let outcome = play.cycle(&many);
    assert_eq!((outcome.gone.len(), outcome.held.len()), (0, 20));
    let modes: Vec<(Mode, usize)> = play.history.holds.iter().map(|hold| (hold.mode, hold.people.len())).collect();
    assert_eq!(modes, [(Mode::Report, 20), (Mode::Enforce, 20)]);
}

/// A pause withholds before anybody counts: what comes up in it is not what is usual.
#[test]
fn nothing_is_usual_about_what_comes_up_in_a_pause() {
    let mut play = Play::new(rules(1), wide());
    play.settle();
    let many = agents(100, 30);
    for _ in 0..5 {
        play.cycle_with(&many, |snapshot| snapshot.pause = Some(Pause { until: None }));
    }
    let outcome = play.cycle(&many);
    assert_eq!((outcome.gone.len(), outcome.held.len()), (0, 30));
    assert!(outcome.held.iter().all(|(_, _, belt)| *belt == Belt::Jump));
}

#[test]
fn what_is_released_goes_once_and_what_is_discarded_stays() {
    let mut play = Play { quiet: 400, ..Play::new(rules(1), Belts::default()) };
    play.settle();
    let many = agents(100, 15);
    play.cycle(&many);
    let (mut released, mut discarded) = (play.clone(), play);
    released.release_all();
    assert_eq!(released.cycle(&many).gone.len(), 15);
    // The same people again, after what was just ended may be ended again: they are asked about anew.
    released.now += jiff::SignedDuration::from_mins(30);
    assert_eq!(released.cycle(&many).gone.len(), 0);
    discarded.history.holds.iter_mut().for_each(|hold| hold.state = evictd::model::HoldState::Discarded);
    for _ in 0..200 {
        assert_eq!(discarded.cycle(&many).gone.len(), 0);
    }
}

#[test]
fn whoever_comes_back_again_and_again_waits_for_a_human_unless_the_rule_is_severe() {
    for (severity, expected) in [("medium", [1, 1, 1, 0, 0]), ("high", [1; 5])] {
        let rule = format!(
            "[[rule]]\nid = \"r1\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
             severity = \"{severity}\"\nwhen.user.tags.contains = \"r1\"\n"
        );
        let mut play = Play { quiet: 40, ..Play::new(set(&rule), Belts::default()) };
        let went: Vec<usize> = (0..5).map(|_| play.cycle(&agents(100, 1)).gone.len()).collect();
        assert_eq!(went, expected, "{severity}");
        assert_eq!(
            play.history.holds.iter().filter(|hold| hold.belt == "loop").count(),
            usize::from(severity == "medium")
        );
    }
}

#[test]
fn a_protected_person_is_a_hold_and_goes_only_by_a_humans_word() {
    let mut play = Play { quiet: 40, ..Play::new(rules(1), Belts::default()) };
    let admin = Somebody::new(7, Role::Admin, &[1]);
    let outcome = play.cycle_with(std::slice::from_ref(&admin), |snapshot| {
        snapshot.protected.people.insert(user(7));
    });
    assert_eq!((outcome.gone.len(), play.history.holds[0].belt.as_str()), (0, "protected"));
    play.release_all();
    let outcome = play.cycle_with(std::slice::from_ref(&admin), |snapshot| {
        snapshot.protected.people.insert(user(7));
    });
    assert_eq!(outcome.gone.len(), 1);
}
