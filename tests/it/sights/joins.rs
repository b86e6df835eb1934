//! Zendesk's logs name a person and an instant, never a session: to which session a row belongs, situation by situation.

use std::collections::BTreeMap;
use std::sync::Arc;

use evictd::address::Lists;
use evictd::gather::locate;
use evictd::model::{
    AccountName, Act, Action, Cause, Completeness, CycleId, KnownSession, Session, SessionId, Sighting, SourceStanding,
    Strength, UserId,
};
use evictd::places::Databases;
use evictd::policy::PolicySet;
use evictd::report::{Look, explain, report, to_json, to_text};
use evictd::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

use super::{ada, policies, staged, user};

/// An office in the United States, and a network in South Africa.
const OFFICE: &str = "73.162.10.20";
const ABROAD: &str = "41.0.0.1";

const RULE: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "T"
action = "revoke-session"
mode = "enforce"
ON
[rule.when]
network.country.in = ["ZA"]
"#;

const OPENED: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "T"
action = "revoke-session"
mode = "enforce"
[rule.when]
sign-in.country.in = ["ZA"]
"#;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// An account of one agent.
struct World {
    snapshot: Snapshot,
    policies: PolicySet,
}

impl World {
    fn new() -> Self {
        let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
        let mut snapshot = Snapshot::empty(AccountName::new("acme"), cycle, now(), UserId::new(900).unwrap());
        snapshot.people.insert(user(), Arc::new(ada(now())));
        for (name, tells) in [("audit-log", Act::SignIn), ("access-log", Act::Use)] {
            let since = Some(now() - SignedDuration::from_hours(48));
            snapshot.sources.insert(name.into(), SourceStanding { since, ..SourceStanding::whole(tells, now()) });
        }
        Self { snapshot, policies: policies(&RULE.replace("ON", "")) }
    }

    fn by(mut self, policy: &str) -> Self {
        self.policies = policies(policy);
        self
    }

    /// A session that was opened so many minutes ago.
    fn session(mut self, id: u64, opened: i64) -> Self {
        self.snapshot.sessions.push(Session {
            id: SessionId(id),
            user: Some(user()),
            authenticated_at: Some(ago(opened).into()),
            last_seen_at: Some(ago(1).into()),
            seen: now().into(),
        });
        self
    }

    /// A session that was listed once and is no longer.
    fn gone(mut self, id: u64, opened: i64, gone: i64) -> Self {
        let known = KnownSession {
            user: user(),
            authenticated_at: Some(ago(opened)),
            last_seen_at: Some(ago(gone)),
            gone_at: Some(ago(gone)),
        };
        self.snapshot.bygone.insert(SessionId(id), known);
        self
    }

    fn row(mut self, act: Act, address: &str, at: Timestamp, last: Timestamp) -> Self {
        self.snapshot.sightings.push(Sighting {
            user: user(),
            session: None,
            act,
            address: Some(address.parse().unwrap()),
            agent: None,
            first: at.into(),
            last: last.into(),
            source: if act == Act::SignIn { "audit-log" } else { "access-log" }.into(),
        });
        self
    }

    fn sign_in(self, address: &str, at: i64) -> Self {
        self.row(Act::SignIn, address, ago(at) + SignedDuration::from_secs(2), ago(at) + SignedDuration::from_secs(2))
    }

    fn used(self, address: &str, from: i64, to: i64) -> Self {
        self.row(Act::Use, address, ago(from), ago(to))
    }

    fn source(mut self, name: &str, change: impl FnOnce(&mut SourceStanding)) -> Self {
        change(self.snapshot.sources.get_mut(name).unwrap());
        self
    }

    /// What goes, how surely and how widely; how many sessions are undecided; and how many wait.
    fn says(mut self) -> (Vec<(u64, Strength, Action)>, usize, usize) {
        self.snapshot.sessions.sort_by_key(|session| session.id);
        locate(&mut self.snapshot, &Databases::shipped());
        staged(&self.snapshot, &self.policies, &Lists::default(), |stages| {
            let mut revoke = Vec::new();
            let mut held = 0;
            let told = report(stages, &[]);
            let told = told.revoke.iter().map(|row| (row.session, row.strength));
            let told = told.chain(report(stages, &[]).withheld.iter().map(|row| (row.session, row.strength))).collect();
            let planned = stages.plan.intentions.iter().map(|one| (one.session, one.claims[0].strength));
            assert_eq!(planned.collect::<BTreeMap<_, _>>(), told);
            for (intention, belts) in stages.plan.intentions.iter().zip(&stages.guarded.held) {
                let claim = &intention.claims[0];
                match belts[0] {
                    None => revoke.push((intention.session.0, claim.strength, claim.action)),
                    Some(_) => held += 1,
                }
            }
            revoke.sort_unstable_by_key(|one| one.0);
            (revoke, stages.judgement.tallies[0].undecided, held)
        })
    }
}

