//! One record: whether it is an alert, and in which words. Every kind is decided here, none by default.

use super::sentry::Sentry;
use super::{Alert, AlertKind, Mark, name};
use crate::model::{Mode, Outcome, Severity};
use crate::record::{
    Changed, ClaimBegan, ClaimChanged, ConfigLoaded, Entry, HoldExpired, HoldOpened, Line, OffboardingChanged,
    PolicyLoaded, PolicyRejected, RevocationGraded, RevocationOutcome, StandingClaim,
};

/// The belt that a claim on somebody protected is withheld by.
const PROTECTED: &str = "protected";

/// What an alert says.
pub(super) struct Words {
    pub(super) kind: AlertKind,
    pub(super) severity: Severity,
    pub(super) text: String,
    pub(super) digest: Option<String>,
}

fn words(kind: AlertKind, severity: Severity, text: impl Into<String>) -> Words {
    Words { kind, severity, text: text.into(), digest: None }
}

impl Sentry {
    /// The alert that this record is, beside what was heard before.
    pub(super) fn alert_of(&mut self, line: &Line) -> Option<Alert> {
        let said = self.said_of(line)?;
        Some(Alert {
            id: line.seq.to_string(),
            account: self.account.clone(),
            kind: said.kind,
            severity: said.severity,
            at: line.at,
            text: said.text,
            seq: line.seq,
            digest: said.digest,
            mark: Mark::Record,
        })
    }

    fn said_of(&mut self, line: &Line) -> Option<Words> {
        match &line.entry {
            Entry::HoldOpened(body) => opened(body),
            Entry::HoldExpired(body) if self.only_shows(&body.hold) => None,
            Entry::HoldExpired(body) => Some(expired(body)),
            Entry::ClaimBegan(ClaimBegan { claims }) | Entry::ClaimChanged(ClaimChanged { claims }) => {
                protected(claims)
            }
            Entry::RevocationOutcome(body) => self.outcome(body, line),
            Entry::RevocationGraded(body) => self.graded(body, line),
            Entry::PolicyRejected(_)
            | Entry::PolicyLoaded(_)
            | Entry::ConfigLoaded(_)
            | Entry::ScopeChanged(_)
            | Entry::ExceptionExpired(_) => self.in_force(&line.entry),
            Entry::OffboardingChanged(body) => offboarding(body),
            Entry::SourceLost(_) | Entry::EvidenceFell(_) | Entry::BudgetStarved(_) | Entry::TrailCut(_) => {
                evidence(&line.entry)
            }
            Entry::CredentialRefused(_) | Entry::CredentialBack(_) | Entry::SelftestFinished(_) => power(&line.entry),
            // Ordinary life, the end of what was told, or what a human did: the trail has it.
            Entry::DaemonStarted(_)
            | Entry::DaemonStopped(_)
            | Entry::LookupsChanged(_)
            | Entry::SourceBack(_)
            | Entry::EvidenceBack(_)
            | Entry::BudgetBack(_)
            | Entry::CycleFinished(_)
            | Entry::ClaimEnded(_)
            | Entry::RevocationIntended(_)
            | Entry::Withheld(_)
            | Entry::HoldGrew(_)
            | Entry::HoldReleased(_)
            | Entry::HoldDiscarded(_)
            | Entry::LeverUsed(_)
            | Entry::TokensHeld(_)
            | Entry::SelftestBegan(_)
            // The pause file tells of these, and of one that was put there by hand.
            | Entry::PauseBegan(_)
            | Entry::PauseEnded(_) => None,
        }
    }

    /// What came into force or could not, or is no longer, as far as it is new.
    fn in_force(&self, entry: &Entry) -> Option<Words> {
        match entry {
            Entry::PolicyRejected(body) => Some(rejected(body)),
            Entry::PolicyLoaded(body) if self.knows(body) => None,
            Entry::ConfigLoaded(body) if self.config.as_ref() == Some(&body.digest) => None,
            Entry::PolicyLoaded(PolicyLoaded { changed, .. }) | Entry::ConfigLoaded(ConfigLoaded { changed, .. })
                if changed.weakens() =>
            {
                Some(weakened(changed))
            }
            Entry::PolicyLoaded(body) => Some(replaced(body)),
            Entry::ConfigLoaded(_) => {
                let text =
                    "another configuration came into force. Do: make sure that it was you; its text is in the trail";
                Some(words(AlertKind::Changed, Severity::Medium, text))
            }
            Entry::ScopeChanged(body) if self.scope.as_ref() == Some(&body.scope) => None,
            Entry::ScopeChanged(body) => {
                let text =
                    format!("sessions of {} are listed from now on. Do: make sure that it was you", name(&body.scope));
                Some(words(AlertKind::Changed, Severity::Medium, text))
            }
            Entry::ExceptionExpired(body) => {
                let text = format!(
                    "the exception {} is over, and spares nobody any more. Do: renew it if it is still wanted",
                    name(&body.exception)
                );
                Some(words(AlertKind::Changed, Severity::Low, text))
            }
            _ => None,
        }
    }

