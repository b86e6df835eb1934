//! A report rebuilt from the trail: the same document, but for the examples of what could not be decided.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::SignedDuration;
use serde_json::Value;

use super::claims::{self, ClaimRow, Fates, HeldRow};
use super::{DatabaseRow, Report, ReturnRow, RuleRow, TokenRow, UndecidedRow};
use crate::model::{
    AccountName, Action, Cause, CycleId, Foreign, Grade, Mode, Outcome, RuleId, Scope, SessionId, Severity, Strength,
};
use crate::model::{Stratum, UserId};
use crate::record::{
    ClaimKey, CycleFinished, DatabaseUsed, Entry, ExposureSplit, HeldBy, RevocationGraded, StandingClaim, TokensHeld,
    reason_key,
};

/// A record as the trail has it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The cycle that wrote it.
    pub cycle: Option<CycleId>,
    /// What it says.
    pub entry: Entry,
    /// Its personal part, if it is still there.
    pub personal: Option<Value>,
}

/// The trail has no closed cycle of this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trail has no finished cycle `{0}`")]
pub struct NoSuchCycle(pub CycleId);

#[derive(Debug, Default)]
struct Past {
    standing: BTreeMap<ClaimKey, (StandingClaim, Value)>,
    kept: Vec<(SessionId, RuleId, HeldRow)>,
    fates: Fates,
    came_back: Vec<ReturnRow>,
    tokens: Vec<TokenRow>,
}

/// Rebuilds the report of a cycle from the trail's records, in order from the first.
///
/// # Errors
///
/// When none of them closes that cycle.
pub fn replay(
    account: &AccountName,
    cycle: &CycleId,
    records: impl IntoIterator<Item = Recorded>,
) -> Result<Report, NoSuchCycle> {
    let mut past = Past::default();
    for record in records {
        let of_cycle = record.cycle.as_ref() == Some(cycle);
        match record.entry {
            Entry::CycleFinished(finished) if of_cycle => return Ok(past.report(account, cycle, &finished)),
            entry => past.take(entry, &record.personal.unwrap_or_default(), of_cycle),
        }
    }
    Err(NoSuchCycle(cycle.clone()))
}

impl Past {
    fn take(&mut self, entry: Entry, personal: &Value, of_cycle: bool) {
        match entry {
            Entry::DaemonStarted(_) => self.standing.clear(),
            Entry::ClaimBegan(body) => self.stand(body.claims, personal),
            Entry::ClaimChanged(body) => self.stand(body.claims, personal),
            Entry::ClaimEnded(body) => {
                for key in body.claims {
                    self.standing.remove(&key);
                }
            }
            Entry::Withheld(body) if of_cycle => {
                if let Ok(session) = SessionId::from_str(&body.session) {
                    self.kept.push((session, RuleId::new(body.rule), held_row(body.held)));
                }
            }
            Entry::RevocationOutcome(body) if of_cycle => {
                let exposure = body.exposure.as_ref().and_then(ExposureSplit::read);
                for session in body.sessions.iter().filter_map(|session| SessionId::from_str(session).ok()) {
                    let became = self.fates.entry(session).or_default();
                    (became.outcome, became.exposure) = (Outcome::from_word(&body.outcome), exposure);
                }
            }
            Entry::TokensHeld(body) if of_cycle => self.tokens.extend(token_rows(body, personal)),
            Entry::RevocationGraded(body) if of_cycle && body.back.is_some() => {
                self.came_back.extend(return_row(&body, personal));
            }
            Entry::RevocationGraded(body) if of_cycle => {
                if let Ok(session) = SessionId::from_str(&body.session) {
                    self.fates.entry(session).or_default().grade = Grade::from_word(&body.grade);
                }
            }
            _ => {}
        }
    }

    fn stand(&mut self, claims: Vec<StandingClaim>, personal: &Value) {
        for claim in claims {
            self.standing.insert(claim.key.clone(), (claim, personal.clone()));
        }
    }

    fn report(self, account: &AccountName, cycle: &CycleId, finished: &CycleFinished) -> Report {
        // Claims on people whom a look did not look at stand, and are none of what it found.
        let is_seen = |claim: &StandingClaim| finished.looked.as_ref().is_none_or(|users| users.contains(&claim.user));
        let seen = self.standing.into_values().filter(|(claim, _)| is_seen(claim));
        let mut claims: Vec<ClaimRow> = seen.filter_map(|(claim, personal)| claim_row(claim, &personal)).collect();
        claims::order(&mut claims);
        for (session, rule, held) in self.kept {
            claims::hold(&mut claims, session, &rule, held);
        }
        Report {
            account: account.clone(),
            cycle: cycle.clone(),
            now: finished.now.clone(),
            mode: Mode::from_word(&finished.mode).unwrap_or_default(),
            scope: Scope::from_word(&finished.scope).unwrap_or(Scope::Everyone),
            complete: finished.complete,
            policy: finished.policy.clone(),
            sessions_seen: finished.sessions_seen,
            people_seen: Stratum::ALL
                .iter()
                .filter_map(|stratum| Some((*stratum, *finished.people_seen.get(stratum.word())?)))
                .collect(),
            databases: finished.databases.iter().map(database_row).collect(),
            warnings: finished.warnings.clone(),
            revoke: claims::revoke_rows(&claims, &self.fates),
            came_back: self.came_back,
            withheld: claims::withheld_rows(&claims),
            tokens: self.tokens,
            undecided: undecided_rows(finished),
            belts: finished.belts.iter().filter_map(super::gauge_of).collect(),
            rules: rule_rows(finished),
        }
    }
}

