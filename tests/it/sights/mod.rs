//! A session with places, from its snapshot to the report, the explanation and the trail: what is shown of them, what is
//! written down, and what never stands in a line of the trail.

mod hearsay;
mod joins;
mod live;
mod rows;
mod session;
mod watch;

use std::sync::Arc;

use evictd::address::Lists;
use evictd::chronicle::{Asked, Chronicle, Means, ReadBack, Target, Told, intended};
use evictd::config::Belts;
use evictd::diagnostic::{Findings, Source, Style, render};
use evictd::evaluate::evaluate;
use evictd::evidence::Dossier;
use evictd::gather::locate;
use evictd::guard::{ClearedSession, guard};
use evictd::model::{
    AccountName, Act, Action, Cause, CycleId, CycleKind, Foreign, Mode, Person, Role, Session, SessionId, Sighting,
    SourceStanding, Stratum, UserId,
};
use evictd::places::Databases;
use evictd::plan::plan;
use evictd::policy::{self, PolicySet};
use evictd::record::Entry;
use evictd::report::{Report, Stages, explain, report, to_json};
use evictd::simulator::World;
use evictd::snapshot::{self, Snapshot};
use jiff::{SignedDuration, Timestamp};

const RULE: &str = r#"schema = 1
[[rule]]
id = "abroad"
title = "T"
action = "revoke-session"
mode = "enforce"
[rule.when]
network.country.not-in = ["US"]
network.address.not-in = ["192.0.2.0/24"]
client.kind.in = ["script"]
"#;

fn user() -> UserId {
    UserId::new(1).unwrap()
}

fn policies(text: &str) -> PolicySet {
    let mut findings = Findings::default();
    let set = policy::read(&[Source::new("a.toml", text)], None, &mut findings);
    set.unwrap_or_else(|| panic!("{}", render(&findings, Style::Plain, 100)))
}

/// Session 1 of an agent: opened at home in the United States with a browser, then used from South Africa by a script.
fn stolen() -> Snapshot {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let ago = |minutes: i64| (now - SignedDuration::from_mins(minutes)).into();
    let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
    let mut snapshot = Snapshot::empty(AccountName::new("acme"), cycle, now, UserId::new(900).unwrap());
    snapshot.sessions = vec![Session {
        id: SessionId(1),
        user: Some(user()),
        authenticated_at: Some(ago(90)),
        last_seen_at: Some(ago(5)),
        seen: now.into(),
    }];
    snapshot.people.insert(user(), Arc::new(ada(now)));
    for (name, tells) in [("sign-ins", Act::SignIn), ("uses", Act::Use)] {
        snapshot.sources.insert(name.into(), SourceStanding::whole(tells, now));
    }
    let row = |act, address: &str, agent: &str, from| Sighting {
        user: user(),
        session: Some(SessionId(1)),
        act,
        address: Some(address.parse().unwrap()),
        agent: Some(agent.into()),
        first: ago(from),
        last: ago(from - 5),
        source: if act == Act::SignIn { "sign-ins" } else { "uses" }.into(),
    };
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    snapshot.sightings = vec![
        row(Act::Use, "41.0.0.1", "python-requests/2.32.5", 20),
        row(Act::Use, "73.162.10.20", firefox, 80),
        row(Act::SignIn, "73.162.10.20", firefox, 90),
    ];
    locate(&mut snapshot, &Databases::shipped());
    snapshot
}

fn ada(seen: Timestamp) -> Person {
    let agent = World::default().add_person(user(), Role::Agent).clone();
    Person { seen, name: Foreign::new("Ada"), email: None, ..agent }
}

