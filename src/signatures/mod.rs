//! Signed policy sets: whether enough people signed what stands on the disk, and whether it may follow what is in force.
//!
//! Pure: files are read, and the trail is asked, by whoever calls. The signatures themselves come from `ssh-keygen -Y`.

mod manifest;
mod seal;
mod signers;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use manifest::{MANIFEST, MANIFEST_BYTES_MAX, Manifest};
pub use seal::{NAMESPACE, SIGNATURE_BYTES_MAX};
pub use signers::{SIGNERS_BYTES_MAX, Signers};

use crate::change::{Change, Class, class_of};
use crate::config::SignatureSettings;
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::model::Foreign;
use crate::policy::{Signature, Signed};
use crate::record::{SetSigned, sha256_hex};

/// No more signature files are looked at.
pub const SIGNATURES_MAX: usize = 64;

/// A serial is at most this much above the last one: a single signer must not be able to use all of them up.
const SERIAL_STEP_MAX: u64 = 1_000;

/// Of differences, changes and refused files, so many are named.
const NAMED_MAX: usize = 6;

/// A set that is to come into force.
pub struct Candidate<'c> {
    /// What the account asks for.
    pub settings: &'c SignatureSettings,
    /// Who may sign.
    pub signers: &'c Signers,
    /// The manifest that was signed, as it stands on the disk.
    pub manifest: &'c Source,
    /// The manifest that the files on the disk would have; its serial is not looked at.
    pub here: &'c Manifest,
    /// The signature files by name: their bytes, or why they cannot be read.
    pub files: &'c [(String, Result<Vec<u8>, String>)],
    /// Now, on the host's clock: keys may be valid for a time only.
    pub now: Timestamp,
}

/// What was in force before, as the trail tells it.
#[derive(Debug, Default)]
pub struct Predecessor<'p> {
    /// The last signed set that came into force; none if none ever did.
    pub signed: Option<&'p SetSigned>,
    /// Whether the policies in force are these very texts.
    pub has_same_texts: bool,
    /// What the set changes against the one in force; none if that one cannot be read any more.
    pub changes: Option<&'p [Change]>,
}

/// How many people must have signed, and why so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// How many.
    pub people: usize,
    /// Why, as the end of a sentence.
    pub why: String,
}

/// What was found of the signatures of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Everybody whose signature counts, each once, with what is known of the set; none if it cannot be in force.
    pub signed: Option<Signed>,
    /// Those who signed, even if they are not enough.
    pub by: Vec<Signature>,
    /// Files that count for nothing, and why.
    pub refused: Vec<(String, String)>,
    /// How many had to; none if the manifest is not that of the set.
    pub quorum: Option<Quorum>,
}

/// Judges a set. Whatever keeps it out of force is in the findings too.
pub fn judge(candidate: &Candidate<'_>, before: &Predecessor<'_>, findings: &mut Findings) -> Verdict {
    let nothing = Verdict { signed: None, by: Vec::new(), refused: Vec::new(), quorum: None };
    let Some(manifest) = manifest_of(candidate, findings) else { return nothing };
    let digest = sha256_hex(candidate.manifest.text.as_bytes());
    let is_in_force = before.has_same_texts && before.signed.is_some_and(|signed| signed.manifest == digest);
    let fits = is_in_force || may_follow(manifest.serial, candidate, before, findings);
    let (people, refused) = signatures(candidate);
    let by: Vec<Signature> = people.into_values().collect();
    let quorum = quorum(candidate.settings, before, is_in_force);
    let is_enough = by.len() >= quorum.people;
    if !is_enough {
        findings.push(too_few(candidate, &quorum, &by, &refused));
    }
    let set =
        SetSigned { serial: manifest.serial, manifest: digest, allowed_signers: candidate.signers.digest.clone() };
    let signed = Signed { set, manifest: candidate.manifest.text.to_string(), lists: manifest.lists, by: by.clone() };
    Verdict { signed: (fits && is_enough).then_some(signed), by, refused, quorum: Some(quorum) }
}

fn fault(candidate: &Candidate<'_>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::NotSigned, message).at(candidate.manifest, 0..0, "")
}

/// The manifest, if it is that of the set on the disk.
fn manifest_of(candidate: &Candidate<'_>, findings: &mut Findings) -> Option<Manifest> {
    const ANEW: &str = "make it anew with `evictd policy manifest`, and have that signed";
    let source = candidate.manifest;
    let manifest = Manifest::read(&source.text).map_err(|(line, why)| {
        let start = source.text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        let place =
            Diagnostic::new(Code::NotSigned, format!("this is no manifest: {why}")).at(source, start..start, "");
        findings.push(place.help(ANEW));
    });
    let manifest = manifest.ok()?;
    let differences = candidate.here.differences(&manifest);
    for difference in differences.iter().take(NAMED_MAX) {
        let message = format!("the manifest is not that of the set on the disk: {}", Foreign::new(&**difference));
        let help =
            "deploy the files that were signed; where the change is meant, make the manifest anew and have it signed";
        findings.push(fault(candidate, message).help(help));
    }
    differences.is_empty().then_some(manifest)
}

