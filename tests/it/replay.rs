//! Every seed of the fuzz targets, and every input that ever broke a promise, in every test run.
//!
//! A fuzzer finds such bytes once; kept in `fuzz/seeds`, they are looked at for ever, with no fuzzer at hand.

use std::path::{Path, PathBuf};

use crate::hostile;

fn check(target: &str, survives: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{target} has {} seeds", files.len());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let outcome = std::panic::catch_unwind(|| survives(&bytes));
        assert!(outcome.is_ok(), "{} is not survived", file.display());
    }
}

#[test]
fn policies_of_every_kind_are_survived() {
    check("policies", hostile::policies::survives);
}

#[test]
fn configurations_of_every_kind_are_survived() {
    check("config", hostile::config::survives);
}

#[test]
fn snapshots_of_every_kind_are_survived() {
    check("snapshot", hostile::snapshot::survives);
}

#[test]
fn answers_of_every_kind_are_survived() {
    check("zendesk", hostile::zendesk::survives);
}

#[test]
fn trails_of_every_kind_are_survived() {
    check("trail", hostile::trail::survives);
}

#[test]
fn lists_of_leavers_of_every_kind_are_survived() {
    check("offboarding", hostile::offboarding::survives);
}

#[test]
fn feeds_of_every_kind_are_survived() {
    check("feeds", hostile::feeds::survives);
}

#[test]
fn lists_of_every_kind_are_survived() {
    check("lists", hostile::lists::survives);
}

#[test]
fn agents_of_every_kind_are_survived() {
    check("agents", hostile::agents::survives);
}

#[test]
fn place_databases_of_every_kind_are_survived() {
    check("places", hostile::places::survives);
}

#[test]
fn every_target_has_seeds_and_is_replayed_and_described() {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<String> = entries.map(|entry| stem(entry.unwrap().path())).collect();
        names.sort();
        names
    };
    let targets = names("fuzz/targets");
    assert_eq!(names("fuzz/seeds"), targets);
    assert!(names("fuzz/dictionaries").iter().all(|name| targets.contains(name)));
    let (here, page) = (include_str!("replay.rs"), include_str!("../../CONTRIBUTING.md"));
    let manifest = include_str!("../../fuzz/Cargo.toml");
    for target in targets {
        assert!(here.contains(&format!("check(\"{target}\"")), "{target} is not replayed");
        assert!(page.contains(&format!("\n| `{target}` |")), "{target} has no row in CONTRIBUTING.md");
        assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target} is not in the manifest");
    }
}