    /// The same texts again, signed anew, are news only if who may sign, or a signed list, is another.
    fn knows(&self, body: &PolicyLoaded) -> bool {
        self.policy.as_ref() == Some(&body.digest) && !(body.signed.is_some() && body.changed.weakens())
    }

    /// A refusal is told once a cycle, and somebody who comes back once a day.
    fn outcome(&mut self, body: &RevocationOutcome, line: &Line) -> Option<Words> {
        if body.outcome == Outcome::Refused.word() {
            let text =
                "Zendesk refused to end a session. Do: `evictd doctor --probe-scopes` says what the credential may";
            return self.is_first("refused", line).then(|| words(AlertKind::Credential, Severity::Critical, text));
        }
        let by_rule = body.outcome == Outcome::Revoked.word() && !body.rules.is_empty();
        if !by_rule || !self.comes_back(&body.user, line) {
            return None;
        }
        let rules: Vec<String> = body.rules.iter().take(3).map(|rule| name(rule)).collect();
        let text = format!(
            "somebody was signed out by {} for the fourth time within a day, and comes back each time. Do: reset the \
             password and end the sessions at the identity provider; who it is stands in the trail",
            rules.join(", ")
        );
        Some(words(AlertKind::Loop, Severity::High, text))
    }

    fn graded(&mut self, body: &RevocationGraded, line: &Line) -> Option<Words> {
        let text = "a session that Zendesk said had ended is still listed. Do: end it by hand; which one it is stands in \
                    the trail";
        let is_told = body.grade == "still-present" && self.is_first("still-present", line);
        is_told.then(|| words(AlertKind::Credential, Severity::High, text))
    }
}

/// Whether evictd can act at all.
fn power(entry: &Entry) -> Option<Words> {
    match entry {
        Entry::CredentialRefused(body) => {
            let text = format!(
                "Zendesk does not accept the credential of the {} any more. Do: put it back or make it anew, then reload; \
                 find out who took it away",
                name(&body.which)
            );
            Some(words(AlertKind::Credential, Severity::Critical, text))
        }
        Entry::CredentialBack(body) => {
            let text = format!("Zendesk accepts the credential of the {} again. Do: nothing", name(&body.which));
            Some(words(AlertKind::Credential, Severity::Low, text))
        }
        // What a belt held back proves nothing, either way.
        Entry::SelftestFinished(body) if !body.ok && body.held.is_none() => {
            let text = "a self-test did not end its session: perhaps none can be ended. Do: `evictd audit tail` says \
                        how far it came";
            Some(words(AlertKind::Selftest, Severity::Critical, text))
        }
        _ => None,
    }
}

/// Whether it may make protection weaker is classed where it is loaded; what cannot be told counts as weaker.
fn weakened(changed: &Changed) -> Words {
    let items: Vec<String> = changed
        .changes
        .iter()
        .filter(|change| change.weakens())
        .map(|change| format!("{} {}", change.item, name(&change.name)))
        .take(6)
        .collect();
    let text = format!(
        "what came into force makes, or may make, protection weaker: {}. Do: make sure that it was you; the trail has what \
         it was and is",
        items.join(", ")
    );
    words(AlertKind::Weakening, Severity::High, text)
}

fn replaced(body: &PolicyLoaded) -> Words {
    let wider = if body.changed.class.as_deref() == Some("widens") { ", which let more be ended" } else { "" };
    let text = format!(
        "other policies came into force, {} rules of them{wider}. Do: make sure that it was you; their text is in the trail",
        body.rules.len()
    );
    words(AlertKind::Changed, Severity::Medium, text)
}

