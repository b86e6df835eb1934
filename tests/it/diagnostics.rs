//! Every diagnostic code has one example file that yields it and nothing else, and its rendering is kept.
//!
//! `tests/diagnostics/policy` holds policies, `tests/diagnostics/config` configurations, `signers` and `manifests` what is
//! about signatures, each file named by its code.
//! A code without example is one that nothing can say, and an example without code is one that nobody explains.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evictd::config::SignatureSettings;
use evictd::diagnostic::{Code, Findings, Source, Style, render, to_json};
use evictd::signatures::{Candidate, Manifest, Predecessor, Signers, judge};
use evictd::{config, policy};

type Reader = fn(&Source, &mut Findings);

const READERS: &[(&str, Reader)] = &[
    ("policy", |source, findings| {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        policy::read(std::slice::from_ref(source), Some(now), findings);
    }),
    ("config", |source, findings| {
        config::read(source, Path::new("/etc/evictd"), findings);
    }),
    ("signers", |source, findings| {
        Signers::read(source, findings);
    }),
    ("manifests", |source, findings| {
        let allowed = include_str!("../signatures/allowed_signers.txt");
        let signers = Signers::read(&Source::new("allowed_signers", allowed), findings).unwrap();
        let here = Manifest::read(&source.text).unwrap();
        let settings = SignatureSettings {
            allowed_signers: "allowed_signers".into(),
            folder: "signatures".into(),
            signers_min: 1,
            signers_to_widen_or_weaken_min: 2,
            serial_min: 1,
            span: 0..0,
        };
        let now = "2026-11-27T12:00:00Z".parse().unwrap();
        let (settings, signers, here) = (&settings, &signers, &here);
        let candidate = Candidate { settings, signers, manifest: source, here, files: &[], now };
        judge(&candidate, &Predecessor::default(), findings);
    }),
];

fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagnostics"))
}

fn source(path: &Path) -> Source {
    Source::new(path.file_name().unwrap().to_str().unwrap(), std::fs::read_to_string(path).unwrap())
}

/// What is found in each example, by the code that names its file.
fn examples() -> BTreeMap<String, Findings> {
    let mut examples = BTreeMap::new();
    for (folder, read) in READERS {
        for entry in std::fs::read_dir(fixtures().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let mut findings = Findings::default();
            read(&source(&path), &mut findings);
            let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(examples.insert(code, findings).is_none(), "{} stands twice", path.display());
        }
    }
    examples
}

#[test]
fn every_code_has_an_example_that_yields_it_and_nothing_else() {
    let examples = examples();
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(codes, examples.keys().map(String::as_str).collect());
    for (code, findings) in &examples {
        let found: BTreeSet<&str> = findings.sorted().iter().map(|one| one.code.word()).collect();
        let shown = render(findings, Style::Plain, 100);
        assert_eq!(found, BTreeSet::from([code.as_str()]), "{shown}");
        insta::with_settings!({
            snapshot_path => fixtures().join("snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(code.as_str(), shown) });
    }
}

#[test]
fn every_finding_has_a_place_and_keeps_to_the_grammar() {
    for (code, findings) in &examples() {
        for one in findings.sorted() {
            assert!(!one.labels.is_empty(), "{code}: no place");
            assert!(one.message.starts_with(|letter: char| !letter.is_uppercase()), "{code}: {}", one.message);
            assert!(!one.message.ends_with('.'), "{code}: {}", one.message);
        }
    }
}

/// The file says itself, at the end of each wrong line, which code belongs there.
#[test]
fn a_file_with_many_mistakes_reports_each_at_its_place_in_one_run() {
    let source = source(&fixtures().join("ten-mistakes.toml"));
    let mut findings = Findings::default();
    assert!(policy::read(std::slice::from_ref(&source), None, &mut findings).is_none());
    let wanted: Vec<(u64, String)> = (1..)
        .zip(source.text.lines())
        .filter_map(|(number, line)| Some((number, line.split_once(" # ")?.1.to_owned())))
        .collect();
    assert!(wanted.len() >= 10);
    let json = to_json(&findings);
    let found: Vec<(u64, String)> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["severity"] == "error")
        .map(|one| (one["line"].as_u64().unwrap(), one["code"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(found, wanted);
}