fn staged<T>(snapshot: &Snapshot, set: &PolicySet, lists: &Lists, look: impl FnOnce(Stages<'_>) -> T) -> T {
    let dossier = Dossier::new(snapshot, lists, SignedDuration::ZERO);
    let judgement = evaluate(&dossier, set);
    let plan = plan(&dossier, set, &judgement, Mode::Enforce);
    let guarded = guard(&plan, set, &dossier, &Belts::default(), CycleKind::Dry);
    let (dossier, judgement, plan, guarded) = (&dossier, &judgement, &plan, &guarded);
    look(Stages { dossier, policies: set, judgement, plan, guarded, mode: Mode::Enforce })
}

fn told(snapshot: &Snapshot, set: &PolicySet, lists: &Lists) -> Report {
    staged(snapshot, set, lists, |stages| report(stages, &[]))
}

#[test]
fn a_stolen_session_is_found_by_its_second_place_and_by_no_mixture_of_two() {
    let (snapshot, set) = (stolen(), policies(RULE));
    let report = told(&snapshot, &set, &Lists::default());
    assert_eq!(report.revoke.len(), 1, "{report:?}");
    assert_eq!(
        report.revoke[0].reasons,
        [
            "network.country `ZA` not-in \"US\"".replace('"', "`"),
            "network.address 41.0.0.1 not-in `192.0.2.0/24`".to_owned(),
            "client.kind `script`".to_owned()
        ]
    );
    // The browser abroad and the script at home are no script abroad.
    let mut swapped = stolen();
    let [_, abroad, home] = swapped.sightings.as_mut_slice() else { panic!("{:?}", swapped.sightings) };
    std::mem::swap(&mut abroad.agent, &mut home.agent);
    assert!(told(&swapped, &set, &Lists::default()).revoke.is_empty());
}

/// INVARIANT 5: that nobody was seen somewhere is known only if somebody looked, up to the end of what is asked about.
#[test]
fn what_a_source_was_not_read_up_to_is_no_absence() {
    const NEVER: &str = "schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
        [rule.when]\nuser.role.is = \"agent\"\nnot = { network.country.in = [\"KP\"] }\n";
    let set = policies(NEVER);
    let undecided = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = stolen();
        change(&mut snapshot);
        let report = told(&snapshot, &set, &Lists::default());
        // Whether a belt finds it too old is another question.
        assert_eq!(report.rules[0].fired + report.rules[0].undecided, 1, "{report:?}");
        report.rules[0].undecided == 1
    };
    let earlier = |snapshot: &mut Snapshot, name: &str, by: SignedDuration| {
        snapshot.sources.get_mut(name).unwrap().as_of -= by;
    };
    assert!(!undecided(&|_| {}));
    // It was listed at noon, used until five minutes before, and Zendesk's record of that lags by nothing here.
    assert!(!undecided(&|snapshot| earlier(snapshot, "uses", SignedDuration::from_mins(5))));
    assert!(undecided(&|snapshot| earlier(snapshot, "uses", SignedDuration::from_secs(301))));
    assert!(!undecided(&|snapshot| earlier(snapshot, "sign-ins", SignedDuration::from_mins(90))));
    assert!(undecided(&|snapshot| earlier(snapshot, "sign-ins", SignedDuration::from_secs(5_401))));
    assert!(undecided(&|snapshot| earlier(snapshot, "uses", SignedDuration::from_secs(-61))));
    for name in ["uses", "sign-ins"] {
        let without = |snapshot: &mut Snapshot| snapshot.sources.retain(|source, _| &**source != name);
        assert!(undecided(&without), "{name}");
    }
    // A row that gives the session to somebody else may have meant either.
    assert!(undecided(&|snapshot| {
        let mut row = snapshot.sightings[1].clone();
        row.user = UserId::new(2).unwrap();
        snapshot.sightings.push(row);
    }));
}

