//! A human's command to end all sessions of some people: no claim is judged, and the intent is durable all the same.
//!
//! Few people are listed, ended by a request each, and graded session by session. Many are named to Zendesk a hundred at
//! a time without being listed first: whoever commands that has no time to lose.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::Brakes;
use super::act::{Seen, look_up};
use crate::clock::Clock;
use crate::grade::grade;
use crate::model::{Action, Grade, Outcome, Session, SessionId, Stratum, UserId};
use crate::record::{RevocationGraded, RevocationIntended, RevocationOutcome};
use crate::trail::{Trail, TrailTrouble};
use crate::zendesk::{Dated, Deleted, PEOPLE_PER_CALL_MAX, Purpose, Trouble, Zendesk};

/// A job of Zendesk's is asked about so often, this long apart; after that the listings tell.
const ASKED_MAX: usize = 15;
const ASKED_EVERY: Duration = Duration::from_secs(2);

/// Somebody whose sessions are to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aimed {
    /// The person.
    pub user: UserId,
    /// The person's stratum.
    pub stratum: Stratum,
    /// Name and e-mail, for the personal part of records.
    pub name: String,
}

/// What a lever works with.
pub struct LeverBench<'a> {
    /// The account's Zendesk.
    pub zendesk: &'a Zendesk,
    /// Where everything is written first.
    pub trail: &'a mut Trail,
    /// What a human can stop it by.
    pub brakes: &'a dyn Brakes,
    /// The host's clocks.
    pub clock: &'a dyn Clock,
    /// Who pulled it.
    pub by: &'a str,
    /// Zendesk's clock, and the monotonic one when it said so.
    pub at: (Timestamp, Duration),
}

/// What somebody lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The person.
    pub user: UserId,
    /// What became of the request; none if it was kept back.
    pub outcome: Option<Outcome>,
    /// What Zendesk or the network said, or why it was kept back.
    pub detail: Option<String>,
    /// What the listing said afterwards of each session that is known.
    pub grades: BTreeMap<SessionId, Grade>,
}

/// Ends all sessions of these people, in order.
///
/// # Errors
///
/// When the trail cannot be written: nothing is asked of Zendesk after that.
pub async fn revoke_people(aimed: &[Aimed], bench: &mut LeverBench<'_>) -> Result<Vec<Lost>, TrailTrouble> {
    let mut lost = Vec::new();
    if aimed.len() <= PEOPLE_PER_CALL_MAX {
        for one in aimed {
            lost.push(bench.revoke_one(one).await?);
        }
        return Ok(lost);
    }
    let mut taken = Vec::new();
    for batch in aimed.chunks(PEOPLE_PER_CALL_MAX) {
        taken.push((batch, bench.log_out(batch).await?));
    }
    for (batch, asked) in taken {
        for (at, one) in batch.iter().enumerate() {
            lost.push(bench.confirm(one, &asked, at).await?);
        }
    }
    Ok(lost)
}

/// What became of one request for many people, before anybody is listed.
struct Asked {
    /// The intents, one a person; none if it was kept back.
    intents: Vec<u64>,
    /// Why it was refused or unclear, if so.
    trouble: Option<Trouble>,
    /// Why it was kept back, if so.
    kept: Option<&'static str>,
    /// When it left: what was opened later is another session.
    at: Timestamp,
}

