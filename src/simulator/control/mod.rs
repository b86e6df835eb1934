//! The control address: a script changes the world, the clock and the faults, and asks what was called.
//!
//! It wants no credential, since the simulator listens on loopback only, and its calls are neither counted nor logged.

mod people;

use serde_json::{Value, json};

use super::Simulator;
use super::api::Paging;
use super::call::{Call, Reply};
use super::faults::Odds;
use super::world::World;
use crate::model::parse_duration;
use crate::snapshot;

/// Where it is, under the account's address.
pub(super) const PATH: &str = "/control";

/// Answers one call.
///
/// - `POST world`: a snapshot file's bytes; people, sessions and clock become the snapshot's.
/// - `POST people`: changes of people, all or none; see [`people::change`].
/// - `POST now`: an RFC 3339 instant as plain text, or `{"now": "…"}`.
/// - `POST advance`: a length of time such as `10m`, as plain text, or `{"by": "10m"}`.
/// - `POST faults`: as on the command line, `rate-limit=0.1,cut=0.2`, or `{"rate-limit": 0.1}`; empty ends them.
/// - `POST logs`: as on the command line, `access-log=off,lag=10m`, or `{"access-log": "off"}`; the rest stays.
/// - `POST paging`: `cursor` or `offset`.
/// - `GET calls`: how often each verb and route was asked for.
pub(super) fn answer(simulator: &Simulator, call: &Call) -> Reply {
    let text = String::from_utf8_lossy(&call.body);
    let object = serde_json::from_str::<Value>(&text).ok();
    let word = |name| object.as_ref().map_or(Some(&*text), |object| object.get(name).unwrap_or(object).as_str());
    let word = |name| word(name).unwrap_or_default().trim();
    let done = match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", [_, "world"]) => set_world(simulator, &call.body),
        ("POST", [_, "people"]) => match people::change(simulator, object.as_ref()) {
            Ok(opened) => return Reply::json(200, json!({ "schema": 1, "opened": opened })),
            Err(fault) => Err(fault),
        },
        ("POST", [_, "now"]) => set_now(simulator, word("now")),
        ("POST", [_, "advance"]) => advance(simulator, word("by")),
        ("POST", [_, "faults"]) => {
            let odds = object.as_ref().and_then(pairs);
            set_faults(simulator, odds.as_deref().unwrap_or(&text))
        }
        ("POST", [_, "logs"]) => {
            let settings = object.as_ref().and_then(pairs);
            set_logs(simulator, settings.as_deref().unwrap_or(&text))
        }
        ("POST", [_, "paging"]) => set_paging(simulator, word("paging")),
        ("GET", [_, "calls"]) => return Reply::json(200, json!({ "schema": 1, "calls": simulator.calls() })),
        _ => return Reply::no_such_endpoint(),
    };
    done.map_or_else(|error| Reply::fault(400, "BadControl", &error), |()| Reply::empty(204))
}

fn set_world(simulator: &Simulator, bytes: &[u8]) -> Result<(), String> {
    let snapshot = snapshot::from_bytes(bytes).map_err(|fault| fault.to_string())?;
    let mut world = World::from_snapshot(&snapshot);
    world.logs.settings = simulator.world(|old| old.logs.settings.clone());
    simulator.set_world(world, snapshot.now);
    Ok(())
}

fn set_now(simulator: &Simulator, text: &str) -> Result<(), String> {
    let now = text.parse().map_err(|error| format!("`{text}` is no RFC 3339 instant: {error}"))?;
    simulator.set_now(now);
    Ok(())
}

fn advance(simulator: &Simulator, text: &str) -> Result<(), String> {
    let by = parse_duration(text).ok_or_else(|| format!("`{text}` is no length of time such as `10m` or `1h30m`"))?;
    let now = simulator.now().checked_add(by).map_err(|error| format!("`{text}` is too long: {error}"))?;
    simulator.set_now(now);
    Ok(())
}

fn set_faults(simulator: &Simulator, text: &str) -> Result<(), String> {
    simulator.set_faults(Odds::parse(text.trim()).map_err(|fault| fault.to_string())?);
    Ok(())
}

fn set_logs(simulator: &Simulator, text: &str) -> Result<(), String> {
    simulator.world(|world| {
        world.logs.settings = world.logs.settings.clone().with(text.trim())?;
        Ok(())
    })
}

fn set_paging(simulator: &Simulator, text: &str) -> Result<(), String> {
    let paging = Paging::ALL.iter().find(|paging| paging.word() == text);
    simulator.set_paging(*paging.ok_or_else(|| format!("`{text}` is neither `cursor` nor `offset`"))?);
    Ok(())
}

/// `{"rate-limit": 0.1}` as it stands on the command line.
fn pairs(object: &Value) -> Option<String> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = object.as_object()?.iter().map(|(name, value)| format!("{name}={}", plain(value)));
    Some(pairs.collect::<Vec<_>>().join(","))
}
