//! What the account's plan lets evictd see beside sessions: each log asked once, and what Zendesk ends by itself.

use jiff::{SignedDuration, Timestamp};

use super::access::Asked;
use super::page::Row;
use crate::config::{Account, Wanted};
use crate::facts::{Controller, FAMILIES, FactSpec, Reading};
use crate::gather::{FeedRead, read_feeds};
use crate::model::{Act, Memory, Source, human_duration};
use crate::policy::{Endings, PolicySet};
use crate::zendesk::{Dated, Denial, SecuritySettings, Trouble};

/// A look into a log goes back so far.
const LOOKED_BACK: SignedDuration = SignedDuration::from_mins(10);

/// Which sources may tell something; one that could not be asked may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources {
    audit_log: bool,
    access_log: bool,
    /// A feed of sign-ins, with address and program. One of use tells what the access log does.
    feed: bool,
}

/// A log that tells facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    /// Sign-ins of staff, with their address.
    Audit,
    /// What staff asks for, with address and program.
    Access,
}

impl Log {
    fn tells(self, fact: &FactSpec) -> bool {
        match (fact.source, fact.controlled_by) {
            (Source::SignIn, Controller::Network) => self == Self::Audit,
            (Source::Sighting, Controller::Network) => self == Self::Access || !is_of_use(fact),
            (Source::Sighting, _) => self == Self::Access,
            _ => false,
        }
    }

    /// The families of places of which it tells something.
    fn families(self) -> String {
        let is_told = |fact: &FactSpec| !is_of_use(fact) && self.tells(fact);
        let told = FAMILIES.iter().filter(|family| family.facts.iter().any(is_told));
        told.map(|family| format!("`{}.*`", family.name)).collect::<Vec<_>>().join(", ")
    }
}

/// Whether it is a fact of the whole session, about how it is used: sign-ins alone never tell it.
fn is_of_use(fact: &FactSpec) -> bool {
    fact.source == Source::Sighting && matches!(fact.reading, Reading::Row(_))
}

impl Sources {
    /// Whether anything here can ever tell this fact. Whether the account has offboarding lists is for the caller.
    pub(super) fn tell(self, fact: &FactSpec) -> bool {
        match fact.source {
            Source::SignIn => self.feed || self.audit_log && Log::Audit.tells(fact),
            Source::Sighting => {
                self.feed && !is_of_use(fact)
                    || self.audit_log && Log::Audit.tells(fact)
                    || self.access_log && Log::Access.tells(fact)
            }
            _ => true,
        }
    }
}

/// Asks each log for its last minutes.
pub(super) async fn probe(asked: &Asked, account: &Account) -> (Sources, Vec<Row>) {
    let tells = |act| account.feeds.values().any(|feed| feed.format.tells() == act);
    let mut sources = Sources {
        audit_log: account.sources.audit_log != Wanted::Off,
        access_log: account.sources.access_log != Wanted::Off,
        feed: tells(Act::SignIn),
    };
    let Some((zendesk, own)) = &asked.zendesk else { return (sources, vec![Row::unseen("sources")]) };
    let from = own.date.saturating_sub(LOOKED_BACK).unwrap_or(own.date);
    let audit = log(zendesk.sign_ins(from, own.date, None).await);
    let access = log(zendesk.accesses(from, own.date, None).await);
    let tickets = log(zendesk.ticket_audits(None).await);
    sources.audit_log &= may_tell(&audit);
    sources.access_log = sources.access_log && may_tell(&access) || tells(Act::Use);
    let (sign_ins, uses) = (Log::Audit.families(), Log::Access.families());
    let changes = match account.sources.ticket_audits {
        Wanted::Off => "who changes tickets from where; `ticket-audits` is \"off\"",
        _ => "who changes tickets from where, end users too; what nothing else tells is shown, and always withheld",
    };
    let rows = vec![
        told("audit-log", &audit, &sign_ins, "Enterprise plans have it"),
        told("access-log", &access, &uses, "it comes with the add-on for data privacy, once it is switched on"),
        told("ticket-audits", &tickets, changes, "every plan has them, for admins"),
    ];
    (sources, rows)
}

/// How each feed stands.
pub(super) fn feeds(account: &Account, memory: Option<&Memory>, now: Timestamp) -> Vec<Row> {
    let nothing = Memory::default();
    let row = |feed: FeedRead| {
        let name = &feed.name;
        let (as_of, unknown) = feed.reading.standing(&feed.settings, feed.at);
        let Some(cause) = unknown else {
            return Row::good("feeds", format!("feed `{name}` told everything up to {as_of}"));
        };
        let trouble = feed.reading.trouble.as_ref();
        let why = trouble.map_or_else(|| cause.text().to_owned(), ToString::to_string);
        let help = trouble.and_then(|trouble| trouble.help(&feed.settings.file));
        let row = Row::bad("feeds", format!("feed `{name}` tells nothing that can be relied on: {why}"));
        row.help(help.unwrap_or_else(|| "see that whoever delivers it still runs: docs/feeds.md".to_owned()))
    };
    read_feeds(&account.feeds, memory.unwrap_or(&nothing), now).into_iter().map(row).collect()
}

fn log<R>(page: Result<Dated<R>, Trouble>) -> Result<(), Trouble> {
    page.map(|_| ())
}

fn may_tell(page: &Result<(), Trouble>) -> bool {
    !matches!(page, Err(Trouble::Denied { kind: Denial::Plan | Denial::Scope, .. }))
}

