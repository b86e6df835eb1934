//! The last chapter: a cookie is stolen, and what Zendesk's logs tell of it decides. The account is live; only its clock is
//! put forward, so that nobody has to wait.

use jiff::{SignedDuration, Timestamp, Unit};

use super::{audit_says, bug};
use crate::cli::load::{Loaded, read_policies};
use crate::cli::plan::offline;
use crate::cli::{Failure, apply, plan, screen::Screen};
use crate::cycle::{Cycle, staged};
use crate::diagnostic::Source;
use crate::model::{Foreign, Role, SessionId, UserId, human_duration};
use crate::policy::PolicySet;
use crate::report::{explain, gist};
use crate::simulator::{AccessRow, Simulator, World, desk_of, home_of};

/// The shipped rules about places and clients, all of which begin by reporting.
const ABOUT_PLACES: &[(&str, &str)] = &[
    ("geography.toml", include_str!("../../../policies/geography.toml")),
    ("networks.toml", include_str!("../../../policies/networks.toml")),
    ("clients.toml", include_str!("../../../policies/clients.toml")),
];

/// Those that may act here: one about countries, one about networks, one about clients.
const ENFORCED: &[&str] = &["staff-abroad-without-browser", "script-in-data-centre", "script-in-agent-session"];

/// How much later than it happened a row of this account's logs can be read.
const LAG: SignedDuration = SignedDuration::from_mins(2);

/// An agent who was hired a moment ago, and is no part of any seed.
#[derive(Debug, Clone, Copy)]
struct Agent {
    user: UserId,
    session: SessionId,
}

/// Minutes after the chapter begins.
fn minute(begin: Timestamp, minutes: i64) -> Timestamp {
    begin.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(begin)
}

/// Tells the story; whether it came out as it should.
pub(super) async fn told(simulator: &Simulator, loaded: &Loaded, screen: Screen) -> Result<bool, Failure> {
    let mut loaded = loaded.clone();
    loaded.account.ignore_host_clock = true;
    let set = rules()?;
    let begin = minute(simulator.now(), 1);
    let begin = begin.round(Unit::Minute).unwrap_or(begin);
    simulator.set_now(begin);
    let agent = simulator.world(|world| signs_in(world, begin));
    let agent = agent.ok_or_else(|| bug("the agent", "nobody has a desk with Windows"))?;
    simulator.set_now(minute(begin, 20));
    let before = Box::pin(apply::apply_now(&loaded, set.clone(), screen)).await?;
    screen.out(&morning(simulator, agent, &before));
    simulator.world(|world| is_robbed(world, agent, begin));
    simulator.set_now(minute(begin, 30));
    let robbed = Box::pin(apply::apply_now(&loaded, set.clone(), screen)).await?;
    screen.out(&theft(simulator, agent));
    screen.out(&format!("{}  the next cycle reads the logs on from where it was, and acts:\n", clock(simulator.now())));
    screen.out(&gist(&robbed.report, screen.look()));
    screen.out(&format!("\nWhat decided, as `evictd explain {}` begins:\n\n", agent.session));
    let decided = explained(&loaded, &set, agent.session, screen)?;
    screen.out(&decided);
    simulator.set_now(minute(begin, 31));
    let after = plan::live(&loaded, &set, screen).await?;
    let (aftermath, others_stay) = aftermath(simulator, agent, &robbed, &after);
    screen.out(&aftermath);
    let verified = audit_says(&loaded);
    screen.out(&format!("{verified}\n"));
    let mut ended = robbed.report.revoke.iter().filter(|row| row.outcome.is_some());
    let is_only = ended.next().is_some_and(|row| row.session == agent.session) && ended.next().is_none();
    let row = robbed.report.revoke.iter().find(|row| row.session == agent.session);
    let fires = |id: &str| row.is_some_and(|row| row.rules.iter().any(|rule| rule.as_str() == id));
    Ok(ENFORCED.iter().all(|id| fires(id))
        && before.report.revoke.iter().all(|row| row.session != agent.session)
        && is_only
        && others_stay
        && !robbed.report.undecided.is_empty()
        && decided.contains(&thief(simulator, agent).map_or_else(String::new, |row| row.address.to_string()))
        && verified == "trail verified")
}

/// The shipped rules, of which three are set to enforce.
fn rules() -> Result<PolicySet, Failure> {
    let sources = ABOUT_PLACES.iter().map(|(name, text)| {
        let rules = text.split_inclusive("\n[[rule]]\n").map(|rule| {
            let id = rule.lines().find_map(|line| line.strip_prefix("id ")?.split('"').nth(1));
            let acts = id.is_some_and(|id| ENFORCED.contains(&id));
            if acts { rule.replace("\"report\"", "\"enforce\"") } else { rule.to_owned() }
        });
        Source::new(*name, rules.collect::<String>())
    });
    let (set, findings) = read_policies(&sources.collect::<Vec<_>>());
    set.ok_or_else(|| bug("the shipped policies", format!("{findings:?}")))
}

