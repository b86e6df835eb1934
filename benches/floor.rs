//! The floor: the benchmark's rules written by hand, as fast as plain code does them. To be changed only to make it
//! faster, and together with the rules as policies, which stand beside it.

use evictd::model::Role;
use evictd::snapshot::Snapshot;
use jiff::SignedDuration;

/// How many rules there are, four of each kind.
pub const RULES: i64 = 20;

/// One rule as policy text.
pub fn rule(number: i64) -> String {
    let step = number / 5;
    let when = match number % 5 {
        0 => format!("user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"{}h\"", 10 + step),
        1 => format!("user.role.is = \"end-user\"\nsession.age.over = \"{}d\"", 20 + step),
        2 => format!("user.role.in = [\"agent\", \"admin\"]\nsession.idle.over = \"{}m\"", 55 + step),
        3 => format!("user.suspended = true\nsession.age.over = \"{step}s\""),
        _ => format!("user.email-domain.not-in = [\"example.com\", \"example{step}.org\"]\nuser.deleted = false"),
    };
    format!("[[rule]]\nid = \"r{number}\"\ntitle = \"t\"\naction = \"revoke-session\"\n[rule.when]\n{when}\n")
}

/// How many claims fire.
pub fn judge(snapshot: &Snapshot) -> usize {
    let slack = SignedDuration::from_mins(10);
    let mut fired = 0;
    for session in &snapshot.sessions {
        let Some(person) = session.user.and_then(|user| snapshot.people.get(&user)) else { continue };
        let (Some(opened), Some(used)) = (session.authenticated_at, session.last_seen_at) else { continue };
        let age = opened.at().duration_until(snapshot.now);
        let idle = used.at().duration_until(session.seen.at()) - slack;
        let staff = matches!(person.role, Some(Role::Agent | Role::Admin));
        let customer = person.role == Some(Role::EndUser);
        let domain = person.email.as_ref().and_then(|email| email.raw().rsplit_once('@')).map(|(_, domain)| domain);
        for step in 0..RULES / 5 {
            fired += usize::from(staff && age > SignedDuration::from_hours(10 + step));
            fired += usize::from(customer && age > SignedDuration::from_hours(24 * (20 + step)));
            fired += usize::from(staff && idle > SignedDuration::from_mins(55 + step));
            fired += usize::from(person.suspended == Some(true) && age > SignedDuration::from_secs(step));
            let other = domain.is_none_or(|domain| domain != "example.com" && !domain.starts_with("example0.org"));
            fired += usize::from(other && person.deleted == Some(false));
        }
    }
    fired
}
