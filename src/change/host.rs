//! Two configurations of a host: what became of the keys that belong to no account. Who is told of what cannot wait, and who
//! may command, ends nothing by itself; whoever takes that away works unseen.

use super::{Change, Class};
use crate::config::Settings;

/// Every key that differs and may matter.
pub fn of_host(before: &Settings, after: &Settings) -> Vec<Change> {
    let (old, new) = (&before.alerts, &after.alerts);
    let keys = [
        ("alerts.webhook", told(old.webhook.as_ref(), new.webhook.as_ref())),
        ("alerts.smtp", told(old.smtp.as_ref(), new.smtp.as_ref())),
        ("alerts.heartbeat", told(old.heartbeat.as_ref(), new.heartbeat.as_ref())),
        ("control", other(before.control == after.control)),
        ("places", other(before.places == after.places)),
    ];
    let differing = keys.into_iter().filter_map(|(key, told)| Some((key, told?)));
    differing
        .map(|(key, (what, class))| Change { item: "key", name: key.to_owned(), what: vec![what], class })
        .collect()
}

/// A channel more is no matter; one less, or another one, is.
fn told<T: PartialEq>(before: Option<&T>, after: Option<&T>) -> Option<(&'static str, Class)> {
    match (before, after) {
        _ if before == after => None,
        (None, _) => Some(("added", Class::NEUTRAL)),
        (Some(_), None) => Some(("removed", Class::WEAKENS)),
        (Some(_), Some(_)) => Some(("changed", Class::UNCLEAR)),
    }
}

/// Another value may do anything.
fn other(is_same: bool) -> Option<(&'static str, Class)> {
    (!is_same).then_some(("changed", Class::UNCLEAR))
}
