//! What a record says: one struct per kind. Ids are strings and instants RFC 3339, since a reader's JSON may hold
//! numbers as doubles. Names, e-mails and the like never stand here: they go into the personal part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::bodies::{
    BeltUsed, BudgetBack, BudgetStarved, ChangeTold, Changed, DatabaseUsed, EvidenceBack, EvidenceFell, ExposureSplit,
    HoldDiscarded, HoldExpired, HoldGrew, HoldOpened, HoldReleased, LeverUsed, ListUsed, LookupsChanged, PauseBegan,
    PauseEnded, SERIAL_MAX, SetSigned, SourceBack, SourceLost,
};
use crate::model::Scope;

macro_rules! entries {
    ($($(#[$doc:meta])* $variant:ident = $kind:literal),+ $(,)?) => {
        /// The body of one record.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Entry { $($(#[$doc])* $variant($variant)),+ }

        impl Entry {
            /// Every kind of record.
            pub const KINDS: &[&'static str] = &[$($kind),+];

            /// The word in the record's `kind`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),+ }
            }

            /// Reads the body of a record of this kind; other keys of the line are passed over.
            ///
            /// # Errors
            ///
            /// When the kind is not known or the body does not have its shape.
            pub fn from_line(kind: &str, line: &str) -> Result<Self, String> {
                match kind {
                    $($kind => serde_json::from_str(line).map(Self::$variant).map_err(|error| error.to_string()),)+
                    _ => Err(format!("unknown kind `{kind}`")),
                }
            }
        }

        $(impl From<$variant> for Entry {
            fn from(body: $variant) -> Self { Self::$variant(body) }
        })+
    };
}

entries! {
    /// A process that may act began.
    DaemonStarted = "daemon.started",
    /// It ended of its own accord.
    DaemonStopped = "daemon.stopped",
    /// A configuration came into force.
    ConfigLoaded = "config.loaded",
    /// A policy set came into force.
    PolicyLoaded = "policy.loaded",
    /// What was to come into force and did not, since something in it is broken.
    PolicyRejected = "policy.rejected",
    /// Whose sessions are listed from now on.
    ScopeChanged = "scope.changed",
    /// An offboarding list came to say something else, or can no longer be used, or can again.
    OffboardingChanged = "offboarding.changed",
    /// What named lists in files and place databases say from now on.
    LookupsChanged = "lookups.changed",
    /// A source of sign-ins or of use cannot be relied on any more.
    SourceLost = "source.lost",
    /// It can again.
    SourceBack = "source.back",
    /// There is half as much evidence as usual, or less.
    EvidenceFell = "evidence.fell",
    /// There is more again.
    EvidenceBack = "evidence.back",
    /// The account's requests do not suffice.
    BudgetStarved = "budget.starved",
    /// They do again.
    BudgetBack = "budget.back",
    /// A cycle ended; what it counted.
    CycleFinished = "cycle.finished",
    /// Claims that stand now and did not before.
    ClaimBegan = "claim.began",
    /// Claims that stand otherwise than before.
    ClaimChanged = "claim.changed",
    /// Claims that no longer stand.
    ClaimEnded = "claim.ended",
    /// What is about to be ended, and why. Durable before the request leaves.
    RevocationIntended = "revocation.intended",
    /// What became of it.
    RevocationOutcome = "revocation.outcome",
    /// What the person's listing said afterwards.
    RevocationGraded = "revocation.graded",
    /// Something cleared that was kept after all.
    Withheld = "withheld",
    /// A belt withheld people, and a human is asked.
    HoldOpened = "hold.opened",
    /// More people came under it.
    HoldGrew = "hold.grew",
    /// A human let it go.
    HoldReleased = "hold.released",
    /// A human said no.
    HoldDiscarded = "hold.discarded",
    /// Nobody answered in time.
    HoldExpired = "hold.expired",
    /// A human, or a pause file, stopped everything that ends sessions.
    PauseBegan = "pause.began",
    /// It goes on.
    PauseEnded = "pause.ended",
    /// A human commanded that people's sessions end.
    LeverUsed = "lever.used",
    /// An exception's last day has passed.
    ExceptionExpired = "exception.expired",
    /// A torn last line was cut off.
    TrailCut = "trail.cut",
}

/// A process that may act began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStarted {
    /// The command, such as `apply`.
    pub command: String,
    /// evictd's version.
    pub engine: String,
    /// Process id.
    pub pid: u32,
    /// The Unix user that started it, as number.
    pub by: String,
}

/// A process ended of its own accord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStopped {
    /// Its exit code.
    pub exit: u8,
}

