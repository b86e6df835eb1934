//! The account's request budget: how many requests may leave in any minute, and when Zendesk asked for none at all.
//!
//! Pure but for its memory: it is told the time and says *go* or *wait*. A window that rolls, not a bucket that fills:
//! a full bucket lets twice the promised number through in its first minute, and the account is shared with others.
//! What is scarce is spent in an order: acts first, then looks, then the listing of a sweep.
//! Zendesk limits some endpoints on their own. Using up one of these holds back that endpoint and nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use super::Method;

const WINDOW: Duration = Duration::from_mins(1);

/// Of what is not reserved a listing leaves one part in so many to the looks beside it: room for what is new each minute,
/// and for about five people. What looks do not need of it lies idle; what they need beyond it they have before the listing.
const LOOKS_PART: usize = 3;

/// However much looks use of their part, one part in so many of what is not reserved is never a listing's: the next look
/// finds room at once, and acts seldom come on top of a full minute.
const NEVER_LISTED_PART: usize = 8;

/// A listing leaves a look that waited until then so much time to leave first.
const LOOKS_FIRST: Duration = Duration::from_secs(1);

/// Where the access log is read.
pub(super) const ACCESS_LOGS: &str = "/api/v2/access_logs";

/// How much of the account's requests evictd may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Requests in any 60 seconds, at most.
    pub requests_per_minute_max: u32,
    /// Part of the account's own limit, as its answers name it, in percent.
    pub part_of_limit_max_percent: u8,
    /// Part of the budget that listing the account may not touch, in percent: it is for reading back and acting.
    pub reserve_percent: u8,
}

/// What a request is for; the later ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Listing who is in scope: can wait, stays off the reserve and off what is left to looks.
    Sweep,
    /// Hearing what is new, and looking at whom that names: stays off the reserve.
    Look,
    /// Reading back, acting, looking what became of it: somebody waits for it.
    Act,
}

/// How fast requests may go, and what stands in their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Requests of a sweep in a minute, at most.
    pub requests_per_minute: u32,
    /// The account's own limit, once an answer named it.
    pub account_limit: Option<u32>,
    /// Requests that left in the last minute, whatever for.
    pub used_in_last_minute: u32,
    /// For how long nothing at all may leave, and Zendesk's reason; none if it may.
    pub held: Option<(Duration, String)>,
    /// How often Zendesk asked to be left alone so far, by any of its endpoints.
    pub holds: u64,
}

/// What Zendesk may limit on its own: a method, and a path in which ids are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    method: Method,
    path: String,
}

impl Endpoint {
    /// The endpoint of a request to this path, query and all.
    pub(super) fn of(method: Method, path: &str) -> Self {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let is_id = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = path.split('/').map(|part| if is_id(part) { "*" } else { part });
        Self { method, path: parts.collect::<Vec<_>>().join("/") }
    }

    /// Whether a service of its own answers there, as for access logs: its limit is never the account's, its answers
    /// tell of no other, and its bad days are its own.
    pub(super) fn is_apart(&self) -> bool {
        self.path == ACCESS_LOGS
    }
}

/// Whether a request may leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leave {
    /// Yes, and it is counted.
    Go,
    /// Our own budget is used up for so long.
    Full(Duration),
    /// Zendesk asked to be left alone for so long.
    Held(Duration, String),
}

/// Zendesk asked to be left alone until then, on the monotonic clock.
#[derive(Debug, Clone)]
struct Hold {
    /// Where; everywhere if there is none.
    endpoint: Option<Endpoint>,
    until: Duration,
    why: String,
}

#[derive(Debug)]
pub(super) struct Budget {
    limits: BudgetLimits,
    /// The account's limit, once an answer named it.
    account_limit: Option<u32>,
    /// When the requests of the last minute left, on the monotonic clock, oldest first, and what for.
    sent: VecDeque<(Duration, Purpose)>,
    /// Of these, looks.
    looks: usize,
    /// Whether a listing leaves room to looks.
    is_beside_looks: bool,
    /// A look waits for room until then.
    look_waits: Option<Duration>,
    /// How often Zendesk asked to be left alone.
    held_count: u64,
    /// At most one for each endpoint, and one for the account.
    holds: Vec<Hold>,
}

impl Budget {
    /// Goes on where an earlier client of the same account stood.
    pub(super) fn inherit(&mut self, earlier: &Self) {
        self.account_limit = earlier.account_limit;
        self.sent.clone_from(&earlier.sent);
        self.holds.clone_from(&earlier.holds);
        (self.looks, self.held_count) = (earlier.looks, earlier.held_count);
    }

