//! Who is in which group: read whole, or not known of anybody.

use std::collections::BTreeMap;

use crate::model::{Cause, UserId};
use crate::zendesk::{Denial, Purpose, Trouble, Zendesk};

/// The groups of everybody who is in any, or why they are not known: nobody may have asked for them, and a membership that
/// is missing may be anybody's. Asked for after the listing of sessions, they are as of *now* at least.
///
/// # Errors
///
/// When Zendesk does not accept the credential any more.
pub(super) async fn read(
    zendesk: &Zendesk,
    are_asked_for: bool,
    purpose: Purpose,
) -> Result<Result<BTreeMap<UserId, Vec<u64>>, Cause>, Trouble> {
    if !are_asked_for {
        return Ok(Err(Cause::NoSource));
    }
    let listing = zendesk.group_memberships(purpose).await;
    let cause = match listing.trouble {
        None => {
            let mut groups: BTreeMap<UserId, Vec<u64>> = BTreeMap::new();
            for row in listing.rows {
                groups.entry(row.user).or_default().push(row.group);
            }
            for ids in groups.values_mut() {
                ids.sort_unstable();
                ids.dedup();
            }
            return Ok(Ok(groups));
        }
        Some(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => return Err(trouble),
        Some(Trouble::Denied { kind: Denial::Plan, .. }) => Cause::PlanLacks,
        Some(_) if listing.rows.is_empty() => Cause::Down,
        Some(_) => Cause::Partial,
    };
    Ok(Err(cause))
}
