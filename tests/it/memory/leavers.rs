//! Random firms in which people leave and come back between cycles: the next one ends every session of all who have
//! left, and nobody else's.

use std::collections::BTreeSet;

use super::{Firm, Process, Size};

const MINUTES: [u64; 6] = [2, 23, 187, 1_571, 4_321, 14_403];
const CYCLES: usize = 4;

/// What a random firm is like.
#[derive(Debug, Clone, Copy)]
struct Way {
    scope: &'static str,
    /// A process ends after each cycle, and its file is all that is left of it.
    restarts: bool,
    customers: u64,
}

async fn check(seed: u64, way: Way) -> BTreeSet<String> {
    let staff = 20 + seed * 7 % 41;
    let mut firm = Firm::new(seed, way.scope, Size { staff, customers: way.customers });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme").join("state.sqlite");
    let mut process = Process::with_file(&firm.stage, &file);
    for number in 0..CYCLES {
        if number > 0 {
            firm.lives();
            let minutes = MINUTES[firm.rng.usize(..MINUTES.len())];
            firm.stage.wait(minutes);
        }
        if way.restarts {
            process = process.restarted(&firm.stage, &file);
        }
        let cycle = firm.cycle(&mut process).await;
        assert!(cycle.report.complete, "seed {seed}, {way:?}: {:?}", cycle.report.warnings);
    }
    firm.check_trail();
    firm.told
}

async fn check_all(seeds: std::ops::Range<u64>, way: Way) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for seed in seeds {
        told.extend(check(seed, way).await);
    }
    told
}

/// Everything that a test is about has happened in it.
fn has_seen(told: &BTreeSet<String>, wanted: &[&str]) {
    let missed: Vec<_> = wanted.iter().filter(|word| !told.contains(**word)).collect();
    assert!(missed.is_empty(), "{missed:?} never happened: {told:#?}");
}

const STAFF: Way = Way { scope: "staff", restarts: false, customers: 150 };

const SEEN: [&str; 21] = [
    "downgraded: ended",
    "suspended: ended",
    "deleted: ended",
    "downgraded, suspended: ended",
    "listed always Email: ended",
    "listed always Id: ended",
    "listed always ExternalId: ended",
    "listed past Email: ended",
    "listed past Id: ended",
    "listed past ExternalId: ended",
    "listed today Email: ended",
    "listed today Id: stays",
    "listed ahead ExternalId: stays",
    "listed far Email: stays",
    "listed far Id: stays",
    "restored: stays",
    "unsuspended: stays",
    "given the role back: stays",
    "unsuspended, given the role back: stays",
    "unlisted: stays",
    "hired under a new id: stays",
];

#[tokio::test]
async fn the_next_cycle_over_staff_revokes_all_leavers_and_spares_the_rehired() {
    let told = check_all(0..60, STAFF).await;
    has_seen(&told, &SEEN);
    has_seen(&told, &["suspended: stays", "hired: stays"]);
}

#[tokio::test]
async fn a_process_that_begins_with_what_another_left_in_its_file_misses_none_of_them() {
    let told = check_all(60..80, Way { restarts: true, ..STAFF }).await;
    has_seen(&told, &SEEN[..4]);
}

#[tokio::test]
async fn over_everyone_the_leavers_among_customers_go_too() {
    let told = check_all(0..12, Way { scope: "everyone", customers: 200, ..STAFF }).await;
    has_seen(&told, &SEEN[..4]);
    let restarted = Way { scope: "everyone", restarts: true, customers: 120 };
    check_all(12..20, restarted).await;
}

#[tokio::test]
async fn scope_auto_is_everyone_under_a_rule_that_reaches_everyone() {
    check_all(20..26, Way { scope: "auto", customers: 80, ..STAFF }).await;
}