fn gone(sessions: &[(u64, Strength)]) -> Vec<(u64, Strength, Action)> {
    sessions.iter().map(|(session, strength)| (*session, *strength, Action::RevokeSession)).collect()
}

#[test]
fn a_sign_in_belongs_to_the_session_that_was_opened_at_its_instant() {
    let opened = || World::new().by(OPENED).session(1, 60);
    assert_eq!(opened().sign_in(ABROAD, 60).says().0, gone(&[(1, Strength::Exact)]));
    assert_eq!(opened().sign_in(OFFICE, 60).says(), (vec![], 0, 0));
    // Another time: it opened another session, and of this one nothing is known.
    assert_eq!(opened().sign_in(ABROAD, 59).says(), (vec![], 1, 0));
    // It is a place of the session too.
    let place = || World::new().session(1, 60);
    assert_eq!(place().sign_in(ABROAD, 60).says().0, gone(&[(1, Strength::Exact)]));
    assert_eq!(place().sign_in(OFFICE, 60).used(OFFICE, 50, 10).says(), (vec![], 0, 0));
}

#[test]
fn a_clock_that_is_off_is_measured_and_taken_off() {
    let late = SignedDuration::from_secs(90);
    let at = ago(60) + late;
    let world = |skew| {
        let world = World::new().by(OPENED).session(1, 60).row(Act::SignIn, ABROAD, at, at);
        world.source("audit-log", |source| source.skew = skew)
    };
    assert_eq!(world(late).says().0, gone(&[(1, Strength::Exact)]));
    assert_eq!(world(late + SignedDuration::from_secs(11)).says(), (vec![], 1, 0));
    assert_eq!(world(SignedDuration::ZERO).says(), (vec![], 1, 0));
    let wide = world(SignedDuration::ZERO).source("audit-log", |source| source.within = late);
    assert_eq!(wide.says().0, gone(&[(1, Strength::Exact)]));
}

#[test]
fn the_only_session_that_was_alive_was_used() {
    let world = || World::new().session(1, 60).sign_in(OFFICE, 60);
    assert_eq!(world().used(ABROAD, 30, 20).says().0, gone(&[(1, Strength::Only)]));
    // Before it was opened: somebody else's use.
    assert_eq!(world().used(ABROAD, 90, 70).says(), (vec![], 0, 0));
    // Not known as well: a sign-in that opened something else, a source that is not whole, or known for too short a time.
    let ambiguous = gone(&[(1, Strength::Ambiguous)]);
    assert_eq!(world().used(ABROAD, 30, 20).sign_in(OFFICE, 40).says().0, ambiguous);
    let without = |change: fn(&mut SourceStanding)| world().used(ABROAD, 30, 20).source("audit-log", change).says().0;
    assert_eq!(without(|source| source.unknown = Some(Cause::Partial)), ambiguous);
    assert_eq!(without(|source| source.since = Some(ago(12 * 60))), ambiguous);
    assert_eq!(without(|source| source.since = None), ambiguous);
    assert_eq!(without(|source| source.as_of = ago(21)), ambiguous);
    let mut partial = world().used(ABROAD, 30, 20);
    partial.snapshot.listing = Completeness::Partial("cut".to_owned());
    assert_eq!(partial.says().0, ambiguous);
    // A sign-in too old for its session to be alive speaks of nothing.
    let old = world().used(ABROAD, 30, 20).sign_in(OFFICE, 30 + 12 * 60 + 31);
    assert_eq!(old.says().0, gone(&[(1, Strength::Only)]));
}

