//! What is read, what is refused and how it is said; and that the shipped files are what they claim.

use jiff::SignedDuration;

use super::*;
use crate::diagnostic::{Style, render};
use crate::model::{Act, RuleId};

const SHIPPED: &str = include_str!("../../../config/evictd.toml");
const MINIMAL: &str = include_str!("../../../config/evictd.minimal.toml");

fn read_text(text: &str) -> (Option<Settings>, Findings) {
    let mut findings = Findings::default();
    let settings = read(&Source::new("evictd.toml", text), Path::new("/etc/evictd"), &mut findings);
    assert_eq!(settings.is_none(), findings.has_errors());
    (settings, findings)
}

/// The only account of a configuration that must be good.
fn account(text: &str) -> Account {
    let (settings, findings) = read_text(text);
    let shown = render(&findings, Style::Plain, 100);
    let settings = settings.unwrap_or_else(|| panic!("{shown}"));
    assert!(shown.is_empty(), "{shown}");
    settings.accounts.into_values().next().unwrap()
}

/// The smallest account with this line in place of the one for the same key, or added.
fn with(line: &str) -> String {
    let key = line.split_once(" = ").map_or(line, |(key, _)| key);
    let kept: Vec<_> = MINIMAL.lines().filter(|kept| !kept.starts_with(&format!("{key} = "))).collect();
    format!("{}\n{line}\n", kept.join("\n"))
}

/// Codes and messages of a configuration that must be refused.
fn refused(text: &str) -> Vec<String> {
    let (settings, findings) = read_text(text);
    assert_eq!(settings, None, "{text}");
    findings.sorted().iter().map(|fault| format!("{}: {}", fault.code.word(), fault.message)).collect()
}

fn check(line: &str, wanted: &[&str]) {
    assert_eq!(refused(&with(line)), wanted, "{line}");
}

#[test]
fn shipped_files_read_without_findings_and_say_the_defaults() {
    for text in [SHIPPED, MINIMAL] {
        let account = account(text);
        assert_eq!(account.budget, Budget::default());
        assert_eq!(account.belts, Belts::default());
        assert_eq!(account.sources.idle_slack, SignedDuration::from_mins(10));
        assert_eq!(account.mode, Mode::Report);
        assert_eq!((account.sweep.to_string().as_str(), account.time_zone), ("*/5 * * * *", TimeZone::UTC));
        assert_eq!(account.host.base_url(), "https://acme.zendesk.com");
    }
    let (shipped, minimal) = (read_text(SHIPPED).0.unwrap(), read_text(MINIMAL).0.unwrap());
    assert_eq!((&shipped.state, &shipped.trail), (&minimal.state, &minimal.trail));
}

#[test]
fn every_line_of_the_minimal_file_is_needed() {
    for line in MINIMAL.lines().filter(|line| line.contains(" = ") || line.starts_with('[')) {
        assert!(read_text(&MINIMAL.replace(line, "")).0.is_none(), "{line}");
    }
}

/// A stranger in every table makes the reader list what it knows there.
#[test]
fn every_key_the_reader_knows_stands_in_the_shipped_file() {
    let text = "schema = 1\nqqqqqqqq = 1\npaths = { qqqqqqqq = 1 }\nplaces = { qqqqqqqq = 1 }\n\
                control = { qqqqqqqq = 1 }\n\
                alerts = { qqqqqqqq = 1, webhook = { qqqqqqqq = 1 }, smtp = { qqqqqqqq = 1 }, heartbeat = { qqqqqqqq = 1 } }\n\
                [accounts.a]\nqqqqqqqq = 1\n\
                sweep = { qqqqqqqq = 1 }\nauth = { oauth-client = { id = \"x\", secret = { env = \"X\", qqqqqqqq = 1 }, \
                qqqqqqqq = 1 }, qqqqqqqq = 1 }\nbudget = { qqqqqqqq = 1 }\nbelts = { qqqqqqqq = 1 }\n\
                sources = { qqqqqqqq = 1 }\nselftest = { qqqqqqqq = 1, user = \"1\" }\n\
                signatures = { qqqqqqqq = 1, allowed-signers = \"x\" }\noffboarding.hr = { qqqqqqqq = 1, file = \"x\" }\n\
                feeds.siem = { qqqqqqqq = 1, mapping = { qqqqqqqq = 1, where = { qqqqqqqq = 1 } }, \
                format = \"mapping\" }\n[accounts.b]\n\
                auth.api-token = { qqqqqqqq = 1 }\n";
    let findings = read_text(text).1;
    let strangers: Vec<_> = findings.sorted().into_iter().filter(|fault| fault.code == Code::UnknownKey).collect();
    assert_eq!(strangers.len(), text.matches("qqqqqqqq").count());
    let helps = strangers.iter().map(|fault| fault.help.as_deref().unwrap().strip_prefix("known here: ").unwrap());
    let keys: Vec<_> = helps.flat_map(|help| help.split(", ")).map(|key| key.trim_matches('`')).collect();
    assert_eq!(keys.len(), 109, "{keys:?}");
    for key in keys {
        let written = [
            format!("\n{key} = "),
            format!("# {key} = "),
            format!("{{ {key} = "),
            format!(".{key}]"),
            format!("[{key}"),
            format!(".{key}."),
        ];
        assert!(written.iter().any(|form| SHIPPED.contains(form)), "`{key}` is missing in config/evictd.toml");
    }
}

