//! Bodies of records that have a file of their own; the others stand in `entry`.

mod belts;
mod changes;
mod exposure;
mod holds;
mod levers;
mod sources;

pub use belts::BeltUsed;
pub use changes::{ChangeTold, Changed, SERIAL_MAX, SetSigned};
pub use exposure::ExposureSplit;
pub use holds::{HoldDiscarded, HoldExpired, HoldGrew, HoldOpened, HoldReleased};
pub use levers::{LeverUsed, PauseBegan, PauseEnded};
pub use sources::{
    BudgetBack, BudgetStarved, DatabaseUsed, EvidenceBack, EvidenceFell, ListUsed, LookupsChanged, SourceBack,
    SourceLost,
};
