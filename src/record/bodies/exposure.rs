//! How long a bad session could be used, as records tell it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::Exposure;

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