/// A configuration came into force. Its text is in the personal part, once per digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigLoaded {
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    /// What it changes.
    #[serde(flatten)]
    pub changed: Changed,
}

/// A policy set came into force. Its texts are in the personal part, once per digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLoaded {
    /// SHA-256 over all files, hexadecimal.
    pub digest: String,
    /// Ids of the rules that are not off, with their modes.
    pub rules: BTreeMap<String, String>,
    /// Which signed set it is; absent if nobody need have signed it. Who did is in the personal part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SetSigned>,
    /// Fingerprints of the keys whose signatures count, one of each person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// What it changes.
    #[serde(flatten)]
    pub changed: Changed,
}

/// What was to come into force and did not: the last good set stays. What is wrong with it is in the personal part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRejected {
    /// How many errors it has.
    pub errors: usize,
    /// Digest of the policy set that stays in force.
    pub kept: String,
    /// Why it was read: `start` or `reload`. Not `at`: a body must not use a key that every line begins with.
    pub during: String,
}

/// Whose sessions are listed from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChanged {
    /// `staff` or `everyone`.
    pub scope: String,
    /// The word in the configuration: `staff`, `everyone` or `auto`.
    pub configured: String,
}

/// An offboarding list came to say something else. Rows name people, so that only their number stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffboardingChanged {
    /// Its name in the configuration.
    pub list: String,
    /// SHA-256 of the file that is in force, hexadecimal; absent if none ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Rows of that file.
    pub rows: usize,
    /// Of these, rows that wait for `offboard accept`.
    pub pending: usize,
    /// Rows that it has and its predecessor had not.
    pub added: usize,
    /// Rows that its predecessor had and it has not.
    pub removed: usize,
    /// Why its sign is unknown; absent while it can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Who accepted rows that were pending, as `offboard accept` noted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
}

/// A cycle ended; what it counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleFinished {
    /// Zendesk's clock.
    pub now: String,
    /// The account's mode.
    pub mode: String,
    /// Digest of the policy set.
    pub policy: String,
    /// Which signed set that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SetSigned>,
    /// Whether the listing was whole.
    pub complete: bool,
    /// Whom it looked at, if it was a look at these alone: of claims on others it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Vec<String>>,
    /// Sessions listed.
    pub sessions_seen: usize,
    /// People with sessions, by stratum; the roster of belts if `complete` and not a look.
    pub people_seen: BTreeMap<String, usize>,
    /// Zendesk's clock minus the host's, in milliseconds, as text.
    pub clock_offset_ms: String,
    /// Whether Zendesk's and the host's clock agreed; otherwise `now` is not to be believed.
    pub clock_trusted: bool,
    /// Whose sessions were listed: `staff` or `everyone`.
    #[serde(default = "everyone")]
    pub scope: String,
    /// API requests sent.
    pub calls: u64,
    /// Sweeps that the schedule wanted since the last cycle and that found no time.
    #[serde(default)]
    pub missed: u64,
    /// How each offboarding list stands.
    #[serde(default)]
    pub offboarding: Vec<OffboardingChanged>,
    /// The place databases that were asked, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseUsed>,
    /// What each rule found.
    pub rules: Vec<RuleCount>,
    /// How near belts are that count people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub belts: Vec<BeltUsed>,
    /// What could not be decided.
    pub undecided: Vec<UndecidedCount>,
    /// What a reader of the report was warned of.
    pub warnings: Vec<String>,
}

/// The only scope there was before records named it.
fn everyone() -> String {
    Scope::Everyone.word().to_owned()
}

/// What one rule found in one cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// The lower of the account's and the rule's mode.
    pub mode: String,
    /// Its severity.
    pub severity: String,
    /// Sessions it fires on.
    pub fired: usize,
    /// Of these, spared by an exception that says yes.
    pub spared: usize,
    /// Of these, spared by an exception that cannot tell.
    pub spared_by_unknown: usize,
    /// Of these, clear of every belt.
    pub clear: usize,
    /// Of these, withheld by a belt.
    pub withheld: usize,
    /// Sessions it cannot decide.
    pub undecided: usize,
    /// Short digests of what it rests on: rule, lists, places, engine, scope, belts; absent in older records.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basis: String,
}

