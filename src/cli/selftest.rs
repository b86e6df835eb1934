//! `evictd selftest`: ends the newest session of one agreed person, from end to end, and says what took how long.
//!
//! It is a look at that person with one rule that claims that session, so that it takes the way of every other end: belts,
//! read back, intent on disk, DELETE, outcome, grade. Nothing it learns is kept.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::account::{brakes, caller};
use super::load::{Loaded, connect, load, read_policies, setup_of};
use super::screen::Screen;
use super::{Exit, Failure, Where};
use crate::clock::{Clock as _, SystemChance, SystemClock};
use crate::config::{Account, Revoker};
use crate::cycle::Cycle;
use crate::daemon::{Post, PostTrouble, Setup, Stop};
use crate::diagnostic::Source;
use crate::files::{Disk, LockTrouble};
use crate::model::{Foreign, Grade, Mode, Outcome, SessionId, UserId, human_duration};
use crate::policy::PolicySet;
use crate::record::{Entry, Line, SelftestFinished, whole_lines};
use crate::report::Report;
use crate::trail::{read_segment, segments};
use crate::zendesk::{Purpose, Zendesk};

#[derive(Debug, Args)]
pub(super) struct SelftestArgs {
    #[command(flatten)]
    place: Where,
    /// Whose session ends, by e-mail or id; `selftest.user` of the account unless it is given
    #[arg(long, value_name = "CANARY")]
    user: Option<String>,
    /// Which of their sessions, if not the newest
    #[arg(long, value_name = "ID")]
    session: Option<u64>,
}

/// Whom and what it is about.
#[derive(Debug, Clone, Copy)]
struct Canary {
    user: UserId,
    session: SessionId,
    /// The session's rank among those of the person, 1 for the newest.
    rank: usize,
    sessions: usize,
}

/// Tells each step, with its time.
struct Steps {
    screen: Screen,
    began: Duration,
    last: Duration,
}

impl Steps {
    fn new(screen: Screen) -> Self {
        let now = SystemClock.monotonic();
        Self { screen, began: now, last: now }
    }

    fn done(&mut self, step: &str, what: &str) {
        let now = SystemClock.monotonic();
        self.tell(step, now.saturating_sub(self.last).as_millis(), what);
        self.last = now;
    }

    fn tell(&self, step: &str, millis: u128, what: &str) {
        self.screen.out(&format!("{step:<9} {millis:>7} ms  {what}\n"));
    }

    fn total(&self) -> Duration {
        SystemClock.monotonic().saturating_sub(self.began)
    }
}

pub(super) async fn run(args: &SelftestArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let wanted = args.user.as_deref().or(loaded.account.selftest_user.as_deref()).ok_or_else(|| {
        Failure::new(Exit::Usage, "it is not said whose session is to end")
            .help("add `--user CANARY`, or write `selftest.user` into the account")
    })?;
    if loaded.account.revoker == Revoker::None {
        return Err(Failure::new(Exit::Config, "`auth.revoker` is `none`: nobody ends sessions on this account")
            .help("write `auth.revoker` as `auth` is written"));
    }
    let mut steps = Steps::new(screen);
    let zendesk = connect(&loaded.account, true, |ways| ways)?;
    let canary = find(&zendesk, wanted, args.session).await?;
    let Canary { user, session, sessions, .. } = canary;
    steps.done("found", &format!("user {user} with {sessions} sessions; session {session} is to end"));
    let setup = enforcing(&loaded, rule(canary)?, zendesk);
    let mut post = Post::open(&setup, Arc::new(SystemClock), Arc::new(SystemChance)).map_err(held)?;
    post.begin(&setup, "selftest", &caller())?;
    steps.done("written", "the trail is open, and the account is held");
    let brakes = brakes(&loaded, Stop::default());
    let cycle = post.look_at(&setup, &brakes, [user].into()).await;
    let (finished, done) = match &cycle {
        Ok(cycle) => {
            tell_act(&setup, cycle, &steps);
            judged(cycle, canary)
        }
        Err(_) => (finished(canary), Exit::Unavailable),
    };
    steps.done("in all", "from looking to grading");
    let took_ms = steps.total().as_millis().to_string();
    post.write(SelftestFinished { took_ms, ..finished.clone() }.into())?;
    let exit = cycle.as_ref().map_or(Exit::Unavailable, |_| done);
    let closed = post.close(exit.code());
    let cycle = cycle?;
    closed?;
    if let Some(trouble) = cycle.disarmed {
        return Err(trouble.into());
    }
    let total = human_duration(jiff::SignedDuration::try_from(steps.total()).unwrap_or_default());
    match done {
        Exit::Done => screen.out(&format!("ok: the session ended, in {total} altogether\n")),
        _ => screen.note(&why_not(&cycle.report, canary)),
    }
    Ok(exit)
}

/// While a daemon holds the account nobody else acts on it.
fn held(trouble: PostTrouble) -> Failure {
    let is_held = matches!(trouble, PostTrouble::Lock(LockTrouble::Held { .. }));
    let failure = Failure::from(trouble);
    if is_held {
        return failure.help("a daemon is asked through its control socket: until it has one, stop it for this test");
    }
    failure
}

