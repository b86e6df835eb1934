//! Why a person was signed out, in one paragraph that a service desk can read out: no ids, no addresses, no names of facts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::{Foreign, Outcome, SessionId, UserId};
use crate::policy::{PolicySet, Rule};
use crate::report::{Report, counted};

/// The rule of a self-test, which no policy has.
const SELFTEST: &str = "selftest";

/// One end of sessions, as the trail tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// When, on Zendesk's clock.
    pub at: Timestamp,
    /// The rules that asked for it.
    pub rules: Vec<String>,
    /// Names of the facts it rested on.
    pub facts: Vec<String>,
    /// How many sessions.
    pub sessions: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether a human commanded it.
    pub by_human: bool,
}

/// What there is to say of a person.
#[derive(Debug, Clone)]
pub struct Why<'a> {
    /// The person as they are shown.
    pub person: Foreign,
    /// From when on was looked.
    pub since: Timestamp,
    /// What was ended, oldest first.
    pub losses: Vec<Loss>,
    /// The rules as they are in force now.
    pub policies: &'a PolicySet,
    /// When the last cycle looked; none if there is no snapshot of one.
    pub looked_at: Option<Timestamp>,
    /// Rules that would end a session of the person again, as of then.
    pub again: BTreeSet<String>,
    /// Rules of which a belt, a hold or an exception of somebody's holds the person's sessions back, as of then.
    pub held: BTreeSet<String>,
}

/// What a dry report says of a person: the rules that would end a session, and those that are held back.
///
/// Sessions that are gone since are left out.
pub fn would_end(
    report: &Report,
    user: UserId,
    is_gone: impl Fn(SessionId) -> bool,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let enforcing = report.revoke.iter().filter(|row| row.user == user && row.mode == crate::model::Mode::Enforce);
    let enforcing = enforcing.filter(|row| !is_gone(row.session));
    let held = report.withheld.iter().filter(|row| row.user == user && !is_gone(row.session));
    (
        enforcing.flat_map(|row| &row.rules).map(ToString::to_string).collect(),
        held.map(|row| row.rule.to_string()).collect(),
    )
}

/// What a fact is about, for somebody who does not know policies.
fn plainly(fact: &str) -> &'static str {
    let is_of = |words: &[&str]| fact.rsplit('.').next().is_some_and(|last| words.contains(&last));
    match fact {
        "user.suspended" => "the account is suspended in Zendesk",
        "user.deleted" => "the account is deleted in Zendesk",
        "user.downgraded" => "the person is no agent any more",
        "user.listed" | "user.offboarded" | "user.offboarded-for" => "the person is on a list of people who have left",
        "session.age" => "how long ago the session was opened",
        "session.idle" => "how long the session was not used",
        "session.changed" => "the session was used from another place with another program",
        _ if is_of(&["country", "continent"]) => "the country it was used from",
        _ if is_of(&["address", "asn", "organization", "class"]) => "the network it was used from",
        _ if is_of(&["user-agent", "family", "version", "os", "kind"]) => "the program it was used with",
        _ if fact.starts_with("sign-in.") => "how it was signed in",
        _ if fact.starts_with("session.") => "the person's sessions",
        _ if fact.starts_with("user.") => "what the account is in Zendesk",
        _ => "what Zendesk tells of the session",
    }
}

