//! The pause: written down in the trail, and in the file that is read before every request that changes something.
//!
//! The trail wins. A pause that it tells of is in force although its file is lost; a file that was put there by hand is
//! in force as it stands, and told as soon as it is seen.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::command::reasonable;
use super::{Answer, Caller, Ground, Refusal, Role};
use crate::clock::Pending;
use crate::enforce::Brakes;
use crate::files::{read_pause, remove_pause, write_pause};
use crate::model::{Pause, parse_duration};
use crate::record::{PauseBegan, PauseEnded};
use crate::trail::{PauseTold, Trail, TrailTrouble};

/// A pause that says nothing else lasts this long.
pub const PAUSE_USUAL: SignedDuration = SignedDuration::from_hours(4);
/// No lever pauses for longer: whoever needs more pulls it again.
pub const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Until when a pause lasts that begins now and is to last so long.
///
/// # Errors
///
/// When that is no length of time, or none that a pause may have.
pub fn pause_until(lasts: Option<&str>, now: Timestamp) -> Result<Timestamp, Refusal> {
    let length = lasts.map_or(Some(PAUSE_USUAL), parse_duration);
    let length = length.filter(|length| length.is_positive() && *length <= PAUSE_MAX);
    let until = length.and_then(|length| now.checked_add(length).ok()?.round(jiff::Unit::Second).ok());
    until.ok_or_else(|| {
        Refusal::usage("a pause lasts from 1s to 24h").help("write it as in `--for 4h`; pull the lever again for more")
    })
}

/// What stands between two who pause; no name of a user has it.
const AND: &str = " and ";

/// Whose a pause is that this caller pulls on top of another, each named once.
fn together(before: &str, who: &str) -> String {
    if before.split(AND).any(|one| one == who) { before.to_owned() } else { format!("{before}{AND}{who}") }
}

/// Pauses by the file alone, at once: it stops what is under way. The record is to follow.
///
/// # Errors
///
/// When it is no pause, or the file cannot be written.
pub fn pause_at_once(
    state: &Path,
    (lasts, reason): (Option<&str>, &str),
    caller: &Caller,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let (reason, until) = (reasonable(reason)?, pause_until(lasts, now)?);
    // One pause more never shortens the one there is.
    let standing = read_pause(state, now, PAUSE_USUAL).map(|pause| pause.until.unwrap_or(Timestamp::MAX));
    if let Some(standing) = standing.filter(|standing| *standing >= until) {
        return Ok(Answer::of(json!({ "schema": 1, "paused": true, "until": standing.to_string() })));
    }
    write_pause(state, until, &format!("by {}: {reason}", caller.who))
        .map_err(|error| Refusal::new(74, format!("the pause file cannot be written: {error}")))?;
    Ok(Answer::of(json!({ "schema": 1, "paused": true, "until": until.to_string() })))
}

/// The file first: it stops what is under way, and the record only tells of it.
pub(super) fn begin(
    ground: &mut Ground<'_>,
    (lasts, reason): (Option<&str>, &str),
    caller: &Caller,
) -> Result<Answer, Refusal> {
    let reason = reasonable(reason)?;
    let mut until = pause_until(lasts, ground.asked)?;
    let mut by = caller.who.clone();
    // One pause more never shortens the one there is, nor makes it one's own.
    if let Some(told) = ground.trail.past().pause.filter(|told| told.lasts(ground.asked)) {
        until = until.max(told.until.unwrap_or(Timestamp::MAX));
        by = together(&told.by, &by);
    }
    let written = write_pause(ground.state, until, &format!("by {by}: {reason}"));
    let record = PauseBegan { until: Some(until.to_string()), reason, by };
    ground.trail.write_durably(None, record.into(), None)?;
    if let Err(error) = written {
        tracing::warn!("the pause file cannot be written: {error}; the trail tells of the pause");
    }
    Ok(Answer::of(json!({ "schema": 1, "paused": true, "until": until.to_string() })))
}

