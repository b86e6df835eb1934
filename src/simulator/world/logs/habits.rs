//! Where people are and with what, when nothing is wrong: homes, desks, telephones, and what they ask for.
//!
//! All of it follows from ids alone, so that whoever adds a row later adds it from the same home. Addresses are real
//! ones, since made-up ones lie in no country. Homes are eight hours apart: at most hours somebody works at night.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{AccessRow, Authorization};
use crate::model::{SessionId, UserId};

/// Lines of households in the United States, Canada and Ireland, and what Zendesk would call the place.
const HOMES: &[(IpAddr, &str)] = &[
    (v4(73, 162, 10, 20), "San Francisco, CA, United States"),
    (v4(71, 178, 20, 9), "Arlington, VA, United States"),
    (v4(24, 160, 33, 7), "Austin, TX, United States"),
    (v4(99, 224, 10, 10), "Toronto, ON, Canada"),
    (v4(86, 40, 10, 10), "Dublin, L, Ireland"),
    (IpAddr::V6(Ipv6Addr::new(0x2601, 0x640, 0x8f00, 0, 0, 0, 0, 0x17)), "Oakland, CA, United States"),
];

const DESKS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
];

/// Zendesk's own app on a telephone.
pub(super) const PHONE: &str =
    "Zendesk Support/4.27.0 (com.zendesk.agent.appstore; build:1; iOS 17.5.1) Alamofire/5.6.4";

/// A journey to Vienna; a privacy relay that a telephone uses by itself; an address inside the company, which is in no
/// database; a cloud in which integrations run.
pub(super) const JOURNEY: IpAddr = v4(84, 112, 0, 1);
pub(super) const RELAY: IpAddr = v4(104, 28, 40, 1);
pub(super) const INSIDE: IpAddr = v4(10, 20, 30, 40);
pub(super) const CLOUD: IpAddr = v4(52, 94, 76, 10);

/// What integrations are written with.
pub(super) const INTEGRATION: &str = "axios/1.13.2";

/// What staff ask for all day, in this order: verb, path, whether it is GraphQL.
const WORK: &[(&str, &str, bool)] = &[
    ("GET", "/api/v2/tickets/{}.json", false),
    ("POST", "/graphql", true),
    ("GET", "/api/v2/search.json?query=status%3Aopen&page={}", false),
    ("PUT", "/api/v2/tickets/{}.json", false),
    ("POST", "/graphql", true),
    ("GET", "/api/v2/users/{}.json", false),
];

pub(super) const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// From where this person works unless something says otherwise.
pub fn home_of(user: UserId) -> IpAddr {
    chosen(HOMES, user.get()).map_or(INSIDE, |(address, _)| *address)
}

/// The agent string of this person's browser.
pub fn desk_of(user: UserId) -> &'static str {
    chosen(DESKS, user.get() ^ 0xde5c).copied().unwrap_or_default()
}

/// What Zendesk would call the place of this address; nothing if it knows none.
pub(in crate::simulator) fn location_of(address: IpAddr) -> Option<&'static str> {
    HOMES.iter().find(|(home, _)| *home == address).map(|(_, place)| *place)
}

fn chosen<T>(from: &[T], number: u64) -> Option<&T> {
    from.get(fastrand::Rng::with_seed(number).usize(..from.len()))
}

/// Somebody at work: in which session if in any, from where, with what.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) user: UserId,
    pub(super) session: Option<SessionId>,
    pub(super) address: IpAddr,
    pub(super) agent: Option<Arc<str>>,
}

impl Visit {
    /// From home, with the browser of the desk.
    pub(super) fn at_home(user: UserId, session: SessionId) -> Self {
        Self { user, session: Some(session), address: home_of(user), agent: Some(desk_of(user).into()) }
    }

    /// The same session with another program.
    pub(super) fn with(&self, agent: &str) -> Self {
        Self { agent: Some(agent.into()), ..self.clone() }
    }

    /// The same session and program from elsewhere.
    pub(super) fn from(&self, address: IpAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// A request of everyday work: the number says which. Outside of sessions it is an API call with an OAuth token.
    pub(super) fn row(&self, at: Timestamp, number: usize) -> AccessRow {
        let (method, path, graphql) = WORK.get(number % WORK.len()).copied().unwrap_or(("GET", "/", false));
        let graphql = graphql && self.session.is_some();
        let path = if graphql { path.to_owned() } else { path.replace("{}", &(1_000 + number).to_string()) };
        AccessRow { graphql, ..self.request(at, method, &path) }
    }

    /// A request for this path.
    pub(super) fn request(&self, at: Timestamp, method: &'static str, path: &str) -> AccessRow {
        AccessRow {
            user: self.user,
            session: self.session,
            at,
            address: self.address,
            agent: self.agent.clone(),
            authorization: Some(if self.session.is_some() { Authorization::Session } else { Authorization::Bearer }),
            graphql: false,
            method,
            path: path.into(),
            status: 200,
            late: SignedDuration::ZERO,
        }
    }
}
