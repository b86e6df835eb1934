//! What the trail says of a cycle: claims as they begin, change and end, intentions, and the closing count.
//!
//! Pure: it makes the records; `trail` writes them. What names a person goes into the personal part.

mod alarms;
mod habits;
mod holds;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::address::{ListNow, ListSource};
use crate::evidence::Evidence;
use crate::facts::{Controller, find};
use crate::guard::ClearedSession;
use crate::model::{Action, Database, ListStanding, RuleId, Stratum, UserId, Watched};
use crate::plan::{grounds_in, grounds_of};
use crate::policy::{Exception, Ground, PolicySet};
use crate::record::{
    BeltUsed, ClaimBegan, ClaimChanged, ClaimEnded, ClaimKey, CycleFinished, DatabaseUsed, Entry, ExceptionExpired,
    FactUsed, HeldBy, ListUsed, LookupsChanged, OffboardingChanged, RevocationIntended, RuleCount, StandingClaim,
    UndecidedCount, reason_key,
};
use crate::report::{Report, Stages, full_name, person_of};
use alarms::Alarms;

pub use habits::habits;
pub use holds::digest_of;

/// Claims in one record; more make a line that nobody can read.
const CLAIMS_PER_RECORD_MAX: usize = 100;

/// A record to be written, with its personal part.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The record.
    pub entry: Entry,
    /// What names people; kept in the sidecar.
    pub personal: Option<Value>,
}

/// Remembers which claims the trail knows to stand, so that each cycle tells only what is new.
///
/// It begins empty with every process: readers forget standing claims at `daemon.started`.
#[derive(Debug, Default)]
pub struct Chronicle {
    standing: BTreeMap<ClaimKey, StandingClaim>,
    last_cycle: Option<Timestamp>,
    /// What lists and databases said when it was last told.
    lookups: Option<LookupsChanged>,
    /// What was last told of sources and of evidence.
    alarms: Alarms,
    /// Since when each of them stands.
    begun: BTreeMap<ClaimKey, Begun>,
}

/// Since when a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// The *now* of the first cycle of this process that told it.
    pub claimed: Timestamp,
    /// When logs were asked before that; none if this process had not asked.
    pub untold: Option<Timestamp>,
}

/// When logs were asked before a cycle, on Zendesk's clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The last time.
    pub before: Option<Timestamp>,
    /// Of people who were named since and waited for their turn: the time before they were named.
    pub named: BTreeMap<UserId, Timestamp>,
}

impl Asked {
    fn before(&self, user: UserId) -> Option<Timestamp> {
        self.named.get(&user).copied().or(self.before)
    }
}

impl Chronicle {
    /// Begins a process's chronicle; the trail's last cycle was then, on Zendesk's clock.
    pub fn since(last_cycle: Option<Timestamp>) -> Self {
        Self { last_cycle, ..Self::default() }
    }

    /// Since when a claim stands that was told.
    pub fn begun(&self, claim: &ClaimKey) -> Option<Begun> {
        self.begun.get(claim).copied()
    }

    /// The same where the trail tells that this evidence has fallen: it is not told twice.
    #[must_use]
    pub fn knowing(self, fallen: BTreeSet<Watched>) -> Self {
        Self { alarms: Alarms { fallen, ..self.alarms }, ..self }
    }

    /// What is new in this cycle: exceptions that have expired, and claims.
    pub fn tell(&mut self, stages: Stages<'_>, asked: &Asked) -> Vec<Told> {
        let snapshot = stages.dossier.snapshot();
        let mut told = Vec::new();
        if snapshot.clocks.trusted {
            told = expired(stages.policies, self.last_cycle, snapshot.now);
            self.last_cycle = Some(snapshot.now);
        }
        told.extend(
            snapshot
                .lists
                .iter()
                .filter(|(_, list)| list.change.is_some())
                .map(|(name, list)| Told { entry: offboarding(name, list).into(), personal: None }),
        );
        told.extend(self.tell_lookups(stages));
        told.extend(self.alarms.of_sources(&snapshot.sources));
        told.extend(self.alarms.of_evidence(stages));
        told.extend(self.tell_claims(stages, asked));
        told.extend(holds::tell(stages));
        told
    }

    /// What lists in files and place databases say, if that was not told yet. Where there are none there is nothing to tell.
    fn tell_lookups(&mut self, stages: Stages<'_>) -> Option<Told> {
        let lists = stages.dossier.lists().iter().zip(&stages.policies.lists);
        let in_files = lists.filter(|(_, decl)| matches!(decl.from, ListSource::File(_)));
        let now = LookupsChanged {
            databases: databases_used(&stages.dossier.snapshot().databases),
            lists: in_files.map(|(list, _)| list_used(list)).collect(),
        };
        let nothing = now.databases.is_empty() && now.lists.is_empty();
        if self.lookups.as_ref() == Some(&now) || nothing && self.lookups.is_none() {
            return None;
        }
        self.lookups = Some(now.clone());
        Some(Told { entry: now.into(), personal: None })
    }

