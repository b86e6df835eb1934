//! What each rule rests on beside what is seen of sessions, in short digests: whether one of the team's own inputs changed
//! is the first thing to ask when a rule reaches unusually many.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::Circumstances;
use crate::config::Belts;
use crate::facts::{Controller, Kind};
use crate::model::{Basis, Input, Mode};
use crate::policy::{Line, Rule, Test};
use crate::record::sha256_hex;

/// Of every rule, by its place.
pub(super) fn bases(around: Circumstances<'_>, mode: Mode) -> Vec<Basis> {
    let snapshot = around.snapshot;
    let databases: Vec<&str> = snapshot.databases.iter().map(|one| one.digest.as_str()).collect();
    let shared = Basis::default()
        .with(Input::Engine, &digest(env!("CARGO_PKG_VERSION")))
        .with(Input::Scope, &digest(snapshot.scope));
    let places = digest(databases);
    around
        .policies
        .rules
        .iter()
        .map(|rule| of_rule(rule, shared.with(Input::Belts, &belts(rule, mode, around)), &places, around))
        .collect()
}

/// Of the belts that hold for this rule: what another rule has of its own is nothing to this one.
fn belts(rule: &Rule, mode: Mode, around: Circumstances<'_>) -> String {
    let every = Belts { rules: BTreeMap::new(), ..around.belts.clone() };
    digest((every, around.belts.of_rule(&rule.id), mode))
}

fn of_rule(rule: &Rule, shared: Basis, places: &str, around: Circumstances<'_>) -> Basis {
    let exceptions: Vec<_> = around.policies.exceptions.iter().filter(|one| one.covers(&rule.id)).collect();
    let lines: Vec<&Line> =
        rule.when.lines().into_iter().chain(exceptions.iter().flat_map(|one| one.when.lines())).collect();
    // That an exception's day is over changes what the rule reaches, as an edit would.
    let in_force: Vec<bool> = exceptions.iter().map(|one| one.is_in_force(around.snapshot.now)).collect();
    let basis =
        shared.with(Input::Rule, &digest((&rule.digest, in_force))).with(Input::Lists, &digest(lists(&lines, around)));
    let asks_places = lines.iter().any(|line| line.fact.controlled_by == Controller::Network);
    if asks_places { basis.with(Input::Places, places) } else { basis }
}

/// Digests of the lists in files that these lines ask about, and of offboarding lists.
fn lists<'a>(lines: &[&Line], around: Circumstances<'a>) -> Vec<Option<&'a str>> {
    let asks_class = lines.iter().any(|line| line.fact.kind == Kind::Classes);
    let named = |place: usize| {
        lines.iter().any(|line| matches!(&line.test, Test::Among { lists, .. } if lists.contains(&place)))
    };
    let is_asked =
        |(place, list): &(usize, &crate::address::ListNow)| named(*place) || asks_class && list.class.is_some();
    let in_files = around.lists.iter().enumerate().filter(is_asked);
    let mut digests: Vec<Option<&str>> =
        in_files.map(|(_, list)| list.file.as_ref().map(|file| file.digest.as_str())).collect();
    if lines.iter().any(|line| super::core::is_of_leaving(line.fact)) {
        digests.extend(around.snapshot.lists.values().map(|list| list.digest.as_deref()));
    }
    digests
}

fn digest(what: impl Debug) -> String {
    sha256_hex(format!("{what:?}").as_bytes())
}