impl Why<'_> {
    fn rule(&self, id: &str) -> Option<&Rule> {
        self.policies.rules.iter().find(|rule| rule.id.as_str() == id)
    }

    fn ended(&self) -> impl Iterator<Item = &Loss> {
        self.losses.iter().filter(|loss| loss.outcome == Outcome::Revoked)
    }

    /// The paragraph.
    pub fn text(&self) -> String {
        let mut said = Vec::new();
        let person = &self.person;
        let unclear = self.losses.iter().filter(|loss| loss.outcome == Outcome::Unclear).count();
        if self.ended().next().is_none() {
            said.push(format!("evictd ended no session of {person} since {:.0}.", self.since));
        }
        for loss in self.ended() {
            let what = match loss.sessions {
                0 => "all sessions".to_owned(),
                number => counted(number, "session", "sessions"),
            };
            said.push(format!("evictd ended {what} of {person} at {:.0}.", loss.at));
            if loss.by_human {
                said.push("Somebody of those who run evictd commanded it, and not a rule: ask them.".to_owned());
            }
            said.extend(loss.rules.iter().map(|id| self.of_rule(id)));
            let grounds: BTreeSet<&str> = loss.facts.iter().map(|fact| plainly(fact)).collect();
            if !grounds.is_empty() {
                let grounds: Vec<&str> = grounds.into_iter().collect();
                said.push(format!("It rested on this: {}.", grounds.join("; ")));
            }
        }
        if unclear > 0 {
            said.push("Of a request to end a session nobody knows yet what became of it.".to_owned());
        }
        said.push(self.now());
        said.extend(self.asked());
        said.join(" ") + "\n"
    }

    fn of_rule(&self, id: &str) -> String {
        let Some(rule) = self.rule(id) else {
            if id == SELFTEST {
                return "It was a test that evictd works, which somebody of those who run it commanded.".to_owned();
            }
            return "The rule that asked for it is not in force any more.".to_owned();
        };
        let title = Foreign::new(rule.title.as_str());
        let message = rule.message.as_ref().map(|message| format!(" {}", Foreign::new(message.as_str())));
        format!("The rule is \u{201c}{title}\u{201d}.{}", message.unwrap_or_default())
    }

    fn now(&self) -> String {
        let Some(at) = self.looked_at else {
            return "Whether it would happen again is not known: nothing was kept of the last look.".to_owned();
        };
        if !self.again.is_empty() {
            return format!("As of {at:.0} it would happen again: a session of the person is one that a rule ends.");
        }
        if !self.held.is_empty() {
            return format!("As of {at:.0} a rule would end a session of the person, and it is held back for now.");
        }
        format!("As of {at:.0} no rule would end a session of the person.")
    }

    fn asked(&self) -> Option<String> {
        let rules = self.ended().flat_map(|loss| &loss.rules).chain(&self.again).chain(&self.held);
        let rules: BTreeSet<&String> = rules.collect();
        let owners = rules.iter().filter_map(|id| self.rule(id)?.owner.as_deref());
        let owners: BTreeSet<String> = owners.map(|owner| Foreign::new(owner).to_string()).collect();
        let has_rules = !rules.is_empty();
        let owners: Vec<String> = owners.into_iter().collect();
        match owners.is_empty() {
            false => Some(format!("Whom to ask: {}.", owners.join(", "))),
            true if has_rules => Some("Nobody is named as the owner of the rule.".to_owned()),
            true => None,
        }
    }

    /// The same as one versioned document; rules go by their ids here.
    pub fn json(&self) -> Value {
        let loss = |loss: &Loss| {
            let rules = loss.rules.iter().map(|id| {
                let rule = self.rule(id);
                json!({
                    "rule": id,
                    "title": rule.map(|rule| rule.title.as_str()),
                    "message": rule.and_then(|rule| rule.message.as_deref()),
                    "owner": rule.and_then(|rule| rule.owner.as_deref()),
                })
            });
            let grounds: BTreeSet<&str> = loss.facts.iter().map(|fact| plainly(fact)).collect();
            json!({
                "at": loss.at.to_string(),
                "sessions": loss.sessions,
                "outcome": loss.outcome.word(),
                "by_human": loss.by_human,
                "rules": rules.collect::<Vec<_>>(),
                "rested_on": grounds,
            })
        };
        json!({
            "schema": 1,
            "person": self.person.to_string(),
            "since": self.since.to_string(),
            "ended": self.losses.iter().map(loss).collect::<Vec<_>>(),
            "looked_at": self.looked_at.map(|at| at.to_string()),
            "would_end_again": self.looked_at.map(|_| &self.again),
            "held_back": self.looked_at.map(|_| &self.held),
            "text": self.text().trim_end(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Findings, Source};
    use crate::policy;

    const RULE: &str = "schema = 1\n[[rule]]\nid = \"far\"\ntitle = \"Far away\"\naction = \"revoke-session\"\n\
                        owner = \"soc@example.com\"\nmessage = \"Sign in from the office.\"\n\
                        when.session.age.over = \"1h\"\n";

    fn check(losses: Vec<Loss>, again: &[&str], wanted: &[&str], unwanted: &[&str]) {
        let policies = policy::read(&[Source::new("p", RULE)], None, &mut Findings::default()).unwrap();
        let looked_at = Some("2026-11-23T10:00:00Z".parse().unwrap());
        let why = Why {
            person: Foreign::new("Eve <eve@example.com>"),
            since: "2026-11-23T08:00:00Z".parse().unwrap(),
            losses,
            policies: &policies,
            looked_at,
            again: again.iter().map(ToString::to_string).collect(),
            held: BTreeSet::new(),
        };
        let text = why.text();
        for part in wanted {
            assert!(text.contains(part), "{part}: {text}");
        }
        for part in unwanted {
            assert!(!text.contains(part), "{part}: {text}");
        }
        assert_eq!(why.json()["text"], text.trim_end());
    }

    fn loss(rule: &str, outcome: Outcome) -> Loss {
        let facts = ["sign-in.country", "session.age", "network.class", "sign-in.address"].map(str::to_owned);
        let at = "2026-11-23T09:00:00Z".parse().unwrap();
        Loss { at, rules: vec![rule.into()], facts: facts.into(), sessions: 2, outcome, by_human: false }
    }

    #[test]
    fn a_loss_is_told_without_ids_and_names_of_facts() {
        let ended = vec![loss("far", Outcome::Revoked)];
        let wanted = [
            "ended 2 sessions",
            "09:00:00",
            "\u{201c}Far away\u{201d}. Sign in from the office.",
            "the country it was",
        ];
        let after = ["would happen again", "Whom to ask: soc@example.com."];
        check(
            ended.clone(),
            &["far"],
            &[&wanted[..], &after[..]].concat(),
            &["sign-in.", "session.age", "network.class", "far\u{201d}"],
        );
        check(ended, &[], &["no rule would end"], &["happen again"]);
    }

    #[test]
    fn nothing_found_is_said_and_unclear_is_no_end() {
        check(vec![], &[], &["ended no session of Eve", "no rule would end"], &["Whom", "Nobody"]);
        check(vec![loss("far", Outcome::Unclear)], &[], &["ended no session", "nobody knows yet"], &["ended 2"]);
        let by_human = Loss { by_human: true, rules: Vec::new(), sessions: 0, ..loss("far", Outcome::Revoked) };
        check(vec![by_human], &[], &["ended all sessions of Eve", "commanded it, and not a rule"], &["ended 0"]);
        check(vec![loss("selftest", Outcome::Revoked)], &[], &["It was a test"], &["not in force"]);
        check(vec![loss("gone", Outcome::Revoked)], &[], &["not in force any more", "Nobody is named"], &[]);
    }
}
