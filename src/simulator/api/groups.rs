//! Who is in which group: made up from ids, the same for the same people, and of staff only.

use std::ops::RangeBounds as _;

use serde_json::json;

use super::super::access::instant;
use super::super::account::{EVERY, Span, created_at};
use super::super::call::Reply;
use super::super::state::{State, Turn};
use super::page::{Listing, Rows, Sizes};
use crate::model::{Membership, Person, Role};

/// The group of everybody on the staff.
const EVERYBODY: u64 = 36_000_001;

/// The teams: everybody on the staff is in one.
const TEAMS: [u64; 3] = [36_000_002, 36_000_003, 36_000_004];

impl State {
    /// `GET /api/v2/group_memberships`.
    pub(super) fn list_memberships(&self, turn: &Turn<'_>) -> Reply {
        let rows = |span: Span| -> Vec<Rows<'_, Membership>> {
            let all = self.account.people(EVERY).flat_map(memberships);
            vec![Box::new(all.filter(move |one| span.contains(&one.id)).map(|one| (one.id, one)))]
        };
        let listing =
            Listing { name: "group_memberships", base_url: &self.base_url, rows: &rows, sizes: Sizes::HUNDRED };
        listing.answer(turn, self.paging, |one| {
            let at = instant(created_at(one.user));
            json!({
                "id": one.id,
                "url": format!("{}/api/v2/group_memberships/{}", self.base_url, one.id),
                "user_id": one.user.get(),
                "group_id": one.group,
                "default": one.group == EVERYBODY,
                "created_at": at,
                "updated_at": at,
            })
        })
    }
}

/// In order of their ids.
fn memberships(person: &Person) -> impl DoubleEndedIterator<Item = Membership> {
    let number = person.id.get();
    let team = TEAMS.iter().copied().cycle().nth(usize::try_from(number % 3).unwrap_or_default());
    let is_member = matches!(person.role, Some(Role::Agent | Role::Admin)) && person.deleted != Some(true);
    let groups = [(0, Some(EVERYBODY)), (1, team)].into_iter().filter(move |_| is_member);
    groups.filter_map(move |(place, group)| {
        Some(Membership { id: number.saturating_mul(2) + place, user: person.id, group: group? })
    })
}
