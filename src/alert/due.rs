//! What becomes an alert by the passing of time, or by what lies beside the trail: holds that still wait, an account that
//! has not seen everything for some sweeps, a pause.

use jiff::{SignedDuration, Timestamp};

use super::sentry::Sentry;
use super::{Alert, AlertKind, Mark, name};
use crate::model::{Pause, Severity};

/// A human is reminded of a hold after so long, the later the louder.
const REMINDED_AFTER: [i64; 2] = [20, 4];

/// A hold is over by then, whether or not a cycle said so.
const OVER_AFTER: i64 = 24;

/// More than so many sweeps without one that saw everything are too many.
const SWEEPS_MISSED_MAX: i32 = 3;

/// However often it sweeps: a hiccup of Zendesk's is no alert.
const BLIND_AFTER_MIN: SignedDuration = SignedDuration::from_mins(15);

/// What beside the trail tells how an account stands.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The host's clock.
    pub now: Timestamp,
    /// How long it is from one sweep to the next.
    pub interval: SignedDuration,
    /// The pause in force, if any.
    pub pause: Option<Pause>,
    /// Whether the last word about a pause was that there is one.
    pub pause_told: bool,
}

impl Sentry {
    /// Everything that is due, whether or not it was told: the same again for as long as its cause stands.
    pub fn due(&self, around: &Around) -> Vec<Alert> {
        let mut due: Vec<Alert> = self.reminders(around.now).collect();
        due.extend(self.blind(around));
        due.extend(self.pause(around));
        due
    }

    fn reminders(&self, now: Timestamp) -> impl Iterator<Item = Alert> {
        self.holds.iter().filter_map(move |(seq, hold)| {
            let waited = hold.at.duration_until(now).as_hours();
            let after = *REMINDED_AFTER.iter().find(|after| **after <= waited)?;
            let text = format!(
                "a hold on {} people of rule {} by belt {} has waited for {after} hours. Do: decide, it is over after 24",
                hold.people,
                name(&hold.rule),
                name(&hold.belt)
            );
            let severity = if after > 4 { Severity::Critical } else { Severity::High };
            let alert = self.timed(AlertKind::Hold, severity, (*seq, now), text);
            let digest = Some(hold.digest.clone());
            (waited < OVER_AFTER).then(|| Alert { id: format!("{seq}-{after}h"), digest, ..alert })
        })
    }

    fn blind(&self, around: &Around) -> Option<Alert> {
        let seen = self.seen?;
        let usual = around.interval.max(seen.gap);
        let late = usual.checked_mul(SWEEPS_MISSED_MAX).unwrap_or(SignedDuration::MAX).max(BLIND_AFTER_MIN);
        if seen.at.duration_until(around.now) <= late {
            return None;
        }
        let text = format!(
            "no sweep has seen everything since {:.0}: Zendesk, the credential, the trail or a clock fails. Do: `evictd \
             status` says which",
            seen.at
        );
        let alert = self.timed(AlertKind::Blind, Severity::Critical, (seen.seq, around.now), text);
        Some(Alert { id: format!("{}-blind", seen.seq), ..alert })
    }

    fn pause(&self, around: &Around) -> Option<Alert> {
        let (severity, text) = match (&around.pause, around.pause_told) {
            (Some(pause), false) => {
                let until = pause.until.map_or("without end".to_owned(), |until| format!("until {until:.0}"));
                let text = format!("evictd is paused {until}, and ends nothing. Do: make sure that it was you");
                (Severity::High, text)
            }
            (None, true) => (Severity::Low, "the pause is over. Do: nothing".to_owned()),
            _ => return None,
        };
        let alert = self.timed(AlertKind::Pause, severity, (0, around.now), text);
        let id = format!("pause-{}", around.now.as_second());
        Some(Alert { id, mark: Mark::Pause(around.pause.is_some()), ..alert })
    }

    fn timed(&self, kind: AlertKind, severity: Severity, (seq, at): (u64, Timestamp), text: String) -> Alert {
        let account = self.account.clone();
        Alert { id: seq.to_string(), account, kind, severity, at, text, seq, digest: None, mark: Mark::Told }
    }
}
