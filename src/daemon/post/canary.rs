//! The self-test: a session of one agreed person ends, from end to end, and each step is told with its time.
//!
//! It is a look at that session alone with one rule that claims it, so that it takes the way of every other end:
//! belts, reading back, intent on disk, DELETE, outcome, grade. Nothing it learns is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Post, cycle_id, refusal_of, watched};
use crate::address::Lists;
use crate::chronicle::{Asked, Chronicle};
use crate::config::{Account, looks_like_email};
use crate::control::{Answer, Refusal, Told};
use crate::cycle::{self, Books, Cycle, Halt, Setting};
use crate::daemon::brakes::FileBrakes;
use crate::daemon::setup::Setup;
use crate::diagnostic::{Findings, Source};
use crate::enforce::Brakes as _;
use crate::gather::Known;
use crate::model::{Foreign, Grade, History, Mode, Moment, Outcome, SessionId, UserId};
use crate::policy::{self, PolicySet};
use crate::record::{Entry, Line, SelftestBegan, SelftestFinished, whole_lines};
use crate::report::{Report, counted};
use crate::trail::{TrailTrouble, read_segment, segments};
use crate::zendesk::{Purpose, Zendesk};

/// Whom and what it is about.
#[derive(Debug, Clone, Copy)]
struct Canary {
    user: UserId,
    session: SessionId,
    sessions: usize,
}

impl Post {
    /// Ends a session of this person: this one, or the newest.
    ///
    /// # Errors
    ///
    /// When there is nothing to end, Zendesk cannot be asked, or the trail cannot be written.
    pub(super) async fn selftest(
        &mut self,
        (setup, brakes): (&Setup, &FileBrakes),
        (person, session): (&str, Option<u64>),
        by: &str,
    ) -> Result<Answer, Refusal> {
        let clock = std::sync::Arc::clone(&self.clock);
        let began = clock.monotonic();
        if !setup.zendesk.has_hands() {
            return Err(Refusal::no_hands());
        }
        if setup.account.mode == Mode::Off {
            let refusal = Refusal::new(78, "the account's mode is `off`: nothing of it ends sessions");
            return Err(refusal.help("write mode `report` or `enforce`"));
        }
        if (Told { brakes, told: self.trail.past().pause }).pause().is_some() {
            return Err(Refusal::new(69, "the account is paused: nothing is ended").help("`evictd resume` goes on"));
        }
        let canary = find(&setup.zendesk, (person, session), &setup.account).await?;
        let since = |earlier: Duration| clock.monotonic().saturating_sub(earlier);
        let text = rule(canary);
        let set = read(&text)?;
        let mut steps = Steps::default();
        let Canary { user, session, sessions, .. } = canary;
        let found =
            format!("user {user} with {}; session {session} is to end", counted(sessions, "session", "sessions"));
        steps.add("found", since(began), &found);
        let (digest, by) = (set.digest.clone(), by.to_owned());
        let record =
            SelftestBegan { user: user.to_string(), session: session.to_string(), policy: digest, rule: text, by };
        self.trail.write_durably(None, record.into(), None)?;
        let at = clock.monotonic();
        let came = self.end(setup, brakes, (&set, canary)).await;
        let finished = judged(came.as_ref().ok(), canary, since(began));
        self.trail.write_durably(None, finished.clone().into(), None)?;
        self.note_cycle(&came, &setup.zendesk)?;
        self.watched = watched(&self.trail.past());
        let cycle = came.map_err(|halt| refusal_of(&halt))?;
        steps.of_records(&records(setup, &cycle));
        steps.add("in all", since(at), "from looking to grading");
        if let Some(trouble) = &cycle.disarmed {
            return Err(Refusal::unanswered(trouble));
        }
        Ok(told(setup, (&finished, &cycle.report), (canary, steps)))
    }

