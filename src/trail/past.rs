//! What the trail says of the last day: the history for belts, open intents, digests in force, the last cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::standing::Standing;
use crate::model::{CycleId, Ended, Exposure, Foreign, History, Outcome, Roster, RuleId, Stratum, UserId, Watched};
use crate::record::{
    ChangeTold, Changed, CycleFinished, Entry, ExposureSplit, Line, OffboardingChanged, RevocationGraded,
    RevocationIntended, RevocationOutcome, SetSigned,
};

/// How far back belts remember, and an hour more for records that were written late.
const MEMORY: SignedDuration = SignedDuration::from_hours(25);

/// What the trail remembers at start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// What was ended in the 25 hours before the newest record on Zendesk's trusted clock, and the last roster.
    pub history: History,
    /// Intents whose outcome nobody knows yet, oldest first.
    pub open_intents: Vec<OpenIntent>,
    /// Digest of the policy set that the newest record of it names.
    pub policy_digest: Option<String>,
    /// The last signed set that was in force.
    pub signed: Option<SetSigned>,
    /// Digest of the configuration last loaded.
    pub config_digest: Option<String>,
    /// Whose sessions were listed, as the newest record of it says.
    pub scope: Option<String>,
    /// The last word about each offboarding list.
    pub offboarding: BTreeMap<String, OffboardingChanged>,
    /// The pause that began and did not end: it is in force whatever became of its file.
    pub pause: Option<PauseTold>,
    /// Whose evidence has fallen, as the trail tells it.
    pub fallen: BTreeSet<Watched>,
    /// Which credentials Zendesk does not accept, as the trail tells it.
    pub refused: BTreeSet<String>,
    /// When it was last asked who holds OAuth tokens, on Zendesk's clock.
    pub tokens_as_of: Option<Timestamp>,
    /// How many of them people held when that was told last.
    pub tokens: BTreeMap<UserId, usize>,
    /// The last cycle that finished, a look or a sweep.
    pub last_cycle: Option<LastCycle>,
    /// The last of them that looked at everybody in scope.
    pub last_sweep: Option<LastCycle>,
    /// How long sessions could be used that ended in the same 25 hours, each with the instant of its end.
    pub exposures: Vec<(Timestamp, Exposure)>,
    /// What made protection weaker, or may have, in about the same time, each with the host's instant of its record.
    pub weakened: Vec<(Timestamp, ChangeTold)>,
}

/// So many items are named in one line.
const WEAKENED_NAMED_MAX: usize = 5;

impl Past {
    /// The line about what made, or may have made, protection weaker in the last day, if anything did.
    pub fn weakened_line(&self) -> Option<String> {
        let (at, _) = self.weakened.first()?;
        let named = self.weakened.iter().take(WEAKENED_NAMED_MAX);
        let named = named.map(|(_, change)| format!("{} `{}`", change.item, Foreign::new(change.name.as_str())));
        let rest = self.weakened.len().saturating_sub(WEAKENED_NAMED_MAX);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let named = named.collect::<Vec<_>>().join(", ");
        Some(format!(
            "protection became weaker, or may have, since {at:.0}: {named}{rest}: `evictd status` has all of 24 hours"
        ))
    }

    /// Zendesk's clock at the last cycle; none if it was not to be believed.
    pub fn last_cycle_at(&self) -> Option<Timestamp> {
        let last = self.last_cycle.as_ref().filter(|last| last.finished.clock_trusted)?;
        last.finished.now.parse().ok()
    }
}

impl Past {
    /// Zendesk's clock at this instant of the host's, as far apart as the last cycle found them: holds are dated by it. The
    /// host's own before any cycle.
    pub fn on_zendesks_clock(&self, host: Timestamp) -> Timestamp {
        let offset = self.last_cycle.as_ref().and_then(|last| last.finished.clock_offset_ms.parse().ok());
        host.saturating_add(SignedDuration::from_millis(offset.unwrap_or_default())).unwrap_or(host)
    }
}

/// A pause as the trail tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseTold {
    /// Until when, on this host's clock; none if it has no end.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who; [`PauseTold::FILE`] for a file that was put there by hand.
    pub by: String,
}

impl PauseTold {
    /// Who paused, where a file that nobody told evictd of did.
    pub const FILE: &str = "file";

    /// Whether its time is not over.
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// An intent without an outcome, or with an unclear one: its request may or may not have been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// Its record's number, as its outcome must name it.
    pub seq: u64,
    /// What was intended.
    pub intended: RevocationIntended,
}

/// A finished cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCycle {
    /// The host's clock when it was recorded.
    pub at: Timestamp,
    /// Its id.
    pub cycle: Option<CycleId>,
    /// What it counted.
    pub finished: CycleFinished,
}