    fn tell_claims(&mut self, stages: Stages<'_>, asked: &Asked) -> Vec<Told> {
        let mut began = Vec::new();
        let mut changed = Vec::new();
        let mut now = BTreeMap::new();
        for (claim, personal) in standing_claims(stages) {
            let untold = || claim.user.parse().ok().and_then(|user| asked.before(user));
            let claimed = stages.dossier.snapshot().now;
            self.begun.entry(claim.key.clone()).or_insert_with(|| Begun { claimed, untold: untold() });
            match self.standing.get(&claim.key) {
                None => began.push((claim.clone(), personal)),
                Some(before) if !stands_alike(before, &claim) => changed.push((claim.clone(), personal)),
                Some(_) => {}
            }
            now.insert(claim.key.clone(), claim);
        }
        // Of whom a look did not look at, nothing is new.
        let looked = stages.dossier.snapshot().looked.as_ref();
        let looked: Option<BTreeSet<String>> = looked.map(|users| users.iter().map(ToString::to_string).collect());
        let is_looked_at = |claim: &StandingClaim| looked.as_ref().is_none_or(|looked| looked.contains(&claim.user));
        let before = std::mem::take(&mut self.standing);
        let (of_others, gone): (Vec<_>, Vec<_>) =
            before.into_iter().filter(|(key, _)| !now.contains_key(key)).partition(|(_, claim)| !is_looked_at(claim));
        let ended: Vec<ClaimKey> = gone.into_iter().map(|(key, _)| key).collect();
        now.extend(of_others);
        self.begun.retain(|key, _| now.contains_key(key));
        self.standing = now;
        let mut told = in_records(&began, |claims| ClaimBegan { claims }.into());
        told.extend(in_records(&changed, |claims| ClaimChanged { claims }.into()));
        told.extend(
            ended
                .chunks(CLAIMS_PER_RECORD_MAX)
                .map(|claims| Told { entry: ClaimEnded { claims: claims.to_vec() }.into(), personal: None }),
        );
        told
    }
}

/// How a list stands, as records tell it: rows are counted, never named.
fn offboarding(name: &str, list: &ListStanding) -> OffboardingChanged {
    let change = list.change.unwrap_or_default();
    OffboardingChanged {
        list: name.to_owned(),
        digest: list.digest.clone(),
        rows: list.rows,
        pending: list.pending,
        added: change.added,
        removed: change.removed,
        unknown: list.unknown.as_ref().map(|trouble| trouble.why.clone()),
        accepted_by: list.accepted_by.clone(),
    }
}

/// Exceptions whose last day has passed since the last cycle.
fn expired(policies: &PolicySet, last_cycle: Option<Timestamp>, now: Timestamp) -> Vec<Told> {
    let is_new = |exception: &&Exception| {
        !exception.is_in_force(now) && last_cycle.is_none_or(|before| exception.is_in_force(before))
    };
    let told = |exception: &Exception| {
        let record = ExceptionExpired { exception: exception.id.to_string(), expires: exception.expires.to_string() };
        Told { entry: record.into(), personal: None }
    };
    policies.exceptions.iter().filter(is_new).map(told).collect()
}

/// What names people in one claim.
#[derive(Debug, Default)]
struct Personal {
    user: String,
    person: String,
    reasons: Map<String, Value>,
}

fn standing_claims(stages: Stages<'_>) -> Vec<(StandingClaim, Personal)> {
    let mut claims = Vec::new();
    for (intention, held) in stages.plan.intentions.iter().zip(&stages.guarded.held) {
        for (claim, held) in intention.claims.iter().zip(held) {
            let Some(rule) = stages.policies.rules.get(claim.rule) else { continue };
            let key = ClaimKey { rule: rule.id.to_string(), session: intention.session.to_string() };
            let grounds = grounds_of(stages.dossier, stages.policies, intention.place, claim.rule);
            let mut personal = Personal {
                user: intention.user.to_string(),
                person: person_of(stages.dossier.snapshot(), intention.user).raw().to_owned(),
                reasons: Map::new(),
            };
            let facts = facts_used(&grounds, &key, &mut personal.reasons);
            let belt =
                held.map(|held| HeldBy { belt: held.belt.word().to_owned(), limit: held.limit, count: held.count });
            let standing = StandingClaim {
                key,
                user: intention.user.to_string(),
                stratum: intention.stratum.word().to_owned(),
                mode: claim.mode.word().to_owned(),
                action: claim.action.word().to_owned(),
                severity: rule.severity.word().to_owned(),
                belt,
                facts,
            };
            claims.push((standing, personal));
        }
    }
    claims
}

