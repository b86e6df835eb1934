//! Places of sessions on an account as Zendesk has it: from its logs, through the join, to what goes.

use std::collections::BTreeSet;

use evictd::chronicle::{Asked, Chronicle};
use evictd::cycle::{Books, Cycle};
use evictd::gather::read_feeds;
use evictd::model::{Cause, History, Memory, Role, Strength};
use evictd::record::Entry;
use evictd::report::Report;
use evictd::simulator::{AccessRow, Authorization, LogSettings};
use jiff::{SignedDuration, Timestamp};

use crate::enforcement::{Stage, WIDE, check_replay, session, user};

const ELSEWHERE: &str = r#"schema = 1
[[rule]]
id = "server"
title = "Used by a driven browser"
action = "revoke-session"
mode = "enforce"
[rule.when]
client.kind.in = ["headless", "script"]
"#;

const ABROAD: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "Opened abroad"
action = "revoke-session"
mode = "enforce"
when.sign-in.country.in = ["ZA"]
"#;

/// Three agents at their desks, one session each, opened two hours ago.
pub fn desk(policies: &str) -> Stage {
    desk_with(policies, "")
}

/// The same with these lines in the account's table.
pub fn desk_with(policies: &str, lines: &str) -> Stage {
    let stage = Stage::new(policies, &format!("{WIDE}\n{lines}\n"));
    *stage.learned.lock().unwrap() = Some(Memory::default());
    for number in 1..=3 {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 2);
    }
    stage.simulator.world(evictd::simulator::World::fill_logs);
    // So that a log of use has told all that was done before now.
    stage.wait(6);
    stage
}

pub fn gone(cycle: &Cycle) -> Vec<u64> {
    cycle.report.revoke.iter().map(|row| row.session.0).collect()
}

pub fn undecided(cycle: &Cycle) -> Vec<(Cause, usize)> {
    cycle.report.undecided.iter().map(|row| (row.cause, row.sessions)).collect()
}

pub fn set(stage: &Stage, settings: &str) {
    stage.simulator.world(|world| world.logs.settings = LogSettings::parse(settings).unwrap());
}

#[tokio::test]
async fn a_stolen_cookie_is_found_where_it_is_used_and_only_that_session_goes() {
    let stage = desk(ELSEWHERE);
    assert_eq!(gone(&stage.plan().await), [0; 0]);
    let now = stage.now();
    stage.simulator.world(|world| world.steal_cookie(session(102), now));
    stage.wait(6);
    let cycle = stage.apply().await;
    assert_eq!(gone(&cycle), [102]);
    assert_eq!(cycle.report.revoke[0].reasons, ["client.kind `headless`"]);
    assert_eq!(cycle.report.revoke[0].strength, Strength::Only);
    check_replay(&stage, &cycle.report);
    assert_eq!(stage.sessions(), [101, 103]);
    let intended: Vec<_> = stage.verified().into_iter().filter(|line| line.kind == "revocation.intended").collect();
    let text = format!("{:?}", intended[0].entry);
    assert!(text.contains("strength: \"only\"") && text.contains("source: \"sighting\""), "{text}");
}

#[tokio::test]
async fn programs_that_use_tokens_are_nobodys_session() {
    let stage = desk(ELSEWHERE);
    let now = stage.now();
    stage.simulator.world(|world| (0..5).for_each(|_| world.logs.token_request(user(2), now)));
    stage.wait(6);
    let cycle = stage.plan().await;
    assert_eq!((gone(&cycle), undecided(&cycle)), (vec![], vec![]));
    assert!(cycle.snapshot.sightings.iter().all(|row| row.agent.as_deref() != Some("evictd")), "{cycle:?}");
}

#[tokio::test]
async fn a_phished_sign_in_is_told_from_the_persons_own() {
    let stage = desk(ABROAD);
    let now = stage.now();
    let phished = stage.simulator.world(|world| world.phish(user(2), now));
    stage.wait(6);
    assert_eq!(gone(&stage.apply().await), [phished.0]);
    assert_eq!(stage.sessions(), [101, 102, 103]);
}