/// Takes in records in order and tells the past at any time.
#[derive(Debug, Default)]
pub(super) struct Memory {
    past: Past,
    standing: Standing,
    open: BTreeMap<u64, (Option<CycleId>, RevocationIntended)>,
    /// Digests of the policies of self-tests: by these their records are told from those of the account's own policies.
    selftests: BTreeSet<String>,
    /// The newest instant of Zendesk's clock that was trusted: it decides what is forgotten.
    newest: Option<Timestamp>,
}

impl Memory {
    /// Takes in the next record; the error says what of it makes no sense.
    pub(super) fn take_in(&mut self, line: &Line) -> Result<(), String> {
        self.newest = self.newest.max(zendesk_instant(&line.entry)?);
        self.standing.take_in(line)?;
        match &line.entry {
            Entry::PolicyLoaded(body) => {
                self.past.policy_digest = Some(body.digest.clone());
                self.sign(body.signed.as_ref());
                self.weaken(line.at, &body.changed);
            }
            Entry::OffboardingChanged(body) => {
                self.past.offboarding.insert(body.list.clone(), body.clone());
            }
            Entry::EvidenceFell(body) => self.past.fallen.extend(Watched::from_words(&body.of, &body.name)),
            Entry::EvidenceBack(body) => {
                Watched::from_words(&body.of, &body.name).map(|watched| self.past.fallen.remove(&watched));
            }
            Entry::CredentialRefused(body) => self.past.refused.extend([body.which.clone()]),
            Entry::CredentialBack(body) => self.past.refused.retain(|which| *which != body.which),
            Entry::ScopeChanged(body) => self.past.scope = Some(body.scope.clone()),
            Entry::ConfigLoaded(body) => {
                self.past.config_digest = Some(body.digest.clone());
                self.weaken(line.at, &body.changed);
            }
            // It says nothing of the account's own policies, and no cycle of these knows of it.
            Entry::CycleFinished(body) if self.selftests.contains(&body.policy) => {}
            Entry::CycleFinished(body) => self.finished(body, line)?,
            Entry::RevocationIntended(body) => {
                // Read now, so that an intent that makes no sense is found before it matters.
                ended_unclear(body)?;
                self.open.insert(line.seq, (line.cycle.clone(), body.clone()));
            }
            Entry::RevocationOutcome(body) => {
                let mut ended = ended(body)?;
                for one in &mut ended {
                    one.cycle.clone_from(&line.cycle);
                }
                let exposure = body.exposure.as_ref().and_then(ExposureSplit::read);
                self.past.exposures.extend(ended.first().map(|one| one.at).zip(exposure));
                let intent: Option<u64> = body.intent.as_ref().map(|intent| read("intent", intent)).transpose()?;
                match intent {
                    // It stays open, and counts as open ones do.
                    Some(intent) if line.leaves_intent_open() && self.open.contains_key(&intent) => {}
                    _ => {
                        let intended =
                            intent.and_then(|intent| self.open.remove(&intent)).map(|(_, intended)| intended);
                        // As levers are: no window counts it, and whoever comes back from it is no concern of the rules.
                        if intended.as_ref().is_some_and(|intended| self.selftests.contains(&intended.policy)) {
                            return Ok(());
                        }
                        let core = intended.map(|intended| rules_of(&intended.core)).unwrap_or_default();
                        let ended = ended.into_iter().map(|one| Ended { core: core.clone(), ..one });
                        self.past.history.ended.extend(ended);
                    }
                }
            }
            Entry::RevocationGraded(body) => self.came_back(body),
            Entry::TokensHeld(body) => {
                self.past.tokens.extend(body.user.parse().ok().map(|user: UserId| (user, body.tokens)));
            }
            Entry::SelftestBegan(body) => self.selftests.extend([body.policy.clone()]),
            _ => {}
        }
        Ok(())
    }

    fn finished(&mut self, body: &CycleFinished, line: &Line) -> Result<(), String> {
        self.past.policy_digest = Some(body.policy.clone());
        self.sign(body.signed.as_ref());
        self.past.scope = Some(body.scope.clone());
        self.past.offboarding.extend(body.offboarding.iter().map(|one| (one.list.clone(), one.clone())));
        if body.complete && body.looked.is_none() {
            self.past.history.roster = Some(roster(body)?);
        }
        let oldest = self.oldest();
        self.past.history.ended.retain(|one| one.at >= oldest);
        self.past.exposures.retain(|(at, _)| *at >= oldest);
        self.past.weakened.retain(|(at, _)| *at >= oldest);
        let asked = body.tokens_asked.as_ref().and_then(|at| at.parse().ok());
        self.past.tokens_as_of = asked.or(self.past.tokens_as_of);
        let last = LastCycle { at: line.at, cycle: line.cycle.clone(), finished: body.clone() };
        if body.looked.is_none() {
            self.past.last_sweep = Some(last.clone());
        }
        self.past.last_cycle = Some(last);
        Ok(())
    }

    /// Sets that nobody need have signed do not make those forgotten that somebody did: an old one must not come back.
    fn sign(&mut self, signed: Option<&SetSigned>) {
        if let Some(signed) = signed {
            self.past.signed = Some(signed.clone());
        }
    }