/// Whether a set with this serial may come after the one that was in force.
fn may_follow(serial: u64, candidate: &Candidate<'_>, before: &Predecessor<'_>, findings: &mut Findings) -> bool {
    let next = "make a manifest with the next serial, and have it signed";
    let least = candidate.settings.serial_min;
    let why = match before.signed {
        _ if serial < least => format!("the set has the serial {serial}, and `serial-min` is {least}"),
        Some(last) if serial < last.serial => {
            format!("the set has the serial {serial}, and {} was in force: an old set does not come back", last.serial)
        }
        Some(last) if serial == last.serial => format!("the serial {serial} was in force with another set"),
        Some(last) if serial - last.serial > SERIAL_STEP_MAX => {
            format!("the serial {serial} is more than {SERIAL_STEP_MAX} above the last one, which was {}", last.serial)
        }
        _ => return true,
    };
    findings.push(fault(candidate, why).help(next));
    false
}

/// By person, one signature of each that counts; and the files that do not.
fn signatures(candidate: &Candidate<'_>) -> (BTreeMap<usize, Signature>, Vec<(String, String)>) {
    let (mut people, mut refused) = (BTreeMap::new(), Vec::new());
    for (name, bytes) in candidate.files {
        let by = bytes.as_deref().map_err(Clone::clone).and_then(|bytes| {
            let key = seal::key_of(bytes, candidate.manifest.text.as_bytes())?;
            let owner = candidate.signers.owner(&key, candidate.now)?;
            let armor = String::from_utf8_lossy(bytes).into_owned();
            Ok((owner.person, Signature { principal: owner.principal.clone(), key: seal::fingerprint(&key), armor }))
        });
        match by {
            Ok((person, signature)) => {
                people.entry(person).or_insert(signature);
            }
            Err(why) => refused.push((name.clone(), why)),
        }
    }
    (people, refused)
}

/// What is in force already was let in once; else it counts what the set changes.
fn quorum(settings: &SignatureSettings, before: &Predecessor<'_>, is_in_force: bool) -> Quorum {
    let (few, many) = (settings.signers_min, settings.signers_to_widen_or_weaken_min);
    if is_in_force {
        return Quorum { people: 0, why: "it is in force already".to_owned() };
    }
    let (people, why) = match before.changes {
        _ if before.signed.is_none() => (many, "it is the first signed set here".to_owned()),
        None => (many, "what it changes cannot be told: what is in force cannot be read any more".to_owned()),
        Some(changes) if class_of(changes) == Class::NEUTRAL => (few, "it changes nothing of what may end".to_owned()),
        Some(changes) => (many, effect(changes)),
    };
    Quorum { people, why }
}

/// What changes do that are not neutral.
fn effect(changes: &[Change]) -> String {
    let verb = match class_of(changes) {
        Class { widens: true, weakens: true } => "it widens and weakens, or may",
        Class { widens: true, weakens: false } => "it widens what may end",
        Class { weakens: true, .. } => "it weakens protection",
        Class::NEUTRAL => "it is neutral",
    };
    let told = changes.iter().filter(|change| change.class != Class::NEUTRAL);
    let named: Vec<String> = told
        .clone()
        .take(NAMED_MAX)
        .map(|change| format!("{} {} {}", change.item, quoted(&change.name), change.class.word()))
        .collect();
    let more = told.count().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{verb} ({}{more})", named.join(", "))
}

fn too_few(candidate: &Candidate<'_>, quorum: &Quorum, by: &[Signature], refused: &[(String, String)]) -> Diagnostic {
    let signed = match by {
        [] => "nobody signed it".to_owned(),
        _ => format!("signed by {} alone", names(by.iter().map(|one| &*one.principal))),
    };
    let people = if quorum.people == 1 { "1 signer".to_owned() } else { format!("{} signers", quorum.people) };
    let message = format!("the set needs {people}, since {}; {signed}", quorum.why);
    let have: BTreeSet<&str> = by.iter().map(|one| &*one.principal).collect();
    let others: Vec<&str> = candidate
        .signers
        .names(candidate.now)
        .into_iter()
        .map(|(_, name)| name)
        .filter(|name| !have.contains(name))
        .collect();
    let mut help = match others.as_slice() {
        [] => "nobody else may sign now".to_owned(),
        others if by.is_empty() => format!("who may sign: {}", names(others.iter().copied())),
        others => format!("who else may sign: {}", names(others.iter().copied())),
    };
    for (name, why) in refused.iter().take(NAMED_MAX) {
        help += &format!("; {} counts for nothing: {}", quoted(name), Foreign::new(&**why));
    }
    fault(candidate, message).help(help)
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.take(NAMED_MAX).map(|name| Foreign::new(name).to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
