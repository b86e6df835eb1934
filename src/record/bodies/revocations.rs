//! What was to be ended and why, what became of it, and how long it could be used.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{DatabaseUsed, FactUsed, HeldBy};
use crate::model::Exposure;

/// What is about to be ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationIntended {
    /// `revoke-session` or `revoke-user`.
    pub action: String,
    /// The sessions that will end: one, or all listed ones of the person.
    pub sessions: Vec<String>,
    /// The person.
    pub user: String,
    /// The person's stratum.
    pub stratum: String,
    /// The rules whose claims were cleared.
    pub rules: Vec<String>,
    /// Zendesk's clock at the read-back.
    pub read_back: String,
    /// Digest of the policy set.
    pub policy: String,
    /// evictd's version.
    pub engine: String,
    /// Of these rules, those that reached too many people, and whose claim went all the same, as the surest of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub core: Vec<String>,
    /// The facts these claims rest on, as read back.
    pub facts: Vec<FactUsed>,
    /// The place databases that were asked, if any of these facts is one of a place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseUsed>,
    /// Who: `policy` for a rule, else the person who pulled a lever.
    pub by: String,
}

/// What became of an intention. One that a cycle found unclear gets a second, outside of any cycle, once it is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationOutcome {
    /// `seq` of the intent; absent where the session was found gone before one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The sessions.
    pub sessions: Vec<String>,
    /// The person.
    pub user: String,
    /// The person's stratum.
    pub stratum: String,
    /// The rules.
    pub rules: Vec<String>,
    /// `revoked`, `already-gone`, `refused` or `unclear`.
    pub outcome: String,
    /// Zendesk's clock at the answer; the read-back's if there was none.
    pub answered_at: String,
    /// What Zendesk or the network said, where it was not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it could be used; absent where no place of it was bad, or it did not end by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<ExposureSplit>,
    /// From the durable intent to the answer, in milliseconds; absent where no request left, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_after_ms: Option<String>,
}

/// What the person's listing said afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationGraded {
    /// The session.
    pub session: String,
    /// The person.
    pub user: String,
    /// `ended`, `still-present` or `unknown`; `came-back` in a second record, of a later cycle.
    pub grade: String,
    /// How the person came back; only with that grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<ComeBack>,
}

/// A session that was opened soon after another one was ended, and the rule that fires on both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComeBack {
    /// The rule.
    pub rule: String,
    /// The new session.
    pub session: String,
    /// From the end of the one to the opening of the other, in milliseconds.
    pub after_ms: String,
}

/// Something the guard had cleared and that was kept after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The session.
    pub session: String,
    /// The person.
    pub user: String,
    /// The rule.
    pub rule: String,
    /// What held it.
    #[serde(flatten)]
    pub held: HeldBy,
    /// Why, in words.
    pub why: String,
}

/// An exposure: the instant it began, on Zendesk's clock, and its parts in milliseconds. They add up to all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureSplit {
    /// When the session was opened or used where a rule will not have it, as the source's row says.
    pub since: String,
    /// Until evictd asked for the last time without being told.
    pub log_ms: String,
    /// Until it asked again and judged the person.
    pub wait_ms: String,
    /// What of that, and of the act, was waiting for requests that the account could spare.
    pub budget_ms: String,
    /// While a belt or a mode withheld it.
    pub belts_ms: String,
    /// Reading back, writing down, and ending it.
    pub act_ms: String,
}

impl From<&Exposure> for ExposureSplit {
    fn from(exposure: &Exposure) -> Self {
        let told = |part: SignedDuration| part.as_millis().to_string();
        Self {
            since: exposure.since.to_string(),
            log_ms: told(exposure.log),
            wait_ms: told(exposure.wait),
            budget_ms: told(exposure.budget),
            belts_ms: told(exposure.belts),
            act_ms: told(exposure.act),
        }
    }
}

impl ExposureSplit {
    /// The exposure; none if it makes no sense.
    pub fn read(&self) -> Option<Exposure> {
        let read = |text: &str| text.parse().ok().map(SignedDuration::from_millis);
        Some(Exposure {
            since: self.since.parse::<Timestamp>().ok()?,
            log: read(&self.log_ms)?,
            wait: read(&self.wait_ms)?,
            budget: read(&self.budget_ms)?,
            belts: read(&self.belts_ms)?,
            act: read(&self.act_ms)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_was() {
        let [log, wait, budget, belts, act] = [1, 2_000, 0, 4, 5].map(SignedDuration::from_millis);
        let exposure = Exposure { since: Timestamp::UNIX_EPOCH, log, wait, budget, belts, act };
        let split = ExposureSplit::from(&exposure);
        assert_eq!(split.read(), Some(exposure));
        assert_eq!(ExposureSplit { act_ms: "soon".to_owned(), ..split }.read(), None);
    }
}
