//! The control address: a script changes the world, the clock and the faults, and asks what was called.
//!
//! It wants no credential, since the simulator listens on loopback only, and its calls are neither counted nor logged.

use serde_json::{Value, json};

use super::Simulator;
use super::call::{Call, Reply};
use super::faults::Odds;
use super::world::World;
use crate::snapshot;

/// Where it is, under the account's address.
pub(super) const PATH: &str = "/control";

/// Answers one call.
///
/// - `POST world`: a snapshot file's bytes; people, sessions and clock become the snapshot's.
/// - `POST now`: an RFC 3339 instant as plain text, or `{"now": "…"}`.
/// - `POST faults`: as on the command line, `rate-limit=0.1,cut=0.2`, or `{"rate-limit": 0.1}`; empty ends them.
/// - `GET calls`: how often each verb and route was asked for.
pub(super) fn answer(simulator: &Simulator, call: &Call) -> Reply {
    let text = String::from_utf8_lossy(&call.body);
    let object = serde_json::from_str::<Value>(&text).ok();
    let done = match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", [_, "world"]) => set_world(simulator, &call.body),
        ("POST", [_, "now"]) => {
            let instant = object.as_ref().map_or(Some(&*text), |object| object.get("now").unwrap_or(object).as_str());
            set_now(simulator, instant.unwrap_or_default().trim())
        }
        ("POST", [_, "faults"]) => {
            set_faults(simulator, object.and_then(|object| pairs(&object)).unwrap_or(text.into()))
        }
        ("GET", [_, "calls"]) => return Reply::json(200, json!({ "schema": 1, "calls": simulator.calls() })),
        _ => return Reply::no_such_endpoint(),
    };
    done.map_or_else(|error| Reply::fault(400, "BadControl", &error), |()| Reply::empty(204))
}

fn set_world(simulator: &Simulator, bytes: &[u8]) -> Result<(), String> {
    let snapshot = snapshot::from_bytes(bytes).map_err(|fault| fault.to_string())?;
    simulator.world(|world| *world = World::from_snapshot(&snapshot));
    simulator.set_now(snapshot.now);
    Ok(())
}

fn set_now(simulator: &Simulator, text: &str) -> Result<(), String> {
    let now = text.parse().map_err(|error| format!("`{text}` is no RFC 3339 instant: {error}"))?;
    simulator.set_now(now);
    Ok(())
}

fn set_faults(simulator: &Simulator, text: String) -> Result<(), String> {
    simulator.set_faults(Odds::parse(text.trim()).map_err(|fault| fault.to_string())?);
    Ok(())
}

/// `{"rate-limit": 0.1}` as it stands on the command line.
fn pairs(object: &Value) -> Option<String> {
    let pairs = object.as_object()?.iter().map(|(name, chance)| format!("{name}={chance}"));
    Some(pairs.collect::<Vec<_>>().join(","))
}
