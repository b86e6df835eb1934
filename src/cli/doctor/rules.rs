//! Policies: whether they can be in force, and which rules ask what nothing here can tell.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::page::Row;
use super::sources::Sources;
use crate::cli::load::{Loaded, read_policies_of};
use crate::cli::signatures::admit;
use crate::config::Account;
use crate::diagnostic::{Findings, error_places, quoted_list};
use crate::facts::FactSpec;
use crate::model::{Foreign, Mode, Source};
use crate::policy::{Condition, PolicySet};
use crate::report::counted;

/// The policies as they stand on the disk.
pub(super) fn read(loaded: &Loaded) -> (Option<PolicySet>, Vec<Row>) {
    let mut findings = Findings::default();
    let set = match read_policies_of(loaded, &mut findings) {
        Ok(set) => set,
        Err(failure) => {
            let help = "mend the file: until then the last good set stays in force, or none";
            return (None, vec![Row::failed("policies", failure).or_help(help)]);
        }
    };
    let Some(set) = set else {
        let errors = counted(findings.errors(), "error", "errors");
        let first = error_places(&findings).into_iter().next().map(|place| format!(", the first: {place}"));
        let what = format!("{errors}{}: a set with an error is not in force", first.unwrap_or_default());
        return (None, vec![Row::bad("policies", what).help("`evictd plan` shows each at its place")]);
    };
    let rules = counted(set.rules.len(), "rule", "rules");
    let enforcing = set.rules.iter().filter(|rule| rule.mode == Mode::Enforce).count();
    let exceptions = counted(set.exceptions.len(), "exception", "exceptions");
    let what = format!("{rules}, of which {enforcing} may enforce, and {exceptions}");
    let row = match findings.warnings() {
        0 => Row::good("policies", what),
        number => Row::note("policies", format!("{what}; {}", counted(number, "warning", "warnings")))
            .help("`evictd policy check` shows each at its place"),
    };
    let mut rows = vec![row];
    let Some(settings) = &loaded.account.signatures else { return (Some(set), rows) };
    let mut findings = Findings::default();
    let admitted = admit(loaded, set.clone(), &mut findings);
    rows.push(match admitted.as_ref().and_then(|set| set.signed.as_ref()) {
        Some(signed) => {
            let by = counted(signed.by.len(), "person", "people");
            Row::good(
                "signatures",
                format!("the set with serial {} is signed by {by} and can be in force", signed.set.serial),
            )
        }
        None => Row::bad("signatures", first_of(&findings))
            .help("`evictd policy verify` says who signed, and who is missing"),
    });
    rows.extend(not_of_root(&settings.allowed_signers));
    (Some(admitted.unwrap_or(set)), rows)
}

fn first_of(findings: &Findings) -> String {
    let first = findings.sorted().first().map(|one| one.message.clone());
    first.unwrap_or_else(|| "the policies are not signed as they must be".to_owned())
}

/// Whoever owns the file of allowed signers can put himself on it.
fn not_of_root(path: &Path) -> Option<Row> {
    let owner = std::fs::metadata(path).ok()?.uid();
    let what = format!("`{}` belongs to user {owner}, who can let anybody sign", Foreign::new(path.to_string_lossy()));
    (owner != 0)
        .then(|| Row::note("signatures", what).help("have it owned by root, and by nobody who deploys policies"))
}

/// Rules and exceptions that ask what nothing here ever tells.
pub(super) fn undecidable(set: &PolicySet, sources: Sources, account: &Account) -> Vec<Row> {
    let has_lists = !account.offboarding.is_empty();
    let can_tell = |fact: &'static FactSpec| sources.tell(fact) && (fact.source != Source::List || has_lists);
    let untold = |when: &Condition| {
        let mut names: Vec<&str> =
            when.lines().iter().map(|line| line.fact).filter(|fact| !can_tell(fact)).map(|fact| fact.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let of_rules = set.rules.iter().filter(|rule| rule.mode != Mode::Off).filter_map(|rule| {
        let names = untold(&rule.when);
        let told = || quoted_list(names.iter().copied());
        if !rule.when.can_answer(true, &can_tell) {
            let what = format!("rule `{}` can never fire here: nothing tells {}", rule.id, told());
            return Some(Row::bad("policies", what).help("see the sources above, or set its mode to `off`"));
        }
        let what = || format!("rule `{}` does without what nothing here tells: {}", rule.id, told());
        (!names.is_empty()).then(|| Row::note("policies", what()))
    });
    let of_exceptions = set.exceptions.iter().filter_map(|exception| {
        let is_stuck = !exception.when.can_answer(true, &can_tell) && !exception.when.can_answer(false, &can_tell);
        let told = quoted_list(untold(&exception.when));
        let what = format!("exception `{}` spares all that its rules claim: nothing here tells {told}", exception.id);
        is_stuck.then(|| Row::bad("policies", what).help("ask what can be told in it, or take it out"))
    });
    of_rules.chain(of_exceptions).collect()
}