#[test]
fn of_several_each_could_be_the_one_and_the_rule_says_what_then() {
    let both = |way: &str| {
        let world = World::new().by(&RULE.replace("ON", way)).session(1, 120).session(2, 60);
        world.sign_in(OFFICE, 120).sign_in(OFFICE, 60).used(ABROAD, 30, 20).session(3, 10).sign_in(OFFICE, 10)
    };
    let ambiguous = Strength::Ambiguous;
    assert_eq!(both("").says(), (gone(&[(1, ambiguous), (2, ambiguous)]), 0, 0));
    assert_eq!(both("on-ambiguous = \"withhold\"").says(), (vec![], 0, 2));
    let wide = both("on-ambiguous = \"revoke-user\"").says().0;
    assert_eq!(wide, [(1, ambiguous, Action::RevokeUser), (2, ambiguous, Action::RevokeUser)]);
    // That it is not known well enough, of the one there is, is no reason to end others.
    let one = World::new().by(&RULE.replace("ON", "on-ambiguous = \"revoke-user\""));
    let one = one.session(1, 60).sign_in(OFFICE, 40).used(ABROAD, 30, 20);
    assert_eq!(one.says().0, gone(&[(1, ambiguous)]));
    // A rule that wants it exactly.
    let exact = RULE.replace("ON", "match-min = \"exact\"\non-ambiguous = \"withhold\"");
    let only = World::new().by(&exact).session(1, 60).sign_in(OFFICE, 60).used(ABROAD, 30, 20);
    assert_eq!(only.says(), (vec![], 0, 1));
    let own = World::new().by(&exact).session(1, 60).sign_in(ABROAD, 60);
    assert_eq!(own.says().0, gone(&[(1, Strength::Exact)]));
}

#[test]
fn two_sessions_opened_at_once_share_their_sign_ins() {
    let seconds = SignedDuration::from_secs(5);
    let mut world = World::new().by(OPENED).session(1, 60).session(2, 60).sign_in(ABROAD, 60).sign_in(OFFICE, 60);
    world.snapshot.sessions[1].authenticated_at = Some((ago(60) + seconds).into());
    let rows = std::mem::take(&mut world.snapshot.sightings);
    let of_both = World {
        snapshot: Snapshot { sightings: rows.clone(), ..world.snapshot.clone() },
        policies: policies(&RULE.replace("ON", "")),
    };
    world.snapshot.sightings = rows;
    // Which of them was opened abroad is not known; that one of them was is.
    assert_eq!(world.says(), (gone(&[(1, Strength::Ambiguous), (2, Strength::Ambiguous)]), 0, 0));
    assert_eq!(of_both.says().0, gone(&[(1, Strength::Ambiguous), (2, Strength::Ambiguous)]));
}

#[test]
fn the_innocent_session_of_somebody_whose_bad_one_has_ended_stays() {
    // Opened abroad, used abroad, and over; the one in the office was open all the time.
    let world = || World::new().session(2, 120).sign_in(OFFICE, 120).gone(1, 60, 10).sign_in(ABROAD, 60);
    assert_eq!(world().used(ABROAD, 50, 20).says(), (vec![], 1, 0));
    // What may be of either puts it nowhere else than where it was anyway.
    assert_eq!(world().used(OFFICE, 50, 20).used(OFFICE, 8, 5).says(), (vec![], 0, 0));
    // Of the office nothing bad was seen since: the next cycle is sure of what was used after that end.
    assert_eq!(world().used(ABROAD, 8, 5).says().0, gone(&[(2, Strength::Only)]));
    // It was opened when the other was over.
    let later = World::new().gone(1, 60, 10).sign_in(ABROAD, 60).used(ABROAD, 50, 20).session(2, 5).sign_in(OFFICE, 5);
    assert_eq!(later.says(), (vec![], 0, 0));
}

/// INVARIANT 16: adding sessions, sign-ins and sightings of a person takes them out of no danger.
#[test]
fn opening_more_sessions_never_shields() {
    let users = |world: World| world.says().0.iter().map(|one| one.0).collect::<Vec<_>>();
    let bad = || World::new().session(1, 60).sign_in(OFFICE, 60).used(ABROAD, 30, 20);
    assert_eq!(users(bad()), [1]);
    let more: [fn(World) -> World; 6] = [
        |world| world.session(2, 59),
        |world| world.session(2, 59).sign_in(OFFICE, 59),
        |world| world.session(2, 60).sign_in(OFFICE, 60),
        |world| world.sign_in(OFFICE, 40).sign_in(ABROAD, 35),
        |world| world.used(OFFICE, 30, 20).used(OFFICE, 19, 1),
        |world| world.session(2, 25).session(3, 24).session(4, 23).sign_in(OFFICE, 25).used("41.0.0.2", 22, 21),
    ];
    for (number, more) in more.iter().enumerate() {
        let found = users(more(bad()));
        assert!(found.contains(&1), "{number}: {found:?}");
    }
}