/// What one rule could not decide for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndecidedCount {
    /// The rule.
    pub rule: String,
    /// The cause.
    pub cause: String,
    /// Sessions.
    pub sessions: usize,
    /// People.
    pub people: usize,
}

/// Claims that stand now and did not before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimBegan {
    /// The claims.
    pub claims: Vec<StandingClaim>,
}

/// Claims that stand otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimChanged {
    /// The claims, as they stand now.
    pub claims: Vec<StandingClaim>,
}

/// Claims that no longer stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimEnded {
    /// Rule and session of each.
    pub claims: Vec<ClaimKey>,
}

/// Which claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimKey {
    /// The rule.
    pub rule: String,
    /// The session.
    pub session: String,
}

/// A fired, unspared claim as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingClaim {
    /// Which claim.
    #[serde(flatten)]
    pub key: ClaimKey,
    /// The person.
    pub user: String,
    /// The person's stratum.
    pub stratum: String,
    /// The lower of the account's and the rule's mode.
    pub mode: String,
    /// What the rule asks for.
    pub action: String,
    /// The rule's severity.
    pub severity: String,
    /// The belt that holds it; absent if it is clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belt: Option<HeldBy>,
    /// The facts that made it fire.
    pub facts: Vec<FactUsed>,
}

/// The belt that holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// Its name.
    pub belt: String,
    /// Its limit, if it counts.
    pub limit: Option<u64>,
    /// What it counted.
    pub count: Option<u64>,
}

/// One fact a claim rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactUsed {
    /// The fact's name.
    pub fact: String,
    /// Where its value came from.
    pub source: String,
    /// When the source said so, on Zendesk's clock.
    pub as_of: String,
    /// How surely it belongs to the session.
    pub strength: String,
    /// The reason in words; absent if it is personal, and then in the personal part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is about to be ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationIntended {
    /// `revoke-session` or `revoke-user`.
    pub action: String,
    /// The sessions that will end: one, or all listed ones of the person.
    pub sessions: Vec<String>,
    /// The person.
    pub user: String,
    /// The person's stratum.
    pub stratum: String,
    /// The rules whose claims were cleared.
    pub rules: Vec<String>,
    /// Zendesk's clock at the read-back.
    pub read_back: String,
    /// Digest of the policy set.
    pub policy: String,
    /// evictd's version.
    pub engine: String,
    /// Of these rules, those that reached too many people, and whose claim went all the same, as the surest of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub core: Vec<String>,
    /// The facts these claims rest on, as read back.
    pub facts: Vec<FactUsed>,
    /// The place databases that were asked, if any of these facts is one of a place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseUsed>,
    /// Who: `policy` for a rule, else the person who pulled a lever.
    pub by: String,
}

/// What became of an intention. One that a cycle found unclear gets a second, outside of any cycle, once it is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationOutcome {
    /// `seq` of the intent; absent where the session was found gone before one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The sessions.
    pub sessions: Vec<String>,
    /// The person.
    pub user: String,
    /// The person's stratum.
    pub stratum: String,
    /// The rules.
    pub rules: Vec<String>,
    /// `revoked`, `already-gone`, `refused` or `unclear`.
    pub outcome: String,
    /// Zendesk's clock at the answer; the read-back's if there was none.
    pub answered_at: String,
    /// What Zendesk or the network said, where it was not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it could be used; absent where no place of it was bad, or it did not end by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<ExposureSplit>,
}

/// What the person's listing said afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationGraded {
    /// The session.
    pub session: String,
    /// The person.
    pub user: String,
    /// `ended`, `still-present` or `unknown`.
    pub grade: String,
}

/// Something the guard had cleared and that was kept after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The session.
    pub session: String,
    /// The person.
    pub user: String,
    /// The rule.
    pub rule: String,
    /// What held it.
    #[serde(flatten)]
    pub held: HeldBy,
    /// Why, in words.
    pub why: String,
}

/// An exception's last day has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionExpired {
    /// The exception.
    pub exception: String,
    /// Its last day.
    pub expires: String,
}

/// A torn last line was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailCut {
    /// The segment.
    pub segment: String,
    /// How many bytes.
    pub bytes: usize,
    /// Their SHA-256, hexadecimal.
    pub sha256: String,
}

/// The key under which a personal reason stands in the personal part of a record about claims.
pub fn reason_key(claim: &ClaimKey, number: usize) -> String {
    format!("{}/{}/{number}", claim.rule, claim.session)
}
