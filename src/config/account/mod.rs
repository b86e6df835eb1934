//! One account's table: who is watched, who is protected, how evictd signs in.

mod signatures;

use std::path::Path;
use std::str::FromStr as _;

pub use signatures::SignatureSettings;

use super::{
    Account, FilePattern, Host, ProtectedEntry, ScopeChoice, auth, filled, host, limits, looks_like_email, offboarding,
    plain_name, sources, sweep,
};
use crate::diagnostic::{Code, Findings, quoted};
use crate::document::{Item, Kind, Table};
use crate::model::{AccountName, Mode, Scope, UserId};

/// Whose sessions may be listed.
const CHOICES: [ScopeChoice; 3] = [ScopeChoice::Of(Scope::Staff), ScopeChoice::Of(Scope::Everyone), ScopeChoice::Auto];

/// Reads one account. What could not be read is in the findings; nothing is returned if no account can be made of it.
pub(super) fn read(entry: &Item<'_>, folder: &Path, findings: &mut Findings) -> Option<Account> {
    let name = plain_name(entry, "an account", findings).map(AccountName::new);
    let mut table = entry.table(findings)?;
    let host = host::read(&mut table, findings);
    let ignore_host_clock = ignore_host_clock(&mut table, host.as_ref(), findings);
    let mode = mode(&mut table, findings);
    let scope = scope(&mut table, findings);
    let (sweep, time_zone) = (sweep::sweep(&mut table, findings), sweep::time_zone(&mut table, findings));
    let policies = policies(&mut table, findings);
    let signatures = signatures::read(&mut table, folder, findings).map(Box::new);
    let protected = protected(&mut table, mode, findings);
    let auth = table.required("auth", findings).and_then(|item| auth::read(&item, (folder, mode), findings));
    let selftest_user = selftest_user(&mut table, findings);
    let budget = limits::budget(&mut table, findings);
    let belts = limits::belts(&mut table, findings);
    let sources = sources::read(&mut table, findings);
    let offboarding = offboarding::read(&mut table, folder, findings);
    let feeds = sources::feeds::read(&mut table, folder, findings);
    table.finish(findings);
    let (auth, revoker) = auth?;
    Some(Account {
        name: name?,
        host: host?,
        ignore_host_clock,
        mode,
        scope,
        sweep,
        time_zone,
        policies,
        signatures,
        protected,
        auth,
        revoker,
        selftest_user,
        budget,
        belts,
        sources,
        offboarding,
        feeds,
    })
}

fn selftest_user(table: &mut Table<'_>, findings: &mut Findings) -> Option<String> {
    let item = table.optional("selftest")?;
    let mut table = item.table(findings)?;
    let user = table.required("user", findings);
    let user = user.and_then(|item| Some((filled(&item, findings)?.to_owned(), item)));
    table.finish(findings);
    let (text, item) = user?;
    if looks_like_email(&text) || UserId::from_str(&text).is_ok() {
        return Some(text);
    }
    let message = format!("{} is neither an e-mail address nor a user id", quoted(&text));
    findings.push(item.fault(Code::BadEmail, message).help("write it as in `\"canary@example.com\"` or `\"35436\"`"));
    None
}

fn ignore_host_clock(table: &mut Table<'_>, host: Option<&Host>, findings: &mut Findings) -> bool {
    let Some(item) = table.optional("dangerous-ignore-host-clock") else { return false };
    let ignore = item.boolean(findings).unwrap_or(false);
    if ignore && host.is_some_and(|host| !host.is_loopback()) {
        let message = "`dangerous-ignore-host-clock` is for simulators on this machine only";
        findings.push(item.fault_at_key(Code::DangerousSetting, message).help("remove it, and let the host keep time"));
    }
    ignore
}

fn mode(table: &mut Table<'_>, findings: &mut Findings) -> Mode {
    let words: Vec<_> = Mode::ALL.iter().map(|mode| mode.word()).collect();
    let item = table.optional("mode");
    item.and_then(|item| item.word(&words, Mode::from_word, findings)).unwrap_or_default()
}

fn scope(table: &mut Table<'_>, findings: &mut Findings) -> ScopeChoice {
    let words: Vec<_> = CHOICES.iter().map(|choice| choice.word()).collect();
    let choice = |word: &str| CHOICES.iter().copied().find(|choice| choice.word() == word);
    let item = table.optional("scope");
    item.and_then(|item| item.word(&words, choice, findings)).unwrap_or(ScopeChoice::Of(Scope::Staff))
}

fn policies(table: &mut Table<'_>, findings: &mut Findings) -> Vec<FilePattern> {
    let Some(item) = table.required("policies", findings) else { return Vec::new() };
    let Some(elements) = item.array(findings) else { return Vec::new() };
    if elements.is_empty() {
        let help = "name the policy files, as in `[\"policies/*.toml\"]`";
        findings.push(item.fault(Code::EmptySet, "`policies` is empty").help(help));
    }
    let pattern = |element: &Item<'_>, text: &str| FilePattern { text: text.to_owned(), span: element.span() };
    elements.iter().filter_map(|element| Some(pattern(element, filled(element, findings)?))).collect()
}

fn protected(table: &mut Table<'_>, mode: Mode, findings: &mut Findings) -> Vec<ProtectedEntry> {
    const HELP: &str = "list at least one admin, by e-mail or id, as in `[\"owner@example.com\", 35436]`";
    let Some(item) = table.optional("protected") else {
        if mode == Mode::Enforce {
            let message = "mode `enforce` needs somebody in `protected`";
            findings.push(table.fault(Code::NoProtected, message).help(HELP));
        }
        return Vec::new();
    };
    let Some(elements) = item.array(findings) else { return Vec::new() };
    if elements.is_empty() && mode == Mode::Enforce {
        findings.push(item.fault(Code::NoProtected, "mode `enforce` needs somebody in `protected`").help(HELP));
    }
    elements.iter().filter_map(|element| protected_entry(element, findings)).collect()
}

fn protected_entry(item: &Item<'_>, findings: &mut Findings) -> Option<ProtectedEntry> {
    match item.kind() {
        Kind::Text => {
            let text = item.text(findings)?;
            if looks_like_email(text) {
                return Some(ProtectedEntry::Email(text.to_owned()));
            }
            let message = format!("{} does not look like an e-mail address", quoted(text));
            findings
                .push(item.fault(Code::BadEmail, message).help("write an e-mail address, or a user id without quotes"));
            None
        }
        Kind::Integer => {
            let id = u64::try_from(item.integer(findings)?).ok().and_then(UserId::new);
            if id.is_none() {
                let message = format!("{} must be an e-mail address or a user id", item.subject());
                findings.push(item.fault(Code::OutOfRange, message).help("user ids begin at 1"));
            }
            id.map(ProtectedEntry::Id)
        }
        _ => {
            item.wrong("an e-mail address or a user id", findings);
            None
        }
    }
}
