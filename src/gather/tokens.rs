//! Who still holds OAuth tokens, of those who just lost a session or have left: ending a session ends no token.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{History, OauthToken, TOKENS_PER_PERSON_MAX, TokensSeen, UserId};
use crate::zendesk::{Trouble, Zendesk};

/// Whoever lost a session this long ago or less is asked for.
const EVICTED_LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Asks, if there is anybody to ask for. Who of these holds none is told too: not to hear of somebody is not to know.
pub(super) async fn read(
    zendesk: &Zendesk,
    (history, now): (&History, Timestamp),
    leavers: &BTreeSet<UserId>,
) -> Option<Result<TokensSeen, Trouble>> {
    let lately = history.ended.iter().filter(|one| one.is_watched() && one.at.duration_until(now) <= EVICTED_LATELY);
    let evicted: BTreeSet<UserId> = lately.map(|one| one.user).collect();
    if evicted.is_empty() && leavers.is_empty() {
        return None;
    }
    let listed = match zendesk.oauth_tokens().await {
        Ok(listed) => listed,
        Err(trouble) => return Some(Err(trouble)),
    };
    let mut held: BTreeMap<UserId, Vec<OauthToken>> =
        evicted.iter().chain(leavers).map(|user| (*user, Vec::new())).collect();
    for token in listed.value {
        if let Some(held) = held.get_mut(&token.user) {
            held.push(token);
        }
    }
    for tokens in held.values_mut() {
        // A row may come twice.
        tokens.sort();
        tokens.dedup();
        tokens.truncate(TOKENS_PER_PERSON_MAX);
    }
    Some(Ok(TokensSeen { as_of: listed.date, held }))
}
