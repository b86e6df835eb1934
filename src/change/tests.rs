//! What is classed how, item by item.

use std::path::Path;

use super::*;
use crate::config;
use crate::diagnostic::{Findings, Source};
use crate::policy::{self, PolicySet};

const RULE: &str = "[[rule]]\nid = \"old\"\ntitle = \"Old\"\naction = \"revoke-session\"\nmode = \"enforce\"\n";
const WHEN: &str = "when.session.age.over = \"2h\"\nwhen.user.role.in = [\"agent\", \"admin\"]\n";
const EXCEPTION: &str = "[[exception]]\nid = \"it\"\nrules = [\"*\"]\nowner = \"a\"\nreason = \"b\"\nexpires = 2027-01-31\n\
                         when.user.tags.in = [\"x\"]\n";

fn set(text: &str) -> PolicySet {
    let mut findings = Findings::default();
    let set = policy::read(&[Source::new("p.toml", format!("schema = 1\n{text}"))], None, &mut findings);
    let faults: Vec<_> = findings.sorted().into_iter().map(|fault| fault.message.clone()).collect();
    set.unwrap_or_else(|| panic!("{faults:?}\n{text}"))
}

/// The change is of this class, and back again of the other; and nothing changes where nothing does.
fn check(before: &str, after: &str, class: Class) {
    let (old, new) = (set(before), set(after));
    assert_eq!(class_of(&of_policies(&old, &new)), class, "{before}\n{after}");
    assert_eq!(class_of(&of_policies(&new, &old)), class.turned(), "back: {before}\n{after}");
    assert_eq!((of_policies(&old, &old), of_policies(&new, &new)), (vec![], vec![]));
}

fn rule(from: &str, to: &str, class: Class) {
    let text = format!("{RULE}{WHEN}{EXCEPTION}");
    assert!(text.contains(from), "{from}");
    check(&text, &text.replacen(from, to, 1), class);
}

#[test]
fn what_a_rule_loses_weakens_and_words_are_neutral() {
    rule("mode = \"enforce\"", "mode = \"report\"", Class::WEAKENS);
    rule("mode = \"enforce\"", "mode = \"off\"", Class::WEAKENS);
    rule("action = \"revoke-session\"", "action = \"revoke-user\"", Class::WIDENS);
    rule("title = \"Old\"", "title = \"New\"\nowner = \"me\"\nmessage = \"m\"", Class::NEUTRAL);
    rule("over = \"2h\"", "over = \"3h\"", Class::WEAKENS);
    rule("over = \"2h\"", "under = \"3h\"", Class::UNCLEAR);
    rule("[\"agent\", \"admin\"]", "[\"agent\"]", Class::WEAKENS);
    rule("[\"agent\", \"admin\"]", "[\"admin\", \"agent\"]", Class::NEUTRAL);
    rule("when.session.age.over = \"2h\"\n", "", Class::WIDENS);
    rule("when.user.role.in", "when.user.role.not-in", Class::UNCLEAR);
    rule("when.session.age.over = \"2h\"", "when.not.session.age.over = \"2h\"", Class::UNCLEAR);
    check(&format!("{RULE}{WHEN}"), "", Class::WEAKENS);
    check(&format!("{RULE}{WHEN}").replace("enforce", "off"), "", Class::NEUTRAL);
}

#[test]
fn what_spares_more_weakens() {
    rule(EXCEPTION, "", Class::WIDENS);
    rule("expires = 2027-01-31", "expires = 2027-02-01", Class::WEAKENS);
    rule("tags.in = [\"x\"]", "tags.in = [\"x\", \"y\"]", Class::WEAKENS);
    rule("rules = [\"*\"]", "rules = [\"old\"]", Class::NEUTRAL);
    rule("reason = \"b\"", "reason = \"c\"", Class::NEUTRAL);
}

#[test]
fn a_list_counts_as_both_if_somebody_asks_about_it() {
    let list = "[list.crew]\nentries = [\"192.0.2.0/24\"]\n";
    let check = |rule: &str, class: Class| {
        let asks = format!("{RULE}{rule}{list}");
        let longer = asks.replace("\"192.0.2.0/24\"", "\"192.0.2.0/24\", \"198.51.100.0/24\"");
        let found = of_policies(&set(&asks), &set(&longer));
        assert_eq!((found.len(), found[0].item, found[0].class), (1, "list", class), "{found:?}");
    };
    check("when.sign-in.address.in = [\"@crew\"]\n", Class::UNCLEAR);
    check(WHEN, Class::NEUTRAL);
}

