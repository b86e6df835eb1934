//! How fast sessions are judged, beside a floor written by hand for the same rules. Both run in one process, so that the
//! ratio means something on a noisy machine. `make bench` prints it; nothing is gated by time.

mod floor;

use std::io::Write as _;
use std::time::Duration;

use evictd::address::Lists;
use evictd::clock::{Clock as _, SystemClock};
use evictd::config::Belts;
use evictd::diagnostic::{Findings, Source};
use evictd::evaluate::evaluate;
use evictd::evidence::Dossier;
use evictd::guard::guard;
use evictd::model::{AccountName, CycleId, CycleKind, Foreign, Mode, Person, Role, Session, SessionId, UserId};
use evictd::plan::plan;
use evictd::policy::{PolicySet, read};
use evictd::snapshot::Snapshot;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

const SESSIONS: u64 = 100_000;
const PEOPLE: u64 = 70_000;
const RUNS: usize = 5;

fn main() {
    let policies = policies();
    let mut out = std::io::stdout();
    for (world, age_max_minutes) in
        [("sparse, about 1 % of sessions fire", 20), ("dense, nearly every session fires", 100_000)]
    {
        let snapshot = snapshot(age_max_minutes);
        let lists = Lists::of(&policies.lists);
        let dossier = Dossier::new(&snapshot, &lists, SignedDuration::from_mins(10));
        let judged = best(|| evaluate(&dossier, &policies).fired.len());
        let floor = best(|| floor::judge(&snapshot));
        let whole = best(|| {
            let dossier = Dossier::new(&snapshot, &lists, SignedDuration::from_mins(10));
            let judgement = evaluate(&dossier, &policies);
            let plan = plan(&dossier, &policies, &judgement, Mode::Enforce);
            guard(&plan, &policies, &dossier, &Belts::default(), CycleKind::Enforcing).held.len()
        });
        assert_eq!(judged.1, floor.1, "both must find the same claims");
        let printed = writeln!(
            out,
            "{world}: {SESSIONS} sessions, {} rules, {} claims\n  judging {:>7.3} us a session, {:.2} x the floor's speed ({:.3} us)\n  \
             evidence to guard {:>7.3} us a session",
            policies.rules.len(),
            judged.1,
            micros(judged.0),
            floor.0.as_secs_f64() / judged.0.as_secs_f64(),
            micros(floor.0),
            micros(whole.0),
        );
        if printed.is_err() {
            return;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a hundred thousand fits")]
fn micros(length: Duration) -> f64 {
    length.as_secs_f64() * 1e6 / SESSIONS as f64
}

/// The best of several runs, and what the work came to.
fn best(work: impl Fn() -> usize) -> (Duration, usize) {
    let clock = SystemClock;
    let mut best = (Duration::MAX, 0);
    for _ in 0..RUNS {
        let began = clock.monotonic();
        let found = work();
        best = best.min((clock.monotonic().saturating_sub(began), found));
    }
    best
}

/// Twenty rules over age, idle, role, suspension and e-mail domain, as `floor` has them by hand.
fn policies() -> PolicySet {
    let mut text = "schema = 1\n".to_owned();
    for number in 0..floor::RULES {
        text += &floor::rule(number);
    }
    let mut findings = Findings::default();
    read(&[Source::new("bench.toml", text.as_str())], None, &mut findings).unwrap_or_default()
}

fn snapshot(age_max_minutes: u64) -> Snapshot {
    let now = Timestamp::from_second(1_800_000_000).unwrap_or_default();
    let mut rng = fastrand::Rng::with_seed(7);
    let ago = |rng: &mut fastrand::Rng, most: u64| {
        now - SignedDuration::from_mins(i64::try_from(rng.u64(0..most)).unwrap_or_default())
    };
    let people = (1..=PEOPLE).filter_map(|number| {
        let id = UserId::new(number)?;
        let role = if number.is_multiple_of(50) { Role::Agent } else { Role::EndUser };
        Some((id, Arc::new(person(id, now, role, rng.u32(..200) == 0))))
    });
    let people = people.collect();
    let sessions = (1..=SESSIONS).map(|number| Session {
        id: SessionId(number),
        user: UserId::new(rng.u64(1..=PEOPLE)),
        authenticated_at: Some(ago(&mut rng, age_max_minutes).into()),
        last_seen_at: Some(ago(&mut rng, age_max_minutes.min(60)).into()),
        seen: now.into(),
    });
    let cycle = CycleId::new("00000000-0000-7000-8000-000000000000");
    let own = UserId::from(std::num::NonZeroU64::MAX);
    Snapshot { sessions: sessions.collect(), people, ..Snapshot::empty(AccountName::new("bench"), cycle, now, own) }
}

fn person(id: UserId, seen: Timestamp, role: Role, suspended: bool) -> Person {
    Person {
        id,
        seen,
        name: Foreign::new(format!("Person {id}")),
        email: Some(Foreign::new(format!("person-{id}@example.com"))),
        role: Some(role),
        role_type: None,
        custom_role_id: None,
        deleted: Some(false),
        suspended: Some(suspended),
        two_factor: None,
        verified: Some(true),
        chat_only: Some(false),
        tags: Vec::new(),
        organization_id: None,
        external_id: None,
    }
}