#[tokio::test]
async fn a_log_that_the_plan_lacks_is_told_and_its_rules_wait() {
    let stage = desk(ELSEWHERE);
    set(&stage, "audit-log=absent,access-log=absent");
    let now = stage.now();
    stage.simulator.world(|world| world.steal_cookie(session(102), now));
    let cycle = stage.plan().await;
    assert_eq!((gone(&cycle), undecided(&cycle)), (vec![], vec![(Cause::PlanLacks, 3)]));
    assert_eq!(cycle.snapshot.unasked, Vec::<String>::new(), "nobody is asked to mend a plan");
}

#[tokio::test]
async fn a_log_that_was_there_and_refuses_is_trouble() {
    let stage = desk(ELSEWHERE);
    stage.apply().await;
    set(&stage, "access-log=absent");
    let cycle = stage.plan().await;
    assert_eq!(undecided(&cycle), [(Cause::Down, 3)]);
    assert!(cycle.snapshot.unasked[0].starts_with("the access log cannot be read to its end: "), "{cycle:?}");
}

#[tokio::test]
async fn a_log_of_use_that_is_switched_off_tells_of_no_absence() {
    let stage = desk(ELSEWHERE);
    set(&stage, "access-log=off");
    let cycle = stage.plan().await;
    assert_eq!(gone(&cycle), [0; 0]);
    assert_eq!(undecided(&cycle)[0], (Cause::Stale, 3));
}

#[tokio::test]
async fn rows_that_come_late_are_seen_in_the_next_cycle() {
    let stage = desk(ELSEWHERE);
    set(&stage, "lag=4m");
    let now = stage.now();
    stage.simulator.world(|world| world.steal_cookie(session(102), now));
    // What it did until four minutes ago shows already; a moment ago it did the first of it.
    let early = stage.plan().await;
    assert!(early.snapshot.sightings.len() < 20, "{early:?}");
    stage.wait(6);
    assert_eq!(gone(&stage.apply().await), [102]);
}

#[tokio::test]
async fn a_cycle_reads_on_from_where_the_last_one_ended() {
    let stage = desk(ELSEWHERE);
    stage.apply().await;
    let before = stage.simulator.requests().len();
    stage.wait(5);
    stage.apply().await;
    let asked = stage.simulator.requests().split_off(before);
    let starts: Vec<_> = asked.iter().filter(|one| one.path.contains("access_logs")).map(|one| &one.path).collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
    let from = stage.now() - SignedDuration::from_mins(15);
    assert!(starts[0].contains(&from.strftime("%H%%3A%M").to_string()), "{from} {starts:?}");
    // What is told twice is one sighting.
    let memory = stage.remembered();
    let rows = memory.logs["access-log"].seen.len();
    stage.apply().await;
    assert_eq!(stage.remembered().logs["access-log"].seen.len(), rows);
}

#[tokio::test]
async fn a_log_whose_clock_is_off_is_joined_once_that_is_measured() {
    let stage = desk(ABROAD);
    for number in 4..=7 {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 2);
    }
    stage.simulator.world(evictd::simulator::World::fill_logs);
    set(&stage, "skew=40s");
    stage.wait(6);
    let first = stage.apply().await;
    assert_eq!(undecided(&first), [(Cause::NoRow, 7)]);
    let second = stage.apply().await;
    assert_eq!((gone(&second), undecided(&second)), (vec![], vec![]), "{:?}", second.snapshot.sources);
    assert_eq!(second.snapshot.sources["audit-log"].skew.as_secs(), 42);
}

#[tokio::test]
async fn rules_that_ask_nothing_of_places_cost_no_request() {
    let stage = desk(crate::enforcement::OLD);
    stage.plan().await;
    assert!(stage.simulator.requests().iter().all(|one| !one.path.contains("_logs")));
}

