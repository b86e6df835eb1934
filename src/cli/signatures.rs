//! Signatures of an account's policies: what lies on the disk is read here, beside what the trail remembers; whether it
//! is enough is judged in `signatures`. And the commands for whoever signs.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::load::{Loaded, load, policies_as_read, show};
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::address::{LIST_BYTES_MAX, ListSource};
use crate::change::{Change, of_policies};
use crate::clock::{Clock as _, SystemClock};
use crate::config::SignatureSettings;
use crate::diagnostic::{Code, Diagnostic, Findings, Source, to_json};
use crate::files::{Disk, FileFault, FileTrouble, kept_good, matching_files, read_bytes, read_with_metadata};
use crate::model::Foreign;
use crate::policy::{self, PolicySet, Signed};
use crate::record::{SetSigned, sha256_hex};
use crate::report::counted;
use crate::signatures::{
    Candidate, MANIFEST, MANIFEST_BYTES_MAX, Manifest, Predecessor, SIGNATURE_BYTES_MAX, SIGNATURES_MAX,
    SIGNERS_BYTES_MAX, Signers, Verdict, judge,
};
use crate::trail::{self, Past};

/// The kind of last good set that the manifest in force is kept as.
pub(super) const KEPT: &str = "signatures";

#[derive(Debug, Args)]
pub(super) struct ManifestArgs {
    #[command(flatten)]
    place: Where,
    /// The set's serial; without it, that of the manifest in the folder if the set is the same, else the next one
    #[arg(long, value_name = "NUMBER")]
    serial: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Whether the set may be in force, and with whose signatures it then is. An account that asks for none takes every set.
/// What is wrong is in the findings.
pub(super) fn admit(loaded: &Loaded, mut set: PolicySet, findings: &mut Findings) -> Option<PolicySet> {
    let Some(settings) = &loaded.account.signatures else { return Some(set) };
    let verdict = verdict(loaded, settings, &set, findings)?;
    set.sign(verdict.signed?);
    Some(set)
}

/// The last good set, with what was signed of it, if it is the one that the trail says was in force last: whoever can put
/// a file into the state must not bring back an old set. An account that asks for no signatures takes it as it is.
pub(super) fn admit_kept(loaded: &Loaded, mut set: PolicySet) -> Option<PolicySet> {
    if loaded.account.signatures.is_none() {
        return Some(set);
    }
    let past = past(loaded).ok()?;
    if past.policy_digest.as_ref() != Some(&set.digest) {
        tracing::error!("the last good policies are not those that the trail says were in force: they are not used");
        return None;
    }
    let Some(last) = past.signed else { return Some(set) };
    let Some(manifest) = kept_manifest(loaded, &last) else {
        tracing::error!(
            "the manifest of the last good policies is not that of which the trail says so: they are not used"
        );
        return None;
    };
    set.sign(Signed { set: last, manifest: manifest.text(), lists: manifest.lists, by: Vec::new() });
    Some(set)
}

fn past(loaded: &Loaded) -> Result<Past, Failure> {
    Ok(trail::look(&Disk::at(&loaded.trail()), &loaded.account.name)?)
}

/// The manifest in force, if it was kept.
fn kept_manifest(loaded: &Loaded, last: &SetSigned) -> Option<Manifest> {
    let (_, kept) = kept_good(&Disk::at(&loaded.state()), KEPT).ok()??;
    let (_, text) = kept.files.into_iter().next().filter(|(_, text)| sha256_hex(text.as_bytes()) == last.manifest)?;
    Manifest::read(&text).ok()
}

/// What is found of the set's signatures; none if not even that can be told.
fn verdict(loaded: &Loaded, settings: &SignatureSettings, set: &PolicySet, findings: &mut Findings) -> Option<Verdict> {
    let place = |code, why: String| Diagnostic::new(code, why).at(&loaded.config, settings.span.clone(), "");
    let signers = read_signers(&settings.allowed_signers)
        .map_err(|why| findings.push(place(Code::BadSigner, why).help(OWN)))
        .ok()
        .and_then(|source| Signers::read(&source, findings))?;
    let path = settings.folder.join(MANIFEST);
    let manifest = read_alone(&path, MANIFEST_BYTES_MAX)
        .map_err(|why| findings.push(place(Code::NotSigned, why).help(NEXT)))
        .ok()
        .map(|bytes| Source::new(path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()))?;
    let here =
        manifest_here(loaded, set, 0).map_err(|why| findings.push(place(Code::NotSigned, why).help(NEXT))).ok()?;
    let files =
        signature_files(&settings.folder).map_err(|why| findings.push(place(Code::NotSigned, why).help(NEXT))).ok()?;
    let past = past(loaded)
        .map_err(|failure| {
            let why = format!("what was in force before cannot be told: {}", failure.title);
            findings.push(place(Code::NotSigned, why).help("`evictd audit verify` says what is wrong with the trail"));
        })
        .ok()?;
    let has_same_texts = past.policy_digest.as_ref() == Some(&set.digest);
    let changes = changes(loaded, &past, set, &here);
    let before = Predecessor { signed: past.signed.as_ref(), has_same_texts, changes: changes.as_deref() };
    let now = SystemClock.now();
    let candidate = Candidate { settings, signers: &signers, manifest: &manifest, here: &here, files: &files, now };
    Some(judge(&candidate, &before, findings))
}

const OWN: &str = "keep it as a plain file of root's that nobody else may write to";
const NEXT: &str = "`evictd policy manifest` prints what is to be signed; docs/signing.md says how";

/// What the set changes against the one in force; none if that one cannot be read any more.
fn changes(loaded: &Loaded, past: &Past, set: &PolicySet, here: &Manifest) -> Option<Vec<Change>> {
    let with = |mut set: PolicySet, manifest: &Manifest| {
        let signed = SetSigned { serial: 0, manifest: String::new(), allowed_signers: String::new() };
        let lists = manifest.lists.clone();
        set.sign(Signed { set: signed, manifest: String::new(), lists, by: Vec::new() });
        set
    };
    let (_, kept) = kept_good(&Disk::at(&loaded.state()), "policies").ok()??;
    let sources: Vec<Source> = kept.files.into_iter().map(|(name, text)| Source::new(name, text)).collect();
    let before = policy::read(&sources, None, &mut Findings::default())?;
    if past.policy_digest.as_ref() != Some(&before.digest) {
        return None;
    }
    let before = with(before, &kept_manifest(loaded, past.signed.as_ref()?)?);
    Some(of_policies(&before, &with(set.clone(), here)))
}

/// The manifest that the set on the disk has.
fn manifest_here(loaded: &Loaded, set: &PolicySet, serial: u64) -> Result<Manifest, String> {
    let account = loaded.account.name.to_string();
    let mut manifest = Manifest { account, serial, policies: BTreeMap::new(), lists: BTreeMap::new() };
    for file in &set.files {
        let path = Path::new(&file.name);
        let name = path.strip_prefix(&loaded.settings.folder).unwrap_or(path).to_string_lossy().into_owned();
        if !Manifest::can_name(&name) {
            return Err(format!("a policy file's name cannot be signed: `{}`", Foreign::new(name)));
        }
        manifest.policies.insert(name, sha256_hex(file.text.as_bytes()));
    }
    for decl in &set.lists {
        let ListSource::File(file) = &decl.from else { continue };
        if file.is_signed {
            let bytes = read_bytes(&file.path, LIST_BYTES_MAX as u64);
            let bytes = bytes.map_err(|trouble| format!("list `{}`, which is to be signed: {trouble}", decl.name))?;
            manifest.lists.insert(decl.name.to_string(), sha256_hex(&bytes));
        }
    }
    Ok(manifest)
}

/// A plain file, not a link to one.
fn read_alone(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        let fault = FileFault::Other("it is a link".to_owned());
        return Err(FileTrouble { path: path.to_owned(), fault }.to_string());
    }
    read_bytes(path, bytes_max).map_err(|trouble| trouble.to_string())
}