/// A claim whose words are not ours says nothing; `audit verify` is the place that complains.
fn claim_row(claim: StandingClaim, personal: &Value) -> Option<ClaimRow> {
    let told = |part: &str, key: &str| personal.get(part)?.get(key)?.as_str().map(str::to_owned);
    let erased = || "(erased)".to_owned();
    // A condition holds as surely as the least sure of its grounds.
    let strengths = claim.facts.iter().map(|fact| Strength::from_word(&fact.strength));
    let strength = strengths.collect::<Option<Vec<_>>>()?.into_iter().min().unwrap_or(Strength::Exact);
    let reasons = claim.facts.iter().enumerate().map(|(number, fact)| {
        fact.reason.clone().or_else(|| told("reasons", &reason_key(&claim.key, number))).unwrap_or_else(erased)
    });
    Some(ClaimRow {
        reasons: reasons.collect(),
        strength,
        session: SessionId::from_str(&claim.key.session).ok()?,
        user: UserId::from_str(&claim.user).ok()?,
        person: Foreign::new(told("people", &claim.user).unwrap_or_else(erased)),
        stratum: Stratum::from_word(&claim.stratum)?,
        severity: Severity::from_word(&claim.severity)?,
        mode: Mode::from_word(&claim.mode)?,
        action: Action::from_word(&claim.action)?,
        rule: RuleId::new(claim.key.rule),
        held: claim.belt.map(held_row),
    })
}

fn return_row(body: &RevocationGraded, personal: &Value) -> Option<ReturnRow> {
    let back = body.back.as_ref()?;
    Some(ReturnRow {
        session: SessionId::from_str(&body.session).ok()?,
        user: UserId::from_str(&body.user).ok()?,
        person: Foreign::new(person_in(personal, &body.user)),
        rule: RuleId::new(back.rule.as_str()),
        new: SessionId::from_str(&back.session).ok()?,
        after: SignedDuration::from_millis(back.after_ms.parse().ok()?),
    })
}

fn token_rows(body: TokensHeld, personal: &Value) -> Vec<TokenRow> {
    let Ok(user) = UserId::from_str(&body.user) else { return Vec::new() };
    let person = Foreign::new(person_in(personal, &body.user));
    body.held.into_iter().map(|token| TokenRow { user, person: person.clone(), token }).collect()
}

fn person_in<'v>(personal: &'v Value, user: &str) -> &'v str {
    personal.get("people").and_then(|people| people.get(user)).and_then(Value::as_str).unwrap_or("(erased)")
}

fn held_row(held: HeldBy) -> HeldRow {
    HeldRow { belt: held.belt, limit: held.limit, count: held.count }
}

fn database_row(used: &DatabaseUsed) -> DatabaseRow {
    let (name, kind) = (Foreign::new(used.name.as_str()), Foreign::new(used.kind.as_str()));
    DatabaseRow { name, kind, built: used.built.clone() }
}

fn undecided_rows(finished: &CycleFinished) -> Vec<UndecidedRow> {
    let row = |count: &crate::record::UndecidedCount| {
        Some(UndecidedRow {
            rule: RuleId::new(count.rule.as_str()),
            cause: Cause::from_word(&count.cause)?,
            sessions: count.sessions,
            people: count.people,
            examples: Vec::new(),
        })
    };
    finished.undecided.iter().filter_map(row).collect()
}

fn rule_rows(finished: &CycleFinished) -> Vec<RuleRow> {
    let row = |count: &crate::record::RuleCount| RuleRow {
        rule: RuleId::new(count.rule.as_str()),
        title: count.title.clone(),
        severity: Severity::from_word(&count.severity).unwrap_or_default(),
        mode: Mode::from_word(&count.mode).unwrap_or_default(),
        fired: count.fired,
        spared: count.spared,
        spared_by_unknown: count.spared_by_unknown,
        clear: count.clear,
        withheld: count.withheld,
        undecided: count.undecided,
    };
    finished.rules.iter().map(row).collect()
}