#[test]
fn an_explanation_shows_every_place_and_what_each_line_was_told_there() {
    let (snapshot, set) = (stolen(), policies(RULE));
    let page = staged(&snapshot, &set, &Lists::default(), |stages| explain(stages, SessionId(1)).unwrap().text());
    for part in [
        "  2  used from 41.0.0.1 from 2026-11-23T11:40:00Z to 2026-11-23T11:45:00Z\n     exact: the row names the session; told by \
         uses\n     network ZA, ",
        "program `python-requests/2.32.5` (script)\n     decided abroad\n",
        "place 2: used from 41.0.0.1 from 2026-11-23T11:40:00Z to 2026-11-23T11:45:00Z",
        "abroad [enforce] T: fires\n  decided at place 2\n",
        "opened from 73.162.10.20",
        "yes       network.country not-in `US`: `ZA` (exact, sighting as of 2026-11-23T12:00:00Z)",
        "no        network.country not-in `US`: `US` (exact, sign-in as of 2026-11-23T12:00:00Z)",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let mut down = stolen();
    down.sightings.clear();
    down.sources.get_mut("uses").unwrap().unknown = Some(Cause::Down);
    let page = staged(&down, &set, &Lists::default(), |stages| explain(stages, SessionId(1)).unwrap().text());
    assert!(page.contains("anywhere else: its source did not answer"), "{page}");
    assert!(page.contains("client.kind in `script`"), "{page}");
}

#[test]
fn a_snapshot_with_places_is_judged_alike_after_its_file() {
    let (whole, set) = (stolen(), policies(RULE));
    let before = to_json(&told(&whole, &set, &Lists::default())).unwrap();
    let mut shuffled = whole.clone();
    shuffled.sightings.reverse();
    for snapshot in [&whole, &shuffled] {
        let back = snapshot::from_bytes(&snapshot::to_bytes(snapshot).unwrap()).unwrap();
        assert_eq!(back, whole);
        assert_eq!(to_json(&told(&back, &set, &Lists::default())).unwrap(), before);
    }
    assert!(before.contains("\"name\": \"shipped country\""), "{before}");
}

#[test]
fn a_report_tells_how_old_its_databases_are_and_which_lists_are_not_whole() {
    let set = policies(&format!("{RULE}[list.tor]\nfile = \"none.txt\"\nclass = \"tor\"\n"));
    let mut snapshot = stolen();
    let warnings = told(&snapshot, &set, &Lists::of(&set.lists)).warnings;
    assert!(warnings.iter().any(|line| line.starts_with("list `tor`: its file cannot be used")), "{warnings:?}");
    assert!(warnings.iter().any(|line| line.contains("`shipped country` is 158 days old")), "{warnings:?}");
    for database in &mut snapshot.databases {
        database.built = snapshot.now - SignedDuration::from_hours(45 * 24);
    }
    let warnings = told(&snapshot, &policies(RULE), &Lists::default()).warnings;
    assert!(!warnings.iter().any(|line| line.contains("days old")), "{warnings:?}");
}

#[test]
fn the_trail_says_what_was_looked_up_once_and_again_when_it_changes() {
    let set = policies(&format!("{RULE}[list.tor]\nfile = \"none.txt\"\nclass = \"tor\"\n"));
    let (snapshot, lists) = (stolen(), Lists::of(&set.lists));
    let mut chronicle = Chronicle::default();
    let mut lookups = |snapshot: &Snapshot| {
        let told = staged(snapshot, &set, &lists, |stages| chronicle.tell(stages, &Asked::default()));
        told.into_iter().filter(|one| one.entry.kind() == "lookups.changed").collect::<Vec<Told>>()
    };
    let first = lookups(&snapshot);
    let [Told { entry: Entry::LookupsChanged(body), personal: None }] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(body.databases.iter().map(|one| &*one.name).collect::<Vec<_>>(), ["shipped country", "shipped asn"]);
    assert_eq!(body.lists[0].unknown.as_deref(), Some("source-down"));
    assert_eq!(lookups(&snapshot), []);
    let mut newer = snapshot.clone();
    newer.databases[0].digest = "0".repeat(64);
    assert_eq!(lookups(&newer).len(), 1);
}

#[test]
fn an_intent_names_its_databases_and_keeps_addresses_out_of_the_line() {
    let rule = format!("{RULE}client.family.not-in = [\"Firefox\"]\n");
    let (snapshot, set, lists) = (stolen(), policies(&rule), Lists::default());
    let (entry, personal) = staged(&snapshot, &set, &lists, |stages| {
        let claims = stages.plan.intentions[0].claims.clone();
        let cleared = ClearedSession { session: SessionId(1), place: 0, claims, core: Vec::new() };
        let read_back = [ReadBack { cleared, evidence: stages.dossier.get(0).unwrap() }];
        let sessions = ["1".to_owned()];
        let (action, stratum) = (Action::RevokeSession, Stratum::Agents);
        let target = Target { user: user(), stratum, action, sessions: &sessions };
        let means = Means { policies: &set, engine: "0", databases: &snapshot.databases };
        let Told { entry, personal } = intended(target, &read_back, means);
        (entry, personal.unwrap().to_string())
    });
    let Entry::RevocationIntended(body) = entry else { panic!("{entry:?}") };
    assert_eq!(body.databases[0].kind, snapshot.databases[0].kind);
    let line = format!("{body:?}");
    // Addresses are of a person, and what a program calls itself may be anything of anybody's.
    for text in ["41.0.0.1", "Python Requests"] {
        assert!(!line.contains(text) && personal.contains(text), "{line}\n{personal}");
    }
    assert!(line.contains("network.country `ZA`"), "{line}");
}

#[test]
fn the_world_of_the_documentation_is_one_that_a_rule_finds() {
    let text = include_str!("../../worlds/stolen.json");
    let mut world = snapshot::from_bytes(text.as_bytes()).unwrap();
    locate(&mut world, &Databases::shipped());
    let report = told(&world, &policies(RULE), &Lists::default());
    assert_eq!(report.revoke.iter().map(|row| row.session).collect::<Vec<_>>(), [SessionId(77)]);
}
