//! What the trail says of a cycle: claims as they begin, change and end, intentions, and the closing count.
//!
//! Pure: it makes the records; `trail` writes them. What names a person goes into the personal part.

mod alarms;
mod closing;
mod habits;
mod holds;
mod intent;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::address::{ListNow, ListSource};
use crate::grade::{Return, returns};
use crate::model::{Database, Grade, ListStanding, UserId, Watched};
use crate::plan::grounds_of;
use crate::policy::{Exception, Ground, PolicySet};
use crate::record::{
    ClaimBegan, ClaimChanged, ClaimEnded, ClaimKey, ComeBack, DatabaseUsed, Entry, ExceptionExpired, FactUsed, HeldBy,
    ListUsed, LookupsChanged, OffboardingChanged, RevocationGraded, StandingClaim, TokensHeld, reason_key,
};
use crate::report::{Stages, person_of};
use crate::snapshot::Snapshot;
use alarms::Alarms;

pub use closing::{Effort, finished};
pub use habits::habits;
pub use holds::digest_of;
pub use intent::{Means, ReadBack, Target, intended};

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
    /// How many OAuth tokens the trail last told of people.
    tokens: BTreeMap<UserId, usize>,
    /// Whether whoever belts withhold is no question to anybody.
    asks_nobody: bool,
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

    /// The same where the trail tells how many OAuth tokens people hold.
    #[must_use]
    pub fn holding(self, tokens: BTreeMap<UserId, usize>) -> Self {
        Self { tokens, ..self }
    }

    /// The same, for a cycle whose holds would be no question to anybody.
    #[must_use]
    pub fn asking_nobody(self) -> Self {
        Self { asks_nobody: true, ..self }
    }

    /// Whether the trail tells how many OAuth tokens each of these people holds.
    pub fn knows_tokens_of<'u>(&self, people: impl IntoIterator<Item = &'u UserId>) -> bool {
        people.into_iter().all(|user| self.tokens.contains_key(user))
    }

    /// Who still holds OAuth tokens; and once, who of those who have left holds none.
    fn tell_tokens(&mut self, snapshot: &Snapshot) -> Vec<Told> {
        let Some(seen) = &snapshot.tokens else { return Vec::new() };
        let mut records = Vec::new();
        for (user, tokens) in &seen.held {
            let before = self.tokens.insert(*user, tokens.len());
            if tokens.is_empty() && before == Some(0) && snapshot.listed.contains_key(user) {
                continue;
            }
            let people: Map<String, Value> =
                [(user.to_string(), person_of(snapshot, *user).raw().into())].into_iter().collect();
            let record = TokensHeld::of(&user.to_string(), tokens, seen.as_of);
            records.push(Told { entry: record.into(), personal: Some(json!({ "people": people })) });
        }
        records
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
        if !self.asks_nobody {
            told.extend(holds::tell(stages));
        }
        told.extend(returned(stages));
        told.extend(self.tell_tokens(snapshot));
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

/// Who came back: the second grade of what was ended.
fn returned(stages: Stages<'_>) -> Vec<Told> {
    let told = |one: Return| {
        let user = one.user.to_string();
        let person = person_of(stages.dossier.snapshot(), one.user).raw().to_owned();
        let back = ComeBack {
            rule: one.rule.to_string(),
            session: one.new.to_string(),
            after_ms: one.after.as_millis().to_string(),
        };
        let people: Map<String, Value> = [(user.clone(), person.into())].into_iter().collect();
        let grade = Grade::CameBack.word().to_owned();
        let record = RevocationGraded { session: one.session.to_string(), user, grade, back: Some(back) };
        Told { entry: record.into(), personal: Some(json!({ "people": people })) }
    };
    returns(stages.plan, stages.policies, stages.dossier).into_iter().map(told).collect()
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
