//! What goes wrong with a session, as logs would tell of it: each a verb on the world, for tests and for scripts.
//!
//! Sessions and logs are changed together, so that they agree. A verb on a session that is not there does nothing. Gaps
//! in the logs themselves are settings: see [`LogSettings`](super::LogSettings).

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::habits::{CLOUD, INTEGRATION, Visit, home_of, v4};
use super::life::{life_of, logged_at, part};
use crate::model::{Session, SessionId, UserId};
use crate::simulator::world::World;

/// A host of rented servers, and a country in which no staff live.
const HOSTING: IpAddr = v4(5, 9, 0, 1);
const ABROAD: IpAddr = v4(41, 0, 0, 1);

/// A browser driven by a program; a script; the script that an agent wrote.
const DRIVEN: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36";
const SCRIPT: &str = "python-requests/2.32.5";
const OWN_SCRIPT: &str = "curl/8.9.1";

/// How long a thief has had the cookie, and how often each of the two asks for something in that time.
const STOLEN_FOR: SignedDuration = SignedDuration::from_mins(20);
const REQUESTS: usize = 6;

/// How much is read in how long by whoever takes all there is.
const SCRAPED_FOR: SignedDuration = SignedDuration::from_mins(10);
const SCRAPED: usize = 400;

/// How far apart two sessions are that cannot be told from each other.
const APART: SignedDuration = SignedDuration::from_secs(2);

impl World {
    /// The session is used once from home, with the browser of the desk.
    pub fn use_session(&mut self, id: SessionId, now: Timestamp) {
        if let Some((visit, _)) = self.at_home(id) {
            self.visit(now, [visit.row(now, 0)]);
        }
    }

    /// For twenty minutes up to now, or since the session was opened, a browser that a program drives has used it from
    /// a rented server, in turns with its owner.
    pub fn steal_cookie(&mut self, id: SessionId, now: Timestamp) {
        let Some((_, (opened, _))) = self.at_home(id) else { return };
        self.share_cookie(id, opened.max(before(now, STOLEN_FOR)).min(now), now);
    }

    /// From then until now a browser that a program drives has used the session from a rented server, in turns with its
    /// owner, who began.
    pub fn share_cookie(&mut self, id: SessionId, since: Timestamp, now: Timestamp) {
        let Some((owner, _)) = self.at_home(id) else { return };
        let thief = owner.from(HOSTING).with(DRIVEN);
        let rows = (0..REQUESTS).flat_map(|number| {
            let at = |half| part(since, now, (number * 2 + half, REQUESTS * 2));
            [owner.row(at(1), number), thief.row(at(2), number)]
        });
        self.visit(now, rows.collect::<Vec<_>>());
    }

    /// Somebody abroad signs in as this person, and a script goes on with the session.
    pub fn phish(&mut self, user: UserId, now: Timestamp) -> SessionId {
        let id = self.open(user, now, now);
        let abroad = Visit::at_home(user, id).from(ABROAD).with(SCRIPT);
        self.log_sign_in(id, ABROAD);
        self.visit(now, [abroad.row(now, 0)]);
        id
    }

    /// A program of this person's calls the API from a cloud, with an OAuth token: in no session.
    pub fn call_api(&mut self, user: UserId, now: Timestamp) {
        let program = Visit { session: None, address: CLOUD, agent: Some(INTEGRATION.into()), user };
        self.visit(now, [program.row(now, 0)]);
    }

    /// In the second half of its life the person's own script has used the session too, at home.
    pub fn script_in_session(&mut self, id: SessionId) {
        let Some((owner, (opened, seen))) = self.at_home(id) else { return };
        let script = owner.with(OWN_SCRIPT);
        let half = part(opened, seen, (1, 2));
        let rows = (1..=REQUESTS).map(|number| script.row(part(half, seen, (number, REQUESTS)), number));
        self.visit(seen, rows.collect::<Vec<_>>());
    }

    /// In the last ten minutes of its life the session has read all tickets there are, from home and with the browser
    /// of the desk.
    pub fn scrape(&mut self, id: SessionId) {
        let Some((owner, (opened, seen))) = self.at_home(id) else { return };
        let since = opened.max(before(seen, SCRAPED_FOR));
        let rows = (1..=SCRAPED).map(|number| {
            let path = if number % 2 == 0 {
                format!("/api/v2/search/export.json?filter[type]=ticket&page[size]=1000&page[after]={number}")
            } else {
                format!("/api/v2/incremental/tickets.json?start_time={number}")
            };
            owner.request(part(since, seen, (number, SCRAPED)), "GET", &path)
        });
        self.visit(seen, rows.collect::<Vec<_>>());
    }

    /// Opens another session of this person within five seconds of that one, so that no row says which of the two it
    /// belongs to: both sign-ins are near both, and both sessions were last seen together.
    pub fn open_second(&mut self, user: UserId, near: SessionId) -> Option<SessionId> {
        let (opened, seen) = life_of(self.sessions.get(&near)?)?;
        let opened = opened.saturating_add(APART).unwrap_or(opened);
        let id = self.open(user, opened, seen.max(opened));
        if self.is_staff(user) {
            self.logs.sign_in((user, Some(id)), opened, home_of(user));
        }
        self.visit(seen, [Visit::at_home(user, id).row(seen.max(opened), 0)]);
        Some(id)
    }

    /// The sign-in row of a session of staff; end users leave none.
    pub(in crate::simulator::world) fn log_sign_in(&mut self, id: SessionId, address: IpAddr) {
        let Some((user, session)) = self.sessions.get(&id).and_then(|session| Some((session.user?, session))) else {
            return;
        };
        let Some((opened, _)) = life_of(session).filter(|_| self.is_staff(user)) else { return };
        let at = logged_at(opened, session);
        self.logs.sign_in((user, Some(id)), at, address);
    }

    fn at_home(&self, id: SessionId) -> Option<(Visit, (Timestamp, Timestamp))> {
        let session = self.sessions.get(&id)?;
        Some((Visit::at_home(session.user?, id), life_of(session)?))
    }

    /// Requests in a session, which was seen at the last of them; of end users no log tells.
    fn visit(&mut self, seen: Timestamp, rows: impl IntoIterator<Item = super::AccessRow>) {
        for row in rows {
            if let Some(session) = row.session.and_then(|id| self.sessions.get_mut(&id)) {
                touch(session, seen.max(row.at));
            }
            if self.is_staff(row.user) {
                self.logs.accesses.push(row);
            }
        }
    }
}

fn touch(session: &mut Session, seen: Timestamp) {
    session.last_seen_at = session.last_seen_at.max(Some(seen.into()));
}

fn before(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_sub(by).unwrap_or(now)
}
