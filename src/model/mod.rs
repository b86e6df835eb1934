//! The nouns of evictd and nothing that acts on them: ids, sessions, people, facts, answers, outcomes.
//!
//! One idea has one word, in code, policies, logs and reports:
//!
//! | word | meaning |
//! |---|---|
//! | account | one Zendesk account, `{subdomain}.zendesk.com` |
//! | session | one signed-in session that Zendesk lists |
//! | person | the Zendesk user a session belongs to; *staff* are agents and admins |
//! | stratum | admins, agents or end users: belts count each apart |
//! | sign-in | a row that says: this person signed in, at this time, from this address |
//! | sighting | person, address and client, seen from then to then |
//! | place | an address and a client of a session, with what is known about both |
//! | fact | one named value about a session: *known* (value, source, as of, strength) or *unknown* (why) |
//! | condition | what a rule asks; it answers yes, no or unknown |
//! | claim | one rule on one session: fired, spared or undecided |
//! | verdict | per session: revoke, spare, undecided or keep |
//! | intention | what would be done if nothing held it back |
//! | belt | a limit that holds intentions back |
//! | cleared, withheld | what the guard lets through, what it keeps |
//! | outcome | revoked, already gone, refused or unclear |
//! | grade | afterwards: ended, still present or unknown |
//! | exposure | how long a bad session could be used, from the row that shows it until it is gone |
//! | trail, record | the audit log, one line of it |
//!
//! Nothing here reads a clock, a file or a socket, and nothing derives a wire format: the rooms at the boundary have
//! their own structs and convert.

mod answer;
mod duration;
mod fact;
mod foreign;
mod ids;
mod law;
mod memory;
mod moment;
mod person;
mod seen;
mod session;

pub use answer::{Answer, Cause, Causes, Strength};
pub use duration::{human_duration, parse_duration};
pub use fact::{Fact, Known, Source, Value};
pub use foreign::{FOREIGN_BYTES_MAX, Foreign, harmless_json, is_harmful};
pub use ids::{AccountName, CycleId, ExceptionId, RuleId, SessionId, UserId};
pub use law::{Action, CycleKind, Mode, Scope, Severity};
pub use memory::{
    Basis, Ended, Exposure, Exposures, Grade, HABIT_CYCLES_MAX, HAUNTS_MAX, HAUNTS_REMEMBERED, HOLD_LASTS, Habit,
    HabitCycle, Haunt, HauntKey, HauntLesson, Haunts, History, Hold, HoldState, Input, KnownSession, Lesson,
    ListChange, ListMemory, ListStanding, ListTrouble, Listed, LogLesson, LogMemory, LogPlace, Memory, Moments,
    NoBasis, Outcome, Pause, Remembered, Rest, Roster, RowMemory, Run, SHARES_MAX, SHARES_MIN, STAFF_REMEMBERED,
    SeenKey, Share, Span, Traces, UsersCursor, Walk, Watched, stratum_of, usual,
};
pub use moment::Moment;
pub use person::{Membership, Person, Role, RoleType, Stratum};
pub use seen::{
    Act, COUNTRY_CODES, ClassAnswers, ClassSet, Classes, Client, ClientKind, Continent, Coordinates, Country, Database,
    Found, NetworkClass, OauthToken, Place, Seen, Sighting, SourceStanding, TOKENS_PER_PERSON_MAX, TokensSeen, Version,
};
pub use session::{Completeness, Session};
