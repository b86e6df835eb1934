//! The act: the intent becomes durable, then the one request that ends sessions leaves, then its outcome is written.
//!
//! An unanswered request is looked up, sent once more if the session is still there, and otherwise called unclear:
//! never guessed.

use super::read_back::Stands;
use super::{Bench, Whose, all_kept};
use crate::chronicle::{Means, ReadBack, Target, intended};
use crate::grade::Fate;
use crate::guard::Belt;
use crate::model::{Action, Outcome, SessionId, UserId};
use crate::record::{Entry, ExposureSplit, RevocationOutcome};
use crate::trail::TrailTrouble;
use crate::zendesk::{Dated, Deleted, Purpose, Trouble, Zendesk};

/// What became of one request.
#[derive(Debug)]
struct Answered {
    outcome: Outcome,
    detail: Option<String>,
}

/// What Zendesk shows of sessions that should be gone.
#[derive(Debug)]
pub(super) enum Seen {
    /// None of them is there.
    Gone,
    /// At least one is still there.
    There,
    /// It does not say.
    Silent(String),
}

impl Bench<'_> {
    /// Ends these sessions of one person by one request. What became of them, and of whatever else the request
    /// reached, is added to the person's fates.
    pub(super) async fn revoke(
        &mut self,
        action: Action,
        whose: Whose,
        standing: Vec<(Stands, Fate)>,
        fates: &mut Vec<Fate>,
    ) -> Result<(), TrailTrouble> {
        self.unless_stopped(self.zendesk.room_to_act()).await;
        if let Some((belt, why)) = self.braked().or_else(|| self.outgrown(&standing)) {
            return self.keep_all(standing, fates, (belt, why));
        }
        let sessions = self.reach(action, whose.user, &standing, fates);
        let names: Vec<String> = sessions.iter().map(ToString::to_string).collect();
        let read_back: Vec<ReadBack<'_>> = standing
            .iter()
            .filter_map(|(stands, _)| {
                let evidence =
                    self.dossier.get(stands.cleared.place)?.read_back(&stands.row, &stands.person, stands.now);
                Some(ReadBack { cleared: stands.cleared.clone(), evidence })
            })
            .collect();
        let target = Target { user: whose.user, stratum: whose.stratum, action, sessions: &names };
        let databases = &self.dossier.snapshot().databases;
        let means = Means { policies: self.policies, engine: env!("CARGO_PKG_VERSION"), databases };
        let told = intended(target, &read_back, means);
        let rules = match &told.entry {
            Entry::RevocationIntended(body) => body.rules.clone(),
            _ => Vec::new(),
        };
        // INVARIANT: no request leaves before this returned (`no_act_without_a_durable_intent`).
        let intent = self.trail.write_durably(Some(self.cycle), told.entry, told.personal)?;
        let durable = self.now();
        let answered = self.send(action, whose.user, &sessions, &standing).await;
        let gone = self.now();
        let is_gone = answered.outcome == Outcome::Revoked;
        let exposure = is_gone.then(|| self.exposure(&read_back, gone)).flatten();
        let record = RevocationOutcome {
            intent: Some(intent.to_string()),
            sessions: names,
            user: whose.user.to_string(),
            stratum: whose.stratum.word().to_owned(),
            rules,
            outcome: answered.outcome.word().to_owned(),
            answered_at: gone.to_string(),
            detail: None,
            exposure: exposure.as_ref().map(ExposureSplit::from),
            answered_after_ms: Some(durable.duration_until(gone).as_millis().to_string()),
        };
        self.write(Entry::from(record), answered.detail.as_deref())?;
        fates.extend(standing.into_iter().map(|(_, fate)| Fate { exposure, ..fate }));
        for session in sessions {
            let (outcome, detail) = (Some(answered.outcome), answered.detail.clone());
            match fates.iter_mut().find(|fate| fate.session == session) {
                Some(fate) => (fate.outcome, fate.detail) = (outcome, detail),
                None => fates.push(Fate { outcome, detail, ..Fate::of(session, whose.user) }),
            }
        }
        Ok(())
    }

    /// The sessions that end by this act: for a whole person every listed one, judged or not, that is not gone.
    fn reach(&self, action: Action, user: UserId, standing: &[(Stands, Fate)], fates: &[Fate]) -> Vec<SessionId> {
        let is_gone =
            |session| fates.iter().any(|fate| fate.session == session && fate.outcome == Some(Outcome::AlreadyGone));
        match action {
            Action::RevokeSession => standing.iter().map(|(stands, _)| stands.cleared.session).collect(),
            Action::RevokeUser => {
                let listed = self.dossier.iter().filter(|evidence| evidence.session.user == Some(user));
                listed.map(|evidence| evidence.session.id).filter(|session| !is_gone(*session)).collect()
            }
        }
    }

    /// Why what these claims rest on is too old by now, if it is.
    fn outgrown(&self, standing: &[(Stands, Fate)]) -> Option<(Belt, &'static str)> {
        let listed = |stands: &Stands| stands.cleared.claims.iter().filter_map(|claim| claim.listed).min();
        let oldest = standing.iter().map(|(stands, _)| {
            let read = stands.row.seen.at().min(stands.person.seen);
            listed(stands).map_or(read, |listed| listed.min(read))
        });
        let age = oldest.min()?.duration_until(self.now());
        (age > self.account.belts.evidence_age_max).then_some((Belt::EvidenceAge, "it grew too old while it waited"))
    }

    async fn send(
        &self,
        action: Action,
        user: UserId,
        sessions: &[SessionId],
        standing: &[(Stands, Fate)],
    ) -> Answered {
        let mut sent_again = false;
        loop {
            let trouble = match self.delete(action, user, sessions, standing).await {
                Ok(Dated { value: Deleted::Done, .. }) => return Answered::plain(Outcome::Revoked),
                // It may be the first request that ended it, late.
                Ok(Dated { value: Deleted::AlreadyGone, .. }) => {
                    return Answered::plain(if sent_again { Outcome::Revoked } else { Outcome::AlreadyGone });
                }
                Err(Trouble::Denied { words, .. }) => {
                    return Answered { outcome: Outcome::Refused, detail: Some(words.to_string()) };
                }
                Err(trouble) => trouble,
            };
            let why = match look_up(self.zendesk, action, user, sessions).await {
                Seen::Gone => return Answered::plain(Outcome::Revoked),
                Seen::There if !sent_again && self.braked().is_none() && self.outgrown(standing).is_none() => {
                    sent_again = true;
                    continue;
                }
                Seen::There => format!("{trouble}; still listed"),
                Seen::Silent(why) => format!("{trouble}; looking it up: {why}"),
            };
            return Answered { outcome: Outcome::Unclear, detail: Some(why) };
        }
    }

    /// Sends the request, unless a human put on a brake or its evidence grew too old while it waited for its turn.
    async fn delete(
        &self,
        action: Action,
        user: UserId,
        sessions: &[SessionId],
        standing: &[(Stands, Fate)],
    ) -> Result<Dated<Deleted>, Trouble> {
        let may_leave = || self.braked().is_none() && self.outgrown(standing).is_none();
        match (action, sessions.first()) {
            (Action::RevokeSession, Some(session)) => self.zendesk.delete_session(user, *session, &may_leave).await,
            (Action::RevokeSession, None) => Err(Trouble::Nonsense("there is no session to end".to_owned())),
            (Action::RevokeUser, _) => self.zendesk.delete_sessions(user, &may_leave).await,
        }
    }

    fn keep_all(
        &mut self,
        standing: Vec<(Stands, Fate)>,
        fates: &mut Vec<Fate>,
        (belt, why): (Belt, &str),
    ) -> Result<(), TrailTrouble> {
        for (stands, fate) in standing {
            let mut kept = Fate { kept: Vec::new(), ..fate.clone() };
            all_kept(&mut kept, self.rules_of(&stands.cleared), belt, why);
            self.write_kept(&kept)?;
            kept.kept.extend(fate.kept);
            fates.push(kept);
        }
        self.trail.sync()
    }
}

impl Answered {
    fn plain(outcome: Outcome) -> Self {
        Self { outcome, detail: None }
    }
}

/// Whether these sessions are gone: what an unanswered request and a restart after a crash both need to know.
pub(super) async fn look_up(zendesk: &Zendesk, action: Action, user: UserId, sessions: &[SessionId]) -> Seen {
    if let (Action::RevokeSession, Some(session)) = (action, sessions.first()) {
        return match zendesk.session(user, *session).await {
            Ok(Dated { value: None, .. }) => Seen::Gone,
            Ok(Dated { value: Some(_), .. }) => Seen::There,
            Err(trouble) => Seen::Silent(trouble.to_string()),
        };
    }
    let listing = zendesk.sessions_of(user, Purpose::Act).await;
    match &listing.trouble {
        // Of whom no session was named before, each that is there is one that should not be.
        _ if listing.rows.iter().any(|row| sessions.is_empty() || sessions.contains(&row.id)) => Seen::There,
        None if listing.completeness.is_complete() => Seen::Gone,
        Some(trouble) => Seen::Silent(trouble.to_string()),
        None => Seen::Silent("the listing was cut short".to_owned()),
    }
}
