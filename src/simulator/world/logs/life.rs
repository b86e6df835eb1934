//! What the logs hold of ordinary staff: whoever has a session signed in and used it, from home and with the browser of
//! the desk; some travel, hide behind a telephone's relay, carry a second device, or have programs of their own.
//!
//! Nobody here is an attacker: those are in `situations`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::habits::{CLOUD, INSIDE, INTEGRATION, JOURNEY, PHONE, RELAY, Visit};
use super::{AccessRow, AuditAction, LoginRow, Logs, TicketAudit};
use crate::model::{Moment, Person, Role, Session, UserId};
use crate::simulator::world::World;

/// Most requests of one session; there are two at least.
const ROWS_MAX: usize = 12;

/// A request every so many minutes.
const MINUTES_APART: i64 = 5;

/// Ids of ticket audits begin here.
const FIRST_AUDIT: u64 = 700_000_000_000;

/// How somebody lives, by their place among staff: one in twenty of each kind that is not plain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Plain,
    /// In the second half of a session from abroad, with the same browser.
    Journey,
    /// Every other request comes through a privacy relay.
    Relay,
    /// In the second half of a session from an address inside the company.
    Inside,
    /// Programs of theirs call the API from a cloud all the time.
    Integration,
}

impl Habit {
    fn of(place: usize) -> Self {
        match place % 20 {
            2 => Self::Journey,
            5 => Self::Relay,
            8 => Self::Integration,
            11 => Self::Inside,
            _ => Self::Plain,
        }
    }

    /// From where the request of this number out of so many comes.
    fn visit(self, home: &Visit, number: usize, count: usize) -> Visit {
        let is_second_half = number * 2 >= count;
        match self {
            Self::Journey if is_second_half => home.from(JOURNEY),
            Self::Inside if is_second_half => home.from(INSIDE),
            Self::Relay if number % 2 == 1 => home.from(RELAY),
            _ => home.clone(),
        }
    }
}

impl World {
    /// Fills the logs, empty or not, with what ordinary people left in them whose sessions stand here.
    ///
    /// Everybody's first session is that of the desk, further ones are a telephone's. Of each session of staff there is
    /// one sign-in, up to three seconds after it was opened, and up to a dozen requests until it was last seen. End
    /// users leave ticket audits only.
    pub fn fill_logs(&mut self) {
        let mut logs = Logs::default();
        for (place, sessions) in self.by_person(Self::is_staff).values().enumerate() {
            let habit = Habit::of(place);
            for (device, session) in sessions.iter().enumerate() {
                live(&mut logs, session, habit, device > 0);
            }
        }
        for session in self.by_person(|world, user| !world.is_staff(user)).values().flatten() {
            write_in(&mut logs, session);
        }
        logs.sign_ins.extend(self.housekeeping());
        logs.sign_ins.sort_by_key(|row| (row.at, row.user));
        logs.accesses.sort_by_key(|row| (row.at, row.user));
        logs.audits.sort_by_key(|row| (row.at, row.author));
        for row in logs.sign_ins {
            self.logs.audit(row);
        }
        self.logs.accesses.extend(logs.accesses);
        let first = FIRST_AUDIT + u64::try_from(self.logs.audits.len()).unwrap_or(0);
        self.logs.audits.extend((first..).zip(logs.audits).map(|(id, row)| TicketAudit { id, ..row }));
    }

    /// Whether this is an agent or admin: of others no log of staff tells.
    pub fn is_staff(&self, user: UserId) -> bool {
        let role = self.people.get(&user).and_then(|person| person.role);
        matches!(role, Some(Role::Agent | Role::Admin))
    }

    fn by_person(&self, asked: impl Fn(&Self, UserId) -> bool) -> BTreeMap<UserId, Vec<Session>> {
        let mut found: BTreeMap<UserId, Vec<Session>> = BTreeMap::new();
        for session in self.sessions.values() {
            if let Some(user) = session.user.filter(|user| asked(self, *user)) {
                found.entry(user).or_default().push(*session);
            }
        }
        found
    }