/// A Suite Team plan: no log of Zendesk's at all, and the identity provider writes who signed in.
#[tokio::test]
async fn a_feed_decides_on_any_plan_and_without_it_the_report_says_what_is_missing() {
    let policy = ABROAD.to_owned()
        + r#"
[[rule]]
id = "scripted"
title = "Opened by a script"
action = "revoke-session"
mode = "enforce"
when.sign-in.kind.in = ["script"]
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("okta.jsonl");
    let lines = format!("feeds.okta = {{ file = \"{}\", format = \"okta\" }}\n{WIDE}", file.display());
    let stage = Stage::new(&policy, &lines);
    let now = stage.now();
    let mut rows = String::new();
    for number in 1..=40 {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 2);
        let (address, agent) = match number {
            7 => ("41.0.0.1", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
            9 => ("73.162.10.20", "python-requests/2.32.5"),
            _ => ("73.162.10.20", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
        };
        // Of one nothing is written.
        if number != 11 {
            rows += &okta(number, now - SignedDuration::from_hours(2) + SignedDuration::from_secs(3), address, agent);
        }
    }
    set(&stage, "audit-log=absent,access-log=absent");
    let without = stage.plan().await;
    assert_eq!(undecided(&without), [(Cause::PlanLacks, 40), (Cause::PlanLacks, 40)]);
    std::fs::write(&file, rows).unwrap();
    let written = std::time::SystemTime::try_from(now).unwrap();
    std::fs::File::options().append(true).open(&file).unwrap().set_modified(written).unwrap();
    let fed = || read_feeds(&stage.account.feeds, &stage.remembered(), stage.now());
    *stage.feeds.lock().unwrap() = fed();
    let cycle = stage.plan().await;
    assert_eq!(gone(&cycle), [107, 109]);
    assert_eq!(undecided(&cycle), [(Cause::NoRow, 1), (Cause::NoRow, 1)]);
    // Zendesk's own log is lacking, which is no reason any more.
    assert_eq!(cycle.snapshot.sources.keys().map(|name| &**name).collect::<Vec<_>>(), ["okta"]);
    // A feed that others can write to tells nothing.
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    *stage.feeds.lock().unwrap() = fed();
    let open = stage.plan().await;
    assert_eq!(gone(&open), [0; 0]);
    assert!(
        open.snapshot.unasked[0].contains("feed `okta`: others than its owner can write"),
        "{:?}",
        open.snapshot.unasked
    );
}

/// The same plan, where the team's own gateway writes who uses Zendesk from where: rules on use are decided too, yes and no.
#[tokio::test]
async fn with_a_feed_of_use_rules_on_networks_and_clients_are_decided_on_any_plan() {
    let rule = |id: &str, when: &str| {
        format!("[[rule]]\nid = \"{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n{when}\n")
    };
    let policy = "schema = 1\n".to_owned()
        + &rule("abroad", "when.network.country.in = [\"ZA\"]")
        + &rule("elsewhere", "when.network.country.not-in = [\"US\", \"ZA\"]")
        + &rule("scripted", "when.client.kind.in = [\"script\", \"headless\"]");
    let folder = tempfile::tempdir().unwrap();
    let (signed, used) = (folder.path().join("okta.jsonl"), folder.path().join("gateway.jsonl"));
    let lines = format!(
        "feeds.okta = {{ file = \"{}\", format = \"okta\" }}\n\
         feeds.gateway = {{ file = \"{}\", format = \"mapping\", mapping = {{ time = \"at\", person = \"who\", \
         person-is = \"email\", address = \"ip\", agent = \"ua\", act = \"use\" }} }}\n{WIDE}",
        signed.display(),
        used.display()
    );
    let stage = Stage::new(&policy, &lines);
    let now = stage.now();
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let (mut sign_ins, mut uses) = (String::new(), String::new());
    let row = |person: u64, minutes: i64, address: &str, agent: &str| {
        let at = (now - SignedDuration::from_mins(minutes)).to_string();
        let who = format!("person{person}@acme.example");
        serde_json::json!({ "at": at, "who": who, "ip": address, "ua": agent }).to_string() + "\n"
    };
    // What the gateway wrote before any of them signed in.
    uses += &row(1, 240, "73.162.10.20", firefox);
    for number in 1..=40 {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 2);
        // Of one the provider has nothing: where it was opened may be anywhere.
        if number != 11 {
            let at = now - SignedDuration::from_hours(2) + SignedDuration::from_secs(3);
            sign_ins += &okta(number, at, "73.162.10.20", firefox);
        }
        uses += &match number {
            7 => row(number, 30, "41.0.0.1", firefox),
            9 => row(number, 30, "73.162.10.20", "python-requests/2.32.5"),
            _ => row(number, 30, "73.162.10.20", firefox),
        };
    }
    set(&stage, "audit-log=absent,access-log=absent");
    for (file, rows) in [(&signed, sign_ins), (&used, uses)] {
        std::fs::write(file, rows).unwrap();
        let written = std::time::SystemTime::try_from(now).unwrap();
        std::fs::File::options().append(true).open(file).unwrap().set_modified(written).unwrap();
    }
    *stage.feeds.lock().unwrap() = read_feeds(&stage.account.feeds, &stage.remembered(), stage.now());
    let cycle = stage.plan().await;
    assert_eq!(gone(&cycle), [107, 109]);
    for row in &cycle.report.rules {
        assert!(row.decides(cycle.report.sessions_seen) >= Some(95), "{row:?} {:?}", cycle.report.undecided);
    }
}

