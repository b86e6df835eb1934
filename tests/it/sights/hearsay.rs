//! Ticket audits: anybody can forge them, so that they show what nothing else tells and never decide.

use evictd::chronicle::habits;
use evictd::model::{Cause, Memory, Mode, Role, Sighting, Strength};
use evictd::report::{Report, explain};
use evictd::simulator::{Effect, Script, TicketAudit};
use evictd::snapshot::Snapshot;
use evictd::zendesk::Method;
use jiff::SignedDuration;

use super::live::{desk, gone, set, undecided};
use crate::enforcement::{Stage, check_replay, session, user, withheld};

const ABROAD: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "Used abroad"
action = "revoke-session"
mode = "enforce"
on-ambiguous = "revoke-candidates"
when.network.country.in = ["ZA"]
"#;

/// Somebody wrote on a ticket from South Africa, a minute ago, in this person's name.
fn wrote(stage: &Stage, author: u64, channel: &'static str) {
    let at = stage.now() - SignedDuration::from_mins(1);
    stage.simulator.world(|world| {
        let id = world.logs.audits.iter().map(|row| row.id).max().unwrap_or(1) + 1;
        world.logs.audits.push(TicketAudit {
            id,
            ticket: 1,
            author: user(author),
            at,
            address: Some("41.0.0.1".parse().unwrap()),
            agent: Some("curl/8.9.1".into()),
            channel,
            late: SignedDuration::ZERO,
        });
    });
}

fn pages(stage: &Stage) -> usize {
    stage.simulator.requests().iter().filter(|one| one.path.starts_with("/api/v2/ticket_audits")).count()
}

fn told(report: &Report) -> Vec<(u64, &str, &str)> {
    assert!(report.withheld.iter().all(|row| row.strength == Strength::Hearsay && !row.reasons.is_empty()));
    withheld(report)
}

#[tokio::test]
async fn what_ticket_audits_alone_tell_is_withheld_and_the_same_place_in_the_access_log_decides() {
    let stage = desk(ABROAD);
    set(&stage, "access-log=absent");
    wrote(&stage, 2, "web");
    let cycle = stage.apply().await;
    assert_eq!((gone(&cycle), told(&cycle.report)), (vec![], vec![(102, "abroad", "hearsay")]));
    assert_eq!(undecided(&cycle), [(Cause::PlanLacks, 2)]);
    assert_eq!((stage.deletes(), stage.sessions()), (0, vec![101, 102, 103]));
    assert_eq!(cycle.snapshot.unasked, Vec::<String>::new());
    check_replay(&stage, &cycle.report);
    let began = stage.verified().into_iter().find(|line| line.kind == "claim.began").unwrap();
    let text = format!("{:?}", began.entry);
    assert!(text.contains("strength: \"hearsay\"") && text.contains("belt: \"hearsay\""), "{text}");
    // A thief uses the session from there, and a log that cannot be forged tells it.
    set(&stage, "access-log=on");
    let at = stage.now();
    let row = evictd::simulator::AccessRow { address: "41.0.0.1".parse().unwrap(), ..super::live::cookie_row(2, at) };
    stage.simulator.world(|world| world.logs.accesses.push(row));
    stage.wait(6);
    let cycle = stage.apply().await;
    assert_eq!((gone(&cycle), told(&cycle.report)), (vec![102], vec![]));
    assert_eq!(cycle.report.revoke[0].strength, Strength::Only);
    check_replay(&stage, &cycle.report);
    assert_eq!(stage.sessions(), [101, 103]);
}

#[tokio::test]
async fn no_wish_of_a_rule_makes_hearsay_end_anything() {
    for way in ["match-min = \"exact\"", "on-ambiguous = \"revoke-user\"", "on-ambiguous = \"withhold\""] {
        let rule = ABROAD.replace("on-ambiguous = \"revoke-candidates\"", way);
        let rule = rule.replace("revoke-session", if way.contains("exact") { "revoke-user" } else { "revoke-session" });
        let stage = desk(&rule);
        stage.signs_in(152, 2, 1);
        set(&stage, "access-log=absent");
        wrote(&stage, 2, "mobile");
        let cycle = stage.apply().await;
        let held = vec![(102, "abroad", "hearsay"), (152, "abroad", "hearsay")];
        assert_eq!((gone(&cycle), told(&cycle.report)), (vec![], held), "{way}");
        assert_eq!(stage.deletes(), 0, "{way}");
    }
}

