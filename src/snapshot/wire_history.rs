//! The file form of what was done before: what was ended, what rules rest on and usually do, holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::back::{read, stratum, word};
use crate::model::{
    Basis, CycleId, Ended, Habit, Hold, HoldState, Input, Mode, Outcome, Rest, RuleId, Run, Stratum, UserId,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireEnded {
    session: String,
    user: String,
    stratum: String,
    rules: Vec<String>,
    at: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cycle: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    core: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    came_back: Vec<String>,
}

impl From<&Ended> for WireEnded {
    fn from(ended: &Ended) -> Self {
        Self {
            session: ended.session.to_string(),
            user: ended.user.to_string(),
            stratum: ended.stratum.word().to_owned(),
            rules: ended.rules.iter().map(ToString::to_string).collect(),
            at: ended.at.to_string(),
            outcome: ended.outcome.word().to_owned(),
            cycle: ended.cycle.as_ref().map(ToString::to_string),
            core: ended.core.iter().map(ToString::to_string).collect(),
            came_back: ended.came_back.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<WireEnded> for Ended {
    type Error = String;

    fn try_from(wire: WireEnded) -> Result<Self, String> {
        Ok(Self {
            session: read("session", &wire.session)?,
            user: read("user", &wire.user)?,
            stratum: stratum("stratum", &wire.stratum)?,
            rules: wire.rules.into_iter().map(RuleId::new).collect(),
            at: read("at", &wire.at)?,
            outcome: word("outcome", &wire.outcome, Outcome::ALL.iter().copied(), Outcome::word)?,
            cycle: wire.cycle.map(CycleId::new),
            core: wire.core.into_iter().map(RuleId::new).collect(),
            came_back: wire.came_back.into_iter().map(RuleId::new).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireRest {
    basis: String,
    since: String,
    changed: Vec<String>,
}

impl From<&Rest> for WireRest {
    fn from(rest: &Rest) -> Self {
        Self {
            basis: rest.basis.to_string(),
            since: rest.since.to_string(),
            changed: rest.changed.iter().map(|input| input.word().to_owned()).collect(),
        }
    }
}

impl TryFrom<WireRest> for Rest {
    type Error = String;

    fn try_from(wire: WireRest) -> Result<Self, String> {
        let input = |text: &String| word("changed", text, Input::ALL.into_iter(), Input::word);
        Ok(Self {
            basis: read("basis", &wire.basis)?,
            since: read("since", &wire.since)?,
            changed: wire.changed.iter().map(input).collect::<Result<_, _>>()?,
        })
    }
}

/// What a rule usually does in a stratum: runs of cycles as new people, basis and number.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireHabit {
    rule: String,
    stratum: String,
    runs: Vec<(u32, String, u32)>,
    claimed: BTreeSet<String>,
}

impl WireHabit {
    pub(super) fn of(((rule, stratum), habit): (&(RuleId, Stratum), &Habit)) -> Self {
        Self {
            rule: rule.to_string(),
            stratum: stratum.word().to_owned(),
            runs: habit.runs.iter().map(|run| (run.new_people, run.basis.to_string(), run.times)).collect(),
            claimed: habit.claimed.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn back(self) -> Result<((RuleId, Stratum), Habit), String> {
        let run = |(new_people, basis, times): (u32, String, u32)| -> Result<Run, String> {
            let basis: Basis = read("runs", &basis)?;
            Ok(Run { new_people, basis, times })
        };
        let habit = Habit {
            runs: self.runs.into_iter().map(run).collect::<Result<_, _>>()?,
            claimed: self.claimed.iter().map(|user| read("claimed", user)).collect::<Result<_, _>>()?,
        };
        Ok(((RuleId::new(self.rule), stratum("stratum", &self.stratum)?), habit))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireHold {
    id: String,
    rule: String,
    belt: String,
    limit: Option<u64>,
    count: Option<u64>,
    mode: String,
    opened_at: String,
    people: BTreeMap<String, String>,
    state: String,
}

impl From<&Hold> for WireHold {
    fn from(hold: &Hold) -> Self {
        let person = |(user, stratum): (&UserId, &Stratum)| (user.to_string(), stratum.word().to_owned());
        Self {
            id: hold.id.to_string(),
            rule: hold.rule.to_string(),
            belt: hold.belt.clone(),
            limit: hold.limit,
            count: hold.count,
            mode: hold.mode.word().to_owned(),
            opened_at: hold.opened_at.to_string(),
            people: hold.people.iter().map(person).collect(),
            state: hold.state.word().to_owned(),
        }
    }
}

impl TryFrom<WireHold> for Hold {
    type Error = String;

    fn try_from(wire: WireHold) -> Result<Self, String> {
        let person = |(user, of): (&String, &String)| Ok((read("people", user)?, stratum("people", of)?));
        Ok(Self {
            id: read("id", &wire.id)?,
            rule: RuleId::new(wire.rule),
            belt: wire.belt,
            limit: wire.limit,
            count: wire.count,
            mode: word("mode", &wire.mode, Mode::ALL.iter().copied(), Mode::word)?,
            opened_at: read("opened_at", &wire.opened_at)?,
            people: wire.people.iter().map(person).collect::<Result<_, String>>()?,
            state: word("state", &wire.state, HoldState::ALL.iter().copied(), HoldState::word)?,
        })
    }
}
