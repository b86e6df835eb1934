//! What the logs of a seeded world hold, and what each situation adds: always in agreement with the sessions.

use std::collections::BTreeSet;

use evictd::model::{AccountName, Act, CycleId, Session, SessionId, Sighting};
use evictd::simulator::{AccessRow, AuditAction, Authorization, LoginRow, Seed, World, desk_of, home_of, see_staff};
use evictd::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Desk, now, small_world, user};

fn seeded(number: u64, staff: usize) -> World {
    World::seeded(Seed { number, staff, end_users: 60 }, now())
}

fn life(session: &Session) -> (Timestamp, Timestamp) {
    (session.authenticated_at.unwrap().at(), session.last_seen_at.unwrap().at())
}

/// Sign-ins of this session's person within three seconds of its beginning.
fn sign_ins<'a>(world: &'a World, session: &Session) -> Vec<&'a LoginRow> {
    let (opened, _) = life(session);
    let near = |row: &&LoginRow| row.at.duration_since(opened).abs() <= SignedDuration::from_secs(3);
    let own = world.logs.sign_ins.iter().filter(|row| Some(row.user) == session.user);
    own.filter(|row| row.action == AuditAction::Login).filter(near).collect()
}

fn accesses(world: &World, session: SessionId) -> Vec<&AccessRow> {
    world.logs.accesses.iter().filter(|row| row.session == Some(session)).collect()
}

/// Whatever happened: sessions of staff have their sign-in, rows lie within the lives of their sessions.
fn agrees(world: &World) {
    for session in world.sessions.values().filter(|one| one.user.is_some_and(|user| world.is_staff(user))) {
        let own: Vec<_> = sign_ins(world, session).into_iter().filter(|row| row.session == Some(session.id)).collect();
        assert_eq!(own.len(), 1, "{session:?}");
        assert!(own[0].at >= life(session).0);
    }
    for row in &world.logs.accesses {
        assert!(world.is_staff(row.user), "end users are in no log of staff");
        let Some(id) = row.session else {
            assert_ne!(row.authorization, Some(Authorization::Session));
            continue;
        };
        let session = &world.sessions[&id];
        let (opened, seen) = life(session);
        assert!(session.user == Some(row.user) && opened <= row.at && row.at <= seen, "{row:?} {session:?}");
        assert_eq!(row.authorization, Some(Authorization::Session));
    }
}

#[test]
fn every_session_of_seeded_staff_was_opened_and_used() {
    for number in 0..20 {
        let world = seeded(number, 60);
        agrees(&world);
        let staff = |session: &&Session| session.user.is_some_and(|user| world.is_staff(user));
        for session in world.sessions.values().filter(staff) {
            let found = sign_ins(&world, session);
            assert_eq!(found.len(), 1, "no two sign-ins are near it, seed {number}");
            assert_eq!(found[0].address, home_of(session.user.unwrap()));
            let rows = accesses(&world, session.id);
            assert!((2..=12).contains(&rows.len()));
            assert!(rows.iter().any(|row| row.address == home_of(row.user)));
        }
        assert!(world.logs.accesses.is_sorted_by_key(|row| row.at));
    }
}

#[test]
fn ordinary_people_differ_even_in_the_smallest_world() {
    for number in 0..10 {
        let world = seeded(number, 0);
        let from = |address: &str| {
            let address = address.parse::<std::net::IpAddr>().unwrap();
            world.logs.accesses.iter().filter(|row| row.address == address).collect::<Vec<_>>()
        };
        for away in ["84.112.0.1", "104.28.40.1", "10.20.30.40"] {
            let rows = from(away);
            assert!(!rows.is_empty() && rows.iter().all(|row| row.session.is_some()), "{away}, seed {number}");
            for row in rows {
                let at_home = |one: &&AccessRow| one.address == home_of(row.user) && one.agent == row.agent;
                assert!(accesses(&world, row.session.unwrap()).iter().any(at_home), "the program is that of home");
            }
        }
        let calls = from("52.94.76.10");
        assert!(!calls.is_empty(), "seed {number}");
        for call in calls {
            assert_eq!((call.session, call.authorization, call.graphql), (None, Some(Authorization::Bearer), false));
            assert!(world.sessions_of(call.user).next().is_some(), "who has an integration has a session too");
        }
        let devices = world.logs.accesses.iter().filter(|row| row.agent.as_deref().unwrap().starts_with("Zendesk"));
        assert!(devices.count() > 0, "telephones, seed {number}");
        for attacker in ["5.9.0.1", "41.0.0.1"] {
            assert!(from(attacker).is_empty(), "nobody is an attacker");
        }
    }
}