#[test]
fn groups_of_roles_are_read_and_none_is_nobody() {
    let control = |lines: &str| read_text(&format!("{MINIMAL}\n{lines}")).0.map(|settings| settings.control);
    assert_eq!(control(""), Some(super::ControlSettings::default()));
    let read = control("[control]\noperate = \"ops\"\nsocket = \"s/c.sock\"\n").unwrap();
    assert_eq!((read.operate.as_deref(), read.approve), (Some("ops"), None));
    assert!(read.socket.unwrap().ends_with("s/c.sock"));
    assert_eq!(control("[control]\napprove = \"\"\n"), None, "an empty name is a mistake, not a group");
}

#[test]
fn values_are_read_as_written() {
    let account = account(
        "schema = 1\n[accounts.sim_1]\nbase-url = \"http://127.0.0.1:8080/\"\ndangerous-ignore-host-clock = true\n\
         mode = \"enforce\"\nscope = \"everyone\"\npolicies = [\"p/*.toml\", \"q.toml\"]\nprotected = [\"a@b.c\", 35436]\n\
         auth.oauth-client = { id = \"c\", secret = { file = \"s\" }, scope = \"read\" }\n\
         belts.people-per-rule-max = 0\nbelts.roster-part-per-hour-max = \"0%\"\nbelts.evidence-age-max = \"0s\"\n\
         budget = { reserve = \"0%\" }\nsources.idle-slack = \"1h30m\"\n\
         sources.ticket-audits = \"on\"\n",
    );
    assert_eq!((account.sources.ticket_audits, account.sources.access_log), (Wanted::On, Wanted::Auto));
    assert_eq!((account.name.as_str(), account.host.base_url()), ("sim_1", "http://127.0.0.1:8080"));
    assert!(account.ignore_host_clock && account.host.is_loopback());
    assert_eq!(account.mode, Mode::Enforce);
    let patterns: Vec<_> = account.policies.iter().map(|pattern| pattern.text.as_str()).collect();
    assert_eq!(patterns, ["p/*.toml", "q.toml"]);
    let id = UserId::new(35_436).unwrap();
    assert_eq!(account.protected, [ProtectedEntry::Email("a@b.c".to_owned()), ProtectedEntry::Id(id)]);
    let secret = SecretReference::File(PathBuf::from("/etc/evictd/s"));
    assert_eq!(account.auth, Auth::OauthClient { id: "c".to_owned(), secret, scope: "read".to_owned() });
    assert_eq!((account.belts.people_per_rule_max, account.belts.people_per_rule_and_hour_max), (0, 20));
    assert_eq!((account.belts.roster_part_per_hour_max, account.belts.roster_floor), (0, 3));
    assert_eq!(account.belts.evidence_age_max, SignedDuration::ZERO);
    assert_eq!((account.budget.reserve_percent, account.sources.idle_slack), (0, SignedDuration::from_mins(90)));
}

#[test]
fn relative_paths_start_from_the_files_folder() {
    let settings =
        read_text(&MINIMAL.replace("schema = 1", "schema = 1\npaths = { state = \"s\", trail = \"/t\" }")).0.unwrap();
    assert_eq!((settings.state, settings.trail), (PathBuf::from("/etc/evictd/s"), PathBuf::from("/t")));
    assert_eq!(settings.folder, PathBuf::from("/etc/evictd"));
}

#[test]
fn credentials_go_to_plain_hosts_only() {
    let host = |url: &str| {
        let text = MINIMAL.replace("subdomain = \"acme\"", &format!("base-url = \"{url}\""));
        read_text(&text).0.map(|settings| settings.accounts.into_values().next().unwrap().host.base_url().to_owned())
    };
    for good in ["http://127.0.0.1:8080", "http://localhost", "https://[::1]:8443", "http://127.8.9.1:1"] {
        assert_eq!(host(good).as_deref(), Some(good));
    }
    for bad in [
        "",
        "127.0.0.1",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:+1",
        "http://127.0.0.1:",
        "http://127.0.0.1/x",
        "http://127.0.0.1?x",
        "http://u:p@127.0.0.1",
        "http://127.1",
        "http://2130706433",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://evil.example",
        "https://evil.example",
        "http://[::1",
        "http://::1",
        "http://[::1]x",
        "http://127.0.0.1 ",
        "http://127.0.0.1\\\\@evil.example",
        "http://[::ffff:8.8.8.8]",
        "http://0.0.0.0",
        "HTTP://127.0.0.1",
        "http://127.0.0.1#@evil.example",
    ] {
        assert_eq!(host(bad), None, "{bad}");
    }
    let proxy = |url: &str| {
        MINIMAL.replace("subdomain = \"acme\"", &format!("base-url = \"{url}\"\ndangerous-base-url = true"))
    };
    assert_eq!(account(&proxy("https://proxy.example")).host.base_url(), "https://proxy.example");
    assert_eq!(
        refused(&proxy("http://proxy.example")),
        ["bad-host: credentials would go to `proxy.example` without TLS"]
    );
}