fn read_signers(path: &Path) -> Result<Source, String> {
    read_alone(path, SIGNERS_BYTES_MAX)?;
    let (bytes, metadata) = read_with_metadata(path, SIGNERS_BYTES_MAX).map_err(|trouble| trouble.to_string())?;
    let (mode, shown) = (metadata.permissions().mode() & 0o777, path.display());
    if mode & 0o022 != 0 {
        return Err(format!("others than its owner can write to `{shown}`: its mode is {mode:03o}"));
    }
    let text = String::from_utf8(bytes).map_err(|_error| format!("`{shown}` is not UTF-8 text"))?;
    Ok(Source::new(shown.to_string(), text))
}

type SignatureFiles = Vec<(String, Result<Vec<u8>, String>)>;

/// The signature files of the folder by name.
fn signature_files(folder: &Path) -> Result<SignatureFiles, String> {
    let paths = matching_files(folder, "*.sig").map_err(|trouble| trouble.to_string())?;
    if paths.len() > SIGNATURES_MAX {
        return Err(format!("`{}` has more than {SIGNATURES_MAX} signature files", folder.display()));
    }
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(paths.iter().map(|path| (name(path), read_alone(path, SIGNATURE_BYTES_MAX))).collect())
}

/// `evictd policy manifest`: prints what is to be signed.
pub(super) fn print_manifest(args: &ManifestArgs, screen: Screen) -> Result<Exit, Failure> {
    let (loaded, set) = read(&args.place, screen)?;
    let wrong = |why: String| Failure::new(Exit::Config, why);
    let folder = loaded.account.signatures.as_ref().map(|settings| settings.folder.clone());
    let last = folder.and_then(|folder| read_alone(&folder.join(MANIFEST), MANIFEST_BYTES_MAX).ok());
    let last = last.and_then(|bytes| Manifest::read(&String::from_utf8_lossy(&bytes)).ok());
    let mut manifest = manifest_here(&loaded, &set, 0).map_err(wrong)?;
    let in_force = past(&loaded).ok().and_then(|past| past.signed).map_or(0, |signed| signed.serial);
    manifest.serial = match (args.serial, &last) {
        (Some(serial), _) => serial,
        (None, Some(last)) if manifest.differences(last).is_empty() && last.serial >= in_force => last.serial,
        (None, last) => last.as_ref().map_or(0, |last| last.serial).max(in_force) + 1,
    };
    let text = manifest.text();
    if let Err((_, why)) = Manifest::read(&text) {
        return Err(Failure::new(Exit::Usage, why).help("give a serial above that of every set that was in force"));
    }
    screen.out(&text);
    Ok(Exit::Done)
}

