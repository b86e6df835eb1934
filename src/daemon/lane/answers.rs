//! What whoever commanded a sweep is told of it.

use std::time::Duration;

use serde_json::json;

use crate::control::{Answer, Refusal, Reply};
use crate::cycle::{Cycle, Halt};
use crate::daemon::post::refusal_of;
use crate::guard::Belt;
use crate::model::Outcome;
use crate::report::{Look, Report, to_json, to_text};

/// Beyond so many rows a report is no answer at a socket: the trail has it.
const ROWS_MAX: usize = 5_000;

/// Somebody who waits for the end of a sweep, and how wide their page is.
pub(super) struct Awaiting {
    pub(super) reply: Reply,
    pub(super) width: u16,
    /// When, on the monotonic clock: a sweep that began before is not theirs.
    pub(super) asked: Duration,
}

impl Awaiting {
    /// Tells them what came of it.
    pub(super) fn tell(self, swept: &Result<Cycle, Halt>) {
        let done = match swept {
            Ok(cycle) => Ok(answer(cycle, self.width)),
            Err(halt) => Err(refusal_of(halt)),
        };
        // A caller that has gone needs none.
        drop(self.reply.send(done));
    }

    /// Tells them that there was none.
    pub(super) fn dismiss(self) {
        let refusal = Refusal::new(69, "the daemon could not sweep").help("`evictd status` says why");
        drop(self.reply.send(Err(refusal)));
    }
}

fn answer(cycle: &Cycle, width: u16) -> Answer {
    let report = &cycle.report;
    let rows = report.revoke.len() + report.withheld.len() + report.undecided.len();
    let (page, document) = if rows > ROWS_MAX {
        let page = format!("cycle {}: {rows} rows are too many to show: `evictd audit` has each\n", report.cycle);
        (page, json!({ "schema": 1, "cycle": report.cycle.to_string(), "rows": rows, "is_cut": true }))
    } else {
        let document = to_json(report).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        (to_text(report, Look { width, colour: false }), document)
    };
    let disarmed = cycle.disarmed.as_ref().map(ToString::to_string);
    let exit = if disarmed.is_some() { 77 } else { exit_of(report) };
    let mode = report.mode.word();
    Answer {
        exit,
        document: json!({ "schema": 1, "mode": mode, "page": page, "report": document, "disarmed": disarmed }),
    }
}

/// The exit code of a cycle that may act: 77 if Zendesk refused anything, 69 if anything ended unclear or was not seen whole.
pub fn exit_of(report: &Report) -> u8 {
    let is_held = |belt: Belt| report.withheld.iter().any(|row| row.belt == belt.word());
    let any = |outcome| report.revoke.iter().any(|row| row.outcome == Some(outcome));
    if any(Outcome::Refused) {
        77
    } else if any(Outcome::Unclear) || is_held(Belt::Unreachable) || is_held(Belt::Stopping) || !report.complete {
        69
    } else {
        0
    }
}