#[tokio::test]
async fn end_users_are_in_ticket_audits_and_in_no_log() {
    let stage = desk(ABROAD);
    stage.person(7, Role::EndUser).signs_in(107, 7, 2);
    wrote(&stage, 7, "web");
    let cycle = stage.apply().await;
    assert_eq!((gone(&cycle), told(&cycle.report)), (vec![], vec![(107, "abroad", "hearsay")]));
}

#[tokio::test]
async fn other_ways_than_a_page_or_the_app_and_evictds_own_user_are_no_hearsay() {
    let stage = desk(ABROAD);
    stage.signs_in(200, 360_000_000_000 + 1, 2);
    set(&stage, "access-log=absent");
    for channel in ["api", "email", "chat"] {
        wrote(&stage, 2, channel);
    }
    wrote(&stage, 360_000_000_000 + 1, "web");
    let cycle = stage.plan().await;
    assert_eq!(withheld(&cycle.report), []);
    assert!(cycle.snapshot.hearsay.iter().all(|row| row.address != "41.0.0.1".parse().ok()), "{cycle:?}");
    assert!(!cycle.snapshot.hearsay.is_empty());
}

#[tokio::test]
async fn hearsay_neither_spares_nor_denies_and_an_exception_holds_without_it() {
    let exception = |when: &str| {
        format!(
            "{ABROAD}[[exception]]\nid = \"e\"\nrules = [\"*\"]\nowner = \"o\"\nreason = \"r\"\nexpires = 2099-01-01\n{when}\n"
        )
    };
    let rows = async |policies: &str| {
        let stage = desk(policies);
        set(&stage, "access-log=absent");
        wrote(&stage, 2, "web");
        let cycle = stage.plan().await;
        (withheld(&cycle.report).len(), cycle.report.rules.iter().map(|row| row.spared + row.spared_by_unknown).sum())
    };
    assert_eq!(rows(&exception("when.user.role.is = \"admin\"")).await, (1, 0usize));
    // One that spares, or that only hearsay could tell, leaves it undecided.
    assert_eq!(rows(&exception("when.user.role.is = \"agent\"")).await, (0, 0));
    assert_eq!(rows(&exception("when.network.country.in = [\"ZA\"]")).await, (0, 0));
    // What asks for an absence is not answered by hearsay, and does not believe it either.
    let never = ABROAD.replace("when.network.country.in = [\"ZA\"]", "when.not.network.country.in = [\"KP\"]");
    assert_eq!(rows(&never).await, (0, 0));
}

/// Of a session whose only known place is in no database: hearsay has it that a script used it in South Africa.
#[test]
fn what_spares_is_asked_as_if_there_were_no_hearsay() {
    let held = |when: &str| {
        let mut snapshot = super::stolen();
        let script = snapshot.sightings.remove(1);
        snapshot.hearsay = vec![Sighting { session: None, source: "ticket-audits".into(), ..script }];
        snapshot.places.get_mut(&"73.162.10.20".parse().unwrap()).unwrap().country = Err(Cause::NotInDatabase);
        let spare = "[[exception]]\nid = \"e\"\nrules = [\"*\"]\nowner = \"o\"\nreason = \"r\"\nexpires = 2099-01-01\n";
        let set = super::policies(&format!("{ABROAD}{spare}[exception.when]\nuser.role.is = \"agent\"\n{when}\n"));
        super::told(&snapshot, &set, &super::Lists::default()).withheld.len()
    };
    assert_eq!(held("client.kind.is = \"script\""), 1, "it would spare if hearsay were true");
    assert_eq!(held("not = { client.kind.is = \"script\" }"), 0, "it would not");
}

#[tokio::test]
async fn they_are_read_where_nothing_else_tells_of_use() {
    let read = async |lines: &str, settings: &str, policies: &str| {
        let stage = super::live::desk_with(policies, lines);
        set(&stage, settings);
        stage.plan().await;
        pages(&stage) > 0
    };
    let (staff, lacking) = ("scope = \"staff\"", "access-log=absent");
    assert!(!read(staff, "", ABROAD).await, "the access log tells it");
    assert!(read(staff, lacking, ABROAD).await);
    assert!(read("", "", ABROAD).await, "it tells nothing of end users");
    assert!(read("scope = \"staff\"\nsources.ticket-audits = \"on\"", "", ABROAD).await);
    assert!(!read("sources.ticket-audits = \"off\"", lacking, ABROAD).await);
    assert!(read("scope = \"staff\"\nsources.access-log = \"off\"", "", ABROAD).await);
    assert!(!read("", lacking, crate::enforcement::OLD).await, "nobody asks");
}

