//! Bodies of records that have a file of their own; the others stand in `entry`.

mod come_back;
mod credentials;
mod exposure;
mod holds;
mod selftest;
mod sources;
mod tokens;

pub use come_back::ComeBack;
pub use credentials::{CredentialBack, CredentialRefused};
pub use exposure::ExposureSplit;
pub use holds::{HoldDiscarded, HoldExpired, HoldGrew, HoldOpened, HoldReleased};
pub use selftest::SelftestFinished;
pub use sources::{DatabaseUsed, EvidenceBack, EvidenceFell, ListUsed, LookupsChanged, SourceBack, SourceLost};
pub use tokens::{TokenHeld, TokensHeld};