#[test]
fn a_seed_writes_the_same_logs_but_for_their_times() {
    let (world, later) = (
        seeded(7, 40),
        World::seeded(Seed { number: 7, staff: 40, end_users: 60 }, now() + SignedDuration::from_hours(5)),
    );
    assert_eq!(world.logs, seeded(7, 40).logs);
    let shape = |world: &World| -> Vec<_> {
        world.logs.accesses.iter().map(|row| (row.user, row.session, row.address, row.path.clone())).collect()
    };
    assert_eq!(shape(&world), shape(&later));
    let moved = world.logs.sign_ins.iter().zip(&later.logs.sign_ins);
    assert!(moved.clone().count() > 40);
    for (old, new) in moved {
        assert_eq!((old.id, new.at.duration_since(old.at)), (new.id, SignedDuration::from_hours(5)));
    }
}

/// A world with one session of agent 1, opened two hours ago and seen ten minutes ago; and its rows.
fn one() -> (World, SessionId) {
    let mut world = World::default();
    world.add_person(user(1), evictd::model::Role::Agent);
    let ago = |minutes| now() - SignedDuration::from_mins(minutes);
    world.add_session(SessionId(101), user(1), ago(120), ago(10));
    world.fill_logs();
    agrees(&world);
    (world, SessionId(101))
}

#[test]
fn a_stolen_cookie_is_used_in_turns_with_its_owner() {
    let (mut world, session) = one();
    let before = world.logs.clone();
    world.steal_cookie(session, now());
    agrees(&world);
    assert_eq!(world.logs.sign_ins, before.sign_ins, "nobody signed in");
    let mut rows = world.logs.accesses[before.accesses.len()..].to_vec();
    rows.sort_by_key(|row| row.at);
    let hosting = |row: &AccessRow| row.address.to_string() == "5.9.0.1";
    assert_eq!(rows.iter().map(hosting).collect::<Vec<_>>(), [false, true].repeat(6));
    for row in &rows {
        assert!(row.at > now() - SignedDuration::from_mins(20) && row.at <= now());
        assert_eq!(row.agent.as_deref() == Some(desk_of(user(1))), !hosting(row));
    }
    let (_, seen) = life(&world.sessions[&session]);
    assert_eq!(seen, now());
    let (mut young, _) = one();
    let new = young.sign_in(user(1), now());
    young.steal_cookie(new, now() + SignedDuration::from_mins(1));
    agrees(&young);
}

#[test]
fn a_phished_session_is_opened_abroad() {
    let (mut world, session) = one();
    let phished = world.phish(user(1), now());
    agrees(&world);
    let logins = sign_ins(&world, &world.sessions[&phished]);
    assert_eq!(logins.len(), 1);
    assert_eq!((logins[0].session, logins[0].address.to_string()), (Some(phished), "41.0.0.1".to_owned()));
    assert_eq!(accesses(&world, phished).len(), 1);
    assert!(accesses(&world, session).iter().all(|row| row.address == home_of(user(1))));
}

#[test]
fn scripts_and_scrapers_stay_at_home() {
    let (mut world, session) = one();
    let count = world.logs.accesses.len();
    world.script_in_session(session);
    agrees(&world);
    let script = world.logs.accesses[count..].to_vec();
    let is_own = |row: &&AccessRow| row.address == home_of(row.user) && row.agent.as_deref() == Some("curl/8.9.1");
    assert_eq!(script.iter().filter(is_own).count(), 6);
    world.scrape(session);
    agrees(&world);
    let scraped = &world.logs.accesses[count + 6..];
    let (_, seen) = life(&world.sessions[&session]);
    assert!(scraped.len() >= 300);
    assert!(scraped.iter().all(|row| seen.duration_since(row.at) <= SignedDuration::from_mins(10)));
    for path in ["/api/v2/search/export", "/api/v2/incremental/tickets"] {
        assert!(scraped.iter().filter(|row| row.path.starts_with(path)).count() > 100, "{path}");
    }
}

#[test]
fn a_second_session_makes_the_evidence_ambiguous() {
    let (mut world, session) = one();
    let second = world.open_second(user(1), session).unwrap();
    agrees(&world);
    let [first, other] = [session, second].map(|id| life(&world.sessions[&id]));
    assert!(other.0 > first.0 && other.0.duration_since(first.0) < SignedDuration::from_secs(5));
    assert_eq!(other.1, first.1);
    assert_eq!(sign_ins(&world, &world.sessions[&session]).len(), 2, "it cannot be told which was which");
    assert_eq!(world.open_second(user(1), SessionId(999)), None);
}