    pub(super) fn new(limits: BudgetLimits) -> Self {
        Self {
            limits,
            account_limit: None,
            sent: VecDeque::new(),
            looks: 0,
            is_beside_looks: false,
            look_waits: None,
            held_count: 0,
            holds: Vec::new(),
        }
    }

    /// Whether looks go on while a sweep lists.
    pub(super) fn is_beside_looks(&mut self, is: bool) {
        self.is_beside_looks = is;
    }

    /// The limit that an answer named; none, or zero, changes nothing.
    pub(super) fn account_limit_is(&mut self, limit: u32) {
        if limit > 0 {
            self.account_limit = Some(limit);
        }
    }

    /// Nothing leaves before this instant: nothing for this endpoint if there is one, else nothing at all.
    pub(super) fn hold_until(&mut self, until: Duration, why: String, endpoint: Option<Endpoint>) {
        self.held_count = self.held_count.saturating_add(1);
        match self.holds.iter_mut().find(|hold| hold.endpoint == endpoint) {
            Some(already) if already.until >= until => {}
            Some(already) => (already.until, already.why) = (until, why),
            None => self.holds.push(Hold { endpoint, until, why }),
        }
    }

    /// Asks to send one request now.
    pub(super) fn leave(&mut self, now: Duration, purpose: Purpose, endpoint: &Endpoint) -> Leave {
        let leave = self.would_leave(1, now, purpose, |held| held == endpoint);
        if leave == Leave::Go {
            self.sent.push_back((now, purpose));
            self.looks += usize::from(purpose == Purpose::Look);
        }
        if purpose == Purpose::Look {
            self.look_waits = if let Leave::Full(wait) = &leave { Some(now.saturating_add(*wait)) } else { None };
        }
        leave
    }

    /// Whether so many requests, of which one ends sessions, could leave now. Counts nothing.
    pub(super) fn room_to_act(&mut self, requests: usize, now: Duration) -> Leave {
        self.would_leave(requests, now, Purpose::Act, |held| held.method == Method::Delete)
    }

    /// How a sweep can go on from now.
    pub(super) fn pace(&mut self, now: Duration) -> Pace {
        self.forget(now);
        let held = self.holds.iter().find(|hold| hold.endpoint.is_none());
        Pace {
            requests_per_minute: u32::try_from(self.room(Purpose::Sweep).saturating_sub(self.kept_for_looks()))
                .unwrap_or(u32::MAX),
            account_limit: self.account_limit,
            used_in_last_minute: u32::try_from(self.sent.len()).unwrap_or(u32::MAX),
            held: held.map(|hold| (hold.until.saturating_sub(now), hold.why.clone())),
            holds: self.held_count,
        }
    }

    fn forget(&mut self, now: Duration) {
        self.holds.retain(|hold| hold.until > now);
        while let Some((_, purpose)) = self.sent.pop_front_if(|(sent, _)| sent.saturating_add(WINDOW) <= now) {
            self.looks = self.looks.saturating_sub(usize::from(purpose == Purpose::Look));
        }
    }

    fn would_leave(
        &mut self,
        requests: usize,
        now: Duration,
        purpose: Purpose,
        concerns: impl Fn(&Endpoint) -> bool,
    ) -> Leave {
        self.forget(now);
        let ours = self.holds.iter().filter(|hold| hold.endpoint.as_ref().is_none_or(&concerns));
        if let Some(longest) = ours.max_by_key(|hold| hold.until) {
            return Leave::Held(longest.until.saturating_sub(now), longest.why.clone());
        }
        let first = self.look_waits.map(|until| until.saturating_add(LOOKS_FIRST));
        if let Some(until) = first.filter(|until| purpose == Purpose::Sweep && *until > now) {
            return Leave::Full(until.saturating_sub(now));
        }
        let room = self.room(purpose);
        let kept = if purpose == Purpose::Sweep { self.kept_for_looks() } else { 0 };
        // More than a whole minute has room for is had by no wait.
        let needed = requests.min(room.saturating_sub(kept));
        let (mut sent, mut looks) = (self.sent.len(), self.looks);
        let mut leaving = self.sent.iter();
        let mut wait = Duration::ZERO;
        let never = if kept == 0 { 0 } else { room / NEVER_LISTED_PART };
        // What looks did not use of their part counts as used.
        while sent.saturating_add(kept.saturating_sub(looks).max(never)).saturating_add(needed) > room {
            let Some((at, purpose)) = leaving.next() else { break };
            (sent, looks) = (sent.saturating_sub(1), looks.saturating_sub(usize::from(*purpose == Purpose::Look)));
            wait = at.saturating_add(WINDOW).saturating_sub(now);
        }
        if wait.is_zero() { Leave::Go } else { Leave::Full(wait) }
    }