    /// Keeps what made protection weaker.
    fn weaken(&mut self, at: Timestamp, changed: &Changed) {
        self.past.weakened.extend(changed.weaker().into_iter().map(|change| (at, change)));
    }

    /// Notes the second grade of a session, if this is one.
    fn came_back(&mut self, graded: &RevocationGraded) {
        let Some(back) = &graded.back else { return };
        let mut newest_first = self.past.history.ended.iter_mut().rev();
        if let Some(ended) = newest_first.find(|ended| ended.session.to_string() == graded.session) {
            ended.came_back.push(RuleId::new(back.rule.as_str()));
        }
    }

    /// What is remembered by now.
    pub(super) fn past(&self) -> Past {
        let mut past = self.past.clone();
        past.history.holds = self.standing.holds.values().cloned().collect();
        past.history.rests.clone_from(&self.standing.rests);
        past.pause.clone_from(&self.standing.pause);
        for (seq, (cycle, intended)) in &self.open {
            let counts = !self.selftests.contains(&intended.policy);
            let ended = ended_unclear(intended).unwrap_or_default().into_iter().filter(|_| counts);
            past.history.ended.extend(ended.map(|one| Ended { cycle: cycle.clone(), ..one }));
            past.open_intents.push(OpenIntent { seq: *seq, intended: intended.clone() });
        }
        let oldest = self.oldest();
        past.history.ended.retain(|one| one.at >= oldest);
        past.weakened.retain(|(at, _)| *at >= oldest);
        past.history.ended.sort_by_key(|one| one.at);
        past
    }

    fn oldest(&self) -> Timestamp {
        self.newest.map_or(Timestamp::MIN, memory_begins)
    }
}

/// The instant before which nothing needs to be remembered, when this is the newest one.
pub(super) fn memory_begins(newest: Timestamp) -> Timestamp {
    newest.checked_sub(MEMORY).unwrap_or(Timestamp::MIN)
}

/// Zendesk's clock in a record that carries it, unless it was not trusted. How far back to read is told by it alone:
/// moving the host's clock must not shorten the memory, nor must an answer dated years ahead.
pub(super) fn zendesk_instant(entry: &Entry) -> Result<Option<Timestamp>, String> {
    let (key, text) = match entry {
        Entry::CycleFinished(body) => ("now", &body.now),
        Entry::RevocationIntended(body) => ("read_back", &body.read_back),
        Entry::RevocationOutcome(body) => ("answered_at", &body.answered_at),
        _ => return Ok(None),
    };
    let instant = read(key, text)?;
    let believed = !matches!(entry, Entry::CycleFinished(body) if !body.clock_trusted);
    Ok(believed.then_some(instant))
}

pub(super) fn read<T: FromStr>(key: &str, text: &str) -> Result<T, String> {
    text.parse().ok().ok_or_else(|| format!("`{key}` makes no sense: `{text}`"))
}

pub(super) fn stratum(word: &str) -> Result<Stratum, String> {
    let known = Stratum::ALL.iter().copied().find(|stratum| stratum.word() == word);
    known.ok_or_else(|| format!("`{word}` is no stratum"))
}

fn roster(finished: &CycleFinished) -> Result<Roster, String> {
    finished.people_seen.iter().map(|(word, people)| Ok((stratum(word)?, *people))).collect()
}

fn rules_of(words: &[String]) -> Vec<RuleId> {
    words.iter().map(|rule| RuleId::new(rule.as_str())).collect()
}

fn ended_unclear(intended: &RevocationIntended) -> Result<Vec<Ended>, String> {
    let unclear = RevocationOutcome {
        intent: None,
        sessions: intended.sessions.clone(),
        user: intended.user.clone(),
        stratum: intended.stratum.clone(),
        rules: intended.rules.clone(),
        outcome: Outcome::Unclear.word().to_owned(),
        answered_at: intended.read_back.clone(),
        detail: None,
        exposure: None,
        answered_after_ms: None,
    };
    let core = rules_of(&intended.core);
    Ok(ended(&unclear)?.into_iter().map(|one| Ended { core: core.clone(), ..one }).collect())
}

fn ended(outcome: &RevocationOutcome) -> Result<Vec<Ended>, String> {
    let user = read("user", &outcome.user)?;
    let stratum = stratum(&outcome.stratum)?;
    let at = read("answered_at", &outcome.answered_at)?;
    let word = &outcome.outcome;
    let became = Outcome::from_word(word).ok_or_else(|| format!("`{word}` is no outcome"))?;
    let rules = rules_of(&outcome.rules);
    let sessions = outcome.sessions.iter();
    sessions
        .map(|session| {
            let session = read("sessions", session)?;
            Ok(Ended {
                session,
                user,
                stratum,
                rules: rules.clone(),
                at,
                outcome: became,
                cycle: None,
                core: Vec::new(),
                came_back: Vec::new(),
            })
        })
        .collect()
}