fn settings(lines: &str) -> config::Settings {
    let text = format!(
        "schema = 1\n[accounts.a]\nsubdomain = \"acme\"\npolicies = [\"p\"]\nauth.token = {{ env = \"T\" }}\n{lines}\n"
    );
    let mut findings = Findings::default();
    let settings = config::read(&Source::new("c.toml", text), Path::new("/"), &mut findings);
    let faults: Vec<_> = findings.sorted().into_iter().map(|fault| fault.message.clone()).collect();
    settings.unwrap_or_else(|| panic!("{faults:?} {lines}"))
}

fn account(lines: &str) -> config::Account {
    settings(lines).accounts.into_values().next().unwrap()
}

fn key(before: &str, after: &str, name: &str, class: Class) {
    let (old, new) = (account(before), account(after));
    let found = of_account(&old, &new);
    let named: Vec<_> = found.iter().map(|change| (change.name.as_str(), change.class)).collect();
    assert_eq!(named, [(name, class)], "{before} | {after}");
    assert_eq!(class_of(&of_account(&new, &old)), class.turned());
    assert_eq!((of_account(&old, &old), of_account(&new, &new)), (vec![], vec![]));
}

#[test]
fn keys_are_classed_by_what_they_let_through_and_never_shown() {
    key("", "belts.people-per-rule-max = 11", "belts.people-per-rule-max", Class::WIDENS);
    key("", "belts.rule.x.people-per-rule-and-day-max = 3", "belts.rule.x", Class::WEAKENS);
    key("", "belts.just-revoked-for = \"20m\"", "belts.just-revoked-for", Class::WEAKENS);
    key("", "protected = [\"eve@example.com\"]", "protected", Class::WEAKENS);
    key("scope = \"staff\"", "scope = \"everyone\"", "scope", Class::WIDENS);
    key("scope = \"staff\"", "scope = \"auto\"", "scope", Class::UNCLEAR);
    key("mode = \"report\"\nprotected = [1]", "mode = \"enforce\"\nprotected = [1]", "mode", Class::WIDENS);
    key("", "offboarding.hr.file = \"x\"", "offboarding", Class::WIDENS);
    key("", "sweep = \"* * * * *\"", "sweep", Class::UNCLEAR);
    key("", "auth.revoker = \"none\"", "auth.revoker", Class::WEAKENS);
    key("", "auth.revoker.token = { env = \"R\" }", "auth.revoker", Class::UNCLEAR);
}

#[test]
fn whoever_takes_a_channel_away_or_turns_it_elsewhere_is_told() {
    let check = |before: &str, after: &str, expected: &[(&str, &str, Class)]| {
        let found = of_host(&settings(before), &settings(after));
        let told: Vec<_> = found.iter().map(|change| (change.name.as_str(), change.what[0], change.class)).collect();
        assert_eq!(told, expected, "{before} | {after}");
    };
    let hook = |path: &str| {
        format!("[alerts]\nwebhook = {{ url = \"https://h.example.com/{path}\", secret = {{ env = \"S\" }} }}")
    };
    check("", &hook("a"), &[("alerts.webhook", "added", Class::NEUTRAL)]);
    check(&hook("a"), "", &[("alerts.webhook", "removed", Class::WEAKENS)]);
    check(&hook("a"), &hook("b"), &[("alerts.webhook", "changed", Class::UNCLEAR)]);
    check("[control]\napprove = \"x\"", "[control]\napprove = \"y\"", &[("control", "changed", Class::UNCLEAR)]);
    check(&hook("a"), &hook("a"), &[]);
}

#[test]
fn whoever_asks_for_fewer_signatures_or_others_weakens() {
    let check = |before: &str, after: &str, what: &str, class: Class| {
        let line = |text: &str| match text {
            "" => String::new(),
            more => format!("signatures = {{ allowed-signers = {more} }}"),
        };
        let found = of_account(&account(&line(before)), &account(&line(after)));
        let told: Vec<_> = found.iter().map(|change| (change.name.as_str(), change.what[0], change.class)).collect();
        assert_eq!(told, [("signatures", what, class)], "{before} | {after}");
    };
    let plain = "\"a\"";
    check("", plain, "added", Class::NEUTRAL);
    check(plain, "", "removed", Class::WEAKENS);
    check(plain, "\"b\"", "changed", Class::WEAKENS);
    check(plain, "\"a\", folder = \"b\"", "changed", Class::WEAKENS);
    for (key, more) in [("signers-min", 2), ("signers-to-widen-or-weaken-min", 3), ("serial-min", 5)] {
        let raised = format!("\"a\", {key} = {more}");
        check(plain, &raised, "changed", Class::NEUTRAL);
        check(&raised, plain, "changed", Class::WEAKENS);
    }
    let same = account("signatures = { allowed-signers = \"a\" }");
    let moved = account("# a line more\nsignatures = { allowed-signers = \"a\" }");
    assert_eq!(of_account(&same, &moved), []);
}
