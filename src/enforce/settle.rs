//! Settling: an intent that has no outcome, after a crash or an unclear answer, is looked up before anything else.

use std::str::FromStr;

use super::act::{Seen, look_up};
use crate::model::{Action, Outcome, SessionId, UserId};
use crate::record::RevocationOutcome;
use crate::trail::{OpenIntent, Trail, TrailTrouble};
use crate::zendesk::Zendesk;

/// Writes an outcome for every open intent. Gone counts as revoked; what is still there stays unclear, and the cycle
/// that follows judges it anew; where Zendesk is silent the intent stays open.
///
/// Returns how many stay open.
///
/// # Errors
///
/// When the trail cannot be written.
pub async fn settle(open: Vec<OpenIntent>, zendesk: &Zendesk, trail: &mut Trail) -> Result<usize, TrailTrouble> {
    let mut silent = 0;
    for OpenIntent { seq, intended } in open {
        let sessions: Vec<SessionId> =
            intended.sessions.iter().filter_map(|one| SessionId::from_str(one).ok()).collect();
        let action = Action::from_word(&intended.action).unwrap_or(Action::RevokeUser);
        let Ok(user) = UserId::from_str(&intended.user) else { continue };
        let (outcome, detail) = match look_up(zendesk, action, user, &sessions).await {
            Seen::Gone => (Outcome::Revoked, "settled: no longer listed"),
            Seen::There => (Outcome::Unclear, "settled: still listed, judged anew"),
            Seen::Silent(_) => {
                silent += 1;
                continue;
            }
        };
        let record = RevocationOutcome {
            intent: Some(seq.to_string()),
            sessions: intended.sessions,
            user: intended.user,
            stratum: intended.stratum,
            rules: intended.rules,
            outcome: outcome.word().to_owned(),
            // No later instant is known to be right: an answer's own date may be anything.
            answered_at: intended.read_back,
            detail: Some(detail.to_owned()),
            exposure: None,
            answered_after_ms: None,
        };
        trail.write_durably(None, record.into(), None)?;
    }
    Ok(silent)
}
