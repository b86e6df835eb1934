//! Shares by hand, and what is made of them.

use std::sync::Arc;

use super::*;
use crate::address::Lists;
use crate::diagnostic::{Findings, Source};
use crate::evaluate::evaluate;
use crate::model::{AccountName, Completeness, CycleId, Person, Role, SessionId};
use crate::policy;

const RULES: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "T"
action = "revoke-session"
when.sign-in.address.in = ["192.0.2.0/24"]
[[rule]]
id = "off"
title = "T"
action = "revoke-session"
mode = "off"
when.session.age.over = "1h"
"#;

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn at(minutes: i64) -> Timestamp {
    "2026-11-23T12:00:00Z".parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

fn agent(number: u64) -> Person {
    Person {
        role: Some(Role::Agent),
        deleted: Some(false),
        suspended: Some(false),
        ..Person::blank(user(number), at(0))
    }
}

/// Agents with one session each, opened two hours ago and used just now; so many of them have rows of both sources.
fn office(agents: u64, told: u64) -> Snapshot {
    let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
    let mut snapshot = Snapshot::empty(AccountName::new("acme"), cycle, at(0), user(900));
    for (name, tells) in [("signs", Act::SignIn), ("uses", Act::Use)] {
        let standing = SourceStanding { since: Some(at(60 * 26)), ..SourceStanding::whole(tells, at(0)) };
        snapshot.sources.insert(name.into(), standing);
    }
    for number in 1..=agents {
        snapshot.people.insert(user(number), Arc::new(agent(number)));
        snapshot.sessions.push(Session {
            id: SessionId(number),
            user: Some(user(number)),
            authenticated_at: Some(at(120).into()),
            last_seen_at: Some(at(1).into()),
            seen: at(0).into(),
        });
        let row = |act, minutes, source: &str| Sighting {
            user: user(number),
            session: None,
            act,
            address: Some("198.51.100.1".parse().unwrap()),
            agent: None,
            first: at(minutes).into(),
            last: at(minutes).into(),
            source: source.into(),
        };
        if number <= told {
            snapshot.sightings.extend([row(Act::SignIn, 120, "signs"), row(Act::Use, 30, "uses")]);
        }
    }
    snapshot
}

fn measured(snapshot: &Snapshot) -> Vec<Measure> {
    let set = policy::read(&[Source::new("a.toml", RULES)], None, &mut Findings::default()).unwrap();
    let lists = Lists::default();
    let dossier = Dossier::new(snapshot, &lists, SignedDuration::ZERO);
    measures(&dossier, &set, &evaluate(&dossier, &set))
}

fn shares(snapshot: &Snapshot) -> Vec<(String, u16)> {
    measured(snapshot).into_iter().map(|one| (one.watched.name().to_owned(), one.share)).collect()
}

fn all(rule: u16, signs: u16, uses: u16) -> Vec<(String, u16)> {
    [("abroad", rule), ("signs", signs), ("uses", uses)].map(|(name, share)| (name.to_owned(), share)).into()
}

#[test]
fn a_share_is_of_the_sessions_that_could_be_told_of_by_now() {
    assert_eq!(shares(&office(20, 20)), all(1_000, 1_000, 1_000));
    assert_eq!(shares(&office(20, 5)), all(250, 250, 250));
    // Nobody expects a row of what was opened or used since the source was read, nor of what came before it.
    let with = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = office(30, 20);
        change(&mut snapshot);
        shares(&snapshot)
    };
    let rest = |change: fn(&mut Session)| with(&|snapshot| snapshot.sessions.iter_mut().skip(20).for_each(change));
    let opened = rest(|one| one.authenticated_at = Some(at(0).into()));
    assert_eq!(opened[1], ("signs".to_owned(), 1_000));
    let opened = rest(|one| one.authenticated_at = Some(at(60 * 27).into()));
    assert_eq!(opened[1], ("signs".to_owned(), 1_000));
    let idle = rest(|one| one.last_seen_at = Some(at(61).into()));
    assert_eq!(idle[2], ("uses".to_owned(), 1_000));
    // No log has end users.
    let end_users = with(&|snapshot| {
        for person in snapshot.people.values_mut().skip(20) {
            Arc::make_mut(person).role = Some(Role::EndUser);
        }
    });
    assert_eq!(end_users, all(1_000, 1_000, 1_000));
}

#[test]
fn of_few_sessions_of_a_lost_source_and_of_half_a_sweep_nothing_is_said() {
    assert_eq!(shares(&office(9, 9)), []);
    let with = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = office(20, 20);
        change(&mut snapshot);
        shares(&snapshot).len()
    };
    assert_eq!(with(&|_| ()), 3);
    assert_eq!(with(&|one| one.listing = Completeness::Partial("cut".to_owned())), 0);
    assert_eq!(with(&|one| one.looked = Some(BTreeSet::new())), 0);
    assert_eq!(with(&|one| one.clocks.trusted = false), 0);
    assert_eq!(with(&|one| one.sources.get_mut("uses").unwrap().unknown = Some(Cause::Down)), 2);
}

#[test]
fn half_of_what_is_usual_is_a_fall_and_enters_no_history() {
    let fallen = |share, usual| Measure { watched: Watched::Source("a".into()), share, usual, tells: None }.is_fallen();
    assert_eq!(
        [fallen(500, Some(1_000)), fallen(501, Some(1_000)), fallen(0, Some(0)), fallen(0, None)],
        [true, false, false, false]
    );
    let mut snapshot = office(20, 10);
    let usual = |watched, share| (watched, share);
    snapshot.usual = [usual(Watched::Source("uses".into()), 1_000), usual(Watched::Source("signs".into()), 600)].into();
    let measures = measured(&snapshot);
    assert_eq!(
        falls(&measures),
        ["evidence fell: source `uses` tells how 50 % of sessions are used, and usually 100 %"]
    );
    let learned: Vec<String> = lesson(&measures, at(0)).keys().map(|one| one.name().to_owned()).collect();
    assert_eq!(learned, ["abroad", "signs"]);
}