    /// What else the audit log tells of: each admin changes something in the middle of a session.
    fn housekeeping(&self) -> Vec<LoginRow> {
        let actions = [AuditAction::Update, AuditAction::Create, AuditAction::Exported, AuditAction::Destroy];
        let is_admin = |person: &&Person| person.role == Some(Role::Admin);
        let admins = self.people.values().filter(is_admin).flat_map(|admin| self.sessions_of(admin.id).take(1));
        let row = |(session, action): (&Session, AuditAction)| {
            let (user, (opened, seen)) = (session.user?, life_of(session)?);
            let address = Visit::at_home(user, session.id).address;
            let at = part(opened, seen, (1, 2));
            Some(LoginRow { id: 0, action, user, session: None, at, address, late: SignedDuration::ZERO })
        };
        admins.zip(actions.into_iter().cycle()).filter_map(row).collect()
    }
}

/// When a session was opened and last seen.
pub(super) fn life_of(session: &Session) -> Option<(Timestamp, Timestamp)> {
    let opened = session.authenticated_at?.at();
    Some((opened, session.last_seen_at.map_or(opened, Moment::at).max(opened)))
}

/// The instant at this part of the way between two.
pub(super) fn part(from: Timestamp, to: Timestamp, (above, below): (usize, usize)) -> Timestamp {
    let (above, below) = (i128::try_from(above).unwrap_or(0), i128::try_from(below.max(1)).unwrap_or(1));
    let way = (to.as_nanosecond() - from.as_nanosecond()) * above / below;
    Timestamp::from_nanosecond(from.as_nanosecond() + way).unwrap_or(to)
}

/// When the audit log says that a session was opened: up to three seconds late, by its id.
pub(super) fn logged_at(opened: Timestamp, session: &Session) -> Timestamp {
    let late = i64::try_from(session.id.0 % 4).unwrap_or(0);
    opened.saturating_add(SignedDuration::from_secs(late)).unwrap_or(opened)
}

/// One session of staff, from its sign-in to its last request.
fn live(logs: &mut Logs, session: &Session, habit: Habit, is_phone: bool) {
    let (Some(user), Some((opened, seen))) = (session.user, life_of(session)) else { return };
    let desk = Visit::at_home(user, session.id);
    let home = if is_phone { desk.with(PHONE) } else { desk };
    logs.sign_in((user, Some(session.id)), logged_at(opened, session), home.address);
    let minutes = seen.duration_since(opened).as_mins();
    let count = usize::try_from(minutes / MINUTES_APART + 2).unwrap_or(2).min(ROWS_MAX);
    let rows = |visit: &dyn Fn(usize) -> Visit| -> Vec<AccessRow> {
        let at = |number| part(opened, seen, (number * 2 + 1, count * 2));
        (0..count).map(|number| visit(number).row(at(number), number)).collect()
    };
    logs.accesses.extend(rows(&|number| habit.visit(&home, number, count)));
    if habit == Habit::Integration && !is_phone {
        let program = Visit { session: None, address: CLOUD, agent: Some(INTEGRATION.into()), user };
        logs.accesses.extend(rows(&|_| program.clone()));
    }
    let channel = if is_phone { "mobile" } else { "web" };
    logs.audits.push(audit(session, user, part(opened, seen, (1, 3)), &home, channel));
}

/// One end user's session: every fourth wrote on a ticket when it began, and every sixteenth by e-mail, which tells
/// nothing of where and with what.
fn write_in(logs: &mut Logs, session: &Session) {
    let (Some(user), Some((opened, _))) = (session.user, life_of(session)) else { return };
    let home = Visit::at_home(user, session.id);
    match session.id.0 % 16 {
        4 | 8 | 12 => logs.audits.push(audit(session, user, opened, &home, "web")),
        0 => {
            let blind = audit(session, user, opened, &home, "email");
            logs.audits.push(TicketAudit { address: None, agent: None, ..blind });
        }
        _ => {}
    }
}

fn audit(session: &Session, author: UserId, at: Timestamp, visit: &Visit, channel: &'static str) -> TicketAudit {
    TicketAudit {
        id: 0,
        ticket: 1_000 + session.id.0 % 9_000,
        author,
        at,
        address: Some(visit.address),
        agent: visit.agent.clone(),
        channel,
        late: SignedDuration::ZERO,
    }
}
