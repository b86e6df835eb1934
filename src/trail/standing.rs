//! What the trail says still stands: holds, what rules rest on, a pause.

use std::collections::{BTreeMap, BTreeSet};

use super::past::{PauseTold, read};
use crate::model::{Basis, Hold, HoldState, Mode, Outcome, Rest, RuleId, Stratum, UserId};
use crate::record::{CycleFinished, Entry, HoldOpened, Line};

/// Holds by the number of the record that opened each, what each rule rests on, and the pause.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) holds: BTreeMap<u64, Hold>,
    pub(super) rests: BTreeMap<RuleId, Rest>,
    pub(super) pause: Option<PauseTold>,
}

impl Standing {
    /// Takes in the next record; the error says what of it makes no sense.
    pub(super) fn take_in(&mut self, line: &Line) -> Result<(), String> {
        match &line.entry {
            Entry::HoldOpened(body) => {
                self.holds.insert(line.seq, opened(line.seq, body)?);
            }
            Entry::HoldGrew(body) => {
                let more = people(&body.people)?;
                if let Some(hold) = self.of(&body.hold)? {
                    hold.people.extend(more);
                }
            }
            Entry::HoldReleased(body) => self.become_of(&body.hold, HoldState::Released)?,
            Entry::HoldDiscarded(body) => self.become_of(&body.hold, HoldState::Discarded)?,
            Entry::HoldExpired(body) => {
                self.holds.remove(&read("hold", &body.hold)?);
            }
            // Who went by a release went: it counts once.
            Entry::RevocationOutcome(body)
                if Outcome::from_word(&body.outcome).is_some_and(Outcome::counts_in_windows) =>
            {
                let user: UserId = read("user", &body.user)?;
                for hold in self.holds.values_mut().filter(|hold| hold.state == HoldState::Released) {
                    if hold.mode == Mode::Enforce && body.rules.iter().any(|rule| *rule == hold.rule.as_str()) {
                        hold.people.remove(&user);
                    }
                }
            }
            Entry::PauseBegan(body) => {
                let until = body.until.as_ref().map(|until| read("until", until)).transpose()?;
                self.pause = Some(PauseTold { until, reason: body.reason.clone(), by: body.by.clone() });
            }
            Entry::PauseEnded(_) => self.pause = None,
            Entry::CycleFinished(body) if body.complete && body.looked.is_none() && body.clock_trusted => {
                // A release counts in one complete cycle, and this was it; but in a pause nothing could go.
                if self.pause.is_none() {
                    self.spend_releases();
                }
                self.rest(body)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Of a release only those are left for whom a human is asked once more, since another belt withheld them now: who answers
    /// one belt is not to be asked about it again because of the other.
    fn spend_releases(&mut self) {
        let open = self.holds.values().filter(|hold| hold.state == HoldState::Open);
        let asked: BTreeSet<(RuleId, Mode, UserId)> =
            open.flat_map(|hold| hold.people.keys().map(|user| (hold.rule.clone(), hold.mode, *user))).collect();
        self.holds.retain(|_, hold| {
            if hold.state != HoldState::Released {
                return true;
            }
            let (rule, mode) = (hold.rule.clone(), hold.mode);
            hold.people.retain(|user, _| asked.contains(&(rule.clone(), mode, *user)));
            !hold.people.is_empty()
        });
    }

    /// A hold that is not there any more is none: it may have been opened before what was read.
    fn of(&mut self, hold: &str) -> Result<Option<&mut Hold>, String> {
        Ok(self.holds.get_mut(&read("hold", hold)?))
    }

    fn become_of(&mut self, hold: &str, state: HoldState) -> Result<(), String> {
        if let Some(hold) = self.of(hold)? {
            hold.state = state;
        }
        Ok(())
    }

    /// A rule that says nothing of what it rests on, or that is not there, starts anew.
    fn rest(&mut self, body: &CycleFinished) -> Result<(), String> {
        let since = read("now", &body.now)?;
        let mut before = std::mem::take(&mut self.rests);
        for count in body.rules.iter().filter(|count| !count.basis.is_empty()) {
            let rule = RuleId::new(count.rule.as_str());
            let basis: Basis = read("basis", &count.basis)?;
            let rest = match before.remove(&rule) {
                Some(same) if same.basis == basis => same,
                Some(other) => Rest { basis, since, changed: basis.differing(other.basis) },
                None => Rest { basis, since, changed: Vec::new() },
            };
            self.rests.insert(rule, rest);
        }
        Ok(())
    }
}

fn opened(id: u64, body: &HoldOpened) -> Result<Hold, String> {
    let mode = Mode::from_word(&body.mode).ok_or_else(|| format!("`{}` is no mode", body.mode))?;
    Ok(Hold {
        id,
        rule: RuleId::new(body.rule.as_str()),
        belt: body.belt.clone(),
        limit: body.limit,
        count: body.count,
        mode,
        opened_at: read("opened_at", &body.opened_at)?,
        people: people(&body.people)?,
        state: HoldState::Open,
    })
}

fn people(told: &BTreeMap<String, String>) -> Result<BTreeMap<UserId, Stratum>, String> {
    told.iter().map(|(user, stratum)| Ok((read("people", user)?, super::past::stratum(stratum)?))).collect()
}