#[test]
fn wrong_accounts_are_refused() {
    check("subdomain = \"acme.zendesk.com\"", &["bad-host: `acme.zendesk.com` is not a subdomain"]);
    check("subdomain = \"Acme\"", &["bad-host: `Acme` is not a subdomain"]);
    check("subdomain = \"-acme\"", &["bad-host: `-acme` is not a subdomain"]);
    check("base-url = \"http://127.0.0.1\"", &["bad-host: `base-url` stands beside `subdomain`"]);
    check("dangerous-base-url = true", &["dangerous-setting: `dangerous-base-url` does nothing without `base-url`"]);
    check(
        "dangerous-ignore-host-clock = true",
        &["dangerous-setting: `dangerous-ignore-host-clock` is for simulators on this machine only"],
    );
    check("scope = \"all\"", &["unknown-value: `scope` cannot be `all`"]);
    check("mode = \"enfroce\"", &["unknown-value: `mode` cannot be `enfroce`"]);
    check("mode = \"enforce\"", &["no-protected: mode `enforce` needs somebody in `protected`"]);
    check("mode = \"enforce\"\nprotected = []", &["no-protected: mode `enforce` needs somebody in `protected`"]);
    check(
        "protected = [\"a b@c\", \"@c\", \"a@b@c\", \"a\"]",
        &[
            "bad-email: `a b@c` does not look like an e-mail address",
            "bad-email: `@c` does not look like an e-mail address",
            "bad-email: `a@b@c` does not look like an e-mail address",
            "bad-email: `a` does not look like an e-mail address",
        ],
    );
    check(
        "protected = [0, -1, true]",
        &[
            "out-of-range: each of `protected` must be an e-mail address or a user id",
            "out-of-range: each of `protected` must be an e-mail address or a user id",
            "wrong-kind: each of `protected` must be an e-mail address or a user id, not true or false",
        ],
    );
    check("policies = []", &["empty-set: `policies` is empty"]);
    check(
        "policies = [\" \", 1]",
        &[
            "empty-set: each of `policies` must not be empty",
            "wrong-kind: each of `policies` must be a text, not a whole number",
        ],
    );
}

#[test]
fn sweeps_are_read_as_written() {
    let sweep = |line: &str| account(&with(line)).sweep;
    assert_eq!(sweep("sweep = \"@hourly\""), Schedule::crontab("@hourly").unwrap());
    assert_eq!(sweep("sweep = { every = \"30s\" }"), Schedule::every(SignedDuration::from_secs(30)));
    assert_eq!(sweep("sweep = { every = \"1d\" }"), Schedule::every(SignedDuration::from_hours(24)));
    assert_eq!(account(&with("time-zone = \"europe/berlin\"")).time_zone.iana_name(), Some("Europe/Berlin"));
}

#[test]
fn wrong_sweeps_are_refused() {
    check("sweep = \"* * * *\"", &["bad-schedule: a crontab line has five fields, this has 4"]);
    check("sweep = \"0 0 31 2 *\"", &["bad-schedule: the line can never fire: none of its months has such a day"]);
    check(
        "sweep = 300",
        &["wrong-kind: `sweep` must be a crontab line or a table such as `{ every = \"90s\" }`, not a whole number"],
    );
    check("sweep = {}", &["missing-key: `every` is missing"]);
    check("sweep = { every = \"29s\" }", &["out-of-range: `every` must lie between 30s and 1d"]);
    check("sweep = { every = \"1d1s\" }", &["out-of-range: `every` must lie between 30s and 1d"]);
    check("sweep = { every = 90 }", &["bad-duration: `every` needs a unit"]);
    check("sweep = { evry = \"90s\" }", &["missing-key: `every` is missing", "unknown-key: `evry` is not known here"]);
    check("time-zone = \"Europe/Berlni\"", &["unknown-time-zone: `Europe/Berlni` is not a time zone"]);
    check("time-zone = \"+02:00\"", &["unknown-time-zone: `+02:00` is not a time zone"]);
    check("time-zone = 2", &["wrong-kind: `time-zone` must be a text, not a whole number"]);
}

/// The carets stand under the part that is wrong if the text stands in the file as it is, else under all of it.
#[test]
fn a_wrong_sweep_is_shown_at_its_place() {
    let pointed = |line: &str| {
        let text = with(line);
        let findings = read_text(&text).1;
        let span = findings.sorted()[0].labels[0].span.clone();
        text.get(span).unwrap().to_owned()
    };
    assert_eq!(pointed("sweep = \"*/5 24 * * *\""), "24");
    assert_eq!(pointed("sweep = '0 0 1,32 * *'"), "32");
    assert_eq!(pointed("sweep = \"\\u002a 24 * * *\""), "\"\\u002a 24 * * *\"");
    assert_eq!(pointed("sweep = \"\""), "\"\"");
    assert_eq!(pointed("sweep = { every = \"1s\" }"), "\"1s\"");
}