/// Ages grow every cycle; that alone is no news.
fn stands_alike(before: &StandingClaim, now: &StandingClaim) -> bool {
    let shape = |claim: &StandingClaim| StandingClaim { facts: Vec::new(), ..claim.clone() };
    shape(before) == shape(now)
}

fn in_records(claims: &[(StandingClaim, Personal)], entry: impl Fn(Vec<StandingClaim>) -> Entry) -> Vec<Told> {
    claims
        .chunks(CLAIMS_PER_RECORD_MAX)
        .map(|chunk| {
            let mut people = Map::new();
            let mut reasons = Map::new();
            for (_, personal) in chunk {
                people.insert(personal.user.clone(), personal.person.clone().into());
                reasons.extend(personal.reasons.clone());
            }
            Told {
                entry: entry(chunk.iter().map(|(claim, _)| claim.clone()).collect()),
                personal: Some(json!({ "people": people, "reasons": reasons })),
            }
        })
        .collect()
}

fn facts_used(grounds: &[Ground], key: &ClaimKey, personal: &mut Map<String, Value>) -> Vec<FactUsed> {
    grounds
        .iter()
        .enumerate()
        .map(|(number, ground)| {
            if ground.fact.personal {
                personal.insert(reason_key(key, number), ground.reason.clone().into());
            }
            FactUsed {
                fact: ground.fact.name.to_owned(),
                source: ground.source.word().to_owned(),
                as_of: ground.as_of.to_string(),
                strength: ground.strength.word().to_owned(),
                reason: (!ground.fact.personal).then(|| ground.reason.clone()),
            }
        })
        .collect()
}

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

fn databases_used(databases: &[Database]) -> Vec<DatabaseUsed> {
    let used = |one: &Database| DatabaseUsed {
        name: one.name.clone(),
        kind: one.kind.clone(),
        built: one.built.to_string(),
        digest: one.digest.clone(),
    };
    databases.iter().map(used).collect()
}

fn list_used(list: &ListNow) -> ListUsed {
    ListUsed {
        list: list.name.to_string(),
        digest: list.file.as_ref().map(|file| file.digest.clone()),
        entries: list.file.as_ref().map_or(0, |file| file.entries),
        as_of: list.file.as_ref().map(|file| file.as_of.to_string()),
        unknown: list.unknown.map(|cause| cause.word().to_owned()),
    }
}

/// What a cycle cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Requests to Zendesk.
    pub calls: u64,
    /// Sweeps that the schedule wanted since the last cycle and that found no time.
    pub missed: u64,
}

/// The closing count of a cycle.
pub fn finished(report: &Report, stages: Stages<'_>, effort: Effort) -> CycleFinished {
    let snapshot = stages.dossier.snapshot();
    let basis = |rule: &RuleId| {
        let rules = stages.policies.rules.iter().zip(&stages.guarded.bases);
        rules.filter(|(one, _)| one.id == *rule).map(|(_, basis)| basis.to_string()).next().unwrap_or_default()
    };
    let clocks = snapshot.clocks;
    CycleFinished {
        now: report.now.clone(),
        mode: report.mode.word().to_owned(),
        policy: report.policy.clone(),
        signed: stages.policies.signed.as_ref().map(|signed| signed.set.clone()),
        complete: report.complete,
        looked: snapshot.looked.as_ref().map(|users| users.iter().map(ToString::to_string).collect()),
        sessions_seen: report.sessions_seen,
        people_seen: report.people_seen.iter().map(|(stratum, count)| (stratum.word().to_owned(), *count)).collect(),
        clock_offset_ms: clocks.host_offset.as_millis().to_string(),
        clock_trusted: clocks.trusted,
        calls: effort.calls,
        missed: effort.missed,
        databases: databases_used(&snapshot.databases),
        offboarding: snapshot.lists.iter().map(|(name, list)| offboarding(name, list)).collect(),
        scope: report.scope.word().to_owned(),
        rules: report
            .rules
            .iter()
            .map(|row| RuleCount {
                rule: row.rule.to_string(),
                title: row.title.clone(),
                mode: row.mode.word().to_owned(),
                severity: row.severity.word().to_owned(),
                fired: row.fired,
                spared: row.spared,
                spared_by_unknown: row.spared_by_unknown,
                clear: row.clear,
                withheld: row.withheld,
                undecided: row.undecided,
                basis: basis(&row.rule),
            })
            .collect(),
        belts: report.belts.iter().map(BeltUsed::from).collect(),
        undecided: report
            .undecided
            .iter()
            .map(|row| UndecidedCount {
                rule: row.rule.to_string(),
                cause: row.cause.word().to_owned(),
                sessions: row.sessions,
                people: row.people,
            })
            .collect(),
        warnings: report.warnings.clone(),
    }
}