pub(super) fn end(ground: &mut Ground<'_>, caller: &Caller) -> Result<Answer, Refusal> {
    let told = ground.trail.past().pause;
    let file = read_pause(ground.state, ground.clock.now(), ground.account.belts.pause_expires_after);
    if told.is_none() && file.is_none() {
        return Err(Refusal::usage("the account is not paused"));
    }
    if told.as_ref().is_none_or(|told| told.by != caller.who) {
        let by = told.map_or(PauseTold::FILE.to_owned(), |told| told.by);
        caller.must_be(&[Role::Approve], &format!("resume` of a pause by `{by}"))?;
    }
    // As long as the trail tells of it, it is in force: this comes last.
    remove_pause(ground.state).map_err(|error| {
        Refusal::new(78, format!("the pause file cannot be removed: {error}")).help("it is still paused")
    })?;
    ground.trail.write_durably(None, PauseEnded { by: Some(caller.who.clone()) }.into(), None)?;
    Ok(Answer::of(json!({ "schema": 1, "paused": false })))
}

/// Tells that the pause is over whose time has passed. Only where this host's clock is known to be right: a pause must not
/// end because somebody set the clock.
///
/// # Errors
///
/// When the trail cannot be written.
pub fn lapse(trail: &mut Trail, now: Timestamp) -> Result<(), TrailTrouble> {
    if trail.past().pause.is_some_and(|told| !told.lasts(now)) {
        trail.write_durably(None, PauseEnded { by: None }.into(), None)?;
    }
    Ok(())
}

/// Brings trail and file together. `anew` says that the folder of state was lost: then a file that is not there was not
/// taken away.
///
/// # Errors
///
/// When the trail cannot be written.
pub fn reconcile(
    trail: &mut Trail,
    state: &Path,
    (now, expires_after): (Timestamp, SignedDuration),
    anew: bool,
) -> Result<(), TrailTrouble> {
    let told = trail.past().pause.filter(|told| told.lasts(now));
    let is_by_file = told.as_ref().is_some_and(|told| told.by == PauseTold::FILE);
    match (told, read_pause(state, now, expires_after)) {
        (None, None) => Ok(()),
        (Some(_), None) if is_by_file && !anew => {
            let by = Some(PauseTold::FILE.to_owned());
            trail.write_durably(None, PauseEnded { by }.into(), None).map(drop)
        }
        (Some(told), None) => {
            let until = told.until.unwrap_or(Timestamp::MAX);
            if let Err(error) = write_pause(state, until, &format!("by {}: {}", told.by, told.reason)) {
                tracing::warn!("the pause file is lost and cannot be written: {error}; the pause is in force");
            }
            Ok(())
        }
        (Some(told), Some(seen)) if !is_by_file || told.until == seen.until => Ok(()),
        (_, Some(seen)) => {
            let until = seen.until.map(|until| until.to_string());
            let record = PauseBegan { until, reason: "a pause file".to_owned(), by: PauseTold::FILE.to_owned() };
            trail.write_durably(None, record.into(), None).map(drop)
        }
    }
}

/// Brakes that also hold by what the trail tells: its pause is in force although nobody can read its file.
pub struct Told<'b> {
    /// The brakes themselves.
    pub brakes: &'b dyn Brakes,
    /// The pause of the trail, unless its time has passed for certain.
    pub told: Option<PauseTold>,
}

impl Brakes for Told<'_> {
    fn pause(&self) -> Option<Pause> {
        self.told.as_ref().map(|told| Pause { until: told.until }).or_else(|| self.brakes.pause())
    }

    fn stop(&self) -> bool {
        self.brakes.stop()
    }

    fn stopping(&self) -> Pending<'_, ()> {
        self.brakes.stopping()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_one_stays_theirs_and_one_of_two_is_nobodys() {
        let olivia = "olivia (uid 1000, login 1001)";
        assert_eq!(together(olivia, olivia), olivia);
        let both = together("anna (uid 7)", olivia);
        assert!(both != olivia && both.contains("anna (uid 7)"), "{both}");
        assert_eq!(together(&both, olivia), both, "nobody is named twice");
    }
}
