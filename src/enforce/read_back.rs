//! Reading back: right before the act, session and person are read again and every claim is judged again.

use jiff::{SignedDuration, Timestamp};

use super::{Bench, Whose, all_kept};
use crate::evaluate::{Claim, claim_of};
use crate::evidence::Evidence;
use crate::grade::{Fate, Kept};
use crate::guard::{Belt, ClearedSession};
use crate::model::{Outcome, Person, RuleId, Session, Stratum, Strength, stratum_of};
use crate::plan::Planned;
use crate::zendesk::Trouble;

/// A session whose claims still stand, as it was read back.
#[derive(Debug)]
pub(super) struct Stands {
    /// Its row.
    pub(super) row: Session,
    /// Its person.
    pub(super) person: Person,
    /// When they were judged again.
    pub(super) now: Timestamp,
    /// The claims that still stand.
    pub(super) cleared: ClearedSession,
}

/// An answer may be dated this far from the cycle's own time: beyond, something between us and Zendesk made it up.
const DATE_OFF_MAX: SignedDuration = SignedDuration::from_secs(60);

impl Bench<'_> {
    /// Reads one session back. What no longer stands is in the fate, as is a session that is already gone.
    pub(super) async fn read_back(
        &self,
        cleared: ClearedSession,
        whose: Whose,
        person: Option<&Person>,
    ) -> (Option<Stands>, Fate) {
        let mut fate = Fate::of(cleared.session, whose.user);
        let Some(shown) = self.unless_stopped(self.zendesk.session(whose.user, cleared.session)).await else {
            all_kept(&mut fate, self.rules_of(&cleared), Belt::Stopping, "the process was asked to stop");
            return (None, fate);
        };
        let stands = match shown {
            Ok(answer) => match (answer.value, person) {
                (None, _) => {
                    fate.outcome = Some(Outcome::AlreadyGone);
                    return (None, fate);
                }
                (Some(row), _) if self.now().duration_until(row.seen.at()).abs() > DATE_OFF_MAX => {
                    Err((Belt::Unreachable, "the answer that carried it bears a wrong date"))
                }
                (Some(row), _) if row.user != Some(whose.user) => {
                    Err((Belt::ReadBack, "it belongs to somebody else by now"))
                }
                (Some(_), Some(person)) if self.stratum_of(&cleared, person) != Some(whose.stratum) => {
                    Err((Belt::ReadBack, "the person's role has changed"))
                }
                (Some(_), Some(person)) if self.account.protects(person) => {
                    Err((Belt::Protected, "a protected e-mail is this person's by now"))
                }
                (Some(_), None) => Err((Belt::Unreachable, "the person's record could not be read again")),
                (Some(row), Some(person)) => Ok((row, person.clone())),
            },
            Err(Trouble::Denied { words, .. }) => {
                fate.outcome = Some(Outcome::Refused);
                fate.detail = Some(words.to_string());
                return (None, fate);
            }
            Err(_) => Err((Belt::Unreachable, "it could not be read again")),
        };
        match stands {
            Ok((row, person)) => (self.judge_again(&cleared, row, person, &mut fate), fate),
            Err((belt, why)) => {
                all_kept(&mut fate, self.rules_of(&cleared), belt, why);
                (None, fate)
            }
        }
    }

    fn judge_again(&self, cleared: &ClearedSession, row: Session, person: Person, fate: &mut Fate) -> Option<Stands> {
        let evidence = self.dossier.get(cleared.place)?;
        let now = self.now();
        let renewed = evidence.read_back(&row, &person, now);
        let mut claims = Vec::new();
        for claim in &cleared.claims {
            match self.doubt(claim, &renewed) {
                None => claims.push(claim.clone()),
                Some((belt, why)) => {
                    let rule = self.policies.rules.get(claim.rule).map(|rule| rule.id.clone());
                    fate.kept.extend(rule.map(|rule| Kept { rule, held: belt.holds(), why: why.to_owned() }));
                }
            }
        }
        let cleared = ClearedSession { claims, ..cleared.clone() };
        (!cleared.claims.is_empty()).then_some(Stands { row, person, now, cleared })
    }

    /// Why this claim no longer stands, if it does not.
    fn doubt(&self, claim: &Planned, renewed: &Evidence<'_>) -> Option<(Belt, &'static str)> {
        let age_max = self.account.belts.evidence_age_max;
        let age = |as_of: jiff::Timestamp| -> SignedDuration { as_of.duration_until(renewed.now) };
        let rule = self.policies.rules.get(claim.rule)?;
        if claim.listed.is_some_and(|listed| age(listed) > age_max) {
            Some((Belt::EvidenceAge, "the listing it rests on is too old by now"))
        } else if renewed.person.is_ok_and(|person| age(person.seen) > age_max) {
            Some((Belt::EvidenceAge, "the person's record is too old by now"))
        } else {
            match claim_of(rule, self.policies, renewed) {
                Some(Claim::Fired(Strength::Hearsay)) => Some((Belt::Hearsay, "only ticket audits tell it by now")),
                Some(Claim::Fired(_)) => None,
                Some(Claim::Spared(_) | Claim::SparedByUnknown(_)) => {
                    Some((Belt::ReadBack, "an exception spares it by now"))
                }
                Some(Claim::Undecided(_)) => Some((Belt::ReadBack, "it can no longer be decided")),
                None => Some((Belt::ReadBack, "it no longer fires")),
            }
        }
    }

    /// The stratum of the person as read back: what is remembered of them still counts. None if no role is known.
    fn stratum_of(&self, cleared: &ClearedSession, person: &Person) -> Option<Stratum> {
        let evidence = self.dossier.get(cleared.place)?;
        person.role.map(|_| stratum_of(person, evidence.traces, self.now()))
    }

    /// Whether the record has an e-mail that the configuration protects: it may have changed hands since.
    pub(super) fn rules_of(&self, cleared: &ClearedSession) -> impl Iterator<Item = RuleId> {
        let rules = &self.policies.rules;
        cleared.claims.iter().filter_map(|claim| rules.get(claim.rule).map(|rule| rule.id.clone()))
    }
}
