//! Random worlds: invariants 2, 4 and 16 to 19 beyond what can be counted out. Seeds go up from zero, and `BELTS_WORLDS`
//! says how many; each is judged by `judge`, which knows nothing of the guard.

use std::collections::BTreeSet;

use evictd::guard::Belt;
use evictd::model::{Role, SessionId, Stratum, UserId};
use fastrand::Rng;
use jiff::SignedDuration;

use super::judge::{Cycle, Judge, Seen};
use super::worlds::{Befell, World, chance};
use super::{Outcome, Play};

/// So many worlds unless it is said otherwise.
const WORLDS: u64 = 400;

/// What a world came to.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    cycles: u64,
    people: u64,
    seen: Seen,
    looping: u64,
    protected: u64,
    edits: u64,
    states_lost: u64,
    looks: u64,
    skewed: u64,
    just_ended: u64,
    /// How often it was asked what would go if somebody did something.
    shields: [u64; 2],
}

/// What worlds are to have in them, how often one had it, and in how many of a hundred worlds it must be.
type Exercised = (&'static str, fn(&Came) -> u64, u64);

struct Story {
    seed: u64,
    rng: Rng,
    world: World,
    play: Play,
    judge: Judge,
    came: Came,
}

impl Story {
    fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let play = Play::new(world.policies(), world.belts.clone());
        let judge = Judge::new(seed, &world);
        Self { seed, rng, world, play, judge, came: Came::default() }
    }

    fn run(&mut self) -> Came {
        let people = std::mem::take(&mut self.world.people);
        let quiet = if chance(&mut self.rng, 75) { 100 } else { self.rng.u64(..40) };
        // Now and then we changed something long enough ago for fifty quiet cycles, and less than a day.
        let edited = chance(&mut self.rng, 30).then(|| self.rng.u64(10..45));
        for number in 0..quiet {
            let befell = if edited == Some(number) { self.world.edit_one(&mut self.play) } else { Befell::default() };
            self.cycle(befell);
            self.play.now += SignedDuration::from_mins(10);
        }
        self.world.people = people;
        for _ in 0..self.rng.u64(10..=30) {
            let befell = self.world.go_on(&mut self.rng, &mut self.play);
            self.shields();
            let outcome = self.cycle(befell);
            let ended: BTreeSet<SessionId> = outcome.ended.iter().map(|one| one.session).collect();
            self.count(befell, &outcome);
            self.world.lose(&mut self.rng, &ended);
        }
        Came { seen: self.judge.seen, ..self.came }
    }

    fn cycle(&mut self, befell: Befell) -> Outcome {
        let (now, template) = (self.play.now, self.play.template.clone());
        let holds = self.play.history.holds.clone();
        let world = &self.world;
        let outcome = self.play.cycle_with(&[], |snapshot| world.show((now, &template), snapshot));
        self.judge.judge(&Cycle { world, now, holds: &holds, befell, outcome: &outcome });
        outcome
    }

    fn would(&self, world: &World) -> BTreeSet<UserId> {
        let mut snapshot = self.play.snapshot(&[]);
        world.show((self.play.now, &self.play.template), &mut snapshot);
        self.play.would_clear_of(&snapshot)
    }

    /// 16 and 17: whatever somebody does, they stay in what is cleared, and so does everybody of another stratum.
    fn shields(&mut self) {
        let would = self.would(&self.world);
        let what = format!("seed {}, now {}", self.seed, self.play.now);
        let mut some: Vec<UserId> = would.iter().copied().collect();
        self.rng.shuffle(&mut some);
        for user in some.into_iter().take(2) {
            let more = self.would(&self.world.with_more_of(user, self.play.now));
            assert!(more.contains(&user), "{what}: {user} shields himself");
            self.came.shields[0] += 1;
        }
        let of = |stratum: Stratum| -> BTreeSet<UserId> {
            let people = self.world.people.iter().filter(|one| one.stratum() == stratum);
            people.map(|one| super::user(one.id)).filter(|user| would.contains(user)).collect()
        };
        let crowds = [Role::Admin, Role::Agent, Role::EndUser];
        for (stratum, (_, crowd)) in Stratum::ALL.iter().zip(Stratum::ALL.iter().zip(crowds)) {
            if chance(&mut self.rng, 75) {
                continue;
            }
            let own = of(*stratum);
            assert_eq!(self.would(&self.world.only(*stratum)), own, "{what}: {stratum:?} without the others");
            let crowded = self.world.with_crowd(crowd, self.play.now);
            let is_there = |one: &super::worlds::Human| one.stratum() != *stratum || one.id < 9_000;
            if crowded.people.iter().all(is_there) {
                let still: BTreeSet<UserId> = self.would(&crowded).intersection(&own).copied().collect();
                assert_eq!(still, own, "{what}: {stratum:?} beside a crowd of {crowd:?}");
            }
            self.came.shields[1] += 1;
        }
    }

    fn count(&mut self, befell: Befell, outcome: &Outcome) {
        let held = |belt: Belt| u64::from(outcome.held.iter().any(|(_, _, of)| *of == belt));
        let came = &mut self.came;
        came.cycles += 1;
        came.people += outcome.gone.len() as u64;
        came.looping += held(Belt::Loop).max(u64::from(!outcome.guarded.looping.is_empty()));
        came.protected += held(Belt::Protected);
        came.edits += u64::from(befell.edited.is_some() || befell.belts_changed);
        came.states_lost += u64::from(befell.state_lost);
        came.looks += u64::from(self.world.looked.is_some());
        came.skewed += held(Belt::Clock);
        came.just_ended += held(Belt::JustRevoked);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to look is the wish of whoever runs it")]
fn worlds() -> u64 {
    std::env::var("BELTS_WORLDS").map_or(WORLDS, |text| text.parse().unwrap())
}

/// INVARIANTS 2, 4, 16, 17, 18, 19.
#[test]
#[expect(clippy::print_stdout, reason = "how much was looked at is part of what is shown")]
fn belts_hold_on_random_worlds() {
    let came: Vec<Came> = (0..worlds()).map(|seed| Story::of(seed).run()).collect();
    let sum = |of: fn(&Came) -> u64| came.iter().map(of).sum::<u64>();
    println!(
        "{} random worlds, {} cycles, {} people lost their sessions; asked {} times whether somebody shields himself and \
         {} times whether a stratum shields another",
        came.len(),
        sum(|came| came.cycles),
        sum(|came| came.people),
        sum(|came| came.shields[0]),
        sum(|came| came.shields[1]),
    );
    let exercised: [Exercised; 17] = [
        ("overflow of a rule", |came| came.seen.overflow, 50),
        ("overflow of the account", |came| came.seen.accounts, 15),
        ("jump", |came| came.seen.jumps, 10),
        ("core", |came| came.seen.core, 10),
        ("core out of a hold", |came| came.seen.late_core, 5),
        ("whoever waited for the core and went", |came| came.seen.waited, 5),
        ("hold released", |came| came.seen.released, 30),
        ("hold discarded", |came| came.seen.discarded, 20),
        ("hold expired", |came| came.seen.expired, 10),
        ("loop", |came| came.looping, 10),
        ("loop that went on", |came| came.seen.loops, 5),
        ("pause", |came| came.seen.pauses, 20),
        ("protected", |came| came.protected, 10),
        ("just revoked", |came| came.just_ended, 20),
        ("clocks that disagree", |came| came.skewed, 20),
        ("change of ours", |came| came.edits, 20),
        ("state lost", |came| came.states_lost, 10),
    ];
    for (what, of, least) in exercised {
        let worlds = came.iter().filter(|came| of(came) > 0).count();
        println!("{what}: {worlds} worlds, {} times", sum(of));
        assert!(worlds as u64 * 100 >= least * came.len() as u64, "{what} in {worlds} of {} worlds", came.len());
    }
}