    /// Requests in a minute that a listing leaves to looks.
    fn kept_for_looks(&self) -> usize {
        if self.is_beside_looks { self.room(Purpose::Look) / LOOKS_PART } else { 0 }
    }

    /// Requests of this purpose in a minute; never none, or nothing would ever be learned.
    fn room(&self, purpose: Purpose) -> usize {
        let BudgetLimits { requests_per_minute_max, part_of_limit_max_percent, reserve_percent } = self.limits;
        let part = self.account_limit.map_or(u64::MAX, |limit| percent(limit.into(), part_of_limit_max_percent));
        let all = part.min(requests_per_minute_max.into());
        let room = match purpose {
            Purpose::Act => all,
            Purpose::Look | Purpose::Sweep => percent(all, 100_u8.saturating_sub(reserve_percent)),
        };
        usize::try_from(room.max(1)).unwrap_or(usize::MAX)
    }
}

fn percent(whole: u64, part: u8) -> u64 {
    whole.saturating_mul(part.min(100).into()) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: (Method, &str) = (Method::Get, "/api/v2/users/7/sessions/8");

    fn leave(budget: &mut Budget, now: Duration, purpose: Purpose) -> Leave {
        budget.leave(now, purpose, &Endpoint::of(SHOW.0, SHOW.1))
    }

    fn budget(limits: (u32, u8, u8), account_limit: u32) -> Budget {
        let (requests_per_minute_max, part_of_limit_max_percent, reserve_percent) = limits;
        let mut budget =
            Budget::new(BudgetLimits { requests_per_minute_max, part_of_limit_max_percent, reserve_percent });
        budget.account_limit_is(account_limit);
        budget
    }

    /// How many leave at the same instant.
    fn check(limits: (u32, u8, u8), account_limit: u32, purpose: Purpose, expected: usize) {
        let mut budget = budget(limits, account_limit);
        let left = (0..10_000).take_while(|_| leave(&mut budget, Duration::ZERO, purpose) == Leave::Go).count();
        assert_eq!(left, expected, "{limits:?} of {account_limit}");
    }

    #[test]
    fn room_is_the_smaller_limit_less_the_reserve() {
        check((100, 25, 20), 0, Purpose::Act, 100);
        check((100, 25, 20), 0, Purpose::Sweep, 80);
        check((100, 25, 20), 200, Purpose::Act, 50);
        check((100, 25, 20), 200, Purpose::Sweep, 40);
        check((100, 25, 20), u32::MAX, Purpose::Act, 100);
        check((100, 25, 20), 1, Purpose::Act, 1);
        check((100, 0, 100), 400, Purpose::Sweep, 1);
        check((0, 255, 255), 400, Purpose::Sweep, 1);
    }

    #[test]
    fn sweep_leaves_the_reserve_to_acts() {
        let mut budget = budget((10, 100, 20), 0);
        while leave(&mut budget, Duration::ZERO, Purpose::Sweep) == Leave::Go {}
        assert_eq!(leave(&mut budget, Duration::ZERO, Purpose::Act), Leave::Go);
        assert_eq!(leave(&mut budget, Duration::ZERO, Purpose::Act), Leave::Go);
        assert_eq!(leave(&mut budget, Duration::ZERO, Purpose::Act), Leave::Full(WINDOW));
    }

    /// How many more leave at this instant.
    fn rest(budget: &mut Budget, now: Duration, purpose: Purpose) -> usize {
        (0..100).take_while(|_| leave(budget, now, purpose) == Leave::Go).count()
    }

    #[test]
    fn a_listing_leaves_looks_their_part_and_looks_leave_acts_the_reserve() {
        let seconds = Duration::from_secs;
        let mut budget = budget((100, 25, 20), 175);
        budget.is_beside_looks(true);
        assert_eq!(rest(&mut budget, seconds(0), Purpose::Sweep), 23);
        assert!((0..11).all(|_| leave(&mut budget, seconds(1), Purpose::Look) == Leave::Go));
        assert_eq!(rest(&mut budget, seconds(2), Purpose::Act), 9);
        assert_eq!(leave(&mut budget, seconds(3), Purpose::Sweep), Leave::Full(seconds(57)));
        // What looks use of their part takes little from the listing.
        assert_eq!(rest(&mut budget, seconds(60), Purpose::Sweep), 10);
        assert_eq!(rest(&mut budget, seconds(62), Purpose::Sweep), 13);
        // Looks that need more have it before the listing.
        assert_eq!(rest(&mut budget, seconds(200), Purpose::Look), 34);
        assert_eq!(leave(&mut budget, seconds(201), Purpose::Sweep), Leave::Full(seconds(60)));
        // One that waits for room leaves before any listing.
        assert_eq!(leave(&mut budget, seconds(202), Purpose::Look), Leave::Full(seconds(58)));
        assert_eq!(leave(&mut budget, seconds(260), Purpose::Sweep), Leave::Full(seconds(1)));
        assert_eq!(leave(&mut budget, seconds(260), Purpose::Look), Leave::Go);
        assert_eq!(leave(&mut budget, seconds(260), Purpose::Sweep), Leave::Go);
        budget.is_beside_looks(false);
        assert_eq!(rest(&mut budget, seconds(400), Purpose::Sweep), 34);
    }

    #[test]
    fn no_minute_holds_more_than_the_limit() {
        let mut budget = budget((7, 100, 0), 0);
        let mut now = Duration::ZERO;
        let mut left = Vec::new();
        while left.len() < 100 {
            match leave(&mut budget, now, Purpose::Act) {
                Leave::Full(wait) => now += wait,
                _ => left.push(now),
            }
            now += Duration::from_millis(1_700);
        }
        assert!(left.windows(8).all(|eight| eight[7].saturating_sub(eight[0]) >= WINDOW));
    }

    #[test]
    fn longest_hold_counts() {
        let mut budget = budget((7, 100, 0), 0);
        budget.hold_until(Duration::from_secs(9), "status 429".to_owned(), None);
        budget.hold_until(Duration::from_secs(5), "shorter".to_owned(), None);
        let held = Leave::Held(Duration::from_secs(2), "status 429".to_owned());
        assert_eq!(leave(&mut budget, Duration::from_secs(7), Purpose::Act), held);
        assert_eq!(leave(&mut budget, Duration::from_secs(9), Purpose::Act), Leave::Go);
    }

    #[test]
    fn an_endpoints_own_limit_holds_back_that_endpoint_only() {
        let seconds = Duration::from_secs;
        let of = |(method, path): (Method, &str)| Endpoint::of(method, path);
        let check = |held: (Method, &str), other: (Method, &str), same: bool| {
            let mut budget = budget((7, 100, 0), 0);
            budget.hold_until(seconds(9), "used up".to_owned(), Some(of(held)));
            let expected = if same { Leave::Held(seconds(9), "used up".to_owned()) } else { Leave::Go };
            assert_eq!(budget.leave(Duration::ZERO, Purpose::Act, &of(other)), expected, "{held:?} {other:?}");
            let acts = if held.0 == Method::Delete { Leave::Held(seconds(9), "used up".to_owned()) } else { Leave::Go };
            assert_eq!(budget.room_to_act(1, Duration::ZERO), acts, "{held:?}");
            assert_eq!(budget.pace(Duration::ZERO).held, None);
            assert_eq!(budget.leave(seconds(9), Purpose::Act, &of(held)), Leave::Go);
        };
        let changes = (Method::Get, "/api/v2/incremental/users/cursor?cursor=a");
        let delete = (Method::Delete, SHOW.1);
        check(changes, (Method::Get, "/api/v2/incremental/users/cursor?start_time=1"), true);
        check(changes, SHOW, false);
        check(changes, delete, false);
        check(SHOW, (Method::Get, "/api/v2/users/99/sessions/1"), true);
        check(SHOW, (Method::Get, "/api/v2/users/7/sessions"), false);
        check(SHOW, delete, false);
        check(delete, (Method::Delete, "/api/v2/users/1/sessions/2"), true);
        let accesses = (Method::Get, "/api/v2/access_logs?page[size]=2500");
        check(accesses, (Method::Get, "/api/v2/access_logs?page[after]=a"), true);
        check(accesses, (Method::Get, "/api/v2/audit_logs?page[after]=a"), false);
        check(accesses, delete, false);
    }

    #[test]
    fn pace_tells_what_is_left_and_what_stands_in_the_way() {
        let mut budget = budget((100, 25, 20), 0);
        let quiet = Pace { requests_per_minute: 80, account_limit: None, used_in_last_minute: 0, held: None, holds: 0 };
        assert_eq!(budget.pace(Duration::ZERO), quiet);
        budget.account_limit_is(200);
        for _ in 0..3 {
            assert_eq!(leave(&mut budget, Duration::ZERO, Purpose::Act), Leave::Go);
        }
        budget.hold_until(Duration::from_secs(30), "status 429".to_owned(), None);
        let held = Some((Duration::from_secs(20), "status 429".to_owned()));
        let busy = Pace { requests_per_minute: 40, account_limit: Some(200), used_in_last_minute: 3, held, holds: 1 };
        assert_eq!(budget.pace(Duration::from_secs(10)), busy);
        let over = Pace { used_in_last_minute: 0, held: None, ..busy };
        assert_eq!(budget.pace(WINDOW), over);
        budget.is_beside_looks(true);
        assert_eq!(budget.pace(WINDOW), Pace { requests_per_minute: 27, ..over });
    }
}
