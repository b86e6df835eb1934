//! Changes of people by a script: read as a whole, then made, so that a fault in one leaves all undone.

use jiff::Timestamp;
use serde_json::Value;

use super::super::Simulator;
use super::super::world::World;
use crate::model::{Foreign, Person, Role, SessionId, UserId};

/// The words for what can happen to a person.
const WORDS: &[&str] = &[
    "downgrade",
    "promote",
    "suspend",
    "unsuspend",
    "delete",
    "rehire",
    "sign-in",
    "sign-out",
    "use",
    "steal-cookie",
    "phish",
    "script-in-session",
    "scrape",
    "open-second",
];

/// One change, with everything it needs.
struct Change {
    user: UserId,
    word: String,
    role: Role,
}

/// Makes the changes of a list, in its order, and returns the ids of sessions that it opened.
///
/// Each is `{"user": …, "change": …}`, and for `promote` and `rehire` a `"role"` (`agent` if none is given); the user
/// is an id, as text or number, or an e-mail that one person has. Only `sign-out` ends sessions.
pub(super) fn change(simulator: &Simulator, list: Option<&Value>) -> Result<Vec<String>, String> {
    let list = list.and_then(Value::as_array).ok_or(r#"a list is needed, as in [{"user":"1","change":"suspend"}]"#)?;
    let now = simulator.now();
    simulator.world(|world| {
        let changes: Vec<_> = list.iter().map(|one| read(world, one)).collect::<Result<_, _>>()?;
        let mut opened = Vec::new();
        for change in changes {
            opened.extend(make(world, change, now).map(|id| id.to_string()));
        }
        Ok(opened)
    })
}

/// Makes one change; returns the session that it opened. What befalls a session befalls the person's newest one.
fn make(world: &mut World, Change { user, word, role }: Change, now: Timestamp) -> Option<SessionId> {
    let newest = world.sessions_of(user).max_by_key(|session| (session.authenticated_at, session.id));
    match (word.as_str(), newest.map(|session| session.id)) {
        ("downgrade", _) => world.downgrade(user),
        ("promote", _) => world.promote(user, role),
        ("suspend", _) => world.suspend(user),
        ("unsuspend", _) => world.unsuspend(user),
        ("delete", _) => world.delete(user),
        ("rehire", _) => world.rehire(user, role),
        ("sign-out", _) => world.sign_out(user),
        ("sign-in", _) => return Some(world.sign_in(user, now)),
        ("phish", _) => return Some(world.phish(user, now)),
        ("open-second", Some(session)) => return world.open_second(user, session),
        ("use", Some(session)) => world.use_session(session, now),
        ("steal-cookie", Some(session)) => world.steal_cookie(session, now),
        ("script-in-session", Some(session)) => world.script_in_session(session),
        ("scrape", Some(session)) => world.scrape(session),
        _ => {}
    }
    None
}

fn read(world: &World, one: &Value) -> Result<Change, String> {
    let text = |name: &str| one.get(name).and_then(Value::as_str);
    let word = text("change").unwrap_or_default();
    if !WORDS.contains(&word) {
        return Err(format!("unknown change `{word}`: the known ones are {}", WORDS.join(", ")));
    }
    let role = Role::from_word(text("role").unwrap_or("agent")).ok_or("a role is agent, admin or end-user")?;
    Ok(Change { user: user(world, one)?, word: word.to_owned(), role })
}

fn user(world: &World, one: &Value) -> Result<UserId, String> {
    let asked = match one.get("user") {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(number @ Value::Number(_)) => number.to_string(),
        _ => return Err("each change needs a `user`: an id or an e-mail".to_owned()),
    };
    if let Some(id) = asked.parse().ok().filter(|id| world.people.contains_key(id)) {
        return Ok(id);
    }
    let has = |email: &Foreign| email.raw().eq_ignore_ascii_case(&asked);
    let is_asked = |person: &&Person| person.email.as_ref().is_some_and(has);
    let found: Vec<_> = world.people.values().filter(is_asked).map(|person| person.id).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!("nobody has the id or e-mail `{asked}`")),
        _ => Err(format!("several people have the e-mail `{asked}`")),
    }
}