#[test]
fn a_session_without_a_beginning_could_have_been_opened_by_any_sign_in() {
    let mut world = World::new().by(OPENED).session(1, 60).sign_in(OFFICE, 30);
    world.snapshot.sessions[0].authenticated_at = None;
    assert_eq!(world.says(), (vec![], 1, 0));
}

#[test]
fn a_row_from_days_to_come_leaves_all_of_the_persons_sessions_in_doubt() {
    let never =
        RULE.replace("ON", "").replace("network.country.in = [\"ZA\"]", "not = { network.country.in = [\"KP\"] }");
    let world = || World::new().by(&never).session(1, 60).sign_in(OFFICE, 60);
    assert_eq!(world().says().0.len(), 1);
    assert_eq!(world().used(OFFICE, -5, -5).says(), (vec![], 1, 0));
}

#[test]
fn whoever_signs_in_twice_at_once_hides_nothing() {
    let world = || World::new().by(OPENED).session(1, 60).sign_in(ABROAD, 60);
    assert_eq!(world().says(), (vec![(1, Strength::Exact, Action::RevokeSession)], 0, 0));
    assert_eq!(world().sign_in(OFFICE, 60).says(), (vec![(1, Strength::Ambiguous, Action::RevokeSession)], 0, 0));
    // The same told twice is one.
    assert_eq!(world().sign_in(ABROAD, 60).says(), (vec![(1, Strength::Exact, Action::RevokeSession)], 0, 0));
}

/// INVARIANT 16 over random worlds: whatever is added of a person's own, whoever was to lose a session still loses one.
#[test]
fn nothing_that_a_person_adds_takes_them_out_of_danger() {
    let rules = [RULE.replace("ON", ""), OPENED.to_owned()];
    let (mut dangers, mut both) = (0, 0);
    for seed in 0..600_u64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let policy = &rules[usize::from(rng.bool())];
        let bad = |rng: &mut fastrand::Rng| if rng.u8(..3) == 0 { ABROAD } else { OFFICE };
        let mut before = World::new().by(policy);
        let mut steps = Vec::new();
        for id in 1..=rng.u64(1..4) {
            let opened = rng.i64(1..90);
            before = before.session(id, opened);
            if rng.u8(..4) > 0 {
                before = before.sign_in(bad(&mut rng), opened);
            }
            steps.push(opened);
        }
        for _ in 0..rng.u8(..3) {
            let from = rng.i64(1..60);
            before = before.used(bad(&mut rng), from, rng.i64(0..=from));
        }
        let mut after = World { snapshot: before.snapshot.clone(), policies: policies(policy) };
        for id in 10..10 + rng.u64(1..4) {
            // At the instant of another session, or at any.
            let opened = if rng.bool() { steps[rng.usize(..steps.len())] } else { rng.i64(1..90) };
            after = match rng.u8(..4) {
                0 => after.session(id, opened),
                1 => after.session(id, opened).sign_in(bad(&mut rng), opened),
                // At the instant of a session too: of two sign-ins one is of a session that nobody saw.
                2 => after.sign_in(bad(&mut rng), opened + if rng.bool() { 100 } else { 0 }),
                _ => after.used(bad(&mut rng), opened, rng.i64(0..=opened)),
            };
        }
        let (before, after) = (before.says().0, after.says().0);
        dangers += usize::from(!before.is_empty());
        both += usize::from(!before.is_empty() && after.iter().any(|one| one.1 == Strength::Ambiguous));
        assert!(before.is_empty() || !after.is_empty(), "seed {seed}: {before:?}");
    }
    assert!(dangers > 100 && both > 50, "{dangers} {both}");
}

