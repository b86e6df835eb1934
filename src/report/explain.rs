//! One session explained: its places, each rule, each condition, what it was told, and the belt that holds the claim.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Stages;
use super::build::person_of;
use super::places::{self, PlaceRow};
use crate::evaluate::{Claim, claim_of};
use crate::guard::Held;
use crate::model::{Answer, Cause, Causes, Foreign, SessionId, Strength};
use crate::policy::{Rule, TraceLine};

/// One session as every rule sees it.
#[derive(Debug, Clone)]
pub struct Explanation {
    session: SessionId,
    user: Option<String>,
    person: Foreign,
    stratum: &'static str,
    opened: Option<String>,
    last_seen: Option<String>,
    places: Vec<PlaceRow>,
    /// Why there may be other places.
    missing: Causes,
    rules: Vec<Explained>,
}

/// One rule on that session.
#[derive(Debug, Clone)]
struct Explained {
    rule: String,
    title: String,
    mode: &'static str,
    claim: &'static str,
    /// How surely it holds, if it does.
    strength: Option<Strength>,
    /// Numbers of the places at which that was told, from 1.
    decided_by: BTreeSet<usize>,
    spared_by: Option<String>,
    held: Option<Held>,
    lines: Vec<TraceLine>,
}

/// Explains a session of these stages; none if it is not listed.
pub fn explain(stages: Stages<'_>, session: SessionId) -> Option<Explanation> {
    let evidence = stages.dossier.iter().find(|evidence| evidence.session.id == session)?;
    let snapshot = stages.dossier.snapshot();
    let heard = evidence.hearing().unwrap_or(evidence);
    let mut places = places::places_of(snapshot, &heard);
    let rules = stages.policies.rules.iter().enumerate();
    let rules = rules.map(|(place, rule)| {
        let claim = claim_of(rule, stages.policies, &evidence);
        let exception = match claim {
            Some(Claim::Spared(place) | Claim::SparedByUnknown(place)) => stages.policies.exceptions.get(place),
            _ => None,
        };
        let asked = if claim == Some(Claim::Fired(Strength::Hearsay)) { &heard } else { &evidence };
        let grounds = if claim.is_some() { rule.when.grounds(asked) } else { Vec::new() };
        let decided_by = places::deciding(&grounds, &places);
        places::mark(&mut places, &decided_by, rule.id.as_str());
        Explained {
            rule: rule.id.to_string(),
            title: rule.title.clone(),
            mode: rule.mode.min(stages.mode).word(),
            claim: claim_word(rule, claim),
            strength: match claim {
                Some(Claim::Fired(strength)) => Some(strength),
                _ => None,
            },
            decided_by,
            spared_by: exception.map(|exception| format!("{}: {}", exception.id, exception.reason)),
            held: held(stages, session, place),
            lines: rule.when.trace(asked),
        }
    });
    let rules = rules.collect();
    let row = evidence.session;
    Some(Explanation {
        session,
        user: row.user.map(|user| user.to_string()),
        person: row.user.map_or(Foreign::new("nobody"), |user| person_of(snapshot, user)),
        stratum: evidence.person.map_or("no record, counted among end-users", |_| evidence.stratum().word()),
        opened: row.authenticated_at.map(|at| at.to_string()),
        last_seen: row.last_seen_at.map(|at| at.to_string()),
        places,
        missing: evidence.spots().missing,
        rules,
    })
}

fn claim_word(rule: &Rule, claim: Option<Claim>) -> &'static str {
    match claim {
        None if rule.mode == crate::model::Mode::Off => "off",
        None => "no",
        Some(Claim::Fired(_)) => "fires",
        Some(Claim::Spared(_)) => "spared",
        Some(Claim::SparedByUnknown(_)) => "spared, since an exception cannot tell",
        Some(Claim::Undecided(_)) => "undecided",
    }
}

fn held(stages: Stages<'_>, session: SessionId, rule: usize) -> Option<Held> {
    let place = stages.plan.intentions.iter().position(|intention| intention.session == session)?;
    let claim = stages.plan.intentions.get(place)?.claims.iter().position(|claim| claim.rule == rule)?;
    *stages.guarded.held.get(place)?.get(claim)?
}