fn told(check: &'static str, page: &Result<(), Trouble>, tells: &str, had: &str) -> Row {
    match page {
        Ok(()) => Row::good(check, format!("can be read, and tells {tells}")),
        Err(Trouble::Denied { kind: Denial::Plan, words }) => {
            Row::note(check, format!("cannot be read, and would tell {tells}: {words}"))
                .help(format!("{had}; else evictd's user may lack the right to read it"))
        }
        Err(Trouble::Denied { kind: Denial::Scope, words }) => {
            Row::bad(check, format!("the token may not read it, and it would tell {tells}: {words}"))
                .help("give the token or the OAuth client `read`, or the scope that Zendesk names")
        }
        Err(trouble) => Row::note(check, format!("could not be read now: {trouble}")).help("try again"),
    }
}

/// When Zendesk ends sessions by itself, and which rules therefore never fire.
pub(super) fn endings(asked: &Asked, set: Option<&PolicySet>) -> Vec<Row> {
    let Some(settings) = &asked.settings else { return vec![Row::unseen("timeouts")] };
    let (endings, row) = match settings {
        Ok(settings) => {
            let endings = endings_of(settings);
            (endings, Row::good("timeouts", in_words(endings)))
        }
        Err(trouble) => {
            let endings = endings_of(&SecuritySettings::default());
            (endings, Row::note("timeouts", format!("security settings cannot be read: {trouble}")))
        }
    };
    let never = set.into_iter().flat_map(|set| set.never_firing(endings)).map(|rule| {
        Row::note("timeouts", format!("rule `{}` never fires: Zendesk ends such sessions before it", rule.id))
            .help("ask for less in it, or take it out")
    });
    std::iter::once(row).chain(never).collect()
}

/// Certain or silent: the mobile app has a time-out of its own, and whoever uses it may be idle for that long.
fn endings_of(settings: &SecuritySettings) -> Endings {
    let minutes = |count: u64| SignedDuration::from_mins(i64::try_from(count).unwrap_or(i64::MAX / 60));
    let mobile = settings.mobile_app_session_timeout_minutes;
    let idle = |own: Option<u64>| Some(minutes(own?.max(mobile?)));
    let enabled = settings.maximum_session_duration_enabled == Some(true);
    let age = settings.maximum_session_duration_minutes.filter(|_| enabled).map(minutes);
    Endings {
        staff_age_max: age.map_or(Endings::STAFF_AGE_MAX, |age| age.min(Endings::STAFF_AGE_MAX)),
        staff_idle_max: idle(settings.agent_session_timeout_minutes),
        end_user_idle_max: idle(settings.end_user_session_timeout_minutes),
    }
}

fn in_words(endings: Endings) -> String {
    let idle = |most: Option<SignedDuration>| most.map_or("a time it does not tell".to_owned(), human_duration);
    format!(
        "Zendesk ends staff sessions after {}; unused ones of staff after {} at most, of end users after {}",
        human_duration(endings.staff_age_max),
        idle(endings.staff_idle_max),
        idle(endings.end_user_idle_max)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::find;

    fn check(fact: &str, expected: [bool; 4]) {
        let fact = find(fact).unwrap();
        let told = [(false, false), (true, false), (false, true), (true, true)]
            .map(|(audit_log, access_log)| Sources { audit_log, access_log, ..NONE }.tell(fact));
        assert_eq!(told, expected, "{}", fact.name);
    }

    const NONE: Sources = Sources { audit_log: false, access_log: false, feed: false };

    #[test]
    fn a_feed_of_sign_ins_tells_addresses_and_programs() {
        let tells = |fact: &str| Sources { feed: true, ..NONE }.tell(find(fact).unwrap());
        assert!(["sign-in.country", "sign-in.family", "network.asn", "client.kind"].into_iter().all(tells));
        assert!(!tells("session.changed"));
    }

    #[test]
    fn each_log_tells_its_own_facts() {
        check("sign-in.country", [false, true, false, true]);
        check("sign-in.family", [false; 4]);
        check("network.country", [false, true, true, true]);
        check("network.staff", [false, true, true, true]);
        check("session.changed", [false, false, true, true]);
        check("session.dark", [false, false, true, true]);
        check("client.kind", [false, false, true, true]);
        check("session.age", [true; 4]);
        check("user.group", [true; 4]);
        assert_eq!(Log::Audit.families(), "`sign-in.*`, `network.*`");
        assert_eq!(Log::Access.families(), "`network.*`, `client.*`");
    }

    #[test]
    fn what_settings_do_not_say_ends_nothing() {
        let twelve = SignedDuration::from_hours(12);
        let silent = Endings { staff_age_max: twelve, staff_idle_max: None, end_user_idle_max: None };
        assert_eq!(endings_of(&SecuritySettings::default()), silent);
        let mut settings = SecuritySettings {
            agent_session_timeout_minutes: Some(60),
            end_user_session_timeout_minutes: Some(480),
            maximum_session_duration_minutes: Some(240),
            maximum_session_duration_enabled: Some(false),
            ..SecuritySettings::default()
        };
        assert_eq!(endings_of(&settings), silent);
        settings.maximum_session_duration_enabled = Some(true);
        settings.mobile_app_session_timeout_minutes = Some(120);
        let hours = SignedDuration::from_hours;
        let told =
            Endings { staff_age_max: hours(4), staff_idle_max: Some(hours(2)), end_user_idle_max: Some(hours(8)) };
        assert_eq!(endings_of(&settings), told);
    }
}
