//! What happens to people between cycles, by the world's own verbs and over the control address.

use evictd::model::{Role, RoleType, SessionId};
use evictd::simulator::World;
use serde_json::{Value, json};

use super::{Desk, now, small_world, user};

/// Role, deleted, suspended of person 1.
fn standing(world: &World) -> (Option<Role>, Option<bool>, Option<bool>) {
    let person = &world.people[&user(1)];
    (person.role, person.deleted, person.suspended)
}

#[test]
fn each_verb_changes_the_record_and_ends_no_session() {
    let mut world = small_world();
    let sessions = world.sessions.clone();
    let mut check = |change: fn(&mut World), role, deleted, suspended| {
        change(&mut world);
        assert_eq!(standing(&world), (Some(role), Some(deleted), Some(suspended)));
        assert_eq!(world.sessions, sessions);
        let kind = (role == Role::Admin).then_some(RoleType::Admin);
        assert_eq!(world.people[&user(1)].role_type, kind);
    };
    check(|world| world.downgrade(user(1)), Role::EndUser, false, false);
    check(|world| world.suspend(user(1)), Role::EndUser, false, true);
    check(|world| world.delete(user(1)), Role::EndUser, true, true);
    check(|world| world.rehire(user(1), Role::Agent), Role::Agent, false, false);
    check(|world| world.promote(user(1), Role::Admin), Role::Admin, false, false);
    check(|world| world.suspend(user(1)), Role::Admin, false, true);
    check(|world| world.unsuspend(user(1)), Role::Admin, false, false);
    check(|world| world.delete(user(99)), Role::Admin, false, false);
    assert!(world.people[&user(1)].email.is_some(), "a deleted record keeps its e-mail");
}

#[test]
fn no_session_id_is_given_twice() {
    let mut world = small_world();
    let first = world.sign_in(user(1), now());
    assert_eq!(first, SessionId(113));
    world.sign_out(user(1));
    assert_eq!(world.sign_in(user(2), now()), SessionId(114), "not even that of a session that ended");
    let mut empty = World::default();
    assert_eq!(empty.sign_in(user(1), now()), SessionId(1));
}

#[tokio::test]
async fn a_script_changes_people_and_learns_whom_it_signed_in() {
    let desk = Desk::new();
    let changes = json!([
        { "user": "1", "change": "downgrade" },
        { "user": 2, "change": "suspend" },
        { "user": "PERSON3@acme.example", "change": "delete" },
        { "user": "11", "change": "rehire", "role": "admin" },
        { "user": "12", "change": "unsuspend" },
        { "user": "4", "change": "promote", "role": "admin" },
        { "user": "10", "change": "sign-out" },
        { "user": "5", "change": "sign-in" },
        { "user": "5", "change": "sign-in" },
    ]);
    let (status, answer) = desk.post("/control/people", &changes.to_string()).await;
    assert_eq!((status, answer), (200, json!({ "schema": 1, "opened": ["113", "114"] })));
    let user_row = async |id: u64| desk.get(&format!("/api/v2/users/{id}")).await.1["user"].clone();
    for (id, field, value) in [
        (1, "role", json!("end-user")),
        (2, "suspended", json!(true)),
        (3, "active", json!(false)),
        (11, "role", json!("admin")),
        (11, "active", json!(true)),
        (12, "suspended", json!(false)),
        (4, "role", json!("admin")),
    ] {
        assert_eq!(user_row(id).await[field], value, "{id} {field}");
    }
    assert_eq!(desk.session_ids(), [101, 102, 103, 104, 105, 106, 107, 108, 109, 113, 114]);
    assert_eq!(desk.get("/api/v2/users/5/sessions").await.1["count"], 3);
}

#[tokio::test]
async fn one_wrong_change_leaves_all_undone() {
    let desk = Desk::new();
    let before = desk.simulator.world(|world| world.clone());
    for (wrong, text) in [
        (json!({ "user": "1", "change": "promise" }), "unknown change `promise`"),
        (json!({ "user": "99", "change": "delete" }), "nobody has the id or e-mail `99`"),
        (json!({ "change": "delete" }), "each change needs a `user`"),
        (json!({ "user": "1", "change": "rehire", "role": "king" }), "a role is agent, admin or end-user"),
    ] {
        let list = json!([{ "user": "1", "change": "suspend" }, wrong]).to_string();
        let (status, body) = desk.post("/control/people", &list).await;
        assert_eq!((status, &body["error"]), (400, &json!("BadControl")));
        assert!(body["description"].as_str().unwrap().contains(text), "{body}");
    }
    for body in ["", "{}", "suspend"] {
        assert_eq!(desk.post("/control/people", body).await.0, 400);
    }
    assert_eq!(desk.simulator.world(|world| world.clone()), before);
    let same: Value = desk.get("/api/v2/users/1").await.1["user"]["updated_at"].clone();
    assert!(same.as_str().unwrap() < "2026", "nothing was changed: {same}");
}