/// `evictd policy verify`: whether what lies on the disk could come into force, and who signed it.
pub(super) fn verify(args: &VerifyArgs, screen: Screen) -> Result<Exit, Failure> {
    let (loaded, set) = read(&args.place, screen)?;
    let Some(settings) = &loaded.account.signatures else {
        return Err(Failure::new(Exit::Config, format!("account `{}` asks for no signatures", loaded.account.name))
            .help("add a table `signatures` to the account; docs/signing.md says how"));
    };
    let mut findings = Findings::default();
    let verdict = verdict(&loaded, settings, &set, &mut findings);
    match args.format {
        Format::Json => screen.json(&json_of(verdict.as_ref(), &findings)),
        Format::Text => {
            show(&findings, screen);
            screen.out(&text_of(verdict.as_ref()));
        }
    }
    let is_good = verdict.is_some_and(|verdict| verdict.signed.is_some()) && !findings.has_errors();
    Ok(if is_good { Exit::Done } else { Exit::Findings })
}

fn read(place: &Where, screen: Screen) -> Result<(Loaded, PolicySet), Failure> {
    let loaded = load(place, screen)?;
    let set = policies_as_read(&loaded, screen)?;
    Ok((loaded, set))
}

fn text_of(verdict: Option<&Verdict>) -> String {
    let mut page = String::new();
    for one in verdict.iter().flat_map(|verdict| &verdict.by) {
        page += &format!("signed by {}, {}\n", Foreign::new(&*one.principal), one.key);
    }
    for (name, why) in verdict.iter().flat_map(|verdict| &verdict.refused) {
        page += &format!("{} counts for nothing: {}\n", Foreign::new(&**name), Foreign::new(&**why));
    }
    if let Some(quorum) = verdict.and_then(|verdict| verdict.quorum.as_ref()) {
        page += &format!("{} needed: {}\n", counted(quorum.people, "signer", "signers"), Foreign::new(&*quorum.why));
    }
    match verdict.and_then(|verdict| verdict.signed.as_ref()) {
        Some(signed) => page + &format!("the set with serial {} can be in force\n", signed.set.serial),
        None => page + "the set cannot be in force\n",
    }
}

fn json_of(verdict: Option<&Verdict>, findings: &Findings) -> serde_json::Value {
    let by = verdict.iter().flat_map(|verdict| &verdict.by);
    let refused = verdict.iter().flat_map(|verdict| &verdict.refused);
    let quorum = verdict.and_then(|verdict| verdict.quorum.as_ref());
    let signed = verdict.and_then(|verdict| verdict.signed.as_ref());
    let mut json = to_json(findings);
    if let Some(document) = json.as_object_mut() {
        document.insert("can_be_in_force".to_owned(), signed.is_some().into());
        document.insert("serial".to_owned(), json!(signed.map(|signed| signed.set.serial)));
        document.insert("signers_needed".to_owned(), json!(quorum.map(|quorum| quorum.people)));
        document.insert("why".to_owned(), json!(quorum.map(|quorum| &quorum.why)));
        let by = by.map(|one| json!({ "principal": one.principal, "key": one.key })).collect::<Vec<_>>();
        document.insert("signed_by".to_owned(), by.into());
        let refused = refused.map(|(name, why)| json!({ "file": name, "why": why })).collect::<Vec<_>>();
        document.insert("refused".to_owned(), refused.into());
    }
    json
}