fn okta(person: u64, at: Timestamp, address: &str, agent: &str) -> String {
    let row = serde_json::json!({
        "eventType": "user.authentication.sso",
        "published": at.to_string(),
        "outcome": { "result": "SUCCESS" },
        "actor": { "type": "User", "alternateId": format!("person{person}@acme.example") },
        "client": { "ipAddress": address, "userAgent": { "rawUserAgent": agent } },
        "target": [{ "type": "AppInstance", "displayName": "Zendesk" }],
    });
    format!("{row}\n")
}

#[tokio::test]
async fn a_source_that_is_lost_and_comes_back_is_told_once_each() {
    let stage = desk(ELSEWHERE);
    let (mut trail, _) = stage.open();
    let (zendesk, mut chronicle) = (stage.zendesk(), Chronicle::since(None));
    let mut warnings = Vec::new();
    for settings in ["", "access-log=absent", "access-log=absent", "access-log=on", "audit-log=absent,access-log=on"] {
        set(&stage, settings);
        stage.wait(1);
        let books = Books { trail: &mut trail, chronicle: &mut chronicle, missed: 0, asked: Asked::default() };
        let cycle = stage.one_cycle(&zendesk, History::default(), books).await.unwrap();
        warnings.push(cycle.report.warnings.iter().filter(|line| line.starts_with("source")).count());
    }
    drop(trail);
    let told: Vec<String> =
        stage.verified().iter().filter(|line| line.kind.starts_with("source.")).map(|line| line.kind.clone()).collect();
    assert_eq!(told, ["source.lost", "source.back", "source.lost"]);
    assert_eq!(warnings, [0, 1, 1, 0, 1]);
}

/// GraphQL rows do not say what vouches for them: a script's may be of a session or of a token. It is no place of anybody,
/// and no silence.
#[tokio::test]
async fn a_row_that_may_be_of_a_session_proves_nothing_and_denies_nothing() {
    let never =
        ELSEWHERE.replace("client.kind.in = [\"headless\", \"script\"]", "not = { network.country.in = [\"KP\"] }");
    let script = |stage: &Stage| {
        let at = stage.now();
        let row = AccessRow { graphql: true, authorization: None, ..token_row(at) };
        stage.simulator.world(|world| world.logs.accesses.push(row));
        stage.wait(6);
    };
    let stage = desk(ELSEWHERE);
    script(&stage);
    let cycle = stage.plan().await;
    assert_eq!((gone(&cycle), undecided(&cycle)), (vec![], vec![(Cause::Ambiguous, 1)]));
    let stage = desk(&never);
    assert_eq!(gone(&stage.plan().await), [101, 102, 103]);
    script(&stage);
    let cycle = stage.plan().await;
    assert_eq!((gone(&cycle), undecided(&cycle)), (vec![101, 103], vec![(Cause::Ambiguous, 1)]));
}