fn rejected(body: &PolicyRejected) -> Words {
    if body.unsigned {
        let text = "what was to come into force is signed by too few people, and what was in force stays. Do: make sure that \
                    it was you; `evictd policy verify` says who is missing";
        return words(AlertKind::Changed, Severity::Critical, text);
    }
    let text = format!(
        "what was to come into force has {}, and what was in force stays. Do: `evictd status` shows \
         each; mend it, then reload",
        if body.errors == 1 { "an error".to_owned() } else { format!("{} errors", body.errors) }
    );
    words(AlertKind::Changed, Severity::High, text)
}

/// A hold of a rule that only reports asks nobody.
fn opened(body: &HoldOpened) -> Option<Words> {
    if body.mode != Mode::Enforce.word() {
        return None;
    }
    let limit = body.limit.map(|limit| format!(" (at most {limit})")).unwrap_or_default();
    let changed = if body.changed.is_empty() {
        String::new()
    } else {
        let inputs: Vec<String> = body.changed.iter().take(6).map(|input| name(input)).collect();
        format!("; changed on our side within a day: {}", inputs.join(", "))
    };
    let (people, rule, belt) = (body.people.len(), name(&body.rule), name(&body.belt));
    let text = format!(
        "{people} people of rule {rule} are withheld by belt {belt}{limit}: {} sessions, {} of them opened within an \
         hour{changed}. Do: `evictd hold list` and `evictd hold show`, and decide within 24 hours",
        body.sessions, body.young
    );
    let is_protected = body.belt == PROTECTED;
    let kind = if is_protected { AlertKind::Protected } else { AlertKind::Hold };
    let severity = if is_protected { Severity::Critical } else { Severity::High };
    Some(Words { kind, severity, text, digest: Some(body.digest.clone()) })
}

fn expired(body: &HoldExpired) -> Words {
    let text = format!(
        "nobody answered a hold on {} people of rule {} within 24 hours. Do: look now, whoever is still claimed is asked \
         about anew",
        body.people,
        name(&body.rule)
    );
    words(AlertKind::Hold, Severity::Critical, text)
}

/// Where a hold asks about somebody protected it says so itself; this is for rules that only report.
fn protected(claims: &[StandingClaim]) -> Option<Words> {
    let is_one = |claim: &&StandingClaim| claim.belt.as_ref().is_some_and(|held| held.belt == PROTECTED);
    let mut claims = claims.iter().filter(is_one).filter(|claim| claim.mode != Mode::Enforce.word()).peekable();
    let rule = name(&claims.peek()?.key.rule);
    let text = format!(
        "rule {rule} and perhaps others match {} sessions of protected people; they only report. Do: look at the plan \
         before they enforce",
        claims.count()
    );
    Some(words(AlertKind::Protected, Severity::Medium, text))
}

fn offboarding(body: &OffboardingChanged) -> Option<Words> {
    let list = name(&body.list);
    if body.unknown.is_some() {
        let text = format!("the offboarding list {list} cannot be used. Do: `evictd offboard list` says why");
        return Some(words(AlertKind::Evidence, Severity::High, text));
    }
    let text = format!(
        "{} rows of the offboarding list {list} wait for a human. Do: `evictd offboard accept`, if they are meant",
        body.pending
    );
    (body.pending > 0).then(|| words(AlertKind::Evidence, Severity::Medium, text))
}

fn evidence(entry: &Entry) -> Option<Words> {
    match entry {
        Entry::SourceLost(body) => {
            let text = format!(
                "the source {} cannot be relied on: what it tells is unknown. Do: `evictd doctor` says why",
                name(&body.source)
            );
            Some(words(AlertKind::Evidence, Severity::High, text))
        }
        Entry::EvidenceFell(body) => {
            let (share, usual) = (body.share / 10, body.usual / 10);
            let text = format!(
                "of {} {} there is half as much evidence as usual, or less: {share} % in place of {usual} %. Do: find out \
                 what was switched off; somebody may hide",
                name(&body.of),
                name(&body.name)
            );
            Some(words(AlertKind::Evidence, Severity::High, text))
        }
        Entry::BudgetStarved(body) => {
            let text = format!(
                "the account's requests do not suffice, and {} people wait to be looked at. Do: raise `budget`, or sweep \
                 less often",
                body.waiting
            );
            Some(words(AlertKind::Evidence, Severity::Medium, text))
        }
        Entry::TrailCut(body) => {
            let text = format!(
                "{} bytes of a torn last line were cut off the trail. Do: find out whether the host crashed",
                body.bytes
            );
            Some(words(AlertKind::Evidence, Severity::Low, text))
        }
        _ => None,
    }
}