#[test]
fn wrong_limits_are_refused() {
    check("belts.people-per-rule-max = -1", &["out-of-range: `people-per-rule-max` must lie between 0 and 100000"]);
    check(
        "belts.people-per-rule-max = \"10\"",
        &["wrong-kind: `people-per-rule-max` must be a whole number, not a text"],
    );
    check("belts.poeple-per-rule-max = 1", &["unknown-key: `poeple-per-rule-max` is not known here"]);
    check("belts.roster-part-per-hour-max = 5", &["bad-percentage: `roster-part-per-hour-max` needs a percent sign"]);
    check("belts.roster-part-per-day-max = \"101%\"", &["bad-percentage: `101%` is not a share from 0% to 100%"]);
    check("belts.evidence-age-max = 10", &["bad-duration: `evidence-age-max` needs a unit"]);
    check("belts.just-revoked-for = \"0s\"", &["out-of-range: `just-revoked-for` must lie between 1m and 1d"]);
    check(
        "budget.requests-per-minute-max = 0",
        &["out-of-range: `requests-per-minute-max` must lie between 1 and 100000"],
    );
    check("budget.part-of-limit-max = \"0%\"", &["out-of-range: `part-of-limit-max` must lie between 1% and 100%"]);
    check("budget.reserve = \"100%\"", &["out-of-range: `reserve` must lie between 0% and 90%"]);
    check("sources.idle-slack = \"1d\"", &["out-of-range: `idle-slack` must lie between 0s and 2h"]);
    check("sources.audit-log = \"maybe\"", &["unknown-value: `audit-log` cannot be `maybe`"]);
    check("sources.sign-in-window = \"1h\"", &["out-of-range: `sign-in-window` must lie between 0s and 5m"]);
}

#[test]
fn offboarding_lists_are_read_with_their_limits() {
    let text = "[accounts.acme.offboarding.hr]\nfile = \"hr.csv\"\n[accounts.acme.offboarding.by_hand]\n\
                file = \"/srv/left.txt\"\nolder-than-max = \"2d\"\ngrowth-per-day-max = 0\n";
    let lists = account(&format!("{MINIMAL}{text}")).offboarding;
    let hr = OffboardingList {
        name: "hr".to_owned(),
        file: PathBuf::from("/etc/evictd/hr.csv"),
        older_than_max: SignedDuration::from_hours(7 * 24),
        growth_per_day_max: 20,
    };
    let by_hand = OffboardingList {
        name: "by_hand".to_owned(),
        file: PathBuf::from("/srv/left.txt"),
        older_than_max: SignedDuration::from_hours(48),
        growth_per_day_max: 0,
    };
    assert_eq!(lists.into_values().collect::<Vec<_>>(), [by_hand, hr]);
    assert_eq!(account(&format!("{MINIMAL}offboarding = {{}}\n")).offboarding, BTreeMap::new());
}

#[test]
fn wrong_offboarding_lists_are_refused() {
    check("offboarding.hr = {}", &["missing-key: `file` is missing"]);
    check("offboarding.hr = \"hr.csv\"", &["wrong-kind: `hr` must be a table, not a text"]);
    check("offboarding.hr.file = \" \"", &["empty-set: `file` must not be empty"]);
    check("offboarding.-hr.file = \"a\"", &["bad-name: `-hr` cannot name a list"]);
    check("offboarding.\"h r\".file = \"a\"", &["bad-name: `h r` cannot name a list"]);
    check(
        "offboarding.hr = { file = \"a\", older-than-max = \"10s\" }",
        &["out-of-range: `older-than-max` must lie between 1m and 366d"],
    );
    check(
        "offboarding.hr = { file = \"a\", growth-per-day-max = 1001 }",
        &["out-of-range: `growth-per-day-max` must lie between 0 and 1000"],
    );
    check("offboarding.hr = { file = \"a\", fiel = 1 }", &["unknown-key: `fiel` is not known here"]);
    check(
        "offboarding = { hr.file = \"a\", it.file = \"a\" }",
        &["contradiction: lists `hr` and `it` are the same file"],
    );
}

#[test]
fn wrong_wholes_are_refused() {
    assert_eq!(refused(""), ["missing-key: `schema` is missing", "no-account: no account is configured"]);
    assert_eq!(refused("schema = 1\n[accounts]"), ["no-account: no account is configured"]);
    assert_eq!(
        refused(&MINIMAL.replace("schema = 1", "schema = 2")),
        ["unsupported-schema: schema 2 is not one this version reads"]
    );
    assert_eq!(
        refused(&MINIMAL.replace("accounts.acme", "accounts.\"a/b\"")),
        ["bad-name: `a/b` cannot name an account"]
    );
    assert_eq!(refused(&MINIMAL.replace("accounts.acme", "accounts.-a")), ["bad-name: `-a` cannot name an account"]);
    let twice = format!("{MINIMAL}{}", MINIMAL.replace("schema = 1", "").replace("accounts.acme", "accounts.b"));
    assert_eq!(refused(&twice), ["contradiction: `acme` and `b` are the same Zendesk account"]);
    assert_eq!(refused(&MINIMAL.replace("[accounts.acme]", "[accounts.acme")).len(), 1);
}