/// A program of the second agent's, in a data centre.
fn token_row(at: Timestamp) -> AccessRow {
    AccessRow {
        user: user(2),
        session: None,
        at,
        address: "5.9.0.1".parse().unwrap(),
        agent: Some("axios/1.13.2".into()),
        authorization: None,
        graphql: false,
        method: "POST",
        path: "/graphql".into(),
        status: 200,
        late: SignedDuration::ZERO,
    }
}

/// From the first bad row to the end, and what of that was the log's doing.
#[tokio::test]
async fn how_long_a_stolen_session_could_be_used_is_told_and_split() {
    let stage = desk(ELSEWHERE);
    let (mut trail, _) = stage.open();
    let (zendesk, mut chronicle) = (stage.zendesk(), Chronicle::since(None));
    let now = stage.now();
    stage.simulator.world(|world| world.steal_cookie(session(102), now));
    let is_thief = |row: &&AccessRow| row.session == Some(session(102)) && row.agent.as_deref().is_some_and(is_driven);
    let stolen_at = stage.simulator.world(|world| world.logs.accesses.iter().find(is_thief).unwrap().at);
    stage.wait(6);
    let asked = Asked { before: Some(stolen_at + SignedDuration::from_secs(90)), ..Asked::default() };
    let books = Books { trail: &mut trail, chronicle: &mut chronicle, missed: 0, asked };
    let report = stage.one_cycle(&zendesk, History::default(), books).await.unwrap().report;
    let told = report.revoke[0].exposure.unwrap();
    let judged = stolen_at.duration_until(report.now.parse().unwrap());
    assert_eq!((told.since, told.log.as_secs()), (stolen_at, 90));
    assert_eq!((told.log + told.wait, told.belts), (judged, SignedDuration::ZERO));
    drop(trail);
    check_replay(&stage, &report);
    let line = stage.verified().into_iter().find(|line| line.kind == "revocation.outcome").unwrap();
    let Entry::RevocationOutcome(body) = line.entry else { panic!("{line:?}") };
    assert_eq!(body.exposure.and_then(|split| split.read()), Some(told));
}

fn is_driven(agent: &str) -> bool {
    agent.contains("Headless")
}

/// A request of this agent's browser.
pub fn cookie_row(number: u64, at: Timestamp) -> AccessRow {
    let (authorization, agent) = (Some(Authorization::Session), Some("Mozilla/5.0 Firefox/145.0".into()));
    AccessRow { user: user(number), authorization, agent, method: "GET", path: "/agent".into(), ..token_row(at) }
}

/// INVARIANT 14: a look finds what it finds of those it looked at; claims on others stand, and are no part of its report.
#[tokio::test]
async fn the_report_of_a_look_comes_back_from_the_trail() {
    let mut stage = desk(&ELSEWHERE.replace("mode = \"enforce\"", "mode = \"report\""));
    let (mut trail, _) = stage.open();
    let (zendesk, mut chronicle) = (stage.zendesk(), Chronicle::since(None));
    let mut reports = Vec::new();
    for (stolen, look) in [(102, None), (103, Some(BTreeSet::from([user(3)]))), (103, None)] {
        let now = stage.now();
        stage.simulator.world(|world| world.steal_cookie(session(stolen), now));
        stage.wait(6);
        stage.look = look;
        let books = Books { trail: &mut trail, chronicle: &mut chronicle, missed: 0, asked: Asked::default() };
        reports.push(stage.one_cycle(&zendesk, History::default(), books).await.unwrap().report);
    }
    drop(trail);
    let rows = |report: &Report| report.revoke.iter().map(|row| row.session.0).collect::<Vec<_>>();
    assert_eq!(reports.iter().map(rows).collect::<Vec<_>>(), [vec![102], vec![103], vec![102, 103]]);
    for report in &reports {
        check_replay(&stage, report);
    }
    assert!(stage.verified().iter().all(|line| line.kind != "claim.ended"));
}
