//! `session.*`: what Zendesk's listing itself says about a session.

use jiff::{SignedDuration, Timestamp};

use super::{Controller, FactSpec, Family, Kind, Reading, plain};
use crate::evidence::Evidence;
use crate::model::{Cause, Fact, Moment, Source, Value};

pub(super) const FAMILY: Family = Family { name: "session", asks: "how old, how idle, one of how many", facts: FACTS };

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
