//! What is about to be ended, and why, as it was read back.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Told, databases_used, facts_used};
use crate::evidence::Evidence;
use crate::facts::{Controller, find};
use crate::guard::ClearedSession;
use crate::model::{Action, Database, Stratum, UserId};
use crate::plan::grounds_in;
use crate::policy::PolicySet;
use crate::record::{ClaimKey, FactUsed, RevocationIntended};
use crate::report::full_name;

/// One session as it was read back right before the act.
#[derive(Debug, Clone)]
pub struct ReadBack<'a> {
    /// What was cleared and still stands.
    pub cleared: ClearedSession,
    /// Its evidence, renewed.
    pub evidence: Evidence<'a>,
}

/// What is about to be ended.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The person.
    pub user: UserId,
    /// The person's stratum.
    pub stratum: Stratum,
    /// What is asked of Zendesk.
    pub action: Action,
    /// The sessions that end by it.
    pub sessions: &'a [String],
}

/// What a judgement was made with.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The policies.
    pub policies: &'a PolicySet,
    /// evictd's version.
    pub engine: &'a str,
    /// The place databases that were asked.
    pub databases: &'a [Database],
}

/// The intent: what is about to be ended, and why, as read back.
pub fn intended(target: Target<'_>, read_back: &[ReadBack<'_>], means: Means<'_>) -> Told {
    let Means { policies, engine, databases } = means;
    let mut rules = Vec::new();
    let mut core = BTreeSet::new();
    let mut facts = Vec::new();
    let mut reasons = Map::new();
    let mut person = String::new();
    let mut at = None;
    for one in read_back {
        at = at.max(Some(one.evidence.now));
        if let Ok(record) = one.evidence.person {
            full_name(record).raw().clone_into(&mut person);
        }
        let of_core = one.cleared.core.iter().filter_map(|place| policies.rules.get(*place));
        core.extend(of_core.map(|rule| rule.id.to_string()));
        for rule in one.cleared.claims.iter().filter_map(|claim| policies.rules.get(claim.rule)) {
            let key = ClaimKey { rule: rule.id.to_string(), session: one.cleared.session.to_string() };
            facts.extend(facts_used(&grounds_in(&one.evidence, rule), &key, &mut reasons));
            if !rules.contains(&key.rule) {
                rules.push(key.rule);
            }
        }
    }
    let entry = RevocationIntended {
        action: target.action.word().to_owned(),
        sessions: target.sessions.to_vec(),
        user: target.user.to_string(),
        stratum: target.stratum.word().to_owned(),
        rules,
        read_back: at.map(|at| at.to_string()).unwrap_or_default(),
        policy: policies.digest.clone(),
        core: core.into_iter().collect(),
        engine: engine.to_owned(),
        databases: if facts.iter().any(is_of_place) { databases_used(databases) } else { Vec::new() },
        facts,
        by: "policy".to_owned(),
    };
    let people: Map<String, Value> = [(target.user.to_string(), person.into())].into_iter().collect();
    Told { entry: entry.into(), personal: Some(json!({ "people": people, "reasons": reasons })) }
}

/// Whether the fact is one that a place database may have supplied.
fn is_of_place(used: &FactUsed) -> bool {
    find(&used.fact).is_some_and(|fact| fact.controlled_by == Controller::Network)
}