#[test]
fn nothing_befalls_a_session_that_is_not_there_nor_shows_of_end_users() {
    let mut world = small_world();
    let before = world.clone();
    let none = SessionId(999);
    world.steal_cookie(none, now());
    world.script_in_session(none);
    world.scrape(none);
    world.use_session(none, now());
    assert_eq!(world, before);
    world.use_session(SessionId(110), now() + SignedDuration::from_mins(1));
    assert_eq!(world.logs, before.logs);
    assert_ne!(world.sessions, before.sessions, "but it was seen");
}

#[test]
fn what_happens_later_follows_in_the_logs() {
    let (mut world, session) = one();
    let count = world.logs.accesses.len();
    world.use_session(session, now());
    agrees(&world);
    let row = &world.logs.accesses[count];
    assert_eq!((row.at, row.address, row.agent.as_deref()), (now(), home_of(user(1)), Some(desk_of(user(1)))));
    let ids: BTreeSet<u64> = (0..9).map(|_| world.sign_in(user(1), now()).0).collect();
    assert_eq!(ids.len(), 9);
    agrees(&world);
    let rows: BTreeSet<u64> = world.logs.sign_ins.iter().map(|row| row.id).collect();
    assert_eq!(rows.len(), world.logs.sign_ins.len());
}

#[test]
fn a_snapshot_is_told_what_the_logs_saw_and_gives_it_back() {
    let mut world = seeded(7, 40);
    let stolen = *world.sessions.iter().find(|(_, one)| one.user.is_some_and(|user| world.is_staff(user))).unwrap().0;
    world.steal_cookie(stolen, now());
    let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
    let mut snapshot = Snapshot::empty(AccountName::new("acme"), cycle, now(), world.own);
    snapshot.sessions = world.sessions.values().copied().collect();
    see_staff(&mut snapshot, &world);
    assert!(snapshot.sightings.is_sorted());
    let logins = snapshot.sightings.iter().filter(|seen| seen.act == Act::SignIn);
    let staff = world.sessions.values().filter(|one| one.user.is_some_and(|user| world.is_staff(user)));
    assert_eq!(logins.count(), staff.count());
    for row in world.logs.accesses.iter().filter(|row| row.session.is_some()) {
        let is_its = |seen: &&Sighting| {
            let same = (seen.session, seen.address, &seen.agent) == (row.session, Some(row.address), &row.agent);
            same && seen.act == Act::Use && seen.first <= row.at.into() && seen.last >= row.at.into()
        };
        assert_eq!(snapshot.sightings.iter().filter(is_its).count(), 1, "{row:?}");
    }
    let thief = "5.9.0.1".parse().ok();
    assert!(snapshot.sightings.iter().all(|seen| (seen.address == thief) <= (seen.session == Some(stolen))));
    let again = World::from_snapshot(&snapshot);
    let times = |world: &World| -> Vec<_> {
        let logins = world.logs.sign_ins.iter().filter(|row| row.action == AuditAction::Login);
        logins.map(|row| (row.user, row.session, row.at, row.address)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    assert_eq!(times(&again), times(&world));
    assert!(again.logs.accesses.iter().any(|row| Some(row.address) == thief && row.session == Some(stolen)));
}

#[tokio::test]
async fn a_script_brings_situations_about() {
    let desk = Desk::new();
    let changes = json!([
        { "user": "1", "change": "steal-cookie" },
        { "user": "2", "change": "phish" },
        { "user": "3", "change": "script-in-session" },
        { "user": "4", "change": "scrape" },
        { "user": "5", "change": "open-second" },
        { "user": "6", "change": "use" },
        { "user": "11", "change": "scrape" },
    ]);
    let (status, answer) = desk.post("/control/people", &changes.to_string()).await;
    assert_eq!((status, answer), (200, json!({ "schema": 1, "opened": ["113", "114"] })));
    desk.clock.advance(std::time::Duration::from_secs(5));
    for (number, count) in [(1, 12), (2, 1), (3, 6), (4, 400), (5, 1), (6, 1), (11, 0)] {
        let (_, page) = desk.get(&format!("/api/v2/access_logs?filter[user_id]={number}")).await;
        assert_eq!(page["access_logs"].as_array().unwrap().len(), count, "{number}");
    }
    assert_eq!(desk.get("/api/v2/audit_logs?page[size]=100").await.1["audit_logs"].as_array().unwrap().len(), 2);
}