/// The person, and the session that is to end.
async fn find(zendesk: &Zendesk, wanted: &str, session: Option<u64>) -> Result<Canary, Failure> {
    let shown = Foreign::new(wanted);
    let user = match UserId::from_str(wanted) {
        Ok(user) => user,
        Err(_) => match zendesk.person_by_email(wanted, Purpose::Act).await?.value {
            Some(person) => person.id,
            None => return Err(Failure::new(Exit::Findings, format!("`{shown}` is nobody, or several people"))),
        },
    };
    let listing = zendesk.sessions_of(user, Purpose::Act).await;
    if let Some(trouble) = listing.trouble {
        return Err(trouble.into());
    }
    let mut rows = listing.rows;
    // As `session.rank` counts: the newest first, ties by the higher id.
    rows.sort_by_key(|row| std::cmp::Reverse((row.authenticated_at.map(crate::model::Moment::at), row.id)));
    rows.dedup_by_key(|row| row.id);
    let found = match session {
        Some(id) => rows.iter().position(|row| row.id == SessionId(id)),
        None => (!rows.is_empty()).then_some(0),
    };
    match found.and_then(|place| Some((place, rows.get(place)?.id))) {
        Some((place, session)) => Ok(Canary { user, session, rank: place + 1, sessions: rows.len() }),
        None => Err(Failure::new(Exit::Findings, format!("`{shown}` has no such session: there is nothing to end"))
            .help("sign in as that person first, and leave the session open")),
    }
}

/// The one rule of this cycle.
fn rule(canary: Canary) -> Result<PolicySet, Failure> {
    let Canary { user, rank, .. } = canary;
    let text = format!(
        "schema = 1\n[[rule]]\nid = \"selftest\"\ntitle = \"Self-test\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
         severity = \"low\"\nwhen.user.id.in = [\"{user}\"]\nwhen.session.rank.is = {rank}\n"
    );
    let (set, _) = read_policies(&[Source::new("selftest.toml", text)]);
    set.ok_or_else(|| Failure::new(Exit::Bug, "the rule of the self-test cannot be read"))
}

/// The account as in mode `enforce`: whoever gives this command wants one session to end.
fn enforcing(loaded: &Loaded, set: PolicySet, zendesk: Zendesk) -> Setup {
    let account = Account { mode: Mode::Enforce, ..loaded.account.clone() };
    setup_of(&Loaded { account, ..loaded.clone() }, set, zendesk, &Arc::default())
}

fn finished(canary: Canary) -> SelftestFinished {
    SelftestFinished {
        ok: false,
        user: canary.user.to_string(),
        session: canary.session.to_string(),
        outcome: None,
        grade: None,
        took_ms: String::new(),
    }
}

/// What it came to.
fn judged(cycle: &Cycle, canary: Canary) -> (SelftestFinished, Exit) {
    let row = cycle.report.revoke.iter().find(|row| row.session == canary.session);
    let (outcome, grade) = row.map_or((None, None), |row| (row.outcome, row.grade));
    let ok = (outcome, grade) == (Some(Outcome::Revoked), Some(Grade::Ended));
    let exit = match outcome {
        _ if ok => Exit::Done,
        Some(Outcome::Refused) => Exit::Refused,
        Some(Outcome::Unclear) => Exit::Unavailable,
        _ => Exit::Findings,
    };
    let words = (outcome.map(|one| one.word().to_owned()), grade.map(|one| one.word().to_owned()));
    (SelftestFinished { ok, outcome: words.0, grade: words.1, ..finished(canary) }, exit)
}

/// The steps of the act, as the trail tells them.
fn tell_act(setup: &Setup, cycle: &Cycle, steps: &Steps) {
    let lines = records(setup, cycle);
    let mut before = None;
    for line in lines {
        let told = match &line.entry {
            Entry::ClaimBegan(_) => Some(("judged", "read, judged and passed by the belts".to_owned())),
            Entry::RevocationIntended(_) => Some(("intended", "read back, and the intent is on disk".to_owned())),
            Entry::RevocationOutcome(body) => Some(("answered", body.outcome.clone())),
            Entry::RevocationGraded(body) => Some(("graded", body.grade.clone())),
            Entry::Withheld(body) => Some(("withheld", format!("{}: {}", body.held.belt, body.why))),
            _ => None,
        };
        let elapsed = before.replace(line.at).map_or(0, |at: jiff::Timestamp| at.duration_until(line.at).as_millis());
        if let Some((step, what)) = told {
            steps.tell(step, u128::try_from(elapsed).unwrap_or_default(), &what);
        }
    }
}

/// The cycle's records: they stand in the newest segments.
fn records(setup: &Setup, cycle: &Cycle) -> Vec<Line> {
    let disk = Disk::at(&setup.trail);
    let firsts = segments(&disk).unwrap_or_default();
    let newest = firsts.iter().rev().take(2).rev();
    let bytes: Vec<u8> = newest.filter_map(|first| read_segment(&disk, *first).ok()).flatten().collect();
    let read = whole_lines(&bytes).0.filter_map(|line| Line::read(line).ok());
    read.filter(|line| line.cycle.as_ref() == Some(&cycle.report.cycle)).collect()
}

/// Why the session did not end, as far as the report says.
fn why_not(report: &Report, canary: Canary) -> String {
    let held = report.withheld.iter().find(|row| row.session == canary.session);
    let row = report.revoke.iter().find(|row| row.session == canary.session);
    match (held, row) {
        (Some(held), _) => format!("not ended: the belt `{}` holds it", held.belt),
        (None, Some(row)) => {
            let word = row.outcome.map_or("nothing was sent", Outcome::word);
            format!("not ok: {word}, {}", row.grade.map_or("not graded", Grade::word))
        }
        (None, None) => {
            "not ended: it is no longer that person's session of this rank, or could not be judged".to_owned()
        }
    }
}
