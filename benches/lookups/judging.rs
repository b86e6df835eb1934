//! What judging by networks and clients costs, beside judging by people and their sessions alone; and the memory that it
//! takes for an account of a million sessions.

use std::error::Error;
use std::time::Duration;

use evictd::address::Lists;
use evictd::evaluate::evaluate;
use evictd::evidence::{Dossier, Network, SESSION_BYTES};
use evictd::model::{Place, Sighting};
use evictd::places::Databases;
use evictd::policy::PolicySet;
use evictd::snapshot::Snapshot;
use jiff::SignedDuration;

use super::figures::{MIB, Table, beside, best, each, micros, times};
use super::process::{Meter, ask};
use super::world::{self, Size, rules_of_people, rules_of_places, snapshot};

const SIZE: Size = Size { sessions: 100_000, people: 70_000, addresses: 20_000, agents: 2_000 };
const LARGE: Size = Size { sessions: 1_000_000, people: 200_000, addresses: 200_000, agents: 5_000 };

fn dossier<'s>(snapshot: &'s Snapshot, lists: &'s Lists) -> Dossier<'s> {
    Dossier::new(snapshot, lists, SignedDuration::from_mins(10))
}

/// What databases say of every address that was seen.
fn ask_places(snapshot: &mut Snapshot) {
    let databases = Databases::shipped();
    let addresses = snapshot.sightings.iter().filter_map(|sighting| sighting.address);
    let mut places = std::collections::BTreeMap::new();
    for address in addresses {
        places.entry(address).or_insert_with(|| databases.place_of(address));
    }
    (snapshot.places, snapshot.databases) = (places, databases.list().to_vec());
}

pub fn table() -> Result<String, Box<dyn Error>> {
    let Size { sessions, people, addresses, agents } = SIZE;
    let mut table = Table::new(&format!(
        "judging {sessions} sessions of {people} staff, 20 rules, each session seen once; {addresses} addresses, {agents} agents"
    ));
    let (lists, mut seen) = (world::lists()?, snapshot(SIZE));
    let per_session = |time: Duration| micros(each(time, seen_sessions()));
    let asked = best(|| {
        ask_places(&mut seen);
        seen.places.len()
    });
    let unseen = Snapshot { sightings: Vec::new(), ..seen.clone() };
    let [bare, made] = beside([&mut || dossier(&unseen, &lists).len(), &mut || dossier(&seen, &lists).len()]);
    table.line("places of all addresses", per_session(asked), "a session");
    let note = format!("{:.2} x one of an account where nobody was seen", times(made, bare));
    table.line("dossier", per_session(made), &note);
    let people = rules_of_people()?;
    let untold = Snapshot { sources: [].into(), ..unseen.clone() };
    let worlds = [("sparse", &seen, false), ("dense", &seen, true), ("nobody told of use", &untold, false)];
    for (name, snapshot, is_dense) in worlds {
        judged(&mut table, name, &dossier(snapshot, &lists), [&people, &rules_of_places(is_dense)?]);
    }
    let policies = rules_of_places(false)?;
    let [whole, by_people] = beside([
        &mut || {
            ask_places(&mut seen);
            evaluate(&dossier(&seen, &lists), &policies).fired.len()
        },
        &mut || evaluate(&dossier(&unseen, &lists), &people).fired.len(),
    ]);
    let note = format!("{:.2} x the same by people alone ({})", times(whole, by_people), per_session(by_people));
    table.line("sighting to verdict, sparse, agents read anew", per_session(whole), &note);
    Ok(table.text())
}

fn seen_sessions() -> usize {
    usize::try_from(SIZE.sessions).unwrap_or(usize::MAX)
}

fn judged(table: &mut Table, name: &str, dossier: &Dossier<'_>, [people, places]: [&PolicySet; 2]) {
    let judged = evaluate(dossier, places);
    let undecided: usize = judged.tallies.iter().map(|tally| tally.undecided).sum();
    let [by_places, by_people] =
        beside([&mut || evaluate(dossier, places).fired.len(), &mut || evaluate(dossier, people).fired.len()]);
    let note = format!(
        "{:.2} x rules of people ({}); {} claims, {undecided} undecided",
        times(by_places, by_people),
        micros(each(by_people, dossier.len())),
        judged.fired.len()
    );
    table.line(&format!("rules of places, {name}"), micros(each(by_places, dossier.len())), &note);
}

/// What a large account took: bytes that became resident, and the time to judge it once.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Filled {
    snapshot: u64,
    places: u64,
    dossier: u64,
    /// The most at any time of making the dossier and judging, beyond what was resident before.
    peak: u64,
    made: Duration,
    judged: Duration,
}

/// Makes a large account and judges it once.
pub fn fill() -> Result<Filled, Box<dyn Error>> {
    let (lists, policies) = (world::lists()?, rules_of_places(false)?);
    let mut meter = Meter::start();
    let before = meter.lap().resident;
    let mut snapshot = snapshot(LARGE);
    let filled = meter.lap().resident;
    ask_places(&mut snapshot);
    let asked = meter.lap().resident;
    let dossier = dossier(&snapshot, &lists);
    let made = meter.lap();
    std::hint::black_box(evaluate(&dossier, &policies).fired.len());
    let judged = meter.lap();
    Ok(Filled {
        snapshot: filled.saturating_sub(before),
        places: asked.saturating_sub(filled),
        dossier: made.resident.saturating_sub(asked),
        peak: made.peak.max(judged.peak).saturating_sub(asked),
        made: made.wall,
        judged: judged.wall,
    })
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one process fit")]
pub fn table_of_memory() -> Result<String, Box<dyn Error>> {
    let runs: Vec<Filled> = (0..2).map(|_| ask(&["fill".to_owned()])).collect::<Result<_, _>>()?;
    let least = |number: fn(&Filled) -> u64| runs.iter().map(number).min().unwrap_or_default() as f64;
    let quickest = |time: fn(&Filled) -> Duration| runs.iter().map(time).min().unwrap_or_default();
    let Size { sessions, people, addresses, agents } = LARGE;
    let mut table = Table::new(&format!(
        "{sessions} sessions of {people} staff, each session seen once; {addresses} addresses, {agents} agents, 20 rules of \
         places"
    ));
    let mut bytes = |name: &str, number: f64| {
        table.line(
            name,
            format!("{:.1} MiB", number / MIB),
            &format!("{:.0} bytes a session", number / sessions as f64),
        );
    };
    bytes("snapshot: rows, people, sightings", least(|run| run.snapshot));
    bytes("places", least(|run| run.places));
    bytes("dossier", least(|run| run.dossier));
    bytes("at most while making it and judging", least(|run| run.peak));
    let (made, judged) = (quickest(|run| run.made), quickest(|run| run.judged));
    let each = |time: Duration| micros(time.as_secs_f64() / sessions as f64);
    table.line("making the dossier", each(made), "a session");
    table.line("judging once, agents read anew", each(judged), "a session");
    let sizes = [size_of::<Sighting>(), size_of::<Network>(), size_of::<Place>()];
    let [sighting, network, place] = sizes;
    table.line(
        "by their types",
        "",
        &format!("row and page {SESSION_BYTES}, sighting {sighting}, network {network} and place {place} bytes"),
    );
    Ok(table.text())
}
