//! What an account of 800 agents costs, and how long a bad session lives once a row shows it, in both scopes: a day, of
//! which an ordinary test run plays an hour.

use std::collections::BTreeMap;

use evictd::model::{Role, SessionId};
use jiff::{SignedDuration, Timestamp};

use super::looks::{RULES, has};
use super::{Site, Stage, seconds, wait};
use crate::enforcement::user;

const AGENTS: u64 = 800;

/// Of the account, for everybody who uses it.
const REQUESTS_PER_MINUTE: u32 = 175;

/// Shifts begin in these minutes, with 300 sign-ins in ten.
const SHIFTS: [u64; 3] = [20, 500, 980];

/// Zendesk ends sessions of staff after so long.
const LIFE: SignedDuration = SignedDuration::from_hours(12);

/// How long to play; `make exposure` plays a day.
#[expect(clippy::disallowed_methods, reason = "the one number that `make exposure` sets")]
fn hours() -> u64 {
    std::env::var("EXPOSURE_HOURS").ok().and_then(|hours| hours.parse().ok()).unwrap_or(1)
}

/// Sign-ins in this minute: 2,400 in a day.
fn sign_ins(minute: u64) -> u64 {
    let is_burst = SHIFTS.iter().any(|begins| (*begins..begins + 10).contains(&minute));
    if is_burst { 30 } else { 1 + u64::from(minute.is_multiple_of(16)) }
}

struct Play<'s> {
    site: &'s Site,
    /// The last agent who signed in.
    last: u64,
    bad: BTreeMap<SessionId, Timestamp>,
    lived: Vec<SignedDuration>,
    /// What Zendesk ended by itself, before anybody else.
    expired: usize,
}

impl Play<'_> {
    /// Half of the agents are at work; the others were, and come back with a shift.
    fn begin(&self) {
        let now = self.site.simulator.now();
        self.site.simulator.world(|world| {
            for number in 1..=AGENTS {
                world.add_person(user(number), Role::Agent);
            }
            for number in 1..=AGENTS / 2 {
                world.sign_in(user(number), now - SignedDuration::from_mins(60));
            }
            let home = AGENTS / 2 + 1..=AGENTS;
            let gone: Vec<SessionId> = home.map(|number| world.sign_in(user(number), now - LIFE * 2)).collect();
            world.fill_logs();
            world.sessions.retain(|id, _| !gone.contains(id));
        });
    }

    /// Who comes, who goes, and once in the minute somebody bad.
    async fn minute(&mut self, minute: u64) {
        let now = self.site.simulator.now();
        self.site.simulator.world(|world| {
            world.sessions.retain(|id, one| {
                let lives = one.authenticated_at.is_none_or(|at| at.at().duration_until(now) < LIFE);
                self.expired += usize::from(!lives && self.bad.remove(id).is_some());
                lives
            });
            for _ in 0..sign_ins(minute) {
                self.last = self.last % AGENTS + 1;
                // Whoever signs in again has signed out; a thief has not.
                let who = Some(user(self.last));
                world.sessions.retain(|id, one| one.user != who || self.bad.contains_key(id));
                let opened = world.sign_in(user(self.last), now);
                world.use_session(opened, now);
            }
        });
        for second in 0..60 {
            if second == minute * 7 % 60 && minute >= 5 {
                self.somebody_bad(minute);
            }
            wait(seconds(1)).await;
            let now = self.site.simulator.now();
            let gone: Vec<SessionId> = self.bad.keys().copied().filter(|id| !has(self.site, *id)).collect();
            self.lived.extend(gone.iter().filter_map(|id| self.bad.remove(id)).map(|since| since.duration_until(now)));
        }
    }

    /// A sign-in from abroad, or a cookie in a program's hands, by turns.
    fn somebody_bad(&mut self, minute: u64) {
        let now = self.site.simulator.now();
        let who = user(1 + minute * 11 % AGENTS);
        let id = self.site.simulator.world(|world| {
            let at_hand = world.sessions_of(who).next().map(|one| one.id).filter(|id| !self.bad.contains_key(id));
            match at_hand.filter(|_| minute % 2 == 1) {
                Some(id) => {
                    world.steal_cookie(id, now);
                    id
                }
                None => world.phish(who, now),
            }
        });
        self.bad.insert(id, now);
    }
}

#[expect(clippy::print_stdout, reason = "`make exposure` shows the figures")]
async fn play(scope: &str, sweep: &str) {
    let lines = format!("scope = \"{scope}\"\nsweep = \"{sweep}\"");
    let stage = Stage::remembering("acme", &lines, Some(REQUESTS_PER_MINUTE));
    let acme = stage.site("acme");
    RULES.clone_into(&mut acme.policies.lock().unwrap());
    let mut play = Play { site: acme, last: AGENTS / 2, bad: BTreeMap::new(), lived: Vec::new(), expired: 0 };
    play.begin();
    let done = stage.run(async |_| {
        for minute in 0..hours() * 60 {
            play.minute(minute).await;
        }
    });
    assert_eq!(done.await, Ok(()));
    let (expired, mut lived) = (play.expired, play.lived);
    lived.sort_unstable();
    let worst = lived[lived.len() - 1].as_secs();
    // Whoever came in the last two minutes may yet go; of the others whoever is still there, or was for ever, counts as such.
    let end = acme.simulator.now();
    let left = play.bad.values().filter(|since| since.duration_until(end) > SignedDuration::from_mins(2)).count();
    lived.extend(std::iter::repeat_n(SignedDuration::MAX, left + expired));
    let at = |percent: usize| lived[(lived.len() * percent / 100).min(lived.len() - 1)].as_secs();
    let requests = acme.simulator.requests();
    let mut minutes: BTreeMap<String, usize> = BTreeMap::new();
    for one in &requests {
        *minutes.entry(one.time.strftime("%d %H:%M").to_string()).or_insert(0) += 1;
    }
    let (busiest, peak) = minutes.iter().max_by_key(|(_, count)| **count).unwrap();
    let refused = requests.iter().filter(|one| one.status == 429).count();
    let sweeps = acme.cycles().iter().filter(|(_, finished)| finished.looked.is_none()).count();
    println!(
        "scope {scope}, {} h: {} bad sessions among {AGENTS} agents, gone after {} s in the middle, {} s at p95, {worst} s \
         at worst, {} not at all;\n{peak} requests in the busiest minute ({busiest}), {} on average, {refused} refused, \
         {sweeps} sweeps",
        hours(),
        lived.len(),
        at(50),
        at(95),
        left + expired,
        requests.len() / minutes.len()
    );
    assert!(lived.len() as u64 > hours() * 60 - 15 && at(95) <= 75, "{lived:?}");
    assert!(*peak <= 40 && refused == 0, "{minutes:?}");
    assert!(sweeps as u64 >= hours(), "{sweeps}");
}

#[tokio::test(start_paused = true)]
async fn in_scope_everyone_a_bad_session_is_gone_75_seconds_after_its_row_shows() {
    play("everyone", "*/5 * * * *").await;
}

#[tokio::test(start_paused = true)]
async fn in_scope_staff_a_bad_session_is_gone_75_seconds_after_its_row_shows() {
    play("staff", "0 * * * *").await;
}