/// Signs in at the office, works, and has a program that calls the API.
fn signs_in(world: &mut World, begin: Timestamp) -> Option<Agent> {
    let last = world.people.keys().next_back()?.get();
    let mut free = (1..=1_000).filter_map(|more| UserId::new(last.checked_add(more)?));
    let user = free.find(|user| desk_of(*user).contains("Windows"))?;
    let person = world.add_person(user, Role::Agent);
    person.name = Foreign::new("Maya Lind");
    person.email = Some(Foreign::new("maya.lind@acme.example"));
    person.two_factor = Some(true);
    world.logs.settings.lag = LAG;
    let session = world.sign_in(user, begin);
    for minutes in [3, 7, 12, 16] {
        world.use_session(session, minute(begin, minutes));
        world.call_api(user, minute(begin, minutes + 1));
    }
    Some(Agent { user, session })
}

/// The cookie is used by somebody else, while everything else goes on.
fn is_robbed(world: &mut World, agent: Agent, begin: Timestamp) {
    world.share_cookie(agent.session, minute(begin, 21), minute(begin, 27));
    for minutes in 22..28 {
        world.call_api(agent.user, minute(begin, minutes));
    }
}

fn morning(simulator: &Simulator, agent: Agent, before: &Cycle) -> String {
    simulator.world(|world| {
        let person = world.people.get(&agent.user).map(crate::report::full_name);
        let person = person.map(|person| person.to_string()).unwrap_or_default();
        let sign_in = world.logs.sign_ins.iter().find(|row| row.session == Some(agent.session));
        let signed_in = sign_in.map(|row| clock(row.at)).unwrap_or_default();
        let office = home_of(agent.user);
        format!(
            "All twelve shipped rules about places and programs judge; three of them may act.\n\n\
             {signed_in}  {person} signs in at the office, {office}: a row in the audit log\n\
             {}  she works in a browser on Windows: rows in the access log, by cookie; a program of\n          \
             hers calls the API from a cloud with its own OAuth token: rows there too, by bearer\n\
             {}  a cycle reads both logs: {} sessions, {} of them revoked, hers is fine\n",
            used(world, agent).next().map(|row| clock(row.at)).unwrap_or_default(),
            clock_of(&before.report.now),
            before.report.sessions_seen,
            before.report.revoke.iter().filter(|row| row.outcome.is_some()).count(),
        )
    })
}

fn theft(simulator: &Simulator, agent: Agent) -> String {
    let Some(first) = thief(simulator, agent) else { return String::new() };
    let readable = first.at.saturating_add(LAG).unwrap_or(first.at);
    format!(
        "{}  the stolen cookie is used: from {}, a rented server, by a browser that a program drives, in\n          \
         turns with herself. Zendesk's list of sessions shows nothing of it\n\
         {}  the row of that can be read: the logs of this account are {} late\n",
        clock(first.at),
        first.address,
        clock(readable),
        human_duration(LAG),
    )
}

/// What `evictd explain` says first, from the snapshot that the cycle left.
fn explained(loaded: &Loaded, set: &PolicySet, session: SessionId, screen: Screen) -> Result<String, Failure> {
    let (lists, snapshot) = offline(&loaded.last_snapshot(), loaded, set, screen)?;
    let told = staged((&loaded.account, set, &lists), &snapshot, |stages| explain(stages, session));
    told.map(|told| told.brief()).ok_or_else(|| bug("the snapshot", "the session is not in it"))
}

/// How it stands afterwards, and whether everybody else is where they were.
fn aftermath(simulator: &Simulator, agent: Agent, robbed: &Cycle, after: &Cycle) -> (String, bool) {
    let is_listed = |id: SessionId| after.snapshot.sessions.iter().any(|session| session.id == id);
    let others: Vec<SessionId> = robbed.snapshot.sessions.iter().map(|session| session.id).collect();
    let others: Vec<SessionId> = others.into_iter().filter(|id| *id != agent.session).collect();
    let stay = others.iter().filter(|id| is_listed(**id)).count();
    let programs = simulator.world(|world| {
        world.logs.accesses.iter().filter(|row| row.user == agent.user && row.session.is_none()).count()
    });
    let state = if is_listed(agent.session) { "still listed" } else { "gone" };
    let Some(first) = thief(simulator, agent) else { return (String::new(), false) };
    let revoked: Timestamp = robbed.snapshot.now;
    let readable = first.at.saturating_add(LAG).unwrap_or(first.at);
    let page = format!(
        "\n{}  the next look: her session is {state}, {stay} of {} other sessions are still there\n\n\
         First bad request {}, row readable {}, revoked {}: {} after the request, {} after the row.\n\
         With a cycle every minute it would have been {} at most.\n\
         Her own program works in a data centre too, and goes on: its {programs} requests by bearer are in nobody's\n\
         session, and ending a session ends no token.\n\n",
        clock(after.snapshot.now),
        others.len(),
        clock(first.at),
        clock(readable),
        clock(revoked),
        human_duration(first.at.duration_until(revoked)),
        human_duration(readable.duration_until(revoked)),
        human_duration(LAG.saturating_add(SignedDuration::from_mins(1))),
    );
    (page, state == "gone" && stay == others.len())
}

/// The first request of whoever is not at the desk.
fn thief(simulator: &Simulator, agent: Agent) -> Option<AccessRow> {
    simulator.world(|world| used(world, agent).find(|row| row.address != home_of(agent.user)).cloned())
}

fn used(world: &World, agent: Agent) -> impl Iterator<Item = &AccessRow> {
    world.logs.accesses.iter().filter(move |row| row.session == Some(agent.session))
}

/// The time of day.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// The same of an instant as reports write it.
fn clock_of(at: &str) -> String {
    at.parse().map_or_else(|_| at.to_owned(), clock)
}
