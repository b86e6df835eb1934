//! Bodies of records, by what they are about.

mod claims;
mod cycles;
mod holds;
mod levers;
mod loaded;
mod process;
mod revocations;
mod sources;
mod tokens;

pub use claims::*;
pub use cycles::*;
pub use holds::*;
pub use levers::*;
pub use loaded::*;
pub use process::*;
pub use revocations::*;
pub use sources::*;
pub use tokens::*;
