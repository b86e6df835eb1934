//! The evidence watch on an account as Zendesk has it: what is usual is learned, what falls is told once, and what is
//! fallen is not what is usual tomorrow.

use evictd::chronicle::{Asked, Chronicle};
use evictd::cycle::{Books, Cycle};
use evictd::model::{History, Memory, Role, Watched};
use evictd::record::Entry;
use evictd::trail::Trail;

use crate::enforcement::{Stage, WIDE, session};

const AGENTS: u64 = 12;

const ELSEWHERE: &str = r#"schema = 1
[[rule]]
id = "server"
title = "Used by a driven browser"
action = "revoke-session"
mode = "enforce"
when.client.kind.in = ["headless", "script"]
"#;

/// A process that sweeps this account.
struct Process<'s> {
    stage: &'s Stage,
    trail: Trail,
    chronicle: Chronicle,
}

impl<'s> Process<'s> {
    fn begin(stage: &'s Stage) -> Self {
        let (trail, past) = stage.open();
        Self { stage, trail, chronicle: Chronicle::since(None).knowing(past.fallen) }
    }

    /// Everybody has worked since the last sweep; of the first so many people the log has no row.
    async fn sweep(&mut self, silent: u64) -> Cycle {
        let now = self.stage.now();
        self.stage.simulator.world(|world| {
            for number in 1..=AGENTS {
                world.use_session(session(100 + number), now);
            }
            world.logs.accesses.retain(|row| row.at < now || row.user.get() > silent || row.user == world.own);
        });
        self.stage.wait(6);
        let zendesk = self.stage.zendesk();
        let books =
            Books { trail: &mut self.trail, chronicle: &mut self.chronicle, missed: 0, asked: Asked::default() };
        self.stage.one_cycle(&zendesk, History::default(), books).await.unwrap()
    }
}

fn told(stage: &Stage) -> Vec<(String, String)> {
    let told = stage.verified().into_iter().filter_map(|line| match line.entry {
        Entry::EvidenceFell(body) => Some(("fell", format!("{} {} {}/{}", body.of, body.name, body.share, body.usual))),
        Entry::EvidenceBack(body) => {
            Some(("back", format!("{} {} {:?}/{:?}", body.of, body.name, body.share, body.usual)))
        }
        _ => None,
    });
    told.map(|(kind, what)| (kind.to_owned(), what)).collect()
}

fn fallen(cycle: &Cycle) -> Vec<&str> {
    let lines = cycle.report.warnings.iter().filter(|line| line.starts_with("evidence fell"));
    lines.map(String::as_str).collect()
}

#[tokio::test]
async fn a_source_that_goes_silent_about_half_of_the_people_is_an_alarm_until_it_tells_of_them_again() {
    const LINE: &str = "evidence fell: source `access-log` tells how 50 % of sessions are used, and usually 100 %";
    let stage = Stage::new(ELSEWHERE, WIDE);
    *stage.learned.lock().unwrap() = Some(Memory::default());
    for number in 1..=AGENTS {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 2);
    }
    stage.simulator.world(evictd::simulator::World::fill_logs);
    let mut process = Process::begin(&stage);
    for _ in 0..20 {
        assert_eq!(fallen(&process.sweep(0).await), [""; 0]);
    }
    // What was done in the hour before the log went silent is no news.
    let learned = |stage: &Stage| stage.remembered().shares[&Watched::Source("access-log".into())].len();
    let mut before = learned(&stage);
    let mut cycle = process.sweep(AGENTS / 2).await;
    while fallen(&cycle).is_empty() {
        assert_eq!(learned(&stage), before + 1);
        before += 1;
        assert!(before < 35, "{cycle:?}");
        cycle = process.sweep(AGENTS / 2).await;
    }
    assert_eq!((fallen(&cycle), cycle.fallen.as_slice()), (vec![LINE], &[LINE.to_owned()][..]));
    crate::enforcement::check_replay(&stage, &cycle.report);
    process.sweep(AGENTS / 2).await;
    drop(process);
    // Another process knows from the trail what was told.
    let mut process = Process::begin(&stage);
    assert_eq!(fallen(&process.sweep(AGENTS / 2).await), [LINE]);
    assert_eq!(learned(&stage), before, "a fall is not what is usual tomorrow");
    let fell = ("fell".to_owned(), "source access-log 500/1000".to_owned());
    assert_eq!(told(&stage), std::slice::from_ref(&fell));
    assert_eq!(fallen(&process.sweep(0).await), [""; 0]);
    let back = ("back".to_owned(), "source access-log Some(1000)/Some(1000)".to_owned());
    assert_eq!(told(&stage), [fell, back]);
    assert_eq!(learned(&stage), before + 1);
}

#[tokio::test]
async fn a_rule_that_decides_half_of_what_it_did_is_an_alarm_and_one_that_is_taken_out_is_none() {
    let mut stage = Stage::new(
        &ELSEWHERE.replace("client.kind.in = [\"headless\", \"script\"]", "sign-in.country.in = [\"ZA\"]"),
        WIDE,
    );
    *stage.learned.lock().unwrap() = Some(Memory::default());
    for number in 1..=AGENTS {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 2);
    }
    stage.simulator.world(evictd::simulator::World::fill_logs);
    let mut process = Process::begin(&stage);
    for _ in 0..20 {
        process.sweep(0).await;
    }
    // Sessions of which no sign-in is told.
    let now = stage.now();
    for number in AGENTS + 1..=3 * AGENTS {
        stage.person(number, Role::Agent).signs_in(100 + number, number, 0);
    }
    stage.wait(2);
    let cycle = process.sweep(0).await;
    assert!(stage.now() > now);
    assert_eq!(
        fallen(&cycle),
        [
            "evidence fell: rule `server` decides 33.3 % of sessions, and usually 100 %",
            "evidence fell: source `audit-log` tells how 33.3 % of sessions were opened, and usually 100 %"
        ]
    );
    drop(process);
    stage.policies.rules.clear();
    Process::begin(&stage).sweep(0).await;
    let words = told(&stage).into_iter().map(|(kind, what)| format!("{kind} {what}")).collect::<Vec<_>>();
    assert_eq!(
        words,
        [
            "fell rule server 333/1000",
            "fell source audit-log 333/1000",
            "back rule server None/None",
            "back source audit-log None/None"
        ]
    );
}
