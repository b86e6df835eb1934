//! The records of what came into force: what it changes, whose files it is from, and which commit they were taken from.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::change::{Change, Class, class_of, of_account, of_host, of_policies};
use crate::config::{self, Settings};
use crate::daemon::setup::Setup;
use crate::diagnostic::{Findings, Source};
use crate::files::{Disk, commit_of, kept_good, owner_of};
use crate::model::Mode;
use crate::policy::{self, PolicySet, Signed};
use crate::record::{ChangeTold, Changed, ConfigLoaded, PolicyLoaded, SetSigned, sha256_hex};
use crate::signatures::Manifest;
use crate::trail::Past;

/// A configuration, and its personal part.
pub(super) fn of_config(setup: &Setup, before: Option<&str>) -> (ConfigLoaded, Value) {
    let changes = before.and_then(|digest| {
        let root = setup.state.parent().unwrap_or(&setup.state);
        let (_, kept) = kept_good(&Disk::at(root), "config").ok()??;
        let (_, text) = kept.files.into_iter().next().filter(|(_, text)| sha256_hex(text.as_bytes()) == digest)?;
        let name = &setup.account.name;
        let (before, after) = (settings_of(&text)?, settings_of(&setup.config)?);
        let mut changes = of_account(before.accounts.get(name)?, after.accounts.get(name)?);
        changes.extend(of_host(&before, &after));
        Some(changes)
    });
    let record = ConfigLoaded { digest: setup.config_digest.clone(), changed: changed(before, changes, None) };
    (record, json!({ "text": setup.config }))
}

/// Both are read from no folder at all, so that they can be held against each other.
fn settings_of(text: &str) -> Option<Settings> {
    config::read(&Source::new("", text), Path::new(""), &mut Findings::default())
}

/// A policy set, and its personal part.
pub(super) fn of_policy(setup: &Setup, past: &Past) -> (PolicyLoaded, Value) {
    let (set, before) = (&setup.policies, past.policy_digest.as_deref());
    let changes = before.and_then(|digest| {
        let mut changes = of_policies(&set_before(setup, digest, past.signed.as_ref())?, set);
        changes.extend(other_signers(set, past.signed.as_ref()));
        Some(changes)
    });
    let commit = set.files.first().and_then(|file| commit_of(Path::new(&file.name)));
    let rules = set.rules.iter().filter(|rule| rule.mode != Mode::Off);
    let record = PolicyLoaded {
        digest: set.digest.clone(),
        rules: rules.map(|rule| (rule.id.to_string(), rule.mode.word().to_owned())).collect(),
        signed: set.signed.as_ref().map(|signed| signed.set.clone()),
        keys: set.signed.iter().flat_map(|signed| &signed.by).map(|one| one.key.clone()).collect(),
        changed: changed(before, changes, commit),
    };
    let files: BTreeMap<&str, &str> = set.files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
    let owner = |name: &str| Some((name.to_owned(), owner_of(Path::new(name))?));
    let owners: BTreeMap<String, String> = files.keys().filter_map(|name| owner(name)).collect();
    let mut personal = json!({ "files": files, "owners": owners });
    if let (Some(signed), Some(object)) = (&set.signed, personal.as_object_mut()) {
        let by =
            signed.by.iter().map(|one| json!({ "principal": one.principal, "key": one.key, "signature": one.armor }));
        object.insert("signers".to_owned(), by.collect());
        object.insert("manifest".to_owned(), signed.manifest.as_str().into());
    }
    (record, personal)
}

/// The set of this digest, if it is the last good one: it is kept until what comes into force now is known to be good.
/// Its lists are those that were signed with it.
fn set_before(setup: &Setup, digest: &str, last: Option<&SetSigned>) -> Option<PolicySet> {
    let disk = Disk::at(&setup.state);
    let (_, kept) = kept_good(&disk, "policies").ok()??;
    let sources: Vec<Source> = kept.files.into_iter().map(|(name, text)| Source::new(name, text)).collect();
    let mut set = policy::read(&sources, None, &mut Findings::default()).filter(|set| set.digest == digest)?;
    if let (Some(last), Ok(Some((_, kept)))) = (last, kept_good(&disk, "signatures")) {
        let of_last = |(_, text): &(String, String)| sha256_hex(text.as_bytes()) == last.manifest;
        let text = kept.files.into_iter().next().filter(of_last).map(|(_, text)| text).unwrap_or_default();
        if let Ok(manifest) = Manifest::read(&text) {
            set.sign(Signed { set: last.clone(), manifest: text, lists: manifest.lists, by: Vec::new() });
        }
    }
    Some(set)
}

/// Whoever may sign may bring anything into force, with others: that these are now others is told as what it can lead to.
fn other_signers(set: &PolicySet, last: Option<&SetSigned>) -> Option<Change> {
    let (now, last) = (&set.signed.as_ref()?.set, last?);
    let (item, name) = ("key", "signatures.allowed-signers".to_owned());
    (now.allowed_signers != last.allowed_signers).then(|| Change {
        item,
        name,
        what: vec!["contents"],
        class: Class::WEAKENS,
    })
}

fn changed(before: Option<&str>, changes: Option<Vec<Change>>, commit: Option<String>) -> Changed {
    let class = before.map(|_| changes.as_deref().map_or(Class::UNCLEAR, class_of).word().to_owned());
    Changed {
        before: before.map(str::to_owned),
        class,
        changes: changes.unwrap_or_default().iter().map(told).collect(),
        commit,
    }
}

fn told(change: &Change) -> ChangeTold {
    ChangeTold {
        item: change.item.to_owned(),
        name: change.name.clone(),
        what: change.what.iter().map(|what| (*what).to_owned()).collect(),
        class: change.class.word().to_owned(),
    }
}