#[test]
fn api_token_is_read_and_its_end_is_told() {
    for (place, token) in [
        ("credential = \"n\"", SecretReference::Credential("n".to_owned())),
        ("file = \"t\"", SecretReference::File(PathBuf::from("/etc/evictd/t"))),
        ("env = \"N\"", SecretReference::Env("N".to_owned())),
    ] {
        let without = MINIMAL.lines().filter(|kept| !kept.starts_with("auth")).collect::<Vec<_>>().join("\n");
        let text = format!("{without}\nauth.api-token.email = \"a+b@c.d\"\nauth.api-token.token = {{ {place} }}\n");
        let (settings, findings) = read_text(&text);
        let account = settings.unwrap().accounts.into_values().next().unwrap();
        assert_eq!(account.auth, Auth::ApiToken { email: "a+b@c.d".to_owned(), token });
        let shown = render(&findings, Style::Plain, 100);
        assert_eq!(findings.sorted().iter().map(|one| one.code).collect::<Vec<_>>(), [Code::ApiTokenEnds], "{shown}");
        assert!(shown.starts_with("warning[api-token-ends]") && shown.contains("2027-04-30"), "{shown}");
    }
}

#[test]
fn another_credential_may_end_sessions_or_none() {
    let revoker = |lines: &str| account(&with(lines)).revoker;
    assert_eq!(revoker(""), Revoker::Reader);
    assert_eq!(revoker("auth.revoker = \"none\""), Revoker::None);
    let token = |name: &str| Auth::Token(SecretReference::Env(name.to_owned()));
    assert_eq!(revoker("auth.revoker.token = { env = \"R\" }"), Revoker::Own(token("R")));
    let secret = |name: &str| SecretReference::Env(name.to_owned());
    let client = |name: &str, scope: &str| Auth::OauthClient {
        id: name.to_owned(),
        secret: secret(name),
        scope: scope.to_owned(),
    };
    let without = MINIMAL.lines().filter(|kept| !kept.starts_with("auth")).collect::<Vec<_>>().join("\n");
    let both = account(&format!(
        "{without}\nauth.oauth-client = {{ id = \"a\", secret = {{ env = \"a\" }} }}\n\
         auth.revoker.oauth-client = {{ id = \"b\", secret = {{ env = \"b\" }} }}\n"
    ));
    // Who only reads asks for no more.
    assert_eq!((both.auth, both.revoker), (client("a", "read"), Revoker::Own(client("b", "read write"))));
    check(
        "auth.revoker = {}",
        &["bad-secret: `auth.revoker` takes exactly one of `oauth-client`, `token` and `api-token`"],
    );
    check(
        "mode = \"enforce\"\nprotected = [1]\nauth.revoker = \"none\"",
        &["contradiction: mode `enforce` needs somebody who ends sessions, and `auth.revoker` is `none`"],
    );
}

const EXACTLY_ONE: &str = "bad-secret: `auth` takes exactly one of `oauth-client`, `token` and `api-token`";

