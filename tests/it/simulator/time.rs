//! What time alone does: sessions of staff end after twelve hours, on the account's clock.

use std::time::Duration;

use evictd::model::{Role, SessionId};
use evictd::simulator::Options;
use jiff::SignedDuration;

use super::{Desk, SESSIONS, ids, now, user};

#[tokio::test]
async fn staff_sessions_end_after_twelve_hours_and_customers_stay() {
    for (ends, left) in [(true, vec![110, 111, 112, 400]), (false, (101..=112).chain([400, 401]).collect())] {
        let desk = Desk::with(Options { staff_sessions_end: ends, ..Options::default() });
        desk.simulator.world(|world| {
            let own = world.own;
            let nobody = world.add_session(SessionId(400), user(9), now(), now());
            nobody.authenticated_at = None;
            world.add_session(SessionId(401), own, now() - SignedDuration::from_secs(1), now());
        });
        desk.clock.advance(Duration::from_secs(12 * 3_600 - 1));
        let listed = ids(&desk.get(SESSIONS).await.1["sessions"]);
        assert_eq!(listed.len(), if ends { 13 } else { 14 }, "the admin's is a second older");
        assert_eq!(desk.delete("/api/v2/users/1/sessions/102").await, 404);
        desk.clock.advance(Duration::from_secs(1));
        assert_eq!(ids(&desk.get(SESSIONS).await.1["sessions"]), left);
        assert_eq!(desk.get("/api/v2/users/1/sessions/101").await.0, if ends { 404 } else { 200 });
        assert_eq!(desk.session_ids(), left, "they have ended, and are not only hidden");
    }
}

#[tokio::test]
async fn the_role_of_the_day_decides_and_a_moved_clock_counts() {
    let desk = Desk::new();
    desk.simulator.world(|world| {
        world.downgrade(user(1));
        world.promote(user(10), Role::Agent);
    });
    assert_eq!(desk.post("/control/advance", "13h").await.0, 204);
    assert_eq!(ids(&desk.get(SESSIONS).await.1["sessions"]), [101]);
}
