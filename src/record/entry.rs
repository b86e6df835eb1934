//! What a record says: one struct per kind. Ids are strings and instants RFC 3339, since a reader's JSON may hold
//! numbers as doubles. Names, e-mails and the like never stand here: they go into the personal part.

use serde::Serialize;

use super::bodies;

macro_rules! entries {
    ($($(#[$doc:meta])* $variant:ident = $kind:literal),+ $(,)?) => {
        /// The body of one record.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Entry { $($(#[$doc])* $variant(bodies::$variant)),+ }

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

        $(impl From<bodies::$variant> for Entry {
            fn from(body: bodies::$variant) -> Self { Self::$variant(body) }
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
    /// A credential that Zendesk does not accept.
    CredentialRefused = "credential.refused",
    /// It does again.
    CredentialBack = "credential.back",
    /// Who still holds OAuth tokens.
    TokensHeld = "tokens.seen",
    /// A human commanded a self-test.
    SelftestBegan = "selftest.began",
    /// It ended.
    SelftestFinished = "selftest.finished",
    /// An exception's last day has passed.
    ExceptionExpired = "exception.expired",
    /// A torn last line was cut off.
    TrailCut = "trail.cut",
}
