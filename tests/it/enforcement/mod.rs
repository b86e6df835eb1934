//! Whole cycles in one process: gather to report, against the simulator without sockets, on a trail in memory.
//!
//! Every DELETE of every test passes a wire that looks whether a durable intent names it and notes who really lost a
//! session. What a single room decides is tested in that room; here it is shown what all of them do together.

mod acts;
mod belts;
mod brakes;
mod crashes;
mod groups;
mod read_back;
mod returns;
mod secrets;
mod settled;
mod stage;
mod trails;
mod wire;
mod worlds;

pub use acts::{alter, tag};
pub use stage::{Stage, policies_of, session, user, withheld};
pub use trails::check_replay;
pub use wire::{Cut, Frail, Handbrake, Loss, Wire};

/// Belts so wide that nothing here reaches them.
pub const WIDE: &str = r#"
belts.dangerous-people-per-rule-max = 1000
belts.dangerous-people-per-rule-and-hour-max = 1000
belts.dangerous-people-per-rule-and-day-max = 1000
belts.dangerous-roster-part-per-hour-max = "100%"
belts.dangerous-roster-part-per-day-max = "100%"
belts.dangerous-roster-floor = 1000
"#;

/// One rule: sessions older than ten hours go.
pub const OLD: &str = r#"
schema = 1
[[rule]]
id = "old"
title = "Too old"
action = "revoke-session"
mode = "enforce"
when.session.age.over = "10h"
"#;

pub const SHOW: &str = "/api/v2/users/{id}/sessions/{sid}";
pub const OWN_LIST: &str = "/api/v2/users/{id}/sessions";
pub const LIST: &str = "/api/v2/sessions";
pub const PEOPLE: &str = "/api/v2/users/show_many";