impl Explanation {
    /// Whose session it is and where it was, and the rules that fire, without what each condition was told.
    pub fn brief(&self) -> String {
        let fires = self.rules.iter().filter(|rule| rule.claim == "fires").map(Explained::head);
        self.session_text() + &fires.collect::<String>()
    }

    fn session_text(&self) -> String {
        let mut page = format!("session {} of {} ({})\n", self.session, self.person, self.stratum);
        let known = |at: &Option<String>| at.clone().unwrap_or_else(|| "unknown".to_owned());
        page += &format!("opened {}, last seen {}\n", known(&self.opened), known(&self.last_seen));
        page + &places::text(&self.places, self.missing)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut page = self.session_text();
        for rule in &self.rules {
            page += &rule.head();
            for line in &rule.lines {
                page += &line_text(line);
            }
            if let Some(exception) = &rule.spared_by {
                page += &format!("  exception {exception}\n");
            }
            if let Some(held) = rule.held {
                page += &format!("  withheld by {}: {}\n", held.belt.word(), held.belt.text());
            } else if rule.claim == "fires" {
                page += "  clear of every belt\n";
            }
        }
        page
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|rule| {
                json!({
                    "rule": rule.rule,
                    "title": rule.title,
                    "mode": rule.mode,
                    "claim": rule.claim,
                    "strength": rule.strength.map(Strength::word),
                    "decided_by": rule.decided_by,
                    "exception": rule.spared_by,
                    "belt": rule.held.map(|held| held.belt.word()),
                    "limit": rule.held.and_then(|held| held.limit),
                    "count": rule.held.and_then(|held| held.count),
                    "lines": rule.lines.iter().map(line_json).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({
            "schema": 1,
            "session_id": self.session.to_string(),
            "user_id": self.user,
            "person": self.person.to_string(),
            "stratum": self.stratum,
            "opened": self.opened,
            "last_seen": self.last_seen,
            "places": (1..).zip(&self.places).map(|(number, place)| place.json(number)).collect::<Vec<_>>(),
            "places_missing": self.missing.iter().map(Cause::word).collect::<Vec<_>>(),
            "rules": rules,
        })
    }
}

impl Explained {
    /// What the rule says, how surely, and where it was told so.
    fn head(&self) -> String {
        let title = Foreign::new(self.title.as_str());
        let unsure = self.strength.filter(|strength| *strength != Strength::Exact);
        let unsure = unsure.map(|strength| format!(" ({}: {})", strength.word(), strength.text())).unwrap_or_default();
        let mut head = format!("\n{} [{}] {title}: {}{unsure}\n", self.rule, self.mode, self.claim);
        if !self.decided_by.is_empty() {
            let numbers: Vec<String> = self.decided_by.iter().map(ToString::to_string).collect();
            let places = if numbers.len() == 1 { "place" } else { "places" };
            head += &format!("  decided at {places} {}\n", numbers.join(" and "));
        }
        head
    }
}

fn line_text(line: &TraceLine) -> String {
    let mut text = format!("  {}{:<9} {}", "  ".repeat(line.depth), answer_word(line.answer), line.text);
    let told = match &line.told {
        Some(told) => {
            write!(text, ": {} ({}, {} as of {})", told.value, told.strength.word(), told.source.word(), told.as_of)
        }
        None => Ok(()),
    };
    let told = told.and_then(|()| match line.answer {
        Answer::Unknown(causes) => {
            let why: Vec<&str> = causes.iter().map(Cause::text).collect();
            write!(text, ": {}", why.join("; "))
        }
        _ => Ok(()),
    });
    // Writing to a string cannot fail.
    told.map_or_else(|_| String::new(), |()| text + "\n")
}

fn line_json(line: &TraceLine) -> Value {
    let causes: Vec<&str> = match line.answer {
        Answer::Unknown(causes) => causes.iter().map(Cause::word).collect(),
        _ => Vec::new(),
    };
    json!({
        "depth": line.depth,
        "asks": line.text,
        "answer": answer_word(line.answer),
        "causes": causes,
        "value": line.told.as_ref().map(|told| told.value.clone()),
        "source": line.told.as_ref().map(|told| told.source.word()),
        "as_of": line.told.as_ref().map(|told| told.as_of.to_string()),
        "strength": line.told.as_ref().map(|told| told.strength.word()),
    })
}

fn answer_word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes(_) => "yes",
        Answer::No(_) => "no",
        Answer::Unknown(_) => "unknown",
    }
}
