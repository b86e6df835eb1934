//! What the trail says of holds: who comes under one, why, and that its time is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::Told;
use crate::evidence::Evidence;
use crate::guard::Holding;
use crate::model::{Foreign, HOLD_LASTS, Hold, HoldState, RuleId, Stratum, UserId};
use crate::record::{HoldExpired, HoldGrew, HoldOpened, sha256_hex};
use crate::report::{Stages, person_of};

/// A session is young for this long.
const YOUNG: SignedDuration = SignedDuration::from_hours(1);

/// What is new about holds in this cycle.
pub(super) fn tell(stages: Stages<'_>) -> Vec<Told> {
    let snapshot = stages.dossier.snapshot();
    if !snapshot.clocks.trusted {
        return Vec::new();
    }
    let over = snapshot.history.holds.iter().filter(|hold| !hold.lasts(snapshot.now));
    let over = over.filter(|hold| hold.state != HoldState::Released);
    let mut told: Vec<Told> = over.map(expired).collect();
    told.extend(stages.guarded.holdings.iter().filter_map(|holding| under(holding, stages)));
    told
}

fn expired(hold: &Hold) -> Told {
    let record = HoldExpired { hold: hold.id.to_string(), rule: hold.rule.to_string(), people: hold.people.len() };
    Told { entry: record.into(), personal: None }
}

fn under(holding: &Holding, stages: Stages<'_>) -> Option<Told> {
    let rule = stages.policies.rules.get(holding.rule)?;
    let snapshot = stages.dossier.snapshot();
    let open = snapshot.history.holds.iter().find(|hold| Some(hold.id) == holding.hold);
    let belt = holding.held.belt.word();
    let everybody: BTreeSet<UserId> =
        open.iter().flat_map(|hold| hold.people.keys()).chain(holding.people.keys()).copied().collect();
    let digest = digest_of(&rule.id, belt, &everybody);
    let sessions = sessions_of(holding, stages);
    let names = holding.people.keys().map(|user| (user.to_string(), person_of(snapshot, *user).raw().into()));
    let people: Map<String, Value> = names.collect();
    let personal = json!({ "people": people, "common": common(&sessions, holding.people.len()) });
    let entry = match holding.hold {
        Some(hold) => HoldGrew { hold: hold.to_string(), people: told(&holding.people), digest }.into(),
        None => HoldOpened {
            rule: rule.id.to_string(),
            severity: rule.severity.word().to_owned(),
            belt: belt.to_owned(),
            limit: holding.held.limit,
            count: holding.held.count,
            mode: holding.mode.word().to_owned(),
            opened_at: snapshot.now.to_string(),
            expires_at: snapshot.now.checked_add(HOLD_LASTS).unwrap_or(snapshot.now).to_string(),
            people: told(&holding.people),
            digest,
            sessions: sessions.len(),
            young: sessions.iter().filter(|evidence| is_young(evidence)).count(),
            changed: holding.changed.iter().map(|input| input.word().to_owned()).collect(),
        }
        .into(),
    };
    Some(Told { entry, personal: Some(personal) })
}

/// What a human names who lets a hold go: over the rule, the belt and everybody under it.
pub fn digest_of(rule: &RuleId, belt: &str, people: &BTreeSet<UserId>) -> String {
    let people: Vec<String> = people.iter().map(ToString::to_string).collect();
    sha256_hex(format!("{rule}\n{belt}\n{}", people.join(" ")).as_bytes())
}

fn told(people: &BTreeMap<UserId, Stratum>) -> BTreeMap<String, String> {
    people.iter().map(|(user, stratum)| (user.to_string(), stratum.word().to_owned())).collect()
}

/// The sessions of these people that the rule claims.
fn sessions_of<'s>(holding: &Holding, stages: Stages<'s>) -> Vec<Evidence<'s>> {
    let intentions = stages.plan.intentions.iter().filter(|one| holding.people.contains_key(&one.user));
    let claimed = intentions.filter(|one| one.claims.iter().any(|claim| claim.rule == holding.rule));
    claimed.filter_map(|one| stages.dossier.get(one.place)).collect()
}

fn is_young(evidence: &Evidence<'_>) -> bool {
    let opened = evidence.session.authenticated_at.map(crate::model::Moment::at);
    evidence.elapsed(opened, evidence.now).is_ok_and(|age| age <= YOUNG)
}

/// The network and the program that most of them have in common.
fn common(sessions: &[Evidence<'_>], people: usize) -> Value {
    let mut networks: BTreeMap<String, BTreeSet<UserId>> = BTreeMap::new();
    let mut clients: BTreeMap<String, BTreeSet<UserId>> = BTreeMap::new();
    for evidence in sessions {
        let Some(user) = evidence.session.user else { continue };
        for spot in (0..evidence.spots().known).filter_map(|number| evidence.spot(number)) {
            if let Ok(network) = spot.network {
                networks.entry(network.prefix().to_string()).or_default().insert(user);
            }
            if let Ok(agent) = spot.agent {
                clients.entry(agent.text.to_string()).or_default().insert(user);
            }
        }
    }
    json!({ "network": most(&networks, people), "client": most(&clients, people) })
}

fn most(of: &BTreeMap<String, BTreeSet<UserId>>, people: usize) -> Value {
    let most = of.iter().max_by_key(|(_, users)| users.len());
    most.map_or(
        Value::Null,
        |(what, users)| json!({ "what": Foreign::new(what.as_str()).to_string(), "people": users.len(), "of": people }),
    )
}