#[tokio::test]
async fn the_newest_pages_are_read_once_and_told_rows_are_remembered() {
    let stage = desk(ABROAD);
    set(&stage, "access-log=absent");
    wrote(&stage, 2, "web");
    for _ in 0..700 {
        wrote(&stage, 1, "api");
    }
    stage.apply().await;
    assert_eq!(pages(&stage), 5, "no more than that");
    let place = stage.remembered().logs["ticket-audits"].place.clone().unwrap();
    assert!(place.file.is_some() && place.as_of <= stage.now());
    stage.wait(1);
    wrote(&stage, 3, "web");
    let cycle = stage.apply().await;
    assert_eq!(pages(&stage), 6);
    assert_eq!(told(&cycle.report), [(103, "abroad", "hearsay")], "what lies behind five pages is not read");
    stage.wait(13 * 60);
    let cycle = stage.apply().await;
    assert_eq!(told(&cycle.report), [(103, "abroad", "hearsay")], "it is remembered");
    stage.wait(14 * 60);
    stage.apply().await;
    assert_eq!(stage.remembered().logs["ticket-audits"].seen.len(), 0, "and forgotten");
}

#[tokio::test]
async fn that_they_cannot_be_read_is_said_unless_they_were_never_to_be_had() {
    let said = async |lines: &str, memory: &Memory| {
        let stage = super::live::desk_with(ABROAD, lines);
        *stage.learned.lock().unwrap() = Some(memory.clone());
        stage.script(Script::on(Method::Get, "/api/v2/ticket_audits", Effect::Status(403)));
        let cycle = stage.plan().await;
        cycle.snapshot.unasked.iter().filter(|line| line.starts_with("ticket audits")).count()
    };
    assert_eq!(said("", &Memory::default()).await, 0);
    assert_eq!(said("sources.ticket-audits = \"on\"", &Memory::default()).await, 1);
    let stage = desk(ABROAD);
    wrote(&stage, 2, "web");
    stage.apply().await;
    assert_eq!(said("", &stage.remembered()).await, 1);
}

/// Whoever forges it cannot teach what is usual for a rule.
#[test]
fn what_a_rule_counts_from_cycle_to_cycle_is_counted_without_hearsay() {
    let (real, set) = (super::stolen(), super::policies(super::RULE));
    let mut forged = real.clone();
    let script = forged.sightings.remove(1);
    forged.sources.remove("uses");
    forged.hearsay = vec![Sighting { session: None, source: "ticket-audits".into(), ..script }];
    let claimed = |snapshot: &Snapshot| {
        let (habits, _) = super::staged(snapshot, &set, &super::Lists::default(), habits);
        habits.into_values().map(|habit| habit.claimed.len()).sum::<usize>()
    };
    assert_eq!((claimed(&forged), claimed(&real)), (0, 1));
}

#[test]
fn an_explanation_says_what_hearsay_is() {
    let (mut snapshot, set) = (super::stolen(), super::policies(super::RULE));
    let script = snapshot.sightings.remove(1);
    snapshot.sources.remove("uses");
    let row = Sighting { session: None, source: "ticket-audits".into(), ..script };
    snapshot.hearsay = vec![row];
    let page = super::staged(&snapshot, &set, &super::Lists::default(), |stages| {
        assert_eq!(stages.mode, Mode::Enforce);
        explain(stages, session(1)).unwrap().text()
    });
    for part in [
        "  3  used from 41.0.0.1 from 2026-11-23T11:40:00Z to 2026-11-23T11:45:00Z\n     hearsay: told by ticket audits, which can \
         be forged\n     network ZA, ",
        "abroad [enforce] T: fires (hearsay: told by ticket audits, which can be forged)\n  decided at place 3\n",
        "network.country not-in `US`: `ZA` (hearsay, sighting as of ",
        "  withheld by hearsay: told by ticket audits alone\n",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let back = evictd::snapshot::from_bytes(&evictd::snapshot::to_bytes(&snapshot).unwrap()).unwrap();
    assert_eq!(back, snapshot);
}
