//! Attacks on signatures, one by one. Those under `tests/signatures` were made by OpenSSH itself; what a test must sign
//! for itself it signs with the same arithmetic that verifies.

use std::path::PathBuf;

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, SshSig};

use super::*;
use crate::diagnostic::{Style, render};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signatures");
const NOW: &str = "2026-11-27T12:00:00Z";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(FIXTURES).join(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

fn signers(text: &str) -> Signers {
    let mut findings = Findings::default();
    let read = Signers::read(&Source::new("allowed_signers", text), &mut findings);
    read.unwrap_or_else(|| panic!("{}", render(&findings, Style::Plain, 100)))
}

/// What is judged, with what was in force before.
struct Case {
    settings: SignatureSettings,
    signers: Signers,
    manifest: String,
    here: Manifest,
    files: Vec<(String, Result<Vec<u8>, String>)>,
    last: Option<SetSigned>,
    has_same_texts: bool,
    changes: Option<Vec<Change>>,
    now: Timestamp,
}

impl Case {
    /// The manifest that OpenSSH signed, on a host that had its predecessor in force, with a change of this class.
    fn new(class: Class) -> Self {
        let settings = SignatureSettings {
            allowed_signers: PathBuf::from("allowed_signers"),
            folder: PathBuf::from("signatures"),
            signers_min: 1,
            signers_to_widen_or_weaken_min: 2,
            serial_min: 1,
            span: 0..0,
        };
        let manifest = text("manifest");
        let change = Change { item: "rule", name: "old".to_owned(), what: vec!["when"], class };
        Self {
            settings,
            signers: signers(&text("allowed_signers.txt")),
            here: Manifest { serial: 0, ..Manifest::read(&manifest).unwrap() },
            manifest,
            files: Vec::new(),
            last: Some(SetSigned { serial: 6, manifest: "six".to_owned(), allowed_signers: "who".to_owned() }),
            has_same_texts: false,
            changes: Some(vec![change]),
            now: NOW.parse().unwrap(),
        }
    }

    fn by(mut self, names: &[&str]) -> Self {
        self.files = names.iter().map(|name| (format!("{name}.sig"), Ok(fixture(&format!("{name}.sig"))))).collect();
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn judged(&self) -> (Verdict, String) {
        let mut findings = Findings::default();
        let manifest = Source::new("signatures/manifest", self.manifest.as_str());
        let candidate = Candidate {
            settings: &self.settings,
            signers: &self.signers,
            manifest: &manifest,
            here: &self.here,
            files: &self.files,
            now: self.now,
        };
        let before = Predecessor {
            signed: self.last.as_ref(),
            has_same_texts: self.has_same_texts,
            changes: self.changes.as_deref(),
        };
        let verdict = judge(&candidate, &before, &mut findings);
        assert_eq!(verdict.signed.is_none(), findings.has_errors());
        (verdict, render(&findings, Style::Plain, 1_000))
    }

    /// It may be in force, with these people's signatures.
    fn passes(&self, by: &[&str]) {
        let (verdict, said) = self.judged();
        let signed = verdict.signed.unwrap_or_else(|| panic!("{said}"));
        let names: Vec<&str> = signed.by.iter().map(|one| one.principal.trim_end_matches("@example.com")).collect();
        assert_eq!(names, by, "{said}");
    }

    /// It may not, and this is said.
    fn fails(&self, parts: &[&str]) {
        let (verdict, said) = self.judged();
        assert_eq!(verdict.signed, None);
        for part in parts {
            assert!(said.contains(part), "no `{part}`: {said}");
        }
    }
}

#[test]
fn signatures_of_every_kind_of_key_that_openssh_makes_are_good() {
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        Case::new(Class::NEUTRAL).by(&[name]).passes(&[name]);
    }
    for name in ["alice", "erin"] {
        Case::new(Class::NEUTRAL).by(&[&format!("{name}-sha256")]).passes(&[name]);
    }
    let (verdict, _) = Case::new(Class::NEUTRAL).by(&["alice"]).judged();
    let signed = verdict.signed.unwrap();
    assert_eq!(signed.by[0].key, "SHA256:lvT4mGghlJjGBOogWtLzjsBizw3I+eZwLpFWefG7uBY", "as ssh-keygen showed it");
    assert_eq!((signed.set.serial, signed.set.manifest), (7, sha256_hex(&fixture("manifest"))));
}

#[test]
fn a_change_that_widens_or_weakens_needs_two_and_a_neutral_one_needs_one() {
    for class in [Class::WIDENS, Class::WEAKENS, Class::UNCLEAR] {
        let needed =
            ["the set needs 2 signers", "signed by alice@example.com alone", "rule `old`", "who else may sign: bob"];
        Case::new(class).by(&["alice"]).fails(&needed);
        Case::new(class).by(&["alice", "bob"]).passes(&["alice", "bob"]);
    }
    Case::new(Class::NEUTRAL).fails(&["the set needs 1 signer,", "nobody signed it"]);
    Case::new(Class::WEAKENS).by(&["bob"]).fails(&["it weakens protection"]);
    Case::new(Class::WIDENS).by(&["bob"]).fails(&["it widens what may end"]);
    Case::new(Class::NEUTRAL).with(|case| case.settings.signers_min = 2).by(&["bob"]).fails(&["needs 2 signers"]);
}

#[test]
fn one_person_counts_once() {
    Case::new(Class::WEAKENS).by(&["alice", "alice-sha256", "alice"]).fails(&["signed by alice@example.com alone"]);
    let two_keys = text("allowed_signers.txt").replace("bob@example.com", "Alice@Example.com");
    Case::new(Class::WEAKENS).with(|case| case.signers = signers(&two_keys)).by(&["alice", "bob"]).fails(&["alone"]);
}

#[test]
fn a_signature_that_is_not_of_this_manifest_for_this_purpose_by_an_allowed_key_counts_for_nothing() {
    let check = |name: &str, why: &str| Case::new(Class::NEUTRAL).by(&[name]).fails(&["nobody signed it", why]);
    check("namespace", "made for another purpose");
    check("longer", "not a signature of this manifest");
    check("crlf", "not a signature of this manifest");
    check("stranger", "is not among the allowed signers");
    check("weak", "2048 to 8192 bits");
    check("certificate", "cannot be read");
    let bad = |bytes: Vec<u8>, why: &str| {
        let files = vec![("x.sig".to_owned(), Ok(bytes))];
        Case::new(Class::NEUTRAL).with(|case| case.files = files).fails(&["nobody signed it", why]);
    };
    let good = text("alice.sig");
    bad(format!("{good}junk\n").into(), "nothing else");
    bad(format!("junk\n{good}").into(), "nothing else");
    bad(format!("{good}{good}").into(), "nothing else");
    bad(good.replace("DMAAAALc3", "DMAAAAMc3").into(), "cannot be read");
    bad(good.lines().take(3).collect::<String>().into(), "nothing else");
    bad(vec![0xff; 9], "not text");
    bad(Vec::new(), "nothing else");
    for at in (good.find('\n').unwrap()..good.rfind("-----END").unwrap()).step_by(7) {
        let mut turned = good.clone().into_bytes();
        turned[at] = if turned[at] == b'A' { b'B' } else { b'A' };
        let files = vec![("x.sig".to_owned(), Ok(turned))];
        Case::new(Class::NEUTRAL).with(|case| case.files = files).fails(&["nobody signed it"]);
    }
    let files = vec![("x.sig".to_owned(), Err("it is a link".to_owned()))];
    Case::new(Class::NEUTRAL).with(|case| case.files = files).fails(&["`x.sig` counts for nothing: it is a link"]);
    // What is bad beside what is good spoils nothing: deploy tools leave old files.
    Case::new(Class::NEUTRAL).by(&["longer", "stranger", "alice", "namespace"]).passes(&["alice"]);
}

#[test]
fn a_key_counts_while_it_is_valid() {
    let with = |options: &str| {
        signers(&text("allowed_signers.txt").replace("alice@example.com ", &format!("alice {options} ")))
    };
    let check = |options: &str| Case::new(Class::NEUTRAL).by(&["alice"]).with(|case| case.signers = with(options));
    check("valid-before=\"20261127120001Z\"").passes(&["alice"]);
    check("valid-before=\"20261127120000Z\"").fails(&["no longer valid"]);
    check("valid-after=\"20261128Z\"").fails(&["not valid yet"]);
    check("namespaces=\"git\"").fails(&["may not sign with"]);
    let left = text("allowed_signers.txt").lines().skip(1).collect::<Vec<_>>().join("\n");
    let revoked = Case::new(Class::NEUTRAL).by(&["alice"]).with(|case| case.signers = signers(&left));
    revoked.fails(&["is not among the allowed signers", "who may sign: bob"]);
}

#[test]
fn a_set_that_is_not_the_signed_one_is_refused() {
    let check = |change: fn(&mut Manifest), part: &str| {
        let case = Case::new(Class::NEUTRAL).by(&["alice", "bob"]).with(|case| change(&mut case.here));
        case.fails(&["the manifest is not that of the set on the disk", part]);
    };
    check(|here| drop(here.policies.insert("policies/staff.toml".into(), "4".repeat(64))), "staff.toml` is another");
    check(
        |here| drop(here.policies.insert("policies/new.toml".into(), "4".repeat(64))),
        "new.toml` is on the disk and not",
    );
    check(|here| drop(here.policies.remove("policies/staff.toml")), "staff.toml` is in it and not on the disk");
    check(|here| drop(here.lists.insert("office".into(), "4".repeat(64))), "list `office` is another");
    check(|here| drop(here.lists.remove("office")), "list `office` is in it and not on the disk");
    check(|here| here.account = "other".into(), "it is for account `acme`, not for `other`");
    let swapped = |here: &mut Manifest| {
        let digest = here.policies.remove("policies/staff.toml").unwrap();
        here.policies.insert("policies/renamed.toml".into(), digest);
    };
    check(swapped, "renamed.toml` is on the disk and not in it");
    // The manifest follows the disk, and nobody signed it.
    let forged = Case::new(Class::NEUTRAL).by(&["alice", "bob"]).with(|case| {
        case.here.policies.insert("policies/staff.toml".into(), "4".repeat(64));
        case.manifest = Manifest { serial: 7, ..case.here.clone() }.text();
    });
    forged.fails(&["nobody signed it", "not a signature of this manifest"]);
    let crlf = |case: &mut Case| case.manifest = case.manifest.replace('\n', "\r\n");
    Case::new(Class::NEUTRAL).by(&["crlf"]).with(crlf).fails(&["ends in CR"]);
    Case::new(Class::NEUTRAL).by(&["alice"]).with(|case| case.manifest.clear()).fails(&["this is no manifest"]);
}

#[test]
fn an_old_set_does_not_come_back_with_its_genuine_signatures() {
    let last = |serial: u64| {
        let set = SetSigned { serial, manifest: "other".to_owned(), allowed_signers: "who".to_owned() };
        Case::new(Class::NEUTRAL).by(&["alice", "bob", "carol"]).with(|case| case.last = Some(set))
    };
    last(6).passes(&["alice", "bob", "carol"]);
    last(7).fails(&["the serial 7 was in force with another set"]);
    last(8).fails(&["the set has the serial 7, and 8 was in force: an old set does not come back"]);
    Case::new(Class::NEUTRAL).by(&["alice"]).with(|case| case.settings.serial_min = 8).fails(&["`serial-min` is 8"]);
    let leaps = Keys::new(&["kim"]).case(1_007, Class::NEUTRAL);
    leaps.fails(&["more than 1000 above the last one, which was 6"]);
    Keys::new(&["kim"]).case(1_006, Class::NEUTRAL).passes(&["kim"]);
}

#[test]
fn a_first_set_needs_as_many_as_one_that_changes_everything() {
    let first = |names: &[&str]| Case::new(Class::NEUTRAL).by(names).with(|case| case.last = None);
    first(&["alice"]).fails(&["the set needs 2 signers", "it is the first signed set here"]);
    first(&["alice", "bob"]).passes(&["alice", "bob"]);
    // The state is lost, and the trail is there: what changes cannot be told.
    let lost = |names: &[&str]| Case::new(Class::NEUTRAL).by(names).with(|case| case.changes = None);
    lost(&["alice"]).fails(&["the set needs 2 signers", "what it changes cannot be told"]);
    lost(&["alice", "bob"]).passes(&["alice", "bob"]);
    lost(&["alice", "bob"]).with(|case| case.last.as_mut().unwrap().serial = 8).fails(&["does not come back"]);
}

#[test]
fn what_is_in_force_already_stays_whatever_becomes_of_its_signatures() {
    let in_force = |case: &mut Case| {
        let manifest = sha256_hex(case.manifest.as_bytes());
        case.last = Some(SetSigned { serial: 7, manifest, allowed_signers: "who".to_owned() });
        case.has_same_texts = true;
    };
    Case::new(Class::UNCLEAR).with(in_force).passes(&[]);
    Case::new(Class::UNCLEAR).with(in_force).by(&["alice"]).passes(&["alice"]);
    let other = Case::new(Class::NEUTRAL).with(in_force).with(|case| case.has_same_texts = false);
    other.fails(&["the serial 7 was in force"]);
}

/// Keys made here, each of somebody.
struct Keys(Vec<(String, Ed25519KeyPair)>);

impl Keys {
    fn new(names: &[&str]) -> Self {
        let pair = |seed: u8| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Self(names.iter().zip(1..).map(|(name, seed)| ((*name).to_owned(), pair(seed))).collect())
    }

    fn public(pair: &Ed25519KeyPair) -> KeyData {
        KeyData::Ed25519(Ed25519PublicKey(pair.public_key().as_ref().try_into().unwrap()))
    }

    fn signers(&self) -> Signers {
        let line = |(name, pair): &(String, Ed25519KeyPair)| {
            format!("{name} {}\n", PublicKey::from(Self::public(pair)).to_openssh().unwrap())
        };
        signers(&self.0.iter().map(line).collect::<String>())
    }

    /// The manifest with this serial, signed by all of them.
    fn case(&self, serial: u64, class: Class) -> Case {
        let mut case = Case::new(class);
        case.manifest = Manifest { serial, ..case.here.clone() }.text();
        case.signers = self.signers();
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, case.manifest.as_bytes()).unwrap();
        for (name, pair) in &self.0 {
            let bare = ssh_key::Signature::new(Algorithm::Ed25519, pair.sign(&data).as_ref()).unwrap();
            let seal = SshSig::new(Self::public(pair), NAMESPACE, HashAlg::Sha512, bare).unwrap();
            case.files.push((format!("{name}.sig"), Ok(seal.to_pem(LineEnding::LF).unwrap().into_bytes())));
        }
        case
    }
}
