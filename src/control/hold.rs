//! Holds, for the human who is asked: read from the trail, let go, or refused.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Answer, Caller, Refusal};
use crate::chronicle::digest_of;
use crate::files::Medium;
use crate::model::{AccountName, Hold, HoldState, Stratum};
use crate::record::{Entry, HoldDiscarded, HoldOpened, HoldReleased, Line, whole_lines};
use crate::trail::{self, Trail, TrailTrouble};

/// A digest is named by so many of its digits at least.
const DIGITS_MIN: usize = 8;

/// What records say of one hold.
#[derive(Default)]
struct Records {
    opened: Option<HoldOpened>,
    names: Map<String, Value>,
    common: Value,
}

/// The holds that stand, the people under them only counted; nothing is locked.
///
/// # Errors
///
/// When the trail cannot be read.
pub fn holds(medium: &dyn Medium, account: &AccountName, now: Timestamp) -> Result<Value, Refusal> {
    let (holds, records, now) = read(medium, account, now)?;
    let row = |hold: &Hold| row(hold, records.get(&hold.id), now);
    Ok(json!({ "schema": 1, "account": account.as_str(), "holds": holds.iter().map(row).collect::<Vec<_>>() }))
}

/// One hold, with the people under it and what they have in common.
///
/// # Errors
///
/// When the trail cannot be read, or tells of no such hold.
pub fn hold(medium: &dyn Medium, account: &AccountName, now: Timestamp, id: u64) -> Result<Value, Refusal> {
    let (holds, records, now) = read(medium, account, now)?;
    let hold = holds.iter().find(|hold| hold.id == id).ok_or_else(|| no_such(id))?;
    let records = records.get(&id);
    let mut document = row(hold, records, now);
    let name = |user: &str| records.and_then(|records| records.names.get(user)).cloned().unwrap_or_default();
    let people = hold.people.iter().map(|(user, stratum)| {
        let user = user.to_string();
        json!({ "user": user, "stratum": stratum.word(), "person": name(&user) })
    });
    if let Some(object) = document.as_object_mut() {
        object.insert("schema".to_owned(), 1.into());
        object.insert("account".to_owned(), account.as_str().into());
        object.insert("people".to_owned(), people.collect());
        object.insert("common".to_owned(), records.map(|records| records.common.clone()).unwrap_or_default());
    }
    Ok(document)
}

pub(super) fn release(
    trail: &mut Trail,
    (id, named): (u64, &str),
    caller: &Caller,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let hold = open(trail, id, now)?;
    let digest = digest(&hold);
    let named = named.trim().to_ascii_lowercase();
    if named.len() < DIGITS_MIN || !digest.starts_with(&named) {
        return Err(Refusal::usage(format!("that is not the digest of hold {id} as it stands")).help(format!(
            "look at it with `evictd hold show {id}`, and name the first {DIGITS_MIN} digits of its digest at least"
        )));
    }
    let record = HoldReleased { hold: id.to_string(), digest, by: caller.who.clone() };
    trail.write_durably(None, record.into(), None)?;
    Ok(Answer::of(json!({ "schema": 1, "hold": id, "state": "released", "people": hold.people.len() })))
}

pub(super) fn discard(trail: &mut Trail, id: u64, caller: &Caller, now: Timestamp) -> Result<Answer, Refusal> {
    let hold = open(trail, id, now)?;
    let record = HoldDiscarded { hold: id.to_string(), by: caller.who.clone() };
    trail.write_durably(None, record.into(), None)?;
    Ok(Answer::of(json!({ "schema": 1, "hold": id, "state": "discarded", "people": hold.people.len() })))
}

fn open(trail: &Trail, id: u64, asked: Timestamp) -> Result<Hold, Refusal> {
    let past = trail.past();
    let now = past.on_zendesks_clock(asked);
    let hold = past.history.holds.into_iter().find(|hold| hold.id == id).ok_or_else(|| no_such(id))?;
    if !hold.lasts(now) {
        return Err(Refusal::usage(format!("hold {id} is over: its time passed at {}", hold.expires_at())));
    }
    if hold.state != HoldState::Open {
        return Err(Refusal::usage(format!("hold {id} was {} already", hold.state.word())));
    }
    Ok(hold)
}

