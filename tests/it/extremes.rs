//! Inputs that a fuzzer does not come upon: very deep, very wide, very long. What reads them must end, in the stack of
//! a small thread; a build without optimisation, as here, needs the most of it.

use std::fmt::Write as _;

use crate::hostile;

/// A quarter of what a thread gets unless it asks for more.
const STACK_BYTES: usize = 512 << 10;

/// Levels that no reader may follow down to.
const DEEP: usize = 10_000;

type Survives = fn(&[u8]);

fn check(survives: Survives, text: impl Into<Vec<u8>>) {
    let text = text.into();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || survives(&text)).unwrap().join().unwrap();
}

/// A rule that asks this.
fn rule(when: &str) -> String {
    format!("schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"t\"\naction = \"revoke-session\"\n[rule.when]\n{when}\n")
}

#[test]
fn toml_of_any_depth_is_survived() {
    for survives in [hostile::policies::survives, hostile::config::survives] {
        check(survives, format!("a = {}{}", "[".repeat(DEEP), "]".repeat(DEEP)));
        check(survives, format!("a = {}", "[".repeat(DEEP)));
        check(survives, format!("a = {}1{}", "{ a = ".repeat(DEEP), "}".repeat(DEEP)));
        check(survives, format!("{} = 1", vec!["a"; DEEP].join(".")));
        check(survives, format!("[{}]", vec!["a"; DEEP].join(".")));
        check(survives, format!("[[{}]]\n", vec!["a"; DEEP].join(".")).repeat(2));
        check(survives, "]".repeat(DEEP));
    }
}

/// Each level of braces may hold a dotted key of as many parts again.
#[test]
fn conditions_as_deep_as_toml_may_be_are_survived() {
    for (opens, closes) in
        [("not.not.not.not.not.not.not = { ", "}"), ("all = [{ ", "}]"), ("any = [{ all = [{ ", "}] }]")]
    {
        for levels in 1..40 {
            check(
                hostile::policies::survives,
                rule(&format!("{}user.suspended = true{}", opens.repeat(levels), closes.repeat(levels))),
            );
        }
    }
    let dots = vec!["not"; 31].join(".");
    let braces = 31;
    let text = format!("{}user.suspended = true{}", format!("{dots} = {{ ").repeat(braces), "}".repeat(braces));
    check(hostile::policies::survives, rule(&text));
}

