//! A large account: a page costs what it shows, not what there is. At the price of the whole account for each page this
//! would take minutes.

use std::sync::Arc;

use evictd::clock::ManualClock;
use evictd::model::{Role, SessionId};
use evictd::simulator::{Options, Simulator, World};

use super::{Desk, SESSIONS, ids, now, target, user};

const SESSIONS_OF_ALL: u64 = 100_000;
const STAFF: u64 = 500;

#[tokio::test]
async fn a_hundred_thousand_sessions_are_listed_as_fast_as_their_pages() {
    let mut world = World::default();
    for number in 1..=SESSIONS_OF_ALL / 2 {
        world.add_person(user(number), if number <= STAFF { Role::Agent } else { Role::EndUser });
        for place in [0, 1] {
            world.add_session(SessionId(number + place * 1_000_000), user(number), now(), now());
        }
    }
    let clock = Arc::new(ManualClock::at(now()));
    let simulator = Simulator::new(world, Options { requests_per_minute: None, ..Options::default() }, clock.clone());
    let authorization = Some(format!("Bearer {}", simulator.credentials().token));
    let desk = Desk { transport: simulator.transport(), simulator, clock, authorization };
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut link = Some(format!("{SESSIONS}?page[size]=100"));
    while let Some(path) = link {
        let (_, page) = desk.get(&path).await;
        seen.extend(ids(&page["sessions"]));
        pages += 1;
        link = target(&page["links"]["next"]);
    }
    assert_eq!((pages, seen.len()), (1_000, 100_000));
    assert!(seen.is_sorted());
    for number in 1..=STAFF {
        let (_, own) = desk.get(&format!("/api/v2/users/{number}/sessions?page[size]=100")).await;
        assert_eq!(ids(&own["sessions"]), [number, number + 1_000_000]);
        assert_eq!(desk.delete(&format!("/api/v2/users/{number}/sessions/{number}")).await, 204);
    }
    assert_eq!(desk.session_ids().len(), 99_500);
}