fn no_such(id: u64) -> Refusal {
    Refusal::usage(format!("there is no hold {id}")).help("`evictd hold list` shows those that stand")
}

fn digest(hold: &Hold) -> String {
    digest_of(&hold.rule, &hold.belt, &hold.people.keys().copied().collect())
}

type Read = (Vec<Hold>, BTreeMap<u64, Records>, Timestamp);

/// The holds that last, what the records between them and now say of each, and the instant on Zendesk's clock, which dates
/// them.
fn read(medium: &dyn Medium, account: &AccountName, now: Timestamp) -> Result<Read, TrailTrouble> {
    let past = trail::look(medium, account)?;
    let now = past.on_zendesks_clock(now);
    let mut holds = past.history.holds;
    holds.retain(|hold| hold.lasts(now));
    holds.sort_by_key(|hold| hold.id);
    let mut records: BTreeMap<u64, Records> = holds.iter().map(|hold| (hold.id, Records::default())).collect();
    let Some(oldest) = holds.first().map(|hold| hold.id) else { return Ok((holds, records, now)) };
    let segments = trail::segments(medium)?;
    let from = segments.iter().rposition(|first| *first <= oldest).unwrap_or_default();
    for first_seq in segments.into_iter().skip(from) {
        let (bytes, sidecar) = (trail::read_segment(medium, first_seq)?, trail::read_sidecar(medium, first_seq)?);
        for line in whole_lines(&bytes).0.filter_map(|line| Line::read(line).ok()) {
            let personal = || sidecar.text(line.seq).and_then(|text| serde_json::from_str(text).ok());
            take_in(&mut records, &line, personal);
        }
    }
    Ok((holds, records, now))
}

fn take_in(records: &mut BTreeMap<u64, Records>, line: &Line, personal: impl Fn() -> Option<Value>) {
    let (id, opened) = match &line.entry {
        Entry::HoldOpened(body) => (line.seq, Some(body.clone())),
        Entry::HoldGrew(body) => (body.hold.parse().unwrap_or_default(), None),
        _ => return,
    };
    let Some(one) = records.get_mut(&id) else { return };
    let personal = personal().unwrap_or_default();
    if let Some(Value::Object(names)) = personal.get("people") {
        one.names.extend(names.clone());
    }
    if let Some(opened) = opened {
        one.common = personal.get("common").cloned().unwrap_or_default();
        one.opened = Some(opened);
    }
}

fn row(hold: &Hold, records: Option<&Records>, now: Timestamp) -> Value {
    let mut strata: BTreeMap<Stratum, usize> = BTreeMap::new();
    for stratum in hold.people.values() {
        *strata.entry(*stratum).or_default() += 1;
    }
    let strata: Map<String, Value> = strata.iter().map(|(of, count)| (of.word().to_owned(), (*count).into())).collect();
    let opened = records.and_then(|records| records.opened.as_ref());
    let age = hold.opened_at.duration_until(now).max(SignedDuration::ZERO);
    json!({
        "id": hold.id,
        "state": hold.state.word(),
        "rule": hold.rule.to_string(),
        "severity": opened.map(|opened| opened.severity.clone()),
        "belt": hold.belt,
        "limit": hold.limit,
        "count": hold.count,
        "mode": hold.mode.word(),
        "opened_at": hold.opened_at.to_string(),
        "age_seconds": age.as_secs(),
        "expires_at": hold.expires_at().to_string(),
        "number": hold.people.len(),
        "strata": strata,
        "sessions": opened.map(|opened| opened.sessions),
        "young": opened.map(|opened| opened.young),
        "changed": opened.map(|opened| opened.changed.clone()).unwrap_or_default(),
        "digest": digest(hold),
    })
}