    /// The account as in mode `enforce`: whoever gives this command wants one session to end.
    async fn end(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        (policies, canary): (&PolicySet, Canary),
    ) -> Result<Cycle, Halt> {
        let account = Account { mode: Mode::Enforce, ..setup.account.clone() };
        let past = self.trail.past();
        let clock = std::sync::Arc::clone(&self.clock);
        let brakes = &Told { brakes, told: past.pause.clone() };
        let cycle = cycle_id(&*clock, &*self.chance).map_err(TrailTrouble::from)?;
        let known = Known {
            // Holds are of other rules.
            history: History { holds: Vec::new(), ..past.history },
            pause: brakes.pause(),
            scope: setup.scope,
            look: Some([canary.user].into()),
            only: Some(canary.session),
            ..Known::first(cycle, &self.memory)
        };
        let lists = Lists::default();
        let setting =
            Setting { account: &account, policies, lists: &lists, zendesk: &setup.zendesk, clock: &*clock, brakes };
        let asked = Asked { before: None, named: BTreeMap::new() };
        let mut chronicle = Chronicle::since(None).asking_nobody();
        let books = Books { trail: &mut self.trail, chronicle: &mut chronicle, missed: 0, asked };
        cycle::run(setting, known, books, &mut |_| ()).await
    }
}

/// The person, and the session that is to end.
async fn find(zendesk: &Zendesk, (wanted, session): (&str, Option<u64>), account: &Account) -> Result<Canary, Refusal> {
    let shown = Foreign::new(wanted);
    let unanswered = |trouble| Refusal::unanswered(&trouble);
    if wanted.parse::<UserId>().is_err() && !looks_like_email(wanted) {
        return Err(Refusal::usage(format!("`{shown}` is neither an e-mail address nor an id")));
    }
    let person = match wanted.parse::<UserId>() {
        Ok(user) => zendesk.people(&[user], Purpose::Act).await.map_err(unanswered)?.value.into_iter().next(),
        Err(_) => zendesk.person_by_email(wanted, Purpose::Act).await.map_err(unanswered)?.value,
    };
    let Some(person) = person else { return Err(Refusal::new(1, format!("`{shown}` is nobody, or several people"))) };
    if account.protects(&person) {
        return Err(Refusal::new(1, format!("`{shown}` is protected")).help("make somebody for it whom nobody misses"));
    }
    let listing = zendesk.sessions_of(person.id, Purpose::Act).await;
    if let Some(trouble) = listing.trouble {
        return Err(Refusal::unanswered(&trouble));
    }
    let mut rows = listing.rows;
    // The newest first, ties by the higher id.
    rows.sort_by_key(|row| std::cmp::Reverse((row.authenticated_at.map(Moment::at), row.id)));
    rows.dedup_by_key(|row| row.id);
    let found = match session {
        Some(id) => rows.iter().position(|row| row.id == SessionId(id)),
        None => (!rows.is_empty()).then_some(0),
    };
    match found.and_then(|place| rows.get(place)).map(|row| row.id) {
        Some(session) => Ok(Canary { user: person.id, session, sessions: rows.len() }),
        None => Err(Refusal::new(1, format!("`{shown}` has no such session: there is nothing to end"))
            .help("sign in as that person first, and leave the session open")),
    }
}

/// The one rule of this cycle.
fn rule(canary: Canary) -> String {
    let user = canary.user;
    format!(
        "schema = 1\n[[rule]]\nid = \"selftest\"\ntitle = \"Self-test\"\naction = \"revoke-session\"\nmode = \"enforce\"\n\
         severity = \"low\"\nwhen.user.id.in = [\"{user}\"]\n"
    )
}

fn read(rule: &str) -> Result<PolicySet, Refusal> {
    let set = policy::read(&[Source::new("selftest.toml", rule)], None, &mut Findings::default());
    set.ok_or_else(|| Refusal::new(70, "the rule of the self-test cannot be read"))
}