impl LeverBench<'_> {
    /// Zendesk's clock, run on by the host's monotonic one.
    fn now(&self) -> Timestamp {
        let elapsed = self.clock.monotonic().saturating_sub(self.at.1);
        self.at.0.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn braked(&self) -> Option<&'static str> {
        if self.brakes.stop() {
            Some("the process was asked to stop")
        } else if self.brakes.pause().is_some() {
            Some("the account is paused")
        } else {
            None
        }
    }

    async fn revoke_one(&mut self, one: &Aimed) -> Result<Lost, TrailTrouble> {
        let listed = self.zendesk.sessions_of(one.user, Purpose::Act).await;
        let sessions: Vec<SessionId> = listed.rows.iter().map(|row| row.id).collect();
        self.zendesk.room_to_act().await;
        if let Some(why) = self.braked() {
            return Ok(Lost::kept(one.user, why));
        }
        let intent = self.intend(one, &sessions)?;
        // INVARIANT: no request leaves before its intent is durable (`no_lever_without_a_durable_intent`).
        self.trail.sync()?;
        let (outcome, detail) = self.send(one.user, &sessions).await;
        self.write(one, (intent, &sessions), (outcome, detail.as_deref()))?;
        let mut lost = Lost { user: one.user, outcome: Some(outcome), detail, grades: BTreeMap::new() };
        if outcome != Outcome::Refused {
            let listing = self.zendesk.sessions_of(one.user, Purpose::Act).await;
            let graded =
                sessions.iter().map(|session| (*session, grade(*session, &listing.rows, &listing.completeness)));
            lost.grades = graded.collect();
            self.write_grades(&lost)?;
        }
        Ok(lost)
    }

    async fn send(&self, user: UserId, sessions: &[SessionId]) -> (Outcome, Option<String>) {
        let may_leave = || self.braked().is_none();
        let mut sent_again = false;
        loop {
            let trouble = match self.zendesk.delete_sessions(user, &may_leave).await {
                Ok(Dated { value: Deleted::AlreadyGone, .. }) if !sent_again => return (Outcome::AlreadyGone, None),
                Ok(_) => return (Outcome::Revoked, None),
                Err(Trouble::Denied { words, .. }) => return (Outcome::Refused, Some(words.to_string())),
                Err(trouble) => trouble,
            };
            let why = match look_up(self.zendesk, Action::RevokeUser, user, sessions).await {
                Seen::Gone => return (Outcome::Revoked, None),
                Seen::There if !sent_again && self.braked().is_none() => {
                    sent_again = true;
                    continue;
                }
                Seen::There => format!("{trouble}; still listed"),
                Seen::Silent(why) => format!("{trouble}; looking it up: {why}"),
            };
            return (Outcome::Unclear, Some(why));
        }
    }

    /// Names these people to Zendesk, and waits for the job if it tells one.
    async fn log_out(&mut self, batch: &[Aimed]) -> Result<Asked, TrailTrouble> {
        self.zendesk.room_to_act().await;
        if let Some(why) = self.braked() {
            return Ok(Asked { intents: Vec::new(), trouble: None, kept: Some(why), at: self.now() });
        }
        let mut intents = Vec::new();
        for one in batch {
            intents.push(self.intend(one, &[])?);
        }
        self.trail.sync()?;
        let users: Vec<UserId> = batch.iter().map(|one| one.user).collect();
        let (may_leave, at) = (|| self.braked().is_none(), self.now());
        let trouble = match self.zendesk.log_out(&users, &may_leave).await {
            Ok(Dated { value: Some(job), .. }) => {
                self.wait_for(&job).await;
                None
            }
            Ok(_) => None,
            Err(trouble) => Some(trouble),
        };
        Ok(Asked { intents, trouble, kept: None, at })
    }

    async fn wait_for(&self, job: &str) {
        for _ in 0..ASKED_MAX {
            if self.brakes.stop() || !matches!(self.zendesk.is_over(job).await, Ok(false)) {
                return;
            }
            self.clock.sleep(ASKED_EVERY).await;
        }
    }

    /// What became of one of many: their listing tells.
    async fn confirm(&mut self, one: &Aimed, asked: &Asked, at: usize) -> Result<Lost, TrailTrouble> {
        let Some(intent) = asked.intents.get(at) else {
            return Ok(Lost::kept(one.user, asked.kept.unwrap_or("it was not asked for")));
        };
        let mut grades = BTreeMap::new();
        let (outcome, detail) = match &asked.trouble {
            Some(Trouble::Denied { words, .. }) => (Outcome::Refused, Some(words.to_string())),
            trouble => {
                let listing = self.zendesk.sessions_of(one.user, Purpose::Act).await;
                let is_older = |row: &&Session| row.authenticated_at.is_none_or(|opened| opened.at() <= asked.at);
                grades.extend(listing.rows.iter().filter(is_older).map(|row| (row.id, Grade::StillPresent)));
                let why = trouble.as_ref().map(|trouble| format!("{trouble}; ")).unwrap_or_default();
                match (&listing.trouble, grades.is_empty()) {
                    (None, true) if listing.completeness.is_complete() => (Outcome::Revoked, None),
                    (Some(trouble), true) => (Outcome::Unclear, Some(format!("{why}looking it up: {trouble}"))),
                    _ => (Outcome::Unclear, Some(format!("{why}still listed"))),
                }
            }
        };
        self.write(one, (*intent, &[]), (outcome, detail.as_deref()))?;
        let lost = Lost { user: one.user, outcome: Some(outcome), detail, grades };
        self.write_grades(&lost)?;
        Ok(lost)
    }

    fn intend(&mut self, one: &Aimed, sessions: &[SessionId]) -> Result<u64, TrailTrouble> {
        let record = RevocationIntended {
            action: Action::RevokeUser.word().to_owned(),
            sessions: sessions.iter().map(ToString::to_string).collect(),
            user: one.user.to_string(),
            stratum: one.stratum.word().to_owned(),
            rules: Vec::new(),
            read_back: self.now().to_string(),
            policy: self.trail.past().policy_digest.unwrap_or_default(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            core: Vec::new(),
            facts: Vec::new(),
            databases: Vec::new(),
            by: self.by.to_owned(),
        };
        let personal = json!({ "people": { one.user.to_string(): one.name }, "reasons": {} });
        self.trail.append(None, record.into(), Some(personal))
    }

    fn write(
        &mut self,
        one: &Aimed,
        (intent, sessions): (u64, &[SessionId]),
        (outcome, said): (Outcome, Option<&str>),
    ) -> Result<(), TrailTrouble> {
        let record = RevocationOutcome {
            intent: Some(intent.to_string()),
            sessions: sessions.iter().map(ToString::to_string).collect(),
            user: one.user.to_string(),
            stratum: one.stratum.word().to_owned(),
            rules: Vec::new(),
            outcome: outcome.word().to_owned(),
            answered_at: self.now().to_string(),
            detail: None,
            exposure: None,
            answered_after_ms: None,
        };
        self.trail.write_durably(None, record.into(), said.map(|said| json!({ "detail": said }))).map(drop)
    }

    fn write_grades(&mut self, lost: &Lost) -> Result<(), TrailTrouble> {
        for (session, grade) in &lost.grades {
            let (session, user) = (session.to_string(), lost.user.to_string());
            let record = RevocationGraded { session, user, grade: grade.word().to_owned(), back: None };
            self.trail.append(None, record.into(), None)?;
        }
        self.trail.sync()
    }
}

impl Lost {
    fn kept(user: UserId, why: &str) -> Self {
        Self { user, outcome: None, detail: Some(why.to_owned()), grades: BTreeMap::new() }
    }
}
