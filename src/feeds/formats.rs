//! What one line means, in each format. Pure.
//!
//! Every format asks a few things that must all be so for a line to be a sign-in into Zendesk. One that is not so rules
//! the line out, whatever else is missing; if none is not so and one cannot be told, the row cannot be read. The names of
//! fields are those that the vendors document; `docs/feeds.md` lists them.

use serde_json::{Map, Value};

use super::value::{self, Fault, at, get, scalar, text};
use super::{FeedRow, PersonKey};
use crate::config::{FeedFormat, Mapping, PersonIs};
use crate::model::Act;

/// The byte order mark that some programs put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads one line, with or without its line break: a row, or nothing if the line is not of what the feed tells.
///
/// # Errors
///
/// When it cannot be read, in words that repeat nothing of it.
pub fn row_of(format: &FeedFormat, line: &[u8]) -> Result<Option<FeedRow>, &'static str> {
    let line: Map<String, Value> = serde_json::from_slice(line.strip_prefix(MARK).unwrap_or(line))
        .map_err(|_other| "it is not one JSON object")?;
    let line = Value::Object(line);
    match format {
        FeedFormat::Okta { app } => okta(&line, app),
        FeedFormat::Entra { app } => entra(&line, app),
        FeedFormat::GoogleWorkspace { app } => google_workspace(&line, app),
        FeedFormat::Keycloak { app } => keycloak(&line, app),
        FeedFormat::Mapping(mapping) => mapped(&line, mapping),
    }
}

type Read = Result<Option<FeedRow>, Fault>;

/// Whether all is so; none if that cannot be told.
fn all<const N: usize>(said: [Option<bool>; N]) -> Option<bool> {
    if said.contains(&Some(false)) {
        return Some(false);
    }
    said.iter().all(Option::is_some).then_some(true)
}

/// Whether any is so; none if that cannot be told.
fn any(said: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let said: Vec<_> = said.collect();
    if said.contains(&Some(true)) {
        return Some(true);
    }
    said.iter().all(Option::is_some).then_some(false)
}

/// Whether the line is a sign-in into Zendesk, as far as it can be told.
fn decided(said: Option<bool>) -> Result<bool, Fault> {
    said.ok_or("it does not tell whether it is a sign-in into Zendesk")
}

fn is(line: &Value, path: &str, wanted: &str) -> Option<bool> {
    text(line, path).map(|found| found == wanted)
}

fn contains(found: &str, app: &str) -> bool {
    found.to_lowercase().contains(&app.to_lowercase())
}

/// A sign-in of this person; the instant and the address stand at these paths.
fn sign_in(person: PersonKey, line: &Value, [time, address]: [&str; 2]) -> Result<FeedRow, Fault> {
    let (at, address) = (value::instant(get(line, time))?, value::address(get(line, address))?);
    Ok(FeedRow { person, at, act: Act::SignIn, address, agent: None })
}

/// A `LogEvent` of the System Log API.
fn okta(line: &Value, app: &str) -> Read {
    let is_sso = is(line, "eventType", "user.authentication.sso");
    let is_success = is(line, "outcome.result", "SUCCESS");
    let targets = get(line, "target").and_then(Value::as_array);
    let into_app = targets.and_then(|targets| any(targets.iter().map(|target| is_app(target, app))));
    if !decided(all([is_sso, is_success, into_app]))? {
        return Ok(None);
    }
    let person = value::person(get(line, "actor.alternateId"), PersonIs::Email)?;
    let agent = value::agent(get(line, "client.userAgent.rawUserAgent"))?;
    Ok(Some(FeedRow { agent, ..sign_in(person, line, ["published", "client.ipAddress"])? }))
}

/// The display name is that of the kind of application, the alternate id is its label.
fn is_app(target: &Value, app: &str) -> Option<bool> {
    let names = ["displayName", "alternateId"].iter().filter_map(|name| text(target, name));
    let names: Vec<bool> = names.map(|name| contains(name, app)).collect();
    let is_named = (!names.is_empty()).then(|| names.contains(&true));
    all([is(target, "type", "AppInstance"), is_named])
}

/// A `signIn` of Microsoft Graph, or a log of Azure Monitor that has one as its `properties`.
fn entra(line: &Value, app: &str) -> Read {
    const CATEGORIES: [&str; 2] = ["SignInLogs", "NonInteractiveUserSignInLogs"];
    let of_people = text(line, "category").is_none_or(|category| CATEGORIES.contains(&category));
    let row = get(line, "properties").unwrap_or(line);
    let code = get(row, "status.errorCode").and_then(scalar);
    let is_success = code.map(|code| code == "0");
    let into_app = text(row, "appDisplayName").map(|name| contains(name, app));
    if !decided(all([Some(of_people), is_success, into_app]))? {
        return Ok(None);
    }
    let person = value::person(get(row, "userPrincipalName"), PersonIs::Email)?;
    let agent = value::agent(get(row, "userAgent"))?;
    Ok(Some(FeedRow { agent, ..sign_in(person, row, ["createdDateTime", "ipAddress"])? }))
}

/// An `Activity` of the Reports API. The log has no agent strings.
fn google_workspace(line: &Value, app: &str) -> Read {
    // A sign-in into Google itself has the same event name in another log.
    let is_saml = is(line, "id.applicationName", "saml");
    let events = get(line, "events").and_then(Value::as_array);
    let into_app = events.and_then(|events| any(events.iter().map(|event| is_login(event, app))));
    if !decided(all([is_saml, into_app]))? {
        return Ok(None);
    }
    let person = value::person(get(line, "actor.email"), PersonIs::Email)?;
    sign_in(person, line, ["id.time", "ipAddress"]).map(Some)
}

fn is_login(event: &Value, app: &str) -> Option<bool> {
    let parameters = get(event, "parameters").and_then(Value::as_array).into_iter().flatten();
    let mut names = parameters.filter(|parameter| text(parameter, "name") == Some("application_name"));
    let into_app = names.next().and_then(|name| text(name, "value")).map(|name| contains(name, app));
    all([is(event, "name", "login_success"), into_app])
}

/// An `EventRepresentation` of the Admin REST API, which has no agent strings. Events of admins have no type.
fn keycloak(line: &Value, app: &str) -> Read {
    let of_people = get(line, "operationType").is_none();
    if !decided(all([Some(of_people), is(line, "type", "LOGIN"), is(line, "clientId", app)]))? {
        return Ok(None);
    }
    // Whether people are named by their addresses is the realm's choice.
    let by_name = text(line, "details.username").and_then(value::email);
    let person = by_name.map_or_else(|| value::person(get(line, "userId"), PersonIs::Subject), Ok)?;
    sign_in(person, line, ["time", "ipAddress"]).map(Some)
}

/// What the operator says. A line without the value that decides is none that counts: it is of another kind.
fn mapped(line: &Value, mapping: &Mapping) -> Read {
    if let Some(only) = &mapping.only {
        let found = at(line, only.path.parts()).and_then(scalar);
        if !found.is_some_and(|found| only.values.iter().any(|value| *value == found)) {
            return Ok(None);
        }
    }
    let address = mapping.address.as_ref().and_then(|path| at(line, path.parts()));
    let agent = mapping.agent.as_ref().and_then(|path| at(line, path.parts()));
    Ok(Some(FeedRow {
        person: value::person(at(line, mapping.person.parts()), mapping.person_is)?,
        at: value::instant(at(line, mapping.time.parts()))?,
        act: mapping.act,
        address: value::address(address)?,
        agent: value::agent(agent)?,
    }))
}