#[test]
fn faults_around_secrets_never_show_them() {
    for (line, wanted) in [
        ("auth.token = \"hunter2\"", "bad-secret: `token` must say where the secret is found, not hold it"),
        (
            "auth.token = { file = \"a\", env = \"hunter2\" }",
            "bad-secret: `token` takes exactly one of `credential`, `file` and `env`",
        ),
        (
            "auth.token = { fil = \"hunter2\" }",
            "bad-secret: `token` takes exactly one of `credential`, `file` and `env`",
        ),
        ("auth.tokne = \"hunter2\"", EXACTLY_ONE),
        (
            "auth = { token = { env = \"X\" }, api-token = { email = \"a@b.c\", token = { env = \"hunter2\" } } }",
            EXACTLY_ONE,
        ),
        (
            "auth = { oauth-client = { id = \"hunter2\", secret = { env = \"X\" } }, token = { env = \"X\" } }",
            EXACTLY_ONE,
        ),
        (
            "auth.api-token = { email = \"a@b.c\", token = \"hunter2\" }",
            "bad-secret: `token` must say where the secret is found, not hold it",
        ),
        (
            "auth.api-token = { email = \"hunter2\", token = { env = \"X\" } }",
            "bad-email: `email` must be the e-mail address of the user that the token is used for",
        ),
        (
            "auth.api-token = { email = \"a@b.c:hunter2\", token = { env = \"X\" } }",
            "bad-email: `email` must be the e-mail address of the user that the token is used for",
        ),
        ("auth.api-token = { token = { env = \"hunter2\" } }", "missing-key: `email` is missing"),
        ("auth.api-token = { email = \"hunter2@b.c\" }", "missing-key: `token` is missing"),
        ("auth.api-token = \"hunter2\"", "wrong-kind: `api-token` must be a table, not a text"),
        ("auth = { oauth-client = { id = \"a\", sekret = \"hunter2\" } }", "missing-key: `secret` is missing"),
        ("auth = \"hunter2\"", "wrong-kind: `auth` must be a table, not a text"),
    ] {
        let without = MINIMAL.lines().filter(|kept| !kept.starts_with("auth")).collect::<Vec<_>>().join("\n");
        let text = format!("{without}\n{line}\n");
        let found = refused(&text);
        assert!(found.contains(&wanted.to_owned()), "{found:?}");
        let shown = render(&read_text(&text).1, Style::Plain, 100);
        assert!(shown.contains("evictd.toml:") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn faults_of_a_configuration_come_in_one_run() {
    let text = "schema = 1\n[paths]\nstat = \"x\"\n[accounts.acme]\nsubdomain = \"https://acme.zendesk.com\"\nmode = \"enforce\"\n\
                policies = [\"policies/*.toml\"]\nauth.token = \"hunter2\"\nbelts.evidence-age-max = 600\n";
    insta::assert_snapshot!(render(&read_text(text).1, Style::Plain, 100), @r#"
    error[unknown-key]: `stat` is not known here
     --> evictd.toml:3:1
      |
    3 | stat = "x"
      | ^^^^
      |
      = help: did you mean `state`?

    error[no-protected]: mode `enforce` needs somebody in `protected`
     --> evictd.toml:4:1
      |
    4 | [accounts.acme]
      | ^^^^^^^^^^^^^^^
      |
      = help: list at least one admin, by e-mail or id, as in `["owner@example.com", 35436]`

    error[bad-host]: `https://acme.zendesk.com` is not a subdomain
     --> evictd.toml:5:13
      |
    5 | subdomain = "https://acme.zendesk.com"
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write only `acme`

    error[bad-secret]: `token` must say where the secret is found, not hold it
    --> evictd.toml:8:6
     = help: write `{ credential = "name" }`, `{ file = "path" }` or `{ env = "NAME" }`

    error[bad-duration]: `evidence-age-max` needs a unit
     --> evictd.toml:9:26
      |
    9 | belts.evidence-age-max = 600
      |                          ^^^
      |
      = help: write whole numbers with units, as in `"90s"`, `"10m"`, `"1h30m"`, `"2d"`, `"1w"`
    "#);
}

#[test]
fn where_state_lives_is_found_in_a_broken_text_too() {
    let found = |text: &str| state_folder(text).map(|folder| folder.display().to_string());
    let whole = "schema = 1\n[paths]\nstate = \"state\"\ntrail = \"trail\"\n\n[accounts.acme]\nmode = \"report\"\n";
    for broken in [
        whole.to_owned(),
        whole.replace("mode", "mdoe"),
        whole.replace("\"report\"", "report"),
        whole.replace("[accounts.acme]", "[accounts.acme"),
        whole.replace("schema = 1", "schema = "),
        whole.replace("[paths]", "[paths] # where things live"),
    ] {
        assert_eq!(found(&broken).as_deref(), Some("state"), "{broken}");
    }
    for silent in ["", "schema = ", "[paths]\n", "[paths]\nstate = \n", "[accounts.acme]\nstate = \"x\"\nmode = report"]
    {
        assert_eq!(found(silent), None, "{silent}");
    }
}

#[test]
fn place_databases_are_files_in_order_of_preference() {
    let places = |table: &str| {
        let (settings, findings) = read_text(&MINIMAL.replace("schema = 1\n", &format!("schema = 1\n{table}\n")));
        let faults: Vec<_> =
            findings.sorted().iter().map(|one| format!("{}: {}", one.code.word(), one.message)).collect();
        settings.map(|settings| settings.places).ok_or(faults)
    };
    let installed = PathBuf::from("/var/lib/evictd/places");
    assert_eq!(places(""), Ok(PlacesSettings { databases: None, older_than_max: None, installed: installed.clone() }));
    let databases = ["/etc/evictd/a.mmdb", "/x/b.mmdb"].map(PathBuf::from).to_vec();
    let max = SignedDuration::from_hours(90 * 24);
    assert_eq!(
        places("places = { databases = [\"a.mmdb\", \"/x/b.mmdb\"], older-than-max = \"90d\" }"),
        Ok(PlacesSettings { databases: Some(databases), older_than_max: Some(max), installed })
    );
    let check = |table: &str, fault: &str| assert_eq!(places(table), Err(vec![fault.to_owned()]), "{table}");
    check("places.databases = []", "empty-set: `databases` is empty");
    check("places.databases = [\"\"]", "empty-set: each of `databases` must not be empty");
    check("places.databases = [\"a\", \"./a\"]", "contradiction: `./a` is named twice");
    check("places.older-than-max = \"1h\"", "out-of-range: `older-than-max` must lie between 1d and 3660d");
    check("places.older-than-max = 90", "bad-duration: `older-than-max` needs a unit");
    let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
    check(&format!("places.databases = {many:?}"), "out-of-range: `databases` names 33 files, and 32 are the most");
}

#[test]
fn feeds_are_read_with_their_formats() {
    let text = "[accounts.acme.feeds.okta]\nfile = \"/var/log/okta/system.jsonl\"\nformat = \"okta\"\n\
                [accounts.acme.feeds.sso]\nfile = \"kc.jsonl\"\nformat = \"keycloak\"\napp = \"acme\"\nlate = \"0s\"\n\
                older-than-max = \"2d\"\n[accounts.acme.feeds.siem]\nfile = \"siem\"\nformat = \"mapping\"\n\
                mapping = { time = \"ts\", person = \"user.id\", person-is = \"external-id\", agent = \"ua\", act = \"use\", \
                where = { path = \"events.0\", in = [\"login\", \"1\"] } }\n";
    let feeds = account(&format!("{MINIMAL}{text}")).feeds;
    let path = |text| JsonPath::new(text).unwrap();
    let mapping = Mapping {
        time: path("ts"),
        person: path("user.id"),
        person_is: PersonIs::ExternalId,
        address: None,
        agent: Some(path("ua")),
        act: Act::Use,
        only: Some(Where { path: path("events.0"), values: vec!["login".to_owned(), "1".to_owned()] }),
    };
    let feed = |file: &str, format, late, older| FeedSettings {
        file: PathBuf::from(file),
        format,
        late: SignedDuration::from_mins(late),
        older_than_max: SignedDuration::from_hours(older),
    };
    let okta = feed("/var/log/okta/system.jsonl", FeedFormat::Okta { app: "Zendesk".to_owned() }, 1, 1);
    let sso = feed("/etc/evictd/kc.jsonl", FeedFormat::Keycloak { app: "acme".to_owned() }, 0, 48);
    let siem = feed("/etc/evictd/siem", FeedFormat::Mapping(mapping), 1, 1);
    assert_eq!((okta.format.tells(), siem.format.tells()), (Act::SignIn, Act::Use));
    let wanted = [("okta", okta), ("siem", siem), ("sso", sso)];
    assert_eq!(feeds, wanted.map(|(name, feed)| (name.to_owned(), feed)).into());
    for format in ["entra", "google-workspace"] {
        let text = format!("feeds.x = {{ file = \"x\", format = \"{format}\", app = \"Zendesk EU\" }}");
        assert!(matches!(&account(&with(&text)).feeds["x"].format,
            FeedFormat::Entra { app } | FeedFormat::GoogleWorkspace { app } if app == "Zendesk EU"));
    }
}

#[test]
fn wrong_feeds_are_refused() {
    let feed = |keys: &str, wanted: &[&str]| check(&format!("feeds.x = {{ file = \"f\", {keys} }}"), wanted);
    check("feeds = 1", &["wrong-kind: `feeds` must be a table, not a whole number"]);
    check("feeds.x = {}", &["missing-key: `file` is missing", "missing-key: `format` is missing"]);
    for name in ["audit-log", "access-log", "ticket-audits", "session-row"] {
        let wanted = format!("bad-name: `{name}` is the name of a source that evictd has itself");
        check(&format!("feeds.{name} = {{ file = \"f\", format = \"okta\" }}"), &[&wanted]);
    }
    check("feeds.\"a b\" = { file = \"f\", format = \"okta\" }", &["bad-name: `a b` cannot name a feed"]);
    feed("format = \"otka\"", &["unknown-value: `format` cannot be `otka`"]);
    feed("format = \"okta\", app = \" \"", &["empty-set: `app` must not be empty"]);
    feed("format = \"okta\", late = \"25h\"", &["out-of-range: `late` must lie between 0s and 1d"]);
    feed("format = \"okta\", older-than-max = \"1s\"", &["out-of-range: `older-than-max` must lie between 1m and 31d"]);
    feed("format = \"keycloak\"", &["missing-key: `app` is missing"]);
    feed("format = \"mapping\"", &["missing-key: `mapping` is missing"]);
    feed("format = \"entra\", mapping = {}", &["contradiction: `mapping` does nothing with the format `entra`"]);
    let mapping = |keys: &str, wanted: &[&str]| feed(&format!("format = \"mapping\", mapping = {{ {keys} }}"), wanted);
    mapping(
        "",
        &["missing-key: `person-is` is missing", "missing-key: `person` is missing", "missing-key: `time` is missing"],
    );
    let with_all = |keys: &str, wanted: &[&str]| {
        mapping(&format!("time = \"t\", person = \"p\", person-is = \"email\", {keys}"), wanted);
    };
    with_all("address = \"a..b\"", &["bad-path: `a..b` is no path into a line of JSON"]);
    with_all("agent = \"\"", &["empty-set: `agent` must not be empty"]);
    with_all("act = \"login\"", &["unknown-value: `act` cannot be `login`"]);
    with_all("where = {}", &["missing-key: `in` is missing", "missing-key: `path` is missing"]);
    with_all("where = { path = \"e\", in = [] }", &["empty-set: `in` is empty"]);
    with_all("where = { path = \"e\", in = [1] }", &["wrong-kind: each of `in` must be a text, not a whole number"]);
    mapping("time = \"t\", person = \"p\", person-is = \"name\"", &["unknown-value: `person-is` cannot be `name`"]);
    let deep = ["a"; 17].join(".");
    with_all(&format!("address = \"{deep}\""), &[&format!("bad-path: `{deep}` is no path into a line of JSON")]);
    let two = |other: &str| {
        let text = "feeds.a = { file = \"f\", format = \"okta\" }\nfeeds.b = { file = \"f\", format = ";
        with(&format!("{text}{other} }}"))
    };
    assert_eq!(refused(&two("\"okta\"")), ["contradiction: feeds `a` and `b` read the same rows"]);
    assert_eq!(account(&two("\"okta\", app = \"Sandbox\"")).feeds.len(), 2);
}

/// A belt that lets everybody through has to be called what it is, in whichever place it stands.
#[test]
fn wide_belts_need_a_dangerous_name() {
    let beyond =
        |key: &str, most: &str| format!("dangerous-setting: `{key}` beyond {most} needs `dangerous-` before its name");
    let keys = [
        ("people-per-rule-max", "100", "101"),
        ("people-per-rule-and-hour-max", "200", "201"),
        ("people-per-rule-and-day-max", "400", "401"),
        ("roster-part-per-hour-max", "25%", "\"26%\""),
        ("roster-part-per-day-max", "50%", "\"51%\""),
        ("roster-floor", "50", "51"),
    ];
    for (key, most, more) in keys {
        check(&format!("belts.{key} = {more}"), &[&beyond(key, most)]);
        let belts = account(&with(&format!("belts.dangerous-{key} = {more}"))).belts;
        let is_told = belts.of_rule(&RuleId::new("any")).iter().any(|limit| limit.is_dangerous);
        assert!(is_told || belts.are_parts_dangerous().contains(&true), "{key}");
    }
    check("belts.rule.old.people-per-rule-max = 101", &[&beyond("people-per-rule-max", "100")]);
    check("belts.rule.old.people = 1", &["unknown-key: `people` is not known here"]);
    check(
        "belts = { roster-floor = 1, dangerous-roster-floor = 2 }",
        &["contradiction: `roster-floor` and `dangerous-roster-floor` are one limit"],
    );
}

#[test]
fn a_rule_may_have_limits_of_its_own() {
    let belts =
        account(&with("belts.rule.old = { people-per-rule-max = 0, dangerous-people-per-rule-and-day-max = 500 }"))
            .belts;
    let limits =
        |rule: &str| belts.of_rule(&RuleId::new(rule)).map(|limit| (limit.people, limit.is_own, limit.is_dangerous));
    assert_eq!(limits("old"), [(0, true, false), (20, false, false), (500, true, true)]);
    assert_eq!(limits("other"), [(10, false, false), (20, false, false), (40, false, false)]);
}

#[test]
fn signatures_are_asked_for_by_their_table() {
    assert_eq!(account(MINIMAL).signatures, None);
    let read = |line: &str| account(&with(line)).signatures.unwrap();
    let least = read("signatures = { allowed-signers = \"allowed_signers\" }");
    assert_eq!(least.allowed_signers, Path::new("/etc/evictd/allowed_signers"));
    assert_eq!(least.folder, Path::new("/etc/evictd/signatures"));
    let numbers = |one: &SignatureSettings| (one.signers_min, one.signers_to_widen_or_weaken_min, one.serial_min);
    assert_eq!(numbers(&least), (1, 2, 1));
    let more =
        read("signatures = { allowed-signers = \"/a\", folder = \"b\", signers-min = 3, serial-min = 2026112701 }");
    assert_eq!((numbers(&more), more.allowed_signers.as_path()), ((3, 3, 2_026_112_701), Path::new("/a")));
    check("signatures = {}", &["missing-key: `allowed-signers` is missing"]);
    let wrong = |rest: &str, wanted: &str| {
        check(&format!("signatures = {{ allowed-signers = \"a\", {rest} }}"), &[wanted]);
    };
    wrong("signers-min = 0", "out-of-range: `signers-min` must lie between 1 and 20");
    wrong("signers-min = 21", "out-of-range: `signers-min` must lie between 1 and 20");
    wrong("serial-min = 0", "out-of-range: `serial-min` must lie between 1 and 999999999999");
    wrong("folder = \"\"", "empty-set: `folder` must not be empty");
    wrong("signer-min = 1", "unknown-key: `signer-min` is not known here");
    let below = "contradiction: `signers-to-widen-or-weaken-min` is below `signers-min`";
    wrong("signers-min = 3, signers-to-widen-or-weaken-min = 2", below);
}
