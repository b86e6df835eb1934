//! Who still holds OAuth tokens, of those who just lost a session or have left: ending a session ends no token.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{History, OauthToken, TOKENS_PER_PERSON_MAX, TokensSeen, UserId};
use crate::zendesk::{Trouble, Zendesk};

/// Whoever lost a session this long ago or less is asked for.
const EVICTED_LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Asks, if there is anybody to ask for. Whoever was evicted is told of even without a token; whoever left only with one.
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
    let mut held: BTreeMap<UserId, Vec<OauthToken>> = evicted.iter().map(|user| (*user, Vec::new())).collect();
    for token in listed.value {
        if evicted.contains(&token.user) || leavers.contains(&token.user) {
            held.entry(token.user).or_default().push(token);
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