#[test]
fn a_report_says_how_surely_a_claim_is_of_its_session_unless_it_is_exact() {
    let says = |world: World| {
        let mut snapshot = world.snapshot;
        locate(&mut snapshot, &Databases::shipped());
        let report = staged(&snapshot, &world.policies, &Lists::default(), |stages| report(stages, &[]));
        let json: serde_json::Value = serde_json::from_str(&to_json(&report).unwrap()).unwrap();
        let rows = [&json["revoke"], &json["withheld"]].map(|rows| rows.as_array().unwrap().clone()).concat();
        let words: Vec<String> = rows.iter().map(|row| row["strength"].as_str().unwrap().to_owned()).collect();
        (words, to_text(&report, Look { width: 90, colour: false }))
    };
    let office = || World::new().session(1, 60).sign_in(OFFICE, 60).used(ABROAD, 30, 20);
    let (words, page) = says(office());
    assert_eq!(words, ["only"]);
    assert!(page.contains("network.country `ZA` (only: no other session of the person can be meant)"), "{page}");
    let hold = RULE.replace("ON", "on-ambiguous = \"withhold\"");
    for world in [office().session(2, 50), office().session(2, 50).by(&hold)] {
        let (words, page) = says(world);
        assert_eq!(words, ["ambiguous", "ambiguous"]);
        assert_eq!(page.matches("(ambiguous: another session of the person may be meant)").count(), 2, "{page}");
    }
    // What only reports makes nothing surer that acts.
    let old = "\n[[rule]]\nid = \"old\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"MODE\"\nwhen.session.age.over = \"30m\"\n";
    for (mode, surest) in [("report", "only"), ("enforce", "exact")] {
        let both = RULE.replace("ON", "") + &old.replace("MODE", mode);
        assert_eq!(says(office().by(&both)).0, [surest], "{mode}");
    }
    let (words, page) = says(World::new().session(1, 60).sign_in(ABROAD, 60));
    assert_eq!(words, ["exact"]);
    assert!(page.contains("network.country `ZA`\n") && !page.contains("exact"), "{page}");
}

#[test]
fn an_explanation_says_of_each_place_who_told_of_it_and_how_surely() {
    let mut world = World::new().session(1, 60).sign_in(OFFICE, 60).used(ABROAD, 30, 20).used(OFFICE, 50, 5);
    // A feed tells of the same sign-in.
    let feed = SourceStanding { since: Some(ago(48 * 60)), ..SourceStanding::whole(Act::SignIn, now()) };
    world.snapshot.sources.insert("okta".into(), feed);
    let row = world.snapshot.sightings[0].clone();
    world.snapshot.sightings.push(Sighting { source: "okta".into(), ..row });
    world.snapshot.sightings.sort();
    locate(&mut world.snapshot, &Databases::shipped());
    let lists = Lists::default();
    let told = staged(&world.snapshot, &world.policies, &lists, |stages| explain(stages, SessionId(1)).unwrap());
    let json = told.json();
    let places = json["places"].as_array().unwrap();
    let rows: Vec<String> = places
        .iter()
        .map(|place| {
            let text = |key: &str| place[key].as_str().unwrap().to_owned();
            let list = |key: &str| {
                place[key].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join("+")
            };
            [text("act"), text("address"), text("strength"), list("sources"), list("decided")].join(" ")
        })
        .collect();
    let twice = format!("sign-in {OFFICE} exact audit-log+okta ");
    let expected = [
        twice.clone(),
        twice,
        format!("use {ABROAD} only access-log abroad"),
        format!("use {OFFICE} only access-log "),
    ];
    assert_eq!(rows, expected, "{json:#}");
    assert_eq!(json["rules"][0]["decided_by"], serde_json::json!([3]));
    assert_eq!((&json["rules"][0]["strength"], &json["places_missing"]), (&"only".into(), &serde_json::json!([])));
    let page = told.text();
    for part in [
        "written as it was opened; told by audit-log and okta\n",
        "only: no other session of the person can be meant; told by access-log\n",
        "abroad [enforce] T: fires (only: no other session of the person can be meant)\n  decided at place 3\n",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(page.starts_with(&told.brief().split("\nabroad").next().unwrap().to_owned()), "{page}");
    // What was asked of the sign-in was told where it was opened; what is not whole may leave places out.
    let mut opened = World::new().by(OPENED).session(1, 60).sign_in(ABROAD, 60);
    opened.snapshot.sources.get_mut("access-log").unwrap().unknown = Some(Cause::Down);
    locate(&mut opened.snapshot, &Databases::shipped());
    let told = staged(&opened.snapshot, &opened.policies, &lists, |stages| explain(stages, SessionId(1)).unwrap());
    assert_eq!(told.json()["places"][0]["decided"], serde_json::json!(["abroad"]));
    assert_eq!(told.json()["places_missing"], serde_json::json!(["source-down"]));
    assert!(told.text().contains("there may be others: its source did not answer\n"), "{}", told.text());
}