#[test]
fn json_of_any_depth_is_survived() {
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        let deep = open.repeat(DEEP);
        check(hostile::snapshot::survives, deep.as_str());
        check(hostile::snapshot::survives, format!(r#"{{"schema":1,"kind":"evictd-snapshot","sessions":{deep}"#));
        check(hostile::offboarding::survives, deep.as_str());
        check(hostile::lists::survives, deep.as_str());
        check(hostile::lists::survives, format!("{deep}1\n").repeat(2));
        check(hostile::trail::survives, format!("{deep}\n{}{deep}\n", hostile::CUT));
        check(hostile::trail::survives, format!(r#"{{"v":1,"seq":1,"kind":"claim.began","claims":{deep}"#) + "\n");
        check(hostile::zendesk::survives, format!("200\n\n{deep}"));
        check(hostile::zendesk::survives, format!("403\n\n{{\"error\":{deep}"));
        let logs = ["audit_logs", "access_logs", "audits", "security_settings"];
        for array in ["sessions", "users", "session", "token", "user", "meta", "links"].into_iter().chain(logs) {
            check(hostile::zendesk::survives, format!(r#"200{}{{"{array}":[{{"id":1,"tags":{deep}"#, "\n\n"));
            check(hostile::zendesk::survives, format!(r#"200{}{{"{array}":{deep}"#, "\n\n"));
        }
        check(hostile::zendesk::survives, format!(r#"200{}{{"audits":[{{"metadata":{{"system":{deep}"#, "\n\n"));
    }
}

#[test]
fn logs_cut_anywhere_or_with_any_bit_flipped_are_survived() {
    for seed in ["audit-logs", "access-logs", "ticket-audits", "security-settings"] {
        let bytes = std::fs::read(format!("{}/fuzz/seeds/zendesk/{seed}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for at in (0..bytes.len()).step_by(2) {
            check(hostile::zendesk::survives, &bytes[..at]);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at / 2 % 8);
            check(hostile::zendesk::survives, flipped);
        }
    }
}

fn many(line: impl Fn(usize) -> String) -> String {
    (0..3_000).fold(String::new(), |mut text, number| {
        text += &line(number);
        text
    })
}

#[test]
fn files_of_many_faults_are_survived() {
    for survives in [hostile::policies::survives, hostile::config::survives] {
        check(survives, many(|number| format!("k{number} = 1\n")));
        check(survives, many(|_| "a = 1\n".to_owned()));
        check(survives, many(|_| "[a]\n[b.c]\n".to_owned()));
        check(survives, many(|_| "[[rule]]\n[rule.when]\n[[exception]]\n".to_owned()));
        check(survives, many(|_| "a = { b = 1,\n".to_owned()));
    }
    for survives in [hostile::offboarding::survives, hostile::lists::survives] {
        check(survives, many(|_| "\"\n".to_owned()));
        check(survives, many(|number| format!("ip,k{number},")));
    }
    check(hostile::lists::survives, many(|number| format!("10.0.0.0/{}\n", number % 40)));
    check(hostile::zendesk::survives, format!("200\n\n{{\"sessions\":[{}1]}}", many(|_| "{},".to_owned())));
}

#[test]
fn agent_strings_of_any_length_are_survived() {
    for part in ["Mozilla/5.0 (", "Chrome/1", "bot ", "((((", "\u{1f600}", "Android 10; K ", "1.", "a/1 ", "; "] {
        check(hostile::agents::survives, part.repeat(DEEP));
        check(hostile::agents::survives, part.repeat(2_048 / part.len()));
    }
}

/// What is weighed against each other must not be without number.
#[test]
fn a_set_has_a_bounded_number_of_rules_and_exceptions() {
    use evictd::diagnostic::{Findings, Source};
    let set = |rules: usize, exceptions: usize, patterns: usize| {
        let mut text = "schema = 1\n".to_owned();
        for number in 0..rules {
            let when = "action = \"revoke-session\"\nwhen.user.suspended = true";
            writeln!(text, "[[rule]]\nid = \"r{number}\"\ntitle = \"t\"\n{when}").unwrap();
        }
        let patterns = vec!["\"r*\""; patterns].join(",");
        for number in 0..exceptions {
            let rest = "when.user.id.is = \"1\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01";
            writeln!(text, "[[exception]]\nid = \"e{number}\"\nrules = [{patterns}]\n{rest}").unwrap();
        }
        let mut findings = Findings::default();
        let set = evictd::policy::read(&[Source::new("a.toml", text)], None, &mut findings);
        let errors = evictd::diagnostic::error_places(&findings);
        (set.map(|set| (set.rules.len(), set.exceptions.len())), errors)
    };
    assert_eq!(set(1_000, 2, 100), (Some((1_000, 2)), vec![]));
    assert_eq!(set(1, 1_000, 1), (Some((1, 1_000)), vec![]));
    assert_eq!(set(1_002, 0, 0), (None, vec!["a.toml:5002:1: out-of-range".to_owned()]));
    assert_eq!(set(1, 1_001, 1), (None, vec!["a.toml:7007:1: out-of-range".to_owned()]));
    assert_eq!(set(1, 1, 101), (None, vec!["a.toml:9:9: out-of-range".to_owned()]));
}

/// Every pattern costs memory before anything is judged.
#[test]
fn a_set_has_a_bounded_number_of_patterns() {
    let lines = |number: usize| vec!["{ user.email.matches = \"[^a]{100}\" }"; number].join(", ");
    let codes = |number: usize| {
        let source = evictd::diagnostic::Source::new("a.toml", rule(&format!("any = [{}]", lines(number))));
        let mut findings = evictd::diagnostic::Findings::default();
        evictd::policy::read(&[source], None, &mut findings);
        findings.sorted().iter().map(|fault| fault.code.word()).filter(|code| *code == "out-of-range").count()
    };
    assert_eq!((codes(200), codes(203)), (0, 3));
}

/// A long list is asked where it stands, and not copied into every line that names it.
#[test]
fn a_long_list_answers_as_a_short_one_does_however_many_lines_name_it() {
    let entries = |number: usize| (0..number).map(|at| format!("\"U{at}@example.com\"")).collect::<Vec<_>>().join(", ");
    let asked = vec!["{ user.email.in = [\"@big\"] }"; 500].join(", ");
    for number in [100, 50_000] {
        let list = format!("[list.big]\ntype = \"text\"\nentries = [{}]\n", entries(number));
        let source = evictd::diagnostic::Source::new("a.toml", rule(&format!("all = [{asked}]\n{list}")));
        let mut findings = evictd::diagnostic::Findings::default();
        let set = evictd::policy::read(&[source], None, &mut findings).unwrap();
        let lists = evictd::address::Lists::of(&set.lists);
        for (email, is_listed) in [("u99@EXAMPLE.com", true), ("u@example.com", false)] {
            let mut given = evictd::policy::Given::default();
            given.values.insert("user.email", evictd::model::Value::Text(Some(email.into())));
            assert_eq!(set.rules[0].when.answer(&given.witness(&lists)).is_yes(), is_listed, "{email} of {number}");
        }
    }
}