/// What it came to.
fn judged(cycle: Option<&Cycle>, canary: Canary, took: Duration) -> SelftestFinished {
    let row = cycle.and_then(|cycle| cycle.report.revoke.iter().find(|row| row.session == canary.session));
    let (outcome, grade) = row.map_or((None, None), |row| (row.outcome, row.grade));
    SelftestFinished {
        ok: (outcome, grade) == (Some(Outcome::Revoked), Some(Grade::Ended)),
        user: canary.user.to_string(),
        session: canary.session.to_string(),
        outcome: outcome.map(|one| one.word().to_owned()),
        grade: grade.map(|one| one.word().to_owned()),
        held: cycle.and_then(|cycle| held_by(&cycle.report, canary)),
        took_ms: took.as_millis().to_string(),
    }
}

fn told(setup: &Setup, (finished, report): (&SelftestFinished, &Report), (canary, steps): (Canary, Steps)) -> Answer {
    let exit = match finished.outcome.as_deref().and_then(Outcome::from_word) {
        _ if finished.ok => 0,
        Some(Outcome::Refused) => 77,
        Some(Outcome::Unclear) => 69,
        _ => 1,
    };
    let why = (!finished.ok).then(|| why_not(report, canary));
    let document = json!({
        "schema": 1, "account": setup.account.name.as_str(), "ok": finished.ok, "user": finished.user,
        "session": finished.session, "outcome": finished.outcome, "grade": finished.grade,
        "took_ms": finished.took_ms, "why": why, "steps": steps.0,
    });
    Answer { exit, document }
}

/// The belt that holds the session back, if one does.
fn held_by(report: &Report, canary: Canary) -> Option<String> {
    let held = report.withheld.iter().find(|row| row.session == canary.session)?;
    Some(held.belt.clone())
}

/// Why the session did not end, as far as the report says.
fn why_not(report: &Report, canary: Canary) -> String {
    let held = held_by(report, canary);
    let row = report.revoke.iter().find(|row| row.session == canary.session);
    match (held, row) {
        (Some(belt), _) => format!("not ended: the belt `{belt}` holds it"),
        (None, Some(row)) => {
            let word = row.outcome.map_or("nothing was sent", Outcome::word);
            format!("not ok: {word}, {}", row.grade.map_or("not graded", Grade::word))
        }
        (None, None) => "not ended: it is no longer that person's session, or could not be judged".to_owned(),
    }
}

/// What was done, in order, and how long each took.
#[derive(Debug, Default)]
struct Steps(Vec<Value>);

impl Steps {
    fn add(&mut self, step: &str, took: Duration, what: &str) {
        self.0.push(json!({ "step": step, "ms": took.as_millis().to_string(), "what": what }));
    }

    /// The steps of the act, as the trail tells them.
    fn of_records(&mut self, lines: &[Line]) {
        let mut before: Option<Timestamp> = None;
        for line in lines {
            let told = match &line.entry {
                Entry::ClaimBegan(_) => Some(("judged", "read and judged".to_owned())),
                Entry::RevocationIntended(_) => Some(("intended", "read back, and the intent is on disk".to_owned())),
                Entry::RevocationOutcome(body) => Some(("answered", body.outcome.clone())),
                Entry::RevocationGraded(body) => Some(("graded", body.grade.clone())),
                Entry::Withheld(body) => Some(("withheld", format!("{}: {}", body.held.belt, body.why))),
                _ => None,
            };
            let took = before.replace(line.at).map(|at| at.duration_until(line.at));
            if let Some((step, what)) = told {
                self.add(step, took.and_then(|took| took.try_into().ok()).unwrap_or_default(), &what);
            }
        }
    }
}

/// The cycle's records: they stand in the newest segments.
fn records(setup: &Setup, cycle: &Cycle) -> Vec<Line> {
    let disk = crate::files::Disk::at(&setup.trail);
    let firsts = segments(&disk).unwrap_or_default();
    let newest = firsts.iter().rev().take(2).rev();
    let bytes: Vec<u8> = newest.filter_map(|first| read_segment(&disk, *first).ok()).flatten().collect();
    let read = whole_lines(&bytes).0.filter_map(|line| Line::read(line).ok());
    read.filter(|line| line.cycle.as_ref() == Some(&cycle.report.cycle)).collect()
}
