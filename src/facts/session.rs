//! `session.*`: what Zendesk's listing itself says about a session.

use jiff::{SignedDuration, Timestamp};

use super::{Controller, FactSpec, Family, Kind, Reading, plain};
use crate::evidence::{Evidence, Finding};
use crate::model::{Cause, Causes, Fact, Known, Moment, Source, Value};

pub(super) const FAMILY: Family = Family {
    name: "session",
    asks: "how old, how idle, one of how many, and whether its use hangs together",
    facts: FACTS,
};

static FACTS: &[FactSpec] = &[
    FactSpec {
        doc: "time since the session was opened",
        ..plain("session.age", Kind::Duration, Source::Session, Reading::Row(age))
    },
    FactSpec {
        doc: "time since the session was last used; Zendesk's record of that lags by up to `sources.idle-slack`",
        controlled_by: Controller::Person,
        ..plain("session.idle", Kind::Duration, Source::Session, Reading::Row(idle))
    },
    FactSpec {
        doc: "how many sessions of the person are listed",
        controlled_by: Controller::Person,
        ..plain("session.count", Kind::Number, Source::Listing, Reading::Row(count))
    },
    FactSpec {
        doc: "the session's place among the person's, 1 being the one opened last",
        controlled_by: Controller::Person,
        ..plain("session.rank", Kind::Number, Source::Listing, Reading::Row(rank))
    },
    FactSpec {
        doc: "two places of the session differ in the program's family or system, and in the network too: in the /24 or /48 \
              and in the AS number",
        controlled_by: Controller::Network,
        ..plain("session.changed", Kind::Truth, Source::Sighting, Reading::Row(changed))
    },
    FactSpec {
        doc: "Zendesk says it was used half an hour or more after the last use that any source tells of, though every source \
              of use was read whole up to then",
        ..plain("session.dark", Kind::Truth, Source::Sighting, Reading::Row(dark))
    },
];

fn age<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    let row = evidence.session;
    let length = evidence.elapsed(row.authenticated_at.map(Moment::at), evidence.now);
    duration(length, SignedDuration::ZERO, row.seen.at())
}

fn idle<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    let row = evidence.session;
    let observed = evidence.elapsed(row.last_seen_at.map(Moment::at), row.seen.at());
    duration(observed, evidence.idle_slack, row.seen.at())
}

fn count<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    number(evidence.count, evidence.listed)
}

fn rank<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    number(evidence.rank, evidence.listed)
}

fn changed<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_sightings(evidence.changed())
}

fn dark<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_sightings(evidence.dark())
}

fn of_sightings<'a>(found: Result<Finding, Causes>) -> Fact<'a> {
    found.map_or_else(Fact::Unknown, |Finding { holds, as_of, strength }| {
        Fact::Known(Known { value: Value::Truth(holds), source: Source::Sighting, as_of, strength })
    })
}

fn duration<'a>(observed: Result<SignedDuration, Cause>, slack: SignedDuration, as_of: Timestamp) -> Fact<'a> {
    match observed {
        Ok(high) => Fact::exact(Value::Duration { low: high.saturating_sub(slack), high }, Source::Session, as_of),
        Err(cause) => Fact::unknown(cause),
    }
}

fn number<'a>(counted: Result<u64, Cause>, as_of: Timestamp) -> Fact<'a> {
    match counted {
        Ok(number) => Fact::exact(Value::Number(number), Source::Listing, as_of),
        Err(cause) => Fact::unknown(cause),
    }
}
