//! What logs would have seen of a world's staff: where sessions were opened and used, and with what. Zendesk's session
//! rows carry neither, so that a snapshot has to be told.
//!
//! Most staff work from home in one country with the browser of their desk. A few do not, each in a way of their own; of
//! a few it cannot be told. Addresses are real ones, since made-up ones lie in no country.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::model::{Act, Moment, Session, Sighting, SourceStanding, Stratum};
use crate::snapshot::Snapshot;

/// The log of sign-ins.
const SIGN_INS: &str = "sign-in log";

/// The log of use.
const USES: &str = "access log";

/// Lines of households in the United States, Canada and Ireland.
const HOMES: &[&str] =
    &["73.162.10.20", "71.178.20.9", "24.160.33.7", "99.224.10.10", "86.40.10.10", "2601:640:8f00::17"];

const DESKS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
];

const SCRIPT: &str = "python-requests/2.32.5";
const DRIVEN: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36";

/// A second place of a session: an address, and an agent if it is another than at home.
type Elsewhere = (Option<&'static str>, Option<&'static str>);

/// The second places that some sessions have, by the number of the session among those of agents.
const ELSEWHERE: &[(usize, Elsewhere)] = &[
    // A script in South Africa goes on with the session.
    (4, (Some("41.0.0.1"), Some(SCRIPT))),
    // A browser driven by a program, in a data centre.
    (7, (Some("5.9.0.1"), Some(DRIVEN))),
    // The agent's own script, at home.
    (9, (None, Some("curl/8.9.1"))),
    // A journey to Vienna, with the browser that was used before.
    (12, (Some("84.112.0.1"), None)),
    // A privacy relay that a phone uses by itself.
    (14, (Some("104.28.40.1"), None)),
    // An address inside the company, which is in no database.
    (16, (Some("10.20.30.40"), None)),
];

/// Puts into the snapshot what a log of sign-ins and one of use would have told of its staff.
pub fn see_staff(snapshot: &mut Snapshot, seed: u64) {
    let mut draws = fastrand::Rng::with_seed(seed);
    let as_of = snapshot.now;
    for (name, tells) in [(SIGN_INS, Act::SignIn), (USES, Act::Use)] {
        snapshot.sources.insert(name.into(), SourceStanding::whole(tells, as_of));
    }
    let is_of = |session: &&Session, stratum| session.user.is_some_and(|user| snapshot.stratum_of(user) == stratum);
    let admins = snapshot.sessions.iter().filter(|session| is_of(session, Stratum::Admins));
    let agents = snapshot.sessions.iter().filter(|session| is_of(session, Stratum::Agents));
    let numbered = agents.enumerate().map(|(number, session)| (session, Some(number)));
    let mut seen = Vec::new();
    for (session, number) in admins.map(|session| (session, None)).chain(numbered) {
        let elsewhere = ELSEWHERE.iter().find(|(other, _)| Some(*other) == number).map(|(_, place)| *place);
        seen.extend(sightings(session, elsewhere, &mut draws));
    }
    snapshot.sightings = seen;
}

/// One session, opened and used at home, and then elsewhere if it was.
fn sightings(session: &Session, elsewhere: Option<Elsewhere>, draws: &mut fastrand::Rng) -> Vec<Sighting> {
    let (Some(user), Some(opened)) = (session.user, session.authenticated_at) else { return Vec::new() };
    let pick = |from: &'static [&'static str], draws: &mut fastrand::Rng| from.get(draws.usize(..from.len())).copied();
    let (home, desk) = (pick(HOMES, draws), pick(DESKS, draws));
    let last = session.last_seen_at.unwrap_or(opened).max(opened);
    let row = |act, address: Option<&str>, agent: Option<&str>, first: Moment| Sighting {
        user,
        session: Some(session.id),
        act,
        address: address.and_then(|address| address.parse::<IpAddr>().ok()),
        agent: agent.map(Arc::from),
        first,
        last: if act == Act::SignIn { first } else { last },
        source: if act == Act::SignIn { SIGN_INS } else { USES }.into(),
    };
    let mut seen = vec![row(Act::SignIn, home, desk, opened), row(Act::Use, home, desk, opened)];
    if let Some((address, agent)) = elsewhere {
        let half_way = opened.at().duration_until(last.at()).checked_div(2).unwrap_or(SignedDuration::ZERO);
        let from = Moment::from(opened.at().checked_add(half_way).unwrap_or(opened.at()));
        seen.push(row(Act::Use, address.or(home), agent.or(desk), from));
    }
    seen
}
